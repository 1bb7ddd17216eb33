"""What people decide about an escalation, and what becomes of what nobody decides."""

from pathlib import Path

import pytest
import trio
from attrs import evolve
from parentsession import (
    ANSWER,
    ASKED,
    CHOICE,
    FAILED,
    RECALLED,
    SKIP,
    WARNED,
    Office,
    Session,
    raise_and_wait,
    refuse,
    serving,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.config import PolicyRule
from aad.errors import InputError
from aad.escalation import ParentSession
from aad.escalationlog import Decision, EscalationLog
from aad.events import (
    PERSON,
    Action,
    EscalationDecided,
    EscalationLevel,
)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def session() -> Session:
    return Session()


# People's decisions.


async def test_a_decision_in_the_file_reaches_who_waits_within_a_second(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(60.1)
        office.decide("A-error", ANSWER)

    assert session.ends == [(ANSWER, 60.25)]
    assert session.heard == ["wait for A-error", "go on"]
    assert office.events.events[1:] == [
        EscalationDecided(
            spec="A", attempt=1, escalation="A-error", action=Action.ANSWER, by="person", message="this one"
        )
    ]


async def test_a_decision_of_this_process_reaches_who_waits_at_once(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(10.1)
        parent.decide("A-error", ANSWER)

    assert session.ends == [(ANSWER, 10.1)]
    assert office.decisions == [("A-error", "answer", "person")]
    assert office.read("A-error")["state"] == "decided"


async def test_an_answer_of_this_process_by_its_number_names_the_option(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, CHOICE)
        await trio.sleep(1)
        parent.decide("A-error", Decision(action=Action.ANSWER, text="2"))

    chosen = Decision(action=Action.ANSWER, by=PERSON, text="SQLite", option="SQLite")
    assert [decision for decision, _ in session.ends] == [chosen]


async def test_a_decision_about_a_failure_is_taken_while_a_handler_still_thinks(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def think(_: EscalationLog) -> Decision | None:
        return await trio.sleep_forever()

    async with serving(parent := office.open(think)) as sessions:
        sessions.start_soon(session.ask, parent, FAILED)
        await trio.sleep(10.1)
        office.decide("A-error", SKIP)

    assert session.ends == [(SKIP, 10.25)]


async def test_a_handlers_answer_that_no_child_could_be_given_is_left_to_policy(
    office: Office, session: Session, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(_: EscalationLog) -> Decision:
        return Decision(action=Action.ANSWER, text=None)

    async with serving(parent := office.open(answer)) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(10.1)
        parent.decide("A-error", SKIP)

    assert session.ends == [(SKIP, 10.1)]
    assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
        "the answer to A-error is empty"
    ]


async def test_an_abort_by_a_person_ends_the_run(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    abort = Decision(action=Action.ABORT, by=PERSON)
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1.1)
        office.decide("A-error", abort)

    assert (session.ends, office.aborts) == ([(abort, 1.25)], [1.25])


async def test_an_abort_about_what_nobody_waits_for_ends_the_run(
    office: Office, autojump_clock: MockClock
) -> None:
    abort = Decision(action=Action.ABORT, by=PERSON)
    async with serving(parent := office.open()):
        parent.raise_nowait(evolve(WARNED, level=EscalationLevel.ERROR))
        await trio.sleep(1.1)
        office.decide("A-error", abort)
        await trio.sleep(1)

    assert office.aborts == [1.25]


async def test_of_two_decisions_the_one_in_the_file_counts_where_it_was_first(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1)
        office.decide("A-error", ANSWER)
        parent.decide("A-error", SKIP)

    assert [decision for decision, _ in session.ends] == [ANSWER]
    assert office.decisions == [("A-error", "answer", "person")]
    told = office.read("A-error")["decision"]
    assert isinstance(told, dict)
    assert told["text"] == "this one"


async def test_of_two_decisions_the_one_in_the_file_is_refused_where_it_was_second(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1)
        parent.decide("A-error", SKIP)
        with pytest.raises(InputError) as caught:
            office.decide("A-error", ANSWER)

    told = office.read("A-error")["decision"]
    assert isinstance(told, dict)
    assert str(caught.value) == (
        f"A-error is decided already: skip, by person at {told['at']} (aad escalations show A-error)"
    )
    assert [decision for decision, _ in session.ends] == [SKIP]
    assert office.decisions == [("A-error", "skip", "person")]


async def test_a_person_who_decided_in_the_file_was_before_the_handler(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def decide(log: EscalationLog) -> Decision:
        # Before the next look at the file.
        await trio.sleep(0.1)
        return Decision(action=Action.CONTINUE)

    async with serving(parent := office.open(decide)) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await wait_all_tasks_blocked()
        office.decide("A-error", ANSWER)

    assert (session.ends, office.decisions) == ([(ANSWER, 0.1)], [("A-error", "answer", "person")])


async def test_what_is_no_decision_is_passed_over(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    path = office.folder / "A-error.json"
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        for content in ("", "[]", '{"id": "A-error", "decision": {"action": "dance"}}'):
            await trio.sleep(1)
            path.write_text(content)
        await trio.sleep(1)
        ends = list(session.ends)
        parent.decide("A-error", SKIP)

    assert (ends, session.ends) == ([], [(SKIP, 4.0)])


async def test_an_answer_in_the_file_of_what_asks_nothing_is_passed_over(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, evolve(FAILED, failure=None))
        await trio.sleep(1)
        office.decide("A-error", ANSWER)
        await trio.sleep(1)
        parent.park()

    assert (session.ends, office.decisions) == ([(None, 2.0)], [])


async def test_an_answer_by_an_option_names_the_option(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    chosen = Decision(action=Action.ANSWER, by=PERSON, text="SQLite", option="SQLite")
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, CHOICE)
        await trio.sleep(1.1)
        office.decide("A-error", chosen)

    assert session.ends == [(chosen, 1.25)]
    assert office.events.events[-1] == EscalationDecided(
        spec="A",
        attempt=1,
        escalation="A-error",
        action=Action.ANSWER,
        by="person",
        message="SQLite",
        option="SQLite",
    )


@pytest.mark.parametrize(
    ("text", "option"),
    [("SQLite", "SQLite"), ("sqlite", "SQLite"), ("2", "SQLite"), ("neither", None)],
)
async def test_an_answer_in_the_words_of_an_option_names_the_option(
    office: Office, autojump_clock: MockClock, text: str, option: str | None
) -> None:
    async def choose(log: EscalationLog) -> Decision:
        return Decision(action=Action.ANSWER, text=text)

    async with serving(parent := office.open(choose)):
        await raise_and_wait(parent, CHOICE)

    told = office.read("A-error")["decision"]
    assert isinstance(told, dict)
    assert (told["text"], told["option"]) == (option or text, option)
    assert office.events.events[-1] == EscalationDecided(
        spec="A",
        attempt=1,
        escalation="A-error",
        action=Action.ANSWER,
        by="handler",
        message=option or text,
        option=option,
    )


async def test_to_decide_to_wait_decides_nothing(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1)
        parent.decide("A-error", Decision(action=Action.WAIT, by=PERSON))
        listed = [log.id for log in parent.list_open()]
        parent.park()

    assert (listed, office.decisions) == (["A-error"], [])


# What cannot be decided.


async def test_what_is_unknown_is_refused(office: Office, autojump_clock: MockClock) -> None:
    async with serving(parent := office.open()):
        refused = refuse(parent, "B-error", SKIP)

    assert refused == "B-error is not open: it is decided, or this run does not wait for it"
    assert refuse(parent, "B-error", SKIP) == "there is no escalation B-error (aad escalations lists them)"


async def test_what_is_decided_is_refused(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1)
        parent.decide("A-error", SKIP)
        refused = refuse(parent, "A-error", ANSWER)

    assert refused == "A-error is not open: it is decided, or this run does not wait for it"
    assert office.decisions == [("A-error", "skip", "person")]


async def test_what_is_parked_is_refused(office: Office, session: Session, autojump_clock: MockClock) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1)
        parent.park()
        refused = refuse(parent, "A-error", ANSWER)

    assert refused == "A-error is not open: it is decided, or this run does not wait for it"
    assert office.decisions == []


async def test_what_is_parked_may_be_decided_once_the_run_is_over(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, CHOICE)
        await trio.sleep(1)
        parent.park()

    parent.decide("A-error", Decision(action=Action.WAIT))
    parent.decide("A-error", Decision(action=Action.ANSWER, text="2"))
    refused = refuse(parent, "A-error", SKIP)

    decided = office.read("A-error")["decision"]
    assert isinstance(decided, dict)
    assert (decided["action"], decided["by"], decided["option"]) == ("answer", "person", "SQLite")
    assert refused.startswith("A-error is decided already")


async def test_an_answer_to_what_asks_nothing_is_refused(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, evolve(FAILED, failure=None))
        await trio.sleep(1)
        refused = refuse(parent, "A-error", ANSWER)
        parent.park()

    assert refused == (
        "A-error asks nothing (aad escalations resolve A-error --retry, --skip, --continue or --abort)"
    )


async def test_words_that_hold_a_secret_are_refused_and_it_stays_open(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    parent = office.open(redact=lambda text: text.replace("hunter2", "[redacted]"))
    async with serving(parent) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1)
        refused = refuse(parent, "A-error", evolve(ANSWER, text="it is hunter2"))
        listed = [log.id for log in parent.list_open()]
        parent.park()

    assert refused == (
        "the answer to A-error holds a secret, which would lie in files"
        " (put it where the session can read it, and answer with the name of that place)"
    )
    assert (listed, office.decisions) == (["A-error"], [])


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
