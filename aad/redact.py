"""Masks secrets in what a run writes and tells. Knows where text goes neither to nor comes from.

Masked are known values, such as those of environment variables whose names sound secret, and what the
user's own patterns match. Neither reaches over the end of a line: so text may come in any pieces.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from fnmatch import fnmatchcase

from attrs import define, field

from aad.errors import InputError, Problem

MASK = b"[redacted]"
# Shorter values are words and numbers that stand everywhere.
SHORTEST = 8
# What a variable with a secret-sounding name says when it only switches something.
SWITCHES = frozenset({"disabled", "optional", "required", "unlimited"})
# Bytes of an unfinished line that a stream holds back.
HOLD = 64 * 1024
# How far a pattern may reach at the place where a line longer than that is cut.
PATTERN_REACH = 1024


def secret_values(environ: Mapping[str, str], globs: Iterable[str]) -> tuple[str, ...]:
    """Return what may be a secret of the variables whose names match a glob, in whatever case."""
    wanted = [glob.upper() for glob in globs]
    found = (
        value
        for name, value in environ.items()
        if any(fnmatchcase(name.upper(), glob) for glob in wanted) and _may_be_secret(value, environ)
    )
    return tuple(dict.fromkeys(found))


def _may_be_secret(value: str, environ: Mapping[str, str]) -> bool:
    if len(value) < SHORTEST or value.lower() in SWITCHES:
        return False
    return value != environ.get("HOME") and not os.path.exists(value)  # noqa: PTH110 - Path.exists raises for some


def compile_patterns(patterns: Iterable[str]) -> tuple[re.Pattern[bytes], ...]:
    """Return regular expressions made ready; raises InputError that names all that are wrong."""
    compiled, problems = [], []
    for pattern in patterns:
        try:
            compiled.append(_compile(pattern))
        except (re.error, ValueError) as error:
            problems.append(Problem("redact_pattern_wrong", {"pattern": pattern, "cause": error}))
    if problems:
        raise InputError(problems)
    return tuple(compiled)


def _compile(pattern: str) -> re.Pattern[bytes]:
    compiled = re.compile(pattern.encode())
    if compiled.search(b"") is not None:
        raise ValueError("it matches the empty text")
    return compiled


class Redactor:
    """Masks known values and what patterns match. `count` tells how often it did."""

    def __init__(self, values: Iterable[bytes | str], patterns: Iterable[str] = ()) -> None:
        forms = {form for value in values for form in _forms(_as_bytes(value))}
        # Longest first: a value may be a part of another.
        self._values = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._patterns = compile_patterns(patterns)
        self.count = 0

    def fresh(self) -> "Redactor":
        """Return a redactor of the same secrets that counts from zero; the secrets are made ready once."""
        twin = copy(self)
        twin.count = 0
        return twin

    @property
    def idle(self) -> bool:
        """Whether there is nothing to mask."""
        return not self._values and not self._patterns

    @property
    def reach(self) -> int:
        """How many bytes a secret may have."""
        longest = len(self._values[0]) if self._values else 0
        return max(longest, PATTERN_REACH) if self._patterns else longest

    def redact(self, text: str) -> str:
        """Return a text with its secrets masked."""
        if self.idle:
            return text
        data = text.encode("utf-8", "surrogatepass")
        masked = self.redact_bytes(data)
        return text if masked == data else masked.decode("utf-8", "backslashreplace")

    def redact_bytes(self, data: bytes) -> bytes:
        """Return bytes with their secrets masked."""
        for value in self._values:
            if value in data:
                self.count += data.count(value)
                data = data.replace(value, MASK)
        if self._patterns:
            data = b"\n".join(map(self._match, data.split(b"\n")))
        return data

    def stream(self, hold: int = HOLD) -> "RedactedStream":
        """Return a stream of its own for bytes that come in pieces."""
        return RedactedStream(self, hold)

    def find_cut(self, data: bytes) -> int:
        """Return where the beginning of an endless line can be cut so that no secret is.

        What is cut off the end is long enough for the longest secret that may have begun there.
        """
        last = len(data) - self.reach
        cut = last
        while (start := self._crossing(data, cut)) is not None:
            cut = start
            if cut < len(data) // 2:
                # Secrets chained without a gap, which are none: what counts is that the line moves on.
                return last
        return cut

    def _match(self, line: bytes) -> bytes:
        for pattern in self._patterns:
            line, count = pattern.subn(MASK, line)
            self.count += count
        return line

    def _crossing(self, data: bytes, cut: int) -> int | None:
        """Return where the first secret begins that lies across a place."""
        found = [data.find(v, max(cut - len(v) + 1, 0), cut + len(v) - 1) for v in self._values]
        found.extend(self._matches_across(data, cut))
        return min((start for start in found if start >= 0), default=None)

    def _matches_across(self, data: bytes, cut: int) -> Iterator[int]:
        for pattern in self._patterns:
            for match in pattern.finditer(data):
                if match.start() < cut < match.end():
                    yield match.start()


@define(eq=False)
class RedactedStream:
    """Masks secrets in bytes that come in pieces; however they are cut, the same bytes come out.

    The unfinished line is held back. Of one over `hold` all is let go but what may be part of a secret.
    """

    _redactor: Redactor
    _hold: int = HOLD
    _pending: bytearray = field(factory=bytearray, init=False)

    def __attrs_post_init__(self) -> None:
        self._hold = max(self._hold, 4 * self._redactor.reach)

    def feed(self, chunk: bytes) -> bytes:
        """Take in the next piece and return what is ready."""
        if self._redactor.idle:
            return chunk
        end = chunk.rfind(b"\n") + 1
        if end == 0:
            self._pending += chunk
            return self._let_go()
        lines = bytes(self._pending) + chunk[:end]
        self._pending[:] = chunk[end:]
        return self._redact_lines(lines) + self._let_go()

    def finish(self) -> bytes:
        """Return what is held back still."""
        return self._redactor.redact_bytes(self.take())

    def peek(self) -> bytes:
        """Return what is held back, and hold it on."""
        return self._redactor.redact_bytes(bytes(self._pending))

    def take(self) -> bytes:
        """Return what is held back as it came, unmasked, and hold it no longer."""
        taken = bytes(self._pending)
        self._pending.clear()
        return taken

    def _redact_lines(self, lines: bytes) -> bytes:
        if len(lines) <= self._hold or max(map(len, lines.split(b"\n"))) < self._hold:
            return self._redactor.redact_bytes(lines)
        # A long line is cut at the same places as if it had come in small pieces.
        return b"\n".join(map(self._redact_line, lines.split(b"\n")))

    def _redact_line(self, line: bytes) -> bytes:
        begin, rest = self._shorten(line)
        return begin + self._redactor.redact_bytes(rest)

    def _let_go(self) -> bytes:
        if len(self._pending) < self._hold:
            return b""
        begin, self._pending[:] = self._shorten(bytes(self._pending))
        return begin

    def _shorten(self, line: bytes) -> tuple[bytes, bytes]:
        """Return the beginning of a line, masked, and the rest as it is, which is short enough to be held."""
        parts, start = [], 0
        while len(line) - start >= self._hold:
            window = line[start : start + self._hold]
            cut = self._redactor.find_cut(window)
            parts.append(self._redactor.redact_bytes(window[:cut]))
            start += cut
        return b"".join(parts), line[start:]


def _as_bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def _forms(value: bytes) -> Iterator[bytes]:
    """Yield all that a value may look like: itself, its lines if it has many, and these inside of JSON."""
    lines = [line for line in map(bytes.strip, value.split(b"\n")) if line]
    pieces = lines
    if len(lines) > 1:
        pieces = [value.strip(), *(line for line in lines if len(line) >= SHORTEST)]
    for piece in pieces:
        if b"\n" not in piece:
            yield piece
        text = piece.decode("utf-8", "surrogateescape")
        for ascii_only in (True, False):
            quoted = json.dumps(text, ensure_ascii=ascii_only)
            yield quoted[1:-1].encode("utf-8", "surrogateescape")
