"""The journal of a run: one line an event, only ever appended to. Knows nothing of what events mean.

One writer holds a journal open, and each record is one write. A record that was cut short by a crash is a
torn tail: `Journal.resume` sets it aside and goes on after the last sound line, readers stop there and mend
nothing. A sound line behind a damaged one means that the disk is at fault: that is refused.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from attrs import define, evolve, field

from aad import codec
from aad.codec import Members
from aad.errors import InputError, JournalError, Problem
from aad.events import Event
from aad.files import sync_folder
from aad.project import NEWEST, make_folder
from aad.state import RunState

_APPEND = os.O_WRONLY | os.O_APPEND
# How each line begins; inside of a line it cannot stand, for there a quote is escaped.
_HEAD = b'{"v":'


@define(eq=False)
class Journal:
    """A journal that is open for writing; the project's lock sees to it that there is one writer.

    `_size` and `_seq` are those of the last record that was written whole. `_torn` tells that there may be
    more in the file than `_size`.
    """

    path: Path
    _descriptor: int
    _size: int = 0
    _seq: int = 0
    _torn: bool = field(default=False, init=False)

    @classmethod
    def create(cls, path: Path) -> "Journal":
        """Begin the journal of a new run; raises JournalError, also where there is one already."""
        try:
            make_folder(path.parent)
            descriptor = os.open(path, _APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            sync_folder(path.parent)
        except OSError as error:
            raise _refusal("journal_unwritable", path, error) from error
        return cls(path, descriptor)

    @classmethod
    def resume(cls, path: Path) -> tuple["Journal", list[Event]]:
        """Open the journal of a run that goes on, and return its events; a torn tail is set aside first."""
        data = _read(path)
        records = list(_read_sound(data, path))
        _, size, seq = records[-1] if records else (None, 0, 0)
        try:
            _set_aside(path, data, size)
            descriptor = os.open(path, _APPEND)
        except OSError as error:
            raise _refusal("journal_unwritable", path, error) from error
        return cls(path, descriptor, size, seq), [event for event, _, _ in records if event is not None]

    def append(self, event: Event) -> Event:
        """Write an event and return it with its number; after a JournalError the file is as before."""
        stamped = evolve(event, seq=self._seq + 1)
        line = codec.encode(stamped)
        try:
            self._write(line)
        except OSError as error:
            with suppress(OSError):  # tried again before the next record
                self._cut()
            raise _refusal("journal_unwritable", self.path, error) from error
        self._size += len(line)
        self._seq = stamped.seq
        return stamped

    def close(self) -> None:
        """Close the file; harmless when it is closed already."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, line: bytes) -> None:
        if self._torn:
            self._cut()
        self._torn = True
        while line:
            # A full disk takes a part first; the cause comes with the next try.
            line = line[os.write(self._descriptor, line) :]
        self._torn = False

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self._size)
        self._torn = False


def read_journal(path: Path) -> Iterator[Event]:
    """Yield the events of a journal that may be being written; raises JournalError."""
    for event, _, _ in _read_sound(_read(path), path):
        if event is not None:
            yield event


def replay(path: Path) -> RunState:
    """Return what a journal tells about its run; raises JournalError."""
    state = RunState()
    for event in read_journal(path):
        state.apply(event)
    return state


def list_runs(runs: Path) -> list[str]:
    """Return the ids of the runs that left a folder, newest first."""
    try:
        with os.scandir(runs) as entries:
            found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(Problem("journal_unreadable", {"cause": error.strerror}, path=str(runs))) from error
    return sorted(found, reverse=True)


def find_run(runs: Path, prefix: str | None = None) -> str:
    """Return the id that a prefix stands for, the newest run's for none and `latest`; raises InputError."""
    known = list_runs(runs)
    if not known:
        raise InputError(Problem("journal_no_runs"))
    if prefix is None or prefix == NEWEST:
        return known[0]
    found = [run for run in known if run.startswith(prefix)]
    if prefix in found:
        return prefix
    if not found:
        raise InputError(Problem("journal_run_unknown", {"run": prefix, "runs": _name_some(known)}))
    if len(found) > 1:
        raise InputError(Problem("journal_run_ambiguous", {"run": prefix, "runs": _name_some(found)}))
    return found[0]


def point_latest(runs: Path, run_id: str) -> None:
    """Let `runs/latest` name a run; there is always either the old link or the new one."""
    draft = runs / f".latest.{run_id}"
    # For people only: a file system without links must not keep a run from its work.
    with suppress(OSError):
        draft.unlink(missing_ok=True)
        draft.symlink_to(run_id)
        draft.replace(runs / NEWEST)


def _read_sound(data: bytes, path: Path) -> Iterator[tuple[Event | None, int, int]]:
    """Yield each sound line's event (None where its type is unknown), the byte behind it, and its number."""
    start, seq = 0, 0
    while (end := data.find(b"\n", start) + 1) > 0:
        _refuse_other_version(data[start:end], path)
        members = _members(data[start:end])
        if members is None or members.get("seq") != seq + 1:
            break
        start, seq = end, seq + 1
        yield _event(members, path, seq), start, seq
    _refuse_damage(data, start, path)


def _members(line: bytes) -> Members | None:
    try:
        return codec.unseal(line)
    except ValueError:
        return None


def _event(members: Members, path: Path, line: int) -> Event | None:
    try:
        return codec.make_event(members)
    except ValueError as error:
        problem = Problem("journal_odd", {"cause": str(error)}, path=str(path), line=line)
        raise JournalError(problem) from error


def _refuse_other_version(line: bytes, path: Path) -> None:
    version = codec.read_version(line)
    if version not in (None, codec.VERSION):
        fields = {"version": version, "known": codec.VERSION}
        raise JournalError(Problem("journal_newer", fields, path=str(path)))


def _refuse_damage(data: bytes, start: int, path: Path) -> None:
    """Refuse a journal in which a sound line stands behind the end of the sound prefix."""
    # Lines are sought by their head: the byte that is damaged may be the newline before a sound one.
    rest = (_HEAD + line for line in data[start:].split(_HEAD)[1:])
    if any(_members(line[: line.find(b"\n") + 1]) is not None for line in rest):
        raise JournalError(Problem("journal_damaged", {"byte": start}, path=str(path)))


def _set_aside(path: Path, data: bytes, size: int) -> None:
    """Move what follows the sound prefix into a file of its own."""
    if len(data) == size:
        return
    aside = path.with_name(f"{path.name}.torn-{size}")
    with open(os.open(aside, _APPEND | os.O_CREAT, 0o600), "ab") as file:  # noqa: PTH123 - of a descriptor
        file.write(data[size:])
        file.flush()
        os.fsync(file.fileno())
    os.truncate(path, size)


def _read(path: Path) -> bytes:
    # In one piece: whoever reads on while the writer adds to a torn tail takes it for damage.
    try:
        return path.read_bytes()
    except OSError as error:
        raise _refusal("journal_unreadable", path, error) from error


def _refusal(key: str, path: Path, error: OSError) -> JournalError:
    return JournalError(Problem(key, {"cause": error.strerror}, path=str(path)))


def _name_some(runs: list[str], most: int = 10) -> str:
    return ", ".join(runs[:most]) + (" …" if len(runs) > most else "")
