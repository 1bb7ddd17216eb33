"""`aad doctor`: whether aad will work here, and what holds."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_project import RUN, Cli, Outcome
from examinedproject import cli, list_checks, write_config

from aad.lock import hold_lock
from aad.messages import text

__all__ = ["cli"]

SPEC = '---\nrun: "true"\n---\n# SPEC-001: Domain\n'
CONTAINED = "Containment: what a session starts ends with it, daemons too, and with aad, however that ends"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it says what holds on Linux")


def git(cli: Cli, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    ended = subprocess.run(
        ["git", *identity, *arguments], cwd=cli.project.root, check=True, capture_output=True, text=True
    )
    return ended.stdout


def make_repository(cli: Cli) -> None:
    git(cli, "init", "-q", "-b", "main")
    git(cli, "commit", "-q", "--allow-empty", "-m", "first")


def fake_git(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Put a git on the path that says this version, and fails at all else."""
    folder.mkdir()
    program = folder / "git"
    program.write_text(f'#!/bin/sh\ncase "$*" in *version) echo git version {version};; *) exit 128;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def settle(text: str) -> str:
    """Return an output less what depends on the machine, or on the moment."""
    versions = {
        f"Python {platform.python_version()}": "Python P",
        f"Linux {platform.release()}": "Linux L",
        "; the kernel lists no children here, so finding them takes longer": "",
    }
    for found, word in versions.items():
        text = text.replace(found, word)
    text = re.sub(r"git 2\.\d+\.\d+", "git G", text)
    return re.sub(r"[\d.,]+ [MG]B", "F GB", text)


def read_tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return all that lies in a folder: when it was changed, its mode, its content."""
    return {
        str(path): (
            path.lstat().st_mtime_ns,
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in (folder, *folder.rglob("*"))
    }


def test_where_all_is_well_every_line_says_so(cli: Cli) -> None:
    make_repository(cli)
    write_config(cli, "")
    cli.write_spec("SPEC-001", SPEC)

    outcome = cli.run("doctor")

    assert (outcome.status, outcome.err, settle(outcome.out)) == (
        0,
        "",
        f"""\
✓ aad 0.1.0 on Python P
✓ Linux L
✓ {CONTAINED}
✓ Open files: enough for all slots (3)
· No coding agent on PATH: specs run by their own `run:` line
· Output: UTF-8, emoji symbols
✓ git G
✓ Repository: {cli.project.root}, at branch main
✓ Project: {cli.project.root}
✓ Settings: config/aad.toml
✓ Specs: 1
✓ Free disk space: F GB
✓ Folder for runs: .aad
✓ Locks on files: they work
· Under way: nothing
no problems
""",
    )


def test_in_a_bare_folder_it_says_what_is_not_there_yet(cli: Cli) -> None:
    cli.project.folder.rmdir()

    outcome = cli.run("doctor")

    assert (outcome.status, settle(outcome.out).splitlines()[7:]) == (
        0,
        [
            "· Repository: none that the project belongs to",
            f"· Project: none yet in {cli.project.root}",
            "  → aad init",
            "· Settings: the defaults, for there is no config/aad.toml",
            "· .aad/specs does not exist (`aad init` makes a first spec, --specs-dir names another folder)",
            "✓ Free disk space: F GB",
            "✓ Folder for runs: .aad",
            "✓ Locks on files: they work",
            "· Under way: nothing",
            "no problems",
        ],
    )


def test_all_faults_of_the_settings_are_problems_and_nothing_else_is_judged_by_them(cli: Cli) -> None:
    git(cli, "init", "-q")
    write_config(cli, "[orchestrator]\nfail_fast = 3\n[ui]\nlang = 'xx'\n")
    cli.write_spec("SPEC-001", "---\nstatus: Odd\n---\n")

    outcome = cli.run("doctor")

    told = outcome.out.splitlines()
    assert (outcome.status, outcome.err, [line for line in told if line[0] == "✗"], told[-1]) == (
        1,
        "",
        [
            "✗ config/aad.toml:2: `orchestrator.fail_fast` must be true or false, not 3",
            '✗ config/aad.toml:4: `ui.lang` cannot be "xx" (known: auto, en, ja)',
        ],
        "2 problems",
    )
    assert "· Specs: not read while there are faults in the settings" in told


@pytest.mark.parametrize("text", ["[orchestrator\n", "\ufeff[ui]\nlang = 3\n"])
def test_it_survives_settings_that_cannot_be_read(cli: Cli, text: str) -> None:
    write_config(cli, text)

    outcome = cli.run("doctor")

    assert (outcome.status, outcome.err, outcome.out.splitlines()[-1]) == (1, "", "1 problem")


def test_it_speaks_japanese(cli: Cli) -> None:
    write_config(cli, "[ui]\nlang = 'xx'\n")

    outcome = cli.run("doctor", "--lang", "ja")

    assert settle(outcome.out).splitlines()[-7:] == [
        '✗ config/aad.toml:2: `ui.lang` に "xx" は使えません（使えるもの: auto, en, ja）',
        "· 仕様: 設定に誤りがあるため、読んでいません",
        "✓ ディスクの空き: F GB",
        "✓ 実行を記録するフォルダー: .aad",
        "✓ ファイルのロック: 使えます",
        "· 実行中: なし",
        "問題 1件",
    ]


def test_faults_of_specs_are_counted(cli: Cli) -> None:
    cli.write_spec("SPEC-001", "---\ndepends_on: [SPEC-009]\ncolor: red\n---\n")

    outcome = cli.run("doctor", "--format", "json")

    told = "Specs: 1, with faults in their files: 2"
    assert (outcome.status, list_checks(outcome, "specs")) == (1, [("problem", told, "aad specs check")])


def test_json_has_every_check_in_english(cli: Cli) -> None:
    cli.write_spec("SPEC-001", SPEC)

    outcome = cli.run("doctor", "--format", "json", "--lang", "ja")

    told = json.loads(outcome.out)
    assert (outcome.status, outcome.err, {**told, "checks": [each["id"] for each in told["checks"]]}) == (
        0,
        "",
        {
            "version": 1,
            "ok": True,
            "checks": [
                "aad", "platform", "containment", "files", "agents", "output", "git", "repository",
                "project", "config", "specs", "disk", "folder", "lock", "holder",
            ],
            "agents": [],
        },
    )  # fmt: skip
    assert told["checks"][8] == {
        "id": "project",
        "state": "ok",
        "message": f"Project: {cli.project.root}",
        "remedy": None,
    }


def test_a_problem_is_not_ok_in_json(cli: Cli) -> None:
    write_config(cli, "[ui]\nlang = 'xx'\n")

    outcome = cli.run("doctor", "--format", "json")

    assert (outcome.status, json.loads(outcome.out)["ok"]) == (1, False)


def test_an_old_git_is_a_warning_outside_of_repositories(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_git(tmp_path / "bin", monkeypatch, "2.30.2")

    outcome = cli.run("doctor")

    told = outcome.out.splitlines()
    assert (outcome.status, told[6:8], told[-1]) == (
        0,
        [
            "⚠ git 2.30.2 is too old for sessions to have worktrees of their own",
            "  → install git 2.38 or newer",
        ],
        "no problems · 1 warning",
    )


def test_an_old_git_is_a_problem_where_it_would_be_used(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_repository(cli)
    fake_git(tmp_path / "bin", monkeypatch, "2.30.2")

    outcome = cli.run("doctor", "--format", "json")

    assert [state for state, _, _ in list_checks(outcome, "git")] == ["problem"]
    assert (outcome.status, list_checks(outcome, "repository")) == (1, [])


def test_no_git_at_all_is_a_warning(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    outcome = cli.run("doctor", "--format", "json")

    told = (
        "git cannot be asked, so sessions cannot have worktrees of their own: git: No such file or directory"
    )
    assert (outcome.status, list_checks(outcome, "git")) == (
        0,
        [("warning", told, "install git 2.38 or newer")],
    )


def test_a_repository_without_a_commit_is_a_problem_only_for_worktrees(cli: Cli) -> None:
    git(cli, "init", "-q")

    outcomes = [cli.run("doctor", "--format", "json")]
    write_config(cli, "[workspace]\nisolation = 'none'\n")
    outcomes.append(cli.run("doctor", "--format", "json"))

    states = [[state for state, _, _ in list_checks(outcome, "repository")] for outcome in outcomes]
    assert ([outcome.status for outcome in outcomes], states) == ([1, 0], [["problem"], ["info"]])


def test_what_a_killed_git_left_half_made_is_a_problem_only_for_worktrees(cli: Cli) -> None:
    make_repository(cli)
    entry = cli.project.root / ".git" / "worktrees" / "x"
    entry.mkdir(parents=True)
    (entry / "commondir").touch()

    outcomes = [cli.run("doctor", "--format", "json")]
    write_config(cli, "[workspace]\nisolation = 'none'\n")
    outcomes.append(cli.run("doctor", "--format", "json"))

    told = f"{entry}: {text('en', 'git_worktree_broken')}"
    assert [(outcome.status, list_checks(outcome, "repository")) for outcome in outcomes] == [
        (1, [("problem", told, None)]),
        (0, [("info", told, None)]),
    ]


def test_what_specs_say_of_their_isolation_counts(cli: Cli) -> None:
    git(cli, "init", "-q")
    cli.write_spec("SPEC-001", SPEC.replace("run:", "isolation: none\nrun:"))

    outcome = cli.run("doctor")

    assert outcome.status == 0


def test_a_detached_head_is_told(cli: Cli) -> None:
    make_repository(cli)
    git(cli, "checkout", "-q", "--detach")

    outcome = cli.run("doctor", "--format", "json")

    told = f"Repository: {cli.project.root}, at no branch (detached HEAD)"
    assert list_checks(outcome, "repository") == [("ok", told, None)]


def test_who_holds_the_project_is_told(cli: Cli) -> None:
    with hold_lock(cli.project.state, RUN):
        outcome = cli.run("doctor")

    assert (outcome.status, outcome.out.splitlines()[-2:]) == (0, [f"· Under way: {RUN}", "no problems"])


def test_a_file_in_the_place_of_a_folder_is_a_problem(cli: Cli) -> None:
    cli.project.runs.write_text("in the way")

    outcome = cli.run("doctor", "--format", "json")

    told = f"Folder for runs: {cli.project.runs} cannot be written to"
    assert (outcome.status, list_checks(outcome, "folder")) == (
        1,
        [("problem", told, "make it a folder that you may write to")],
    )
    assert list_checks(outcome, "lock") == []


def test_too_few_open_files_are_told(cli: Cli) -> None:
    command = f"ulimit -n 60; exec {sys.executable} -m aad doctor --format json"

    ended = subprocess.run(
        ["sh", "-c", command], cwd=cli.project.root, check=True, capture_output=True, text=True
    )

    assert list_checks(Outcome(0, ended.stdout, ""), "files") == [
        (
            "warning",
            "Open files: the limit of 60 is enough for 1 of 3 slots",
            "ulimit -n 71, or max_parallel_sessions = 1 in [orchestrator]",
        )
    ]


def test_an_encoding_without_our_symbols_is_told(cli: Cli) -> None:
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}

    ended = subprocess.run(
        [sys.executable, "-m", "aad", "doctor"],
        cwd=cli.project.root,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )

    assert ended.stdout.splitlines()[5] == "- Output: ASCII, ascii symbols"


@pytest.mark.parametrize("project", [True, False])
def test_nothing_is_written(cli: Cli, project: bool) -> None:
    if project:
        make_repository(cli)
        write_config(cli, "[ui]\nlang = 'en'\n")
        cli.write_spec("SPEC-001", SPEC)
        cli.project.prepare()
    before = read_tree(cli.project.root)

    cli.run("doctor")
    cli.run("doctor", "--format", "json")

    assert read_tree(cli.project.root) == before
