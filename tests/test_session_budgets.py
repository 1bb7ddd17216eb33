"""The budgets of a session whose attempts agents make, and the budget of its run."""

from pathlib import Path

import pytest
import trio
from scripted_agent import AgentRig, final, opened, play, restart, rig, told, total, used, works
from trio.testing import MockClock

from aad.budget import Account, Bounds
from aad.events import (
    EscalationKind,
    EscalationLevel,
    Reason,
    SessionCompleted,
    SessionFailed,
    SessionWaiting,
    Usage,
)

__all__ = ["rig"]


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (Bounds(tokens=100), "100 of 100 tokens"),
        (Bounds(cost_usd=0.5), "0.75 of 0.50 USD"),
    ],
)
async def test_an_agent_that_uses_up_its_budget_is_ended_and_a_person_asked(
    tmp_path: Path, autojump_clock: MockClock, bounds: Bounds, words: str
) -> None:
    rig = AgentRig(tmp_path, bounds=bounds, retries=5)
    rig.act(paper=works(opened("s1"), used(input=100, cost_usd=0.75), work=100))

    await play(rig)

    (log,) = rig.parent.logs
    assert (log.level, log.kind, log.will_retry) == (EscalationLevel.ERROR, EscalationKind.BUDGET, False)
    assert log.failure is not None
    assert (log.failure.reason, log.failure.message) == (
        Reason.BUDGET,
        f"the session's budget: {words} used",
    )
    assert rig.steps[-1] == ("session_failed", 1.0)


@pytest.mark.parametrize(("count", "ended"), [(2, False), (3, True)])
async def test_an_agent_that_takes_too_many_turns_is_ended(
    tmp_path: Path, autojump_clock: MockClock, *, count: int, ended: bool
) -> None:
    rig = AgentRig(tmp_path, bounds=Bounds(turns=2))
    rig.act(paper=works(opened("s1"), *[b'{"type": "tool", "id": "t"}\n'] * count, work=100))

    await play(rig)

    reasons = [log.failure.reason for log in rig.parent.logs if log.failure is not None]
    assert reasons == [Reason.MAX_TURNS] * ended


async def test_a_budget_that_comes_to_its_end_is_warned_of_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = AgentRig(tmp_path, bounds=Bounds(tokens=100))
    rig.act(paper=works(opened("s1"), used(input=80), work=2, last=used(input=90) + final()))

    await play(rig)

    assert told(rig) == [("warning", "budget", "the session's budget: 80 of 100 tokens used")]
    assert type(rig.ending) is SessionCompleted


async def test_work_that_is_done_counts_though_it_used_up_the_budget(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = AgentRig(tmp_path, bounds=Bounds(tokens=100))
    rig.act(paper=works(opened("s1"), work=2, last=used(input=500) + final()))

    await play(rig)

    assert told(rig) == [("warning", "budget", "the session's budget: 500 of 100 tokens used")]
    assert type(rig.ending) is SessionCompleted


async def test_a_session_without_a_budget_left_is_not_tried_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = AgentRig(tmp_path, bounds=Bounds(tokens=100), retries=5)
    rig.act(paper=works(opened("s1"), work=2, last=used(input=500) + final("refusal")))

    await play(rig)

    assert (len(rig.attempts), type(rig.ending)) == (1, SessionFailed)


async def test_a_budget_that_is_left_for_another_try_is_used_for_it(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = AgentRig(tmp_path, bounds=Bounds(tokens=100), retries=5)
    rig.act(
        paper=(
            works(opened("s1"), work=2, last=used(input=50) + final("refusal")),
            works(opened("s2"), work=2, last=used(input=20) + final()),
        )
    )

    await play(rig)

    assert (len(rig.attempts), type(rig.ending)) == (2, SessionCompleted)
    assert total(rig.state) == Usage(input=70)


async def test_an_earlier_run_used_of_the_budget_too(tmp_path: Path, autojump_clock: MockClock) -> None:
    before = AgentRig(tmp_path, bounds=Bounds(tokens=100))
    before.act(paper=works(opened("s1"), used(input=60), work=100))
    with trio.move_on_after(5):
        await play(before)
    rig = AgentRig(tmp_path, bounds=Bounds(tokens=100), state=restart(before))
    rig.act(paper=works(opened("s1"), used(input=99), work=2))

    await play(rig)

    assert told(rig) == [("warning", "budget", "the session's budget: 99 of 100 tokens used")]
    assert type(rig.ending) is SessionCompleted


async def test_where_the_run_has_no_budget_left_nothing_more_is_started(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    account = Account(Bounds(tokens=100), Usage(input=100))
    before = AgentRig(tmp_path, account=account)
    await before.run.run()
    rig = AgentRig(tmp_path, state=restart(before), account=Account(Bounds(tokens=200), account.usage))
    rig.act(paper=works(opened("s1")))

    await rig.run.run()

    words = "the run's budget: 100 of 100 tokens used"
    assert before.recorder.events == [SessionWaiting(spec="A", attempt=0, message=words)]
    assert (before.place.held, before.attempts) == (False, [])
    assert type(rig.ending) is SessionCompleted


async def test_the_sessions_of_a_run_share_its_budget(tmp_path: Path, autojump_clock: MockClock) -> None:
    account = Account(Bounds(tokens=100))
    rig, other = AgentRig(tmp_path / "a", account=account), AgentRig(tmp_path / "b", account=account)
    rig.act(paper=works(opened("s1"), used(input=60), work=10))
    other.act(paper=works(opened("s2"), used(input=60), work=20))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play, rig)
        await trio.sleep(0.5)
        nursery.start_soon(play, other)

    assert type(rig.ending) is SessionCompleted
    # It did nothing wrong: a run that may use more goes on with it where it is.
    waiting = SessionWaiting(spec="A", attempt=1, message="the run's budget: 120 of 100 tokens used")
    assert (other.ends, other.recorder.events[-1]) == ([], waiting)
    assert "save" not in other.story
