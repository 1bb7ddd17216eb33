"""The signals that reach a run, and what each of them asks for. Knows neither plans nor words.

From the second signal on that ends a run, nothing holds us up: not even an event loop that waits for somebody
to read what it writes.
"""

import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from types import FrameType

from attrs import define, field

from aad.cli.keyboard import Keyboard
from aad.display.plain import PlainDisplay
from aad.orchestrator import Orchestrator
from aad.runclock import RunClock

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
HEEDED = (*ENDING, signal.SIGUSR1, signal.SIGTSTP, signal.SIGCONT)
# Seconds that a second signal leaves to the end of the run.
LAST_MOMENTS = 0.4
# Seconds after which a signal is noticed at the latest.
TICK = 0.2

Act = Callable[[], object]


@define(eq=False)
class Signals:
    """Obeys signals for one run: the first ends it in order, the second its children at once, the third us.

    SIGUSR1 asks what is running, and SIGTSTP, which is ^Z, that all stand still. After SIGCONT, which is
    `fg`, a question is asked again.
    """

    orchestrator: Orchestrator
    plain: PlainDisplay
    clock: RunClock
    keyboard: Keyboard
    # Those that end the run.
    _endings: list[int] = field(factory=list, init=False)
    _ranks: Iterator[int] = field(factory=count, init=False)
    _heeding: bool = field(default=False, init=False)
    # When we leave, by a clock that nobody sets.
    _leave_at: float = field(default=math.inf, init=False)

    @contextmanager
    def heed(self, do_soon: Callable[[Act], object]) -> Iterator[None]:
        """Obey while the block lasts. What was ignored before stays so: that is what `nohup` is for."""

        def arrive(number: int, _frame: FrameType | None) -> None:
            # It may have struck anywhere; what it asks for is done between two steps of the event loop.
            act = self._take(number)
            if act is not None:
                do_soon(partial(self._obey, act))

        heeded = [number for number in HEEDED if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, arrive) for number in heeded}
        self._heeding = True
        # Python looks for signals between its steps. One that strikes just before a call that waits, or
        # strikes another thread, does not interrupt that call: the next tick does.
        signal.signal(signal.SIGALRM, lambda *_: self._tick())
        signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        try:
            yield
        finally:
            self._heeding = False
            if math.isinf(self._leave_at):
                signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int) -> Act | None:
        """Return what a signal asks for; None where it asks for nothing new."""
        if number == signal.SIGUSR1:
            return self._tell_running
        if number == signal.SIGTSTP:
            return self._stand_still
        if number == signal.SIGCONT:
            return self.keyboard.come_back
        self._endings.append(number)
        # Another one may strike amid this, and is dealt with first: just one of them is to end the run.
        return self._end if next(self._ranks) == 0 else self._insist()

    def _insist(self) -> Act | None:
        """Leave soon, or at once if we were told to before: the keepers end what is left when we are gone."""
        # A terminal or a login that goes away says so several times, in passing: with SIGHUP nobody insists.
        insistent = [number for number in self._endings if number != signal.SIGHUP]
        if len(insistent) < 2:
            return None
        if len(insistent) > 2:
            self._leave()
        self._leave_at = time.monotonic() + LAST_MOMENTS
        signal.setitimer(signal.ITIMER_REAL, LAST_MOMENTS, TICK)
        return self._kill

    def _tick(self) -> None:
        if time.monotonic() >= self._leave_at:
            self._leave()

    def _leave(self) -> None:
        os._exit(128 + self._endings[0])

    def _obey(self, act: Act) -> None:
        if self._heeding:  # else the run ended meanwhile
            act()

    def _end(self) -> None:
        self.plain.tell_interrupted()
        self.orchestrator.cancel(signal=self._endings[0])

    def _kill(self) -> None:
        self.orchestrator.kill()
        self.plain.leave_key()

    def _tell_running(self) -> None:
        self.plain.tell_running(time.time(), self.orchestrator.time_left())

    def _stand_still(self) -> None:
        """Stop with all children until a shell lets us go on; nothing counts the time meanwhile."""
        self.plain.leave_key()
        self.keyboard.leave()
        self.orchestrator.pause()
        pause = self.clock.leave_out(lambda: signal.raise_signal(signal.SIGSTOP))
        self.orchestrator.resume(pause)
