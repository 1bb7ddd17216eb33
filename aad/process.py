"""Runs one child process and its process group. The only file that knows pids; knows nothing of specs.

A child leads a session and a process group of its own, so that a signal reaches all of it and none of ours.
Its stdout and stderr share one pipe, which is drained until the end, whatever else happens. The child is
over when its leader has exited: what it left running is given a moment, then ended; whoever else holds the
pipe is let be.
"""

import errno
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

import trio
from attrs import define, field

from aad.agents.base import Command, Exit

# A start that fails for want of these may well succeed when something else has ended.
SCARCE = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})
# Seconds: how long leftovers get to end by themselves, and again after SIGTERM.
LINGER = 0.2
# Seconds for which output is read after the leader exited, while a stranger holds the pipe.
DRAIN = 0.25
# Seconds for which SIGKILL is waited for; what is left then hangs in the kernel.
STUCK = 5.0
# Seconds between two looks at something that cannot be waited for.
LOOK = 0.01
CHUNK = 65536
# Characters of a program's name that a message repeats.
LONGEST_NAME = 200
PROC = Path("/proc")


# Descriptors that a child takes of us while it starts, and those that we need besides.
DESCRIPTORS_EACH = 7
DESCRIPTORS_OURS = 50


def count_affordable() -> int:
    """Return how many children may run at once before descriptors run out; at least one."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    return max((soft - DESCRIPTORS_OURS) // DESCRIPTORS_EACH, 1)


class SpawnError(Exception):
    """A child could not be started. `scarce`: for want of something that may be free later."""

    def __init__(self, message: str, *, scarce: bool) -> None:
        super().__init__(message)
        self.scarce = scarce


@define(eq=False)
class Child:
    """A running process with its group. `exit` is known once its leader was reaped."""

    _popen: subprocess.Popen[bytes] = field(alias="popen")
    _output: int = field(alias="output")
    exit: Exit | None = None
    leaked: bool = False

    @property
    def pid(self) -> int:
        return self._popen.pid

    def kill(self) -> None:
        """End the whole group at once."""
        self._signal(signal.SIGKILL)

    async def pump(self, write: Callable[[bytes], None]) -> None:
        """Hand on what the child writes, until nobody holds the pipe any more."""
        os.set_blocking(self._output, False)
        while True:
            try:
                chunk = os.read(self._output, CHUNK)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._output)
                continue
            if not chunk:
                return
            write(chunk)
            await trio.lowlevel.checkpoint()

    async def wait(self) -> Exit:
        """Wait until the leader has exited."""
        while self._popen.poll() is None:
            await self._wait_exit()
        code = self._popen.returncode
        self.exit = Exit(code) if code >= 0 else Exit(None, -code)
        return self.exit

    async def end(self, grace: float) -> None:
        """Ask the group to end; make it, `grace` seconds later."""
        self._ask()
        if not await self._is_gone_within(grace):
            await self._is_gone_within(STUCK, look=self.kill)

    async def end_leftovers(self) -> None:
        """End what an exited leader left in its group; note it as leaked unless it ends by itself."""
        if not self._has_members() or await self._is_gone_within(LINGER):
            return
        self.leaked = True
        await self.end(LINGER)

    def close(self) -> None:
        os.close(self._output)

    async def _wait_exit(self) -> None:
        try:
            pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # not Linux, or no descriptor to be had
            await trio.sleep(LOOK)
            return
        try:
            await trio.lowlevel.wait_readable(pidfd)
        finally:
            os.close(pidfd)

    async def _is_gone_within(self, limit: float, *, look: Callable[[], None] = lambda: None) -> bool:
        """Wait until the group is gone; `look` is called before each look at it."""
        seen_empty = 0
        with trio.move_on_after(limit):
            look()
            if self.exit is None:
                await self.wait()
            while self._has_members() and seen_empty < 2:
                # Twice: a look misses who is born behind it, of a parent that then ends.
                seen_empty = 0 if _has_living_member(self.pid) else seen_empty + 1
                look()
                await trio.sleep(LOOK)
            return True
        return False

    def _has_members(self) -> bool:
        """Tell whether the group has members. While it has, the kernel gives its number to nobody else."""
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # macOS says so of a group of zombies; a changed user cannot be signalled
            return False
        return True

    def _ask(self) -> None:
        # A stopped process gets its SIGTERM only when it goes on.
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # gone already, or no longer ours
            os.killpg(self.pid, number)


def _has_living_member(group: int) -> bool:
    """Tell whether a group has more than zombies, which linger where process 1 reaps late or never."""
    if not PROC.is_dir():  # not Linux
        return True
    return any(_lives_in(group, entry) for entry in PROC.iterdir() if entry.name.isdigit())


def _lives_in(group: int, entry: Path) -> bool:
    try:
        told = (entry / "stat").read_bytes()
    except OSError:  # gone between two looks
        return False
    # The name in brackets may hold anything; behind its last bracket stand state, parent, group (proc(5)).
    state, _, its_group, *_ = told[told.rindex(b")") + 1 :].split()
    return int(its_group) == group and state not in {b"Z", b"X"}


def spawn(command: Command) -> Child:
    """Start a child; raises SpawnError. It gets stdin, stdout and stderr and no other descriptor of ours."""
    with ExitStack() as stack:
        try:
            output, child_output = os.pipe()
            stack.callback(os.close, child_output)
            on_error = stack.enter_context(ExitStack())
            on_error.callback(os.close, output)
            popen = subprocess.Popen(  # noqa: S603 - running what specs ask for is what aad is for
                command.argv,
                env=command.env,
                cwd=command.cwd,
                stdin=_open_stdin(command, stack),
                stdout=child_output,
                stderr=child_output,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise _explain(error, command) from error
        on_error.pop_all()
        return Child(popen, output)


def _open_stdin(command: Command, stack: ExitStack) -> IO[bytes] | int:
    """Return the child's stdin; a nameless file never blocks us, however late the child reads."""
    if command.stdin is None:
        return subprocess.DEVNULL
    file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    file.write(command.stdin)
    file.seek(0)
    return file


def _explain(error: OSError | ValueError, command: Command) -> SpawnError:
    if isinstance(error, ValueError):  # an argument or variable with a NUL in it
        return SpawnError(f"{command.argv[0]}: {error}", scarce=False)
    return explain_os_error(error, default=command.argv[0])


def explain_os_error(error: OSError, *, default: str = "") -> SpawnError:
    """Return what an OSError means for a start; it names the file at fault, else `default`."""
    name = error.filename if isinstance(error.filename, str) else default
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    return SpawnError(f"{shown}: {error.strerror}", scarce=error.errno in SCARCE)


async def run_child(
    command: Command,
    *,
    write: Callable[[bytes], None],
    grace: float,
    started: Callable[[Child], None],
) -> Exit:
    """Run a child to its end and return how it ended; raises SpawnError.

    `write` gets the output in the order in which it came, and `started` the child once it runs. Cancelled,
    it ends the group first: SIGTERM, `grace` seconds, SIGKILL; `child.exit` then tells how that went.
    """
    child = spawn(command)
    drain = trio.CancelScope(shield=True)

    async def pump() -> None:
        with drain:
            await child.pump(write)

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pump)
            try:
                started(child)
                await child.wait()
            finally:
                with trio.CancelScope(shield=True):  # bounded by grace and STUCK
                    await (child.end(grace) if child.exit is None else child.end_leftovers())
                drain.deadline = trio.current_time() + DRAIN
    finally:
        child.close()
    return child.exit or Exit(None, signal.SIGKILL)
