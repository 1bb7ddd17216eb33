"""`aad specs`: the specs of a project, and what is wrong with their files."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_project import Cli, Outcome, open_cli


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        yield opened


@pytest.fixture
def written(cli: Cli) -> Cli:
    cli.write_spec("SPEC-001", "# SPEC-001: Domain\n\n**Status**: Done\n")
    cli.write_spec("SPEC-002", "---\ndepends_on: [SPEC-001]\nrun: x\n---\n# SPEC-002: 設定管理\n")
    cli.write_spec("SPEC-010", "---\ndepends_on: [SPEC-002, SPEC-001]\nstatus: Draft\n---\n# SPEC-010: CLI\n")
    cli.write_spec("tasks-summary", "# SPEC-002: tasks\n")
    return cli


@pytest.mark.parametrize("arguments", [[], ["list"], ["--specs-dir", ".aad/specs"]])
def test_specs_are_listed_and_what_is_none_behind_them(written: Cli, arguments: list[str]) -> None:
    outcome = written.run("specs", *arguments)

    assert outcome == Outcome(
        0,
        """\
✓ SPEC-001  Domain    complete                            .aad/specs/SPEC-001.md
  SPEC-002  設定管理  ready     after SPEC-001            .aad/specs/SPEC-002.md
⊘ SPEC-010  CLI       draft     after SPEC-002, SPEC-001  .aad/specs/SPEC-010.md
                      no spec                             .aad/specs/tasks-summary.md
""",
        "",
    )


def test_specs_are_listed_in_japanese(written: Cli) -> None:
    outcome = written.run("specs", "--lang", "ja")

    assert (
        outcome.out
        == """\
✓ SPEC-001  Domain    完了済み                                .aad/specs/SPEC-001.md
  SPEC-002  設定管理  実行可能      依存: SPEC-001            .aad/specs/SPEC-002.md
⊘ SPEC-010  CLI       下書き        依存: SPEC-002, SPEC-001  .aad/specs/SPEC-010.md
                      仕様ではない                            .aad/specs/tasks-summary.md
"""
    )


def test_specs_are_listed_as_json(written: Cli) -> None:
    outcome = written.run("specs", "list", "--format", "json")

    assert (outcome.status, outcome.err, json.loads(outcome.out)) == (
        0,
        "",
        {
            "version": 1,
            "specs": [
                {
                    "id": "SPEC-001", "title": "Domain", "status": "complete", "depends_on": [],
                    "path": ".aad/specs/SPEC-001.md",
                },
                {
                    "id": "SPEC-002", "title": "設定管理", "status": "ready", "depends_on": ["SPEC-001"],
                    "path": ".aad/specs/SPEC-002.md",
                },
                {
                    "id": "SPEC-010", "title": "CLI", "status": "draft",
                    "depends_on": ["SPEC-002", "SPEC-001"], "path": ".aad/specs/SPEC-010.md",
                },
            ],
            "not_specs": [".aad/specs/tasks-summary.md"],
        },
    )  # fmt: skip


def test_files_with_faults_hide_no_spec_from_the_list(written: Cli) -> None:
    written.write_spec("SPEC-003", "---\ndepends_on: [SPEC-999]\n---\n# SPEC-003: x\n")

    outcome = written.run("specs")

    ids = [line.split()[-1] for line in outcome.out.splitlines()]
    assert (outcome.status, len(ids), outcome.err) == (
        0,
        5,
        "1 fault in the files (aad specs check says which)\n",
    )


def test_specs_without_faults_are_counted(written: Cli) -> None:
    outcome = written.run("specs", "check")

    assert outcome == Outcome(0, "3 specs, no faults\n", "")


def test_one_spec_is_counted_as_one(cli: Cli) -> None:
    cli.write_spec("SPEC-001", "---\nrun: x\n---\n# SPEC-001: Domain\n")

    outcome = cli.run("specs", "check")

    assert outcome == Outcome(0, "1 spec, no faults\n", "")


def test_specs_are_counted_in_japanese(written: Cli) -> None:
    outcome = written.run("specs", "check", "--lang", "ja")

    assert outcome == Outcome(0, "仕様 3件、誤りはありません\n", "")


def test_all_faults_are_told_at_once(written: Cli) -> None:
    written.write_spec("SPEC-003", "---\ndepends_on: [SPEC-011]\ncolor: red\n---\n# SPEC-003: x\n")
    written.write_spec("SPEC-004", "---\nstatus: Sleeping\n---\n")

    outcome = written.run("specs", "check")

    known = "Approved, In Progress, 未着手, 進行中, Draft, Review, レビュー中, Done, Completed, 完了"
    assert outcome == Outcome(
        2,
        "",
        f"""\
.aad/specs/SPEC-003.md:2: depends on SPEC-011, which does not exist (did you mean SPEC-010?)
.aad/specs/SPEC-003.md:3: unknown key `color` (keys of your own begin with `x-`)
.aad/specs/SPEC-004.md:2: unknown status Sleeping (known: {known})
""",
    )


def test_what_nothing_runs_is_a_fault_beside_the_others(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cli.project.root))
    cli.write_spec("SPEC-001", "---\nrun: x\ndepends_on: [SPEC-009]\n---\n")
    cli.write_spec("SPEC-002", "# SPEC-002: Two\n")
    cli.write_spec("SPEC-003", "---\nagent: nobody\n---\n")

    outcomes = [cli.run("specs", "check"), cli.run("orchestrate", "--all")]

    told = """\
.aad/specs/SPEC-001.md:3: depends on SPEC-009, which does not exist (did you mean SPEC-003?)
.aad/specs/SPEC-002.md:1: SPEC-002 does not say what to run (give it `run:`; or set `kind` in [agent] of \
config/aad.toml to an agent, or `command` there; agents found on PATH: -)
.aad/specs/SPEC-003.md:2: SPEC-003 asks for the agent nobody, which there is not (known: acp, claude, codex, \
command, gemini, opencode, pi, qwen; a table [agents.nobody] with its `kind` makes one)
"""
    assert outcomes == [Outcome(2, "", told)] * 2


def test_faults_are_told_as_json_in_english(cli: Cli) -> None:
    cli.write_spec("SPEC-001", "---\ncolor: red\n---\n")

    outcome = cli.run("specs", "check", "--format", "json", "--lang", "ja")

    fault = {
        "path": ".aad/specs/SPEC-001.md",
        "line": 2,
        "message": "unknown key `color` (keys of your own begin with `x-`)",
    }
    assert (outcome.status, outcome.err, json.loads(outcome.out)) == (
        2,
        "",
        {"version": 1, "specs": 1, "faults": [fault], "warnings": []},
    )


def test_no_faults_are_an_empty_list_in_json(written: Cli) -> None:
    outcome = written.run("specs", "check", "--format", "json")

    told = {"version": 1, "specs": 3, "faults": [], "warnings": []}
    assert (outcome.status, json.loads(outcome.out)) == (0, told)


@pytest.mark.parametrize("command", ["list", "check"])
def test_without_a_folder_the_way_to_one_is_told(cli: Cli, command: str) -> None:
    outcome = cli.run("specs", command)

    told = ".aad/specs does not exist (`aad init` makes a first spec, --specs-dir names another folder)\n"
    assert outcome == Outcome(2, "", told)


@pytest.mark.parametrize("command", ["list", "check"])
def test_an_empty_folder_is_told(cli: Cli, command: str) -> None:
    cli.project.specs.mkdir()

    outcome = cli.run("specs", command)

    told = "no specs in .aad/specs (write one as SPEC-001.md, or let `aad init` do it)\n"
    assert outcome == Outcome(5, "", told)


def test_what_a_file_says_cannot_move_the_cursor(cli: Cli) -> None:
    cli.write_spec("SPEC-001", '---\ntitle: "a\\e[2Jb\\r\\nc"\n---\n')

    outcome = cli.run("specs")

    assert outcome == Outcome(0, "  SPEC-001  ab c  ready  .aad/specs/SPEC-001.md\n", "")


@pytest.mark.parametrize(
    "command",
    [
        ["specs", "list"],
        ["specs", "list", "--format", "json"],
        ["graph"],
        ["graph", "--format", "mermaid"],
        ["orchestrate", "--all", "--dry-run"],
        ["orchestrate", "--all", "--dry-run", "--format", "json"],
    ],
)
def test_secrets_in_titles_are_masked_wherever_specs_are_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "hunter2-hunter2")
    cli.write_spec("SPEC-001", '---\nrun: "true"\n---\n# SPEC-001: Use hunter2-hunter2 here\n')

    outcome = cli.run(*command)

    assert ("Use [redacted] here" in outcome.out, "hunter2" in outcome.out) == (True, False)
