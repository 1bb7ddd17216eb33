"""What becomes of a run in which nobody works and somebody waits for a person: it asks, it waits, it parks.

Knows neither sessions nor escalations. While work goes on anywhere, nothing here counts the time.
"""

import math
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field

from aad.config import EscalationSettings


@define(eq=False, kw_only=True)
class Patience:
    """Waits for people, as `settings` say.

    `ask` asks the person at the terminal, for as long as they like, and returns when all was asked; without
    it people answer from elsewhere. `is_hopeless` tells that an answer would change nothing in this run.
    `park` ends the waiting: all is kept for `--resume`. `told` hears when the waiting begins, and how many
    seconds it may take. `deadline` is the limit of the run, which does not count the time.
    """

    settings: EscalationSettings
    park: Callable[[], None]
    is_hopeless: Callable[[], bool] = lambda: False
    # Whether a person could help: others may wait for an agent that is used up.
    is_asked: Callable[[], bool] = lambda: True
    ask: Callable[[], Awaitable[None]] | None = None
    told: Callable[[float], None] = lambda _: None
    deadline: trio.CancelScope = field(factory=trio.CancelScope)
    stands_still: bool = field(default=False, init=False)
    # Seconds to the limit of the run, while that stands still.
    _time_left: float = field(default=math.inf, init=False)
    _changed: trio.Event = field(factory=trio.Event, init=False)

    def note(self, stands_still: bool) -> None:  # noqa: FBT001 - it is what is noted
        """Take note whether none but waiting sessions are left."""
        if stands_still == self.stands_still:
            return
        self.stands_still, now = stands_still, trio.current_time()
        if stands_still:
            self._time_left, self.deadline.deadline = self.deadline.deadline - now, math.inf
        else:
            self.deadline.deadline = now + self._time_left
        self._changed.set()
        self._changed = trio.Event()

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Mind the waiting until cancelled."""
        task_status.started()
        while True:
            while not (self.stands_still and self.is_asked()):
                await self._changed.wait()
            await self._wait_for_people()
            if self.stands_still:
                self.park()
                await self._changed.wait()

    async def _wait_for_people(self) -> None:
        """Return when something goes on, or nobody is to be waited for any longer."""
        if self.is_hopeless():
            return
        if self.ask is not None:
            await self.ask()
            return
        if self.settings.questions == "fail":
            return
        limit = self.settings.wait or math.inf
        self.told(limit)
        with trio.move_on_after(limit):
            while self.stands_still:
                await self._changed.wait()
