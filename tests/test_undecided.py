"""What becomes of what nobody decides: it is parked, taken up again by a later run, and it rises."""

import pytest
import trio
from attrs import evolve
from parentsession import (
    ANSWER,
    ASKED,
    FAILED,
    RECALLED,
    SKIP,
    WARNED,
    Office,
    Session,
    office,
    serving,
    session,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.config import PolicyRule
from aad.escalation import ParentSession
from aad.escalationlog import Decision, EscalationLog
from aad.events import Action

__all__ = ["office", "session"]

# Parking.


async def test_to_park_leaves_the_file_open_and_who_waits_gets_no_decision(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1)
        parent.park()

    assert (session.heard, session.ends) == (["wait for A-error"], [(None, 1.0)])
    assert (office.read("A-error")["state"], office.decisions) == ("open", [])


async def test_what_is_parked_as_soon_as_it_is_asked_has_a_file_and_people_are_told(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def park(parent: ParentSession) -> None:
        while not parent.list_open():
            await trio.lowlevel.checkpoint()
        parent.park()

    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(park, parent)
        sessions.start_soon(session.ask, parent, ASKED)

    assert session.ends == [(None, 0.0)]
    assert office.read("A-error")["state"] == "open"
    assert [name for name, _, _ in office.notes] == ["A-error.json"]


async def test_to_park_takes_what_stands_in_the_file_already(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1)
        office.decide("A-error", ANSWER)
        parent.park()

    assert (session.ends, office.decisions) == ([(ANSWER, 1.0)], [("A-error", "answer", "person")])


async def test_to_park_leaves_alone_what_a_handler_thinks_about_before_people_do(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def ponder(log: EscalationLog) -> None:
        await trio.sleep(10)

    async with serving(parent := office.open(ponder)) as sessions:
        sessions.start_soon(session.ask, parent, FAILED)
        await trio.sleep(1)
        parent.park()

    assert session.ends == [(Decision(action=Action.SKIP), 10.0)]


# What an earlier run left open.


async def test_what_is_recalled_is_neither_announced_nor_notified_again(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    RECALLED.write(office.folder)
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.recall, parent, RECALLED)
        await trio.sleep(10.1)
        told = (list(office.events.events), list(office.notes), list(session.heard))
        office.decide("A-error", ANSWER)

    assert told == ([], [], ["wait for A-error"])
    assert (session.ends, office.decisions) == ([(ANSWER, 10.25)], [("A-error", "answer", "person")])


@pytest.mark.parametrize("serves", [False, True])
async def test_what_is_recalled_takes_what_stands_in_its_file(
    office: Office, session: Session, autojump_clock: MockClock, serves: bool
) -> None:
    async def never(log: EscalationLog) -> None:
        raise AssertionError

    RECALLED.write(office.folder)
    office.decide("A-error", ANSWER)
    parent = office.open(never)
    if serves:
        async with serving(parent) as sessions:
            sessions.start_soon(session.recall, parent, RECALLED)
    else:
        await session.recall(parent, RECALLED)

    assert (session.heard, session.ends) == (["go on"], [(ANSWER, 0.0)])
    assert office.events.story == ["escalation_decided A"]
    assert office.notes == []


async def test_what_is_recalled_is_left_to_people_whatever_it_is(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    failed = evolve(FAILED, failure=None, id="A-error")
    failed.write(office.folder)
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.recall, parent, failed)
        await trio.sleep(10.1)
        office.decide("A-error", SKIP)

    assert (session.heard, session.ends) == (["wait for A-error", "go on"], [(SKIP, 10.25)])


async def test_what_is_recalled_and_has_no_file_gets_one(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.recall, parent, RECALLED)
        await wait_all_tasks_blocked()
        told = office.read("A-error")
        parent.park()

    # Whoever was to be told of it was not: the run was killed before.
    assert told == RECALLED.to_json()
    assert office.notes == [("A-error.json", "error", 0.0)]


# What nobody decides.


async def test_what_nobody_decides_rises_and_keeps_its_id(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open(stale_after=6)) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(30.1)
        told = office.read("A-error")
        parent.park()

    assert office.raised == [("A-error", "error", 0), ("A-error", "critical", 1)]
    assert office.notes == [("A-error.json", "error", 0.0), ("A-error.json", "critical", 6.0)]
    assert (told["level"], told["rises"], told["state"]) == ("critical", 1, "open")
    assert (office.files, session.heard) == (["A-error.json"], ["wait for A-error"])


async def test_what_has_risen_to_the_top_ends_no_run_and_takes_a_decision(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open(stale_after=6)) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(30.1)
        office.decide("A-error", ANSWER)

    assert (office.aborts, session.ends) == ([], [(ANSWER, 30.25)])
    told = office.read("A-error")
    assert (told["level"], told["rises"], told["state"]) == ("critical", 1, "decided")


async def test_a_warning_rises_twice_and_no_more(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open(stale_after=6)) as sessions:
        sessions.start_soon(session.ask, parent, WARNED)
        await trio.sleep(30.1)
        parent.park()

    assert office.raised == [
        ("A-warning", "warning", 0),
        ("A-warning", "error", 1),
        ("A-warning", "critical", 2),
    ]
    assert [moment for _, _, moment in office.notes] == [0.0, 6.0, 12.0]
    assert office.aborts == []


async def test_what_rose_twice_in_an_earlier_run_rises_no_more(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open(stale_after=6)) as sessions:
        sessions.start_soon(session.recall, parent, evolve(RECALLED, rises=2))
        await trio.sleep(30.1)
        parent.park()

    assert office.raised == []


async def test_nothing_rises_where_no_time_is_set(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(30.1)
        parent.park()

    assert office.raised == [("A-error", "error", 0)]


async def test_nothing_rises_while_a_handler_thinks_before_people_do(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def ponder(log: EscalationLog) -> None:
        await trio.sleep(10)

    async with serving(parent := office.open(ponder, stale_after=6)) as sessions:
        sessions.start_soon(session.ask, parent, FAILED)

    assert office.raised == [("A-error", "error", 0)]


async def test_it_rises_so_long_after_it_was_left_to_people(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def leave(log: EscalationLog) -> Decision:
        await trio.sleep(5.1)
        return Decision(action=Action.WAIT)

    async with serving(parent := office.open(leave, stale_after=6)) as sessions:
        sessions.start_soon(session.ask, parent, FAILED)
        await trio.sleep(20.1)
        parent.park()

    assert office.notes == [("A-error.json", "error", 0.0), ("A-error.json", "critical", 11.25)]


async def test_a_rule_for_the_level_that_it_rose_to_applies(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    rule = PolicyRule(action="skip", level="critical")
    async with serving(parent := office.open(rules=(rule,), stale_after=6)) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)

    assert session.ends == [(Decision(action=Action.SKIP), 6.0)]
    assert office.decisions == [("A-error", "skip", "policy")]


async def test_a_rule_for_that_level_may_abort(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    rule = PolicyRule(action="abort", level="critical")
    async with serving(parent := office.open(rules=(rule,), stale_after=6)) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)

    assert (session.ends, office.aborts) == ([(Decision(action=Action.ABORT), 6.0)], [6.0])


async def test_a_person_who_decided_just_before_is_before_that_rule(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    rule = PolicyRule(action="skip", level="critical")
    async with serving(parent := office.open(rules=(rule,), stale_after=6)) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(5.9)
        office.decide("A-error", ANSWER)

    assert (session.ends, office.decisions) == ([(ANSWER, 6.0)], [("A-error", "answer", "person")])
    assert office.raised == [("A-error", "error", 0)]
