"""What people read of sessions: how they start, end, and are tried again."""

import time

import pytest
from watchedrun import Watched, begin, complete, escalate, fail

from aad import events
from aad.events import EscalationLevel, Failure, Reason


def test_sessions_that_start_in_one_turn_share_a_line() -> None:
    run = Watched()

    told = run.turn(begin("A"), begin("B", attempt=2), begin("C"))

    assert told == "⏳ A, B (attempt 2), C started in parallel...\n"


def test_a_start_is_told_before_the_end_of_the_same_session() -> None:
    run = Watched()
    run.turn(begin("A"), begin("B"))

    told = run.turn(complete("A"), begin("C"), complete("B"), begin("D"), complete("C"), begin("E"))

    assert told == (
        "✓ A completed (1s)\n"
        "✓ B completed (1s)\n"
        "⏳ C, D started in parallel...\n"
        "✓ C completed (1s)\n"
        "⏳ E started...\n"
    )


def test_the_clock_never_runs_backwards() -> None:
    run = Watched(verbosity=1)
    clocks = [time.strftime("%H:%M:%S", time.localtime(ts)) for ts in (1000.0, 1001.0, 1002.0)]
    run.turn(begin("A", ts=1000.0))

    told = run.turn(
        begin("B", ts=1001.0),
        begin("C", ts=1001.0),
        events.SessionProgress(spec="A", ts=1002.0, progress=0.5),
        begin("D", ts=1002.0),
    )

    assert told == (
        f"{clocks[1]} ⏳ B, C started in parallel...\n{clocks[2]} ▸ A 50%\n{clocks[2]} ⏳ D started...\n"
    )


def test_many_that_start_together_are_named_up_to_ten() -> None:
    run = Watched()

    told = run.turn(*(begin(f"S{n}") for n in range(12)))

    assert told == "⏳ S0, S1, S10, S11, S2, S3, S4, S5, S6, S7, +2 started in parallel...\n"


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        (None, "⚠ A timed out (2s)"),
        (Reason.TIMED_OUT, "⚠ A timed out (2s)"),
        (Reason.STALLED, "⚠ A timed out (2s): silent for too long"),
    ],
)
def test_a_timeout_says_its_reason_only_if_it_is_another(reason: Reason | None, line: str) -> None:
    run = Watched()
    run.turn(begin("A"))

    failure = None if reason is None else Failure(reason=reason)
    told = run.turn(events.SessionTimedOut(spec="A", attempt=1, duration_s=2.0, failure=failure))

    assert told == f"{line}\n"


def test_a_failure_points_to_the_log_that_its_start_named() -> None:
    run = Watched()
    run.turn(events.SessionStarted(spec="A", attempt=1, log="a.log"))

    told = run.turn(fail("A"))

    assert told == "⚠ A failed (2s): unknown reason\n  → log: a.log\n"


def test_what_could_not_be_started_has_no_log_to_look_into() -> None:
    run = Watched()
    run.turn(events.SessionStarted(spec="A", attempt=1, log="a.log"))

    told = run.turn(fail("A", Failure(reason=Reason.SPAWN_FAILED, message="no such file: agent")))

    assert told == "⚠ A failed (2s): could not be started: no such file: agent\n"


def test_an_escalation_that_was_not_seen_is_named_by_its_id() -> None:
    run = Watched()
    run.turn(begin("A"))

    told = run.turn(fail("A", Failure(reason=Reason.REFUSAL), escalation="A-error"))

    assert told == "⚠ A failed (2s): the model refused\n  → escalation: A-error\n"


def test_the_tail_shows_the_last_lines_made_safe_and_cut() -> None:
    run = Watched(tail_lines=3)
    run.turn(begin("A"))
    lines = ("first", "\x1b[31mred\x1b[0m\x07", "", "x" * 600)

    told = run.turn(fail("A", Failure(reason=Reason.NO_RESULT, log_tail=lines)))

    assert told == f"⚠ A failed (2s): no result\n    │ red\n    │\n    │ {'x' * 500}\n"


def test_no_tail_is_shown_where_none_is_wanted() -> None:
    run = Watched(tail_lines=0)
    run.turn(begin("A"))

    told = run.turn(fail("A", Failure(reason=Reason.NO_RESULT, log_tail=("last words",))))

    assert told == "⚠ A failed (2s): no result\n"


def test_what_a_file_or_child_says_cannot_move_the_cursor() -> None:
    run = Watched()
    run.turn(begin("A"))

    told = run.turn(fail("A", Failure(reason=Reason.SERVER, message="gone\x1b[2J\nand\r\nbroken")))

    assert told == "⚠ A failed (2s): server error: gone and broken\n"


def test_cancelled_and_skipped_sessions_say_what_is_known() -> None:
    run = Watched()
    run.turn(begin("A"))

    told = run.turn(
        events.SessionCancelled(
            spec="A", attempt=1, duration_s=12.0, failure=Failure(reason=Reason.INTERRUPTED)
        ),
        events.SessionCancelled(spec="B"),
        events.SessionSkipped(spec="C"),
    )

    assert told == "⊘ A cancelled (12s)\n⊘ B cancelled\n⊘ C skipped\n"


def test_a_retry_is_told_once_with_its_reason_and_its_delay() -> None:
    run = Watched()
    failure = Failure(reason=Reason.EXIT_CODE, exit_code=1)
    run.turn(begin("A"))

    told = run.turn(
        escalate("A", EscalationLevel.WARNING, failure=failure),
        events.RetryScheduled(
            spec="A", attempt=1, delay_s=10.0, duration_s=2.0, failure=failure, escalation="A-warning"
        ),
    )

    assert told == (
        "↻ A failed (2s): exit code 1; attempt 2 in 10s\n  → escalation: .aad/escalations/A-warning.json\n"
    )


def test_an_attempt_that_follows_without_failure_says_no_reason() -> None:
    run = Watched()
    run.turn(begin("A"))

    told = run.turn(events.RetryScheduled(spec="A", attempt=1, delay_s=0.0))

    assert told == "↻ A: attempt 2 follows\n"


@pytest.mark.parametrize(
    ("lang", "line"),
    [
        ("en", "⊘ E skipped: fail-fast after B"),
        ("ja", "⊘ E をスキップしました: B の失敗により打ち切り (fail-fast)"),
    ],
)
def test_what_fail_fast_skips_was_not_interrupted(lang: str, line: str) -> None:
    run = Watched(lang)

    told = run.turn(
        events.SessionSkipped(spec="E", failure=Failure(reason=Reason.INTERRUPTED, blocked_by=("B",)))
    )

    assert told == f"{line}\n"


def test_what_a_session_left_running_is_named() -> None:
    run = Watched()
    run.turn(begin("A"))

    told = run.turn(
        events.Leaked(spec="A", attempt=1, message="2 processes", processes=("node (7)", "sleep (8)"))
    )

    assert told == "⚠ A left processes running, which were ended: node (7), sleep (8)\n"
