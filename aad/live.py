"""What an agent asks while it works: its process lives on, and goes on as soon as somebody has answered.

Its slot is of more use to others meanwhile, and its clocks stand still. Where nobody answers in this run the
attempt ends as one that asked and stopped: a run that goes on takes the answer to the agent's next turn.
"""

import math
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field

from aad.agents.base import Verdict
from aad.agents.talk import Wants
from aad.attempt import Attempt
from aad.escalationlog import Decision, EscalationLog
from aad.events import Action
from aad.process import SpawnError
from aad.slot import Slot

# Takes a question to the parent session; returns it as it was raised, and the decision, if there is one.
Ask = Callable[[Wants], Awaitable[tuple[EscalationLog, Decision | None]]]


@define(eq=False, kw_only=True)
class LiveQuestions:
    """The questions of one attempt, one after the other.

    `unanswered` is the one that has ended the attempt, with the decision: there was none, or another than an
    answer, or the run had stopped when the answer came.
    """

    attempt: Attempt
    slot: Slot
    ask: Ask
    unanswered: tuple[EscalationLog, Decision | None] | None = field(default=None, init=False)
    _send: trio.MemorySendChannel[Wants] = field(init=False)
    _receive: trio.MemoryReceiveChannel[Wants] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel(math.inf)

    def take(self, wants: Wants) -> None:
        """Take a question that is to be asked."""
        self._send.send_nowait(wants)

    async def attend(self) -> Verdict:
        """Make the attempt, and ask what its agent asks meanwhile; raises SpawnError."""
        if not self.attempt.speaks:
            return await self.attempt.run()
        error: SpawnError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve, name="questions")
            try:
                verdict = await self.attempt.run()
            except SpawnError as raised:  # a nursery would wrap it
                error = raised
            nursery.cancel_scope.cancel()
        if error is not None:
            raise error
        return verdict

    async def _serve(self) -> None:
        async for wants in self._receive:
            await self._deal(wants)

    async def _deal(self, wants: Wants) -> None:
        self.attempt.hold()
        log, decision = await self.ask(wants)
        answered = decision is not None and decision.action is Action.ANSWER
        if decision is None or not answered or not (self.slot.held or await self.slot.acquire()):
            self.unanswered = log, decision
            self.attempt.stop_asking()
            return
        self.attempt.go_on()
        self.attempt.answer(wants.request_id, decision.text or "", decision.option)
