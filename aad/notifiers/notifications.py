"""Escalations on their way to people: a queue and a task for each notifier. Knows no way to tell anybody.

Whoever sends never waits, and a notifier that fails or hangs holds up none but itself. Its first failure is a
warning; those that follow are counted, and told at the end.
"""

import logging
import math
from collections.abc import Iterable
from pathlib import Path

import trio
from attrs import define, field

from aad import messages
from aad.escalationlog import EscalationLog
from aad.notifiers.base import Notifier, NotifierMissingError, NotifyError

# Seconds that a notifier may take for one escalation, and all of them together after the end.
NOTIFY_LIMIT = 10.0
LAST_WORDS = 5.0

logger = logging.getLogger("aad")


@define(eq=False)
class _Outlet:
    """A notifier and what it has still to tell."""

    notifier: Notifier
    lang: str
    _send: trio.MemorySendChannel[tuple[EscalationLog, Path]] = field(init=False)
    _queue: trio.MemoryReceiveChannel[tuple[EscalationLog, Path]] = field(init=False)
    _busy: bool = field(default=False, init=False)
    _warned: bool = field(default=False, init=False)
    # How many failures were not told of.
    _more: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._send, self._queue = trio.open_memory_channel(math.inf)

    def send(self, log: EscalationLog, path: Path) -> None:
        self._send.send_nowait((log, path))

    def end(self) -> None:
        """Take no more."""
        self._send.close()

    def close(self) -> None:
        """Drop what was not told."""
        self._send.close()
        self._queue.close()

    async def run(self) -> None:
        """Tell one escalation after another until the end of the queue."""
        async for log, path in self._queue:
            self._busy = True
            await self._tell(log, path)
            self._busy = False

    def sum_up(self) -> None:
        """Warn of what nobody was told of so far."""
        left = self._queue.statistics().current_buffer_used + self._busy
        for key, count in (("notify.more", self._more), ("notify.left", left)):
            if count:
                logger.warning("%s", messages.counted(self.lang, key, count, {"name": self.notifier.name}))

    async def _tell(self, log: EscalationLog, path: Path) -> None:
        try:
            with trio.move_on_after(NOTIFY_LIMIT) as scope:
                await self.notifier.tell(log, path)
        except NotifierMissingError as error:
            self._warn_once("notify.missing", why=error)
        except NotifyError as error:
            self._fail("notify.failed", escalation=log.id, why=error)
        else:
            if scope.cancelled_caught:
                self._fail("notify.late", escalation=log.id, limit=f"{NOTIFY_LIMIT:g}")

    def _fail(self, key: str, **fields: object) -> None:
        self._more += self._warned
        self._warn_once(key, **fields)

    def _warn_once(self, key: str, **fields: object) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("%s", messages.text(self.lang, key, {"name": self.notifier.name, **fields}))


@define(eq=False)
class Notifications:
    """Hands escalations to all notifiers while `serve` runs; what is sent outside of that is dropped."""

    notifiers: Iterable[Notifier]
    lang: str = "en"
    _outlets: tuple[_Outlet, ...] = field(default=(), init=False)
    _finishing: trio.Event = field(factory=trio.Event, init=False)
    _idle: trio.Event | None = field(default=None, init=False)

    def send(self, log: EscalationLog, path: Path) -> None:
        """Have people told of an escalation, whose file is at `path`."""
        for outlet in self._outlets:
            outlet.send(log, path)

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tell people until `finish`, and a little longer."""
        self._finishing, self._idle = trio.Event(), trio.Event()
        self._outlets = outlets = tuple(_Outlet(notifier, self.lang) for notifier in self.notifiers)
        try:
            task_status.started()
            with trio.CancelScope() as scope:
                await self._tell_all(outlets, scope)
            for outlet in outlets:
                outlet.sum_up()
        finally:
            self._outlets = ()
            for outlet in outlets:
                outlet.close()
            self._idle.set()

    async def finish(self) -> None:
        """Take no more; wait until people know what was sent, or LAST_WORDS are over."""
        self._finishing.set()
        if self._idle is not None:
            await self._idle.wait()

    async def _tell_all(self, outlets: tuple[_Outlet, ...], scope: trio.CancelScope) -> None:
        async with trio.open_nursery() as nursery:
            for outlet in outlets:
                nursery.start_soon(outlet.run)
            await self._finishing.wait()
            self._outlets = ()
            for outlet in outlets:
                outlet.end()
            scope.deadline = trio.current_time() + LAST_WORDS
