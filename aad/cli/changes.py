"""What became of the specs of a run since it planned them: edited, gone, drafts, in need of more.

A run that goes on asks before it mixes the old and the new. What it completed is not asked about.
"""

from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

from aad.errors import Problem
from aad.events import PlanEntry
from aad.loader import Catalogue
from aad.spec import Spec, SpecStatus
from aad.state import RunState


@frozen(kw_only=True)
class Changes:
    """What changed: `notes` tell it, each at its place, and `drafts` are those of them that name drafts.

    `removed` are the ids of what is gone, `needed` those outside of the run that an edited spec depends on.
    """

    run: str
    notes: tuple[Problem, ...] = ()
    drafts: tuple[Problem, ...] = ()
    removed: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()

    def report(self, *, accepted: bool, faults: Iterable[Problem] = ()) -> tuple[Problem, ...]:
        """Return what changed, what else is at fault, and what comes of it; nothing where nothing changed."""
        if not self.notes:
            return ()
        others = (fault for fault in faults if fault not in self.notes)
        key = "resumed_changes_accepted" if accepted else "resumed_changes_open"
        return (*self.notes, *others, Problem(key, {"run": self.run}))


def find_changes(entries: Sequence[PlanEntry], catalogue: Catalogue, state: RunState) -> Changes:
    """Return what became of specs that a run planned and did not complete."""
    pairs = [(entry, spec) for entry in entries if (spec := catalogue.find(entry.id)) is not None]
    drafts = [
        Problem("resumed_spec_draft", _name(entry, state), spec.path, 1)
        for entry, spec in pairs
        if spec.status is SpecStatus.DRAFT and entry.status != SpecStatus.DRAFT
    ]
    edits = (note for entry, spec in pairs for note in _compare(entry, spec, catalogue, state))
    gone = _list_gone(entries, catalogue)
    losses = (Problem("resumed_spec_gone", _name(entry, state), entry.path) for entry in gone)
    return Changes(
        run=state.run,
        notes=tuple(sorted((*edits, *drafts, *losses), key=lambda note: (note.path or "", note.line or 0))),
        drafts=tuple(drafts),
        removed=tuple(entry.id for entry in gone),
        needed=tuple(needed for pair in pairs for needed in _list_new(*pair) if needed not in state.planned),
    )


def _list_gone(entries: Sequence[PlanEntry], catalogue: Catalogue) -> list[PlanEntry]:
    # A file that cannot be understood is there, and says itself what is wrong with it.
    faulty = {problem.path for problem in catalogue.problems}
    return [entry for entry in entries if catalogue.find(entry.id) is None and entry.path not in faulty]


def _compare(entry: PlanEntry, spec: Spec, catalogue: Catalogue, state: RunState) -> Iterator[Problem]:
    """Yield what was edited in a spec, and what else of it matters to the plan."""
    if not _is_edited(entry, spec):
        return
    fields = _name(entry, state)
    yield Problem("resumed_spec_edited", fields, spec.path, 1)
    for needed in _list_new(entry, spec):
        key = "resumed_spec_rewired" if needed in state.planned else "resumed_spec_needs"
        yield Problem(key, {**fields, "needed": needed}, spec.path, catalogue.find_line(spec, needed))


def _list_new(entry: PlanEntry, spec: Spec) -> list[str]:
    """Return what a spec depends on now and did not when it was planned."""
    # What a plan waived its entries do not name: only a file that was edited can have a new dependency.
    known = entry.depends_on if _is_edited(entry, spec) else spec.depends_on
    return [needed for needed in spec.depends_on if needed not in known]


def _is_edited(entry: PlanEntry, spec: Spec) -> bool:
    return bool(spec.digest) and spec.digest != entry.hash


def _name(entry: PlanEntry, state: RunState) -> dict[str, object]:
    return {"spec": entry.id, "run": state.run}
