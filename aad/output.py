"""The output of one attempt: its log file and its last lines. Knows nothing of who writes and why.

The file gets the beginning up to a limit, then a line that says how much is missing, then the end. What is
wrong with the file is not the child's fault: it is remembered as `trouble`, and the output is taken as ever.
"""

import os
from collections.abc import Callable
from errno import ENOENT
from pathlib import Path

from attrs import define, field

from aad.project import make_folder
from aad.redact import RedactedStream, Redactor

# Bytes of the end that are kept, both for the file and for the last lines.
END = 64 * 1024
# Bytes before them that say what they are: a key may have begun there.
BEFORE = 32 * 1024
# Output is taken in pieces of this many bytes, however much comes at once.
PIECE = 64 * 1024
# A longer line is told cut.
LONGEST_LINE = 1024 * 1024
MARKER = b"\n[aad: %d bytes left out]\n"

Tell = Callable[[str], None]


@define(eq=False, kw_only=True)
class OutputLog:
    """One attempt's output. `lines` counts all of its lines, `trouble` says why its file is not whole.

    Up to the limit, `_recent` holds the newest bytes redacted; behind it raw, for a flood must cost nothing:
    they are redacted when somebody asks for them. `_behind` counts the bytes behind the limit.
    """

    trouble: str | None = field(default=None, init=False)
    _redactor: Redactor
    _limit: int
    _tail_lines: int
    _teller: "LineTeller | None"
    _descriptor: int = field(default=-1, init=False)
    _stream: RedactedStream = field(init=False)
    _recent: bytearray = field(factory=bytearray, init=False)
    _newlines: int = field(default=0, init=False)
    _unfinished: bool = field(default=False, init=False)
    _kept: int = field(default=0, init=False)
    _released: int = field(default=0, init=False)
    _behind: int | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._stream = self._redactor.stream()

    @classmethod
    def open(
        cls, path: Path, *, redactor: Redactor, limit: int, tail_lines: int, on_line: Tell | None = None
    ) -> "OutputLog":
        """Begin a log; `on_line` is told each line, redacted, without its end."""
        teller = None if on_line is None else LineTeller(on_line)
        log = cls(redactor=redactor, limit=limit, tail_lines=tail_lines, teller=teller)
        try:
            make_folder(path.parent)
            log._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            log.trouble = error.strerror
        return log

    @property
    def lines(self) -> int:
        """How many lines came, an unfinished last one too."""
        return self._newlines + self._unfinished

    def write(self, chunk: bytes) -> None:
        """Take in what the child wrote."""
        for start in range(0, len(chunk), PIECE):
            self._take(chunk[start : start + PIECE])

    def tail(self) -> tuple[bytes, ...]:
        """Return the last lines, redacted, without their ends."""
        _, recent = self._end(self._released)
        recent += b"" if self._drains else self._stream.peek()
        if not recent or not self._tail_lines:
            return ()
        return tuple(recent.removesuffix(b"\n").rsplit(b"\n", self._tail_lines)[-self._tail_lines :])

    def check(self) -> None:
        """Look whether the file is still there, for a child that is silent."""
        self._put(b"")

    def close(self) -> None:
        """Write what is still to be written and close the file; harmless when it is closed already."""
        if not self._drains:
            self._release(self._stream.finish())
        if self._teller is not None:
            self._teller.finish()
        self._put(self._rest())
        self._close_file()

    @property
    def _drains(self) -> bool:
        """Whether what comes is only counted: it is behind the limit, and nobody wants its lines."""
        return self._behind is not None and self._teller is None

    def _take(self, chunk: bytes) -> None:
        self._newlines += chunk.count(b"\n")
        self._unfinished = not chunk.endswith(b"\n")
        self._release(chunk if self._drains else self._stream.feed(chunk))

    def _release(self, data: bytes) -> None:
        if not data:
            return
        if self._teller is not None:
            self._teller.feed(data)
        self._remember(data)
        if self._behind is not None:
            self._behind += len(data)
        elif len(data) <= self._limit - self._kept:
            self._put(data)
            self._kept += len(data)
        else:
            self._pass_limit(data)

    def _pass_limit(self, data: bytes) -> None:
        room = self._limit - self._kept
        self._put(data[:room])
        self._behind = len(data) - room
        if self._drains:
            # What the stream holds back comes raw, as all that follows it.
            held = self._stream.take()
            self._remember(held)
            self._behind += len(held)

    def _remember(self, data: bytes) -> None:
        self._released += len(data)
        self._recent += data
        if len(self._recent) > 2 * END + BEFORE:
            del self._recent[: -END - BEFORE]

    def _end(self, size: int) -> tuple[int, bytes]:
        """Return the end of the newest `size` bytes, redacted, and how many of them are before it."""
        data = bytes(self._recent)
        if size <= END:
            return 0, self._redactor.redact_from(data, len(data) - size)
        # The cut may have gone through a secret, whose rest nothing would know again.
        start = len(data) - END
        line = data.find(b"\n", start, start + END // 2) + 1
        if line:
            return size - len(data) + line, self._redactor.redact_from(data, line)
        begin = max(start - self._redactor.reach, 0)
        unsure = min(self._redactor.reach, len(data) - begin)
        return size - len(data) + begin + unsure, self._redactor.redact_bytes(data[begin:])[unsure:]

    def _rest(self) -> bytes:
        """Return what the file still lacks, once no more output comes."""
        if self._behind is None:
            return b""
        missing, end = self._end(self._behind)
        self._behind = None
        return MARKER % missing + end if missing else end

    def _put(self, data: bytes) -> None:
        if self._descriptor < 0:
            return
        try:
            while data:
                # A full disk takes a part first; the cause comes with the next try.
                data = data[os.write(self._descriptor, data) :]
            self._look()
        except OSError as error:
            self.trouble = error.strerror
            self._close_file()

    def _look(self) -> None:
        """Raise OSError if the file was deleted: writing to it would go on well."""
        if os.fstat(self._descriptor).st_nlink == 0:
            raise OSError(ENOENT, os.strerror(ENOENT))

    def _close_file(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        try:
            os.close(descriptor)
        except OSError as error:  # some file systems tell only now that they are full
            self.trouble = self.trouble or error.strerror


@define(eq=False)
class LineTeller:
    """Puts redacted output together into lines and tells each of them."""

    _tell: Tell
    _line: bytearray = field(factory=bytearray, init=False)

    def feed(self, data: bytes) -> None:
        *whole, rest = data.split(b"\n")
        for line in whole:
            self._add(line)
            self._tell_line()
        self._add(rest)

    def finish(self) -> None:
        """Tell the unfinished last line."""
        if self._line:
            self._tell_line()

    def _add(self, data: bytes) -> None:
        self._line += data[: LONGEST_LINE - len(self._line)]

    def _tell_line(self) -> None:
        line = self._line.decode("utf-8", "backslashreplace")
        self._line.clear()
        self._tell(line)
