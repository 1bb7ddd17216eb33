import fcntl
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aad.errors import InputError, LockedError
from aad.lock import PAUSES, find_holder, hold_lock
from aad.runlist import point_latest

RUN = "20261122-213612-7f3a"
HOLDER = """
import sys
from pathlib import Path
from aad.lock import hold_lock

with hold_lock(Path(sys.argv[1]), "other"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold_elsewhere(state: Path) -> subprocess.Popen[str]:
    """Return a process that holds the lock until its stdin is closed."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def refusal(state: Path) -> LockedError:
    with pytest.raises(LockedError) as caught, hold_lock(state, RUN):
        pass
    return caught.value


@contextmanager
def hold_unsigned(state: Path, told: str) -> Iterator[None]:
    """Hold the lock as a run does before it has signed: its pid stands in the file at most."""
    lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, told.encode())
    try:
        yield
    finally:
        os.close(lock)


def sign(state: Path, text: str) -> None:
    (state / "owner.json").write_text(text, encoding="utf-8")


def test_the_lock_can_be_taken_again_and_again(tmp_path: Path) -> None:
    for _ in range(3):
        with hold_lock(tmp_path, RUN):
            pass


def test_its_files_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"

    with hold_lock(state, RUN):
        modes = [stat.S_IMODE(p.stat().st_mode) for p in (state, state / "lock", state / "owner.json")]

    assert modes == [0o700, 0o600, 0o600]


def test_the_owner_is_written_while_the_lock_is_held_and_gone_after(tmp_path: Path) -> None:
    with hold_lock(tmp_path, RUN):
        owner = json.loads((tmp_path / "owner.json").read_bytes())

    assert list(owner) == ["pid", "run", "since"]
    assert (owner["pid"], owner["run"]) == (os.getpid(), RUN)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", owner["since"])
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_second_run_is_refused_with_exit_status_6_and_told_who_holds_it(tmp_path: Path) -> None:
    with hold_unsigned(tmp_path, "4711\n"):
        sign(tmp_path, '{"pid": 4711, "run": "r1", "since": "2026-11-22T21:36:12.250Z"}')
        error = refusal(tmp_path)

    assert error.exit_code == 6
    assert error.render("en") == (
        "run r1 holds this project: process 4711, since 2026-11-22T21:36:12.250Z "
        "(wait for its end, or end it)"
    )
    assert error.render("ja") == (
        "実行 r1 がこのプロジェクトを使用中です: プロセス 4711、2026-11-22T21:36:12.250Z から"
        "（終了を待つか、終了させてください）"
    )


def test_a_refused_run_changes_nothing_of_the_holder_s(tmp_path: Path) -> None:
    with hold_lock(tmp_path, RUN):
        before = (tmp_path / "owner.json").read_bytes()
        refusal(tmp_path)
        refusal(tmp_path)

        assert (tmp_path / "owner.json").read_bytes() == before


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"pid": 4711}'])
def test_a_holder_that_has_not_signed_is_a_holder_all_the_same(tmp_path: Path, text: str) -> None:
    with hold_lock(tmp_path, RUN):
        sign(tmp_path, text)
        error = refusal(tmp_path)

    assert error.render("en") == (f"process {os.getpid()} holds this project (wait for its end, or end it)")
    assert error.render("ja") == (
        f"プロセス {os.getpid()} がこのプロジェクトを使用中です（終了を待つか、終了させてください）"
    )


def test_a_holder_of_whom_nothing_is_known_is_a_holder_all_the_same(tmp_path: Path) -> None:
    with hold_unsigned(tmp_path, ""):
        error = refusal(tmp_path)

    assert error.render("en") == "another run holds this project (wait for its end, or end it)"


def test_what_a_dead_run_signed_is_not_taken_for_the_word_of_the_one_that_begins(tmp_path: Path) -> None:
    sign(tmp_path, '{"pid": 1, "run": "dead", "since": "2026-11-22T21:36:12.250Z"}')

    with hold_unsigned(tmp_path, "4711\n"):
        error, found = refusal(tmp_path), find_holder(tmp_path)

    assert error.render("en") == "process 4711 holds this project (wait for its end, or end it)"
    assert found is None


def test_what_a_dead_run_left_behind_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    sign(tmp_path, '{"pid": 1, "run": "dead", "since": "2026-11-22T21:36:12.250Z"}')

    with hold_lock(tmp_path, RUN):
        owner = json.loads((tmp_path / "owner.json").read_bytes())

    assert owner["run"] == RUN


def test_a_run_that_fails_frees_the_lock_and_leaves_no_owner(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold_lock(tmp_path, RUN):
        _ = 1 / 0

    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    with hold_lock(tmp_path, RUN):
        pass


def test_a_state_folder_that_is_gone_at_the_end_is_nobody_s_trouble(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "state", RUN):
        shutil.rmtree(tmp_path / "state")


def test_another_process_is_kept_out_and_let_in_once_the_holder_ends(tmp_path: Path) -> None:
    holder = hold_elsewhere(tmp_path)

    error = refusal(tmp_path)
    holder.communicate()

    assert (error.problems[0].fields["pid"], error.problems[0].fields["run"]) == (holder.pid, "other")
    with hold_lock(tmp_path, RUN):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    holder = hold_elsewhere(tmp_path)

    holder.kill()
    holder.communicate()

    with hold_lock(tmp_path, RUN):
        assert json.loads((tmp_path / "owner.json").read_bytes())["run"] == RUN


def test_a_child_that_lives_on_does_not_hold_the_lock(tmp_path: Path) -> None:
    with hold_lock(tmp_path, RUN):
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, close_fds=False)

    with hold_lock(tmp_path, RUN):
        pass
    child.communicate()


def test_a_folder_that_cannot_hold_a_lock_is_named_with_the_cause(tmp_path: Path) -> None:
    state = tmp_path / "file" / "state"
    state.parent.touch()

    with pytest.raises(InputError) as caught, hold_lock(state, RUN):
        pass

    assert caught.value.exit_code == 2
    assert caught.value.render("en") == (
        f"{state}: the project cannot be locked: File exists "
        "(make the folder writable, or run in a copy of the project)"
    )


def test_an_owner_that_cannot_be_written_is_named_and_the_lock_freed(tmp_path: Path) -> None:
    (tmp_path / "owner.json").mkdir()

    with (
        pytest.raises(InputError, match="the project cannot be locked: Is a directory"),
        hold_lock(tmp_path, RUN),
    ):
        pass

    (tmp_path / "owner.json").rmdir()
    with hold_lock(tmp_path, RUN):
        pass


# --- who holds it ---


def test_the_holder_of_the_lock_is_found_by_those_who_only_look(tmp_path: Path) -> None:
    with hold_lock(tmp_path, RUN):
        found = [find_holder(tmp_path), find_holder(tmp_path)]

    assert found == [RUN, RUN]
    assert find_holder(tmp_path) is None


@pytest.mark.parametrize("told", ["", "[]", '{"run": "dead"}'])
def test_an_owner_that_left_its_name_but_no_lock_holds_nothing(tmp_path: Path, told: str) -> None:
    (tmp_path / "lock").touch()
    sign(tmp_path, told)

    assert find_holder(tmp_path) is None


@pytest.mark.parametrize("told", ["[]", "{}"])
def test_a_holder_without_a_name_is_not_found(tmp_path: Path, told: str) -> None:
    with hold_lock(tmp_path, RUN):
        sign(tmp_path, told)

        assert find_holder(tmp_path) is None


def test_who_only_looks_keeps_no_run_from_beginning_also_if_held_up_at_it(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    onlooker = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(onlooker, fcntl.LOCK_SH)
    leaving = threading.Timer(2 * sum(PAUSES), os.close, [onlooker])
    leaving.start()

    with hold_lock(tmp_path, RUN):
        found = find_holder(tmp_path)

    leaving.join()
    assert found == RUN


def test_a_folder_that_is_deleted_frees_no_lock(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "state", RUN):
        shutil.rmtree(tmp_path / "state")

        with pytest.raises(LockedError), hold_lock(tmp_path / "state", "second"):
            pass

    with hold_lock(tmp_path / "state", "third"):
        pass


@pytest.mark.parametrize("refused", [False, True])
def test_the_holder_is_known_though_the_folder_was_deleted(tmp_path: Path, *, refused: bool) -> None:
    state = tmp_path / "state"
    (tmp_path / "runs").mkdir()
    with hold_lock(state, RUN):
        point_latest(tmp_path / "runs", RUN)
        shutil.rmtree(state)
        if refused:
            with pytest.raises(LockedError), hold_lock(state, "second"):
                pass

        meanwhile = find_holder(state)

    assert (meanwhile, find_holder(state)) == (RUN, None)


def test_a_deleted_folder_of_a_run_that_nothing_names_has_no_holder(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "state", RUN):
        shutil.rmtree(tmp_path / "state")

        assert find_holder(tmp_path / "state") is None
