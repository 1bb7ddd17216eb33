"""One session: attempts until exactly one final event. Knows nothing of other sessions.

An attempt that failed goes up to the parent session, whose decision says whether another follows. The slot is
given back as soon as the attempt is over, and asked for again before the next.
"""

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Protocol

import trio
from attrs import define, evolve, field, frozen

from aad.agents.base import Outcome, Verdict, failed
from aad.attempt import Attempt
from aad.display.failures import describe_failure
from aad.escalationlog import Decision, EscalationLog
from aad.events import (
    PERSON,
    Action,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Event,
    Failure,
    Integrated,
    Leaked,
    Question,
    Reason,
    RetryScheduled,
    RolledBack,
    SessionCancelled,
    SessionCompleted,
    SessionEnded,
    SessionFailed,
    SessionProgress,
    SessionSkipped,
    SessionStarted,
    SessionTimedOut,
    SessionWaiting,
    Usage,
)
from aad.feedback import End, describe_end
from aad.gitcalls import GitError
from aad.integration import ConflictError
from aad.news import Progress, Trouble
from aad.process import SpawnError, explain_os_error
from aad.retry import RetryPolicy
from aad.spec import Spec
from aad.state import FINAL, Session, Status
from aad.workspace import Workspace

KINDS = {
    Reason.TIMED_OUT: EscalationKind.TIMED_OUT,
    Reason.STALLED: EscalationKind.STALLED,
    Reason.VERIFY_FAILED: EscalationKind.VERIFY_FAILED,
    Reason.SPAWN_FAILED: EscalationKind.SPAWN_FAILED,
    Reason.CONFLICT: EscalationKind.CONFLICT,
}
ENDS: dict[Reason, type[SessionEnded]] = {Reason.TIMED_OUT: SessionTimedOut, Reason.STALLED: SessionTimedOut}

NO_PROGRESS = "no progress: the attempt ended as the one before, with the same files"

# Seconds at most to the next try when no descriptor, process or memory is to be had; doubled each time.
SCARCE_DELAY = 0.1
SCARCE_MOST = 1.0
# Seconds that the work of an attempt may take to be put aside, while a run that was told to end waits for it.
SAVE_LIMIT = 30.0


class Slot(Protocol):
    """A session's place among those that run."""

    def release(self) -> None:
        """Give it back; harmless where none is held."""

    async def acquire(self, *, after: float = 0.0) -> bool:
        """Get it again, in `after` seconds at the earliest; False if nothing more is to be started."""

    def wait(self) -> None:
        """Give it back and wait for a person."""

    def go_on(self) -> None:
        """Wait for a person no longer; harmless where it did not."""


class Waiter(Protocol):
    """Who waits for a decision."""

    def wait(self, log: EscalationLog) -> None:
        """Hear that it is left to people: may take long."""

    def go_on(self) -> None:
        """Hear that it is decided."""


class Parent(Protocol):
    """The parent session, as seen from below."""

    def raise_nowait(self, log: EscalationLog) -> EscalationLog:
        """Raise what nobody waits for."""

    def announce(self, log: EscalationLog) -> EscalationLog:
        """Record what needs a decision; returns it with its id. `settle` comes next."""

    async def settle(self, log: EscalationLog, waiter: Waiter, *, recalled: bool = False) -> Decision | None:
        """Wait for the decision; None where nobody decides in this run."""

    def restate(self, log: EscalationLog, decision: Decision) -> None:
        """Write down once more what was decided in an earlier run."""

    def recall(self, log: EscalationLog) -> Decision | None:
        """Return what a person has decided since about a failure that an earlier run left undecided."""


class Watcher(Protocol):
    """Who looks at running attempts."""

    def watch(self, attempt: Attempt) -> AbstractContextManager[None]:
        """Watch an attempt while the block lasts."""


@frozen(kw_only=True)
class Crew:
    """Those whom every session of a run works with.

    `durable` waits until all that was recorded is on the disk. `recover` sees to what a killed run left of a
    session, and tells whether its work is in the result already. `open_attempt` makes the next attempt and
    raises OSError, GitError or ConflictError where there can be no workspace; `blocks` names the specs that
    need a spec; `fail_fast` says that nothing more is started after a failure; `draw` gives a random number
    from 0 to 1.
    """

    emit: Callable[[Event], None]
    durable: Callable[[], Awaitable[None]]
    parent: Parent
    watcher: Watcher
    recover: Callable[["SessionRun"], Awaitable[bool]]
    open_attempt: Callable[["SessionRun"], Awaitable[Attempt]]
    blocks: Callable[[str], tuple[str, ...]]
    fail_fast: bool = False
    draw: Callable[[], float] = random.random


@define(eq=False, kw_only=True)
class SessionRun:
    """A session under way. `number` is the attempt's, counted from 1 over all that the journal knows.

    `ran` are the seconds that attempts took in this run, `log` the path of the newest one's output, `place`
    where it worked, and `saved` what is kept of its work.
    """

    spec: Spec
    known: Session
    policy: RetryPolicy
    slot: Slot
    crew: Crew
    number: int = field(init=False)
    log: str | None = field(default=None, init=False)
    ran: float = field(default=0.0, init=False)
    current: Attempt | None = field(default=None, init=False)
    place: Workspace | None = field(default=None, init=False)
    saved: RolledBack | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)
    # How often policy has answered a question in this run.
    _answers: int = field(default=0, init=False)
    _scarce: int = field(default=0, init=False)
    # How the last attempt ended, if its verification failed, and whether the one before had ended just so.
    _last_end: End | None = field(default=None, init=False)
    _stuck: bool = field(default=False, init=False)
    _redactions: int = field(default=0, init=False)
    # The next attempt takes up the last one where it was; else it starts clean.
    resumes: bool = field(init=False)
    # What was answered last, in the words that were said: what is recorded may be masked.
    answer: str | None = field(init=False)
    option: str | None = field(init=False)
    # An earlier run may have left work in the session's worktree.
    _has_leftover: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.number = self.known.attempt
        self.resumes, answered = self.known.resumes, self.known.answer
        self.answer = None if answered is None else answered.message or ""
        self.option = None if answered is None else answered.option
        waits = self.known.pending is not None and not self.known.lapsed
        self._has_leftover = bool(self.known.base) and not self.resumes and not waits

    async def run(self) -> None:
        """Make attempts until the session has ended, or waits for a person."""
        again = True
        try:
            if self.known.pending is not None:
                again = await self._recall(self.known.pending)
            while again:
                again = await self._try()
        finally:
            if again and self.known.status not in FINAL:
                self._finish(SessionCancelled, Failure(reason=Reason.INTERRUPTED))

    async def _try(self) -> bool:
        """Make one attempt and deal with its verdict; tell whether another follows."""
        if self._has_leftover:
            return await self._recover()
        self.number += 1
        self.saved = None
        try:
            verdict = await self._attempt()
        except SpawnError as error:
            return await self._wait_for_plenty(error)
        self._scarce = 0
        # Whoever decides may take long; but a run that stops at a failure must not fill the slot before.
        if not (self.crew.fail_fast and verdict.outcome is Outcome.FAILED):
            self.slot.release()
        if verdict.outcome is Outcome.COMPLETED:
            self._finish(SessionCompleted, usage=verdict.usage)
            return False
        if verdict.question is not None:
            kind = EscalationKind.PERMISSION if verdict.permission else EscalationKind.QUESTION
            return await self._ask(verdict.question, kind)
        return await self._fail(verdict)

    async def _recall(self, raised: EscalationRaised) -> bool:
        """Take up what an earlier run waited for, or left undecided; tell whether an attempt follows."""
        log = self._escalation(raised.level, raised.kind, raised.message)
        log = evolve(
            log,
            id=raised.escalation,
            timestamp=datetime.fromtimestamp(raised.ts, UTC),
            log=self.known.log,
            question=raised.question,
            failure=raised.failure,
            rises=raised.rises,
        )
        failure = raised.failure or _fail_unanswered(raised.message)
        known = self.known.decided
        if known is None and self.known.lapsed:
            decision = self.crew.parent.recall(log)
            return decision is None or await self._obey(failure, log, decision)
        if known is None:
            return await self._settle(failure, log, recalled=True)
        decision = Decision(action=known.action, by=known.by, text=known.message, option=known.option)
        self.crew.parent.restate(log, decision)
        return await self._obey(failure, log, decision)

    async def _recover(self) -> bool:
        """See to what an earlier run left of the session; tell whether an attempt follows."""
        try:
            landed = await self.crew.recover(self)
        except (GitError, OSError) as error:
            # An attempt would begin by removing what is there, and it may be all that there is.
            return await self._fail(failed(Failure(reason=Reason.SPAWN_FAILED, message=str(error))))
        self._has_leftover = False
        if landed:
            self._finish(SessionCompleted)
        return not landed

    async def _attempt(self) -> Verdict:
        """Make one attempt; raises SpawnError for a start that may succeed later."""
        try:
            attempt = await self.crew.open_attempt(self)
        except OSError as error:
            return _judge_spawn(explain_os_error(error))
        except GitError as error:
            return failed(Failure(reason=Reason.SPAWN_FAILED, message=str(error)))
        except ConflictError as error:
            return failed(Failure(reason=Reason.CONFLICT, files=error.files, blocked_by=error.specs))
        self.current, self.resumes, verdict = attempt, False, None
        try:
            # What ended before this, and that it begins: once both are on the disk, nothing is run twice.
            await self.crew.durable()
            # A journal that was lost meanwhile has cancelled us, and so may a person.
            await trio.lowlevel.checkpoint_if_cancelled()
            with self.crew.watcher.watch(attempt):
                verdict = await attempt.run()
            await self._compare(attempt.place, verdict.failure)
        except SpawnError as error:
            verdict = _judge_spawn(error)
        finally:
            self.current = None
            self._redactions = attempt.redactor.count
            self.ran += trio.current_time() - attempt.started_at
            if verdict is None or verdict.outcome is Outcome.FAILED:
                with trio.move_on_after(SAVE_LIMIT, shield=True) as saving:
                    await self._save(attempt)
                if saving.cancelled_caught:
                    self._tell_unsaved(f"git took longer than {SAVE_LIMIT:g} s")
        return verdict

    async def _compare(self, place: Workspace, failure: Failure | None) -> None:
        """Take note whether the attempt ended as the one before did: then to try again is in vain."""
        unverified = failure is not None and failure.reason is Reason.VERIFY_FAILED
        end = describe_end(failure, await place.identify() if unverified else "")
        self._stuck, self._last_end = end is not None and end == self._last_end, end

    async def _save(self, attempt: Attempt) -> None:
        """Keep what an attempt made that came to nothing."""
        try:
            self.saved = saved = await attempt.place.save()
        except (GitError, OSError) as error:
            self._tell_unsaved(str(error))
            return
        if saved is not None:
            self.crew.emit(saved)

    def _tell_unsaved(self, why: str) -> None:
        words = f"its work could not be saved: {why}"
        self.troubled(Trouble(message=words, level=EscalationLevel.WARNING), EscalationKind.FAILED)

    async def _fail(self, verdict: Verdict) -> bool:
        """Take a failure to the parent session and do as it says."""
        failure = verdict.failure or Failure(reason=Reason.UNKNOWN)
        self._failures += 1
        if self._stuck:
            failure = evolve(failure, message=NO_PROGRESS)
        may_retry = (
            failure.reason is not Reason.SPAWN_FAILED
            and not self._stuck
            and self.policy.allows(failures=self._failures, transient=verdict.transient)
        )
        log = self.crew.parent.announce(self._describe(failure, will_retry=may_retry))
        return await self._settle(failure, log)

    async def _ask(self, question: Question, kind: EscalationKind) -> bool:
        """Take a question to the parent session and wait for the answer."""
        raised = self._escalation(EscalationLevel.ERROR, kind, question.text)
        log = self.crew.parent.announce(evolve(raised, question=question, answers=self._answers))
        return await self._settle(_fail_unanswered(log.reason), log)

    async def _settle(self, failure: Failure, log: EscalationLog, *, recalled: bool = False) -> bool:
        """Do as is decided about what ended an attempt; tell whether another follows."""
        decision = await self.crew.parent.settle(log, self, recalled=recalled)
        return decision is not None and await self._obey(failure, log, decision)

    async def _obey(self, failure: Failure, log: EscalationLog, decision: Decision) -> bool:
        match decision.action:
            case Action.RETRY:
                return await self._retry(failure, log, at_once=decision.by == PERSON)
            case Action.ANSWER:
                self._answers += decision.by == "policy"
                self.answer, self.option, self.resumes = decision.text or "", decision.option, True
                return await self._take_answer(log)
        if log.question is None:
            self._finish(ENDS.get(failure.reason, SessionFailed), failure, escalation=log.id)
        elif decision.action is Action.ABORT:
            self._finish(SessionCancelled, Failure(reason=Reason.INTERRUPTED), escalation=log.id)
        else:
            self._finish(SessionSkipped, escalation=log.id)
        return False

    # What the parent session tells who waits for a decision.

    def wait(self, log: EscalationLog) -> None:
        """Hear that it is left to people."""
        self.slot.wait()
        self._tell_waiting(log)

    def _tell_waiting(self, log: EscalationLog) -> None:
        if self.known.status is not Status.WAITING:
            self.crew.emit(
                SessionWaiting(spec=self.spec.id, attempt=self.number, escalation=log.id, message=log.reason)
            )

    def go_on(self) -> None:
        """Hear that it is decided."""
        self.slot.go_on()

    async def _take_answer(self, log: EscalationLog) -> bool:
        """Get a slot to go on with the answer; where nothing more is started, `--resume` does."""
        if self.known.status is Status.RUNNING:  # a failure that was answered with a hint
            self._tell_waiting(log)
        self.slot.release()
        if await self.slot.acquire():
            return True
        self._finish(SessionCancelled, Failure(reason=Reason.INTERRUPTED))
        return False

    async def _retry(self, failure: Failure, log: EscalationLog, *, at_once: bool) -> bool:
        self.slot.release()
        delay = 0.0 if at_once else self.policy.delay(max(self._failures, 1), self.crew.draw)
        self.crew.emit(
            RetryScheduled(
                spec=self.spec.id,
                attempt=self.number,
                delay_s=round(delay, 3),
                duration_s=round(self.ran, 3),
                failure=failure,
                escalation=log.id,
            )
        )
        return await self._go_on(failure, log, after=delay)

    async def _go_on(self, failure: Failure, log: EscalationLog, *, after: float = 0.0) -> bool:
        """Get a slot for the next attempt; where nothing more is started, the session ends as it failed."""
        if await self.slot.acquire(after=after):
            return True
        self._finish(ENDS.get(failure.reason, SessionFailed), failure, escalation=log.id)
        return False

    async def _wait_for_plenty(self, error: SpawnError) -> bool:
        """Wait until what a start needs may be there again; that spends no attempt."""
        self.slot.release()
        self.number -= 1
        # By chance, for those who try again together are in each other's way together.
        delay = self.crew.draw() * min(SCARCE_DELAY * 2.0 ** min(self._scarce, 16), SCARCE_MOST)
        if self._scarce == 0:
            self.troubled(
                Trouble(message=str(error), level=EscalationLevel.WARNING), EscalationKind.SPAWN_FAILED
            )
        self._scarce += 1
        if await self.slot.acquire(after=delay):
            return True
        self._finish(SessionCancelled, Failure(reason=Reason.INTERRUPTED))
        return False

    def _finish(
        self,
        kind: type[SessionEnded],
        failure: Failure | None = None,
        *,
        escalation: str | None = None,
        usage: Usage | None = None,
    ) -> None:
        # Interrupted, it goes on one day where it was.
        if self.place is not None and kind is not SessionCancelled:
            self.place.leave(completed=kind is SessionCompleted)
        self.crew.emit(
            kind(
                spec=self.spec.id,
                attempt=max(self.number, 0),
                duration_s=round(self.ran, 3),
                log=self.log,
                failure=failure,
                escalation=escalation,
                usage=usage,
            )
        )

    def _describe(self, failure: Failure, *, will_retry: bool) -> EscalationLog:
        """Return the escalation of a failed attempt; one that is tried again is only a warning."""
        level = EscalationLevel.WARNING if will_retry else EscalationLevel.ERROR
        kind = KINDS.get(failure.reason, EscalationKind.FAILED)
        log = self._escalation(level, kind, describe_failure("en", failure))
        return evolve(log, failure=failure, will_retry=will_retry, failures=self._failures, stuck=self._stuck)

    def _escalation(self, level: EscalationLevel, kind: EscalationKind, reason: str) -> EscalationLog:
        blocks = self.crew.blocks(self.spec.id)
        log = EscalationLog.about(self.known, level=level, kind=kind, reason=reason, blocks=blocks)
        # What is known of the session may not have heard of this attempt yet.
        return evolve(log, attempt=self.number, log=self.log, redactions=self._redactions, work=self.saved)

    # What an attempt tells its listener.

    def started(self, pid: int | None) -> None:
        self.crew.emit(
            SessionStarted(
                spec=self.spec.id,
                attempt=self.number,
                agent=self.current.agent.name if self.current is not None else "",
                pid=pid,
                log=self.log,
            )
        )

    def progressed(self, progress: Progress, *, guessed: bool) -> None:
        share, known = progress.progress, self.known
        if progress.message is None and share == known.progress and guessed == known.guessed:
            return
        self.crew.emit(
            SessionProgress(
                spec=self.spec.id,
                attempt=self.number,
                progress=share,
                guessed=guessed,
                eta_s=self._foresee(share),
                message=progress.message,
            )
        )

    def troubled(self, trouble: Trouble, kind: EscalationKind) -> None:
        raised = self._escalation(trouble.level, kind, trouble.message)
        self.crew.parent.raise_nowait(evolve(raised, elapsed=trouble.elapsed, limit=trouble.limit))

    def leaked(self, processes: tuple[str, ...]) -> None:
        words = f"left running, and ended: {', '.join(processes)}"
        self.crew.emit(Leaked(spec=self.spec.id, attempt=self.number, message=words, processes=processes))

    def integrated(self, landed: Integrated) -> None:
        self.crew.emit(landed)

    def _foresee(self, share: float | None) -> float | None:
        """Return the seconds left if the rest goes as fast as what is done."""
        if not share or self.current is None:
            return None
        elapsed = trio.current_time() - self.current.started_at
        return round(elapsed * (1 - share) / share, 1)


def _fail_unanswered(question: str) -> Failure:
    """Return why an attempt came to nothing that ended with a question."""
    return Failure(reason=Reason.NO_RESULT, message=question)


def _judge_spawn(error: SpawnError) -> Verdict:
    if error.scarce:
        raise error
    return failed(Failure(reason=Reason.SPAWN_FAILED, message=str(error)))
