"""`aad orchestrate --resume`: how a run is gone on with."""

import json

import pytest
from chainedproject import CHAIN, chain, cli, list_files
from cli_project import Cli, Outcome

from aad.lock import hold_lock
from aad.runlist import list_runs

__all__ = ["chain", "cli"]

OPEN = (
    "run {run} was planned without these changes (--accept-changes goes on with them; without --resume a new "
    "run begins)\n"
)


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
