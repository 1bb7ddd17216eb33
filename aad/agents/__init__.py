"""What runs a session: one agent a file, behind the interface of `base`."""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from aad.config import AGENT_KINDS, AGENT_NAME, OrchestratorConfig, split_names, split_words
from aad.errors import Problem
from aad.spec import Spec, SpecStatus

NO_LINES: Mapping[str, int] = MappingProxyType({})

# The programs of coding agents, by which a person recognises what is installed.
PROGRAMS = ("claude", "codex", "gemini", "opencode", "qwen", "pi")


def find_names(spec: Spec, config: OrchestratorConfig) -> tuple[str, ...]:
    """Return the names of the agents that may run a spec, in their order: its own `run` is a command's."""
    if spec.agent is None and spec.run is not None:
        return ("command",)
    return split_names(spec.agent or config.agent.kind)


def find_kind(name: str, config: OrchestratorConfig) -> str:
    """Return the kind of an agent by its name."""
    options = config.agents.get(name)
    return name if options is None or not options.kind else options.kind


def check_runnable(
    specs: Iterable[Spec], config: OrchestratorConfig, *, agent_lines: Mapping[str, int] = NO_LINES
) -> list[Problem]:
    """Return a problem for each spec that names an unknown agent, or leaves open what to run.

    `agent_lines` says by id in which line of its file a spec names its agent.
    """
    return [
        problem
        for spec in specs
        if spec.status is not SpecStatus.COMPLETE
        for problem in (
            *_check_agents(spec, config, agent_lines.get(spec.id, 1)),
            _check_work(spec, config),
            _check_program(spec, config),
        )
        if problem is not None
    ]


def _check_agents(spec: Spec, config: OrchestratorConfig, line: int) -> Iterator[Problem]:
    """Yield a problem for each name that no agent has, and for what is no name."""
    if spec.agent is None:
        return
    known = sorted({*AGENT_KINDS, *config.agents})
    fields = {"spec": spec.id, "known": ", ".join(known)}
    words = split_words(spec.agent)
    for name in dict.fromkeys(words):
        if not name and any(words):
            yield _place("agent_gap", {**fields, "agent": ", ".join(words)}, spec, line)
        elif name not in known:
            key = "agent_unknown" if re.fullmatch(AGENT_NAME, name) else "agent_unnamed"
            yield _place(key, {**fields, "agent": name}, spec, line)


def _check_work(spec: Spec, config: OrchestratorConfig) -> Problem | None:
    if spec.agent is not None and not split_names(spec.agent):
        return None  # whom it means nobody knows
    names = find_names(spec, config)
    commands = [name for name in names if find_kind(name, config) == "command"]
    if spec.run is not None and len(commands) < len(names):
        return _place("run_and_agent", {"spec": spec.id, "agent": spec.agent}, spec, 1)
    if spec.run is not None or all(_has_command(name, config) for name in commands):
        return None
    found = ", ".join(detect_agents()) or "-"
    return _place("nothing_to_run", {"spec": spec.id, "found": found}, spec, 1)


def _check_program(spec: Spec, config: OrchestratorConfig) -> Problem | None:
    """Return a problem for a spec whose agent speaks a protocol, and may be any program."""
    strangers = (name for name in find_names(spec, config) if find_kind(name, config) == "acp")
    unknown = next((name for name in strangers if not _has_program(name, config)), None)
    return None if unknown is None else _place("acp_no_command", {"spec": spec.id, "agent": unknown}, spec, 1)


def _has_program(name: str, config: OrchestratorConfig) -> bool:
    return name in config.agents and bool(config.agents[name].command)


def _has_command(name: str, config: OrchestratorConfig) -> bool:
    return bool(config.agent.command) or _has_program(name, config)


def _place(key: str, fields: Mapping[str, object], spec: Spec, line: int) -> Problem:
    return Problem(key, fields, spec.path, None if spec.path is None else line)


def detect_agents() -> tuple[str, ...]:
    """Return the coding agents found on PATH."""
    return tuple(name for name in PROGRAMS if shutil.which(name) is not None)
