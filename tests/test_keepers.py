"""Keepers are reused and replaced; what they start is started exactly as was asked, whoever hosts them."""

import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
import trio
import trio.testing
from keeperstage import TRUE, Stage, count_descriptors, stage
from realprocesses import PATIENCE, Token, is_running, read_name, until

from aad.agents.base import Command, Exit
from aad.keepers import KILL, STOP, TERMINATE, Keeper
from aad.process import SpawnError

__all__ = ["stage"]

# Signals 32 and 33 are the C library's own: ignored or not, no program can say so.
RESERVED = 3 << 31
# Those that end a process of which nothing else is known: the others stop it, or do nothing.
DEADLY = sorted(
    set(range(1, 32))
    - {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
    - {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
)

# One keeper after the other.


async def test_children_that_follow_each_other_have_the_same_keeper(stage: Stage) -> None:
    first = await stage.ask("echo $PPID")
    second = await stage.ask("echo $PPID")

    assert first == second
    assert [f"{pid}\n" for pid in stage.find_keepers()] == [first]


async def test_children_that_run_side_by_side_have_a_keeper_each(stage: Stage) -> None:
    async with stage.running("sleep 100"):
        second = await stage.ask("echo $PPID")

    assert len(stage.find_keepers()) == 2
    assert int(second) in stage.find_keepers()


async def test_keepers_and_their_server_are_called_by_their_names_and_have_no_environment(
    stage: Stage,
) -> None:
    await stage.ask("true")

    ours = [stage.server, *stage.find_keepers()]

    assert [read_name(pid) for pid in ours] == ["aad-keeper"] * 2
    assert [Path(f"/proc/{pid}/environ").read_bytes() for pid in ours] == [b"", b""]
    assert [Path(f"/proc/{pid}/cwd").readlink() for pid in ours] == [Path("/"), Path("/")]


async def test_an_idle_keeper_that_died_is_replaced(stage: Stage) -> None:
    first = int(await stage.ask("echo $PPID"))
    os.kill(first, signal.SIGKILL)
    until(lambda: not stage.keepers._idle[0].is_there)

    second = int(await stage.ask("echo $PPID"))

    assert second != first
    assert stage.find_keepers() == [second]


async def test_after_a_child_that_left_a_mess_its_keeper_runs_the_next_one_clean(
    stage: Stage, token: Token
) -> None:
    mess = f"trap '' TERM; (setsid sleep {token} &); (setsid sleep {token} <&- >&- 2>&- &); echo $PPID"
    first = await stage.ask(mess)

    second = await stage.ask("echo $PPID")

    assert (first, token.holders()) == (second, [])
    assert len(stage.children[0].leaked) == 2
    assert stage.children[1].leaked == ()


async def test_an_order_that_comes_too_late_does_not_hit_the_next_child(stage: Stage) -> None:
    await stage.run("true")

    async with trio.open_nursery() as nursery:
        child = await stage.start(nursery, "sleep 0.2; exit 7")
        stage.children[0].kill()

    assert child.exit == Exit(7)


async def test_an_idle_keeper_takes_no_notice_of_orders(stage: Stage) -> None:
    await stage.run("true")
    (keeper,) = stage.keepers._idle
    for letter in (KILL, TERMINATE, b"S", b"C", b"?"):
        keeper.order(letter)

    assert await stage.run("sleep 0.1; exit 7") == Exit(7)


# What is asked for is what is started.


@pytest.mark.parametrize("codes", [range(0, 256, 15), pytest.param(range(256), marks=pytest.mark.slow)])
async def test_every_exit_code_is_told_exactly(stage: Stage, codes: range) -> None:
    told = [await stage.run(f"exit {code}") for code in codes]

    assert told == [Exit(code) for code in codes]


async def test_every_signal_that_ends_a_child_is_told_exactly(stage: Stage) -> None:
    told = [await stage.run(f"ulimit -c 0; kill -{number} $$") for number in DEADLY]

    assert told == [Exit(None, number) for number in DEADLY]


async def test_a_child_is_deaf_to_nothing_and_blocks_nothing(stage: Stage) -> None:
    told = await stage.ask(Command(argv=("/bin/cat", "/proc/self/status"), env={}, cwd="/"))

    status = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
    masks = [int(status[name], 16) & ~RESERVED for name in ("SigBlk", "SigIgn", "SigCgt", "SigPnd")]
    assert masks == [0, 0, 0, 0]


async def test_a_child_leads_a_session_of_its_own(stage: Stage) -> None:
    told = await stage.ask("cat /proc/$$/stat")

    pid, *_, group, session, terminal = told.split()[:7]
    assert (group, session, terminal) == (pid, pid, "0")


async def test_a_child_gets_the_environment_that_was_asked_for_to_the_byte(stage: Stage) -> None:
    env = {"EMPTY": "", "LINES": "a\nb", "JAPANESE": "日本語", "BYTES": "\udcff\udc80", "odd name": "="}
    env |= {f"LONG_{number}": str(number) * 100_000 for number in range(10)}

    told = await stage.ask(Command(argv=("/usr/bin/env", "-0"), env=env, cwd="/"))

    assert sorted(told.split("\0")) == sorted(["", *(f"{k}={v}" for k, v in env.items())])


async def test_a_keeper_that_finds_no_room_to_start_anything_is_let_go(stage: Stage) -> None:
    """The kernel drops descriptors for which a keeper has no room; then there is nothing to start with."""
    keeper = int(await stage.ask("echo $PPID"))
    resource.prlimit(keeper, resource.RLIMIT_NOFILE, (count_descriptors(keeper) + 1, 1000))

    with pytest.raises(SpawnError) as caught:
        await stage.run("true")

    assert (str(caught.value), caught.value.scarce) == ("/bin/sh: Too many open files", True)
    until(lambda: not is_running(keeper))
    assert await stage.run("true") == Exit(0)


# What is said over the lifeline.


def open_lifeline() -> tuple[Keeper, socket.socket]:
    """Return a keeper that is nobody but the other end of its lifeline."""
    lifeline, its_lifeline = socket.socketpair()
    lifeline.setblocking(False)  # noqa: FBT003 - its only argument
    return Keeper(lifeline), its_lifeline


def fill(sock: socket.socket) -> None:
    """Send until there is no more room."""
    with suppress(BlockingIOError):
        while True:
            sock.send(b"x")


def empty(sock: socket.socket) -> bytes:
    """Read all that is there."""
    read = b""
    with suppress(BlockingIOError):
        while True:
            read += sock.recv(65536)
    return read


async def test_what_a_keeper_says_may_come_in_pieces() -> None:
    keeper, its_lifeline = open_lifeline()
    told: list[object] = []

    async def listen() -> None:
        told.extend([await keeper.report(), await keeper.report()])

    with its_lifeline, closing(keeper):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            for byte in b'{"keeper": 7}\n{"pid": 8}\n{"exit": 0, "leaked": [], "stuck": 0}\n':
                its_lifeline.send(bytes([byte]))
                await trio.testing.wait_all_tasks_blocked()

    assert told == [{"pid": 8}, {"exit": 0, "leaked": [], "stuck": 0}]
    assert (keeper.pid, keeper.free) == (7, True)


async def test_what_a_keeper_is_told_may_come_in_pieces(stage: Stage) -> None:
    await stage.run("true")
    keeper = stage.keepers.take()
    body = json.dumps({**TRUE, "argv": ["/bin/sh", "-c", "exit 7"]}).encode()

    socket.send_fds(keeper._lifeline, [b"R"], [0, 1, 2])
    for byte in struct.pack("!I", len(body)) + body:
        keeper._lifeline.send(bytes([byte]))
    told = [await keeper.report(), await keeper.report()]

    assert told[1] == {"exit": 7, "leaked": [], "stuck": 0}


@pytest.mark.parametrize("order", [TERMINATE, KILL])
async def test_an_order_to_end_waits_until_the_request_before_it_is_read(order: bytes) -> None:
    keeper, its_lifeline = open_lifeline()
    fill(keeper._lifeline)

    keeper.order(STOP)
    keeper.order(order)

    with its_lifeline, closing(keeper):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keeper.report)
            await trio.testing.wait_all_tasks_blocked()
            its_lifeline.setblocking(False)  # noqa: FBT003 - its only argument
            read = empty(its_lifeline)
            await trio.testing.wait_all_tasks_blocked()
            read += empty(its_lifeline)
            its_lifeline.send(b'{"pid": 8}\n')

    assert read.lstrip(b"x") == order


async def test_a_keeper_that_holds_what_cannot_be_ended_is_let_go(stage: Stage) -> None:
    keeper, its_lifeline = open_lifeline()
    stage.keepers._idle.append(keeper)

    with its_lifeline:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.run, "true")
            await trio.testing.wait_all_tasks_blocked()
            its_lifeline.send(b'{"keeper": 7}\n{"pid": 8}\n{"exit": null, "leaked": [], "stuck": 2}\n')

    (child,) = stage.children
    assert (child.exit, child.stuck) == (Exit(None, signal.SIGKILL), 2)
    assert stage.keepers._idle == []


# In somebody else's program.

HOST = """
import ctypes, json, os, signal, subprocess, sys
import trio
from aad.agents.base import Command
from aad.keepers import Keepers
from aad.process import KeptChildren

def list_children():
    words = (stat.rpartition(")")[2].split() for stat in read_stats())
    return sorted(word[0] for word in words if word[1] == str(os.getpid()))

def read_stats():
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield open(f"/proc/{name}/stat").read()
        except OSError:
            pass

def look_at_ourselves():
    flag = ctypes.c_int()
    ctypes.CDLL(None).prctl(37, ctypes.byref(flag), 0, 0, 0)
    handlers = {number: repr(signal.getsignal(number)) for number in signal.valid_signals()}
    blocked = sorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))
    return flag.value, handlers, blocked, signal.set_wakeup_fd(-1)

async def run(command):
    said = bytearray()
    keepers = Keepers(__import__("pathlib").Path(sys.argv[1]))
    try:
        await KeptChildren(keepers)(command, write=said.extend, grace=1, started=lambda _: None)
    finally:
        keepers.close()
    return said.decode()

for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
    if "ignoring" in sys.argv:
        signal.signal(number, signal.SIG_IGN)
if "ignoring" in sys.argv:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])
own = subprocess.Popen(["sh", "-c", "sleep 0.3; exit 7"])
before = look_at_ourselves()
told = trio.run(run, Command(argv=("/bin/cat", "/proc/self/status"), env={}, cwd="/"))
after = look_at_ourselves()
status = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
print(json.dumps({
    "own": own.wait(),
    "untouched": before == after,
    "subreaper": after[0],
    "children": list_children(),
    "masks": [int(status[name], 16) & ~(3 << 31) for name in ("SigBlk", "SigIgn", "SigCgt")],
}))
"""


@pytest.mark.parametrize(("way", "own"), [("plain", 7), ("ignoring", 0)])
def test_a_host_program_keeps_its_children_its_signals_and_its_place(
    tmp_path: Path, way: str, own: int
) -> None:
    """Where it ignores SIGCHLD nobody gets to know how its own children end, as ever."""
    argv = [sys.executable, "-c", HOST, str(tmp_path / "processes.json"), way]

    told = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert told.stderr == ""
    assert json.loads(told.stdout) == {
        "own": own,
        "untouched": True,
        "subreaper": 0,
        "children": [],
        "masks": [0, 0, 0],
    }
