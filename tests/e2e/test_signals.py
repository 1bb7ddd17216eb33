"""A run that is told to end does so in order: children first, then the journal, the summary, its status."""

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

import pytest
from harness import AAD, Project, Result, Token, until, until_asked, wait_for_file
from realprocesses import read_status

ALL = ("orchestrate", "--all")
# What is left of ten and a half hours after a moment.
LIMIT = ["10h", "29m"]
# What `nohup` does.
NOHUP = 'trap "" HUP; exec "$@"'
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


SAW = "trap 'touch saw' INT QUIT HUP TSTP"


def test_control_c_on_a_terminal_ends_all_sessions_and_reaches_no_child(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).spec("DONE", "echo $AAD_SPEC_ID >>marks").spec("LAST", depends_on=["A"])
    for spec in "ABCD":
        line = f"{SAW}; echo $AAD_SPEC_ID >>marks; [ -e go ] && exit; setsid sleep {token} & sleep {token}"
        project.spec(spec, line)

    with project.terminal(*ALL, "--jobs", "5", "--color", "never") as terminal:
        until(lambda: len(token.holders()) == 8)
        terminal.until(b"DONE completed")
        terminal.type(b"\x03")
        result = terminal.end()

    result.exits(130)
    assert (token.holders(), (tmp_path / "saw").exists()) == ([], False)
    assert b"^C\r\n" in result.out
    assert b"Ended by SIGINT\r\n" in result.out
    assert project.journal()[-1]["status"] == "interrupted"
    ends = {"DONE": "completed", **dict.fromkeys("ABCD", "cancelled"), "LAST": "skipped"}
    assert project.ends() == ends

    project.touch("go").aad("orchestrate", "--resume").exits(0)
    assert project.ends() == dict.fromkeys(["A", "B", "C", "D", "LAST"], "completed")
    assert sorted(project.read("marks").split()) == [*"AABBCCDD", "DONE"]


def test_each_end_is_told_while_others_have_their_grace(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("PROMPT", "touch up-1; sleep 86400")
    project.spec("SLOW", until_asked(f"{wait_for_file('go')}; exit"))

    with project.start(*ALL, "--jobs", "2") as running:
        until((tmp_path / "up").exists)
        until((tmp_path / "up-1").exists)
        running.send(signal.SIGINT).until_err(b"PROMPT cancelled")
        meanwhile = project.ends()
        project.touch("go")
        running.end().exits(130)

    assert meanwhile == {"PROMPT": "cancelled"}


# The second one.


def deaf_project(folder: Path, token: Token) -> Project:
    """Return a project of four sessions that are deaf to SIGTERM, with all that they started."""
    project = Project(folder).config("[orchestrator]\ngrace_period = '60s'\nmax_parallel_sessions = 4")
    for spec in "ABCD":
        line = f"trap '' TERM; setsid sleep {token} & sleep {token}"
        project.spec(spec, f"[ -e go ] && exit; echo $AAD_SPEC_ID >>up; {line}")
    return project


def test_a_second_control_c_waits_for_nobody(tmp_path: Path) -> None:
    token = Token()
    project = deaf_project(tmp_path, token)

    with project.terminal(*ALL) as terminal:
        until(lambda: len(token.holders()) == 8)
        until(lambda: len(project.journal("session_started")) == 4)
        terminal.type(b"\x03")
        terminal.until(b"ending 4 sessions")
        terminal.type(b"\x03")
        # Sooner than their grace is over.
        result = terminal.end()
        until(lambda: not token.holders())

    result.exits(130)
    assert project.ends() == dict.fromkeys("ABCD", "cancelled")
    assert b"Cancelled: 4 (A, B, C, D)\r\n" in result.out

    project.touch("go").aad("orchestrate", "--resume", "-q").exits(0)
    assert project.ends() == dict.fromkeys("ABCD", "completed")


@pytest.mark.parametrize("thread", ["main", "other"])
def test_a_second_signal_ends_a_run_that_waits_for_somebody_to_read_what_it_writes(
    tmp_path: Path, thread: str
) -> None:
    token = Token()
    project = deaf_project(tmp_path, token).spec("A", f"{wait_for_file('flood')}; exec yes {token}")
    os.mkfifo(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)

    command = ("/bin/sh", "-c", 'exec "$@" >pipe', "sh", *AAD)
    with project.start(*ALL, "--log-format", "json", command=command) as running:
        for spec in "ABCD":
            running.until("session_started", spec)
        project.touch("flood")
        # The pipe is full once no more goes into it.
        until(lambda: len(token.holders()) == 7 and not select.select([], [pipe], [], 0)[1])
        # Of two that come at once the kernel may give one to a thread that waits for nothing.
        struck = running.pid if thread == "main" else max(list_threads(running.pid))
        os.kill(struck, signal.SIGINT)
        until(lambda: not int(read_status(running.pid)["ShdPnd"], 16))
        os.kill(struck, signal.SIGTERM)
        result = running.end()
        until(lambda: not token.holders())
    os.close(pipe)

    result.exits(130)
    status = project.aad("status", "--format", "json").exits(0).json()
    assert (status["status"], {spec["status"] for spec in status["specs"]}) == ("interrupted", {"cancelled"})
    project.spec("A").touch("go").aad("orchestrate", "--resume", "--accept-changes", "-q").exits(0)


def list_threads(pid: int) -> list[int]:
    return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]


# Many at once.


@pytest.mark.parametrize("count", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_however_many_run_all_are_gone_soon_after_their_grace(tmp_path: Path, count: int) -> None:
    token, grace = Token(), 3
    project = Project(tmp_path).config(
        f"[orchestrator]\ngrace_period = '{grace}s'\nmax_parallel_sessions = {count}"
    )
    for number in range(count):
        # Every other one is deaf.
        deaf = "trap '' TERM; " if number % 2 else ""
        project.spec(f"S-{number:03}", f"{deaf}setsid sleep {token} & sleep {token}")

    with project.start(*ALL) as running:
        until(lambda: len(token.holders()) == 2 * count)
        began = monotonic()
        result = running.send(signal.SIGTERM).end()
        took = wait_gone(token, began)

    result.exits(143)
    # One after the other they would take as long.
    assert took < grace * count / 2
    names = [f"S-{number:03}" for number in range(count)]
    assert project.ends() == dict.fromkeys(names, "cancelled")
    assert f"\n  Cancelled: {count} (S-000, " in result.told()
    assert "\n  Ended by SIGTERM\n" in result.told()


def wait_gone(token: Token, began: float) -> float:
    """Wait until nobody holds a token; return the seconds from some moment to then."""
    until(lambda: not token.holders())
    return monotonic() - began


# Terminals that go away.


def test_a_run_that_is_shielded_from_hang_ups_goes_on(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", wait_for_file("go"))

    with project.start(*ALL, command=("/bin/sh", "-c", NOHUP, "sh", *AAD)) as running:
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


def test_a_terminal_that_goes_away_with_its_shell_leaves_a_session_its_grace(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", f"sleep {token} & {until_asked('sleep 0.5; echo bye; exit')}")

    with project.terminal(command=("/bin/bash", "--norc", "--noprofile", "-i")) as terminal:
        terminal.type(f"{' '.join(AAD)} orchestrate --all\n".encode())
        until((tmp_path / "up").exists)
        # First the shell passes it on to its jobs, then the kernel when the shell has gone.
        terminal.hang_up()
        until(lambda: project.ends() == {"A": "cancelled"})

    assert (project.log("A"), token.holders()) == (b"bye\n", [])
    until(lambda: project.journal()[-1]["type"] == "run_finished")
    assert project.journal()[-1]["exit_code"] == 129


@pytest.mark.parametrize("pair", ["TERM HUP", "HUP TERM", "HUP HUP", "INT HUP"])
def test_a_hang_up_beside_another_signal_is_no_second_one(tmp_path: Path, pair: str) -> None:
    """So ends a login: `systemd` sends SIGTERM and SIGHUP, a shell passes on what the kernel sends too."""
    numbers = [signal.Signals[f"SIG{name}"] for name in pair.split()]
    project = Project(tmp_path).spec("A", until_asked("sleep 0.5; echo bye; exit"))

    with project.start(*ALL) as running:
        until((tmp_path / "up").exists)
        for number in numbers:
            running.send(number)
        result = running.end()

    assert result.status in {128 + number for number in numbers}
    assert (project.log("A"), project.ends()) == (b"bye\n", {"A": "cancelled"})


@pytest.mark.parametrize("words", [[], ["--log-format", "json"], ["-v"]], ids=["text", "json", "verbose"])
def test_a_run_that_is_shielded_from_hang_ups_outlives_its_terminal(tmp_path: Path, words: list[str]) -> None:
    project = Project(tmp_path).spec("A", f"echo out; {wait_for_file('go')}; echo err >&2; exit 3")
    project.spec("B", depends_on=["A"])

    with project.terminal(*ALL, *words, command=("/bin/sh", "-c", NOHUP, "sh", *AAD)) as terminal:
        until(lambda: project.journal_so_far()[-1:] and project.journal("session_started"))
        terminal.hang_up()
        project.touch("go")
        status = terminal.popen.wait(30)

    assert (status, project.ends()) == (1, {"A": "failed", "B": "skipped"})
    assert project.log("A") == b"out\nerr\n"


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
    project = Project(tmp_path).spec("A", until_asked("echo bye; exit 0"))

    with project.start(*ALL) as running:
        until((tmp_path / "up").exists)
        running.send(signal.SIGTERM).end().exits(143)

    assert (project.log("A"), project.ends()) == (b"bye\n", {"A": "cancelled"})


# Who only asks.


def test_whoever_asks_gets_a_table_of_what_runs(tmp_path: Path) -> None:
    news = """echo '{"progress": 0.5, "message": "half of it"}' >>$AAD_EVENTS"""
    project = Project(tmp_path).config("[orchestrator]\nmonitor_interval = '20ms'")
    project.spec("A", f"{news}; {wait_for_file('go')}", timeout="10h 30m").spec(
        "LONGER-NAME", wait_for_file("go")
    )
    project.spec("NEXT", depends_on=["A"])

    with project.start(*ALL, "--jobs", "2", "--timeout", "0") as running:
        running.until("session_progress", "A")
        running.until("session_started", "LONGER-NAME")
        running.send(signal.SIGUSR1).until_err(b"1 not started\n")
        project.touch("go")
        result = running.end()

    pids = {line["spec"]: str(line["pid"]) for line in project.journal("session_started")}
    told = result.exits(0).normal(result.err).splitlines()
    head = told.index("run RUN · running · 0.0s · 0/3 complete")
    assert [line.split() for line in told[head + 1 : head + 5]] == [
        ["spec", "attempt", "pid", "elapsed", "progress", "remaining", "limit", "in", "message"],
        ["A", "1", pids["A"], "0.0s", "50%", "about", "0.0s", *LIMIT, "half", "of", "it"],
        ["LONGER-NAME", "1", pids["LONGER-NAME"], "0.0s"],
        ["1", "not", "started"],
    ]


def test_whoever_asks_while_nothing_runs_is_told_so(tmp_path: Path) -> None:
    project = Project(tmp_path).config("[orchestrator]\nretries = { delay = '1h' }").spec("A", "exit 75")

    with project.start(*ALL, "-q", "--lang", "ja") as running:
        running.until("retry_scheduled", "A")
        running.send(signal.SIGUSR1).until_err("件未開始\n".encode())
        result = running.send(signal.SIGTERM).end()

    assert result.exits(143).normal(result.err).splitlines()[:3] == [
        "実行 RUN · 実行中 · 0.0秒 · 0/1 完了",
        "  いま実行中のセッションはありません",
        "  1件未開始",
    ]


# At any moment.


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

    def open_for_good(self) -> None:
        """Leave settings behind that nobody waits for."""
        self.path.unlink()

    def _open(self) -> int | None:
        try:
            return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            return None


def lively_project(folder: Path, token: Token) -> Project:
    """Return a project with much to do at its start, and at its end: it takes half a second."""
    project = Project(folder).spec("A", f"(setsid sleep {token} &); sleep 0.1").spec("B", "exit 3")
    return project.spec("C", "sleep 0.05", depends_on=["A"]).spec("D", depends_on=["B"])


def live(project: Project, gate: Gate | None, number: signal.Signals | None, moment: float) -> Result:
    """Run to the end, which a signal brings at some moment; with a gate, counted from there."""
    with project.start(*ALL) as running:
        if gate is not None:
            with gate.held():
                pass
        if number is not None:
            with suppress(subprocess.TimeoutExpired):
                running.popen.wait(moment)
            running.send(number)
        return running.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("moments", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_signal_at_any_moment_of_its_life_ends_a_run_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals, moments: int
) -> None:
    """What ^C does while Python itself starts is not ours: its moments begin when our settings are read."""
    began = monotonic()
    live(lively_project(tmp_path / "whole", Token()), None, None, 0.0).exits(1)
    life = monotonic() - began

    for count in range(moments):
        token = Token()
        project = lively_project(tmp_path / str(count), token)
        gate = Gate(project) if number == signal.SIGINT else None
        result = live(project, gate, number, life * count / moments)

        assert result.status in {128 + number, -number, 1}, count
        assert "Traceback" not in result.told(), count
        wait_gone(token, began)
        if gate is not None:
            gate.open_for_good()
        # It takes longer than all the rest.
        if count % 4 == 0:
            take_up(project)


def take_up(project: Project) -> None:
    """Go on with what was left, to the end."""
    begun = bool(project.journal_so_far())
    project.aad("orchestrate", "--resume" if begun else "--all", "-q").exits(1)
    specs = json.loads((project.run / "summary.json").read_bytes())["specs"]
    ends = {"A": "completed", "B": "failed", "C": "completed", "D": "skipped"}
    assert {spec["id"]: spec["status"] for spec in specs} == ends
