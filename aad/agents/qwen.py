"""Qwen Code, run for one session: its command line, and how its lines differ from Claude Code's."""

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from attrs import define, frozen

from aad.agents.base import Caps, Command, Exit, Job, Verdict
from aad.agents.claude_stream import MessageReader, tell_line, tell_retry
from aad.agents.command import judge_exit
from aad.agents.prompt import compose_prompt
from aad.agents.reader import Final, Take
from aad.agents.records import Record, dig
from aad.agents.replies import write_schema
from aad.agents.talk import Talk
from aad.config import AgentOptions
from aad.events import Reason

# What it exits with once its bound of turns is reached.
TURNS_EXIT = 53


@define(eq=False)
class QwenReader(MessageReader):
    """Reads Qwen Code's lines. Where it gives up early there is no result: stderr says why."""

    reply_name: ClassVar[str] = "structured_result"
    telling: ClassVar[tuple[tuple[Reason, re.Pattern[str]], ...]] = (
        (Reason.MAX_TURNS, tell_line("reached max session turns")),
        (Reason.SESSION_LOST, tell_line("no saved session found with id")),
        # How it tells that a model refused: the model's own words it does not pass on.
        (Reason.REFUSAL, tell_line("empty response")),
    )

    def take_retry(self, record: Record) -> Iterator[Talk]:
        """Tell of a retry, of which it often leaves out the particulars."""
        yield tell_retry(dig(record, "data"), of="maxRetries", wait="delayMs")

    def conclude(self, end: Exit, errors: str) -> Final | None:
        final = MessageReader.conclude(self, end, errors)
        return Final(reason=Reason.MAX_TURNS) if final is None and end.code == TURNS_EXIT else final

    table: ClassVar[Mapping[str, Take]] = {**MessageReader.table, "system/retry": take_retry}


@frozen
class QwenAgent:
    """Runs `qwen`, which fences nothing in: its tools reach whatever the user does.

    It has no milder way in which a shell works unattended. The permissions `sandbox` put it into its own
    container; it ends at once where it has none.
    """

    options: AgentOptions
    name: str = "qwen"
    caps: ClassVar[Caps] = Caps(
        new_session=True,
        resumes=True,
        tokens=True,
        sums_up=True,
        turns=True,
        replies=True,
    )
    passes: ClassVar[tuple[str, ...]] = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        model = {"OPENAI_MODEL": self.options.model} if self.options.model else {}
        return Command(
            argv=(*(self.options.command or ("qwen",)), *self._words(job), *self.options.args),
            env={"QWEN_CODE_SUPPRESS_YOLO_WARNING": "1", **env, **model, **job.environment},
            cwd=str(job.workspace),
            stdin=compose_prompt(job, replies=True),
        )

    def _words(self, job: Job) -> Iterator[str]:
        yield from ("--auth-type", "openai", "-o", "stream-json", "--approval-mode", "yolo")
        if self.options.permissions == "sandbox":
            yield "--sandbox"
        if job.agent_session is not None:
            yield from ("--resume", job.agent_session)
        elif job.new_session:
            yield from ("--session-id", job.new_session)
        if self.options.max_turns:
            yield from ("--max-session-turns", str(self.options.max_turns))
        yield from ("--json-schema", write_schema())

    def read(self) -> QwenReader:
        return QwenReader()

    def judge(self, end: Exit) -> Verdict:
        return judge_exit(end)
