"""Reads what `codex exec --json` writes. Knows nothing of how it was started.

Its last word is `turn.completed` or `turn.failed`. An item of the type `error` is a warning, and a line of
the type `error` may be no more than news of a retry.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta, tzinfo
from time import time as read_clock
from typing import ClassVar

from attrs import define, evolve, field

from aad.agents.base import Exit, Verdict
from aad.agents.reader import Final, Reader, Take, find_cause, find_cause_of_status
from aad.agents.records import Record, dig, dig_count, dig_records, dig_text, parse_record
from aad.agents.talk import Opened, Planned, Retrying, Said, Talk, ToolBegan, ToolEnded, Used
from aad.events import Reason, Usage

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# The date is left out of a time of the same day.
RESET = re.compile(
    r"try again at (?:([A-Z][a-z]{2})[a-z]* (\d{1,2})(?:st|nd|rd|th)?, (\d{4}) )?(\d{1,2}):(\d{2})\s?([AP]M)"
)
# A time of day that is so little ago, in seconds, is not tomorrow's: the text had its way to go, and has
# no seconds.
JUST_NOW = 300
RETRY = re.compile(r"Reconnecting\W+(\d+)/(\d+)\s*(.*)", re.DOTALL)
STATUS = re.compile(r"\bstatus:? (\d{3})\b")
# What stderr says where there is no word on stdout, the more telling first.
LOST = re.compile(r"no rollout found|session not found|thread not found", re.IGNORECASE)
# Where several begin at once in a home that is new, each makes the same database.
BUSY = re.compile(r"failed to initialize sqlite|database is locked", re.IGNORECASE)
SIGNED_OUT = re.compile(r"not logged in|missing environment variable", re.IGNORECASE)

REPLIES = frozenset({"done", "question", "failed"})


def find_reset(words: str, now: float, zone: tzinfo | None = None) -> float | None:
    """Return the time, in seconds since the epoch, at which a text says to try again.

    It names the minute, as the clocks of `zone` show it; None is the zone of this process.
    """
    found = RESET.search(words)
    if found is None:
        return None
    month, day, year, hour, minute, half = found.groups()
    today = datetime.fromtimestamp(now, tz=zone)
    try:
        clock = time(int(hour) % 12 + 12 * (half == "PM"), int(minute), tzinfo=zone)
        if month is not None:
            date = today.date().replace(int(year), MONTHS.index(month) + 1, int(day))
            return datetime.combine(date, clock).timestamp()
        dates = (today.date() + timedelta(days=ahead) for ahead in (-1, 0, 1))
        times = (datetime.combine(date, clock).timestamp() for date in dates)
        return next(at for at in times if at >= now - JUST_NOW)
    except (ValueError, OverflowError):
        return None


def find_reason(words: str) -> Reason:
    """Return what an error's words speak of: by the HTTP status if they tell one."""
    found = STATUS.search(words)
    told = None if found is None else find_cause_of_status(int(found[1]))
    return find_cause(words) if told is None else told


def parse_reply(words: str) -> Record | None:
    """Return the object of the form that was asked for, if a message is one."""
    reply = parse_record(words.encode(errors="replace"))
    return reply if reply is not None and dig_text(reply, "status") in REPLIES else None


def _tell_changes(item: Record) -> str:
    return " ".join(filter(None, (dig_text(change, "path") for change in dig_records(item, "changes"))))


def _tell_call(item: Record) -> str:
    return ".".join(filter(None, (dig_text(item, "server"), dig_text(item, "tool"))))


# A shell, its option, and the line.
SHELL_WORDS = 3
# Characters of a command that is taken apart at most. It takes the square of their number: of a million half
# a minute, in which nothing else goes on.
LONGEST_COMMAND = 10_000


def _unwrap(command: str) -> str:
    """Return the line that a shell is given, without the shell; one that is long is left as it is."""
    if len(command) > LONGEST_COMMAND:
        return command
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    return words[2] if len(words) == SHELL_WORDS and words[1] in {"-c", "-lc"} else command


# The kinds of items that are tool calls, and what each says of its matter.
TOOLS: Mapping[str, Callable[[Record], str]] = {
    "command_execution": lambda item: _unwrap(dig_text(item, "command")),
    "file_change": _tell_changes,
    "mcp_tool_call": _tell_call,
    "collab_tool_call": _tell_call,
    "web_search": lambda item: dig_text(item, "query"),
}


@define(eq=False, kw_only=True)
class CodexReader(Reader):
    """Reads one attempt of Codex; `clock` and `zone` are what it needs to know when a limit ends."""

    clock: Callable[[], float] = read_clock
    zone: tzinfo | None = None

    words: str | None = field(default=None, init=False)
    # The newest trouble that was not news of a retry.
    trouble: str = field(default="", init=False)
    end: Final | None = field(default=None, init=False)
    open: dict[str, None] = field(factory=dict, init=False)

    def take_thread(self, record: Record) -> Iterator[Talk]:
        if session := dig_text(record, "thread_id"):
            yield Opened(session_id=session)

    def take_item(self, record: Record) -> Iterator[Talk]:
        """Take in an item as it begins or changes."""
        kind = dig_text(record, "item", "type")
        if kind == "todo_list":
            yield self._read_plan(record)
        elif kind in TOOLS:
            yield from self._begin(record["item"], kind)

    def take_item_end(self, record: Record) -> Iterator[Talk]:
        kind = dig_text(record, "item", "type")
        if kind == "agent_message":
            yield from self._hear(dig_text(record, "item", "text"))
            return
        yield from self.take_item(record)
        if kind in TOOLS:
            yield self._finish_tool(record["item"])

    def take_error(self, record: Record) -> Iterator[Talk]:
        message = dig_text(record, "message")
        retry = RETRY.match(message)
        if retry is None:
            self.trouble = message
            return
        attempt, of, cause = retry.groups()
        yield Retrying(reason=find_reason(cause), attempt=int(attempt), of=int(of))

    def take_turn_end(self, record: Record) -> Iterator[Talk]:
        usage = dig(record, "usage")
        if isinstance(usage, dict):
            yield Used(
                Usage(
                    input=dig_count(usage, "input_tokens"),
                    cached=dig_count(usage, "cached_input_tokens"),
                    output=dig_count(usage, "output_tokens"),
                )
            )
        yield from self._close_tools()
        self.end = self._conclude_turn()

    def take_turn_failure(self, record: Record) -> Iterator[Talk]:
        yield from self._close_tools()
        self.end = self._explain(dig_text(record, "error", "message") or self.trouble)

    table: ClassVar[Mapping[str, Take]] = {
        "thread.started": take_thread,
        "item.started": take_item,
        "item.updated": take_item,
        "item.completed": take_item_end,
        "error": take_error,
        "turn.completed": take_turn_end,
        "turn.failed": take_turn_failure,
    }

    def conclude(self, end: Exit, errors: str) -> Final | None:
        if self.end is not None:
            return self.end
        if self.trouble:
            return self._explain(self.trouble)
        if end.signal is not None or end.code == 0:
            return None
        if found := LOST.search(errors):
            return Final(reason=Reason.SESSION_LOST, message=_line_of(errors, found))
        if found := SIGNED_OUT.search(errors):
            return Final(reason=Reason.AUTH, message=_line_of(errors, found))
        return None

    def close(self, end: Exit, errors: str) -> Verdict:
        verdict = super().close(end, errors)
        is_new = self.session_id is None and end.code not in (0, None)
        return evolve(verdict, transient=verdict.transient or (is_new and bool(BUSY.search(errors))))

    def _hear(self, words: str) -> Iterator[Said]:
        """Take in words; of the form that was asked for people get to read the summary."""
        self.words = words
        reply = parse_reply(words)
        if said := words if reply is None else dig_text(reply, "summary"):
            yield Said(said)

    def _read_plan(self, record: Record) -> Planned:
        items = list(dig_records(record, "item", "items"))
        left = [dig_text(item, "text") for item in items if dig(item, "completed") is not True]
        return Planned(done=len(items) - len(left), total=len(items), current=left[0] if left else None)

    def _begin(self, item: Record, kind: str) -> Iterator[ToolBegan]:
        name = dig_text(item, "id")
        if name not in self.open:
            self.open[name] = None
            yield ToolBegan(id=name, name=kind, detail=TOOLS[kind](item))

    def _finish_tool(self, item: Record) -> ToolEnded:
        name = dig_text(item, "id")
        del self.open[name]
        return ToolEnded(id=name, ok=dig_text(item, "status") not in {"failed", "declined"})

    def _close_tools(self) -> Iterator[ToolEnded]:
        """End what is open still: the end of a command that ran on beside the talk may be missing."""
        names = tuple(self.open)
        self.open.clear()
        yield from (ToolEnded(id=name) for name in names)

    def _conclude_turn(self) -> Final:
        if self.words is None:
            # So it looks when the model refuses: no word, no error, exit 0.
            return Final(reason=Reason.REFUSAL)
        return Final(text=self.words, reply=parse_reply(self.words))

    def _explain(self, message: str) -> Final:
        reason = find_reason(message)
        limited = reason is Reason.RATE_LIMITED
        reset_at = find_reset(message, self.clock(), self.zone) if limited else None
        return Final(reason=reason, message=message, reset_at=reset_at)


def _line_of(text: str, found: re.Match[str]) -> str:
    """Return the line in which something was found."""
    start = text.rfind("\n", 0, found.start()) + 1
    return text[start:].partition("\n")[0].strip()
