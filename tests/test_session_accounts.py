"""The accounts of a session's agents: limits that are waited for, and nobody who is signed in."""

import re
from datetime import datetime
from pathlib import Path

import trio
from lone_session import RETRY, SKIP, WAIT
from scripted_agent import (
    EPOCH,
    FORGETFUL,
    LIMITED,
    ONE,
    TWO,
    UNSIGNED,
    AgentRig,
    PaperAgent,
    cut,
    final,
    make_casting,
    opened,
    play,
    restart,
    rig,
    told,
    used,
    works,
)
from trio.testing import MockClock

from aad.escalationlog import EscalationLog
from aad.events import (
    EscalationRaised,
    Failure,
    Reason,
    RetryScheduled,
    SessionCancelled,
    SessionCompleted,
    SessionFailed,
    SessionWaiting,
)
from aad.state import Status

__all__ = ["rig"]

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

    until = f"{datetime.fromtimestamp(EPOCH + 3601).astimezone():%H:%M:%S}"
    last = before.recorder.events[-1]
    assert isinstance(last, SessionWaiting)
    assert before.ends == []
    # With the date, where that is another day.
    why = rf"paper is used up until ([\d-]+ )?{until}: longer than \[orchestrator\] quota_wait"
    assert re.fullmatch(why, str(last.message))
    assert not before.place.held
    assert rig.casts == [("paper", True, "s1")]
    assert type(rig.ending) is SessionCompleted


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


# Nobody is signed in.


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
