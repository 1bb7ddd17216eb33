"""Takes in the lines of an agent that speaks JSON, and judges its end: what all readers share.

An exit status alone never means success: the agent's own final word must say so, too. Whatever is no line
that a reader knows is passed over, for agents change from month to month.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from attrs import define, field, frozen

from aad.agents.base import Exit, Outcome, Verdict
from aad.agents.records import Record, dig_text, parse_record
from aad.agents.talk import Opened, Talk, Used
from aad.events import Failure, Question, Reason, Usage

# What passes by itself: the same work may well succeed if tried again.
TRANSIENT = frozenset({Reason.SERVER, Reason.NETWORK, Reason.RATE_LIMITED, Reason.KILLED})

# What a line of another shape than a reader expects may lead to.
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)

# The words by which the causes of trouble are known, the more telling first.
CAUSES: tuple[tuple[Reason, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(words, re.IGNORECASE))
    for reason, words in (
        (Reason.RATE_LIMITED, r"\b429\b|rate.?limit|quota|usage.?limit|too many requests"),
        (Reason.AUTH, r"\b40[13]\b|unauthori[sz]ed|api.?key|not logged in|authenticat|missing env"),
        (Reason.SERVER, r"\b5\d\d\b|high demand|overloaded|internal server error|server error"),
        (Reason.NETWORK, r"disconnected|connect|fetch failed|socket|terminated|network|timed? ?out"),
        (Reason.INVALID_REQUEST, r"\b400\b|bad request|invalid.request"),
        (Reason.REFUSAL, r"safety|content.?filter|safeguards|refus"),
    )
)


def find_cause(words: str) -> Reason:
    """Return the cause that an error's words speak of."""
    return next((reason for reason, pattern in CAUSES if pattern.search(words)), Reason.UNKNOWN)


def find_cause_of_status(status: float | None) -> Reason | None:
    """Return what an HTTP status means; None for one that is no error."""
    match status:
        case None:
            return None
        case 401 | 403:
            return Reason.AUTH
        case 429:
            return Reason.RATE_LIMITED
        case 408:
            return Reason.NETWORK
        case _ if status >= 500:
            return Reason.SERVER
        case _ if status >= 400:
            return Reason.INVALID_REQUEST
    return None


@frozen(kw_only=True)
class Final:
    """An agent's final word. `reason` is None for a good end.

    `text` is what it said to people, `message` why it failed, `reply` the object that it was asked to end
    with, where it gave one.
    """

    reason: Reason | None = None
    text: str = ""
    message: str = ""
    reply: Record | None = None
    reset_at: float | None = None


# How a reader takes one type of line.
Take = Callable[..., Iterable[Talk]]


@define(eq=False)
class Reader(ABC):
    """Reads one attempt's lines. `broken` counts those that are no JSON objects, or are not what they seem.

    A kind of reader says in `table` what becomes of each type of line, in `kind_of` what a line's type is,
    and in `conclude` what the agent's final word was.
    """

    table: ClassVar[Mapping[str, Take]]

    session_id: str | None = field(default=None, init=False)
    usage: Usage | None = field(default=None, init=False)
    broken: int = field(default=0, init=False)
    final: Final | None = field(default=None, init=False)

    def feed(self, line: bytes) -> list[Talk]:
        """Take in one line without its end; never raises, whatever it holds."""
        if not line.strip():
            return []
        record = parse_record(line)
        if record is None:
            self.broken += 1
            return []
        take = self.table.get(self.kind_of(record))
        return [] if take is None else self._take(take, record)

    def _take(self, take: Take, record: Record) -> list[Talk]:
        try:
            told = list(take(self, record))
        except UNREADABLE:
            self.broken += 1
            return []
        for talk in told:
            if isinstance(talk, Opened):
                self.session_id = talk.session_id
            elif isinstance(talk, Used):
                self.usage = talk.usage
        return told

    def kind_of(self, record: Record) -> str:
        """Return the type of a line, by which `table` knows it."""
        return dig_text(record, "type")

    @abstractmethod
    def conclude(self, end: Exit, errors: str) -> Final | None:
        """Return the final word, None where there was none. `errors` is the end of what stderr got."""

    def close(self, end: Exit, errors: str) -> Verdict:
        """Judge the end of an agent that nobody else ended."""
        self.final = final = self._conclude(end, errors)
        if final is not None and final.reason is not None:
            return self._fail(final.reason, end, final.message, reset_at=final.reset_at)
        if end.signal is not None:
            return self._fail(Reason.KILLED, end, "")
        if end.code != 0:
            return self._fail(Reason.EXIT_CODE, end, "" if final is None else final.message)
        if final is None:
            return self._fail(Reason.NO_RESULT, end, "")
        return self._finish(final)

    def _conclude(self, end: Exit, errors: str) -> Final | None:
        try:
            return self.conclude(end, errors)
        except UNREADABLE:
            self.broken += 1
            return None

    def _fail(self, reason: Reason, end: Exit, message: str, *, reset_at: float | None = None) -> Verdict:
        failure = Failure(reason=reason, message=message, exit_code=end.code or None, signal=end.signal)
        return Verdict(
            outcome=Outcome.FAILED,
            failure=failure,
            transient=reason in TRANSIENT,
            usage=self.usage,
            reset_at=reset_at,
        )

    def _finish(self, final: Final) -> Verdict:
        """Judge a good end by the reply that the agent was asked for."""
        reply = {} if final.reply is None else final.reply
        text = dig_text(reply, "summary") or final.text
        match reply.get("status"):
            case "question" if asked := (
                dig_text(reply, "question").strip() or dig_text(reply, "summary").strip()
            ):
                offered = reply.get("options")
                options = tuple(filter(_is_text, offered)) if isinstance(offered, list) else ()
                question = Question(text=asked, options=options)
                return Verdict(outcome=Outcome.QUESTION, question=question, usage=self.usage, text=text)
            case "question":  # nobody knows which
                failure = Failure(reason=Reason.NO_RESULT, message="it asks, and does not say what")
                return Verdict(outcome=Outcome.FAILED, failure=failure, usage=self.usage)
            case "failed":
                failure = Failure(reason=Reason.UNKNOWN, message=text)
                return Verdict(outcome=Outcome.FAILED, failure=failure, usage=self.usage, text=text)
        return Verdict(outcome=Outcome.COMPLETED, usage=self.usage, text=text)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def count_done(items: Iterable[Record], *, done: str = "completed") -> tuple[int, int]:
    """Return how many items of a plan have the status `done`, and how many there are."""
    statuses = [dig_text(item, "status") for item in items]
    return statuses.count(done), len(statuses)
