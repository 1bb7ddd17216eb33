"""Tells of a run in lines that stay: for pipes, logs and plain terminals. Knows no cursor."""

from aad.display.lines import LogLines
from aad.display.narrator import QUIET, Narrator
from aad.display.status import say_interrupted, say_running
from aad.display.stream import Stream
from aad.display.style import Style
from aad.display.voice import Voice
from aad.events import Event
from aad.state import RunState

# Seconds without a line after which a sign of life is given: CI services end jobs that say nothing.
HEARTBEAT = 60.0


class PlainDisplay:
    """A display of whole lines, written at once.

    `verbosity`: -1 tells failures and the summary, 0 the ordinary, 1 clock, progress and decisions too.
    `files` names what the run writes besides its own folder; the summary tells them.
    """

    def __init__(
        self,
        out: Stream,
        state: RunState,
        style: Style,
        lang: str,
        *,
        verbosity: int = 0,
        tail_lines: int = 40,
        files: tuple[str, ...] = (),
    ) -> None:
        self._out, self._state, self._voice = out, state, Voice(lang, style)
        self._verbosity = verbosity
        self._lines = LogLines(
            Narrator(state=state, voice=self._voice, verbosity=verbosity, tail_lines=tail_lines, files=files)
        )
        self._latest_event = self._latest_line = 0.0

    def show(self, event: Event) -> None:
        """Take note of an event that the state has taken in."""
        self._latest_event = event.ts
        self._lines.add(event)

    def flush(self) -> None:
        """Write what was noted."""
        text = self._lines.take()
        if text:
            self._latest_line = self._latest_event
            self._out.write(text)

    def tick(self, now: float) -> None:
        """Give a sign of life where nothing was written for a minute."""
        self.flush()
        # A clock that was set back must not silence the sign for as long as it went back.
        if (
            self._verbosity <= QUIET
            or self._state.status != "running"
            or 0 <= now - self._latest_line < HEARTBEAT
        ):
            return
        self._latest_line = now
        self.tell_running(now)

    def tell_running(self, now: float) -> None:
        """Say what runs now, because somebody asks."""
        self.flush()
        self._out.write(self._lines.stamp(now, say_running(self._state, self._voice, now)) + "\n")

    def tell_interrupted(self) -> None:
        """Answer at once the first signal that ends the run; the ends of its sessions follow."""
        self.flush()
        if self._verbosity > QUIET:
            # A terminal has shown `^C` where the line would stand.
            fresh = "\n" if self._out.isatty() else ""
            self._out.write(f"{fresh}{say_interrupted(self._state, self._voice)}\n")

    def close(self) -> None:
        """Write what is left."""
        self.flush()
