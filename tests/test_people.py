"""What people decide about an escalation, and what cannot be decided."""

import pytest
import trio
from attrs import evolve
from parentsession import (
    ANSWER,
    ASKED,
    CHOICE,
    FAILED,
    SKIP,
    WARNED,
    Office,
    Session,
    office,
    raise_and_wait,
    refuse,
    serving,
    session,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.errors import InputError
from aad.escalationlog import Decision, EscalationLog
from aad.events import PERSON, Action, EscalationDecided, EscalationLevel

__all__ = ["office", "session"]

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
