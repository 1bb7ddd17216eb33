"""Escalations go up, decisions come down, people are told."""

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock, wait_all_tasks_blocked

from aad import decisions
from aad.config import PolicyRule
from aad.errors import InputError
from aad.escalation import Handler, ParentSession
from aad.escalationlog import Decision, EscalationLog
from aad.events import (
    PERSON,
    Action,
    EscalationDecided,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Failure,
    Question,
    Reason,
)
from aad.policy import Policy
from aad.testing import Recorder

FAILED = EscalationLog(
    id="",
    run_id="run",
    session_id="run/A",
    spec_id="A",
    attempt=1,
    level=EscalationLevel.ERROR,
    reason="exit code 3",
    timestamp=datetime(2026, 11, 22, 21, 36, 12, tzinfo=UTC),
    failure=Failure(reason=Reason.EXIT_CODE, exit_code=3),
)
ASKED = evolve(FAILED, kind=EscalationKind.QUESTION, failure=None, question=Question(text="Which?"))
CHOICE = evolve(ASKED, question=Question(text="Which?", options=("PostgreSQL", "SQLite")))
RECALLED = evolve(ASKED, id="A-error")
WARNED = evolve(FAILED, level=EscalationLevel.WARNING, failure=None)
LOST = evolve(FAILED, level=EscalationLevel.CRITICAL)

ANSWER = Decision(action=Action.ANSWER, by=PERSON, text="this one")
SKIP = Decision(action=Action.SKIP, by=PERSON)


@define
class Office:
    """A parent session, and all that it touches."""

    folder: Path
    events: Recorder = field(factory=Recorder)
    aborts: list[float] = field(factory=list)
    # What people were told: the file, the level, and when.
    notes: list[tuple[str, str, float]] = field(factory=list)

    def open(
        self,
        handler: Handler | None = None,
        *,
        rules: tuple[PolicyRule, ...] = (),
        stale_after: float = 0.0,
        redact: Callable[[str], str] = str,
    ) -> ParentSession:
        return ParentSession(
            folder=self.folder,
            emit=self.events,
            show_path=lambda path: path.name,
            abort=lambda: self.aborts.append(trio.current_time()),
            handler=handler,
            policy=Policy(rules),
            stale_after=stale_after,
            notify=self._note,
            redact=redact,
        )

    def decide(self, name: str, decision: Decision) -> None:
        """Decide as a person does from elsewhere: in the file."""
        decisions.decide(self.folder, name, decision, str)

    def read(self, name: str) -> dict[str, object]:
        read: dict[str, object] = json.loads((self.folder / f"{name}.json").read_bytes())
        return read

    def _note(self, log: EscalationLog, path: Path) -> None:
        self.notes.append((path.name, str(log.level), trio.current_time()))

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    @property
    def decisions(self) -> list[tuple[str, str, str]]:
        decided = [event for event in self.events.events if isinstance(event, EscalationDecided)]
        return [(event.escalation, str(event.action), event.by) for event in decided]

    @property
    def raised(self) -> list[tuple[str, str, int]]:
        raised = [event for event in self.events.events if isinstance(event, EscalationRaised)]
        return [(event.escalation, str(event.level), event.rises) for event in raised]


@define
class Session:
    """Who waits for a decision: what it was told, what it got in the end, and when."""

    heard: list[str] = field(factory=list)
    ends: list[tuple[Decision | None, float]] = field(factory=list)

    def wait(self, log: EscalationLog) -> None:
        self.heard.append(f"wait for {log.id}")

    def go_on(self) -> None:
        self.heard.append("go on")

    async def ask(self, parent: ParentSession, log: EscalationLog) -> None:
        await self.settle(parent, parent.announce(log))

    async def recall(self, parent: ParentSession, log: EscalationLog) -> None:
        await self.settle(parent, log, recalled=True)

    async def settle(self, parent: ParentSession, log: EscalationLog, *, recalled: bool = False) -> None:
        decision = await parent.settle(log, self, recalled=recalled)
        self.ends.append((decision, trio.current_time()))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def session() -> Session:
    return Session()


async def raise_and_wait(parent: ParentSession, log: EscalationLog) -> tuple[EscalationLog, Decision | None]:
    log = parent.announce(log)
    return log, await parent.settle(log, Session())


def refuse(parent: ParentSession, name: str, decision: Decision) -> str:
    with pytest.raises(InputError) as caught:
        parent.decide(name, decision)
    return str(caught.value)


@asynccontextmanager
async def serving(parent: ParentSession) -> AsyncIterator[trio.Nursery]:
    """Serve until all is done that is started here."""
    async with trio.open_nursery() as nursery:
        await nursery.start(parent.serve)
        async with trio.open_nursery() as sessions:
            yield sessions
        await parent.finish()


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


async def test_where_nobody_serves_people_are_not_waited_for(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    await session.ask(office.open(), ASKED)

    assert session.ends == [(None, 0.0)]
    assert (office.read("A-error")["state"], office.decisions) == ("open", [])


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


# Handlers.


async def test_a_handler_decides_and_is_named(office: Office, autojump_clock: MockClock) -> None:
    async def decide(log: EscalationLog) -> Decision:
        return Decision(action=Action.ANSWER, text="x")

    async with serving(parent := office.open(decide)):
        _, decision = await raise_and_wait(parent, ASKED)

    assert decision == Decision(action=Action.ANSWER, text="x", by="handler")
    assert office.events.events[-1] == EscalationDecided(
        spec="A", attempt=1, escalation="A-error", action=Action.ANSWER, by="handler", message="x"
    )
    told = office.read("A-error")["decision"]
    assert isinstance(told, dict)
    assert (told["action"], told["by"], told["text"]) == ("answer", "handler", "x")


async def test_a_handler_may_name_who_decided(office: Office, autojump_clock: MockClock) -> None:
    async def decide(log: EscalationLog) -> Decision:
        return Decision(action=Action.SKIP, by="Hanako")

    async with serving(parent := office.open(decide)):
        await raise_and_wait(parent, FAILED)

    assert office.decisions == [("A-error", "skip", "Hanako")]


async def test_a_handler_that_says_none_leaves_it_to_policy(
    office: Office, autojump_clock: MockClock
) -> None:
    seen: list[EscalationLog] = []

    async def pass_on(log: EscalationLog) -> None:
        seen.append(log)

    async with serving(parent := office.open(pass_on)):
        log, _ = await raise_and_wait(parent, FAILED)

    assert (seen, office.decisions) == ([log], [("A-error", "skip", "policy")])


async def test_a_slow_handler_holds_up_nobody_else(office: Office, autojump_clock: MockClock) -> None:
    answered: list[tuple[str, float]] = []

    async def ponder(log: EscalationLog) -> None:
        await trio.sleep({"A": 100, "B": 1, "C": 2}[log.spec_id])

    async def ask(spec_id: str) -> None:
        await raise_and_wait(parent, evolve(FAILED, spec_id=spec_id))
        answered.append((spec_id, trio.current_time()))

    async with serving(parent := office.open(ponder)) as sessions:
        for spec_id in "ABC":
            sessions.start_soon(ask, spec_id)

    assert answered == [("B", 1.0), ("C", 2.0), ("A", 100.0)]


async def test_finish_waits_for_all_that_was_raised(office: Office, autojump_clock: MockClock) -> None:
    async def ponder(log: EscalationLog) -> None:
        await trio.sleep(30)

    async with serving(parent := office.open(ponder)):
        parent.raise_nowait(WARNED)

    assert (trio.current_time(), office.decisions) == (30.0, [("A-warning", "wait", "policy")])


async def test_a_handlers_error_is_a_bug_and_flies(office: Office, autojump_clock: MockClock) -> None:
    async def stumble(log: EscalationLog) -> None:
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with serving(parent := office.open(stumble)):
            await raise_and_wait(parent, FAILED)

    assert (office.decisions, office.read("A-error")["state"]) == ([], "open")


async def test_who_gave_up_waiting_does_not_hold_up_the_decision(
    office: Office, autojump_clock: MockClock
) -> None:
    async def ponder(log: EscalationLog) -> None:
        await trio.sleep(10)

    async with serving(parent := office.open(ponder)):
        with trio.move_on_after(1):
            await raise_and_wait(parent, FAILED)

    assert (trio.current_time(), office.decisions) == (1.0, [("A-error", "skip", "policy")])


async def test_a_handler_may_give_up_by_its_own_limit_and_policy_decides(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    async def give_up(log: EscalationLog) -> Decision | None:
        with trio.move_on_after(5):
            await trio.sleep_forever()
        return None

    async with serving(parent := office.open(give_up)) as sessions:
        sessions.start_soon(session.ask, parent, FAILED)

    assert session.ends == [(Decision(action=Action.SKIP), 5.0)]


async def test_a_handler_is_cancelled_when_a_person_was_faster_and_nothing_else_is(
    office: Office, autojump_clock: MockClock
) -> None:
    thoughts: list[tuple[str, str, float]] = []

    async def ponder(log: EscalationLog) -> Decision:
        try:
            await trio.sleep(30)
        except trio.Cancelled:
            thoughts.append((log.spec_id, "cancelled", trio.current_time()))
            raise
        thoughts.append((log.spec_id, "decided", trio.current_time()))
        return Decision(action=Action.CONTINUE)

    first, second = Session(), Session()
    async with serving(parent := office.open(ponder)) as sessions:
        sessions.start_soon(first.ask, parent, ASKED)
        sessions.start_soon(second.ask, parent, evolve(ASKED, spec_id="B"))
        await trio.sleep(9.9)
        office.decide("A-error", ANSWER)

    assert thoughts == [("A", "cancelled", 10.0), ("B", "decided", 30.0)]
    assert first.ends == [(ANSWER, 10.0)]
    assert second.ends == [(Decision(action=Action.CONTINUE, by="handler"), 30.0)]


# Aborting.


@pytest.mark.parametrize("log", [LOST, FAILED])
async def test_who_waits_gets_the_answer_before_the_abort_strikes(
    office: Office, autojump_clock: MockClock, log: EscalationLog
) -> None:
    answers: list[Decision | None] = []

    async def decide(log: EscalationLog) -> Decision:
        await trio.sleep(1)
        return Decision(action=Action.ABORT)

    parent = office.open(decide)
    async with serving(parent):
        with trio.CancelScope() as scope:
            # As in a run: an abort cancels whoever still waits.
            parent.abort = scope.cancel
            answers.append((await raise_and_wait(parent, log))[1])

    assert answers == [Decision(action=Action.ABORT, by="handler")]


async def test_a_critical_escalation_calls_for_the_end_once(
    office: Office, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()):
        await trio.sleep(3)
        parent.raise_nowait(LOST)

    assert (office.aborts, office.decisions) == ([3.0], [("A-critical", "abort", "policy")])


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


async def test_an_abort_by_a_person_ends_the_run(
    office: Office, session: Session, autojump_clock: MockClock
) -> None:
    abort = Decision(action=Action.ABORT, by=PERSON)
    async with serving(parent := office.open()) as sessions:
        sessions.start_soon(session.ask, parent, ASKED)
        await trio.sleep(1.1)
        office.decide("A-error", abort)

    assert (session.ends, office.aborts) == ([(abort, 1.25)], [1.25])


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


async def test_what_is_unknown_is_refused(office: Office) -> None:
    assert refuse(office.open(), "B-error", SKIP) == (
        "B-error is not open: it is decided, or this run does not wait for it"
    )


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
