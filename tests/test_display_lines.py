"""Lines in the making: what stands together, what comes first, and how long it waits."""

import random
import re
from collections.abc import Iterator

import pytest
from attrs import define, field

from aad import events
from aad.display.lines import LogLines
from aad.display.narrator import Narrator
from aad.display.style import UNICODE, Style
from aad.display.voice import Voice
from aad.events import Event, PlanEntry
from aad.state import RunState

SLOTS = 4


@define
class Log:
    """The lines of a run."""

    verbosity: int = 0
    lines: LogLines = field(init=False)

    def __attrs_post_init__(self) -> None:
        voice = Voice("en", Style(symbols=UNICODE))
        self.lines = LogLines(Narrator(state=RunState(), voice=voice, verbosity=self.verbosity))

    def turn(self, *happened: Event) -> list[str]:
        """Let events come in one turn of the event loop; return the lines that are written then."""
        for event in happened:
            self.lines.add(event)
        return self.lines.take().splitlines()

    def tick(self) -> list[str]:
        return self.lines.take(all_of_it=True).splitlines()


def ready(*specs: str, ts: float = 0.0) -> list[Event]:
    return [events.WorkspaceReady(spec=spec, attempt=1, workspace="/w", ts=ts) for spec in specs]


def begin(*specs: str, ts: float = 0.0) -> list[Event]:
    return [events.SessionStarted(spec=spec, attempt=1, ts=ts) for spec in specs]


def complete(*specs: str, ts: float = 0.0) -> list[Event]:
    return [events.SessionCompleted(spec=spec, attempt=1, duration_s=1.0, ts=ts) for spec in specs]


def test_those_who_are_about_to_start_share_a_line_though_one_ends_before_all_have_started() -> None:
    log = Log()

    told = [
        log.turn(*ready("A", "B", "C")),
        log.turn(*begin("B")),
        log.turn(*complete("B"), *begin("A")),
        log.turn(*begin("C")),
    ]

    assert told == [[], [], [], ["▸ A, B, C started in parallel...", "✓ B completed (1s)"]]


def test_who_takes_the_place_of_one_that_has_ended_is_not_told_before_that_end() -> None:
    log = Log()

    told = log.turn(
        *ready("A", "B"), *begin("A"), *complete("A"), *ready("C"), *begin("C"), *complete("C"), *begin("B")
    )

    assert told == [
        "▸ A, B started in parallel...",
        "✓ A completed (1s)",
        "▸ C started...",
        "✓ C completed (1s)",
    ]


def test_news_of_others_do_not_part_those_who_start() -> None:
    log = Log()
    log.turn(*ready("X"), *begin("X"))

    told = [
        log.turn(*ready("A", "B"), *begin("A"), *complete("X")),
        log.turn(*begin("B")),
    ]

    assert told == [["✓ X completed (1s)"], ["▸ A, B started in parallel..."]]


def test_who_does_not_start_after_all_holds_up_nobody() -> None:
    log = Log()
    failed = events.SessionFailed(spec="B", attempt=1, duration_s=0.0)

    told = [log.turn(*ready("A", "B"), *begin("A")), log.turn(failed)]

    assert told == [[], ["✗ B failed (0.0s): unknown reason", "▸ A started..."]]


def test_a_tick_tells_what_waits_and_who_is_late_is_told_alone() -> None:
    log = Log()
    log.turn(*ready("A", "B", "C"), *begin("A", "B"), *complete("A"))

    told = [log.tick(), log.turn(*complete("B")), log.turn(*begin("C"))]

    assert told == [
        ["▸ A, B started in parallel...", "✓ A completed (1s)"],
        ["✓ B completed (1s)"],
        ["▸ C started..."],
    ]


def test_news_of_the_run_itself_wait_for_nobody() -> None:
    log = Log()

    told = log.turn(*ready("A", "B"), *begin("A"), events.Paused(), *begin("B"), events.Resumed(pause_s=2.0))

    assert told == [
        "▸ A started...",
        "paused: all sessions are stopped until the run goes on (fg, or kill -CONT None)",
        "▸ B started...",
        "going on after a pause of 2s",
    ]


def test_where_lines_bear_the_clock_those_who_start_together_still_share_a_line() -> None:
    log = Log(verbosity=1)

    told = [
        log.turn(*ready("A", "B", ts=1.0), *begin("A", ts=2.0), *complete("A", ts=3.0)),
        log.turn(*begin("B", ts=4.0)),
    ]

    clock = re.compile(r"^\d\d:\d\d:0(\d) ")
    assert told[0] == []
    assert [clock.sub(r"\1 ", line) for line in told[1]] == [
        "2 ▸ A, B started in parallel...",
        "3 ✓ A completed (1s)",
    ]


# Whatever happens.


def play(draw: random.Random) -> Iterator[Event]:
    """Yield the sessions' events of a run in any order in which they may come, a second apart."""
    waiting = [f"S{number:02}" for number in range(30)]
    about: list[str] = []
    running: list[str] = []
    for second in range(1, 10_000):
        ts = float(second)
        steps = [
            *(["ready"] if waiting and len(about) + len(running) < SLOTS else ()),
            *(["begin"] if about else ()),
            *(["complete", "progress"] if running else ()),
        ]
        if not steps:
            return
        match draw.choice(steps):
            case "ready":
                about.append(waiting.pop(0))
                yield from ready(about[-1], ts=ts)
            case "begin":
                running.append(about.pop(draw.randrange(len(about))))
                yield from begin(running[-1], ts=ts)
            case "complete":
                yield from complete(running.pop(draw.randrange(len(running))), ts=ts)
            case "progress":
                yield events.SessionProgress(
                    spec=draw.choice(running), attempt=1, ts=ts, progress=0.5, message=f"at {second}"
                )


def tell(verbosity: int, seed: int) -> list[str]:
    """Return all lines of a run, written in turns of any length."""
    draw = random.Random(seed)  # noqa: S311 - for chance, not for secrets
    log, told = Log(verbosity=verbosity), []
    for event in play(draw):
        log.lines.add(event)
        if draw.random() < 0.3:
            told += log.tick() if draw.random() < 0.1 else log.turn()
    return told + log.tick()


def name_started(line: str) -> list[str]:
    return re.findall(r"S\d\d", line) if "started" in line else []


@pytest.mark.parametrize("verbosity", [0, 1])
def test_each_start_is_told_once_before_its_end_and_never_more_than_there_are_slots(verbosity: int) -> None:
    for seed in range(100):
        running: set[str] = set()
        started: list[str] = []

        for line in tell(verbosity, seed):
            names = name_started(line)
            started += names
            running |= set(names)
            assert len(running) <= SLOTS, seed
            if "completed" in line:
                running.remove(re.findall(r"S\d\d", line)[0])

        assert (sorted(started), running) == ([f"S{number:02}" for number in range(30)], set()), seed


def test_the_clock_of_no_line_is_before_that_of_the_line_above() -> None:
    for seed in range(100):
        clocks = [line[:8] for line in tell(1, seed)]

        assert clocks == sorted(clocks), seed


def test_a_plan_is_told_before_all_that_starts() -> None:
    log = Log()

    told = log.turn(events.PlanMade(specs=(PlanEntry(id="A"),), waves=()), *ready("A"), *begin("A"))

    assert told[-3:] == ["  - A (no dependencies)", "", "▸ A started..."]
