"""The options of a question as Claude Code and Codex offer them: labels, and what each of them means."""

from collections.abc import Iterable

from aad.agents.records import Record, dig_records, dig_text


def read_options(question: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels, which are what is answered, and what each means; what has no label is none."""
    options = [each for each in dig_records(question, "options") if dig_text(each, "label").strip()]
    labels = tuple(dig_text(option, "label") for option in options)
    return labels, describe_options(dig_text(option, "description") for option in options)


def describe_options(told: Iterable[str]) -> tuple[str, ...]:
    """Return what is told of each option, in their order; nothing at all where none says anything."""
    described = tuple(map(str.strip, told))
    return described if any(described) else ()
