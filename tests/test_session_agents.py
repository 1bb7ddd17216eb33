"""A session whose attempts agents make: their own sessions, their limits, budgets, and who is signed in."""

from pathlib import Path

import pytest
import trio
from lone_session import ANSWER, RETRY, SKIP, WAIT
from scripted_agent import (
    EPOCH,
    AgentRig,
    PaperAgent,
    final,
    make_casting,
    opened,
    restart,
    total,
    used,
    works,
)
from trio.testing import MockClock

from aad.agents.base import Caps
from aad.budget import Account, Bounds
from aad.escalationlog import EscalationLog
from aad.events import (
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Failure,
    Reason,
    RetryScheduled,
    SessionCancelled,
    SessionCompleted,
    SessionFailed,
    SessionProgress,
    SessionStarted,
    SessionWaiting,
    Usage,
)
from aad.news import Progress
from aad.state import Status

LIMITED, UNSIGNED, LOST = final("rate_limited"), final("auth"), final("session_lost")
ONE, TWO = PaperAgent("one"), PaperAgent("two")
FORGETFUL = Caps(tokens=True)


@pytest.fixture
def rig(tmp_path: Path) -> AgentRig:
    return AgentRig(tmp_path)


async def play(rig: AgentRig, *, looks: int = 20, every: float = 1.0) -> None:
    """Run a session to its end, and look at its attempt every second, as the monitor does."""

    async def look() -> None:
        for _ in range(looks):
            await trio.sleep(every)
            if rig.run.current is not None:
                rig.run.current.look()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        # What waits for ever has to fail.
        with trio.fail_after(48 * 3600):
            await rig.run.run()
        nursery.cancel_scope.cancel()


async def cut(rig: AgentRig, *, after: float) -> None:
    """Run a session, and cut it short after some seconds."""
    with trio.move_on_after(after):
        await rig.run.run()


def told(rig: AgentRig) -> list[tuple[str, str, str]]:
    """Return what went up to the parent session."""
    return [(str(log.level), str(log.kind), log.reason) for log in rig.parent.logs]


def describe(log: EscalationLog) -> EscalationRaised:
    """Return the event of an escalation."""
    return EscalationRaised(
        spec=log.spec_id,
        attempt=log.attempt,
        escalation=log.id,
        level=log.level,
        kind=log.kind,
        message=log.reason,
        path=f"{log.id}.md",
        failure=log.failure,
    )


# What an agent tells.


async def test_its_session_and_what_it_used_are_recorded(rig: AgentRig, autojump_clock: MockClock) -> None:
    rig.act(paper=works(opened("s1"), used(input=100, output=5, cost_usd=0.5), work=2))

    await play(rig)

    usage = Usage(input=100, output=5, cost_usd=0.5)
    assert rig.recorder.events == [
        SessionStarted(spec="A", attempt=1, agent="paper", pid=10_001, log="log 1"),
        SessionProgress(spec="A", attempt=1, agent_session="s1"),
        SessionProgress(spec="A", attempt=1, usage=usage),
        SessionCompleted(spec="A", attempt=1, duration_s=2.0, log="log 1", usage=usage),
    ]


async def test_what_was_used_is_told_at_the_end_though_nobody_looked(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    rig.act(paper=works(opened("s1"), used(input=100)))

    await rig.run.run()

    assert rig.ending == SessionCompleted(spec="A", attempt=1, log="log 1", usage=Usage(input=100))


async def test_an_agent_that_tells_no_cost_has_none(rig: AgentRig, autojump_clock: MockClock) -> None:
    rig.act(paper=works(opened("s1"), used(input=100)))

    await rig.run.run()

    assert total(rig.state).cost_usd is None


async def test_an_agent_that_tells_nothing_of_what_it_used_used_nobody_knows_what(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    rig.act(paper=works(opened("s1")))

    await rig.run.run()

    assert rig.ending == SessionCompleted(spec="A", attempt=1, log="log 1")


async def test_what_was_used_says_nothing_of_the_time_that_is_left(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    rig.act(paper=works(opened("s1"), used(input=100), work=10))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(5)
        rig.run.herald.progressed(Progress(progress=0.5), guessed=False)
        rig.run.herald.used(Usage(input=200))
        left = rig.run.known.eta_s

    assert left == 5.0


# Sessions of its own.


async def test_a_retried_failure_begins_a_new_session(tmp_path: Path, autojump_clock: MockClock) -> None:
    rig = AgentRig(tmp_path, retries=1)
    rig.act(paper=(works(opened("s1"), last=final("refusal")), works(opened("s2"))))

    await rig.run.run()

    assert rig.casts == [("paper", False, None), ("paper", False, None)]
    assert rig.story.count("save") == 1
    assert type(rig.ending) is SessionCompleted


async def test_an_answer_goes_to_the_session_that_asked(rig: AgentRig, autojump_clock: MockClock) -> None:
    rig.act(paper=(works(opened("s1"), work=100), works(opened("s1"))))
    rig.parent.decisions = [ANSWER]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(1)
        rig.bench.say('{"question": "Which?"}')
        rig.attempts[0].look()

    assert rig.casts == [("paper", False, None), ("paper", True, "s1")]
    assert (rig.attempts[1].job.answer, "save" in rig.story) == ("x", False)


async def test_an_interrupted_session_keeps_its_work_where_it_is(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    rig.act(paper=works(opened("s1"), work=100))

    await cut(rig, after=5)

    assert (type(rig.ending), "save" in rig.story) == (SessionCancelled, False)


async def test_an_interrupted_session_goes_on_with_the_agents_own_in_the_next_run(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    before = AgentRig(tmp_path)
    before.act(paper=works(opened("s1"), used(input=100), work=100))
    await cut(before, after=5)
    rig = AgentRig(tmp_path, state=restart(before))
    rig.act(paper=works(opened("s1"), used(input=150)))

    await rig.run.run()

    assert rig.casts == [("paper", True, "s1")]
    assert rig.state.session("A").usages == {1: Usage(input=100), 2: Usage(input=50)}


async def test_a_session_that_was_killed_on_the_way_to_its_next_attempt_goes_on_as_it_would_have(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    before = AgentRig(tmp_path)
    before.act(paper=works(opened("s1"), used(input=100), last=LIMITED))
    await cut(before, after=5)
    before.recorder.events.remove(before.ending)
    rig = AgentRig(tmp_path, state=restart(before))
    rig.act(paper=works(opened("s1"), used(input=150)))

    await rig.run.run()

    assert rig.casts == [("paper", True, "s1")]
    assert total(rig.state) == Usage(input=150)


async def test_what_a_session_used_in_many_runs_is_counted_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    runs: list[AgentRig] = []
    for figure in (100, 150, 180):
        runs.append(AgentRig(tmp_path, state=restart(*runs)))
        runs[-1].act(paper=works(opened("s1"), used(input=figure), work=100))
        with trio.move_on_after(5):
            await play(runs[-1])

    assert runs[-1].state.session("A").usages == {
        1: Usage(input=100),
        2: Usage(input=50),
        3: Usage(input=30),
    }


async def test_another_agent_in_the_next_run_begins_a_session_of_its_own(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    before = AgentRig(tmp_path, ONE)
    before.act(one=works(opened("s1"), work=100))
    await cut(before, after=5)
    rig = AgentRig(tmp_path, TWO, state=restart(before))
    rig.act(two=works(opened("t1")))

    await rig.run.run()

    assert rig.casts == [("two", True, None)]


async def test_an_interrupted_session_of_an_agent_that_cannot_go_on_is_saved(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = AgentRig(tmp_path, PaperAgent(caps=FORGETFUL))
    rig.act(paper=works(opened("s1"), work=100))

    await cut(rig, after=5)

    assert (type(rig.ending), rig.story.count("save")) == (SessionCancelled, 1)


async def test_a_session_that_is_lost_is_tried_once_more_without_its_id(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    before = AgentRig(tmp_path)
    before.act(paper=works(opened("s1"), work=100))
    await cut(before, after=5)
    rig = AgentRig(tmp_path, state=restart(before))
    rig.act(paper=(works(last=LOST), works(opened("s2"))))

    await rig.run.run()

    assert rig.casts == [("paper", True, "s1"), ("paper", True, None)]
    assert (type(rig.ending), rig.parent.logs, "save" in rig.story) == (SessionCompleted, [], False)


async def test_a_session_that_is_lost_a_second_time_is_a_failure(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    rig.act(paper=works(last=LOST))

    await rig.run.run()

    assert (len(rig.attempts), type(rig.ending), len(rig.parent.logs)) == (2, SessionFailed, 1)


async def test_after_it_was_lost_for_good_a_person_may_have_it_begun_anew(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    lost = works(opened("s1"), last=LOST)
    rig.act(paper=(lost, lost, works(opened("s2"))))
    rig.parent.decisions = [RETRY]

    await rig.run.run()

    assert [failure.reason for log in rig.parent.logs if (failure := log.failure)] == [Reason.SESSION_LOST]
    assert rig.attempts[2].job.agent_session is None
    assert type(rig.ending) is SessionCompleted


# Limits of its account.


async def test_a_limit_is_waited_for_and_the_agents_own_session_goes_on(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    limit = final("rate_limited", reset_at=EPOCH + 100)
    rig.act(paper=(works(opened("s1"), last=limit, work=2), works(opened("s1"))))

    await rig.run.run()

    assert rig.steps == [
        ("session_started", 0.0),
        ("session_progress", 0.0),
        ("release", 2.0),
        ("raise warning rate_limited", 2.0),
        ("retry_scheduled", 2.0),
        ("session_waiting", 2.0),
        ("acquire", 101.0),
        ("session_started", 101.0),
        ("session_progress", 101.0),
        ("release", 101.0),
        ("session_completed", 101.0),
    ]
    assert rig.casts == [("paper", False, None), ("paper", True, "s1")]
    failure = Failure(reason=Reason.RATE_LIMITED, exit_code=1, log_lines=1)
    assert rig.only(RetryScheduled) == [
        RetryScheduled(spec="A", attempt=1, delay_s=99.0, duration_s=2.0, failure=failure)
    ]


async def test_limits_spend_no_attempt(tmp_path: Path, autojump_clock: MockClock) -> None:
    rig = AgentRig(tmp_path, retries=1)
    rig.act(
        paper=(
            *[works(opened("s1"), last=LIMITED)] * 5,
            works(opened("s1"), last=final("refusal")),
            works(opened("s2"), last=LIMITED),
            works(opened("s2")),
        )
    )

    await rig.run.run()

    assert [log.will_retry for log in rig.parent.logs if log.failure is not None] == [True]
    assert (type(rig.ending), len(rig.attempts)) == (SessionCompleted, 8)


async def test_the_pauses_grow_though_the_agent_says_each_time_that_it_used_nothing(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    limit = works(opened("s1"), used(input=0), last=LIMITED, work=2)
    rig.act(paper=(limit, limit, limit, works(opened("s1"))))

    await play(rig, looks=1000)

    delays = [event.delay_s for event in rig.recorder.events if isinstance(event, RetryScheduled)]
    assert delays == [60.0, 120.0, 240.0]


async def test_the_pauses_grow_though_the_agent_counts_what_it_used_before(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    limit = works(opened("s1"), used(input=100, output=10), last=LIMITED, work=2)
    rig.act(paper=(limit, limit, limit, works(opened("s1"))))

    await play(rig, looks=1000)

    delays = [event.delay_s for event in rig.recorder.events if isinstance(event, RetryScheduled)]
    assert delays == [60.0, 120.0, 240.0]


async def test_the_work_of_an_agent_that_hit_its_limit_stays_though_it_cannot_go_on(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = AgentRig(tmp_path, PaperAgent(caps=FORGETFUL))
    rig.act(paper=(works(opened("s1"), last=LIMITED), works(opened("s2"))))

    await rig.run.run()

    assert rig.casts == [("paper", False, None), ("paper", True, None)]
    assert "set_aside" not in rig.story


async def test_while_one_agent_pauses_the_sessions_of_others_go_on(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    casting = make_casting()
    rig = AgentRig(tmp_path / "a", ONE, casting=casting)
    other = AgentRig(tmp_path / "b", TWO, casting=casting)
    rig.act(one=(works(opened("s1"), last=LIMITED), works(opened("s1"))))
    other.act(two=works(opened("t1"), work=5))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(1)
        nursery.start_soon(other.run.run)

    assert (rig.steps[-1], other.steps[-1]) == (("session_completed", 60.0), ("session_completed", 6.0))


async def test_who_waits_behind_a_start_that_is_tried_holds_no_slot(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    casting = make_casting()
    rig = AgentRig(tmp_path / "a", casting=casting)
    other = AgentRig(tmp_path / "b", casting=casting)
    rig.act(paper=(works(opened("s1"), last=LIMITED), works(opened("s1"), work=30)))
    other.act(paper=works(opened("s2")))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(70)
        nursery.start_soon(other.run.run)
        await trio.sleep(1)
        held = other.place.held

    assert (held, other.steps[-1]) == (False, ("session_completed", 90.0))


async def test_who_is_cut_short_on_its_way_to_a_slot_leaves_the_agent_to_others(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    casting = make_casting()
    rig = AgentRig(tmp_path / "a", casting=casting)
    other = AgentRig(tmp_path / "b", casting=casting)
    rig.act(paper=works(opened("s1"), last=LIMITED))
    other.act(paper=works(opened("s2")))
    rig.place.delay = 1000.0

    await cut(rig, after=100)
    with trio.fail_after(10):
        await other.run.run()

    assert other.steps[-1] == ("session_completed", 100.0)


async def test_a_stand_in_takes_over_at_once_with_a_session_of_its_own_where_the_other_left_off(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = AgentRig(tmp_path, ONE, TWO)
    rig.act(one=works(opened("s1"), last=LIMITED, work=2), two=works(opened("t1"), work=3))

    await rig.run.run()

    words = "one is used up: it is tried again in 1m; two takes over"
    assert rig.casts == [("one", False, None), ("two", True, None)]
    assert told(rig) == [("warning", "rate_limited", words)]
    assert rig.ending == SessionCompleted(spec="A", attempt=2, duration_s=5.0, log="log 2")
    assert ("save" in rig.story, "set_aside" in rig.story) == (False, False)


async def test_a_pause_that_is_too_long_leaves_the_session_to_a_run_that_goes_on(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    before = AgentRig(tmp_path, casting=make_casting(patience=600))
    before.act(paper=works(opened("s1"), last=final("rate_limited", reset_at=EPOCH + 3600)))
    await before.run.run()
    rig = AgentRig(tmp_path, state=restart(before))
    rig.act(paper=works(opened("s1")))

    await rig.run.run()

    why = "paper is used up for longer than [orchestrator] quota_wait"
    waiting = SessionWaiting(spec="A", attempt=1, message=why)
    assert (before.recorder.events[-1], before.ends) == (waiting, [])
    assert not before.place.held
    assert rig.casts == [("paper", True, "s1")]
    assert type(rig.ending) is SessionCompleted


# Nobody is signed in.


async def test_where_nobody_is_signed_in_a_person_is_asked_once_and_all_go_on(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    casting = make_casting()
    rig = AgentRig(tmp_path / "a", casting=casting)
    other = AgentRig(tmp_path / "b", casting=casting)
    for each in (rig, other):
        each.act(paper=(works(last=UNSIGNED, work=2), works(opened("s1"))))
        each.parent.delay = 100.0
    rig.parent.decisions = [RETRY]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(1)
        nursery.start_soon(other.run.run)

    assert told(rig) == [("error", "auth", "not signed in: paper")]
    assert told(other) == []
    assert (type(rig.ending), type(other.ending)) == (SessionCompleted, SessionCompleted)
    assert ("session_started", 102.0) in other.steps


async def test_after_a_person_has_signed_in_the_agents_own_session_goes_on(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    rig.act(paper=(works(opened("s1"), last=UNSIGNED), works(opened("s1"))))
    rig.parent.decisions = [RETRY]

    await rig.run.run()

    assert rig.casts == [("paper", False, None), ("paper", True, "s1")]
    assert ("save" in rig.story, "set_aside" in rig.story) == (False, False)


async def test_where_nobody_decides_in_this_run_all_wait_for_the_next(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    casting = make_casting()
    rig = AgentRig(tmp_path / "a", casting=casting)
    other = AgentRig(tmp_path / "b", casting=casting)
    for each in (rig, other):
        each.act(paper=works(last=UNSIGNED, work=2))
    rig.parent.delay, rig.parent.decisions = 100.0, [WAIT]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(1)
        nursery.start_soon(other.run.run)

    assert (rig.run.known.status, other.run.known.status) == (Status.WAITING, Status.WAITING)
    assert (rig.ends, other.ends, told(other)) == ([], [], [])


async def test_a_person_who_signs_in_after_the_run_has_the_next_go_on_with_the_agents_own_session(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    before = AgentRig(tmp_path)
    before.act(paper=works(opened("s1"), last=UNSIGNED))
    before.parent.decisions = [WAIT]
    await before.run.run()
    before.recorder.events.insert(-1, describe(before.parent.logs[0]))
    rig = AgentRig(tmp_path, state=restart(before))
    rig.act(paper=works(opened("s1")))
    rig.parent.decisions = [RETRY]

    await rig.run.run()

    assert rig.casts == [("paper", True, "s1")]
    assert type(rig.ending) is SessionCompleted


async def test_where_another_agent_is_signed_in_it_takes_over(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rig = AgentRig(tmp_path, ONE, TWO)
    rig.act(one=works(last=UNSIGNED), two=works(opened("t1")))

    await rig.run.run()

    assert rig.casts == [("one", False, None), ("two", True, None)]
    assert told(rig) == [("warning", "auth", "one: not signed in; two takes over")]
    assert type(rig.ending) is SessionCompleted


async def test_a_person_may_leave_out_what_nobody_is_signed_in_for(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    rig.act(paper=works(last=UNSIGNED))
    rig.parent.decisions = [SKIP]

    await rig.run.run()

    failure = Failure(reason=Reason.AUTH, message="paper", exit_code=1, log_lines=0)
    assert rig.ending == SessionFailed(spec="A", attempt=1, log="log 1", failure=failure, escalation="A-1")


# Budgets.


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


async def test_a_run_that_starts_nothing_more_ends_a_pause(tmp_path: Path, autojump_clock: MockClock) -> None:
    rig = AgentRig(tmp_path)
    rig.act(paper=works(opened("s1"), last=final("rate_limited", reset_at=EPOCH + 5 * 3600)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(60)
        rig.place.is_stopped = True
        rig.place.stopped.set()

    assert trio.current_time() == 60.0
    assert type(rig.ending) is SessionCancelled
    assert "save" not in rig.story


async def test_what_a_pause_waits_for_is_known(tmp_path: Path, autojump_clock: MockClock) -> None:
    rig = AgentRig(tmp_path)
    rig.act(
        paper=(works(opened("s1"), last=final("rate_limited", reset_at=EPOCH + 100)), works(opened("s1")))
    )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run.run)
        await trio.sleep(60)
        known = rig.state.session("A")
        told = (known.status, (known.message or "").split(" until ")[0])

    assert told == (Status.WAITING, "paper is used up")
    assert type(rig.ending) is SessionCompleted


async def test_the_first_agents_session_goes_on_though_another_began_in_vain(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    one, two = PaperAgent("one"), PaperAgent("two")
    rig = AgentRig(tmp_path, one, two)
    soon = final("rate_limited", reset_at=EPOCH + 3)
    rig.act(one=(works(opened("s1"), last=soon), works(opened("s1"))), two=works(last=UNSIGNED, work=5))

    await rig.run.run()

    assert rig.casts == [("one", False, None), ("two", True, None), ("one", True, "s1")]
    assert "save" not in rig.story


async def test_lines_that_are_not_understood_are_counted_in_the_log(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    rig.act(paper=works(opened("s1"), b"no json\n", b"[1]\n"))

    await rig.run.run()

    log = (rig.bench.folder / "output.log").read_text()
    assert log.endswith("[aad] lines of the agent that are not understood: 2\n")
    assert type(rig.ending) is SessionCompleted
