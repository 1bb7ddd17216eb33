"""How the starts of an agent pause when its account is used up: for how long, and for whose patience."""

import math

import pytest
import trio
from quotagate import EPOCH, HOUR, Gate
from trio.testing import MockClock, wait_all_tasks_blocked


async def limit_again(gate: Gate) -> float:
    """Have a start tried, and hit the limit; return the seconds until the next."""
    await gate.enter("again")
    pause = gate.quota.close(None)
    gate.quota.leave()
    return pause


async def test_all_may_start_while_no_limit_was_hit(autojump_clock: MockClock) -> None:
    gate = Gate()

    for name in "abcdefgh":
        await gate.enter(name)

    assert (gate.names, gate.quota.resumes_at) == ("abcdefgh", None)


async def test_after_a_limit_nobody_starts_until_a_second_after_the_reset(autojump_clock: MockClock) -> None:
    gate = Gate()

    pause = gate.quota.close(EPOCH + HOUR)
    resumes_at = gate.quota.resumes_at
    await gate.enter("a")

    assert (pause, resumes_at) == (HOUR + 1, EPOCH + HOUR + 1)
    assert gate.story == [(HOUR + 1, "a", True)]
    assert gate.quota.resumes_at is None


async def test_the_time_of_the_reset_is_told_no_longer_than_it_lasts(autojump_clock: MockClock) -> None:
    gate = Gate()
    gate.quota.close(EPOCH + HOUR)

    await trio.sleep(HOUR)
    before = gate.quota.resumes_at
    await trio.sleep(1)

    assert (before, gate.quota.resumes_at) == (EPOCH + HOUR + 1, None)


async def test_with_no_reset_named_the_pause_doubles_up_to_half_an_hour(autojump_clock: MockClock) -> None:
    gate = Gate()

    pauses = [await limit_again(gate) for _ in range(20)]

    assert pauses[:6] == [60, 120, 240, 480, 960, 1800]
    assert set(pauses[6:]) == {1800}


async def test_a_named_reset_is_a_step_like_any_other(autojump_clock: MockClock) -> None:
    gate = Gate()

    await gate.quota.enter()
    gate.quota.close(EPOCH + HOUR)
    pause = await limit_again(gate)

    assert pause == 120


@pytest.mark.parametrize(
    "reset_at",
    [
        pytest.param(EPOCH - 1, id="past"),
        pytest.param(EPOCH, id="now"),
        pytest.param(0.0, id="zero"),
        pytest.param((EPOCH + HOUR) * 1000, id="milliseconds"),
        pytest.param(math.inf, id="infinite"),
        pytest.param(math.nan, id="no number"),
    ],
)
async def test_a_reset_that_cannot_be_counts_as_unknown(reset_at: float, autojump_clock: MockClock) -> None:
    gate = Gate()

    pause = gate.quota.close(reset_at)
    await gate.enter("a")

    assert pause == 60
    assert gate.story == [(60, "a", True)]


async def test_a_success_makes_the_next_pause_short_again(autojump_clock: MockClock) -> None:
    gate = Gate()
    before = [await limit_again(gate) for _ in range(3)]

    await gate.quota.enter()
    gate.quota.succeed()
    after = [gate.quota.close(None), await limit_again(gate)]

    assert (before, after) == ([60, 120, 240], [60, 120])


async def test_those_that_hit_the_limit_together_are_one_step(autojump_clock: MockClock) -> None:
    gate = Gate()
    for name in "abc":
        await gate.enter(name)

    pauses = []
    for _ in range(3):
        pauses.append(gate.quota.close(None))
        gate.quota.leave()
        await trio.sleep(10)
    after = await limit_again(gate)

    assert (pauses, after) == ([60, 50, 40], 120)


async def test_who_hits_the_limit_after_the_pause_before_any_start_prolongs_the_step(
    autojump_clock: MockClock,
) -> None:
    gate = Gate()
    await gate.enter("a")
    await gate.enter("b")

    first = gate.quota.close(None)
    await trio.sleep(HOUR)
    second = gate.quota.close(None)
    third = await limit_again(gate)

    assert (first, second, third) == (60, 60, 120)


@pytest.mark.parametrize(
    ("resets", "pauses"),
    [
        ([300, 900, 600], [301, 901, 901]),
        ([300, 300], [301, 301]),
        ([None, 900], [60, 901]),
        ([None, 20], [60, 21]),
        ([20, None], [21, 21]),
    ],
)
async def test_of_the_resets_named_the_latest_counts_and_any_outdoes_a_guess(
    resets: list[float | None], pauses: list[float], autojump_clock: MockClock
) -> None:
    gate = Gate()
    for name in "abc":
        await gate.enter(name)

    told = [gate.quota.close(None if reset is None else EPOCH + reset) for reset in resets]
    await gate.enter("d")

    assert told == pauses
    assert gate.story[3:] == [(pauses[-1], "d", True)]


async def test_a_reset_named_later_moves_those_who_wait_already(autojump_clock: MockClock) -> None:
    later, sooner = Gate(), Gate()
    later.quota.close(EPOCH + 300)
    sooner.quota.close(None)

    async with trio.open_nursery() as nursery:
        await later.queue(nursery, "a")
        await sooner.queue(nursery, "b")
        later.quota.close(EPOCH + 900)
        sooner.quota.close(EPOCH + 20)

    assert (later.story, sooner.story) == ([(901, "a", True)], [(21, "b", True)])


@pytest.mark.parametrize(("patience", "passed"), [(HOUR, False), (HOUR + 1, True)])
async def test_nobody_waits_for_a_reset_beyond_their_patience(
    patience: float,
    passed: bool,
    autojump_clock: MockClock,
) -> None:
    gate = Gate(patience=patience)

    pause = gate.quota.close(EPOCH + HOUR)
    await gate.enter("a")

    assert pause == HOUR + 1
    assert gate.story == [(0 if not passed else HOUR + 1, "a", passed)]


async def test_who_has_no_patience_never_waits(autojump_clock: MockClock) -> None:
    gate = Gate(patience=0)

    await gate.enter("a")
    gate.quota.close(None)
    await gate.enter("b")

    assert gate.story == [(0, "a", True), (0, "b", False)]


async def test_all_who_wait_are_sent_away_at_once_when_the_pauses_get_too_long(
    autojump_clock: MockClock,
) -> None:
    gate = Gate(patience=400)
    gate.quota.close(None)

    async with trio.open_nursery() as nursery:
        await gate.queue(nursery, "abcde")
        await trio.sleep(100)
        gate.quota.close(None)
        gate.quota.leave()
        await trio.sleep(200)
        gate.quota.close(None)
        gate.quota.leave()
    await gate.enter("f")

    assert gate.story[:2] == [(60, "a", True), (220, "b", True)]
    assert sorted(gate.story[2:]) == [(300, name, False) for name in "cdef"]


async def test_patience_is_new_after_a_success(autojump_clock: MockClock) -> None:
    gate = Gate(patience=400)
    gate.quota.close(EPOCH + 300)

    await gate.enter("a")
    gate.quota.succeed()
    gate.quota.close(EPOCH + 600)
    await gate.enter("b")

    assert gate.story == [(301, "a", True), (601, "b", True)]


async def test_who_comes_after_a_pause_that_was_too_long_may_try(autojump_clock: MockClock) -> None:
    gate = Gate(patience=60)
    gate.quota.close(EPOCH + HOUR)

    await gate.enter("a")
    await trio.sleep(HOUR + 1)
    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(gate.enter, "b")
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

    assert gate.story == [(0, "a", False), (HOUR + 1, "b", True)]


async def test_waiting_behind_a_start_that_is_tried_takes_no_patience(autojump_clock: MockClock) -> None:
    gate = Gate(patience=60)
    gate.quota.close(None)

    async with trio.open_nursery() as nursery:
        await gate.queue(nursery, "ab")
        await trio.sleep(10 * HOUR)
        gate.quota.succeed()

    assert gate.story == [(60, "a", True), (10 * HOUR, "b", True)]


async def test_a_reset_that_came_while_the_machine_slept_is_noticed_within_a_minute(
    autojump_clock: MockClock,
) -> None:
    gate = Gate()
    gate.quota.close(EPOCH + 8 * HOUR)

    async with trio.open_nursery() as nursery:
        await gate.queue(nursery, "a")
        await trio.sleep(90)
        gate.sleep(8 * HOUR)
    monotonic = trio.current_time()

    assert monotonic == 120
    assert gate.story == [(8 * HOUR + 120, "a", True)]


async def test_a_machine_that_slept_part_of_the_pause_waits_for_the_rest(autojump_clock: MockClock) -> None:
    gate = Gate()
    gate.quota.close(EPOCH + 8 * HOUR)

    async with trio.open_nursery() as nursery:
        await gate.queue(nursery, "a")
        await trio.sleep(90)
        gate.sleep(7 * HOUR)

    assert gate.story == [(8 * HOUR + 1, "a", True)]


async def test_a_wall_clock_put_back_makes_nobody_wait_longer(autojump_clock: MockClock) -> None:
    gate = Gate()
    gate.quota.close(EPOCH + HOUR)

    gate.sleep(-24 * HOUR)
    await gate.enter("a")

    assert trio.current_time() == HOUR + 1


async def test_a_wall_clock_put_back_after_the_pause_brings_it_back_for_nobody(
    autojump_clock: MockClock,
) -> None:
    gate = Gate()
    gate.quota.close(EPOCH + HOUR)
    gate.sleep(2 * HOUR)
    await gate.enter("a")

    gate.sleep(-2 * HOUR)
    gate.quota.succeed()
    await gate.enter("b")

    assert trio.current_time() == 0
