"""The agents of a project as its settings make them, and which of them may run a spec."""

from collections.abc import Mapping
from typing import Any

import pytest

from aad.agents import check_runnable, find_kind, find_names
from aad.agents.base import GIT_SETTINGS, Caps, quiet_git
from aad.agents.claude import ClaudeAgent
from aad.agents.codex import CodexAgent
from aad.agents.command import CommandAgent
from aad.agents.function import ChildSession, FunctionAgent
from aad.agents.roster import KINDS, Player, Roster, fill_options
from aad.budget import Bounds
from aad.config import AGENT_KINDS, AgentOptions, AgentSettings, OrchestratorConfig
from aad.spec import Spec

SPEC = Spec(id="A")
ENVIRON = {"PATH": "/bin", "SECRET": "x", "ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "o", "PET": "cat"}


def configure(agents: Mapping[str, AgentOptions] | None = None, **agent: Any) -> OrchestratorConfig:  # noqa: ANN401 - AgentSettings' own types
    """Return settings of agents."""
    return OrchestratorConfig(agent=AgentSettings(**agent), agents=agents or {})


def make_player(name: str, config: OrchestratorConfig, environ: Mapping[str, str] = ENVIRON) -> Player:
    """Return the player of a name."""
    (player,) = Roster(config, environ).cast(Spec(id="A", agent=name))
    return player


# Who may run a spec.


@pytest.mark.parametrize(
    ("spec", "kind", "names"),
    [
        (Spec(id="A"), "command", ("command",)),
        (Spec(id="A"), "claude", ("claude",)),
        (Spec(id="A"), "claude, codex", ("claude", "codex")),
        (Spec(id="A", agent="codex"), "claude", ("codex",)),
        (Spec(id="A", agent="codex,claude"), "claude", ("codex", "claude")),
        (Spec(id="A", run="make"), "claude,codex", ("command",)),
        (Spec(id="A", run="make", agent="mine"), "claude", ("mine",)),
    ],
)
def test_a_spec_is_run_by_its_own_agents_else_by_its_run_else_by_all(
    spec: Spec, kind: str, names: tuple[str, ...]
) -> None:
    assert find_names(spec, configure(kind=kind)) == names


def test_an_agent_is_of_the_kind_that_it_is_named_for_unless_its_table_says_otherwise() -> None:
    config = configure({"fast": AgentOptions(kind="claude"), "codex": AgentOptions(model="x")})

    assert [find_kind(name, config) for name in ("fast", "codex", "pi")] == ["claude", "codex", "pi"]


def test_there_is_an_agent_for_each_kind_that_settings_may_name() -> None:
    assert {"command", *KINDS} == set(AGENT_KINDS)


# Players.


def test_players_come_in_the_order_of_the_names_and_each_is_made_once() -> None:
    roster = Roster(configure(kind="claude,codex"), {})

    first, second = roster.cast(SPEC), roster.cast(Spec(id="B", agent="codex,claude"))

    assert [type(player.agent) for player in first] == [ClaudeAgent, CodexAgent]
    assert [player.name for player in second] == ["codex", "claude"]
    assert (second[0] is first[1], second[1] is first[0]) == (True, True)


def test_two_agents_of_one_kind_are_two_players() -> None:
    config = configure({"fast": AgentOptions(kind="claude", model="f")}, kind="fast,claude", model="c")

    fast, claude = Roster(config, {}).cast(SPEC)

    assert (fast.agent, claude.agent) == (
        ClaudeAgent(fill_options("fast", config), "fast"),
        ClaudeAgent(fill_options("claude", config), "claude"),
    )


def test_a_player_can_do_what_its_agent_can() -> None:
    assert make_player("claude", configure()).caps == ClaudeAgent(AgentOptions()).caps


def test_a_command_of_ones_own_is_an_agent() -> None:
    config = configure({"mine": AgentOptions(kind="command", command=("mine", "-x"))}, command=("other",))

    assert make_player("mine", config).agent == CommandAgent(("mine", "-x"), "mine")
    assert make_player("command", config).agent == CommandAgent(("other",), "command")


def test_a_callable_is_a_player_that_says_nothing() -> None:
    async def work(session: ChildSession) -> None:
        """Do nothing."""

    player = Roster(configure(env_pass=("PATH",)), ENVIRON).wrap(FunctionAgent(work))

    assert (player.name, player.caps) == ("function", Caps(streams=False))
    assert player.env == quiet_git({"PATH": "/bin"})


# Environments.


def test_an_agent_gets_what_every_child_gets_and_its_own_keys() -> None:
    config = configure(env_pass=("PATH",))

    keys = {
        name: sorted(make_player(name, config).env.keys() & ENVIRON.keys())
        for name in ("claude", "codex", "command")
    }

    assert keys == {
        "claude": ["ANTHROPIC_API_KEY", "PATH"],
        "codex": ["OPENAI_API_KEY", "PATH"],
        "command": ["PATH"],
    }


def test_an_agents_table_adds_to_its_environment_and_has_the_last_word() -> None:
    options = AgentOptions(env_pass=("PE?",), env={"MODE": "own", "ONE": "1"})
    config = configure({"command": options}, env_pass=("PATH",), env={"MODE": "common", "TWO": "2"})

    env = make_player("command", config).env

    plain = quiet_git({"PATH": "/bin", "PET": "cat", "MODE": "own", "ONE": "1", "TWO": "2"})
    assert env == plain


def test_what_the_settings_give_every_child_is_not_undone_by_what_an_agent_is_passed() -> None:
    options = AgentOptions(env_pass=("PET",))

    env = make_player("command", configure({"command": options}, env={"PET": "dog"}, env_pass=())).env

    assert env == quiet_git({"PET": "dog"})


def test_every_agent_has_a_git_that_is_quiet() -> None:
    environ = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "x"}
    options = AgentOptions(env_pass=("GIT_CONFIG_*",))

    env = make_player("command", configure({"command": options}, env_pass=()), environ).env

    assert env == quiet_git(environ)
    assert env["GIT_CONFIG_COUNT"] == str(1 + len(GIT_SETTINGS))


# Options.


def test_what_an_agents_table_leaves_open_is_as_the_common_one_says() -> None:
    config = configure(
        kind="codex,claude",
        model="m",
        args=("-v",),
        command=("mine",),
        permissions="full",
        max_turns=5,
        max_tokens=6,
        max_cost_usd=7.0,
    )

    assert fill_options("codex", config) == AgentOptions(
        model="m", args=("-v",), permissions="full", max_turns=5, max_tokens=6, max_cost_usd=7.0
    )


def test_the_model_and_the_arguments_are_the_first_agents_alone() -> None:
    config = configure(kind="codex,claude", model="m", args=("-v",))

    options = fill_options("claude", config)

    assert (options.model, options.args) == ("", ())


def test_an_agents_own_table_counts_for_more() -> None:
    own = AgentOptions(
        kind="codex",
        command=("codex-2",),
        model="o",
        args=("-q",),
        permissions="sandbox",
        max_turns=0,
        max_tokens=0,
        max_cost_usd=0,
    )
    config = configure(
        {"mine": own}, kind="mine", model="m", args=("-v",), permissions="full", max_turns=5, max_tokens=6,
        max_cost_usd=7.0,
    )  # fmt: skip

    assert fill_options("mine", config) == own


def test_the_common_command_is_for_commands_alone() -> None:
    config = configure({"mine": AgentOptions(kind="command")}, command=("make",))

    assert [fill_options(name, config).command for name in ("command", "mine", "claude")] == [
        ("make",),
        ("make",),
        (),
    ]


@pytest.mark.parametrize(
    ("own", "bounds"),
    [
        (AgentOptions(), Bounds(turns=5, tokens=6, cost_usd=7.5)),
        (
            AgentOptions(max_turns=1, max_tokens=2, max_cost_usd=0.25),
            Bounds(turns=1, tokens=2, cost_usd=0.25),
        ),
        (AgentOptions(max_turns=0, max_tokens=0, max_cost_usd=0), Bounds()),
    ],
)
def test_a_player_has_the_bounds_of_its_agent(own: AgentOptions, bounds: Bounds) -> None:
    config = configure({"claude": own}, max_turns=5, max_tokens=6, max_cost_usd=7.5)

    assert make_player("claude", config).bounds == bounds


# What cannot be run.


@pytest.mark.parametrize(
    ("agents", "spec", "problems"),
    [
        ({"mine": AgentOptions(kind="command", command=("make",))}, Spec(id="A", agent="mine"), []),
        ({"command": AgentOptions(command=("make",))}, Spec(id="A", agent="command"), []),
        ({"mine": AgentOptions(kind="command")}, Spec(id="A", agent="mine"), ["nothing_to_run"]),
        ({"mine": AgentOptions(kind="command")}, Spec(id="A", agent="mine", run="make"), []),
        (
            {"mine": AgentOptions(kind="command", command=("make",))},
            Spec(id="A", agent="mine,command"),
            ["nothing_to_run"],
        ),
        ({}, Spec(id="A", agent="claude"), []),
        ({}, Spec(id="A", agent="claude,codex"), []),
        ({}, Spec(id="A", agent="claude,codx"), ["agent_unknown"]),
        ({}, Spec(id="A", agent="claude", run="make"), ["run_and_agent"]),
        ({}, Spec(id="A", agent="claude,command", run="make"), ["run_and_agent"]),
    ],
)
def test_a_command_needs_a_line_of_its_own_or_the_common_one(
    agents: Mapping[str, AgentOptions], spec: Spec, problems: list[str]
) -> None:
    assert [problem.key for problem in check_runnable([spec], configure(agents))] == problems
