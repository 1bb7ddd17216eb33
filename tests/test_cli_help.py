"""Help in two languages, and how little is loaded to give it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli_project import FAILED_RUN, Cli, Outcome, open_cli

from aad import messages
from aad.cli import COMMANDS, make_group
from aad.display.text import width

HEAVY = ("trio", "rich", "tomlkit", "yaml", "markdown_it", "cattrs", "tomllib")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        yield opened


def walk(lang: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its whole name, `runs show`."""
    group = make_group(lang)
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())


NAMES = [name for name, _ in walk("en")]

HELP = """\
Usage: aad [OPTIONS] COMMAND [ARGS]...

  Run written specs in dependency order, side by side, each as a supervised
  child session.

  First steps:
    aad init                         make a project with a first spec
    aad orchestrate --all --dry-run  show what would be done
    aad orchestrate --all            do it
    aad status                       see where it stands, from any terminal

  `aad COMMAND --help` tells more about a command.

Options:
  --lang [en|ja]  The language to speak.
  --version       Show the version and exit.
  -h, --help      Show this message and exit.

Commands:
  init         Set up a project: settings, folders, a first spec.
  orchestrate  Run specs, or show what would be done.
  status       Show where a run stands.
  logs         Print what a session wrote.
  escalations  List, show, answer or resolve what sessions raised.
  graph        Draw what depends on what.
  runs         List, show or prune runs.
  clean        Remove worktrees that nobody needs.
  specs        List or check the spec files.
  doctor       Say whether aad will work here.
"""


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_the_commands_and_the_first_steps(cli: Cli, option: str) -> None:
    assert cli.run(option) == Outcome(0, HELP, "")


def test_without_a_command_help_is_given_as_an_error(cli: Cli) -> None:
    assert cli.run() == Outcome(2, "", HELP)


def test_help_speaks_japanese(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AAD_LANG", "ja")

    outcome = cli.run("--help")

    assert (outcome.status, outcome.out.partition("Options:")[0]) == (
        0,
        """\
Usage: aad [OPTIONS] COMMAND [ARGS]...

  仕様を依存関係の順に、並列で実行します。
  仕様ごとに、監視つきの子セッションを一つ起動します。

  はじめかた:
    aad init                         プロジェクトと最初の仕様を作る
    aad orchestrate --all --dry-run  実行計画を見る
    aad orchestrate --all            実行する
    aad status                       状況を見る（別の端末からでも）

  各コマンドの詳細は `aad COMMAND --help` で表示します。

""",
    )


def test_the_help_of_a_family_has_the_options_of_its_list(cli: Cli) -> None:
    outcome = cli.run("runs", "--help")

    assert (
        outcome.out
        == """\
Usage: aad runs [OPTIONS] COMMAND [ARGS]...

  The runs of this project. Without a command, list them.

Options:
  --format [text|json]            How to write what is asked for: the first is
                                  the default.
  --color [auto|always|never]     Colour the output; auto does on terminals
                                  and in CI logs.
  --symbols [auto|emoji|unicode|ascii]
                                  The signs to draw with; auto takes what can
                                  be shown.
  --lang [en|ja]                  The language to speak.
  -h, --help                      Show this message and exit.

Commands:
  list   List all runs.
  prune  Remove old runs.
  show   Show one run in full.
"""
    )


@pytest.mark.parametrize("lang", messages.LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_help_fits_a_terminal_of_80_columns(cli: Cli, name: str, lang: str) -> None:
    outcome = cli.run(*name.split(), "--help", "--lang", lang)

    too_wide = [line for line in outcome.out.splitlines() if width(line) > 80]
    assert (outcome.status, outcome.err, too_wide) == (0, "", [])


@pytest.mark.parametrize("lang", messages.LANGUAGES)
def test_every_command_and_option_is_explained(lang: str) -> None:
    silent = [
        f"{name} {parameter.name}"
        for name, command in walk(lang)
        for parameter in command.params
        if not command.help or (isinstance(parameter, click.Option) and not parameter.help)
    ]

    assert silent == []


def test_the_version_is_told(cli: Cli) -> None:
    assert cli.run("--version") == Outcome(0, "aad 0.1.0\n", "")


def test_an_unknown_command_is_an_error(cli: Cli) -> None:
    outcome = cli.run("statsu")

    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("Usage: aad [OPTIONS] COMMAND [ARGS]...\naad: No such command 'statsu'.")


# How fast it starts.

PROBE = """
import json, sys
from aad.cli import run_command
status = run_command({arguments!r})
sys.stdout.flush()
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""


def load(folder: Path, *arguments: str) -> set[str]:
    """Return the modules that a process has loaded once it has run a command."""
    program = PROBE.format(arguments=list(arguments))
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        # What else is installed, agents for one, must not count.
        env={**os.environ, "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    )
    status, modules = json.loads(ended.stderr.splitlines()[-1])
    assert status == 0
    return set(modules)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_heavy_and_no_command(tmp_path: Path, arguments: list[str]) -> None:
    loaded = load(tmp_path, *arguments)

    assert loaded.intersection((*HEAVY, *COMMANDS.values())) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["orchestrate", "--all", "--dry-run"],
        ["orchestrate", "--all", "--dry-run", "--format", "json"],
        ["status"],
        ["runs"],
        ["runs", "show"],
        ["runs", "prune"],
        ["graph"],
        ["graph", "--format", "json"],
        ["specs"],
        ["specs", "check"],
        ["escalations"],
        ["logs", "SPEC-001"],
        ["init"],
        ["doctor"],
    ],
)
def test_what_starts_nothing_loads_neither_trio_nor_rich_nor_tomlkit(cli: Cli, arguments: list[str]) -> None:
    cli.write_spec("SPEC-001", '---\nrun: "true"\n---\n# SPEC-001: Domain\n')
    cli.write_journal(*FAILED_RUN)
    cli.write_log("SPEC-001", 1, b"words\n")

    loaded = load(cli.project.root, *arguments)

    assert loaded.intersection(("trio", "rich", "tomlkit")) == set()


def test_the_library_loads_no_trio() -> None:
    program = "import aad, sys; print(sorted({'trio', 'click', 'cattrs'} & set(sys.modules)))"

    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ended.stdout == "[]\n"
