"""Tells of a run in lines that stay: for pipes, logs and plain terminals. Knows no cursor."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from aad.display.lines import LogLines
from aad.display.narrator import QUIET, Narrator
from aad.display.status import draw_running, say_interrupted, say_patience, say_running
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
    `files` names what the run writes besides its own folder; the summary tells them. `clock` is one that
    nobody sets: it measures for how long nothing was written.
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out, self._state, self._voice = out, state, Voice(lang, style)
        self._verbosity, self._clock = verbosity, clock
        self._lines = LogLines(
            Narrator(state=state, voice=self._voice, verbosity=verbosity, tail_lines=tail_lines, files=files)
        )
        self._written_at = clock()
        # What is to be written when nobody holds us any more; None while nobody does.
        self._held: list[str] | None = None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Write nothing while the block lasts, as somebody else does; then all that has piled up.

        Who holds us shows a sign of life and leaves the line of a key too.
        """
        self._write_all()
        held: list[str] = []
        self._held = held
        try:
            yield
        finally:
            self._held = None
            self._written_at = self._clock()
            self._write("".join(held))

    def show(self, event: Event) -> None:
        """Take note of an event that the state has taken in."""
        self._lines.add(event)

    def flush(self) -> None:
        """Write what was noted."""
        self._write(self._lines.take())

    def tick(self, now: float) -> None:
        """Give a sign of life where nothing was written for a minute."""
        if self._held is not None:
            return
        self._write_all()
        silent = self._clock() - self._written_at
        if self._verbosity > QUIET and self._state.status == "running" and silent >= HEARTBEAT:
            self._tell(now, say_running(self._state, self._voice, now))

    def tell_running(self, now: float, left: Mapping[str, float]) -> None:
        """Say what runs, because somebody asks; `left` are the seconds to each session's limit, by spec."""
        self._write_all()
        self._tell(now, draw_running(self._state, self._voice, now, left))

    def tell_interrupted(self) -> None:
        """Answer at once the first signal that ends the run; the ends of its sessions follow."""
        self.leave_key()
        self._write_all()
        if self._verbosity > QUIET:
            self._write(f"{say_interrupted(self._state, self._voice)}\n")

    def tell_patience(self, seconds: float) -> None:
        """Say that nothing else is left to do than to wait for people."""
        self._write_all()
        if self._verbosity > QUIET:
            self._write(f"{say_patience(self._voice, seconds)}\n")

    def say(self, text: str) -> None:
        """Write what others have to say, in its turn."""
        self._write(text)

    def leave_key(self) -> None:
        """Leave the line on which a terminal has shown `^C` or `^Z`."""
        if self._held is None and self._out.isatty():
            self._out.write("\n")

    def close(self) -> None:
        """Write what is left."""
        self._write_all()

    def _tell(self, now: float, text: str) -> None:
        self._write("".join(f"{self._lines.stamp(now, line)}\n" for line in text.split("\n")))

    def _write_all(self) -> None:
        self._write(self._lines.take(all_of_it=True))

    def _write(self, text: str) -> None:
        if self._held is not None:
            self._held.append(text)
        elif text:
            self._written_at = self._clock()
            self._out.write(text)
