"""Runs one child process and all its descendants, in the hands of a keeper. Knows nothing of specs.

A child leads a session and a process group of its own, so that no signal of a terminal reaches it. Its
stdout and stderr share one pipe, which is drained until the end, whatever else happens. The child is over
when its keeper says so: then nothing of it is left, and whoever else holds the pipe is let be.
"""

import errno
import os
import signal
import tempfile
from collections.abc import Callable
from contextlib import ExitStack

import trio
from attrs import define, field

from aad.agents.base import Command, Exit
from aad.keepers import KILL, TERMINATE, Keeper, KeeperLostError, Keepers, Report

# A start that fails for want of these may well succeed when something else has ended.
SCARCE = frozenset(
    {
        errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY,
        # Too many descriptors on their way to keepers; a keeper or the server that died just now.
        errno.ETOOMANYREFS, errno.EPIPE, errno.ECONNRESET,
    }
)  # fmt: skip
# Seconds for which output is read after the end, while a stranger holds the pipe.
DRAIN = 0.25
# Seconds that a keeper may take to end everything at once; it gives up itself a little earlier. As many has
# the server after that, to end what a keeper holds that does not answer.
STUCK = 6.0
CHUNK = 65536
# Characters of a program's name that a message repeats.
LONGEST_NAME = 200


class SpawnError(Exception):
    """A child could not be started. `scarce`: for want of something that may be free later."""

    def __init__(self, message: str, *, scarce: bool) -> None:
        super().__init__(message)
        self.scarce = scarce


@define(eq=False)
class Child:
    """A process with its descendants. `exit` is known once nothing of it is left.

    `leaked` names what it left running, which was ended; `stuck` counts what could not be. `trouble` is why
    there was no child, or why nobody knows how it ended.
    """

    _keeper: Keeper
    _program: str
    # Hears of it once it runs, also if it is to end before anybody knew.
    _started: Callable[["Child"], None]
    pid: int = field(default=0, init=False)
    exit: Exit | None = field(default=None, init=False)
    leaked: tuple[str, ...] = field(default=(), init=False)
    stuck: int = field(default=0, init=False)
    trouble: SpawnError | KeeperLostError | None = field(default=None, init=False)

    @property
    def is_over(self) -> bool:
        return self.exit is not None or self.trouble is not None

    def kill(self) -> None:
        """End all of it at once."""
        self._order(KILL)

    async def attend(self) -> None:
        """Wait until it runs, or is over."""
        try:
            self._take_note(await self._keeper.report())
        except KeeperLostError as error:
            self.trouble = error

    async def end(self, grace: float) -> None:
        """Ask all of it to end; make it, `grace` seconds later."""
        for order, limit in ((TERMINATE, grace), (KILL, STUCK)):
            self._order(order)
            if await self.is_over_within(limit):
                return

    async def is_over_within(self, limit: float) -> bool:
        """Wait until it is over, at most so many seconds; tell whether it is."""
        with trio.move_on_after(limit):
            while not self.is_over:
                await self.attend()
        return self.is_over

    def _order(self, letter: bytes) -> None:
        if not self.is_over:  # else its keeper may have another child by now
            self._keeper.order(letter)

    def _take_note(self, told: Report) -> None:
        if "pid" in told:
            self.pid = told["pid"]
            self._started(self)
        elif "errno" in told:
            self.trouble = _explain(told, self._program)
        else:
            self.exit = _read_exit(told["exit"])
            self.leaked, self.stuck = tuple(told["leaked"]), told["stuck"]


@define(eq=False)
class KeptChildren:
    """Runs children, each in a keeper of its own."""

    keepers: Keepers

    async def __call__(
        self,
        command: Command,
        *,
        write: Callable[[bytes], None],
        grace: float,
        started: Callable[[Child], None],
    ) -> Exit:
        """Run a child to its end and return how it ended; raises SpawnError, KeeperLostError.

        `write` gets the output in the order in which it came, and `started` the child once it runs.
        Cancelled, it ends all of it first: SIGTERM, `grace` seconds, SIGKILL; `child.exit` tells how.
        """
        keeper, output = self._begin(command)
        drain = trio.CancelScope(shield=True)

        async def pump() -> None:
            with drain:
                await _pump(output, write)

        try:
            async with trio.open_nursery() as nursery:

                def begin(child: Child) -> None:
                    started(child)
                    nursery.start_soon(pump)

                child = Child(keeper, command.argv[0], begin)
                try:
                    while not child.is_over:
                        await child.attend()
                finally:
                    with trio.CancelScope(shield=True):  # bounded by grace, STUCK and the keepers
                        await self._conclude(child, keeper, grace)
                    drain.deadline = trio.current_time() + DRAIN
        finally:
            os.close(output)
            self.keepers.give_back(keeper)
        if child.trouble is not None:
            raise child.trouble
        return child.exit or Exit(None, signal.SIGKILL)

    def _begin(self, command: Command) -> tuple[Keeper, int]:
        """Give a keeper the command; return it, and where the output comes from. Raises SpawnError."""
        with ExitStack() as stack:
            try:
                output, its_output = os.pipe()
                stack.callback(os.close, its_output)
                on_error = stack.enter_context(ExitStack())
                on_error.callback(os.close, output)
                os.set_blocking(output, False)
                stdin = _open_stdin(command, stack)
                keeper = self.keepers.take()
                on_error.callback(self.keepers.give_back, keeper)
                request = {"argv": list(command.argv), "env": dict(command.env), "cwd": command.cwd}
                keeper.begin(request, (stdin, its_output, its_output))
            except OSError as error:
                raise explain_os_error(error, default=command.argv[0]) from error
            on_error.pop_all()
            return keeper, output

    async def _conclude(self, child: Child, keeper: Keeper, grace: float) -> None:
        """See to it that nothing of a child is left."""
        if not child.is_over:
            await child.end(grace)
        if not child.is_over:
            self.keepers.abandon(keeper)
            await child.is_over_within(STUCK)
        if not child.is_over or isinstance(child.trouble, KeeperLostError):
            child.trouble = KeeperLostError(self.keepers.read_last_words())


async def _pump(output: int, write: Callable[[bytes], None]) -> None:
    """Hand on what comes, until nobody holds the other end any more."""
    while True:
        try:
            chunk = os.read(output, CHUNK)
        except BlockingIOError:
            await trio.lowlevel.wait_readable(output)
            continue
        if not chunk:
            return
        write(chunk)
        await trio.lowlevel.checkpoint()


def _open_stdin(command: Command, stack: ExitStack) -> int:
    """Return the child's stdin; a nameless file never blocks us, however late the child reads."""
    if command.stdin is None:
        stdin = os.open(os.devnull, os.O_RDONLY)
        stack.callback(os.close, stdin)
        return stdin
    file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    file.write(command.stdin)
    file.seek(0)
    return file.fileno()


def _read_exit(code: int | None) -> Exit:
    if code is None:  # it hangs in the kernel, and was killed as far as that goes
        return Exit(None, signal.SIGKILL)
    return Exit(code) if code >= 0 else Exit(None, -code)


def _explain(told: Report, program: str) -> SpawnError:
    if not told["errno"]:  # an argument or a variable with a NUL in it
        return SpawnError(f"{program}: {told['name']}", scarce=False)
    error = OSError(told["errno"], os.strerror(told["errno"]), told["name"])
    return explain_os_error(error, default=program)


def explain_os_error(error: OSError, *, default: str = "") -> SpawnError:
    """Return what an OSError means for a start; it names the file at fault, else `default`."""
    name = error.filename if isinstance(error.filename, str) else default
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    return SpawnError(f"{shown}: {error.strerror}", scarce=error.errno in SCARCE)
