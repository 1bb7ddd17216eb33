"""What a child says of itself: JSON lines that it appends to the file that `AAD_EVENTS` names.

A line is `{"progress": 0.4, "message": "…"}`, `{"question": "…", "options": ["…"]}`, the same with
`permission`, `{"warning": "…"}` or `{"error": "…", "level": "critical"}`. The file is a stranger's: a line
that is none of these is counted and left alone, and a line that is not finished yet is read when it is. Only
a question is never passed over: what seems to be one is asked as it stands, however broken or long.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from attrs import define, field, frozen

from aad.events import EscalationLevel
from aad.files import write_whole
from aad.redact import Redactor

# A longer line is no news; 64 KiB hold any progress note, and a reader must not grow with what it reads.
LONGEST_LINE = 65536
# Bytes taken in at one look. Of a child that says more between two looks only the newest is heard: what it
# floods its file with must not keep everybody else waiting.
MOST = 1 << 17
# Of what a flood leaves unheard so many bytes, the newest, are still looked through for questions.
SEARCHED = 1 << 24
# Bytes of a line that was not understood that are shown.
LONGEST_SHOWN = 200
# How many notes of progress one look tells, the newest.
MOST_NOTES = 20
# Characters of a broken question that are asked.
LONGEST_BROKEN = 4000
# A larger file is not looked through for secrets when its child has ended, but removed.
LARGEST = 1 << 24


@frozen(kw_only=True)
class Progress:
    """How far the child is, 0 to 1, and what it is doing; either may be missing."""

    progress: float | None = None
    message: str | None = None


@frozen(kw_only=True)
class Asked:
    """The child asks a person, it may be for leave to do something."""

    text: str
    options: tuple[str, ...] = ()
    permission: bool = False


@frozen(kw_only=True)
class Trouble:
    """The child raises something to its parent session, or the monitor does so for it.

    `elapsed` and `limit` are the seconds that a warning about time speaks of.
    """

    message: str
    level: EscalationLevel
    elapsed: float | None = None
    limit: float | None = None


News = Progress | Asked | Trouble

_ASKS = re.compile(rb'"(question|permission)"\s*:')


def leave_out_stale(said: Sequence[News]) -> Iterator[News]:
    """Yield the news in their order, of the progress only the newest."""
    stale = sum(isinstance(news, Progress) for news in said) - MOST_NOTES
    for news in said:
        if isinstance(news, Progress) and stale > 0:
            stale -= 1
        else:
            yield news


def parse_news(line: bytes) -> News | None:
    """Return the news of one line, or None where it is none."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    for word in ("question", "permission"):
        if said.get(word):
            options = _read_options(said.get("options"))
            return Asked(text=_as_text(said[word]), options=options, permission=word == "permission")
    for word, level in (("error", EscalationLevel.ERROR), ("warning", EscalationLevel.WARNING)):
        if isinstance(said.get(word), str):
            return Trouble(message=said[word], level=_level(said.get("level"), level))
    return _parse_progress(said.get("progress"), said.get("message"))


def find_broken_question(line: bytes) -> Asked | None:
    """Return the question that a line which is no news seems to ask, as it stands."""
    found = _ASKS.search(line)
    if found is None:
        return None
    words = line.decode(errors="replace").strip()
    text = words if len(words) <= LONGEST_BROKEN else f"{words[:LONGEST_BROKEN]}…"
    return Asked(text=text, permission=found[1] == b"permission")


def _read_options(value: object) -> tuple[str, ...]:
    """Return what is offered; an answer is a variable of the environment, which holds no NUL."""
    texts = (_as_text(item).replace("\0", "") for item in value) if isinstance(value, list) else ()
    return tuple(filter(str.strip, texts))


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _level(value: object, default: EscalationLevel) -> EscalationLevel:
    return EscalationLevel(value) if isinstance(value, str) and value in set(EscalationLevel) else default


def _parse_progress(progress: object, message: object) -> Progress | None:
    share = None
    # NaN compares false with everything, so it leaves here too; True is an int to Python, not to people.
    if isinstance(progress, int | float) and not isinstance(progress, bool) and progress == progress:  # noqa: PLR0124
        share = min(max(float(progress), 0.0), 1.0)
    words = message if isinstance(message, str) else None
    return None if share is None and words is None else Progress(progress=share, message=words)


@define
class NewsFile:
    """Reads a file of news piece by piece as it grows."""

    path: Path
    unread: int = 0
    # The first line that was not understood, cut.
    strange: bytes = b""
    _offset: int = 0
    _rest: bytes = field(default=b"")
    _skipping: bool = False

    def read(self, *, last: bool = False) -> Iterator[News]:
        """Yield the news that came since the last call; at the `last`, also a line that has no end."""
        for line in self._lines():
            yield from self._judge(line)
        if last and self._rest.strip() and not self._skipping:
            rest, self._rest = self._rest, b""
            yield from self._judge(rest)

    def _judge(self, line: bytes) -> Iterator[News]:
        news = parse_news(line) or find_broken_question(line)
        if news is None:
            self.unread += 1
            self.strange = self.strange or line[:LONGEST_SHOWN]
        else:
            yield news

    def _lines(self) -> Iterator[bytes]:
        for chunk in self._chunks():
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                yield from self._pass(line)
            if len(self._rest) > LONGEST_LINE:
                yield from self._pass(self._rest, ended=False)
                self._rest, self._skipping = b"", True

    def _pass(self, line: bytes, *, ended: bool = True) -> Iterator[bytes]:
        """Yield a line that is none too long, and of one that is its beginning, where that asks something."""
        skipping, self._skipping = self._skipping, False
        too_long = len(line) > LONGEST_LINE
        if not skipping and line.strip() and (not too_long or _ASKS.search(line, 0, LONGEST_LINE)):
            yield line[:LONGEST_LINE]
        elif ended and (skipping or too_long):
            self.unread += 1

    def _chunks(self) -> Iterator[bytes]:
        # The child may have removed the file, or put something in its place: then there is no news.
        with suppress(OSError):
            behind = self.path.stat().st_size - self._offset
            if behind <= 0:
                return
            with self.path.open("rb") as file:
                if behind > MOST:
                    yield self._skip(file, behind - MOST)
                file.seek(self._offset)
                chunk = file.read(MOST)
                self._offset += len(chunk)
                yield chunk

    def _skip(self, file: BinaryIO, size: int) -> bytes:
        """Pass over so much, but for the lines that ask something."""
        left_out = max(0, size - SEARCHED)
        file.seek(self._offset + left_out)
        data = (b"" if left_out else self._rest) + file.read(size - left_out)
        self._offset += size
        *lines, last = data.split(b"\n")
        if (self._skipping or left_out) and lines:
            # The first is the end of one that began before.
            lines, self._skipping = lines[1:], False
        self._rest = b""
        return b"".join(line + b"\n" for line in lines if _ASKS.search(line)) + last

    def mask(self, redactor: Redactor) -> None:
        """Mask the secrets in the file, when the child is done with it."""
        with suppress(OSError):  # no file, or none of ours any more
            if self.path.stat().st_size > LARGEST:
                self.path.unlink()
                return
            told = self.path.read_bytes()
            masked = redactor.redact_bytes(told)
            if masked != told:
                write_whole(self.path, masked)


def mask_news(run: Path, redactor: Redactor) -> None:
    """Mask what the children of a run said whose orchestrator was killed before it could do so."""
    for path in run.glob("*/*/events/events.jsonl"):
        NewsFile(path).mask(redactor.fresh())
