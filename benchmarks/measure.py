"""What a command costs: seconds, CPU seconds, memory. Knows nothing of what the commands are."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

from attrs import field, frozen

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable
AAD = (PYTHON, "-m", "aad")
# Seconds between two looks at the memory of a command.
LOOK = 0.002

T = TypeVar("T")


@frozen(kw_only=True)
class Command:
    """What to run, and where. `before` brings its folder to where it was before the first run."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(factory=dict)
    before: Callable[[], None] = lambda: None


@frozen
class Cost:
    """What a command took, in seconds; `cpu` counts that of all its children too."""

    wall: float
    cpu: float


class CommandFailedError(Exception):
    """A command that was to be measured failed."""


def measure(command: Command) -> Cost:
    """Run a command to its end and return what it took; raises CommandFailedError."""
    command.before()
    with tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = _start(command, errors.fileno())
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        _conclude(process, status, command, errors.fileno())
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def find_peak(command: Command) -> float | None:
    """Run a command and return the most memory that its own process had, in MB; None where nobody can tell.

    The kernel's account at the end of a process will not do: it begins with the memory of whoever spawned it.
    """
    command.before()
    peak = None
    with tempfile.TemporaryFile() as errors:
        process = _start(command, errors.fileno())
        while not (found := os.waitpid(process.pid, os.WNOHANG))[0]:
            peak = _read_peak(process.pid) or peak
            time.sleep(LOOK)
        _conclude(process, found[1], command, errors.fileno())
    return peak


def compare(commands: Mapping[str, Command], rounds: int) -> dict[str, tuple[Cost, float | None]]:
    """Return the median cost of each command, and its memory; each round runs all of them in turn."""
    peaks = {name: find_peak(command) for name, command in commands.items()}
    costs = alternate({name: partial(measure, command) for name, command in commands.items()}, rounds)
    return {
        name: (Cost(median(cost.wall for cost in each), median(cost.cpu for cost in each)), peaks[name])
        for name, each in costs.items()
    }


def alternate(actions: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Return what each action returned, each round taking all of them in turn."""
    results: dict[str, list[T]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            results[name].append(action())
    return results


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of what is measured: this checkout's aad, and no settings of the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AAD_")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def _start(command: Command, errors: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command.argv,
        cwd=command.cwd,
        env=environment(command.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
    )


def _conclude(process: "subprocess.Popen[bytes]", status: int, command: Command, errors: int) -> None:
    # It is reaped already, and Popen cannot know.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        told = os.pread(errors, 2_000, 0).decode(errors="replace")
        message = f"{' '.join(command.argv)} ended with {process.returncode}:\n{told}"
        raise CommandFailedError(message)


def _read_peak(pid: int) -> float | None:
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:  # no such account, or over already
        return None
    # A process that is over but not reaped has no such line.
    _, found, rest = status.partition(b"VmHWM:")
    return int(rest.split(maxsplit=1)[0]) / 1_000 if found else None
