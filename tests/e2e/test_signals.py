"""A run that is told to end does so in order: children first, then the journal, the summary, its status."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

import pytest
from harness import AAD, Project, Token, until, wait_for_file

ALL = ("orchestrate", "--all")
ENDED_BY = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGQUIT: 131}


def busy_project(folder: Path, token: Token) -> Project:
    """Return a project of two long sessions, one that is done, and one that waits."""
    project = Project(folder).config("[orchestrator]\ngrace_period = '5s'\nmax_parallel_sessions = 3")
    project.spec("DONE").spec("LONG", f"sleep {token} & sleep {token}").spec("OTHER", f"exec sleep {token}")
    return project.spec("WAITS", depends_on=["LONG"])


@pytest.mark.parametrize("number", ENDED_BY, ids=lambda number: number.name)
def test_a_signal_ends_the_run_in_order(tmp_path: Path, number: signal.Signals) -> None:
    token = Token()
    project = busy_project(tmp_path, token)

    with project.start(*ALL) as running:
        running.until("session_completed", "DONE")
        until(lambda: len(token.holders()) >= 3)
        result = running.send(number).end()

    assert token.holders() == []
    result.exits(ENDED_BY[number])
    last = project.journal()[-1]
    assert (last["type"], last["status"], last["signal"]) == ("run_finished", "interrupted", number)
    assert project.ends() == {
        "DONE": "completed",
        "LONG": "cancelled",
        "OTHER": "cancelled",
        "WAITS": "skipped",
    }


def test_the_summary_of_an_interrupted_run_is_whole(tmp_path: Path) -> None:
    token = Token()
    project = (
        Project(tmp_path).spec("A").spec("B", f"sleep {token}", depends_on=["A"]).spec("C", depends_on=["B"])
    )

    with project.start(*ALL, "--jobs", "1") as running:
        running.until_err(b"B started...\n")
        result = running.send(signal.SIGINT).end()

    result.exits(130).says("""
        🚀 Orchestrator started
          run RUN · 3 specs · 1 slot
        📊 Plan:
          - A (no dependencies)
          - B (after A)
          - C (after B)

        ⏳ A started...
        ✓ A completed (0.0s)
        ⏳ B started...
        ⚠ interrupted: ending 1 session (^C again kills it)
        ⊘ B cancelled (0.0s)
        ⊘ C skipped: interrupted

        📈 Summary:
          Completed: 1 (A)
          Failed: 0
          Cancelled: 1 (B)
          Skipped: 1 (C)
          Ended by SIGINT
          Total time: 0.0s
          Next: aad orchestrate --resume
    """)


def test_an_interrupted_run_is_resumed_where_it_was(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A").spec("B", wait_for_file("go"), depends_on=["A"])
    with project.start(*ALL) as running:
        running.until("session_started", "B")
        running.send(signal.SIGTERM).end().exits(143)

    project.touch("go").aad("orchestrate", "--resume").exits(0)

    assert project.ends() == {"B": "completed"}


def test_control_c_on_a_terminal_ends_the_run_and_reaches_no_child(tmp_path: Path) -> None:
    token = Token()
    deaf = f"trap 'touch interrupted' INT; echo up; sleep {token} & wait"
    project = Project(tmp_path).spec("A", deaf).spec("B", depends_on=["A"])

    with project.terminal(*ALL, "--color", "never") as terminal:
        until(token.holders)
        terminal.type(b"\x03")
        result = terminal.end()

    assert token.holders() == []
    assert not (tmp_path / "interrupted").exists()
    result.exits(130)
    assert b"Ended by SIGINT\r\n" in result.out
    assert project.ends() == {"A": "cancelled", "B": "skipped"}


def test_a_second_control_c_waits_for_nobody(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).config("[orchestrator]\ngrace_period = '60s'\nmax_parallel_sessions = 4")
    for spec in "ABCD":
        project.spec(spec, f"trap 'touch {spec}-asked' TERM; while :; do sleep {token}; done")

    with project.terminal(*ALL) as terminal:
        until(lambda: len(token.holders()) == 4)
        terminal.type(b"\x03")
        until(lambda: all((tmp_path / f"{spec}-asked").exists() for spec in "ABCD"))
        began = monotonic()
        terminal.type(b"\x03")
        result = terminal.end()
        took = monotonic() - began

    assert token.holders() == []
    result.exits(130)
    assert took < 2
    assert project.ends() == dict.fromkeys("ABCD", "cancelled")


def test_a_run_that_is_shielded_from_hang_ups_goes_on(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", wait_for_file("go"))

    with project.start(*ALL, command=("/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh", *AAD)) as running:
        running.until("session_started", "A")
        running.send(signal.SIGHUP)
        project.touch("go")
        result = running.end()

    result.exits(0)


def test_a_terminal_that_goes_away_ends_the_run_in_order(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", f"sleep {token}")

    with project.terminal(*ALL) as terminal:
        until(token.holders)
        terminal.hang_up()
        status = terminal.popen.wait(30)

    assert (status, token.holders(), project.ends()) == (129, [], {"A": "cancelled"})


def test_a_session_that_waits_for_its_next_attempt_is_cancelled_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path).config("[orchestrator]\nretries = { delay = '1h' }").spec("A", "exit 75")

    with project.start(*ALL) as running:
        running.until("retry_scheduled", "A")
        result = running.send(signal.SIGINT).end()

    result.exits(130)
    assert project.ends() == {"A": "cancelled"}


def test_a_session_that_is_being_verified_is_cancelled_with_its_check(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", verify=f"sleep {token}")

    with project.start(*ALL) as running:
        until(token.holders)
        result = running.send(signal.SIGINT).end()

    result.exits(130)
    assert (token.holders(), project.ends()) == ([], {"A": "cancelled"})


def test_what_a_child_does_when_it_is_asked_to_end_does_not_complete_it(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "trap 'echo bye; exit 0' TERM; touch up; sleep 86400 & wait")

    with project.start(*ALL) as running:
        until((tmp_path / "up").exists)
        running.send(signal.SIGTERM).end().exits(143)

    assert (project.log("A"), project.ends()) == (b"bye\n", {"A": "cancelled"})


def test_a_signal_before_anything_is_started_just_ends_it(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "touch started")
    gate = Gate(project)

    with project.start(*ALL) as running, gate.held():
        result = running.send(signal.SIGINT).end()

    assert result.status in {130, -signal.SIGINT}
    assert result.told().strip() == ""
    assert not (tmp_path / "started").exists()


class Gate:
    """Settings that are a pipe: whoever reads them waits, and is known to have come so far."""

    def __init__(self, project: Project) -> None:
        self.path = project.root / "config" / "aad.toml"
        self.path.parent.mkdir()
        os.mkfifo(self.path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold up who reads the settings while the block lasts."""
        writer = until(self._open)
        try:
            yield
        finally:
            os.close(writer)

    def _open(self) -> int | None:
        try:
            return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            return None


@pytest.mark.slow
def test_a_signal_at_any_moment_ends_the_run_and_leaves_no_child(tmp_path: Path) -> None:
    """Python itself starts before the gate: what ^C does then is not ours."""
    for number in range(60):
        token = Token()
        project = Project(tmp_path / str(number)).spec("A", f"sleep {token}")
        gate = Gate(project)

        with project.start(*ALL) as running:
            with gate.held():
                pass
            with suppress(subprocess.TimeoutExpired):
                running.popen.wait(number * 0.004)
            result = running.send(signal.SIGINT).end()

        assert result.status in {130, -signal.SIGINT}, number
        assert "Traceback" not in result.told()
        assert token.holders() == []
