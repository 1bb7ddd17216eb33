"""Children's trouble on its way up to the parent session, and the parent's reply on its way down.

A session raises an `EscalationLog` on a memory channel. The parent session writes it to `.aad/escalations/`,
tells people, decides (an embedder's handler first, else policy), and answers the session that waits.
"""

import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import trio
from attrs import define, evolve, field, frozen

from aad.agents.base import Command
from aad.agents.command import judge_exit
from aad.attempt import RunChild
from aad.display.failures import describe_failure
from aad.escalationlog import Decision, EscalationLog, free_id
from aad.events import (
    Action,
    EscalationDecided,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Event,
    Failure,
)
from aad.keepers import KeeperLostError
from aad.process import SpawnError
from aad.project import make_folder

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
    """An escalation on its way up. A reply of None means that nobody serves any more."""

    log: EscalationLog
    reply: trio.MemorySendChannel[Decision | None] | None = None


@define(eq=False, kw_only=True)
class ParentSession:
    """Takes escalations from all sessions of a run and decides about each of them.

    While `serve` runs they come over a memory channel. Without it whoever waits asks the handler itself, and
    policy decides about the rest.
    """

    folder: Path
    emit: Callable[[Event], None]
    show_path: Callable[[Path], str]
    abort: Callable[[], None]
    handler: Handler | None = None
    notify: Notify | None = None
    redact: Callable[[str], str] = str
    _inbox: trio.MemorySendChannel[_Request] | None = field(default=None, init=False)
    _idle: trio.Event = field(factory=trio.Event, init=False)
    _undecided: dict[str, _Request] = field(factory=dict, init=False)
    _numbers: Counter[tuple[str, EscalationLevel]] = field(factory=Counter, init=False)

    def raise_nowait(self, log: EscalationLog) -> EscalationLog:
        """Raise an escalation that nobody waits for; returns it with its id."""
        log = self._announce(log)
        if self._inbox is None:
            self._write(log)
            self._conclude(_Request(log), decide_by_policy(log))
        else:
            self._send(_Request(log))
        return log

    async def raise_and_wait(self, log: EscalationLog) -> tuple[EscalationLog, Decision]:
        """Raise an escalation and wait for the parent's decision."""
        log = self._announce(log)
        decision = None if self._inbox is None else await self._ask_above(log)
        if decision is None:
            self._write(log)
            decision = await self._decide(_Request(log))
        return log, decision

    @property
    def serving(self) -> bool:
        """Whether escalations are taken by channel."""
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
            # A bug of the handler flies and ends all; a cancelled caller leaves the others to themselves.
            if trio.current_effective_deadline() == -math.inf:
                self._leave_undecided()
            self._idle.set()

    async def finish(self) -> None:
        """Take no more by channel; wait until all that was raised is decided, and told to people."""
        if self._inbox is not None:
            self._inbox.close()
            self._inbox = None
        await self._idle.wait()

    def _announce(self, log: EscalationLog) -> EscalationLog:
        log = self._mask(evolve(log, id=self._new_id(log)))
        self.emit(
            EscalationRaised(
                spec=log.spec_id,
                attempt=log.attempt,
                escalation=log.id,
                level=log.level,
                kind=log.kind,
                message=log.reason,
                path=self.show_path(self.folder / f"{log.id}.json"),
                elapsed_s=log.elapsed,
                limit_s=log.limit,
                failure=log.failure,
                question=log.question,
                rises=log.rises,
            )
        )
        return log

    def _mask(self, log: EscalationLog) -> EscalationLog:
        return evolve(
            log, reason=self.redact(log.reason), failure=log.failure and self._mask_failure(log.failure)
        )

    def _mask_failure(self, failure: Failure) -> Failure:
        files = tuple(map(self.redact, failure.files))
        return evolve(failure, message=self.redact(failure.message), files=files)

    def _new_id(self, log: EscalationLog) -> str:
        first = self._numbers[log.spec_id, log.level] + 1
        name, number = free_id(self.folder, log.spec_id, log.level, first)
        self._numbers[log.spec_id, log.level] = number
        return name

    def _send(self, request: _Request) -> None:
        if self._inbox is None:
            raise AssertionError
        self._undecided[request.log.id] = request
        self._inbox.send_nowait(request)

    async def _ask_above(self, log: EscalationLog) -> Decision | None:
        """Send an escalation up and wait for the reply."""
        reply, answer = trio.open_memory_channel[Decision | None](1)
        with reply, answer:
            self._send(_Request(log, reply))
            return await answer.receive()

    def _leave_undecided(self) -> None:
        """Keep what was raised and not decided: its file stays open, and who waits must decide alone."""
        for request in self._undecided.values():
            self._write(request.log)
            _reply(request, None)
        self._undecided.clear()

    async def _take(self, request: _Request, nursery: trio.Nursery) -> None:
        path = self._write(request.log)
        if self.notify is not None and path is not None:
            nursery.start_soon(self.notify, request.log, path)
        await self._decide(request)

    async def _decide(self, request: _Request) -> Decision:
        """Ask the handler, else policy, and see to it that the decision is known."""
        decision = await self.handler(request.log) if self.handler is not None else None
        if decision is None:
            decision = decide_by_policy(request.log)
        elif decision.by == "policy":
            decision = evolve(decision, by="handler")
        self._conclude(request, decision)
        return decision

    def _conclude(self, request: _Request, decision: Decision) -> None:
        """Record a decision, then tell the session: nothing depends on it before it is recorded."""
        self._undecided.pop(request.log.id, None)
        words = decision.text and self.redact(decision.text)
        log = evolve(request.log, decision=evolve(decision, text=words, at=datetime.now(UTC)))
        self.emit(
            EscalationDecided(
                spec=log.spec_id,
                attempt=log.attempt,
                escalation=log.id,
                action=decision.action,
                by=decision.by,
                message=words,
                option=decision.option and self.redact(decision.option),
            )
        )
        if decision.action is not Action.WAIT or log.question is None:  # a question stays open for a person
            self._write(log)
        # The answer first: an abort cancels whoever still waits.
        _reply(request, decision)
        if decision.action is Action.ABORT:
            self.abort()

    def _write(self, log: EscalationLog) -> Path | None:
        """Write the escalation's file. The journal has the facts too, so a full disk ends nothing here."""
        try:
            return self._write_file(log)
        except OSError as error:
            logger.warning("%s.json cannot be written: %s", self.folder / log.id, error.strerror)
            return None

    def _write_file(self, log: EscalationLog) -> Path:
        try:
            return log.write(self.folder)
        except FileNotFoundError:  # a child has removed the folder
            make_folder(self.folder)
            return log.write(self.folder)


def _reply(request: _Request, decision: Decision | None) -> None:
    if request.reply is not None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # whoever waited was cancelled
            request.reply.send_nowait(decision)


@frozen
class CommandNotifier:
    """Tells people by the configured command: the escalation on its stdin, its path in `AAD_ESCALATION`."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    run_child: RunChild

    async def __call__(self, log: EscalationLog, path: Path) -> None:
        env = {**self.env, "AAD_ESCALATION": str(path)}
        try:
            command = Command(argv=self.argv, env=env, cwd=self.cwd, stdin=log.dump())
            with trio.move_on_after(NOTIFY_LIMIT) as scope:
                end = await self.run_child(command, write=_ignore, grace=NOTIFY_GRACE, started=_ignore)
        except (OSError, SpawnError, KeeperLostError) as error:
            logger.warning("the notification command cannot be run: %s", error)
            return
        if scope.cancelled_caught:
            logger.warning("the notification command for %s took over %g s", log.id, NOTIFY_LIMIT)
        elif (failure := judge_exit(end).failure) is not None:
            reason = describe_failure("en", failure)
            logger.warning("the notification command for %s failed: %s", log.id, reason)


def _ignore(_: object) -> None:
    """Take what nobody reads."""
