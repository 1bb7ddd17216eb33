"""One session: attempts until exactly one final event. Knows nothing of other sessions.

An attempt that failed goes up to the parent session, whose decision says whether another follows. The slot is
given back as soon as the attempt is over, and asked for again before the next.
"""

import trio
from attrs import define, evolve, field

from aad import messages
from aad.agents.base import Outcome, Verdict, failed
from aad.agents.roster import Player
from aad.attempt import Attempt
from aad.budget import Account, sum_usages
from aad.cast import Cast, Detour
from aad.crew import Crew
from aad.display.failures import describe_failure
from aad.escalationlog import KINDS, Decision, EscalationLog
from aad.events import (
    PERSON,
    Action,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Failure,
    Reason,
    RetryScheduled,
    RolledBack,
    SessionCancelled,
    SessionCompleted,
    SessionEnded,
    SessionFailed,
    SessionSkipped,
    SessionTimedOut,
    SessionWaiting,
)
from aad.feedback import End, describe_end
from aad.gitcalls import GitError
from aad.herald import Herald
from aad.integration import ConflictError
from aad.live import LiveQuestions
from aad.meter import Meter, describe_spent
from aad.process import SpawnError, explain_os_error
from aad.retry import VAIN, RetryPolicy
from aad.slot import Slot
from aad.spec import Spec
from aad.state import FINAL, GO_ON, Session, Status
from aad.workspace import Workspace

ENDS: dict[Reason, type[SessionEnded]] = {Reason.TIMED_OUT: SessionTimedOut, Reason.STALLED: SessionTimedOut}

# Seconds at most to the next try when no descriptor, process or memory is to be had; doubled each time.
SCARCE_DELAY = 0.1
SCARCE_MOST = 1.0
# Characters that are kept of what an agent said in the end.
LONGEST_TEXT = 4000
# Seconds that the work of an attempt may take to be put aside, while a run that was told to end waits for it.
SAVE_LIMIT = 30.0


@define(eq=False, kw_only=True)
class SessionRun:
    """A session under way. `number` is the attempt's, counted from 1 over all that the journal knows.

    `ran` are the seconds that attempts took in this run, `log` the path of the newest one's output, `place`
    where it worked, and `saved` what is kept of its work.
    """

    spec: Spec
    cast: Cast
    known: Session
    policy: RetryPolicy
    slot: Slot
    crew: Crew
    number: int = field(init=False)
    log: str | None = field(init=False)
    ran: float = field(default=0.0, init=False)
    # How often policy has answered a question in this run.
    answers: int = field(default=0, init=False)
    current: Attempt | None = field(default=None, init=False)
    place: Workspace | None = field(default=None, init=False)
    saved: RolledBack | None = field(default=None, init=False)
    # Hears what an attempt has to tell.
    herald: Herald = field(init=False)
    meter: Meter = field(init=False)
    # What the agent asks while it works.
    live: LiveQuestions | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)
    _scarce: int = field(default=0, init=False)
    # How the last attempt ended, if its verification failed, and whether the one before had ended just so.
    _last_end: End | None = field(default=None, init=False)
    _stuck: bool = field(default=False, init=False)
    _redactions: int = field(default=0, init=False)
    # The work of the last attempt is where it was made, and nowhere else.
    _kept: bool = field(default=False, init=False)
    # The next attempt takes up the last one where it was; else it starts clean.
    resumes: bool = field(init=False)
    # What was answered last, in the words that were said: what is recorded may be masked.
    answer: str | None = field(init=False)
    option: str | None = field(init=False)
    # An earlier run may have left work in the session's worktree.
    _has_leftover: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.number, self.log = self.known.attempt, self.known.log
        self.herald = Herald(self)
        self.meter = Meter(
            known=self.known,
            own=Account(usage=sum_usages(self.known.usages.values())),
            run=self.crew.account,
            tell=self.crew.emit,
            warn=self.herald.warn,
        )
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
        if not await self._choose_agent():
            return False
        self.number += 1
        self.saved = None
        try:
            verdict = await self._attempt()
            # Before anybody else may be let through.
            detour = self.cast.follow(verdict)
        except SpawnError as error:
            return await self._wait_for_plenty(error)
        finally:
            self.cast.leave()
        self._scarce = 0
        if detour is not None:
            return self._make_detour(verdict.failure, detour)
        return await self._go_on_from(verdict)

    async def _go_on_from(self, verdict: Verdict) -> bool:
        """Deal with the verdict of an attempt; tell whether another follows."""
        if self.live is not None and self.live.unanswered is not None:
            log, decision = self.live.unanswered
            if decision is not None and decision.action is Action.ANSWER:
                self.resumes = True
                return True
            return decision is not None and await self._obey(_fail_unanswered(log.reason), log, decision)
        if verdict.failure is not None and self._is_run_spent(verdict.failure):
            return self._leave_open(verdict.failure.message)
        # Whoever decides may take long; but a run that stops at a failure must not fill the slot before.
        if not (self.crew.fail_fast and verdict.outcome is Outcome.FAILED):
            self.slot.release()
        if verdict.outcome is Outcome.COMPLETED:
            self.cast.succeed()
            self._finish(SessionCompleted, text=verdict.text)
            return False
        if verdict.question is None:
            return await self._fail(verdict)
        log = self.herald.ask(verdict.question, permission=verdict.permission)
        return await self._settle(_fail_unanswered(log.reason), log)

    @property
    def player(self) -> Player:
        """The agent that makes the attempt."""
        if self.cast.current is None:  # nobody asks before one was chosen
            raise AssertionError
        return self.cast.current

    @property
    def agent_session(self) -> str | None:
        """The agent's own session that the next attempt goes on with, if it does."""
        goes_on = self.resumes and self.player.caps.resumes
        return self.known.own_sessions.get(self.player.name) if goes_on else None

    async def _choose_agent(self) -> bool:
        """Wait for an agent that is free, and a slot; tell whether the attempt can be made."""
        if (spent := self.crew.account.exceeded) is not None:
            return self._leave_open(describe_spent("run", spent))
        player = await self.cast.choose(self.slot, self._leave_open)
        if player is None and self.slot.is_stopped:
            self._finish(SessionCancelled, Failure(reason=Reason.INTERRUPTED))
            return False
        if player is None:
            return self._leave_open(self.cast.hindrance)
        self.meter.begin(player.bounds)
        let_in = False
        try:
            let_in = self.slot.held or await self.slot.acquire()
        finally:
            if not let_in:
                self.cast.leave()
        if not let_in:
            self._finish(SessionCancelled, Failure(reason=Reason.INTERRUPTED))
        return let_in

    def _leave_open(self, why: str) -> bool:
        """Leave the session to a run that goes on."""
        self.slot.release()
        if self.known.status is not Status.WAITING or self.known.message != why:
            self.crew.emit(SessionWaiting(spec=self.spec.id, attempt=max(self.number, 0), message=why))
        return False

    def _make_detour(self, failure: Failure | None, detour: Detour) -> bool:
        """Have another attempt take up this one where it was: the work has not failed."""
        self.slot.release()
        self.resumes = failure is not None and failure.reason in GO_ON
        if detour.warning:
            self.herald.warn(detour.warning, detour.kind)
        self._schedule(failure, delay=detour.delay)
        return True

    def _schedule(self, failure: Failure | None, *, delay: float, escalation: str | None = None) -> None:
        self.crew.emit(
            RetryScheduled(
                spec=self.spec.id,
                attempt=self.number,
                delay_s=round(delay, 3),
                duration_s=round(self.ran, 3),
                failure=failure,
                escalation=escalation,
            )
        )

    async def _recall(self, raised: EscalationRaised) -> bool:
        """Take up what an earlier run waited for, or left undecided; tell whether an attempt follows."""
        log = self.describe(raised.level, raised.kind, raised.message).recall(raised)
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
                self.live = LiveQuestions(
                    attempt=attempt,
                    slot=self.slot,
                    waiter=self,
                    parent=self.crew.parent,
                    announce=self.herald.announce,
                    note_answer=self._note_answer,
                )
                verdict = await self.live.attend()
            await self._compare(attempt.place, verdict.failure)
        except SpawnError as error:
            verdict = _judge_spawn(error)
        finally:
            self.current = None
            self._redactions = attempt.redactor.count
            self.ran += attempt.elapsed
            self._kept = not self._is_to_be_saved(verdict)
            if not self._kept:
                with trio.move_on_after(SAVE_LIMIT, shield=True) as saving:
                    await self._save(attempt.place)
                if saving.cancelled_caught:
                    self._tell_unsaved(messages.text("en", "note.git_slow", {"seconds": f"{SAVE_LIMIT:g}"}))
        return verdict

    def _note_answer(self, decision: Decision) -> None:
        self.answers += decision.by == "policy"
        self.answer, self.option = decision.text or "", decision.option

    def _is_to_be_saved(self, verdict: Verdict | None) -> bool:
        """Tell whether the work came to nothing; what somebody can go on with stays where it is."""
        can_go_on = self.player.caps.resumes and bool(self.known.own_sessions)
        if verdict is None:
            return not can_go_on
        failure = verdict.failure
        kept = failure is not None and (failure.reason in GO_ON or self._is_run_spent(failure))
        return failure is not None and not (kept and can_go_on)

    def _is_run_spent(self, failure: Failure) -> bool:
        """Tell whether an attempt was ended because the run may use no more: the session is not to blame."""
        over = failure.reason in {Reason.BUDGET, Reason.MAX_TURNS} and self.meter.own.exceeded is None
        return over and self.crew.account.exceeded is not None

    async def _compare(self, place: Workspace, failure: Failure | None) -> None:
        """Take note whether the attempt ended as the one before did: then to try again is in vain."""
        unverified = failure is not None and failure.reason is Reason.VERIFY_FAILED
        end = describe_end(failure, await place.identify() if unverified else "")
        self._stuck, self._last_end = end is not None and end == self._last_end, end

    async def _save(self, place: Workspace) -> None:
        """Keep what an attempt made that came to nothing."""
        self._kept = False
        try:
            self.saved = saved = await place.save()
        except (GitError, OSError) as error:
            self._tell_unsaved(str(error))
            return
        if saved is not None:
            self.crew.emit(saved)

    def _tell_unsaved(self, why: str) -> None:
        self.herald.warn(messages.text("en", "note.unsaved", {"why": why}), EscalationKind.FAILED)

    async def _fail(self, verdict: Verdict) -> bool:
        """Take a failure to the parent session and do as it says."""
        failure = verdict.failure or Failure(reason=Reason.UNKNOWN)
        self._failures += 1
        if self._stuck:
            failure = evolve(failure, message=messages.text("en", "note.no_progress"))
        if failure.reason is Reason.AUTH:
            failure = evolve(failure, message=": ".join(filter(None, (self.player.name, failure.message))))
        may_retry = (
            failure.reason not in VAIN
            and self.meter.own.exceeded is None
            and not self._stuck
            and self.policy.allows(failures=self._failures, transient=verdict.transient)
        )
        log = self.crew.parent.announce(self._describe(failure, will_retry=may_retry))
        return await self._settle(failure, log)

    async def _settle(self, failure: Failure, log: EscalationLog, *, recalled: bool = False) -> bool:
        """Do as is decided about what ended an attempt; tell whether another follows."""
        decision = await self.crew.parent.settle(log, self, recalled=recalled)
        if failure.reason is Reason.AUTH:
            self.cast.unlock(given_up=decision is None)
        return decision is not None and await self._obey(failure, log, decision)

    async def _obey(self, failure: Failure, log: EscalationLog, decision: Decision) -> bool:
        match decision.action:
            case Action.RETRY:
                return await self._retry(failure, log, at_once=decision.by == PERSON)
            case Action.WITHDRAW:  # all that was recorded of it is its file
                self.resumes = True
                return True
            case Action.ANSWER:
                self._note_answer(decision)
                self.resumes = True
                if self.known.status is Status.RUNNING:  # a failure that was answered with a hint
                    self._tell_waiting(log)
                return True
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
                SessionWaiting(
                    spec=self.spec.id,
                    attempt=self.number,
                    escalation=log.id,
                    message=log.reason,
                    live=self.current is not None,
                )
            )

    def go_on(self) -> None:
        """Hear that it is decided."""
        self.slot.go_on()

    async def _retry(self, failure: Failure, log: EscalationLog, *, at_once: bool) -> bool:
        self.slot.release()
        await self._prepare_retry(failure)
        delay = 0.0 if at_once else self.policy.delay(max(self._failures, 1), self.crew.draw)
        self._schedule(failure, delay=delay, escalation=log.id)
        return await self._go_on(failure, log, after=delay)

    async def _prepare_retry(self, failure: Failure) -> None:
        """Have the next attempt go on with the work, if nothing is wrong with it, else begin clean."""
        self.resumes = failure.reason in GO_ON and bool(self.known.own_sessions)
        if self.resumes:
            return
        if self.place is None:  # an earlier run made the attempt
            self._has_leftover = bool(self.known.base)
        elif self._kept:
            await self._save(self.place)

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
            self.herald.warn(str(error), EscalationKind.SPAWN_FAILED)
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
        text: str = "",
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
                usage=self.meter.used,
                message=text[:LONGEST_TEXT] or None,
            )
        )

    def _describe(self, failure: Failure, *, will_retry: bool) -> EscalationLog:
        """Return the escalation of a failed attempt; one that is tried again is only a warning."""
        level = EscalationLevel.WARNING if will_retry else EscalationLevel.ERROR
        kind = KINDS.get(failure.reason, EscalationKind.FAILED)
        log = self.describe(level, kind, describe_failure("en", failure))
        return evolve(log, failure=failure, will_retry=will_retry, failures=self._failures, stuck=self._stuck)

    def describe(self, level: EscalationLevel, kind: EscalationKind, reason: str) -> EscalationLog:
        """Return an escalation about the attempt, which is yet to be raised."""
        blocks = self.crew.blocks(self.spec.id)
        log = EscalationLog.about(self.known, level=level, kind=kind, reason=reason, blocks=blocks)
        # What is known of the session may not have heard of this attempt yet.
        return evolve(log, attempt=self.number, log=self.log, redactions=self._redactions, work=self.saved)


def _fail_unanswered(question: str) -> Failure:
    """Return why an attempt came to nothing that ended with a question."""
    return Failure(reason=Reason.NO_RESULT, message=question)


def _judge_spawn(error: SpawnError) -> Verdict:
    if error.scarce:
        raise error
    return failed(Failure(reason=Reason.SPAWN_FAILED, message=str(error)))
