"""The `codex` agent: how Codex is started. What it writes is read in `codex_stream`."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from attrs import frozen

from aad.agents.base import Caps, Command, Exit, Job, Verdict
from aad.agents.codex_stream import CodexReader
from aad.agents.command import judge_exit
from aad.agents.prompt import compose_prompt
from aad.agents.replies import write_schema
from aad.config import AgentOptions

# Values behind `-c` are TOML, and keep its quotes. Without these there is no plan to follow.
PLANS = ("-c", "tools.update_plan.enabled=true")
SETTINGS = ("-c", 'approval_policy="never"', *PLANS)
# What looks things up on the network by itself.
LOOKUPS = ("--disable", "plugins", "--disable", "apps", "--disable", "remote_plugin")

_FENCED = ("-s", "workspace-write")
NO_TEMPORARY = (
    "-c", "sandbox_workspace_write.exclude_slash_tmp=true",
    "-c", "sandbox_workspace_write.exclude_tmpdir_env_var=true",
)  # fmt: skip
# `workspace` leaves its commands the temporary folders, `sandbox` does not.
PERMISSIONS = {
    "sandbox": (*_FENCED, *NO_TEMPORARY),
    "workspace": _FENCED,
    "full": ("--dangerously-bypass-approvals-and-sandbox",),
}


@frozen
class CodexAgent:
    """Runs `codex exec`. It cannot write git's own folder: others commit what it leaves."""

    options: AgentOptions
    name: str = "codex"
    caps: ClassVar[Caps] = Caps(
        resumes=True, plans=True, tokens=True, sums_up=True, cumulative=True, replies=True, sandbox=True
    )
    passes: ClassVar[tuple[str, ...]] = ("CODEX_HOME", "CODEX_API_KEY", "OPENAI_API_KEY")

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        schema = job.folder / "reply.schema.json"
        return Command(
            argv=self._write_argv(job, schema),
            env={**env, **job.environment},
            cwd=str(job.workspace),
            stdin=compose_prompt(job, replies=True),
            files={schema: write_schema().encode()},
        )

    def _write_argv(self, job: Job, schema: Path) -> tuple[str, ...]:
        """Return its words.

        All options stand before `resume`, which knows but some of them; and of options that may be repeated
        (`-c`, `--disable`) it would take those behind it in place of those before.
        """
        return (
            *(self.options.command or ("codex",)),
            *("exec", "--json", "--skip-git-repo-check"),
            *PERMISSIONS[self.options.permissions or "workspace"],
            *SETTINGS,
            *LOOKUPS,
            # The sandbox lets nothing else outside of the workspace be written.
            *("--add-dir", str(job.events_file.parent)),
            *(("-m", self.options.model) if self.options.model else ()),
            *("--output-schema", str(schema)),
            *self.options.args,
            *(("resume", job.agent_session) if job.agent_session is not None else ()),
            "-",
        )

    def read(self) -> CodexReader:
        return CodexReader()

    def judge(self, end: Exit) -> Verdict:
        return judge_exit(end)
