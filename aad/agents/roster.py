"""The agents of a project as its settings make them, and which of them may run a spec."""

from collections.abc import Callable, Mapping
from functools import cached_property

from attrs import evolve, field, frozen

from aad.agents import find_kind, find_names
from aad.agents.acp import AcpAgent
from aad.agents.base import Agent, Caps, allowed_environment, quiet_git
from aad.agents.claude import ClaudeAgent
from aad.agents.claude_live import LiveClaudeAgent
from aad.agents.codex import CodexAgent
from aad.agents.codex_live import LiveCodexAgent
from aad.agents.command import CommandAgent
from aad.agents.function import FunctionAgent
from aad.agents.gemini import GeminiAgent
from aad.agents.opencode import OpencodeAgent
from aad.agents.pi import PiAgent
from aad.agents.qwen import QwenAgent
from aad.budget import Bounds
from aad.config import AgentOptions, OrchestratorConfig, split_names
from aad.spec import Spec

KINDS: Mapping[str, Callable[..., Agent]] = {
    "acp": AcpAgent,
    "claude": ClaudeAgent,
    "codex": CodexAgent,
    "gemini": GeminiAgent,
    "opencode": OpencodeAgent,
    "pi": PiAgent,
    "qwen": QwenAgent,
}
# Those that can ask while they work, where their options say `live`.
LIVE: Mapping[str, Callable[..., Agent]] = {
    "claude": LiveClaudeAgent,
    "codex": LiveCodexAgent,
}
NO_CAPS = Caps(streams=False)


@frozen(kw_only=True)
class Player:
    """An agent ready to run a session: with the environment that its children get, and its bounds."""

    agent: Agent | FunctionAgent
    # What is started for it, of an agent that is not there.
    program: str = ""
    env: Mapping[str, str] = field(factory=dict, repr=False)
    bounds: Bounds = field(factory=Bounds)

    @property
    def name(self) -> str:
        """The word by which config and spec files ask for it."""
        return self.agent.name

    @property
    def caps(self) -> Caps:
        """What it can do."""
        return NO_CAPS if isinstance(self.agent, FunctionAgent) else self.agent.caps


@frozen
class Roster:
    """Makes the players of a project, each once. `environ` is all that we know of the environment."""

    config: OrchestratorConfig
    environ: Mapping[str, str] = field(repr=False)
    _players: dict[str, Player] = field(factory=dict, init=False)

    def cast(self, spec: Spec) -> tuple[Player, ...]:
        """Return who may run a spec, in order."""
        return tuple(self._find(name) for name in find_names(spec, self.config))

    def wrap(self, agent: FunctionAgent) -> Player:
        """Return the player for a callable."""
        return Player(agent=agent, env=self.common)

    @cached_property
    def common(self) -> dict[str, str]:
        """The environment that every child gets."""
        return quiet_git(self._basis)

    @cached_property
    def _basis(self) -> dict[str, str]:
        settings = self.config.agent
        return {**allowed_environment(self.environ, settings.env_pass), **settings.env}

    def _find(self, name: str) -> Player:
        if name not in self._players:
            self._players[name] = self._make(name)
        return self._players[name]

    def _make(self, name: str) -> Player:
        kind, options = find_kind(name, self.config), fill_options(name, self.config)
        agent = (
            CommandAgent(options.command, name)
            if kind == "command"
            else find_maker(kind, options)(options=options, name=name)
        )
        added = allowed_environment(self.environ, (*agent.passes, *options.env_pass))
        return Player(
            agent=agent,
            program="" if kind == "command" else (options.command or (kind,))[0],
            env=quiet_git({**added, **self._basis, **options.env}),
            bounds=Bounds(options.max_turns or 0, options.max_tokens or 0, options.max_cost_usd or 0.0),
        )


def find_maker(kind: str, options: AgentOptions) -> Callable[..., Agent]:
    """Return what makes an agent of a kind; those that cannot be talked with are not."""
    return (options.live and LIVE.get(kind)) or KINDS[kind]


def fill_options(name: str, config: OrchestratorConfig) -> AgentOptions:
    """Return an agent's options, with what its own table leaves open as `[agent]` says."""
    own, common = config.agents.get(name, AgentOptions()), config.agent
    is_first = name == split_names(common.kind)[0]
    is_command = find_kind(name, config) == "command"
    return evolve(
        own,
        command=own.command or (common.command if is_command else ()),
        model=own.model or (common.model if is_first else ""),
        args=own.args or (common.args if is_first else ()),
        permissions=own.permissions or common.permissions,
        max_turns=common.max_turns if own.max_turns is None else own.max_turns,
        max_tokens=common.max_tokens if own.max_tokens is None else own.max_tokens,
        max_cost_usd=common.max_cost_usd if own.max_cost_usd is None else own.max_cost_usd,
    )
