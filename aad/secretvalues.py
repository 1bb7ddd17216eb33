"""The values that are secret, and all that each may look like. Knows nothing of the text they turn up in."""

import json
import os
import re
import shlex
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from urllib.parse import quote, quote_plus

# What is shorter stands everywhere.
SHORTEST = 8
# And so does one word of no more letters, which says which or how: `password`, `production`, `DISABLED`.
EVERYDAY = re.compile(r"[A-Za-z][a-z]{0,11}|[A-Z]{1,12}")
# What a key begins and ends with is no secret, and tells what stands between.
KEY_MARKER = re.compile(rb"-{4,5} ?(?:BEGIN|END) .*-{4,5}")
HTML = re.compile(r"[&<>]")
IN_DOUBLE_QUOTES = re.compile(r"[\"\\$`]")
UNQUOTED = re.compile(r"[ \t'\"\\|&;()<>!{}*\[?\]^$`,]|^[#~]")
PERCENT = re.compile(r"%[0-9A-F]{2}")
# What JavaScript's encodeURIComponent leaves as it is.
UNQUOTED_IN_JAVASCRIPT = "!~*'()"
URLSAFE = bytes.maketrans(b"+/", b"-_")


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
    if len(value) < SHORTEST or EVERYDAY.fullmatch(value):
        return False
    return value != environ.get("HOME") and not os.path.exists(value)  # noqa: PTH110 - Path.exists raises for some


def list_forms(value: bytes) -> set[bytes]:
    """Return all that a value may look like: itself, its lines if it has many, these quoted, its base64."""
    value = value.strip()
    pieces = {value, *_telling_lines(value)}
    forms = {form for piece in pieces for form in _spellings(piece)} | set(_base64_cores(value))
    return {form for form in forms if len(form) >= SHORTEST and b"\n" not in form}


def _telling_lines(value: bytes) -> Iterator[bytes]:
    for line in map(bytes.strip, value.split(b"\n")):
        everyday = EVERYDAY.fullmatch(line.decode("latin-1")) or KEY_MARKER.fullmatch(line)
        if len(line) >= SHORTEST and not everyday:
            yield line


def _spellings(piece: bytes) -> Iterator[bytes]:
    """Yield a piece of text as it is, and as programs quote it."""
    yield piece
    yield repr(piece)[2:-1].encode()
    text = piece.decode("utf-8", "surrogateescape")
    for quoted in (*_string_literals(text), *_shell_words(text), *_url_parts(piece)):
        yield quoted.encode("utf-8", "surrogateescape")


def _string_literals(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        literal = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield literal
        # As Go and PHP write it, and JSON inside of JSON.
        yield HTML.sub(lambda match: f"\\u{ord(match[0]):04x}", literal)
        yield literal.replace("/", r"\/")
        yield json.dumps(literal, ensure_ascii=ascii_only)[1:-1]
    yield repr(text)[1:-1]


def _shell_words(text: str) -> Iterator[str]:
    word = shlex.quote(text)
    yield word[1:-1] if word != text else word
    # As `sh -x` shows a quote.
    yield text.replace("'", r"'\''")
    # As bash tells a variable, and as its `printf %q` does.
    yield IN_DOUBLE_QUOTES.sub(r"\\\g<0>", text)
    yield UNQUOTED.sub(r"\\\g<0>", text)


def _url_parts(piece: bytes) -> Iterator[str]:
    shapes = quote(piece), quote(piece, safe=""), quote(piece, safe=UNQUOTED_IN_JAVASCRIPT), quote_plus(piece)
    for part in shapes:
        yield part
        yield PERCENT.sub(lambda match: match[0].lower(), part)


def _base64_cores(value: bytes) -> Iterator[bytes]:
    """Yield what is the same of its base64 whatever stands before and after it.

    What stands before shifts it by 0, 1 or 2 bytes against the groups of three. A letter that shares its
    bits with a neighbour is not the core's.
    """
    for shift in range(3):
        before, end = 8 * shift, 8 * (shift + len(value))
        core = b64encode(bytes(shift) + value)[-(-before // 6) : end // 6]
        yield core
        yield core.translate(URLSAFE)
