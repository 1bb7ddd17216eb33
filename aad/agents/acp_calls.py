"""The tool calls of an agent that speaks the Agent Client Protocol, each of which it tells bit by bit."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from aad.agents.records import Record, dig, dig_text
from aad.agents.talk import Talk, ToolBegan, ToolEnded

# The parameters that say best on what a tool works.
DETAILS = ("command", "filePath", "file_path", "path", "pattern", "query", "url")


@define(eq=False)
class Calls:
    """What is known of the calls that have not ended, and which ever began."""

    _known: dict[str, dict[str, Any]] = field(factory=dict, init=False)
    _begun: set[str] = field(factory=set, init=False)

    @property
    def any_begun(self) -> bool:
        return bool(self._begun)

    def learn(self, told: object) -> Record:
        """Add to what is known of a call, and return all of it."""
        known = self._known.setdefault(dig_text(told, "toolCallId"), {})
        if isinstance(told, Mapping):
            known.update(told)
        return known

    def follow(self, call: Record) -> Iterator[Talk]:
        """Tell how far a call is."""
        name, status = dig_text(call, "toolCallId"), dig_text(call, "status")
        if status == "pending" and not set(dig(call, "rawInput") or ()) - {"cwd"}:
            return  # it is still being written
        yield from self.begin(call)
        if status in ("completed", "failed"):
            self._known.pop(name, None)
            yield ToolEnded(id=name, ok=status == "completed")

    def begin(self, call: Record) -> Iterator[Talk]:
        """Tell that a call is open, once: some are first heard of when they ask for leave, or end."""
        name = dig_text(call, "toolCallId")
        if name not in self._begun:
            self._begun.add(name)
            yield ToolBegan(id=name, name=dig_text(call, "kind") or "tool", detail=find_detail(call))


def find_title(call: Record) -> str:
    """Return by what people know a tool call."""
    return dig_text(call, "title") or dig_text(call, "kind") or "tool"


def find_detail(call: Record) -> str:
    """Return on what a tool works."""
    given = (dig_text(call, "rawInput", name) for name in DETAILS)
    return next(filter(None, given), "") or dig_text(call, "locations", 0, "path") or dig_text(call, "title")
