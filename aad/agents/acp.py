"""The `acp` agent: any program that speaks the Agent Client Protocol over its stdin and stdout.

Which program that is its `command` says: `gemini --acp`, `opencode acp`, `qwen --acp`, `vibe-acp`. It is told
what to do while it runs, and asks for leave by itself: no fence of its own is known.
"""

from collections.abc import Mapping
from typing import ClassVar

from attrs import frozen

from aad.agents.acp_leave import Fence
from aad.agents.acp_stream import AcpReader
from aad.agents.base import Caps, Command, Exit, Job, Verdict
from aad.agents.command import judge_exit
from aad.config import AgentOptions


@frozen
class AcpAgent:
    """Runs an agent that is talked with; what of the user's environment it needs, `env_pass` must say."""

    options: AgentOptions
    name: str = "acp"
    caps: ClassVar[Caps] = Caps(resumes=True, plans=True, tokens=True)
    passes: ClassVar[tuple[str, ...]] = ()

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        return Command(
            argv=(*self.options.command, *self.options.args),
            env={**env, **job.environment},
            cwd=str(job.workspace),
        )

    def read(self) -> None:
        """Return nothing: who takes in its lines answers them, too. See `speak`."""

    def speak(self, job: Job) -> AcpReader:
        permissions = self.options.permissions or "workspace"
        return AcpReader(job=job, model=self.options.model, fence=Fence.around(job, permissions))

    def judge(self, end: Exit) -> Verdict:
        return judge_exit(end)
