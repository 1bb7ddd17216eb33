"""Sessions that a program carries out by itself: it says how they ended, and what follows is told here."""

import random
from collections import Counter
from collections.abc import Callable

from attrs import define, field

from aad.errors import TransientError
from aad.escalationlog import EscalationLog
from aad.events import Event, Failure, Reason, RetryScheduled, SessionCompleted, SessionFailed, SessionId
from aad.retry import RetryPolicy
from aad.state import Session


@define(eq=False, kw_only=True)
class Elsewhere:
    """Records the ends of sessions that were not run here. `policy` gives the rules of a spec's retries."""

    emit: Callable[[Event], None]
    escalate: Callable[[SessionId, str], EscalationLog]
    policy: Callable[[str], RetryPolicy]
    _failures: Counter[SessionId] = field(factory=Counter, init=False)

    def complete(self, session: Session) -> None:
        """Record that a session is complete."""
        self.emit(SessionCompleted(spec=session.spec_id, attempt=session.attempt))

    def fail(self, session: Session, error: BaseException | str) -> bool:
        """Record that a session has failed; tell whether it is to be tried again."""
        told = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        failure = Failure(reason=Reason.UNKNOWN, message=told)
        self._failures[session.id] += 1
        number, policy = self._failures[session.id], self.policy(session.spec_id)
        if policy.allows(failures=number, transient=isinstance(error, TransientError)):
            delay = policy.delay(number, random.random)
            self.emit(RetryScheduled(spec=session.spec_id, attempt=number, delay_s=delay, failure=failure))
            return True
        log = self.escalate(session.id, told)
        self.emit(SessionFailed(spec=session.spec_id, attempt=number, failure=failure, escalation=log.id))
        return False
