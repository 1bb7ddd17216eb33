"""What of a record is on the disk, and what becomes of a run whose journal is lost."""

import os
import shutil

import pytest
import trio
from attrs import evolve
from conftest import MakeTheatre, configure
from fulldisk import disk_full_at
from lone_record import BEGIN, END, OVER, RUN, bare, open_record, project, read
from trio.testing import MockClock, assert_no_checkpoints

from aad.errors import JournalError
from aad.events import FINAL
from aad.journal import read_journal, replay
from aad.project import Project
from aad.record import RunRecord
from aad.state import Status
from aad.testing import Recorder, Script

__all__ = ["project"]

# On the disk.


async def test_what_was_recorded_is_on_the_disk_once_it_is_durable(project: Project) -> None:
    with open_record(project) as record:
        record.emit(BEGIN)
        record.emit(END)

        await record.durable()

        assert record._commit.on_disk == 2
        with assert_no_checkpoints():
            await record.durable()


async def test_what_an_earlier_segment_wrote_is_made_durable_with_the_rest(project: Project) -> None:
    with open_record(project) as first:
        first.emit(BEGIN)

    with open_record(project, resume=True) as record:
        await record.durable()

        assert record._commit.on_disk == 1


async def test_before_it_is_opened_and_after_its_end_nothing_is_to_be_made_durable(project: Project) -> None:
    record = RunRecord(project=project, run=RUN)

    with assert_no_checkpoints():
        await record.durable()
        record.open()
        record.emit(BEGIN)
        record.close()
        await record.durable()


async def test_a_disk_that_fails_to_sync_is_a_lost_journal_and_keeps_nobody_waiting(project: Project) -> None:
    losses: list[str] = []
    record = RunRecord(project=project, run=RUN, lost=lambda: losses.append("lost"))
    record.open()
    record.emit(BEGIN)
    let_no_sync_succeed(record)

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(record.durable)
    record.emit(END)
    await record.durable()
    record.close()

    assert (losses, record.state.session("A").status) == (["lost"], Status.COMPLETED)
    assert str(record.trouble) == (
        f"{project.journal(RUN)}: cannot be written: Invalid argument "
        "(make room, or make it writable; --resume goes on from there)"
    )


def let_no_sync_succeed(record: RunRecord) -> None:
    """Put a pipe in the journal's place: it takes everything, and cannot be synced."""
    assert record._journal is not None
    ends = os.pipe()
    os.dup2(ends[1], record._journal._descriptor)
    for end in ends:
        os.close(end)


# A journal that is lost.


def break_journal(record: RunRecord) -> None:
    """Let nothing more be written: the descriptor becomes one for reading."""
    assert record._journal is not None
    closed = os.open(record._journal.path, os.O_RDONLY)
    os.dup2(closed, record._journal._descriptor)
    os.close(closed)


def test_a_lost_journal_is_told_once_and_listeners_hear_on(project: Project) -> None:
    losses: list[str] = []
    recorder = Recorder()
    record = RunRecord(project=project, run=RUN, lost=lambda: losses.append("lost"))
    record.open()
    record.attach(recorder)
    record.emit(BEGIN)

    break_journal(record)
    record.emit(END)
    record.emit(OVER)
    record.close()

    assert (losses, recorder.story) == (
        ["lost"],
        ["session_started A", "session_completed A", "run_finished"],
    )
    assert record.trouble is not None
    assert str(record.trouble) == (
        f"{project.journal(RUN)}: cannot be written: Bad file descriptor "
        "(make room, or make it writable; --resume goes on from there)"
    )
    assert (record.state.session("A").status, read(project)) == (
        Status.COMPLETED,
        [evolve(BEGIN, seq=1, run=RUN)],
    )


def test_a_journal_that_was_deleted_is_noticed_at_the_next_tick_and_told_once(project: Project) -> None:
    losses: list[str] = []
    record = RunRecord(project=project, run=RUN, lost=lambda: losses.append("lost"))
    record.open()
    record.emit(BEGIN)
    record.tick()
    before = list(losses)

    shutil.rmtree(project.run(RUN))
    record.tick()
    record.emit(END)
    record.tick()
    record.close()
    record.tick()

    assert (before, losses, record.state.session("A").status) == ([], ["lost"], Status.COMPLETED)
    assert str(record.trouble) == (
        f"{project.journal(RUN)}: deleted or moved while the run went on "
        "(put it back, and --resume goes on from there; else start anew without --resume)"
    )


async def test_a_run_whose_folder_is_deleted_ends_in_order_within_a_tick(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=100), "b": Script(work=5)})
    stage.orchestrator.register_spec("A", run="a")
    stage.orchestrator.register_spec("B", run="b")

    async def lose() -> None:
        await trio.sleep(2.5)
        shutil.rmtree(stage.orchestrator.project.run(stage.orchestrator.run_id))

    with pytest.RaisesGroup(pytest.RaisesExc(JournalError, match="deleted or moved")):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lose)
            nursery.start_soon(stage.orchestrator.run)

    assert (stage.statuses, trio.current_time()) == ({"A": "cancelled", "B": "cancelled"}, 3.0)
    assert stage.orchestrator.state.exit_code == 4


async def test_a_run_whose_disk_is_full_ends_in_order_and_can_be_resumed(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    names = [f"S{number:02}" for number in range(20)]
    stage = theatre({"long": Script(work=100)}, config=configure(max_parallel_sessions=2, run_timeout=1000.0))
    stage.orchestrator.register_spec("LONG", run="long")
    for name in names:
        stage.orchestrator.register_spec(name, run="x")

    with disk_full_at(8000), pytest.raises(JournalError, match="cannot be written: File too large"):
        await stage.orchestrator.run()
    stage.orchestrator.close()

    state, journal = stage.orchestrator.state, stage.orchestrator.project.journal(stage.orchestrator.run_id)
    assert (state.status, state.exit_code, stage.statuses["LONG"]) == ("interrupted", 4, "cancelled")
    ends = [event.spec for event in stage.recorder.events if isinstance(event, FINAL)]
    assert sorted(ends) == sorted(["LONG", *names])
    # What is in the journal is what was told, up to where it broke off.
    written = list(read_journal(journal))
    assert 0 < len(written) < len(stage.recorder.events)
    assert [bare(event) for event in written] == [bare(e) for e in stage.recorder.events[: len(written)]]

    again = theatre(resume=stage.orchestrator.run_id)
    for name in ("LONG", *names):
        again.orchestrator.register_spec(name, run="x")
    assert (await again.orchestrator.run()).exit_code == 0
    again.orchestrator.close()
    assert set(replay(journal).completed) == {"LONG", *names}


async def test_a_journal_that_is_lost_in_the_middle_of_a_run_ends_it_with_4(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=100, last_output=b"x"), "b": Script(work=5)})
    stage.orchestrator.register_spec("A", run="a")
    stage.orchestrator.register_spec("B", run="b")

    async def lose() -> None:
        await trio.sleep(3)
        break_journal(stage.orchestrator._record)

    with pytest.RaisesGroup(pytest.RaisesExc(JournalError)):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lose)
            nursery.start_soon(stage.orchestrator.run)

    # The end of B is what could not be written: A is ended in order then.
    assert (stage.statuses, trio.current_time()) == ({"A": "cancelled", "B": "completed"}, 5.0)
    assert stage.orchestrator.state.exit_code == 4
