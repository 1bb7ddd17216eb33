"""What an agent asks while it works, and then waits for no longer: it goes on, and nobody is asked."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import evolve
from scripted_agent import AgentRig, final, line, opened, restart
from test_live import ANSWER, SKIP, TalkingAgent
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.agents.base import Exit
from aad.escalation import ParentSession
from aad.events import EscalationDecided, EscalationRaised, Reason
from aad.testing import Script

ASKED = opened("s1") + line("wants", id="r1")


class Stage:
    """An agent on paper, and the parent session that settles what it asks."""

    def __init__(self, folder: Path, script: Script) -> None:
        self.rig = AgentRig(folder, TalkingAgent())
        self.rig.act(paper=(script,))
        self.folder = folder / "escalations"
        self.folder.mkdir()
        self.parent = ParentSession(
            folder=self.folder, emit=self.rig.emit, show_path=lambda path: path.name, abort=lambda: None
        )
        self.rig.run.crew = evolve(self.rig.run.crew, parent=self.parent)

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[None]:
        """Run the session to its end, and do meanwhile what the block does."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.parent.serve)
            async with trio.open_nursery() as sessions:
                sessions.start_soon(self.rig.run.run)
                yield
            await self.parent.finish()

    def decisions(self) -> list[tuple[str, str]]:
        decided = [event for event in self.rig.recorder.events if isinstance(event, EscalationDecided)]
        return [(event.escalation, str(event.action)) for event in decided]

    def asked(self) -> list[str]:
        return [event.escalation for event in self.rig.recorder.events if isinstance(event, EscalationRaised)]

    def open_files(self) -> list[str]:
        return sorted(
            path.stem for path in self.folder.iterdir() if json.loads(path.read_bytes())["state"] == "open"
        )

    @property
    def log(self) -> str:
        return (self.rig.bench.folder / "output.log").read_text("utf-8")


def end_well(_: bytes) -> bytes:
    """Say the last word, whatever it is told."""
    return final()


# An agent that asks, goes on by itself after a while, and ends well.
WITHDRAWING = Script(output=ASKED, work=10, replies=lambda _: line("withdrawn", id="r1") + final())


async def test_an_agent_that_waits_no_longer_goes_on_and_completes(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    stage = Stage(tmp_path, WITHDRAWING)

    async with stage.playing():
        await trio.sleep(5)
        waits = [log.id for log in stage.parent.list_open()]

    assert (waits, stage.asked(), stage.decisions()) == (
        ["A-error"],
        ["A-error"],
        [("A-error", "withdraw")],
    )
    assert stage.open_files() == []
    assert stage.rig.ending.type == "session_completed"
    assert stage.log == "[session] s1\n[asks] Which?\n[asks] no longer: it does not wait for the answer\n"


async def test_it_holds_a_slot_again_its_clocks_run_and_what_it_asks_next_is_asked(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    replies = iter((line("withdrawn", id="r1") + line("wants", id="r2"), final()))
    stage = Stage(tmp_path, Script(output=ASKED, work=10, replies=lambda _: next(replies)))

    async with stage.playing():
        await trio.sleep(15)
        stage.parent.decide("A-error-2", ANSWER)

    (attempt,) = stage.rig.attempts
    assert [step for step in stage.rig.steps if step[0] != "session_progress"] == [
        ("session_started", 0.0),
        ("escalation_raised", 0.0),
        ("release", 0.0),
        ("session_waiting", 0.0),
        ("escalation_decided", 10.0),
        ("acquire", 10.0),
        ("escalation_raised", 10.0),
        ("release", 10.0),
        ("session_waiting", 10.0),
        ("escalation_decided", 15.0),
        ("acquire", 15.0),
        ("release", 15.0),
        ("session_completed", 15.0),
    ]
    assert (attempt.works_silently, attempt.started_at) == (False, 15.0)


async def test_a_question_that_was_withdrawn_is_not_asked_by_a_run_that_goes_on(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    stage = Stage(tmp_path, Script(output=ASKED, work=10, replies=lambda _: line("withdrawn", id="r1")))

    with trio.move_on_after(20):
        async with stage.playing():
            pass
    known = restart(stage.rig).session("A")

    assert stage.decisions() == [("A-error", "withdraw")]
    assert (known.pending, known.undecided, known.resumes, known.agent_session) == (None, {}, True, "s1")


async def test_an_agent_that_ends_is_asked_for_no_longer(tmp_path: Path, autojump_clock: MockClock) -> None:
    stage = Stage(tmp_path, Script(output=ASKED, work=10, end=Exit(1)))

    async with stage.playing():
        await trio.sleep(5)

    assert stage.decisions()[0] == ("A-error", "withdraw")
    assert stage.open_files() == []
    assert stage.rig.ending.type == "session_failed"


async def test_a_question_of_an_attempt_that_is_ended_is_closed(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    stage = Stage(tmp_path, WITHDRAWING)

    async with stage.playing():
        await trio.sleep(5)
        (attempt,) = stage.rig.attempts
        attempt.end(Reason.UNKNOWN, "its workspace is gone")

    assert stage.decisions()[0] == ("A-error", "withdraw")
    assert stage.open_files() == []
    assert stage.rig.ending.type == "session_failed"


async def test_what_is_asked_beside_a_question_that_ends_the_attempt_is_asked_of_nobody(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    script = Script(output=ASKED + line("wants", id="r2"), work=100, replies=end_well)
    stage = Stage(tmp_path, script)

    async with stage.playing():
        await wait_all_tasks_blocked()
        stage.parent.decide("A-error", SKIP)

    assert (stage.asked(), stage.open_files()) == (["A-error"], [])
    assert stage.rig.ending.type == "session_skipped"


async def test_what_is_withdrawn_before_anybody_was_asked_is_never_asked(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    script = Script(
        output=ASKED + line("wants", id="r2") + line("withdrawn", id="r2"), work=10, replies=end_well
    )
    stage = Stage(tmp_path, script)

    async with stage.playing():
        await wait_all_tasks_blocked()
        stage.parent.decide("A-error", ANSWER)

    assert (stage.asked(), stage.decisions()) == (["A-error"], [("A-error", "answer")])
