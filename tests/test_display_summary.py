"""The summary at a run's end."""

import pytest
from attrs import evolve

from aad import events
from aad.display.style import ASCII, EMOJI, Style
from aad.display.summary import find_critical_path, summarize_run
from aad.display.voice import Voice
from aad.events import Action, Event, Failure, PlanEntry, Reason, Usage
from aad.state import RunState

ENGLISH = Voice("en", Style(symbols=EMOJI))


def after(*happened: Event) -> RunState:
    """Return the state that these events lead to."""
    state = RunState()
    for event in happened:
        state.apply(event)
    return state


def plan(*entries: PlanEntry) -> Event:
    return events.PlanMade(specs=entries, waves=())


def begin(spec: str, attempt: int = 1) -> Event:
    return events.SessionStarted(spec=spec, attempt=attempt)


def complete(spec: str, seconds: float = 1.0, attempt: int = 1, usage: Usage | None = None) -> Event:
    return events.SessionCompleted(spec=spec, attempt=attempt, duration_s=seconds, usage=usage)


def end(status: str, signal: int | None = None) -> Event:
    return events.RunFinished(status=status, exit_code=1, duration_s=65.0, signal=signal)


def test_the_summary_of_a_run_in_which_nothing_was_done_has_its_two_counts_and_its_time() -> None:
    state = after(end("completed"))

    lines = summarize_run(state, ENGLISH)

    assert lines == ["📈 Summary:", "  Completed: 0", "  Failed: 0", "  Total time: 1m 5s"]


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


def test_ten_names_stand_in_a_row_and_the_others_are_counted() -> None:
    names = [f"S{n}" for n in range(22)]
    state = after(*map(begin, names), *map(complete, names), end("completed"))

    lines = summarize_run(state, ENGLISH)

    assert lines[1] == "  Completed: 22 (S0, S1, S2, S3, S4, S5, S6, S7, S8, S9, +12)"


def test_late_successes_tokens_cost_and_files_are_named() -> None:
    state = after(
        begin("A"),
        events.RetryScheduled(spec="A", attempt=1, delay_s=1.0),
        begin("A", attempt=2),
        complete("A", attempt=2, usage=Usage(input=1200, cached=200, output=34, cost_usd=0.25)),
        begin("B"),
        complete("B", usage=Usage(input=300, output=6, cost_usd=1.5)),
        end("completed"),
    )

    lines = summarize_run(state, ENGLISH, files=("junit.xml", "report.html"))

    assert lines == [
        "📈 Summary:",
        "  Completed: 2 (A, B)",
        "  Failed: 0",
        "  Total time: 1m 5s",
        "  Tokens: 1,500 in, 40 out",
        "  Cost: $1.75",
        "  A completed at attempt 2",
        "  Files: junit.xml, report.html",
    ]


def test_an_agent_that_tells_no_cost_is_named_and_never_counted_as_zero() -> None:
    codex = (
        events.SessionStarted(spec="A", attempt=1, agent="codex"),
        complete("A", usage=Usage(input=7, output=1)),
    )
    claude = (
        events.SessionStarted(spec="B", attempt=1, agent="claude"),
        complete("B", usage=Usage(input=7, output=1, cost_usd=0.5)),
    )

    told = [
        summarize_run(state, ENGLISH)[-1]
        for state in (after(*codex, end("completed")), after(*codex, *claude, end("completed")))
    ]

    assert told == ["  Cost: codex tells none", "  Cost: $0.50, without that of codex"]


def test_who_told_no_cost_is_named_also_where_another_agent_took_over() -> None:
    state = after(
        events.SessionStarted(spec="A", attempt=1, agent="codex"),
        events.SessionProgress(spec="A", attempt=1, usage=Usage(input=7, output=1)),
        events.RetryScheduled(spec="A", attempt=1, delay_s=0.0),
        events.SessionStarted(spec="A", attempt=2, agent="claude"),
        complete("A", attempt=2, usage=Usage(input=7, output=1, cost_usd=0.5)),
        end("completed"),
    )

    told = [line for line in summarize_run(state, ENGLISH) if "Cost" in line]

    assert told == ["  Cost: $0.50, without that of codex"]


def test_tokens_without_a_price_have_no_cost_and_a_price_without_tokens_stands_alone() -> None:
    tokens = after(begin("A"), complete("A", usage=Usage(input=7, output=1)), end("completed"))
    price = after(begin("A"), complete("A", usage=Usage(cost_usd=0.5)), end("completed"))

    told = [summarize_run(state, ENGLISH)[4:] for state in (tokens, price)]

    assert told == [["  Tokens: 7 in, 1 out"], ["  Cost: $0.50"]]


def test_many_late_successes_are_counted() -> None:
    names = [f"S{n}" for n in range(12)]
    state = after(*(begin(name, 2) for name in names), *(complete(name, attempt=2) for name in names))

    lines = summarize_run(state, ENGLISH)

    assert lines[4:] == [*(f"  S{n} completed at attempt 2" for n in range(10)), "  +2"]


def a_diamond() -> RunState:
    """Return a run in which B takes longer than C, and D needs both."""
    return after(
        plan(
            PlanEntry(id="D", depends_on=("B", "C"), wave=2),
            PlanEntry(id="A", depends_on=("Z",)),
            PlanEntry(id="B", depends_on=("A",), wave=1),
            PlanEntry(id="C", depends_on=("A",), wave=1),
            PlanEntry(id="Z", status="complete"),
        ),
        *(event for name, seconds in zip("ABCD", (5, 60, 30, 2), strict=True)
          for event in (begin(name), complete(name, seconds))),
        end("completed"),
    )  # fmt: skip


def test_the_critical_path_is_the_chain_that_took_longest() -> None:
    path = find_critical_path(a_diamond())

    assert [session.spec_id for session in path] == ["A", "B", "D"]


def test_the_critical_path_is_drawn_where_more_is_wanted() -> None:
    lines = summarize_run(a_diamond(), Voice("en", Style(symbols=ASCII)), verbose=True)

    assert lines == [
        "Summary:",
        "  Completed: 4 (D, A, B, C)",
        "  Failed: 0",
        "  Already complete: 1 (Z)",
        "  Total time: 1m 5s",
        "  Critical path: A -> B -> D (1m 7s)",
    ]


def test_what_was_completed_elsewhere_before_a_resumption_is_no_success_of_the_run() -> None:
    state = after(
        plan(PlanEntry(id="A"), PlanEntry(id="B", depends_on=("A",), wave=1)),
        begin("A", attempt=2),
        events.SessionFailed(spec="A", attempt=2, duration_s=50.0),
        events.RunStarted(pid=1, version="0.1.0", jobs=1, schedule="eager", resumed=True),
        plan(PlanEntry(id="A", status="complete"), PlanEntry(id="B", depends_on=("A",), wave=1)),
        begin("B"),
        complete("B", seconds=2.0),
        end("completed"),
    )

    lines = summarize_run(state, Voice("en", Style(symbols=ASCII)), verbose=True)

    assert lines == [
        "Summary:",
        "  Completed: 1 (B)",
        "  Failed: 0",
        "  Already complete: 1 (A)",
        "  Total time: 1m 5s",
        "  Critical path: B (2s)",
    ]


def test_a_run_without_plan_or_without_a_session_that_ran_has_no_critical_path() -> None:
    states = (after(), after(plan(PlanEntry(id="A"))))

    assert [find_critical_path(state) for state in states] == [[], []]


GIT = events.RunStarted(run="R", pid=1, version="0.1.0", jobs=1, schedule="eager", base="ba5e")


def integrate(spec: str, result: str) -> Event:
    return events.Integrated(spec=spec, branch=f"aad/{spec}", commit="c0", target="aad/run/R", result=result)


def test_the_branch_of_a_result_is_named_and_how_to_merge_it() -> None:
    state = after(
        GIT, plan(PlanEntry(id="A")), begin("A"), integrate("A", "fa"), complete("A"), end("completed")
    )

    lines = summarize_run(state, ENGLISH)

    assert lines == [
        "📈 Summary:",
        "  Completed: 1 (A)",
        "  Failed: 0",
        "  Result: aad/run/R",
        "  Total time: 1m 5s",
        "  Next: git merge aad/run/R",
    ]


def test_where_no_branch_is_checked_out_the_way_to_one_comes_first() -> None:
    state = after(evolve(GIT, onto="it's"), begin("A"), integrate("A", "fa"), complete("A"), end("completed"))

    lines = summarize_run(state, ENGLISH)

    assert lines[-1] == "  Next: git switch 'it'\"'\"'s' · git merge aad/run/R"


def test_a_result_that_lacks_something_is_merged_after_all_else() -> None:
    state = after(
        GIT,
        plan(PlanEntry(id="A"), PlanEntry(id="B")),
        *map(begin, "AB"),
        integrate("A", "fa"),
        complete("A"),
        events.SessionFailed(spec="B"),
        end("failed"),
    )

    lines = summarize_run(state, Voice("ja", Style(symbols=EMOJI)))

    assert lines == [
        "📈 実行結果サマリー:",
        "  成功: 1件 (A)",
        "  失敗: 1件 (B)",
        "  成果: aad/run/R",
        "  合計時間: 1分5秒",
        "  次の操作: aad logs B · aad orchestrate --resume · git merge aad/run/R",
    ]


def test_a_run_in_which_nothing_was_made_has_no_result() -> None:
    state = after(
        GIT, plan(PlanEntry(id="A")), begin("A"), integrate("A", "ba5e"), complete("A"), end("completed")
    )

    lines = summarize_run(state, ENGLISH)

    assert lines == ["📈 Summary:", "  Completed: 1 (A)", "  Failed: 0", "  Total time: 1m 5s"]


def test_of_a_conflict_the_escalation_says_more_than_the_log() -> None:
    conflict = Failure(reason=Reason.CONFLICT, files=("a.py",), blocked_by=("A", "B"))
    state = after(
        plan(PlanEntry(id="A")),
        begin("A"),
        events.EscalationRaised(
            spec="A", escalation="A-error", level=events.EscalationLevel.ERROR,
            kind=events.EscalationKind.CONFLICT, message="merge conflict", path="p", failure=conflict,
        ),
        events.SessionFailed(spec="A", failure=conflict, escalation="A-error"),
        end("failed"),
    )  # fmt: skip

    lines = summarize_run(state, ENGLISH)

    assert lines[-1] == "  Next: aad escalations show A-error · aad orchestrate --resume"
