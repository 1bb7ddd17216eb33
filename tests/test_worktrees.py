"""The worktrees of a repository that sessions work in."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing
from gitrepo import GitRepo, digest_tree

from aad import gitlock
from aad.belongings import Why
from aad.events import LeftOut
from aad.snapshots import Snapshots
from aad.worktrees import Worktree, Worktrees

MANY = 200


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Return a repository with one commit, at a path with blanks and Japanese in it."""
    repo = GitRepo(tmp_path / "my 日本 repo")
    repo.commit({"a.txt": "a\n", "src/b.txt": "b\n", ".gitignore": "ignored/\n*.log\n"})
    return repo


@pytest.fixture
def worktrees(repo: GitRepo) -> Worktrees:
    """Return the maker of its worktrees."""
    return Worktrees(repo.open())


@pytest.fixture
def place(repo: GitRepo) -> Path:
    """Return where a worktree may lie: in the checkout, as ours do."""
    return repo.root / ".aad" / "worktrees" / "run" / "部品-A"


Change = Callable[[GitRepo, Path], object]


# Making.


async def test_a_worktree_holds_a_commit_and_is_on_no_branch(
    repo: GitRepo, worktrees: Worktrees, place: Path
) -> None:
    base = repo.find("HEAD")

    made = await worktrees.make(place, base)

    assert made == Worktree(path=place, git_dir=repo.git_dir / "worktrees" / made.git_dir.name, start=base)
    assert (place / "src/b.txt").read_text() == "b\n"
    assert (made.git_dir / "HEAD").read_text() == f"{base}\n"
    assert repo.status(at=place) == []
    assert place.parent.stat().st_mode & 0o777 == 0o700


async def test_making_touches_nothing_of_the_users(repo: GitRepo, worktrees: Worktrees, place: Path) -> None:
    repo.write("a.txt", "stashed\n")
    repo.git("stash")
    repo.write("a.txt", "staged\n")
    repo.git("add", "a.txt")
    repo.write("a.txt", "dirty\n")
    before = repo.look()

    await worktrees.make(place, repo.find("HEAD"))
    await worktrees.remove(place)

    assert repo.look() == before


async def test_making_32_at_once_never_fails(repo: GitRepo, worktrees: Worktrees, tmp_path: Path) -> None:
    base = repo.commit({f"dir{n % 7}/file{n}.txt": f"{n}\n" for n in range(MANY)})
    places = [tmp_path / "w" / f"SPEC-{n}" for n in range(32)]

    async with trio.open_nursery() as nursery:
        for each in places:
            nursery.start_soon(worktrees.make, each, base)

    assert sorted(repo.worktrees()) == sorted(places)
    assert {len([*each.rglob("file*.txt")]) for each in places} == {MANY}


async def test_two_of_one_name_at_different_places(
    repo: GitRepo, worktrees: Worktrees, tmp_path: Path
) -> None:
    base = repo.find("HEAD")

    one = await worktrees.make(tmp_path / "run-1" / "A", base)
    two = await worktrees.make(tmp_path / "run-2" / "A", base)

    assert one.git_dir != two.git_dir
    assert await worktrees.find(one.path, base) == one
    assert await worktrees.find(two.path, base) == two


def lose_folder(entry: Path, place: Path) -> None:
    subprocess.run(["rm", "-rf", place], check=True)


def lose_entry(entry: Path, place: Path) -> None:
    subprocess.run(["rm", "-rf", entry], check=True)


def lose_files(entry: Path, place: Path) -> None:
    (place / "a.txt").unlink()
    (entry / "index").unlink()
    (entry / "locked").write_text("initializing")


def put_file_there(entry: Path, place: Path) -> None:
    lose_folder(entry, place)
    place.write_text("a file")


def put_link_there(entry: Path, place: Path) -> None:
    lose_folder(entry, place)
    place.symlink_to(place.parent)


@pytest.mark.parametrize("halve", [lose_folder, lose_entry, lose_files, put_file_there, put_link_there])
async def test_a_worktree_is_made_over_a_half_made_one(
    repo: GitRepo, worktrees: Worktrees, place: Path, halve: Callable[[Path, Path], None]
) -> None:
    base = repo.find("HEAD")
    halve((await worktrees.make(place, base)).git_dir, place)

    await worktrees.make(place, base)

    assert repo.worktrees() == [place]
    assert (repo.status(at=place), (place / "a.txt").read_text()) == ([], "a\n")


async def test_a_worktree_made_again_starts_clean(repo: GitRepo, worktrees: Worktrees, place: Path) -> None:
    base = repo.find("HEAD")
    await worktrees.make(place, base)
    repo.write("ignored/cache", "x", at=place)
    repo.commit({"a.txt": "2\n"}, at=place)

    again = await worktrees.make(place, base)

    assert not (place / "ignored").exists()
    assert (await Snapshots(worktrees).capture(again)).head == base


# Finding.


async def test_a_worktree_is_found_as_it_is(repo: GitRepo, worktrees: Worktrees, place: Path) -> None:
    base = repo.find("HEAD")
    made = await worktrees.make(place, base)
    repo.write("a.txt", "work\n", at=place)

    assert await worktrees.find(place, base) == made
    assert (place / "a.txt").read_text() == "work\n"


@pytest.mark.parametrize("halve", [lose_folder, lose_entry])
async def test_half_a_worktree_is_not_found(
    repo: GitRepo, worktrees: Worktrees, place: Path, halve: Callable[[Path, Path], None]
) -> None:
    base = repo.find("HEAD")
    halve((await worktrees.make(place, base)).git_dir, place)

    assert await worktrees.find(place, base) is None


async def test_where_there_never_was_one_none_is_found(
    repo: GitRepo, worktrees: Worktrees, place: Path
) -> None:
    assert await worktrees.find(place, repo.find("HEAD")) is None
    assert await worktrees.find(repo.root, repo.find("HEAD")) is None


# Setting back.


async def test_showing_a_commit_replaces_what_was_changed_and_keeps_what_is_ignored(
    repo: GitRepo, worktrees: Worktrees, place: Path
) -> None:
    base = repo.find("HEAD")
    other = repo.commit_on(base, {"a.txt": "other\n", "src/b.txt": None})
    made = await worktrees.make(place, base)
    repo.git("switch", "--quiet", "--create", "childs", at=place)
    repo.write("a.txt", "changed\n", at=place)
    repo.write("ignored/cache", "x", at=place)
    (made.git_dir / "index.lock").touch()

    await worktrees.show(made, other)

    assert (repo.status(at=place), repo.find("HEAD", at=place)) == ([], other)
    assert sorted(path.name for path in place.iterdir()) == [".git", ".gitignore", "a.txt", "ignored"]
    assert repo.find("childs") == base


async def test_settling_leaves_the_files_as_they_are(
    repo: GitRepo, worktrees: Worktrees, place: Path
) -> None:
    base = repo.find("HEAD")
    made = await worktrees.make(place, base)
    repo.write("a.txt", "changed\n", at=place)
    commit = repo.commit_on(base, {"a.txt": "changed\n"})
    repo.git("switch", "--quiet", "--create", "childs", at=place)
    (made.git_dir / "index.lock").touch()

    await worktrees.settle(made, commit)

    assert (repo.status(at=place), repo.find("HEAD", at=place)) == ([], commit)
    assert repo.find("childs") == base


# Removing.


async def test_a_removed_worktree_leaves_nothing(repo: GitRepo, worktrees: Worktrees, place: Path) -> None:
    await worktrees.make(place, repo.find("HEAD"))
    cache = repo.write("ignored/cache/file", "x", at=place).parent
    cache.chmod(0o500)
    cache.parent.chmod(0o500)

    await worktrees.remove(place)

    assert not place.exists()
    assert [*(repo.git_dir / "worktrees").iterdir()] == []


async def test_removing_what_is_not_there_is_no_error(
    repo: GitRepo, worktrees: Worktrees, place: Path
) -> None:
    before = digest_tree(repo.root, without=(".git",))

    await worktrees.remove(place)

    assert digest_tree(repo.root, without=(".git",)) == before


async def test_who_removes_one_waits_for_a_git_that_still_fills_it(
    repo: GitRepo, worktrees: Worktrees, place: Path
) -> None:
    made = await worktrees.make(place, repo.find("HEAD"))
    held = gitlock.open_lock(made.git_dir)
    gitlock.try_to_lock(held)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(worktrees.remove, place)
        await trio.testing.wait_all_tasks_blocked()
        waited = place.exists()
        # As the kernel does when the git that a killed run had left comes to its end.
        os.close(held)

    assert waited
    assert not place.exists()


async def test_removing_one_lets_others_be(repo: GitRepo, worktrees: Worktrees, tmp_path: Path) -> None:
    base = repo.find("HEAD")
    for name in ("A", "A1", "B"):
        await worktrees.make(tmp_path / "w" / name, base)

    await worktrees.remove(tmp_path / "w" / "A")

    assert sorted(repo.worktrees()) == [tmp_path / "w" / "A1", tmp_path / "w" / "B"]


async def test_a_link_in_a_worktree_leads_no_removal_out_of_it(
    repo: GitRepo, worktrees: Worktrees, place: Path
) -> None:
    await worktrees.make(place, repo.find("HEAD"))
    (place / "link").symlink_to(repo.root / "src")

    await worktrees.remove(place)

    assert (repo.root / "src/b.txt").exists()


async def test_litter_is_tidied_and_nothing_else(repo: GitRepo, worktrees: Worktrees, place: Path) -> None:
    made = await worktrees.make(place, repo.find("HEAD"))
    for path in (".bashrc", ".env"):
        repo.write(path, "", at=place)

    Snapshots(worktrees).tidy(
        made,
        [
            LeftOut(path=".bashrc", why=Why.LITTER),
            LeftOut(path=".env", why=Why.SECRET),
            LeftOut(path=".gone", why=Why.LITTER),
        ],
    )

    assert repo.status(at=place) == ["?? .env"]
