"""What a run is going to do: the specs in waves, their order, and how long that may take.

Knows neither files nor tasks. The scheduler asks it which of the ready specs goes next (`ReadyQueue`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from heapq import heappop, heappush
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from aad.graph import DependencyGraph
from aad.spec import Spec, SpecStatus

if TYPE_CHECKING:
    from aad.events import PlanEntry, PlanMade

NO_DURATIONS: Mapping[str, float] = MappingProxyType({})

SortKey = tuple[int, float, str]


@frozen(kw_only=True)
class PlannedSpec:
    """One spec in a plan. Dependencies outside the plan are met or waived, and not named here.

    `weight` is the work it is taken to be and `rank` that of the longest chain of specs which it opens, its
    own included and what is done left out; both only order. `estimate` is in seconds, and known from past
    runs or the spec's own `estimate` alone. Two specs that share a name in `excludes` never run together.
    """

    spec: Spec
    wave: int
    done: bool
    added: bool
    agent: str
    weight: float
    rank: float
    estimate: float | None
    depends_on: tuple[str, ...]
    dependents: tuple[str, ...]
    excludes: frozenset[str]

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def sort_key(self) -> SortKey:
        """What goes first among ready specs: the user's wish, the longest remaining path, the smaller id."""
        return (-self.spec.priority, -self.rank, self.id)

    def to_entry(self) -> "PlanEntry":
        # Here, not above: events cost more to load than all else that a drawn plan needs.
        from aad.events import PlanEntry

        status = SpecStatus.COMPLETE if self.done else self.spec.status
        return PlanEntry(
            id=self.id,
            title=self.spec.title,
            path=self.spec.path,
            status=status.value,
            depends_on=self.depends_on,
            wave=self.wave,
            agent=self.agent,
            estimate_s=self.estimate,
            added=self.added,
            hash=self.spec.digest,
        )


@frozen(kw_only=True)
class Plan:
    """What a run is going to do.

    `waves` hold all specs, `order` the waves of what is left to run. `estimate` are the seconds that the run
    may take, without those specs of which nothing is known; `None` if nothing is known of any. `removed` are
    the ids that leave a run which goes on.
    """

    specs: Mapping[str, PlannedSpec]
    waves: tuple[tuple[str, ...], ...]
    order: tuple[tuple[str, ...], ...]
    estimate: float | None
    removed: tuple[str, ...] = ()

    @property
    def remaining(self) -> tuple[str, ...]:
        """The ids of what is left to run, by waves."""
        return tuple(spec_id for wave in self.order for spec_id in wave)

    @property
    def unestimated(self) -> tuple[str, ...]:
        """The ids of what is left to run, and takes nobody knows how long."""
        return tuple(spec_id for spec_id in self.remaining if self.specs[spec_id].estimate is None)

    @property
    def added(self) -> tuple[str, ...]:
        """The ids of what nobody selected, but is needed, in their order."""
        return tuple(sorted(spec_id for spec_id, planned in self.specs.items() if planned.added))

    def dependencies(self, spec_id: str) -> tuple[str, ...]:
        """Return what a spec depends on directly, within the plan."""
        return self.specs[spec_id].depends_on

    def dependents(self, spec_id: str) -> tuple[str, ...]:
        """Return what depends on a spec directly, within the plan."""
        return self.specs[spec_id].dependents

    def to_event(self) -> "PlanMade":
        from aad.events import PlanMade

        entries = (self.specs[spec_id].to_entry() for wave in self.waves for spec_id in wave)
        return PlanMade(
            specs=tuple(entries),
            waves=self.waves,
            order=self.order,
            estimate_s=self.estimate,
            removed=self.removed,
        )


def find_median(values: Iterable[float]) -> float:
    """Return the median of one or more numbers."""
    # Not by `statistics`: it loads fractions and decimals, and plans start fast.
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


@define
class ReadyQueue:
    """The specs whose dependencies are met: says which goes next, and never two that exclude each other.

    A spec that finds a resource taken waits in that resource's own queue, and only the first of such a
    queue is looked at when the resource is freed: 10,000 specs that share one path cost no more than others.
    """

    _ready: list[tuple[SortKey, PlannedSpec]] = field(factory=list, init=False)
    _taken: set[str] = field(factory=set, init=False)
    _waiting: dict[str, list[tuple[SortKey, PlannedSpec]]] = field(factory=dict, init=False)

    def add(self, planned: PlannedSpec) -> None:
        heappush(self._ready, (planned.sort_key, planned))

    def take(self) -> PlannedSpec | None:
        """Return the spec that goes next and take what it excludes, until `release`; None if none can run."""
        while self._ready:
            row = heappop(self._ready)
            planned = row[1]
            taken = self._taken & planned.excludes
            if not taken:
                self._taken |= planned.excludes
                return planned
            heappush(self._waiting.setdefault(min(taken), []), row)
            # It was looked at for a resource that it now leaves free: the next in that queue may want it.
            self._wake(planned.excludes - taken)
        return None

    def release(self, planned: PlannedSpec) -> None:
        """Free what a spec that was taken excludes."""
        self._taken -= planned.excludes
        self._wake(planned.excludes)

    def _wake(self, resources: Iterable[str]) -> None:
        for resource in resources:
            if waiting := self._waiting.get(resource):
                heappush(self._ready, heappop(waiting))


def make_plan(
    specs: Iterable[Spec],
    *,
    done: Collection[str] = (),
    added: Collection[str] = (),
    durations: Mapping[str, float] = NO_DURATIONS,
    slots: int,
    agent: str = "command",
) -> Plan:
    """Return the plan for the given specs; raises CycleError.

    `done` are not run (nor are those complete by their own word), `added` were taken in for others' sake;
    `durations` are the seconds of past runs, `slots` how many run at once, `agent` runs what names none.

    >>> specs = [Spec(id="A", estimate=60), Spec(id="B", estimate=90, depends_on=["A"])]
    >>> plan = make_plan(specs, slots=2)
    >>> plan.waves, plan.estimate
    ((('A',), ('B',)), 150.0)
    """
    by_id = {spec.id: spec for spec in specs}
    graph = _make_graph(by_id)
    waves = graph.waves()
    complete = {spec.id for spec in by_id.values() if spec.status is SpecStatus.COMPLETE}
    remaining = by_id.keys() - complete.union(done)
    estimates = _collect_estimates(by_id, durations)
    weights = _weigh(by_id, estimates)
    ranks = _rank(graph, waves, weights=weights, remaining=remaining)
    excludes = _collect_excludes(by_id, remaining)
    planned = {
        spec_id: PlannedSpec(
            spec=by_id[spec_id],
            wave=number,
            done=spec_id not in remaining,
            added=spec_id in added and spec_id in remaining,
            agent=_choose_agent(by_id[spec_id], agent),
            weight=weights[spec_id],
            rank=ranks[spec_id],
            estimate=estimates.get(spec_id),
            depends_on=tuple(needed for needed in by_id[spec_id].depends_on if needed in by_id),
            dependents=tuple(sorted(graph.dependents(spec_id))),
            excludes=excludes[spec_id],
        )
        for number, wave in enumerate(waves)
        for spec_id in wave
    }
    return _assemble(planned, waves, slots)


def _assemble(planned: Mapping[str, PlannedSpec], waves: Sequence[Sequence[str]], slots: int) -> Plan:
    left = (tuple(spec_id for spec_id in wave if not planned[spec_id].done) for wave in waves)
    known = any(each.estimate is not None for each in planned.values() if not each.done)
    return Plan(
        specs=planned,
        waves=tuple(map(tuple, waves)),
        order=tuple(filter(None, left)),
        estimate=_simulate(planned, slots) if known else None,
    )


def _make_graph(by_id: Mapping[str, Spec]) -> DependencyGraph:
    graph = DependencyGraph()
    for spec in by_id.values():
        graph.add_spec(spec.id)
        for needed in spec.depends_on:
            if needed in by_id:
                graph.add_dependency(spec.id, needed)
    return graph


def _choose_agent(spec: Spec, usual: str) -> str:
    """Return who runs a spec: its own `run` is a command's."""
    return spec.agent or ("command" if spec.run is not None else usual)


def _collect_estimates(by_id: Mapping[str, Spec], durations: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds that are fit for an ETA: what a spec took before, else what it says itself."""
    known = {spec_id: durations.get(spec_id, spec.estimate) for spec_id, spec in by_id.items()}
    return {spec_id: seconds for spec_id, seconds in known.items() if seconds is not None}


def _weigh(by_id: Mapping[str, Spec], estimates: Mapping[str, float]) -> dict[str, float]:
    """Return each spec's weight, all on one scale.

    Seconds where they are known. Rough weights have no unit (hours of people, sizes, points): they are
    scaled so that the middle one of them equals the middle one of the seconds. What says nothing of itself
    counts as the middle one of all the others, and where nothing is known at all, as one hop.
    """
    rough = {spec.id: spec.weight for spec in by_id.values() if spec.weight is not None}
    scale = 1.0
    if estimates and rough:
        scale = find_median(estimates.values()) / (find_median(rough.values()) or 1.0)
    weights = {spec_id: weight * scale for spec_id, weight in rough.items()} | dict(estimates)
    usual = find_median(weights.values()) if weights else 1.0
    return {spec_id: weights.get(spec_id, usual) for spec_id in by_id}


def _rank(
    graph: DependencyGraph,
    waves: Sequence[Sequence[str]],
    *,
    weights: Mapping[str, float],
    remaining: AbstractSet[str],
) -> dict[str, float]:
    """Return the longest remaining path from each spec on; what is done ends a path, and has none."""
    ranks = dict.fromkeys(weights, 0.0)
    for wave in reversed(waves):
        for spec_id in remaining & set(wave):
            after = max((ranks[dependent] for dependent in graph.dependents(spec_id)), default=0.0)
            ranks[spec_id] = weights[spec_id] + after
    return ranks


def _collect_excludes(by_id: Mapping[str, Spec], remaining: AbstractSet[str]) -> dict[str, frozenset[str]]:
    """Return the names of what each spec must have for itself: a path, or a pair of specs in conflict."""
    names: dict[str, set[str]] = {spec.id: {f"path:{path}" for path in spec.paths} for spec in by_id.values()}
    for spec in by_id.values():
        for other in spec.conflicts_with:
            if other != spec.id and {spec.id, other} <= remaining:
                pair = "conflict:" + " ".join(sorted((spec.id, other)))
                names[spec.id].add(pair)
                names[other].add(pair)
    return {spec_id: frozenset(each) for spec_id, each in names.items()}


def _simulate(specs: Mapping[str, PlannedSpec], slots: int) -> float:
    """Return the seconds until all is done; a spec of which nothing is known takes no time."""
    remaining = [planned for planned in specs.values() if not planned.done]
    unmet = {each.id: sum(not specs[needed].done for needed in each.depends_on) for each in remaining}
    queue = ReadyQueue()
    for spec_id in [spec_id for spec_id, count in unmet.items() if count == 0]:
        queue.add(specs[spec_id])
    now, running = 0.0, list[tuple[float, str]]()
    while True:
        while len(running) < slots and (planned := queue.take()) is not None:
            heappush(running, (now + (planned.estimate or 0.0), planned.id))
        if not running:
            return now
        now, ended = heappop(running)
        queue.release(specs[ended])
        for spec_id in _free(specs[ended].dependents, unmet):
            queue.add(specs[spec_id])


def _free(dependents: Iterable[str], unmet: dict[str, int]) -> list[str]:
    """Count one dependency of each dependent as met, and return those that wait for none any more."""
    waiting = [spec_id for spec_id in dependents if spec_id in unmet]
    for spec_id in waiting:
        unmet[spec_id] -= 1
    return [spec_id for spec_id in waiting if unmet[spec_id] == 0]
