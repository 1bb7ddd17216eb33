"""`aad init`: what a project needs to run its first spec."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_project import Cli, Outcome, open_cli

from aad.configfile import read_template


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        opened.project.folder.rmdir()
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        yield opened


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_project_is_set_up_and_what_comes_next_is_told(cli: Cli) -> None:
    outcome = cli.run("init")

    assert outcome == Outcome(
        0,
        "",
        f"""\
Project {cli.project.root}
  ✓ config/aad.toml written
  ✓ .aad/.gitignore written
  ✓ .aad/specs/SPEC-001.md written
No coding agent on PATH: specs run by their own `run:` line
Next: aad orchestrate --all
""",
    )


def test_it_speaks_japanese_and_so_does_the_first_spec(cli: Cli) -> None:
    outcome = cli.run("init", "--lang", "ja")

    assert (
        outcome.err
        == f"""\
プロジェクト {cli.project.root}
  ✓ config/aad.toml を作りました
  ✓ .aad/.gitignore を作りました
  ✓ .aad/specs/SPEC-001.md を作りました
PATH にエージェントがありません（仕様は、それぞれの `run:` の行で実行します）
次の操作: aad orchestrate --all
"""
    )
    spec = (cli.project.specs / "SPEC-001.md").read_text(encoding="utf-8")
    assert spec.splitlines()[3:6] == ["# SPEC-001: はじめの一歩", "", "**ステータス**: Approved"]


def test_the_settings_are_the_template_and_our_own_folders_stay_out_of_git(cli: Cli) -> None:
    cli.run("init")

    assert list_files(cli.project.root) == [".aad/.gitignore", ".aad/specs/SPEC-001.md", "config/aad.toml"]
    assert cli.project.config.read_text(encoding="utf-8") == read_template()
    ignored = (cli.project.folder / ".gitignore").read_text(encoding="utf-8")
    assert ignored == "runs/\nescalations/\nstate/\nworktrees/\n"


@pytest.mark.parametrize(("lang", "title"), [("en", "First steps"), ("ja", "はじめの一歩")])
def test_the_first_spec_has_no_faults(cli: Cli, lang: str, title: str) -> None:
    cli.run("init", "--lang", lang)

    checked, listed = cli.run("specs", "check"), cli.run("specs")

    assert checked == Outcome(0, "1 spec, no faults\n", "")
    assert listed.out == f"  SPEC-001  {title}  ready  .aad/specs/SPEC-001.md\n"


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_first_spec_runs_as_it_is(cli: Cli, lang: str) -> None:
    cli.run("init", "--lang", lang)

    run, log = cli.run("orchestrate", "--all", "-q"), cli.run("logs", "SPEC-001")

    assert (run.status, log) == (0, Outcome(0, "Hello from SPEC-001\n", ""))


def test_nothing_is_overwritten_the_second_time(cli: Cli) -> None:
    cli.run("init")
    for name in list_files(cli.project.root):
        (cli.project.root / name).write_text(f"# SPEC-001: mine\n# {name}\n" if "specs" in name else "")

    outcome = cli.run("init")

    assert outcome.err.splitlines()[1:4] == [
        "  ⊘ config/aad.toml is there already, left as it is",
        "  ⊘ .aad/.gitignore is there already, left as it is",
        "  ⊘ .aad/specs/ is there already, left as it is",
    ]
    assert [(cli.project.root / name).read_text() for name in list_files(cli.project.root)] == [
        "",
        "# SPEC-001: mine\n# .aad/specs/SPEC-001.md\n",
        "",
    ]


def test_a_project_that_has_specs_gets_no_other(cli: Cli) -> None:
    cli.write_spec("plan-7", "# plan-7: mine\n")

    outcome = cli.run("init")

    assert (outcome.status, list_files(cli.project.specs)) == (0, ["plan-7.md"])


def test_a_link_that_leads_nowhere_is_left_as_it_is(cli: Cli) -> None:
    cli.project.config.parent.mkdir()
    cli.project.config.symlink_to("elsewhere.toml")

    outcome = cli.run("init")

    assert outcome.err.splitlines()[1] == "  ⊘ config/aad.toml is there already, left as it is"
    assert list_files(cli.project.root / "config") == []


def test_in_a_folder_of_a_project_the_project_is_completed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.run("init")
    inner = cli.project.root / "src"
    inner.mkdir()
    monkeypatch.chdir(inner)

    outcome = cli.run("init")

    assert (outcome.err.splitlines()[0], list_files(inner)) == (f"Project {cli.project.root}", [])


def test_coding_agents_on_path_are_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = cli.project.root / "bin"
    programs.mkdir()
    for name in ("codex", "claude", "cat"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))

    outcome = cli.run("init")

    assert outcome.err.splitlines()[4] == (
        "Coding agents on PATH: claude, codex ([agent] in config/aad.toml says how they run specs)"
    )


def test_the_settings_suggest_the_first_agent_that_is_there(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = cli.project.root / "bin"
    programs.mkdir()
    for name in ("codex", "gemini"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))

    cli.run("init")

    written = cli.project.config.read_text(encoding="utf-8").splitlines()
    added = [line for line in written if line not in read_template().splitlines()]
    assert added == ['# kind = "codex"']
    assert written[written.index(added[0]) - 1] == 'kind = "command"'


@pytest.mark.parametrize("name", ["config", ".aad", ".aad/specs"])
def test_a_file_in_the_way_is_an_error(cli: Cli, name: str) -> None:
    path = cli.project.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("in the way")

    outcome = cli.run("init")

    assert (outcome.status, outcome.out, path.read_text()) == (2, "", "in the way")
    assert outcome.err.endswith("(make it writable, or move it out of the way)\n")


def test_settings_with_faults_are_told_before_anything_is_written(cli: Cli) -> None:
    cli.project.config.parent.mkdir()
    cli.project.config.write_text("[orchestrator]\nslots = 3\n")

    outcome = cli.run("init")

    assert (outcome.status, list_files(cli.project.root)) == (2, ["config/aad.toml"])
    assert outcome.err.startswith("config/aad.toml:2: ")
