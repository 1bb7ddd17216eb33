"""What is found of a machine and of the place where a project lies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aad.descriptors import count_affordable, count_needed
from aad.lock import hold_lock
from aad.machine import Means, count_free, find_lock_trouble, find_means, find_unwritable
from aad.project import Project

RUN = "20261122-213612-7f3a"


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux has all of it")
def test_linux_has_all_means() -> None:
    means = find_means()

    listed = Path(f"/proc/self/task/{os.getpid()}/children").exists()
    assert means == Means(proc=True, children=listed, orphans=True, handles=True)


def test_a_folder_that_can_be_made_can_be_written(tmp_path: Path) -> None:
    assert find_unwritable(Project(tmp_path / "not" / "there")) is None


def test_a_file_in_the_place_of_our_folder_cannot_be_written_to(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.folder.write_text("mine")

    assert find_unwritable(project) == project.folder


def test_a_file_in_the_place_of_an_inner_folder_cannot_be_written_to(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.prepare()
    project.escalations.rmdir()
    project.escalations.write_text("mine")

    assert find_unwritable(project) == project.escalations


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_folder_without_permission_cannot_be_written_to(tmp_path: Path) -> None:
    project = Project(tmp_path)

    with read_only(tmp_path):
        found = find_unwritable(project)

    assert found == tmp_path


def test_a_lock_can_be_had_where_nothing_is_yet(tmp_path: Path) -> None:
    assert find_lock_trouble(Project(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_is_held_can_be_held(tmp_path: Path) -> None:
    project = Project(tmp_path)

    with hold_lock(project.state, RUN):
        trouble = find_lock_trouble(project)

    assert trouble is None


def test_a_look_at_the_lock_leaves_it_free(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with hold_lock(project.state, RUN):
        pass

    find_lock_trouble(project)

    with (project.state / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_where_the_lock_cannot_be_opened_the_cause_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path / "gone")

    assert find_lock_trouble(project) == "No such file or directory"


def test_free_space_is_that_of_the_place_where_runs_would_be(tmp_path: Path) -> None:
    assert count_free(Project(tmp_path / "not" / "there")) > 0


@pytest.mark.parametrize(("limit", "children"), [(1024, 139), (57, 1), (63, 1), (64, 2), (3, 1)])
def test_descriptors_are_enough_for_so_many_children(limit: int, children: int) -> None:
    assert count_affordable(limit) == children


def test_what_is_needed_is_enough() -> None:
    assert [count_affordable(count_needed(children)) for children in (1, 8, 500)] == [1, 8, 500]
