"""Where a run stands, as it is drawn."""

import math

import pytest

from aad import events
from aad.display.status import align, draw_running, draw_status, say_interrupted, say_running
from aad.display.style import ASCII, EMOJI, Style
from aad.display.voice import Voice
from aad.events import Event, PlanEntry, Usage
from aad.state import RunState


def a_run() -> RunState:
    """Return a run in which a session stands in every status."""
    state = RunState()
    names = ("SPEC-001", "SPEC-002", "SPEC-003", "SPEC-004", "SPEC-005", "SPEC-006", "SPEC-007")
    plan = (
        PlanEntry(id="SPEC-000", title="Domain", status="complete"),
        *(PlanEntry(id=name, title=f"設定 {name[-1]}") for name in names),
        PlanEntry(id="SPEC-008"),
    )
    for event in (
        events.RunStarted(run="R", ts=1000.0, pid=1, version="0.1.0", jobs=2, schedule="eager"),
        events.PlanMade(specs=plan, waves=()),
        *(events.SessionStarted(spec=name, attempt=1, ts=1000.0) for name in names[:6]),
        events.SessionCompleted(spec="SPEC-001", attempt=1, duration_s=48.0),
        events.SessionProgress(spec="SPEC-002", attempt=1, progress=0.4, guessed=True),
        events.SessionFailed(spec="SPEC-003", attempt=2, duration_s=312.0),
        events.SessionTimedOut(spec="SPEC-004", attempt=1, duration_s=60.0),
        events.SessionWaiting(spec="SPEC-005", attempt=1),
        events.SessionCancelled(spec="SPEC-006", attempt=1, duration_s=3.0),
        events.SessionSkipped(spec="SPEC-007"),
    ):
        state.apply(event)
    return state


def test_a_status_has_a_line_for_each_session() -> None:
    drawn = draw_status(a_run(), Style(symbols=EMOJI), "en", now=1080.0)

    assert drawn.splitlines() == [
        "run R · running · 1m 20s · 1/8 complete",
        "  ✓ SPEC-000  Domain  complete before",
        "  ✓ SPEC-001  設定 1  completed                         48s",
        "  ▸ SPEC-002  設定 2  running                     ~40%  1m 20s",
        "  ✗ SPEC-003  設定 3  failed           attempt 2        5m 12s",
        "  ✗ SPEC-004  設定 4  timed out                         1m",
        "  ? SPEC-005  設定 5  waiting",
        "  ⊘ SPEC-006  設定 6  cancelled                         3s",
        "  ⊘ SPEC-007  設定 7  skipped",
        "    SPEC-008          pending",
    ]


def test_columns_stand_below_each_other_in_japanese_too() -> None:
    drawn = draw_status(a_run(), Style(symbols=EMOJI), "ja", now=1080.0)

    assert drawn.splitlines()[:5] == [
        "実行 R · 実行中 · 1分20秒 · 1/8 完了",
        "  ✓ SPEC-000  Domain  完了済み",
        "  ✓ SPEC-001  設定 1  完了                       48秒",
        "  ▸ SPEC-002  設定 2  実行中               ~40%  1分20秒",
        "  ✗ SPEC-003  設定 3  失敗          2回目        5分12秒",
    ]


def test_a_run_that_is_over_shows_how_long_it_took() -> None:
    state = a_run()
    state.apply(events.RunFinished(status="failed", exit_code=1, duration_s=90.0))

    drawn = draw_status(state, Style(symbols=ASCII), "en", now=9999.0)

    assert drawn.splitlines()[0] == "run R - failed - 1m 30s - 1/8 complete"


@pytest.mark.parametrize(
    "status", ["completed", "failed", "waiting", "timed_out", "interrupted", "pending", "paused"]
)
def test_every_status_of_a_run_has_words(status: str) -> None:
    state = RunState(run="R", status=status)

    drawn = draw_status(state, Style(symbols=ASCII), "en", now=0.0)

    assert drawn == f"run R - {status.replace('_', ' ')} - 0/0 complete"


def test_titles_from_files_cannot_move_the_cursor_and_marks_are_painted() -> None:
    state = RunState(run="R", plan=None)
    state.apply(events.PlanMade(specs=(PlanEntry(id="A", title="\x1b[2Jred\x1b[31m\n"),), waves=()))
    state.apply(events.SessionStarted(spec="A", attempt=1))

    drawn = draw_status(state, Style(color=True), "en", now=5.0)

    assert drawn == "run R · pending · 0/1 complete\n  \x1b[36m▸\x1b[0m A  red  running  5s"


def test_what_runs_and_what_waits_is_said_in_one_line() -> None:
    line = say_running(a_run(), Voice("en", Style(symbols=EMOJI)), now=1080.0)

    assert line == "  1 running: SPEC-002 1m 20s ~40% · 1 waiting · 1/8 complete"


def test_where_nothing_runs_only_the_share_is_said() -> None:
    line = say_running(RunState(), Voice("ja", Style(symbols=EMOJI)), now=0.0)

    assert line == "  0/0 完了"


def busy_run() -> RunState:
    """Return a run that has just tried one session again, runs others, and has some left."""
    state = RunState()
    names = ("SPEC-001", "設計", "SPEC-10")
    for event in (
        events.RunStarted(run="R", ts=1000.0, pid=1, version="0.1.0", jobs=2, schedule="eager"),
        events.PlanMade(specs=tuple(PlanEntry(id=name) for name in (*names, "X", "Y")), waves=()),
        events.SessionStarted(spec="SPEC-001", attempt=1, ts=1000.0, pid=4711),
        events.RetryScheduled(spec="SPEC-001", attempt=1, delay_s=1.0, duration_s=9.0),
        events.SessionStarted(spec="SPEC-001", attempt=2, ts=1010.0, pid=12345),
        events.SessionProgress(
            spec="SPEC-001", attempt=2, progress=0.5, message="\x1b[2Jrunning all the tests again"
        ),
        events.SessionStarted(spec="設計", attempt=1, ts=1050.0, pid=4712),
        events.SessionProgress(spec="設計", attempt=1, progress=0.25, guessed=True),
        events.SessionStarted(spec="SPEC-10", attempt=1, ts=1059.5, pid=4713),
        events.SessionStarted(spec="Y", attempt=1, ts=1059.5),
        events.SessionWaiting(spec="Y", attempt=1),
    ):
        state.apply(event)
    return state


LEFT = {"SPEC-001": 90.0, "設計": 0.0, "SPEC-10": math.inf}


def test_what_runs_is_a_table_with_what_is_known_of_each() -> None:
    drawn = draw_running(busy_run(), Voice("en", Style(symbols=EMOJI)), now=1060.0, left=LEFT)

    assert drawn.splitlines() == [
        "run R · running · 1m · 0/5 complete",
        "  spec      attempt  pid    elapsed  progress  remaining  limit in  message",
        "  SPEC-001  2        12345  50s      50%       about 50s  1m 30s    running all the tests again",
        "  設計      1        4712   10s      ~25%      about 30s  0.0s",
        "  SPEC-10   1        4713   0.5s",
        "  1 not started · 1 waiting",
    ]


def test_what_runs_is_a_table_in_japanese_too() -> None:
    drawn = draw_running(busy_run(), Voice("ja", Style(symbols=EMOJI)), now=1060.0, left=LEFT)

    assert drawn.splitlines() == [
        "実行 R · 実行中 · 1分 · 0/5 完了",
        "  Spec      試行  PID    経過   進捗  残り    制限まで  メッセージ",
        "  SPEC-001  2     12345  50秒   50%   約50秒  1分30秒   running all the tests again",
        "  設計      1     4712   10秒   ~25%  約30秒  0.0秒",
        "  SPEC-10   1     4713   0.5秒",
        "  1件未開始 · 1件待機中",
    ]


def test_what_nothing_is_known_of_takes_no_column() -> None:
    state = RunState(run="R")
    state.apply(events.PlanMade(specs=(PlanEntry(id="A"),), waves=()))
    state.apply(events.SessionStarted(spec="A", attempt=1, ts=5.0))

    drawn = draw_running(state, Voice("en", Style(symbols=ASCII)), now=9.0, left={})

    assert drawn.splitlines() == [
        "run R - pending - 0/1 complete",
        "  spec  attempt  elapsed",
        "  A     1        4s",
    ]


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        ("en", ["nothing is running right now", "1 not started"]),
        ("ja", ["いま実行中のセッションはありません", "1件未開始"]),
    ],
)
def test_where_nothing_runs_the_table_says_so(lang: str, lines: list[str]) -> None:
    state = RunState(run="R")
    state.apply(events.PlanMade(specs=(PlanEntry(id="A"),), waves=()))

    drawn = draw_running(state, Voice(lang, Style(symbols=ASCII)), now=9.0, left={})

    assert drawn.splitlines()[1:] == [f"  {line}" for line in lines]


def test_what_a_run_stood_still_counts_neither_for_it_nor_for_its_sessions() -> None:
    state = busy_run()
    state.apply(events.Paused(ts=1060.0))
    state.apply(events.Resumed(ts=4660.0, pause_s=3600.0))
    state.apply(events.SessionStarted(spec="X", attempt=1, ts=4660.0))

    drawn = draw_running(state, Voice("en", Style(symbols=ASCII)), now=4661.0, left={})

    assert [line.split()[:5] for line in drawn.splitlines()] == [
        ["run", "R", "-", "running", "-"],
        ["spec", "attempt", "pid", "elapsed", "progress"],
        ["SPEC-001", "2", "12345", "51s", "50%"],
        ["設計", "1", "4712", "11s", "~25%"],
        ["SPEC-10", "1", "4713", "1s"],
        ["X", "1", "1s"],
        ["1", "waiting"],
    ]
    assert drawn.startswith("run R - running - 1m 1s - ")


def test_a_column_without_words_goes() -> None:
    lines = align([("a", "", "x"), ("bcd", "", ""), ("", "", "z")])

    assert lines == ["a    x", "bcd", "     z"]


def test_no_rows_are_no_lines() -> None:
    assert align([]) == []


@pytest.mark.parametrize(
    ("running", "english", "japanese"),
    [
        (0, "interrupted: ending the run", "中断します: 実行を終了しています"),
        (
            1,
            "interrupted: ending 1 session (^C again kills it)",
            "中断します: 1件のセッションを終了しています (もう一度 ^C で強制終了)",
        ),
        (
            1200,
            "interrupted: ending 1,200 sessions (^C again kills them)",
            "中断します: 1,200件のセッションを終了しています (もう一度 ^C で強制終了)",
        ),
    ],
)
def test_an_interruption_is_answered_with_what_is_ended(running: int, english: str, japanese: str) -> None:
    state = RunState()
    for number in range(running):
        state.apply(events.SessionStarted(spec=f"S{number}"))

    told = [say_interrupted(state, Voice(lang, Style(symbols=ASCII))) for lang in ("en", "ja")]

    assert told == [f"! {english}", f"! {japanese}"]


# Who works, what that takes, and what it waits for.

LIMIT = "claude is used up until 14:03:00"


def after(*happened: Event) -> RunState:
    """Return the state of a run R that these events lead to."""
    state = RunState(run="R", status="running", started=0.0)
    for event in happened:
        state.apply(event)
    return state


def begin(spec: str, agent: str, attempt: int = 1) -> Event:
    return events.SessionStarted(spec=spec, attempt=attempt, agent=agent, ts=1.0)


def use(spec: str, usage: Usage, attempt: int = 1) -> Event:
    return events.SessionProgress(spec=spec, attempt=attempt, usage=usage)


def agents_at_work() -> RunState:
    """Return a run in which agents have used something, one has taken over, and two sessions wait for one."""
    return after(
        events.PlanMade(specs=tuple(PlanEntry(id=name) for name in "ABCDEF"), waves=()),
        begin("A", "claude"),
        use("A", Usage(input=1_234_567, output=89_012, cost_usd=1.5)),
        events.SessionCompleted(spec="A", attempt=1, duration_s=60.0),
        begin("B", "codex"),
        use("B", Usage(input=300, output=6)),
        events.RetryScheduled(spec="B", attempt=1, delay_s=0.0),
        begin("B", "opencode", 2),
        use("B", Usage(input=20, output=4, cost_usd=0.25), 2),
        begin("C", "codex"),
        use("C", Usage(input=7, output=1)),
        begin("D", "command"),
        begin("E", "claude"),
        events.RetryScheduled(spec="E", attempt=1, delay_s=60.0),
        events.SessionWaiting(spec="E", attempt=1, message=LIMIT),
        events.SessionWaiting(spec="F", attempt=0, message=LIMIT),
    )


def test_a_status_names_agents_and_what_they_took() -> None:
    drawn = draw_status(agents_at_work(), Style(symbols=EMOJI), "en", now=61.0)

    assert drawn.splitlines() == [
        "run R · running · 1m 1s · 1/6 complete",
        "  ✓ A  completed             1m",
        "      claude    Tokens: 1,234,567 in, 89,012 out  Cost: $1.50",
        "  ▸ B  running    attempt 2  1m",
        "      opencode  Tokens: 320 in, 10 out            Cost: $0.25, without that of codex",
        "  ▸ C  running               1m",
        "      codex     Tokens: 7 in, 1 out               Cost: codex tells none",
        "  ▸ D  running               1m",
        "  ? E  waiting",
        "      claude",
        "  ? F  waiting",
    ]


def test_a_status_names_them_in_japanese_too() -> None:
    drawn = draw_status(agents_at_work(), Style(symbols=EMOJI), "ja", now=61.0)

    assert [line for line in drawn.splitlines() if line.startswith("      ")] == [
        "      claude    トークン: 入力 1,234,567、出力 89,012  費用: $1.50",
        "      opencode  トークン: 入力 320、出力 10            費用: $0.25（codex の分は不明）",
        "      codex     トークン: 入力 7、出力 1               費用: codex は伝えません",
        "      claude",
    ]


def test_below_what_runs_stands_what_is_waited_for() -> None:
    asked = events.EscalationRaised(
        spec="B", attempt=2, escalation="B-error", level=events.EscalationLevel.ERROR, message="Which?",
        kind=events.EscalationKind.QUESTION, path="p", question=events.Question(text="Which?"),
    )  # fmt: skip
    state = agents_at_work()
    state.apply(asked)
    state.apply(events.SessionWaiting(spec="B", attempt=2, escalation="B-error", message="Which?"))

    drawn = draw_running(state, Voice("en", Style(symbols=EMOJI)), now=61.0, left={})

    assert drawn.splitlines()[-3:] == ["  ? B-error: Which?", f"  ? E, F: {LIMIT}", "  3 waiting"]
