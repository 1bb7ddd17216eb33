"""The ledger: which processes a run has, on the disk, in case nobody is left to end them.

Its entries mean something in the same boot and the same pid namespace only, and in the folder in which it was
written: in a copy of the project they are somebody else's. With the standard library alone, for the keeper
writes it.
"""

import json
import os
from collections.abc import Iterable

from aad.processtable import is_alive, read_stat

VERSION = 1

# Boot, pid namespace and folder.
Identity = tuple[str, str, str]


class Ledger:
    """The file that names all processes, for the next start if nobody is left to end them."""

    def __init__(self, path: str) -> None:
        self.path = path
        # What a server before us wrote in this run.
        self.processes = read_ledger(path)
        self._written: dict[int, str] | None = None
        self._stamp = read_stamp(path)

    @property
    def is_ours(self) -> bool:
        """Whether nobody else has written it: the next run may begin while the last server is still busy."""
        return read_stamp(self.path) in (None, self._stamp)

    def note(self, pids: Iterable[int]) -> None:
        """Write down who lives. Whoever was seen alive is named until it is seen dead."""
        living = {pid: stat[2] for pid in pids if (stat := read_stat(pid)) is not None}
        before = {pid: start for pid, start in self.processes.items() if pid not in living}
        self.processes = living | {pid: start for pid, start in before.items() if is_alive(pid, start)}
        # A child may have removed the file, with all else that git ignores.
        if self.processes != self._written or not os.path.exists(self.path):
            self._write()

    def _write(self) -> None:
        try:
            if self.processes:
                self._write_whole(*read_identity(self.path))
            elif os.path.exists(self.path):
                os.unlink(self.path)
        except OSError:  # a full disk, a folder that was removed: the next look tries again
            return
        self._written = dict(self.processes)

    def _write_whole(self, boot: str, namespace: str, folder: str) -> None:
        told = {
            "version": VERSION,
            "boot_id": boot,
            "pid_namespace": namespace,
            "folder": folder,
            "processes": self.processes,
        }
        draft = f"{self.path}.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            json.dump(told, file)
        os.replace(draft, self.path)
        self._stamp = read_stamp(self.path)


def read_ledger(path: str) -> dict[int, str]:
    """Return the start times of the processes in a ledger; none if it is broken, or not of here and now."""
    try:
        with open(path, encoding="ascii") as file:
            told = json.load(file)
        meant = (told["version"], told["boot_id"], told["pid_namespace"], told["folder"])
        if meant != (VERSION, *read_identity(path)):
            return {}
        return {int(pid): start for pid, start in told["processes"].items() if isinstance(start, str)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def read_stamp(path: str) -> tuple[int, int] | None:
    """Return what tells one version of a file from another; None where there is none."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def read_identity(path: str) -> Identity:
    """Return what gives the process ids in a ledger their meaning; raises OSError where that is unknown."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    folder = os.stat(os.path.dirname(path))
    return boot, os.readlink("/proc/self/ns/pid"), f"{folder.st_dev}:{folder.st_ino}"
