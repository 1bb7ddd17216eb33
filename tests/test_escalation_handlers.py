"""Handlers: programs that decide before policy does; and the decisions that end a run."""

import pytest
import trio
from attrs import evolve
from parentsession import (
    ANSWER,
    ASKED,
    FAILED,
    LOST,
    WARNED,
    Office,
    Session,
    office,
    raise_and_wait,
    serving,
    session,
)
from trio.testing import MockClock

from aad.escalationlog import Decision, EscalationLog
from aad.events import Action, EscalationDecided

__all__ = ["office", "session"]

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
