"""`aad doctor`: whether aad will work here, and what holds."""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from agentbox import each_of, find_agent
from cli_project import RUN, Cli, Outcome, open_cli

from aad.lock import hold_lock
from aad.messages import text

SPEC = '---\nrun: "true"\n---\n# SPEC-001: Domain\n'
CONTAINED = "Containment: what a session starts ends with it, daemons too, and with aad, however that ends"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it says what holds on Linux")


# Where the real agents are; a test's own path leads to none of them.
REAL = {name: find_agent(name) for name in ("codex", "claude", "gemini", "opencode", "qwen", "pi")}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    root = tmp_path / "project"
    root.mkdir()
    with open_cli(root, monkeypatch, capsys) as opened:
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        monkeypatch.setenv("AAD_MAX_PARALLEL_SESSIONS", "3")
        yield opened


def git(cli: Cli, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    ended = subprocess.run(
        ["git", *identity, *arguments], cwd=cli.project.root, check=True, capture_output=True, text=True
    )
    return ended.stdout


def make_repository(cli: Cli) -> None:
    git(cli, "init", "-q", "-b", "main")
    git(cli, "commit", "-q", "--allow-empty", "-m", "first")


def write_config(cli: Cli, text: str) -> None:
    cli.project.config.parent.mkdir(exist_ok=True)
    cli.project.config.write_text(text, encoding="utf-8")


def fake_git(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Put a git on the path that says this version, and fails at all else."""
    folder.mkdir()
    program = folder / "git"
    program.write_text(f'#!/bin/sh\ncase "$*" in *version) echo git version {version};; *) exit 128;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


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


def list_checks(outcome: Outcome, name: str) -> list[tuple[str, str, str | None]]:
    """Return the checks of a name in JSON, each as its state, its line, the way out."""
    checks = json.loads(outcome.out)["checks"]
    return [(each["state"], each["message"], each["remedy"]) for each in checks if each["id"] == name]


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
