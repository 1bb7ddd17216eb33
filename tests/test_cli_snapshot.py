"""Runs as their journals tell of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from cli_project import FAILED_RUN, KILLED_RUN, RUN

from aad.cli.snapshot import Brief, JournalTail, is_under_way, read_brief, read_run
from aad.errors import JournalError
from aad.events import Event, Paused
from aad.journal import Journal
from aad.lock import find_holder, hold_lock
from aad.project import Project
from aad.report import running_time
from aad.state import Status


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def journal(project: Project) -> Iterator[Journal]:
    journal = Journal.create(project.journal(RUN))
    yield journal
    journal.close()


def append(journal: Journal, *events: Event) -> None:
    for event in events:
        journal.append(evolve(event, run=RUN))


# Who holds the lock.


def test_the_holder_of_the_lock_is_known_while_it_holds_it(project: Project) -> None:
    before = find_holder(project.state)
    with hold_lock(project.state, RUN):
        meanwhile = find_holder(project.state)
    after = find_holder(project.state)

    assert (before, meanwhile, after) == (None, RUN, None)


def test_a_holder_that_was_killed_holds_nothing(project: Project) -> None:
    with hold_lock(project.state, RUN):
        left = (project.state / "owner.json").read_bytes()
    (project.state / "owner.json").write_bytes(left)

    assert find_holder(project.state) is None


@pytest.mark.parametrize("owner", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_an_owner_that_cannot_be_read_is_nobody(project: Project, owner: bytes) -> None:
    with hold_lock(project.state, RUN):
        (project.state / "owner.json").write_bytes(owner)

        assert find_holder(project.state) is None


def test_to_look_who_holds_the_lock_does_not_take_it_away(project: Project) -> None:
    with hold_lock(project.state, RUN):
        find_holder(project.state)

        assert is_under_way(project, RUN)


# A run as a whole.


def test_a_run_that_was_cut_off_is_known_up_to_its_last_word(project: Project, journal: Journal) -> None:
    append(journal, *KILLED_RUN, evolve(KILLED_RUN[1], ts=KILLED_RUN[-1].ts + 8))

    snapshot = read_run(project, RUN)

    second = snapshot.state.session("SPEC-002")
    assert (snapshot.now, snapshot.state.status, snapshot.state.duration_s) == (
        KILLED_RUN[-1].ts + 8,
        "interrupted",
        70.0,
    )
    assert (second.status, second.duration_s, second.pid) == (Status.CANCELLED, 8.0, None)


def test_a_run_that_stands_still_is_paused_and_so_is_its_time(project: Project, journal: Journal) -> None:
    append(journal, *KILLED_RUN, Paused(ts=KILLED_RUN[-1].ts + 8))

    with hold_lock(project.state, RUN):
        snapshot = read_run(project, RUN)

    state = snapshot.state
    assert (state.status, state.duration_s, snapshot.now) == ("paused", 70.0, KILLED_RUN[-1].ts + 8)
    assert running_time(state.session("SPEC-002"), snapshot.now) == 8.0


def test_a_run_that_was_killed_while_it_stood_still_was_cut_off_then(
    project: Project, journal: Journal
) -> None:
    append(journal, *KILLED_RUN, Paused(ts=KILLED_RUN[-1].ts + 8))

    state = read_run(project, RUN).state

    second = state.session("SPEC-002")
    assert (state.status, state.duration_s) == ("interrupted", 70.0)
    assert (second.status, second.duration_s) == (Status.CANCELLED, 8.0)


def test_a_run_that_is_over_is_as_its_journal_says(project: Project, journal: Journal) -> None:
    append(journal, *FAILED_RUN)

    state = read_run(project, RUN).state

    assert (state.status, state.exit_code, state.duration_s) == ("failed", 1, 92.0)


def test_a_brief_of_the_ends_says_the_same_as_one_of_the_whole(project: Project, journal: Journal) -> None:
    append(journal, *FAILED_RUN)
    by_ends = read_brief(project, RUN)
    state = read_run(project, RUN).state

    by_whole = Brief(
        run=RUN,
        status=state.status,
        started=state.started,
        ended=state.ended,
        duration_s=state.duration_s,
        exit_code=state.exit_code,
        counts={str(status): count for status, count in state.count().items()},
    )

    assert by_ends == by_whole


def test_a_torn_last_line_is_that_of_a_run_that_was_cut_off(project: Project, journal: Journal) -> None:
    append(journal, *FAILED_RUN)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-10])

    brief = read_brief(project, RUN)

    assert (brief.status, brief.exit_code, brief.counts) == (
        "interrupted",
        None,
        {"completed": 1, "failed": 1, "skipped": 1},
    )


def test_a_run_without_a_journal_is_unreadable(project: Project) -> None:
    assert read_brief(project, RUN) == Brief(run=RUN, status="unreadable")


# A journal that is being written.


def test_a_tail_yields_each_event_once(journal: Journal) -> None:
    tail = JournalTail(journal.path)
    append(journal, *FAILED_RUN[:2])
    first = [event.type for event in tail.read_on()]
    append(journal, *FAILED_RUN[2:4])

    second = [event.type for event in tail.read_on()]

    assert (first, second, list(tail.read_on())) == (
        ["run_started", "plan"],
        ["session_started", "session_completed"],
        [],
    )


def test_a_tail_waits_for_the_rest_of_a_line(journal: Journal) -> None:
    append(journal, *FAILED_RUN[:2])
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-1])
    tail = JournalTail(journal.path)
    first = [event.type for event in tail.read_on()]
    journal.path.write_bytes(whole)

    second = [event.type for event in tail.read_on()]

    assert (first, second) == (["run_started"], ["plan"])


def test_a_tail_of_a_journal_that_is_gone_is_an_error(project: Project) -> None:
    path = project.journal(RUN)

    with pytest.raises(JournalError) as caught:
        list(JournalTail(path).read_on())

    told = "cannot be read: No such file or directory (aad runs lists the runs there are)"
    assert str(caught.value) == f"{path}: {told}"
