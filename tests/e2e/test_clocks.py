"""The clock on the wall is set while a run goes on: nothing changes but the times that are told."""

import re
import sys
from pathlib import Path

import pytest
from harness import Line, Project, moment, together, wait_for_file

ALL = ("orchestrate", "--all", "--jobs", "3")
HOUR = 3600.0
# Runs aad on a machine whose wall clock goes wrong by as many seconds as a file says, once it is there.
ON_A_MACHINE = """
import sys, time
from pathlib import Path
right, wrong = time.time, Path("wrong-by")
time.time = lambda: right() + (float(wrong.read_text() or 0) if wrong.exists() else 0)
from aad.__main__ import main
main()
"""


def run_until_set(folder: Path, wrong_by: float) -> Project:
    """Run sessions of which one is busy, one silent and one waits to be tried again when the clock is set."""
    project = Project(folder).config("""
        [orchestrator]
        monitor_interval = '50ms'
        run_timeout = '30s'
        slow_after = '20s'
        retries = { delay = '300ms', jitter = false }
    """)
    project.spec("AGAIN", f"[ $AAD_ATTEMPT = 2 ] || exit 75; {wait_for_file('go')}", timeout="30s")
    project.spec("BUSY", f"echo begun; {wait_for_file('go')}; echo ended; exit 3", timeout="30s")
    project.spec("SILENT", wait_for_file("go"), stall_timeout="30s").spec("NEXT", depends_on=["BUSY"])
    with project.start(*ALL, command=(sys.executable, "-c", ON_A_MACHINE)) as running:
        for spec in ("BUSY", "SILENT"):
            running.until("session_started", spec)
        running.until("retry_scheduled", "AGAIN")
        project.file("wrong-by.new", str(wrong_by))
        (folder / "wrong-by.new").rename(folder / "wrong-by")
        running.until("session_started", "AGAIN", attempt=2)
        project.touch("go")
        running.end().exits(1)
    return project


def without_times(lines: list[Line]) -> list[Line]:
    """Return what does not differ from one run to the next, in an order of its own."""
    kept = ("type", "spec", "attempt", "status", "failure", "exit_code", "level")
    return sorted(({key: line.get(key) for key in kept} for line in lines), key=str)


@pytest.mark.parametrize("wrong_by", [-HOUR, 24 * HOUR], ids=["back", "ahead"])
def test_a_wall_clock_that_is_set_changes_nothing_but_the_times_that_are_told(
    tmp_path: Path, wrong_by: float
) -> None:
    right, wrong = (run_until_set(tmp_path / name, by) for name, by in (("right", 0.0), ("wrong", wrong_by)))

    lines = wrong.journal()
    assert without_times(lines) == without_times(right.journal())
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    # It was set indeed, and no duration noticed.
    assert abs(moment(lines[-1]) - moment(lines[0]) - wrong_by) < HOUR / 2
    assert all(0 <= line["duration_s"] < 30 for line in lines if "duration_s" in line)


def test_a_run_that_was_set_back_is_looked_at_and_resumed_like_any_other(tmp_path: Path) -> None:
    project = run_until_set(tmp_path, -HOUR)

    status, runs, logs = together(project.start(*words) for words in (["status"], ["runs"], ["logs", "BUSY"]))
    project.spec("BUSY").aad("orchestrate", "--resume", "--accept-changes", "-q").exits(0)

    for result in (status, runs, logs):
        result.exits(0).says("")
    assert not re.search(r"-\d", status.normal(status.out))
    assert project.ends() == {"BUSY": "completed", "NEXT": "completed"}
