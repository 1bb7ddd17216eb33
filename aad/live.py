"""What an agent asks while it works: its process lives on, and goes on as soon as somebody has answered.

Its slot is of more use to others meanwhile, and its clocks stand still. Where nobody answers in this run the
attempt ends as one that asked and stopped: a run that goes on takes the answer to the agent's next turn. What
the agent no longer waits for is asked of nobody.
"""

import math
from collections.abc import Callable

import trio
from attrs import define, field

from aad import messages
from aad.agents.base import Verdict
from aad.agents.talk import Wants
from aad.attempt import Attempt
from aad.crew import Parent, Waiter
from aad.escalationlog import Decision, EscalationLog
from aad.events import Action, EscalationKind
from aad.process import SpawnError
from aad.slot import Slot


@define(eq=False, kw_only=True)
class LiveQuestions:
    """The questions of one attempt, one after the other.

    `announce` raises one, which the `parent` session is yet to settle with the `waiter`; `note_answer` hears
    what the agent is told. `unanswered` is the one that has ended the attempt, with the decision: there was
    none, or another than an answer, or the run had stopped when the answer came.
    """

    attempt: Attempt
    slot: Slot
    waiter: Waiter
    parent: Parent
    announce: Callable[[Wants], EscalationLog]
    note_answer: Callable[[Decision], None]
    unanswered: tuple[EscalationLog, Decision | None] | None = field(default=None, init=False)
    # What is yet to be asked, and what is being asked, by the id of the request.
    _waiting: dict[str, Wants] = field(factory=dict, init=False)
    _asked: dict[str, EscalationLog] = field(factory=dict, init=False)
    _send: trio.MemorySendChannel[Wants] = field(init=False)
    _receive: trio.MemoryReceiveChannel[Wants] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel(math.inf)

    def take(self, wants: Wants) -> None:
        """Take a question that is to be asked."""
        self._waiting[wants.request_id] = wants
        self._send.send_nowait(wants)

    def withdraw(self, request_id: str) -> None:
        """Ask no more what the agent no longer waits for."""
        self._waiting.pop(request_id, None)
        if request_id in self._asked:
            self.parent.withdraw(self._asked[request_id])

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
            # It was ended in the midst of a question.
            for request_id in self._asked:
                self.withdraw(request_id)
            nursery.cancel_scope.cancel()
        if error is not None:
            raise error
        return verdict

    async def _serve(self) -> None:
        """Ask until an answer is missing; what is asked beside that question ends with its attempt."""
        async for wants in self._receive:
            if self._waiting.pop(wants.request_id, None) is wants:
                await self._deal(wants)
            if self.unanswered is not None:
                return

    async def _deal(self, wants: Wants) -> None:
        self.attempt.hold()
        log = self.announce(wants)
        decision = await self._settle(wants.request_id, log)
        if decision is not None and decision.action is Action.WITHDRAW:
            self.attempt.go_on()  # it has gone on already, and needs no leave
            await self._take_slot()
            return
        if decision is not None and decision.action is Action.ANSWER:
            # At once: the agent may end while a slot is waited for.
            self.note_answer(decision)
        if decision is None or decision.action is not Action.ANSWER or not await self._take_slot():
            self._give_up(log, decision)
            return
        self.attempt.go_on()
        self.attempt.answer(wants.request_id, decision.text or "", decision.option)

    def _give_up(self, log: EscalationLog, decision: Decision | None) -> None:
        """End the attempt with a question that has no answer; what is asked besides is told, and not lost."""
        self.unanswered = log, decision
        goes_on = decision is None or decision.action is Action.ANSWER
        for wants in self._waiting.values() if goes_on else ():
            told = messages.text("en", "note.asked_besides", {"question": wants.text})
            self.attempt.warn_of(EscalationKind.QUESTION, told)
        self.attempt.stop_asking()

    async def _settle(self, request_id: str, log: EscalationLog) -> Decision | None:
        self._asked[request_id] = log
        decision = await self.parent.settle(log, self.waiter)
        del self._asked[request_id]
        return decision

    async def _take_slot(self) -> bool:
        """Have a slot again; tell whether there is one for who is yet to go on."""
        return self.slot.held or await self.slot.acquire()
