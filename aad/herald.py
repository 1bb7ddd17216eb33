"""Tells of a session what its attempt has to tell: as events, and to the parent session."""

from typing import TYPE_CHECKING

from attrs import define, evolve

from aad import messages
from aad.agents.talk import Wants
from aad.escalationlog import EscalationLog
from aad.events import (
    EscalationKind,
    EscalationLevel,
    Integrated,
    Leaked,
    Question,
    SessionProgress,
    SessionStarted,
    Usage,
)
from aad.news import Progress, Trouble

if TYPE_CHECKING:
    from aad.session import SessionRun


@define(eq=False)
class Herald:
    """Hears the attempts of one session; see `attempt.Listener`."""

    session: "SessionRun"

    def started(self, pid: int | None) -> None:
        session = self.session
        session.crew.emit(
            SessionStarted(
                spec=session.spec.id,
                attempt=session.number,
                agent=session.current.agent.name if session.current is not None else "",
                pid=pid,
                log=session.log,
            )
        )

    def opened(self, agent_session: str) -> None:
        session = self.session
        session.meter.open(session.number, agent_session, goes_on=session.player.caps.cumulative)

    def used(self, usage: Usage) -> None:
        session, attempt = self.session, self.session.current
        # Work that is done is not undone for what it took.
        under_way = None if attempt is None or attempt.is_over else attempt
        if session.meter.take(session.number, usage, under_way).output:
            session.cast.succeed()

    def progressed(self, progress: Progress, *, guessed: bool) -> None:
        share, known = progress.progress, self.session.known
        if progress.message is None and share == known.progress and guessed == known.guessed:
            return
        self.session.crew.emit(
            SessionProgress(
                spec=self.session.spec.id,
                attempt=self.session.number,
                progress=share,
                guessed=guessed,
                eta_s=self._foresee(share),
                message=progress.message,
            )
        )

    def troubled(self, trouble: Trouble, kind: EscalationKind) -> None:
        raised = self.session.describe(trouble.level, kind, trouble.message)
        raised = evolve(raised, elapsed=trouble.elapsed, limit=trouble.limit)
        self.session.crew.parent.raise_nowait(raised)

    def warn(self, message: str, kind: EscalationKind) -> None:
        """Tell people of something that the session itself has found."""
        self.troubled(Trouble(message=message, level=EscalationLevel.WARNING), kind)

    def leaked(self, processes: tuple[str, ...]) -> None:
        session = self.session
        words = messages.text("en", "note.leaked", {"names": ", ".join(processes)})
        session.crew.emit(
            Leaked(spec=session.spec.id, attempt=session.number, message=words, processes=processes)
        )

    def integrated(self, landed: Integrated) -> None:
        self.session.crew.emit(landed)

    def asked(self, wants: Wants) -> None:
        if self.session.live is not None:
            self.session.live.take(wants)

    def withdrew(self, request_id: str) -> None:
        if self.session.live is not None:
            self.session.live.withdraw(request_id)

    def announce(self, wants: Wants) -> EscalationLog:
        """Take what an agent asks while it works to the parent session, which is yet to settle it."""
        return self.ask(wants.question, permission=wants.permission)

    def ask(self, question: Question, *, permission: bool) -> EscalationLog:
        """Take a question to the parent session, which is yet to settle it."""
        session = self.session
        kind = EscalationKind.PERMISSION if permission else EscalationKind.QUESTION
        raised = session.describe(EscalationLevel.ERROR, kind, question.text)
        return session.crew.parent.announce(evolve(raised, question=question, answers=session.answers))

    def _foresee(self, share: float | None) -> float | None:
        """Return the seconds left if the rest goes as fast as what is done."""
        attempt = self.session.current
        if not share or attempt is None:
            return None
        return round(attempt.elapsed * (1 - share) / share, 1)
