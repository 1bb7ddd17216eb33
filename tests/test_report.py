"""A run as JSON, and what past runs teach."""

import json
from pathlib import Path
from typing import Any

import pytest

from aad import events
from aad.events import Failure, PlanEntry, Reason, Usage
from aad.history import read_durations
from aad.report import describe_status, dump_summary, running_time, summarize, total_usage
from aad.state import RunState, Session, Status

RUN = "20261122-213612-7f3a"


def a_run() -> RunState:
    """Return a run: A completed at its second attempt, B failed, C runs, Z was complete before."""
    state = RunState()
    plan = (PlanEntry(id="Z", status="complete"), *(PlanEntry(id=name, title=f"題 {name}") for name in "ABC"))
    failure = Failure(reason=Reason.KILLED, message="oom", signal=9, log_tail=("last words",))
    for event in (
        events.RunStarted(run=RUN, ts=1000.0, pid=1, version="0.1.0", jobs=2, schedule="eager"),
        events.PlanMade(specs=plan, waves=()),
        events.SessionStarted(spec="A", attempt=2, log="a.log", agent="codex"),
        events.SessionCompleted(spec="A", attempt=2, duration_s=12.3456, usage=Usage(input=5, output=2)),
        events.SessionStarted(spec="B", attempt=1, log="b.log"),
        events.EscalationRaised(
            spec="B",
            attempt=1,
            escalation="B-error",
            level=events.EscalationLevel.ERROR,
            kind=events.EscalationKind.FAILED,
            message="killed",
            path="B-error.json",
        ),
        events.SessionFailed(spec="B", attempt=1, duration_s=1.0, failure=failure),
        events.SessionStarted(spec="C", attempt=1, ts=1010.0, log="c.log"),
        events.SessionProgress(spec="C", attempt=1, progress=0.5, eta_s=4.0, message="testing"),
    ):
        state.apply(event)
    return state


USAGE = {"input": 5, "cached": 0, "output": 2, "cost_usd": None, "turns": 0}
NO_WORK = {"workspace": None, "branch": None, "commit": None}
NO_RESULT = {"base": None, "branch": None, "result": None}


def spec(name: str, **members: object) -> dict[str, Any]:
    """Return a summary's entry for a spec of which only `members` are known."""
    nothing = {
        "title": f"題 {name}",
        "done_before": False,
        "failure": None,
        "escalations": [],
        "usage": None,
        "agent": None,
    }
    return {"id": name, **nothing, **NO_WORK, **members}


def standing(name: str, **members: object) -> dict[str, Any]:
    """Return a status's entry for a spec of which only `members` are known."""
    nothing = dict.fromkeys(("agent", "progress", "message", "eta_s", "usage"))
    return {"id": name, "title": f"題 {name}", **nothing, **NO_WORK, "escalations": [], **members}


def test_a_summary_says_how_each_spec_went() -> None:
    state = a_run()
    state.apply(events.RunFinished(ts=1020.5, status="failed", exit_code=1, duration_s=20.5))

    summary = summarize(state)

    failure: dict[str, object] = {
        "reason": "killed",
        "message": "oom",
        "exit_code": None,
        "signal": 9,
        "blocked_by": [],
        "files": [],
    }
    work = {"agent": "codex", "usage": USAGE}
    assert summary == {
        "version": 1,
        "run": RUN,
        "started": "1970-01-01T00:16:40.000Z",
        "ended": "1970-01-01T00:17:00.500Z",
        "status": "failed",
        "exit_code": 1,
        "duration_s": 20.5,
        **NO_RESULT,
        "counts": {"completed": 1, "failed": 1, "running": 1},
        "specs": [
            spec("Z", title="", status="completed", attempt=0, duration_s=0.0, log=None, done_before=True),
            spec("A", status="completed", attempt=2, duration_s=12.346, log="a.log", **work),
            spec(
                "B",
                status="failed",
                attempt=1,
                duration_s=1.0,
                log="b.log",
                failure=failure,
                escalations=["B-error"],
            ),
            spec("C", status="running", attempt=1, duration_s=0.0, log="c.log"),
        ],
    }


def test_a_summary_is_written_as_json_that_people_can_read() -> None:
    dumped = dump_summary(a_run())

    assert json.loads(dumped) == summarize(a_run())
    assert "題 A".encode() in dumped
    assert dumped.endswith(b"\n}\n")


def test_the_members_of_a_status_are_these() -> None:
    status = describe_status(a_run(), now=1012.0)

    assert status == {
        "version": 1,
        "run": RUN,
        "started": "1970-01-01T00:16:40.000Z",
        "ended": None,
        "status": "running",
        **NO_RESULT,
        "specs": [
            standing("Z", title="", status="completed", attempt=0, duration_s=0.0, log=None),
            standing(
                "A", status="completed", attempt=2, progress=1.0, duration_s=12.346, log="a.log",
                agent="codex", usage=USAGE,
            ),
            standing("B", status="failed", attempt=1, duration_s=1.0, log="b.log", escalations=["B-error"]),
            standing(
                "C", status="running", attempt=1, progress=0.5, message="testing", eta_s=4.0, duration_s=2.0,
                log="c.log",
            ),
        ],
    }  # fmt: skip


def test_a_run_in_git_says_what_it_began_with_and_what_came_of_it() -> None:
    state = RunState()
    for event in (
        events.RunStarted(run=RUN, pid=1, version="0.1.0", jobs=2, schedule="eager", base="ba5e"),
        events.WorkspaceReady(spec="A", attempt=1, workspace="/w/A", isolation="worktree", base="ba5e"),
        events.SessionStarted(spec="A", attempt=1),
        events.Integrated(spec="A", attempt=1, branch="aad/A", commit="c0", target="aad/run/R", result="fa"),
        events.SessionCompleted(spec="A", attempt=1),
    ):
        state.apply(event)

    told = [summarize(state), describe_status(state, now=0.0)]

    assert [{key: members[key] for key in NO_RESULT} for members in told] == [
        {"base": "ba5e", "branch": "aad/run/R", "result": "fa"}
    ] * 2
    assert [{key: members["specs"][0][key] for key in NO_WORK} for members in told] == [
        {"workspace": "/w/A", "branch": "aad/A", "commit": "c0"}
    ] * 2


def test_a_conflict_in_a_summary_has_its_files() -> None:
    state = RunState()
    conflict = Failure(reason=Reason.CONFLICT, files=("a.py",), blocked_by=("A", "B"))
    state.apply(events.SessionFailed(spec="A", failure=conflict))

    (told,) = summarize(state)["specs"]

    assert told["failure"] == {
        "reason": "conflict", "message": "", "exit_code": None, "signal": None, "blocked_by": ["A", "B"],
        "files": ["a.py"],
    }  # fmt: skip


def test_a_status_is_json() -> None:
    status = describe_status(a_run(), now=1012.0)

    assert json.loads(json.dumps(status)) == status


def test_time_runs_for_a_running_session_only_and_never_backwards() -> None:
    running = Session(id="R/A", spec_id="A", status=Status.RUNNING, started=10.0, duration_s=3.0)
    over = Session(id="R/B", spec_id="B", status=Status.COMPLETED, started=10.0, duration_s=3.0)

    assert [running_time(s, now) for s in (running, over) for now in (15.0, 5.0)] == [5.0, 0.0, 3.0, 3.0]


def test_usages_add_up() -> None:
    usages = (Usage(input=1, cached=2, output=3, cost_usd=0.25), Usage(input=10), Usage(cost_usd=0.5))

    assert total_usage(usages) == Usage(input=11, cached=2, output=3, cost_usd=0.75)
    assert total_usage((Usage(input=1),)) == Usage(input=1)
    assert total_usage(()) is None


def write_run(runs: Path, number: int, **durations: object) -> None:
    """Write the summary of a run in which these specs were completed in so many seconds."""
    specs = [{"id": name, "status": "completed", "duration_s": s} for name, s in durations.items()]
    write_summary(runs, number, {"version": 1, "specs": specs})


def write_summary(runs: Path, number: int, summary: object) -> None:
    folder = runs / f"2026112{number // 10}-21361{number % 10}-7f3a"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def test_a_duration_is_the_median_of_past_ones(tmp_path: Path) -> None:
    write_run(tmp_path, 1, A=1.0, B=4.0)
    write_run(tmp_path, 2, A=100.0, B=8)
    write_run(tmp_path, 3, A=3.0)

    assert read_durations(tmp_path) == {"A": 3.0, "B": 6.0}


def test_only_the_newest_summaries_count(tmp_path: Path) -> None:
    for number in range(1, 6):
        write_run(tmp_path, number, A=float(number), **{f"only-{number}": 1.0})

    assert read_durations(tmp_path, limit=2) == {"A": 4.5, "only-5": 1.0, "only-4": 1.0}


def test_only_what_was_completed_in_that_run_counts(tmp_path: Path) -> None:
    state = a_run()
    folder = tmp_path / RUN
    folder.mkdir()
    (folder / "summary.json").write_bytes(dump_summary(state))

    assert read_durations(tmp_path) == {"A": 12.346}


def test_the_link_to_the_newest_run_counts_no_run_twice(tmp_path: Path) -> None:
    write_run(tmp_path, 1, A=1.0)
    write_run(tmp_path, 2, A=2.0)
    (tmp_path / "latest").symlink_to(max(tmp_path.iterdir()).name)

    assert read_durations(tmp_path) == {"A": 1.5}


@pytest.mark.parametrize(
    "summary",
    [
        None,
        [],
        "text",
        {},
        {"version": 2, "specs": [{"id": "A", "status": "completed", "duration_s": 9.0}]},
        {"version": 1},
        {"version": 1, "specs": 3},
        {"version": 1, "specs": [None, {}, {"id": 5, "status": "completed", "duration_s": 9.0}]},
        {"version": 1, "specs": [{"id": "A", "status": "failed", "duration_s": 9.0}]},
        {"version": 1, "specs": [{"id": "A", "status": "completed", "duration_s": "9"}]},
        {"version": 1, "specs": [{"id": "A", "status": "completed", "duration_s": -1.0}]},
        {"version": 1, "specs": [{"id": "A", "status": "completed", "duration_s": float("nan")}]},
        {"version": 1, "specs": [{"id": "A", "status": "completed", "duration_s": float("inf")}]},
    ],
)
def test_a_summary_that_is_none_of_ours_teaches_nothing(tmp_path: Path, summary: object) -> None:
    write_summary(tmp_path, 2, summary)
    write_run(tmp_path, 1, A=1.0)

    assert read_durations(tmp_path) == {"A": 1.0}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_broken_summary_is_passed_over(tmp_path: Path, content: bytes) -> None:
    write_run(tmp_path, 1, A=1.0)
    (tmp_path / "20991231-000000-0000").mkdir()
    (tmp_path / "20991231-000000-0000" / "summary.json").write_bytes(content)
    (tmp_path / "a file").write_bytes(b"")

    assert read_durations(tmp_path) == {"A": 1.0}


def test_a_project_without_runs_teaches_nothing(tmp_path: Path) -> None:
    assert read_durations(tmp_path / "runs") == {}
