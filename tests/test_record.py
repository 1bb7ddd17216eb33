"""What happened, written down: journal first, then the state, then everybody who listens."""

import os
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field
from lone_record import BEGIN, END, OVER, RUN, bare, open_record, project, read
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.display.base import NoDisplay
from aad.errors import IllegalTransitionError, InputError, JournalError, LockedError
from aad.events import (
    Event,
    Failure,
    Integrated,
    LeftOut,
    Reason,
    RolledBack,
    RunStarted,
    SessionFailed,
    SessionOutput,
)
from aad.journal import read_journal, replay
from aad.project import Project
from aad.record import RunRecord, redact_event
from aad.redact import Redactor
from aad.state import Status
from aad.testing import Recorder
from aad.version import __version__

__all__ = ["project"]

# Recording.


def test_an_event_is_numbered_stamped_and_told_as_it_is_written(project: Project) -> None:
    recorder = Recorder()

    with open_record(project) as record:
        record.attach(recorder)
        record.start(jobs=2, schedule="eager")
        record.emit(BEGIN)

    started = RunStarted(
        seq=1, run=RUN, pid=os.getpid(), version=__version__, jobs=2, schedule="eager", resumed=False
    )
    assert read(project) == [started, evolve(BEGIN, seq=2, run=RUN)]
    assert [bare(event) for event in recorder.events] == read(project)
    assert recorder.events[0].ts > 0


@define
class Witness(NoDisplay):
    """Looks at journal and state at the moment when it is shown an event."""

    record: RunRecord
    seen: list[tuple[int, int, Status]] = field(factory=list)

    def show(self, event: Event) -> None:
        written = list(read_journal(self.record.project.journal(RUN)))
        self.seen.append((event.seq, len(written), self.record.state.session("A").status))


def test_an_event_is_in_the_journal_then_in_the_state_then_shown(project: Project) -> None:
    with open_record(project) as record:
        witness = Witness(record)
        record.attach(witness)
        record.emit(BEGIN)
        record.emit(END)

    assert witness.seen == [(1, 1, Status.RUNNING), (2, 2, Status.COMPLETED)]


def test_what_a_session_may_not_do_is_neither_written_nor_told(project: Project) -> None:
    recorder = Recorder()

    with open_record(project) as record:
        record.emit(BEGIN)
        record.emit(END)
        before = project.journal(RUN).read_bytes()
        record.attach(recorder)
        with pytest.raises(IllegalTransitionError, match=r"^A is completed: session_failed is not possible$"):
            record.emit(SessionFailed(spec="A", attempt=1))

        assert (project.journal(RUN).read_bytes(), recorder.events) == (before, [])
        assert record.state.session("A").status is Status.COMPLETED


def test_before_it_is_opened_nothing_is_on_the_disk_and_listeners_hear_all_the_same(
    project: Project, tmp_path: Path
) -> None:
    record, recorder = RunRecord(project=project, run=RUN), Recorder()
    record.attach(recorder)

    record.emit(BEGIN)

    assert (record.is_open, list(tmp_path.iterdir()), recorder.story) == (False, [], ["session_started A"])


def test_output_goes_to_those_who_want_it_and_nowhere_else(project: Project) -> None:
    plain, full = Recorder(), Recorder()

    with open_record(project) as record:
        wanted = [record.wants_output]
        record.attach(plain)
        wanted.append(record.wants_output)
        record.attach(full, output=True)
        wanted.append(record.wants_output)
        record.emit(BEGIN)
        record.tell(SessionOutput(spec="A", attempt=1, message="a line"))

    assert wanted == [False, False, True]
    assert (plain.story, full.story) == (["session_started A"], ["session_started A", "session_output A"])
    assert bare(full.events[1]) == SessionOutput(run=RUN, spec="A", attempt=1, message="a line")
    assert read(project) == [evolve(BEGIN, seq=1, run=RUN)]


def test_displays_are_told_to_speak_of_time_and_of_the_end(project: Project) -> None:
    told: list[str] = []

    class Display(NoDisplay):
        def flush(self) -> None:
            told.append("flush")

        def tick(self, now: float) -> None:
            told.append(f"tick {now > 1e9}")

        def close(self) -> None:
            told.append("close")

    with open_record(project) as record:
        record.attach(Display())
        record.flush()
        record.tick()

    assert told == ["flush", "tick True", "close"]


# Opening and closing.


def test_the_newest_run_is_called_latest(project: Project) -> None:
    for run in (RUN, "20261123-000000-0000"):
        with open_record(project, run=run):
            pass

    assert (project.runs / "latest").readlink() == Path("20261123-000000-0000")


def test_one_run_holds_the_project_until_it_is_closed(project: Project) -> None:
    with open_record(project) as record:
        with pytest.raises(LockedError), open_record(project, run="other"):
            pass
        record.close()

        with open_record(project, run="other") as other:
            assert other.is_open


def test_a_record_that_cannot_be_opened_holds_nothing(project: Project) -> None:
    with open_record(project):
        pass

    for _ in range(2):
        with pytest.raises(JournalError, match="File exists"), open_record(project):
            pass


def test_a_project_that_cannot_be_written_is_the_users_matter(project: Project) -> None:
    project.folder.touch()

    with pytest.raises(InputError) as caught, open_record(project):
        pass

    assert [(problem.key, problem.path) for problem in caught.value.problems] == [
        ("run_folder_unwritable", str(project.folder))
    ]


def test_what_comes_after_the_end_is_not_recorded(project: Project) -> None:
    with open_record(project) as record:
        record.emit(BEGIN)
        record.close()
        record.emit(END)

    assert len(read(project)) == 1


# A second segment.


def test_a_resumed_record_knows_what_was_and_goes_on_counting(project: Project) -> None:
    with open_record(project) as first:
        first.start(jobs=2, schedule="eager")
        first.emit(BEGIN)
        first.emit(END)
        first.emit(evolve(BEGIN, spec="B"))

    with open_record(project, resume=True) as record:
        under_way = record.under_way
        found = {session.spec_id: session.status for session in record.state.sessions.values()}
        record.start(jobs=3, schedule="waves")
        begun = {session.spec_id: session.status for session in record.state.sessions.values()}
        record.emit(evolve(BEGIN, spec="B", attempt=2))

    # The journal still says so of B; that this record has begun is another matter.
    assert (under_way, found) == (False, {"A": Status.COMPLETED, "B": Status.RUNNING})
    # What was under way when the first segment broke off begins anew.
    assert begun == {"A": Status.COMPLETED, "B": Status.PENDING}
    assert [(event.seq, event.type) for event in read(project)] == [
        (1, "run_started"),
        (2, "session_started"),
        (3, "session_completed"),
        (4, "session_started"),
        (5, "run_started"),
        (6, "session_started"),
    ]
    assert [event.resumed for event in read(project) if isinstance(event, RunStarted)] == [False, True]
    assert replay(project.journal(RUN)).session("B").attempt == 2


def test_a_run_that_came_to_its_end_keeps_it_until_it_goes_on(project: Project) -> None:
    with open_record(project) as first:
        first.start(jobs=2, schedule="eager")
        first.emit(evolve(OVER, status="failed", exit_code=1))

    with open_record(project, resume=True) as record:
        assert (record.state.status, record.state.exit_code) == ("failed", 1)


def test_a_run_that_never_was_cannot_be_resumed(project: Project) -> None:
    with pytest.raises(JournalError), open_record(project, resume=True):
        pass

    with open_record(project) as record:
        assert record.is_open


# Listeners.


async def test_every_listener_gets_all_events_from_its_beginning_to_the_end_of_the_run(
    project: Project, autojump_clock: MockClock
) -> None:
    with open_record(project) as record:
        early = record.subscribe()
        record.emit(BEGIN)
        late = record.subscribe()
        record.emit(END)
        record.emit(OVER)

        told = [[event.type async for event in listener] for listener in (early, late)]

    assert told == [
        ["session_started", "session_completed", "run_finished"],
        ["session_completed", "run_finished"],
    ]


async def test_listeners_end_with_the_record_even_if_the_run_has_no_end(
    project: Project, autojump_clock: MockClock
) -> None:
    with open_record(project) as record:
        listener = record.subscribe()
        record.emit(BEGIN)

    assert [event.type async for event in listener] == ["session_started"]


async def test_who_stops_listening_harms_nobody(project: Project, autojump_clock: MockClock) -> None:
    with open_record(project) as record:
        gone, there, idle = (record.subscribe() for _ in range(3))
        record.emit(BEGIN)
        await gone.receive()
        await gone.aclose()
        record.emit(END)
        record.emit(OVER)

        assert [event.type async for event in there] == [
            "session_started",
            "session_completed",
            "run_finished",
        ]
        assert idle.statistics().current_buffer_used == 3
        idle.close()


async def test_a_listener_may_wait_before_anything_happens(
    project: Project, autojump_clock: MockClock
) -> None:
    told: list[str] = []

    async def listen() -> None:
        told.extend([event.type async for event in record.subscribe()])

    with open_record(project) as record:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            await wait_all_tasks_blocked()
            record.emit(OVER)

    assert told == ["run_finished"]


# Secrets.


def test_the_names_of_files_that_children_made_are_masked() -> None:
    redactor = Redactor(["hunter2-hunter2"])
    left = (LeftOut(path="hunter2-hunter2/.env", why="secret"), LeftOut(path="b", why="nested"))
    conflict = Failure(reason=Reason.CONFLICT, files=("hunter2-hunter2.py", "b.py"))
    integrated = Integrated(spec="A", branch="aad/A", commit="c0", target="aad/run/r", result="fa")
    kept = RolledBack(spec="A", ref="refs/aad/r/A/1", commit="c0")

    masked = [
        redact_event(redactor, event)
        for event in (
            evolve(integrated, left_out=left),
            evolve(kept, left_out=left),
            SessionFailed(spec="A", failure=conflict),
        )
    ]

    left_masked = (LeftOut(path="[redacted]/.env", why="secret"), LeftOut(path="b", why="nested"))
    assert masked == [
        evolve(integrated, left_out=left_masked),
        evolve(kept, left_out=left_masked),
        SessionFailed(spec="A", failure=evolve(conflict, files=("[redacted].py", "b.py"))),
    ]
