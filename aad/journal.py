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
from aad.errors import JournalError, Problem
from aad.events import Event
from aad.files import sync_content, sync_folder
from aad.project import make_folder
from aad.state import RunState

_APPEND = os.O_WRONLY | os.O_APPEND
# How each line begins; inside of a line it cannot stand, for there a quote is escaped.
_HEAD = b'{"v":'


@define(eq=False)
class Journal:
    """A journal that is open for writing; the project's lock sees to it that there is one writer.

    `seq` is the number of the last record that was written whole, and `_size` tells where it ends. `_torn`
    tells that there may be more in the file than `_size`.
    """

    path: Path
    _descriptor: int
    _size: int = 0
    seq: int = 0
    _torn: bool = field(default=False, init=False)

    @classmethod
    def create(cls, path: Path) -> "Journal":
        """Begin the journal of a new run; raises JournalError, also where there is one already."""
        try:
            make_folder(path.parent)
            descriptor = os.open(path, _APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            # The name of the file, and that of its folder: either may be lost with the power.
            sync_folder(path.parent)
            sync_folder(path.parent.parent)
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
        stamped = evolve(event, seq=self.seq + 1)
        line = codec.encode(stamped)
        try:
            self._write(line)
        except OSError as error:
            with suppress(OSError):  # tried again before the next record
                self._cut()
            raise _refusal("journal_unwritable", self.path, error) from error
        self._size += len(line)
        self.seq = stamped.seq
        return stamped

    def sync(self) -> None:
        """Bring what was appended so far onto the disk itself; may run in a thread. Raises JournalError."""
        try:
            sync_content(self._descriptor)
        except OSError as error:
            raise _refusal("journal_unwritable", self.path, error) from error

    def check(self) -> None:
        """Raise JournalError where the file is no longer found under its name."""
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            found = None
        if found is None or not os.path.samestat(found, os.fstat(self._descriptor)):
            raise JournalError(Problem("journal_gone", path=str(self.path)))

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


def _read_sound(data: bytes, path: Path) -> Iterator[tuple[Event | None, int, int]]:
    """Yield each sound line's event (None where its type is unknown), the byte behind it, and its number."""
    start, seq = 0, 0
    while start < len(data):
        # A line that lacks its newline is not sound, but may be of another version all the same.
        end = data.find(b"\n", start) + 1 or len(data)
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
    if version not in (None, codec.VERSION) and not _is_ours_but_for_the_version(line):
        fields = {"version": version, "known": codec.VERSION}
        raise JournalError(Problem("journal_newer", fields, path=str(path)))


def _is_ours_but_for_the_version(line: bytes) -> bool:
    """Tell whether the version is what is damaged: with ours in its place the line would be sound."""
    _, comma, rest = line.partition(b",")
    return _members(b"%s%d" % (_HEAD, codec.VERSION) + comma + rest) is not None


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
        sync_content(file.fileno())
    os.truncate(path, size)


def _read(path: Path) -> bytes:
    # In one piece: whoever reads on while the writer adds to a torn tail takes it for damage.
    try:
        return path.read_bytes()
    except OSError as error:
        raise _refusal("journal_unreadable", path, error) from error


def _refusal(key: str, path: Path, error: OSError) -> JournalError:
    return JournalError(Problem(key, {"cause": error.strerror}, path=str(path)))
