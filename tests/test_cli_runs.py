"""`aad runs`: the runs of a project, and one of them in full."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from cli_project import FAILED_RUN, INTEGRATED, KILLED_RUN, PLAN, RUN, STARTED, Cli, Outcome, begin, open_cli

from aad.events import RunFinished
from aad.lock import hold_lock

OTHER = "20261123-000000-0000"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        yield opened


LIST = f"""\
✗ {RUN}  failed       2026-11-22 21:36:12  1m 32s  Completed: 1 · Failed: 1 · Skipped: 1
⊘ {OTHER}  interrupted  2026-11-22 21:36:12  1m 2s   Not started: 1 · Completed: 1 · Cancelled: 1
"""


@pytest.mark.parametrize("arguments", [["runs"], ["runs", "list"], ["runs", "--format", "text"]])
def test_runs_are_listed_with_the_newest_last(cli: Cli, arguments: list[str]) -> None:
    cli.write_journal(*KILLED_RUN, run=OTHER)
    cli.write_journal(*FAILED_RUN)

    outcome = cli.run(*arguments)

    assert outcome == Outcome(0, LIST, "")


def test_runs_are_listed_in_japanese(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)

    outcome = cli.run("runs", "--lang", "ja")

    assert outcome.out == (
        f"✗ {RUN}  失敗  2026-11-22 21:36:12  1分32秒  成功: 1件 · 失敗: 1件 · スキップ: 1件\n"
    )


def test_a_run_that_goes_on_is_listed_as_running(cli: Cli) -> None:
    future = 4e9
    cli.write_journal(evolve(STARTED, ts=future), evolve(PLAN, ts=future), begin("SPEC-001", at=future))

    with hold_lock(cli.project.state, RUN):
        outcome = cli.run("runs")

    assert outcome.out == f"▸ {RUN}  running  2096-10-02 07:06:40  0.0s  Not started: 2 · Still running: 1\n"


def test_a_damaged_journal_hides_no_other_run(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)
    path = cli.write_journal(*KILLED_RUN, run=OTHER)
    path.write_bytes(path.read_bytes().replace(b"Domain", b"Demand", 1))
    (cli.project.runs / "20261124-000000-0000").mkdir()

    outcome = cli.run("runs")

    assert (outcome.status, [line.split()[:3] for line in outcome.out.splitlines()], outcome.err) == (
        0,
        [
            ["✗", RUN, "failed"],
            ["✗", OTHER, "unreadable"],
            ["✗", "20261124-000000-0000", "unreadable"],
        ],
        "",
    )


def test_runs_are_listed_as_json(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)
    (cli.project.runs / OTHER).mkdir()

    outcome = cli.run("runs", "list", "--format", "json")

    unknown = dict.fromkeys(("started", "ended", "duration_s", "exit_code"))
    assert (outcome.status, outcome.err, json.loads(outcome.out)) == (
        0,
        "",
        {
            "version": 1,
            "runs": [
                {
                    "run": RUN,
                    "status": "failed",
                    "started": "2026-11-22T21:36:12.000Z",
                    "ended": "2026-11-22T21:37:44.000Z",
                    "duration_s": 92.0,
                    "exit_code": 1,
                    "counts": {"completed": 1, "failed": 1, "skipped": 1},
                },
                {"run": OTHER, "status": "unreadable", **unknown, "counts": {}},
            ],
        },
    )


def test_where_no_run_is_the_way_to_one_is_told(cli: Cli) -> None:
    outcome = cli.run("runs")

    assert outcome == Outcome(0, "", "there are no runs yet (aad orchestrate --all begins one)\n")


def test_no_runs_are_an_empty_list_in_json(cli: Cli) -> None:
    outcome = cli.run("runs", "--format", "json")

    assert (json.loads(outcome.out), outcome.err) == ({"version": 1, "runs": []}, "")


def test_a_run_is_shown_with_its_summary(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)

    outcome = cli.run("runs", "show", "20261122")

    status = cli.run("status").out
    assert outcome == Outcome(
        0,
        f"""{status}
📈 Summary:
  Completed: 1 (SPEC-001)
  Failed: 1 (SPEC-002)
  Skipped: 1 (SPEC-003)
  Total time: 1m 32s
  Critical path: SPEC-001 → SPEC-002 (1m 32s)
  Next: aad logs SPEC-002 · aad orchestrate --resume
""",
        "",
    )


def test_a_run_that_goes_on_has_no_summary_yet(cli: Cli) -> None:
    future = 4e9
    cli.write_journal(evolve(STARTED, ts=future), evolve(PLAN, ts=future))

    with hold_lock(cli.project.state, RUN):
        shown, status = cli.run("runs", "show"), cli.run("status")

    assert shown == status


def test_a_run_as_json_is_its_summary(cli: Cli) -> None:
    cli.write_journal(STARTED, evolve(PLAN, specs=PLAN.specs[:1]), FAILED_RUN[-1])

    outcome = cli.run("runs", "show", "--format", "json")

    spec = {
        "id": "SPEC-001", "title": "Domain", "status": "pending", "attempt": 0, "duration_s": 0.0,
        "done_before": False, "log": None, "workspace": None, "branch": None, "commit": None, "failure": None,
        "escalations": [], "usage": None, "agent": None,
    }  # fmt: skip
    assert json.loads(outcome.out) == {
        "version": 1,
        "run": RUN,
        "started": "2026-11-22T21:36:12.000Z",
        "ended": "2026-11-22T21:37:44.000Z",
        "status": "failed",
        "exit_code": 1,
        "duration_s": 92.0,
        "base": None,
        "branch": None,
        "result": None,
        "counts": {"pending": 1},
        "specs": [spec],
    }


def test_a_run_that_does_not_exist_is_an_error(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)

    outcome = cli.run("runs", "show", "1999")

    assert outcome == Outcome(2, "", f"no run begins with 1999 (there are: {RUN})\n")


def test_a_command_that_does_not_exist_is_an_error(cli: Cli) -> None:
    outcome = cli.run("runs", "list", "all")

    assert outcome == Outcome(
        2, "", "Usage: aad runs list [OPTIONS]\naad: Got unexpected extra argument (all)\n"
    )


def test_a_run_that_was_resumed_and_ended_began_when_it_first_began(cli: Cli) -> None:
    resumed = evolve(STARTED, ts=STARTED.ts + 3600, resumed=True)
    ended = RunFinished(ts=STARTED.ts + 3700, status="failed", exit_code=1, duration_s=70.0)
    cli.write_journal(*FAILED_RUN, resumed, PLAN, ended)

    outcome = cli.run("runs")

    # 92 seconds before it was resumed, 70 afterwards.
    told = "Not started: 2 · Completed: 1"
    assert outcome.out == f"✗ {RUN}  failed  2026-11-22 21:36:12  2m 42s  {told}\n"


@pytest.mark.parametrize("name", ["latest", RUN[:8]])
def test_the_newest_run_is_shown_by_its_word_too(cli: Cli, name: str) -> None:
    cli.write_journal(*FAILED_RUN, run="20261121-000000-0000")
    cli.write_journal(*FAILED_RUN)

    outcome = cli.run("runs", "show", name, "--format", "json")

    assert (outcome.status, json.loads(outcome.out)["run"]) == (0, RUN)


def test_the_branch_with_the_result_of_a_run_is_named_once(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN[:3], INTEGRATED, *FAILED_RUN[3:])

    outcome = cli.run("runs", "show")

    assert outcome.out.splitlines()[-5:] == [
        "  Skipped: 1 (SPEC-003)",
        f"  Result: aad/run/{RUN}",
        "  Total time: 1m 32s",
        "  Critical path: SPEC-001 → SPEC-002 (1m 32s)",
        f"  Next: aad logs SPEC-002 · aad orchestrate --resume · git merge aad/run/{RUN}",
    ]
    assert outcome.out.count("Result:") == 1
