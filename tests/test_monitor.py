"""What the monitor sees each second: deadlines, silence, slowness, progress."""

import math
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field
from conftest import MakeTheatre
from lone_attempt import Bench, bench
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.agents.base import Exit, Outcome, Verdict
from aad.attempt import Attempt, Limits
from aad.childhandle import ChildHandle
from aad.events import Pause, Question, Reason, Resumed
from aad.monitor import MOST_GUESSED, WORTH_GUESSING, Monitor
from aad.spec import Spec
from aad.testing import Script, ScriptedChild

__all__ = ["bench"]


@pytest.fixture
def at_work(bench: Bench) -> Bench:
    """Return a bench whose children work for a thousand seconds."""
    bench.play(a=Script(work=1000))
    return bench


@asynccontextmanager
async def watching(monitor: Monitor) -> AsyncIterator[trio.Nursery]:
    """Run a monitor's loop while the block lasts; the nursery is for attempts."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(monitor.loop)
        yield nursery
        nursery.cancel_scope.cancel()


async def run_watched(attempt: Attempt, monitor: Monitor) -> None:
    with monitor.watch(attempt):
        await attempt.run()


async def watch_alone(attempt: Attempt, interval: float = 1.0) -> None:
    """Run one attempt to its end under a monitor of its own."""
    async with watching(monitor := Monitor(interval=interval)):
        await run_watched(attempt, monitor)


async def do_at(times: dict[float, Callable[[], object]]) -> None:
    """Do things at certain seconds."""
    for moment, act in sorted(times.items()):
        await trio.sleep(moment - trio.current_time())
        act()


async def watch_while(attempt: Attempt, times: dict[float, Callable[[], object]]) -> None:
    """Run an attempt under a monitor, and do things at certain seconds, the last of which ends it."""
    async with watching(monitor := Monitor(interval=1.0)) as nursery:
        nursery.start_soon(run_watched, attempt, monitor)
        await do_at(times)


# Deadlines.


@pytest.mark.parametrize("limit", [0.0, 0.3, 1.0, 2.5, 3.0])
async def test_an_attempt_is_ended_at_its_deadline_to_the_moment(
    at_work: Bench, autojump_clock: MockClock, limit: float
) -> None:
    attempt = at_work.make(limits=Limits(timeout=limit))

    await watch_alone(attempt)

    assert (attempt.ended_by, trio.current_time()) == (Reason.TIMED_OUT, limit)


async def test_a_deadline_that_lies_before_the_next_tick_is_met_by_who_starts_after_it_was_planned(
    at_work: Bench, autojump_clock: MockClock
) -> None:
    async with watching(monitor := Monitor(interval=60.0)):
        await trio.sleep(5)
        attempt = at_work.make(limits=Limits(timeout=2))
        await run_watched(attempt, monitor)
        ended = trio.current_time()

    assert (attempt.ended_by, ended) == (Reason.TIMED_OUT, 7.0)


async def test_each_of_many_attempts_has_its_own_deadline(at_work: Bench, autojump_clock: MockClock) -> None:
    ends: list[tuple[float, float]] = []

    async def run(attempt: Attempt) -> None:
        await run_watched(attempt, monitor)
        ends.append((attempt.limits.timeout, trio.current_time()))

    async with watching(monitor := Monitor(interval=10.0)), trio.open_nursery() as nursery:
        for limit in (7.0, 3.0, 12.0, 3.5):
            nursery.start_soon(run, at_work.make(limits=Limits(timeout=limit)))

    assert ends == [(3.0, 3.0), (3.5, 3.5), (7.0, 7.0), (12.0, 12.0)]


async def end_late(*args: object, started: Callable[[ChildHandle], None], **options: object) -> Exit:
    """Run a child that dies twenty seconds after it was asked to."""
    started(ScriptedChild(pid=7))
    try:
        await trio.sleep_forever()
    finally:
        with trio.CancelScope(shield=True):
            await trio.sleep(20)


async def test_an_attempt_that_takes_long_to_end_is_only_waited_for(
    bench: Bench, autojump_clock: MockClock
) -> None:
    limits = Limits(timeout=2.5, slow_after=4, stall=10, expected=30)
    attempt = bench.make(run_child=end_late, limits=limits)
    ticks: list[float] = []
    monitor = Monitor(interval=10.0, ticked=lambda: ticks.append(trio.current_time()))

    async with watching(monitor):
        await run_watched(attempt, monitor)

    # Neither slow nor silent nor further; and a deadline that has passed wakes nobody.
    each_second = [float(second) for second in range(1, 23)]
    assert (attempt.ended_by, ticks) == (Reason.TIMED_OUT, each_second)
    assert bench.heard.told == [("started", 7)]


async def test_a_question_that_was_asked_in_time_is_not_lost_if_its_child_ends_late(
    bench: Bench, autojump_clock: MockClock
) -> None:
    attempt = bench.make(run_child=end_late, limits=Limits(timeout=5, stall=7))
    verdicts: list[Verdict] = []

    async def run() -> None:
        with monitor.watch(attempt):
            verdicts.append(await attempt.run())

    async with watching(monitor := Monitor(interval=1.0)) as nursery:
        nursery.start_soon(run)
        await do_at({2.5: lambda: bench.say('{"question": "Which?"}'), 30.0: lambda: None})

    assert verdicts == [Verdict(outcome=Outcome.QUESTION, question=Question(text="Which?"))]


async def test_without_limits_an_attempt_takes_its_time(at_work: Bench, autojump_clock: MockClock) -> None:
    attempt = at_work.make()

    await watch_alone(attempt)

    assert (attempt.ended_by, trio.current_time()) == (None, 1000.0)
    assert at_work.heard.told == [("started", 10_001)]


# Silence.


async def test_silence_is_warned_of_once_and_then_ended(at_work: Bench, autojump_clock: MockClock) -> None:
    attempt = at_work.make(limits=Limits(stall=20))

    await watch_alone(attempt)

    assert at_work.heard.warnings == [("stalled", "silent for 10s of 20s")]
    assert (attempt.ended_by, trio.current_time()) == (Reason.STALLED, 20.0)


async def test_silence_is_warned_of_again_after_a_sign_of_life(
    at_work: Bench, autojump_clock: MockClock
) -> None:
    attempt = at_work.make(limits=Limits(stall=20))

    await watch_while(attempt, {12.5: lambda: at_work.say('{"message": "here"}'), 31.5: lambda: None})

    # Heard at the look of second 13.
    assert at_work.heard.warnings == [
        ("stalled", "silent for 10s of 20s"),
        ("stalled", "silent for 10s of 20s"),
    ]
    assert attempt.ended_by is None


async def test_an_attempt_that_speaks_often_enough_is_not_warned_of(
    at_work: Bench, autojump_clock: MockClock
) -> None:
    attempt = at_work.make(limits=Limits(stall=20))

    await watch_while(attempt, {n * 9.0: lambda: at_work.say('{"message": "x"}') for n in range(1, 8)})

    assert (at_work.heard.warnings, attempt.ended_by) == ([], None)


async def test_news_that_came_before_the_limit_save_an_attempt_though_nobody_looked_yet(
    at_work: Bench, autojump_clock: MockClock
) -> None:
    attempt = at_work.make(limits=Limits(stall=20))

    await watch_while(attempt, {19.9: lambda: at_work.say('{"message": "x"}'), 25.0: lambda: None})

    assert attempt.ended_by is None


# Slowness.


@pytest.mark.parametrize(
    ("limit", "told"),
    [(100.0, "slow: running for 1m of 1m 40s"), (float("inf"), "slow: running for 1m")],
)
async def test_a_slow_attempt_is_named_once(
    at_work: Bench, autojump_clock: MockClock, limit: float, told: str
) -> None:
    attempt = at_work.make(limits=Limits(timeout=limit, slow_after=60))

    await watch_alone(attempt)

    assert at_work.heard.warnings == [("timed_out", told)]


# Progress.


async def test_progress_is_guessed_in_steps_and_never_says_that_all_is_done(
    at_work: Bench, autojump_clock: MockClock
) -> None:
    await watch_alone(at_work.make(limits=Limits(expected=100, timeout=300)))

    guesses = at_work.heard.only("guessed")
    assert guesses == [(n / 100, None) for n in range(10, 100, 10)]
    assert all(share <= MOST_GUESSED for share, _ in guesses if isinstance(share, float))


async def test_a_guess_grows_by_a_step_however_fast_time_goes(
    at_work: Bench, autojump_clock: MockClock
) -> None:
    await watch_alone(at_work.make(limits=Limits(expected=5, timeout=30)))

    assert at_work.heard.only("guessed") == [(share, None) for share in (0.2, 0.4, 0.6, 0.8, MOST_GUESSED)]


@pytest.mark.parametrize("expected", [None, 0.0, WORTH_GUESSING - 0.1])
async def test_where_little_or_nothing_is_expected_nothing_is_guessed(
    at_work: Bench, autojump_clock: MockClock, expected: float | None
) -> None:
    await watch_alone(at_work.make(limits=Limits(expected=expected, timeout=30)))

    assert at_work.heard.told == [("started", 10_001)]


async def test_the_childs_own_word_ends_all_guessing(at_work: Bench, autojump_clock: MockClock) -> None:
    attempt = at_work.make(limits=Limits(expected=100))

    await watch_while(
        attempt,
        {
            25.5: lambda: at_work.say('{"progress": 0.05}'),
            40.5: lambda: tick(at_work, 3, 4),
            60.0: lambda: None,
        },
    )

    assert at_work.heard.only("guessed", "progressed") == [
        ("guessed", 0.1, None),
        ("guessed", 0.2, None),
        ("progressed", 0.05, None),
    ]


async def test_a_message_alone_does_not_end_guessing(at_work: Bench, autojump_clock: MockClock) -> None:
    attempt = at_work.make(limits=Limits(expected=100))

    await watch_while(attempt, {5.5: lambda: at_work.say('{"message": "x"}'), 21.5: lambda: None})

    assert at_work.heard.only("guessed", "progressed") == [
        ("progressed", None, "x"),
        ("guessed", 0.1, None),
        ("guessed", 0.2, None),
    ]


async def test_ticks_in_the_specs_copy_go_before_guesses(at_work: Bench, autojump_clock: MockClock) -> None:
    at_work.tick_boxes(0, 4)
    attempt = at_work.make(limits=Limits(expected=100))

    await watch_while(
        attempt,
        {15.5: lambda: tick(at_work, 1, 4), 16.5: lambda: tick(at_work, 2, 4), 18.5: lambda: None},
    )

    assert at_work.heard.only("guessed", "progressed") == [
        ("guessed", 0.1, None),
        ("progressed", 0.25, None),
        ("progressed", 0.5, None),
        ("progressed", 0.5, None),
    ]


def tick(bench: Bench, done: int, total: int) -> None:
    """Tick boxes at a time of the file that differs from all before."""
    bench.tick_boxes(done, total)
    moment = trio.current_time()
    os.utime(bench.spec_file, (moment, moment))


# The sleep of the machine.


@define
class Machine:
    """A machine that falls asleep at certain seconds of our time, in which none of it passes."""

    naps: dict[float, float]
    woke: list[tuple[float, float]] = field(factory=list)

    def read_slept(self) -> float:
        return sum(length for moment, length in self.naps.items() if trio.current_time() > moment)

    def watch(self) -> Monitor:
        return Monitor(interval=1.0, read_slept=self.read_slept, woke=self.note)

    def note(self, slept: float) -> None:
        self.woke.append((trio.current_time(), slept))


async def test_a_sleep_is_told_once_and_silence_begins_anew(
    at_work: Bench, autojump_clock: MockClock
) -> None:
    machine = Machine({15.5: 3600.0})
    attempt = at_work.make(limits=Limits(stall=20, timeout=100))

    async with watching(monitor := machine.watch()):
        await run_watched(attempt, monitor)

    assert machine.woke == [(16.0, 3600.0)]
    assert (attempt.ended_by, trio.current_time()) == (Reason.STALLED, 36.0)
    # Of the silence before the sleep, and of that after it.
    assert at_work.heard.warnings == [("stalled", "silent for 10s of 20s")] * 2


async def test_a_sleep_brings_no_deadline_nearer(at_work: Bench, autojump_clock: MockClock) -> None:
    machine = Machine({3.0: 3600.0, 7.0: 86400.0})
    attempt = at_work.make(limits=Limits(timeout=10))

    async with watching(monitor := machine.watch()):
        await run_watched(attempt, monitor)

    assert (machine.woke, attempt.ended_by, trio.current_time()) == (
        [(4.0, 3600.0), (8.0, 86400.0)],
        Reason.TIMED_OUT,
        10.0,
    )


async def test_who_slept_for_a_moment_has_not_slept(at_work: Bench, autojump_clock: MockClock) -> None:
    # Each a moment; that they are many makes no sleep of them.
    machine = Machine({float(second): 4.9 for second in range(5, 15)})
    attempt = at_work.make(limits=Limits(stall=20))

    async with watching(monitor := machine.watch()):
        await run_watched(attempt, monitor)

    assert (machine.woke, attempt.ended_by, trio.current_time()) == ([], Reason.STALLED, 20.0)


async def test_a_run_tells_of_a_sleep_and_ends_nothing_for_it(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    play = theatre({"work": Script(work=100.0)})
    play.orchestrator.register_spec(Spec(id="A", run="work", timeout=120, stall_timeout=60))
    play.orchestrator._monitor.read_slept = Machine({50.0: 3600.0}).read_slept
    play.orchestrator._monitor._slept = 0.0

    await play.orchestrator.run()

    told = [event for event in play.recorder.events if isinstance(event, Resumed)]
    assert [(event.pause_s, event.cause) for event in told] == [(3600.0, Pause.SLEPT)]
    assert (play.statuses, play.orchestrator.state.duration_s) == ({"A": "completed"}, 100.0)


# Who asks.


async def test_the_time_left_is_that_to_each_deadline(at_work: Bench, autojump_clock: MockClock) -> None:
    attempts = [at_work.make(limits=Limits(timeout=limit)) for limit in (10.0, math.inf)]

    async with watching(monitor := Monitor(interval=1.0)) as nursery:
        before = monitor.time_left()
        nursery.start_soon(run_watched, attempts[0], monitor)
        await trio.sleep(4)
        meanwhile = monitor.time_left()
        nursery.start_soon(run_watched, attempts[1], monitor)
        await trio.sleep(10)
        after = monitor.time_left()

    assert (before, meanwhile, after) == ({}, {"A": 6.0}, {"A": math.inf})


# What it costs.


async def test_what_has_ended_is_not_looked_at(at_work: Bench, autojump_clock: MockClock) -> None:
    attempt = at_work.make(limits=Limits(stall=20, slow_after=10, expected=10, timeout=5))

    async with watching(monitor := Monitor(interval=1.0)):
        await run_watched(attempt, monitor)
        told = list(at_work.heard.told)
        at_work.say('{"warning": "too late"}')
        await trio.sleep(100)

    assert at_work.heard.told == told


async def test_each_tick_is_told_after_its_look(at_work: Bench, autojump_clock: MockClock) -> None:
    attempt = at_work.make(limits=Limits(slow_after=2))
    seen: list[tuple[float, int]] = []
    monitor = Monitor(
        interval=1.0, ticked=lambda: seen.append((trio.current_time(), len(at_work.heard.told)))
    )

    with trio.move_on_after(3.5):
        async with watching(monitor):
            await run_watched(attempt, monitor)

    assert seen == [(1.0, 1), (2.0, 2), (3.0, 2)]


@pytest.mark.parametrize(
    ("interval", "ticks"), [(0.5, [0.5, 1.0, 1.5, 2.0]), (1.0, [1.0, 2.0]), (60.0, [1.0, 2.0])]
)
async def test_ticks_come_with_each_look_and_each_second_however_rare_looks_are(
    autojump_clock: MockClock, interval: float, ticks: list[float]
) -> None:
    told: list[float] = []

    with trio.move_on_after(2.3):
        await Monitor(interval=interval, ticked=lambda: told.append(trio.current_time())).loop()

    assert told == ticks


async def test_between_two_looks_a_tick_looks_at_nothing(at_work: Bench, autojump_clock: MockClock) -> None:
    attempt = at_work.make(limits=Limits(slow_after=1))

    with trio.move_on_after(9.5):
        await watch_alone(attempt, interval=10.0)

    assert at_work.heard.warnings == []


async def test_a_loop_that_was_held_up_does_not_make_up_for_missed_ticks(mock_clock: MockClock) -> None:
    ticks: list[float] = []
    monitor = Monitor(interval=1.0, ticked=lambda: ticks.append(trio.current_time()))

    async with watching(monitor):
        await wait_all_tasks_blocked()
        for seconds in (10.0, 0.5, 0.5):
            mock_clock.jump(seconds)
            await wait_all_tasks_blocked()

    # 10.0 is the second of the long sleep; the tick that was due at 2 comes at once, and no other.
    assert ticks == [10.0, 10.0, 11.0]


async def test_an_attempt_may_end_while_others_are_looked_at(
    at_work: Bench, autojump_clock: MockClock
) -> None:
    attempts = [at_work.make(limits=Limits(stall=stall)) for stall in (2.0, 2.0, 3.0)]

    async with watching(monitor := Monitor(interval=1.0)), trio.open_nursery() as nursery:
        for attempt in attempts:
            nursery.start_soon(run_watched, attempt, monitor)

    assert [attempt.ended_by for attempt in attempts] == [Reason.STALLED] * 3
    assert trio.current_time() == 3.0
