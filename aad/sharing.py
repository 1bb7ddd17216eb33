"""Whether sessions of a plan could work side by side in the project's own folder. Runs none of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from attrs import evolve

from aad.config import WorkspaceSettings
from aad.isolation import choose_isolation
from aad.plan import Plan, PlannedSpec, ReadyQueue

# As if all that name their `paths` shared one: see `_find_pair`.
SAID = frozenset({"paths are named"})


def find_sharing(
    plan: Plan, settings: WorkspaceSettings, *, in_repository: bool, slots: int
) -> tuple[str, str] | None:
    """Return two specs of which nothing keeps the sessions apart, in time or in place; None if all are.

    Two that name their `paths` are kept apart by these: either they exclude each other, or they work on
    different things.
    """
    if slots == 1:
        return None
    at_root = [
        spec_id
        for spec_id in plan.remaining
        if choose_isolation(plan.specs[spec_id].spec, settings, in_repository=in_repository) == "none"
    ]
    pairs = (_find_pair(group) for group in _group(plan, frozenset(at_root)))
    return next((pair for pair in pairs if pair is not None), None)


def _group(plan: Plan, at_root: Collection[str]) -> Iterator[list[PlannedSpec]]:
    """Yield those specs in groups of which none needs another: by how many of them must come before."""
    before: dict[str, int] = {}
    groups: defaultdict[int, list[PlannedSpec]] = defaultdict(list)
    for spec_id in (spec_id for wave in plan.waves for spec_id in wave):
        needed = plan.dependencies(spec_id)
        before[spec_id] = max((before[each] + (each in at_root) for each in needed), default=0)
        if spec_id in at_root:
            groups[before[spec_id]].append(plan.specs[spec_id])
    yield from groups.values()


def _find_pair(group: Iterable[PlannedSpec]) -> tuple[str, str] | None:
    """Return the first two of a group that the scheduler would let run together."""
    queue = ReadyQueue()
    for planned in group:
        queue.add(evolve(planned, excludes=planned.excludes | SAID) if planned.spec.paths else planned)
    while (first := queue.take()) is not None:
        if (second := queue.take()) is not None:
            return first.id, second.id
        # All others exclude it. They may still go with each other.
        queue.release(first)
    return None
