"""`aad doctor`: which coding agents are there, and how they are asked."""

import json
import os
import re
import sys
from pathlib import Path

import pytest
from agentbox import each_of, find_agent
from cli_project import Cli
from examinedproject import cli, list_checks, write_config

__all__ = ["cli"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it says what holds on Linux")
# Where the real agents are; a test's own path leads to none of them.
REAL = {name: find_agent(name) for name in ("codex", "claude", "gemini", "opencode", "qwen", "pi")}


def install(cli: Cli, name: str, script: str) -> Path:
    """Put a program beside those of the system."""
    program = cli.project.root.parent / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def open_agents(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the programs that are installed on the path, and a home; no key of whoever runs the tests."""
    home = cli.project.root.parent / "home"
    home.mkdir()
    monkeypatch.setenv("PATH", f"{home.parent / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(home))
    for name in (name for name in os.environ if name.endswith(("_KEY", "_TOKEN"))):
        monkeypatch.delenv(name)
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "PI_CODING_AGENT_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


def test_each_coding_agent_is_told_with_its_version_with_what_it_signs_in_by_and_with_what_it_can_do(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = open_agents(cli, monkeypatch)
    for name, script in {
        "claude": "echo '2.1.330 (Claude Code)'",
        "codex": "echo codex-cli 0.163.0",
        "pi": "echo 0.74.2 >&2",
    }.items():
        install(cli, name, script)
    credentials = home / ".claude" / ".credentials.json"
    credentials.parent.mkdir()
    credentials.touch()
    monkeypatch.setenv("CODEX_API_KEY", "k")

    outcome = cli.run("doctor")

    claude_alone = "bounds its turns · keeps a budget · answers in a form · has a sandbox"
    assert (outcome.status, outcome.out.splitlines()[4:10]) == (
        0,
        [
            f"✓ claude 2.1.330: signed in, by {credentials}",
            f"  resumes · tells its plan · counts tokens · tells its cost · {claude_alone}",
            "✓ codex 0.163.0: a key is set, CODEX_API_KEY",
            "  resumes · tells its plan · counts tokens · answers in a form · has a sandbox · tells no cost",
            "· pi 0.74.2: whether somebody is signed in cannot be told from here",
            "  resumes · counts tokens · tells its cost · no sandbox",
        ],
    )


def test_an_agent_of_a_name_of_its_own_is_told_beside_the_others(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_agents(cli, monkeypatch)
    install(cli, "codex", "echo codex-cli 0.163.0")
    other = install(cli, "wrapped", 'echo "wrapped 7.0 as $2" >&2; echo "codex-cli 0.169.0-alpha.1 $*"')
    env = "env = { CODEX_API_KEY = 'k' }"
    write_config(cli, f"[agents.next]\nkind = 'codex'\ncommand = ['{other}', 'run']\n{env}\n")

    outcome = cli.run("doctor", "--format", "json")

    can = ["resumes", "plans", "tokens", "replies", "sandbox"]
    assert (outcome.status, json.loads(outcome.out)["agents"]) == (
        0,
        [
            {
                "name": "next",
                "kind": "codex",
                "wanted": False,
                "program": str(other),
                "version": "0.169.0-alpha.1",
                "signed_in": {"by": "key", "at": "CODEX_API_KEY"},
                "can": can,
            },
            {
                "name": "codex",
                "kind": "codex",
                "wanted": False,
                "program": str(other.with_name("codex")),
                "version": "0.163.0",
                "signed_in": None,
                "can": can,
            },
        ],
    )
    assert list_checks(outcome, "agents") == [
        ("ok", "next (codex 0.169.0-alpha.1): a key is set, CODEX_API_KEY", None),
        ("info", "codex 0.163.0: whether somebody is signed in cannot be told from here", None),
    ]


def test_an_agent_that_is_to_run_a_spec_and_is_not_there_is_a_problem(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_agents(cli, monkeypatch)
    write_config(cli, "[agent]\nkind = 'claude'\n[agents.mine]\nkind = 'pi'\ncommand = ['nowhere']\n")
    cli.write_spec("SPEC-001", "# SPEC-001: Domain\n")

    outcome = cli.run("doctor", "--format", "json")

    remedy = "install it, or name its program in the settings: command = [...] in [agents.{}]"
    assert (outcome.status, list_checks(outcome, "agents")) == (
        1,
        [
            ("problem", "claude: its program is not found", remedy.format("claude")),
            ("info", "mine: its program is not found", remedy.format("mine")),
        ],
    )


def test_an_agent_that_tells_no_version_is_told_without_one(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_agents(cli, monkeypatch)
    install(cli, "claude", "echo 1.2.3; exit 1")
    install(cli, "pi", "echo unknown")
    install(cli, "qwen", "").write_text("no program at all\n")

    outcome = cli.run("doctor", "--format", "json")

    versions = {agent["name"]: agent["version"] for agent in json.loads(outcome.out)["agents"]}
    assert (outcome.status, versions) == (0, {"claude": None, "pi": None, "qwen": None})


def test_an_agent_is_asked_away_from_home_and_network_and_sees_no_key(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = open_agents(cli, monkeypatch)
    seen = home / "seen"
    install(cli, "codex", f'echo 1.0; echo "$HTTPS_PROXY" > {seen}; echo > "$HOME/kept"; env >> {seen}')
    monkeypatch.setenv("CODEX_API_KEY", "hidden-from-it")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")

    cli.run("doctor")

    assert [path.name for path in home.iterdir()] == ["seen"]
    assert seen.read_text().startswith("http://127.0.0.1:9\n")
    assert "hidden-from-it" not in seen.read_text()


@each_of(*REAL)
def test_a_real_agent_tells_its_version_and_leaves_nothing_behind(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, agent: str
) -> None:
    home = open_agents(cli, monkeypatch)
    write_config(cli, f"[agents.{agent}]\ncommand = ['{REAL[agent]}']\n")

    outcome = cli.run("doctor", "--format", "json")

    (told,) = [each for each in json.loads(outcome.out)["agents"] if each["name"] == agent]
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", told["version"])
    assert (told["signed_in"], list(home.iterdir())) == (None, [])


def test_agents_are_asked_side_by_side(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    home = open_agents(cli, monkeypatch)
    # Each goes on only while the other is there, too.
    os.mkfifo(home / "meeting")
    install(cli, "claude", f"echo 1.0 > {home / 'meeting'}; echo 1.0")
    install(cli, "codex", f"cat {home / 'meeting'}")

    outcome = cli.run("doctor", "--format", "json")

    versions = [agent["version"] for agent in json.loads(outcome.out)["agents"]]
    assert versions == ["1.0", "1.0"]
