"""The `codex` agent where it is `live`: how its app server is started. `codex_server` talks with it."""

import json
from collections.abc import Mapping
from typing import ClassVar

from attrs import evolve, frozen

from aad.agents.base import Caps, Command, Exit, Job, Verdict
from aad.agents.codex import LOOKUPS, NO_TEMPORARY, PLANS, CodexAgent
from aad.agents.codex_server import CodexServerReader
from aad.agents.command import judge_exit
from aad.config import AgentOptions

# Without it the tool to ask by is there in plan mode only.
QUESTIONS = ("--enable", "default_mode_request_user_input")
# When it asks for leave, and what fences its commands. What the fence of `sandbox` forbids stays forbidden.
PERMISSIONS = {
    "sandbox": ("never", "workspace-write"),
    "workspace": ("on-request", "workspace-write"),
    "full": ("never", "danger-full-access"),
}


@frozen
class LiveCodexAgent:
    """Runs `codex app-server`, which asks while it works: what to do, and for leave to do it."""

    options: AgentOptions
    name: str = "codex"
    # It tells what it has used all the while.
    caps: ClassVar[Caps] = evolve(CodexAgent.caps, sums_up=False)
    passes: ClassVar[tuple[str, ...]] = CodexAgent.passes

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        # TOML has no pairs of surrogates, by which JSON would spell what is not ASCII.
        folders = json.dumps([str(job.events_file.parent)], ensure_ascii=False)
        return Command(
            argv=(
                *(self.options.command or ("codex",)),
                "app-server",
                *QUESTIONS,
                *PLANS,
                *LOOKUPS,
                *(NO_TEMPORARY if self._permissions == "sandbox" else ()),
                # The sandbox lets nothing else outside of the workspace be written.
                *("-c", f"sandbox_workspace_write.writable_roots={folders}"),
                *self.options.args,
            ),
            env={**env, **job.environment},
            cwd=str(job.workspace),
        )

    @property
    def _permissions(self) -> str:
        return self.options.permissions or "workspace"

    def read(self) -> None:
        """Return nothing: who takes in its lines answers them, too. See `speak`."""

    def speak(self, job: Job) -> CodexServerReader:
        approvals, sandbox = PERMISSIONS[self._permissions]
        thread = {"cwd": str(job.workspace), "approvalPolicy": approvals, "sandbox": sandbox}
        model = {"model": self.options.model} if self.options.model else {}
        return CodexServerReader(job=job, thread={**thread, **model})

    def judge(self, end: Exit) -> Verdict:
        return judge_exit(end)
