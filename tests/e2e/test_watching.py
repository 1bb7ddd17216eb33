"""A run is watched from other terminals, and kept from being run twice."""

import re
from pathlib import Path

from harness import Line, Project, together, until, wait_for_file

ALL = ("orchestrate", "--all")


def waiting_project(folder: Path) -> Project:
    """Return a project whose second spec says a word and waits to be let go."""
    project = Project(folder).config("[orchestrator]\nmonitor_interval = '20ms'").spec("A", title="First")
    news = """echo '{"progress": 0.25, "message": "a quarter"}' >> $AAD_EVENTS"""
    project.spec(
        "B", f"echo begun; {news}; {wait_for_file('go')}; echo ended", depends_on=["A"], title="設定"
    )
    return project.spec("C", depends_on=["B"])


def told_so_far(project: Project) -> list[Line]:
    """Return what the journal tells, less the progress, which may come at any time."""
    return [line for line in project.journal_so_far() if line["type"] != "session_progress"]


# Two runs at once.


def test_a_second_run_is_refused_by_the_name_of_the_first(tmp_path: Path) -> None:
    project = waiting_project(tmp_path)

    with project.start(*ALL) as running:
        running.until("session_started", "B")
        before = told_so_far(project)
        results = together(project.start(*words) for words in (ALL, ("orchestrate", "--resume")))
        pid = re.search(rb"process (\d+),", results[0].err)
        for result in results:
            result.exits(6).prints("").says(
                "run RUN holds this project: process PID, since TIME (wait for its end, or end it)"
            )
        assert pid is not None
        assert int(pid[1]) == running.pid
        assert told_so_far(project) == before
        project.touch("go")
        running.end().exits(0)

    project.aad(*ALL).exits(0)


def test_of_two_runs_that_begin_together_one_runs(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", f"echo x >> marks; {wait_for_file('go')}")

    with project.start(*ALL) as one, project.start(*ALL) as other:
        until(lambda: 6 in {one.popen.poll(), other.popen.poll()})
        project.touch("go")
        statuses = {one.end().status, other.end().status}

    assert (statuses, project.read("marks")) == ({0, 6}, "x\n")


def test_plans_are_shown_while_a_run_goes_on(tmp_path: Path) -> None:
    project = waiting_project(tmp_path)

    with project.start(*ALL) as running:
        running.until("session_started", "B")
        result = project.aad(*ALL, "--dry-run")
        project.touch("go")
        running.end().exits(0)

    result.exits(0).says("")


# Looking on.


def test_the_status_of_a_running_run(tmp_path: Path) -> None:
    project = waiting_project(tmp_path)

    with project.start(*ALL) as running:
        running.until("session_progress", "B")
        told, found = together(project.start("status", "--format", form) for form in ("text", "json"))
        project.touch("go")
        running.end().exits(0)

    told.exits(0).says("").prints("""
        run RUN · running · 0.0s · 1/3 complete
          ✓ A  First  completed       0.0s
          ▸ B  設定   running    25%  0.0s
            C         pending
    """)
    status = found.exits(0).json()
    run = project.run.name
    first, second, third = status.pop("specs")
    assert status == {
        "version": 1,
        "run": run,
        "started": project.journal()[0]["ts"],
        "ended": None,
        "status": "running",
        "base": None,
        "branch": None,
        "result": None,
    }
    assert second.pop("duration_s") > 0
    assert second.pop("eta_s") >= 0
    assert second == {
        "id": "B",
        "title": "設定",
        "status": "running",
        "attempt": 1,
        "agent": "command",
        "progress": 0.25,
        "message": "a quarter",
        "usage": None,
        "log": f".aad/runs/{run}/B/1/output.log",
        "escalations": [],
        "workspace": str(tmp_path),
        "branch": None,
        "commit": None,
    }
    assert [first["status"], third["status"]] == ["completed", "pending"]


def test_the_status_of_a_finished_run(tmp_path: Path) -> None:
    project = waiting_project(tmp_path).touch("go").spec("C", "exit 1", depends_on=["B"])
    project.aad(*ALL).exits(1)

    project.aad("status").exits(0).says("").prints("""
        run RUN · failed · 0.0s · 2/3 complete
          ✓ A  First  completed  0.0s
          ✓ B  設定   completed  0.0s
          ✗ C         failed     0.0s
    """)


def test_a_log_is_followed_to_its_end(tmp_path: Path) -> None:
    project = waiting_project(tmp_path)

    with project.start(*ALL) as running:
        running.until("session_started", "B")
        with project.start("logs", "B", "-f") as follower:
            follower.until_out(b"begun\n")
            project.touch("go")
            result = follower.end()
        running.end().exits(0)

    result.exits(0).says("").prints("begun\nended")


def test_a_log_is_followed_from_before_its_session_begins(tmp_path: Path) -> None:
    project = waiting_project(tmp_path).spec("C", "echo at last", depends_on=["B"])

    with project.start(*ALL) as running:
        running.until("session_started", "B")
        with project.start("logs", "C", "-f") as follower:
            project.touch("go")
            result = follower.end()
        running.end().exits(0)

    result.exits(0).prints("at last")


def test_looking_writes_nothing(tmp_path: Path) -> None:
    project = waiting_project(tmp_path).touch("go").spec("C", "exit 1", depends_on=["B"])
    project.aad(*ALL).exits(1)
    before = project.tree()

    commands = ["status", "logs B", "escalations", "escalations show C-error", "runs", "specs", "graph"]
    for result in together(project.start(*words.split()) for words in commands):
        result.exits(0)

    assert project.tree() == before


def test_an_escalation_is_shown_whole(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "echo why; exit 3").spec("B", depends_on=["A"])
    project.aad(*ALL).exits(1)

    project.aad("escalations", "show", "A-error").exits(0).says("").prints("""
        A-error
          state     decided
          level     error
          kind      failed
          spec      A (attempt 1)
          run       RUN
          time      DATE CLOCK
          reason    exit code 3
          blocks    B
          log       .aad/runs/RUN/A/1/output.log
          decision  skip, decided by policy
                    DATE CLOCK
            │ why
          → aad logs A --run RUN --attempt 1
          → aad orchestrate --resume RUN
    """)
