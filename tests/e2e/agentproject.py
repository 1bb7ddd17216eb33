"""A project whose sessions are real agents, led to a scripted model; and what was said between them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from agentbox import AgentBox, needs
from gitproject import GitProject
from modelapis import Json
from modelserver import FarServer, model_server

# Those that can be made to end with an object of a given form.
REPLYING = frozenset({"claude", "codex", "qwen"})
# Those that take many seconds for what the others do in one or two.
SLOW = frozenset({"opencode", "pi", "qwen"})
# From a session's worktree.
PROJECT = "../../../.."


def each_agent(*names: str) -> pytest.MarkDecorator:
    """Run a test with each of these as its `agent`, as far as they are installed; the slow ones as slow."""
    marks = {name: [*needs(name), *([pytest.mark.slow] if name in SLOW else [])] for name in names}
    return pytest.mark.parametrize("agent", [pytest.param(name, marks=marks[name]) for name in names])


def write(name: str, content: str = "made\n") -> Json:
    """Return the step of a model that writes a file."""
    return {"tool": "write", "args": {"path": name, "content": content}}


def run(line: str) -> Json:
    """Return the step of a model that runs a shell line."""
    return {"tool": "shell", "args": {"command": line}}


def reply(status: str, summary: str = "", question: str = "", options: Sequence[str] = ()) -> Json:
    """Return the step of a model that ends with the object that it was asked for."""
    told = {"status": status, "summary": summary, "question": question, "options": list(options)}
    return {"reply": told}


def finish(agent: str, words: str) -> Json:
    """Return the step of a model that is done and says so, in the form that its agent asks for."""
    return reply("done", words) if agent in REPLYING else {"text": words}


def wait_for_count(words: str, count: int) -> str:
    """Return a shell line that waits until so many lines of the run's journal have these words."""
    journal = f"{PROJECT}/.aad/runs/latest/journal.jsonl"
    return f"until [ $(grep -c '{words}' {journal}) -ge {count} ]; do sleep 0.02; done"


class AgentProject(GitProject):
    """A project in a repository; `agent` carries out its specs, and asks `server` what to do."""

    def __init__(self, folder: Path, agent: str, server: FarServer) -> None:
        super().__init__(folder / "project")
        self.agent = agent
        self.server = server
        self.box = AgentBox.build(folder / "box")

    def settle(self, *, kind: str = "", more: str = "", **tables: str) -> Self:
        """Write config/aad.toml: the lines of the tables `agent`, `orchestrator` and others, and `more`."""
        lines = {"agent": f"kind = {kind or self.agent!r}", "orchestrator": "monitor_interval = '50ms'"}
        told = {name: f"{lines.get(name, '')}\n{tables.get(name, '')}" for name in {**lines, **tables}}
        text = "\n".join(f"[{name}]\n{table}\n" for name, table in told.items())
        return self.config(f"{text}\n{self.options}\n{more}")

    @property
    def options(self) -> str:
        """The table of config/aad.toml that leads the agent to its model."""
        return self.box.configure(self.agent, self.server.url)

    def task(self, spec: str, **front: Any) -> Self:  # noqa: ANN401 - what YAML holds
        """Write a spec that has its agent play the scenario of the same name."""
        self.spec(spec, None, body=f"Make it. SCENARIO:{spec}\n", **front)
        return self.commit()

    # What became of it.

    def agent_sessions(self, spec: str = "A") -> list[str]:
        """Return the agent's own sessions that a spec's attempts were made in."""
        told = self.journal("session_progress")
        return [line["agent_session"] for line in told if line["spec"] == spec and "agent_session" in line]

    def played(self, spec: str = "A") -> list[tuple[int, int]]:
        """Return which steps of a scenario were asked for, and with what status they were answered."""
        told = self.server.requests
        return [(each["step"], each["status"]) for each in told if each["scenario"] == spec]

    def prompt(self, spec: str = "A", number: int = -1) -> str:
        """Return what stood last among the user's words in one of the requests."""
        texts = [each["texts"] for each in self.server.requests if each["scenario"] == spec]
        words: str = texts[number][-1]
        return words


@contextmanager
def staged(folder: Path, agent: str, scenarios: Mapping[str, Sequence[Json]]) -> Iterator[AgentProject]:
    """Run a model with these scenarios for as long as the block takes; give a project for its agent."""
    with model_server(scenarios, folder / "seen.jsonl") as server:
        yield AgentProject(folder, agent, server).settle()
