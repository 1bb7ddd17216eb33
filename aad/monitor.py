"""Looks at every running attempt each second: its deadline, its silence, its progress.

The only one who ends an attempt for time. What has ended is not looked at: a tick costs what runs, no more.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio
from attrs import define, field

from aad import messages
from aad.attempt import Attempt
from aad.display.text import format_duration
from aad.events import EscalationKind, Reason
from aad.news import Progress

# A guess is told again when it has grown by this much.
GUESS_STEP = 0.1
# Seconds: what is expected to take less is over before a guess helps anybody.
WORTH_GUESSING = 5.0
# A guess never says that something is done.
MOST_GUESSED = 0.95
# Seconds: who waits for ticks, to write what was held back, waits no longer, however rare the looks are.
MOST_SILENT = 1.0
# Seconds: who slept less has missed nothing.
LEAST_SLEEP = 5.0


def read_slept() -> float:
    """Return the seconds that the machine has slept since its start: its monotonic clock stood still then."""
    if not hasattr(time, "CLOCK_BOOTTIME"):  # not Linux
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


@define(eq=False)
class _Watch:
    """What the monitor remembers of one attempt."""

    attempt: Attempt
    told_slow: bool = False
    told_silent: bool = False
    guessed: float = 0.0


@define
class _Rhythm:
    """Something that is done every so many seconds, from now on."""

    interval: float
    due: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.due = trio.current_time() + self.interval

    def strikes(self, now: float) -> bool:
        """Tell whether it is time, and set the next. Who was held up does not make up for what was missed."""
        if now < self.due:
            return False
        self.due = max(self.due + self.interval, now)
        return True


@define(eq=False, kw_only=True)
class Monitor:
    """Watches the attempts of a run, every `interval` seconds.

    `ticked` is called after each look, and each second where looks are rarer; `woke` when the machine has
    slept, with the seconds that it did.
    """

    interval: float
    ticked: Callable[[], None] = lambda: None
    woke: Callable[[float], None] = lambda _: None
    read_slept: Callable[[], float] = read_slept
    _watches: dict[Attempt, _Watch] = field(factory=dict, init=False)
    _wake_at: float = field(default=math.inf, init=False)
    _sooner: trio.Event = field(factory=trio.Event, init=False)
    _slept: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._slept = self.read_slept()

    @contextmanager
    def watch(self, attempt: Attempt) -> Iterator[None]:
        """Watch an attempt while the block lasts."""
        self._watches[attempt] = _Watch(attempt)
        if attempt.deadline < self._wake_at:
            self._sooner.set()
        try:
            yield
        finally:
            del self._watches[attempt]

    def time_left(self) -> dict[str, float]:
        """Return the seconds to the deadline of each attempt, by spec."""
        now = trio.current_time()
        return {attempt.spec.id: max(0.0, attempt.deadline - now) for attempt in self._watches}

    def kill(self) -> None:
        """End the children of all attempts at once, without grace."""
        for attempt in self._watches:
            attempt.kill()

    async def loop(self) -> None:
        """Look at all attempts each interval, and at each deadline on time, until cancelled."""
        looks, ticks = _Rhythm(self.interval), _Rhythm(min(self.interval, MOST_SILENT))
        while True:
            await self._sleep_until(min(looks.due, ticks.due))
            now = trio.current_time()
            self._end_overdue(now)
            if looks.strikes(now):
                self.look(now)
            if ticks.strikes(now):
                self.ticked()

    def look(self, now: float) -> None:
        """Look at every attempt once; one that is ending is only waited for."""
        self._notice_sleep()
        for watch in [watch for watch in self._watches.values() if not watch.attempt.is_ending]:
            watch.attempt.look()
            watch.attempt.check_places()
            _check_silence(watch, now)
            _check_slowness(watch, now)
            _guess_progress(watch, now)

    def _notice_sleep(self) -> None:
        """After a sleep of the machine silence begins anew: nobody could say anything."""
        before, self._slept = self._slept, self.read_slept()
        slept = self._slept - before
        if slept < LEAST_SLEEP:
            return
        for attempt in self._watches:
            attempt.wake()
        self.woke(slept)

    async def _sleep_until(self, moment: float) -> None:
        deadlines = (a.deadline for a in self._watches if not a.is_ending)
        self._wake_at = min(moment, min(deadlines, default=math.inf))
        self._sooner = trio.Event()
        with trio.move_on_at(self._wake_at):
            await self._sooner.wait()

    def _end_overdue(self, now: float) -> None:
        for attempt in list(self._watches):
            if now >= attempt.deadline:
                attempt.end(Reason.TIMED_OUT)


def _check_silence(watch: _Watch, now: float) -> None:
    """Warn at half of the silence that is allowed, end the attempt at all of it."""
    attempt = watch.attempt
    silent = 0.0 if attempt.works_silently else now - attempt.last_sign
    if silent >= attempt.limits.stall:
        attempt.end(Reason.STALLED)
    elif silent < attempt.limits.stall / 2:
        watch.told_silent = False
    elif not watch.told_silent:
        watch.told_silent = True
        limit = attempt.limits.stall
        fields = {"elapsed": format_duration(silent, "en"), "limit": format_duration(limit, "en")}
        words = messages.text("en", "note.silent", fields)
        attempt.warn_of(EscalationKind.STALLED, words, elapsed=round(silent, 3), limit=limit)


def _check_slowness(watch: _Watch, now: float) -> None:
    attempt = watch.attempt
    running = now - attempt.started_at
    if running >= attempt.limits.slow_after and not watch.told_slow:
        watch.told_slow = True
        limit = None if math.isinf(attempt.limits.timeout) else attempt.limits.timeout
        key, allowed = ("note.slow", "") if limit is None else ("note.slow_of", format_duration(limit, "en"))
        words = messages.text("en", key, {"elapsed": format_duration(running, "en"), "limit": allowed})
        attempt.warn_of(EscalationKind.TIMED_OUT, words, elapsed=round(running, 3), limit=limit)


def _guess_progress(watch: _Watch, now: float) -> None:
    """Where the child says nothing, take the ticks in its checklist, else the time that it took before."""
    attempt = watch.attempt
    if attempt.own_progress or not attempt.has_begun:
        return
    ticked = attempt.count_ticks()
    if ticked is not None:
        attempt.guess(Progress(progress=ticked), guessed=False)
    elif attempt.limits.expected is not None and attempt.limits.expected >= WORTH_GUESSING:
        share = min((now - attempt.started_at) / attempt.limits.expected, MOST_GUESSED)
        # Rounded, for a tenth is no number that a float can hold.
        if round(share - watch.guessed, 9) >= GUESS_STEP:
            watch.guessed = share
            attempt.guess(Progress(progress=share), guessed=True)
