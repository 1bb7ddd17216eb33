"""One attempt's talk with an agent: what it writes, line by line, kept as it came and told to people.

Knows neither processes nor sessions. `stream.jsonl` gets the agent's own lines, the log what a person would
want to read of them.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from attrs import define, evolve, field

from aad.agents.base import Exit, Reading, Speaking, Verdict
from aad.agents.talk import (
    Denied,
    Limited,
    Opened,
    Planned,
    Retrying,
    Said,
    Talk,
    ToolBegan,
    ToolEnded,
    Used,
    Wants,
    Withdrawn,
)
from aad.display.text import format_duration
from aad.events import Usage
from aad.news import Progress
from aad.output import OutputLog

# One tool's output may make a line of more than a megabyte.
LONGEST_LINE = 16 << 20
# Bytes of stderr's end by which a reader may judge.
ERRORS = 64 * 1024
# Characters of what an agent says that are told while it works.
LONGEST_WORDS = 200
# How many are looked at for that: most of them may be blanks.
BEGINNING = 2000


@define
class _Lines:
    """Cuts a stream at line feeds; `cut` counts the lines that were too long, which are dropped."""

    cut: int = 0
    _rest: bytearray = field(factory=bytearray)
    _skipping: bool = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        # Only what is new is looked through: a line of megabytes comes in many pieces.
        head, newline, tail = chunk.partition(b"\n")
        self._rest += head
        if not newline:
            self._bound()
            return
        yield from self._take()
        *lines, last = tail.split(b"\n")
        yield from lines
        self._rest += last

    def finish(self) -> Iterator[bytes]:
        """Yield what has no end."""
        if self._rest:
            yield from self._take()

    def _take(self) -> Iterator[bytes]:
        line, self._rest = bytes(self._rest), bytearray()
        if not self._skipping:
            yield line
        self._skipping = False

    def _bound(self) -> None:
        if len(self._rest) > LONGEST_LINE:
            self.cut += not self._skipping
            self._rest, self._skipping = bytearray(), True


class Voice(Protocol):
    """Carries words to the agent's stdin, which ends with it: a channel's sending end."""

    def send_nowait(self, value: bytes) -> None:
        """Say something."""

    def close(self) -> None:
        """Say nothing more."""


@define(eq=False, kw_only=True)
class Conversation:
    """Takes in what one attempt's agent writes, and answers it. `hear` gets each piece of its talk.

    `open_tools` names the calls whose end is not known: while there is one, silence means nothing.
    """

    reading: Reading
    output: OutputLog
    stream: OutputLog
    hear: Callable[[Talk], None]
    open_tools: set[str] = field(factory=set, init=False)
    # Its end was judged: nobody forced it.
    is_closed: bool = field(default=False, init=False)
    _turns: int = field(default=0, init=False)
    _usage: Usage | None = field(default=None, init=False)
    # What has not been taken yet, of all that was said the newest.
    _progress: Progress | None = field(default=None, init=False)
    _lines: _Lines = field(factory=_Lines, init=False)
    _errors: bytearray = field(factory=bytearray, init=False)
    _speaker: Speaking | None = field(default=None, init=False)
    _voice: Voice | None = field(default=None, init=False)
    # What is to be told in the log.
    _words: list[str] = field(factory=list, init=False)
    # What it waits for, in its own words, by the ids of its requests.
    _wanted: dict[str, Wants] = field(factory=dict, init=False)
    # What was told last of it: some say where their plan stands again and again.
    _last_words: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self._speaker = self.reading if isinstance(self.reading, Speaking) else None

    def begin(self, voice: Voice) -> bool:
        """Say the first words, and tell whether the agent is one to talk with; raises OSError."""
        if self._speaker is None:
            return False
        self._voice = voice
        voice.send_nowait(self._speaker.begin())
        return True

    @property
    def speaks(self) -> bool:
        """Whether the agent is one to talk with: it may ask, and wait for the answer."""
        return self._speaker is not None

    def answer(
        self, request_id: str, text: str, option: str | None, redact: Callable[[str], str] = str
    ) -> None:
        """Tell the agent what a person answered to what it asked, and saw as `redact` masks it."""
        wants = self._wanted.pop(request_id, None)
        if wants is not None:
            text, option = wants.unmask(text, option, redact)
        if self._speaker is not None:
            self._speaker.answer(request_id, text, option)
            self._answer()

    @property
    def broken(self) -> int:
        """How many lines were not what they should be."""
        return self.reading.broken + self._lines.cut

    @property
    def usage(self) -> Usage | None:
        """What the agent used so far, as it counts itself; None where it has told nothing."""
        if self._usage is None and not self._turns:
            return None
        return evolve(self._usage or Usage(), turns=self._turns)

    @property
    def told_usage(self) -> bool:
        """Whether the agent has told what it used."""
        return self._usage is not None

    def take_progress(self) -> Progress | None:
        """Return what the agent said of its work since the last time, the newest of it."""
        progress, self._progress = self._progress, None
        if progress is None or progress.message is None:
            return progress
        return evolve(progress, message=shorten_words(progress.message))

    def write(self, chunk: bytes) -> None:
        """Take in what the agent wrote to stdout."""
        self.stream.write(chunk)
        for line in self._lines.feed(chunk):
            self._take(line)
        self._write_words()

    def write_error(self, chunk: bytes) -> None:
        """Take in what the agent wrote to stderr: log, and what its end may be judged by."""
        self.output.write(chunk)
        self._errors += chunk
        del self._errors[:-ERRORS]

    def close(self, end: Exit) -> Verdict:
        """Judge an end that nobody forced."""
        self.finish()
        self._withdraw_all()
        self.is_closed = True
        verdict = self.reading.close(end, self._errors.decode(errors="replace"))
        self._usage = verdict.usage or self._usage
        return evolve(verdict, usage=self.usage)

    def finish(self) -> None:
        """Take in what is left of a stream that has ended."""
        self._voice = None  # nobody is there to listen
        for line in self._lines.finish():
            self._take(line)
        self._write_words()
        self.open_tools.clear()
        self.stream.close()

    def _take(self, line: bytes) -> None:
        for talk in self.reading.feed(line):
            self._tell(talk)
        self._answer()

    def _tell(self, talk: Talk) -> None:
        if isinstance(talk, Withdrawn) and talk.request_id not in self._wanted:
            return  # it was answered, and is over for that
        self._note(talk)
        self._note_progress(talk)
        if (words := describe_talk(talk)) and words != self._last_words:
            self._last_words = words
            self._words.append(words)
        # Nobody could be told the answer to what is asked with the last breath.
        if self._voice is not None or not isinstance(talk, Wants):
            self.hear(talk)

    def _withdraw_all(self) -> None:
        """Tell that nothing is waited for any more, whether the agent says so or not."""
        for name in sorted(self._wanted):
            self._tell(Withdrawn(request_id=name))
        self._write_words()

    def _write_words(self) -> None:
        """Log what was said since the last time, at once: one who says much says many lines together."""
        if self._words:
            text = "".join(f"{words}\n" for words in self._words)
            self._words.clear()
            self.output.write(text.encode(errors="backslashreplace"))

    def _answer(self) -> None:
        """Say what there is to say to the last line."""
        if self._voice is None or self._speaker is None:
            return
        if words := self._speaker.take_outgoing():
            self._voice.send_nowait(words)
        if self._speaker.is_done:
            self._voice.close()
            self._voice = None
            self._withdraw_all()

    def _note(self, talk: Talk) -> None:
        match talk:
            case ToolBegan(id=name):
                self.open_tools.add(name)
                self._turns += 1
            case ToolEnded(id=name):
                self.open_tools.discard(name)
            case Used(usage=usage):
                self._usage = usage
            case Wants(request_id=name) if self._voice is not None:
                self._wanted[name] = talk
            case Withdrawn(request_id=name):
                self._wanted.pop(name, None)
            case Said() | Retrying():
                # Whoever talks to its model waits for no tool, whether its end was told or not.
                self.open_tools.clear()

    def _note_progress(self, talk: Talk) -> None:
        match talk:
            case Planned(done=done, total=total, current=current) if total:
                self._progress = Progress(progress=done / total, message=current)
            case Said(text=text):
                self._progress = evolve(self._progress or Progress(), message=text)
            case Retrying():
                self._progress = evolve(self._progress or Progress(), message=describe_retry(talk))


def shorten_words(text: str) -> str:
    """Return the beginning of what was said, on one line, cut between words where there are any."""
    text = text.strip()
    # Of a megabyte nothing behind is looked at.
    line = " ".join(text[:BEGINNING].split())
    if len(text) <= BEGINNING and len(line) <= LONGEST_WORDS:
        return line
    # Japanese has no blanks, and a path may be long.
    blank = line.rfind(" ", LONGEST_WORDS // 2, LONGEST_WORDS)
    return line[: blank if blank > 0 else LONGEST_WORDS - 1] + "…"


def describe_talk(talk: Talk) -> str:
    """Return what a person reads of it in the log; nothing for what is of no interest there."""
    match talk:
        case Wants(text=text):
            return f"[asks] {text}"
        case Withdrawn():
            return "[asks] no longer: it does not wait for the answer"
        case Denied(tool=tool):
            return f"[denied] {tool}"
    return _describe_work(talk)


def _describe_work(talk: Talk) -> str:
    words = ""
    match talk:
        case Said(text=text):
            words = text
        case Opened(session_id=name, model=model):
            words = f"[session] {name}{f' · {model}' if model else ''}"
        case Planned(done=done, total=total, current=current):
            words = f"[plan] {done}/{total}{f' · {current}' if current else ''}"
        case ToolBegan(name=name, detail=detail):
            words = f"[tool] {name}{f': {shorten_words(detail)}' if detail else ''}"
        case ToolEnded(ok=False):
            words = "[tool] failed"
        case Retrying():
            words = f"[retry] {describe_retry(talk)}"
        case Limited():
            words = "[limit] the account is used up"
    return words


def describe_retry(talk: Retrying) -> str:
    """Return which try of an agent's own is coming, when, and why."""
    number = "" if talk.attempt is None else f" {talk.attempt}"
    of = "" if talk.of is None else f" of {talk.of}"
    delay = "" if talk.delay is None else f" in {format_duration(talk.delay, 'en')}"
    return f"try{number}{of}{delay}: {talk.reason}"
