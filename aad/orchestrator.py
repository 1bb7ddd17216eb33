"""Assembles a run: specs become a plan, the plan becomes sessions, and one nursery holds them all.

The command line and embedders hold the same `Orchestrator`. It decides nothing by itself: order is the
scheduler's, limits the monitor's, decisions the parent session's, facts the record's.
"""

import math
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from aad.checkout import Checkout
from aad.childhandle import RunChild
from aad.config import OrchestratorConfig
from aad.descriptors import count_affordable, read_limit
from aad.display.base import Display
from aad.durability import CallSync, sync_aside
from aad.elsewhere import Elsewhere
from aad.ending import Ending, judge_run
from aad.errors import InputError, Problem
from aad.escalation import Handler
from aad.escalationlog import Decision, EscalationLog
from aad.events import (
    EscalationKind,
    EscalationLevel,
    Event,
    Failure,
    Pause,
    Paused,
    Reason,
    Resumed,
    SessionId,
    SessionSkipped,
)
from aad.graph import DependencyGraph
from aad.history import read_durations
from aad.household import Household
from aad.janitor import HURRIED
from aad.lonesessions import LoneSessions
from aad.monitor import Monitor
from aad.news import mask_news
from aad.office import Office, make_notifications
from aad.plan import Plan, make_plan
from aad.project import Project, find_project, new_run_id
from aad.record import RunRecord
from aad.redaction import make_redactor
from aad.registry import Registry, Run
from aad.scheduler import Scheduler
from aad.sessionfactory import SessionFactory
from aad.slot import Slot as AnySlot
from aad.spec import Spec
from aad.state import FINAL, RunState, Session, Status

# Seconds that the journal of a run that is over may take to the disk.
LAST_SYNC = 10.0


class Orchestrator:
    """Runs specs as supervised sessions, in dependency order and side by side.

    `root` is the project's folder (default: the project around the current folder). `escalation_handler` is
    asked before policy decides; it returns a `Decision`, or None to leave it to policy. `resume` names a
    run that goes on: what it completed is not run again.

    Use it as `async with open_orchestrator(…)`, which takes the project's lock at once and frees it in the
    end. Used by itself it takes the lock when the first event is recorded, and `close` frees it.
    """

    def __init__(
        self,
        config: OrchestratorConfig | None = None,
        *,
        root: Path | str | None = None,
        escalation_handler: Handler | None = None,
        resume: str | None = None,
        environ: Mapping[str, str] | None = None,
        run_child: RunChild | None = None,
        sync: CallSync = sync_aside,
    ) -> None:
        self.config = OrchestratorConfig() if config is None else config
        self.project: Project = find_project() if root is None else Project(Path(root).absolute())
        self.run_id = resume or new_run_id()
        self.ending = Ending()
        self._environ = dict(os.environ if environ is None else environ)
        self._registry = Registry(self.project, self.config)
        self._redactor = make_redactor(self.config, self._environ)
        self._slots = min(self.config.orchestrator.slots, count_affordable(read_limit()))
        self._limiter = trio.CapacityLimiter(self._slots)
        self._record = RunRecord(
            project=self.project,
            run=self.run_id,
            redactor=self._redactor,
            lost=self._lose_record,
            sync=sync,
        )
        self.household = Household(self.project, run_child)
        self._monitor = Monitor(
            interval=self.config.orchestrator.monitor_interval, ticked=self._record.tick, woke=self._wake
        )
        # What takes questions to people, and waits for them.
        self.office = Office(
            project=self.project,
            settings=self.config.escalation,
            emit=self._emit,
            abort=self._abort,
            handler=escalation_handler,
            redact=self._redactor.redact,
            notifications=make_notifications(
                self.config, self.project, self._environ, self.household.run_child
            ),
            is_hopeless=lambda: self._scheduler is not None and self._scheduler.stopped,
        )
        self._lone = LoneSessions(self._limiter, self._note_lone)
        self._factory = SessionFactory(
            config=self.config,
            registry=self._registry,
            record=self._record,
            parent=self.office.parent,
            monitor=self._monitor,
            emit=self._emit,
            environ=self._environ,
            run_child=self.household.run_child,
        )
        self._under_way: set[str] = set()
        self._elsewhere = Elsewhere(
            emit=self._emit,
            escalate=self.escalate,
            policy=lambda spec_id: self._factory.policy(self._registry.specs[spec_id]),
        )
        self._plan: Plan | None = None
        self._scheduler: Scheduler | None = None
        self._scope = trio.CancelScope()
        self._began = time.monotonic()
        if resume is not None:
            self._open(resume=True)

    # What is known.

    @property
    def state(self) -> RunState:
        """All that is known of the run: a fold over its events."""
        return self._record.state

    @property
    def sessions(self) -> dict[SessionId, Session]:
        """The sessions of the run by their ids, `<run>/<spec>`."""
        return self.state.sessions

    @property
    def dependency_graph(self) -> DependencyGraph:
        """Which registered spec needs which."""
        return self._registry.graph

    @property
    def checkout(self) -> Checkout | None:
        """The checkout that worktrees are made from; None until `make_plan`, and where there are none."""
        return self._factory.checkout

    def events(self) -> AsyncIterator[Event]:
        """Return an async iterator over all events from now to the end of the run.

        What is not taken is kept in memory, so that a slow reader never holds up the run.
        """
        return self._record.subscribe()

    def attach(self, display: Display, *, output: bool = False) -> None:
        """Show all events to a display, and with `output` each line that children write."""
        self._record.attach(display, output=output)

    def decide(self, escalation_id: str, decision: Decision) -> None:
        """Decide about an escalation that waits for a person; raises InputError where it does not.

        Also one that the run was parked with: `run` goes on with it.
        """
        self.office.parent.decide(escalation_id, decision)

    @property
    def open_escalations(self) -> list[EscalationLog]:
        """What waits for a person, the oldest first."""
        return self.office.parent.list_open()

    # What is to be run.

    def register_spec(
        self,
        spec: Spec | str,
        *,
        run: Run | None = None,
        depends_on: Iterable[str] = (),
        title: str = "",
    ) -> SessionId:
        """Register a spec, by value or by id, and return the id of its session.

        `run` is an async callable, which gets a `ChildSession`; a shell line; or an argv. Without it the spec
        says itself what to run: a `Spec`, or the project's spec file of that id. Raises InputError for an id
        that is unsafe or registered already, for faults in the spec files, and while `run` is going on.
        """
        self._refuse_latecomers()
        return self._note(self._registry.register(spec, run=run, depends_on=depends_on, title=title))

    def register_specs(self, specs: Iterable[Spec], *, added: Iterable[str] = ()) -> list[SessionId]:
        """Register specs read from files. `added` names those that were taken in for others' sake.

        What they need outside of them and of what is registered was met or waived by who selected them.
        """
        self._refuse_latecomers()
        return [self._note(spec) for spec in self._registry.register_many(specs, added=added)]

    def _refuse_latecomers(self) -> None:
        if self._scheduler is not None:
            raise InputError(Problem("registered_too_late"))

    def _note(self, spec: Spec) -> SessionId:
        session = self.state.session(spec.id)
        session.title = spec.title
        return session.id

    def make_plan(self) -> Plan:
        """Return the plan for all registered specs; raises InputError with every fault found."""
        if problems := tuple(self._registry.find_problems()):
            raise InputError(problems)
        self._factory.inspect()
        return make_plan(
            self._registry.specs.values(),
            done=self.state.completed,
            added=self._registry.added,
            durations=read_durations(self.project.runs),
            slots=self._slots,
            agent=self.config.agent.kind,
        )

    # The run.

    def open(self) -> None:
        """Take the project's lock and the run's journal; raises InputError, LockedError, JournalError."""
        if not self._record.is_open:
            self._open()

    def _open(self, *, resume: bool = False) -> None:
        """Take lock and journal, end what a killed run left, and get the keepers ready."""
        self._record.open(resume=resume)
        self.household.open()
        if resume:
            mask_news(self.project.run(self.run_id), self._redactor)
        self.household.prepare()

    def close(self) -> None:
        """Free the lock and the journal; a run of single sessions is concluded first."""
        if self._record.under_way:
            self.ending.finished = not (self.ending.interrupted or self.ending.aborted)
            self._conclude(time.monotonic() - self._began)
        self.household.close()
        self._record.close()

    async def run(self, plan: Plan | None = None) -> RunState:
        """Run all registered specs to their ends and return what is known then.

        `plan` is what `make_plan` returned, where the caller has looked at it before.
        Whatever happens, each session that began gets its one final event and no process is left. Raises
        InputError before anything is started, JournalError where the journal could not be written to the end.
        """
        if self._plan is not None:  # run again
            self.ending, self._scope = Ending(), trio.CancelScope()
        self._plan = plan = plan or self.make_plan()
        self._factory.prepare(plan)
        self._begin()
        self._emit(plan.to_event())
        began = trio.current_time()
        limit = self.config.orchestrator.run_timeout or math.inf
        try:
            with trio.move_on_after(limit) as deadline, self._scope:
                self.office.bound(deadline)
                await self._carry_out(plan)
            self.ending.overdue = deadline.cancelled_caught
            self.ending.finished = not self._scope.cancelled_caught and not deadline.cancelled_caught
        except Exception:
            self.ending.crashed = True
            raise
        finally:
            self._conclude(trio.current_time() - began)
            with trio.move_on_after(LAST_SYNC, shield=True):
                await self._record.durable()
        if self._record.trouble is not None:
            raise self._record.trouble
        return self.state

    async def _carry_out(self, plan: Plan) -> None:
        self._scheduler = scheduler = Scheduler(
            plan=plan,
            run_one=lambda planned, slot: self._run_session(planned.id, slot),
            status_of=lambda spec_id: self.state.session(spec_id).status,
            skip=self._skip,
            is_waived=lambda spec_id: self.state.session(spec_id).waived,
            stood_still=self.office.note,
            limiter=self._limiter,
            schedule=self.config.orchestrator.schedule,
            fail_fast=self.config.orchestrator.fail_fast,
        )
        for session in list(self.sessions.values()):
            if session.dropped:
                scheduler.leave_out(session.spec_id)
        async with self._serve(), trio.open_nursery() as nursery:
            nursery.start_soon(self._monitor.loop, name="monitor")
            await scheduler.run()
            nursery.cancel_scope.cancel()

    def cancel(self, *, signal: int | None = None) -> None:
        """End the run in order: children get SIGTERM and their grace. `signal` is the one that asked."""
        self.ending.interrupted = True
        self.ending.signal = self.ending.signal or signal
        self._cancel_all()

    def time_left(self) -> dict[str, float]:
        """Return the seconds to the limit of each session that runs, by spec."""
        return self._monitor.time_left()

    def pause(self) -> None:
        """Stop all children until `resume`: for who is about to be stopped."""
        if not self._record.under_way:
            return
        self.household.stop()
        self._emit(Paused())
        self._record.flush()

    def resume(self, pause: float) -> None:
        """Let all children go on, so many seconds after `pause`, which no clock has counted."""
        if not self._record.under_way:
            return
        self.household.go_on()
        self._emit(Resumed(pause_s=round(pause, 3), cause=Pause.STOPPED))

    def _wake(self, slept: float) -> None:
        self._emit(Resumed(pause_s=round(slept, 3), cause=Pause.SLEPT))

    def kill(self) -> None:
        """End all children at once, without grace."""
        self.household.kill()
        self._monitor.kill()

    def _abort(self) -> None:
        self.ending.aborted = True
        self._cancel_all()

    def _lose_record(self) -> None:
        self.ending.record_lost = True
        self._cancel_all()

    def _cancel_all(self) -> None:
        self._scope.cancel()
        self._lone.cancel()

    def _conclude(self, duration: float) -> None:
        """Give what was never started its final event, then the run. Synchronous: nothing cuts it short."""
        self._scheduler = None
        if not self.ending.finished:
            for session in self.sessions.values():
                if session.status is Status.PENDING:
                    self._skip(session.spec_id, None)
        status, exit_code = judge_run(self.ending, self.state)
        self._record.finish(status=status, exit_code=exit_code, duration=duration, signal=self.ending.signal)

    # What sessions need of the run.

    def _begin(self) -> None:
        """Record that the run begins, unless that is recorded."""
        self.open()
        if not self._record.under_way:
            self._began = time.monotonic()
            self._factory.mend()
            settings = self.config.orchestrator
            self._record.start(
                jobs=self._slots,
                schedule=settings.schedule,
                swept=self.household.swept.ended,
                stuck=self.household.swept.left,
                base=self._factory.base,
                onto=self._factory.onto,
            )

    def _emit(self, event: Event) -> None:
        if not self._record.is_open:
            self._begin()
        self._record.emit(event)

    @asynccontextmanager
    async def _serve(self) -> AsyncIterator[None]:
        """Serve the sessions that run inside the block: take their escalations, let displays speak."""
        if self.office.is_open:
            yield
            return
        async with trio.open_nursery() as nursery:
            # Whoever ends a run, and may have to wait for its children, is told of each that has ended.
            speaking = trio.CancelScope(shield=True)
            nursery.start_soon(self._record.flush_each_turn, speaking, name="displays")
            await nursery.start(self._factory.janitor.serve)
            try:
                async with self.office.serve():
                    yield
                self._factory.janitor.finish()
            finally:
                speaking.cancel()
                self._factory.janitor.finish(HURRIED)
            nursery.cancel_scope.cancel()

    async def _run_session(self, spec_id: str, slot: AnySlot) -> None:
        session = self._factory.make(spec_id, slot)
        self._under_way.add(spec_id)
        try:
            await session.run()
        finally:
            slot.go_on()
            slot.release()
            self._under_way.discard(spec_id)

    def _skip(self, spec_id: str, blocked_by: str | None) -> None:
        reason = Reason.INTERRUPTED if blocked_by is None else Reason.BLOCKED
        culprit = blocked_by or (self._scheduler and self._scheduler.stopped_by)
        failure = Failure(reason=reason, blocked_by=(culprit,) if culprit else ())
        self._emit(SessionSkipped(spec=spec_id, attempt=0, failure=failure))

    # For those who drive sessions themselves.

    async def start_session(
        self, session_id: SessionId, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run one session to its end, once a slot is free; `await nursery.start(…)` returns as it begins.

        Its dependencies are the caller's business, and limits hold while `monitor_loop` runs beside it.
        """
        session = self._find_idle(session_id)
        self._begin()
        try:
            with self._lone.begin() as slot:
                async with self._serve():
                    await slot.acquire()
                    task_status.started()
                    await self._run_session(session.spec_id, slot)
        finally:
            self._record.flush()

    def _note_lone(self, waits: bool) -> None:  # noqa: FBT001 - it is what is noted
        if self._scheduler is None:
            self.office.note(waits)

    async def monitor_loop(self) -> None:
        """Check all running sessions every `monitor_interval`, until cancelled. `run` does so itself."""
        await self._monitor.loop()

    def escalate(
        self,
        session_id: SessionId,
        reason: str,
        level: EscalationLevel = EscalationLevel.ERROR,
        *,
        kind: EscalationKind = EscalationKind.FAILED,
    ) -> EscalationLog:
        """Raise something about a session to the parent session; a critical one ends the run."""
        session = self._find_session(session_id)
        blocks = self._registry.find_blocked(session.spec_id)
        return self.office.parent.raise_nowait(
            EscalationLog.about(session, level=level, kind=kind, reason=reason, blocks=blocks)
        )

    def on_session_completed(self, session_id: SessionId) -> None:
        """Take note that a session which the caller carried out is complete; its dependents may start."""
        session = self._find_idle(session_id)
        self._elsewhere.complete(session)
        self._note_ended(session)

    def on_session_failed(self, session_id: SessionId, error: BaseException | str) -> bool:
        """Take note that a session which the caller carried out has failed; True: try it again."""
        session = self._find_idle(session_id)
        again = self._elsewhere.fail(session, error)
        if not again:
            self._note_ended(session)
        return again

    def _note_ended(self, session: Session) -> None:
        if self._scheduler is not None:
            self._scheduler.note_ended(session.spec_id)

    def _find_session(self, session_id: SessionId) -> Session:
        session = self.sessions.get(session_id)
        if session is not None and session.spec_id in self._registry.specs:
            return session
        raise InputError(Problem("session_unknown", {"session": session_id}))

    def _find_idle(self, session_id: SessionId) -> Session:
        """Return a session that is nobody's business but the caller's."""
        session = self._find_session(session_id)
        if session.spec_id in self._under_way:
            raise InputError(Problem("session_under_way", {"session": session_id}))
        if session.status in FINAL:
            raise InputError(Problem("session_over", {"session": session_id, "status": session.status}))
        return session
