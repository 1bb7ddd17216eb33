"""What a person is asked about one escalation, and what a line of theirs means. Knows no terminal.

All that a child has written is shown as indented, safe lines: it can fake neither a question nor a prompt of
ours.
"""

import unicodedata
from collections.abc import Iterator
from itertools import zip_longest

from attrs import frozen

from aad.decisions import find_option, make_answer
from aad.display.style import Role
from aad.display.text import clean, cut, width
from aad.display.voice import Voice
from aad.escalationlog import Decision, EscalationLog
from aad.events import PERSON, Action

# What the letters stand for. They are the same in all languages; `WAIT` leaves the escalation open.
FOR_QUESTIONS = {"s": Action.SKIP, "a": Action.ABORT, "l": Action.WAIT}
FOR_FAILURES = {
    "r": Action.RETRY, "s": Action.SKIP, "c": Action.CONTINUE, "a": Action.ABORT, "l": Action.WAIT,
}  # fmt: skip
# The words that do the same, where they have a name of their own.
WORDS = {Action.WAIT: "later"}
# Stands before a letter or word that is an option, or may be an answer.
SLASH = "/"
# How much of a text is shown: as much as leaves the prompt and the options on a screen or two.
LINES, COLUMNS = 40, 2000
# How much of each option, and of an answer that is told back.
OPTION, ECHO = 200, 60


@frozen
class Inquiry:
    """The question of an escalation, or its failure, as it is put to a person."""

    escalation: EscalationLog
    voice: Voice

    def draw(self, number: int, total: int) -> Iterator[str]:
        """Yield the heading, what is asked or was the reason, and the options: the `number`th of `total`."""
        voice, question = self.voice, self.escalation.question
        key = "dialog.stuck" if question is None else "dialog.asks"
        fields = {"spec": self.escalation.spec_id, "number": number, "total": total}
        yield voice.mark(Role.WARN, voice.style.symbols.waiting, voice.say(key, fields))
        text = voice.retell(self.escalation.reason) if question is None else question.text
        lines, options = [clean(line) for line in text.splitlines()], [*self._list_options()]
        shown = _begin(lines), [(head, self._shorten(words, OPTION)) for head, words in options[:LINES]]
        yield from (f"  {line}".rstrip() for line in shown[0])
        yield from (f"  {head} {words}" for head, words in shown[1])
        if shown != (lines, options):
            yield voice.hint(voice.say("dialog.in_part", {"id": self.escalation.id}))

    def _list_options(self) -> Iterator[tuple[str, str]]:
        """Yield each option behind its number, and below it what it means where that is told."""
        question = self.escalation.question
        described = () if question is None else question.descriptions
        for number, (option, means) in enumerate(zip_longest(self.options, described, fillvalue=""), 1):
            yield f"{number}.", clean(option)
            if means:
                yield "  ", clean(means)

    def hint(self) -> str:
        """Return the line that says what can be typed."""
        voice = self.voice
        keys = [
            voice.say(f"dialog.{action}", {"key": f"{SLASH}{key}" if self._is_offered(key) else key})
            for key, action in self._letters.items()
        ]
        if self.escalation.question:
            keys.insert(0, voice.say("dialog.number_or_words" if self.options else "dialog.words"))
        return voice.style.paint(Role.DIM, f"  {voice.join(keys)}")

    def read(self, words: str) -> Decision | None:
        """Return what a line decides as it stands, by an option or a letter; None for words of their own."""
        # Of an input method, letters and digits may come in their wide forms.
        narrow = unicodedata.normalize("NFKC", words)
        slashed, name = narrow.startswith(SLASH), narrow.removeprefix(SLASH).casefold()
        if slashed and name in self._words:
            return Decision(action=self._words[name], by=PERSON)
        options = self.options
        choice = next((form for form in (words, narrow) if form and find_option(options, form)), None)
        if choice is not None:
            return make_answer(self.escalation.id, self.escalation.question, choice)
        if slashed or self._is_offered(name) or not self._is_plain(name):
            return None
        return Decision(action=self._words[name], by=PERSON)

    def answer(self, words: str) -> Decision:
        """Return the answer that words of their own are. Raises InputError."""
        return make_answer(self.escalation.id, self.escalation.question, words, free=True)

    def is_out_of_range(self, words: str) -> bool:
        """Tell whether a number chooses none of the options."""
        return bool(self.options) and unicodedata.normalize("NFKC", words).isdecimal()

    def doubt(self, words: str) -> str | None:
        """Return what is asked before words of their own are sent; None where they are meant to be."""
        # Nobody pastes several lines by mistyping an option.
        if not self.options or "\n" in words:
            return None
        return self.voice.say("dialog.doubt", {"answer": self._shorten(words, ECHO)})

    @property
    def options(self) -> tuple[str, ...]:
        """What the question offers."""
        question = self.escalation.question
        return () if question is None else question.options

    @property
    def _letters(self) -> dict[str, Action]:
        return FOR_FAILURES if self.escalation.question is None else FOR_QUESTIONS

    @property
    def _words(self) -> dict[str, Action]:
        named = {WORDS.get(action, str(action)): action for action in self._letters.values()}
        return {**self._letters, **named}

    def _is_plain(self, name: str) -> bool:
        """Tell whether a name decides without a slash; where all words are answers only letters do."""
        free = self.escalation.question is not None and not self.options
        return name in (self._letters if free else self._words)

    def _is_offered(self, name: str) -> bool:
        return any(option.strip().casefold() == name for option in self.options)

    def _shorten(self, line: str, columns: int) -> str:
        return line if width(line) <= columns else cut(line, columns) + self.voice.style.symbols.ellipsis


def _begin(lines: list[str]) -> list[str]:
    """Return as much of the first lines as is shown."""
    shown, room = list[str](), COLUMNS
    for line in lines[:LINES]:
        if room <= 0:
            break
        shown.append(cut(line, room))
        room -= width(line)
    return shown
