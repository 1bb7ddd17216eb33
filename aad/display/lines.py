"""The log that people read, in the making: lines that wait to be written. Knows no words and no stream.

Sessions that start together, those that were about to start at the same time, share a line. It stands where
the first of them is told of next, or at the end of the turn of the event loop; in front of whatever is told
next where lines bear the clock. What is told behind it waits until the last of them has started: a child that
ends at once would else part those that belong together.
"""

import time
from collections import deque

from attrs import define, field

from aad.display.narrator import QUIET, VERBOSE, Narrator
from aad.events import Event, SessionEvent, SessionStarted, WorkspaceReady


@define(eq=False)
class _Batch:
    """Sessions that start together: those that are about to, and those that have."""

    awaited: set[str] = field(factory=set)
    begun: dict[str, SessionStarted] = field(factory=dict)


@define(eq=False)
class _Told:
    """The lines of an event."""

    ts: float
    lines: list[str]


@define
class LogLines:
    """What the narrator tells, from event to event."""

    narrator: Narrator
    # In the order in which it is told, and the sessions whose start is told behind all that.
    _queue: deque[_Batch | _Told] = field(factory=deque, init=False)
    _open: _Batch = field(factory=_Batch, init=False)
    _waiting: list[str] = field(factory=list, init=False)
    _parted: bool = field(default=True, init=False)

    def add(self, event: Event) -> None:
        """Take in an event that the state has taken in already."""
        match event:
            case WorkspaceReady(spec=spec):
                self._open.awaited.add(spec)
            case SessionStarted(spec=spec):
                self._find_batch(spec).begun[spec] = event
                self._stop_awaiting(spec)
            case _:
                self._hold(event, self.narrator.tell(event))

    def take(self, *, all_of_it: bool = False) -> str:
        """Return what was not taken yet, as whole lines; with `all_of_it` also what waits for a start."""
        if all_of_it:
            self._part_late()
        while self._queue and not _is_awaiting(self._queue[0]):
            self._tell(self._queue.popleft())
        if not (self._queue or self._open.awaited):
            self._tell_begun(self._open)
        taken = "".join(f"{line}\n" for line in self._waiting)
        self._waiting.clear()
        return taken

    def stamp(self, ts: float, line: str) -> str:
        """Return a line with the clock in front, where that is wanted."""
        if self.narrator.verbosity < VERBOSE or not line:
            return line
        return f"{time.strftime('%H:%M:%S', time.localtime(ts))} {line}"

    def _hold(self, event: Event, lines: list[str]) -> None:
        """Put the lines of an event behind what was told before."""
        if isinstance(event, SessionEvent):
            self._stop_awaiting(event.spec)
        if lines:
            self._close_batch(event)
            self._queue.append(_Told(event.ts, lines))

    def _close_batch(self, event: Event) -> None:
        """Put those who start now in front of what is told next, if that is where they belong."""
        if not isinstance(event, SessionEvent):
            # The run's own news wait for nobody.
            self._part_late()
        elif self._must_precede(event):
            self._queue.append(self._open)
            self._open = _Batch()

    def _must_precede(self, event: SessionEvent) -> bool:
        # Where each line bears its clock, none may stand behind a later one.
        if self.narrator.verbosity >= VERBOSE:
            return bool(self._open.begun)
        return event.spec in self._open.begun

    def _find_batch(self, spec: str) -> _Batch:
        """Return those with whom a session starts."""
        closed = (batch for batch in self._queue if isinstance(batch, _Batch))
        return next((batch for batch in closed if spec in batch.awaited), self._open)

    def _stop_awaiting(self, spec: str) -> None:
        self._find_batch(spec).awaited.discard(spec)

    def _part_late(self) -> None:
        """Part those who have started from those who take longer, so that nothing waits for these."""
        late = _Batch()
        self._queue.append(self._open)
        for batch in self._queue:
            if isinstance(batch, _Batch):
                late.awaited |= batch.awaited
                batch.awaited.clear()
        self._open = late

    def _tell(self, told: _Batch | _Told) -> None:
        if isinstance(told, _Batch):
            self._tell_begun(told)
        else:
            self._put(told.ts, told.lines)

    def _tell_begun(self, batch: _Batch) -> None:
        if batch.begun and self.narrator.verbosity > QUIET:
            # By id, which is the plan's order too: what starts in one turn starts in any order.
            begun = [batch.begun[spec_id] for spec_id in sorted(batch.begun)]
            self._put(min(event.ts for event in begun), [self.narrator.tell_begun(begun)])
        batch.begun.clear()

    def _put(self, ts: float, lines: list[str]) -> None:
        # A blank line parts what follows from what was before; behind nothing, or another, it parts nothing.
        told = lines[1:] if self._parted and not lines[0] else lines
        self._waiting += [self.stamp(ts, line) for line in told]
        self._parted = not lines[-1]


def _is_awaiting(told: _Batch | _Told) -> bool:
    return isinstance(told, _Batch) and bool(told.awaited)
