"""A session whose attempts agents make: what they tell, and the sessions of their own that go on."""

from pathlib import Path

import trio
from lone_session import ANSWER, RETRY
from scripted_agent import (
    EPOCH,
    FORGETFUL,
    LIMITED,
    LOST,
    ONE,
    TWO,
    UNSIGNED,
    AgentRig,
    PaperAgent,
    cut,
    final,
    opened,
    play,
    restart,
    rig,
    total,
    used,
    works,
)
from trio.testing import MockClock

from aad.events import (
    Reason,
    SessionCancelled,
    SessionCompleted,
    SessionFailed,
    SessionProgress,
    SessionStarted,
    Usage,
)
from aad.news import Progress

__all__ = ["rig"]

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


async def test_lines_that_are_not_understood_are_counted_in_the_log(
    rig: AgentRig, autojump_clock: MockClock
) -> None:
    rig.act(paper=works(opened("s1"), b"no json\n", b"[1]\n"))

    await rig.run.run()

    log = (rig.bench.folder / "output.log").read_text()
    assert log.endswith("[aad] lines of the agent that are not understood: 2\n")
    assert type(rig.ending) is SessionCompleted


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
