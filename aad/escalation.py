"""Children's trouble on its way up to the parent session, and the parent's reply on its way down.

A session raises an `EscalationLog` on a memory channel. The parent session writes it to `.aad/escalations/`,
tells people, decides (an embedder's handler first, else policy), and answers the session that waits. What is
left to people stays open: their decision comes by `decide`, or by the escalation's file from elsewhere.
"""

import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

import trio
from attrs import define, evolve, field

from aad.crew import Waiter
from aad.decisions import (
    PATIENCE,
    check_words,
    decide,
    find_decision,
    find_option,
    find_question,
    hold_decisions,
)
from aad.errors import InputError, Problem
from aad.escalationcase import Case
from aad.escalationfolder import EscalationFolder, Stamp
from aad.escalationlog import Decision, EscalationLog, find_escalation, read_escalation
from aad.events import (
    AGENT,
    PERSON,
    Action,
    EscalationDecided,
    EscalationRaised,
    Event,
    Failure,
    Question,
)
from aad.policy import Policy

Handler = Callable[[EscalationLog], Awaitable[Decision | None]]

# Seconds from one look at the files of what is open to the next.
LOOK_INTERVAL = 0.25
# What closes a question whose agent has gone on, or has ended.
WITHDRAWN = Decision(
    action=Action.WITHDRAW, by=AGENT, text="withdrawn: the agent no longer waits for an answer"
)
# What neither people nor programs decide anything by.
UNDECIDING = frozenset({Action.WAIT, Action.WITHDRAW})

logger = logging.getLogger("aad")


@define(eq=False, kw_only=True)
class ParentSession:
    """Takes escalations from all sessions of a run and decides about each of them.

    While `serve` runs they come over a memory channel. Without it whoever waits asks the handler itself, and
    policy decides about the rest.
    """

    folder: Path
    emit: Callable[[Event], None]
    show_path: Callable[[Path], str]
    abort: Callable[[], None]
    handler: Handler | None = None
    policy: Policy = field(factory=Policy)
    # Seconds after which what nobody decides rises; 0 means never.
    stale_after: float = 0.0
    notify: Callable[[EscalationLog, Path], None] = lambda _log, _path: None
    redact: Callable[[str], str] = str
    _files: EscalationFolder = field(init=False)
    _inbox: trio.MemorySendChannel[Case] | None = field(default=None, init=False)
    _idle: trio.Event = field(factory=trio.Event, init=False)
    _cases: dict[str, Case] = field(factory=dict, init=False)
    # Of the folder at the last look; and when something open rises next, by Trio's clock.
    _seen: Stamp | None = field(default=None, init=False)
    _stale_at: float = field(default=math.inf, init=False)

    def __attrs_post_init__(self) -> None:
        self._files = EscalationFolder(self.folder)

    def raise_nowait(self, log: EscalationLog) -> EscalationLog:
        """Raise an escalation that nobody waits for; returns it with its id."""
        log = self.announce(log)
        case = Case(log=log)
        if self._inbox is None:
            self._files.write(log)
            self._conclude(case, self._ask_policy(log))
        else:
            self._send(case)
        return log

    def announce(self, log: EscalationLog) -> EscalationLog:
        """Record an escalation that `settle` will wait for; returns it with its id."""
        log = self._mask(evolve(log, id=self._files.new_id(log)))
        if log.failure is not None:
            log = evolve(log, will_retry=self._ask_policy(log).action is Action.RETRY)
        self._tell(log)
        return log

    def _ask_policy(self, log: EscalationLog) -> Decision:
        return self.policy.decide(log, failures=log.failures, stuck=log.stuck)

    async def settle(self, log: EscalationLog, waiter: Waiter, *, recalled: bool = False) -> Decision | None:
        """Wait for the decision about what was announced; None where nobody decides in this run.

        The waiter hears when it is left to people: a question is at once, whoever else is asked, too. One
        that is `recalled` was raised by an earlier run.
        """
        case = Case(log=log, waiter=waiter, recalled=recalled)
        if recalled:
            self._take_decision(case)
        if case.over.is_set():
            return case.decision
        try:
            if log.question is not None or recalled:
                self._leave_to_people(case)
            if self._inbox is not None:
                self._send(case)
                await case.over.wait()
                if not case.alone:
                    return case.decision
            return await self._settle_alone(case)
        finally:
            self._cases.pop(log.id, None)
            self._let_go(case)

    def _let_go(self, case: Case) -> None:
        """Take note that nobody waits any more: a question stays open, policy decides about the rest."""
        if case.log.question is not None and not case.over.is_set():
            self._publish(case)
            case.end(None)
        case.waiter = None
        case.consulting.cancel()

    def withdraw(self, log: EscalationLog) -> None:
        """Close what its agent no longer waits for, unless it is decided: nobody is asked any more."""
        case = self._cases.get(log.id)
        if case is not None:
            self._conclude(case, WITHDRAWN)

    def restate(self, log: EscalationLog, decision: Decision) -> None:
        """Write down once more what was decided in an earlier run, which may have been killed meanwhile."""
        self._files.write(evolve(log, decision=evolve(decision, at=datetime.now(UTC))))

    def recall(self, log: EscalationLog) -> Decision | None:
        """Return what a person has decided since about a failure that an earlier run left undecided.

        None where the session is to begin anew: by now that was decided.
        """
        found = find_decision(self.folder, log.id)
        if found is None or found.action in {Action.ANSWER, *UNDECIDING}:
            found = Decision(action=Action.RETRY)
        self._record(Case(log=log), found)
        return None if found.action is Action.RETRY else found

    def list_open(self) -> list[EscalationLog]:
        """Return what waits for a person, the oldest first."""
        waiting = (case for case in self._cases.values() if case.left_to_people and not case.over.is_set())
        return sorted((case.log for case in waiting), key=lambda log: log.timestamp)

    def decide(self, name: str, decision: Decision) -> None:
        """Decide about what is open; raises InputError for what is not, and for words that hold a secret.

        What a run was parked with is decided for the one that goes on with it. OSError: that cannot be
        written.
        """
        decision = evolve(decision, by=PERSON if decision.by == "policy" else decision.by)
        case = self._cases.get(name)
        question = self._find_question(name, case)
        if decision.action is Action.ANSWER and question is None:
            raise InputError(Problem("escalation_not_asking", {"id": name}))
        check_words(name, decision, self.redact)
        if decision.action in UNDECIDING:
            return
        decision = _find_chosen(question, decision)
        if case is None:
            decide(self.folder, name, decision, self.redact)
        else:
            self._conclude(case, decision)

    def _find_question(self, name: str, case: Case | None) -> Question | None:
        """Return what is asked by what may be decided now; raises InputError where it may not."""
        if case is None and self._inbox is None:
            return find_question(read_escalation(self.folder, name))
        if case is None or case.over.is_set():
            raise InputError(Problem("escalation_not_open", {"id": name}))
        return case.log.question

    def park(self) -> None:
        """Wait for people no longer: what is open stays so, and whoever waits for it ends for now."""
        for case in list(self._cases.values()):
            self._look(case)
            if case.left_to_people and not case.over.is_set():
                self._publish(case)
                case.end(None)

    @property
    def serving(self) -> bool:
        """Whether escalations are taken by channel."""
        return self._inbox is not None

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take escalations until `finish`."""
        self._inbox, cases = trio.open_memory_channel[Case](math.inf)
        self._idle = trio.Event()
        task_status.started()
        try:
            async with trio.open_nursery() as looking:
                looking.start_soon(self._look_for_decisions, name="decisions")
                async with trio.open_nursery() as nursery:
                    async for case in cases:
                        nursery.start_soon(self._take, case)
                looking.cancel_scope.cancel()
        finally:
            self._inbox = None
            # A bug of the handler flies and ends all; a cancelled caller leaves the others to themselves.
            if trio.current_effective_deadline() == -math.inf:
                self._leave_undecided()
            self._idle.set()

    async def finish(self) -> None:
        """Take no more by channel; wait until all that was raised is decided."""
        if self._inbox is not None:
            self._inbox.close()
            self._inbox = None
        await self._idle.wait()

    def _tell(self, log: EscalationLog) -> None:
        self.emit(
            EscalationRaised(
                spec=log.spec_id,
                attempt=log.attempt,
                escalation=log.id,
                level=log.level,
                kind=log.kind,
                message=log.reason,
                path=self.show_path(self._files.locate(log)),
                elapsed_s=log.elapsed,
                limit_s=log.limit,
                failure=log.failure,
                question=log.question,
                rises=log.rises,
            )
        )

    def _mask(self, log: EscalationLog) -> EscalationLog:
        question = log.question and log.question.mask(self.redact)
        failure = log.failure and self._mask_failure(log.failure)
        return evolve(log, reason=self.redact(log.reason), failure=failure, question=question)

    def _mask_failure(self, failure: Failure) -> Failure:
        files = tuple(map(self.redact, failure.files))
        return evolve(failure, message=self.redact(failure.message), files=files)

    def _send(self, case: Case) -> None:
        if self._inbox is None:
            raise AssertionError
        self._cases[case.log.id] = case
        self._inbox.send_nowait(case)

    async def _settle_alone(self, case: Case) -> Decision | None:
        """Decide where nobody serves: the handler and policy are asked, and people cannot be waited for."""
        if case.alone:
            case = Case(log=case.log, waiter=case.waiter, left_to_people=case.left_to_people)
        self._cases[case.log.id] = case
        if self._files.stamp(case.log) is None:
            self._files.write(case.log)
        self._take_decision(case)
        if not case.over.is_set():
            await self._consult(case)
        return case.decision

    def _leave_undecided(self) -> None:
        """Keep what was raised and not decided: its file stays open, and who waits must decide alone."""
        for case in self._cases.values():
            if not case.over.is_set():
                self._publish(case)
                case.alone = True
                case.end(None)
        self._cases.clear()

    async def _take(self, case: Case) -> None:
        if case.over.is_set():  # somebody was quicker than we
            return
        self._publish(case)
        self._look(case)
        if not case.over.is_set():
            await self._consult(case)

    def _publish(self, case: Case) -> None:
        """Write the file of an escalation and tell people of it, once: whatever becomes of it later."""
        if case.published:
            return
        case.published = True
        # One of an earlier run may be decided by now; without a file, nobody has been told of it yet.
        known = case.recalled and find_escalation(self.folder, case.log.id) is not None
        path = None if known else self._files.write(case.log)
        if path is not None:
            self.notify(case.log, path)

    async def _consult(self, case: Case) -> None:
        """Ask the handler, else policy; what both leave to people stays open where somebody waits for it."""
        decision = None
        with case.consulting:
            decision = None if self.handler is None else await self.handler(case.log)
        if case.over.is_set():
            return
        if decision is not None and decision.by == "policy":
            decision = evolve(decision, by="handler")
        decision = self._check(case, decision) or self._ask_policy(case.log)
        if decision.action is Action.WAIT and case.is_worth_waiting:
            self._leave_to_people(case)
        else:
            self._conclude(case, decision)

    def _check(self, case: Case, decision: Decision | None) -> Decision | None:
        """Return a handler's decision, none for what it may not decide or no child could be given."""
        if decision is None or decision.action is Action.WITHDRAW:
            return None
        if decision.action is not Action.ANSWER:
            return decision
        try:
            check_words(case.log.id, decision)
        except InputError as error:
            logger.warning("%s", error)
            return None
        return decision

    def _leave_to_people(self, case: Case) -> None:
        if case.left_to_people:
            return
        case.left_to_people, case.since = True, trio.current_time()
        self._note_due(case)
        if case.waiter is not None:
            case.waiter.wait(case.log)

    def _conclude(self, case: Case, decision: Decision) -> None:
        """Record a decision, then tell the session: nothing depends on it before it is recorded."""
        if case.waiter is None:
            self._record(case, decision)
            return
        with ExitStack() as stack:
            with suppress(OSError):  # a child has removed the folder
                stack.enter_context(hold_decisions(self.folder, patience=PATIENCE))
            # Somebody elsewhere may have been faster.
            self._record(case, self._find_decision(case) or decision)

    def _record(self, case: Case, decision: Decision) -> None:
        if case.over.is_set():
            return
        self._cases.pop(case.log.id, None)
        if decision.by != PERSON:
            decision = _find_chosen(case.log.question, decision)
        recorded = self._mask_decision(decision)
        self.emit(
            EscalationDecided(
                spec=case.log.spec_id,
                attempt=case.log.attempt,
                escalation=case.log.id,
                action=recorded.action,
                by=recorded.by,
                message=recorded.text,
                option=recorded.option,
            )
        )
        self._files.write(evolve(case.log, decision=recorded))
        # The answer first: an abort cancels whoever still waits.
        case.end(decision)
        if case.waiter is not None:
            case.waiter.go_on()
        if decision.action is Action.ABORT:
            self.abort()

    def _mask_decision(self, decision: Decision) -> Decision:
        text = decision.text and self.redact(decision.text)
        option = decision.option and self.redact(decision.option)
        return evolve(decision, text=text, option=option, at=datetime.now(UTC))

    # People's decisions from elsewhere, and escalations that wait too long for them.

    async def _look_for_decisions(self) -> None:
        while True:
            await trio.sleep(LOOK_INTERVAL)
            self._look_around()
            if trio.current_time() >= self._stale_at:
                self._raise_all_stale()

    def _look_around(self) -> None:
        """Look at the files of what is waited for, and of all where the folder has changed.

        Of notes that nobody waits for there may be many, of sessions that have ended long ago.
        """
        stamp = self._files.stamp()
        is_news, self._seen = stamp != self._seen, stamp
        for case in list(self._cases.values()):
            if is_news or case.waiter is not None:
                self._look(case)

    def _look(self, case: Case) -> None:
        """Take what somebody wrote into the file of an escalation; a file that is gone comes back."""
        if not case.published or case.over.is_set():
            return
        stamp = self._files.stamp(case.log)
        if stamp == case.seen:
            return
        if find_escalation(self.folder, case.log.id) is None:
            # Removed, or no longer what it was: nobody could answer it.
            self._files.write(case.log)
            stamp = self._files.stamp(case.log)
        case.seen = stamp
        self._take_decision(case)

    def _take_decision(self, case: Case) -> None:
        found = self._find_decision(case)
        if found is not None:
            self._record(case, found)

    def _find_decision(self, case: Case) -> Decision | None:
        """Return what stands in the file, if it decides anything."""
        found = find_decision(self.folder, case.log.id)
        if found is None or found.action is Action.WAIT:
            return None
        # An agent that waits says so itself, and not in the file.
        if found.action is Action.WITHDRAW and not case.recalled:
            return None
        return None if found.action is Action.ANSWER and case.log.question is None else found

    def _raise_all_stale(self) -> None:
        now, self._stale_at = trio.current_time(), math.inf
        for case in list(self._cases.values()):
            if not case.left_to_people:
                continue
            if case.log.can_rise and now >= case.since + self.stale_after:
                self._raise(case)
            self._note_due(case)

    def _note_due(self, case: Case) -> None:
        """Take note when an escalation rises, if it does."""
        if self.stale_after and not case.over.is_set() and case.log.can_rise:
            self._stale_at = min(self._stale_at, case.since + self.stale_after)

    def _raise(self, case: Case) -> None:
        """Let an escalation rise that nobody decides, and tell people again."""
        case.log = case.log.rise()
        case.since = trio.current_time()
        self._tell(case.log)
        path = self._rewrite(case)
        if path is not None:
            self.notify(case.log, path)
        decision = self.policy.decide_risen(case.log)
        if decision is not None and decision.action is not Action.WAIT:
            self._conclude(case, decision)

    def _rewrite(self, case: Case) -> Path | None:
        """Write an open escalation's file anew, unless somebody has just decided in it."""
        try:
            with hold_decisions(self.folder, patience=PATIENCE):
                decided = find_decision(self.folder, case.log.id) is not None
                return None if decided else self._files.write(case.log)
        except OSError:  # a child has removed the folder
            return self._files.write(case.log)


def _find_chosen(question: Question | None, decision: Decision) -> Decision:
    """Return an answer with the option that it means; who typed it has said which is meant."""
    if decision.action is not Action.ANSWER or decision.option is not None or decision.text is None:
        return decision
    option = find_option(() if question is None else question.options, decision.text)
    return decision if option is None else evolve(decision, text=option, option=option)
