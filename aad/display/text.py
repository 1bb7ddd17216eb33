"""Text made safe and fitted into columns; durations and counts as people read them. Knows no terminal.

Whatever comes from a file or a child passes through `clean` before it is shown: nothing of it may move
the cursor, colour the screen or turn the direction of writing.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from aad import messages

_STRING_END = r"(?:\x1b\\|\x9c)"
# A string sequence without its end is no sequence: else an unclosed title would swallow what follows it.
_ANSI = re.compile(
    rf"""
      (?: \x1b\] | \x9d ) [^\x07\x1b\x80-\x9f]* (?: \x07 | {_STRING_END} )      # titles, links
    | (?: \x1b[PX^_] | [\x90\x98\x9e\x9f] ) [^\x1b\x80-\x9f]* {_STRING_END}     # device strings
    | (?: \x1b\[ | \x9b ) [0-?]* [\x20-/]* [@-~]?                               # colours, cursor moves
    | \x1b [\x20-/]* [0-~]?                                                     # all others
    """,
    re.VERBOSE,
)
_LINE_BREAK = re.compile("\r?\n|[\v\f\x85\u2028\u2029]")
# Controls, and what is invisible but turns or joins text. The joiners of emoji and of Indic words stay.
_UNSAFE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")

_WIDE = frozenset("WF")
_WIDTHLESS = frozenset(("Mn", "Me", "Cf", "Cc"))


def _columns(character: str) -> int:
    if unicodedata.category(character) in _WIDTHLESS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def width(text: str) -> int:
    """Return how many columns of a terminal a line takes."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(_columns, text))


def cut(text: str, columns: int) -> str:
    """Return as much of a line's beginning as fits; marks stay with the letter that they belong to."""
    if len(text) * 2 <= columns:
        return text
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > columns:
            return text[:index]
    return text


def pad(text: str, columns: int) -> str:
    """Return a line filled up with blanks; one that is longer already stays as it is."""
    return text + " " * (columns - width(text))


def _last_state(line: str) -> str:
    """Return what a line that was written over and over, as progress bars are, showed in the end."""
    return next((part for part in reversed(line.split("\r")) if part.strip()), "")


def _name_surrogate(match: re.Match[str]) -> str:
    code = ord(match[0])
    # These stand for bytes of file names that are not UTF-8.
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def clean(text: str) -> str:
    """Return one safe line: no escape sequences, no controls, tabs as blanks, line breaks as one blank."""
    if text.isprintable():
        return text.rstrip()
    lines = (_last_state(line) for line in _LINE_BREAK.split(_ANSI.sub("", text)))
    safe = _UNSAFE.sub("", " ".join(filter(None, lines)))
    return _SURROGATE.sub(_name_surrogate, safe.expandtabs()).rstrip()


def clean_tail(lines: Iterable[bytes], limit_columns: int = 500) -> tuple[str, ...]:
    r"""Return a child's lines of output, each made safe and cut; bytes that are not UTF-8 read `\xNN`."""
    return tuple(cut(clean(line.decode("utf-8", "backslashreplace")), limit_columns) for line in lines)


# Of each unit: its seconds, those of the unit shown beside it, and the sentences with and without that one.
_UNITS = (
    (86400, 3600, "duration.days", "duration.days_hours"),
    (3600, 60, "duration.hours", "duration.hours_minutes"),
    (60, 1, "duration.minutes", "duration.minutes_seconds"),
)


def format_duration(seconds: float, lang: str) -> str:
    """Return `0.4s`, `48s`, `5m 12s`, `1h 5m` or `2d 3h`, cut off and never rounded up."""
    if seconds < 1:
        return messages.text(lang, "duration.seconds", {"first": int(max(seconds, 0) * 10) / 10})
    whole = int(seconds)
    for size, next_size, alone, both in _UNITS:
        if whole >= size:
            first, second = whole // size, whole % size // next_size
            return messages.text(lang, both if second else alone, {"first": first, "second": second})
    return messages.text(lang, "duration.seconds", {"first": whole})


def format_estimate(seconds: float, lang: str) -> str:
    """Return `about 10m`: rounded to seconds below a minute, to minutes below a day, else to hours."""
    grain = 1 if seconds < 60 else 60 if seconds < 86400 else 3600
    rounded = max(1, int(seconds / grain + 0.5)) * grain
    return messages.text(lang, "duration.about", {"duration": format_duration(rounded, lang)})


def format_count(count: int) -> str:
    """Return `1,284`."""
    return f"{count:,}"


def format_names(names: Sequence[str], limit: int = 10) -> str:
    """Return `A, B, C`; of more than the limit, the first ones and how many more there are: `A, B, +7`."""
    more = (f"+{format_count(len(names) - limit)}",) if len(names) > limit else ()
    return ", ".join((*names[:limit], *more))
