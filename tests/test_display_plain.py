"""What people read of a run, whole."""

import time

import pytest
from watchedrun import RUN, Watched, begin, complete, end, escalate, planned, started

from aad import events
from aad.display.style import ASCII, UNICODE, Style
from aad.events import Action, EscalationLevel, Event, Failure, PlanEntry, Reason

LOG = f".aad/runs/{RUN}/SPEC-003/1/output.log"


def the_sample() -> list[list[Event]]:
    """Return the events of a run in which one of two parallel sessions fails, turn by turn."""
    failure = Failure(reason=Reason.EXIT_CODE, exit_code=1, log_tail=("1 failed, 13 passed in 4.21s",))
    blocked = Failure(reason=Reason.BLOCKED, blocked_by=("SPEC-003",))
    return [
        [
            started(),
            planned(
                PlanEntry(id="SPEC-001"),
                PlanEntry(id="SPEC-002", depends_on=("SPEC-001",), wave=1),
                PlanEntry(id="SPEC-003", depends_on=("SPEC-001",), wave=1),
                PlanEntry(id="SPEC-004", depends_on=("SPEC-002", "SPEC-003"), wave=2),
            ),
            begin("SPEC-001"),
        ],
        [complete("SPEC-001", 312), begin("SPEC-002"), begin("SPEC-003")],
        [
            escalate("SPEC-003", EscalationLevel.ERROR, failure=failure),
            events.SessionFailed(
                spec="SPEC-003", attempt=1, duration_s=130, failure=failure,
                escalation="SPEC-003-error", log=LOG,
            ),
            events.SessionSkipped(spec="SPEC-004", failure=blocked),
        ],
        [complete("SPEC-002", 225)],
        [end("failed")],
    ]  # fmt: skip


def test_a_run_reads_like_this_in_english() -> None:
    run = Watched("en")

    for turn in the_sample():
        run.turn(*turn)

    assert (
        run.out.getvalue()
        == f"""\
🚀 Orchestrator started
  run {RUN} · 4 specs · 8 slots
📊 Plan:
  - SPEC-001 (no dependencies)
  - SPEC-002 (after SPEC-001)
  - SPEC-003 (after SPEC-001)
  - SPEC-004 (after SPEC-002, SPEC-003)

⏳ SPEC-001 started...
✓ SPEC-001 completed (5m 12s)
⏳ SPEC-002, SPEC-003 started in parallel...
⚠ SPEC-003 failed (2m 10s): exit code 1
  → escalation: .aad/escalations/SPEC-003-error.json
  → log: {LOG}
    │ 1 failed, 13 passed in 4.21s
⊘ SPEC-004 skipped: needs SPEC-003
✓ SPEC-002 completed (3m 45s)

📈 Summary:
  Completed: 2 (SPEC-001, SPEC-002)
  Failed: 1 (SPEC-003)
  Skipped: 1 (SPEC-004)
  Total time: 8m 57s
  Next: aad logs SPEC-003 · aad escalations show SPEC-003-error · aad orchestrate --resume
"""
    )


def test_a_run_reads_like_this_in_japanese() -> None:
    run = Watched("ja")

    for turn in the_sample():
        run.turn(*turn)

    assert (
        run.out.getvalue()
        == f"""\
🚀 オーケストレーターを起動しました
  実行 {RUN} · Spec 4件 · 並列数 8
📊 実行計画:
  - SPEC-001 (依存なし)
  - SPEC-002 (依存: SPEC-001)
  - SPEC-003 (依存: SPEC-001)
  - SPEC-004 (依存: SPEC-002, SPEC-003)

⏳ SPEC-001 を開始...
✓ SPEC-001 が完了しました (5分12秒)
⏳ SPEC-002, SPEC-003 を並列実行...
⚠ SPEC-003 でエラーが発生しました (2分10秒): 終了コード 1
  → エスカレーションログ: .aad/escalations/SPEC-003-error.json
  → ログ: {LOG}
    │ 1 failed, 13 passed in 4.21s
⊘ SPEC-004 をスキップしました: SPEC-003 が必要です
✓ SPEC-002 が完了しました (3分45秒)

📈 実行結果サマリー:
  成功: 2件 (SPEC-001, SPEC-002)
  失敗: 1件 (SPEC-003)
  スキップ: 1件 (SPEC-004)
  合計時間: 8分57秒
  次の操作: aad logs SPEC-003 · aad escalations show SPEC-003-error · aad orchestrate --resume
"""
    )


def test_quiet_tells_failures_and_the_summary_only() -> None:
    run = Watched(verbosity=-1, style=Style(symbols=UNICODE))

    for turn in the_sample():
        run.turn(*turn)

    assert (
        run.out.getvalue()
        == f"""\
✗ SPEC-003 failed (2m 10s): exit code 1
  → escalation: .aad/escalations/SPEC-003-error.json
  → log: {LOG}
    │ 1 failed, 13 passed in 4.21s

Summary:
  Completed: 2 (SPEC-001, SPEC-002)
  Failed: 1 (SPEC-003)
  Skipped: 1 (SPEC-004)
  Total time: 8m 57s
  Next: aad logs SPEC-003 · aad escalations show SPEC-003-error · aad orchestrate --resume
"""
    )


def test_a_quiet_success_is_its_summary_without_a_blank_line_before() -> None:
    run = Watched(verbosity=-1)

    run.turn(started(), planned(PlanEntry(id="A")), begin("A"), complete("A"), end(seconds=1.0))

    assert run.out.getvalue() == "📈 Summary:\n  Completed: 1 (A)\n  Failed: 0\n  Total time: 1s\n"


def test_ascii_symbols_leave_nothing_but_ascii() -> None:
    run = Watched(style=Style(symbols=ASCII))

    for turn in the_sample():
        run.turn(*turn)

    assert run.out.getvalue().isascii()


def test_colour_falls_on_marks_headings_and_hints_and_takes_no_character_away() -> None:
    coloured, plain = Watched(style=Style(color=True)), Watched(style=Style(color=False))

    turn = the_sample()[2]
    told = coloured.turn(begin("SPEC-003"), *turn)
    same = plain.turn(begin("SPEC-003"), *turn)

    assert told.splitlines()[:3] == [
        "\x1b[36m⏳\x1b[0m SPEC-003 started...",
        "\x1b[31m⚠\x1b[0m SPEC-003 failed (2m 10s): exit code 1",
        "\x1b[2m  → escalation: .aad/escalations/SPEC-003-error.json\x1b[0m",
    ]
    assert "".join(part.partition("m")[2] for part in f"m{told}".split("\x1b[")) == same


def test_verbose_puts_the_clock_in_front_of_each_line_and_tells_progress_and_decisions() -> None:
    run = Watched(verbosity=1)
    clock = time.strftime("%H:%M:%S", time.localtime(1000.0))
    decided = events.EscalationDecided(
        spec="A", ts=1000.0, escalation="A-error", action=Action.RETRY, by="handler", message="a flaky test"
    )

    told = run.turn(
        begin("A", ts=1000.0),
        events.SessionProgress(spec="A", ts=1000.0, progress=0.29, message="running tests"),
        events.SessionProgress(spec="A", ts=1000.0, progress=0.4, guessed=True),
        events.SessionProgress(spec="A", ts=1000.0, eta_s=3.0),
        decided,
        events.EscalationDecided(spec="A", ts=1000.0, escalation="A-error", action=Action.SKIP),
    )

    assert told == (
        f"{clock} ⏳ A started...\n"
        f"{clock} ▸ A 29% running tests\n"
        f"{clock} ▸ A ~40%\n"
        f"{clock}   → A: to be tried again, as the program decided: a flaky test\n"
    )


def test_progress_and_decisions_are_not_told_ordinarily() -> None:
    run = Watched()
    run.turn(begin("A"))

    told = run.turn(
        events.SessionProgress(spec="A", progress=0.5, message="half"),
        events.EscalationDecided(spec="A", escalation="A-error", action=Action.SKIP),
        events.WorkspaceReady(spec="A", workspace="/w"),
    )

    assert told == ""


def test_a_plan_names_twenty_specs_and_counts_the_others() -> None:
    run = Watched()

    told = run.turn(started(), planned(*(PlanEntry(id=f"S{n:04}") for n in range(1100))))

    assert told.splitlines() == [
        "🚀 Orchestrator started",
        f"  run {RUN} · 1,100 specs · 8 slots",
        "📊 Plan:",
        *(f"  - S{n:04} (no dependencies)" for n in range(20)),
        "  … 1,080 more (aad graph)",
        "",
    ]


def test_a_plan_marks_what_is_complete() -> None:
    run = Watched()

    told = run.turn(
        started(),
        planned(PlanEntry(id="A", status="complete"), PlanEntry(id="B", depends_on=("A",))),
        begin("B"),
        complete("B"),
        end(),
    )

    assert told == (
        "🚀 Orchestrator started\n"
        f"  run {RUN} · 2 specs · 8 slots\n"
        "📊 Plan:\n"
        "  - A (complete)\n"
        "  - B (after A)\n"
        "\n"
        "⏳ B started...\n"
        "✓ B completed (1s)\n"
        "\n"
        "📈 Summary:\n"
        "  Completed: 1 (B)\n"
        "  Failed: 0\n"
        "  Already complete: 1 (A)\n"
        "  Total time: 8m 57s\n"
    )


@pytest.mark.parametrize(
    ("lang", "line"),
    [("en", "  Added: A, C (needed by B, D)"), ("ja", "  追加: A, C（B, D に必要）")],
)
def test_a_plan_names_what_was_added_for_the_sake_of_others(lang: str, line: str) -> None:
    run = Watched(lang)

    told = run.turn(
        planned(
            PlanEntry(id="C", added=True),
            PlanEntry(id="A", depends_on=("C",), added=True),
            PlanEntry(id="D", depends_on=("A", "B")),
            PlanEntry(id="B", depends_on=("A", "C")),
            PlanEntry(id="E"),
        )
    )

    assert told.splitlines()[-2:] == [line, ""]


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            f"""\
🚀 Orchestrator started
  run {RUN} resumed · 1 spec · 1 complete · 8 slots
📊 Plan:
  - A (complete)

✓ nothing left to do

📈 Summary:
  Completed: 2 (A, B)
  Failed: 0
  Total time: 1s
""",
        ),
        (
            "ja",
            f"""\
🚀 オーケストレーターを起動しました
  実行 {RUN} を再開 · Spec 1件 · 完了 1件 · 並列数 8
📊 実行計画:
  - A (完了済み)

✓ 残りの作業はありません

📈 実行結果サマリー:
  成功: 2件 (A, B)
  失敗: 0件
  合計時間: 1秒
""",
        ),
    ],
)
def test_a_resumed_run_with_nothing_left_says_so_and_counts_the_specs_of_its_plan(
    lang: str, lines: str
) -> None:
    run = Watched(lang)
    plan = planned(PlanEntry(id="A"), PlanEntry(id="B"))
    for event in (started(), plan, begin("A"), complete("A"), begin("B"), complete("B")):
        run.state.apply(event)

    told = run.turn(started(resumed=True), planned(PlanEntry(id="A", status="complete")), end(seconds=1.0))

    assert told == lines


def test_one_blank_line_stands_between_a_plan_and_the_summary() -> None:
    run = Watched()

    told = run.turn(planned(PlanEntry(id="A")), end("interrupted", signal=15))

    assert told.splitlines()[2:5] == ["  - A (no dependencies)", "", "📈 Summary:"]


def test_a_resumed_run_says_so_and_how_much_is_complete() -> None:
    run = Watched()
    plan = planned(PlanEntry(id="A"), PlanEntry(id="B"))
    for event in (started(), plan, begin("A"), complete("A"), begin("B")):
        run.state.apply(event)

    told = run.turn(started(resumed=True), planned(PlanEntry(id="A", status="complete"), PlanEntry(id="B")))

    assert told == (
        "🚀 Orchestrator started\n"
        f"  run {RUN} resumed · 2 specs · 1 complete · 8 slots\n"
        "📊 Plan:\n"
        "  - A (complete)\n"
        "  - B (no dependencies)\n"
        "\n"
    )
