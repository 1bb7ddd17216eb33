"""The `gemini` agent: Gemini CLI, how it is started and what it writes.

Its last word is the line `result`. Why it failed is best told by its exit code: an HTTP status modulo 256,
where one was to blame. Bounds and retries of its own are settings in the user's home, and stay theirs.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar

from attrs import define, field, frozen

from aad.agents.base import Caps, Command, Exit, Job, Verdict
from aad.agents.command import judge_exit
from aad.agents.prompt import compose_prompt
from aad.agents.reader import Final, Reader, Take, count_done, find_cause, find_cause_of_status
from aad.agents.records import Record, dig, dig_count, dig_records, dig_text
from aad.agents.talk import Opened, Planned, Said, Talk, ToolBegan, ToolEnded, Used
from aad.config import AgentOptions
from aad.events import Reason, Usage

# Of its approval modes only `yolo` lets it run commands without asking, and those reach the whole disk; its
# file tools stay in the workspace in all of them. So `sandbox` goes without commands.
MODES = {"sandbox": "auto_edit", "workspace": "yolo", "full": "yolo"}
FIXED = {"GEMINI_CLI_NO_RELAUNCH": "true"}
# With it set, the CLI takes itself for a CI job and keeps all AAD_* from its commands.
UNWANTED = "GITHUB_SHA"

# Exit codes of its own.
CODES = {41: Reason.AUTH, 42: Reason.SESSION_LOST, 53: Reason.MAX_TURNS}
DELAY = re.compile(r"(?:retry in|reset after) ((?:\d{1,9}(?:\.\d+)?(?:ms|h|m|s))+)", re.IGNORECASE)
STEP = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)", re.IGNORECASE)
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
# The parameters that say best on what a tool works.
DETAILS = ("command", "file_path", "dir_path", "path", "pattern", "query", "prompt")


@frozen
class GeminiAgent:
    """Runs Gemini CLI without a person in front of it."""

    options: AgentOptions
    name: str = "gemini"
    caps: ClassVar[Caps] = Caps(new_session=True, resumes=True, plans=True, tokens=True, sums_up=True)
    passes: ClassVar[tuple[str, ...]] = ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL")

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        allowed = {name: value for name, value in env.items() if name != UNWANTED}
        return Command(
            argv=self._write_argv(job),
            env={**FIXED, **allowed, **job.environment},
            cwd=str(job.workspace),
            stdin=compose_prompt(job, replies=False),
        )

    def _write_argv(self, job: Job) -> tuple[str, ...]:
        mode = MODES[self.options.permissions or "workspace"]
        old, new = job.agent_session, ("--session-id", job.new_session)
        return (
            *(self.options.command or ("gemini",)),
            *(("-m", self.options.model) if self.options.model else ()),
            *("-o", "stream-json", "--approval-mode", mode, "--skip-trust"),
            *(new if old is None else ("--resume", old)),
            *self.options.args,
        )

    def read(self) -> "GeminiReader":
        return GeminiReader()

    def judge(self, end: Exit) -> Verdict:
        return judge_exit(end)


def find_delay(words: str) -> float | None:
    """Return for how many seconds a text says to wait, by its last word on it."""
    found = DELAY.findall(words)
    if not found:
        return None
    return sum(float(number) * SECONDS[unit.lower()] for number, unit in STEP.findall(found[-1]))


def find_cause_of_exit(code: int | None) -> Reason | None:
    """Return what an exit code says; None for one that says nothing."""
    if code is None:
        return None
    return CODES.get(code) or find_cause_of_status(code + 256)


@define(eq=False, kw_only=True)
class GeminiReader(Reader):
    """Reads one attempt of Gemini CLI; by `clock` it knows when a limit ends, of which it hears how long."""

    clock: Callable[[], float] = time.time

    # Words come in pieces, and are whole where something else follows.
    pieces: list[str] = field(factory=list, init=False)
    words: str = field(default="", init=False)
    trouble: str = field(default="", init=False)
    result: Record | None = field(default=None, init=False)

    def take_start(self, record: Record) -> Iterator[Talk]:
        if session := dig_text(record, "session_id"):
            yield Opened(session_id=session, model=dig_text(record, "model") or None)

    def take_message(self, record: Record) -> Iterator[Talk]:
        if dig_text(record, "role") != "assistant":
            return
        if dig(record, "delta") is not True:
            yield from self._say()
        self.pieces.append(dig_text(record, "content"))

    def take_tool(self, record: Record) -> Iterator[Talk]:
        yield from self._say()
        name, given = dig_text(record, "tool_name"), dig(record, "parameters")
        detail = next(filter(None, (dig_text(given, key) for key in DETAILS)), "")
        yield ToolBegan(id=dig_text(record, "tool_id"), name=name, detail=detail)
        if name == "write_todos":
            yield _read_plan(given)

    def take_tool_end(self, record: Record) -> Iterator[Talk]:
        yield ToolEnded(id=dig_text(record, "tool_id"), ok=dig_text(record, "status") == "success")

    def take_error(self, record: Record) -> Iterable[Talk]:
        if dig_text(record, "severity") != "warning":
            self.trouble = dig_text(record, "message")
        return ()

    def take_result(self, record: Record) -> Iterator[Talk]:
        self.result = record
        yield from self._say()
        if isinstance(dig(record, "stats"), dict):
            yield Used(
                Usage(
                    input=dig_count(record, "stats", "input_tokens"),
                    cached=dig_count(record, "stats", "cached"),
                    output=dig_count(record, "stats", "output_tokens"),
                )
            )

    table: ClassVar[Mapping[str, Take]] = {
        "init": take_start,
        "message": take_message,
        "tool_use": take_tool,
        "tool_result": take_tool_end,
        "error": take_error,
        "result": take_result,
    }

    def conclude(self, end: Exit, errors: str) -> Final | None:
        message = dig_text(self.result, "error", "message") or self.trouble
        reason = find_cause_of_exit(end.code) or self._find_reason(message)
        if reason is None:
            return None if self.result is None else Final(text=self.words)
        wait = find_delay(f"{message}\n{errors}") if reason is Reason.RATE_LIMITED else None
        return Final(reason=reason, message=message, reset_at=None if wait is None else self.clock() + wait)

    def _find_reason(self, message: str) -> Reason | None:
        """Return why it failed, by its own last word."""
        if self.result is None or dig_text(self.result, "status") == "success":
            return None
        if self.trouble and dig(self.result, "error") is None:
            # An answer that was held back: an error, then a result that knows of none, and exit 0.
            return Reason.REFUSAL
        return find_cause(message)

    def _say(self) -> Iterator[Said]:
        words = "".join(self.pieces)
        self.pieces.clear()
        if words:
            self.words = words
            yield Said(words)


def _read_plan(given: object) -> Planned:
    """Return where the list stands; what was cancelled is not on it any more."""
    items = [item for item in dig_records(given, "todos") if dig_text(item, "status") != "cancelled"]
    done, total = count_done(items)
    at = (dig_text(item, "description") for item in items if dig_text(item, "status") == "in_progress")
    return Planned(done=done, total=total, current=next(at, None))
