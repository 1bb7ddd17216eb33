"""Children's trouble on its way up to the parent session, and the parent's reply on its way down.

A session raises an `EscalationLog` on a memory channel. The parent session writes it to `.aad/escalations/`,
tells people, decides (an embedder's handler first, else policy), and answers the session that waits.
"""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import trio
from attrs import define, evolve, field, frozen

from aad.agents.base import Command
from aad.agents.command import judge_exit
from aad.display.failures import describe_failure
from aad.escalationlog import Decision, EscalationLog, free_id
from aad.events import (
    Action,
    EscalationDecided,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Event,
)
from aad.process import SpawnError, run_child

Handler = Callable[[EscalationLog], Awaitable[Decision | None]]
Notify = Callable[[EscalationLog, Path], Awaitable[None]]

# Seconds that a notification command may take.
NOTIFY_LIMIT = 10.0
NOTIFY_GRACE = 1.0

logger = logging.getLogger("aad")


def decide_by_policy(log: EscalationLog) -> Decision:
    """Return what the parent session does when nobody else says: retry what may be retried, never guess."""
    if log.level is EscalationLevel.CRITICAL:
        return Decision(action=Action.ABORT)
    if log.kind is EscalationKind.QUESTION or log.failure is None:
        return Decision(action=Action.WAIT)
    return Decision(action=Action.RETRY if log.will_retry else Action.SKIP)


@frozen
class _Request:
    log: EscalationLog
    reply: trio.MemorySendChannel[Decision] | None


@define(eq=False, kw_only=True)
class ParentSession:
    """Takes escalations from all sessions of a run and decides about each of them."""

    folder: Path
    emit: Callable[[Event], None]
    show_path: Callable[[Path], str]
    abort: Callable[[], None]
    handler: Handler | None = None
    notify: Notify | None = None
    _inbox: trio.MemorySendChannel[_Request] | None = field(default=None, init=False)
    _idle: trio.Event = field(factory=trio.Event, init=False)
    _taken: set[str] = field(factory=set, init=False)

    def raise_nowait(self, log: EscalationLog) -> EscalationLog:
        """Raise an escalation that nobody waits for; returns it with its id."""
        log = self._announce(log)
        self._send(_Request(log, None))
        return log

    async def raise_and_wait(self, log: EscalationLog) -> tuple[EscalationLog, Decision]:
        """Raise an escalation and wait for the parent's decision."""
        log = self._announce(log)
        reply, answer = trio.open_memory_channel[Decision](1)
        with reply, answer:
            self._send(_Request(log, reply))
            return log, await answer.receive()

    @property
    def serving(self) -> bool:
        """Whether escalations are taken by channel; else policy decides at once."""
        return self._inbox is not None

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take escalations until `finish`."""
        self._inbox, requests = trio.open_memory_channel[_Request](math.inf)
        self._idle = trio.Event()
        task_status.started()
        try:
            async with trio.open_nursery() as nursery:
                async for request in requests:
                    nursery.start_soon(self._take, request, nursery)
        finally:
            self._inbox = None
            self._idle.set()

    async def finish(self) -> None:
        """Take no more; wait until all that was raised is decided, and told to people."""
        if self._inbox is not None:
            self._inbox.close()
        await self._idle.wait()

    def _announce(self, log: EscalationLog) -> EscalationLog:
        escalation_id = self._new_id(log)
        log = evolve(log, id=escalation_id)
        self.emit(
            EscalationRaised(
                spec=log.spec_id,
                attempt=log.attempt,
                escalation=log.id,
                level=log.level,
                kind=log.kind,
                message=log.reason,
                path=self.show_path(self.folder / f"{log.id}.json"),
                failure=log.failure,
            )
        )
        return log

    def _new_id(self, log: EscalationLog) -> str:
        escalation_id = free_id(self.folder, log.spec_id, log.level, self._taken)
        self._taken.add(escalation_id)
        return escalation_id

    def _send(self, request: _Request) -> None:
        """Hand a request to the parent; where none serves, policy decides here and now."""
        if self._inbox is None:
            self._write(request.log)
            self._conclude(request, decide_by_policy(request.log))
        else:
            self._inbox.send_nowait(request)

    async def _take(self, request: _Request, nursery: trio.Nursery) -> None:
        path = self._write(request.log)
        if self.notify is not None and path is not None:
            nursery.start_soon(self.notify, request.log, path)
        decision = await self.handler(request.log) if self.handler is not None else None
        if decision is not None:
            decision = evolve(decision, by="handler" if decision.by == "policy" else decision.by)
        self._conclude(request, decision or decide_by_policy(request.log))

    def _conclude(self, request: _Request, decision: Decision) -> None:
        """Record a decision, then tell the session: nothing depends on it before it is recorded."""
        log = evolve(request.log, decision=evolve(decision, at=datetime.now(UTC)))
        self.emit(
            EscalationDecided(
                spec=log.spec_id,
                attempt=log.attempt,
                escalation=log.id,
                action=decision.action,
                by=decision.by,
                message=decision.text,
            )
        )
        self._write(log)
        # The answer first: an abort cancels whoever still waits.
        if request.reply is not None:
            with suppress(trio.ClosedResourceError):  # cancelled meanwhile
                request.reply.send_nowait(decision)
        if decision.action is Action.ABORT:
            self.abort()

    def _write(self, log: EscalationLog) -> Path | None:
        """Write the escalation's file. The journal has the facts too, so a full disk ends nothing here."""
        try:
            return log.write(self.folder)
        except OSError as error:
            logger.warning("%s.json cannot be written: %s", self.folder / log.id, error.strerror)
            return None


@frozen
class CommandNotifier:
    """Tells people by the configured command: the escalation on its stdin, its path in `AAD_ESCALATION`."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str

    async def __call__(self, log: EscalationLog, path: Path) -> None:
        env = {**self.env, "AAD_ESCALATION": str(path)}
        try:
            command = Command(argv=self.argv, env=env, cwd=self.cwd, stdin=log.dump())
            with trio.move_on_after(NOTIFY_LIMIT) as scope:
                end = await run_child(command, write=_ignore, grace=NOTIFY_GRACE, started=_ignore)
        except (OSError, SpawnError) as error:
            logger.warning("the notification command cannot be run: %s", error)
            return
        if scope.cancelled_caught:
            logger.warning("the notification command for %s took over %g s", log.id, NOTIFY_LIMIT)
        elif (failure := judge_exit(end).failure) is not None:
            reason = describe_failure("en", failure)
            logger.warning("the notification command for %s failed: %s", log.id, reason)


def _ignore(_: object) -> None:
    """Take what nobody reads."""
