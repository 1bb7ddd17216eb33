"""Sessions that a program starts, concludes and looks at by itself, without a whole run."""

from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import evolve
from conftest import CONFIG, MakeTheatre, configure
from trio.testing import MockClock

from aad.agents.base import Exit
from aad.errors import InputError
from aad.escalationlog import EscalationLog
from aad.events import EscalationLevel
from aad.spec import Spec
from aad.testing import Script

FAILS = Script(output=b"no good\n", end=Exit(3))


async def test_start_session_runs_one_session_to_its_end(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=5)})
    session_id = stage.orchestrator.register_spec("A", run="a")

    await stage.orchestrator.start_session(session_id)

    assert stage.orchestrator.sessions[session_id].status == "completed"
    assert stage.story() == ["run_started", "workspace_ready A", "session_started A", "session_completed A"]


async def test_start_session_returns_to_a_nursery_once_it_has_begun(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=5)})
    session_id = stage.orchestrator.register_spec(Spec(id="A", run="a", timeout=2))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.orchestrator.monitor_loop)
        async with trio.open_nursery() as sessions:
            await sessions.start(stage.orchestrator.start_session, session_id)
            await trio.testing.wait_all_tasks_blocked()
            begun = stage.orchestrator.sessions[session_id].status
        nursery.cancel_scope.cancel()

    assert (begun, stage.orchestrator.sessions[session_id].status) == ("running", "timed_out")


def test_escalate_writes_its_file_even_where_nobody_serves(theatre: MakeTheatre) -> None:
    stage = theatre()
    session_id = stage.orchestrator.register_spec("A", run="a")

    for level in EscalationLevel:
        stage.orchestrator.escalate(session_id, "look", level)

    names = sorted(path.name for path in stage.orchestrator.project.escalations.iterdir())
    assert names == ["A-critical.json", "A-error.json", "A-warning.json"]


def test_sessions_carried_out_elsewhere_can_be_concluded(theatre: MakeTheatre) -> None:
    stage = theatre(config=configure(retries=evolve(CONFIG.orchestrator.retries, count=1)))
    done = stage.orchestrator.register_spec("A", run="a")
    failing = stage.orchestrator.register_spec("B", run="b")

    stage.orchestrator.on_session_completed(done)
    again = [stage.orchestrator.on_session_failed(failing, ValueError("no")) for _ in range(2)]

    assert again == [True, False]
    assert stage.statuses == {"A": "completed", "B": "failed"}


def test_the_graph_is_built_as_specs_are_registered(theatre: MakeTheatre) -> None:
    stage = theatre()
    stage.orchestrator.register_spec("B", run="b", depends_on=["A"])
    stage.orchestrator.register_spec("A", run="a")

    assert stage.orchestrator.dependency_graph.topological_sort() == ["A", "B"]


async def test_events_can_be_iterated_to_the_end_of_the_run(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre()
    stage.orchestrator.register_spec("A", run="a")
    told: list[str] = []

    async def follow() -> None:
        told.extend([event.type async for event in stage.orchestrator.events()])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(stage.orchestrator.run)

    assert told == [event.type for event in stage.recorder.events]


async def test_an_id_alone_stands_for_the_projects_spec_file(
    theatre: MakeTheatre, tmp_path: Path, autojump_clock: MockClock
) -> None:
    folder = tmp_path / ".aad/specs"
    folder.mkdir(parents=True)
    (folder / "SPEC-001.md").write_text("---\nrun: from the file\n---\n# SPEC-001: One\n")
    stage = theatre()
    session_id = stage.orchestrator.register_spec("SPEC-001")

    await stage.orchestrator.run()

    assert stage.orchestrator.sessions[session_id].title == "One"
    assert [command.argv[-1] for command in stage.children.commands] == ["from the file"]


def test_a_faulty_spec_file_is_named_when_it_is_registered(theatre: MakeTheatre, tmp_path: Path) -> None:
    folder = tmp_path / ".aad/specs"
    folder.mkdir(parents=True)
    (folder / "SPEC-001.md").write_text("---\nrun: x\nretires: 3\n---\n")

    with pytest.raises(InputError, match=r"^\.aad/specs/SPEC-001\.md:3: "):
        theatre().orchestrator.register_spec("SPEC-001")


async def test_the_handler_is_asked_for_every_session_that_is_started_by_itself(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    asked: list[str] = []

    async def decide(log: EscalationLog) -> None:
        asked.append(log.spec_id)
        await trio.sleep(5)

    stage = theatre({"a": Script(work=1), "b": Script(work=3, end=Exit(1))}, escalation_handler=decide)
    sessions = [stage.orchestrator.register_spec(name, run=name.lower()) for name in "AB"]

    async with trio.open_nursery() as nursery:
        for session_id in sessions:
            nursery.start_soon(stage.orchestrator.start_session, session_id)

    assert (asked, stage.statuses) == (["B"], {"A": "completed", "B": "failed"})


async def test_a_session_goes_on_when_the_one_that_was_started_first_is_cancelled(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    async def decide(log: EscalationLog) -> None:
        await trio.sleep(5)

    stage = theatre({"a": Script(work=100), "b": FAILS}, escalation_handler=decide)
    first, second = [stage.orchestrator.register_spec(name, run=name.lower()) for name in "AB"]

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            owner = trio.CancelScope()

            async def own() -> None:
                with owner:
                    await stage.orchestrator.start_session(first)

            nursery.start_soon(own)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(stage.orchestrator.start_session, second)
            await trio.sleep(2)
            owner.cancel()

    assert stage.statuses == {"A": "cancelled", "B": "failed"}


async def test_cancel_ends_sessions_that_were_started_by_themselves_and_close_concludes_the_run(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=100)})
    session_id = stage.orchestrator.register_spec("A", run="a")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.orchestrator.start_session, session_id)
        await trio.sleep(1)
        stage.orchestrator.cancel()
    stage.orchestrator.close()

    assert (stage.statuses, stage.story()[-1]) == ({"A": "cancelled"}, "run_finished")
    assert stage.orchestrator.project.summary(stage.orchestrator.run_id).is_file()


async def test_nothing_is_registered_or_concluded_behind_the_back_of_a_run(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=5)})
    session_id = stage.orchestrator.register_spec("A", run="a")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.orchestrator.run)
        await trio.sleep(1)
        with pytest.raises(InputError, match="registered too late"):
            stage.orchestrator.register_spec("B", run="b")
        with pytest.raises(InputError, match="is under way"):
            stage.orchestrator.on_session_completed(session_id)

    assert stage.statuses == {"A": "completed"}


async def test_a_session_that_has_ended_is_neither_started_nor_concluded_again(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=5)})
    session_id = stage.orchestrator.register_spec("A", run="a")
    with trio.move_on_after(1):
        await stage.orchestrator.start_session(session_id)

    with pytest.raises(InputError, match=r"A has ended \(cancelled\)"):
        await stage.orchestrator.start_session(session_id)
    with pytest.raises(InputError, match=r"A has ended \(cancelled\)"):
        stage.orchestrator.on_session_completed(session_id)

    assert stage.statuses == {"A": "cancelled"}
