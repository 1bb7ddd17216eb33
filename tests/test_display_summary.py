"""The summary at a run's end: what it counts, what took longest, and where the result is."""

from attrs import evolve
from summarizedrun import ENGLISH, after, begin, complete, end, plan

from aad import events
from aad.display.style import ASCII, EMOJI, Style
from aad.display.summary import find_critical_path, summarize_run
from aad.display.voice import Voice
from aad.events import Event, Failure, PlanEntry, Reason, Usage
from aad.state import RunState


def test_the_summary_of_a_run_in_which_nothing_was_done_has_its_two_counts_and_its_time() -> None:
    state = after(end("completed"))

    lines = summarize_run(state, ENGLISH)

    assert lines == ["📈 Summary:", "  Completed: 0", "  Failed: 0", "  Total time: 1m 5s"]


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
