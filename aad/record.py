"""What happened, written down: journal first, then the state, then everybody who listens.

One synchronous function records an event, and in Trio nothing comes between its lines: so all see the same
events in the same order, and nothing depends on what the journal does not have.
"""

import logging
import math
import os
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial

import trio
from attrs import define, evolve, field

from aad.display.base import Display
from aad.durability import CallSync, GroupCommit, sync_aside
from aad.errors import InputError, JournalError, Problem
from aad.events import (
    EscalationDecided,
    EscalationRaised,
    Event,
    Failure,
    Integrated,
    Leaked,
    LeftOut,
    PlanMade,
    RetryScheduled,
    RolledBack,
    RunFinished,
    RunStarted,
    SessionEnded,
    SessionOutput,
    SessionProgress,
    SessionWaiting,
)
from aad.files import write_whole
from aad.journal import Journal
from aad.lock import hold_lock
from aad.project import Project
from aad.redact import Redactor
from aad.redaction import mask_titles
from aad.report import dump_summary
from aad.runlist import point_latest
from aad.state import RunState
from aad.version import __version__

logger = logging.getLogger("aad")


@define(eq=False, kw_only=True)
class RunRecord:
    """The record of one run. Nothing touches the disk before `open`.

    `lost` is called once if the journal can no longer be kept; events still reach state and listeners.
    """

    project: Project
    run: str
    redactor: Redactor = field(factory=lambda: Redactor(()))
    lost: Callable[[], None] = lambda: None
    # Calls the journal's sync, which may take long.
    sync: CallSync = sync_aside
    state: RunState = field(init=False)
    trouble: JournalError | None = field(default=None, init=False)
    _dirty: trio.Event = field(factory=trio.Event, init=False)
    resumed: bool = field(default=False, init=False)
    # A start was recorded here and no end yet; the state may still speak of a run that died.
    under_way: bool = field(default=False, init=False)
    _journal: Journal | None = field(default=None, init=False)
    _commit: GroupCommit = field(init=False)
    _displays: list[Display] = field(factory=list, init=False)
    _output_displays: list[Display] = field(factory=list, init=False)
    _listeners: list[trio.MemorySendChannel[Event]] = field(factory=list, init=False)
    _stack: ExitStack = field(factory=ExitStack, init=False)

    def __attrs_post_init__(self) -> None:
        self.state = RunState(run=self.run)

    @property
    def is_open(self) -> bool:
        return self._journal is not None

    def open(self, *, resume: bool = False) -> None:
        """Take the project's lock and the run's journal; raises InputError, LockedError, JournalError."""
        try:
            self.project.prepare(hidden=True)
        except OSError as error:
            taken = error.filename if isinstance(error, FileExistsError) else self.project.folder
            problem = Problem("run_folder_unwritable", {"why": error.strerror}, path=str(taken))
            raise InputError(problem) from error
        with ExitStack() as stack:
            stack.enter_context(hold_lock(self.project.state, self.run))
            path = self.project.journal(self.run)
            if resume:
                self._journal, events = Journal.resume(path)
                for event in events:
                    self.state.apply(event)
            else:
                self._journal = Journal.create(path)
            stack.callback(self._journal.close)
            self._commit = GroupCommit(partial(self.sync, self._journal.sync))
            point_latest(self.project.runs, self.run)
            self.resumed = resume
            self._stack = stack.pop_all()

    def start(
        self,
        *,
        jobs: int,
        schedule: str,
        swept: tuple[str, ...] = (),
        stuck: tuple[str, ...] = (),
        base: str = "",
        onto: str = "",
    ) -> None:
        """Record that the run begins, or goes on."""
        self.emit(
            RunStarted(
                pid=os.getpid(),
                version=__version__,
                jobs=jobs,
                schedule=schedule,
                resumed=self.resumed,
                swept=swept,
                stuck=stuck,
                base=base,
                onto=onto,
            )
        )

    def finish(self, *, status: str, exit_code: int, duration: float, signal: int | None) -> None:
        """Record that the run is over, and write its summary."""
        self.emit(
            RunFinished(
                status=status,
                exit_code=exit_code,
                duration_s=round(duration, 3),
                counts={str(status): count for status, count in sorted(self.state.count().items())},
                signal=signal,
            )
        )
        self.flush()
        self._write_summary()

    def emit(self, event: Event) -> None:
        """Record one event. Raises IllegalTransitionError before anything is written."""
        event = redact_event(self.redactor, evolve(event, ts=time.time(), run=self.run))
        self.state.check(event)
        event = self._append(event)
        self.state.apply(event)
        if isinstance(event, RunStarted | RunFinished):
            self.under_way = isinstance(event, RunStarted)
        self._show(event, self._displays)
        self._publish(event)

    async def durable(self) -> None:
        """Return once all that was recorded before is on the disk itself; also where the journal is lost."""
        if self._journal is None or self.trouble is not None:
            return
        try:
            await self._commit.reach(self._journal.seq)
        except JournalError as error:
            self._lose(error)

    def tell(self, output: SessionOutput) -> None:
        """Show a line of output to those who want it; the log file is its record."""
        self._show(evolve(output, ts=time.time(), run=self.run), self._output_displays)

    def attach(self, display: Display, *, output: bool = False) -> None:
        """Show every event to a display from now on, and the children's `output` if it wants that."""
        self._displays.append(display)
        if output:
            self._output_displays.append(display)

    @property
    def wants_output(self) -> bool:
        return bool(self._output_displays)

    def subscribe(self) -> trio.MemoryReceiveChannel[Event]:
        """Return an async iterator over all events from now to the end of the run."""
        send, receive = trio.open_memory_channel[Event](math.inf)
        self._listeners.append(send)
        return receive

    async def flush_each_turn(self, scope: trio.CancelScope) -> None:
        """Flush once per turn of the event loop, so that what starts together is told together.

        It goes on until `scope` is cancelled.
        """
        with scope:
            while True:
                await self._dirty.wait()
                self._dirty = trio.Event()
                await trio.lowlevel.checkpoint()
                self.flush()

    def flush(self) -> None:
        for display in self._displays:
            display.flush()

    def tick(self) -> None:
        """Speak of time to the displays, and see whether the journal is still there."""
        self._check()
        now = time.time()
        for display in self._displays:
            display.tick(now)

    def close(self) -> None:
        """Free the lock and the journal; what comes later is not recorded."""
        for display in self._displays:
            display.close()
        self._close_listeners()
        self._stack.close()
        self._journal = None

    def _write_summary(self) -> None:
        """Write the summary for people and tools. The journal has the same facts: its loss is no failure."""
        path = self.project.summary(self.run)
        try:
            write_whole(path, dump_summary(self.state))
        except OSError as error:
            logger.warning("%s cannot be written: %s", path, error.strerror)

    def _append(self, event: Event) -> Event:
        if self._journal is None or self.trouble is not None:
            return event
        try:
            return self._journal.append(event)
        except JournalError as error:
            self._lose(error)
            return event

    def _check(self) -> None:
        if self._journal is None or self.trouble is not None:
            return
        try:
            self._journal.check()
        except JournalError as error:
            self._lose(error)

    def _lose(self, error: JournalError) -> None:
        # Who records or looks is in the middle of something: the run ends in order instead of here. Another
        # loss may have come first, while a sync was under way.
        if self.trouble is None:
            self.trouble = error
            self.lost()

    def _show(self, event: Event, displays: list[Display]) -> None:
        for display in displays:
            display.show(event)
        self._dirty.set()

    def _publish(self, event: Event) -> None:
        for listener in list(self._listeners):
            with suppress(trio.BrokenResourceError):  # nobody iterates any more
                listener.send_nowait(event)
        if isinstance(event, RunFinished):
            self._close_listeners()

    def _close_listeners(self) -> None:
        while self._listeners:
            self._listeners.pop().close()


def redact_event(redactor: Redactor, event: Event) -> Event:
    """Return an event with the secrets in what it says masked; ids and our own paths stay as they are."""
    match event:
        case PlanMade(specs=specs):
            return evolve(event, specs=mask_titles(redactor, specs))
        case SessionEnded(failure=Failure() as failure) | RetryScheduled(failure=Failure() as failure):
            return evolve(event, failure=_redact_failure(redactor, failure))
        case EscalationRaised(message=message, failure=found):
            failure_masked = found and _redact_failure(redactor, found)
            return evolve(event, message=redactor.redact(message), failure=failure_masked)
        case Leaked(message=words, processes=names):
            return evolve(event, message=redactor.redact(words), processes=tuple(map(redactor.redact, names)))
        case SessionProgress(message=str() as words) | SessionWaiting(message=words):
            return evolve(event, message=redactor.redact(words))
        case Integrated(left_out=(_, *_) as left) | RolledBack(left_out=(_, *_) as left):
            return evolve(event, left_out=_redact_paths(redactor, left))
        case EscalationDecided(message=str() as words) | SessionOutput(message=words):
            return evolve(event, message=redactor.redact(words))
    return event


def _redact_failure(redactor: Redactor, failure: Failure) -> Failure:
    return evolve(
        failure,
        message=redactor.redact(failure.message),
        log_tail=tuple(map(redactor.redact, failure.log_tail)),
        files=tuple(map(redactor.redact, failure.files)),
    )


def _redact_paths(redactor: Redactor, left_out: tuple[LeftOut, ...]) -> tuple[LeftOut, ...]:
    return tuple(evolve(left, path=redactor.redact(left.path)) for left in left_out)
