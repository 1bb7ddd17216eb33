import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
from attrs import evolve
from fulldisk import disk_full_at
from hypothesis import given, settings
from hypothesis import strategies as st

from aad.codec import encode
from aad.errors import AadError, InputError, JournalError
from aad.events import (
    Event,
    PlanEntry,
    PlanMade,
    RunStarted,
    SessionCompleted,
    SessionProgress,
    SessionStarted,
)
from aad.journal import Journal, find_run, list_runs, point_latest, read_journal, replay
from aad.state import Status

RUN = "20261122-213612-7f3a"

STORY: tuple[Event, ...] = (
    RunStarted(run=RUN, pid=4711, version="0.1.0", jobs=2, schedule="eager"),
    PlanMade(
        run=RUN, specs=(PlanEntry(id="A"), PlanEntry(id="B", depends_on=("A",))), waves=(("A",), ("B",))
    ),
    SessionStarted(run=RUN, spec="A", attempt=1, agent="command", pid=4712),
    SessionProgress(run=RUN, spec="A", attempt=1, progress=0.5, message="半分"),
    SessionCompleted(run=RUN, spec="A", attempt=1, duration_s=2.0),
    SessionStarted(run=RUN, spec="B", attempt=1, agent="command", pid=4713),
)
NUMBERED = tuple(evolve(event, seq=seq) for seq, event in enumerate(STORY, start=1))
LINES = tuple(encode(event) for event in NUMBERED)
WHOLE = b"".join(LINES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal with the whole story stands."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(WHOLE)
    return path


def resume(path: Path) -> list[Event]:
    journal, events = Journal.resume(path)
    journal.close()
    return events


def damage(path: Path, *, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x01
    path.write_bytes(data)


def message(call: Callable[[], object], lang: str = "en") -> str:
    """Return what a person is told of the error that a call raises."""
    with pytest.raises(AadError) as caught:
        call()
    return caught.value.render(lang)


# --- writing ---


def test_what_is_appended_is_numbered_from_one_and_returned_so(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / RUN / "journal.jsonl")

    stamped = [journal.append(event) for event in STORY]

    journal.close()
    assert stamped == list(NUMBERED)
    assert journal.path.read_bytes() == WHOLE


def test_a_record_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal.jsonl")

    journal.append(STORY[0])

    assert journal.path.read_bytes() == LINES[0]
    journal.close()


def test_journal_and_folder_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "runs" / RUN / "journal.jsonl"

    Journal.create(path).close()

    modes = [stat.S_IMODE(made.stat().st_mode) for made in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_a_journal_is_never_begun_over_another(path: Path) -> None:
    said = message(lambda: Journal.create(path))

    assert said == (
        f"{path}: cannot be written: File exists "
        "(make room, or make it writable; --resume goes on from there)"
    )
    assert path.read_bytes() == WHOLE


def test_a_journal_that_cannot_be_begun_names_file_and_cause(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    path = tmp_path / "runs" / RUN / "journal.jsonl"

    said = message(lambda: Journal.create(path), "ja")

    assert said == (
        f"{path}: 書き込めません: File exists"
        "（空き容量を作るか、書き込めるようにしてください。--resume で続きから再開できます）"
    )


def test_the_file_is_not_inherited_by_children(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal.jsonl")

    assert not os.get_inheritable(journal._descriptor)
    journal.close()


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal.jsonl")

    journal.close()
    journal.close()


@pytest.mark.parametrize("room", [0, 1, 40])
def test_a_record_that_finds_no_room_leaves_the_file_as_it_was(path: Path, room: int) -> None:
    journal, _ = Journal.resume(path)

    with disk_full_at(len(WHOLE) + room):
        said = message(lambda: journal.append(SessionCompleted(spec="B")))

    journal.close()
    assert said == (
        f"{path}: cannot be written: File too large "
        "(make room, or make it writable; --resume goes on from there)"
    )
    assert path.read_bytes() == WHOLE


def test_a_journal_goes_on_once_there_is_room_again(path: Path) -> None:
    journal, _ = Journal.resume(path)
    with disk_full_at(len(WHOLE) + 10), pytest.raises(JournalError):
        journal.append(SessionCompleted(spec="B"))

    stamped = journal.append(SessionCompleted(spec="B"))

    journal.close()
    assert stamped.seq == len(STORY) + 1
    assert list(read_journal(path)) == [*NUMBERED, stamped]


def test_what_a_failed_record_left_is_removed_before_the_next(path: Path) -> None:
    journal, _ = Journal.resume(path)
    with path.open("ab") as file:
        file.write(LINES[0][:20])
    journal._torn = True  # as if to truncate had failed too

    stamped = journal.append(SessionCompleted(spec="B"))

    journal.close()
    assert path.read_bytes() == WHOLE + encode(stamped)


# --- going on ---


def test_a_resumed_journal_gives_its_events_and_goes_on_counting(path: Path) -> None:
    journal, events = Journal.resume(path)

    stamped = journal.append(SessionCompleted(spec="B", attempt=1))

    journal.close()
    assert events == list(NUMBERED)
    assert path.read_bytes() == WHOLE + encode(evolve(stamped, seq=7))


def test_an_empty_journal_can_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.touch()

    assert resume(path) == []


def test_a_journal_that_is_not_there_cannot_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"

    assert message(lambda: Journal.resume(path)) == (
        f"{path}: cannot be read: No such file or directory (aad runs lists the runs there are)"
    )


def test_a_torn_tail_is_set_aside_in_a_file_beside_the_journal(path: Path) -> None:
    torn = LINES[0][:50] + b"\0" * 100
    path.write_bytes(WHOLE + torn)

    events = resume(path)

    aside = path.with_name(f"journal.jsonl.torn-{len(WHOLE)}")
    assert events == list(NUMBERED)
    assert path.read_bytes() == WHOLE
    assert aside.read_bytes() == torn
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600


def test_a_second_tail_torn_at_the_same_place_is_kept_too(path: Path) -> None:
    for torn in (b'{"v":1,"s', b'{"v":1,"seq":7'):
        path.write_bytes(WHOLE + torn)
        resume(path)

    assert path.with_name(f"journal.jsonl.torn-{len(WHOLE)}").read_bytes() == b'{"v":1,"s{"v":1,"seq":7'


def test_a_sound_journal_has_nothing_set_aside(path: Path) -> None:
    resume(path)

    assert list(path.parent.iterdir()) == [path]


@settings(deadline=None)
@given(
    cut=st.integers(0, len(WHOLE)),
    zeros=st.sampled_from([0, 1, 7, 4096]),
    more=st.integers(0, 3),
)
def test_a_journal_cut_anywhere_gives_its_sound_prefix_and_goes_on(cut: int, zeros: int, more: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.jsonl")
        path.write_bytes(WHOLE[:cut] + b"\0" * zeros)
        sound = WHOLE[:cut].count(b"\n")

        seen = list(read_journal(path))
        journal, events = Journal.resume(path)
        added = [journal.append(SessionProgress(spec="A", progress=0.1 * number)) for number in range(more)]
        journal.close()

        assert events == seen == list(NUMBERED[:sound])
        assert [event.seq for event in added] == list(range(sound + 1, sound + 1 + more))
        assert list(read_journal(path)) == resume(path) == [*events, *added]


# --- damage ---


@given(at=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_a_changed_byte_gives_the_sound_prefix_or_a_refusal(at: int, bit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.jsonl")
        data = bytearray(WHOLE)
        data[at] ^= 1 << bit
        path.write_bytes(data)
        sound = WHOLE[:at].count(b"\n")

        try:
            events = resume(path)
        except JournalError:
            assert path.read_bytes() == data
        else:
            assert events == list(NUMBERED[:sound])
            assert sound == len(STORY) - 1


@pytest.mark.parametrize("line", range(len(LINES) - 1))
def test_damage_before_a_sound_record_is_refused_and_its_byte_named(path: Path, line: int) -> None:
    start = sum(map(len, LINES[:line]))
    damage(path, at=start + 30)

    said = message(lambda: Journal.resume(path))

    assert said == (
        f"{path}: damaged at byte {start}, with sound records behind it: nothing was changed "
        "(bring the file back from a copy, or start anew without --resume)"
    )
    assert list(path.parent.iterdir()) == [path]


def test_a_head_that_is_damaged_does_not_hide_the_last_record(path: Path) -> None:
    start = sum(map(len, LINES[:-2]))
    damage(path, at=start)

    assert f"damaged at byte {start}," in message(lambda: Journal.resume(path))


def test_a_newline_that_is_damaged_does_not_hide_the_last_record(path: Path) -> None:
    start = sum(map(len, LINES[:-2]))
    damage(path, at=len(WHOLE) - len(LINES[-1]) - 1)

    assert f"damaged at byte {start}," in message(lambda: Journal.resume(path))


@pytest.mark.parametrize(
    "lines",
    [LINES[:2] + LINES[3:], LINES[1:], LINES[:2] + LINES[1:], (LINES[0], LINES[2], LINES[1])],
    ids=["missing", "headless", "doubled", "swapped"],
)
def test_records_that_are_missing_doubled_or_swapped_are_damage(path: Path, lines: tuple[bytes, ...]) -> None:
    path.write_bytes(b"".join(lines))

    with pytest.raises(JournalError, match="damaged at byte"):
        Journal.resume(path)


def test_readers_get_what_stands_before_the_damage_and_then_the_refusal(path: Path) -> None:
    damage(path, at=len(LINES[0]) + len(LINES[1]) + 30)
    events = read_journal(path)

    assert [next(events), next(events)] == list(NUMBERED[:2])
    with pytest.raises(JournalError, match="damaged at byte"):
        next(events)


# --- other versions ---


@pytest.mark.parametrize("lines", [0, 3])
def test_a_journal_of_another_version_is_refused_and_left_alone(path: Path, lines: int) -> None:
    data = b"".join(LINES[:lines]) + b'{"v":2,"shape":"of things to come"}\n'
    path.write_bytes(data)

    assert message(lambda: Journal.resume(path)) == (
        f"{path}: written in version 2 of the format, and this aad knows version 1 "
        "(use the aad that wrote it)"
    )
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def reseal(line: bytes, old: bytes, new: bytes) -> bytes:
    body = line.rpartition(b',"crc"')[0].replace(old, new)
    return body + b',"crc":"%08x"}\n' % crc32(body)


def test_a_type_of_event_that_is_not_known_is_passed_over_and_counted(path: Path) -> None:
    unknown = reseal(LINES[3], b"session_progress", b"session_dreamt")
    path.write_bytes(b"".join((*LINES[:3], unknown, *LINES[4:])))

    assert list(read_journal(path)) == resume(path) == [*NUMBERED[:3], *NUMBERED[4:]]


def test_a_record_that_cannot_be_understood_is_refused_with_its_line(path: Path) -> None:
    path.write_bytes(LINES[0] + reseal(LINES[1], b'"waves"', b'"tides"'))

    said = message(lambda: Journal.resume(path))

    assert said.startswith(f"{path}:2: this record cannot be understood: an event that cannot be read: ")
    assert said.endswith("(use the aad that wrote it)")


# --- reading ---


def test_readers_stop_at_a_torn_tail_and_mend_nothing(path: Path) -> None:
    path.write_bytes(WHOLE[:-10])

    assert list(read_journal(path)) == list(NUMBERED[:-1])
    assert path.read_bytes() == WHOLE[:-10]
    assert list(path.parent.iterdir()) == [path]


def test_replay_folds_the_events_into_the_state_of_the_run(path: Path) -> None:
    state = replay(path)

    assert state.run == RUN
    assert {s.spec_id: s.status for s in state.sessions.values()} == {
        "A": Status.COMPLETED,
        "B": Status.RUNNING,
    }


# --- finding runs ---


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return a folder with three runs, two of one day."""
    runs = tmp_path / "runs"
    for run in ("20261122-213612-7f3a", "20261123-010000-0a0a", "20261123-020000-0b0b"):
        (runs / run).mkdir(parents=True)
    point_latest(runs, "20261123-020000-0b0b")
    return runs


def test_runs_are_listed_newest_first(runs: Path) -> None:
    (runs / "notes.txt").touch()

    assert list_runs(runs) == ["20261123-020000-0b0b", "20261123-010000-0a0a", "20261122-213612-7f3a"]


def test_where_nothing_ever_ran_there_are_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "runs") == []
    assert (
        message(lambda: find_run(tmp_path / "runs")) == "there are no runs yet (aad orchestrate begins one)"
    )


def test_runs_that_cannot_be_listed_are_an_error_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()

    with pytest.raises(InputError, match="cannot be read: Not a directory"):
        list_runs(tmp_path / "runs")


@pytest.mark.parametrize(
    ("prefix", "run"),
    [
        (None, "20261123-020000-0b0b"),
        ("20261122", "20261122-213612-7f3a"),
        ("20261123-01", "20261123-010000-0a0a"),
        ("20261122-213612-7f3a", "20261122-213612-7f3a"),
    ],
)
def test_a_run_is_found_by_a_prefix_that_is_its_own(runs: Path, prefix: str | None, run: str) -> None:
    assert find_run(runs, prefix) == run


def test_a_whole_id_is_found_though_another_begins_with_it(runs: Path) -> None:
    (runs / "20261122-213612-7f3a-2").mkdir()

    assert find_run(runs, "20261122-213612-7f3a") == "20261122-213612-7f3a"


def test_a_prefix_of_several_runs_is_refused_with_their_ids(runs: Path) -> None:
    assert message(lambda: find_run(runs, "20261123")) == (
        "several runs begin with 20261123: 20261123-020000-0b0b, 20261123-010000-0a0a (give more of the id)"
    )


def test_a_prefix_of_no_run_is_refused_with_the_newest_ids(runs: Path) -> None:
    for number in range(9):
        (runs / f"20261124-00000{number}-ffff").mkdir()

    newest = ", ".join(f"20261124-00000{number}-ffff" for number in reversed(range(9)))
    assert message(lambda: find_run(runs, "2025"), "ja") == (
        f"2025 で始まる実行はありません（存在する実行: {newest}, 20261123-020000-0b0b …）"
    )


# --- the newest ---


def test_latest_names_the_run_it_was_pointed_at_last(runs: Path) -> None:
    point_latest(runs, "20261122-213612-7f3a")

    assert (runs / "latest").readlink() == Path("20261122-213612-7f3a")
    assert {entry.name for entry in runs.iterdir()} == {"latest", *list_runs(runs)}


def test_a_link_that_a_crash_left_half_made_is_replaced(runs: Path) -> None:
    (runs / f".latest.{RUN}").symlink_to("nowhere")

    point_latest(runs, RUN)

    assert (runs / "latest").readlink() == Path(RUN)


def test_latest_that_cannot_be_written_keeps_no_run_from_its_work(runs: Path) -> None:
    (runs / "latest").unlink()
    (runs / "latest").mkdir()

    point_latest(runs, RUN)

    assert (runs / "latest").is_dir()


def test_the_word_for_the_newest_run_finds_it(tmp_path: Path) -> None:
    for name in ("20260101-000000-0000", "20260102-000000-0000"):
        (tmp_path / name).mkdir()

    assert find_run(tmp_path, "latest") == "20260102-000000-0000"
