"""Runs as their journals tell of them, over or not. Draws nothing.

A journal that ends without `run_finished` may be that of a run that goes on, or of one that was killed: the
project's lock tells which.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import define, field, frozen

from aad import codec
from aad.decisions import find_decision
from aad.display.decisions import list_open, recall_decisions
from aad.errors import JournalError, Problem
from aad.events import EscalationDecided, Event, RunFinished, RunStarted
from aad.journal import read_journal
from aad.lock import find_holder
from aad.project import Project
from aad.report import elapsed_time, running_time
from aad.state import RunState, Session, Status

INTERRUPTED, UNREADABLE = "interrupted", "unreadable"

# What stands in the line with which a run goes on.
_RESUMED = b'"resumed":true'


@frozen
class Snapshot:
    """What is known of a run at a moment: the present, or its last word where it was cut off.

    `decisions` are those of its newest segment, by escalation.
    """

    state: RunState
    now: float
    decisions: Mapping[str, EscalationDecided] = field(factory=dict)


@frozen(kw_only=True)
class Brief:
    """A run in a line. `counts` are its sessions by status; None where the journal does not tell."""

    run: str
    status: str
    started: float | None = None
    ended: float | None = None
    duration_s: float | None = None
    exit_code: int | None = None
    counts: Mapping[str, int] = field(factory=dict)


def is_under_way(project: Project, run_id: str) -> bool:
    """Tell whether some process carries out a run at this moment."""
    return find_holder(project.state) == run_id


def read_run(project: Project, run_id: str) -> Snapshot:
    """Return what is known of a run; raises JournalError."""
    # Looked at first: a run that ends meanwhile says so in its journal.
    under_way = is_under_way(project, run_id)
    state, last = RunState(run=run_id), 0.0
    decisions: dict[str, EscalationDecided] = {}
    for event in read_journal(project.journal(run_id)):
        state.apply(event)
        last = event.ts
        match event:
            case RunStarted():
                decisions = recall_decisions(state)
            case EscalationDecided():
                decisions[event.escalation] = event
    if state.exit_code is not None:
        return Snapshot(state, time.time(), decisions)
    if not under_way:
        _cut_off(state, last)
        return Snapshot(state, last, decisions)
    # Of a run that stands still time stands still, too.
    now = time.time() if state.paused is None else state.paused
    state.duration_s = elapsed_time(state, now)
    return Snapshot(state, now, decisions)


def hear_decisions(project: Project, state: RunState) -> None:
    """Let the state of a run know what was decided from elsewhere, and no event tells yet."""
    for raised in list_open(state):
        found = find_decision(project.escalations, raised.escalation)
        if found is not None:
            state.session(raised.spec).decided = EscalationDecided(
                spec=raised.spec, escalation=raised.escalation, action=found.action, by=found.by
            )


def _cut_off(state: RunState, last: float) -> None:
    """Let the state say what no event could: that the run was ended before its sessions were."""
    state.status = INTERRUPTED
    state.duration_s = 0.0 if state.started is None else max(0.0, last - state.started)
    for session in state.sessions.values():
        if session.status is Status.RUNNING:
            _cut_off_session(session, last)


def _cut_off_session(session: Session, last: float) -> None:
    session.duration_s = running_time(session, last)
    session.status, session.eta_s, session.pid = Status.CANCELLED, None, None


def read_brief(project: Project, run_id: str) -> Brief:
    """Return a run in a line. Of one that went from start to end, two lines of the journal are decoded."""
    first, last = _read_ends(project.journal(run_id))
    if isinstance(first, RunStarted) and isinstance(last, RunFinished):
        return Brief(
            run=run_id,
            status=last.status,
            started=first.ts,
            ended=last.ts,
            duration_s=last.duration_s,
            exit_code=last.exit_code,
            counts=last.counts,
        )
    try:
        state = read_run(project, run_id).state
    except JournalError:
        # One damaged journal must not hide the other runs; `aad status RUN` says what is wrong with it.
        return Brief(run=run_id, status=UNREADABLE)
    counts = {str(status): count for status, count in state.count().items()}
    return Brief(
        run=run_id,
        status=state.status,
        started=state.started,
        ended=state.ended,
        duration_s=state.duration_s,
        exit_code=state.exit_code,
        counts=counts,
    )


def _read_ends(path: Path) -> tuple[Event | None, Event | None]:
    """Return the first and the last event of a run in one piece; of one that was resumed, nothing."""
    try:
        data = path.read_bytes()
    except OSError:
        return None, None
    if _RESUMED in data:
        return None, None
    return _decode(data[: data.find(b"\n") + 1]), _decode(data.rstrip(b"\n").rpartition(b"\n")[2] + b"\n")


def _decode(line: bytes) -> Event | None:
    try:
        return codec.decode(line)
    except ValueError:
        return None


@define
class JournalTail:
    """A journal that is being written, read on from where the last look at it ended."""

    path: Path
    _offset: int = field(default=0, init=False)

    def read_on(self) -> Iterator[Event]:
        """Yield the events that came since; raises JournalError."""
        for line in self._read().splitlines(keepends=True):
            try:
                event = codec.make_event(codec.unseal(line))
            except ValueError:
                # Half a line: its writer is at it, or was killed and goes on from the line before.
                return
            self._offset += len(line)
            if event is not None:
                yield event

    def _read(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                return file.read()
        except OSError as error:
            problem = Problem("journal_unreadable", {"cause": error.strerror}, path=str(self.path))
            raise JournalError(problem) from error
