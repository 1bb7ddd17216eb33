"""A person at a terminal who is asked, and a desk that keeps what is decided."""

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from attrs import define, field

from aad.cli.console import Console, Looks
from aad.cli.dialog import Dialog
from aad.cli.keyboard import LEAVE_PASTES, MARK_PASTES, Keyboard
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
