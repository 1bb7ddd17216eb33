"""The keepers of a run, as the orchestrator holds them: one for each child at a time, all of one server.

See `keeper.py` for the program at the other end of these sockets and for what is said over them. Knows
nothing of output, and of commands only how to send them.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import trio
from attrs import define, field

PROGRAM = Path(__file__).with_name("keeper.py")
CHUNK = 65536
# Seconds for which the end of the server is waited for; it takes milliseconds.
END_LIMIT = 1.0
# All that the server sees of our environment: where some Pythons find their own libraries.
LOADING = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

TERMINATE = b"T"
STOP = b"S"
GO_ON = b"C"
KILL = b"K"

Report = dict[str, Any]


class KeeperLostError(Exception):
    """A keeper was killed, and with it the child that it held. The message is what it said last."""


@define(eq=False)
class Keeper:
    """A keeper at the other end of a lifeline. `pid` is None until it has said something."""

    _lifeline: socket.socket
    pid: int | None = field(default=None, init=False)
    # Whether it may take a request: it is through with the last one. One that found no room to start anything
    # is let go instead, for it takes room itself.
    free: bool = field(default=True, init=False)
    # Whether it is gone, and the server, too, so that nobody ended what it held.
    forsaken: bool = field(default=False, init=False)
    _pending: bytearray = field(factory=bytearray, init=False)
    _unsent: bytes = field(default=b"", init=False)

    @property
    def is_there(self) -> bool:
        """Whether it lives. To be asked while nothing runs: a keeper then has nothing to say."""
        try:
            self._lifeline.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def begin(self, request: Report, descriptors: Iterable[int]) -> None:
        """Send a request and stdin, stdout, stderr; raises OSError.

        Synchronous, so that no half-made child is ever left.
        """
        body = json.dumps(request).encode()
        message = b"R" + struct.pack("!I", len(body)) + body
        self.free = False
        sent = socket.send_fds(self._lifeline, [message], list(descriptors))
        self._unsent = message[sent:]

    async def report(self) -> Report:
        """Wait for what it says next; raises KeeperLostError when it is gone, and all that it held."""
        while self._unsent:
            await self._send_rest()
        while (told := await self._receive()) is not None:
            if "lost" in told:
                raise KeeperLostError
            if "keeper" not in told:
                self.free = "exit" in told and not told["stuck"]
                return told
            self.pid = told["keeper"]
        self.forsaken = self._lifeline.fileno() >= 0  # else it was we who hung up
        raise KeeperLostError

    def order(self, letter: bytes) -> None:
        """Give an order, which a keeper without a child drops. Never waits: nothing else is on its way."""
        is_end = letter in (TERMINATE, KILL)
        try:
            if not self._unsent:
                self._lifeline.send(letter)
            elif is_end:
                # Amid a request there is no place for orders: it is cut off, so that nothing is started.
                self._unsent = b""
                self._lifeline.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            # The end of a large request is yet to be read; for a pause it is too early then.
            if is_end:
                self._unsent = letter
        except OSError:  # gone: then nothing of the child is left
            return

    def close(self) -> None:
        """Let go of the lifeline: the keeper ends all that it holds, and itself."""
        with suppress(RuntimeError):  # there is no event loop any more, and so nobody who waits
            trio.lowlevel.notify_closing(self._lifeline)
        self._lifeline.close()

    async def _receive(self) -> Report | None:
        """Wait for the next line; None at the end."""
        while (end := self._pending.find(b"\n")) < 0:
            try:
                chunk = self._lifeline.recv(CHUNK)
            except BlockingIOError:
                await self._wait_readable()
                continue
            except OSError:  # reset: it was killed while we had something to say; or closed
                return None
            if not chunk:
                return None
            self._pending += chunk
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        report: Report = json.loads(line)
        return report

    async def _wait_readable(self) -> None:
        with suppress(trio.ClosedResourceError):  # the next look finds it closed
            await trio.lowlevel.wait_readable(self._lifeline)

    async def _send_rest(self) -> None:
        """Send what the socket had no room for at once: an environment may be large."""
        try:
            sent = self._lifeline.send(self._unsent)
        except BlockingIOError:
            with suppress(trio.ClosedResourceError):
                await trio.lowlevel.wait_writable(self._lifeline)
        except OSError:
            self._unsent = b""
        else:
            self._unsent = self._unsent[sent:]


@define(eq=False)
class KeeperServer:
    """The process that forks keepers, and ends what they leave when they are killed."""

    _popen: "subprocess.Popen[bytes]"
    _control: socket.socket
    _errors: IO[bytes]
    # How much of the errors is known.
    _heard: int = field(default=0, init=False)

    @classmethod
    def start(cls, ledger: Path) -> "KeeperServer":
        """Start it; what is asked of it before it is ready waits in its socket. Raises OSError."""
        with ExitStack() as stack:
            control, its_control = socket.socketpair()
            on_error = stack.enter_context(ExitStack())
            on_error.enter_context(control)
            stack.enter_context(its_control)
            control.setblocking(False)  # noqa: FBT003 - its only argument
            errors = on_error.enter_context(tempfile.TemporaryFile())
            popen = subprocess.Popen(  # noqa: S603 - a program of our own
                [sys.executable, "-I", "-S", str(PROGRAM), str(its_control.fileno()), str(ledger.absolute())],
                # A kept stderr holds a CI step open, an environment shows secrets, a folder pins its mount.
                env={name: os.environ[name] for name in LOADING if name in os.environ},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                pass_fds=[its_control.fileno()],
                start_new_session=True,
            )
            on_error.pop_all()
        return cls(popen, control, errors)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def wake(self) -> bool:
        """Let it go on if somebody stopped it; tell whether it lives."""
        self._popen.send_signal(signal.SIGCONT)
        return self._popen.returncode is None

    def fork(self) -> Keeper:
        """Ask for one more keeper; raises OSError."""
        with ExitStack() as stack:
            lifeline, its_lifeline = socket.socketpair()
            on_error = stack.enter_context(ExitStack())
            on_error.enter_context(lifeline)
            stack.enter_context(its_lifeline)
            lifeline.setblocking(False)  # noqa: FBT003 - its only argument
            socket.send_fds(self._control, [b"N"], [its_lifeline.fileno()])
            on_error.pop_all()
        return Keeper(lifeline)

    def note(self, pid: int) -> None:
        """Have a keeper in the ledger that another server forked."""
        self._say(b"A", pid)

    def end(self, pid: int) -> None:
        """Have a keeper ended that does not answer, and all that it holds."""
        self.wake()
        self._say(b"D", pid)

    def close(self) -> None:
        """Let it end, which it does when all lifelines are closed."""
        self.wake()
        self._control.close()
        with suppress(subprocess.TimeoutExpired):  # something hangs in the kernel: it is in the ledger
            self._popen.wait(END_LIMIT)
        self._errors.close()

    def read_last_words(self) -> str:
        """Return the last line of a traceback that was not read before; a dead server's as often as asked."""
        size = os.fstat(self._errors.fileno()).st_size
        # The offset is shared with those who write.
        written = os.pread(self._errors.fileno(), size - self._heard, self._heard)
        if self.wake():
            self._heard = size
        return written.decode(errors="replace").rstrip().rpartition("\n")[2]

    def _say(self, order: bytes, pid: int) -> None:
        with suppress(OSError):  # gone: another server is started when one is needed
            self._control.send(order + struct.pack("!I", pid))


@define(eq=False)
class Keepers:
    """All keepers of one run.

    `sweep` ends what a keeper left that was lost together with its server; it spares the keepers it is given.
    """

    ledger: Path
    sweep: Callable[[frozenset[int]], object] = lambda _: None
    _server: KeeperServer | None = field(default=None, init=False)
    _idle: list[Keeper] = field(factory=list, init=False)
    _busy: set[Keeper] = field(factory=set, init=False)

    def start(self) -> None:
        """Start the server, unless it runs; raises OSError."""
        self._start()

    def take(self) -> Keeper:
        """Return a keeper that has nothing to do; raises OSError where there can be none."""
        # Also where a keeper is at hand: without a server nobody writes the ledger.
        server = self._start()
        while self._idle:
            keeper = self._idle.pop()
            if keeper.is_there:
                break
            keeper.close()
        else:
            keeper = server.fork()
        self._busy.add(keeper)
        return keeper

    def give_back(self, keeper: Keeper) -> None:
        """Take back a keeper: it serves again if it is through with all that it held."""
        self._busy.discard(keeper)
        if keeper.free:
            self._idle.append(keeper)
            return
        keeper.close()
        if keeper.forsaken:
            self.sweep(self._list_living())

    def abandon(self, keeper: Keeper) -> None:
        """Have a keeper ended that does not answer, and all that it holds."""
        if self._server is not None and keeper.pid is not None:
            self._server.end(keeper.pid)

    def read_last_words(self) -> str:
        """Return why a keeper was lost, as far as it could say so itself."""
        return "" if self._server is None else self._server.read_last_words()

    def order_all(self, letter: bytes) -> None:
        """Give every running child an order."""
        for keeper in self._busy:
            keeper.order(letter)

    def close(self) -> None:
        """End all keepers, and with them all children."""
        for keeper in (*self._idle, *self._busy):
            keeper.close()
        self._idle.clear()
        if self._server is not None:
            self._server.close()
            self._server = None

    def _start(self) -> KeeperServer:
        server = self._server
        if server is not None and server.wake():
            return server
        if server is not None:
            self._server = None
            server.close()
        self._server = server = KeeperServer.start(self.ledger)
        for keeper in (*self._busy, *self._idle):
            if keeper.pid is not None:
                server.note(keeper.pid)
        return server

    def _list_living(self) -> frozenset[int]:
        """Return the pids of those that see to their own children."""
        keepers = (keeper.pid for keeper in (*self._busy, *self._idle))
        return frozenset(pid for pid in keepers if pid is not None)
