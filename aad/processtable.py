"""Processes and all that descends from them: looked at, signalled, ended. Knows nothing of what they do.

With the standard library alone, for the keeper uses it too. Where there is no `/proc`, `ps` says who is
whose child.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

LINUX = sys.platform == "linux"
# Seconds for which SIGKILL is waited for; what is left then hangs in the kernel.
STUCK = 5.0
# Seconds between two looks at who is left.
LOOK = 0.001
# How often is looked for those that were born while others were stopped; some breed without end.
MOST_LOOKS = 50
# How often those are looked for that were born while others were looked at.
MOST_CHASES = 1000

# The first process, which may be hidden from us.
INIT = 1

Signals = Sequence[signal.Signals]
Finder = Callable[[int], Iterable[int]]


def read_stat(pid: int) -> tuple[str, int, str] | None:
    """Return a process's state, parent and start time (proc(5)); None where it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            told = file.read()
    except OSError:
        return None
    # The name in brackets may hold anything, so what follows its last bracket is read.
    fields = told[told.rindex(b")") + 2 :].split()
    return fields[0].decode(), int(fields[1]), fields[19].decode()


def is_alive(pid: int, start: str) -> bool:
    """Tell whether an id still means the process that began then, and it is more than a zombie."""
    stat = read_stat(pid)
    return stat is not None and stat[2] == start and stat[0] not in "ZX"


def read_name(pid: int) -> str:
    """Return what a process is called, and its id."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return f"{file.read().strip()} ({pid})"
    except OSError:
        return f"({pid})"


def list_ancestors(pid: int) -> list[int] | None:
    """Return a process's parent, that one's parent and so on; None where it cannot be told."""
    for _ in range(MOST_LOOKS):
        found = [pid]
        # When an ancestor ends on the way, its children get another parent, and the way is another.
        while (stat := read_stat(found[-1])) is not None and stat[1] > 0:
            found.append(stat[1])
        if stat is not None or found[-1] == INIT:
            return found[1:]
    return None


def list_processes() -> Iterator[int]:
    """Yield all processes, then those that were born meanwhile: who hops from id to id is among them."""
    newest = _read_newest()
    yield from [int(name) for name in os.listdir("/proc") if name.isdigit()]
    for _ in range(MOST_CHASES):
        last, newest = newest, _read_newest()
        if newest == last:
            return
        yield from range(last + 1, newest + 1)


def _read_newest() -> int:
    """Return the id that was given last, 0 where that is not told. Ids grow until they begin anew."""
    try:
        with open("/proc/loadavg", "rb") as file:
            return int(file.read().split()[4])
    except (OSError, ValueError, LookupError):
        return 0


def list_descendants(
    roots: Iterable[int], *, spare: Collection[int] = (), find: Finder | None = None
) -> list[int]:
    """Return all that descend from some processes, without these and without the families of `spare`."""
    find = find or choose_finder()
    found: dict[int, None] = {}
    stack = list(roots)
    while stack:
        for pid in find(stack.pop()):
            if pid not in found and pid not in spare:
                found[pid] = None
                stack.append(pid)
    return list(found)


def choose_finder() -> Finder:
    """Return what finds a process's children, by the quickest means that there are."""
    if lists_children():
        return list_children
    return find_by_parents(read_parents() if os.path.exists("/proc/self/stat") else ask_parents())


def lists_children() -> bool:
    """Tell whether the kernel lists the children of a process, which it was built to do or not."""
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def list_children(pid: int) -> Iterator[int]:
    """Yield a process's children; any of its threads may have borne them."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:  # gone between two looks
        return
    for thread in threads:
        yield from _list_borne(pid, thread)


def _list_borne(pid: int, thread: str) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def find_by_parents(parents: Iterable[tuple[int, int]]) -> Finder:
    """Return what finds children where all that is known is who is whose parent."""
    families: dict[int, list[int]] = {}
    for pid, parent in parents:
        families.setdefault(parent, []).append(pid)
    return lambda pid: families.get(pid, ())


def read_parents() -> Iterator[tuple[int, int]]:
    """Yield each process with its parent, as `/proc` tells."""
    for pid in list_processes():
        stat = read_stat(pid)
        if stat is not None:
            yield pid, stat[1]


def ask_parents() -> Iterator[tuple[int, int]]:
    """Yield each process with its parent, as `ps` tells; `ps` itself is over by then."""
    command = ["ps", "-axo", "pid=,ppid="]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as ps:
        lines = ps.communicate()[0].splitlines()
    for line in lines:
        pid, parent = map(int, line.split())
        if pid != ps.pid:
            yield pid, parent


def signal_process(pid: int, numbers: Signals, is_meant: Callable[[int], bool]) -> None:
    """Signal a process, if it is the one that is meant; while it is held its id is nobody else's."""
    try:
        handle = _hold(pid)
        try:
            if is_meant(pid):
                for number in numbers:
                    _send(pid, handle, number)
        finally:
            if handle is not None:
                os.close(handle)
    except OSError:  # gone, or not ours to signal
        return


def _hold(pid: int) -> int | None:
    """Return a handle that means this process as long as it is open; None where there is none to be had."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except (AttributeError, OSError):  # not Linux, an old kernel or Python, a sandbox, no descriptor left
        return None


def has_handles() -> bool:
    """Tell whether processes can be held, so that an id which is used again misleads nobody."""
    handle = _hold(os.getpid())
    if handle is None:
        return False
    os.close(handle)
    return True


def _send(pid: int, handle: int | None, number: signal.Signals) -> None:
    if handle is None:
        os.kill(pid, number)
    else:
        signal.pidfd_send_signal(handle, number)


def signal_all(pids: Iterable[int], numbers: Signals, *, family: Collection[int]) -> None:
    """Signal descendants. One whose parent is none of the family any more is a stranger that got its id."""

    def is_meant(pid: int) -> bool:
        stat = read_stat(pid)
        return not LINUX or (stat is not None and (stat[1] == os.getpid() or stat[1] in family))

    for pid in pids:
        signal_process(pid, numbers, is_meant)


def freeze(list_left: Callable[[], list[int]]) -> list[int]:
    """Stop a tree, also those that are born meanwhile, and return all of it: nobody is born any more."""
    told: set[int] = set()
    left: list[int] = []
    still = False
    for _ in range(MOST_LOOKS):
        left = list_left()
        new = [pid for pid in left if pid not in told]
        signal_all(new, [signal.SIGSTOP], family=frozenset(left))
        # A look misses the children of one who ends meanwhile, so nobody may have moved since before it.
        if (still and not new) or not LINUX:
            break
        told.update(new)
        still = all(map(stands_still, told))
        if not still:
            time.sleep(LOOK)
    return left


def stands_still(pid: int) -> bool:
    """Tell whether a process can do nothing any more unless somebody lets it: it is stopped, or over."""
    stat = read_stat(pid)
    return stat is None or stat[0] in "TtZX"


def kill_all(list_left: Callable[[], list[int]], reap: Callable[[], None]) -> list[int]:
    """End processes until none is left, however fast they breed; return those that cannot be ended."""
    limit = time.monotonic() + STUCK
    while (left := list_left()) and time.monotonic() < limit:
        # Who is stopped can neither fork nor hop to another id while the others are killed.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            signal_all(left, [number], family=frozenset(left))
        time.sleep(LOOK)
        reap()
    return left


def reap_children(options: int = 0) -> Iterator[tuple[int, int]]:
    """Yield the ids and statuses of the children that have ended; WUNTRACED: of those that stopped, too."""
    try:
        while (ended := os.waitpid(-1, os.WNOHANG | options))[0]:
            yield ended
    except ChildProcessError:
        return


def has_children() -> bool:
    """Tell whether there are any; of a subreaper that has none nothing is left at all."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
