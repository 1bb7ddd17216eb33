"""^Z makes all sessions stand still, and with them all that counts time; `fg` lets them go on."""

import re
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import monotonic

import pytest
from harness import AAD, Project, Running, Terminal, Token, moment, until, until_asked, wait_for_file
from realprocesses import read_status
from shapes import SHAPES, Zoo

ALL = ("orchestrate", "--all")
# Says what it runs as, with the prompt of the shell that waits for its next command.
SHELL = ("/bin/bash", "--norc", "--noprofile", "-i")
LIMIT = 5.0


@pytest.fixture
def zoo(tmp_path: Path) -> Iterator[Zoo]:
    zoo = Zoo.open(Project(tmp_path))
    try:
        yield zoo
    finally:
        zoo.end()


def stands_still(*pids: int) -> bool:
    """Tell whether all of these are stopped, as `ps` shows by a T."""
    return all(read_status(pid).get("State", "")[:1] == "T" for pid in pids)


def pause(command: Running | Terminal, token: Token, *, seconds: float = 0.0) -> None:
    """Press ^Z, wait until all stand still who hold a token, and so many seconds more."""
    if isinstance(command, Terminal):
        command.type(b"\x1a")
    else:
        command.send(signal.SIGTSTP)
    until(lambda: stands_still(command.popen.pid, *token.holders()))
    end = monotonic() + seconds
    until(lambda: monotonic() >= end)
    assert stands_still(command.popen.pid, *token.holders())


def has_gone_on(project: Project, times: int) -> bool:
    return len(project.journal("resumed")) == times


def go_on(command: Running | Terminal) -> None:
    command.popen.send_signal(signal.SIGCONT)


# What stands still.


def test_control_z_stops_all_sessions_whatever_they_started(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).config("[orchestrator]\nmax_parallel_sessions = 4")
    for spec in "ABCD":
        project.spec(
            spec,
            f"trap 'touch saw-it' TSTP CONT; setsid sleep {token} & (setsid sleep {token} &); sleep {token}",
        )

    with project.terminal(*ALL, "--color", "never") as terminal:
        until(lambda: len(token.holders()) == 12)
        terminal.until(b" started")
        pause(terminal, token)
        stopped = project.journal()[-1]
        go_on(terminal)
        terminal.until(b"going on after a pause of ")
        until(lambda: not any(map(stands_still, token.holders())))
        terminal.type(b"\x03")
        result = terminal.end()

    assert (stopped["type"], len(token.holders())) == ("paused", 0)
    result.exits(130)
    said = f"paused: all sessions are stopped until the run goes on (fg, or kill -CONT {terminal.popen.pid})"
    # Who began a second later than the others is told behind them.
    told = rf" started.*\.\.\.\r\n\^Z\r\n(.* started\.\.\.\r\n)?{re.escape(said)}\r\ngoing on after"
    assert re.search(told, result.told())


def test_every_shape_of_child_stands_still(tmp_path: Path, zoo: Zoo) -> None:
    project = Project(tmp_path)

    with project.start(*ALL, "-q", "--jobs", str(len(SHAPES))) as running:
        zoo.wait()
        running.send(signal.SIGTSTP)
        until(lambda: stands_still(running.pid, *zoo.find(*SHAPES)))
        pids = zoo.find(*SHAPES)
        # Who hops from id to id would have another one by now.
        still = zoo.find(*SHAPES)
        go_on(running)
        running.until("resumed")
        result = running.send(signal.SIGINT).send(signal.SIGTERM).end()

    assert still == pids
    assert result.status in (130, 143)  # signals of the same instant have no order
    assert (zoo.survivors(), project.ends()) == ([], dict.fromkeys(SHAPES, "cancelled"))


def test_a_shell_can_stop_a_run_and_take_it_up_again(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", f"sleep {token} & {wait_for_file('go')}; kill $!")

    with project.terminal(command=SHELL) as terminal:
        terminal.type(f"{' '.join(AAD)} orchestrate --all --color never\n".encode())
        until(token.holders)
        terminal.type(b"\x1a")
        terminal.until(b"Stopped")
        until(lambda: stands_still(*token.holders()))
        terminal.type(b"jobs\nfg\n")
        terminal.until(b"going on after a pause of")
        project.touch("go")
        terminal.until(b"Completed: 1 (A)")
        terminal.type(b"exit\n")
        terminal.end()

    assert (token.holders(), project.ends()) == ([], {"A": "completed"})


# What does not count.


def test_no_limit_passes_while_a_run_stands_still(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).config(f"[orchestrator]\nrun_timeout = '{LIMIT:.0f}s'\nslow_after = '4s'")
    line = f"sleep {token} & {wait_for_file('go')}; kill $!"
    project.spec("A", line, timeout=f"{LIMIT:.0f}s").spec("B", line, stall_timeout=f"{LIMIT:.0f}s")

    with project.start(*ALL, "--jobs", "2") as running:
        until(lambda: len(token.holders()) == 2)
        pause(running, token, seconds=LIMIT + 0.2)
        project.touch("go")
        go_on(running)
        result = running.end()

    result.exits(0)
    assert [line["message"] for line in project.journal("escalation_raised")] == []
    (resumed,) = project.journal("resumed")
    assert resumed["cause"] == "stopped"
    assert resumed["pause_s"] > LIMIT
    took = [line["duration_s"] for line in project.journal("session_completed", "run_finished")]
    assert max(took) < LIMIT


def test_the_wait_before_a_retry_does_not_go_on_while_a_run_stands_still(tmp_path: Path) -> None:
    project = Project(tmp_path).config("[orchestrator]\nretries = { delay = '3s', jitter = false }")
    project.spec("A", "[ $AAD_ATTEMPT = 2 ] || exit 75")

    with project.start(*ALL) as running:
        retry = running.until("retry_scheduled", "A")
        pause(running, Token(), seconds=1.0)
        go_on(running)
        running.end().exits(0)

    (resumed,) = project.journal("resumed")
    again = project.journal("session_started")[-1]
    assert moment(again) - moment(retry) - resumed["pause_s"] > 2.9


def test_a_child_that_is_being_ended_has_its_whole_grace(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).config("[orchestrator]\ngrace_period = '3s'")
    bye = ": >asked; until [ -e go ]; do sleep 0.02; done; echo bye; exit"
    project.spec("A", f"sleep {token} & {until_asked(bye)}")

    with project.start(*ALL) as running:
        until((tmp_path / "up").exists)
        running.send(signal.SIGINT)
        until((tmp_path / "asked").exists)
        pause(running, token, seconds=3.2)
        project.touch("go")
        go_on(running)
        result = running.end()

    result.exits(130)
    assert (project.log("A"), project.ends()) == (b"bye\n", {"A": "cancelled"})


# What comes while it stands still.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_that_came_meanwhile_ends_the_run_in_order_once_it_goes_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", f"sleep {token} & {until_asked('echo bye; exit')}")

    with project.start(*ALL) as running:
        until((tmp_path / "up").exists)
        pause(running, token)
        running.send(number)
        go_on(running)
        result = running.end()

    result.exits(128 + number)
    assert (token.holders(), project.log("A"), project.ends()) == ([], b"bye\n", {"A": "cancelled"})
    told = [line["type"] for line in project.journal() if line["type"] in {"paused", "resumed"}]
    assert told == ["paused", "resumed"]


def test_a_terminal_that_goes_away_ends_a_run_that_stands_still(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", f"sleep {token}")

    with project.terminal(*ALL) as terminal:
        until(token.holders)
        pause(terminal, token)
        terminal.hang_up()
        status = terminal.popen.wait(30)

    assert (status, token.holders(), project.ends()) == (129, [], {"A": "cancelled"})


def test_nothing_outlives_a_run_that_is_killed_while_it_stands_still(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", f"setsid sleep {token} & sleep {token}")

    with project.start(*ALL) as running:
        running.until("session_started", "A")
        until(lambda: len(token.holders()) == 2)
        pause(running, token)
        running.send(signal.SIGKILL).end()
        until(lambda: not token.holders())

    project.aad("status").exits(0).prints("""
        run RUN · interrupted · 0.0s · 0/1 complete
          ⊘ A  cancelled  0.0s
          → aad orchestrate --resume RUN
    """)


def test_a_run_can_be_paused_again_and_again(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", f"sleep {token} & {wait_for_file('go')}; kill $!")

    with project.start(*ALL) as running:
        until(token.holders)
        for times in range(1, 6):
            pause(running, token)
            go_on(running)
            until(partial(has_gone_on, project, times))
        project.touch("go")
        running.end().exits(0)

    kinds = [line["type"] for line in project.journal() if line["type"] in {"paused", "resumed"}]
    assert kinds == ["paused", "resumed"] * 5


@pytest.mark.parametrize("specs", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_run_can_be_paused_whatever_its_sessions_are_about(tmp_path: Path, specs: int) -> None:
    project = Project(tmp_path)
    for number in range(specs):
        project.spec(f"S-{number:03}", "(sleep 0.01 &); sleep 0.01", timeout="10s")

    with project.start(*ALL, "-q", "--jobs", "4") as running:
        running.until("session_started")
        while running.popen.poll() is None:
            running.send(signal.SIGTSTP)
            until(lambda: stands_still(running.pid) or running.popen.poll() is not None)
            go_on(running)
        result = running.end()

    result.exits(0)
    assert project.ends() == {f"S-{number:03}": "completed" for number in range(specs)}
    kinds = [line["type"] for line in project.journal("paused", "resumed")]
    assert kinds == ["paused", "resumed"] * (len(kinds) // 2)
    assert kinds


# Who looks on.


def test_a_run_that_stands_still_is_shown_as_paused(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", title="First").spec("B", f"sleep {token}", depends_on=["A"])

    with project.start(*ALL) as running:
        running.until("session_started", "B")
        until(token.holders)
        pause(running, token)
        status, runs, as_json = (
            project.aad(*words) for words in (("status",), ("runs",), ("status", "--format", "json"))
        )
        refused = project.aad(*ALL)
        go_on(running)
        running.until("resumed")
        again = project.aad("status", "--format", "json")
        running.send(signal.SIGINT).end().exits(130)

    status.exits(0).prints("""
        run RUN · paused · 0.0s · 1/2 complete
          ✓ A  First  completed  0.0s
          ▸ B         running    0.0s
    """)
    runs.exits(0).prints("▸ RUN  paused  DATE CLOCK  0.0s  Still running: 1 · Completed: 1")
    assert (as_json.json()["status"], again.json()["status"]) == ("paused", "running")
    refused.exits(6)
