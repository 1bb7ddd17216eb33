"""What becomes of a run in which somebody waits for a person, told of the waiting itself."""

from functools import partial

import trio
from trio.testing import MockClock

from aad.config import EscalationSettings
from aad.patience import Patience

SETTINGS = EscalationSettings(wait=60.0)


async def test_a_person_at_the_terminal_thinks_for_as_long_as_they_like(autojump_clock: MockClock) -> None:
    told: list[tuple[str, float]] = []

    def tell(word: str) -> None:
        told.append((word, trio.current_time()))

    async def ask() -> None:
        await trio.sleep(600)
        tell("answered")

    patience = Patience(settings=SETTINGS, park=partial(tell, "parked"), ask=ask)
    async with trio.open_nursery() as nursery:
        await nursery.start(patience.serve)
        patience.note(stands_still=True)
        await trio.sleep(700)
        nursery.cancel_scope.cancel()

    assert told == [("answered", 600.0), ("parked", 600.0)]


async def test_without_anybody_to_ask_it_waits_as_long_as_it_is_told_to(autojump_clock: MockClock) -> None:
    parked: list[float] = []

    patience = Patience(settings=SETTINGS, park=lambda: parked.append(trio.current_time()))
    async with trio.open_nursery() as nursery:
        await nursery.start(patience.serve)
        patience.note(stands_still=True)
        await trio.sleep(700)
        nursery.cancel_scope.cancel()

    assert parked == [60.0]


async def test_where_nothing_is_asked_nothing_is_parked_and_the_runs_clock_stands_still(
    autojump_clock: MockClock,
) -> None:
    told: list[float] = []
    patience = Patience(
        settings=EscalationSettings(questions="fail"),
        park=lambda: told.append(trio.current_time()),
        told=told.append,
        is_asked=lambda: False,
    )

    async with trio.open_nursery() as nursery:
        await nursery.start(patience.serve)
        with trio.fail_after(10) as patience.deadline:
            await trio.sleep(4)
            patience.note(stands_still=True)
            await trio.sleep(3600)
            patience.note(stands_still=False)
            left = patience.deadline.deadline - trio.current_time()
        nursery.cancel_scope.cancel()

    assert (told, left) == ([], 6.0)
