"""Asks the person at the terminal what waits for a person, one after the other. Knows no run, only its desk.

All that a child has written is shown as indented, safe lines: it can fake neither a question nor a prompt of
ours.
"""

import os
import termios
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import Enum, auto
from typing import Protocol

import trio
from attrs import define, field, frozen

from aad.cli.console import Console
from aad.decisions import find_option, make_answer
from aad.display.plain import PlainDisplay
from aad.display.style import Role
from aad.display.text import clean
from aad.display.voice import Voice
from aad.errors import InputError
from aad.escalationlog import Decision, EscalationLog
from aad.events import PERSON, Action

# Seconds from one look at what happens elsewhere to the next: at the desk, and at who is in front.
PAUSE = 0.5
PROMPT = "> "
# What the letters stand for. They are the same in all languages; `WAIT` leaves the escalation open.
FOR_QUESTIONS = {"s": Action.SKIP, "a": Action.ABORT, "l": Action.WAIT}
FOR_FAILURES = {
    "r": Action.RETRY, "s": Action.SKIP, "c": Action.CONTINUE, "a": Action.ABORT, "l": Action.WAIT,
}  # fmt: skip


class Desk(Protocol):
    """The parent session as the dialog sees it."""

    def list_open(self) -> Sequence[EscalationLog]:
        """Return what waits for a person, oldest first."""

    def decide(self, name: str, decision: Decision) -> None:
        """Take a decision; raises InputError, say for one that was decided meanwhile."""


class _Silence(Enum):
    """Why there is no line to answer: nobody is there, it is decided, or we are in the background."""

    GONE = auto()
    DECIDED = auto()
    AWAY = auto()


@frozen
class _Keyboard:
    """The terminal that answers are typed at, by its descriptor. It edits the lines itself."""

    descriptor: int

    def in_front(self) -> bool:
        """Say whether we may read; in the background that would stop us."""
        try:
            return os.tcgetpgrp(self.descriptor) == os.getpgrp()
        except OSError:
            # It controls nobody, or is gone; reading stops nobody then.
            return True

    def forget(self) -> None:
        """Drop what was typed before anybody could know what it would answer."""
        with suppress(termios.error):  # it is gone, as the next read tells
            termios.tcflush(self.descriptor, termios.TCIFLUSH)

    async def wait_readable(self) -> bool:
        """Wait for a line, but not for longer than a pause; say whether it can be read."""
        if not self.in_front():
            await trio.sleep(PAUSE)
            return False
        with trio.move_on_after(PAUSE) as pause:
            await trio.lowlevel.wait_readable(self.descriptor)
        # Meanwhile we may have been sent into the background.
        return not pause.cancelled_caught and self.in_front()

    def read(self) -> bytes:
        """Return a line, or what there was of it at ^D; nothing when nobody is there any more."""
        try:
            return os.read(self.descriptor, 65536)
        except OSError:
            return b""


@define
class Dialog:
    """Asks about each open escalation in turn, those included that are raised meanwhile.

    It returns when it has asked about all of them, one has ended the run, or the input ended. What was put
    off stays open; called again, it asks about that again. A first answer may well let the run go on, but
    people answer all in one go: so whoever calls it does not cancel it for that, only when the run ends. Then
    it ends at once. `keyboard` is the descriptor of the terminal on stdin.
    """

    console: Console
    plain: PlainDisplay
    keyboard: int = 0
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
            with self.dialog.plain.hold():
                outcome = await self._ask()
            if outcome is not _Silence.AWAY:
                return outcome

    async def _ask(self) -> Action | _Silence:
        """Show the question and hear lines until one of them decides it."""
        self._keyboard.forget()
        self._write("", *self._draw(), self._hint())
        while True:
            heard = await self._hear()
            outcome = self._give_up(heard) if isinstance(heard, _Silence) else self._obey(heard)
            if outcome is not None:
                return outcome

    async def _hear(self) -> str | _Silence:
        """Return the next line at the prompt; whatever else ends the waiting, the prompt's line is left."""
        self._put(PROMPT)
        heard: str | _Silence = _Silence.GONE
        try:
            heard = await self._wait_line()
        finally:
            if isinstance(heard, _Silence):
                self._write("")
        return heard

    async def _wait_line(self) -> str | _Silence:
        line = b""
        while not line.endswith(b"\n"):
            if await self._keyboard.wait_readable():
                more = self._keyboard.read()
                if not more:
                    return _Silence.GONE
                line += more
            elif not self._is_open():
                return _Silence.DECIDED
            elif not self._keyboard.in_front():
                return _Silence.AWAY
        # Keys that move the cursor leave their escape sequences in the line.
        return clean(line.decode(errors="replace")).strip()

    def _obey(self, words: str) -> Action | _Silence | None:
        """Bring what a line decides to the desk; None where it decides nothing, so that we ask again."""
        try:
            decision = self._read_decision(words)
            if decision is not None and decision.action is not Action.WAIT:
                self.desk.decide(self.escalation.id, decision)
        except InputError as error:
            return self._tell_refused(error)
        return None if decision is None else decision.action

    def _read_decision(self, words: str) -> Decision | None:
        """Return what a line decides; None, and the hint again, where it decides nothing."""
        # Of an input method, letters and digits may come in their wide forms.
        narrow = unicodedata.normalize("NFKC", words)
        question = self.escalation.question
        if choice := self._find_choice(words, narrow):
            return make_answer(self.escalation.id, question, choice)
        action = self._letters.get(narrow.casefold())
        if action is not None:
            return Decision(action=action, by=PERSON)
        if question and words and not self._is_out_of_range(narrow):
            return make_answer(self.escalation.id, question, words, free=True)
        self._write(self._hint())
        return None

    def _find_choice(self, *forms: str) -> str | None:
        """Return the first form of a line that names one of the options, by number or by its words."""
        options = self._options
        return next((form for form in forms if form and find_option(options, form)), None)

    def _is_out_of_range(self, words: str) -> bool:
        """Tell whether a number chooses none of the options, and say so."""
        if not self._options or not words.isdecimal():
            return False
        fields = {"number": words, "count": len(self._options)}
        self._write(self._say("dialog.out_of_range", fields))
        return True

    def _tell_refused(self, error: InputError) -> _Silence | None:
        """Say why a decision is not taken, which is no news where there is one by now."""
        if not self._is_open():
            return self._give_up(_Silence.DECIDED)
        self._write(*(f"  {clean(line)}" for line in error.render(self._voice.lang).splitlines()))
        return None

    def _give_up(self, silence: _Silence) -> _Silence:
        if silence is _Silence.DECIDED:
            self._write(self._say("dialog.elsewhere"))
        return silence

    def _is_open(self) -> bool:
        return any(escalation.id == self.escalation.id for escalation in self.desk.list_open())

    def _draw(self) -> Iterator[str]:
        """Yield the heading, what is asked or was the reason, and the options."""
        voice, question = self._voice, self.escalation.question
        key = "dialog.stuck" if question is None else "dialog.asks"
        fields = {"spec": self.escalation.spec_id, "number": self.number, "total": self.total}
        yield voice.mark(Role.WARN, voice.style.symbols.waiting, voice.say(key, fields))
        text = self.escalation.reason if question is None else question.text
        yield from (f"  {clean(line)}".rstrip() for line in text.splitlines())
        yield from (f"  {number}. {clean(option)}" for number, option in enumerate(self._options, 1))

    def _hint(self) -> str:
        """Return the line that says what can be typed."""
        voice = self._voice
        keys = [voice.say(f"dialog.{action}", {"key": key}) for key, action in self._letters.items()]
        if self.escalation.question:
            keys.insert(0, voice.say("dialog.number_or_words" if self._options else "dialog.words"))
        return voice.style.paint(Role.DIM, f"  {voice.join(keys)}")

    def _say(self, key: str, fields: dict[str, object] | None = None) -> str:
        return f"  {self._voice.say(key, fields)}"

    def _write(self, *lines: str) -> None:
        self._put("".join(f"{line}\n" for line in lines))

    def _put(self, text: str) -> None:
        self.dialog.console.err.write(text)

    @property
    def _options(self) -> tuple[str, ...]:
        question = self.escalation.question
        return () if question is None else question.options

    @property
    def _letters(self) -> dict[str, Action]:
        return FOR_FAILURES if self.escalation.question is None else FOR_QUESTIONS

    @property
    def _keyboard(self) -> _Keyboard:
        return _Keyboard(self.dialog.keyboard)

    @property
    def _voice(self) -> Voice:
        console = self.dialog.console
        return Voice(console.lang, console.style(console.err))
