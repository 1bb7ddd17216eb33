"""The `pi` agent, whose exit status says nothing: it is 0 for most of what goes wrong.

How the last message of its model ended is its final word. It has no permissions, no plan and no bounds of
its own: all its tools may reach the whole disk.
"""

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from attrs import define, field, frozen

from aad.agents.base import Caps, Command, Exit, Job, Verdict
from aad.agents.command import judge_exit
from aad.agents.prompt import compose_prompt
from aad.agents.reader import Final, Reader, Take, find_cause, find_cause_of_status
from aad.agents.records import Record, dig, dig_count, dig_number, dig_records, dig_text
from aad.agents.talk import Opened, Retrying, Said, Talk, ToolBegan, ToolEnded, Used
from aad.budget import add_usage
from aad.config import AgentOptions
from aad.events import Reason, Usage

FIXED = {"PI_OFFLINE": "1", "PI_TELEMETRY": "0"}

# What the end of a last message means; None is a good end.
ENDINGS = {"stop": None, "aborted": Reason.INTERRUPTED, "length": Reason.NO_RESULT}
# What a program exits with that ends itself on SIGTERM.
TERMINATED = 128 + 15
LOST = re.compile(r"No session found matching '[^'\n]*'")
# Said in plain words on stdout where a session belongs to another folder; then it just ends.
ELSEWHERE = "Session found in different project"

# What a tool call is about, by the names that tools give it, the more telling first.
TARGETS = ("command", "path", "pattern")


@frozen(kw_only=True)
class PiAgent:
    """Starts pi. A model is written `provider/model`, as it stands in pi's own lists."""

    options: AgentOptions
    name: str = "pi"
    caps: ClassVar[Caps] = Caps(resumes=True, tokens=True, cost=True)
    passes: ClassVar[tuple[str, ...]] = (
        "PI_CODING_AGENT_DIR", "ANTHROPIC_API_KEY", "ANTHROPIC_OAUTH_TOKEN", "GEMINI_API_KEY",
        "OPENAI_API_KEY", "OPENROUTER_API_KEY",
    )  # fmt: skip

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        options, session = self.options, job.agent_session
        resumed = () if session is None else ("--session", session)
        program = options.command or ("pi",)
        return Command(
            argv=(*program, "--mode", "json", *choose_model(options.model), *resumed, "-p", *options.args),
            env={**env, **FIXED, **job.environment},
            cwd=str(job.workspace),
            stdin=compose_prompt(job, replies=False),
        )

    def read(self) -> "PiReader":
        return PiReader()

    def judge(self, end: Exit) -> Verdict:
        return judge_exit(end)


def choose_model(model: str) -> tuple[str, ...]:
    """Return the words that choose a model; a provider may have slashes in the names of its models."""
    if not model:
        return ()
    provider, slash, name = model.partition("/")
    return ("--provider", provider, "--model", name) if slash else ("--model", model)


@define(eq=False)
class PiReader(Reader):
    """Reads what `pi --mode json` writes."""

    _ending: Final | None = field(default=None, init=False)
    _elsewhere: bool = field(default=False, init=False)

    def feed(self, line: bytes) -> list[Talk]:
        """Take in one line without its end; never raises, whatever it holds."""
        self._elsewhere = self._elsewhere or ELSEWHERE.encode() in line
        return super().feed(line)

    def _open(self, record: Record) -> Iterator[Talk]:
        session_id = dig_text(record, "id")
        if session_id:
            yield Opened(session_id=session_id)

    def _end_message(self, record: Record) -> Iterator[Talk]:
        message = dig(record, "message")
        if dig(message, "role") != "assistant":
            return
        texts = (dig_text(block, "text").strip() for block in dig_records(message, "content"))
        text = "\n".join(text for text in texts if text)
        self._ending = judge_message(message, text)
        if text:
            yield Said(text)
        yield Used(add_usage(self.usage or Usage(), count_message(message)))

    def _begin_tool(self, record: Record) -> Iterator[Talk]:
        found = (dig_text(record, "args", name) for name in TARGETS)
        detail = next((text for text in found if text), "")
        yield ToolBegan(id=dig_text(record, "toolCallId"), name=dig_text(record, "toolName"), detail=detail)

    def _end_tool(self, record: Record) -> Iterator[Talk]:
        yield ToolEnded(id=dig_text(record, "toolCallId"), ok=not dig(record, "isError"))

    def _retry(self, record: Record) -> Iterator[Talk]:
        # The message that failed was not the last one.
        self._ending = None
        delay = dig_number(record, "delayMs")
        yield Retrying(
            reason=find_cause_of(dig_text(record, "errorMessage")),
            attempt=dig_count(record, "attempt") or None,
            of=dig_count(record, "maxAttempts") or None,
            delay=None if delay is None else delay / 1000,
        )

    def conclude(self, end: Exit, errors: str) -> Final | None:
        if self._ending is not None:
            return self._ending
        if end.code == TERMINATED:
            return Final(reason=Reason.KILLED)
        lost = LOST.search(errors)
        if self.session_id is None and (lost or self._elsewhere):
            return Final(reason=Reason.SESSION_LOST, message=lost[0] if lost else ELSEWHERE)
        return None

    table: ClassVar[Mapping[str, Take]] = {
        "session": _open,
        "message_end": _end_message,
        "tool_execution_start": _begin_tool,
        "tool_execution_end": _end_tool,
        "auto_retry_start": _retry,
    }


def judge_message(message: object, text: str) -> Final | None:
    """Return what a message of the model means if it is the last one; None where more must follow."""
    ending = dig_text(message, "stopReason")
    error = dig_text(message, "errorMessage")
    if ending == "error":
        return Final(reason=find_cause_of(error), message=error)
    if ending not in ENDINGS:
        return None
    return Final(reason=ENDINGS[ending], text=text, message=error)


def find_cause_of(error: str) -> Reason:
    """Return the cause of an error, by the HTTP status that it may begin with, else by its words."""
    status = re.match(r"\d{3}\b", error)
    return (find_cause_of_status(int(status[0])) if status else None) or find_cause(error)


def count_message(message: object) -> Usage:
    """Return what one message used; its counts leave each other out, and the sum of ours does not."""
    usage = dig(message, "usage")
    read, written = dig_count(usage, "cacheRead"), dig_count(usage, "cacheWrite")
    return Usage(
        input=dig_count(usage, "input") + read + written,
        cached=read,
        output=dig_count(usage, "output"),
        # Of a model whose price it does not know it says 0.
        cost_usd=dig_number(usage, "cost", "total") or None,
    )
