"""Events as lines of JSON, and back. Knows the layout of a line, not where lines are kept.

A line's members stand in a fixed order: `v seq ts run type`, for a session's events `spec attempt status`,
then the event's own fields, and last `crc`, the CRC-32 of the bytes before `,"crc"`. Left out is a
field that is at its default and says nothing: None, empty text, an empty list. Numbers and booleans stand.
"""

import json
import re
import time
import types
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, Union, get_args, get_origin
from zlib import crc32

import attrs
from attrs import frozen

from aad.events import TYPES, Event, SessionEvent
from aad.state import RESULTS

VERSION = 1

Members = dict[str, Any]

_SEAL = b',"crc":"%08x"}'
_SEAL_LENGTH = len(_SEAL % 0)
# The fields that have their place before all others.
_PLACED = ("seq", "ts", "run", "spec", "attempt")
_VERSION = re.compile(rb'\{"v":(\d+),')
# Compared with by `!=` and equal to nothing: marks a field that always stands.
_ALWAYS = object()


@frozen
class _Layout:
    """Which fields of a class become members, how to get them all at once, and which values are left out."""

    names: tuple[str, ...]
    get: Callable[[Any], tuple[Any, ...]]
    blanks: tuple[object, ...]

    def members(self, value: object) -> dict[str, object]:
        rows = zip(self.names, self.get(value), self.blanks, strict=True)
        return {name: member for name, member, blank in rows if member != blank}


def _blank(field: "attrs.Attribute[Any]") -> object:
    default: Any = field.default
    if hasattr(default, "factory"):
        default = default.factory()
    return default if default is None or default in ("", (), {}) else _ALWAYS


@cache
def _layout(kind: type) -> _Layout:
    fields = [field for field in attrs.fields(kind) if field.name not in _PLACED]
    names = tuple(field.name for field in fields)
    return _Layout(names, _getter(names), tuple(map(_blank, fields)))


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    # `attrgetter` gives a tuple for two names and more only.
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _nested(value: Any) -> dict[str, object]:  # noqa: ANN401 - a value of any attrs class
    return _layout(value.__class__).members(value)


# A number that JSON does not have (NaN) is a bug of whoever made the event; no line may hold it.
_dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_nested).encode


def encode(event: Event) -> bytes:
    """Return the event's line, its newline included."""
    members: dict[str, object] = {
        "v": VERSION,
        "seq": event.seq,
        "ts": format_time(event.ts),
        "run": event.run,
        "type": event.type,
    }
    if isinstance(event, SessionEvent):
        members["spec"], members["attempt"] = event.spec, event.attempt
        status = RESULTS.get(type(event))
        if status is not None:
            members["status"] = status
    members |= _nested(event)
    # What UTF-8 cannot hold, a lone surrogate, becomes `\udc80`: in JSON that is its escape.
    body = _dump(members).encode("utf-8", "backslashreplace")[:-1]
    return body + _SEAL % crc32(body) + b"\n"


def decode(line: bytes) -> Event:
    """Return the event of a line; raises ValueError for one that is damaged or not understood."""
    event = make_event(unseal(line))
    if event is None:
        raise ValueError("a type of event that is not known")
    return event


def unseal(line: bytes) -> Members:
    """Return the members of a line whose checksum agrees; raises ValueError for any other."""
    body, seal = line[: -_SEAL_LENGTH - 1], line[-_SEAL_LENGTH - 1 :]
    # The bytes are compared: to read the number would accept other spellings of it.
    if seal != _SEAL % crc32(body) + b"\n":
        raise ValueError("the checksum does not agree")
    members = json.loads(body + b"}")
    if not isinstance(members, dict) or members.get("v") != VERSION:
        raise ValueError("not a line of this version")
    return members


def read_version(line: bytes) -> int | None:
    """Return the version that a line says it has, whatever else is in it; None where it says none."""
    found = _VERSION.match(line)
    return None if found is None else int(found[1])


def make_event(members: Members) -> Event | None:
    """Return the event that a line's members describe, None for a type we do not know.

    Members that we do not know are passed over. Raises ValueError where one that we need is missing or odd.
    """
    kind = TYPES.get(str(members.get("type")))
    if kind is None:
        return None
    try:
        event: Event = _build(kind, members | {"ts": read_time(members["ts"])})
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"an event that cannot be read: {error!r}") from error
    return event


def format_time(seconds: float) -> str:
    """Return seconds since the epoch as RFC 3339 in UTC, with milliseconds."""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{_format_second(whole)}.{milliseconds:03}Z"


def read_time(text: str) -> float:
    """Return the seconds since the epoch of an RFC 3339 time; raises ValueError."""
    return datetime.fromisoformat(text).timestamp()


@lru_cache(maxsize=4)
def _format_second(seconds: int) -> str:
    """Events come many a second, and the calendar is what costs."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


_Reader = Callable[[Any], Any]


def _build(kind: type, members: Members) -> Any:  # noqa: ANN401 - an instance of `kind`
    names, readers = _needs(kind)
    known = {name: value for name, value in members.items() if name in names}
    for name, read in readers:
        if known.get(name) is not None:
            known[name] = read(known[name])
    return kind(**known)


@cache
def _needs(kind: type) -> tuple[frozenset[str], tuple[tuple[str, _Reader], ...]]:
    """Return the names of a class's fields, and how to read those whose JSON value is not yet the value."""
    readers = {field.name: _reader(field.type) for field in attrs.fields(kind)}
    return frozenset(readers), tuple((name, read) for name, read in readers.items() if read is not None)


def _reader(kind: Any) -> _Reader | None:  # noqa: ANN401 - any annotation
    if get_origin(kind) in (types.UnionType, Union):
        (kind,) = (part for part in get_args(kind) if part is not types.NoneType)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if attrs.has(kind):
        return lambda members: _build(kind, members)
    return None


def _tuple_reader(kind: Any) -> _Reader:  # noqa: ANN401 - any annotation
    read = _reader(kind)
    if read is None:
        return tuple
    return lambda values: tuple(map(read, values))
