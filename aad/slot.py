"""A session's place among those that run, as the session sees it."""

from typing import Protocol


class Slot(Protocol):
    """A session's place among those that run."""

    @property
    def held(self) -> bool:
        """Whether it is held."""

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more is to be started."""

    async def wait_stopped(self) -> None:
        """Wait until nothing more is to be started."""

    def release(self) -> None:
        """Give it back; harmless where none is held."""

    async def acquire(self, *, after: float = 0.0) -> bool:
        """Get it again, in `after` seconds at the earliest; False if nothing more is to be started."""

    def wait(self) -> None:
        """Give it back and wait for a person."""

    def go_on(self) -> None:
        """Wait for a person no longer; harmless where it did not."""
