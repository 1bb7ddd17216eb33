"""The head of a file: YAML between two `---` lines, every value as text. Knows no key and no meaning."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from aad.errors import InputError, Problem

if TYPE_CHECKING:
    from yaml import MarkedYAMLError, YAMLError
    from yaml.events import Event, ScalarEvent

DEEPEST = 20

_OPENING = re.compile(r"\s*^---[ \t]*(?:\n|\Z)", re.MULTILINE)
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)
_EMPTY_WORDS = frozenset({"", "~", "null", "Null", "NULL"})


@frozen
class Text:
    """One value, and the line it stands in. `empty`: nothing was said (`key:`, `~`, `null`)."""

    value: str
    line: int
    empty: bool = False


@frozen
class Entry:
    """One key. `value` is None where it is neither a text nor a list of texts."""

    key: str
    line: int
    value: Text | tuple[Text, ...] | None


@frozen
class Parts:
    """A file taken apart; lines count from 1. `head` is None where there is none."""

    head: str | None
    head_line: int
    body: str
    body_line: int


def split_head(text: str) -> Parts:
    """Take a file's text apart; raises InputError for a head without an end."""
    opening = _OPENING.match(text)
    if opening is None:
        return Parts(None, 1, text, 1)
    head_line = text.count("\n", 0, opening.end()) + 1
    closing = _CLOSING.search(text, opening.end())
    if closing is None:
        raise InputError(Problem("spec_head_open", line=text.count("\n", 0, opening.end() - 1) + 1))
    body_line = text.count("\n", 0, closing.end()) + 1
    return Parts(text[opening.end() : closing.start()], head_line, text[closing.end() :], body_line)


def parse_head(head: str, first_line: int) -> tuple[Entry, ...]:
    """Return the entries of a head in their order, also those of one key; raises InputError for bad YAML."""
    # Imported here because many projects have no heads, and `aad --help` never needs one.
    import yaml

    # Events, not nodes: libyaml's composer recurses in C, and enough brackets would end our process.
    events: Iterator[Event] = yaml.parse(head, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    try:
        return tuple(_read_entries(events, first_line))
    except yaml.MarkedYAMLError as error:
        raise InputError(_describe(error, first_line)) from None
    except yaml.YAMLError as error:
        raise InputError(Problem("spec_head_yaml", {"fault": _last_words(error)}, line=first_line)) from None


def _describe(error: "MarkedYAMLError", first_line: int) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = first_line + (mark.line if mark else 0)
    return Problem("spec_head_yaml", {"fault": error.problem or _last_words(error)}, line=line)


def _last_words(error: "YAMLError") -> str:
    return str(getattr(error, "reason", "")) or str(error).splitlines()[0]


def _read_entries(events: Iterator["Event"], first_line: int) -> Iterator[Entry]:
    from yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, StreamEndEvent

    next(events)  # the stream's start
    if isinstance(next(events), StreamEndEvent):
        return
    if not isinstance(next(events), MappingStartEvent):
        raise InputError(Problem("spec_head_no_keys", line=first_line))
    while not isinstance(event := next(events), MappingEndEvent):
        if not isinstance(event, ScalarEvent):
            raise InputError(Problem("spec_head_no_keys", line=_line_of(event, first_line)))
        yield Entry(event.value, _line_of(event, first_line), _read_value(events, first_line))
    next(events)  # the document's end
    if not isinstance(event := next(events), StreamEndEvent):
        raise InputError(Problem("spec_head_no_keys", line=_line_of(event, first_line)))


def _read_value(events: Iterator["Event"], first_line: int) -> Text | tuple[Text, ...] | None:
    from yaml.events import CollectionStartEvent, ScalarEvent, SequenceStartEvent

    event = next(events)
    if isinstance(event, ScalarEvent):
        return _read_text(event, first_line)
    if not isinstance(event, CollectionStartEvent):
        return None
    members = _read_members(events, first_line)
    if members is None or not isinstance(event, SequenceStartEvent):
        return None
    return tuple(_read_text(member, first_line) for member in members)


def _read_members(events: Iterator["Event"], first_line: int) -> list["ScalarEvent"] | None:
    """Read to the end of the collection that was just opened; None if it holds more than texts."""
    from yaml.events import CollectionEndEvent, CollectionStartEvent, ScalarEvent

    members: list[ScalarEvent] = []
    depth, flat = 1, True
    while depth:
        event = next(events)
        if isinstance(event, ScalarEvent):
            members.append(event)
            continue
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        flat = flat and not depth
        if depth > DEEPEST:
            # libyaml takes quadratic time over open brackets.
            raise InputError(Problem("spec_head_deep", line=_line_of(event, first_line)))
    return members if flat else None


def _read_text(event: "ScalarEvent", first_line: int) -> Text:
    # libyaml calls the style of a bare word "", PyYAML's own parser None.
    empty = not event.style and event.value in _EMPTY_WORDS
    return Text(event.value, _line_of(event, first_line), empty)


def _line_of(event: "Event", first_line: int) -> int:
    return first_line + (event.start_mark.line if event.start_mark else 0)
