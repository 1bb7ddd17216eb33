"""What a killed git left of ours in a repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gitrepo import ENVIRON, GitRepo

from aad.checkout import is_ours, list_broken
from aad.errors import InputError
from aad.gitlock import open_lock, try_to_lock
from aad.mending import mend_repository

RUN = "20261122-213612-7f3a"
OTHER_RUN = "20261121-101010-0001"
SPEC_IDS = {"A", "SPEC-001", "部品"}


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Return a repository with one commit."""
    repo = GitRepo(tmp_path / "repo")
    repo.commit({"a.txt": "a\n"})
    return repo


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the folder in which our worktrees lie."""
    place = tmp_path / "worktrees"
    place.mkdir()
    return place


def break_worktree(repo: GitRepo, path: Path, *missing: str) -> Path:
    """Make a worktree and return its entry, in which some files are empty then."""
    repo.git("worktree", "add", "--quiet", "--detach", os.fspath(path))
    entry = repo.git_dir / "worktrees" / path.name
    for name in missing:
        (entry / name).write_text("")
    return entry


def mend(repo: GitRepo, place: Path) -> None:
    mend_repository(repo.git_dir, [place], SPEC_IDS, RUN)


def test_a_half_made_entry_of_ours_goes_and_git_makes_worktrees_again(repo: GitRepo, place: Path) -> None:
    entry = break_worktree(repo, place / "A", "commondir")
    with pytest.raises(AssertionError, match="commondir"):
        repo.git("worktree", "add", "--quiet", "--detach", os.fspath(place / "B"))

    mend(repo, place)

    assert not entry.exists()
    repo.git("worktree", "add", "--quiet", "--detach", os.fspath(place / "B"))


def test_a_half_made_entry_that_tells_no_folder_is_known_by_its_name(repo: GitRepo, place: Path) -> None:
    entry = break_worktree(repo, place / "A", "commondir", "gitdir", "HEAD")

    mend(repo, place)

    assert not entry.exists()


def test_a_locked_entry_goes_as_well(repo: GitRepo, place: Path) -> None:
    entry = break_worktree(repo, place / "A", "HEAD")
    (entry / "locked").write_text("initializing")

    mend(repo, place)

    assert not entry.exists()


def test_the_files_of_a_half_made_worktree_stay(repo: GitRepo, place: Path) -> None:
    break_worktree(repo, place / "A", "HEAD")

    mend(repo, place)

    assert (place / "A" / "a.txt").exists()


def test_a_whole_entry_stays(repo: GitRepo, place: Path) -> None:
    entry = break_worktree(repo, place / "A")

    mend(repo, place)

    assert entry.exists()
    assert repo.worktrees() == [place / "A"]


@pytest.mark.parametrize("name", ["A", "theirs"])
def test_what_somebody_elses_git_left_half_made_is_named_and_stays(
    repo: GitRepo, place: Path, tmp_path: Path, name: str
) -> None:
    entry = break_worktree(repo, tmp_path / "elsewhere" / name, "commondir")

    with pytest.raises(InputError) as caught:
        mend(repo, place)

    assert [(problem.key, problem.path) for problem in caught.value.problems] == [
        ("git_worktree_broken", str(entry))
    ]
    assert list(list_broken(repo.git_dir)) == [entry]


def test_only_locks_of_our_refs_go(repo: GitRepo, place: Path) -> None:
    ours = [
        repo.write(f".git/{name}")
        for name in (
            "refs/heads/aad/A.lock",
            f"refs/heads/aad/run/{RUN}.lock",
            f"refs/aad/{RUN}/A/1.lock",
        )
    ]
    others = [
        repo.write(f".git/{name}")
        for name in (
            "index.lock",
            "HEAD.lock",
            "packed-refs.lock",
            "refs/heads/main.lock",
            "refs/heads/aadvark.lock",
            f"refs/aad/{OTHER_RUN}/A/1.lock",
            "refs/stash.lock",
        )
    ]

    mend(repo, place)

    assert [lock for lock in ours if lock.exists()] == []
    assert [lock for lock in others if not lock.exists()] == []


def test_where_nothing_is_broken_nothing_changes_but_for_our_lock(repo: GitRepo, place: Path) -> None:
    (repo.git_dir / "aad.lock").touch(0o600)
    before = repo.digest()

    mend(repo, place)

    assert repo.digest() == before


def test_mending_waits_for_a_git_that_a_killed_run_had_started(repo: GitRepo, place: Path) -> None:
    entry = break_worktree(repo, place / "A", "commondir")
    finish = f"import sys; sys.stdin.read(); open({str(entry / 'commondir')!r}, 'w').write('../..\\n')"
    lock = open_lock(repo.git_dir)
    try_to_lock(lock)
    git = subprocess.Popen(
        [sys.executable, "-c", finish], stdin=subprocess.PIPE, pass_fds=[lock], env=ENVIRON
    )
    os.close(lock)
    assert git.stdin is not None
    git.stdin.close()

    mend(repo, place)

    git.wait()
    assert repo.worktrees() == [place / "A"]


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("A", True),
        ("A1", True),
        ("A12", True),
        ("SPEC-001", True),
        ("SPEC-0011", True),
        ("部品2", True),
        ("AB", False),
        ("A-1", False),
        ("SPEC-002", False),
        ("", False),
    ],
)
def test_an_entry_that_tells_no_folder_is_ours_if_named_as_git_names_one_of_a_spec(
    name: str, ours: bool, tmp_path: Path
) -> None:
    assert is_ours(tmp_path / "worktrees" / name / "", [tmp_path], SPEC_IDS if name else set()) is ours


def test_an_entry_is_ours_if_its_folder_lies_in_a_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    entries = []
    for number, folder in enumerate(("real/A", "realm/A", "real", "link/A")):
        entry = tmp_path / "entries" / str(number)
        entry.mkdir(parents=True)
        (entry / "gitdir").write_text(f"{tmp_path / folder}/.git\n")
        entries.append(entry)

    found = [is_ours(entry, [tmp_path / "link"], set()) for entry in entries]

    assert found == [True, False, False, True]
