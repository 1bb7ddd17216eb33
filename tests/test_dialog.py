"""The dialog in which a run asks the person at its terminal, on a terminal of the kernel's."""

import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from aad.cli.console import Console, Looks
from aad.cli.dialog import Dialog
from aad.config import OrchestratorConfig
from aad.display.plain import PlainDisplay
from aad.display.stream import Stream
from aad.display.style import Style
from aad.errors import InputError, Problem
from aad.escalationlog import Decision, EscalationLog
from aad.events import Action, EscalationKind, EscalationLevel, Question
from aad.project import Project
from aad.state import RunState

PERSON = "person"
WHICH_DATABASE = Question(text="Which database?", options=("SQLite", "PostgreSQL"))
WHAT_NAME = Question(text="What shall it be called?")


def escalation(
    spec: str = "SPEC-001", question: Question | None = WHICH_DATABASE, reason: str = "exit code 1"
) -> EscalationLog:
    return EscalationLog(
        id=f"{spec}-error",
        run_id="run",
        session_id=f"run/{spec}",
        spec_id=spec,
        level=EscalationLevel.ERROR,
        reason=reason,
        timestamp=datetime(2026, 11, 22, tzinfo=UTC),
        kind=EscalationKind.QUESTION if question else EscalationKind.FAILED,
        question=question,
    )


@define
class Desk:
    """A parent session that takes every decision but those that hold its secret."""

    waiting: list[EscalationLog]
    decided: list[tuple[str, Decision]] = field(factory=list, init=False)

    def list_open(self) -> list[EscalationLog]:
        return list(self.waiting)

    def decide(self, name: str, decision: Decision) -> None:
        if decision.text == "hunter2":
            raise InputError(Problem("answer_secret", {"id": name}))
        self.close(name)
        self.decided.append((name, decision))

    def close(self, name: str) -> None:
        self.waiting = [each for each in self.waiting if each.id != name]


class Person:
    """Who sits in front of a terminal, which echoes what is typed, and what it has shown."""

    def __init__(self, root: Path, lang: str = "en") -> None:
        self._leader, self.keyboard = os.openpty()
        os.set_blocking(self._leader, False)
        self._seen = b""
        self._out = os.fdopen(os.dup(self.keyboard), "w", encoding="utf-8")
        self.err = Stream(self._out)
        self.plain = PlainDisplay(self.err, RunState(), Style(), lang)
        self.dialog = Dialog(self._make_console(root, lang), self.plain, self.keyboard)

    def _make_console(self, root: Path, lang: str) -> Console:
        return Console(
            project=Project(root),
            config=OrchestratorConfig(),
            lang=lang,
            looks=Looks("never", "unicode"),
            out=self.err,
            err=self.err,
        )

    @property
    def seen(self) -> str:
        return self._seen.decode().replace("\r\n", "\n")

    def type(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    async def wait(self, end: str) -> None:
        """Wait until the last that is shown is this."""
        while not self.seen.endswith(end):
            await self._look()

    async def _look(self) -> None:
        await trio.lowlevel.wait_readable(self._leader)
        self._seen += os.read(self._leader, 65536)

    async def answer(self, *lines: str) -> None:
        """Type lines, each when a new prompt asks for it."""
        for line in lines:
            before = self.seen
            while self.seen == before or not self.seen.endswith("\n> "):
                await self._look()
            self.type(line)

    async def leave(self, end: str) -> str:
        """Return all that was shown, once it has ended like this."""
        await self.wait(end)
        return self.seen

    def hang_up(self) -> None:
        os.close(self._leader)
        self._leader = -1

    def close(self) -> None:
        self._out.close()
        os.close(self.keyboard)
        if self._leader >= 0:
            self.hang_up()


@contextmanager
def seated(root: Path, lang: str = "en") -> Iterator[Person]:
    person = Person(root, lang)
    try:
        yield person
    finally:
        person.close()


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    with seated(tmp_path) as person:
        yield person


async def converse(person: Person, desk: Desk, *lines: str) -> str:
    """Let a person answer with these lines; return all that the terminal has shown."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.answer(*lines)
    person.err.write("END")
    return (await person.leave("END")).removesuffix("END")


def answer(text: str, option: str | None = None) -> Decision:
    return Decision(action=Action.ANSWER, by=PERSON, text=text, option=option)


def decide(action: Action) -> Decision:
    return Decision(action=action, by=PERSON)


# What is seen.


async def test_a_question_is_answered_by_the_number_of_an_option(person: Person) -> None:
    desk = Desk([escalation()])

    seen = await converse(person, desk, "2\n")

    assert desk.decided == [("SPEC-001-error", answer("PostgreSQL", "PostgreSQL"))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          Which database?
          1. SQLite
          2. PostgreSQL
          number or own words · s skip · a abort · l later
        > 2
        """)


async def test_a_failure_is_shown_with_its_reason_and_all_that_can_be_decided(person: Person) -> None:
    desk = Desk([escalation(question=None)])

    seen = await converse(person, desk, "c\n")

    assert desk.decided == [("SPEC-001-error", decide(Action.CONTINUE))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 needs a decision (1 of 1):
          exit code 1
          r retry · s skip · c skip, dependents run · a abort · l later
        > c
        """)


async def test_it_speaks_japanese_and_its_letters_stay_also_in_their_wide_forms(tmp_path: Path) -> None:
    desk = Desk([escalation(), escalation("SPEC-002", None), escalation("SPEC-003", WHAT_NAME)])

    with seated(tmp_path, "ja") as person:
        seen = await converse(person, desk, "3\n", "２\n", "r\n", "ｓ\n")

    assert desk.decided == [
        ("SPEC-001-error", answer("PostgreSQL", "PostgreSQL")),
        ("SPEC-002-error", decide(Action.RETRY)),
        ("SPEC-003-error", decide(Action.SKIP)),
    ]
    assert seen == textwrap.dedent("""
        ? SPEC-001 からの質問 (3件中1件目):
          Which database?
          1. SQLite
          2. PostgreSQL
          番号または自由な回答 · s スキップ · a 中止 · l 後で
        > 3
          選択肢 3 はありません（1 から 2 まで）
          番号または自由な回答 · s スキップ · a 中止 · l 後で
        > ２

        ? SPEC-002 は決定を待っています (3件中2件目):
          exit code 1
          r 再試行 · s スキップ · c スキップ（依存する仕様は実行） · a 中止 · l 後で
        > r

        ? SPEC-003 からの質問 (3件中3件目):
          What shall it be called?
          自由な回答 · s スキップ · a 中止 · l 後で
        > ｓ
        """)


async def test_nothing_that_a_child_says_moves_the_cursor_or_looks_like_a_question_of_ours(
    person: Person,
) -> None:
    asked = Question(text="One\x1b[2J\r\n? SPEC-009 asks:\n> \x07two\u202e", options=("a\x1b[1A\nb",))

    seen = await converse(person, Desk([escalation(question=asked)]), "s\n")

    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          One
          ? SPEC-009 asks:
          > two
          1. a b
          number or own words · s skip · a abort · l later
        > s
        """)


# What is answered.


@pytest.mark.parametrize(
    ("options", "line", "decision"),
    [
        (("SQLite", "PostgreSQL"), "sqlite", answer("SQLite", "SQLite")),
        (("SQLite", "PostgreSQL"), " none of them ", answer("none of them")),
        (("SQLite", "PostgreSQL"), "1 or 2", answer("1 or 2")),
        (("s", "t"), "s", answer("s", "s")),
        (("30", "60"), "60", answer("60", "60")),
        (("SQLite",), "S", decide(Action.SKIP)),
        ((), "a", decide(Action.ABORT)),
        ((), "r", answer("r")),
        ((), "3", answer("3")),
        ((), "left\x1b[D right", answer("left right")),
        ((), "データ", answer("データ")),
    ],
)
async def test_a_line_is_an_option_or_a_letter_or_else_words(
    tmp_path: Path, options: tuple[str, ...], line: str, decision: Decision
) -> None:
    desk = Desk([escalation(question=Question(text="?", options=options))])

    with seated(tmp_path) as person:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.dialog, desk)
            await person.wait("> ")
            person.type(f"{line}\n")

    assert desk.decided == [("SPEC-001-error", decision)]


async def test_what_decides_nothing_is_asked_again_with_the_hint(person: Person) -> None:
    desk = Desk([escalation(question=None), escalation("SPEC-002")])

    seen = await converse(person, desk, "\n", "what?\n", "s\n", "\n", "0\n", "1\n")

    assert [decision.action for _, decision in desk.decided] == [Action.SKIP, Action.ANSWER]
    assert seen == textwrap.dedent("""
        ? SPEC-001 needs a decision (1 of 2):
          exit code 1
          r retry · s skip · c skip, dependents run · a abort · l later
        >\x20
          r retry · s skip · c skip, dependents run · a abort · l later
        > what?
          r retry · s skip · c skip, dependents run · a abort · l later
        > s

        ? SPEC-002 asks (2 of 2):
          Which database?
          1. SQLite
          2. PostgreSQL
          number or own words · s skip · a abort · l later
        >\x20
          number or own words · s skip · a abort · l later
        > 0
          there is no option 0 (they are 1 to 2)
          number or own words · s skip · a abort · l later
        > 1
        """)


async def test_an_answer_that_the_desk_refuses_is_asked_again(person: Person) -> None:
    desk = Desk([escalation(question=WHAT_NAME)])

    seen = await converse(person, desk, "hunter2\n", "Bob\n")

    assert desk.decided == [("SPEC-001-error", answer("Bob"))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          What shall it be called?
          own words · s skip · a abort · l later
        > hunter2
          the answer to SPEC-001-error holds a secret, which would lie in files \
(put it where the session can read it, and answer with the name of that place)
        > Bob
        """)


async def test_what_is_put_off_stays_open_and_is_not_asked_twice(person: Person) -> None:
    desk = Desk([escalation("SPEC-001"), escalation("SPEC-002")])

    await converse(person, desk, "l\n", "1\n")

    assert [each.id for each in desk.waiting] == ["SPEC-001-error"]
    assert desk.decided == [("SPEC-002-error", answer("SQLite", "SQLite"))]


async def test_what_is_raised_meanwhile_is_asked_too(person: Person) -> None:
    desk = Desk([escalation("SPEC-001", WHAT_NAME)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        desk.waiting.append(escalation("SPEC-002", WHAT_NAME))
        person.type("Bob\n")
        await person.answer("Eve\n")

    assert desk.decided == [("SPEC-001-error", answer("Bob")), ("SPEC-002-error", answer("Eve"))]


async def test_nothing_more_is_asked_once_the_run_is_to_end(person: Person) -> None:
    desk = Desk([escalation("SPEC-001"), escalation("SPEC-002")])

    await converse(person, desk, "a\n")

    assert desk.decided == [("SPEC-001-error", decide(Action.ABORT))]


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
          answered elsewhere

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
          answered elsewhere
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


# Takes a terminal, and starts the dialog in the background of it. Once that waits, says so, brings it to the
# front and waits for its end.
SHELL = """
import fcntl, os, signal, subprocess, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
reader, writer = os.pipe()
job = subprocess.Popen([sys.executable, *sys.argv[1:], str(writer)], process_group=0, pass_fds=[writer])
os.close(writer)
os.read(reader, 1)
print("fg", flush=True)
os.tcsetpgrp(0, job.pid)
sys.exit(job.wait())
"""


def run_job(root: Path, signal_to: int) -> None:
    """Run the dialog on our terminal, and tell a pipe when it looks at the desk again, as it waits."""
    looks = iter((b"", b"."))

    class Watched(Desk):
        def list_open(self) -> list[EscalationLog]:
            os.write(signal_to, next(looks, b""))
            return super().list_open()

    err = Stream(sys.stderr)
    console = Console(Project(root), OrchestratorConfig(), "en", Looks("never", "unicode"), err, err)
    desk = Watched([escalation(question=WHAT_NAME)])
    trio.run(Dialog(console, PlainDisplay(err, RunState(), Style(), "en")), desk)
    err.write(f"{desk.decided[0][1].text}\n")


async def test_in_the_background_it_waits_until_it_is_in_front(person: Person, tmp_path: Path) -> None:
    command, tty = [sys.executable, "-c", SHELL, __file__, str(tmp_path)], person.keyboard

    # Whoever reads in the background is stopped, and answers nobody.
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(trio.run_process, command, stdin=tty, stdout=tty, stderr=tty))
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


if __name__ == "__main__":
    run_job(Path(sys.argv[1]), int(sys.argv[2]))
