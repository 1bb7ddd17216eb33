"""Escalations go up, decisions come down, people are told."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from attrs import evolve
from parentsession import (
    ANSWER,
    ASKED,
    FAILED,
    LOST,
    RECALLED,
    SKIP,
    WARNED,
    Office,
    Session,
    office,
    raise_and_wait,
    serving,
    session,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.escalationlog import Decision, EscalationLog
from aad.events import (
    Action,
    EscalationDecided,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Failure,
    Reason,
)

__all__ = ["office", "session"]

# Raising.


async def test_an_escalation_is_raised_then_decided_and_its_file_says_both(
    office: Office, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()):
        log, decision = await raise_and_wait(parent, FAILED)

    assert (log, decision) == (evolve(FAILED, id="A-error"), Decision(action=Action.SKIP))
    assert office.events.events == [
        EscalationRaised(
            spec="A",
            attempt=1,
            escalation="A-error",
            level=EscalationLevel.ERROR,
            kind=EscalationKind.FAILED,
            message="exit code 3",
            path="A-error.json",
            failure=FAILED.failure,
        ),
        EscalationDecided(spec="A", attempt=1, escalation="A-error", action=Action.SKIP, by="policy"),
    ]
    told = office.read("A-error")
    assert (told["state"], told["id"]) == ("decided", "A-error")


async def test_the_file_is_open_while_the_decision_is_pending(
    office: Office, autojump_clock: MockClock
) -> None:
    seen: list[dict[str, object]] = []

    async def look(log: EscalationLog) -> None:
        seen.append(office.read(log.id))

    async with serving(parent := office.open(look)):
        await raise_and_wait(parent, FAILED)

    assert [(told["state"], told["decision"]) for told in seen] == [("open", None)]


async def test_each_level_counts_for_itself_and_no_id_is_given_twice(
    office: Office, autojump_clock: MockClock
) -> None:
    parent = office.open()
    async with serving(parent):
        ids = [
            parent.raise_nowait(log).id
            for log in (FAILED, FAILED, WARNED, evolve(FAILED, spec_id="B"), FAILED, LOST)
        ]

    assert ids == ["A-error", "A-error-2", "A-warning", "B-error", "A-error-3", "A-critical"]
    assert office.files == sorted(f"{name}.json" for name in ids)


async def test_ids_go_on_where_an_earlier_run_left_off(office: Office, autojump_clock: MockClock) -> None:
    office.open().raise_nowait(FAILED)

    later = office.open().raise_nowait(FAILED)

    assert (later.id, office.files) == ("A-error-2", ["A-error-2.json", "A-error.json"])


async def test_what_nobody_waits_for_is_decided_all_the_same(
    office: Office, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()):
        parent.raise_nowait(WARNED)

    assert office.decisions == [("A-warning", "wait", "policy")]


async def test_a_question_waits_for_a_person_from_the_start(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(60)
        told = (list(session.heard), list(session.ends), office.read("A-error")["state"])
        parent.park()

    assert told == (["wait for A-error"], [], "open")
    assert office.read("A-error")["question"] == {"text": "Which?", "options": []}


async def test_what_policy_decides_is_left_to_nobody(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, FAILED)

    assert session.heard == ["go on"]


async def test_what_a_handler_leaves_to_people_waits_from_then_on(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def leave(log: EscalationLog) -> Decision:
        await trio.sleep(5)
        return Decision(action=Action.WAIT)

    async with serving(parent := office.open(leave)) as sessions:
        sessions.start_soon(session.ask, parent, FAILED)
        await trio.sleep(4)
        heard = [list(session.heard)]
        await trio.sleep(4)
        heard.append(list(session.heard))
        office.decide("A-error", SKIP)

    assert heard == [[], ["wait for A-error"]]
    assert (session.heard, office.decisions) == (
        ["wait for A-error", "go on"],
        [("A-error", "skip", "person")],
    )


async def test_what_waits_for_a_person_is_listed_the_oldest_first(
    office: Office, autojump_clock: MockClock
) -> None:
    async def think_about_failures(log: EscalationLog) -> None:
        if log.failure is not None:
            await trio.sleep(10)

    younger = evolve(ASKED, timestamp=datetime(2026, 11, 22, 22, tzinfo=UTC))
    listed: list[list[str]] = []
    async with serving(parent := office.open(think_about_failures)) as sessions:
        for log in (younger, evolve(ASKED, spec_id="B"), evolve(FAILED, spec_id="C")):
            sessions.start_soon(Session().ask, parent, log)
            await wait_all_tasks_blocked()
        listed.append([log.id for log in parent.list_open()])
        parent.decide("B-error", SKIP)
        listed.append([log.id for log in parent.list_open()])
        parent.park()
        listed.append([log.id for log in parent.list_open()])

    assert listed == [["B-error", "A-error"], ["A-error"], []]


def test_what_a_failure_says_is_masked_down_to_the_names_of_its_files(office: Office) -> None:
    parent = office.open(redact=lambda text: text.replace("hunter2", "[redacted]"))
    conflict = Failure(reason=Reason.CONFLICT, message="in hunter2", files=("hunter2.py",), blocked_by=("A",))

    parent.raise_nowait(evolve(FAILED, failure=conflict))

    assert office.read("A-error")["conflict"] == {"files": ["[redacted].py"], "specs": ["A"]}


async def test_what_is_decided_is_written_down_once_more(office: Office) -> None:
    office.open().restate(RECALLED, ANSWER)

    told = office.read("A-error")
    assert isinstance(told["decision"], dict)
    told["decision"].pop("at")
    assert (told["state"], told["decision"], office.events.events) == (
        "decided",
        {"action": "answer", "by": "person", "text": "this one", "option": None},
        [],
    )


async def test_a_parent_session_serves_from_its_start_to_its_end_and_again(
    office: Office, autojump_clock: MockClock
) -> None:
    parent = office.open()
    told = [parent.serving]
    for _ in range(2):
        async with serving(parent):
            told.append(parent.serving)
            await raise_and_wait(parent, FAILED)
        told.append(parent.serving)

    assert told == [False, True, False, True, False]
    assert len(office.decisions) == 2


# The folder.


@pytest.mark.parametrize("serves", [False, True])
async def test_a_folder_that_cannot_be_written_is_logged_and_decides_all_the_same(
    office: Office, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, serves: bool
) -> None:
    (office.folder / "file").touch()
    barred = Office(office.folder / "file/escalations")
    parent = barred.open()

    if serves:
        async with serving(parent):
            _, decision = await raise_and_wait(parent, FAILED)
    else:
        _, decision = await raise_and_wait(parent, FAILED)

    assert (decision, barred.notes) == (Decision(action=Action.SKIP), [])
    assert barred.events.story == ["escalation_raised A", "escalation_decided A"]
    # Once as it is raised, once as it is decided.
    path = office.folder / "file/escalations/A-error.json"
    assert (
        caplog.record_tuples == [("aad", logging.WARNING, f"{path} cannot be written: Not a directory")] * 2
    )


async def test_a_file_that_is_removed_comes_back(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(10)
        told = office.read("A-error")
        (office.folder / "A-error.json").unlink()
        await trio.sleep(1)
        told_again = office.read("A-error")
        office.decide("A-error", SKIP)

    assert (told_again, told_again["state"]) == (told, "open")
    assert [decision for decision, _ in session.ends] == [SKIP]


@pytest.mark.parametrize("content", [b"", b'{"id', b"[]"])
async def test_a_file_that_is_broken_is_written_anew(
    office: Office, session: Session, autojump_clock: MockClock, content: bytes
) -> None:
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(10)
        told = office.read("A-error")
        (office.folder / "A-error.json").write_bytes(content)
        await trio.sleep(1)
        told_again = office.read("A-error")
        office.decide("A-error", SKIP)

    assert (told_again, told_again["state"]) == (told, "open")
    assert [decision for decision, _ in session.ends] == [SKIP]


async def test_what_a_child_says_is_wrong_and_goes_on_stays_open_for_a_person(
    office: Office, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()):
        parent.raise_nowait(evolve(WARNED, level=EscalationLevel.ERROR))
        await trio.sleep(10)
        told = office.read("A-error")
        office.decide("A-error", SKIP)
        await trio.sleep(1)

    assert (told["state"], told["decision"]) == ("open", None)
    assert office.decisions == [("A-error", "skip", "person")]


async def test_a_folder_that_is_removed_comes_back_with_all_that_is_open(
    tmp_path: Path, session: Session, autojump_clock: MockClock
) -> None:
    office = Office(tmp_path / "escalations")
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(10)
        (office.folder / "A-error.json").unlink()
        office.folder.rmdir()
        await trio.sleep(1)
        office.decide("A-error", SKIP)

    assert [decision for decision, _ in session.ends] == [SKIP]


# Telling people.


async def test_people_are_told_before_the_handler_thinks(office: Office, autojump_clock: MockClock) -> None:
    notes: list[list[tuple[str, str, float]]] = []

    async def ponder(log: EscalationLog) -> None:
        notes.append(list(office.notes))
        await trio.sleep(5)

    async with serving(parent := office.open(ponder)):
        await raise_and_wait(parent, FAILED)

    assert notes == [[("A-error.json", "error", 0.0)]]
    assert office.notes == notes[0]


async def test_people_are_told_of_what_nobody_waits_for(office: Office, autojump_clock: MockClock) -> None:
    async with serving(parent := office.open()):
        parent.raise_nowait(WARNED)

    assert office.notes == [("A-warning.json", "warning", 0.0)]
