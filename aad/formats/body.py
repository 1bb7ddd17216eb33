"""The body of a spec file: what its first heading, labels, lists and first table say. Knows no front matter.

A body of two pages takes milliseconds to parse, so it is first searched for the words that would matter.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from attrs import frozen

from aad.errors import InputError, Problem
from aad.formats.frontmatter import Text
from aad.formats.outline import Block, read_blocks
from aad.formats.references import Reference, Speaker, leads_elsewhere, read_prose
from aad.formats.statuswords import StatusWords

_SECTIONS = frozenset({"依存関係", "dependencies", "depends on"})
_DEPENDENCIES = frozenset({"依存", "依存タスク", "依存関係", "depends on"})
_STATUS = frozenset({"ステータス", "status"})
_HOURS = frozenset({"推定時間", "推定工数", "見積もり", "見積時間", "estimate", "estimated time"})
_SIZE = frozenset({"複雑度", "complexity"})

_NAMES = "|".join(sorted(_DEPENDENCIES | _STATUS | _HOURS | _SIZE, key=len, reverse=True))
_LABEL = re.compile(
    rf"\s*(?P<bold>\*\*)?(?P<name>{_NAMES})\s*:?\s*(?(bold)\*\*)\s*:?\s*(?P<value>.*)", re.IGNORECASE
)

# What a body must hold for there to be anything to find.
_CLUES = {
    "heading": re.compile(r"^ {0,3}(?:#|=+\s*$|-+\s*$)", re.MULTILINE),
    "status": re.compile("ステータス|status", re.IGNORECASE),
    "dependencies": re.compile("依存|depend", re.IGNORECASE),
    "weight": re.compile("推定|見積|複雑度|estimate|complexity", re.IGNORECASE),
}
_OPENING_HEADING = re.compile(
    r"\s*^ {0,3}(?P<level>#{1,6})[ \t]+(?P<text>.+?)(?:[ \t]+#+)?[ \t]*$", re.MULTILINE
)

_SPAN = re.compile(
    r"(?P<low>\d+(?:\.\d+)?)(?:\s*[-~〜\u2013]\s*(?P<high>\d+(?:\.\d+)?))?"
    r"\s*(?P<unit>分|時|日|週|(?:m|min|mins|minutes?|h|hr|hrs|hours?|d|days?|w|weeks?)(?![a-z]))",
    re.IGNORECASE | re.ASCII,
)
_UNITS = {"分": 1 / 60, "m": 1 / 60, "時": 1.0, "h": 1.0, "日": 8.0, "d": 8.0, "週": 40.0, "w": 40.0}
_SIZE_WORD = re.compile(r"(?<![A-Za-z])(?:XL|[SML])(?![A-Za-z])")
_SIZES = {"S": 1.0, "M": 2.0, "L": 4.0, "XL": 8.0}


@frozen
class Heading:
    """A heading's text, the line it stands in, and its level from 1."""

    value: str
    line: int
    level: int


@frozen(kw_only=True)
class Body:
    """What a body says of the topics that were asked for. `weight` is in hours of people."""

    heading: Heading | None = None
    status: Text | None = None
    references: tuple[Reference, ...] = ()
    weight: float | None = None
    problems: tuple[Problem, ...] = ()


@frozen
class _Statement:
    """A name and its value, from a label or from a row of the first table.

    `trusted`: said in a way that can mean nothing else, a bold label or the row of a task's own table.
    """

    name: str
    value: str
    line: int
    is_row: bool
    trusted: bool


def read_body(text: str, first_line: int, *, own: str, topics: Collection[str], words: StatusWords) -> Body:
    """Return what a body says of some topics: `heading`, `status`, `dependencies`, `weight`."""
    heading = _peek_heading(text, first_line) if "heading" in topics else None
    unsettled = {topic for topic in topics if _CLUES[topic].search(text)}
    if heading is not None:
        unsettled.discard("heading")
    if not unsettled:
        return Body(heading=heading)
    blocks = tuple(read_blocks(text, first_line))
    statements = tuple(_find_statements(blocks))
    needs = _find_needs(blocks, statements) if "dependencies" in unsettled else ()
    references, problems = _read_references(needs, own)
    return Body(
        heading=_find_heading(blocks) if "heading" in unsettled else heading,
        status=_find_status(statements, words) if "status" in unsettled else None,
        references=references,
        weight=_find_weight(blocks, statements) if "weight" in unsettled else None,
        problems=problems,
    )


def _peek_heading(text: str, first_line: int) -> Heading | None:
    """Return the heading that a body opens with: what stands first needs no parser to be one."""
    match = _OPENING_HEADING.match(text)
    if match is None:
        return None
    line = first_line + text.count("\n", 0, match.start("text"))
    return Heading(match["text"], line, len(match["level"]))


def _find_heading(blocks: Iterable[Block]) -> Heading | None:
    return next(
        (Heading(block.text, block.line, block.level) for block in blocks if block.kind == "heading"), None
    )


def _find_statements(blocks: Iterable[Block]) -> Iterator[_Statement]:
    for block in blocks:
        if block.kind in ("paragraph", "item"):
            yield from _find_labels(block)
        elif block.table == 1 and len(block.cells) > 1:
            name, value = _fold(block.cells[0]), block.cells[1]
            own_table = block.kind == "row" and len(block.cells) == 2 and name == "ステータス"
            yield _Statement(name, value, block.line, is_row=True, trusted=own_table)


def _find_labels(block: Block) -> Iterator[_Statement]:
    for offset, line in enumerate(block.text.split("\n")):
        label = _LABEL.match(unicodedata.normalize("NFKC", line))
        if label is not None:
            name, bold = label["name"].casefold(), label["bold"] is not None
            yield _Statement(name, label["value"], block.line + offset, is_row=False, trusted=bold)


def _find_status(statements: Sequence[_Statement], words: StatusWords) -> Text | None:
    """Return the word for the status: a bold label's, else a row's. Other tables have such rows too."""
    said = [statement for statement in statements if statement.name in _STATUS]
    for statement in sorted(said, key=lambda statement: statement.is_row):
        known_row = statement.is_row and words.judge(statement.value) is not None
        if statement.trusted or known_row:
            return Text(statement.value, statement.line)
    return None


@frozen
class _Need:
    """Words that name dependencies. `listed`: in a list item or behind a label, not in a table."""

    text: str
    line: int
    listed: bool


def _find_needs(blocks: Iterable[Block], statements: Iterable[_Statement]) -> Iterator[_Need]:
    yield from _find_items(blocks)
    for statement in statements:
        if statement.name in _DEPENDENCIES and (statement.is_row or statement.trusted):
            yield _Need(statement.value, statement.line, listed=not statement.is_row)


def _find_items(blocks: Iterable[Block]) -> Iterator[_Need]:
    """Yield the items of the sections and lists that name dependencies."""
    section, apart = 0, False
    for block in blocks:
        if block.kind == "heading":
            if not section or block.level <= section:
                section = block.level if _fold(block.text) in _SECTIONS else 0
            # Below the section's own heading another may say that its specs are not needed.
            apart = block.level > section and leads_elsewhere(block.text)
        elif block.kind == "item":
            needed = (section and not apart) or any(map(_is_label, block.above))
            if needed and not any(map(leads_elsewhere, block.above)):
                yield _Need(block.text, block.line, listed=True)


def _is_label(text: str) -> bool:
    """Return whether a text is only a bold label for dependencies, with its list below."""
    label = _LABEL.fullmatch(unicodedata.normalize("NFKC", text))
    return (
        label is not None
        and label["bold"] is not None
        and not label["value"]
        and label["name"].casefold() in _DEPENDENCIES
    )


def _read_references(needs: Iterable[_Need], own: str) -> tuple[tuple[Reference, ...], tuple[Problem, ...]]:
    found: dict[tuple[str, ...], Reference] = {}
    problems: list[Problem] = []
    for need in sorted(needs, key=lambda need: need.line):
        try:
            references = read_prose(need.text, Speaker(own, need.line), listed=need.listed)
        except InputError as error:
            problems += error.problems
            continue
        for reference in references:
            found.setdefault(reference.names, reference)
    return tuple(found.values()), tuple(problems)


def _find_weight(blocks: Sequence[Block], statements: Iterable[_Statement]) -> float | None:
    """Return the hours of people that the work may take; a size counts only where no time is given."""
    said = [(statement.name, statement.value) for statement in statements]
    said += [(_fold(block.text), below.text) for block, below in pairwise(blocks) if block.kind == "heading"]
    for names in (_HOURS, _SIZE):
        weights = (_read_hours(value) for name, value in said if name in names)
        if (weight := next(filter(None, weights), None)) is not None:
            return weight
    return None


def _read_hours(text: str) -> float | None:
    """Return the hours of `5-7時間`, `30分`, `2 days` or `M`: the middle of a span, eight to a day."""
    text = unicodedata.normalize("NFKC", text)
    if (span := _SPAN.search(text)) is not None:
        low, high = float(span["low"]), float(span["high"] or span["low"])
        return (low + high) / 2 * _UNITS[span["unit"][0].casefold()]
    size = _SIZE_WORD.search(text)
    return None if size is None else _SIZES[size[0]]


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip("*_`: \t").casefold()
