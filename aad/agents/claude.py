"""Claude Code, run for one session: its command line. What it writes is read by `claude_stream`."""

import json
from collections.abc import Iterator, Mapping
from typing import ClassVar

from attrs import frozen

from aad.agents.base import Caps, Command, Exit, Job, Verdict
from aad.agents.claude_stream import ClaudeReader
from aad.agents.command import judge_exit
from aad.agents.prompt import compose_prompt
from aad.agents.replies import write_schema
from aad.config import AgentOptions

# It offers the tools that keep a plan only where they are named. Naming those that write files would let
# them write anywhere.
ALLOWED_TOOLS = "Bash,TaskCreate,TaskUpdate"

# The user's own hooks, plug-ins and permission rules stay out: nobody watches what they do. The
# repository's count.
FIXED = (
    "-p", "--output-format", "stream-json", "--verbose", "--allowedTools", ALLOWED_TOOLS,
    "--setting-sources", "project", "--strict-mcp-config",
)  # fmt: skip

QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}


@frozen
class ClaudeAgent:
    """Runs `claude`, which keeps its file tools within the workspace, but not its shell.

    The permissions `sandbox` keep the shell there, too, and `full` asks it to hold back nothing.
    """

    options: AgentOptions
    name: str = "claude"
    caps: ClassVar[Caps] = Caps(
        new_session=True,
        resumes=True,
        plans=True,
        tokens=True,
        sums_up=True,
        cost=True,
        turns=True,
        budget=True,
        replies=True,
        sandbox=True,
        cumulative=True,
    )
    passes: ClassVar[tuple[str, ...]] = (
        "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CONFIG_DIR",
    )  # fmt: skip

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        return Command(
            argv=(*(self.options.command or ("claude",)), *self._words(job), *self.options.args),
            env={**QUIET, **env, **job.environment},
            cwd=str(job.workspace),
            stdin=compose_prompt(job, replies=True),
        )

    def _words(self, job: Job) -> Iterator[str]:
        yield from (*FIXED, *self._allow(job))
        if job.agent_session is not None:
            yield from ("--resume", job.agent_session)
        elif job.new_session:
            yield from ("--session-id", job.new_session)
        if self.options.model:
            yield from ("--model", self.options.model)
        if self.options.max_turns:
            yield from ("--max-turns", str(self.options.max_turns))
        if self.options.max_cost_usd:
            yield from ("--max-budget-usd", str(self.options.max_cost_usd))
        yield from ("--json-schema", write_schema())

    def _allow(self, job: Job) -> tuple[str, ...]:
        match self.options.permissions:
            case "full":
                return ("--dangerously-skip-permissions",)
            case "sandbox":
                return ("--permission-mode", "acceptEdits", "--settings", _write_sandbox(job))
        return ("--permission-mode", "acceptEdits")

    def read(self) -> ClaudeReader:
        return ClaudeReader()

    def judge(self, end: Exit) -> Verdict:
        return judge_exit(end)


def _write_sandbox(job: Job) -> str:
    """Return settings under which the shell writes to the workspace and to our events, or does not run."""
    sandbox = {
        "enabled": True,
        # Without this it would run unfenced where the fence cannot be put up.
        "failIfUnavailable": True,
        "autoAllowBashIfSandboxed": True,
        "allowUnsandboxedCommands": False,
        "filesystem": {"allowWrite": [str(job.events_file.parent)]},
    }
    return json.dumps({"sandbox": sandbox}, separators=(",", ":"))
