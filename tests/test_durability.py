"""Which records are on the disk: one sync serves all who wait, whatever becomes of them."""

import os
import queue
import subprocess
import sys
import threading
from functools import partial

import pytest
import trio
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import assert_no_checkpoints, wait_all_tasks_blocked

from aad.durability import GroupCommit, sync_aside

THREADLESS = """
import os, resource, trio
from aad.durability import sync_aside

if os.geteuid() == 0:  # no limit holds for root
    os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
trio.run(sync_aside, lambda: print("synced"))
"""


@define(eq=False)
class Disk:
    """A disk with a file: what was written to it, and what of that a sync has brought onto it.

    Each sync is over when it is told so, and then covers what was written when it began.
    """

    written: int = 0
    covered: int = 0
    begun: int = 0
    under_way: list[trio.Event] = field(factory=list)
    broken: bool = False

    async def sync(self) -> None:
        self.begun += 1
        seen, told = self.written, trio.Event()
        self.under_way.append(told)
        try:
            await told.wait()
        finally:
            self.under_way.remove(told)
        if self.broken:
            raise OSError(5, "Input/output error")
        self.covered = seen

    async def finish(self) -> None:
        """Let the sync that is under way come to its end."""
        self.under_way[0].set()
        await wait_all_tasks_blocked()


@define(eq=False)
class Clerk:
    """Writes records, and waits for each of them in a task of its own."""

    disk: Disk
    commit: GroupCommit
    nursery: trio.Nursery
    done: list[int] = field(factory=list)
    failed: list[int] = field(factory=list)
    scopes: dict[int, trio.CancelScope] = field(factory=dict)

    async def write(self, records: int = 1) -> None:
        for _ in range(records):
            self.disk.written += 1
            self.nursery.start_soon(self._wait, self.disk.written)
            await wait_all_tasks_blocked()

    async def cancel(self, seq: int) -> None:
        self.scopes[seq].cancel()
        await wait_all_tasks_blocked()

    async def _wait(self, seq: int) -> None:
        with trio.CancelScope() as self.scopes[seq]:
            try:
                await self.commit.reach(seq)
            except OSError:
                self.failed.append(seq)
            else:
                self.done.append(seq)


def make_clerk(nursery: trio.Nursery) -> Clerk:
    disk = Disk()
    return Clerk(disk, GroupCommit(disk.sync), nursery)


async def test_a_record_is_waited_for_until_its_sync_is_over() -> None:
    async with trio.open_nursery() as nursery:
        clerk = make_clerk(nursery)
        await clerk.write()
        before = list(clerk.done)

        await clerk.disk.finish()

    assert (before, clerk.done, clerk.commit.on_disk) == ([], [1], 1)


async def test_who_comes_while_a_sync_is_under_way_waits_for_the_next_which_serves_them_all() -> None:
    async with trio.open_nursery() as nursery:
        clerk = make_clerk(nursery)
        await clerk.write(100)

        await clerk.disk.finish()
        first = list(clerk.done)
        await clerk.disk.finish()

    assert (first, sorted(clerk.done)) == ([1], list(range(1, 101)))
    assert (clerk.disk.begun, clerk.commit.on_disk) == (2, 100)


async def test_what_is_on_the_disk_already_needs_no_sync() -> None:
    async with trio.open_nursery() as nursery:
        clerk = make_clerk(nursery)
        await clerk.write(2)
        await clerk.disk.finish()
        await clerk.disk.finish()

        with assert_no_checkpoints():
            for seq in range(3):
                await clerk.commit.reach(seq)

    assert clerk.disk.begun == 2


async def test_where_the_one_who_syncs_is_cancelled_another_takes_its_place() -> None:
    async with trio.open_nursery() as nursery:
        clerk = make_clerk(nursery)
        await clerk.write(4)

        await clerk.cancel(1)
        begun = clerk.disk.begun
        await clerk.disk.finish()

    assert (begun, clerk.disk.begun, sorted(clerk.done)) == (2, 2, [2, 3, 4])


async def test_who_is_cancelled_while_another_syncs_harms_nobody() -> None:
    async with trio.open_nursery() as nursery:
        clerk = make_clerk(nursery)
        await clerk.write(3)

        await clerk.cancel(2)
        await clerk.disk.finish()
        await clerk.disk.finish()

    assert (clerk.disk.begun, clerk.done) == (2, [1, 3])


async def test_a_sync_that_fails_is_told_to_one_and_never_tried_again() -> None:
    async with trio.open_nursery() as nursery:
        clerk = make_clerk(nursery)
        await clerk.write(3)
        clerk.disk.broken = True

        await clerk.disk.finish()
        clerk.disk.broken = False
        await clerk.write()

    assert (clerk.failed, sorted(clerk.done), clerk.disk.begun) == ([1], [2, 3, 4], 1)
    assert clerk.commit.on_disk == 0


@pytest.mark.parametrize("examples", [60, pytest.param(2_000, marks=pytest.mark.slow)])
def test_nobody_goes_on_before_a_sync_that_began_after_their_record_and_nobody_waits_for_ever(
    examples: int,
) -> None:
    steps = st.lists(st.sampled_from(["write", "write", "finish", "cancel"]), max_size=30)

    async def act(steps: list[str], data: st.DataObject) -> None:
        async with trio.open_nursery() as nursery:
            clerk = make_clerk(nursery)
            while steps or clerk.disk.under_way:
                match steps.pop() if steps else "finish":
                    case "write":
                        await clerk.write()
                    case "cancel" if clerk.scopes:
                        await clerk.cancel(data.draw(st.sampled_from(sorted(clerk.scopes))))
                    case "finish" if clerk.disk.under_way:
                        await clerk.disk.finish()

                assert len(clerk.disk.under_way) <= 1
                assert max(clerk.done, default=0) <= clerk.commit.on_disk <= clerk.disk.covered
        cancelled = {seq for seq, scope in clerk.scopes.items() if scope.cancelled_caught}
        assert {*clerk.done} | cancelled == {*range(1, clerk.disk.written + 1)}

    @settings(max_examples=examples)
    @given(steps=steps, data=st.data())
    def hold(steps: list[str], data: st.DataObject) -> None:
        trio.run(act, steps, data)

    hold()


# In a thread.


@define(eq=False)
class SlowDisk:
    """A disk whose sync takes until it is told to be over; no longer than a test may take."""

    begun: threading.Event = field(factory=threading.Event)
    over: queue.SimpleQueue[None] = field(factory=queue.SimpleQueue)
    where: int | None = None

    def sync(self) -> None:
        self.where = threading.get_ident()
        self.begun.set()
        self.over.get(timeout=10)


async def test_a_slow_disk_holds_up_nobody_but_those_who_wait_for_it() -> None:
    disk = SlowDisk()
    commit = GroupCommit(partial(sync_aside, disk.sync))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(commit.reach, 1)
        await trio.to_thread.run_sync(disk.begun.wait)
        meanwhile = commit.on_disk
        disk.over.put(None)

    assert (meanwhile, commit.on_disk) == (0, 1)
    assert disk.where != threading.get_ident()


async def test_what_was_synced_for_one_who_is_cancelled_is_not_forgotten() -> None:
    disk = SlowDisk()
    commit = GroupCommit(partial(sync_aside, disk.sync))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(commit.reach, 1)
        await trio.to_thread.run_sync(disk.begun.wait)
        nursery.cancel_scope.cancel()
        disk.over.put(None)

    with assert_no_checkpoints():
        await commit.reach(1)


async def test_whoever_else_needs_threads_keeps_no_record_waiting() -> None:
    synced: list[int] = []
    limiter = trio.to_thread.current_default_thread_limiter()
    for number in range(int(limiter.total_tokens)):
        limiter.acquire_on_behalf_of_nowait(number)

    await GroupCommit(partial(sync_aside, lambda: synced.append(1))).reach(1)

    assert synced == [1]


def test_where_no_thread_is_to_be_had_the_sync_is_done_all_the_same() -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    told = subprocess.run(
        [sys.executable, "-c", THREADLESS], check=True, capture_output=True, text=True, env=environ
    )

    assert told.stdout == "synced\n"
