"""A dialog that nobody answers, and those who use its terminal beside it."""

import logging
import os
import signal
import sys
import textwrap
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import trio
from askedperson import PERSON, WHAT_NAME, Desk, Person, answer, converse, escalation, person
from trio.testing import MockClock

from aad.cli.console import Console, Looks
from aad.cli.dialog import Dialog
from aad.cli.keyboard import LEAVE_PASTES, Keyboard
from aad.cli.running import _Bell, _logging_to
from aad.cli.signals import Signals
from aad.config import OrchestratorConfig
from aad.display.plain import PlainDisplay
from aad.display.stream import Stream
from aad.display.style import Style
from aad.errors import InputError, Problem
from aad.escalationlog import Decision, EscalationLog
from aad.events import EscalationKind, EscalationLevel, EscalationRaised
from aad.project import Project
from aad.runclock import RunClock
from aad.state import RunState

__all__ = ["person"]

# When nobody answers.


async def test_the_end_of_the_input_puts_off_all_the_rest(person: Person) -> None:
    desk = Desk([escalation("SPEC-001", WHAT_NAME), escalation("SPEC-002")])

    seen = await converse(person, desk, "\x04")

    assert (desk.decided, len(desk.waiting)) == ([], 2)
    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 2):
          What shall it be called?
          own words · s skip · a abort · l later
        >\x20
        """)


async def test_a_terminal_that_is_gone_puts_off_all(person: Person) -> None:
    desk = Desk([escalation("SPEC-001"), escalation("SPEC-002")])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        person.hang_up()

    assert (desk.decided, len(desk.waiting)) == ([], 2)


async def test_an_answer_from_elsewhere_leads_on_to_the_next_question(
    person: Person, autojump_clock: MockClock
) -> None:
    desk = Desk([escalation("SPEC-001", WHAT_NAME), escalation("SPEC-002")])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        # Half an answer, which is none to the next question.
        person.type("1")
        await person.wait("> 1")
        desk.close("SPEC-001-error")
        await person.wait("> ")
        person.type("2\n")
    seen = await person.leave("2\n")

    assert desk.decided == [("SPEC-002-error", answer("PostgreSQL", "PostgreSQL"))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 2):
          What shall it be called?
          own words · s skip · a abort · l later
        > 1
          no longer open

        ? SPEC-002 asks (2 of 2):
          Which database?
          1. SQLite
          2. PostgreSQL
          number or own words · s skip · a abort · l later
        > 2
        """)


async def test_an_answer_that_comes_a_moment_too_late_is_told_so(person: Person) -> None:
    class Hasty(Desk):
        def decide(self, name: str, decision: Decision) -> None:
            self.close(name)
            raise InputError(
                Problem("escalation_decided", {"id": name, "action": "skip", "by": PERSON, "at": "?"})
            )

    seen = await converse(person, Hasty([escalation(question=WHAT_NAME)]), "Bob\n")

    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          What shall it be called?
          own words · s skip · a abort · l later
        > Bob
          no longer open
        """)


async def test_what_was_typed_before_the_question_stood_there_is_no_answer(person: Person) -> None:
    desk = Desk([escalation(question=WHAT_NAME)])
    person.type("yes\n")
    await trio.lowlevel.wait_readable(person.keyboard)

    await converse(person, desk, "Bob\n")

    assert desk.decided == [("SPEC-001-error", answer("Bob"))]


async def test_the_end_of_the_run_ends_it_at_once_behind_the_line_of_the_prompt(person: Person) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, Desk([escalation(question=WHAT_NAME)]))
        await person.wait("> ")
        person.plain.tell_interrupted()
        nursery.cancel_scope.cancel()
    seen = await person.leave("run\n")

    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          What shall it be called?
          own words · s skip · a abort · l later
        >\x20
        ⚠ interrupted: ending the run
        """)


# Beside others.


async def test_the_display_is_held_while_a_question_stands_there_and_speaks_between_two(
    person: Person,
) -> None:
    desk = Desk([escalation("SPEC-001", WHAT_NAME), escalation("SPEC-002", WHAT_NAME)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        person.plain.tell_patience(60)
        person.type("Bob\n")
        await person.answer("Eve\n")
    seen = await person.leave("Eve\n")

    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 2):
          What shall it be called?
          own words · s skip · a abort · l later
        > Bob
        nothing else to do: waiting for people (up to 1m)

        ? SPEC-002 asks (2 of 2):
          What shall it be called?
          own words · s skip · a abort · l later
        > Eve
        """)


async def test_a_bell_and_a_diagnostic_come_after_the_answer(person: Person) -> None:
    desk = Desk([escalation(question=WHAT_NAME)])
    raised = EscalationRaised(
        spec="SPEC-002",
        attempt=1,
        escalation="SPEC-002-error",
        level=EscalationLevel.ERROR,
        kind=EscalationKind.FAILED,
        message="exit code 1",
        path="SPEC-002-error.json",
    )

    with _logging_to(person.plain.say):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.dialog, desk)
            await person.wait("> ")
            _Bell(person.plain).show(raised)
            logging.getLogger("aad.notifiers").warning("the notification command failed")
            person.type("Bob\n")
    seen = await person.leave("failed\n")

    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          What shall it be called?
          own words · s skip · a abort · l later
        > Bob
        \aaad: the notification command failed
        """)


# Takes a terminal and starts the dialog on it, in the background or in front. Once that waits or is stopped,
# says so, brings it to the front, lets it go on and waits for its end.
SHELL = """
import fcntl, os, signal, subprocess, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
reader, writer = os.pipe()
go = os.pipe()
command = [sys.executable, *sys.argv[2:], str(writer), str(go[0])]
job = subprocess.Popen(command, process_group=0, pass_fds=[writer, go[0]])
os.close(writer)
if sys.argv[1] == "background":
    os.write(go[1], b".")
    os.read(reader, 1)
else:
    os.tcsetpgrp(0, job.pid)
    os.write(go[1], b".")
    os.waitpid(job.pid, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
print("fg", flush=True)
os.tcsetpgrp(0, job.pid)
os.kill(job.pid, signal.SIGCONT)
sys.exit(job.wait())
"""


class Orchestra:
    """What stands still at ^Z."""

    def pause(self) -> None:
        """Stop nothing."""

    def resume(self, seconds: float) -> None:
        """Let nothing go on."""


def run_job(root: Path, signal_to: int, wait_for: int) -> None:
    """Run the dialog on our terminal, and tell a pipe when it looks at the desk again, as it waits."""
    looks = iter((b"", b"."))
    os.read(wait_for, 1)

    class Watched(Desk):
        def list_open(self) -> list[EscalationLog]:
            os.write(signal_to, next(looks, b""))
            return super().list_open()

    # What ignores it hands that down to its children.
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    err = Stream(sys.stderr)
    console = Console(Project(root), OrchestratorConfig(), "en", Looks("never", "unicode"), err, err)
    desk = Watched([escalation(question=WHAT_NAME)])
    plain, keys = PlainDisplay(err, RunState(), Style(), "en"), Keyboard(err)
    signals = Signals(cast("Any", Orchestra()), plain, RunClock(), keys)

    async def ask() -> None:
        with signals.heed(trio.lowlevel.current_trio_token().run_sync_soon):
            await Dialog(console, plain, keys)(desk)

    trio.run(ask)
    err.write(f"{desk.decided[0][1].text}\n")


def start_job(person: Person, place: str, root: Path) -> Callable[[], Awaitable[object]]:
    tty = person.keyboard
    command = [sys.executable, "-c", SHELL, place, __file__, str(root)]
    return partial(trio.run_process, command, stdin=tty, stdout=tty, stderr=tty)


async def test_in_the_background_it_waits_until_it_is_in_front(person: Person, tmp_path: Path) -> None:
    # Whoever reads in the background is stopped, and answers nobody.
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(start_job(person, "background", tmp_path))
            await person.answer("Bob\n")
    seen = await person.leave("Bob\nBob\n")

    assert seen == textwrap.dedent("""\
        fg

        ? SPEC-001 asks (1 of 1):
          What shall it be called?
          own words · s skip · a abort · l later
        > Bob
        Bob
        """)


async def test_after_a_pause_the_question_is_asked_again(person: Person, tmp_path: Path) -> None:
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(start_job(person, "front", tmp_path))
            await person.answer("\x1a", "Bob\n")
    seen = await person.leave("Bob\nBob\n")

    asked = """
? SPEC-001 asks (1 of 1):
  What shall it be called?
  own words · s skip · a abort · l later
> """
    assert seen == f"{asked}^Zfg\n\n{asked}Bob\nBob\n"
    # Whoever types at the shell meanwhile has a terminal as it was.
    assert f"^Z{LEAVE_PASTES}fg\n" in person.told


if __name__ == "__main__":
    run_job(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
