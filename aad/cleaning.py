"""Removes the workspaces that sessions have left, as far as they are ours and nothing is lost with them.

Ours is what the journal of a run says that a session worked in, or was to: a run may be killed before it
tells. Everything else stays, and is told with the reason. The caller holds the project's lock.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import trio
from attrs import define, field, frozen

from aad import gitlock
from aad.checkout import Checkout, find_entries, list_broken, locate
from aad.errors import InputError, JournalError, Problem
from aad.escalationlog import read_escalations
from aad.events import EscalationKind, WorkspaceReady
from aad.files import remove_tree
from aad.gitcalls import GitError
from aad.journal import read_journal
from aad.leftovers import (
    Leftover,
    holds_files,
    is_locked,
    is_other,
    list_leftovers,
    remove_empty,
)
from aad.lock import find_holder
from aad.mending import mend_repository
from aad.project import Project
from aad.runlist import list_runs
from aad.state import RunState, Session, Status
from aad.unsaved import Inspector, Known, Unsaved, open_inspector
from aad.workspace import find_spec_place
from aad.worktrees import Worktree


class Kept(StrEnum):
    """What keeps a workspace, whatever is in it."""

    FOREIGN = "foreign"
    UNDER_WAY = "under_way"
    WAITING = "waiting"
    DIRECTORY = "directory"
    LOCKED = "locked"
    IMPOSSIBLE = "impossible"


@frozen(kw_only=True)
class Cleaning:
    """What became of a workspace: it is gone, or kept for a reason. `fault` says what stood in the way."""

    leftover: Leftover
    kept: Kept | Unsaved | None = None
    fault: Problem | None = None


@frozen(kw_only=True)
class Record:
    """What a run's journal tells: its state, and by spec which workspace was the last to be ready."""

    state: RunState
    ready: Mapping[str, WorkspaceReady]

    def find_session(self, run: str, spec: str) -> Session:
        """Return the session of a spec, also of one that left the run."""
        return self.state.sessions.get(f"{run}/{spec}") or self.state.removed[spec]


def clean_workspaces(
    project: Project, root: str, environ: Mapping[str, str], *, dry_run: bool
) -> list[Cleaning]:
    """Remove what may go, and return what came of everything there is; a dry run changes nothing.

    `root` is where the settings want workspaces. Raises InputError where the repository cannot be mended.
    """
    checkout = _find_checkout(project, environ)
    # Where no run ever wrote, there is nothing of ours to mend.
    if checkout is not None and not dry_run and (checkout.common / gitlock.NAME).exists():
        _mend(project, checkout, root)
    cleaner = Cleaner(project=project, checkout=checkout, dry_run=dry_run, asked=_find_asked(project))
    leftovers = list_leftovers(project, root, None if checkout is None else checkout.common)
    found = trio.run(cleaner.clean, leftovers, environ)
    if not dry_run:
        remove_empty(project.places(root))
    return found


@define(eq=False, kw_only=True)
class Cleaner:
    """Judges one workspace after the other, and removes it at once if it may go.

    `asked` are the runs and specs with a question that nobody has answered.
    """

    project: Project
    checkout: Checkout | None
    dry_run: bool
    asked: frozenset[tuple[str, str]]
    _records: dict[str, Record | None] = field(factory=dict, init=False)

    async def clean(self, leftovers: Sequence[Leftover], environ: Mapping[str, str]) -> list[Cleaning]:
        """Return what became of workspaces; raises OSError."""
        if self.checkout is None:
            return [await self._clean_one(each, None) for each in leftovers]
        with open_inspector(self.checkout, environ) as inspector:
            return [await self._clean_one(each, inspector) for each in leftovers]

    async def _clean_one(self, leftover: Leftover, inspector: Inspector | None) -> Cleaning:
        try:
            kept = await self._judge(leftover, inspector)
            if kept is None and not self.dry_run:
                await _remove(leftover.path, inspector)
        except (OSError, GitError) as error:
            problem = Problem(
                "clean_impossible", {"cause": _say_why(error)}, self.project.show(leftover.path)
            )
            return Cleaning(leftover=leftover, kept=Kept.IMPOSSIBLE, fault=problem)
        return Cleaning(leftover=leftover, kept=kept)

    async def _judge(self, leftover: Leftover, inspector: Inspector | None) -> Kept | Unsaved | None:
        """Return what keeps a workspace, None for nothing; raises GitError, OSError."""
        run, spec = leftover.run, leftover.spec
        if run is None or spec is None or is_other(leftover.path):
            return Kept.FOREIGN
        # Before its journal: a run that goes on is making some that it has not told of yet.
        if run == find_holder(self.project.state):
            return Kept.UNDER_WAY
        record = self._read_record(run)
        if record is None or not self._is_ours(leftover.path, spec, record):
            return Kept.FOREIGN
        if (run, spec) in self.asked or record.find_session(run, spec).status is Status.WAITING:
            return Kept.WAITING
        ready = record.ready.get(spec)
        if ready is not None and ready.isolation != "worktree":
            return Kept.DIRECTORY
        return await self._look_into(leftover.path, spec, record, inspector)

    def _is_ours(self, path: Path, spec: str, record: Record) -> bool:
        """Tell whether a session worked in a folder, or below it as the project lies below the top."""
        ready = record.ready.get(spec)
        if ready is None:  # its run ended while the folder was being made
            return spec in record.state.planned
        below = "" if self.checkout is None else self.checkout.prefix
        return ready.workspace in (str(path), str(path / below))

    async def _look_into(
        self, path: Path, spec: str, record: Record, inspector: Inspector | None
    ) -> Kept | Unsaved | None:
        if inspector is None:
            return Unsaved.UNKNOWN if holds_files(path) else None
        entries = find_entries(inspector.repository.common, path)
        if any(is_locked(entry) for entry in entries):
            return Kept.LOCKED
        ready = record.ready.get(spec)
        worktree = await inspector.worktrees.find(path, record.state.base if ready is None else ready.base)
        known = self._know(worktree, spec, record)
        if worktree is not None:
            return await inspector.find_unsaved(worktree, known)
        return Unsaved.UNKNOWN if holds_files(path) else await inspector.find_lost_head(entries, known)

    def _know(self, worktree: Worktree | None, spec: str, record: Record) -> Known:
        run = record.state.run
        session = record.find_session(run, spec)
        refs = [f"refs/aad/{run}/{spec}"]
        if session.branch:
            refs.append(f"refs/heads/{session.branch}")
        return Known(
            refs=refs,
            without=[] if worktree is None else [*self._find_own_spec(worktree, spec, record)],
            unbegun="" if spec in record.ready else run,
        )

    def _find_own_spec(self, worktree: Worktree, spec: str, record: Record) -> Iterator[str]:
        """Yield where the run's own copy of the spec file lies, if it is just as the project's."""
        entry = record.state.planned.get(spec)
        if entry is None or entry.path is None or self.checkout is None:
            return
        source = (self.project.root / entry.path).absolute()
        below = Path(self.checkout.prefix) / find_spec_place(source, self.project)
        with suppress(OSError):  # one of them is not there: then nothing is passed over
            if (worktree.path / below).read_bytes() == source.read_bytes():
                yield below.as_posix()

    def _read_record(self, run: str) -> Record | None:
        """Return what a run's journal tells, None where it cannot be read."""
        if run not in self._records:
            self._records[run] = _read_record(self.project, run)
        return self._records[run]


def _read_record(project: Project, run: str) -> Record | None:
    state = RunState(run=run)
    ready: dict[str, WorkspaceReady] = {}
    try:
        for event in read_journal(project.journal(run)):
            state.apply(event)
            if isinstance(event, WorkspaceReady):
                ready[event.spec] = event
    except JournalError:
        return None
    return Record(state=state, ready=ready)


def _find_asked(project: Project) -> frozenset[tuple[str, str]]:
    return frozenset(
        (str(each.get("run_id")), str(each.get("spec_id")))
        for each in read_escalations(project.escalations)
        if each.get("state") == "open" and each.get("kind") == EscalationKind.QUESTION
    )


def _find_checkout(project: Project, environ: Mapping[str, str]) -> Checkout | None:
    """Return the checkout around a project, None where there is none or no git."""
    try:
        top, prefix, common = locate(project.root, environ)
    except (GitError, InputError):
        return None
    return Checkout(top=top, prefix=prefix, common=common, base="", branch=None)


def _mend(project: Project, checkout: Checkout, root: str) -> None:
    """Mend what killed runs left half-made, whichever run it was."""
    try:
        specs = _list_specs(project) if any(list_broken(checkout.common)) else set()
        mend_repository(checkout.common, project.places(root), specs, run="")
    except (GitError, OSError) as error:
        raise InputError(Problem("git_failed", {"told": error}, str(project.root))) from error


def _list_specs(project: Project) -> set[str]:
    """Return the ids of the specs that any journal knows of."""
    records = (_read_record(project, run) for run in list_runs(project.runs))
    return {spec for record in records if record is not None for spec in record.state.planned}


def _say_why(error: OSError | GitError) -> str:
    told = error.strerror if isinstance(error, OSError) else None
    return told or str(error)


async def _remove(path: Path, inspector: Inspector | None) -> None:
    if inspector is None:
        await trio.to_thread.run_sync(remove_tree, path)
    else:
        await inspector.worktrees.remove(path)
