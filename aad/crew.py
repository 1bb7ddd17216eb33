"""Those whom every session of a run works with, as a session sees them."""

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from aad.attempt import Attempt
from aad.budget import Account
from aad.casting import Casting
from aad.escalationlog import Decision, EscalationLog
from aad.events import Event

if TYPE_CHECKING:
    from aad.session import SessionRun


class Waiter(Protocol):
    """Who waits for a decision."""

    def wait(self, log: EscalationLog) -> None:
        """Hear that it is left to people: may take long."""

    def go_on(self) -> None:
        """Hear that it is decided."""


class Parent(Protocol):
    """The parent session, as seen from below."""

    def raise_nowait(self, log: EscalationLog) -> EscalationLog:
        """Raise what nobody waits for."""

    def announce(self, log: EscalationLog) -> EscalationLog:
        """Record what needs a decision; returns it with its id. `settle` comes next."""

    async def settle(self, log: EscalationLog, waiter: Waiter, *, recalled: bool = False) -> Decision | None:
        """Wait for the decision; None where nobody decides in this run."""

    def withdraw(self, log: EscalationLog) -> None:
        """Close what is being settled: who asked does not wait for the decision any more."""

    def restate(self, log: EscalationLog, decision: Decision) -> None:
        """Write down once more what was decided in an earlier run."""

    def recall(self, log: EscalationLog) -> Decision | None:
        """Return what a person has decided since about a failure that an earlier run left undecided."""


class Watcher(Protocol):
    """Who looks at running attempts."""

    def watch(self, attempt: Attempt) -> AbstractContextManager[None]:
        """Watch an attempt while the block lasts."""


@frozen(kw_only=True)
class Crew:
    """Those whom every session of a run works with.

    `durable` waits until all that was recorded is on the disk. `recover` sees to what a killed run left of a
    session, and tells whether its work is in the result already. `open_attempt` makes the next attempt and
    raises OSError, GitError or ConflictError where there can be no workspace; `blocks` names the specs that
    need a spec; `casting` knows which agents are free, and `account` what the run may use; `fail_fast` says
    that nothing more is started after a failure; `draw` gives a random number from 0 to 1.
    """

    emit: Callable[[Event], None]
    durable: Callable[[], Awaitable[None]]
    parent: Parent
    watcher: Watcher
    recover: Callable[["SessionRun"], Awaitable[bool]]
    open_attempt: Callable[["SessionRun"], Awaitable[Attempt]]
    blocks: Callable[[str], tuple[str, ...]]
    casting: Casting
    account: Account
    fail_fast: bool = False
    draw: Callable[[], float] = random.random
