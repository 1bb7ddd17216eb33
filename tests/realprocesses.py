"""Real processes as tests meet them: told apart by an argument that no other has, looked at, ended.

Nothing here waits for time to pass: it waits for facts, and gives up loudly when they stay away.
"""

import itertools
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import field, frozen

# Seconds after which a fact that stays away is a failure. Loaded machines are slow; facts come all the same.
PATIENCE = 30.0
LOOK = 0.01
PROC = Path("/proc")

_tokens = itertools.count(1)


def until(fact: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the fact is
    """Wait until something is true, and return it."""
    limit = time.monotonic() + PATIENCE
    while not (found := fact()):
        assert time.monotonic() < limit, f"it never came true: {fact}"
        time.sleep(LOOK)
    return found


@frozen
class Token:
    """An argument of `sleep` that no other process on this machine has, to find survivors by."""

    text: str = field(
        factory=lambda: f"{86400 + os.getpid()}.{time.monotonic_ns() % 10**6:06}{next(_tokens):03}"
    )

    def __str__(self) -> str:
        return self.text

    def holders(self) -> list[int]:
        """Return the pids of the processes that run with it."""
        return [pid for pid in look_at_all() if self.text.encode() in read_words(pid)]

    def end_holders(self) -> None:
        """End all that run with it; each is stopped as soon as it is seen, or it might breed."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in look_at_all():
                if self.text.encode() in read_words(pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, number)


def list_pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def look_at_all() -> Iterator[int]:
    """Yield all processes, at last those that were born while the others were looked at."""
    newest = find_newest()
    yield from list_pids()
    while newest != (last := find_newest()):
        yield from range(newest + 1, last + 1)
        newest = last


def find_newest() -> int:
    return int((PROC / "loadavg").read_text().split()[4])


def read_words(pid: int) -> list[bytes]:
    """Return a process's command line; nothing where it is gone, or a zombie."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def read_name(pid: int) -> str:
    """Return what the kernel calls a process; nothing where it is gone."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def read_status(pid: int) -> dict[str, str]:
    """Return the kernel's account of a process; nothing where it is gone."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def read_start(pid: int) -> str:
    """Return when a process began, as the kernel counts."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]


def find_children(pid: int) -> dict[int, str]:
    """Return the states of a process's children by their ids, as `ps` has them: Z is a zombie."""
    found = {entry: read_status(entry) for entry in list_pids()}
    return {entry: told["State"][0] for entry, told in found.items() if told.get("PPid") == str(pid)}


def list_children(pid: int) -> list[str]:
    """Return the states of a process's children."""
    return list(find_children(pid).values())


def find_parent(pid: int) -> int:
    return int(read_status(pid)["PPid"])


def peak_memory(pid: int) -> int:
    """Return the most memory that a process ever held, in bytes."""
    (kilobytes,) = re.findall(r"(\d+) kB", read_status(pid)["VmHWM"])
    return int(kilobytes) * 1024


def is_running(pid: int) -> bool:
    """Tell whether there is more than a zombie."""
    return read_status(pid).get("State", "Z")[0] not in "ZX"


def kill_at_once(*pids: int) -> None:
    """Kill several processes so that none sees another die."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, number)
