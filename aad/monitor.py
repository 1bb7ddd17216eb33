"""Looks at every running attempt each second: its deadline, its silence, its progress.

The only one who ends an attempt for time. What has ended is not looked at: a tick costs what runs, no more.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio
from attrs import define, field

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


@define(eq=False)
class _Watch:
    """What the monitor remembers of one attempt."""

    attempt: Attempt
    told_slow: bool = False
    told_silent: bool = False
    guessed: float = 0.0


@define(eq=False, kw_only=True)
class Monitor:
    """Watches the attempts of a run, every `interval` seconds; `ticked` is called after each look."""

    interval: float
    ticked: Callable[[], None] = lambda: None
    _watches: dict[Attempt, _Watch] = field(factory=dict, init=False)
    _wake_at: float = field(default=math.inf, init=False)
    _sooner: trio.Event = field(factory=trio.Event, init=False)

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

    async def loop(self) -> None:
        """Look at all attempts each interval, and at each deadline on time, until cancelled."""
        next_tick = trio.current_time() + self.interval
        while True:
            await self._sleep_until(next_tick)
            now = trio.current_time()
            self._end_overdue(now)
            if now >= next_tick:
                self.tick(now)
                # A loop that was held up does not make up for the ticks it missed.
                next_tick = max(next_tick + self.interval, now)

    def tick(self, now: float) -> None:
        """Look at every attempt once; one that is ending is only waited for."""
        for watch in [watch for watch in self._watches.values() if not watch.attempt.is_ending]:
            watch.attempt.look()
            _check_silence(watch, now)
            _check_slowness(watch, now)
            _guess_progress(watch, now)
        self.ticked()

    async def _sleep_until(self, next_tick: float) -> None:
        deadlines = (a.deadline for a in self._watches if not a.is_ending)
        self._wake_at = min(next_tick, min(deadlines, default=math.inf))
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
    silent = now - attempt.last_sign
    if silent >= attempt.limits.stall:
        attempt.end(Reason.STALLED)
    elif silent < attempt.limits.stall / 2:
        watch.told_silent = False
    elif not watch.told_silent:
        watch.told_silent = True
        limit = attempt.limits.stall
        words = f"silent for {format_duration(silent, 'en')} of {format_duration(limit, 'en')}"
        attempt.warn_of(EscalationKind.STALLED, words, elapsed=round(silent, 3), limit=limit)


def _check_slowness(watch: _Watch, now: float) -> None:
    attempt = watch.attempt
    running = now - attempt.started_at
    if running >= attempt.limits.slow_after and not watch.told_slow:
        watch.told_slow = True
        limit = None if math.isinf(attempt.limits.timeout) else attempt.limits.timeout
        allowed = "" if limit is None else f" of {format_duration(limit, 'en')}"
        words = f"slow: running for {format_duration(running, 'en')}{allowed}"
        attempt.warn_of(EscalationKind.TIMED_OUT, words, elapsed=round(running, 3), limit=limit)


def _guess_progress(watch: _Watch, now: float) -> None:
    """Where the child says nothing, take the ticks in its checklist, else the time that it took before."""
    attempt = watch.attempt
    if attempt.own_progress:
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
