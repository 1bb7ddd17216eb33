"""Finds the lines on which the keys of a TOML text stand, which tomllib does not tell. Knows no settings.

The text must be valid. It is cut into statements, the shortest runs of lines that tomllib takes by
themselves, so that no grammar is written down here a second time.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

# The way to a value: names of keys, and numbers of items in lists.
Keys = tuple[str | int, ...]


def find_lines(text: str) -> dict[Keys, int]:
    """Return the first line of each key, table and item; lines count from 1."""
    lines: dict[Keys, int] = {}
    items: dict[Keys, int] = {}
    header: Keys = ()
    for line, statement, table in _split(text):
        if statement.lstrip().startswith("["):
            header = _enter(table, items)
            found = [header[:length] for length in range(1, len(header) + 1)]
        else:
            found = [(*header, *keys) for keys in _walk(table)]
        for keys in found:
            lines.setdefault(keys, line)
    return lines


def nearest_line(lines: dict[Keys, int], keys: Keys) -> int | None:
    """Return the line of a value, or of the nearest table around it that has one."""
    while keys and keys not in lines:
        keys = keys[:-1]
    return lines.get(keys)


def _split(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield each statement with its first line and what it says by itself."""
    statement, first = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        first = first if statement else number
        statement += line + "\n"
        try:
            table = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # A list or a text that ends on a later line.
        yield first, statement, table
        statement = ""


def _enter(table: dict[str, Any], items: dict[Keys, int]) -> Keys:
    """Return the way into the table that a header opens; `items` counts those of lists of tables."""
    keys: Keys = ()
    while table:
        [(key, inner)] = table.items()
        keys = (*keys, key)
        if isinstance(inner, list):
            items[keys] = items.get(keys, -1) + 1
            inner = inner[0]
        keys = (*keys, items[keys]) if keys in items else keys
        table = inner
    return keys


def _walk(value: object) -> Iterator[Keys]:
    """Yield the ways to all that a value holds."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (key,)
        yield from ((key, *keys) for keys in _walk(part))
