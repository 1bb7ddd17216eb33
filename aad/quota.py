"""The pause of an agent whose account is used up, and how its starts come back.

Knows neither sessions nor what agents say. One `Quota` for each agent's name: where one waits, others go on.
There is no task behind it: whoever wants to start waits in their own `enter`.
"""

import math
import time
from collections import deque
from collections.abc import Callable

import trio
from attrs import define, field, frozen

# Servers and clocks differ a little: who comes at the very second of the reset may be sent away again.
MARGIN = 1.0
# What lies further ahead is no reset time that was read right: milliseconds taken for seconds, say.
FARTHEST = 366 * 86400.0
# The pauses where no reset time is known; so many doublings are enough for the longest.
SHORTEST, LONGEST, DOUBLINGS = 60.0, 1800.0, 5
# The clock of a run stands still while the machine sleeps; so often it is compared with that on the wall.
GLANCE = 60.0


@frozen
class Pause:
    """How long nothing is started: `until` by the wall's clock or `ends` by Trio's, whichever is there first.

    `known`: the agent named the time, it is no guess.
    """

    until: float
    ends: float
    known: bool

    def outdoes(self, other: "Pause") -> bool:
        """Whether this is the better word on the same limit: what is known, and of that the latest."""
        return self.known and not (other.known and other.until >= self.until)


@define(eq=False, kw_only=True)
class Quota:
    """Whether sessions of the agent `name` may be started.

    `patience` are the seconds from the first pause on, until a session succeeds, past which no pause may
    reach: where one would, nobody waits for it (`math.inf`: for ever). Those who wait behind a start that is
    being tried are not sent away for its length. `clock` reads the seconds since the epoch.

    After a pause one start is let through at a time, and twice as many after each success. Those that were
    started before the pause are not counted: they may go on for hours. Nobody says which session it is that
    ends: if it is such an old one, and the pause is over, one more than that may be under way.
    """

    name: str
    patience: float
    clock: Callable[[], float] = time.time
    _pause: Pause | None = field(default=None, init=False)
    # Limits without a success between them; those that one and the same closing met are one.
    _steps: int = field(default=0, init=False)
    # When the first of those began, by Trio's clock.
    _since: float = field(default=math.inf, init=False)
    # Whether somebody was let through since the last limit; if not, whoever hits it was started before.
    _tried: bool = field(default=False, init=False)
    # Doubling it often enough makes it infinite again, but nobody has that many sessions.
    _allowed: float = field(default=math.inf, init=False)
    _under_way: int = field(default=0, init=False)
    _waiting: deque[trio.lowlevel.ParkingLot] = field(factory=deque, init=False)

    @property
    def resumes_at(self) -> float | None:
        """Until when it pauses, in seconds since the epoch."""
        return self._pause.until if self._pause is not None and self._left > 0 else None

    @property
    def is_too_long(self) -> bool:
        """Whether it pauses for longer than anybody waits."""
        return self._pause is not None and self._left > 0 and self._pause.ends - self._since > self.patience

    @property
    def is_open(self) -> bool:
        """Whether a start would be let through at once."""
        return self._left <= 0 and self._under_way + len(self._waiting) < self._allowed

    @property
    def _left(self) -> float:
        if self._pause is None:
            return 0.0
        return min(self._pause.until - self.clock(), self._pause.ends - trio.current_time())

    def close(self, reset_at: float | None) -> float:
        """Take note that a session hit the limit; return the seconds until the next start may be tried."""
        if self._tried or not self._steps:
            self._begin_step()
        self._pause_for(self._find_end(reset_at))
        # They have set their alarms for another time, and it may be too long for them now.
        for bed in self._waiting:
            bed.unpark()
        return self._left

    async def enter(self) -> bool:
        """Wait until a start may be tried; False where that is not worth the wait.

        Who is let through owes a `leave`.
        """
        bed = trio.lowlevel.ParkingLot()
        self._waiting.append(bed)
        try:
            await trio.lowlevel.checkpoint()
            while not (self._waiting[0] is bed and self._has_room()):
                if self.is_too_long:
                    return False
                with trio.move_on_after(self._find_nap()):
                    await bed.park()
            self._tried = True
            self._under_way += 1
        finally:
            # Cancelled or not: the next is the first now, and looks for itself.
            self._waiting.remove(bed)
            self._call_first()
        return True

    def succeed(self) -> None:
        """Take note that a session has got something out of the agent; once for each."""
        if not self._tried:
            # It was started before the limit was hit, and says nothing of what holds since.
            return
        self._steps, self._since = 0, math.inf
        self._allowed *= 2
        self._call_first()

    def leave(self) -> None:
        """Take note that a session has ended."""
        self._under_way = max(0, self._under_way - 1)
        self._call_first()

    def _begin_step(self) -> None:
        self._steps += 1
        self._since = min(self._since, trio.current_time())
        self._tried, self._allowed, self._under_way = False, 1.0, 0

    def _find_end(self, reset_at: float | None) -> Pause:
        now = self.clock()
        known = reset_at is not None and now < reset_at < now + FARTHEST
        if reset_at is not None and known:
            wait = reset_at + MARGIN - now
        else:
            wait = min(SHORTEST * 2 ** min(self._steps - 1, DOUBLINGS), LONGEST)
        return Pause(now + wait, trio.current_time() + wait, known)

    def _pause_for(self, pause: Pause) -> None:
        before = self._pause
        if before is None or self._left <= 0 or pause.outdoes(before):
            self._pause = pause

    def _has_room(self) -> bool:
        if self._left > 0:
            return False
        self._pause = None
        return self._under_way < self._allowed

    def _find_nap(self) -> float:
        """Return the seconds after which to look again, even if nobody calls."""
        return math.inf if self._pause is None else min(GLANCE, max(0.0, self._left))

    def _call_first(self) -> None:
        """Have the first who waits look whether there is room; it calls the next."""
        if self._waiting:
            self._waiting[0].unpark()
