"""Counts what a session uses of a model, and ends its attempt when that is more than is allowed.

There are two accounts: the session's own, and the run's, which all sessions share.
"""

from collections.abc import Callable
from typing import Protocol

from attrs import define, evolve, field

from aad import messages
from aad.budget import Account, Bounds, Spent, add_usage, keep_cost, take_share
from aad.events import EscalationKind, Reason, SessionProgress, Usage
from aad.state import Session


class Ended(Protocol):
    """What is to be ended when a budget is used up."""

    def end(self, reason: Reason, message: str = "") -> None:
        """End it."""


@define(eq=False, kw_only=True)
class Meter:
    """One session's, with its `own` account and the `run`'s. `tell` records a fact, `warn` tells people."""

    known: Session
    own: Account
    run: Account
    tell: Callable[[SessionProgress], None]
    warn: Callable[[str, EscalationKind], None]
    # What the attempt has used so far, and how far its agent had counted when it told that last.
    _used: Usage = field(factory=Usage, init=False)
    _counted: Usage = field(factory=Usage, init=False)
    _opened: str = field(default="", init=False)

    @property
    def used(self) -> Usage | None:
        """What the attempt has used; None where its agent told nothing."""
        return None if self._used == Usage() else self._used

    def begin(self, bounds: Bounds) -> None:
        """Hear that an attempt begins, and what the session may use in all with its agent."""
        self._used, self._counted, self._opened = Usage(), Usage(), ""
        self.own.bounds = bounds

    def open(self, attempt: int, agent_session: str, *, goes_on: bool) -> None:
        """Hear in which session the agent works; `goes_on` says that it counts on from what was before."""
        if agent_session == self._opened:
            return
        self._opened = agent_session
        if goes_on and self.used is None:
            # The calls of tools are counted by us, for each attempt from its beginning.
            self._counted = evolve(self.known.sum_usage(agent_session), turns=0)
        self.tell(SessionProgress(spec=self.known.spec_id, attempt=attempt, agent_session=agent_session))

    def take(self, attempt: int, figure: Usage, under_way: Ended | None) -> Usage:
        """Take in how far the agent has counted, and end what is `under_way` where that is too much.

        Returns what is new.
        """
        if evolve(figure, cost_usd=figure.cost_usd or None) == Usage():
            # It did nothing, and a cost of zero would be told of whoever comes next.
            return Usage()
        more, self._counted = take_share(figure, self._counted), keep_cost(figure, self._counted)
        self._used = add_usage(self._used, more)
        for account in (self.own, self.run):
            account.add(more)
        self.tell(SessionProgress(spec=self.known.spec_id, attempt=attempt, usage=self._used))
        self._check(under_way)
        return more

    def _check(self, under_way: Ended | None) -> None:
        for whose, account in (("session", self.own), ("run", self.run)):
            if under_way is not None and (spent := account.exceeded) is not None:
                reason = Reason.MAX_TURNS if spent.unit == "turns" else Reason.BUDGET
                under_way.end(reason, describe_spent(whose, spent))
            elif (spent := account.warn()) is not None:
                words = describe_spent(whose, spent)
                self.warn(words, EscalationKind.BUDGET)


def describe_spent(whose: str, spent: Spent) -> str:
    """Return how much of whose budget is used."""
    return messages.text("en", f"note.budget_{whose}", {"spent": spent})
