"""Starts are cut off, keepers and their server are lost: nothing is left, and what runs goes on."""

import os
import random
import resource
import signal
from contextlib import closing
from pathlib import Path

import pytest
import trio
from keeperstage import TRUE, Stage, count_descriptors, shell, stage
from realprocesses import (
    PATIENCE,
    Token,
    find_children,
    find_parent,
    is_running,
    kill_at_once,
    read_status,
    until,
)

from aad.agents.base import Exit
from aad.keepers import KeeperLostError, Keepers
from aad.process import SpawnError

__all__ = ["stage"]

# Cut off, again and again.


@pytest.mark.parametrize("size", [0, 1_000_000], ids=["small", "large"])
@pytest.mark.parametrize("times", [50, pytest.param(300, marks=pytest.mark.slow)])
async def test_a_start_may_be_cut_off_at_any_moment(
    stage: Stage, token: Token, times: int, size: int
) -> None:
    draw = random.Random(times)  # noqa: S311 - for chance, not for secrets
    command = shell(
        f"(setsid sleep {token} &); sleep {token}", **dict.fromkeys("ABCDEFGHIJ", "x" * (size // 10))
    )
    await stage.run("true")
    before = count_descriptors(os.getpid())

    with trio.fail_after(PATIENCE):  # none is missed, or it would be waited for
        for _ in range(times):
            with trio.move_on_after(draw.uniform(0, 0.006)):
                await stage.run(command, grace=PATIENCE)

    keepers = stage.find_keepers()
    assert token.holders() == []
    assert await stage.run("true") == Exit(0)
    assert count_descriptors(os.getpid()) == before
    assert len(keepers) <= 1


async def test_many_starts_at_once_may_be_cut_off(stage: Stage, token: Token) -> None:
    async def cut_off(delay: float) -> None:
        with trio.move_on_after(delay):
            await stage.run(f"(setsid sleep {token} &); sleep {token}")

    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(cut_off, number * 0.004)

    assert token.holders() == []
    assert len(stage.keepers._busy) == 0


@pytest.mark.parametrize("times", [50, pytest.param(200, marks=pytest.mark.slow)])
async def test_many_short_children_leave_no_zombie_and_cost_no_memory(stage: Stage, times: int) -> None:
    for _ in range(10):
        await stage.run("(true &); true")
    ours = [os.getpid(), stage.server, *stage.find_keepers()]
    before = {pid: (read_memory(pid), count_descriptors(pid)) for pid in ours}

    for _ in range(times):
        await stage.run("(true &); true")

    assert [pid for pid in ours[1:] if "Z" in find_children(pid).values()] == []
    for pid, (memory, descriptors) in before.items():
        assert read_memory(pid) - memory < 5_000_000
        assert count_descriptors(pid) == descriptors


def read_memory(pid: int) -> int:
    return int(read_status(pid)["VmRSS"].removesuffix(" kB")) * 1024


# Keepers and the server are lost.


async def test_a_child_whose_keeper_is_killed_is_lost_with_all_that_it_began(
    stage: Stage, token: Token
) -> None:
    def kill_keeper(pid: int) -> None:
        until(lambda: len(token.holders()) == 2)
        os.kill(find_parent(pid), signal.SIGKILL)

    child = await stage.lose(f"(setsid sleep {token} &); sleep {token}", kill_keeper)

    assert (child.exit, token.holders()) == (None, [])


async def test_a_keeper_that_never_came_to_be_is_lost(stage: Stage) -> None:
    stage.keepers.start()
    os.kill(stage.server, signal.SIGSTOP)  # or it might be quicker than we are
    assert stage.keepers._server is not None
    keeper = stage.keepers._server.fork()
    keeper.begin(TRUE, (0, 1, 2))
    os.kill(stage.server, signal.SIGKILL)

    with closing(keeper), trio.fail_after(PATIENCE), pytest.raises(KeeperLostError):
        await keeper.report()

    assert (keeper.pid, keeper.forsaken) == (None, True)


async def test_a_keeper_may_be_lost_while_it_is_being_asked(stage: Stage) -> None:
    pid = int(await stage.ask("echo $PPID"))
    keeper = stage.keepers.take()
    keeper.begin({**TRUE, "env": {"LARGE": "x" * 10_000_000}}, (0, 1, 2))
    os.kill(pid, signal.SIGKILL)

    with trio.fail_after(PATIENCE), pytest.raises(KeeperLostError):
        await keeper.report()

    assert not keeper.forsaken


async def test_a_keeper_that_does_not_answer_is_ended_with_all_that_it_holds(
    stage: Stage, token: Token
) -> None:
    def abandon(_: int) -> None:
        until(lambda: len(token.holders()) == 2)
        (keeper,) = stage.keepers._busy
        stage.keepers.abandon(keeper)

    await stage.lose(f"(setsid sleep {token} &); sleep {token}", abandon)

    assert (stage.find_keepers(), token.holders()) == ([], [])


async def test_what_upset_a_keeper_is_told(stage: Stage) -> None:
    await stage.run("true")
    (keeper,) = stage.keepers._idle
    keeper.begin({}, (0, 1, 2))

    with pytest.raises(KeeperLostError):
        await keeper.report()

    assert stage.keepers.read_last_words() == "KeyError: 'argv'"
    assert stage.keepers.read_last_words() == ""


async def test_a_server_that_was_killed_is_replaced_and_running_children_go_on(stage: Stage) -> None:
    async with trio.open_nursery() as nursery:
        child = await stage.start(nursery, "sleep 0.3; exit 7")
        first = stage.server
        os.kill(first, signal.SIGKILL)
        until(lambda: not is_running(first))
        assert await stage.run("true") == Exit(0)

    assert child.exit == Exit(7)
    assert stage.server != first


async def test_what_is_left_by_keeper_and_server_is_swept_and_living_keepers_are_spared(
    tmp_path: Path, token: Token
) -> None:
    spared: list[frozenset[int]] = []
    stage = Stage(Keepers(tmp_path / "processes.json", spared.append))

    with closing(stage.keepers):
        async with stage.running("sleep 100") as other:
            keeper, server = find_parent(other.pid), stage.server
            await stage.lose(f"sleep {token}", lambda pid: kill_at_once(server, find_parent(pid)))

    assert spared == [frozenset({keeper})]


@pytest.mark.parametrize("who", ["the server", "the keeper", "both"])
async def test_who_was_stopped_goes_on_when_it_is_needed(stage: Stage, who: str) -> None:
    keeper = int(await stage.ask("echo $PPID"))
    stopped = {"the server": [stage.server], "the keeper": [keeper], "both": [stage.server, keeper]}[who]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)

    with trio.fail_after(PATIENCE):
        async with stage.running("sleep 100"):
            assert await stage.run("exit 7") == Exit(7)


async def test_children_end_when_the_keepers_are_closed_and_nothing_is_swept_any_more(
    tmp_path: Path, token: Token
) -> None:
    spared: list[frozenset[int]] = []
    stage = Stage(Keepers(tmp_path / "processes.json", spared.append))

    def close(_: int) -> None:
        until(lambda: len(token.holders()) == 2)
        stage.keepers.close()

    await stage.lose(f"(setsid sleep {token} &); sleep {token}", close)

    assert (token.holders(), spared) == ([], [])


async def test_where_descriptors_are_scarce_nothing_is_started_and_none_is_lost(stage: Stage) -> None:
    descriptors, (soft, hard) = count_descriptors(os.getpid()), resource.getrlimit(resource.RLIMIT_NOFILE)
    refused = 0

    end = None
    while end is None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors + refused, hard))
        try:
            end = await stage.run("true")
        except SpawnError as error:
            assert error.scarce  # noqa: PT017 - the last one is none
            refused += 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    stage.keepers.close()

    assert (end, refused > 3) == (Exit(0), True)
    assert count_descriptors(os.getpid()) == descriptors
