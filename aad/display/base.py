"""What every way of telling about a run can do. Knows nothing of how it looks."""

from typing import Protocol

from aad.events import Event


class Display(Protocol):
    """Tells about one run. Whoever records an event applies it to the state first, then shows it."""

    def show(self, event: Event) -> None:
        """Take note of an event."""

    def flush(self) -> None:
        """Tell what was noted; called once per turn of the event loop in which events came."""

    def tick(self, now: float) -> None:
        """Notice that time passes; `now` is on the clock of the events' `ts`."""

    def close(self) -> None:
        """Tell what is left, and tell nothing more."""


class NoDisplay:
    """Tells nothing."""

    def show(self, event: Event) -> None:
        """Take no note."""

    def flush(self) -> None:
        """Tell nothing."""

    def tick(self, now: float) -> None:
        """Notice nothing."""

    def close(self) -> None:
        """Leave nothing."""
