"""The lock of a repository."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aad.gitcalls import GitError
from aad.gitlock import NAME, explain_held, hold_repository, open_lock, try_to_lock


@contextmanager
def open_both(common: Path) -> Iterator[tuple[int, int]]:
    """Yield two descriptors, as two processes would have them."""
    descriptors = open_lock(common), open_lock(common)
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def is_free(common: Path) -> bool:
    """Tell whether the lock could be taken."""
    descriptor = open_lock(common)
    try:
        return try_to_lock(descriptor)
    finally:
        os.close(descriptor)


def test_one_at_a_time_has_it(tmp_path: Path) -> None:
    with open_both(tmp_path) as (one, other):
        got = [try_to_lock(one), try_to_lock(other)]

    assert got == [True, False]


def test_who_has_it_may_take_it_again(tmp_path: Path) -> None:
    with open_both(tmp_path) as (one, _):
        got = [try_to_lock(one), try_to_lock(one)]

    assert got == [True, True]


def test_an_opened_lock_holds_nothing_and_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    with open_both(tmp_path) as (one, _):
        assert is_free(tmp_path)
        assert not os.get_inheritable(one)

    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [(NAME, 0o600)]


def test_it_is_free_again_after_the_block(tmp_path: Path) -> None:
    with hold_repository(tmp_path):
        held = not is_free(tmp_path)

    assert held
    assert is_free(tmp_path)


def test_it_is_free_again_after_an_error_in_the_block(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), hold_repository(tmp_path):
        raise RuntimeError

    assert is_free(tmp_path)


def test_who_holds_it_next_waits_for_the_one_before(tmp_path: Path) -> None:
    story = []

    def come_second() -> None:
        with hold_repository(tmp_path):
            story.append("second")

    second = threading.Thread(target=come_second)
    with hold_repository(tmp_path):
        second.start()
        story.append("first")
    second.join()

    assert story == ["first", "second"]


def test_a_child_that_inherited_it_holds_it_after_our_end(tmp_path: Path) -> None:
    descriptor = open_lock(tmp_path)
    try_to_lock(descriptor)
    child = subprocess.Popen(["sleep", "1000"], pass_fds=[descriptor], start_new_session=True)
    os.close(descriptor)  # as the kernel does when we are killed
    try:
        free_before = is_free(tmp_path)
    finally:
        child.kill()
        child.wait()

    assert not free_before
    assert is_free(tmp_path)


def test_a_child_that_did_not_inherit_it_holds_nothing(tmp_path: Path) -> None:
    with hold_repository(tmp_path):
        child = subprocess.Popen(["sleep", "1000"])
    try:
        assert is_free(tmp_path)
    finally:
        child.kill()
        child.wait()


def test_where_there_is_no_repository_there_is_no_lock(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), hold_repository(tmp_path / "missing"):
        pass


def test_who_waits_in_vain_is_told_for_what(tmp_path: Path) -> None:
    error = explain_held(tmp_path)

    assert isinstance(error, GitError)
    assert str(error) == (
        f"git lock: {tmp_path}/aad.lock was held for 60 s by another aad, or a git it started"
    )
