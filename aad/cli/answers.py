"""How commands answer: JSON for programs, rows in columns for people. Knows not what about."""

import json
import time
from collections.abc import Sequence

from aad.cli.console import Console
from aad.display.status import align
from aad.display.text import cut, width
from aad.units import BYTES


def answer_json(console: Console, value: object) -> None:
    """Write a value as JSON, in ASCII: the same bytes whatever the terminal or pipe can encode."""
    console.out.write(json.dumps(value, indent=2) + "\n")


def answer_text(console: Console, text: str) -> None:
    """Write a text that ends without a line break, and end its line."""
    console.out.write(f"{text}\n")


def answer_rows(console: Console, marks: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a line for each row behind its mark, cut where the terminal ends."""
    room = console.width()
    lines = align(rows) if rows else []
    if room is not None:
        # A mark and its blank are two columns, whatever colour the mark has.
        lines = [_shorten(line, room - 2, console.style(console.out).symbols.ellipsis) for line in lines]
    console.out.write(
        "".join(f"{mark} {line}".rstrip() + "\n" for mark, line in zip(marks, lines, strict=True))
    )


def format_moment(seconds: float | None) -> str:
    """Return a time, in seconds since the epoch, as the clock on the wall says it; nothing for None."""
    if seconds is None:
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def format_size(size: int) -> str:
    """Return `812 B`, `4.1 kB` or `1.0 GB`, cut off and never rounded up."""
    for unit in ("GB", "MB", "kB"):
        if size >= BYTES[unit]:
            return f"{size * 10 // BYTES[unit] / 10:,} {unit}"
    return f"{size} B"


def _shorten(line: str, room: int, ellipsis: str) -> str:
    return line if width(line) <= room else cut(line, room - width(ellipsis)) + ellipsis
