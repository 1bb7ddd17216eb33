"""A clock for Trio from which time can be left out: no limit, delay or duration notices that it passed."""

import time
from collections.abc import Callable

import trio
from attrs import define, field


@define(eq=False)
class RunClock(trio.abc.Clock):
    """The time in which a run gets on. It stands still while the machine sleeps, and whenever it is told to.

    For `trio.run(…, clock=RunClock())`.
    """

    read: Callable[[], float] = time.perf_counter
    _left_out: float = field(default=0.0, init=False)

    def start_clock(self) -> None:
        """Do nothing: it has always been running."""

    def current_time(self) -> float:
        """Return the seconds since some moment in the past."""
        return self.read() - self._left_out

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Return the seconds from now to a moment on this clock."""
        return deadline - self.current_time()

    def leave_out(self, act: Callable[[], object]) -> float:
        """Do something for which the clock stands still; return the seconds that it took."""
        began = self.read()
        act()
        took = self.read() - began
        self._left_out += took
        return took
