"""Facts about bounds in dollars that hold nobody back: which they are, and where people hear of them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_project import Cli, Outcome, open_cli

from aad.agents.idlebounds import IdleBound, find_idle_bounds
from aad.config import AgentOptions, AgentSettings, BudgetSettings, OrchestratorConfig

RUN = ("budget", "max_cost_usd")
SESSION = ("agent", "max_cost_usd")
OWN = ("agents", "codex", "max_cost_usd")
DOLLARS = BudgetSettings(max_cost_usd=5.0)


@pytest.mark.parametrize(
    ("config", "bounds"),
    [
        (OrchestratorConfig(), []),
        (OrchestratorConfig(budget=DOLLARS), [IdleBound(RUN, ("codex", "mine"))]),
        (OrchestratorConfig(budget=BudgetSettings(max_cost_usd=5.0, max_tokens=9)), []),
        (OrchestratorConfig(agent=AgentSettings(max_cost_usd=5.0)), [IdleBound(SESSION, ("codex", "mine"))]),
        (OrchestratorConfig(agent=AgentSettings(max_cost_usd=5.0, max_turns=9)), []),
        (
            OrchestratorConfig(
                agent=AgentSettings(max_cost_usd=5.0), agents={"codex": AgentOptions(max_tokens=9)}
            ),
            [IdleBound(SESSION, ("mine",))],
        ),
        (
            OrchestratorConfig(
                budget=DOLLARS,
                agent=AgentSettings(max_cost_usd=5.0),
                agents={"codex": AgentOptions(max_cost_usd=1.0)},
            ),
            [IdleBound(RUN, ("codex", "mine")), IdleBound(SESSION, ("mine",)), IdleBound(OWN, ("codex",))],
        ),
        (OrchestratorConfig(agents={"claude": AgentOptions(max_cost_usd=1.0)}), []),
        (
            OrchestratorConfig(
                agent=AgentSettings(max_cost_usd=5.0), agents={"codex": AgentOptions(max_cost_usd=0.0)}
            ),
            [IdleBound(SESSION, ("mine",))],
        ),
    ],
)
def test_a_bound_in_dollars_alone_does_not_hold_an_agent_that_tells_no_cost(
    config: OrchestratorConfig, bounds: list[IdleBound]
) -> None:
    mine = {"mine": AgentOptions(kind="qwen"), **config.agents}
    names = ("claude", "codex", "command", "mine", "codex")

    found = find_idle_bounds(OrchestratorConfig(budget=config.budget, agent=config.agent, agents=mine), names)

    assert list(found) == bounds


# Where they are told.

SETTINGS = """\
[agent]
kind = ["claude", "codex"]
max_cost = 2.0
[profile.ci.agents.codex]
max_cost_usd = 1.0
[budget]
max_cost_usd = 9.5
"""
REMEDY = "(set `max_tokens` or `max_turns` beside it)"
TOLD = [
    f"config/aad.toml:7: `budget.max_cost_usd` does not hold whoever tells no cost: codex, gemini {REMEDY}",
    f"config/aad.toml:3: `agent.max_cost` does not hold whoever tells no cost: codex, gemini {REMEDY}",
]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        opened.write_spec("SPEC-001", "# SPEC-001: One\n")
        opened.write_spec("SPEC-002", "---\nagent: gemini\n---\n# SPEC-002: Two\n")
        opened.project.config.parent.mkdir()
        opened.project.config.write_text(SETTINGS)
        yield opened


def test_a_plan_comes_with_a_warning_of_idle_bounds_but_where_it_is_to_be_quiet(cli: Cli) -> None:
    loud, quiet = (cli.run("orchestrate", "--all", "--dry-run", *more) for more in ([], ["-q"]))

    assert (loud.status, loud.err.splitlines()[:2], quiet.status, quiet.err) == (0, TOLD, 0, "")


def test_no_agent_is_warned_of_that_is_not_to_run_anything(cli: Cli) -> None:
    cli.project.config.write_text("[agent]\nkind = 'claude'\nmax_cost_usd = 2.0\n")

    outcome = cli.run("orchestrate", "--specs", "SPEC-001", "--dry-run")

    assert (outcome.status, outcome.err) == (0, "")


def test_the_place_of_an_idle_bound_is_where_it_counts(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AAD_PROFILE", "ci")
    monkeypatch.setenv("AAD_BUDGET_MAX_COST_USD", "7")
    monkeypatch.setenv("AAD_LANG", "ja")

    outcome = cli.run("orchestrate", "--specs", "SPEC-001", "--dry-run")

    silent, remedy = (
        "は費用を伝えないエージェントには働きません",
        "（`max_tokens` か `max_turns` も設定してください）",
    )
    assert outcome.err.splitlines()[:2] == [
        f"`AAD_BUDGET_MAX_COST_USD` {silent}: codex{remedy}",
        f"config/aad.toml:5: `profile.ci.agents.codex.max_cost_usd` {silent}: codex{remedy}",
    ]


def test_a_run_begins_with_a_warning_of_idle_bounds(cli: Cli) -> None:
    cli.project.config.write_text("[agents.codex]\ncommand = ['nowhere']\n[budget]\nmax_cost_usd = 1\n")

    outcome = cli.run("orchestrate", "--specs", "SPEC-001", "--agent", "codex", "--progress", "plain")

    told = f"config/aad.toml:4: `budget.max_cost_usd` does not hold whoever tells no cost: codex {REMEDY}"
    assert (outcome.status, outcome.err.splitlines()[0]) == (1, told)


def test_the_doctor_warns_of_idle_bounds(cli: Cli) -> None:
    outcome: Outcome = cli.run("doctor", "--format", "json")

    checks = [each for each in json.loads(outcome.out)["checks"] if each["id"] == "config"]
    assert [(each["state"], each["message"]) for each in checks[1:]] == [("warning", told) for told in TOLD]
