"""Takes in the lines of Claude Code, and of what speaks in its manner (`qwen` does).

Sub-agents speak in the same stream, with the tool call that began them beside their words: what they do
counts as tools, but their words and plans are not the session's. A stream may hold several results, one for
each turn that a sub-agent's end began: the last one counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from attrs import define, evolve, field

from aad.agents.base import Exit
from aad.agents.reader import Final, Reader, Take, count_done, find_cause, find_cause_of_status
from aad.agents.records import Record, dig, dig_count, dig_number, dig_records, dig_text
from aad.agents.talk import Denied, Limited, Opened, Planned, Retrying, Said, Talk, ToolBegan, ToolEnded, Used
from aad.events import Reason, Usage

# What a tool is called for: the first of these that its input has.
DETAILS = (
    "command", "file_path", "absolute_path", "notebook_path", "pattern", "path", "url", "query", "skill",
    "subject", "description",
)  # fmt: skip

# What a child exits with that ends in an orderly way after a SIGTERM.
TERMINATED = 143

# How a failed result says what came in the way, by its subtype and by why the turn ended.
NAMED_CAUSES: Mapping[str, Reason] = {
    "error_max_turns": Reason.MAX_TURNS,
    "error_max_budget_usd": Reason.BUDGET,
    "max_turns": Reason.MAX_TURNS,
    "budget_exhausted": Reason.BUDGET,
    "aborted_streaming": Reason.INTERRUPTED,
    "aborted_tools": Reason.INTERRUPTED,
}


def tell_line(words: str) -> re.Pattern[str]:
    """Return a pattern of the whole line in which words stand."""
    return re.compile(f"^.*(?:{words}).*$", re.IGNORECASE | re.MULTILINE)


def is_from_main(record: Record) -> bool:
    """Tell whether a line is the session's own, not a sub-agent's."""
    return dig(record, "parent_tool_use_id") is None


def explain_failure(record: Record) -> str:
    """Return the words of a result that is none."""
    errors = dig(record, "errors")
    listed = [item for item in errors if isinstance(item, str)] if isinstance(errors, list) else []
    return dig_text(record, "result") or dig_text(record, "error", "message") or "\n".join(listed)


def begin_tool(block: Record) -> ToolBegan:
    """Return what a model's call of a tool opens."""
    words = (dig_text(block, "input", name) for name in DETAILS)
    return ToolBegan(
        id=dig_text(block, "id"), name=dig_text(block, "name"), detail=next(filter(None, words), "")
    )


def tell_retry(told: Record, *, of: str, wait: str, reason: Reason = Reason.UNKNOWN) -> Retrying:
    """Return a retry whose count and whose wait, in milliseconds, stand under these names."""
    delay = dig_number(told, wait)
    return Retrying(
        reason=reason,
        attempt=dig_count(told, "attempt") or None,
        of=dig_count(told, of) or None,
        delay=None if delay is None else delay / 1000,
    )


@define(eq=False)
class MessageReader(Reader):
    """Reads lines that hold a model's messages, block by block. A kind of it adds to `table`.

    `reply_name` is where a result has the object that the agent was asked to end with. `telling` are lines
    that say why a session failed: they stand on stderr where there is no result, or in the result itself.
    """

    reply_name: ClassVar[str]
    telling: ClassVar[tuple[tuple[Reason, re.Pattern[str]], ...]]

    _word: Final | None = field(default=None, init=False)
    _denied: set[str] = field(factory=set, init=False)

    def kind_of(self, record: Record) -> str:
        """Return a line's type, which for the system's own is in two parts."""
        kind = dig_text(record, "type")
        return f"system/{dig_text(record, 'subtype')}" if kind == "system" else kind

    def take_init(self, record: Record) -> Iterator[Talk]:
        """Tell of a session once: each later turn begins in the same way."""
        session_id = dig_text(record, "session_id")
        if session_id and session_id != self.session_id:
            yield Opened(session_id=session_id, model=dig_text(record, "model") or None)

    def take_assistant(self, record: Record) -> Iterator[Talk]:
        for block in dig_records(record, "message", "content"):
            text = dig_text(block, "text")
            match dig_text(block, "type"):
                case "text" if text.strip() and is_from_main(record):
                    yield Said(text)
                case "tool_use" if dig_text(block, "id"):
                    yield begin_tool(block)

    def take_user(self, record: Record) -> Iterator[Talk]:
        for block in dig_records(record, "message", "content"):
            tool = dig_text(block, "tool_use_id")
            if tool and dig_text(block, "type") == "tool_result":
                yield ToolEnded(id=tool, ok=dig(block, "is_error") is not True)

    def take_denial(self, record: Record) -> Iterator[Talk]:
        """Tell of a denied call once: it may have a line of its own, and each result lists them all."""
        tool = dig_text(record, "tool_name")
        key = dig_text(record, "tool_use_id") or tool
        if key and key not in self._denied:
            self._denied.add(key)
            yield Denied(tool)

    def take_result(self, record: Record) -> Iterator[Talk]:
        self._word = self.judge_result(record)
        # Its words are in the call of a tool then.
        if words := dig_text(self._word.reply, "question") or dig_text(self._word.reply, "summary"):
            yield Said(words)
        usage = self.count_usage(record)
        if usage is not None:
            yield Used(usage)
        for denial in dig_records(record, "permission_denials"):
            yield from self.take_denial(denial)

    def judge_result(self, record: Record) -> Final:
        """Return what a result says; good is only what says so twice."""
        if dig(record, "is_error") is False and dig_text(record, "subtype") == "success":
            reply = dig(record, self.reply_name)
            return Final(text=dig_text(record, "result"), reply=reply if isinstance(reply, dict) else None)
        message = explain_failure(record)
        return Final(reason=self.find_reason(record, message), message=message)

    def find_reason(self, record: Record, message: str) -> Reason:  # noqa: ARG002 - a kind may look closer
        """Return why a result failed."""
        told = self.find_telling(message)
        return find_cause(message) if told is None or told.reason is None else told.reason

    def count_usage(self, record: Record) -> Usage | None:
        """Return the figure of a result, whose input has the cached tokens in it."""
        used = dig(record, "usage")
        if not isinstance(used, dict):
            return None
        return Usage(
            input=dig_count(used, "input_tokens"),
            cached=dig_count(used, "cache_read_input_tokens"),
            output=dig_count(used, "output_tokens"),
        )

    def find_telling(self, words: str) -> Final | None:
        """Return what the first telling line in some words says."""
        for reason, pattern in self.telling:
            found = pattern.search(words)
            if found is not None:
                return Final(reason=reason, message=found.group().strip())
        return None

    def conclude(self, end: Exit, errors: str) -> Final | None:  # noqa: ARG002 - a kind may look closer
        """Return the last result, else what stderr says in its place."""
        return self.find_telling(errors) if self._word is None else self._word

    table: ClassVar[Mapping[str, Take]] = {
        "system/init": take_init,
        "assistant": take_assistant,
        "user": take_user,
        "result": take_result,
    }


@define(eq=False)
class ClaudeReader(MessageReader):
    """Reads Claude Code's lines. Knows the plan by the tools that keep it: by task, or as a whole list."""

    reply_name: ClassVar[str] = "structured_output"
    telling: ClassVar[tuple[tuple[Reason, re.Pattern[str]], ...]] = (
        (Reason.SESSION_LOST, tell_line("no conversation found with session id")),
        (Reason.AUTH, tell_line("not logged in|invalid api key|please run /login")),
    )

    _tasks: dict[str, Record] = field(factory=dict, init=False)
    _reset_at: float | None = field(default=None, init=False)

    def take_own_assistant(self, record: Record) -> Iterator[Talk]:
        """Pass over words that claude puts into its model's mouth: the result has them as a failure."""
        if dig_text(record, "message", "model") == "<synthetic>":
            return
        yield from self.take_assistant(record)
        for block in dig_records(record, "message", "content"):
            if dig_text(block, "name") == "TodoWrite" and is_from_main(record):
                yield from _tell_plan(dig_records(block, "input", "todos"), named="content")

    def take_own_user(self, record: Record) -> Iterator[Talk]:
        yield from self.take_user(record)
        if is_from_main(record) and self._note_task(record):
            yield from _tell_plan(self._tasks.values(), named="subject")

    def _note_task(self, record: Record) -> bool:
        """Note what a tool's result says of a task, and tell whether it says anything new."""
        told = dig(record, "tool_use_result", "task")
        made = dig_text(told, "id")
        if made:
            return self._keep_task(made, {"status": "pending", **self._tasks.get(made, {}), **told})
        task_id = dig_text(record, "tool_use_result", "taskId")
        status = dig_text(record, "tool_use_result", "statusChange", "to")
        # A task of before a resume is not known, nor is how many there are: better no plan than a wrong one.
        if not status or task_id not in self._tasks:
            return False
        return self._keep_task(task_id, {**self._tasks[task_id], "status": status})

    def _keep_task(self, task_id: str, task: Record) -> bool:
        if task["status"] == "deleted":
            return self._tasks.pop(task_id, None) is not None
        known, self._tasks[task_id] = self._tasks.get(task_id), task
        return task != known

    def take_retry(self, record: Record) -> Iterator[Talk]:
        status = dig_number(record, "error_status")
        cause = find_cause_of_status(status) or find_cause(dig_text(record, "error").replace("_", " "))
        # Where no answer came, there is no status to tell.
        reason = Reason.NETWORK if status is None and cause is Reason.UNKNOWN else cause
        yield tell_retry(record, of="max_retries", wait="retry_delay_ms", reason=reason)

    def take_limit(self, record: Record) -> Iterator[Talk]:
        """Tell of a limit that is reached; one that is merely near, or that may be paid past, is none."""
        info = dig(record, "rate_limit_info")
        if dig_text(info, "status") != "rejected" or dig(info, "isUsingOverage") is True:
            return
        self._reset_at = dig_number(info, "resetsAt")
        yield Limited(self._reset_at)

    def judge_result(self, record: Record) -> Final:
        final = MessageReader.judge_result(self, record)
        return evolve(final, reset_at=self._reset_at) if final.reason is Reason.RATE_LIMITED else final

    def find_reason(self, record: Record, message: str) -> Reason:
        """Return why a result failed: what it says by name, then in words."""
        named = NAMED_CAUSES.get(dig_text(record, "subtype")) or NAMED_CAUSES.get(
            dig_text(record, "terminal_reason")
        )
        if named is not None:
            return named
        if dig_text(record, "stop_reason") == "refusal":
            return Reason.REFUSAL
        cause = find_cause_of_status(dig_number(record, "api_error_status"))
        return cause or MessageReader.find_reason(self, record, message)

    def count_usage(self, record: Record) -> Usage | None:
        """Return the sum over all models: `usage` alone leaves sub-agents out."""
        models = dig(record, "modelUsage")
        if not isinstance(models, dict):
            return None
        cached = sum(dig_count(used, "cacheReadInputTokens") for used in models.values())
        fresh = ("inputTokens", "cacheCreationInputTokens")
        return Usage(
            input=cached + sum(dig_count(used, name) for used in models.values() for name in fresh),
            cached=cached,
            output=sum(dig_count(used, "outputTokens") for used in models.values()),
            cost_usd=dig_number(record, "total_cost_usd"),
        )

    def conclude(self, end: Exit, errors: str) -> Final | None:
        final = MessageReader.conclude(self, end, errors)
        return Final(reason=Reason.KILLED) if final is None and end.code == TERMINATED else final

    table: ClassVar[Mapping[str, Take]] = {
        **MessageReader.table,
        "system/api_retry": take_retry,
        "system/permission_denied": MessageReader.take_denial,
        "assistant": take_own_assistant,
        "user": take_own_user,
        "rate_limit_event": take_limit,
    }


def _tell_plan(items: Iterable[Record], *, named: str) -> Iterator[Planned]:
    listed = list(items)
    if not listed:
        return
    done, total = count_done(listed)
    running = (dig_text(item, named) for item in listed if dig_text(item, "status") == "in_progress")
    yield Planned(done=done, total=total, current=next(running, "") or None)
