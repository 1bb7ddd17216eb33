"""What people read of escalations, of questions, and of what was decided."""

import pytest
from watchedrun import Watched, begin, end, escalate, planned, started

from aad import events
from aad.display.style import UNICODE, Style
from aad.events import Action, EscalationKind, EscalationLevel, Event, Failure, PlanEntry, Question, Reason


def test_a_question_is_told_once_and_how_to_answer_it() -> None:
    run = Watched()
    run.turn(begin("A"))

    told = run.turn(
        escalate("A", EscalationLevel.ERROR, EscalationKind.QUESTION),
        events.SessionWaiting(spec="A", attempt=1, escalation="A-error", message="Which database?"),
    )

    assert told == ("? A waits: Which database?\n  → answer: aad escalations answer A-error TEXT\n")


def question(spec: str = "A") -> list[Event]:
    """Return the events of a session that asks and waits."""
    name = f"{spec}-error"
    raised = events.EscalationRaised(
        spec=spec, attempt=1, escalation=name, level=EscalationLevel.ERROR, kind=EscalationKind.QUESTION,
        message="Which?", path=f".aad/escalations/{name}.json", question=Question(text="Which?"),
    )  # fmt: skip
    return [raised, events.SessionWaiting(spec=spec, attempt=1, escalation=name, message="Which?")]


def decide(action: Action, by: str = "person", message: str | None = None) -> Event:
    return events.EscalationDecided(
        spec="A", attempt=1, escalation="A-error", action=action, by=by, message=message
    )


@pytest.mark.parametrize(
    ("lang", "by", "action", "told"),
    [
        ("en", "person", Action.ANSWER, "A: answered by a person: x"),
        ("en", "handler", Action.ANSWER, "A: answered by the program: x"),
        ("en", "policy", Action.ANSWER, "A: answered by policy: x"),
        ("en", "a bot", Action.RETRY, "A: to be tried again, as a bot decided: x"),
        ("en", "person", Action.SKIP, "A: skipped, as a person decided: x"),
        ("en", "policy", Action.CONTINUE, "A: skipped, as policy decided; what depends on it runs: x"),
        ("en", "person", Action.ABORT, "A: the run ends, as a person decided: x"),
        ("en", "handler", Action.WAIT, "A: left to people, as the program decided: x"),
        ("ja", "person", Action.ANSWER, "A: 人が回答しました: x"),
        ("ja", "handler", Action.RETRY, "A: プログラムが再試行を決めました: x"),
        ("ja", "policy", Action.SKIP, "A: 方針に従ってスキップを決めました: x"),
        ("ja", "person", Action.CONTINUE, "A: 人がスキップを決めました（依存する仕様は実行します）: x"),
        ("ja", "a bot", Action.ABORT, "A: a bot が実行の終了を決めました: x"),
        ("ja", "policy", Action.WAIT, "A: 方針に従って人の判断に任せました: x"),
    ],
)
def test_whoever_decides_what_people_were_told_of_it_is_told(
    lang: str, by: str, action: Action, told: str
) -> None:
    run = Watched(lang)
    run.turn(begin("A"))
    run.turn(*question())

    assert run.turn(decide(action, by, "x")) == f"  → {told}\n"


def test_a_question_that_is_not_answered_but_tried_again_has_not_failed() -> None:
    run = Watched()
    run.turn(begin("A"))
    run.turn(*question())
    failure = Failure(reason=Reason.NO_RESULT, message="Which?")

    told = run.turn(
        decide(Action.RETRY),
        events.RetryScheduled(spec="A", attempt=1, delay_s=0.0, failure=failure, escalation="A-error"),
    )

    assert told == (
        "  → A: to be tried again, as a person decided\n"
        "↻ A is tried again without an answer; attempt 2 follows\n"
        "  → escalation: .aad/escalations/A-error.json\n"
    )


def test_the_question_of_an_earlier_run_that_is_tried_again_has_not_failed() -> None:
    run = Watched()
    for event in (started(), planned(PlanEntry(id="A")), begin("A"), *question(), decide(Action.RETRY)):
        run.state.apply(event)
    run.turn(started(resumed=True))

    told = run.turn(
        events.RetryScheduled(
            spec="A", attempt=1, delay_s=0.0, failure=Failure(reason=Reason.NO_RESULT), escalation="A-error"
        )
    )

    assert told == (
        "↻ A is tried again without an answer; attempt 2 follows\n"
        "  → escalation: .aad/escalations/A-error.json\n"
    )


def test_the_reason_for_which_a_person_skips_a_session_is_told_with_it_and_at_the_end() -> None:
    run = Watched()
    run.turn(planned(PlanEntry(id="A")), begin("A"))
    run.turn(*question())

    told = run.turn(
        decide(Action.SKIP, message="not this week"),
        events.SessionSkipped(spec="A", attempt=1, escalation="A-error"),
        end("failed"),
    )

    assert (
        told
        == """\
  → A: skipped, as a person decided: not this week
⊘ A skipped: not this week

📈 Summary:
  Completed: 0
  Failed: 0
  Skipped: 1 (A)
  A: skipped, as a person decided: not this week
  Total time: 8m 57s
"""
    )


def test_a_session_that_waits_for_something_else_points_to_its_escalation() -> None:
    run = Watched()
    run.turn(begin("A"))

    told = run.turn(
        escalate("A", EscalationLevel.ERROR, EscalationKind.AUTH, Failure(reason=Reason.AUTH)),
        events.SessionWaiting(spec="A", attempt=1, escalation="A-error", message="sign in first"),
    )

    assert told == (
        "? A waits: sign in first\n"
        "  → escalation: .aad/escalations/A-error.json\n"
        "  → sign in, then: aad escalations resolve A-error --retry\n"
    )


def test_an_escalation_is_told_with_the_mark_of_its_level() -> None:
    run = Watched(style=Style(symbols=UNICODE))
    run.turn(begin("A"))

    told = run.turn(*(escalate("A", level) for level in EscalationLevel))

    assert told == (
        "! A: the disk is slow\n"
        "  → escalation: .aad/escalations/A-warning.json\n"
        "✗ A: the disk is slow\n"
        "  → escalation: .aad/escalations/A-error.json\n"
        "✗ A: critical: the disk is slow\n"
        "  → escalation: .aad/escalations/A-critical.json\n"
    )


def test_an_escalation_of_a_failure_is_left_to_the_line_of_the_failure() -> None:
    run = Watched()
    run.turn(begin("A"))

    told = run.turn(
        *(
            escalate("A", level, failure=Failure(reason=Reason.NO_RESULT))
            for level in (EscalationLevel.WARNING, EscalationLevel.ERROR)
        )
    )

    assert told == ""


@pytest.mark.parametrize(
    ("kind", "clock", "english", "japanese"),
    [
        (EscalationKind.STALLED, (5.0, 10.0), "silent for 5s of 10s", "5秒以上出力がありません（上限10秒）"),
        (EscalationKind.STALLED, (90.0, None), "silent for 1m 30s", "1分30秒以上出力がありません"),
        (
            EscalationKind.TIMED_OUT,
            (60.0, 3600.0),
            "slow: running for 1m of 1h",
            "実行が長引いています: 1分（上限1時間）",
        ),
        (EscalationKind.TIMED_OUT, (7200.0, None), "slow: running for 2h", "実行が長引いています: 2時間"),
        (EscalationKind.TIMED_OUT, (None, None), "the disk is slow", "the disk is slow"),
        (EscalationKind.FAILED, (5.0, 10.0), "the disk is slow", "the disk is slow"),
    ],
)
def test_a_warning_about_time_is_said_in_the_language_of_the_display(
    kind: EscalationKind, clock: tuple[float | None, float | None], english: str, japanese: str
) -> None:
    elapsed, limit = clock
    warning = escalate("A", EscalationLevel.WARNING, kind, elapsed_s=elapsed, limit_s=limit)

    told = [Watched(lang).turn(warning).splitlines()[0] for lang in ("en", "ja")]

    assert told == [f"⚠ A: {english}", f"⚠ A: {japanese}"]


def test_a_critical_escalation_is_told_to_the_quiet_too() -> None:
    run = Watched(verbosity=-1)
    run.turn(begin("A"))

    told = run.turn(*(escalate("A", level) for level in EscalationLevel))

    assert told == "⚠ A: critical: the disk is slow\n  → escalation: .aad/escalations/A-critical.json\n"
