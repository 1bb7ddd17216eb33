"""Signals that strike in the midst of each other: Python deals with the later one first."""

import signal
from typing import Any, cast

from aad.cli.signals import Signals
from aad.runclock import RunClock


class Struck(list[int]):
    """The signals so far; while the first is put down, another one strikes."""

    def __init__(self, strike: Any) -> None:  # noqa: ANN401 - what deals with a signal
        super().__init__()
        self.strike = strike
        self.acts: list[object] = []

    def append(self, number: int) -> None:
        super().append(number)
        if len(self) == 1:
            self.acts.append(self.strike(number))


def test_of_two_that_strike_at_once_one_ends_the_run() -> None:
    signals = Signals(cast("Any", None), cast("Any", None), RunClock(), cast("Any", None))
    struck = signals._endings = Struck(signals._take)

    struck.acts.append(signals._take(signal.SIGHUP))

    assert struck.acts == [signals._end, None]
