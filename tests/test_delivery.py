"""How the verified work of an attempt comes into the run's result."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest
import trio
from attrs import define, field

from aad.agents.base import Verdict, failed
from aad.delivery import MERGED, Delivery
from aad.events import Failure, Integrated, Reason, RolledBack
from aad.gitcalls import GitError
from aad.integration import ConflictError
from aad.workspace import NOTHING

LANDED = Integrated(spec="A", attempt=1, branch="aad/A", commit="c0", target="aad/run/1", result="c1")


@define(eq=False, kw_only=True)
class PaperDesk:
    """A workspace on paper; `story` tells what it was asked for.

    `merges` and `landings` say what comes of one after the other, `pause` how long each of them takes.
    """

    turn: trio.Lock
    name: str = "A"
    story: list[str] = field(factory=list)
    committed: bool = True
    merges: Sequence[bool] = (True,)
    landings: Sequence[Integrated | None] = (LANDED,)
    pause: float = 0.0
    error: Exception | None = None
    path: Path = Path("/nowhere")
    spec_file: str = ""
    setup: str = ""
    env: Mapping[str, str] = NOTHING
    base: str = ""

    async def begin(self) -> None:
        self.story.append(f"{self.name} begin")

    async def capture(self) -> None:
        self.story.append(f"{self.name} capture")
        await trio.lowlevel.checkpoint()

    async def commit(self) -> bool:
        self.story.append(f"{self.name} commit")
        if self.error is not None:
            raise self.error
        await trio.lowlevel.checkpoint()
        return self.committed

    async def merge(self) -> bool:
        self.story.append(f"{self.name} merge")
        result, *self.merges = self.merges
        await trio.sleep(self.pause)
        return result

    async def land(self) -> Integrated | None:
        self.story.append(f"{self.name} land")
        result, *self.landings = self.landings
        with trio.CancelScope(shield=True):  # not cut short
            await trio.sleep(self.pause)
        return result

    async def identify(self) -> str:
        raise AssertionError

    async def save(self) -> RolledBack | None:
        raise AssertionError

    def set_aside(self) -> None:
        raise AssertionError

    def leave(self, *, completed: bool) -> None:
        raise AssertionError


async def agree() -> Verdict | None:
    """Verify, and find nothing."""
    await trio.lowlevel.checkpoint()
    return None


REFUSAL = failed(Failure(reason=Reason.VERIFY_FAILED, message="no"))


def deliver(desk: PaperDesk, verify: Callable[[], Awaitable[Verdict | None]] = agree) -> Delivery:
    """Return the delivery from a desk, which tells its story."""

    async def look(what: str) -> Verdict | None:
        desk.story.append(f"{desk.name} verify{' again' if what == MERGED else ''}")
        return await verify() if what == MERGED else None

    def hear(landed: Integrated) -> None:
        desk.story.append(f"{desk.name} integrated {landed.result}")

    return Delivery(place=desk, verify=look, integrated=hear)


async def test_work_is_committed_merged_and_landed() -> None:
    desk = PaperDesk(turn=trio.Lock())

    failure = await deliver(desk).run()

    assert failure is None
    assert desk.story == ["A capture", "A verify", "A commit", "A merge", "A land", "A integrated c1"]
    assert not desk.turn.locked()


async def test_where_there_is_nothing_to_integrate_nobody_waits() -> None:
    desk = PaperDesk(turn=trio.Lock(), committed=False)
    await desk.turn.acquire()

    failure = await deliver(desk).run()

    assert failure is None
    assert desk.story == ["A capture", "A verify", "A commit"]


async def test_what_came_out_as_another_tree_is_verified_again() -> None:
    desk = PaperDesk(turn=trio.Lock(), merges=[False])

    failure = await deliver(desk).run()

    assert failure is None
    assert desk.story == [
        "A capture",
        "A verify",
        "A commit",
        "A merge",
        "A verify again",
        "A land",
        "A integrated c1",
    ]


async def test_what_is_not_verified_is_not_committed() -> None:
    desk, told = PaperDesk(turn=trio.Lock()), list[str]()

    async def refuse(what: str) -> Verdict | None:
        told.append(what)
        await trio.lowlevel.checkpoint()
        return REFUSAL

    failure = await Delivery(place=desk, verify=refuse, integrated=print).run()

    assert failure == REFUSAL
    assert (desk.story, told) == (["A capture"], [""])


async def test_what_is_refused_then_does_not_land() -> None:
    async def refuse() -> Verdict | None:
        await trio.lowlevel.checkpoint()
        return REFUSAL

    desk = PaperDesk(turn=trio.Lock(), merges=[False])

    failure = await deliver(desk, refuse).run()

    assert failure == REFUSAL
    assert desk.story == ["A capture", "A verify", "A commit", "A merge", "A verify again"]
    assert not desk.turn.locked()


async def test_where_others_were_faster_it_is_merged_again() -> None:
    desk = PaperDesk(turn=trio.Lock(), merges=[True, False], landings=[None, LANDED])

    failure = await deliver(desk).run()

    assert failure is None
    assert desk.story == [
        "A capture", "A verify", "A commit", "A merge", "A land", "A merge", "A verify again", "A land",
        "A integrated c1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (
            ConflictError(["a.txt"], ["A", "B"]),
            Failure(reason=Reason.CONFLICT, files=("a.txt",), blocked_by=("A", "B")),
        ),
        (GitError("add", "fatal: x"), Failure(reason=Reason.UNKNOWN, message="git add: fatal: x")),
        (OSError(28, "No space left"), Failure(reason=Reason.UNKNOWN, message="[Errno 28] No space left")),
    ],
)
async def test_what_comes_in_the_way_is_told(error: Exception, failure: Failure) -> None:
    desk = PaperDesk(turn=trio.Lock(), error=error)

    verdict = await deliver(desk).run()

    assert verdict == failed(failure)


async def test_one_integrates_at_a_time(autojump_clock: trio.testing.MockClock) -> None:
    turn, told = trio.Lock(), list[str]()
    desks = [PaperDesk(turn=turn, name=name, story=told, pause=5, merges=[False]) for name in "AB"]

    async with trio.open_nursery() as nursery:
        for desk in desks:
            nursery.start_soon(deliver(desk).run)

    turns = "".join(line.split()[0] for line in told[6:])
    assert turns in ("AAAABBBB", "BBBBAAAA")


async def test_waiting_for_the_turn_is_exempt_and_counted(autojump_clock: trio.testing.MockClock) -> None:
    desk = PaperDesk(turn=trio.Lock(), pause=3)
    delivery = deliver(desk)
    await desk.turn.acquire()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(delivery.run)
        await trio.sleep(100)
        before = delivery.exempt
        desk.turn.release()
        await trio.sleep(1)
        merging = delivery.exempt
        await trio.sleep(3)
        landing = delivery.exempt

    assert (before, merging, landing, delivery.exempt) == (True, False, True, True)
    assert delivery.waited == 100


async def test_who_is_cancelled_while_waiting_leaves_nothing(autojump_clock: trio.testing.MockClock) -> None:
    desk = PaperDesk(turn=trio.Lock())
    delivery = deliver(desk)
    await desk.turn.acquire()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(delivery.run)
        await trio.sleep(10)
        nursery.cancel_scope.cancel()

    assert desk.story == ["A capture", "A verify", "A commit"]
    assert (delivery.exempt, delivery.waited) == (False, 10)


async def test_who_is_cancelled_before_landing_does_not_land(autojump_clock: trio.testing.MockClock) -> None:
    async def take_long() -> Verdict | None:
        await trio.sleep(100)
        return None

    desk = PaperDesk(turn=trio.Lock(), merges=[False])
    delivery = deliver(desk, take_long)

    with trio.move_on_after(10) as scope:
        await delivery.run()

    assert scope.cancelled_caught
    assert desk.story == ["A capture", "A verify", "A commit", "A merge", "A verify again"]
    assert (delivery.exempt, desk.turn.locked()) == (False, False)


async def test_who_is_cancelled_between_merge_and_landing_does_not_land() -> None:
    desk = PaperDesk(turn=trio.Lock(), merges=[False])
    with trio.CancelScope() as scope:

        async def cancel() -> Verdict | None:
            await trio.lowlevel.checkpoint()
            scope.cancel()
            return None

        await deliver(desk, cancel).run()

    assert scope.cancelled_caught
    assert desk.story == ["A capture", "A verify", "A commit", "A merge", "A verify again"]


async def test_who_is_cancelled_while_landing_is_integrated(autojump_clock: trio.testing.MockClock) -> None:
    desk = PaperDesk(turn=trio.Lock(), pause=10)
    delivery = deliver(desk)

    with trio.move_on_after(15) as scope:
        failure = await delivery.run()

    assert failure is None
    assert not scope.cancelled_caught
    assert desk.story == ["A capture", "A verify", "A commit", "A merge", "A land", "A integrated c1"]
    assert delivery.exempt


async def test_a_landing_that_failed_is_exempt_no_longer() -> None:
    class BrokenDesk(PaperDesk):
        async def land(self) -> Integrated | None:
            await trio.lowlevel.checkpoint()
            raise GitError("update-ref", "fatal: x")

    delivery = deliver(BrokenDesk(turn=trio.Lock()))

    failure = await delivery.run()

    assert failure == failed(Failure(reason=Reason.UNKNOWN, message="git update-ref: fatal: x"))
    assert (delivery.exempt, delivery.place.turn.locked()) == (False, False)
