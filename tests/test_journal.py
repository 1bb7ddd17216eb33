import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
from attrs import evolve
from fulldisk import disk_full_at

from aad.codec import encode
from aad.errors import AadError, JournalError
from aad.events import (
    Event,
    PlanEntry,
    PlanMade,
    RunStarted,
    SessionCompleted,
    SessionProgress,
    SessionStarted,
)
from aad.journal import Journal, read_journal, replay
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


def test_the_names_of_a_new_journal_and_of_its_folder_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    runs = tmp_path / "runs"

    Journal.create(runs / RUN / "journal.jsonl").close()

    assert synced == [(runs / RUN).stat().st_ino, runs.stat().st_ino]


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


# --- on the disk ---


def test_a_journal_that_is_synced_stays_as_it_is_and_can_be_appended_to(path: Path) -> None:
    journal, _ = Journal.resume(path)

    journal.sync()
    stamped = journal.append(SessionCompleted(spec="B"))
    journal.sync()

    journal.close()
    assert path.read_bytes() == WHOLE + encode(stamped)


def test_a_disk_that_does_not_take_what_was_written_is_told_with_its_cause(path: Path) -> None:
    journal, _ = Journal.resume(path)
    read_end, write_end = os.pipe()
    os.dup2(write_end, journal._descriptor)  # nothing can be synced there

    said = message(journal.sync)

    for descriptor in (read_end, write_end):
        os.close(descriptor)
    journal.close()
    assert said == (
        f"{path}: cannot be written: Invalid argument "
        "(make room, or make it writable; --resume goes on from there)"
    )


# --- found under its name ---


def test_a_journal_that_is_where_it_was_begun_is_all_right(path: Path) -> None:
    journal, _ = Journal.resume(path)

    journal.check()
    journal.append(SessionCompleted(spec="B"))
    journal.check()

    journal.close()


def delete(path: Path) -> None:
    path.unlink()


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def move_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def put_a_copy_in_its_place(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.replace(path)


def put_a_file_in_place_of_the_folder(path: Path) -> None:
    move_folder(path)
    path.parent.touch()


LOSSES = (delete, delete_folder, move_folder, put_a_copy_in_its_place, put_a_file_in_place_of_the_folder)


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
def test_a_journal_that_is_gone_is_noticed(tmp_path: Path, lose: Callable[[Path], None]) -> None:
    journal = Journal.create(tmp_path / "run" / "journal.jsonl")

    lose(journal.path)
    english, japanese = message(journal.check), message(journal.check, "ja")

    journal.close()
    assert english == (
        f"{journal.path}: deleted or moved while the run went on "
        "(put it back, and --resume goes on from there; else start anew without --resume)"
    )
    assert japanese == (
        f"{journal.path}: 実行中に削除または移動されました"
        "（元の場所に戻せば --resume で続きから再開できます。"
        "戻せない場合は --resume なしで新しく始めてください）"
    )


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


# --- damage ---


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
