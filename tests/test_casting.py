"""Which agent makes a session's next attempt, and what becomes of those that cannot."""

import pytest
import trio
from attrs import define, evolve, field
from scripted_agent import EPOCH, PaperAgent, make_casting
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.agents.base import COMPLETED, Verdict, failed
from aad.agents.roster import Player
from aad.cast import Cast, Detour
from aad.casting import Casting
from aad.events import EscalationKind, Failure, Reason

ONE, TWO = Player(agent=PaperAgent("one")), Player(agent=PaperAgent("two"))
UNSIGNED = failed(Failure(reason=Reason.AUTH))
LOST = failed(Failure(reason=Reason.SESSION_LOST))


def limited(reset_at: float | None = None) -> Verdict:
    """Return the verdict on an attempt that hit a limit."""
    return evolve(failed(Failure(reason=Reason.RATE_LIMITED)), reset_at=reset_at)


class FreeSlot:
    """A slot of which there are plenty."""

    held = is_stopped = False

    async def wait_stopped(self) -> None:
        await trio.sleep_forever()

    def release(self) -> None:
        """Give nothing back."""

    async def acquire(self, *, after: float = 0.0) -> bool:
        raise AssertionError(after)

    def wait(self) -> None:
        """Hear what concerns only a scheduler."""

    def go_on(self) -> None:
        """Hear what concerns only a scheduler."""


@define(eq=False)
class Stage:
    """Sessions that choose, on paper. `story` has who got which agent, and when."""

    casting: Casting = field(factory=make_casting)
    story: list[tuple[str, str | None, float]] = field(factory=list)

    def cast(self, *players: Player) -> Cast:
        """Return a session's cast."""
        return Cast(players=players, casting=self.casting)

    def is_free(self, cast: Cast) -> bool:
        """Tell whether a session could begin now."""
        return self.casting.is_free(cast.players)

    async def choose(self, name: str, cast: Cast) -> None:
        """Have a session choose; where nothing is left to happen, a wait for ever has to fail."""
        with trio.fail_after(48 * 3600):
            player = await cast.choose(FreeSlot(), lambda _: None)
        self.story.append((name, None if player is None else player.name, round(trio.current_time(), 3)))

    async def start(self, name: str, *players: Player) -> Cast:
        """Have a session choose whom it may have at once."""
        cast = self.cast(*players)
        await self.choose(name, cast)
        return cast


@pytest.fixture
def stage() -> Stage:
    return Stage()


# Free agents.


async def test_the_first_agent_that_is_free_is_chosen(stage: Stage, autojump_clock: MockClock) -> None:
    cast = await stage.start("A", ONE, TWO)

    assert (stage.story, cast.current) == ([("A", "one", 0.0)], ONE)
    assert stage.is_free(cast)


@pytest.mark.parametrize(
    "verdict", [COMPLETED, failed(Failure(reason=Reason.EXIT_CODE)), failed(Failure(reason=Reason.SERVER))]
)
async def test_what_is_the_works_own_doing_is_no_detour(
    stage: Stage, autojump_clock: MockClock, verdict: Verdict
) -> None:
    cast = await stage.start("A", ONE, TWO)

    assert (cast.follow(verdict), stage.is_free(cast)) == (None, True)


async def test_before_an_agent_was_chosen_there_is_nothing_to_follow(stage: Stage) -> None:
    cast = stage.cast(ONE)

    cast.succeed()
    cast.leave()
    cast.unlock()

    assert cast.follow(UNSIGNED) is None


# Agents that are used up.


async def test_an_agent_that_is_used_up_is_waited_for_and_a_person_told(
    stage: Stage, autojump_clock: MockClock
) -> None:
    cast = await stage.start("A", ONE)

    detour = cast.follow(limited(EPOCH + 3600))
    await stage.choose("A", cast)

    words = "one is used up: it is tried again in 1h"
    assert detour == Detour(delay=3601.0, warning=words, kind=EscalationKind.RATE_LIMITED)
    assert stage.story == [("A", "one", 0.0), ("A", "one", 3601.0)]


async def test_where_no_reset_is_known_the_pauses_grow(stage: Stage, autojump_clock: MockClock) -> None:
    cast = await stage.start("A", ONE)

    delays = []
    for _ in range(3):
        detour = cast.follow(limited())
        assert detour is not None
        delays.append(detour.delay)
        cast.leave()
        await stage.choose("A", cast)

    assert delays == [60.0, 120.0, 240.0]


async def test_an_agent_that_got_something_done_begins_with_the_shortest_pause_again(
    stage: Stage, autojump_clock: MockClock
) -> None:
    cast = await stage.start("A", ONE)
    cast.follow(limited())
    cast.leave()
    await stage.choose("A", cast)
    cast.succeed()

    detour = cast.follow(limited())

    assert detour is not None
    assert detour.delay == 60.0


async def test_those_that_hit_the_same_limit_tell_it_once(stage: Stage, autojump_clock: MockClock) -> None:
    first, second = await stage.start("A", ONE), await stage.start("B", ONE)

    told = [first.follow(limited()), second.follow(limited())]

    words = "one is used up: it is tried again in 1m"
    assert told == [
        Detour(delay=60.0, warning=words, kind=EscalationKind.RATE_LIMITED),
        Detour(delay=60.0, kind=EscalationKind.RATE_LIMITED),
    ]


async def test_an_agent_that_is_used_up_is_stood_in_for_at_once(
    stage: Stage, autojump_clock: MockClock
) -> None:
    cast = await stage.start("A", ONE, TWO)

    detour = cast.follow(limited())
    await stage.choose("A", cast)

    words = "one is used up: it is tried again in 1m; two takes over"
    assert detour == Detour(warning=words, kind=EscalationKind.RATE_LIMITED)
    assert stage.story == [("A", "one", 0.0), ("A", "two", 0.0)]


async def test_where_all_are_used_up_the_one_that_is_back_first_is_waited_for(
    stage: Stage, autojump_clock: MockClock
) -> None:
    cast = await stage.start("A", ONE, TWO)
    cast.follow(limited(EPOCH + 3600))
    await stage.choose("A", cast)
    cast.follow(limited(EPOCH + 100))

    assert not stage.is_free(cast)
    await stage.choose("A", cast)

    assert stage.story == [("A", "one", 0.0), ("A", "two", 0.0), ("A", "two", 101.0)]


async def test_another_agents_limit_is_nobody_elses(stage: Stage, autojump_clock: MockClock) -> None:
    cast = await stage.start("A", ONE)
    cast.follow(limited())

    await stage.start("B", TWO)

    assert stage.story == [("A", "one", 0.0), ("B", "two", 0.0)]


async def test_an_agent_comes_back_with_one_session_at_a_time(
    stage: Stage, autojump_clock: MockClock
) -> None:
    first = await stage.start("A", ONE)
    first.follow(limited())
    first.leave()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.choose, "A", first)
        await wait_all_tasks_blocked()
        nursery.start_soon(stage.choose, "B", stage.cast(ONE))
        await trio.sleep(100)
        first.succeed()

    assert stage.story == [("A", "one", 0.0), ("A", "one", 60.0), ("B", "one", 100.0)]


async def test_what_lasts_too_long_is_not_waited_for(autojump_clock: MockClock) -> None:
    stage = Stage(make_casting(patience=600.0))
    cast = await stage.start("A", ONE)
    cast.follow(limited(EPOCH + 3600))

    await stage.choose("A", cast)

    assert (stage.story, cast.current) == ([("A", "one", 0.0), ("A", None, 0.0)], None)


# Agents that nobody is signed in to.


async def test_where_nobody_is_signed_in_one_session_asks_and_the_others_wait(
    stage: Stage, autojump_clock: MockClock
) -> None:
    first, second = await stage.start("A", ONE), await stage.start("B", ONE)

    assert (first.follow(UNSIGNED), second.follow(UNSIGNED)) == (None, Detour())
    assert not stage.is_free(second)


async def test_once_a_person_has_signed_in_all_go_on(stage: Stage, autojump_clock: MockClock) -> None:
    first = await stage.start("A", ONE)
    first.follow(UNSIGNED)

    async with trio.open_nursery() as nursery:
        for name in "BC":
            nursery.start_soon(stage.choose, name, stage.cast(ONE))
            await wait_all_tasks_blocked()
        await trio.sleep(7)
        first.unlock()

    assert sorted(stage.story) == [("A", "one", 0.0), ("B", "one", 7.0), ("C", "one", 7.0)]


async def test_what_nobody_mends_in_this_run_is_left_by_all(stage: Stage, autojump_clock: MockClock) -> None:
    first = await stage.start("A", ONE)
    first.follow(UNSIGNED)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.choose, "B", stage.cast(ONE))
        await trio.sleep(7)
        first.unlock(given_up=True)
    await stage.start("C", ONE)

    assert stage.story == [("A", "one", 0.0), ("B", None, 7.0), ("C", None, 7.0)]


async def test_what_was_given_up_stays_so_when_one_more_finds_it_locked(
    stage: Stage, autojump_clock: MockClock
) -> None:
    first, second = await stage.start("A", ONE), await stage.start("B", ONE)
    first.follow(UNSIGNED)
    first.unlock(given_up=True)

    detour = second.follow(UNSIGNED)
    await stage.choose("B", second)

    assert (detour, stage.story[-1]) == (Detour(), ("B", None, 0.0))


async def test_who_is_told_again_that_nobody_is_signed_in_asks_again(
    stage: Stage, autojump_clock: MockClock
) -> None:
    cast = await stage.start("A", ONE)
    cast.follow(UNSIGNED)
    cast.unlock()
    await stage.choose("A", cast)

    assert cast.follow(UNSIGNED) is None
    assert not stage.is_free(cast)


async def test_where_another_agent_is_signed_in_it_takes_over_and_people_are_warned_once(
    stage: Stage, autojump_clock: MockClock
) -> None:
    first, second = await stage.start("A", ONE, TWO), await stage.start("B", ONE, TWO)

    told = [first.follow(UNSIGNED), second.follow(UNSIGNED)]
    await stage.choose("A", first)
    await stage.choose("B", second)

    words = "one: not signed in; two takes over"
    assert told == [
        Detour(warning=words, kind=EscalationKind.AUTH),
        Detour(kind=EscalationKind.AUTH),
    ]
    assert [name for _, name, _ in stage.story] == ["one", "one", "two", "two"]


async def test_a_stand_in_that_is_used_up_is_waited_for_rather_than_a_person_asked(
    stage: Stage, autojump_clock: MockClock
) -> None:
    (await stage.start("B", TWO)).follow(limited(EPOCH + 100))
    cast = await stage.start("A", ONE, TWO)

    detour = cast.follow(UNSIGNED)
    await stage.choose("A", cast)

    assert detour is not None
    assert stage.story[-1] == ("A", "two", 101.0)


async def test_where_no_agent_is_signed_in_the_last_of_them_asks(
    stage: Stage, autojump_clock: MockClock
) -> None:
    cast = await stage.start("A", ONE, TWO)
    cast.follow(UNSIGNED)
    await stage.choose("A", cast)

    assert cast.follow(UNSIGNED) is None


async def test_of_several_that_are_locked_any_that_is_mended_is_enough(
    stage: Stage, autojump_clock: MockClock
) -> None:
    first = await stage.start("A", ONE, TWO)
    first.follow(UNSIGNED)
    await stage.choose("A", first)
    first.follow(UNSIGNED)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.choose, "B", stage.cast(ONE, TWO))
        await trio.sleep(7)
        first.unlock()

    # Nobody knows to which a person has signed in: the first is tried first.
    assert stage.story[-1] == ("B", "one", 7.0)


async def test_a_session_that_needs_an_agent_that_others_do_without_asks_for_it(
    stage: Stage, autojump_clock: MockClock
) -> None:
    (await stage.start("A", ONE, TWO)).follow(UNSIGNED)

    first, second = await stage.start("B", ONE), await stage.start("C", ONE)

    assert (first.follow(UNSIGNED), second.follow(UNSIGNED)) == (None, Detour())


@pytest.mark.parametrize(("message", "taken"), [("one: No such file or directory", True), ("git: no", False)])
async def test_another_takes_over_where_an_agents_program_is_not_there(
    stage: Stage, autojump_clock: MockClock, message: str, *, taken: bool
) -> None:
    failure = Failure(reason=Reason.SPAWN_FAILED, message=message)
    cast = await stage.start("A", evolve(ONE, program="one"), TWO)

    detour = cast.follow(failed(failure))

    words = "one: could not be started: one: No such file or directory; two takes over"
    assert detour == (Detour(warning=words, kind=EscalationKind.SPAWN_FAILED) if taken else None)


async def test_where_there_is_no_other_agent_a_missing_program_is_a_failure(
    stage: Stage, autojump_clock: MockClock
) -> None:
    cast = await stage.start("A", evolve(ONE, program="one"))

    assert cast.follow(failed(Failure(reason=Reason.SPAWN_FAILED, message="one: not found"))) is None
    assert stage.is_free(cast)


async def test_who_was_asked_by_an_earlier_run_is_waited_for(stage: Stage, autojump_clock: MockClock) -> None:
    stage.casting.lock("one", ask=True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.choose, "A", stage.cast(ONE))
        await trio.sleep(7)
        stage.casting.unlock("one")

    assert stage.story == [("A", "one", 7.0)]


async def test_an_agent_that_is_idle_is_taken_before_one_that_comes_back_step_by_step(
    stage: Stage, autojump_clock: MockClock
) -> None:
    first = await stage.start("A", ONE)
    stage.casting.find_quota(ONE).close(None)
    first.leave()
    await trio.sleep(61)
    await stage.start("B", ONE, TWO)

    await stage.start("C", ONE, TWO)

    assert [name for _, name, _ in stage.story] == ["one", "one", "two"]


# Sessions of the agent's that are lost.


async def test_a_lost_session_is_begun_anew_once(stage: Stage, autojump_clock: MockClock) -> None:
    cast = await stage.start("A", ONE)

    assert (cast.follow(LOST), cast.follow(LOST)) == (Detour(), None)
