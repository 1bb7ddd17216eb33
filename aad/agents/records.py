"""Looks into what a stranger wrote: JSON of any shape, where each value may be missing or something else."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

# No count of anything.
LARGEST = 10**18

Record = Mapping[str, Any]


def parse_record(line: bytes) -> Record | None:
    """Return the object that a line holds, None where it holds none."""
    try:
        read = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def dig(value: object, *path: str | int) -> Any:  # noqa: ANN401 - it may be anything
    """Return what stands at a path of names and places, None where the path ends before."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def dig_text(value: object, *path: str | int) -> str:
    """Return the words at a path, none where there are none."""
    found = dig(value, *path)
    return found if isinstance(found, str) else ""


def read_id(record: Record) -> str | float | None:
    """Return the id of a request, to be repeated in its answer; raises TypeError, KeyError for none."""
    request = record["id"]
    if request is None or isinstance(request, str | int | float):
        return request
    raise TypeError


def dig_number(value: object, *path: str | int) -> float | None:
    """Return the finite number at a path; True and False are none."""
    found = dig(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    # Not `isfinite`, which fails for a number of hundreds of digits.
    return found if -LARGEST < found < LARGEST else None


def dig_count(value: object, *path: str | int) -> int:
    """Return the number at a path as one of things; 0 where there is none."""
    return max(0, int(dig_number(value, *path) or 0))


def dig_records(value: object, *path: str | int) -> Iterator[Record]:
    """Yield the objects of the list at a path."""
    found = dig(value, *path)
    if isinstance(found, list):
        yield from (item for item in found if isinstance(item, dict))
