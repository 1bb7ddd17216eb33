"""Asks the person at the terminal what waits for a person, one by one. Knows no run, only its desk."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol

import trio
from attrs import define, field, frozen

from aad.cli.console import Console
from aad.cli.inquiry import Inquiry
from aad.cli.keyboard import LONGEST, PAUSE, Keyboard, Typed
from aad.display.plain import PlainDisplay
from aad.display.text import clean
from aad.display.voice import Voice
from aad.errors import InputError
from aad.escalationlog import Decision, EscalationLog
from aad.events import Action

PROMPT = "> "


class Desk(Protocol):
    """The parent session as the dialog sees it."""

    def list_open(self) -> Sequence[EscalationLog]:
        """Return what waits for a person, oldest first."""

    def decide(self, name: str, decision: Decision) -> None:
        """Take a decision; raises InputError, say for one that was decided meanwhile."""


class _Silence(Enum):
    """Why there is no line to answer: nobody is there, it is decided, or others have the terminal."""

    GONE = auto()
    DECIDED = auto()
    AWAY = auto()


@define
class Dialog:
    """Asks about each open escalation in turn, those included that are raised meanwhile.

    It returns when it has asked about all of them, one has ended the run, or the input ended. What was put
    off stays open; called again, it asks about that again. A first answer may well let the run go on, but
    people answer all in one go: so whoever calls it does not cancel it for that, only when the run ends. Then
    it ends at once.
    """

    console: Console
    plain: PlainDisplay
    keyboard: Keyboard
    # What was put off is not asked again in this run.
    _asked: set[str] = field(factory=set, init=False)

    async def __call__(self, desk: Desk) -> None:
        """Ask about all that waits for a person; see `can_ask` for whether there is one."""
        before = len(self._asked)
        while left := [escalation for escalation in desk.list_open() if escalation.id not in self._asked]:
            total = len(self._asked) - before + len(left)
            self._asked.add(left[0].id)
            asking = _Asking(self, desk, left[0], number=len(self._asked) - before, total=total)
            # There is nobody to ask, or nothing to ask about any more.
            if await asking.carry_out() in {_Silence.GONE, Action.ABORT}:
                return


@frozen
class _Asking:
    """One escalation on its way to a decision, the `number`th of `total`."""

    dialog: Dialog
    desk: Desk
    escalation: EscalationLog
    number: int
    total: int

    async def carry_out(self) -> Action | _Silence:
        """Ask until there is a decision, or nobody to make it; in the background, wait to be in front."""
        while True:
            while not self._keyboard.in_front():
                await trio.sleep(PAUSE)
                if not self._is_open():
                    return _Silence.DECIDED
            with self.dialog.plain.hold(), self._keyboard.listen():
                outcome = await self._ask()
            if outcome is not _Silence.AWAY:
                return outcome

    async def _ask(self) -> Action | _Silence:
        """Show the question and hear lines until one of them decides it."""
        self._keyboard.forget()
        self._write("", *self._inquiry.draw(self.number, self.total), self._inquiry.hint())
        while True:
            heard = await self._hear()
            outcome = await (self._give_up(heard) if isinstance(heard, _Silence) else self._obey(heard))
            if outcome is not None:
                return outcome

    async def _hear(self) -> str | _Silence:
        """Return the next that is typed at the prompt, or pasted as a whole; what is neither is told."""
        while True:
            typed = await self._prompt()
            if isinstance(typed, _Silence):
                return typed
            rest = await self._keyboard.forget_rest()
            more = clean(rest.decode(errors="replace")).strip()
            if more:
                # Some of it may stand there, without an end.
                self._write("")
            if typed.was_cut:
                self._tell("dialog.cut", {"count": LONGEST, "id": self.escalation.id})
            elif more:
                key = "dialog.many_lines" if self.escalation.question else "dialog.one_line"
                self._tell(key, {"id": self.escalation.id})
            else:
                return typed.text

    async def _prompt(self) -> Typed | _Silence:
        """Return what is typed next; whatever else ends the waiting, the prompt's line is left."""
        self._put(PROMPT)
        heard: Typed | _Silence = _Silence.GONE
        try:
            heard = await self._wait_line()
        finally:
            if isinstance(heard, _Silence):
                self._write("")
        return heard

    async def _wait_line(self) -> Typed | _Silence:
        typed = Typed()
        while not typed.is_whole:
            if await self._keyboard.wait_readable():
                more = self._keyboard.read()
                if not more:
                    return _Silence.GONE
                typed.add(more)
            elif not self._is_open():
                return _Silence.DECIDED
            elif self._keyboard.came_back or not self._keyboard.in_front():
                return _Silence.AWAY
            else:
                typed.pause()
        return typed

    async def _obey(self, words: str) -> Action | _Silence | None:
        """Bring what a line decides to the desk; None where it decides nothing, so that we ask again."""
        try:
            decision = self._inquiry.read(words) or await self._read_own(words)
            if isinstance(decision, Decision) and decision.action is not Action.WAIT:
                self.desk.decide(self.escalation.id, decision)
        except InputError as error:
            return await self._tell_refused(error)
        if decision is None:
            self._write(self._inquiry.hint())
        return decision.action if isinstance(decision, Decision) else decision

    async def _read_own(self, words: str) -> Decision | _Silence | None:
        """Return the answer that words of their own are, once they are meant to be."""
        if not self.escalation.question or not words:
            return None
        if self._inquiry.is_out_of_range(words):
            self._tell("dialog.out_of_range", {"number": words, "count": len(self._inquiry.options)})
            return None
        if doubt := self._inquiry.doubt(words):
            self._write(f"  {doubt}")
            heard = await self._hear()
            if heard:
                return await self._give_up(heard) if isinstance(heard, _Silence) else None
        return self._inquiry.answer(words)

    async def _tell_refused(self, error: InputError) -> _Silence | None:
        """Say why a decision is not taken, which is no news where there is one by now."""
        if not self._is_open():
            return await self._give_up(_Silence.DECIDED)
        self._write(*(f"  {clean(line)}" for line in error.render(self._voice.lang).splitlines()))
        return None

    async def _give_up(self, silence: _Silence) -> _Silence:
        if silence is _Silence.DECIDED:
            self._tell("dialog.elsewhere")
            # Whoever is about to answer has not seen the next question yet.
            await self._keyboard.forget_rest()
        return silence

    def _is_open(self) -> bool:
        return any(escalation.id == self.escalation.id for escalation in self.desk.list_open())

    def _tell(self, key: str, fields: dict[str, object] | None = None) -> None:
        self._write(f"  {self._voice.say(key, fields)}")

    def _write(self, *lines: str) -> None:
        self._put("".join(f"{line}\n" for line in lines))

    def _put(self, text: str) -> None:
        self.dialog.console.err.write(text)

    @property
    def _inquiry(self) -> Inquiry:
        return Inquiry(self.escalation, self._voice)

    @property
    def _keyboard(self) -> Keyboard:
        return self.dialog.keyboard

    @property
    def _voice(self) -> Voice:
        console = self.dialog.console
        return Voice(console.lang, console.style(console.err))
