"""What is deleted under a session, or runs short: noticed, waited for, never fatal to others."""

import os
import re
import resource
import shutil
from pathlib import Path

import pytest
from harness import Project, Running, Token, list_pids, until, wait_for_file

ALL = ("orchestrate", "--all", "-q")
# A tenth of a second between two looks, so that two of them take no time.
QUICK = '[orchestrator]\nmonitor_interval = "100ms"\n'


def rss(pid: int) -> int:
    """Return the memory that a process holds now, in bytes."""
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) * 1024


# What is deleted.


def test_a_session_whose_workspace_is_deleted_fails_and_no_other(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).config(QUICK + '[workspace]\nisolation = "directory"\n')
    project.spec("A", f"sleep {token}").spec("B", wait_for_file("seen"))

    with project.start(*ALL, "--jobs", "2") as running:
        running.until("session_started", "A")
        running.until("session_started", "B")
        workspaces = {line["spec"]: Path(line["workspace"]) for line in project.journal("workspace_ready")}
        shutil.rmtree(workspaces["A"])
        running.until("session_failed", "A")
        (workspaces["B"] / "seen").touch()
        running.end().exits(1)

    failure = project.final("A")["failure"]
    assert (failure["reason"], failure["message"]) == ("unknown", "the workspace was deleted")
    assert project.ends() == {"A": "failed", "B": "completed"}
    assert token.holders() == []


def test_a_workspace_that_is_made_anew_is_no_loss(tmp_path: Path) -> None:
    project = Project(tmp_path).config('[workspace]\nisolation = "directory"\n')
    project.spec("A", 'w=$AAD_WORKSPACE; cd /; rm -r "$w"; mkdir "$w"; sleep 0.1')

    project.aad(*ALL).exits(0)


def test_a_deleted_log_of_a_silent_session_is_told_while_it_runs(tmp_path: Path) -> None:
    project = Project(tmp_path).config(QUICK).spec("A", wait_for_file("seen"))

    with project.start(*ALL) as running:
        running.until("session_started", "A")
        shutil.rmtree(project.run / "A" / "1")
        raised = running.until("escalation_raised", "A")
        project.touch("seen")
        running.end().exits(0)

    assert raised["message"] == "the log is not whole: No such file or directory"
    assert len(project.journal("escalation_raised")) == 1


def test_a_run_whose_folder_is_deleted_ends_in_order(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).config(QUICK).spec("A", f"sleep {token}")

    with project.start(*ALL) as running:
        running.until("session_started", "A")
        shutil.rmtree(project.run)
        result = running.end()

    result.exits(4)
    assert "journal.jsonl" in result.told()
    assert token.holders() == []


# What runs short.


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing limits how many processes root may have")
def test_starts_wait_where_there_are_no_more_processes(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for number in range(20):
        project.spec(f"S-{number:02}", "sleep 0.3; true")
    mine = sum(owner == os.geteuid() for owner in map(read_owner, list_pids()))
    limit = mine + 14

    command = ("/bin/sh", "-c", f'ulimit -u {limit}; exec "$@"', "sh", shutil.which("aad") or "aad")
    with project.start(*ALL, "--jobs", "20", command=command) as running:
        running.end().exits(0)

    assert set(project.ends().values()) == {"completed"}
    assert all(line["attempt"] == 1 for line in project.journal("session_completed"))


def read_owner(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return -1


# Many.


def test_a_hundred_sessions_start_together_and_each_is_seen_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for number in range(100):
        project.spec(f"S-{number:02}", wait_for_file("seen"))

    with project.start(*ALL, "--jobs", "100") as running:
        until(lambda: len(project.journal_so_far()) >= 202)
        project.touch("seen")
        running.end().exits(0)

    assert set(project.ends().values()) == {"completed"}


def watch_memory(running: Running, project: Project, marks: list[str]) -> list[int]:
    """Return the memory that a run holds as each of some specs starts."""
    found = []
    for spec in marks:
        running.until("session_started", spec)
        found.append(rss(running.pid))
        project.touch(f"seen-{spec}")
    return found


@pytest.mark.slow
def test_a_thousand_sessions_one_after_the_other_leave_nothing_in_memory(tmp_path: Path) -> None:
    marks = ["S-0200", "S-0999"]
    project = Project(tmp_path)
    for number in range(1000):
        spec, before = f"S-{number:04}", [f"S-{number - 1:04}"] if number else []
        line = wait_for_file(f"seen-{spec}") if spec in marks else "head -c 20000 /dev/zero"
        project.spec(spec, line, depends_on=before)

    with project.start(*ALL) as running:
        early, late = watch_memory(running, project, marks)
        running.end().exits(0)

    # What is known of a session stays (its row, not its output); that of 800 is no more than this.
    assert late - early < 6 * 1024 * 1024


@pytest.mark.slow
def test_a_line_of_a_hundred_megabytes_costs_no_memory(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "head -c 100000000 /dev/zero | tr '\\0' x")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss

    project.aad(*ALL).exits(0)

    assert max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) < 100 * 1024
