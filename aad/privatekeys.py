"""Private keys in PEM, which stand on many lines, or on one inside of JSON. Knows nothing of other secrets.

What is secret stands between a BEGIN and its END; these two are told, and say what was there.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from attrs import define

from aad.sighting import MASK, Sighting

ANCHOR = b"PRIVATE KEY"
LINE = re.compile(rb"[^\n]*\n|[^\n]+")
MARKER = re.compile(rb"-{4,5} ?(?:(BEGIN)|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
# Quotes, escapes and colours.
_NO_WORDS = rb"(?:\\[nr]|\x1b\[[0-9;]*[A-Za-z]|[^A-Za-z0-9])*+"
# What may stand behind a BEGIN whose key is on the lines below.
BEHIND_BEGIN = re.compile(_NO_WORDS)
# Between the BEGIN and the END of one line stands a key only if this does.
SOME_BODY = re.compile(rb"[A-Za-z0-9+/]{32}")
LONGEST_ON_ONE_LINE = 16_000
# A key on the line of its BEGIN, as far as it goes, whose END was cut off.
CUT_OFF = re.compile(rb"(?=[ \r]?[A-Za-z0-9+/=\\]{32})[A-Za-z0-9+/=\\ \r]{32,16000}")
# The lines of a key are 64 letters long or more. What is masked already counts as what it was.
BODY = re.compile(rb"[A-Za-z0-9+/=]{40,}|" + re.escape(MASK))
# But for its last ones, which begin in the column of those before them.
LAST = re.compile(rb"(=?[A-Za-z0-9+/]{2,39}={0,2})" + _NO_WORDS + rb"$")
# A BEGIN that no END follows is forgotten after so many; the longest keys have half of them.
MOST_LINES = 400


@define
class KeyReader:
    """Finds what is secret in the lines of a text that comes piece by piece.

    `_left` counts the lines that the key may have still, `_column` is where the last one of them began.
    """

    _left: int = 0
    _column: int = -1

    def read(self, data: bytes) -> list[Sighting]:
        """Return what is secret in the next lines; an unfinished one can only be the last of all."""
        if not self._left and ANCHOR not in data:
            return []
        found: list[Sighting] = []
        for line in LINE.finditer(data):
            found += [sighting.move(line.start()) for sighting in self._read_line(line[0])]
        return found

    def _read_line(self, line: bytes) -> Iterator[Sighting]:
        markers = list(MARKER.finditer(line))
        if self._left:
            yield from self._read_body(line, markers[0].start() if markers else len(line))
            self._left -= 1
        for marker, following in pairwise([*markers, None]):
            if marker is not None and marker[1]:
                yield from _read_on(marker, following)
        if markers:
            self._open_or_close(markers[-1])

    def _read_body(self, line: bytes, stop: int) -> Iterator[Sighting]:
        found = [match.span() for match in BODY.finditer(line, 0, stop)]
        if not found and self._column >= 0 and (last := LAST.match(line, self._column)):
            found = [last.span(1)]
        self._column = found[0][0] if found else -1
        for span in found:
            yield Sighting(span, span)

    def _open_or_close(self, last: re.Match[bytes]) -> None:
        """Note whether a key goes on behind the line of its last marker."""
        opens = last[1] and BEHIND_BEGIN.fullmatch(last.string, last.end())
        self._left = MOST_LINES if opens else 0
        self._column = -1


def _read_on(begin: re.Match[bytes], following: re.Match[bytes] | None) -> Iterator[Sighting]:
    """Yield the key that stands on the line of its BEGIN, up to the marker that follows."""
    stop = following.start() if following else len(begin.string)
    between = begin.string[begin.end() : stop]
    closed = following and not following[1] and len(between) <= LONGEST_ON_ONE_LINE
    if following and closed and SOME_BODY.search(between):
        yield Sighting((begin.end(), stop), (begin.start(), following.end()))
    elif rest := CUT_OFF.match(between):
        end = begin.end() + rest.end()
        yield Sighting((begin.end(), end), (begin.start(), end))
