"""Group commit: one sync brings onto the disk what many wait for. Counts records, and knows no file."""

from collections.abc import Awaitable, Callable

import trio
from attrs import define, field

# Calls what it is given, and returns when that has returned.
CallSync = Callable[[Callable[[], None]], Awaitable[None]]


@define(eq=False)
class GroupCommit:
    """Counts which records are on the disk.

    `sync` brings there all that was written before it was called. Who comes while one is under way waits for
    the next: it may have begun too early for them. That next one then serves all who came.
    """

    _sync: Callable[[], Awaitable[None]]
    on_disk: int = field(default=0, init=False)
    _wanted: int = field(default=0, init=False)
    # Set once the sync that is under way is over, however it ended.
    _over: trio.Event | None = field(default=None, init=False)
    _failed: bool = field(default=False, init=False)

    async def reach(self, seq: int) -> None:
        """Return once the record of that number and all before it are on the disk, or never will be.

        What the sync raises goes to the one who called it; the others return.
        """
        self._wanted = max(self._wanted, seq)
        # A sync that failed is never tried again: the kernel may have dropped what it could not write, and
        # the next sync would know nothing of it.
        while self.on_disk < seq and not self._failed:
            if self._over is None:
                await self._lead()
            else:
                await self._over.wait()

    async def _lead(self) -> None:
        over, covered = trio.Event(), self._wanted
        self._over = over
        try:
            await self._sync()
            self.on_disk = covered
        except Exception:
            self._failed = True
            raise
        finally:
            # Also where the leader was cancelled: one of those who wait leads then.
            self._over = None
            over.set()


async def sync_aside(sync: Callable[[], None]) -> None:
    """Call a sync in a thread, so that a slow disk holds up nobody but those who wait for it.

    It is waited for even by who is cancelled: no thread is left behind with a file that is closed by then.
    """
    try:
        # A limiter of its own: whatever else needs threads here is not to keep records waiting.
        await trio.to_thread.run_sync(sync, limiter=trio.CapacityLimiter(1))
    except RuntimeError:  # the machine has no thread to give
        sync()
