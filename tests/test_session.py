"""One session: attempts until exactly one final event, whatever happens and whenever it is cut short."""

from pathlib import Path

import pytest
import trio
from lone_attempt import ends
from lone_session import ANSWER, BUSY, RETRY, WAIT, WHEN, Rig, rig
from trio.testing import MockClock

from aad.agents.base import Exit
from aad.escalationlog import Decision, EscalationLog
from aad.events import (
    Action,
    EscalationKind,
    EscalationLevel,
    Failure,
    Leaked,
    Question,
    Reason,
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
from aad.state import Status
from aad.testing import Script

__all__ = ["rig"]

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
