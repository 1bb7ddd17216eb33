"""What lies where sessions work, without a look at what it is worth."""

from pathlib import Path

import pytest

from aad.checkout import find_entries
from aad.leftovers import (
    Leftover,
    holds_files,
    is_locked,
    is_other,
    list_leftovers,
    remove_empty,
)
from aad.project import Project

RUN = "20261122-213612-7f3a"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def make(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True)


def list_for_git(common: Path, name: str, worktree: Path) -> Path:
    """Write what git has on its list for a worktree."""
    entry = common / "worktrees" / name
    entry.mkdir(parents=True)
    (entry / "gitdir").write_text(f"{worktree}/.git\n", encoding="utf-8")
    return entry


def test_where_nothing_is_nothing_is_found(project: Project, tmp_path: Path) -> None:
    assert list_leftovers(project, "aside", tmp_path / ".git") == []


def test_what_is_named_as_workspaces_are_has_its_run_and_spec(project: Project) -> None:
    ours, aside = project.worktrees / RUN / "B", project.root / "aside" / RUN / "A"
    make(ours, aside)

    found = list_leftovers(project, "aside", None)

    assert found == [Leftover(path=ours, run=RUN, spec="B"), Leftover(path=aside, run=RUN, spec="A")]


def test_what_is_not_is_named_in_a_folder_of_our_own_alone(project: Project) -> None:
    make(project.worktrees / "mine" / "src", project.root / "aside" / "mine" / "src")
    (project.worktrees / RUN).symlink_to(project.root)

    found = list_leftovers(project, "aside", None)

    assert found == [Leftover(path=project.worktrees / RUN), Leftover(path=project.worktrees / "mine")]


def test_what_only_git_knows_is_found_where_workspaces_lie_and_nowhere_else(
    project: Project, tmp_path: Path
) -> None:
    gone, there = project.worktrees / RUN / "A", project.worktrees / RUN / "B"
    make(there)
    list_for_git(tmp_path, "A", gone)
    list_for_git(tmp_path, "B", there)
    list_for_git(tmp_path, "C", tmp_path / "elsewhere" / RUN / "C")
    list_for_git(tmp_path, "src", there / "src")

    found = list_leftovers(project, "", tmp_path)

    assert found == [Leftover(path=gone, run=RUN, spec="A"), Leftover(path=there, run=RUN, spec="B")]


def test_the_entries_of_a_worktree_are_found_through_links(project: Project, tmp_path: Path) -> None:
    make(project.worktrees)
    (tmp_path / "link").symlink_to(project.root)
    entry = list_for_git(tmp_path, "A", project.worktrees / "A")
    list_for_git(tmp_path, "A1", tmp_path / "A")

    assert find_entries(tmp_path, tmp_path / "link" / ".aad" / "worktrees" / "A") == [entry]


@pytest.mark.parametrize(
    ("told", "locked"), [("", True), ("it is on my stick", True), ("initializing", False)]
)
def test_the_lock_of_a_git_that_was_making_it_is_none(tmp_path: Path, told: str, *, locked: bool) -> None:
    (tmp_path / "locked").write_text(told, encoding="utf-8")

    assert is_locked(tmp_path) == locked


def test_a_file_and_a_link_are_no_workspaces(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)

    found = [is_other(tmp_path / name) for name in ("file", "link", ".", "gone")]

    assert found == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "holds"), [(".git", False), ("deep/.git", True), ("deep/file", True), (".git/config", True)]
)
def test_only_gits_own_file_at_the_top_is_no_file(tmp_path: Path, name: str, *, holds: bool) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()

    assert holds_files(tmp_path) == holds


def test_a_link_to_a_folder_is_a_file_and_what_is_gone_holds_none(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "link").symlink_to(tmp_path)

    assert (holds_files(tmp_path), holds_files(tmp_path / "gone")) == (True, False)


def test_only_empty_folders_of_runs_are_removed(project: Project) -> None:
    empty, full, mine = (project.worktrees / name for name in (RUN, "20261122-213613-7f3a", "mine"))
    make(empty, full / "A", mine)

    remove_empty([project.worktrees])

    assert sorted(project.worktrees.iterdir()) == [full, mine]
