"""`aad orchestrate`: which options it takes, how it exits, and what it tells where."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from chainedproject import chain, cli, configure, list_files
from cli_project import Cli, Outcome

from aad.lock import hold_lock
from aad.runlist import list_runs

__all__ = ["chain", "cli"]

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


def steady(text: str) -> str:
    """Return what was told, less what differs from run to run."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{4}", "RUN", text)
    return re.sub(r"\b\d+(?:\.\d+)?s\b", "0s", text)


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
