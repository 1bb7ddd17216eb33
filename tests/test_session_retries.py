"""What a session tries again: work that failed, and starts that did not come about."""

from errno import EACCES, EMFILE
from pathlib import Path

import pytest
from lone_attempt import ends
from lone_session import BUSY, RETRY, Rig, rig
from trio.testing import MockClock

from aad.escalationlog import Decision
from aad.events import (
    Action,
    EscalationKind,
    Failure,
    Reason,
    RetryScheduled,
    SessionCancelled,
    SessionCompleted,
    SessionFailed,
)
from aad.process import SpawnError
from aad.testing import Script

__all__ = ["rig"]

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
