"""One session's part of the casting: the agents it may have, the one it has, and when another takes over."""

from datetime import datetime

from attrs import define, field, frozen

from aad.agents.base import Verdict
from aad.agents.roster import Player
from aad.casting import Casting
from aad.display.failures import describe_failure
from aad.display.text import format_duration
from aad.events import EscalationKind, Failure, Reason


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
    def is_free(self) -> bool:
        """Whether one of them could begin now."""
        return self.casting.is_free(self.players)

    @property
    def hindrance(self) -> str:
        """Why none of them can be waited for any longer, in words."""
        name = self.players[0].name
        if self.casting.is_locked(self.players[0]):
            return f"nobody is signed in to {name}"
        return f"{name} is used up for longer than [orchestrator] quota_wait"

    def tell_pause(self) -> str:
        """Return in words what is waited for; nothing where it is but a moment."""
        if all(self.casting.is_locked(player) for player in self.players):
            return self.hindrance
        quotas = [self.casting.find_quota(player) for player in self.players]
        back = [(quota.resumes_at, quota.name) for quota in quotas if not quota.is_too_long]
        first = min(((until, name) for until, name in back if until is not None), default=None)
        if first is None:
            return ""
        until, name = first
        return f"{name} is used up until {datetime.fromtimestamp(until).astimezone():%H:%M:%S}"

    async def choose(self) -> Player | None:
        """Wait for one that is free; None where that is not to be in this run. It is owed a `leave`."""
        self.current = await self.casting.choose(self.players)
        self._succeeded = False
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
                return self._change(player, failure)
            case Reason.SPAWN_FAILED if player.program and failure.message.startswith(f"{player.program}: "):
                return self._replace(player, failure)
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
        words = f"{player.name} is used up: it is tried again in {format_duration(delay, 'en')}"
        if other is not None:
            words, delay = f"{words}; {other.name} takes over", 0.0
        return Detour(delay=delay, warning=words if was_open else "", kind=EscalationKind.RATE_LIMITED)

    def _replace(self, player: Player, failure: Failure) -> Detour | None:
        """Let another agent take over where one is not there; without another the session fails."""
        other = self.casting.find_open([other for other in self.players if other.name != player.name])
        if other is None:
            return None
        is_news = self.casting.lock(player, ask=False)
        words = f"{player.name}: {describe_failure('en', failure)}; {other.name} takes over"
        return Detour(warning=words if is_news else "", kind=EscalationKind.SPAWN_FAILED)

    def _change(self, player: Player, failure: Failure) -> Detour | None:
        """Let another agent take over where nobody is signed in; where there is none, one session asks."""
        other = self.casting.find_open([other for other in self.players if other.name != player.name])
        is_news = self.casting.lock(player, ask=other is None)
        if other is None:
            return None if is_news else Detour()
        words = f"{player.name}: {describe_failure('en', failure)}; {other.name} takes over"
        return Detour(warning=words if is_news else "", kind=EscalationKind.AUTH)
