"""The keys that a spec's front matter may hold, and their types. Knows neither YAML nor the body."""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, get_args

from attrs import evolve, field, frozen

from aad.config import Isolation
from aad.errors import InputError, Problem
from aad.formats.faults import show
from aad.formats.frontmatter import Entry, Text
from aad.units import parse_duration

MOST_RETRIES = 1000
LARGEST_PRIORITY = 1_000_000
ISOLATIONS: tuple[str, ...] = get_args(Isolation)


@frozen(kw_only=True)
class Settings:
    """What a head says. `None`: nothing, so that the body or the config may."""

    id: Text | None = None
    title: str | None = None
    status: Text | None = None
    depends_on: tuple[Text, ...] | None = None
    conflicts_with: tuple[Text, ...] = ()
    agent: tuple[Text, ...] | None = None
    run: str | tuple[str, ...] | None = None
    verify: str | tuple[str, ...] | None = None
    isolation: str | None = None
    timeout: float | None = None
    stall_timeout: float | None = None
    retries: int | None = None
    estimate: float | None = None
    priority: int = 0
    paths: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=(), repr=False)


def read_settings(entries: Iterable[Entry]) -> Settings:
    """Return what the entries of a head say, with a problem for each that is at fault."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    first_lines: dict[str, int] = {}
    for entry in entries:
        try:
            _refuse_second(entry, first_lines)
            if not entry.key.startswith("x-") and not _says_nothing(entry):
                values[entry.key] = _find_reader(entry)(entry)
        except InputError as error:
            problems += error.problems
    return Settings(**values, problems=tuple(problems))


def _refuse_second(entry: Entry, first_lines: dict[str, int]) -> None:
    """Refuse a key that stands in the head already: YAML's loaders let the last one win in silence."""
    if entry.key in first_lines:
        fields = {"key": show(entry.key), "first": first_lines[entry.key]}
        raise InputError(Problem("spec_key_twice", fields, line=entry.line))
    first_lines[entry.key] = entry.line


def _says_nothing(entry: Entry) -> bool:
    # `depends_on:` without a value says that there are none; any other key without one is left open.
    empty = isinstance(entry.value, Text) and entry.value.empty
    return empty and entry.key in _READERS and entry.key != "depends_on"


def _find_reader(entry: Entry) -> Callable[[Entry], object]:
    if (reader := _READERS.get(entry.key)) is not None:
        return reader
    near = get_close_matches(entry.key.replace("-", "_").lower(), _READERS, n=1)
    if near:
        fields = {"key": show(entry.key), "near": near[0]}
        raise InputError(Problem("spec_key_unknown_near", fields, line=entry.line))
    raise InputError(Problem("spec_key_unknown", {"key": show(entry.key)}, line=entry.line))


def _read_text(entry: Entry) -> Text:
    if isinstance(entry.value, Text):
        return entry.value
    raise InputError(Problem("spec_value_text", {"key": entry.key}, line=entry.line))


def _read_line(entry: Entry) -> str:
    return " ".join(_read_text(entry).value.split())


def _read_texts(entry: Entry) -> tuple[Text, ...]:
    if entry.value is None:
        raise InputError(Problem("spec_value_texts", {"key": entry.key}, line=entry.line))
    texts = (entry.value,) if isinstance(entry.value, Text) else entry.value
    return tuple(text for text in texts if not text.empty)


def _read_agents(entry: Entry) -> tuple[Text, ...]:
    """Read the names of agents: an item that says nothing is an empty name, which is refused elsewhere."""
    if isinstance(entry.value, tuple):
        return tuple(evolve(text, value="") if text.empty else text for text in entry.value)
    return _read_texts(entry)


def _read_paths(entry: Entry) -> tuple[str, ...]:
    return tuple(text.value for text in _read_texts(entry))


def _read_command(entry: Entry) -> str | tuple[str, ...]:
    match entry.value:
        case Text(value=line) if line.strip():
            return line
        case (Text(value=program), *_) as words if program:
            return tuple(word.value for word in words)
    raise InputError(Problem("spec_value_command", {"key": entry.key}, line=entry.line))


def _read_isolation(entry: Entry) -> str:
    word = _read_text(entry).value.strip()
    if word in ISOLATIONS:
        return word
    fields = {"key": entry.key, "value": show(word), "known": ", ".join(ISOLATIONS)}
    raise InputError(Problem("spec_value_choice", fields, line=entry.line))


def _read_duration(entry: Entry) -> float:
    text = _read_text(entry).value
    try:
        return parse_duration(text)
    except ValueError:
        fields = {"key": entry.key, "value": show(text)}
        raise InputError(Problem("spec_value_duration", fields, line=entry.line)) from None


def _read_retries(entry: Entry) -> int:
    return _read_number(entry, "spec_value_count", r"[0-9]{1,9}", MOST_RETRIES)


def _read_priority(entry: Entry) -> int:
    return _read_number(entry, "spec_value_integer", r"[+-]?[0-9]{1,9}", LARGEST_PRIORITY)


def _read_number(entry: Entry, key: str, pattern: str, limit: int) -> int:
    text = _read_text(entry).value.strip()
    if re.fullmatch(pattern, text) and abs(number := int(text)) <= limit:
        return number
    fields = {"key": entry.key, "value": show(text), "limit": limit}
    raise InputError(Problem(key, fields, line=entry.line))


_READERS: dict[str, Callable[[Entry], object]] = {
    "id": _read_text,
    "title": _read_line,
    "depends_on": _read_texts,
    "conflicts_with": _read_texts,
    "status": _read_text,
    "agent": _read_agents,
    "run": _read_command,
    "verify": _read_command,
    "isolation": _read_isolation,
    "timeout": _read_duration,
    "stall_timeout": _read_duration,
    "retries": _read_retries,
    "estimate": _read_duration,
    "priority": _read_priority,
    "paths": _read_paths,
}
