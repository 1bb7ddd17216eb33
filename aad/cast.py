"""One session's part of the casting: the agents it may have, the one it has, and when another takes over."""

from collections.abc import Callable, Sequence
from datetime import datetime

import trio
from attrs import define, field, frozen

from aad import messages
from aad.agents.base import Verdict
from aad.agents.roster import Player
from aad.casting import Casting
from aad.display.failures import describe_failure
from aad.display.text import format_duration
from aad.events import EscalationKind, Failure, Reason
from aad.quota import Quota
from aad.slot import Slot


@frozen(kw_only=True)
class Detour:
    """What ended an attempt and is no fault of the work: the next takes it up in `delay` seconds.

    `warning` is what people are told, if anything.
    """

    delay: float = 0.0
    warning: str = ""
    kind: EscalationKind = EscalationKind.FAILED


@define(eq=False, kw_only=True)
class Cast:
    """The agents of one session, `players`, in their order; `current` makes the attempt."""

    players: tuple[Player, ...]
    casting: Casting
    current: Player | None = field(default=None, init=False)
    _succeeded: bool = field(default=False, init=False)
    # An agent's session could not be found: a second time is no accident.
    _lost: bool = field(default=False, init=False)

    @property
    def hindrance(self) -> str:
        """Why none of them can be waited for any longer, in words."""
        name = self.players[0].name
        if self.casting.is_locked(self.players[0]):
            return messages.text("en", "note.agent_locked", {"agent": name})
        first = self._find_first([self.casting.find_quota(player) for player in self.players])
        key = "note.agent_spent_too_long" if first is None else "note.agent_spent_until_too_long"
        return messages.text("en", key, first or {"agent": name})

    def _describe_pause(self) -> str:
        """Return in words what is waited for; nothing where it is but a moment."""
        if all(self.casting.is_locked(player) for player in self.players):
            return self.hindrance
        quotas = [self.casting.find_quota(player) for player in self.players]
        first = self._find_first([quota for quota in quotas if not quota.is_too_long])
        return "" if first is None else messages.text("en", "note.agent_spent_until", first)

    def _find_first(self, quotas: Sequence[Quota]) -> dict[str, str] | None:
        """Return which agent is back first, and when; None where none pauses."""
        back = [(quota.resumes_at, quota.name) for quota in quotas]
        first = min(((until, name) for until, name in back if until is not None), default=None)
        if first is None:
            return None
        now, until = (datetime.fromtimestamp(each).astimezone() for each in (self.casting.clock(), first[0]))
        form = "%H:%M:%S" if until.date() == now.date() else "%Y-%m-%d %H:%M:%S"
        return {"agent": first[1], "until": f"{until:{form}}"}

    async def choose(self, slot: Slot, tell: Callable[[str], object]) -> Player | None:
        """Wait for one that is free; None where that is not to be in this run. It is owed a `leave`.

        Who has to wait needs no slot, and `tell` hears what for.
        """
        self.current, self._succeeded = None, False
        if self.casting.is_free(self.players):
            self.current = await self.casting.choose(self.players)
            return self.current
        # As for a person: where all wait, the run's clock stands still, too.
        slot.wait()
        if why := self._describe_pause():
            tell(why)
        async with trio.open_nursery() as nursery:

            async def give_up() -> None:
                await slot.wait_stopped()
                nursery.cancel_scope.cancel()

            nursery.start_soon(give_up, name="stopped?")
            self.current = await self.casting.choose(self.players)
            nursery.cancel_scope.cancel()
        slot.go_on()
        return self.current

    def succeed(self) -> None:
        """Take note that the agent has got something out of its model."""
        if self.current is not None and not self._succeeded:
            self._succeeded = True
            self.casting.find_quota(self.current).succeed()

    def leave(self) -> None:
        """Take note that the attempt is over."""
        if self.current is not None:
            self.casting.find_quota(self.current).leave()

    def follow(self, verdict: Verdict) -> Detour | None:
        """Return how the session goes on where the work is not to blame; None where it may be."""
        failure, player = verdict.failure, self.current
        if failure is None or player is None:
            return None
        match failure.reason:
            case Reason.RATE_LIMITED:
                return self._pause(player, verdict.reset_at)
            case Reason.SESSION_LOST if not self._lost:
                self._lost = True
                return Detour()
            case Reason.AUTH:
                return self._change(player, failure, EscalationKind.AUTH)
            case Reason.SPAWN_FAILED if player.program and failure.message.startswith(f"{player.program}: "):
                return self._change(player, failure, EscalationKind.SPAWN_FAILED)
        return None

    def unlock(self, *, given_up: bool = False) -> None:
        """Take note that a person has decided about an agent that nobody is signed in to: of several, any."""
        for player in self.players:
            self.casting.unlock(player.name, given_up=given_up)

    def _pause(self, player: Player, reset_at: float | None) -> Detour:
        quota = self.casting.find_quota(player)
        was_open = quota.resumes_at is None
        delay = quota.close(reset_at)
        other = self.casting.find_next(self.players, player)
        fields = {"agent": player.name, "duration": format_duration(delay, "en")}
        key = "note.agent_spent"
        if other is not None:
            key, fields["other"], delay = "note.agent_spent_other", other.name, 0.0
        words = messages.text("en", key, fields) if was_open else ""
        return Detour(delay=delay, warning=words, kind=EscalationKind.RATE_LIMITED)

    def _change(self, player: Player, failure: Failure, kind: EscalationKind) -> Detour | None:
        """Let another agent take over; None where there is none, and this session is the one that fails."""
        other = self.casting.find_open([other for other in self.players if other.name != player.name])
        if other is None and kind is EscalationKind.SPAWN_FAILED:
            return None  # nobody can help it by a word
        is_news = self.casting.lock(player.name, ask=other is None)
        if other is None:
            return None if is_news else Detour()
        fields = {"agent": player.name, "reason": describe_failure("en", failure), "other": other.name}
        words = messages.text("en", "note.agent_replaced", fields) if is_news else ""
        return Detour(warning=words, kind=kind)
