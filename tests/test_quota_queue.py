"""Who waits for the starts of an agent to come back: one by one, in their order, or until cancelled."""

import math
import random

import pytest
import trio
from attrs import define, field
from quotagate import EPOCH, HOUR, Gate
from trio.testing import MockClock, wait_all_tasks_blocked


async def test_starts_come_back_one_by_one_then_twice_as_many_after_each_success(
    autojump_clock: MockClock,
) -> None:
    gate = Gate()
    gate.quota.close(None)

    async with trio.open_nursery() as nursery:
        await gate.queue(nursery, "abcdefghijkl")
        await trio.sleep(HOUR)
        counts = [len(gate.names)]
        for _ in range(4):
            gate.quota.succeed()
            await wait_all_tasks_blocked()
            counts.append(len(gate.names))

    assert counts == [1, 2, 4, 8, 12]


async def test_who_came_first_is_let_through_first(autojump_clock: MockClock) -> None:
    gate = Gate()
    gate.quota.close(None)

    async with trio.open_nursery() as nursery:
        await gate.queue(nursery, "abcdef")
        await trio.sleep(HOUR)
        for late in "ghijkl":
            gate.quota.leave()
            nursery.start_soon(gate.enter, late)
            await wait_all_tasks_blocked()
        for _ in range(5):
            gate.quota.leave()
            await wait_all_tasks_blocked()

    assert gate.names == "abcdefghijkl"


async def test_a_start_that_ended_without_success_makes_room_for_one(autojump_clock: MockClock) -> None:
    gate = Gate()
    gate.quota.close(None)

    async with trio.open_nursery() as nursery:
        await gate.queue(nursery, "abc")
        await trio.sleep(HOUR)
        gate.quota.leave()
        await wait_all_tasks_blocked()
        passed = gate.names
        nursery.cancel_scope.cancel()

    assert passed == "ab"


async def test_a_limit_on_the_way_back_closes_for_those_who_wait_for_room(autojump_clock: MockClock) -> None:
    gate = Gate()
    gate.quota.close(None)

    async with trio.open_nursery() as nursery:
        await gate.queue(nursery, "abcd")
        await trio.sleep(100)
        gate.quota.succeed()
        await wait_all_tasks_blocked()
        gate.quota.close(EPOCH + HOUR)
        gate.quota.leave()
        gate.quota.leave()
        await trio.sleep(HOUR + 10)
        nursery.cancel_scope.cancel()

    assert gate.story == [(60, "a", True), (100, "b", True), (HOUR + 1, "c", True)]


async def test_those_started_before_the_limit_stand_in_nobodys_way(autojump_clock: MockClock) -> None:
    gate = Gate()
    for name in "abc":
        await gate.enter(name)

    gate.quota.close(None)
    await gate.enter("d")

    assert gate.story[3:] == [(60, "d", True)]


async def test_a_success_of_one_started_before_the_limit_opens_nothing(autojump_clock: MockClock) -> None:
    gate = Gate()
    await gate.enter("a")
    await gate.enter("b")
    gate.quota.close(None)

    async with trio.open_nursery() as nursery:
        await gate.queue(nursery, "cd")
        gate.quota.succeed()
        await trio.sleep(HOUR)
        nursery.cancel_scope.cancel()

    assert gate.story[2:] == [(60, "c", True)]


async def test_who_is_cancelled_in_the_queue_takes_no_place_from_others(autojump_clock: MockClock) -> None:
    gate, scope = Gate(), trio.CancelScope()
    gate.quota.close(None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_within, scope, gate, "a")
        await wait_all_tasks_blocked()
        await gate.queue(nursery, "b")
        scope.cancel()

    assert gate.story == [(60, "b", True)]


async def run_within(scope: trio.CancelScope, gate: Gate, name: str) -> None:
    with scope:
        await gate.enter(name)


@pytest.mark.parametrize(("cancel_first", "passed"), [(True, ("ac", "ac")), (False, ("ab", "abc"))])
async def test_who_is_cancelled_in_the_moment_of_being_called_holds_nobody_up(
    cancel_first: bool, passed: tuple[str, str], autojump_clock: MockClock
) -> None:
    gate, scope = Gate(), trio.CancelScope()
    gate.quota.close(None)

    async with trio.open_nursery() as nursery:
        await gate.queue(nursery, "a")
        nursery.start_soon(run_within, scope, gate, "b")
        await wait_all_tasks_blocked()
        await gate.queue(nursery, "c")
        await trio.sleep(HOUR)
        if cancel_first:
            scope.cancel()
        gate.quota.leave()
        scope.cancel()
        await wait_all_tasks_blocked()
        names = gate.names
        gate.quota.leave()

    # Who was called before the cancel came has gone through, and owes a `leave` like anybody.
    assert (names, gate.names) == passed


async def test_who_is_cancelled_from_the_start_is_not_let_through(autojump_clock: MockClock) -> None:
    gate = Gate()
    gate.quota.close(None)
    await trio.sleep(HOUR)

    with trio.CancelScope() as scope:
        scope.cancel()
        await gate.enter("a")
    await gate.enter("b")

    assert scope.cancelled_caught
    assert gate.story == [(HOUR, "b", True)]


async def test_entering_lets_others_work_even_if_nobody_waits(autojump_clock: MockClock) -> None:
    open_gate, hopeless = Gate(), Gate(patience=0)
    hopeless.quota.close(None)

    with trio.testing.assert_checkpoints():
        await open_gate.quota.enter()
    with trio.testing.assert_checkpoints():
        await hopeless.quota.enter()


@define(eq=False)
class Crowd:
    """Sessions that start, succeed, hit limits, end and are cancelled as chance has it.

    Held against a model that knows what the quota is not told: which of them were started since the last
    limit. `spare` counts the old ones that ended beside those, each of which let one more through.
    """

    draw: random.Random
    gate: Gate
    round: int = 0
    tried: bool = False
    allowed: float = math.inf
    spare: int = 0
    fresh: int = 0
    ended: int = 0
    excess: list[tuple[int, float]] = field(factory=list)

    async def run(self, sessions: int) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(sessions):
                nursery.start_soon(self.live, trio.CancelScope())
                await trio.sleep(self.draw.choice([0, 0, 0, 1, 50]))

    async def live(self, scope: trio.CancelScope) -> None:
        if self.draw.random() < 0.3:
            scope.deadline = trio.current_time() + self.draw.choice([0, 1, 60, 120, 300])
        with scope:
            while not await self.try_once():
                pass
        self.ended += 1

    async def try_once(self) -> bool:
        """Start one session; whether it came to its end, or was sent away, without hitting a limit."""
        if not await self.gate.quota.enter():
            return True
        started, self.tried = self.round, True
        self.fresh += 1
        if self.fresh > self.allowed + self.spare:
            self.excess.append((self.fresh, self.allowed + self.spare))
        try:
            return await self.work(started)
        finally:
            self.end(started)

    async def work(self, started: int) -> bool:
        await trio.sleep(self.draw.choice([0, 1, 5, 60]))
        if self.draw.random() < 0.3:
            self.hit()
            return False
        if self.draw.random() < 0.7:
            self.gate.quota.succeed()
            self.allowed *= 2 if self.tried else 1
        await trio.sleep(self.draw.choice([0, 1, 100, 1000]))
        return True

    def hit(self) -> None:
        self.gate.quota.close(self.draw.choice([None, self.gate.read() + self.draw.choice([-5, 5, 500])]))
        self.round += 1
        self.allowed, self.spare, self.fresh, self.tried = 1, 0, 0, False

    def end(self, started: int) -> None:
        if started == self.round:
            self.fresh -= 1
            self.spare = min(self.spare, self.fresh)
        elif self.spare < self.fresh:
            self.spare += 1
        self.gate.quota.leave()


@pytest.mark.parametrize("patience", [math.inf, 2000])
@pytest.mark.parametrize("seed", range(40))
async def test_whatever_happens_no_more_are_under_way_than_allowed_and_all_get_their_turn(
    seed: int, patience: float, autojump_clock: MockClock
) -> None:
    crowd = Crowd(random.Random(seed), Gate(patience))  # noqa: S311 - for chance, not for secrets

    with trio.move_on_after(100 * 24 * HOUR) as scope:
        await crowd.run(40)

    assert (crowd.ended, crowd.excess, scope.cancelled_caught) == (40, [], False)
