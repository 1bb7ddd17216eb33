"""Who removes workspaces behind the back of the run."""

import logging
from collections.abc import Awaitable, Callable

import pytest
import trio

from aad.gitcalls import GitError
from aad.janitor import HURRIED, LIMIT, PATIENCE, Janitor

Removal = Callable[[], Awaitable[None]]


class Yard:
    """What is to be removed, and what has been; a removal takes some seconds."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    def plan(self, name: str, *, seconds: float = 0, error: Exception | None = None) -> Removal:
        async def remove() -> None:
            await trio.sleep(seconds)
            if error is not None:
                raise error
            self.removed.append(name)

        return remove


async def test_removals_are_carried_out_one_after_the_other(autojump_clock: trio.testing.MockClock) -> None:
    janitor, yard = Janitor(), Yard()

    async with trio.open_nursery() as nursery:
        await nursery.start(janitor.serve)
        janitor.send(yard.plan("slow", seconds=5))
        janitor.send(yard.plan("fast"))
        janitor.finish()

    assert yard.removed == ["slow", "fast"]


async def test_the_last_few_removals_wait_for_the_end(autojump_clock: trio.testing.MockClock) -> None:
    janitor, yard = Janitor(), Yard()

    async with trio.open_nursery() as nursery:
        await nursery.start(janitor.serve)
        for number in range(PATIENCE + 2):
            janitor.send(yard.plan(str(number)))
        await trio.sleep(100)
        before = list(yard.removed)
        janitor.finish()

    assert before == ["0", "1"]
    assert len(yard.removed) == PATIENCE + 2


async def test_sending_does_not_wait(autojump_clock: trio.testing.MockClock) -> None:
    janitor, yard = Janitor(), Yard()

    async with trio.open_nursery() as nursery:
        await nursery.start(janitor.serve)
        for number in range(100):
            janitor.send(yard.plan(str(number)))
        before = list(yard.removed)
        janitor.finish()

    assert before == []
    assert len(yard.removed) == 100


@pytest.mark.parametrize("error", [OSError("busy"), GitError("worktree", "fatal: x")])
async def test_what_could_not_be_removed_is_logged_and_keeps_no_other(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    janitor, yard = Janitor(), Yard()

    with caplog.at_level(logging.WARNING, "aad"):
        async with trio.open_nursery() as nursery:
            await nursery.start(janitor.serve)
            janitor.send(yard.plan("one", error=error))
            janitor.send(yard.plan("two"))
            janitor.finish()

    assert yard.removed == ["two"]
    assert caplog.messages == [f"a workspace could not be removed: {error} (aad clean does it later)"]


async def test_a_bug_is_not_swallowed() -> None:
    janitor, yard = Janitor(), Yard()

    async def work() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(janitor.serve)
            janitor.send(yard.plan("one", error=ZeroDivisionError()))
            janitor.finish()

    with pytest.RaisesGroup(ZeroDivisionError):
        await work()


@pytest.mark.parametrize("limit", [HURRIED, LIMIT])
async def test_a_run_that_is_over_waits_so_long_and_no_longer(
    limit: float, autojump_clock: trio.testing.MockClock
) -> None:
    janitor, yard = Janitor(), Yard()
    began = trio.current_time()

    async with trio.open_nursery() as nursery:
        await nursery.start(janitor.serve)
        janitor.send(yard.plan("one", seconds=limit / 2))
        janitor.send(yard.plan("two", seconds=limit))
        janitor.finish(limit)

    assert yard.removed == ["one"]
    assert trio.current_time() - began == limit


async def test_removals_go_on_while_all_else_is_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    janitor, yard = Janitor(), Yard()

    async with trio.open_nursery() as nursery:
        await nursery.start(janitor.serve)
        janitor.send(yard.plan("one", seconds=5))
        nursery.cancel_scope.cancel()
        janitor.finish()

    assert yard.removed == ["one"]


async def test_while_nobody_serves_nothing_is_removed() -> None:
    janitor, yard = Janitor(), Yard()

    janitor.send(yard.plan("too early"))
    async with trio.open_nursery() as nursery:
        await nursery.start(janitor.serve)
        janitor.finish()
        janitor.finish()
        janitor.send(yard.plan("too late"))

    assert yard.removed == []
