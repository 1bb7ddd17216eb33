"""What people read of a run, whole."""

import io
import time
from contextlib import suppress

import pytest

from aad import events
from aad.display.plain import PlainDisplay
from aad.display.stream import Stream
from aad.display.style import ASCII, EMOJI, UNICODE, Style
from aad.events import (
    Action,
    EscalationKind,
    EscalationLevel,
    Event,
    Failure,
    PlanEntry,
    Question,
    Reason,
    Usage,
)
from aad.state import RunState

RUN = "20261122-213612-7f3a"
LOG = f".aad/runs/{RUN}/SPEC-003/1/output.log"


class Watched:
    """A run whose events are recorded and shown, and what was shown of it."""

    def __init__(
        self, lang: str = "en", style: Style | None = None, *, verbosity: int = 0, tail_lines: int = 40
    ) -> None:
        self.state = RunState()
        self.out = io.StringIO()
        # Of a clock that nobody sets.
        self.now = 0.0
        self.display = PlainDisplay(
            Stream(self.out),
            self.state,
            style or Style(symbols=EMOJI),
            lang,
            verbosity=verbosity,
            tail_lines=tail_lines,
            clock=lambda: self.now,
        )

    def turn(self, *happened: Event) -> str:
        """Let events come in one turn of the event loop; return what was written then."""
        before = len(self.out.getvalue())
        for event in happened:
            self.state.apply(event)
            self.display.show(event)
        self.display.flush()
        return self.out.getvalue()[before:]

    def tick(self, passed: float, *, now: float = 0.0) -> str:
        """Let so many seconds pass; `now` is what the clock on the wall says then."""
        before = len(self.out.getvalue())
        self.now += passed
        self.display.tick(now)
        return self.out.getvalue()[before:]


def started(*, resumed: bool = False, ts: float = 0.0) -> Event:
    return events.RunStarted(
        run=RUN, ts=ts, pid=1, version="0.1.0", jobs=8, schedule="eager", resumed=resumed
    )


def planned(*entries: PlanEntry) -> Event:
    return events.PlanMade(run=RUN, specs=entries, waves=())


def begin(spec: str, attempt: int = 1, ts: float = 0.0) -> Event:
    return events.SessionStarted(spec=spec, attempt=attempt, ts=ts)


def complete(spec: str, seconds: float = 1.0, *, attempt: int = 1, usage: Usage | None = None) -> Event:
    return events.SessionCompleted(spec=spec, attempt=attempt, duration_s=seconds, usage=usage)


def fail(spec: str, failure: Failure | None = None, *, escalation: str | None = None) -> Event:
    return events.SessionFailed(spec=spec, attempt=1, duration_s=2.0, failure=failure, escalation=escalation)


def escalate(
    spec: str,
    level: EscalationLevel,
    kind: EscalationKind = EscalationKind.FAILED,
    failure: Failure | None = None,
    *,
    elapsed_s: float | None = None,
    limit_s: float | None = None,
) -> Event:
    name = f"{spec}-{level}"
    return events.EscalationRaised(
        spec=spec, attempt=1, escalation=name, level=level, kind=kind, message="the disk is slow",
        path=f".aad/escalations/{name}.json", failure=failure, elapsed_s=elapsed_s, limit_s=limit_s,
    )  # fmt: skip


def end(status: str = "completed", seconds: float = 537.0, signal: int | None = None) -> Event:
    return events.RunFinished(status=status, exit_code=0, duration_s=seconds, signal=signal)


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


def test_a_critical_escalation_is_told_to_the_quiet_too() -> None:
    run = Watched(verbosity=-1)
    run.turn(begin("A"))

    told = run.turn(*(escalate("A", level) for level in EscalationLevel))

    assert told == "⚠ A: critical: the disk is slow\n  → escalation: .aad/escalations/A-critical.json\n"


def test_what_a_session_left_running_is_named() -> None:
    run = Watched()
    run.turn(begin("A"))

    told = run.turn(
        events.Leaked(spec="A", attempt=1, message="2 processes", processes=("node (7)", "sleep (8)"))
    )

    assert told == "⚠ A left processes running, which were ended: node (7), sleep (8)\n"


# What became of the work.

SECRET = events.LeftOut(path="app/.env", why="secret")
OTHERS = (
    events.LeftOut(path="lib/", why="nested"),
    events.LeftOut(path="sub", why="submodule"),
    events.LeftOut(path="locked", why="unreadable"),
)


def work_in(spec: str, attempt: int = 1) -> list[Event]:
    ready = events.WorkspaceReady(spec=spec, attempt=attempt, workspace=f"/w/{spec}", isolation="worktree")
    return [ready, events.SessionStarted(spec=spec, attempt=attempt, log=f"runs/{spec}/{attempt}/output.log")]


def integrate(spec: str, *left_out: events.LeftOut, branch: str = "") -> Event:
    return events.Integrated(
        spec=spec, attempt=1, branch=branch or f"aad/{spec}", commit="1a2b3c4d5e6f", target="aad/run/R",
        result="fa", left_out=left_out,
    )  # fmt: skip


def roll_back(spec: str, *left_out: events.LeftOut, ref: str = "refs/aad/R/{spec}/1") -> Event:
    return events.RolledBack(
        spec=spec, attempt=1, ref=ref.format(spec=spec), commit="c0", base="ba5eba5eba5eba5e",
        left_out=left_out,
    )  # fmt: skip


def test_finished_work_needs_no_line_of_its_own() -> None:
    run = Watched()
    run.turn(*work_in("A"))

    told = run.turn(integrate("A"), complete("A"))

    assert told == "✓ A completed (1s)\n"


def test_where_finished_work_is_stands_below_its_end_for_those_who_want_to_know() -> None:
    run = Watched(verbosity=1)
    run.turn(*work_in("A"))

    told = run.turn(integrate("A"), complete("A"))

    assert [line.partition(" ")[2] for line in told.splitlines()] == [
        "✓ A completed (1s)",
        "  → on aad/A (1a2b3c4), merged into aad/run/R",
    ]


def test_of_what_a_killed_run_had_integrated_only_the_result_is_known() -> None:
    run = Watched(verbosity=1)

    told = run.turn(integrate("A", branch="aad/run/R"), complete("A"))

    assert told.splitlines()[1].partition(" ")[2] == "  → already in aad/run/R (1a2b3c4)"


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            [
                "✓ A completed (1s)",
                (
                    "  ⚠ not committed, left in /w/A: app/.env (looks like a secret), "
                    "lib/ (a repository of its own), sub (a changed submodule), locked (cannot be read)"
                ),
            ],
        ),
        (
            "ja",
            [
                "✓ A が完了しました (1秒)",
                (
                    "  ⚠ コミットせず /w/A に残しました: app/.env (機密情報の可能性), lib/ (別のリポジトリ), "
                    "sub (変更されたサブモジュール), locked (読み取り不可)"
                ),
            ],
        ),
    ],
)
def test_what_is_in_no_commit_is_named_with_why_and_where_it_is(lang: str, lines: list[str]) -> None:
    run = Watched(lang)
    run.turn(*work_in("A"))

    told = run.turn(integrate("A", SECRET, *OTHERS), complete("A"))

    assert told.splitlines() == lines


def test_of_much_that_is_in_no_commit_the_first_is_named_and_nothing_moves_the_cursor() -> None:
    run = Watched()
    run.turn(*work_in("A"))
    left = [events.LeftOut(path=f"{number}\x1b[2J.pem", why="secret") for number in range(9)]

    told = run.turn(integrate("A", *left), complete("A"))

    names = ", ".join(f"{number}.pem (looks like a secret)" for number in range(5))
    assert told.splitlines()[1] == f"  ⚠ not committed, left in /w/A: {names}, +4"


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            [
                "⚠ A failed (2s): exit code 3",
                "  → its work is kept: git diff ba5eba5eba5e refs/aad/R/A/1",
                "  ⚠ not committed, left in /w/A: app/.env (looks like a secret)",
                "  → escalation: .aad/escalations/A-error.json",
                "  → log: runs/A/1/output.log",
            ],
        ),
        (
            "ja",
            [
                "⚠ A でエラーが発生しました (2秒): 終了コード 3",
                "  → 作業内容は保存してあります: git diff ba5eba5eba5e refs/aad/R/A/1",
                "  ⚠ コミットせず /w/A に残しました: app/.env (機密情報の可能性)",
                "  → エスカレーションログ: .aad/escalations/A-error.json",
                "  → ログ: runs/A/1/output.log",
            ],
        ),
    ],
)
@pytest.mark.parametrize("verbosity", [-1, 0])
def test_how_to_look_at_work_that_came_to_nothing_stands_below_its_failure(
    lang: str, lines: list[str], verbosity: int
) -> None:
    run = Watched(lang, verbosity=verbosity)
    run.turn(*work_in("A"))
    failure = Failure(reason=Reason.EXIT_CODE, exit_code=3)

    told = run.turn(
        roll_back("A", SECRET),
        escalate("A", EscalationLevel.ERROR, failure=failure),
        fail("A", failure, escalation="A-error"),
    )

    assert told.splitlines() == lines


def test_where_nothing_but_what_no_commit_holds_was_made_there_is_no_work_to_look_at() -> None:
    run = Watched()
    run.turn(*work_in("A"))

    told = run.turn(roll_back("A", SECRET, ref=""), events.SessionCancelled(spec="A"))

    assert told == ("⊘ A cancelled\n  ⚠ not committed, left in /w/A: app/.env (looks like a secret)\n")


def test_where_another_attempt_follows_what_no_commit_holds_is_moved_beside_the_log() -> None:
    run = Watched()
    run.turn(*work_in("A"))
    failure = Failure(reason=Reason.EXIT_CODE, exit_code=3)

    told = run.turn(
        roll_back("A", SECRET), events.RetryScheduled(spec="A", attempt=1, delay_s=0.0, failure=failure)
    )

    assert told.splitlines() == [
        "↻ A failed (0.0s): exit code 3; attempt 2 follows",
        "  → its work is kept: git diff ba5eba5eba5e refs/aad/R/A/1",
        "  ⚠ not committed, left in runs/A/1/left-out: app/.env (looks like a secret)",
    ]


def test_work_that_is_found_when_a_run_goes_on_is_told_at_once() -> None:
    run = Watched()
    run.turn(started(), *work_in("A"), started(resumed=True))

    told = run.turn(roll_back("A", SECRET), *work_in("A", attempt=2))

    assert told.splitlines() == [
        "⚠ A (attempt 1) had left work behind",
        "  → its work is kept: git diff ba5eba5eba5e refs/aad/R/A/1",
        "  ⚠ not committed, left in runs/A/1/left-out: app/.env (looks like a secret)",
        "⏳ A (attempt 2) started...",
    ]


def test_a_conflict_names_what_contradicts_and_neither_quotes_nor_names_the_log() -> None:
    run = Watched()
    run.turn(*work_in("B"))
    conflict = Failure(
        reason=Reason.CONFLICT, files=("a.py",), blocked_by=("A", "B"), log_tail=("done",), log_lines=1
    )

    told = run.turn(
        roll_back("B"),
        escalate("B", EscalationLevel.ERROR, EscalationKind.CONFLICT, conflict),
        fail("B", conflict, escalation="B-error"),
    )

    assert told.splitlines() == [
        "⚠ B failed (2s): merge conflict in a.py (changes of A, B)",
        "  → its work is kept: git diff ba5eba5eba5e refs/aad/R/B/1",
        "  → escalation: .aad/escalations/B-error.json",
    ]


def test_a_minute_without_a_line_brings_a_sign_of_life() -> None:
    run = Watched()
    plan = planned(*(PlanEntry(id=f"SPEC-00{n}") for n in range(1, 5)))
    run.turn(started(ts=1000.0), plan, begin("SPEC-001", ts=1000.0), complete("SPEC-001"))
    quiet = run.tick(59.5, now=1059.5)
    run.turn(begin("SPEC-002", ts=1000.0), begin("SPEC-005", ts=1100.0))
    run.state.apply(events.SessionProgress(spec="SPEC-002", progress=0.62))

    told = [run.tick(passed, now=1160.0 + passed) for passed in (59.5, 0.5, 59.5, 0.5)]

    assert [quiet, *told] == [
        "",
        "",
        "  2 running: SPEC-002 2m 40s 62%, SPEC-005 1m · 1/5 complete\n",
        "",
        "  2 running: SPEC-002 2m 40s 62%, SPEC-005 1m · 1/5 complete\n",
    ]


def test_whoever_asked_what_runs_needs_no_sign_of_life() -> None:
    run = Watched()
    run.turn(started(ts=1000.0), begin("A", ts=1000.0))

    run.tick(59.0, now=1059.0)
    run.display.tell_running(1059.0, {})

    assert run.tick(59.0, now=1118.0) == ""


@pytest.mark.parametrize("jump", [-3600.0, 86400.0])
def test_a_wall_clock_that_jumps_changes_nothing_but_the_times_that_are_told(jump: float) -> None:
    run = Watched()
    run.turn(started(ts=1000.0), begin("A", ts=1000.0))

    told = [run.tick(30.0, now=1030.0 + jump), run.tick(30.0, now=1060.0 + jump)]

    elapsed = "0.0s" if jump < 0 else "1d"
    assert told == ["", f"  1 running: A {elapsed} · 0/1 complete\n"]


def test_the_sign_of_life_bears_the_clock_where_that_is_wanted() -> None:
    run = Watched(verbosity=1)
    run.turn(started(ts=1000.0), begin("A", ts=1000.0))

    told = run.tick(60.0, now=1060.0)

    clock = time.strftime("%H:%M:%S", time.localtime(1060.0))
    assert told == f"{clock}   1 running: A 1m · 0/1 complete\n"


def test_neither_the_quiet_nor_a_run_that_is_over_gives_a_sign_of_life() -> None:
    quiet, over = Watched(verbosity=-1), Watched()
    quiet.turn(started(), begin("A"))
    over.turn(started(), begin("A"), complete("A"), end())

    told = (quiet.tick(1000.0), over.tick(1000.0))

    assert told == ("", "")


def test_a_turn_is_written_at_once_and_closing_writes_what_is_left() -> None:
    written: list[str] = []

    class Noting(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    state = RunState()
    display = PlainDisplay(Stream(Noting()), state, Style(), "en")

    for event in (begin("A"), complete("A"), begin("B")):
        state.apply(event)
        display.show(event)
    display.close()
    display.flush()

    assert written == ["⏳ A started...\n✓ A completed (1s)\n⏳ B started...\n"]


class Terminal(io.StringIO):
    """A terminal that keeps what it is sent."""

    def isatty(self) -> bool:
        return True


def interrupt(out: io.StringIO, verbosity: int = 0) -> str:
    """Return what is written when a run is interrupted that has just begun two sessions."""
    state = RunState()
    display = PlainDisplay(Stream(out), state, Style(symbols=UNICODE), "en", verbosity=verbosity)
    for event in (begin("A"), begin("B")):
        state.apply(event)
        display.show(event)

    display.tell_interrupted()

    return out.getvalue()


def test_an_interruption_is_answered_at_once_behind_what_came_before() -> None:
    told = interrupt(io.StringIO())

    assert told == ("▸ A, B started in parallel...\n! interrupted: ending 2 sessions (^C again kills them)\n")


def test_on_a_terminal_the_answer_leaves_the_line_on_which_the_key_was_shown() -> None:
    told = interrupt(Terminal())

    assert told == (
        "\n▸ A, B started in parallel...\n! interrupted: ending 2 sessions (^C again kills them)\n"
    )


def test_an_interruption_is_not_answered_to_the_quiet_but_for_leaving_the_key() -> None:
    told = [interrupt(out, verbosity=-1) for out in (Terminal(), io.StringIO())]

    assert told == ["\n", ""]


# When somebody asks.


def ask(lang: str, *, verbosity: int = 0) -> list[str]:
    """Return what is written when somebody asks what runs, less what was written before."""
    run = Watched(lang, verbosity=verbosity)
    run.turn(started(ts=1000.0), planned(PlanEntry(id="A"), PlanEntry(id="B")), begin("A", ts=1000.0))
    before = len(run.out.getvalue())
    run.display.tell_running(1080.0, {"A": 40.0})
    return run.out.getvalue()[before:].splitlines()


@pytest.mark.parametrize("verbosity", [0, -1])
def test_whoever_asks_what_runs_gets_a_table_also_of_a_quiet_run(verbosity: int) -> None:
    assert ask("en", verbosity=verbosity) == [
        f"run {RUN} · running · 1m 20s · 0/2 complete",
        "  spec  attempt  elapsed  limit in",
        "  A     1        1m 20s   40s",
        "  1 not started",
    ]


def test_each_line_of_the_table_bears_the_clock_where_that_is_wanted() -> None:
    clock = time.strftime("%H:%M:%S", time.localtime(1080.0))

    told = ask("ja", verbosity=1)

    assert told == [
        f"{clock} 実行 {RUN} · 実行中 · 1分20秒 · 0/2 完了",
        f"{clock}   Spec  試行  経過     制限まで",
        f"{clock}   A     1     1分20秒  40秒",
        f"{clock}   1件未開始",
    ]


# While somebody else writes.


def test_what_is_told_while_it_is_held_is_written_when_that_ends() -> None:
    run = Watched()
    run.turn(started(), planned(PlanEntry(id="A"), PlanEntry(id="B")), begin("A"), begin("B"))
    before = len(run.out.getvalue())

    with run.display.hold():
        told = [run.turn(complete("A")), run.turn(complete("B", 2.0))]

    assert told == ["", ""]
    assert run.out.getvalue()[before:] == "✓ A completed (1s)\n✓ B completed (2s)\n"


def test_there_is_no_sign_of_life_while_it_is_held_nor_in_the_minute_after() -> None:
    run = Watched()
    run.turn(started(), planned(PlanEntry(id="A")), begin("A", ts=0.0))

    with run.display.hold():
        held = run.tick(61, now=61.0)
    after = [run.tick(59, now=120.0), run.tick(1, now=121.0)]

    assert (held, after) == ("", ["", "  1 running: A 2m 1s · 0/1 complete\n"])


def test_whatever_ends_the_holding_nothing_is_lost() -> None:
    run = Watched()
    run.turn(started(), planned(PlanEntry(id="A")), begin("A"))

    with suppress(KeyboardInterrupt), run.display.hold():
        run.turn(complete("A"))
        raise KeyboardInterrupt

    assert run.out.getvalue().splitlines()[-1] == "✓ A completed (1s)"


# When it stands still.


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            [
                "paused: all sessions are stopped until the run goes on (fg, or kill -CONT 1)",
                "going on after a pause of 1m 30s",
                "the machine slept for 1h: no session is held to account for it",
            ],
        ),
        (
            "ja",
            [
                "一時停止: 再開 (fg または kill -CONT 1) まで全セッションを止めています",
                "1分30秒 の停止から再開しました",
                "マシンが 1時間 スリープしていました (制限時間には数えません)",
            ],
        ),
    ],
)
def test_pauses_and_sleep_are_told_with_how_long_they_were(lang: str, lines: list[str]) -> None:
    run = Watched(lang)
    run.turn(started(), planned(PlanEntry(id="A")), begin("A"))

    told = run.turn(
        events.Paused(),
        events.Resumed(pause_s=90.0),
        events.Resumed(pause_s=3600.0, cause=events.Pause.SLEPT),
    )

    assert told.splitlines() == lines


def test_a_pause_is_told_at_once_though_a_session_is_about_to_start() -> None:
    run = Watched()
    run.turn(started(), planned(PlanEntry(id="A"), PlanEntry(id="B")), begin("A"))
    run.turn(events.WorkspaceReady(spec="B", attempt=1, workspace="/w"))

    told = [run.turn(events.Paused()), run.turn(events.Resumed(pause_s=1.0), begin("B"))]

    assert told == [
        "paused: all sessions are stopped until the run goes on (fg, or kill -CONT 1)\n",
        "going on after a pause of 1s\n⏳ B started...\n",
    ]
