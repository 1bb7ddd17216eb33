"""Ends what a killed run left, when neither orchestrator nor keepers were there to do it. Linux only.

A process is ended only when it is known to be a run's: its id, start time, boot and pid namespace are all in
the ledger, or its environment names a run of this project and its place; or it descends from such a one. What
cannot be told for sure is let be.
"""

import os
import signal
import time
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from pathlib import Path

from attrs import define, field, frozen

from aad.ledger import read_ledger
from aad.processtable import (
    LOOK,
    STUCK,
    is_alive,
    list_ancestors,
    list_descendants,
    list_processes,
    read_name,
    read_stat,
    signal_process,
)

PROC = Path("/proc")
RUN, EVENTS = b"AAD_RUN_ID=", b"AAD_EVENTS="
# Two looks in a row that find nobody: one may miss who is born behind it.
QUIET_LOOKS = 2


@frozen
class Swept:
    """What a sweep found: the names of what it ended, and of what could not be ended."""

    ended: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def sweep(ledger: Path, folder: Path, runs: Collection[str], *, spare: Iterable[int] = ()) -> Swept:
    """End what the runs in a folder left. Spared are we, our ancestors, and `spare` with their families."""
    if not PROC.is_dir():
        return Swept()
    spared = frozenset({os.getpid(), *spare})
    return _Broom(str(ledger), folder, frozenset(run.encode() for run in runs), spared).sweep()


@define
class _Broom:
    """One sweep under way. `_seen` has the names of those it was after."""

    _ledger: str
    _folder: Path
    _runs: frozenset[bytes]
    _spared: frozenset[int]
    _ancestors: frozenset[int] = field(init=False)
    _seen: dict[int, str] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._ancestors = frozenset(list_ancestors(os.getpid()) or ())

    def sweep(self) -> Swept:
        limit = time.monotonic() + STUCK
        quiet = 0
        while quiet < QUIET_LOOKS and time.monotonic() < limit:
            victims = self._find_victims()
            quiet = 0 if victims else quiet + 1
            self._end(victims)
        left = self._find_victims() if quiet < QUIET_LOOKS else {}
        return Swept(
            ended=tuple(name for pid, name in self._seen.items() if pid not in left),
            left=tuple(name for pid, name in self._seen.items() if pid in left),
        )

    def _end(self, victims: dict[int, str]) -> None:
        for pid in victims:
            self._seen.setdefault(pid, read_name(pid))
        # Who is stopped can neither fork nor hop to another id while the others are killed.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid, start in victims.items():
                # Asked while the process is held: an id that became another's since the look is let be.
                signal_process(pid, [number], partial(is_alive, start=start))
        if victims:
            time.sleep(LOOK)

    def _find_victims(self) -> dict[int, str]:
        """Return the start times of all living processes that are to be ended, by their ids."""
        roots = [*self._find_noted(), *self._catch_marked()]
        victims = {}
        for pid in (*roots, *list_descendants(roots, spare=self._spared)):
            stat = read_stat(pid)
            if stat is not None and stat[0] not in "ZX":
                victims[pid] = stat[2]
        return victims

    def _find_noted(self) -> Iterator[int]:
        """Yield the processes that the ledger means."""
        for pid, start in read_ledger(self._ledger).items():
            if is_alive(pid, start) and not self._is_spared(pid):
                yield pid

    def _catch_marked(self) -> Iterator[int]:
        """Stop and yield the processes whose environment names one of the runs."""
        if not self._runs:
            return
        for pid in list_processes():
            if self._is_marked(pid) and not self._is_spared(pid):
                # At once: who hops from id to id would be another by the end of this look.
                signal_process(pid, [signal.SIGSTOP], self._is_marked)
                yield pid

    def _is_marked(self, pid: int) -> bool:
        """Tell whether a process was started for one of the runs, and in this folder: it may be a copy."""
        variables = _read_environment(pid)
        run = _find(RUN, variables)
        if run not in self._runs:
            return False
        folder = _find(EVENTS, variables).partition(b"/" + run + b"/")[0]
        try:
            return self._folder.samefile(os.fsdecode(folder))
        except OSError:
            return False

    def _is_spared(self, pid: int) -> bool:
        """Tell whether a process is ours, or of the family of one whom we spare, or may be."""
        ancestors = list_ancestors(pid)
        return pid in self._ancestors or ancestors is None or not self._spared.isdisjoint((pid, *ancestors))


def _read_environment(pid: int) -> bytes:
    """Return a process's environment as it was started with; nothing where that is not told to us."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - a thousand of these are opened
            return b"\0" + file.read()
    except OSError:
        return b""


def _find(name: bytes, variables: bytes) -> bytes:
    return variables.partition(b"\0" + name)[2].partition(b"\0")[0]
