"""An escalation on its way from who raised it to who decides."""

import trio
from attrs import define, field

from aad.crew import Waiter
from aad.escalationfolder import Stamp
from aad.escalationlog import Decision, EscalationLog
from aad.events import EscalationLevel


@define(eq=False, kw_only=True)
class Case:
    """An escalation on its way. `decision` is None at its end where nobody decided.

    `waiter` waits for it, if anybody does; `alone` says that nobody serves any more. `since` is when it was
    left to people, or rose, by Trio's clock; `seen` is the stamp of its file at the last look.
    """

    log: EscalationLog
    waiter: Waiter | None = None
    # An earlier run raised it.
    recalled: bool = False
    left_to_people: bool = False
    # Its file is written, and people are told.
    published: bool = False
    alone: bool = False
    decision: Decision | None = None
    over: trio.Event = field(factory=trio.Event)
    consulting: trio.CancelScope = field(factory=trio.CancelScope)
    since: float = 0.0
    seen: Stamp | None = None

    @property
    def is_worth_waiting(self) -> bool:
        """Whether people are waited for; a warning that nobody waits for is only told."""
        return self.waiter is not None or self.log.level is not EscalationLevel.WARNING

    def end(self, decision: Decision | None) -> None:
        """Tell who waits that it is over."""
        self.decision = decision
        self.over.set()
        # Whoever was asked as well, and is slower.
        self.consulting.cancel()
