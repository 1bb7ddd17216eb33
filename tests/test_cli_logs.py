"""`aad logs`: what an attempt wrote, as far as it is or as it comes."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from attrs import define, evolve, field
from cli_project import FAILED_RUN, KILLED_RUN, PLAN, RUN, START, STARTED, Cli, Outcome, begin, open_cli

from aad.cli.logs import Follower, SessionLogs
from aad.errors import InputError
from aad.events import (
    Event,
    Failure,
    Reason,
    RetryScheduled,
    SessionCompleted,
    SessionWaiting,
    WorkspaceReady,
)
from aad.journal import Journal
from aad.lock import hold_lock

OTHER = "20261123-000000-0000"
IDS = "SPEC-001, SPEC-002, SPEC-003"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        yield opened


# A log that is there.


def test_the_newest_attempt_of_the_newest_run_is_printed(cli: Cli) -> None:
    cli.write_journal(*KILLED_RUN)
    cli.write_journal(*FAILED_RUN, run=OTHER)
    cli.write_log("SPEC-002", 1, b"older run\n")
    cli.write_log("SPEC-002", 9, b"ninth\n", run=OTHER)
    cli.write_log("SPEC-002", 10, b"tenth\n", run=OTHER)

    outcome = cli.run("logs", "SPEC-002")

    assert outcome == Outcome(0, "tenth\n", "")


def test_an_attempt_of_another_run_is_printed(cli: Cli) -> None:
    cli.write_journal(*KILLED_RUN)
    cli.write_journal(*FAILED_RUN, run=OTHER)
    cli.write_log("SPEC-002", 1, b"first\n")
    cli.write_log("SPEC-002", 2, b"second\n")

    outcome = cli.run("logs", "SPEC-002", "--run", "20261122", "--attempt", "1")

    assert outcome == Outcome(0, "first\n", "")


def test_the_bytes_are_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = b"\x1b[31mred\x1b[0m\r\n\xff\x00no newline " + bytes(range(256)) * 1000
    with open_cli(tmp_path, monkeypatch, capsys) as cli:
        cli.write_journal(*FAILED_RUN)
        cli.write_log("SPEC-001", 1, data)

    printed = subprocess.run(
        [sys.executable, "-m", "aad", "logs", "SPEC-001"], capture_output=True, check=True
    )

    assert (printed.stdout, printed.stderr) == (data, b"")


def test_an_id_may_be_typed_in_any_case_and_width(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)
    cli.write_log("SPEC-001", 1, b"words\n")

    outcome = cli.run("logs", "ｓｐｅｃ-001")

    assert outcome == Outcome(0, "words\n", "")


def test_following_a_run_that_is_over_prints_and_ends(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)
    cli.write_log("SPEC-001", 1, b"words\n")

    outcome = cli.run("logs", "-f", "SPEC-001")

    assert outcome == Outcome(0, "words\n", "")


def test_following_a_run_that_was_killed_prints_and_ends(cli: Cli) -> None:
    cli.write_journal(*KILLED_RUN)
    cli.write_log("SPEC-002", 1, b"words\n")

    outcome = cli.run("logs", "-f", "SPEC-002")

    assert outcome == Outcome(0, "words\n", "")


# A log that is not.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["SPEC-02"],
            f"SPEC-02 is not part of run {RUN} (did you mean SPEC-002? --run names another run)",
        ),
        (
            ["tests"],
            f"tests is not part of run {RUN} (its specs: {IDS}; --run names another run)",
        ),
        (["SPEC-002"], f"SPEC-002 has no log in run {RUN} (aad status {RUN} tells how it stands)"),
        (["SPEC-002", "-f"], f"SPEC-002 has no log in run {RUN} (aad status {RUN} tells how it stands)"),
        (
            ["SPEC-001", "--attempt", "3"],
            f"SPEC-001 has no log of attempt 3 in run {RUN} (there are: 1, 2)",
        ),
        (
            ["SPEC-001", "--attempt", "3", "-f"],
            f"SPEC-001 has no log of attempt 3 in run {RUN} (there are: 1, 2)",
        ),
        (["SPEC-001", "--run", "1999"], f"no run begins with 1999 (there are: {RUN})"),
        (
            ["\x1b[2Jtests\r"],
            f"tests is not part of run {RUN} (its specs: {IDS}; --run names another run)",
        ),
    ],
)
def test_what_has_no_log_is_an_error_that_names_what_has(cli: Cli, arguments: list[str], told: str) -> None:
    cli.write_journal(*FAILED_RUN)
    cli.write_log("SPEC-001", 1, b"")
    cli.write_log("SPEC-001", 2, b"")

    outcome = cli.run("logs", *arguments)

    assert outcome == Outcome(2, "", f"{told}\n")


def test_a_log_in_another_run_is_pointed_to(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)
    cli.write_log("SPEC-002", 1, b"words\n")
    cli.write_journal(*FAILED_RUN, run=OTHER)

    outcome = cli.run("logs", "SPEC-002")

    told = f"SPEC-002 has no log in run {OTHER} (its newest one: aad logs SPEC-002 --run {RUN})\n"
    assert outcome == Outcome(2, "", told)


def test_a_log_that_cannot_be_read_is_an_error(cli: Cli) -> None:
    (cli.project.attempt(RUN, "SPEC-001", 1) / "output.log").mkdir(parents=True)

    with pytest.raises(InputError) as caught:
        SessionLogs(cli.project, RUN, "SPEC-001").copy(1)

    assert (
        str(caught.value)
        == f".aad/runs/{RUN}/SPEC-001/1/output.log: cannot be read: Is a directory (make it readable)"
    )


def test_an_attempt_counts_from_one(cli: Cli) -> None:
    outcome = cli.run("logs", "SPEC-001", "--attempt", "0")

    assert outcome == Outcome(
        2,
        "",
        "Usage: aad logs [OPTIONS] SPEC\naad: Invalid value for '--attempt': 0 is not in the range x>=1.\n",
    )


# A log that grows.


@define
class World:
    """A run that goes on a step whenever the follower pauses."""

    cli: Cli
    journal: Journal
    steps: list[tuple[Callable[[], None], ...]] = field(factory=list)
    pauses: int = 0
    announced: list[int] = field(factory=list)
    lock: ExitStack = field(factory=ExitStack)

    def record(self, event: Event) -> None:
        self.journal.append(evolve(event, run=RUN, ts=START))

    def write(self, attempt: int, data: bytes) -> None:
        path = self.cli.project.attempt(RUN, "SPEC-001", attempt) / "output.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(data)

    def pause(self) -> None:
        self.pauses += 1
        for happen in self.steps.pop(0):
            happen()

    def follow(self, only: int | None = None) -> str:
        """Follow SPEC-001 to the end and return what was printed."""
        follower = Follower(
            logs=SessionLogs(self.cli.project, RUN, "SPEC-001"),
            only=only,
            announce=self.announced.append,
            pause=self.pause,
        )
        follower.follow()
        return self.cli.capsys.readouterr().out


@pytest.fixture
def world(cli: Cli) -> Iterator[World]:
    world = World(cli, Journal.create(cli.project.journal(RUN)))
    with world.lock:
        world.lock.callback(world.journal.close)
        world.lock.enter_context(hold_lock(cli.project.state, RUN))
        for event in (STARTED, PLAN):
            world.record(event)
        yield world


RETRY = RetryScheduled(spec="SPEC-001", attempt=1, delay_s=1.0, failure=Failure(reason=Reason.EXIT_CODE))


def complete(world: World, attempt: int = 1) -> None:
    world.record(SessionCompleted(spec="SPEC-001", attempt=attempt))


def test_what_comes_is_printed_until_the_session_ends(world: World) -> None:
    world.record(begin("SPEC-001"))
    world.write(1, b"one\n")
    world.steps = [
        (lambda: world.write(1, b"tw"),),
        (),
        (lambda: world.write(1, b"o\nthree\n"), lambda: complete(world)),
    ]

    printed = world.follow()

    assert (printed, world.pauses, world.announced) == ("one\ntwo\nthree\n", 3, [])


def test_a_session_that_has_not_started_is_waited_for(world: World) -> None:
    world.steps = [
        (lambda: world.record(WorkspaceReady(spec="SPEC-001", attempt=1, workspace=".")),),
        (lambda: world.record(begin("SPEC-001")),),
        (lambda: world.write(1, b"one\n"), lambda: complete(world)),
    ]

    printed = world.follow()

    assert (printed, world.pauses) == ("one\n", 3)


def test_the_next_attempt_is_announced_and_followed(world: World) -> None:
    world.record(begin("SPEC-001"))
    world.write(1, b"first\n")
    world.steps = [
        (lambda: world.write(1, b"end of first\n"), lambda: world.record(RETRY)),
        (lambda: world.record(begin("SPEC-001", 2)), lambda: world.write(2, b"second\n")),
        (lambda: complete(world, 2),),
    ]

    printed = world.follow()

    assert (printed, world.announced) == ("first\nend of first\nsecond\n", [2])


def test_one_attempt_alone_is_followed_where_it_is_named(world: World) -> None:
    world.record(begin("SPEC-001"))
    world.write(1, b"first\n")
    world.steps = [(lambda: world.record(RETRY), lambda: world.write(2, b"second\n"))]

    printed = world.follow(only=1)

    assert (printed, world.announced) == ("first\n", [])


def test_an_attempt_ends_with_a_question_but_the_session_does_not(world: World) -> None:
    world.record(begin("SPEC-001"))
    world.write(1, b"first\n")
    world.record(SessionWaiting(spec="SPEC-001", attempt=1, message="?"))
    world.steps = [(lambda: complete(world),)]

    alone, whole = world.follow(only=1), world.follow()

    assert (alone, whole, world.pauses) == ("first\n", "first\n", 1)


def test_other_sessions_end_nothing(world: World) -> None:
    world.record(begin("SPEC-001"))
    world.write(1, b"one\n")
    world.record(begin("SPEC-002"))
    world.steps = [
        (lambda: world.record(SessionCompleted(spec="SPEC-002", attempt=1)),),
        (lambda: complete(world),),
    ]

    world.follow()

    assert world.pauses == 2


def test_the_end_of_the_run_is_the_end_of_the_log(world: World) -> None:
    world.record(begin("SPEC-001"))
    world.write(1, b"one\n")
    world.steps = [(lambda: world.write(1, b"two\n"), world.lock.close)]

    printed = world.follow()

    assert (printed, world.pauses) == ("one\ntwo\n", 1)


def test_a_session_that_ends_without_a_log_is_an_error(world: World) -> None:
    world.steps = [(lambda: complete(world),)]

    with pytest.raises(InputError) as caught:
        world.follow()

    assert str(caught.value) == f"SPEC-001 has no log in run {RUN} (aad status {RUN} tells how it stands)"


# The command, as people end it.


def follow_in_a_process(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "aad", "logs", "-f", "SPEC-001", "--lang", "en"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_an_interrupt_ends_it_with_130_and_no_traceback(world: World) -> None:
    world.record(begin("SPEC-001"))
    world.write(1, b"one\n")

    with follow_in_a_process(world.cli.project.root) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate()

    assert (first, rest, errors, process.returncode) == (b"one\n", b"", b"\n", 130)


def test_a_closed_pipe_is_no_error(world: World) -> None:
    world.record(begin("SPEC-001"))
    world.write(1, b"one\n")

    with follow_in_a_process(world.cli.project.root) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        world.write(1, b"two\n")
        process.wait()
        assert process.stderr is not None
        errors = process.stderr.read()

    assert (errors, process.returncode) == (b"", 0)


def test_the_header_of_an_attempt_is_told_on_stderr(world: World) -> None:
    world.record(begin("SPEC-001"))
    world.write(1, b"one\n")

    with follow_in_a_process(world.cli.project.root) as process:
        assert process.stdout is not None
        process.stdout.readline()
        world.write(2, b"two\n")
        complete(world, 2)
        rest, errors = process.communicate()

    assert (rest, errors, process.returncode) == (b"two\n", b"==> SPEC-001, attempt 2\n", 0)
