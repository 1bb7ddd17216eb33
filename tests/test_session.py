"""One session: attempts until exactly one final event, whatever happens and whenever it is cut short."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from errno import EACCES, EMFILE
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field
from lone_attempt import Bench, ends
from trio.testing import MockClock

from aad.agents.base import Exit
from aad.agents.command import CommandAgent
from aad.agents.roster import Player
from aad.attempt import Attempt
from aad.budget import Account
from aad.cast import Cast
from aad.casting import Casting
from aad.config import RetrySettings
from aad.crew import Crew, Waiter
from aad.escalationlog import Decision, EscalationLog
from aad.events import (
    FINAL,
    Action,
    EscalationKind,
    EscalationLevel,
    Event,
    Failure,
    Leaked,
    Question,
    Reason,
    RetryScheduled,
    SessionCancelled,
    SessionCompleted,
    SessionEnded,
    SessionFailed,
    SessionProgress,
    SessionSkipped,
    SessionStarted,
    SessionTimedOut,
    SessionWaiting,
)
from aad.news import Progress, Trouble
from aad.process import SpawnError
from aad.retry import RetryPolicy
from aad.session import SessionRun
from aad.spec import Spec
from aad.state import RunState, Status
from aad.testing import Recorder, Script

SKIP = Decision(action=Action.SKIP)
RETRY = Decision(action=Action.RETRY)
ANSWER = Decision(action=Action.ANSWER, text="x")
WAIT = Decision(action=Action.WAIT)
BUSY = Script(refused=SpawnError("a: Too many open files", scarce=True))
ASKS = "asks"


@define
class Place:
    """A slot that keeps what became of it; `refused` where nothing more is to be started."""

    note: Callable[[str], None]
    held: bool = True
    refused: bool = False
    delay: float = 0.0
    is_stopped: bool = False
    stopped: trio.Event = field(factory=trio.Event)

    async def wait_stopped(self) -> None:
        await self.stopped.wait()

    def release(self) -> None:
        if self.held:
            self.held = False
            self.note("release")

    async def acquire(self, *, after: float = 0.0) -> bool:
        await trio.sleep(self.delay + after)
        self.held = not self.refused
        self.note("acquire" if self.held else "refuse")
        return self.held

    def wait(self) -> None:
        self.release()

    def go_on(self) -> None:
        """Hear what concerns only a scheduler."""


@define
class Parent:
    """A parent session that thinks for a while, then says what is next in its list, else as policy would."""

    note: Callable[[str], None]
    decisions: list[Decision] = field(factory=list)
    delay: float = 0.0
    logs: list[EscalationLog] = field(factory=list)

    def raise_nowait(self, log: EscalationLog) -> EscalationLog:
        self.note(f"raise {log.level} {log.kind}")
        self.logs.append(evolve(log, id=f"A-{len(self.logs) + 1}", timestamp=WHEN))
        return self.logs[-1]

    def announce(self, log: EscalationLog) -> EscalationLog:
        return self.raise_nowait(log)

    async def settle(self, log: EscalationLog, waiter: Waiter, *, recalled: bool = False) -> Decision | None:
        if log.question is not None or recalled:
            waiter.wait(log)
        await trio.sleep(self.delay)
        decision = RETRY if log.will_retry else SKIP
        if self.decisions:
            decision = self.decisions.pop(0)
        if decision == WAIT:
            waiter.wait(log)
            return None
        waiter.go_on()
        return decision

    def recall(self, log: EscalationLog) -> Decision | None:
        self.note(f"recall {log.id}")
        return self.decisions.pop(0) if self.decisions else None

    def restate(self, log: EscalationLog, decision: Decision) -> None:
        self.note(f"restate {log.id} {decision.action}")


WHEN = datetime(2026, 11, 22, tzinfo=UTC)


class Watcher:
    """Looks at attempts as the monitor would, though only when it is told to."""

    @contextmanager
    def watch(self, attempt: Attempt) -> Iterator[None]:
        yield


class Rig:
    """A session with all that is around it, in a folder; `steps` keeps what was done when."""

    def __init__(
        self, folder: Path, *, retries: int = 0, attempts_before: int = 0, fail_fast: bool = False
    ) -> None:
        self.bench = Bench(folder)
        self.steps: list[tuple[str, float]] = []
        self.recorder = Recorder()
        self.state = RunState(run="run")
        self.place = Place(self.note)
        self.parent = Parent(self.note)
        self.refusals: list[OSError] = []
        self.state.session("A").attempt = attempts_before
        casting = Casting(patience=math.inf)
        self.run = SessionRun(
            spec=Spec(id="A"),
            cast=Cast(players=(Player(agent=CommandAgent()),), casting=casting),
            known=self.state.session("A"),
            policy=RetryPolicy(retries, RetrySettings(jitter=False)),
            slot=self.place,
            crew=Crew(
                emit=self.emit,
                durable=trio.lowlevel.checkpoint,
                parent=self.parent,
                watcher=Watcher(),
                recover=self.recover,
                open_attempt=self.open_attempt,
                blocks=lambda spec_id: (f"{spec_id}+1",),
                casting=casting,
                account=Account(),
                fail_fast=fail_fast,
                draw=lambda: 1.0,
            ),
        )
        self.attempts: list[Attempt] = []
        self.spec: dict[str, object] = {}

    def note(self, step: str) -> None:
        self.steps.append((step, trio.current_time()))

    def emit(self, event: Event) -> None:
        self.state.check(event)
        self.state.apply(event)
        self.recorder(event)
        self.note(event.type)

    async def recover(self, session: SessionRun) -> bool:
        raise AssertionError(session)

    async def open_attempt(self, session: SessionRun) -> Attempt:
        if self.refusals:
            raise self.refusals.pop(0)
        session.log = f"log {session.number}"
        self.bench.events_file.unlink(missing_ok=True)
        attempt = self.bench.make(**self.spec)  # type: ignore[arg-type]
        attempt.listener = session.herald
        attempt.job = evolve(
            attempt.job, attempt=session.number, resumes=session.resumes, answer=session.answer
        )
        self.attempts.append(attempt)
        return attempt

    def play(self, *scripts: Script) -> None:
        self.bench.play(a=scripts)

    @property
    def ends(self) -> list[Event]:
        return [event for event in self.recorder.events if isinstance(event, FINAL)]

    @property
    def ending(self) -> Event:
        """The one final event."""
        (ending,) = self.ends
        return ending

    def only(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.recorder.events if isinstance(event, kind)]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


# Ordinary ends.


async def test_work_that_is_done_completes_the_session_and_frees_its_slot(
    rig: Rig, autojump_clock: MockClock
) -> None:
    rig.play(Script(work=5))

    await rig.run.run()

    assert rig.recorder.events == [
        SessionStarted(spec="A", attempt=1, agent="command", pid=10_001, log="log 1"),
        SessionCompleted(spec="A", attempt=1, duration_s=5.0, log="log 1"),
    ]
    assert rig.steps == [("session_started", 0.0), ("release", 5.0), ("session_completed", 5.0)]


async def test_a_failure_goes_up_to_the_parent_with_all_that_is_known_of_it(
    rig: Rig, autojump_clock: MockClock
) -> None:
    rig.play(ends(3, b"no good\n", work=2))

    await rig.run.run()

    failure = Failure(reason=Reason.EXIT_CODE, exit_code=3, log_tail=("no good",), log_lines=1)
    assert rig.parent.logs == [
        EscalationLog(
            id="A-1",
            run_id="run",
            session_id="run/A",
            spec_id="A",
            attempt=1,
            level=EscalationLevel.ERROR,
            kind=EscalationKind.FAILED,
            reason="exit code 3",
            timestamp=WHEN,
            failure=failure,
            log="log 1",
            blocks=("A+1",),
        )
    ]
    assert rig.ending == SessionFailed(
        spec="A", attempt=1, duration_s=2.0, log="log 1", failure=failure, escalation="A-1"
    )


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (Reason.TIMED_OUT, (EscalationKind.TIMED_OUT, SessionTimedOut)),
        (Reason.STALLED, (EscalationKind.STALLED, SessionTimedOut)),
        (Reason.KEEPER_LOST, (EscalationKind.FAILED, SessionFailed)),
    ],
)
async def test_an_attempt_that_was_ended_ends_its_session_by_its_reason(
    rig: Rig, autojump_clock: MockClock, reason: Reason, told: tuple[EscalationKind, type[SessionEnded]]
) -> None:
    rig.play(Script(work=100))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(1)
        rig.attempts[0].end(reason)

    assert (rig.parent.logs[0].kind, type(rig.ending)) == told


async def test_work_that_is_not_what_was_asked_for_is_of_its_own_kind(
    rig: Rig, autojump_clock: MockClock
) -> None:
    rig.bench.play(check=ends(1))
    rig.spec = {"verify": "check"}

    await rig.run.run()

    assert (rig.parent.logs[0].kind, rig.parent.logs[0].reason) == (
        EscalationKind.VERIFY_FAILED,
        "verification failed with exit code 1",
    )


async def test_how_much_was_masked_is_told(rig: Rig, autojump_clock: MockClock) -> None:
    rig.play(ends(1, b"correct-horse-battery and correct-horse-battery\n"))

    await rig.run.run()

    assert rig.parent.logs[0].redactions == 2


# Retries.


async def test_a_retry_is_a_warning_and_holds_no_slot_while_it_waits(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = Rig(tmp_path, retries=1)
    rig.play(ends(3, work=2), Script(work=4))

    await rig.run.run()

    assert rig.steps == [
        ("session_started", 0.0),
        ("release", 2.0),
        ("raise warning failed", 2.0),
        ("retry_scheduled", 2.0),
        ("acquire", 12.0),
        ("session_started", 12.0),
        ("release", 16.0),
        ("session_completed", 16.0),
    ]
    failure = Failure(reason=Reason.EXIT_CODE, exit_code=3, log_lines=0)
    assert rig.only(RetryScheduled) == [
        RetryScheduled(spec="A", attempt=1, delay_s=10.0, duration_s=2.0, failure=failure, escalation="A-1")
    ]
    # The seconds of both attempts, and not those between them.
    assert rig.ending == SessionCompleted(spec="A", attempt=2, duration_s=6.0, log="log 2")


async def test_the_slot_is_given_back_before_the_parent_thinks(rig: Rig, autojump_clock: MockClock) -> None:
    rig.play(ends(3))
    rig.parent.delay = 60.0

    await rig.run.run()

    assert rig.steps[1:] == [("release", 0.0), ("raise error failed", 0.0), ("session_failed", 60.0)]


async def test_where_a_failure_stops_the_run_its_slot_is_kept_until_it_is_final(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = Rig(tmp_path, retries=1, fail_fast=True)
    rig.play(ends(3))

    await rig.run.run()

    assert [step for step, _ in rig.steps] == [
        *("session_started", "raise warning failed", "release", "retry_scheduled", "acquire"),
        *("session_started", "raise error failed", "session_failed"),
    ]


async def test_retries_count_failures_and_wait_longer_each_time(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = Rig(tmp_path, retries=3)
    rig.play(ends(1))

    await rig.run.run()

    scheduled = [event.delay_s for event in rig.recorder.events if isinstance(event, RetryScheduled)]
    assert scheduled == [10.0, 20.0, 40.0]
    assert [log.will_retry for log in rig.parent.logs] == [True, True, True, False]
    assert rig.ending == SessionFailed(
        spec="A",
        attempt=4,
        log="log 4",
        failure=Failure(reason=Reason.EXIT_CODE, exit_code=1, log_lines=0),
        escalation="A-4",
    )


async def test_a_parent_may_retry_what_the_rules_do_not(rig: Rig, autojump_clock: MockClock) -> None:
    rig.play(ends(1), Script())
    rig.parent.decisions = [RETRY]

    await rig.run.run()

    assert (rig.parent.logs[0].will_retry, type(rig.ending)) == (False, SessionCompleted)


@pytest.mark.parametrize("action", [Action.SKIP, Action.ABORT])
async def test_a_failure_that_is_not_retried_ends_the_session(
    tmp_path: Path, autojump_clock: MockClock, action: Action
) -> None:
    rig = Rig(tmp_path, retries=5)
    rig.play(ends(1))
    rig.parent.decisions = [Decision(action=action)]

    await rig.run.run()

    assert (type(rig.ending), len(rig.attempts)) == (SessionFailed, 1)


async def test_a_failure_may_wait_for_a_person(rig: Rig, autojump_clock: MockClock) -> None:
    rig.play(ends(1))
    rig.parent.decisions = [Decision(action=Action.WAIT)]

    await rig.run.run()

    assert (rig.run.known.status, len(rig.attempts)) == ("waiting", 1)


async def test_a_failure_may_be_answered_with_a_hint_for_the_next_attempt(
    rig: Rig, autojump_clock: MockClock
) -> None:
    rig.play(ends(1), Script())
    rig.parent.decisions = [Decision(action=Action.ANSWER, text="use the other one")]

    await rig.run.run()

    assert (type(rig.ending), rig.attempts[1].job.answer) == (SessionCompleted, "use the other one")


async def test_a_retry_that_is_not_let_in_any_more_ends_with_its_failure(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = Rig(tmp_path, retries=1)
    rig.play(ends(1))
    rig.place.refused = True

    await rig.run.run()

    assert rig.ending == SessionFailed(
        spec="A",
        attempt=1,
        log="log 1",
        failure=Failure(reason=Reason.EXIT_CODE, exit_code=1, log_lines=0),
        escalation="A-1",
    )


async def test_attempts_are_counted_on_from_what_the_journal_knows(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = Rig(tmp_path, attempts_before=4)

    await rig.run.run()

    assert rig.ending == SessionCompleted(spec="A", attempt=5, log="log 5")


# What cannot be started.


async def test_what_is_scarce_is_waited_for_ever_longer_and_spends_no_attempt(
    rig: Rig, autojump_clock: MockClock
) -> None:
    rig.play(*[BUSY] * 8, Script())

    await rig.run.run()

    starts = [moment for step, moment in rig.steps if step == "acquire"]
    waits = [round(later - earlier, 3) for earlier, later in zip([0.0, *starts], starts, strict=False)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0]
    assert rig.ending == SessionCompleted(spec="A", attempt=1, log="log 1")


async def test_scarcity_is_warned_of_once_until_a_start_went_well(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = Rig(tmp_path, retries=1)
    rig.play(BUSY, BUSY, ends(1), BUSY, Script())

    await rig.run.run()

    assert [(log.level, log.kind, log.reason) for log in rig.parent.logs] == [
        ("warning", "spawn_failed", "a: Too many open files"),
        ("warning", "failed", "exit code 1"),
        ("warning", "spawn_failed", "a: Too many open files"),
    ]


async def test_the_slot_is_free_for_others_while_a_start_waits(rig: Rig, autojump_clock: MockClock) -> None:
    rig.play(BUSY, Script())

    await rig.run.run()

    assert [step for step, _ in rig.steps] == [
        "release",
        "raise warning spawn_failed",
        "acquire",
        "session_started",
        "release",
        "session_completed",
    ]


async def test_a_start_that_is_not_let_in_any_more_was_cancelled(rig: Rig, autojump_clock: MockClock) -> None:
    rig.play(BUSY)
    rig.place.refused = True

    await rig.run.run()

    assert rig.ending == SessionCancelled(
        spec="A", attempt=0, log="log 1", failure=Failure(reason=Reason.INTERRUPTED)
    )


async def test_what_can_never_be_started_fails_at_once(tmp_path: Path, autojump_clock: MockClock) -> None:
    rig = Rig(tmp_path, retries=5)
    rig.play(Script(refused=SpawnError("a: No such file or directory", scarce=False)))

    await rig.run.run()

    failure = Failure(reason=Reason.SPAWN_FAILED, message="a: No such file or directory")
    assert rig.recorder.events == [
        SessionFailed(spec="A", attempt=1, log="log 1", failure=failure, escalation="A-1")
    ]
    assert (rig.parent.logs[0].kind, rig.parent.logs[0].will_retry) == (EscalationKind.SPAWN_FAILED, False)


async def test_a_folder_that_cannot_be_made_is_a_start_that_fails(
    rig: Rig, autojump_clock: MockClock
) -> None:
    rig.refusals = [OSError(EACCES, "Permission denied", "/runs/A/1")]

    await rig.run.run()

    assert rig.ending == SessionFailed(
        spec="A",
        attempt=1,
        failure=Failure(reason=Reason.SPAWN_FAILED, message="/runs/A/1: Permission denied"),
        escalation="A-1",
    )


async def test_a_folder_that_cannot_be_made_now_is_waited_for(rig: Rig, autojump_clock: MockClock) -> None:
    rig.refusals = [OSError(EMFILE, "Too many open files", "/runs/A/1")]

    await rig.run.run()

    assert rig.ending == SessionCompleted(spec="A", attempt=1, log="log 1")


# Questions.


async def ask(rig: Rig, *decisions: Decision) -> None:
    """Run a session whose first child asks after a second."""
    rig.play(Script(work=100), Script(work=3))
    rig.parent.decisions = list(decisions)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(1)
        rig.bench.say('{"question": "Which?", "options": ["x", "y"]}')
        rig.attempts[0].look()


async def test_a_question_leaves_the_session_waiting_without_a_slot(
    rig: Rig, autojump_clock: MockClock
) -> None:
    await ask(rig, WAIT)

    assert (rig.run.known.status, rig.ends) == (Status.WAITING, [])
    assert rig.recorder.events[-1] == SessionWaiting(spec="A", attempt=1, escalation="A-1", message="Which?")
    assert rig.steps[-3:] == [("release", 1.0), ("raise error question", 1.0), ("session_waiting", 1.0)]
    assert rig.parent.logs[0].question == Question(text="Which?", options=("x", "y"))


async def test_an_answer_goes_to_a_new_attempt(rig: Rig, autojump_clock: MockClock) -> None:
    await ask(rig, ANSWER)

    assert [attempt.job.answer for attempt in rig.attempts] == [None, "x"]
    assert [step for step, _ in rig.steps[-5:]] == [
        "session_waiting",
        "acquire",
        "session_started",
        "release",
        "session_completed",
    ]
    assert rig.ending == SessionCompleted(spec="A", attempt=2, duration_s=4.0, log="log 2")


async def test_an_answer_without_words_is_an_answer(rig: Rig, autojump_clock: MockClock) -> None:
    await ask(rig, Decision(action=Action.ANSWER))

    assert rig.attempts[1].job.answer == ""


async def test_a_question_may_be_left_for_another_attempt(rig: Rig, autojump_clock: MockClock) -> None:
    await ask(rig, RETRY)

    assert (type(rig.ending), rig.attempts[1].job.answer) == (SessionCompleted, None)


@pytest.mark.parametrize("action", [Action.SKIP, Action.CONTINUE])
async def test_a_question_that_nobody_wants_to_answer_skips_the_session(
    rig: Rig, autojump_clock: MockClock, action: Action
) -> None:
    await ask(rig, Decision(action=action))

    assert rig.ending == SessionSkipped(spec="A", attempt=1, duration_s=1.0, log="log 1", escalation="A-1")


async def test_a_question_that_ends_the_run_can_be_taken_up_again(
    rig: Rig, autojump_clock: MockClock
) -> None:
    await ask(rig, Decision(action=Action.ABORT))

    assert rig.ending == SessionCancelled(
        spec="A",
        attempt=1,
        duration_s=1.0,
        log="log 1",
        failure=Failure(reason=Reason.INTERRUPTED),
        escalation="A-1",
    )


async def test_an_answer_that_comes_when_nothing_more_is_started_is_kept_for_the_next_run(
    rig: Rig, autojump_clock: MockClock
) -> None:
    rig.place.refused = True

    await ask(rig, ANSWER)

    assert type(rig.ending) is SessionCancelled


# What an attempt tells.


async def test_progress_is_told_when_it_changes_with_the_time_that_is_left(
    rig: Rig, autojump_clock: MockClock
) -> None:
    def progress(share: float | None, *, guessed: bool = False, message: str | None = None) -> None:
        rig.run.herald.progressed(Progress(progress=share, message=message), guessed=guessed)

    rig.play(Script(work=20))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(4)
        for share in (0.25, 0.25, 0.0):
            progress(share)
        progress(0.0, guessed=True)
        progress(0.0, guessed=True, message="x")
        progress(None, message="y")

    told = [
        (e.progress, e.guessed, e.eta_s, e.message)
        for e in rig.recorder.events
        if isinstance(e, SessionProgress)
    ]
    assert told == [
        (0.25, False, 12.0, None),
        (0.0, False, None, None),
        (0.0, True, None, None),
        (0.0, True, None, "x"),
        (None, False, None, "y"),
    ]


async def test_trouble_is_raised_and_the_attempt_goes_on(rig: Rig, autojump_clock: MockClock) -> None:
    rig.play(Script(work=2))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(1)
        rig.run.herald.troubled(Trouble(message="odd", level=EscalationLevel.CRITICAL), EscalationKind.FAILED)

    assert [(log.level, log.kind, log.reason, log.failure) for log in rig.parent.logs] == [
        ("critical", "failed", "odd", None)
    ]
    assert type(rig.ending) is SessionCompleted


async def test_processes_left_behind_are_an_event(rig: Rig, autojump_clock: MockClock) -> None:
    rig.run.herald.leaked(("node (7)", "sleep (8)"))

    words = "left running, and ended: node (7), sleep (8)"
    processes = ("node (7)", "sleep (8)")
    assert rig.recorder.events == [Leaked(spec="A", attempt=0, message=words, processes=processes)]


# Exactly one final event.


def cut_short(folder: Path, moment: float, checkpoints: int) -> Rig:
    """Run an eventful session and cancel it at a moment, so many turns of the event loop later.

    It fails after 2 s, is thought about until 4, waits until 14, then 1 s for a slot, meets a busy system,
    asks at 17, is answered at 19 and completed at 22.
    """
    rig = Rig(folder, retries=1)
    rig.parent.delay, rig.place.delay = 2.0, 1.0
    rig.play(ends(3, work=2), BUSY, Script(work=100, farewell_end=Exit(0)), Script(work=2))
    rig.parent.decisions = [RETRY, ANSWER]

    async def watch() -> None:
        while True:
            await trio.sleep(0.5)
            if len(rig.attempts) == 3 and rig.run.current is not None:
                rig.bench.say('{"question": "Which?"}')
                rig.run.current.look()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            with trio.move_on_at(trio.current_time() + moment + 1000) as scope:
                async with trio.open_nursery() as inner:
                    inner.start_soon(strike, scope)
                    await rig.run.run()
                    inner.cancel_scope.cancel()
            nursery.cancel_scope.cancel()

    async def strike(scope: trio.CancelScope) -> None:
        await trio.sleep(moment)
        for _ in range(checkpoints):
            await trio.lowlevel.checkpoint()
        scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return rig


def test_uncut_the_eventful_session_is_completed(tmp_path: Path) -> None:
    rig = cut_short(tmp_path, 1000, 0)

    assert [step for step, _ in rig.steps] == [
        *("session_started", "release", "raise warning failed", "retry_scheduled", "acquire"),
        *("release", "raise warning spawn_failed", "acquire"),
        *("session_started", "release", "raise error question", "session_waiting", "acquire"),
        *("session_started", "release", "session_completed"),
    ]


@pytest.mark.parametrize("checkpoints", range(4))
def test_a_session_has_one_final_event_whenever_it_is_cut_short(tmp_path: Path, checkpoints: int) -> None:
    for step in range(60):
        rig = cut_short(tmp_path, step * 0.5, checkpoints)

        assert len(rig.ends) == 1, f"cut short at {step * 0.5} s: {rig.steps}"
        assert isinstance(rig.ending, SessionCancelled | SessionCompleted)


async def test_a_bug_ends_the_session_too(rig: Rig, autojump_clock: MockClock) -> None:
    rig.refusals = [ZeroDivisionError()]  # type: ignore[list-item]

    with pytest.raises(ZeroDivisionError):
        await rig.run.run()

    assert rig.ending == SessionCancelled(spec="A", attempt=1, failure=Failure(reason=Reason.INTERRUPTED))
