"""The ledger names the processes of a run, and is believed only where it means what it says."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fulldisk import disk_full_at
from realprocesses import read_start

from aad.ledger import Ledger, read_identity, read_ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "processes.json"


@contextmanager
def sleeper() -> Iterator[int]:
    with subprocess.Popen(["sleep", "100"]) as popen:
        try:
            yield popen.pid
        finally:
            popen.kill()


def read_names(path: Path) -> dict[int, str]:
    return read_ledger(str(path))


def make_ledger(path: Path, **members: Any) -> str:  # noqa: ANN401 - JSON holds anything
    """Return a sound ledger, unless some of its members are others."""
    boot, space, folder = read_identity(str(path))
    sound = {"version": 1, "boot_id": boot, "pid_namespace": space, "folder": folder}
    return json.dumps({**sound, "processes": {"12": "345"}, **members})


def test_it_says_who_lives_since_when_and_where_their_ids_mean_something(path: Path) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    with sleeper() as pid:
        Ledger(str(path)).note([pid])

        assert json.loads(path.read_bytes()) == {
            "version": 1,
            "boot_id": boot,
            "pid_namespace": str(Path("/proc/self/ns/pid").readlink()),
            "folder": f"{path.parent.stat().st_dev}:{path.parent.stat().st_ino}",
            "processes": {str(pid): read_start(pid)},
        }
        assert path.stat().st_mode & 0o777 == 0o600


def test_who_was_seen_alive_is_named_until_it_is_seen_dead(path: Path) -> None:
    ledger = Ledger(str(path))

    with sleeper() as pid, sleeper() as other:
        ledger.note([pid])
        ledger.note([other])
        both = read_names(path)
    ledger.note([os.getpid()])

    assert set(both) == {pid, other}
    assert set(read_names(path)) == {os.getpid()}


def test_a_server_goes_on_where_the_one_before_it_ended(path: Path) -> None:
    with sleeper() as pid:
        Ledger(str(path)).note([pid])
        Ledger(str(path)).note([os.getpid()])

        assert set(read_names(path)) == {pid, os.getpid()}


def test_when_nobody_lives_there_is_no_ledger(path: Path) -> None:
    ledger = Ledger(str(path))

    with sleeper() as pid:
        ledger.note([pid])
    ledger.note([])

    assert not path.exists()


def test_a_ledger_that_was_removed_is_written_again(path: Path) -> None:
    ledger = Ledger(str(path))
    ledger.note([os.getpid()])
    path.unlink()

    ledger.note([os.getpid()])

    assert set(read_names(path)) == {os.getpid()}


def test_a_folder_that_was_removed_harms_nobody(path: Path) -> None:
    Ledger(str(path / "gone" / "processes.json")).note([os.getpid()])

    assert not path.exists()


def test_on_a_full_disk_the_last_sound_ledger_stays_until_there_is_room(path: Path) -> None:
    ledger = Ledger(str(path))
    with sleeper() as pid:
        ledger.note([pid])
        with disk_full_at(10):
            ledger.note([pid, os.getpid()])
        before = set(read_names(path))
        ledger.note([pid, os.getpid()])

        assert (before, set(read_names(path))) == ({pid}, {pid, os.getpid()})


def test_a_ledger_that_another_run_has_written_since_is_not_ours(path: Path) -> None:
    ledger = Ledger(str(path))
    before = ledger.is_ours
    ledger.note([os.getpid()])
    written = ledger.is_ours

    Ledger(str(path)).note([os.getpid(), os.getppid()])

    assert (before, written, ledger.is_ours) == (True, True, False)


def test_a_sound_ledger_is_believed(path: Path) -> None:
    path.write_text(make_ledger(path))

    assert read_names(path) == {12: "345"}


@pytest.mark.parametrize(
    "member",
    [
        {"boot_id": "another"},
        {"pid_namespace": "pid:[1]"},
        {"folder": "1:2"},
        {"version": 2},
        {"pid_namespace": None},
        {"processes": ["12"]},
        {"processes": {"twelve": "345"}},
        {"processes": {"12": 345}},
    ],
    ids=str,
)
def test_what_cannot_be_told_for_sure_is_not_believed(path: Path, member: dict[str, object]) -> None:
    path.write_text(make_ledger(path, **member))

    assert read_names(path) == {}


def test_in_a_copy_of_the_project_the_ledger_is_not_believed_and_where_it_was_moved_to_it_is(
    tmp_path: Path,
) -> None:
    (tmp_path / "here").mkdir()
    path = tmp_path / "here" / "processes.json"
    Ledger(str(path)).note([os.getpid()])

    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    (tmp_path / "here").rename(tmp_path / "there")

    assert read_names(tmp_path / "copy" / "processes.json") == {}
    assert set(read_names(tmp_path / "there" / "processes.json")) == {os.getpid()}


def test_a_ledger_that_was_cut_short_is_not_believed(path: Path) -> None:
    sound = make_ledger(path)

    for length in range(len(sound)):
        path.write_text(sound[:length])
        assert read_names(path) == {}


@pytest.mark.parametrize("told", [b"[]", b"null", b'"x"', b"\xff\xfe\x00" * 100], ids=str)
def test_what_is_no_ledger_is_not_believed(path: Path, told: bytes) -> None:
    path.write_bytes(told)

    assert read_names(path) == {}


def test_without_a_ledger_nobody_is_named(path: Path) -> None:
    assert read_names(path) == {}
