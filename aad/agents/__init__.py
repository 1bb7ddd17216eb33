"""What runs a session: one agent a file, behind the interface of `base`."""

import shutil
from collections.abc import Iterable

from aad.agents.base import Agent
from aad.agents.command import CommandAgent
from aad.config import AgentSettings
from aad.errors import Problem
from aad.spec import Spec, SpecStatus

# The programs of coding agents, by which a person recognises what is installed.
PROGRAMS = ("claude", "codex", "gemini", "opencode", "qwen", "pi")


def make_agent(settings: AgentSettings) -> Agent:
    """Return the agent that the settings ask for."""
    return CommandAgent(settings.command)


def check_runnable(specs: Iterable[Spec], settings: AgentSettings) -> list[Problem]:
    """Return a problem for each spec with nothing to run, where the settings do not say it either."""
    if settings.command:
        return []
    found = ", ".join(detect_agents()) or "-"
    return [
        Problem("nothing_to_run", {"spec": spec.id, "found": found}, path=spec.path)
        for spec in specs
        if spec.run is None and spec.status is not SpecStatus.COMPLETE
    ]


def detect_agents() -> tuple[str, ...]:
    """Return the coding agents found on PATH."""
    return tuple(name for name in PROGRAMS if shutil.which(name) is not None)
