"""Tells of a run in JSON lines: those of the journal, and the children's output. Knows no words."""

from aad.codec import encode
from aad.display.stream import Stream
from aad.events import Event


class JsonlDisplay:
    """A display for programs: from here on `out` speaks UTF-8."""

    def __init__(self, out: Stream) -> None:
        out.speak_utf8()
        self._out = out
        self._waiting: list[bytes] = []

    def show(self, event: Event) -> None:
        """Take note of an event."""
        self._waiting.append(encode(event))

    def flush(self) -> None:
        """Write what was noted."""
        if self._waiting:
            self._out.write(b"".join(self._waiting).decode())
            self._waiting.clear()

    def tick(self, now: float) -> None:
        """Say nothing: the journal has no line for time that passes."""

    def close(self) -> None:
        """Write what is left."""
        self.flush()
