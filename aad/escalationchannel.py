"""Escalations on a memory channel, for programs with a loop of their own: the other form of a handler."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define, field, frozen

from aad.escalation import Handler
from aad.escalationlog import Decision, EscalationLog


@define(eq=False)
class EscalationRequest:
    """An escalation that wants a decision; `decide` gives it, and only the first counts."""

    log: EscalationLog
    _decision: Decision | None = field(default=None, init=False)
    _decided: trio.Event = field(factory=trio.Event, init=False)

    def decide(self, decision: Decision | None) -> None:
        """Decide; None leaves it to policy."""
        if not self._decided.is_set():
            self._decision = decision
            self._decided.set()

    async def wait_decided(self) -> Decision | None:
        await self._decided.wait()
        return self._decision


@frozen
class EscalationChannel:
    """The two ends: `handler` for the orchestrator, `requests` for the program."""

    handler: Handler
    requests: trio.MemoryReceiveChannel[EscalationRequest]


@asynccontextmanager
async def open_escalation_channel() -> AsyncIterator[EscalationChannel]:
    """Open a channel on which a program receives escalations, and decides about them in its own time.

    Once the block is left, however that comes about, policy decides about all that is not decided.

    >>> import trio
    >>> from aad import Action, Decision, Orchestrator
    >>> async def decide(requests):
    ...     async for request in requests:
    ...         print(request.log.spec_id, request.log.reason)
    ...         request.decide(Decision(action=Action.SKIP))
    >>> async def main():
    ...     async with open_escalation_channel() as channel, trio.open_nursery() as nursery:
    ...         nursery.start_soon(decide, channel.requests)
    ...         orchestrator = Orchestrator(root=project, escalation_handler=channel.handler)
    ...         orchestrator.register_spec("BUILD", run="exit 3")
    ...         state = await orchestrator.run()
    ...         orchestrator.close()
    ...         nursery.cancel_scope.cancel()
    ...     return state.exit_code
    >>> trio.run(main)
    BUILD exit code 3
    1
    """
    send, receive = trio.open_memory_channel[EscalationRequest](math.inf)
    open_requests: set[EscalationRequest] = set()

    async def ask(log: EscalationLog) -> Decision | None:
        request = EscalationRequest(log)
        try:
            send.send_nowait(request)
        except (trio.BrokenResourceError, trio.ClosedResourceError):  # nobody receives any more
            return None
        open_requests.add(request)
        try:
            return await request.wait_decided()
        finally:
            open_requests.discard(request)

    with send, receive:
        try:
            yield EscalationChannel(ask, receive)
        finally:
            for request in open_requests:
                request.decide(None)
