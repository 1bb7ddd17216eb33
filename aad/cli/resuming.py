"""What is left of a run that goes on: the specs of all its plans, as their files say now. Runs nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import evolve, frozen

from aad.cli.console import Console
from aad.cli.planning import Wish, choose_specs, fill_in, find_faults, plan_selection, tell_drafts
from aad.errors import InputError, Problem
from aad.events import PlanEntry
from aad.journal import find_run, replay
from aad.loader import Catalogue, load_specs
from aad.plan import Plan
from aad.selection import Selection, select
from aad.spec import Spec, SpecStatus
from aad.state import RunState


@frozen
class Resumption:
    """The specs of a run that goes on. Of those that are left, `changed` say something else than before."""

    run: str
    selection: Selection
    changed: tuple[str, ...]

    def tell(self, console: Console) -> None:
        """Name the specs whose files have changed."""
        if self.changed:
            fields = {"names": ", ".join(self.changed), "run": self.run}
            console.err.write(console.text("resumed_specs_changed", fields) + "\n")


def choose_resumed(console: Console, wish: Wish, state: RunState) -> Resumption:
    """Return what a run goes on with; raises InputError for all that keeps it from it."""
    entries = [state.planned[spec_id] for spec_id in sorted(state.planned)]
    catalogue = _load(console, wish, entries, state)
    left = [entry for entry in entries if entry.id not in state.completed]
    problems = [problem for entry in left for problem in _find_faults(entry, catalogue, wish, state)]
    if problems:
        raise InputError((*catalogue.problems, *problems))
    wanted = [entry.id for entry in entries if catalogue.find(entry.id) is not None]
    selection = select(
        catalogue,
        wanted,
        with_dependencies=False,
        allow_draft=True,
        find_faults=lambda specs: find_faults(
            console, catalogue, [spec for spec in specs if spec.id not in state.completed]
        ),
    )
    added = frozenset(entry.id for entry in entries if entry.added)
    changed = [entry.id for entry in left if _is_changed(entry, catalogue.find(entry.id))]
    return Resumption(state.run, fill_in(console, evolve(selection, added=added)), tuple(changed))


def plan_resumed(console: Console, wish: Wish, resume: str) -> Plan:
    """Return what would still be run of a run, which may be under way: its journal is only read."""
    state = replay(console.project.journal(find_run(console.project.runs, resume)))
    if wish.says_which:
        selection = choose_specs(console, wish)
        tell_drafts(console, selection)
    else:
        resumption = choose_resumed(console, wish, state)
        resumption.tell(console)
        selection = resumption.selection
    return plan_selection(console, selection, completed=state.completed)


def _load(console: Console, wish: Wish, entries: list[PlanEntry], state: RunState) -> Catalogue:
    left = [entry for entry in entries if entry.id not in state.completed]
    folders = [wish.specs_dir] if wish.specs_dir is not None else _find_folders(console, left or entries)
    return load_specs(
        console.project,
        specs_dir=folders[0] if folders else None,
        others=folders[1:],
        config=console.config,
        wanted=[entry.id for entry in entries],
    )


def _find_folders(console: Console, entries: Iterable[PlanEntry]) -> list[Path]:
    """Return the folders that hold the specs, first the one from which most of them were selected."""
    folders: Counter[Path] = Counter()
    for entry in entries:
        if entry.path is not None:
            folders[console.project.root / Path(entry.path).parent] += 0 if entry.added else 1
    return [folder for folder, _ in folders.most_common() if folder.is_dir()]


def _find_faults(entry: PlanEntry, catalogue: Catalogue, wish: Wish, state: RunState) -> Iterator[Problem]:
    """Yield what keeps one spec that is not complete from being run as part of its run."""
    spec, fields = catalogue.find(entry.id), {"spec": entry.id, "run": state.run}
    if spec is None:
        yield Problem("resumed_spec_gone", fields, path=entry.path)
        return
    became_draft = spec.status is SpecStatus.DRAFT and entry.status != SpecStatus.DRAFT
    if became_draft and not wish.allow_draft:
        yield Problem("resumed_spec_draft", fields, spec.path, 1)
    if _is_changed(entry, spec):
        for needed in spec.depends_on:
            if needed not in entry.depends_on:
                key = "resumed_spec_rewired" if needed in state.planned else "resumed_spec_needs"
                line = catalogue.find_line(spec, needed)
                yield Problem(key, {**fields, "needed": needed}, spec.path, line)


def _is_changed(entry: PlanEntry, spec: Spec | None) -> bool:
    # What a plan waived its entries do not name: only a file that changed can have a new dependency.
    return spec is not None and bool(spec.digest) and spec.digest != entry.hash
