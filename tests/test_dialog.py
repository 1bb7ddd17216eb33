"""The dialog in which a run asks the person at its terminal, on a terminal of the kernel's."""

import logging
import os
import signal
import sys
import termios
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.cli.console import Console, Looks
from aad.cli.dialog import Dialog
from aad.cli.keyboard import LEAVE_PASTES, MARK_PASTES, Keyboard, marks_pastes
from aad.cli.running import _Bell, _logging_to
from aad.cli.signals import Signals
from aad.config import OrchestratorConfig
from aad.display.plain import PlainDisplay
from aad.display.stream import Stream
from aad.display.style import Style
from aad.errors import InputError, Problem
from aad.escalationlog import Decision, EscalationLog
from aad.events import Action, EscalationKind, EscalationLevel, EscalationRaised, Question
from aad.project import Project
from aad.runclock import RunClock
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
        keys = Keyboard(self.err, self.keyboard)
        self.dialog = Dialog(self._make_console(root, lang), self.plain, keys)

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
        """What a terminal shows that marks pastes."""
        return self.told.replace(MARK_PASTES, "").replace(LEAVE_PASTES, "")

    @property
    def told(self) -> str:
        return self._seen.decode().replace("\r\n", "\n")

    @property
    def edits_lines(self) -> bool:
        return bool(termios.tcgetattr(self.keyboard)[3] & termios.ICANON)

    def type(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    async def wait(self, end: str) -> None:
        """Wait until the last that is shown is this."""
        while not self.seen.endswith(end):
            await self._look()

    async def paste(self, keys: str) -> None:
        """Type more than the terminal takes at once."""
        left = keys.encode()
        while left:
            await trio.lowlevel.wait_writable(self._leader)
            left = left[os.write(self._leader, left[:1024]) :]

    async def until_arrived(self) -> None:
        """Wait until what was typed can be read; by a descriptor of our own, as the dialog waits too."""
        descriptor = os.dup(self.keyboard)
        await trio.lowlevel.wait_readable(descriptor)
        os.close(descriptor)

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
        (("SQLite", "PostgreSQL"), "Later", None),
        (("SQLite", "PostgreSQL"), "skip", decide(Action.SKIP)),
        (("Skip", "Keep"), "skip", answer("Skip", "Skip")),
        (("Skip", "Keep"), "/SKIP", decide(Action.SKIP)),
        (("Skip", "Keep"), "s", decide(Action.SKIP)),
        (("s", "t"), "s", answer("s", "s")),
        (("S", "M", "L"), "s", answer("S", "S")),
        (("S", "M", "L"), "/s", decide(Action.SKIP)),
        (("S", "M", "L"), "／ａ", decide(Action.ABORT)),
        (("S", "M", "L"), "/later", None),
        (("30", "60"), "60", answer("60", "60")),
        (("SQLite",), "S", decide(Action.SKIP)),
        ((), "a", decide(Action.ABORT)),
        ((), "/abort", decide(Action.ABORT)),
        ((), "skip", answer("skip")),
        ((), "/usr", answer("/usr")),
        ((), "r", answer("r")),
        ((), "3", answer("3")),
        ((), "left\x1b[D right", answer("left right")),
        ((), "データ", answer("データ")),
    ],
)
async def test_a_line_is_an_option_or_a_letter_or_else_words(
    tmp_path: Path, options: tuple[str, ...], line: str, decision: Decision | None
) -> None:
    desk = Desk([escalation(question=Question(text="?", options=options))])

    with seated(tmp_path) as person:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.dialog, desk)
            await person.wait("> ")
            person.type(f"{line}\n")

    assert desk.decided == ([("SPEC-001-error", decision)] if decision else [])


@pytest.mark.parametrize(
    ("word", "action"), [("retry", Action.RETRY), ("/r", Action.RETRY), ("continue", Action.CONTINUE)]
)
async def test_a_failure_is_decided_by_whole_words_too(person: Person, word: str, action: Action) -> None:
    desk = Desk([escalation(question=None)])

    await converse(person, desk, f"{word}\n")

    assert desk.decided == [("SPEC-001-error", decide(action))]


async def test_a_letter_that_is_an_option_gets_a_slash_in_the_hint(person: Person) -> None:
    desk = Desk([escalation(question=Question(text="Which size?", options=("S", "M", "L")))])

    seen = await converse(person, desk, "/s\n")

    assert desk.decided == [("SPEC-001-error", decide(Action.SKIP))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          Which size?
          1. S
          2. M
          3. L
          number or own words · /s skip · a abort · /l later
        > /s
        """)


async def test_what_is_no_option_is_sent_after_an_enter_only(person: Person) -> None:
    desk = Desk([escalation()])

    seen = await converse(person, desk, "sqlit\n", "no\n", " 1 or 2 \n", "\n")

    assert desk.decided == [("SPEC-001-error", answer("1 or 2"))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          Which database?
          1. SQLite
          2. PostgreSQL
          number or own words · s skip · a abort · l later
        > sqlit
          "sqlit" is none of the options: Enter sends it as it is, anything else asks again
        > no
          number or own words · s skip · a abort · l later
        >  1 or 2\x20
          "1 or 2" is none of the options: Enter sends it as it is, anything else asks again
        >\x20
        """)


async def test_of_an_endless_question_a_screen_is_shown_and_where_all_of_it_is(person: Person) -> None:
    long = Question(text="x" * 10_000, options=("y" * 201,))
    many = Question(text="\n".join(f"line {number}" for number in range(41)))
    desk = Desk(
        [escalation(question=long), escalation("SPEC-002", many), escalation("SPEC-003", None, "z" * 2000)]
    )

    seen = await converse(person, desk, "l\n", "l\n", "l\n")

    first, second, third = seen.split("\n\n")
    assert first.splitlines()[2:6] == [
        f"  {'x' * 2000}",
        f"  1. {'y' * 200}…",
        "  → shown in part; all of it: aad escalations show SPEC-001-error",
        "  number or own words · s skip · a abort · l later",
    ]
    assert second.splitlines()[40:42] == [
        "  line 39",
        "  → shown in part; all of it: aad escalations show SPEC-002-error",
    ]
    assert third.splitlines()[1:3] == [
        f"  {'z' * 2000}",
        "  r retry · s skip · c skip, dependents run · a abort · l later",
    ]


# What is pasted.


def paste(text: str) -> str:
    """Return what a terminal sends that marks it."""
    return f"\x1b[200~{text}\x1b[201~"


@pytest.mark.parametrize(
    ("question", "keys", "decision"),
    [
        (WHAT_NAME, paste("first line\n\n  second line") + "\n", answer("first line\n\n  second line")),
        (WHAT_NAME, paste("first line\nsecond line\n") + "\n", answer("first line\nsecond line")),
        (WHAT_NAME, f"It is {paste('Bob')}.\n", answer("It is Bob.")),
        (WHAT_NAME, paste("x\x1b[1A" + "y\n" * 9000) + "\n", answer("x" + "y\n" * 8999 + "y")),
        (WHICH_DATABASE, paste("2") + "\n", answer("PostgreSQL", "PostgreSQL")),
        (WHICH_DATABASE, paste("SQLite\nor none") + "\n", answer("SQLite\nor none")),
    ],
)
async def test_a_text_that_is_pasted_is_one_answer(
    tmp_path: Path, question: Question, keys: str, decision: Decision
) -> None:
    desk = Desk([escalation(question=question), escalation("SPEC-002", WHAT_NAME)])

    with seated(tmp_path) as person:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.dialog, desk)
            await person.wait("> ")
            await person.paste(keys)
            await person.answer("l\n")

    assert desk.decided == [("SPEC-001-error", decision)]


async def test_a_paste_waits_for_the_enter_that_sends_it(person: Person, autojump_clock: MockClock) -> None:
    desk = Desk([escalation(question=WHAT_NAME)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        person.type(paste("first\nsecond"))
        await person.wait("~")
        await trio.sleep(10)
        before = list(desk.decided)
        person.type("\n")

    assert (before, desk.decided) == ([], [("SPEC-001-error", answer("first\nsecond"))])


async def test_a_paste_whose_end_was_erased_is_sent_by_a_second_enter(
    person: Person, autojump_clock: MockClock
) -> None:
    desk = Desk([escalation(question=WHAT_NAME)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        person.type("\x1b[200~Bob\n")
        await person.wait("Bob\n")
        await wait_all_tasks_blocked()
        await trio.sleep(10)
        before = list(desk.decided)
        person.type("\n")

    assert (before, desk.decided) == ([], [("SPEC-001-error", answer("Bob"))])


@pytest.mark.parametrize("rest", ["second line\n", "second line", "second\nthird"])
async def test_of_several_lines_that_no_terminal_marked_none_is_an_answer(tmp_path: Path, rest: str) -> None:
    desk = Desk([escalation(question=WHAT_NAME), escalation("SPEC-002", WHAT_NAME)])

    with seated(tmp_path) as person:
        seen = await converse(person, desk, f"first line\n{rest}", "Bob\n", "Eve\n")

    assert desk.decided == [("SPEC-001-error", answer("Bob")), ("SPEC-002-error", answer("Eve"))]
    assert seen.startswith(f"""
? SPEC-001 asks (1 of 2):
  What shall it be called?
  own words · s skip · a abort · l later
> first line
{rest}
  more than one line came, so none was taken: type one line, paste again, \
or use aad escalations answer SPEC-001-error TEXT
> Bob
""")


async def test_the_lines_of_a_slow_paste_are_waited_for(person: Person, mock_clock: MockClock) -> None:
    desk = Desk([escalation(question=None)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        for line in ("s\n", "r\n", "a\n"):
            person.type(line)
            await person.until_arrived()
            await wait_all_tasks_blocked()
            mock_clock.jump(0.2)
        mock_clock.autojump_threshold = 0
        await person.answer("c\n")

    assert desk.decided == [("SPEC-001-error", decide(Action.CONTINUE))]
    assert "\n> s\n\n  more than one line came, so none was taken\n> " in person.seen


async def test_an_enter_too_many_is_neither_a_line_nor_an_answer(person: Person) -> None:
    desk = Desk([escalation()])

    await converse(person, desk, "sqlit\n\n\n", "\n")

    assert desk.decided == [("SPEC-001-error", answer("sqlit"))]


async def test_the_terminal_edits_the_lines_at_each_prompt_and_afterwards(person: Person) -> None:
    desk = Desk([escalation(), escalation("SPEC-002")])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        before = person.edits_lines
        person.type("1\n")
        # The first character is erased again.
        await person.answer("1\x7f2\n")

    assert (before, person.edits_lines) == (True, True)
    assert [decision.text for _, decision in desk.decided] == ["SQLite", "PostgreSQL"]


async def test_a_line_that_the_terminal_has_cut_is_told_and_asked_again(person: Person) -> None:
    desk = Desk([escalation(question=WHAT_NAME)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        await person.paste("x" * 5000 + "\n")
        await person.wait("TEXT\n> ")
        await person.paste("y" * 4094 + "\n")
    seen = await person.leave("y\n")

    assert desk.decided == [("SPEC-001-error", answer("y" * 4094))]
    assert (
        "\n  the terminal cuts lines at 4095 bytes, so this one was not taken: send shorter lines, "
        "or use aad escalations answer SPEC-001-error TEXT\n> "
    ) in seen


@pytest.mark.parametrize("keys", ["Bob\n", "\x04", None])
async def test_a_terminal_is_left_as_it_was_whatever_ends_the_dialog(
    tmp_path: Path, keys: str | None
) -> None:
    with seated(tmp_path) as person:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.dialog, Desk([escalation(question=WHAT_NAME)]))
            await person.wait("> ")
            before = person.told
            if keys:
                person.type(keys)
            else:
                nursery.cancel_scope.cancel()
        person.err.write("END")
        await person.leave("END")

        assert before.count(MARK_PASTES) == 1
        assert LEAVE_PASTES not in before
        assert person.told.endswith(f"{LEAVE_PASTES}END")
        assert person.edits_lines


@pytest.mark.parametrize(
    ("environ", "marks"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": ""}, False), ({}, False)],
)
def test_a_dumb_terminal_is_not_asked_to_mark_anything(environ: dict[str, str], marks: bool) -> None:
    assert marks_pastes(environ) == marks


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
