"""Who makes a session's next attempt: of the agents it may have, the first that is free.

An agent is not free while its account is used up (its `Quota` tells), nor once it is known that nobody is
signed in to it. Knows neither attempts nor what agents say.
"""

import time
from collections.abc import Callable, Sequence

import trio
from attrs import define, field

from aad.agents.roster import Player
from aad.quota import Quota


@define
class Lock:
    """Nobody is signed in to an agent. `asked`: a person knows, and may mend it; `given_up`: not now."""

    asked: bool = False
    given_up: bool = False


@define(eq=False, kw_only=True)
class Casting:
    """Chooses for all sessions of a run. `patience`: how many seconds one that is used up is waited for.

    `clock` reads the seconds since the epoch.
    """

    patience: float
    clock: Callable[[], float] = time.time
    _quotas: dict[str, Quota] = field(factory=dict, init=False)
    _locks: dict[str, Lock] = field(factory=dict, init=False)
    _waiting: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot, init=False)

    async def choose(self, players: Sequence[Player]) -> Player | None:
        """Wait for one that is free; None where that is not worth the wait. `leave` of its quota is owed."""
        while self._is_locked(players):
            if self._is_given_up(players):
                return None
            await self._waiting.park()
        return await self._enter(self._find_open(players) or players)

    def is_locked(self, player: Player) -> bool:
        """Tell whether it is known that nobody is signed in to an agent."""
        return player.name in self._locks

    def is_free(self, players: Sequence[Player]) -> bool:
        """Tell whether one of them could begin now."""
        return any(self.find_quota(player).is_open for player in self._find_open(players))

    def find_next(self, players: Sequence[Player], after: Player) -> Player | None:
        """Return who may stand in for one that is used up: of those that are free, the first."""
        others = [player for player in players if player.name != after.name]
        return next((player for player in others if self.is_free([player])), None)

    def find_open(self, players: Sequence[Player]) -> Player | None:
        """Return the first that is not locked, used up or not."""
        return next(iter(self._find_open(players)), None)

    def lock(self, name: str, *, ask: bool) -> bool:
        """Take note that nobody is signed in to an agent; tell whether people are to be told.

        `ask` says that a session needs just this one: then it is news even where it was locked before, with
        another to stand in for it.
        """
        is_new = name not in self._locks
        lock = self._locks.setdefault(name, Lock())
        is_asked = ask and not lock.asked
        lock.asked = lock.asked or ask
        return is_new or is_asked

    def unlock(self, name: str, *, given_up: bool = False) -> None:
        """Take note that it may be tried again, or is waited for no longer in this run."""
        lock = self._locks.get(name)
        if lock is None:
            return
        if given_up:
            lock.given_up = True
        else:
            del self._locks[name]
        self._waiting.unpark_all()

    def find_quota(self, player: Player) -> Quota:
        """Return the quota of an agent's account."""
        name = player.name
        if name not in self._quotas:
            self._quotas[name] = Quota(name=name, patience=self.patience, clock=self.clock)
        return self._quotas[name]

    def _find_open(self, players: Sequence[Player]) -> list[Player]:
        return [player for player in players if player.name not in self._locks]

    def _find_asked(self, players: Sequence[Player]) -> list[Lock]:
        locks = (self._locks[player.name] for player in players if player.name in self._locks)
        return [lock for lock in locks if lock.asked]

    def _is_locked(self, players: Sequence[Player]) -> bool:
        """Tell whether a person is to be waited for; where nobody was asked yet, a session has to try."""
        return not self._find_open(players) and bool(self._find_asked(players))

    def _is_given_up(self, players: Sequence[Player]) -> bool:
        return all(lock.given_up for lock in self._find_asked(players))

    async def _enter(self, players: Sequence[Player]) -> Player | None:
        chosen = min(players, key=self._rank)
        return chosen if await self.find_quota(chosen).enter() else None

    def _rank(self, player: Player) -> float:
        """Return who is taken: who may begin at once, else who is on its way back, else who is back first."""
        quota = self.find_quota(player)
        return 0.0 if quota.is_open else quota.resumes_at or 1.0
