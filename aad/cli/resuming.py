"""What is left of a run that goes on: the specs of all its plans, as their files say now. Runs nothing.

What the run completed its journal knows, whatever became of the files. Where the others are not what the run
planned any more, somebody has to agree before old and new are mixed.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from attrs import evolve, frozen

from aad.cli.changes import Changes, find_changes
from aad.cli.console import Console
from aad.cli.planning import (
    Wish,
    choose_among,
    fill_in,
    find_faults,
    load_wished,
    plan_selection,
    tell_drafts,
)
from aad.cli.question import ask
from aad.errors import InputError, NothingMatchedError, Problem
from aad.events import PlanEntry
from aad.journal import replay
from aad.loader import Catalogue, load_specs
from aad.plan import Plan
from aad.runlist import find_run
from aad.selection import Selection, select
from aad.spec import Spec, SpecStatus
from aad.state import RunState


@frozen
class Resumption:
    """The specs with which a run goes on, and what changed of them since it planned them."""

    selection: Selection
    changes: Changes


def choose_resumed(console: Console, wish: Wish, state: RunState) -> Resumption:
    """Return what a run goes on with; raises InputError for all that keeps it from it.

    Changes do not keep it from it, for somebody may agree to them; beside other faults they are named too.
    """
    if wish.says_which:
        return _choose_wished(console, wish, state)
    if not state.planned:
        raise InputError(Problem("resumed_nothing_planned", {"run": state.run}))
    left = _list_left(state)
    catalogue = _load_left(console, wish, left, state)
    changes = find_changes(left, catalogue, state)
    if all(catalogue.find(spec_id) is None for spec_id in state.planned):
        raise InputError((*changes.notes, Problem("resumed_none_left", {"run": state.run})))
    try:
        selection = _select_left(console, wish, catalogue, changes=changes, state=state)
    except InputError as error:
        if wish.accept_changes or not changes.notes:
            raise
        raise InputError(changes.report(accepted=False, faults=error.problems)) from error
    return Resumption(selection, changes)


def settle_changes(console: Console, changes: Changes, *, accepted: bool, may_ask: bool, quiet: bool) -> None:
    """Return if the run may go on with its changes; raises InputError, and KeyboardInterrupt for ^C."""
    report = changes.report(accepted=accepted)
    if accepted and not quiet:
        _tell(console, report)
    if accepted or not report:
        return
    if not may_ask:
        raise InputError(report)
    _tell(console, changes.notes)
    if not ask(console, "resumed_changes_question"):
        raise InputError(report[-1])


def plan_resumed(console: Console, wish: Wish, resume: str) -> Plan:
    """Return what would still be run of a run, which may be under way: its journal is only read."""
    state = replay(console.project.journal(find_run(console.project.runs, resume)))
    resumption = choose_resumed(console, wish, state)
    tell_drafts(console, resumption.selection)
    _tell(console, resumption.changes.report(accepted=wish.accept_changes))
    return plan_selection(console, resumption.selection, completed=state.completed)


def _tell(console: Console, notes: Iterable[Problem]) -> None:
    for note in notes:
        console.err.write(note.render(console.lang) + "\n")


def _choose_wished(console: Console, wish: Wish, state: RunState) -> Resumption:
    """Return the part of a run that was named; the rest of it is left alone."""
    catalogue = load_wished(console, wish, known=_recall_completed(state))
    selection = choose_among(console, wish, catalogue)
    chosen = {spec.id for spec in selection.specs}
    asked = [
        entry
        for entry in _list_left(state)
        if entry.id in chosen or (wish.everything and _is_lost(console, entry))
    ]
    return Resumption(selection, find_changes(asked, catalogue, state))


def _list_left(state: RunState) -> list[PlanEntry]:
    """Return what the run planned and did not complete."""
    return [state.planned[spec_id] for spec_id in sorted(state.planned.keys() - state.completed)]


def _recall_completed(state: RunState) -> list[Spec]:
    """Return what the run completed, as it was planned then."""
    return [
        Spec(
            id=entry.id,
            title=entry.title,
            status=SpecStatus.COMPLETE,
            depends_on=entry.depends_on,
            agent=entry.agent,
            path=entry.path,
            digest=entry.hash,
        )
        for entry in state.planned.values()
        if entry.id in state.completed
    ]


def _is_lost(console: Console, entry: PlanEntry) -> bool:
    return entry.path is not None and not (console.project.root / entry.path).exists()


def _load_left(console: Console, wish: Wish, left: list[PlanEntry], state: RunState) -> Catalogue:
    known = _recall_completed(state)
    if not left:
        return Catalogue(specs={spec.id: spec for spec in known})
    folders = [wish.specs_dir] if wish.specs_dir is not None else _find_folders(console, left)
    try:
        return load_specs(
            console.project,
            specs_dir=folders[0] if folders else None,
            others=folders[1:],
            config=console.config,
            wanted=[entry.id for entry in left],
            known=known,
        )
    except NothingMatchedError:
        # An empty folder: each spec that is gone from it is a change of its own.
        return Catalogue(specs={})


def _find_folders(console: Console, entries: Iterable[PlanEntry]) -> list[Path]:
    """Return the folders that hold the specs, first the one from which most of them were selected.

    Where none holds any more, the first of them is returned, for others to say what is wrong with it.
    """
    counts: Counter[Path] = Counter()
    for entry in entries:
        if entry.path is not None:
            counts[console.project.root / Path(entry.path).parent] += 0 if entry.added else 1
    folders = [folder for folder, _ in counts.most_common()]
    return [folder for folder in folders if any(folder.glob("*.md"))] or folders[:1]


def _select_left(
    console: Console, wish: Wish, catalogue: Catalogue, *, changes: Changes, state: RunState
) -> Selection:
    """Return the specs of a run that are there, and those that it needs now; raises InputError."""
    needed = _find_all_needed(changes.needed, catalogue, state) if wish.with_dependencies else []
    refused = () if wish.allow_draft else (*changes.drafts, *_name_drafts(needed))
    there = [spec_id for spec_id in sorted(state.planned) if catalogue.find(spec_id) is not None]
    selection = select(
        catalogue,
        [*there, *(spec.id for spec in needed)],
        with_dependencies=False,
        # Drafts among them were planned as such.
        allow_draft=True,
        find_faults=lambda specs: [*refused, *find_faults(console, catalogue, specs)],
    )
    added = frozenset(entry.id for entry in state.planned.values() if entry.added)
    return fill_in(console, evolve(selection, added=added.union(spec.id for spec in needed)))


def _find_all_needed(spec_ids: Iterable[str], catalogue: Catalogue, state: RunState) -> list[Spec]:
    """Return specs that are no part of the run, and what they need in turn."""
    found: dict[str, Spec] = {}
    waiting = list(spec_ids)
    while waiting:
        spec = catalogue.find(waiting.pop())
        if spec is None or spec.id in found or spec.id in state.planned:
            continue
        found[spec.id] = spec
        if spec.status is not SpecStatus.COMPLETE:
            waiting += spec.depends_on
    return list(found.values())


def _name_drafts(specs: Iterable[Spec]) -> list[Problem]:
    return [
        Problem("select_draft", {"id": spec.id}, spec.path, 1)
        for spec in specs
        if spec.status is SpecStatus.DRAFT
    ]
