"""What becomes of old runs on the disk: which there are, which go, and that they are gone. Draws nothing.

A run that goes is renamed first, so that it is listed whole or not at all. What a crash leaves of it under
its hidden name is removed the next time.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import evolve, frozen

from aad.cli.snapshot import Brief, read_brief
from aad.config import OrchestratorConfig
from aad.errors import InputError, Problem
from aad.escalationlog import read_escalation, read_escalations
from aad.lock import find_holder
from aad.project import LEFT_OUT, NEWEST, Project, read_start
from aad.retention import Bound, Hold, StoredRun, find_excess
from aad.runlist import list_runs, point_latest
from aad.state import Status

HIDDEN = ".pruned-"
# Why the rest of a run goes whose removal was cut short.
BEGUN = "begun"


@frozen(kw_only=True)
class Pruning:
    """A run that is over a bound, and what is done about it. `why` is the bound, or `begun`.

    `freed` are the bytes that its removal frees, or would; `faults` say what could not be removed.
    """

    run: str
    why: str
    age: float | None = None
    size: int | None = None
    held: Hold | None = None
    freed: int = 0
    faults: tuple[Problem, ...] = ()


def plan_prunings(project: Project, config: OrchestratorConfig, now: float) -> list[Pruning]:
    """Return what is to be pruned, oldest first, as if all of it could be; raises InputError."""
    stored = _list_stored(project, project.places(config.workspace.root), now)
    excess = find_excess(list(stored), config.runs)
    return [*_list_begun(project), *(_plan(over.run, over.bound) for over in excess)]


def _plan(run: StoredRun, bound: Bound) -> Pruning:
    freed = 0 if run.held else run.size or 0
    return Pruning(run=run.id, why=bound, age=run.age, size=run.size, held=run.held, freed=freed)


def prune_runs(project: Project, prunings: Sequence[Pruning]) -> list[Pruning]:
    """Remove the runs that nothing holds, and return what came of all of them."""
    _move_latest(project, {pruning.run for pruning in prunings if pruning.held is None})
    decided = _list_decided(project)
    return [
        _prune_run(project, pruning, decided.get(pruning.run, ())) if pruning.held is None else pruning
        for pruning in prunings
    ]


def _list_stored(project: Project, places: Sequence[Path], now: float) -> Iterator[StoredRun]:
    """Yield the runs, newest first. A folder that is not named as runs are is none of ours."""
    waiting, holder = _find_waiting(project), find_holder(project.state)
    for run_id in list_runs(project.runs):
        start = read_start(run_id)
        if start is None:
            continue
        brief = read_brief(project, run_id)
        held = _find_kept(project.run(run_id), [place / run_id for place in places])
        if run_id in waiting or brief.counts.get(Status.WAITING):
            held = Hold.WAITING
        yield StoredRun(
            id=run_id,
            age=max(0.0, now - _find_last(brief, start)),
            size=_measure(project.run(run_id)),
            held=Hold.UNDER_WAY if run_id == holder else held,
        )


def _find_kept(run: Path, workspaces: Iterable[Path]) -> Hold | None:
    """Return whether a run has something of its sessions that nothing else has."""
    if any(map(_holds_any, workspaces)):
        return Hold.WORKSPACES
    # SPEC/ATTEMPT/left-out
    return Hold.LEFT_OUT if any(map(_holds_any, run.glob(f"*/*/{LEFT_OUT}"))) else None


def _holds_any(folder: Path) -> bool:
    """Tell whether there is anything in a folder; in one that we may not read there is."""
    try:
        return any(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _find_last(brief: Brief, start: float) -> float:
    """Return when a run was last heard of: by its journal, else by its id."""
    if brief.ended is not None:
        return brief.ended
    return start if brief.started is None else brief.started + (brief.duration_s or 0.0)


def _list_begun(project: Project) -> Iterator[Pruning]:
    """Yield the runs whose removal was begun before."""
    for folder in sorted(project.runs.glob(f"{HIDDEN}*")):
        if folder.is_dir() and not folder.is_symlink():
            size = _measure(folder)
            yield Pruning(run=folder.name.removeprefix(HIDDEN), why=BEGUN, size=size, freed=size or 0)


def _find_waiting(project: Project) -> set[str]:
    """Return the ids of the runs with an escalation that nobody has decided yet."""
    escalations = read_escalations(project.escalations)
    return {str(each.get("run_id")) for each in escalations if each.get("state") == "open"}


def _list_decided(project: Project) -> Mapping[str, Sequence[Path]]:
    """Return the files of the escalations that are decided, by run."""
    found: dict[str, list[Path]] = {}
    for path in sorted(project.escalations.glob("*.json")):
        with suppress(InputError):  # no escalation
            # By the file's own name: the id that stands in it may be anything.
            escalation = read_escalation(project.escalations, path.name)
            if escalation.get("state") == "decided":
                found.setdefault(str(escalation.get("run_id")), []).append(path)
    return found


def _move_latest(project: Project, going: set[str]) -> None:
    """Let `runs/latest` name a run that stays."""
    latest = project.runs / NEWEST
    staying = [run for run in list_runs(project.runs) if run not in going]
    if staying and latest.is_symlink() and latest.readlink().name in going:
        point_latest(project.runs, staying[0])


def _prune_run(project: Project, pruning: Pruning, escalations: Sequence[Path]) -> Pruning:
    """Remove a run with its escalations, as far as that goes."""
    hidden = project.runs / f"{HIDDEN}{pruning.run}"
    try:
        if pruning.why != BEGUN:
            project.run(pruning.run).rename(hidden)
    except OSError as error:
        return evolve(pruning, freed=0, faults=(_describe(project, error),))
    # The escalations first: while the folder is there, the next time finds what was left of both.
    faults = [_describe(project, error) for error in (*_remove_files(escalations), *_remove_tree(hidden))]
    if hidden.exists():
        left = _measure(hidden)
        pruning = evolve(pruning, freed=0 if left is None else max(0, pruning.freed - left))
    return evolve(pruning, faults=tuple(faults))


def _describe(project: Project, error: OSError) -> Problem:
    path = project.show(Path(os.fsdecode(error.filename)))
    return Problem("prune_impossible", {"cause": error.strerror}, path)


def _measure(folder: Path) -> int | None:
    """Return the bytes of all files in a folder; None where they cannot be counted."""
    size, folders = 0, [folder]
    try:
        for each in folders:  # it grows while it is walked
            with os.scandir(each) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return None
    return size


def _remove_tree(folder: Path) -> Iterator[OSError]:
    """Remove a folder with all that is in it, and yield what stood in the way."""
    folders, whole = [folder], True
    for each in folders:  # it grows while it is walked: what lies in a folder stands behind it
        for error in _empty(each, folders):
            whole = False
            yield error
    for each in reversed(folders):
        try:
            each.rmdir()
        except OSError as error:
            # Why a folder is not empty has been told.
            if whole or error.errno != errno.ENOTEMPTY:
                whole = False
                yield error


def _empty(folder: Path, folders: list[Path]) -> Iterator[OSError]:
    """Remove the files of a folder, add the folders in it to those known, and yield what stood in the way."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError as error:
        yield error
        return
    folders += (Path(entry.path) for entry in found if entry.is_dir(follow_symlinks=False))
    yield from _remove_files(Path(entry.path) for entry in found if not entry.is_dir(follow_symlinks=False))


def _remove_files(paths: Iterable[Path]) -> Iterator[OSError]:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            yield error
