"""The `opencode` agent: OpenCode's `run`, which tells of a step's tools and words once they are over.

Its exit status says nothing of how a turn ended: the reason of the last step does. Only a step that stops by
itself is a good end; one that ended for a tool call, and is followed by none, was stopped early.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import ClassVar

from attrs import define, evolve, field, frozen

from aad.agents.base import Caps, Command, Exit, Job, Verdict
from aad.agents.command import judge_exit
from aad.agents.prompt import compose_prompt
from aad.agents.reader import Final, Reader, Take, count_done, find_cause, find_cause_of_status
from aad.agents.records import Record, dig, dig_count, dig_number, dig_records, dig_text, parse_record
from aad.agents.talk import Denied, Opened, Planned, Said, Talk, ToolBegan, ToolEnded, Used
from aad.budget import add_usage
from aad.config import AgentOptions
from aad.events import Reason, Usage

# A rule that asks would end the run: nobody is there to answer, and what is asked counts as rejected.
FENCED = {"*": "allow", "external_directory": "deny"}
UNFENCED = {"*": "allow", "external_directory": "allow"}
FIXED = {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}
CONFIG = "OPENCODE_CONFIG_CONTENT"

# What the reason of a last step means; None is a good end.
ENDINGS = {"stop": None, "content-filter": Reason.REFUSAL, "length": Reason.NO_RESULT}
ERRORS = {
    "ProviderAuthError": Reason.AUTH,
    "MessageAbortedError": Reason.INTERRUPTED,
    "ContentFilterError": Reason.REFUSAL,
    "ContextOverflowError": Reason.INVALID_REQUEST,
}
REJECTED = "rejected permission"
FORBIDDEN = "prevents you from using"
LOST = re.compile(r"session not found\b", re.IGNORECASE)
# Where several begin at once in a home that is new, each makes the same tables of the same database.
LOCKED = re.compile(r"database is locked|Failed query:\s+(?:CREATE|ALTER) ", re.IGNORECASE)
BUSY = "its database was in use by another that began"

# What a tool call is about, by the names that tools give it, the more telling first.
TARGETS = ("command", "filePath", "path", "pattern", "query", "url", "description")


@frozen(kw_only=True)
class OpencodeAgent:
    """Starts OpenCode. Its file tools stay in the workspace, its commands may reach the whole disk."""

    options: AgentOptions
    name: str = "opencode"
    now: Callable[[], float] = time.time
    caps: ClassVar[Caps] = Caps(resumes=True, plans=True, tokens=True, cost=True)
    passes: ClassVar[tuple[str, ...]] = (
        "OPENCODE_API_KEY", "OPENCODE_CONFIG", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY",
        "OPENROUTER_API_KEY",
    )  # fmt: skip

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        own = {**FIXED, CONFIG: self._configure(env.get(CONFIG, ""))}
        return Command(
            argv=self._list_words(job.agent_session),
            env={**env, **own, **job.environment},
            cwd=str(job.workspace),
            stdin=compose_prompt(job, replies=False),
        )

    def _list_words(self, session: str | None) -> tuple[str, ...]:
        options = self.options
        model = ("-m", options.model) if options.model else ()
        resumed = () if session is None else ("-s", session)
        program = options.command or ("opencode",)
        return (*program, "run", "--format", "json", *model, *resumed, *options.args)

    def _configure(self, given: str) -> str:
        """Return the user's own settings, but with the permissions that ours grant."""
        rules = UNFENCED if self.options.permissions == "full" else FENCED
        return json.dumps({**(parse_record(given.encode(errors="replace")) or {}), "permission": rules})

    def read(self) -> "OpencodeReader":
        return OpencodeReader(now=self.now)

    def judge(self, end: Exit) -> Verdict:
        return judge_exit(end)


@define(eq=False)
class OpencodeReader(Reader):
    """Reads what `opencode run --format json` writes. `now` is the time since the epoch."""

    now: Callable[[], float] = field(default=time.time, kw_only=True)
    _ending: Final | None = field(default=None, init=False)
    _said: str = field(default="", init=False)
    # What the last step was not allowed to do, by nobody's leave.
    _rejected: str = field(default="", init=False)

    def _open(self, record: Record) -> Iterator[Talk]:
        """Tell of the session at the first line: each line names it, and none is there for that alone."""
        session_id = dig_text(record, "sessionID")
        if session_id and self.session_id is None:
            yield Opened(session_id=session_id)

    def _begin_step(self, record: Record) -> Iterator[Talk]:
        # What goes on has not ended, whatever was said before.
        self._ending, self._rejected = None, ""
        yield from self._open(record)

    def _hear(self, record: Record) -> Iterator[Talk]:
        yield from self._open(record)
        text = dig_text(record, "part", "text")
        if text.strip():
            self._said = text
            yield Said(text)

    def _see_tool(self, record: Record) -> Iterator[Talk]:
        """Tell of a tool call, of which the only line comes when it is over."""
        yield from self._open(record)
        part = dig(record, "part")
        name, state = dig_text(part, "tool"), dig(part, "state")
        call = dig_text(part, "callID")
        yield ToolBegan(id=call, name=name, detail=find_target(state))
        yield from self._find_denial(name, dig_text(state, "error"))
        yield ToolEnded(id=call, ok=went_well(state))
        if name == "todowrite" and dig(state, "status") == "completed":
            yield from find_plan(state)

    def _find_denial(self, tool: str, error: str) -> Iterator[Talk]:
        if REJECTED in error:
            self._rejected = error
        if REJECTED in error or FORBIDDEN in error:
            yield Denied(tool)

    def _end_step(self, record: Record) -> Iterator[Talk]:
        yield from self._open(record)
        part = dig(record, "part")
        ending = dig_text(part, "reason")
        if ending in ENDINGS:
            self._ending = Final(reason=ENDINGS[ending], text=self._said)
        yield Used(add_usage(self.usage or Usage(), count_step(part)))

    def _fail_run(self, record: Record) -> Iterator[Talk]:
        yield from self._open(record)
        error = dig(record, "error")
        name, message = dig_text(error, "name"), dig_text(error, "data", "message")
        reason = find_cause_of_status(dig_number(error, "data", "statusCode")) or ERRORS.get(name)
        reason = reason or find_cause(f"{name} {message}")
        wait = dig(error, "data", "responseHeaders", "retry-after") if reason is Reason.RATE_LIMITED else None
        reset_at = find_reset(wait, self.now())
        self._ending = Final(reason=reason, message=message or name, reset_at=reset_at)

    def close(self, end: Exit, errors: str) -> Verdict:
        verdict = super().close(end, errors)
        in_the_way = verdict.failure is not None and verdict.failure.message == BUSY
        return evolve(verdict, transient=verdict.transient or in_the_way)

    def conclude(self, end: Exit, errors: str) -> Final | None:
        if self._ending is not None:
            return self._ending
        lost = LOST.search(errors)
        if lost and self.session_id is None:
            return Final(reason=Reason.SESSION_LOST, message=lost[0])
        if LOCKED.search(errors) and self.session_id is None and end.code != 0:
            return Final(reason=Reason.EXIT_CODE, message=BUSY)
        if self._rejected and end.code == 0:
            return Final(reason=Reason.PERMISSION, message=self._rejected)
        return None

    table: ClassVar[Mapping[str, Take]] = {
        "step_start": _begin_step,
        "text": _hear,
        "tool_use": _see_tool,
        "step_finish": _end_step,
        "error": _fail_run,
    }


def find_target(state: object) -> str:
    """Return what a tool call is about: a command line, a path, else the title that it got."""
    found = (dig_text(state, "input", name) for name in TARGETS)
    return next((text for text in found if text), dig_text(state, "title"))


def went_well(state: object) -> bool:
    """Tell whether a tool call did; a command that was stopped has no exit code."""
    metadata = dig(state, "metadata")
    code = metadata.get("exit", 0) if isinstance(metadata, Mapping) else 0
    return bool(dig(state, "status") == "completed" and code == 0)


def find_plan(state: object) -> Iterator[Talk]:
    """Yield where the agent stands in the plan that it wrote."""
    items = list(dig_records(state, "input", "todos"))
    done, total = count_done(items)
    at = (dig_text(item, "content") for item in items if dig(item, "status") == "in_progress")
    if total:
        yield Planned(done=done, total=total, current=next(at, None))


def count_step(part: object) -> Usage:
    """Return what one step used; its counts leave each other out, and the sum of ours does not."""
    tokens = dig(part, "tokens")
    read, written = dig_count(tokens, "cache", "read"), dig_count(tokens, "cache", "write")
    return Usage(
        input=dig_count(tokens, "input") + read + written,
        cached=read,
        output=dig_count(tokens, "output") + dig_count(tokens, "reasoning"),
        # Of a model whose price it does not know it says 0.
        cost_usd=dig_number(part, "cost") or None,
    )


def find_reset(wait: object, now: float) -> float | None:
    """Return when a `retry-after` is over: it says how many seconds to wait, or until when."""
    if not isinstance(wait, str):
        return None
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", wait):
        return now + int(wait)
    try:
        until = parsedate_to_datetime(wait)
    except (ValueError, OverflowError):
        return None
    return (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp()
