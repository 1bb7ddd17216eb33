"""`aad orchestrate`, run in this process: options, plans, exit statuses, and what is told where."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_project import Cli, Outcome, open_cli

from aad.display.graphs import render_json
from aad.lock import hold_lock
from aad.plan import make_plan
from aad.runlist import list_runs
from aad.spec import Spec

DRAWN = """\
📋 Plan (dry run):
  ┌─ SPEC-001  One        no estimate
  │   └─ SPEC-002  Two    no estimate
  └─ SPEC-003  三         2m
  Order: [SPEC-001, SPEC-003 in parallel] → SPEC-002
  Estimated time: about 2m, without SPEC-001, SPEC-002
"""
QUIET = """\
Summary:
  Completed: 2 (SPEC-001, SPEC-002)
  Failed: 0
  Total time: 0s
"""
TOLD = f"""\
Orchestrator started
  run RUN - 2 specs - 1 slot
Plan:
  - SPEC-001 (no dependencies)
  - SPEC-002 (after SPEC-001)
  Added: SPEC-001 (needed by SPEC-002)

> SPEC-001 started...
+ SPEC-001 completed (0s)
> SPEC-002 started...
+ SPEC-002 completed (0s)

{QUIET}"""
USAGE = "Usage: aad orchestrate [OPTIONS]\n"
OPEN = (
    "run {run} was planned without these changes (--accept-changes goes on with them; without --resume a new "
    "run begins)\n"
)
SHARED = (
    "the project's folder is shared: SPEC-001 and SPEC-003 may run in it side by side "
    '([workspace] isolation = "directory" gives each session a folder, --jobs 1 lets one run at a time, '
    "`paths` tell that two do not meet)\n"
)
CHAIN = {
    "SPEC-001": "---\nrun: echo one\n---\n# SPEC-001: One\n",
    "SPEC-002": "---\nrun: echo two\ndepends_on: [SPEC-001]\n---\n# SPEC-002: Two\n",
    "SPEC-003": "---\nrun: exit 3\nestimate: 2m\n---\n# SPEC-003: 三\n",
}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        yield opened


@pytest.fixture
def chain(cli: Cli) -> Cli:
    for name, text in CHAIN.items():
        cli.write_spec(name, text)
    return cli


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def steady(text: str) -> str:
    """Return what was told, less what differs from run to run."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{4}", "RUN", text)
    return re.sub(r"\b\d+(?:\.\d+)?s\b", "0s", text)


def configure(cli: Cli, text: str) -> None:
    cli.project.config.parent.mkdir(exist_ok=True)
    cli.project.config.write_text(text)


# Options that contradict each other.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--specs", "A", "--all"], "--specs and --all exclude each other (name specs, or take them all)"),
        (
            [],
            (
                "nothing is selected (--specs SPEC-001,SPEC-002 names specs, --all takes them all, "
                "--resume goes on with the newest run)"
            ),
        ),
        (
            ["--all", "--format", "json"],
            (
                "--format says how a plan is written (add --dry-run; the events of a run come with "
                "--log-format json)"
            ),
        ),
        (
            ["--all", "--accept-changes"],
            "--accept-changes is about a run that goes on (add --resume)",
        ),
        (
            ["--all", "--accept-changes", "--lang", "ja"],
            "--accept-changes は実行を再開するときに使います（--resume を付けてください）",
        ),
        (
            ["--all", "--timeout", "5"],
            "Invalid value for '--timeout': 5 is no duration (write it like 90s, 30m or 1h30m)",
        ),
        (
            ["--all", "--jobs", "0"],
            "Invalid value for '--jobs' / '-j': 0 is not in the range 1<=x<=1000.",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(chain: Cli, arguments: list[str], told: str) -> None:
    before = list_files(chain.project.root)

    outcome = chain.run("orchestrate", *arguments)

    assert outcome == Outcome(2, "", f"{USAGE}aad: {told}\n")
    assert list_files(chain.project.root) == before


def test_an_agent_that_is_not_known_is_refused(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--all", "--agent", "nobody")

    assert (outcome.status, outcome.out) == (2, "")
    assert not chain.project.runs.exists()


# Plans.


@pytest.mark.parametrize("form", ["text", "json", "mermaid", "dot"])
def test_a_dry_run_writes_nothing_but_the_plan(chain: Cli, form: str) -> None:
    before = list_files(chain.project.root)

    outcome = chain.run("orchestrate", "--all", "--dry-run", "--jobs", "1", "--format", form)

    assert (outcome.status, outcome.err, bool(outcome.out)) == (0, "", True)
    assert list_files(chain.project.root) == before


def test_a_plan_is_drawn(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--all", "--dry-run", "--jobs", "4")

    assert outcome.out == DRAWN


def test_a_plan_as_json_has_the_promised_members(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--specs", "SPEC-002", "--dry-run", "--format", "json")

    def entry(number: int, title: str, needs: list[str], *, added: bool) -> dict[str, object]:
        spec_id = f"SPEC-00{number}"
        return {
            "id": spec_id,
            "title": title,
            "path": f".aad/specs/{spec_id}.md",
            "status": "ready",
            "depends_on": needs,
            "wave": number - 1,
            "agent": "command",
            "estimate_s": None,
            "added": added,
        }

    assert json.loads(outcome.out) == {
        "version": 1,
        "specs": [
            entry(1, "One", [], added=True),
            entry(2, "Two", ["SPEC-001"], added=False),
        ],
        "waves": [["SPEC-001"], ["SPEC-002"]],
        "order": [["SPEC-001"], ["SPEC-002"]],
        "estimate_s": None,
    }


def test_no_deps_takes_what_is_named_alone(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--specs", "SPEC-002", "--no-deps", "--dry-run", "--format", "json")

    assert json.loads(outcome.out)["waves"] == [["SPEC-002"]]


def test_drafts_that_were_left_out_are_named_beside_the_plan(chain: Cli) -> None:
    chain.write_spec("SPEC-004", "---\nstatus: Draft\nrun: x\n---\n")

    dry = ("orchestrate", "--all", "--dry-run", "--jobs", "1", "--format", "json")

    without = chain.run(*dry)
    taken = chain.run(*dry, "--allow-draft")

    assert without.err == "left out, still drafts: SPEC-004 (--allow-draft takes them in)\n"
    assert {spec["id"] for spec in json.loads(without.out)["specs"]} == set(CHAIN)
    assert (taken.err, len(json.loads(taken.out)["specs"])) == ("", 4)


@pytest.mark.parametrize("dry", [["--dry-run"], []], ids=["plan", "run"])
def test_sessions_that_may_share_the_folder_are_named(chain: Cli, dry: list[str]) -> None:
    outcome = chain.run("orchestrate", "--all", "--jobs", "2", *dry)

    assert outcome.err.splitlines(keepends=True).count(SHARED) == 1


def test_sessions_that_may_share_the_folder_are_named_in_japanese(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--all", "--jobs", "2", "--dry-run", "--lang", "ja")

    assert outcome.err == (
        "SPEC-001 と SPEC-003 が、プロジェクトのフォルダーで同時に動くことがあります"
        '（[workspace] isolation = "directory" ならセッションごとに別のフォルダーを使い、'
        "--jobs 1 なら一つずつ動きます。"
        "互いに触れないものは `paths` に書いてください）\n"
    )


@pytest.mark.parametrize("dry", [["--dry-run"], []], ids=["plan", "run"])
def test_who_wants_quiet_is_not_told_who_shares_the_folder(chain: Cli, dry: list[str]) -> None:
    outcome = chain.run("orchestrate", "--all", "--jobs", "2", "-q", *dry)

    assert SHARED not in outcome.err


def test_what_is_left_of_a_run_may_share_the_folder_as_well(chain: Cli) -> None:
    chain.write_spec("SPEC-001", "---\nrun: exit 1\n---\n")
    chain.run("orchestrate", "--all", "--jobs", "1")

    outcome = chain.run("orchestrate", "--resume", "--jobs", "2", "--dry-run")

    assert outcome.err == SHARED


def test_where_the_settings_keep_sessions_apart_there_is_nothing_to_tell(chain: Cli) -> None:
    configure(chain, '[workspace]\nisolation = "directory"\n')

    outcome = chain.run("orchestrate", "--all", "--jobs", "2", "--dry-run")

    assert outcome.err == ""


def test_in_a_repository_worktrees_are_the_way_to_share_no_folder(chain: Cli) -> None:
    configure(chain, '[workspace]\nisolation = "none"\n')
    subprocess.run(["git", "init", "--quiet", chain.project.root], check=True)

    outcome = chain.run("orchestrate", "--all", "--jobs", "2", "--dry-run")

    advice = SHARED.replace("directory", "worktree").replace("session a folder", "session a worktree")
    assert outcome.err == advice


def test_specs_may_lie_elsewhere(cli: Cli) -> None:
    folder = cli.project.root / "plans"
    folder.mkdir()
    (folder / "X-1.md").write_text(CHAIN["SPEC-001"].replace("SPEC-001", "X-1"))

    outcome = cli.run("orchestrate", "--all", "--specs-dir", "plans", "--dry-run", "--format", "json")

    assert [spec["path"] for spec in json.loads(outcome.out)["specs"]] == ["plans/X-1.md"]


# Exit statuses.


def test_0_every_spec_is_complete(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--specs", "SPEC-002", "--jobs", "1", "--symbols", "ascii")

    assert (outcome.status, outcome.out, steady(outcome.err)) == (0, "", TOLD)


def test_1_some_spec_failed(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--all", "--progress", "none")

    assert outcome.status == 1
    (run,) = list_runs(chain.project.runs)
    summary = json.loads(chain.project.summary(run).read_bytes())
    assert {spec["id"]: spec["status"] for spec in summary["specs"]} == {
        "SPEC-001": "completed",
        "SPEC-002": "completed",
        "SPEC-003": "failed",
    }


def test_2_all_that_is_wrong_is_told_and_nothing_is_written(chain: Cli) -> None:
    chain.write_spec("SPEC-004", "---\nretires: 1\n---\n")
    chain.write_spec("SPEC-005", "---\nrun: x\ndepends_on: [SPEC-009]\n---\n")
    before = list_files(chain.project.root)

    outcome = chain.run("orchestrate", "--all")

    assert (outcome.status, outcome.out) == (2, "")
    assert [line.partition(" ")[0] for line in outcome.err.splitlines()] == [
        ".aad/specs/SPEC-004.md:2:",
        ".aad/specs/SPEC-005.md:3:",
    ]
    assert list_files(chain.project.root) == before


def test_2_what_nothing_runs_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cli.project.root))
    cli.write_spec("SPEC-001", "# SPEC-001: One\n")

    outcome = cli.run("orchestrate", "--all")

    assert outcome == Outcome(
        2,
        "",
        ".aad/specs/SPEC-001.md:1: SPEC-001 does not say what to run (give it `run:`; or set `kind` in "
        "[agent] of config/aad.toml to an agent, or `command` there; agents found on PATH: -)\n",
    )


def test_2_a_spec_may_not_ask_for_an_agent_that_is_not_known(cli: Cli) -> None:
    cli.write_spec("SPEC-001", "---\nrun: x\nagent: nobody\n---\n")

    outcome = cli.run("orchestrate", "--all", "--dry-run")

    assert (outcome.status, outcome.out) == (2, "")
    assert "nobody" in outcome.err


@pytest.mark.parametrize("arguments", [["--specs", "X*"], ["--all"]])
def test_5_no_spec_matched(cli: Cli, arguments: list[str]) -> None:
    cli.project.specs.mkdir()

    outcome = cli.run("orchestrate", *arguments)

    assert (outcome.status, outcome.out) == (5, "")
    assert not cli.project.runs.exists()


def test_6_another_run_holds_the_project(chain: Cli) -> None:
    chain.project.prepare()
    with hold_lock(chain.project.state, "20261122-213612-7f3a"):
        outcome = chain.run("orchestrate", "--all")

    told = re.sub(r"since \S+ ", "since THEN ", outcome.err)
    assert (outcome.status, outcome.out, told) == (
        6,
        "",
        (
            f"run 20261122-213612-7f3a holds this project: process {os.getpid()}, since THEN "
            "(wait for its end, or end it)\n"
        ),
    )
    assert list_runs(chain.project.runs) == []


# What is told where.


def test_the_events_on_stdout_are_the_journals_lines_and_the_output_between_them(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--all", "--log-format", "json", "--progress", "none")

    (run,) = list_runs(chain.project.runs)
    lines = outcome.out.splitlines()
    output = [line for line in lines if json.loads(line)["type"] == "session_output"]
    assert [line for line in lines if line not in output] == chain.project.journal(
        run
    ).read_text().splitlines()
    assert sorted((told["spec"], told["message"]) for told in map(json.loads, output)) == [
        ("SPEC-001", "one"),
        ("SPEC-002", "two"),
    ]


def test_a_quiet_run_that_goes_well_tells_its_summary_alone(chain: Cli) -> None:
    chain.write_spec("SPEC-004", "---\nstatus: Draft\nrun: x\n---\n")
    (chain.project.specs / "SPEC-003.md").unlink()

    outcome = chain.run("orchestrate", "--all", "-q", "--symbols", "ascii")

    assert (outcome.status, outcome.out, steady(outcome.err)) == (0, "", QUIET)


def test_a_run_names_the_drafts_that_it_left_out(chain: Cli) -> None:
    chain.write_spec("SPEC-004", "---\nstatus: Draft\nrun: x\n---\n")

    outcome = chain.run("orchestrate", "--specs", "SPEC-00[14]", "--lang", "ja")

    assert outcome.err.splitlines()[0] == ("下書きのため対象外: SPEC-004（--allow-draft で対象になります）")


def test_a_verbose_run_tells_the_time_of_each_line_before_the_summary(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--specs", "SPEC-002", "-j", "1", "-v", "--symbols", "ascii")

    log, _, _ = outcome.err.partition("\n\n")
    stamped = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in log.splitlines()]
    assert steady("\n".join(stamped)) == TOLD.partition("\n\n")[0]
    assert all(len(line) - len(bare) == 9 for line, bare in zip(log.splitlines(), stamped, strict=True))


def test_settings_of_the_command_line_go_before_those_of_the_file(chain: Cli) -> None:
    configure(chain, "[orchestrator]\nmax_parallel_sessions = 3\nschedule = 'eager'\n")

    chain.run("orchestrate", "--all", "-j", "1", "--schedule", "waves", "--fail-fast", "-q")

    (run,) = list_runs(chain.project.runs)
    first = json.loads(chain.project.journal(run).read_text().splitlines()[0])
    assert (first["jobs"], first["schedule"]) == (1, "waves")


def test_a_timeout_of_the_command_line_ends_what_takes_longer(cli: Cli) -> None:
    cli.write_spec("SPEC-001", "---\nrun: exec sleep 100\n---\n")

    outcome = cli.run("orchestrate", "--all", "--timeout", "100ms", "--log-format", "json", "-q")

    ends = [told for told in map(json.loads, outcome.out.splitlines()) if "failure" in told]
    assert (outcome.status, ends[-1]["type"], ends[-1]["failure"]["reason"]) == (
        1,
        "session_timed_out",
        "timed_out",
    )


def test_diagnostics_are_lines_among_the_others(chain: Cli) -> None:
    configure(chain, "[escalation]\ncommand = ['/no/such']\n")

    outcome = chain.run("orchestrate", "--specs", "SPEC-003", "-q")

    told = "aad: the notification command for SPEC-003-error failed: /no/such: No such file or directory"
    assert outcome.err.splitlines().count(told) == 1


# Going on with a run.


def test_a_resumed_run_runs_what_is_not_complete_and_needs_no_names(chain: Cli) -> None:
    first = chain.run("orchestrate", "--all", "-q")
    chain.write_spec("SPEC-003", CHAIN["SPEC-003"].replace("exit 3", "exit 0"))

    again = chain.run("orchestrate", "--resume", "--accept-changes", "--log-format", "json", "-q")

    (run,) = list_runs(chain.project.runs)
    started = [told for told in map(json.loads, again.out.splitlines()) if told["type"] == "session_started"]
    assert (first.status, again.status) == (1, 0)
    assert [(told["run"], told["spec"], told["attempt"]) for told in started] == [(run, "SPEC-003", 2)]


def test_a_run_can_be_resumed_by_the_beginning_of_its_id(chain: Cli) -> None:
    chain.run("orchestrate", "--specs", "SPEC-003", "-q")
    (run,) = list_runs(chain.project.runs)

    again = chain.run("orchestrate", "--resume", run[:10], "-q")

    assert (again.status, list_runs(chain.project.runs)) == (1, [run])


def test_a_run_that_lost_a_spec_is_not_resumed_and_frees_the_project(chain: Cli) -> None:
    chain.run("orchestrate", "--all", "-q")
    (run,) = list_runs(chain.project.runs)
    journal = chain.project.journal(run).read_bytes()
    (chain.project.specs / "SPEC-003.md").unlink()

    outcomes = [chain.run("orchestrate", "--resume") for _ in range(2)]

    told = f".aad/specs/SPEC-003.md: SPEC-003 was part of run {run} and is gone\n{OPEN.format(run=run)}"
    assert outcomes == [Outcome(2, "", told)] * 2
    assert chain.project.journal(run).read_bytes() == journal


def test_a_complete_spec_may_be_gone_when_its_run_goes_on(chain: Cli) -> None:
    chain.run("orchestrate", "--all", "-q")
    (chain.project.specs / "SPEC-002.md").unlink()

    outcome = chain.run("orchestrate", "--resume", "-q", "--progress", "none")

    assert outcome.status == 1


def test_without_any_run_there_is_nothing_to_resume(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--resume")

    assert outcome == Outcome(2, "", "there are no runs yet (aad orchestrate begins one)\n")
    assert not chain.project.runs.exists()


def test_a_run_that_is_not_there_is_named(chain: Cli) -> None:
    chain.run("orchestrate", "--specs", "SPEC-001", "-q")
    (run,) = list_runs(chain.project.runs)

    outcome = chain.run("orchestrate", "--resume", "1999")

    assert outcome == Outcome(2, "", f"no run begins with 1999 (there are: {run})\n")


def test_a_spec_with_a_new_dependency_is_not_resumed(chain: Cli) -> None:
    chain.run("orchestrate", "--all", "-q")
    (run,) = list_runs(chain.project.runs)
    chain.write_spec("SPEC-003", "---\ndepends_on: [SPEC-004, SPEC-001]\nrun: exit 0\n---\n")
    chain.write_spec("SPEC-004", "---\nrun: exit 0\n---\n")

    outcome = chain.run("orchestrate", "--resume")

    told = (
        f".aad/specs/SPEC-003.md:1: SPEC-003 was edited after run {run} had planned it\n"
        f".aad/specs/SPEC-003.md:2: SPEC-003 now depends on SPEC-004, which is not part of run {run}\n"
        f".aad/specs/SPEC-003.md:2: SPEC-003 now depends on SPEC-001, and did not when run {run} planned it\n"
        f"{OPEN.format(run=run)}"
    )
    assert outcome == Outcome(2, "", told)


def test_a_complete_spec_may_depend_on_something_new_when_its_run_goes_on(chain: Cli) -> None:
    chain.run("orchestrate", "--all", "-q")
    chain.write_spec("SPEC-001", "---\ndepends_on: [SPEC-004]\nrun: exit 0\n---\n")
    chain.write_spec("SPEC-003", CHAIN["SPEC-003"].replace("exit 3", "exit 0"))
    chain.write_spec("SPEC-004", "---\nrun: exit 0\n---\n")

    outcome = chain.run("orchestrate", "--resume", "--accept-changes", "-q")

    assert outcome.status == 0


def test_what_was_waived_stays_so_when_the_run_goes_on(chain: Cli) -> None:
    chain.write_spec("SPEC-002", CHAIN["SPEC-002"].replace("echo two", "exit 3"))
    chain.run("orchestrate", "--specs", "SPEC-002", "--no-deps", "-q")

    outcome = chain.run("orchestrate", "--resume", "--dry-run", "--format", "json")

    assert [entry["id"] for entry in json.loads(outcome.out)["specs"]] == ["SPEC-002"]


def test_a_spec_that_became_a_draft_is_resumed_only_where_drafts_are_allowed(chain: Cli) -> None:
    chain.run("orchestrate", "--all", "-q")
    (run,) = list_runs(chain.project.runs)
    chain.write_spec("SPEC-003", "---\nstatus: Draft\nrun: exit 0\n---\n")

    refused = chain.run("orchestrate", "--resume", "--accept-changes", "-q")
    allowed = chain.run("orchestrate", "--resume", "--accept-changes", "--allow-draft", "-q")

    told = (
        f".aad/specs/SPEC-003.md:1: SPEC-003 became a draft after run {run} had planned it "
        "(approve it, or pass --allow-draft)\n"
    )
    assert refused == Outcome(2, "", told)
    assert allowed.status == 0


def test_specs_of_another_folder_are_found_again_without_its_name(cli: Cli) -> None:
    folder = cli.project.root / "other"
    folder.mkdir()
    (folder / "SPEC-001.md").write_text("---\nrun: exit 3\n---\n")
    first = cli.run("orchestrate", "--specs-dir", "other", "--all", "-q")
    (folder / "SPEC-001.md").write_text("---\nrun: exit 0\n---\n")

    again = cli.run("orchestrate", "--resume", "--accept-changes", "-q")

    assert (first.status, again.status) == (1, 0)


def test_specs_of_another_folder_are_named_as_the_project_sees_them(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cli.project.root / "other"
    folder.mkdir()
    (folder / "SPEC-001.md").write_text("---\nrun: exit 0\n---\n")
    monkeypatch.chdir(folder)

    outcome = cli.run("orchestrate", "--specs-dir", ".", "--all", "--dry-run", "--format", "json")

    assert [entry["path"] for entry in json.loads(outcome.out)["specs"]] == ["other/SPEC-001.md"]


def test_a_part_of_a_run_can_be_resumed_and_then_the_rest_of_it(chain: Cli) -> None:
    chain.write_spec("SPEC-001", "---\nrun: exit 3\n---\n")
    chain.run("orchestrate", "--all", "-q")
    for name, text in CHAIN.items():
        chain.write_spec(name, text.replace("exit 3", "exit 0"))

    resume = ("orchestrate", "--resume", "--accept-changes", "-q")
    part = chain.run(*resume, "--specs", "SPEC-002")
    rest = chain.run(*resume, "--log-format", "json")

    told = [line for line in map(json.loads, rest.out.splitlines()) if line["type"] == "session_started"]
    assert (part.status, rest.status, [line["spec"] for line in told]) == (0, 0, ["SPEC-003"])


def test_what_is_left_of_a_run_is_shown_without_touching_it(chain: Cli) -> None:
    chain.run("orchestrate", "--all", "-q")
    (run,) = list_runs(chain.project.runs)
    before = list_files(chain.project.root), chain.project.journal(run).read_bytes()

    with hold_lock(chain.project.state, run):
        outcome = chain.run("orchestrate", "--dry-run", "--resume", "latest", "--format", "json")

    plan = json.loads(outcome.out)
    assert (outcome.status, outcome.err, plan["order"]) == (0, "", [["SPEC-003"]])
    assert {entry["id"]: entry["status"] for entry in plan["specs"]} == {
        "SPEC-001": "complete",
        "SPEC-002": "complete",
        "SPEC-003": "ready",
    }
    assert (list_files(chain.project.root), chain.project.journal(run).read_bytes()) == before


def test_what_lies_where_the_runs_should_is_named(chain: Cli) -> None:
    chain.project.runs.write_text("")

    outcome = chain.run("orchestrate", "--all")

    told = "cannot be written: File exists (make it writable, or run in a copy of the project)\n"
    assert outcome == Outcome(2, "", f"{chain.project.runs}: {told}")


# Where nobody can be told.


@pytest.mark.parametrize(
    "arguments", [["orchestrate", "--all", "--dry-run", "-q"], ["--help"], ["specs"], ["logs", "SPEC-001"]]
)
def test_what_cannot_be_written_is_an_error(chain: Cli, arguments: list[str]) -> None:
    chain.run("orchestrate", "--specs", "SPEC-001", "-q")

    told = run_on_full_device(chain, *arguments)

    assert (told.returncode, told.stderr) == (
        1,
        "stdout cannot be written: No space left on device (make room, or write elsewhere)\n",
    )


def test_a_run_goes_on_when_its_events_cannot_be_written(chain: Cli) -> None:
    told = run_on_full_device(chain, "orchestrate", "--specs", "SPEC-002", "--log-format", "json", "-q")

    lost = (
        "stdout cannot be written: No space left on device "
        "(the run goes on without its events there; the journal has them)"
    )
    assert (told.returncode, told.stderr.splitlines().count(lost)) == (0, 1)


def run_on_full_device(cli: Cli, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `aad` in a process whose stdout takes nothing."""
    with Path("/dev/full").open("w") as out:
        return subprocess.run(
            [sys.executable, "-m", "aad", *arguments],
            cwd=cli.project.root,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )


def test_a_live_display_is_shown_as_a_plain_one(chain: Cli) -> None:
    plain, live = (
        chain.run("orchestrate", "--specs", "SPEC-001", "--progress", kind) for kind in ("plain", "live")
    )

    assert (live.status, steady(live.err)) == (plain.status, steady(plain.err))


@pytest.mark.parametrize("name", ["AAD_SESION_TIMEOUT", "AAD_ORCHESTRATOR_SESSION_TIMEOUTS"])
def test_a_misspelt_variable_is_an_error(chain: Cli, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "5m")

    outcome = chain.run("orchestrate", "--all", "--dry-run")

    near = name.replace("SESION", "SESSION").replace("TIMEOUTS", "TIMEOUT")
    assert outcome == Outcome(2, "", f"{name} is no setting (did you mean {near}?)\n")


def test_the_option_at_fault_is_named_as_it_was_given(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--all", "--agent", "a b")

    told = '`--agent` must be the name of an agent, or a list of names, not "a b"\n'
    assert outcome == Outcome(2, "", told)


@pytest.mark.parametrize(("encoding", "readable"), [("utf-8", True), ("ascii", False), (None, True)])
def test_a_plan_for_programs_keeps_titles_readable_where_it_can(
    chain: Cli, encoding: str | None, readable: bool
) -> None:
    plan = make_plan([Spec(id="A", title="三")], slots=1)

    told = render_json(plan, encoding=encoding)

    assert ("三" in told, json.loads(told)["specs"][0]["title"]) == (readable, "三")
