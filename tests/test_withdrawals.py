"""What an agent asked and no longer waits for is asked of nobody, and closed for good."""

from pathlib import Path

import pytest
import trio
from attrs import evolve
from parentsession import ANSWER, ASKED, RECALLED, Office, Session, serving
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.escalation import WITHDRAWN
from aad.escalationlog import Decision, EscalationLog
from aad.events import AGENT, Action

ASKS_NO_MORE = "withdrawn: the agent no longer waits for an answer"
BY_HANDLER = Decision(action=Action.WITHDRAW, by="handler")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def session() -> Session:
    return Session()


async def test_what_is_withdrawn_is_closed_at_once_and_nobody_is_asked_any_more(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        log = parent.announce(ASKED)
        sessions.start_soon(session.settle, parent, log)
        await trio.sleep(10.1)
        parent.withdraw(log)
        still_open = parent.list_open()

    ((decision, when),) = session.ends
    assert (decision, when) == (WITHDRAWN, 10.1)
    assert (still_open, session.heard) == ([], ["wait for A-error", "go on"])
    assert office.decisions == [("A-error", "withdraw", "agent")]


async def test_the_file_says_that_the_agent_waits_no_longer(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        log = parent.announce(ASKED)
        sessions.start_soon(session.settle, parent, log)
        await wait_all_tasks_blocked()
        parent.withdraw(log)

    told = office.read("A-error")
    decision = told["decision"]
    assert isinstance(decision, dict)
    assert (told["state"], decision["action"], decision["by"], decision["text"]) == (
        "decided",
        "withdraw",
        "agent",
        ASKS_NO_MORE,
    )


async def test_a_person_who_decided_just_before_is_before_the_agent(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        log = parent.announce(ASKED)
        sessions.start_soon(session.settle, parent, log)
        await wait_all_tasks_blocked()
        office.decide("A-error", ANSWER)
        parent.withdraw(log)

    assert office.decisions == [("A-error", "answer", "person")]


async def test_a_handler_that_thinks_about_it_is_cancelled(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def think(log: EscalationLog) -> None:
        await trio.sleep(1000)

    async with serving(parent := office.open(think)) as sessions:
        log = parent.announce(ASKED)
        sessions.start_soon(session.settle, parent, log)
        await trio.sleep(1)
        parent.withdraw(log)

    assert (session.ends, trio.current_time()) == ([(WITHDRAWN, 1.0)], 1.0)


async def test_where_nobody_serves_a_handler_that_thinks_about_it_is_cancelled_too(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def think(log: EscalationLog) -> None:
        await trio.sleep(1000)

    parent = office.open(think)
    log = parent.announce(ASKED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.settle, parent, log)
        await trio.sleep(1)
        parent.withdraw(log)

    assert session.ends == [(WITHDRAWN, 1.0)]
    assert office.read("A-error")["state"] == "decided"


async def test_what_is_decided_is_not_withdrawn(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        log = parent.announce(ASKED)
        sessions.start_soon(session.settle, parent, log)
        await wait_all_tasks_blocked()
        parent.decide("A-error", ANSWER)
        parent.withdraw(log)

    assert office.decisions == [("A-error", "answer", "person")]


# Nobody else withdraws anything.


async def test_a_handler_that_withdraws_leaves_it_to_policy(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def withdraw(log: EscalationLog) -> Decision:
        return BY_HANDLER

    async with serving(parent := office.open(withdraw)) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1)
        open_then = [log.id for log in parent.list_open()]
        parent.park()

    assert (open_then, office.decisions) == (["A-error"], [])


async def test_a_person_cannot_withdraw_it(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await wait_all_tasks_blocked()
        parent.decide("A-error", BY_HANDLER)
        office.decide("A-error", evolve(WITHDRAWN, by="person"))
        await trio.sleep(1)
        parent.park()

    assert office.decisions == []


async def test_a_run_that_goes_on_takes_what_the_file_says_where_the_journal_was_cut(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    evolve(RECALLED, decision=WITHDRAWN).write(office.folder)

    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.recall, parent, RECALLED)

    assert office.decisions == [("A-error", "withdraw", AGENT)]
    ((decision, _),) = session.ends
    assert decision is not None
    assert decision.action is Action.WITHDRAW
