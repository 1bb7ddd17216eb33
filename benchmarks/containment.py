"""What it costs that nothing outlives a session, in time and memory; and how fast a killed run is gone."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import trio
from attrs import frozen
from effort import Effort
from graphs import make_wide
from measure import AAD, environment
from projects import TRUE, open_folder, write_project
from report import Figure, Report, Row, Table

from aad.agents.base import Command
from aad.keepers import Keepers
from aad.process import KeptChildren
from aad.processtable import list_children

NOTHING = Command(argv=(TRUE,), env={}, cwd="/")
# What is left of a killed session: a daemon, and one that waits for ever. No other process has this argument.
SLEEP = f"{100_000 + os.getpid()}"
SESSION = ("/bin/sh", "-c", f"setsid sleep {SLEEP} & exec sleep {SLEEP}")
OPEN, RUN, USED, FIRST = "trio.open_process", "trio.run_process", "aad, a used slot", "aad, its first use"
# Seconds between two looks at whether all sessions run.
LOOK = 0.01


@frozen
class _Memory:
    """What the server and each slot have for themselves, in MB."""

    server: float
    slot: float


def run(effort: Effort) -> Report:
    """Measure children with and without a keeper, the keepers themselves, and the end of a killed run."""
    if not Path("/proc/self/smaps_rollup").exists():
        return Report(title="Containment", notes=("Left out: it can be measured on Linux only.",))
    with _open_keepers() as keepers:
        seconds = trio.run(_compare_children, keepers, effort)
        seconds[FIRST], memory = trio.run(_fill_slots, keepers, effort.running)
    ms = {name: median(each) * 1e3 for name, each in seconds.items()}
    gone = median(_time_end(effort.running) for _ in range(effort.rounds)) * 1e3
    rows: list[Row] = [(name, each, each - ms[OPEN]) for name, each in ms.items()]
    return Report(
        title="Containment",
        figures=(
            Figure(f"{USED}, over {OPEN}", ms[USED] - ms[OPEN], "ms", "<= 1"),
            Figure(f"{FIRST}, over {OPEN}", ms[FIRST] - ms[OPEN], "ms", "<= 5"),
            Figure("memory of a slot", memory.slot, "MB", "<= 3"),
            Figure(f"kill -9 with {effort.running} sessions of 2, all gone after", gone, "ms", "< 1,000"),
        ),
        tables=(Table(("a child that does nothing", "ms", "over the first"), rows),),
        notes=(
            f"Memory is a process's own and its share of the rest (PSS), with {effort.running} slots.",
            f"The server that forked them has {memory.server:.1f} MB.",
        ),
    )


@contextmanager
def _open_keepers() -> Iterator[Keepers]:
    with open_folder() as folder:
        keepers = Keepers(folder / "processes.json")
        try:
            yield keepers
        finally:
            keepers.close()


# A child that does nothing, from the wish to the knowledge of its end.


async def _compare_children(keepers: Keepers, effort: Effort) -> dict[str, list[float]]:
    """Return the seconds of many children by each way, all ways in turn after a round to warm up."""
    ways: dict[str, Callable[[], Awaitable[None]]] = {
        OPEN: _open_child,
        RUN: _run_child,
        USED: lambda: _keep_child(keepers),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(effort.sizes[0] * effort.rounds + 1):
        for name, make_child in ways.items():
            taken = await _time(make_child)
            if turn:
                seconds[name].append(taken)
    return seconds


async def _time(make_child: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await make_child()
    return time.perf_counter() - began


async def _open_child() -> None:
    process = await trio.lowlevel.open_process(
        [TRUE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if process.stdout is not None:
        async with process.stdout as output:
            async for _ in output:
                pass
    await process.wait()


async def _run_child() -> None:
    await trio.run_process([TRUE], stdin=b"", capture_stdout=True, capture_stderr=True)


async def _keep_child(keepers: Keepers) -> None:
    await KeptChildren(keepers)(NOTHING, write=lambda _: None, grace=1.0, started=lambda _: None)


# Slots.


async def _fill_slots(keepers: Keepers, count: int) -> tuple[list[float], _Memory]:
    """Use so many slots, each for the first time; return the seconds of their children, and the memory."""
    seconds = []
    held = [keepers.take()]
    for _ in range(count):
        seconds.append(await _time(lambda: _keep_child(keepers)))
        held.append(keepers.take())
    (server,) = _find_keepers(os.getpid())
    slots = _find_keepers(server)
    memory = _Memory(_read_memory(server), median(map(_read_memory, slots)))
    return seconds, memory


def _find_keepers(parent: int) -> list[int]:
    return [pid for pid in list_children(parent) if _read(pid, "comm") == "aad-keeper\n"]


def _read_memory(pid: int) -> float:
    (line,) = [line for line in _read(pid, "smaps_rollup").splitlines() if line.startswith("Pss:")]
    return int(line.split()[1]) / 1_000


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")
    except OSError:  # gone, or a zombie
        return ""


# The end of a killed run.


def _time_end(sessions: int) -> float:
    """Return the seconds from the death of a run to that of the last of its sessions' processes."""
    with open_folder() as folder:
        write_project(folder, make_wide(sessions), run=SESSION)
        argv = (*AAD, "orchestrate", "--all", "--jobs", str(sessions), "--progress", "none")
        with subprocess.Popen(argv, cwd=folder, env=environment({}), stderr=subprocess.DEVNULL) as process:
            sleepers = _await_sleepers(2 * sessions)
            began = time.perf_counter()
            process.send_signal(signal.SIGKILL)
            _await_end(sleepers)
            return time.perf_counter() - began


def _await_sleepers(count: int) -> list[int]:
    """Return descriptors of that many processes, once they are there."""
    while len(found := list(_find_sleepers())) < count:
        time.sleep(LOOK)
    return [os.pidfd_open(pid) for pid in found]


def _find_sleepers() -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and _read(int(folder.name), "cmdline") == f"sleep\0{SLEEP}\0":
            yield int(folder.name)


def _await_end(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        select.select([descriptor], [], [])
        os.close(descriptor)
