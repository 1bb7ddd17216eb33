"""Runs one child process and all its descendants, in the hands of a keeper. Knows nothing of specs.

A child leads a session and a process group of its own, so that no signal of a terminal reaches it. Its
stdout and stderr share one pipe, or have one each; they are drained until the end, whatever else happens.
Its stdin is a file, or a pipe by which it is told things while it works. The child is over when its keeper
says so: then nothing of it is left, and whoever else holds a pipe is let be.
"""

import errno
import io
import os
import signal
import tempfile
from collections.abc import AsyncIterable, Callable, Sequence
from contextlib import ExitStack, suppress

import trio
from attrs import define, field, frozen

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

Writer = Callable[[bytes], None]


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
        write: Writer,
        grace: float,
        started: Callable[[Child], None],
        write_error: Writer | None = None,
        stdin: AsyncIterable[bytes] | None = None,
    ) -> Exit:
        """Run a child to its end and return how it ended; raises SpawnError, KeeperLostError.

        `write` gets the output in the order in which it came, and `started` the child once it runs. What goes
        to stderr is part of the output, unless `write_error` gets it apart. Where `stdin` is given, the
        child reads what that yields while it works, and not what the command says.
        Cancelled, it ends all of it first: SIGTERM, `grace` seconds, SIGKILL; `child.exit` tells how.
        """
        writers = (write,) if write_error is None else (write, write_error)
        keeper, pipes = self._begin(command, writers, stdin)
        try:
            async with trio.open_nursery() as nursery:

                def begin(child: Child) -> None:
                    started(child)
                    pipes.open(nursery)

                child = Child(keeper, command.argv[0], begin)
                try:
                    while not child.is_over:
                        await child.attend()
                finally:
                    with trio.CancelScope(shield=True):  # bounded by grace, STUCK and the keepers
                        await self._conclude(child, keeper, grace)
                    pipes.drain()
        finally:
            pipes.close()
            self.keepers.give_back(keeper)
        if child.trouble is not None:
            raise child.trouble
        return child.exit or Exit(None, signal.SIGKILL)

    def _begin(
        self, command: Command, writers: Sequence[Writer], words: AsyncIterable[bytes] | None
    ) -> tuple[Keeper, "_Pipes"]:
        """Give a keeper the command; return it, and our ends of the child's pipes. Raises SpawnError."""
        with ExitStack() as stack:
            try:
                on_error = stack.enter_context(ExitStack())
                pipes = _Pipes()
                on_error.callback(pipes.close)
                outputs = [pipes.add_output(write, stack) for write in writers]
                stdin = _open_stdin(command, stack) if words is None else pipes.add_voice(words, stack)
                keeper = self.keepers.take()
                on_error.callback(self.keepers.give_back, keeper)
                request = {"argv": list(command.argv), "env": dict(command.env), "cwd": command.cwd}
                keeper.begin(request, (stdin, outputs[0], outputs[-1]))
            except OSError as error:
                raise explain_os_error(error, default=command.argv[0]) from error
            on_error.pop_all()
            return keeper, pipes

    async def _conclude(self, child: Child, keeper: Keeper, grace: float) -> None:
        """See to it that nothing of a child is left."""
        if not child.is_over:
            await child.end(grace)
        if not child.is_over:
            self.keepers.abandon(keeper)
            await child.is_over_within(STUCK)
        if not child.is_over or isinstance(child.trouble, KeeperLostError):
            child.trouble = KeeperLostError(self.keepers.read_last_words())


@define(eq=False)
class _Pipes:
    """Our ends of a child's pipes: where its output comes from, and by what it is told things."""

    _outputs: list["_Output"] = field(factory=list, init=False)
    _voice: "_Voice | None" = field(default=None, init=False)

    def add_output(self, write: Writer, stack: ExitStack) -> int:
        """Open a pipe for output and return the child's end, which `stack` closes."""
        ours, theirs = os.pipe()
        stack.callback(os.close, theirs)
        self._outputs.append(_Output(io.FileIO(ours), write))
        os.set_blocking(ours, False)
        return theirs

    def add_voice(self, words: AsyncIterable[bytes], stack: ExitStack) -> int:
        """Open a pipe for what is to be said and return the child's end, which `stack` closes."""
        theirs, ours = os.pipe()
        stack.callback(os.close, theirs)
        self._voice = _Voice(io.FileIO(ours, "w"), words)
        os.set_blocking(ours, False)
        return theirs

    def open(self, nursery: trio.Nursery) -> None:
        """Begin to hand on what comes, and what is to be said."""
        for output in self._outputs:
            nursery.start_soon(output.pump)
        if self._voice is not None:
            nursery.start_soon(self._voice.speak)

    def drain(self) -> None:
        """Hand on what is left of a child that is over, and say nothing more."""
        for output in self._outputs:
            output.scope.deadline = trio.current_time() + DRAIN
        if self._voice is not None:
            self._voice.scope.cancel()

    def close(self) -> None:
        for output in self._outputs:
            output.pipe.close()
        if self._voice is not None:
            self._voice.pipe.close()


@frozen(eq=False)
class _Output:
    """One stream of a child's output."""

    pipe: io.FileIO
    _write: Writer
    # Each has its own, for a shield is one task's.
    scope: trio.CancelScope = field(factory=lambda: trio.CancelScope(shield=True), init=False)

    async def pump(self) -> None:
        """Hand on what comes, until nobody holds the other end any more."""
        with self.scope:
            while (chunk := self.pipe.read(CHUNK)) != b"":
                if chunk is None:
                    await trio.lowlevel.wait_readable(self.pipe)
                    continue
                self._write(chunk)
                await trio.lowlevel.checkpoint()


@frozen(eq=False)
class _Voice:
    """What is said to a child while it works."""

    pipe: io.FileIO
    _words: AsyncIterable[bytes]
    scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)

    async def speak(self) -> None:
        """Say all that there is to say, as long as anybody listens; then close the child's stdin."""
        with self.scope, suppress(BrokenPipeError):
            async for words in self._words:
                await self._say(words)
        self.pipe.close()

    async def _say(self, words: bytes) -> None:
        rest = memoryview(words)
        while rest:
            written = self.pipe.write(rest)
            if written is None:  # the pipe is full
                await trio.lowlevel.wait_writable(self.pipe)
            rest = rest[written or 0 :]


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
