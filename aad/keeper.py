"""Owns the processes of sessions, also when the orchestrator is killed. A program: `keeper.py FD LEDGER`.

The server forks a keeper for each slot. A keeper runs one child at a time and is the parent of all that the
child leaves behind, however it was daemonised: what stops being anybody's comes to its subreaper. Keeper
and orchestrator hold the two ends of a lifeline. When that ends, the keeper ends all that it holds.

Run by path and with little more than the standard library: it starts fast, and nothing of a project, its
environment or its folder reaches it.

```
orchestrator -> server  N and a lifeline: fork a keeper · D, pid: end that keeper · A, pid: it lives as well
orchestrator -> keeper  R, length, request, three descriptors: run · T terminate · S stop · C go on · K kill
keeper -> orchestrator  {"keeper": pid}, then for each run {"pid": …} or {"errno": …}, {"exit": …}
```

The server has a copy of each keeper's end of the lifeline. When a keeper dies the server ends what that one
held, says {"lost": pid} in its place, and hangs up. A lifeline that ends without a word: neither is there.
"""

import array
import ctypes
import errno
import gc
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

if __name__ == "__main__":  # run by path: the package is looked for behind the standard library
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from aad.ledger import Ledger
from aad.processtable import (
    LINUX,
    LOOK,
    STUCK,
    Signals,
    freeze,
    has_children,
    is_alive,
    kill_all,
    list_descendants,
    read_name,
    read_stat,
    reap_children,
    signal_all,
)

# Seconds: how long leftovers get to end by themselves, and again after SIGTERM.
LINGER = 0.2
# Seconds between two writings of the ledger.
TICK = 1.0
CHUNK = 65536
# Of a request: stdin, stdout, stderr.
DESCRIPTORS = 3
# How many leftovers are named, and how much of a program's name is repeated.
MOST_NAMED = 20
LONGEST_NAME = 1000

# Elsewhere nothing tells that the last of a group has gone: it is looked after.
PATIENCE = None if LINUX else 0.01
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36

# A stopped process gets its SIGTERM only when it goes on.
TERMINATE = (signal.SIGTERM, signal.SIGCONT)
ORDERS: dict[bytes, Signals] = {b"T": TERMINATE, b"S": (signal.SIGSTOP,), b"C": (signal.SIGCONT,)}
# By a handler that does nothing: an ignored signal, unlike a handled one, comes down to the child.
DEAF_TO = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGTSTP,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
# Python ignores these, and `Popen` restores them.
RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)


class Gone(Exception):  # noqa: N818 - it is no error
    """The other end of a socket is gone."""


def become_keeper() -> None:
    """Be the one to whom orphans come, deaf to what is meant for others, and missed by `pkill python`."""
    for number in signal.valid_signals():
        # An ignored signal comes down to the child; PIPE and XFSZ are Python's, and `Popen` restores them.
        if signal.getsignal(number) is signal.SIG_IGN and number not in RESTORED:
            signal.signal(number, signal.SIG_DFL)
    for number in DEAF_TO:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if LINUX:
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        prctl(PR_SET_NAME, b"aad-keeper", 0, 0, 0)


class Ear:
    """Waits for the end of children and for what comes over a socket, whichever is first."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.data = bytearray()
        self.descriptors: list[int] = []
        # Each process needs a wake-up of its own, or one takes the other's.
        self._wake, self._alarm = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._alarm, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        self._poll = select.poll()
        self._poll.register(self.sock, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    def wait(self, limit: float | None = None) -> None:
        """Wait at most so many seconds; raises Gone at the end of the socket."""
        for descriptor, _ in self._poll.poll(None if limit is None else max(limit, 0) * 1000):
            if descriptor == self._wake:
                self._drain()
            else:
                self._receive()

    def take(self, size: int) -> bytes:
        """Wait for so many bytes and return them."""
        while len(self.data) < size:
            self.wait()
        taken = bytes(self.data[:size])
        del self.data[:size]
        return taken

    def close(self) -> None:
        """Close all that a fork must not keep."""
        signal.set_wakeup_fd(-1)
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.sock.close()
        os.close(self._wake)
        os.close(self._alarm)

    def _drain(self) -> None:
        try:
            while len(os.read(self._wake, CHUNK)) == CHUNK:
                pass
        except BlockingIOError:
            pass

    def _receive(self) -> None:
        # `socket.recv_fds` lets what it receives be inherited, and a lifeline that leaks never ends.
        room = socket.CMSG_SPACE(DESCRIPTORS * array.array("i").itemsize)
        try:
            data, extras, _, _ = self.sock.recvmsg(CHUNK, room, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
        except OSError as error:
            raise Gone from error
        for _, _, payload in extras:
            self.descriptors += array.array("i", payload)
        if not data:
            raise Gone
        self.data += data


def tell(sock: socket.socket, **members: object) -> None:
    """Say something in one line; raises Gone where nobody hears it."""
    try:
        sock.sendall(json.dumps(members).encode() + b"\n")
    except OSError as error:
        raise Gone from error


class Keeper:
    """Runs one child after the other, each to its end and to the end of all its descendants."""

    def __init__(self, lifeline: socket.socket) -> None:
        os.setsid()
        become_keeper()
        self.ear = Ear(lifeline)
        # Of the child that runs: its leader, how that ended, whether we were told to end it, what cannot be.
        self.leader = 0
        self.status: int | None = None
        self.asked = False
        self.stuck = 0

    def serve(self) -> None:
        """Carry out requests while somebody is there to make them, then end what is left."""
        try:
            self._tell(keeper=os.getpid())
            while not self.stuck:
                # Any other letter is an order that came too late for a child that ended by itself.
                if self.ear.take(1) == b"R":
                    self._run()
        except Gone:
            self._kill()

    def _run(self) -> None:
        (size,) = struct.unpack("!I", self.ear.take(4))
        request = json.loads(self.ear.take(size))
        descriptors, self.ear.descriptors = self.ear.descriptors, []
        try:
            popen = launch(request["argv"], request["env"], request["cwd"], descriptors)
        except OSError as error:
            self._tell(errno=error.errno, name=error.filename and error.filename[:LONGEST_NAME])
            return
        except ValueError as error:  # an argument or a variable with a NUL in it
            self._tell(errno=0, name=str(error))
            return
        self.leader, self.status, self.asked = popen.pid, None, False
        self._tell(pid=popen.pid)
        leaked = self._keep()
        popen.returncode = self.status
        self.leader = 0
        self._tell(exit=self.status, leaked=leaked, stuck=self.stuck)

    def _tell(self, **members: object) -> None:
        tell(self.ear.sock, **members)

    def _keep(self) -> list[str]:
        """Stay with the child until nothing of it is left; return what was left running at its own end."""
        leaked = []
        self._stay(lambda: self.status is not None)
        # Those whom we told to end have their grace; others had time enough, but for the last few moments.
        if not self._stay(self._is_empty, None if self.asked else LINGER):
            leaked = [read_name(pid) for pid in self._list_left()[:MOST_NAMED]] if not self.asked else []
            self._signal(TERMINATE)
            if not self._stay(self._is_empty, LINGER):
                self._kill()
        return leaked

    def _stay(self, is_over: Callable[[], bool], limit: float | None = None) -> bool:
        """Obey orders until something is over, at most so many seconds; tell whether it is."""
        end = None if limit is None else time.monotonic() + limit
        while True:
            self._reap()
            if self.stuck or is_over():
                return True
            rest = None if end is None else end - time.monotonic()
            if rest is not None and rest <= 0:
                return False
            if self.ear.data:
                self._obey(self.ear.take(1))
            else:
                self.ear.wait(PATIENCE if PATIENCE is not None else rest)

    def _obey(self, order: bytes) -> None:
        self.asked = self.asked or order in b"TK"
        if order == b"K":
            self._kill()
        elif order in ORDERS:
            self._signal(ORDERS[order])

    def _reap(self) -> None:
        for pid, status in reap_children():
            if pid == self.leader:
                self.status = os.waitstatus_to_exitcode(status)

    def _list_left(self) -> list[int]:
        return list_descendants([os.getpid()])

    def _is_empty(self) -> bool:
        return not has_children() and not self._signal_group(0)

    def _signal(self, numbers: Signals) -> None:
        """Stop all there is, then signal it: nobody slips through, and who is born of it later is let be."""
        left = freeze(self._list_left)
        signal_all(left, numbers, family=left)
        for number in numbers:
            self._signal_group(number)

    def _kill(self) -> None:
        """End all there is, at once."""
        self._signal_group(signal.SIGKILL)
        self.stuck = len(kill_all(self._list_left, self._reap))

    def _signal_group(self, number: int) -> bool:
        """Signal the child's group and tell whether it has members; on Linux all orphans come to us."""
        if LINUX or not self.leader:
            return False
        try:
            os.killpg(self.leader, number)
        except OSError:
            return False
        return True


def launch(
    argv: list[str], env: dict[str, str], cwd: str, descriptors: list[int]
) -> "subprocess.Popen[bytes]":
    """Start a child with three descriptors, and close ours. Raises OSError, or ValueError for a NUL."""
    try:
        if len(descriptors) < DESCRIPTORS:  # the kernel drops those for which there is no room
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        stdin, stdout, stderr = descriptors
        return subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


class Server:
    """Forks keepers, ends what a keeper leaves that was killed itself, and writes the ledger."""

    def __init__(self, control: socket.socket, ledger: str) -> None:
        become_keeper()
        self.ear = Ear(control)
        self.ledger = Ledger(ledger)
        # Each with our copy of its lifeline; those that have ended with their statuses.
        self.keepers: dict[int, socket.socket] = {}
        self.ended: list[tuple[int, socket.socket, int]] = []
        # The keepers of a server before us, with their start times.
        self.noted: dict[int, str] = {}
        self._next_tick = 0.0

    def serve(self) -> None:
        """Obey until nobody gives orders any more, and outlast the keepers."""
        try:
            while True:
                self.ear.wait(TICK if self.keepers or self.noted else None)
                self._look_after()
                while self.ear.data:
                    self._obey(self.ear.take(1))
                self._tick()
        except Gone:
            self._outlast()

    def _obey(self, order: bytes) -> None:
        if order == b"N":
            self._fork()
            return
        (pid,) = struct.unpack("!I", self.ear.take(4))
        stat = read_stat(pid)
        if order == b"A" and stat is not None:
            self.noted[pid] = stat[2]
        elif order == b"D" and (pid in self.keepers or is_alive(pid, self.noted.get(pid, ""))):
            os.kill(pid, signal.SIGKILL)

    def _fork(self) -> None:
        if not self.ear.descriptors:  # there was no room for it, and its other end knows that it is closed
            return
        lifeline = socket.socket(fileno=self.ear.descriptors.pop(0))
        try:
            pid = os.fork()
        except OSError as error:
            hang_up(lifeline, errno=error.errno, name=None)
            return
        if pid == 0:
            be_keeper(lifeline, [self.ear, *self.keepers.values()])
        self.keepers[pid] = lifeline

    def _look_after(self) -> None:
        """End what a keeper left that did not see to it itself, and tell whoever waits for that."""
        self._reap()
        if any(status for _, _, status in self.ended):
            kill_all(self._list_orphans, self._reap)
        while self.ended:
            pid, lifeline, _ = self.ended.pop()
            hang_up(lifeline, lost=pid)

    def _reap(self) -> None:
        """Take note of whose life has ended; have a keeper go on that somebody stopped."""
        for pid, status in reap_children(os.WUNTRACED):
            if pid in self.keepers and os.WIFSTOPPED(status):
                os.kill(pid, signal.SIGCONT)
            elif pid in self.keepers:
                self.ended.append((pid, self.keepers.pop(pid), status))

    def _list_orphans(self) -> list[int]:
        """Return what came to us: our children that are no keepers, and their descendants."""
        return list_descendants([os.getpid()], spare=self.keepers)

    def _tick(self) -> None:
        now = time.monotonic()
        if now < self._next_tick:
            return
        self._next_tick = now + TICK
        self.noted = {pid: start for pid, start in self.noted.items() if is_alive(pid, start)}
        # Not ourselves: who is here to write is here to end the others.
        self.ledger.note([*self.noted, *list_descendants([os.getpid(), *self.noted])])

    def _outlast(self) -> None:
        """Wait for the keepers, which end all they hold; end what is left of those that do not."""
        limit = time.monotonic() + 2 * STUCK
        while self.keepers and time.monotonic() < limit:
            self._look_after()
            time.sleep(LOOK)
        self.keepers.clear()
        kill_all(self._list_orphans, self._reap)
        if self.ledger.is_ours:
            self.ledger.note(self._list_orphans())


def hang_up(lifeline: socket.socket, **members: object) -> None:
    """Say a last word, which nobody may be there to hear."""
    with lifeline:
        try:
            tell(lifeline, **members)
        except Gone:
            return


def be_keeper(lifeline: socket.socket, others: Iterable[Ear | socket.socket]) -> None:
    """Turn a fork of the server into a keeper, without what is the business of others."""
    status = 1
    try:
        for other in others:
            other.close()
        Keeper(lifeline).serve()
        status = 0
    finally:
        if status:
            sys.excepthook(*sys.exc_info())
        # Without unwinding what the server had begun.
        os._exit(status)


def main(control: str, ledger: str) -> None:
    """Serve the orchestrator that holds the other end of a socket."""
    gc.freeze()  # what all keepers share is never copied for the collector's sake
    Server(socket.socket(fileno=int(control)), ledger).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
