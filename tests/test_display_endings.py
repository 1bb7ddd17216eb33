"""How the summary says why a run ended, and what to look at first."""

import pytest
from summarizedrun import ENGLISH, after, begin, complete, end, plan

from aad import events
from aad.display.style import EMOJI, Style
from aad.display.summary import summarize_run
from aad.display.voice import Voice
from aad.events import Action, Event, Failure, PlanEntry, Reason
from aad.state import RunState


@pytest.mark.parametrize(("by", "goes_on"), [(events.PERSON, False), ("policy", True)])
def test_what_a_person_left_out_is_nothing_to_go_on_with(by: str, goes_on: bool) -> None:
    asked = events.EscalationRaised(
        spec="A", escalation="A-error", level=events.EscalationLevel.ERROR,
        kind=events.EscalationKind.QUESTION, message="Which?", path="p",
        question=events.Question(text="Which?"),
    )  # fmt: skip
    blocked = Failure(reason=Reason.BLOCKED, blocked_by=("A",))
    state = after(
        plan(PlanEntry(id="A"), PlanEntry(id="B", depends_on=("A",))),
        begin("A"),
        asked,
        events.EscalationDecided(spec="A", escalation="A-error", action=Action.SKIP, by=by),
        events.SessionSkipped(spec="A", attempt=1),
        events.SessionSkipped(spec="B", failure=blocked),
        end("failed"),
    )

    lines = summarize_run(state, ENGLISH)

    assert any("aad orchestrate --resume" in line for line in lines) is goes_on


def test_every_way_to_end_has_its_count_and_an_interruption_its_signal() -> None:
    failure = Failure(reason=Reason.INTERRUPTED)
    state = after(
        plan(*(PlanEntry(id=name) for name in "ABCDEFGH"), PlanEntry(id="Z", status="complete")),
        *map(begin, "ABCDE"),
        complete("A"),
        events.SessionFailed(spec="B"),
        events.EscalationRaised(
            spec="C", escalation="C-error", level=events.EscalationLevel.ERROR,
            kind=events.EscalationKind.TIMED_OUT, message="late", path="p",
        ),
        events.SessionTimedOut(spec="C"),
        events.SessionCancelled(spec="D", failure=failure),
        events.EscalationRaised(
            spec="E", escalation="E-error", level=events.EscalationLevel.ERROR,
            kind=events.EscalationKind.QUESTION, message="which?", path="p",
        ),
        events.SessionWaiting(spec="E", escalation="E-error"),
        events.SessionSkipped(spec="F"),
        begin("G"),
        end("interrupted", signal=2),
    )  # fmt: skip

    lines = summarize_run(state, ENGLISH)

    assert lines == [
        "📈 Summary:",
        "  Completed: 1 (A)",
        "  Failed: 1 (B)",
        "  Timed out: 1 (C)",
        "  Cancelled: 1 (D)",
        "  Skipped: 1 (F)",
        "  Waiting: 1 (E)",
        "  Still running: 1 (G)",
        "  Not started: 1 (H)",
        "  Already complete: 1 (Z)",
        "  Ended by SIGINT",
        "  Total time: 1m 5s",
        "  Next: aad logs B · aad escalations resolve E-error --retry · aad orchestrate --resume",
    ]


def test_a_deadline_of_the_whole_run_is_named() -> None:
    state = after(plan(PlanEntry(id="A")), end("timed_out"))

    lines = summarize_run(state, ENGLISH)

    assert lines == [
        "📈 Summary:",
        "  Completed: 0",
        "  Failed: 0",
        "  Not started: 1 (A)",
        "  Ended by the deadline of the whole run",
        "  Total time: 1m 5s",
        "  Next: aad orchestrate --resume",
    ]


def a_critical_end(*then: Event) -> RunState:
    """Return a run that a critical escalation of C ended, and with it A, which had failed before."""
    return after(
        plan(PlanEntry(id="A"), PlanEntry(id="C")),
        *map(begin, "AC"),
        events.SessionFailed(spec="A"),
        critical("C-critical"),
        critical("C-critical-2"),
        *then,
        events.SessionFailed(spec="C", escalation="C-critical"),
        end("failed"),
    )


def critical(escalation: str) -> Event:
    return events.EscalationRaised(
        spec="C", escalation=escalation, level=events.EscalationLevel.CRITICAL,
        kind=events.EscalationKind.FAILED, message="the disk is gone", path="p",
    )  # fmt: skip


def decide(action: Action, escalation: str = "C-critical") -> Event:
    return events.EscalationDecided(spec="C", escalation=escalation, action=action)


def test_a_critical_escalation_is_named_as_the_end_and_to_be_looked_at_first() -> None:
    lines = summarize_run(a_critical_end(decide(Action.ABORT)), ENGLISH)

    assert lines == [
        "📈 Summary:",
        "  Completed: 0",
        "  Failed: 2 (A, C)",
        "  Ended by the escalation C-critical: the disk is gone",
        "  Total time: 1m 5s",
        "  Next: aad escalations show C-critical · aad logs A · aad orchestrate --resume",
    ]


@pytest.mark.parametrize(
    ("lang", "reason", "told"),
    [
        ("en", None, "Ended by a person (C-critical)"),
        ("en", "not now", "Ended by a person (C-critical): not now"),
        ("ja", None, "人の決定により終了しました (C-critical)"),
        ("ja", "not now", "人の決定により終了しました (C-critical): not now"),
    ],
)
def test_a_person_who_ended_the_run_is_named_and_not_what_was_asked(
    lang: str, reason: str | None, told: str
) -> None:
    decided = events.EscalationDecided(
        spec="C", escalation="C-critical", action=Action.ABORT, by="person", message=reason
    )
    state = a_critical_end(decided)

    lines = summarize_run(state, Voice(lang, Style(symbols=EMOJI)), decisions={"C-critical": decided})

    assert lines[3] == f"  {told}"


def asking(*specs: str) -> list[Event]:
    """Return the events of a run whose sessions ask, and are cancelled with their questions open."""
    raised = [
        events.EscalationRaised(
            spec=spec, attempt=1, escalation=f"{spec}-error", level=events.EscalationLevel.ERROR,
            kind=events.EscalationKind.QUESTION, message="Which?", path="p",
            question=events.Question(text="Which?"),
        )
        for spec in specs
    ]  # fmt: skip
    return [
        plan(*(PlanEntry(id=spec) for spec in specs)),
        *map(begin, specs),
        *raised,
        *(events.SessionWaiting(spec=spec, attempt=1, escalation=f"{spec}-error") for spec in specs),
        *(events.SessionCancelled(spec=spec, attempt=1) for spec in specs),
    ]


@pytest.mark.parametrize(
    ("specs", "told"),
    [
        ("A", "aad escalations answer A-error TEXT · aad orchestrate --resume"),
        ("AB", "aad escalations list · aad escalations answer A-error TEXT · aad orchestrate --resume"),
    ],
)
def test_what_was_asked_is_still_to_be_answered_after_an_interruption(specs: str, told: str) -> None:
    state = after(*asking(*specs), end("interrupted", signal=2))

    assert summarize_run(state, ENGLISH)[-1] == f"  Next: {told}"


def test_of_many_reasons_ten_are_told() -> None:
    specs = [f"S{number}" for number in range(12)]
    decisions = {
        spec: events.EscalationDecided(
            spec=spec, escalation=spec, action=Action.SKIP, by="person", message="later"
        )
        for spec in specs
    }
    state = after(
        plan(*(PlanEntry(id=spec) for spec in specs)),
        *(events.SessionSkipped(spec=spec) for spec in specs),
        end("failed"),
    )

    lines = summarize_run(state, ENGLISH, decisions=decisions)

    assert lines[4:15] == [*(f"  S{n}: skipped, as a person decided: later" for n in range(10)), "  +2"]


def test_a_critical_end_is_named_in_japanese_too() -> None:
    lines = summarize_run(a_critical_end(), Voice("ja", Style(symbols=EMOJI)))

    assert lines[3] == "  エスカレーション C-critical により終了しました: the disk is gone"


def test_a_critical_escalation_that_was_decided_otherwise_ended_nothing() -> None:
    told = summarize_run(a_critical_end(decide(Action.SKIP)), ENGLISH)

    assert told[3:] == ["  Total time: 1m 5s", "  Next: aad logs A · aad orchestrate --resume"]


def test_the_critical_escalation_of_an_earlier_segment_ends_no_later_one() -> None:
    state = a_critical_end(decide(Action.ABORT))
    state.apply(events.RunStarted(pid=1, version="0.1.0", jobs=1, schedule="eager", resumed=True))

    assert state.critical is None


def test_an_escalation_that_is_both_critical_and_the_last_of_a_failure_is_named_once() -> None:
    state = after(plan(PlanEntry(id="C")), begin("C"), critical("C-critical"), events.SessionFailed(spec="C"))

    lines = summarize_run(state, ENGLISH)

    assert lines[-1] == "  Next: aad escalations show C-critical · aad logs C · aad orchestrate --resume"


def test_what_could_not_be_started_has_no_log_to_look_into() -> None:
    state = after(
        plan(PlanEntry(id="A")),
        begin("A"),
        events.SessionFailed(spec="A", log="a.log", failure=Failure(reason=Reason.SPAWN_FAILED)),
    )

    lines = summarize_run(state, ENGLISH)

    assert lines[-1] == "  Next: aad orchestrate --resume"
