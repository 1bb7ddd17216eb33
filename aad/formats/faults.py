"""Faults in spec files as problems that are safe to show. Knows not where they are found."""

from aad.errors import Problem
from aad.spec import MAX_ID_BYTES, find_id_fault

LONGEST_SHOWN = 60


def escape(text: str) -> str:
    """Return a text with all that cannot be shown spelled out, so that nothing in it moves the cursor."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def show(text: str) -> str:
    """Return a text from a file as it may stand in a sentence: escaped, and not too long."""
    shown = escape(text)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."


def find_id_problem(word: str, line: int | None = None) -> Problem | None:
    """Return what keeps a word from being an id, if anything does."""
    fault = find_id_fault(word)
    return None if fault is None else Problem(fault, {"id": show(word), "limit": MAX_ID_BYTES}, line=line)
