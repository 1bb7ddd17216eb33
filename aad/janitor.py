"""Removes the workspaces that nobody needs any more, behind the back of a run that goes on meanwhile."""

import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field

from aad.gitcalls import GitError

# How many removals wait for the end of the run. Meanwhile sessions start faster: on ext4 it takes several
# times as long to make files where many have just been deleted.
PATIENCE = 8
# Seconds that a run which is over waits for its last folders to go.
LIMIT = 30.0
# And one that was told to end.
HURRIED = 1.0

logger = logging.getLogger("aad")

Removal = Callable[[], Awaitable[None]]


@define(eq=False)
class Janitor:
    """Takes removals as they come, and carries them out one after the other, the last few in the end.

    What it does not get to stays where it is, for `aad clean`.
    """

    _inbox: trio.MemorySendChannel[Removal] | None = field(default=None, init=False)
    _scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)

    def send(self, removal: Removal) -> None:
        """Have something removed; without effect while nobody serves."""
        if self._inbox is not None:
            self._inbox.send_nowait(removal)

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Remove what comes, until `finish`; also while everything else is being cancelled."""
        if self._inbox is not None:  # of two sessions that are run by themselves, one serves both
            task_status.started()
            return
        self._inbox, removals = trio.open_memory_channel[Removal](math.inf)
        self._scope = trio.CancelScope(shield=True)
        task_status.started()
        waiting: deque[Removal] = deque()
        with self._scope:
            async for removal in removals:
                waiting.append(removal)
                if len(waiting) > PATIENCE:
                    await _carry_out(waiting.popleft())
            for removal in waiting:
                await _carry_out(removal)

    def finish(self, limit: float = LIMIT) -> None:
        """Take no more; what was sent is removed within so many seconds."""
        if self._inbox is not None:
            self._inbox.close()
            self._inbox = None
            self._scope.deadline = trio.current_time() + limit


async def _carry_out(removal: Removal) -> None:
    try:
        await removal()
    except (OSError, GitError) as error:
        logger.warning("a workspace could not be removed: %s (aad clean does it later)", error)
