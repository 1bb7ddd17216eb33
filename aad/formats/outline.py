"""Markdown as a list of blocks: headings, paragraphs, list items, rows of tables. Knows not what they mean.

What stands in a code fence, in HTML or in a quotation is no block.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from attrs import define, field, frozen

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


@frozen(kw_only=True)
class Block:
    """One block, as it is written.

    `kind` is heading, paragraph, item, header (the first row of a table) or row. `level` is a heading's.
    `above` are the words directly above an item's list and above the lists around it. `cells` are those of
    a row, `table` counts its tables from 1.
    """

    kind: str
    text: str = ""
    line: int
    level: int = 0
    above: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    table: int = 0


def read_blocks(text: str, first_line: int) -> Iterator[Block]:
    """Yield the blocks of a text that begins in a line of its file."""
    outline = _Outline(first_line)
    for token in _make_parser().parse(text):
        block = outline.take(token)
        if block is not None:
            yield block


@cache
def _make_parser() -> "MarkdownIt":
    # Imported here because front matter that says all, and `aad --help`, need no Markdown at all.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    # Blocks alone are wanted; emphasis and links would take a third of the time.
    parser.core.ruler.disable(["inline"])
    return parser


@define
class _Outline:
    """Takes the parser's tokens one by one and says which blocks they make."""

    first_line: int
    _quotes: int = field(default=0, init=False)
    _tables: int = field(default=0, init=False)
    _level: int = field(default=0, init=False)
    _line: int = field(default=0, init=False)
    _kind: str = field(default="", init=False)
    _above: str = field(default="", init=False)
    _lists: list[str] = field(factory=list, init=False)
    _cells: list[str] | None = field(default=None, init=False)

    def take(self, token: "Token") -> Block | None:
        """Take in one token; return the block that it completes."""
        match token.type:
            case "inline":
                return self._take_text(token)
            case "blockquote_open" | "blockquote_close":
                self._quotes += token.nesting
            case "heading_open" | "heading_close":
                self._level = int(token.tag[1:]) if token.nesting == 1 else 0
            case "bullet_list_open" | "ordered_list_open":
                self._lists.append(self._above)
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "table_open":
                self._tables += not self._quotes
                self._kind = "header"
            case "tr_open":
                self._cells = []
                self._line = self._find_line(token)
            case "tr_close":
                return self._end_row()
        if token.type not in ("paragraph_open", "paragraph_close", "heading_close"):
            self._above = ""
        return None

    def _find_line(self, token: "Token") -> int:
        return self.first_line + (token.map[0] if token.map else 0)

    def _take_text(self, token: "Token") -> Block | None:
        if self._cells is not None:
            self._cells.append(token.content)
            return None
        self._above = token.content
        if self._quotes:
            return None
        kind = "heading" if self._level else "item" if self._lists else "paragraph"
        above = tuple(self._lists)
        return Block(
            kind=kind, text=token.content, line=self._find_line(token), level=self._level, above=above
        )

    def _end_row(self) -> Block | None:
        row = Block(kind=self._kind, line=self._line, cells=tuple(self._cells or ()), table=self._tables)
        self._cells, self._kind = None, "row"
        return None if self._quotes else row
