"""What an attempt hears from its child: by `AAD_EVENTS`, by an agent's talk, or by a callable's own word.

Secrets are masked here, before anybody is told. The first question ends the attempt.
"""

from collections.abc import Callable

from attrs import define, field

from aad import messages
from aad.agents.talk import Denied, Opened, Talk, Wants, Withdrawn
from aad.conversation import Conversation
from aad.events import EscalationKind, EscalationLevel, Question, Usage
from aad.listener import Listener
from aad.news import Asked, News, NewsFile, Progress, Trouble, leave_out_stale
from aad.redact import Redactor

# How many troubles an attempt may raise.
MOST_TROUBLES = 20


@define(eq=False, kw_only=True)
class Hearing:
    """Hears one attempt's child and tells a listener. `stop` ends the attempt, for a question.

    `own_progress`: the child says how far it is, or its agent's plan does, so that nobody need guess.
    """

    news: NewsFile
    redactor: Redactor
    listener: Listener
    stop: Callable[[], object]
    question: Question | None = field(default=None, init=False)
    asks_leave: bool = field(default=False, init=False)
    own_progress: bool = field(default=False, init=False)
    # Whether the child says itself how far it is, which counts for more than its plan.
    _own_word: bool = field(default=False, init=False)
    _troubles: int = field(default=0, init=False)
    _told_usage: Usage | None = field(default=None, init=False)

    def look(self, *, last: bool = False) -> bool:
        """Take in what the child has appended to its file; tell whether there was anything."""
        said = list(self.news.read(last=last))
        for news in leave_out_stale(said):
            self.hear(news)
        return bool(said)

    def hear(self, news: News) -> None:
        """Take in a piece of news."""
        redact = self.redactor.redact
        match news:
            case Progress(progress=progress, message=message):
                self._own_word = self._own_word or progress is not None
                self._tell_progress(progress, message)
            case Trouble(message=message, level=level):
                self._raise(Trouble(message=redact(message), level=level), EscalationKind.FAILED)
            case Asked(text=text, options=options, permission=permission):
                self.asks_leave = permission if self.question is None else self.asks_leave
                self.ask(Question(text=text, options=options).mask(redact))

    def listen(self, talk: Talk) -> None:
        """Take in what of an agent's talk is not left to the next look."""
        redact = self.redactor.redact
        match talk:
            case Opened(session_id=name):
                self.listener.opened(name)
            case Denied(tool=tool):
                message = redact(messages.text("en", "note.tool_denied", {"tool": tool}))
                self._raise(
                    Trouble(message=message, level=EscalationLevel.WARNING), EscalationKind.PERMISSION
                )
            case Wants():
                self.listener.asked(talk.mask(redact))
            case Withdrawn(request_id=name):
                self.listener.withdrew(name)

    def sum_up(self, talk: Conversation) -> None:
        """Tell what the agent has said of its progress, and used, since the last time."""
        if (said := talk.take_progress()) is not None:
            self._tell_progress(None if self._own_word else said.progress, said.message)
        if (usage := talk.usage) is not None and usage != self._told_usage:
            self._told_usage = usage
            self.listener.used(usage)

    def ask(self, question: Question) -> None:
        """End the attempt for a question: its slot is of more use to others than to one who waits."""
        if self.question is None:
            self.question = question
            self.stop()
        elif question != self.question:
            self.warn_of(
                EscalationKind.QUESTION,
                messages.text("en", "note.asks_more", {"question": question.text}),
            )

    def warn_of(
        self, kind: EscalationKind, message: str, *, elapsed: float | None = None, limit: float | None = None
    ) -> None:
        """Raise a warning about the attempt; it goes on."""
        level = EscalationLevel.WARNING
        self.listener.troubled(Trouble(message=message, level=level, elapsed=elapsed, limit=limit), kind)

    def close(self) -> None:
        """Mask what the child has left in its file, and tell what of it was not understood."""
        self.news.mask(self.redactor)
        if self.news.unread:
            strange = self.redactor.redact(self.news.strange.decode(errors="replace"))
            self.warn_of(
                EscalationKind.FAILED,
                messages.text("en", "note.events_strange", {"count": self.news.unread, "line": strange}),
            )

    def _tell_progress(self, share: float | None, message: str | None) -> None:
        self.own_progress = self.own_progress or share is not None
        words = None if message is None else self.redactor.redact(message)
        self.listener.progressed(Progress(progress=share, message=words), guessed=False)

    def _raise(self, trouble: Trouble, kind: EscalationKind) -> None:
        """Raise what the child says is wrong, unless it does so without end; what is critical goes up."""
        self._troubles += 1
        if self._troubles <= MOST_TROUBLES or trouble.level is EscalationLevel.CRITICAL:
            self.listener.troubled(trouble, kind)
        elif self._troubles == MOST_TROUBLES + 1:
            self.warn_of(
                EscalationKind.FAILED, messages.text("en", "note.troubles_over", {"count": MOST_TROUBLES})
            )
