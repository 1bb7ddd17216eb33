"""What runs a session: one agent a file, behind the interface of `base`."""

import shutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from aad.config import KNOWN_AGENTS, AgentSettings
from aad.errors import Problem
from aad.spec import Spec, SpecStatus

if TYPE_CHECKING:
    from aad.agents.base import Agent

NO_LINES: Mapping[str, int] = MappingProxyType({})

# The programs of coding agents, by which a person recognises what is installed.
PROGRAMS = ("claude", "codex", "gemini", "opencode", "qwen", "pi")


def make_agent(settings: AgentSettings) -> "Agent":
    """Return the agent that the settings ask for."""
    # Here, not above: planning asks this package what is installed, and needs no agent itself.
    from aad.agents.command import CommandAgent

    return CommandAgent(settings.command)


def check_runnable(
    specs: Iterable[Spec], settings: AgentSettings, *, agent_lines: Mapping[str, int] = NO_LINES
) -> list[Problem]:
    """Return a problem for each spec that names an unknown agent, or leaves open what to run.

    `agent_lines` says by id in which line of its file a spec names its agent.
    """
    return [
        problem
        for spec in specs
        if spec.status is not SpecStatus.COMPLETE
        for problem in (_check_agent(spec, agent_lines.get(spec.id, 1)), _check_work(spec, settings))
        if problem is not None
    ]


def _check_agent(spec: Spec, line: int) -> Problem | None:
    if spec.agent is None or spec.agent in KNOWN_AGENTS:
        return None
    fields = {"spec": spec.id, "agent": spec.agent, "known": ", ".join(KNOWN_AGENTS)}
    return _place("agent_unknown", fields, spec, line)


def _check_work(spec: Spec, settings: AgentSettings) -> Problem | None:
    if spec.run is not None or settings.command:
        return None
    found = ", ".join(detect_agents()) or "-"
    return _place("nothing_to_run", {"spec": spec.id, "found": found}, spec, 1)


def _place(key: str, fields: Mapping[str, object], spec: Spec, line: int) -> Problem:
    return Problem(key, fields, spec.path, None if spec.path is None else line)


def detect_agents() -> tuple[str, ...]:
    """Return the coding agents found on PATH."""
    return tuple(name for name in PROGRAMS if shutil.which(name) is not None)
