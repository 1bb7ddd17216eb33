"""The examples do what they say: each is run as a newcomer, an embedder or a CI service runs it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from agentbox import AUTHOR, AgentBox, each_of
from attrs import frozen
from modelapis import Json
from modelserver import model_server

EXAMPLES = Path(__file__).parents[1] / "examples"
PROJECT = EXAMPLES / "project"
REPOSITORY = EXAMPLES / "repository"
AGENTS = EXAMPLES / "agents"
DATA = Path(__file__).with_name("data")
# The command that stands beside the Python that runs these tests.
AAD = Path(sys.executable).with_name("aad")
SPECS = [f"SPEC-{number:03}" for number in range(1, 9)]
# What a run of one's own leaves in an example.
LEFT_BEHIND = shutil.ignore_patterns("runs", "escalations", "state", "worktrees", "__pycache__")
MISTAKE = ("Reiwa 8", "Reiwa 9")

Event = Mapping[str, Any]


def make_environment(temporary: Path, lang: str = "C") -> Mapping[str, str]:
    """Return what a bare shell would have: a few variables and no more."""
    return {
        "PATH": f"{AAD.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": lang,
        "TMPDIR": str(temporary),
    }


def run(
    command: Sequence[str | Path], *, cwd: Path, temporary: Path, lang: str = "C"
) -> subprocess.CompletedProcess[str]:
    """Run a command as a bare shell would, without a terminal."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=make_environment(temporary, lang),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def copy_project(folder: Path) -> Path:
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("build", "runs", "state", "__pycache__"))
    return folder


def list_files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def read_events(path: Path) -> list[Event]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@frozen
class Told:
    """What a command said, and the events that it left."""

    status: int
    out: str
    err: str
    folder: Path

    @property
    def events(self) -> list[Event]:
        return read_events(self.folder / "aad-events.jsonl")

    @property
    def ends(self) -> dict[str, str]:
        """What the step says of each spec, behind the line that `aad specs check` answers."""
        return dict(line.split(": ") for line in self.out.splitlines()[1:])

    def of(self, spec: str, kind: str) -> list[Event]:
        return [event for event in self.events if event.get("spec") == spec and event["type"] == kind]


def check(folder: Path) -> Told:
    """Run the CI step in a project."""
    ended = run([EXAMPLES / "ci" / "check.sh"], cwd=folder, temporary=folder.parent)
    return Told(ended.returncode, ended.stdout, ended.stderr, folder)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Run the CI step once in the project as it is."""
    return check(copy_project(tmp_path_factory.mktemp("ci") / "project"))


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Run the CI step once in the project with a mistake in its manual."""
    folder = copy_project(tmp_path_factory.mktemp("ci") / "project")
    manual = folder / "docs" / "manual.md"
    manual.write_text(manual.read_text("utf-8").replace(*MISTAKE), "utf-8")
    return check(folder)


# The project.


def test_every_spec_of_the_project_completes(checked: Told) -> None:
    assert checked.ends == dict.fromkeys(SPECS, "completed")
    assert checked.status == 0


def test_the_package_that_was_built_runs_by_itself(checked: Told, tmp_path: Path) -> None:
    package = checked.folder / "build" / "wareki.pyz"

    told = run([sys.executable, package, "--lang", "ja", "2019-05-01"], cwd=tmp_path, temporary=tmp_path)

    assert told.stdout == "令和元年5月1日\n"


def test_the_busy_spec_fails_once_and_succeeds_on_its_retry(checked: Told) -> None:
    (retry,) = checked.of("SPEC-003", "retry_scheduled")
    (end,) = checked.of("SPEC-003", "session_completed")

    assert retry["failure"]["exit_code"] == 75
    assert end["attempt"] == 2


@pytest.mark.parametrize(("one", "other"), [("SPEC-002", "SPEC-003"), ("SPEC-005", "SPEC-006")])
def test_both_sides_of_a_diamond_run_at_the_same_time(checked: Told, one: str, other: str) -> None:
    starts = [first(checked, spec, "session_started") for spec in (one, other)]
    ends = [first(checked, spec, "session_completed") for spec in (one, other)]

    assert max(starts) < min(ends)


def first(told: Told, spec: str, kind: str) -> datetime:
    return datetime.fromisoformat(told.of(spec, kind)[0]["ts"])


def test_the_tests_tell_how_far_they_are(checked: Told) -> None:
    steps = checked.of("SPEC-005", "session_progress")

    assert [(step["progress"], step["message"]) for step in steps] == [
        (round(number / 8, 2), f"{number} of 8 tests run") for number in range(1, 9)
    ]


def test_the_package_is_verified(checked: Told) -> None:
    (end,) = checked.of("SPEC-007", "session_completed")

    log = (checked.folder / end["log"]).read_text("utf-8")

    assert log == '[aad] verify: test "$(python3 build/wareki.pyz 2026-11-22)" = "Reiwa 8, November 22"\n'


def test_stdout_has_the_lines_of_the_journal_and_those_of_the_children(checked: Told) -> None:
    journal = read_events(checked.folder / ".aad" / "runs" / "latest" / "journal.jsonl")

    told = [event for event in checked.events if event["type"] != "session_output"]

    assert told == journal


def test_a_mistake_in_the_manual_fails_one_spec_and_skips_those_that_need_it(failed: Told) -> None:
    assert failed.ends == dict.fromkeys(SPECS, "completed") | {
        "SPEC-006": "failed",
        "SPEC-007": "skipped",
        "SPEC-008": "skipped",
    }
    assert failed.status == 1


def test_the_failure_is_escalated_with_what_was_said_last(failed: Told) -> None:
    path = failed.folder / ".aad" / "escalations" / "SPEC-006-error.json"

    escalation = json.loads(path.read_text("utf-8"))

    assert escalation["blocks"] == ["SPEC-007", "SPEC-008"]
    assert escalation["state"] == "decided"
    assert escalation["log_tail"] == [
        "docs/manual.md: 4 examples run",
        'docs/manual.md:6: says "Reiwa 9, November 22", but wareki says "Reiwa 8, November 22"',
    ]


# The example in a git repository.


def git(folder: Path, *words: str) -> str:
    """Return what git answers in a folder, whatever this machine's settings of it are."""
    environ = {**make_environment(folder.parent), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    asked = ["git", "-c", "user.name=a user", "-c", "user.email=user@localhost", *words]
    return subprocess.run(asked, cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout


def copy_repository(folder: Path) -> Path:
    shutil.copytree(
        REPOSITORY, folder, ignore=shutil.ignore_patterns("runs", "state", "worktrees", "__pycache__")
    )
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Numbers as people write them")
    return folder


def test_three_sessions_change_the_same_files_and_a_fourth_builds_on_all_of_them(tmp_path: Path) -> None:
    folder = copy_repository(tmp_path / "repository")

    told = run([AAD, "orchestrate", "--all"], cwd=folder, temporary=tmp_path)

    assert told.returncode == 0, told.stderr
    branch = git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads/aad/run").strip()
    trailers = "--format=%(trailers:key=AAD-Spec,valueonly,separator=)"
    *three, fourth = git(folder, "log", "--first-parent", "--reverse", trailers, f"HEAD..{branch}").split()
    assert (sorted(three), fourth) == (["SPEC-001", "SPEC-002", "SPEC-003"], "SPEC-004")
    changed = git(folder, "diff", "--name-only", "HEAD", branch).split()
    assert changed == ["suji/__main__.py", "suji/forms.py", "tests/test_forms.py", "tests/test_program.py"]
    assert git(folder, "status", "--short") == ""


# The example that agents build.

# What the scripted model writes: the work itself is the example's own tests' affair.
WRITTEN = {"SPEC-001": "entries.py", "SPEC-002": "columns.py", "SPEC-003": "__main__.py"}


def script_work(spec: str, file: str) -> list[Json]:
    """Return what a model does that carries out a spec: a plan, the file, a look at it, its last words."""
    content = (DATA / "kakeibo" / f"{file}.txt").read_text("utf-8")
    return [
        {"tool": "plan", "args": {"items": [{"step": f"Write {file}", "status": "in_progress"}]}},
        {"tool": "write", "args": {"path": f"kakeibo/{file}", "content": content}},
        {"tool": "shell", "args": {"command": f"python3 -m py_compile kakeibo/{file}"}},
        {"reply": {"status": "done", "summary": f"{spec} is built.", "question": "", "options": []}},
    ]


def open_agents(box: AgentBox, agent: str, url: str) -> None:
    """Put the example into a box, its specs and settings leading to the scripted model, and commit it."""
    shutil.copytree(AGENTS, box.workspace, dirs_exist_ok=True, ignore=LEFT_BEHIND)
    for spec in WRITTEN:
        with (box.workspace / ".aad" / "specs" / f"{spec}.md").open("a", encoding="utf-8") as file:
            file.write(f"\n<!-- SCENARIO:{spec} -->\n")
    with (box.workspace / "config" / "aad.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{box.configure(agent, url)}")
    box.git("add", "--all")
    box.git(*AUTHOR, "commit", "--quiet", "--message", "What a household spends")


@each_of("codex", "claude")
def test_an_agent_builds_the_three_specs_of_its_example(tmp_path: Path, agent: str) -> None:
    box = AgentBox.build(tmp_path / "box")
    scenarios = {spec: script_work(spec, file) for spec, file in WRITTEN.items()}

    with model_server(scenarios, tmp_path / "seen") as server:
        open_agents(box, agent, server.url)
        told = run([AAD, "orchestrate", "--all", "--agent", agent], cwd=box.workspace, temporary=box.passing)

    assert told.returncode == 0, told.stdout + told.stderr
    assert {(seen["scenario"], seen["dummy_key"]) for seen in server.requests if seen["scenario"]} == {
        (spec, True) for spec in WRITTEN
    }
    branch = git(box.workspace, "for-each-ref", "--format=%(refname:short)", "refs/heads/aad/run").strip()
    changed = git(box.workspace, "diff", "--name-only", "HEAD", branch).split()
    assert changed == [f"kakeibo/{file}" for file in sorted(WRITTEN.values())]
    assert git(box.workspace, "status", "--short") == ""


def test_the_example_that_agents_build_has_no_faults(tmp_path: Path) -> None:
    folder = tmp_path / "agents"
    shutil.copytree(AGENTS, folder, ignore=LEFT_BEHIND)

    checked = run([AAD, "specs", "check"], cwd=folder, temporary=tmp_path)

    assert (checked.returncode, checked.stdout) == (0, "3 specs, no faults\n")


# The demo.

# What stands before the title of a commit changes from run to run: the graph, its id, who merged whom.
COMMIT = re.compile(r"^[*|/\\ ]+([0-9a-f]{7,}) (?:\([^)]*\) )?(?:Merge )?", re.MULTILINE)
GIT_HALF = """\
What they committed; your branch, main, is where it was:
$ git log --graph --oneline --all --decorate
Numbers as people write them
SPEC-001: 漢数字
SPEC-002: Roman numerals
SPEC-003: English words
SPEC-004: コマンド

== You merge when you like:
$ git merge aad/run/RUN
Updating BASE..RESULT
Fast-forward
 suji/__main__.py      | 29 +++++++++++++++++++++++++++
 suji/forms.py         | 54 +++++++++++++++++++++++++++++++++++++++++++++++++++
 tests/test_forms.py   | 25 ++++++++++++++++++++++++
 tests/test_program.py | 26 +++++++++++++++++++++++++
 4 files changed, 134 insertions(+)
 create mode 100644 suji/__main__.py
 create mode 100644 tests/test_program.py
$ python3 -m suji 2026
2,026 = 二千二十六 = MMXXVI = two thousand and twenty-six
"""


@pytest.mark.parametrize("flags", [(), ("--fail",)])
def test_the_demo_ends_well_and_leaves_nothing_behind(tmp_path: Path, flags: tuple[str, ...]) -> None:
    before = list_files(EXAMPLES)

    told = run([EXAMPLES / "demo.sh", AAD, *flags], cwd=EXAMPLES, temporary=tmp_path)

    assert told.returncode == 0, told.stderr
    assert list(tmp_path.iterdir()) == []
    assert list_files(EXAMPLES) == before
    assert list_statuses(told.stdout) == ([1, 0, 0] if flags else [0, 0])
    assert "\nReiwa 8, November 22\n" in told.stdout
    assert ("SPEC-006-error" in told.stdout) is bool(flags)
    assert simplify_git_half(told.stdout) == GIT_HALF


def simplify_git_half(told: str) -> str:
    """Return what the demo tells of git, with the commits in the order of their titles."""
    half = "What they committed" + told.partition("\n== What they committed")[2]
    half = re.sub(
        r"aad/run/\S+", "aad/run/RUN", re.sub(r"[0-9a-f]{7,}\.\.[0-9a-f]{7,}", "BASE..RESULT", half)
    )
    lines = half.splitlines(keepends=True)
    titles = {COMMIT.sub("", line) for line in lines if COMMIT.match(line)}
    rest = [line for line in lines if not re.match(r"[*|]", line)]
    return "".join([*rest[:2], *sorted(titles), *rest[2:]])


def list_statuses(told: str) -> list[int]:
    return [int(status) for status in re.findall(r"^== Exit status (\d+)", told, re.MULTILINE)]


def test_the_demo_tells_how_it_is_used(tmp_path: Path) -> None:
    told = run([EXAMPLES / "demo.sh", AAD, "--fial"], cwd=tmp_path, temporary=tmp_path)

    assert told.returncode == 2
    assert told.stderr == f"usage: {EXAMPLES / 'demo.sh'} AAD_COMMAND [--fail]\n"


def test_an_interrupted_demo_leaves_nothing_behind_either(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [EXAMPLES / "demo.sh", AAD],
        env=make_environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert demo.stderr is not None

    next(line for line in demo.stderr if "SPEC-001 started" in line)
    os.killpg(demo.pid, signal.SIGINT)
    demo.communicate()

    assert (demo.returncode, list(tmp_path.iterdir())) == (130, [])


def read_console(page: Path) -> list[tuple[str, str]]:
    """Return the commands of a page's console block, each with what it answers."""
    block = page.read_text("utf-8").partition("```console\n")[2].partition("```")[0]
    return re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def simplify(told: str) -> list[str]:
    """Return what is the same each time: no times, no run ids, no order of what runs side by side."""
    told = re.sub(r"[0-9.]+(s|秒)\b", r"N\1", re.sub(r"\d{8}-\d{6}-[0-9a-f]{4}", "RUN", told))
    return sorted(line for line in told.splitlines() if line and "⏳" not in line)


@pytest.mark.parametrize(("page", "lang"), [("README.md", "C"), ("README.ja.md", "ja_JP.UTF-8")])
def test_the_readme_shows_what_the_commands_answer(tmp_path: Path, page: str, lang: str) -> None:
    folder = copy_project(tmp_path / "project")
    manual = folder / "docs" / "manual.md"
    manual.write_text(manual.read_text("utf-8").replace(*MISTAKE), "utf-8")

    shown = read_console(EXAMPLES.parent / page)

    assert [command for command, _ in shown] == ["aad orchestrate --all --dry-run", "aad orchestrate --all"]
    for command, answer in shown:
        told = run(command.split(), cwd=folder, temporary=tmp_path, lang=lang)
        assert simplify(told.stdout + told.stderr) == simplify(answer)


# Embedding.

EMBEDDED = """\
A run to its end:
  TYPE started, attempt 1
  TYPE at 25%: page 1 of 4
  TYPE at 50%: page 2 of 4
  TYPE at 75%: page 3 of 4
  TYPE at 100%: page 4 of 4
  TYPE completed
  PICTURES started, attempt 1
  PICTURES is tried again
  PICTURES started, attempt 2
  PICTURES completed
  PRINT started, attempt 1
  parent session: LookupError: the front page has no headline
  PRINT is tried again
  PRINT started, attempt 2
  PRINT completed
  the run is completed
A run that is cancelled:
  CALLABLE started, attempt 1
  CALLABLE cancelled
  PROCESS started, attempt 1
  PROCESS cancelled
  the run is interrupted, and nothing is left running
"""


def test_the_embedding_program_tells_its_two_stories(tmp_path: Path) -> None:
    told = run([sys.executable, "-W", "error", EXAMPLES / "embed.py"], cwd=tmp_path, temporary=tmp_path)

    # What runs side by side is told in any order.
    assert sorted(told.stdout.splitlines()) == sorted(EMBEDDED.splitlines())
    assert (told.returncode, told.stderr, list(tmp_path.iterdir())) == (0, "", [])


# CI.


def test_the_ci_step_refuses_faulty_specs_before_anything_is_started(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")
    (folder / ".aad" / "specs" / "SPEC-009.md").write_text("---\ndepends_on: SPEC-404\n---\n", "utf-8")

    told = check(folder)

    assert told.status == 2
    assert "SPEC-009.md:2: depends on SPEC-404, which does not exist" in told.out + told.err
    assert not (folder / "aad-events.jsonl").exists()


def read_ci_commands() -> dict[str, str]:
    """Return the command by which each service runs aad."""
    github = yaml.safe_load((EXAMPLES / "ci" / "github-actions.yml").read_text("utf-8"))
    gitlab = yaml.safe_load((EXAMPLES / "ci" / "gitlab-ci.yml").read_text("utf-8"))
    steps = [step["run"] for step in github["jobs"]["specs"]["steps"] if "run" in step]
    return {"github": steps[-1], "gitlab": gitlab["specs"]["script"][-1]}


def test_both_ci_services_run_the_same_command() -> None:
    commands = read_ci_commands()

    assert commands["github"] == commands["gitlab"]


def test_the_command_of_the_ci_services_runs_the_project(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")

    told = run(["sh", "-ec", read_ci_commands()["github"]], cwd=folder, temporary=tmp_path)

    assert told.returncode == 0, told.stderr
    assert read_events(folder / "events.jsonl")[-1]["status"] == "completed"
