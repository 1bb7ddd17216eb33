"""What is decided about escalations where no parent session serves: by a handler and by policy alone."""

from pathlib import Path

import pytest
from parentsession import ASKED, FAILED, Office, Session, raise_and_wait
from trio.testing import MockClock

from aad.escalationlog import Decision, EscalationLog
from aad.events import Action


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def session() -> Session:
    return Session()


def test_where_nobody_serves_policy_decides_here_and_now(office: Office) -> None:
    async def never(log: EscalationLog) -> None:
        raise AssertionError

    office.open(never).raise_nowait(FAILED)

    assert office.decisions == [("A-error", "skip", "policy")]
    assert office.read("A-error")["state"] == "decided"


async def test_where_nobody_serves_who_waits_gets_policys_answer(
    office: Office, autojump_clock: MockClock
) -> None:
    log, decision = await raise_and_wait(office.open(), FAILED)

    assert (log.id, decision) == ("A-error", Decision(action=Action.SKIP))


async def test_where_nobody_serves_who_waits_asks_the_handler_itself(
    office: Office, autojump_clock: MockClock
) -> None:
    async def decide(log: EscalationLog) -> Decision:
        return Decision(action=Action.CONTINUE)

    log, decision = await raise_and_wait(office.open(decide), FAILED)

    assert (log.id, decision) == ("A-error", Decision(action=Action.CONTINUE, by="handler"))


async def test_where_nobody_serves_the_file_of_a_question_says_what_was_answered(
    office: Office, autojump_clock: MockClock
) -> None:
    async def answer(log: EscalationLog) -> Decision:
        return Decision(action=Action.ANSWER, text="this one")

    await raise_and_wait(office.open(answer), ASKED)

    assert office.read("A-error")["state"] == "decided"
    assert office.notes == []


async def test_where_nobody_serves_people_are_not_waited_for(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    await session.ask(office.open(), ASKED)

    assert session.ends == [(None, 0.0)]
    assert (office.read("A-error")["state"], office.decisions) == ("open", [])
