"""What a session starts ends with it, whoever is killed: its keeper, the server, `aad`, or all of them."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from harness import AAD, Line, Project, Running, Token, kill_at_once, moment, until, wait_for_file
from realprocesses import find_children, find_parent, is_running, read_start
from shapes import SHAPES, Zoo

from aad.ledger import read_identity

ALL = ("orchestrate", "--all")
# Seconds after which nothing of a killed run may be left; the promise is one, on a machine that is not busy.
PROMISED = 10.0
# Waits with nothing but builtins until the shell that started it is gone: so it is there a moment longer.
OUTLIVE = "while [ -e /proc/$$ ]; do :; done"
# Waits until what was started last is what it was to become.
IS_SLEEP = "until grep -q ^sleep /proc/$!/comm; do :; done"
QUICK = "[orchestrator]\nmonitor_interval = '20ms'\nretries = { delay = '10ms' }\nmax_parallel_sessions = 10"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).config(QUICK)


@pytest.fixture
def zoo(project: Project) -> Iterator[Zoo]:
    zoo = Zoo.open(project)
    try:
        yield zoo
    finally:
        zoo.end()


def read_ledger(project: Project) -> set[int]:
    """Return the processes that the ledger names."""
    path = project.root / ".aad" / "state" / "processes.json"
    return {int(pid) for pid in json.loads(path.read_bytes())["processes"]} if path.exists() else set()


def kill_everybody(running: Running) -> None:
    """Kill all who could end what runs."""
    kill_at_once(running.server, *running.keepers, running.pid)


def time_until_gone(token: Token) -> float:
    began = monotonic()
    until(lambda: not token.holders())
    return monotonic() - began


# `aad` is killed.


@pytest.mark.parametrize("sessions", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_soon_after_a_run_was_killed_nothing_of_it_is_left(
    project: Project, token: Token, sessions: int
) -> None:
    for number in range(sessions):
        project.spec(f"S-{number:03}", f"setsid sleep {token} & sleep {token}")

    with project.start(*ALL, "-q", "--jobs", str(sessions)) as running:
        until(lambda: len(token.holders()) == 2 * sessions)
        ours = [running.server, *running.keepers]
        running.send(signal.SIGKILL)
        took = time_until_gone(token)
        until(lambda: not any(map(is_running, ours)))

    assert len(ours) == 1 + sessions
    assert took < PROMISED


@pytest.mark.parametrize("with_server", [False, True], ids=["alone", "with the server"])
def test_no_shape_of_child_outlives_a_killed_run(project: Project, zoo: Zoo, with_server: bool) -> None:
    with project.start(*ALL, "-q") as running:
        zoo.wait()
        kill_at_once(*([running.server] if with_server else []), running.pid)
        began = monotonic()
        until(lambda: not zoo.survivors())
        took = monotonic() - began

    assert took < PROMISED


def test_what_a_leader_left_a_moment_ago_does_not_outlive_a_killed_run(
    project: Project, token: Token
) -> None:
    project.spec("A", f"{wait_for_file('go')}; trap '' TERM; setsid sleep {token} &")

    with project.start(*ALL, "-q") as running:
        leader = running.until("session_started", "A")["pid"]
        project.touch("go")
        until(lambda: token.holders() and not is_running(leader))
        running.send(signal.SIGKILL)
        took = time_until_gone(token)

    assert took < PROMISED


def test_a_stopped_keeper_does_not_keep_its_session_alive_when_the_run_is_killed(
    project: Project, token: Token
) -> None:
    project.spec("A", f"sleep {token} & sleep {token}")

    with project.start(*ALL, "-q") as running:
        until(lambda: len(token.holders()) == 2)
        for pid in running.keepers:
            os.kill(pid, signal.SIGSTOP)
        running.send(signal.SIGKILL)
        took = time_until_gone(token)

    assert took < PROMISED


# All are killed, and something of the run lives on: the next start ends it.


@pytest.mark.parametrize("command", [("--resume",), ("--specs", "NEW")], ids=["--resume", "a new run"])
def test_no_shape_of_child_outlives_the_next_start(
    project: Project, zoo: Zoo, command: tuple[str, ...]
) -> None:
    steady = SHAPES.keys() - {"HOPPER"}
    with project.start(*ALL, "-q") as running:
        zoo.wait()
        until(lambda: set(zoo.find(*steady)) <= read_ledger(project))
        kill_everybody(running)
    left = zoo.survivors()
    project.touch("tamed").spec("NEW")

    project.aad("orchestrate", *command, "-q").exits(0)

    assert (left, zoo.survivors()) == (list(SHAPES), [])


def test_the_next_start_says_what_it_ended_before_it_starts_anything(project: Project, token: Token) -> None:
    alive = "for pid in $(cat old); do grep State /proc/$pid/status | grep -v Z; done > alive; true"
    project.spec("A", f"[ -e old ] || exec sleep {token}; {alive}")
    with project.start(*ALL, "-q") as running:
        (left,) = until(token.holders)
        until(lambda: left in read_ledger(project))
        kill_everybody(running)
    project.file("old", str(left))

    result = project.aad("orchestrate", "--resume")

    result.exits(0).says("""
        🚀 Orchestrator started
        ⚠ ended 1 process that a killed run had left: sleep (PID)
          run RUN resumed · 1 spec · 0 complete · 10 slots
        📊 Plan:
          - A (no dependencies)

        ⏳ A (attempt 2) started...
        ✓ A completed (0.0s)

        📈 Summary:
          Completed: 1 (A)
          Failed: 0
          Total time: 0.0s
          A completed at attempt 2
    """)
    assert project.journal("run_started")[-1]["swept"] == [f"sleep ({left})"]
    assert project.read("alive") == ""


def test_what_begins_after_the_server_was_killed_is_known_to_the_next_start(
    project: Project, token: Token
) -> None:
    project.spec("A", f"{wait_for_file('go')}; (env -i setsid sleep {token} <&- >&- 2>&- &); sleep {token}")
    project.spec("B", wait_for_file("go")).spec("C", f"sleep {token}", depends_on=["B"])
    with project.start(*ALL, "-q") as running:
        keepers = [find_parent(running.until("session_started", spec)["pid"]) for spec in "AB"]
        os.kill(running.server, signal.SIGKILL)
        project.touch("go")
        until(lambda: len(token.holders()) == 3)
        left = token.holders()
        until(lambda: set(left) <= read_ledger(project))
        kill_at_once(running.server, *keepers, running.pid)
    survivors = token.holders()

    project.spec("NEW").aad("orchestrate", "--specs", "NEW", "-q").exits(0)

    assert (survivors, token.holders()) == (left, [])


@pytest.mark.parametrize(
    "ledger",
    [
        None,
        '{"version": 1, "boot_id": "0b5',
        '{"version": 1, "boot_id": "x", "pid_namespace": "NS", "folder": "HERE", "processes": {"PID": "T"}}',
    ],
    ids=["missing", "half-written", "other boot"],
)
def test_without_a_ledger_the_next_start_ends_those_who_bear_the_runs_mark_and_no_stranger(
    project: Project, token: Token, ledger: str | None
) -> None:
    project.spec("A", f"[ -e tamed ] || exec sleep {token}")
    with project.start(*ALL, "-q") as running, stranger() as pid:
        left = until(token.holders)
        kill_everybody(running)
        write_ledger(project, ledger, pid)
        result = project.touch("tamed").aad("orchestrate", "--resume", "-q")
        spared = is_running(pid)

    result.exits(0)
    assert (len(left), token.holders(), spared) == (1, [], True)


@contextmanager
def stranger() -> Iterator[int]:
    """Yield a process that is nobody's business."""
    with subprocess.Popen(["sleep", "86400"]) as popen:
        try:
            yield popen.pid
        finally:
            popen.kill()


def write_ledger(project: Project, text: str | None, pid: int) -> None:
    """Write a ledger that names a process, or remove the one there is."""
    path = project.root / ".aad" / "state" / "processes.json"
    path.unlink(missing_ok=True)
    _, space, folder = read_identity(str(path))
    for word, meaning in {"PID": str(pid), "T": read_start(pid), "NS": space, "HERE": folder}.items():
        text = text and text.replace(f'"{word}"', f'"{meaning}"')
    if text is not None:
        path.write_text(text)


def test_a_run_that_ends_leaves_no_process_of_its_own_and_no_ledger(project: Project) -> None:
    project.spec("A", wait_for_file("go"))

    with project.start(*ALL, "-q") as running:
        until(lambda: read_ledger(project))
        ledger = project.root / ".aad" / "state" / "processes.json"
        mode = ledger.stat().st_mode & 0o777
        ours = [running.server, *running.keepers]
        project.touch("go")
        running.end().exits(0)
        left = [pid for pid in ours if is_running(pid)]

    assert (mode, left, ledger.exists()) == (0o600, [], False)


# A keeper, or the server, is killed or stopped.


def test_no_shape_of_child_outlives_its_killed_keeper(project: Project, zoo: Zoo) -> None:
    with project.start(*ALL, "-q") as running:
        zoo.wait()
        project.touch("tamed")
        kill_at_once(*running.keepers)
        running.end().exits(0)
        survivors = zoo.survivors()

    assert survivors == []
    assert {line["failure"]["reason"] for line in project.journal("retry_scheduled")} == {"keeper_lost"}
    assert project.ends() == dict.fromkeys(SHAPES, "completed")


def test_a_session_that_loses_its_keeper_is_tried_again_and_no_other_notices(
    project: Project, token: Token
) -> None:
    left = f"(setsid sleep {token} &); kill -9 $PPID; sleep {token}"
    project.spec("A", f"[ -e again ] && exit; touch again; {left}")
    project.spec("B", wait_for_file("again")).spec("C", depends_on=["A"])

    project.aad(*ALL, "-q").exits(0)

    (retry,) = project.journal("retry_scheduled")
    assert (retry["spec"], retry["failure"]["reason"]) == ("A", "keeper_lost")
    assert project.ends() == {"A": "completed", "B": "completed", "C": "completed"}
    assert token.holders() == []


def test_a_session_that_loses_its_keeper_every_time_fails(project: Project) -> None:
    project.spec("A", "kill -9 $PPID; sleep 60")

    project.aad(*ALL, "-q").exits(1)

    assert project.final("A")["attempt"] == 4
    assert project.final("A")["failure"]["reason"] == "keeper_lost"


@pytest.mark.parametrize("number", ["TERM", "INT", "HUP", "QUIT", "USR1", "TSTP"])
def test_a_child_cannot_upset_its_keeper_by_signals_meant_for_others(project: Project, number: str) -> None:
    project.spec("A", f"kill -{number} $PPID; sleep 0.05; exit 4")

    project.aad(*ALL, "-q").exits(1)

    assert (project.final("A")["attempt"], project.final("A")["failure"]["exit_code"]) == (1, 4)


def test_without_a_server_running_sessions_go_on_and_new_ones_start(project: Project, token: Token) -> None:
    project.spec("A", f"{wait_for_file('go')}; exit 4").spec("B", wait_for_file("go"))
    for spec in "CDEF":
        project.spec(spec, f"echo {spec}; setsid sleep {token} & true", depends_on=["B"])

    with project.start(*ALL, "-q") as running:
        running.until("session_started", "A")
        running.until("session_started", "B")
        os.kill(running.server, signal.SIGKILL)
        project.touch("go")
        running.end().exits(1)

    assert project.ends() == {"A": "failed", **dict.fromkeys("BCDEF", "completed")}
    assert project.final("A")["failure"]["exit_code"] == 4
    assert project.journal("retry_scheduled") == []
    assert token.holders() == []


def test_what_a_keeper_held_ends_with_it_though_there_is_no_server(project: Project, token: Token) -> None:
    project.spec("A", f"[ -e tamed ] && exit; (setsid sleep {token} &); sleep {token}")
    project.spec("B", f"{wait_for_file('go')}; exit 4")

    with project.start(*ALL, "-q") as running:
        until(lambda: len(token.holders()) == 2)
        leaders = {spec: running.until("session_started", spec)["pid"] for spec in "AB"}
        project.touch("tamed")
        kill_at_once(running.server, find_parent(leaders["A"]))
        running.until("session_completed", "A")
        survivors, spared = token.holders(), is_running(leaders["B"])
        project.touch("go")
        running.end().exits(1)

    assert (survivors, spared) == ([], True)
    assert project.final("B")["failure"]["exit_code"] == 4


def test_a_keeper_that_was_stopped_goes_on(project: Project) -> None:
    project.spec("A", "kill -STOP $PPID; exit 4")

    project.aad(*ALL, "-q").exits(1)

    assert project.final("A")["failure"]["exit_code"] == 4


def test_a_server_that_was_stopped_goes_on_when_it_is_needed(project: Project) -> None:
    project.spec("A", wait_for_file("go"))
    for spec in "BCDE":
        project.spec(spec, depends_on=["A"])

    with project.start(*ALL, "-q") as running:
        running.until("session_started", "A")
        server = running.server
        os.kill(server, signal.SIGSTOP)
        project.touch("go")
        running.end().exits(0)

    assert not is_running(server)


# A session is ended, or ends.


def end_in_time(project: Project, line: str, *, grace: str = "1h") -> tuple[Line, float]:
    """Run a session that may take 2 s; return its failure, and how long it took after that."""
    project.config(f"[orchestrator]\nmonitor_interval = '20ms'\ngrace_period = '{grace}'")
    project.spec("A", line, timeout="2s")

    project.aad(*ALL, "-q").exits(1)

    ended, (begun,) = project.final("A"), project.journal("workspace_ready")
    assert ended["type"] == "session_timed_out"
    how = {name: ended["failure"].get(name) for name in ("reason", "exit_code", "signal")}
    return how, moment(ended) - moment(begun) - 2.0


def test_a_session_that_is_deaf_is_killed_when_its_grace_is_over(project: Project, token: Token) -> None:
    how, late = end_in_time(project, f"trap '' TERM; sleep {token}; sleep {token}", grace="300ms")

    assert how == {"reason": "timed_out", "exit_code": None, "signal": signal.SIGKILL}
    assert late >= 0.3
    assert token.holders() == []


@pytest.mark.parametrize(
    ("shape", "code"),
    [("{0}", 3), ("setsid sh -c {1} & trap 'wait; exit 4' TERM; wait", 4)],
    ids=["own", "of a grandchild"],
)
def test_a_farewell_is_heard_before_a_session_ends(
    project: Project, token: Token, shape: str, code: int
) -> None:
    farewell = f"trap 'echo bye; exit 3' TERM; sleep {token} & wait"

    how, _ = end_in_time(project, shape.format(farewell, shlex.quote(farewell)))

    assert project.log("A") == b"bye\n"
    assert how == {"reason": "timed_out", "exit_code": code, "signal": None}
    assert token.holders() == []


def test_a_session_that_stopped_itself_ends_as_soon_as_another(project: Project) -> None:
    how, _ = end_in_time(project, "kill -STOP $$")

    assert how == {"reason": "timed_out", "exit_code": None, "signal": signal.SIGTERM}


def test_what_a_session_leaves_running_is_named_and_ended(project: Project, token: Token) -> None:
    project.spec("A", f"setsid sleep {token} & {IS_SLEEP}; echo done")

    project.aad(*ALL, "-q").exits(0)

    (leak,) = project.journal("leaked")
    assert [name.partition(" ")[0] for name in leak["processes"]] == ["sleep"]
    assert token.holders() == []
    assert project.log("A") == b"done\n"


def test_what_ends_by_itself_in_a_moment_is_no_leak(project: Project) -> None:
    project.spec("A", f"({OUTLIVE} &)")

    project.aad(*ALL, "-q").exits(0)

    assert project.journal("leaked") == []


def test_daemons_that_end_leave_no_zombies(project: Project) -> None:
    project.spec("A", f"for i in $(seq 300); do (setsid true &); done; touch done; {wait_for_file('go')}")

    with project.start(*ALL, "-q") as running:
        until((project.root / "done").exists)
        (keeper,) = running.keepers
        states = until(lambda: [*find_children(keeper).values()] in (["S"], ["R"]))
        project.touch("go")
        running.end().exits(0)

    assert states


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can be somebody else")
@pytest.mark.parametrize("processes", [5, 12])
def test_where_processes_are_scarce_sessions_wait_for_each_other(project: Project, processes: int) -> None:
    """The limit is for the real user, one who has no other processes, and holds for who is not almighty."""
    for number in range(6):
        project.spec(f"S-{number}", ["cat", "gate"])
    os.mkfifo(project.root / "gate")
    gate = os.open(project.root / "gate", os.O_RDWR)
    user = f"--ruid={100_000 + os.getpid()}"
    limit = ("setpriv", user, "--bounding-set=-sys_resource,-sys_admin", "prlimit", f"--nproc={processes}")

    with project.start(*ALL, "-q", command=(*limit, *AAD)) as running:
        running.until("escalation_raised")
        # Nobody waits at a file, and who waits at the pipe goes on.
        project.touch("open")
        (project.root / "open").rename(project.root / "gate")
        os.close(gate)
        running.end().exits(0)

    assert set(project.ends().values()) == {"completed"}
    assert {line["attempt"] for line in project.journal("session_completed")} == {1}
    assert {line["kind"] for line in project.journal("escalation_raised")} == {"spawn_failed"}


@pytest.mark.slow
def test_a_session_outlives_idle_threads_of_ours(project: Project) -> None:
    """Trio ends an idle worker thread after ten seconds, and with it what is tied to that thread's life."""
    project.spec("A", "sleep 12; echo alive; sleep 3; exit 4")

    project.aad(*ALL, "-q").exits(1)

    assert (project.log("A"), project.final("A")["failure"]["exit_code"]) == (b"alive\n", 4)
