"""The log that people read, in the making: lines that wait to be written. Knows no words and no stream.

Sessions that start in one turn of the event loop share a line. It stands where the first of them is told of
next, or at the turn's end; in front of whatever is told next where lines bear the clock.
"""

import time

from attrs import define, field

from aad.display.narrator import QUIET, VERBOSE, Narrator
from aad.events import Event, SessionEvent, SessionStarted


@define
class LogLines:
    """What the narrator tells, from event to event."""

    narrator: Narrator
    _waiting: list[str] = field(factory=list, init=False)
    _begun: dict[str, SessionStarted] = field(factory=dict, init=False)
    _parted: bool = field(default=True, init=False)

    def add(self, event: Event) -> None:
        """Take in an event that the state has taken in already."""
        if isinstance(event, SessionStarted):
            self._begun[event.spec] = event
            return
        lines = self.narrator.tell(event)
        if not lines:
            return
        if self._must_tell_begun(event):
            self._tell_begun()
        self._put(event.ts, lines)

    def take(self) -> str:
        """Return what was not taken yet, as whole lines."""
        self._tell_begun()
        taken = "".join(f"{line}\n" for line in self._waiting)
        self._waiting.clear()
        return taken

    def stamp(self, ts: float, line: str) -> str:
        """Return a line with the clock in front, where that is wanted."""
        if self.narrator.verbosity < VERBOSE or not line:
            return line
        return f"{time.strftime('%H:%M:%S', time.localtime(ts))} {line}"

    def _must_tell_begun(self, event: Event) -> bool:
        # Where each line bears its clock, none may stand behind a later one.
        verbose = self.narrator.verbosity >= VERBOSE
        return verbose or not isinstance(event, SessionEvent) or event.spec in self._begun

    def _tell_begun(self) -> None:
        if self._begun and self.narrator.verbosity > QUIET:
            # By id, which is the plan's order too: what starts in one turn starts in any order.
            begun = [self._begun[spec_id] for spec_id in sorted(self._begun)]
            self._put(begun[0].ts, [self.narrator.tell_begun(begun)])
        self._begun.clear()

    def _put(self, ts: float, lines: list[str]) -> None:
        # A blank line parts what follows from what was before; behind nothing, or another, it parts nothing.
        told = lines[1:] if self._parted and not lines[0] else lines
        self._waiting += [self.stamp(ts, line) for line in told]
        self._parted = not lines[-1]
