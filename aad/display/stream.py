"""A text stream that can lose its reader. Whatever becomes of the terminal or pipe, the run goes on."""

import errno
import io
import os
from collections.abc import Callable
from typing import TextIO


class Stream:
    """Writes text whole and at once; falls silent for good when nobody can receive it any more.

    `out` is None where the process was started without the stream. Characters that the encoding
    lacks are written as escapes. `lost` is called once if it cannot be written to any more, unless its
    reader has gone on purpose.
    """

    def __init__(self, out: TextIO | None, lost: Callable[[OSError], None] = lambda _: None) -> None:
        self._out = out
        self._lost = lost
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors="backslashreplace")

    def speak_utf8(self) -> None:
        """Write UTF-8 from now on, whatever the terminal speaks: for what programs read."""
        if isinstance(self._out, io.TextIOWrapper):
            self._out.reconfigure(encoding="utf-8", errors="backslashreplace")

    @property
    def encoding(self) -> str | None:
        """The encoding, None where text is not encoded."""
        return None if self._out is None else self._out.encoding

    @property
    def silent(self) -> bool:
        """Whether nobody receives what is written."""
        return self._out is None

    def isatty(self) -> bool:
        return self._out is not None and not self._out.closed and self._out.isatty()

    def write(self, text: str) -> None:
        """Write a text and push it out."""
        if self._out is None:
            return
        if self._out.closed:
            self._out = None
            return
        try:
            self._write(self._out, text)
        except OSError as error:
            # A closed pipe, a terminal that is gone, a full disk: all mean that nobody can be told.
            _discard(self._out)
            self._out = None
            if error.errno != errno.EPIPE:
                self._lost(error)

    def _write(self, out: TextIO, text: str) -> None:
        try:
            out.write(text)
            out.flush()
        except BlockingIOError:
            # A child that shares the terminal made it non-blocking for all; what is left is in the buffer.
            os.set_blocking(out.fileno(), True)
            out.flush()


def _discard(out: TextIO) -> None:
    """Lead a stream into the null device, so that the flush when the process exits cannot fail."""
    try:
        descriptor = out.fileno()
    except io.UnsupportedOperation:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
