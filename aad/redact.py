"""Masks secrets in what a run writes and tells. Knows where text goes neither to nor comes from.

Masked are known values, such as those of environment variables whose names sound secret; then what looks
like a private key or a well-known token; then what the user's own patterns match. Text may come in any
pieces: only keys reach over the end of a line, and of these it is remembered that one has begun.
"""

import re
from collections.abc import Iterable, Iterator
from copy import copy

from attrs import define, field, frozen

from aad.errors import InputError, Problem
from aad.longwords import find_long_words, find_longest_word
from aad.privatekeys import KeyReader
from aad.secretvalues import list_forms
from aad.sighting import MASK, REACH, Sighting, Span
from aad.tokenshapes import find_tokens

# A stream holds back an unfinished line up to so many times the reach of a secret.
HOLD = 4


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


@frozen
class Form:
    """What a known value may look like. Its longest word is looked for first, if it has a long one."""

    text: bytes
    word: bytes

    @classmethod
    def of(cls, text: bytes) -> "Form":
        return cls(text, find_longest_word(text))


class Redactor:
    """Masks known values, well-known shapes and what patterns match. `count` tells how often it did."""

    def __init__(self, values: Iterable[bytes | str], patterns: Iterable[str] = ()) -> None:
        texts = {text for value in values for text in list_forms(_as_bytes(value))}
        # Longest first: one may be a part of another.
        self._forms = tuple(map(Form.of, sorted(texts, key=lambda text: (-len(text), text))))
        self._wordless = tuple(form for form in self._forms if not form.word)
        self._patterns = compile_patterns(patterns)
        self.count = 0

    def fresh(self) -> "Redactor":
        """Return a redactor of the same secrets that counts from zero; the secrets are made ready once."""
        twin = copy(self)
        twin.count = 0
        return twin

    @property
    def reach(self) -> int:
        """How many bytes of a line a secret may have; longer matches of a pattern are cut where a line is."""
        return max(REACH, len(self._forms[0].text)) if self._forms else REACH

    def redact(self, text: str) -> str:
        """Return a text with its secrets masked."""
        data = text.encode("utf-8", "surrogatepass")
        masked = self.redact_bytes(data)
        return text if masked == data else masked.decode("utf-8", "backslashreplace")

    def redact_bytes(self, data: bytes, keys: KeyReader | None = None) -> bytes:
        """Return bytes with their secrets masked; `keys` has read what came before, if anything did."""
        words = find_long_words(data)
        data = self._mask_values(data, words)
        keys = KeyReader() if keys is None else keys
        data = self._mask_sightings(data, [*keys.read(data), *find_tokens(data, words)])
        if self._patterns:
            data = b"\n".join(map(self._mask_matches, data.split(b"\n")))
        return data

    def redact_from(self, data: bytes, start: int) -> bytes:
        """Return what stands behind a place, masked in the light of what stands before it.

        Of the line that the place is in, `data` has all: the beginning of a key may be on both sides of it.
        """
        line_end = data.find(b"\n", max(start - 1, 0)) + 1 or len(data)
        keys = KeyReader()
        keys.read(data[:line_end])
        return self.redact_bytes(data[start:line_end]) + self.redact_bytes(data[line_end:], keys)

    def stream(self) -> "RedactedStream":
        """Return a stream of its own for bytes that come in pieces."""
        return RedactedStream(self)

    def find_cut(self, data: bytes) -> int:
        """Return where the beginning of an endless line can be cut so that no secret is.

        What is cut off the end is long enough for the longest secret that may have begun there.
        """
        last = len(data) - self.reach
        shapes = list(self._list_shapes(data))
        cut = last
        while (start := self._crossing(data, cut, shapes)) is not None:
            cut = start
            if cut < len(data) // 2:
                # Secrets chained without a gap, which are none: what counts is that the line moves on.
                return last
        return cut

    def _mask_values(self, data: bytes, words: bytes) -> bytes:
        for form in self._forms if words else self._wordless:
            if form.word in words and form.text in data:
                self.count += data.count(form.text)
                data = data.replace(form.text, MASK)
        return data

    def _mask_sightings(self, data: bytes, sightings: list[Sighting]) -> bytes:
        if not sightings:
            return data
        parts, place = [], 0
        for start, end in _join({found.secret for found in sightings}):
            if data[start:end] != MASK:
                parts += [data[place:start], MASK]
                place = end
                self.count += 1
        return b"".join([*parts, data[place:]])

    def _mask_matches(self, line: bytes) -> bytes:
        for pattern in self._patterns:
            line, count = pattern.subn(MASK, line)
            self.count += count
        return line

    def _list_shapes(self, data: bytes) -> Iterator[Span]:
        """Yield where in a line is what shows a secret by its shape."""
        for found in (*KeyReader().read(data), *find_tokens(data, find_long_words(data))):
            yield found.whole
        for pattern in self._patterns:
            for match in pattern.finditer(data):
                yield match.span()

    def _crossing(self, data: bytes, cut: int, shapes: list[Span]) -> int | None:
        """Return where the first secret begins that lies across a place."""
        values = [
            data.find(form.text, max(cut - len(form.text) + 1, 0), cut + len(form.text) - 1)
            for form in self._forms
        ]
        found = [*values, *(start for start, end in shapes if start < cut < end)]
        return min((start for start in found if start >= 0), default=None)


@define(eq=False)
class RedactedStream:
    """Masks secrets in bytes that come in pieces; however they are cut, the same bytes come out.

    The unfinished line is held back. Of one that is longer all is let go but what may be part of a secret.
    """

    _redactor: Redactor
    _hold: int = field(init=False)
    _pending: bytearray = field(factory=bytearray, init=False)
    _keys: KeyReader = field(factory=KeyReader, init=False)

    def __attrs_post_init__(self) -> None:
        self._hold = HOLD * self._redactor.reach

    def feed(self, chunk: bytes) -> bytes:
        """Take in the next piece and return what is ready."""
        end = chunk.rfind(b"\n") + 1
        if end == 0:
            self._pending += chunk
            return self._let_go()
        lines = bytes(self._pending) + chunk[:end]
        self._pending[:] = chunk[end:]
        return self._redact_lines(lines) + self._let_go()

    def finish(self) -> bytes:
        """Return what is held back still."""
        return self._redactor.redact_bytes(self.take(), self._keys)

    def peek(self) -> bytes:
        """Return what is held back, and hold it on."""
        return self._redactor.redact_bytes(bytes(self._pending), copy(self._keys))

    def take(self) -> bytes:
        """Return what is held back as it came, unmasked, and hold it no longer."""
        taken = bytes(self._pending)
        self._pending.clear()
        return taken

    def _redact_lines(self, lines: bytes) -> bytes:
        if len(lines) <= self._hold or max(map(len, lines.split(b"\n"))) < self._hold:
            return self._redactor.redact_bytes(lines, self._keys)
        # A long line is cut at the same places as if it had come in small pieces.
        return b"".join(map(self._redact_line, lines.split(b"\n")[:-1]))

    def _redact_line(self, line: bytes) -> bytes:
        begin, rest = self._shorten(line)
        return begin + self._redactor.redact_bytes(rest + b"\n", self._keys)

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
        if parts:
            # No line of a key is that long.
            self._keys = KeyReader()
        return b"".join(parts), line[start:]


def _join(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that overlap as one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _as_bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
