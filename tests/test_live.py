"""What an agent asks while it works is asked at once, and answered while it lives."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
import trio
from attrs import define, evolve, field, frozen
from scripted_agent import AgentRig, PaperAgent, PaperReader, final, line, opened
from trio.testing import MockClock

from aad.agents.base import Job
from aad.agents.reader import Take
from aad.agents.records import Record, dig_text
from aad.agents.talk import Talk, Wants, Withdrawn
from aad.attempt import Limits
from aad.escalationlog import Decision
from aad.events import PERSON, Action, EscalationKind
from aad.testing import Script

ANSWER = Decision(action=Action.ANSWER, by=PERSON, text="green", option="green")
SKIP = Decision(action=Action.SKIP, by=PERSON)
WAIT = Decision(action=Action.WAIT)


@define(eq=False)
class TalkingReader(PaperReader):
    """Says `go`, passes on what is asked, and says what was answered."""

    is_done: bool = field(default=False, init=False)
    _words: bytes = field(default=b"", init=False)

    def begin(self) -> bytes:
        return b"go"

    def take_outgoing(self) -> bytes:
        words, self._words = self._words, b""
        return words

    def answer(self, request_id: str, text: str, option: str | None) -> None:
        self._words += json.dumps([request_id, text, option]).encode()

    def take_wants(self, record: Record) -> Iterator[Talk]:
        permission = record.get("permission") is True
        yield Wants(
            request_id=dig_text(record, "id"), text="Which?", options=("red", "green"), permission=permission
        )

    def take_withdrawal(self, record: Record) -> Iterator[Talk]:
        yield Withdrawn(request_id=dig_text(record, "id"))

    def take_last(self, record: Record) -> Iterator[Talk]:
        yield from self.take_final(record)
        self.is_done = True

    table: ClassVar[dict[str, Take]] = {
        **PaperReader.table,
        "wants": take_wants,
        "withdrawn": take_withdrawal,
        "final": take_last,
    }


@frozen
class TalkingAgent(PaperAgent):
    """An agent on paper that is talked with."""

    def speak(self, job: Job) -> TalkingReader:
        del job
        return TalkingReader()


class Talker:
    """The agent's other end: it asks for one thing after the other, and notes what it is told."""

    def __init__(self, *kinds: EscalationKind) -> None:
        self.kinds = list(kinds)
        self.heard: list[object] = []

    def __call__(self, words: bytes) -> bytes:
        self.heard.append(words.decode() if words == b"go" else json.loads(words))
        if not self.kinds:
            return final()
        asks_leave = self.kinds.pop(0) is EscalationKind.PERMISSION
        return line("wants", id=f"r{len(self.heard)}", permission=asks_leave)


@pytest.fixture
def talker() -> Talker:
    return Talker(EscalationKind.QUESTION)


@pytest.fixture
def rig(tmp_path: Path, talker: Talker) -> AgentRig:
    rig = AgentRig(tmp_path, TalkingAgent())
    rig.act(paper=(Script(output=opened("s1"), replies=talker), Script(last_output=final())))
    return rig


async def test_an_answer_reaches_the_agent_that_lives_and_it_goes_on(
    rig: AgentRig, talker: Talker, autojump_clock: MockClock
) -> None:
    rig.parent.decisions, rig.parent.delay = [ANSWER], 60.0

    await rig.run.run()

    assert talker.heard == ["go", ["r1", "green", "green"]]
    assert [step for step in rig.story if step.startswith(("session_", "raise", "release", "acquire"))] == [
        "session_started",
        "session_progress",
        "raise error question",
        "release",
        "session_waiting",
        "acquire",
        "release",
        "session_completed",
    ]


async def test_what_is_asked_one_after_the_other_is_answered_so(
    rig: AgentRig, talker: Talker, autojump_clock: MockClock
) -> None:
    talker.kinds = [EscalationKind.QUESTION, EscalationKind.PERMISSION]
    red = evolve(ANSWER, text="red", option="red")
    rig.parent.decisions = [ANSWER, red]

    await rig.run.run()

    assert talker.heard == ["go", ["r1", "green", "green"], ["r2", "red", "red"]]
    assert [log.kind for log in rig.parent.logs] == [EscalationKind.QUESTION, EscalationKind.PERMISSION]


async def test_its_clocks_stand_still_while_it_waits(
    rig: AgentRig, talker: Talker, autojump_clock: MockClock
) -> None:
    rig.spec = {"limits": Limits(timeout=10.0, stall=5.0)}
    rig.parent.decisions, rig.parent.delay = [ANSWER], 1000.0
    deadlines: list[float] = []

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(500)
        (attempt,) = rig.attempts
        deadlines += [attempt.deadline, attempt.works_silently]

    assert deadlines == [float("inf"), True]
    assert (attempt.deadline, attempt.last_sign) == (1010.0, 1000.0)


async def test_a_question_that_is_decided_otherwise_ends_the_attempt(
    rig: AgentRig, talker: Talker, autojump_clock: MockClock
) -> None:
    rig.parent.decisions = [SKIP]

    await rig.run.run()

    assert talker.heard == ["go"]
    assert rig.ending.type == "session_skipped"


async def test_the_time_that_a_person_takes_is_no_work_however_that_ends(
    rig: AgentRig, talker: Talker, autojump_clock: MockClock
) -> None:
    rig.parent.decisions, rig.parent.delay = [SKIP], 1000.0

    await rig.run.run()

    assert (rig.run.ran, trio.current_time()) == (0.0, 1000.0)


async def test_what_is_asked_beside_a_question_that_nobody_answers_is_told(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    def ask_twice(words: bytes) -> bytes:
        del words
        return line("wants", id="r1") + line("wants", id="r2")

    rig.act(paper=(Script(output=opened("s1"), replies=ask_twice), Script(last_output=final())))
    rig.parent.decisions = [WAIT]

    await rig.run.run()

    assert [(log.level, log.reason) for log in rig.parent.logs] == [
        ("error", "Which?"),
        ("warning", "also asked; the agent is told to ask it again when it goes on: Which?"),
    ]


async def test_where_nobody_answers_the_session_waits_for_a_run_that_goes_on(
    rig: AgentRig, talker: Talker, autojump_clock: MockClock
) -> None:
    rig.parent.decisions = [WAIT]

    await rig.run.run()

    known = rig.state.session("A")
    assert (rig.ends, known.status, known.agent_session) == ([], "waiting", "s1")
    assert "save" not in rig.story


async def test_where_nothing_more_is_started_the_answer_waits_for_a_run_that_goes_on(
    rig: AgentRig, talker: Talker, autojump_clock: MockClock
) -> None:
    rig.parent.decisions = [ANSWER]
    rig.place.refused = True

    await rig.run.run()

    assert talker.heard == ["go"]
    assert rig.ending.type == "session_cancelled"
    assert "save" not in rig.story
