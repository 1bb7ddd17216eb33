"""Files that are written whole."""

import os
from pathlib import Path

import pytest

from aad.files import write_whole


def test_a_file_has_its_content_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"

    previous = os.umask(0)
    write_whole(path, b"{}\n")
    os.umask(previous)

    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"{}\n", 0o600)


def test_a_file_is_replaced_and_whoever_reads_the_old_one_reads_it_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_whole(path, b"old")

    with path.open("rb") as reader:
        write_whole(path, b"new")
        old = reader.read()

    assert (old, path.read_bytes(), [*tmp_path.iterdir()]) == (b"old", b"new", [path])


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    link = tmp_path / "link"
    link.symlink_to(target)

    write_whole(link, b"new")

    assert (target.read_bytes(), link.is_symlink(), link.read_bytes()) == (b"mine", False, b"new")


def test_a_failure_leaves_the_old_content_and_no_draft(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    (taken / "inside").mkdir(parents=True)

    with pytest.raises(OSError, match="directory"):
        write_whole(taken, b"new")

    assert [*tmp_path.iterdir()] == [taken]


def test_a_folder_that_is_missing_is_said_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "file", b"new")
