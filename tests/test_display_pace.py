"""When people read what: signs of life, answers to keys, and what waits while others write."""

import io
import time
from contextlib import suppress

import pytest
from watchedrun import RUN, Watched, begin, complete, end, planned, started

from aad import events
from aad.display.plain import PlainDisplay
from aad.display.stream import Stream
from aad.display.style import UNICODE, Style
from aad.events import PlanEntry
from aad.state import RunState


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
