"""Sessions that a caller runs by themselves, outside of any plan."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio
from attrs import define, field


@define(eq=False)
class LoneSlot:
    """The slot of a session that is run by itself, outside of any plan."""

    limiter: trio.CapacityLimiter
    # Hears whether it waits for a person.
    note_waiting: Callable[[bool], None]
    held: bool = False
    waits: bool = False

    # Who runs a session by itself stops it by cancelling.
    is_stopped: bool = False

    async def wait_stopped(self) -> None:
        await trio.sleep_forever()

    async def acquire(self, *, after: float = 0.0) -> bool:
        await trio.sleep(after)
        await self.limiter.acquire_on_behalf_of(self)
        self.held = True
        return True

    def release(self) -> None:
        if self.held:
            self.held = False
            self.limiter.release_on_behalf_of(self)

    def wait(self) -> None:
        self.release()
        if not self.waits:
            self.waits = True
            self.note_waiting(True)  # noqa: FBT003 - it says just that

    def go_on(self) -> None:
        if self.waits:
            self.waits = False
            self.note_waiting(False)  # noqa: FBT003


@define(eq=False)
class LoneSessions:
    """The sessions that are run by themselves, beside each other.

    `stood_still` is told when none but waiting ones are left of them, and when that is over.
    """

    limiter: trio.CapacityLimiter
    stood_still: Callable[[bool], None]
    _scopes: set[trio.CancelScope] = field(factory=set, init=False)
    _waiting: int = field(default=0, init=False)

    @contextmanager
    def begin(self) -> Iterator[LoneSlot]:
        """Hold a session inside the block, which `cancel` ends; it gets its slot."""
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            self._look()
            try:
                yield LoneSlot(self.limiter, self._note_waiting)
            finally:
                self._scopes.discard(scope)

    def cancel(self) -> None:
        """End all of them in order."""
        for scope in self._scopes:
            scope.cancel()

    def _note_waiting(self, waits: bool) -> None:  # noqa: FBT001 - it is what is noted
        self._waiting += 1 if waits else -1
        self._look()

    def _look(self) -> None:
        self.stood_still(self._waiting == len(self._scopes))
