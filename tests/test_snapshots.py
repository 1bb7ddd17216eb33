"""What of a worktree is committed, whatever its child did to it."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from gitrepo import GitRepo, run_git

from aad.belongings import Why
from aad.events import LeftOut
from aad.snapshots import Snapshot, Snapshots
from aad.worktrees import Worktree, Worktrees

BASE = {"a.txt": "a\n", "src/b.txt": "b\n", "run.sh": "#!/bin/sh\n", ".gitignore": "ignored/\n*.log\n"}
PAST = (1_000_000_000, 1_000_000_000)

needs_no_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")


class Desk:
    """A repository and a worktree of it; `path` is where a child works."""

    def __init__(self, repo: GitRepo, worktrees: Worktrees, worktree: Worktree) -> None:
        self.repo = repo
        self.worktrees = worktrees
        self.worktree = worktree
        self.path = worktree.path
        self.base = worktree.start

    def write(self, path: str, content: str = "") -> Path:
        return self.repo.write(path, content, at=self.path)

    def git(self, *args: str) -> str:
        return self.repo.git(*args, at=self.path)

    def commit(self, files: dict[str, str]) -> str:
        return self.repo.commit(files, "the child's own", at=self.path)

    async def capture(self, *without: str) -> Snapshot:
        return await Snapshots(self.worktrees).capture(self.worktree, without=without)

    def compare(self, made: Snapshot, base: str = "") -> list[str]:
        """Return how the tree of a snapshot differs from that of the start."""
        asked = ("diff-tree", "-r", "-z", "--name-status", "--no-renames")
        words = self.repo.git(*asked, base or self.base, made.tree).split("\0")[:-1]
        return [f"{kind} {path}" for kind, path in zip(words[::2], words[1::2], strict=True)]


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    """Return a worktree in a checkout, as ours lie there."""
    repo = GitRepo(tmp_path / "my 日本 repo")
    base = repo.commit(BASE)
    worktrees = Worktrees(repo.open())
    path = repo.root / ".aad" / "worktrees" / "run" / "A"
    return Desk(repo, worktrees, await worktrees.make(path, base))


async def test_where_nothing_was_done_nothing_is_changed(desk: Desk) -> None:
    made = await desk.capture()

    assert made == Snapshot(head=desk.base, tree=desk.repo.find(f"{desk.base}^{{tree}}"), changed=False)


def modify(desk: Desk) -> None:
    desk.write("a.txt", "changed\n")


def add(desk: Desk) -> None:
    desk.write("新しい ファイル.txt", "new\n")
    desk.write("new\nline/x", "new\n")
    if sys.platform == "linux":  # elsewhere such a name cannot be
        (desk.path / os.fsdecode(b"\xff")).write_text("new\n")


def delete(desk: Desk) -> None:
    (desk.path / "src/b.txt").unlink()


def rename(desk: Desk) -> None:
    (desk.path / "a.txt").rename(desk.path / "c.txt")


def change_mode(desk: Desk) -> None:
    (desk.path / "run.sh").chmod(0o755)


def make_link(desk: Desk) -> None:
    (desk.path / "link").symlink_to("/nowhere")
    (desk.path / "to-folder").symlink_to("src")
    (desk.path / "a.txt").unlink()
    (desk.path / "a.txt").symlink_to("run.sh")


def put_folder_for_file(desk: Desk) -> None:
    (desk.path / "a.txt").unlink()
    desk.write("a.txt/inside", "x\n")


def put_file_for_folder(desk: Desk) -> None:
    (desk.path / "src/b.txt").unlink()
    (desk.path / "src").rmdir()
    desk.write("src", "x\n")


def put_link_for_folder(desk: Desk) -> None:
    (desk.path / "src").rename(desk.path / "lib")
    (desk.path / "src").symlink_to("lib")


def put_repository_for_folder(desk: Desk) -> None:
    (desk.path / "src").rename(desk.path / "lib")
    run_git(desk.write("src/x", "x\n").parent, "init", "--quiet")


def ignore(desk: Desk) -> None:
    desk.write("ignored/x", "x\n")
    desk.write("x.log", "x\n")


def stage_ignored(desk: Desk) -> None:
    desk.write("x.log", "x\n")
    desk.git("add", "--force", "x.log")


def stage_and_change(desk: Desk) -> None:
    desk.write("a.txt", "1\n")
    desk.write("n.txt", "1\n")
    desk.git("add", "a.txt", "n.txt")
    desk.write("a.txt", "22\n")
    (desk.path / "n.txt").unlink()


def intend_to_add(desk: Desk) -> None:
    desk.write("n.txt", "1\n")
    desk.git("add", "--intent-to-add", "n.txt")


def unstage(desk: Desk) -> None:
    desk.git("rm", "--quiet", "--cached", "a.txt")


def delete_by_git(desk: Desk) -> None:
    desk.git("rm", "--quiet", "src/b.txt")


def rename_by_git(desk: Desk) -> None:
    desk.git("mv", "a.txt", "c.txt")


def take_out_of_history(desk: Desk) -> None:
    desk.git("rm", "--quiet", "--cached", "a.txt")
    desk.write(".gitignore", "a.txt\n")


def look_like_pathspecs(desk: Desk) -> None:
    desk.write(":(top)x", "x\n")
    desk.write("*", "x\n")


def init_again(desk: Desk) -> None:
    (desk.path / ".git").unlink()
    desk.git("init", "--quiet")
    desk.write("n.txt", "x\n")


def init_in_a_tracked_folder(desk: Desk) -> None:
    run_git(desk.path / "src", "init", "--quiet")
    desk.write("src/n.txt", "x\n")


def leave_lock(desk: Desk) -> None:
    modify(desk)
    (desk.worktree.git_dir / "index.lock").touch()


def lose_index(desk: Desk) -> None:
    modify(desk)
    (desk.worktree.git_dir / "index").unlink()


def damage_index(desk: Desk) -> None:
    modify(desk)
    (desk.worktree.git_dir / "index").write_bytes(b"no index")


def collect_garbage(desk: Desk) -> None:
    modify(desk)
    desk.git("gc", "--quiet", "--prune=now")


def pack_the_index(desk: Desk) -> None:
    desk.git("config", "core.splitIndex", "true")
    desk.git("config", "core.untrackedCache", "true")
    desk.git("update-index", "--split-index", "--untracked-cache")
    modify(desk)
    desk.write("n.txt", "x\n")


@pytest.mark.parametrize(
    ("work", "changes"),
    [
        (modify, ["M a.txt"]),
        (add, ["A new\nline/x", "A 新しい ファイル.txt", *(["A \udcff"] if sys.platform == "linux" else [])]),
        (delete, ["D src/b.txt"]),
        (rename, ["D a.txt", "A c.txt"]),
        (change_mode, ["M run.sh"]),
        (make_link, ["T a.txt", "A link", "A to-folder"]),
        (put_folder_for_file, ["D a.txt", "A a.txt/inside"]),
        (put_file_for_folder, ["A src", "D src/b.txt"]),
        (put_link_for_folder, ["A lib/b.txt", "A src", "D src/b.txt"]),
        (put_repository_for_folder, ["A lib/b.txt", "D src/b.txt", "A src/x"]),
        (ignore, []),
        (stage_ignored, ["A x.log"]),
        (stage_and_change, ["M a.txt"]),
        (intend_to_add, ["A n.txt"]),
        (unstage, []),
        (delete_by_git, ["D src/b.txt"]),
        (rename_by_git, ["D a.txt", "A c.txt"]),
        (take_out_of_history, ["M .gitignore", "D a.txt"]),
        (look_like_pathspecs, ["A *", "A :(top)x"]),
        (init_again, ["A n.txt"]),
        (init_in_a_tracked_folder, ["A src/n.txt"]),
        (leave_lock, ["M a.txt"]),
        (lose_index, ["M a.txt"]),
        (damage_index, ["M a.txt"]),
        (collect_garbage, ["M a.txt"]),
        (pack_the_index, ["M a.txt", "A n.txt"]),
    ],
)
async def test_what_a_child_does_is_captured(
    desk: Desk, work: Callable[[Desk], None], changes: list[str]
) -> None:
    work(desk)
    before = desk.repo.look()

    made = await desk.capture()

    assert desk.compare(made) == changes
    assert (made.head, made.changed, made.left_out) == (desk.base, bool(changes), ())
    assert desk.repo.look() == before
    assert [*desk.worktree.git_dir.glob("aad-index*")] == []


async def test_a_change_that_git_can_tell_by_the_content_only_is_captured(desk: Desk) -> None:
    # As within the same second as the checkout; there, too, size and times are those that the index has.
    desk.git("config", "core.trustctime", "false")
    os.utime(desk.path / "a.txt", PAST)
    desk.git("update-index", "--refresh")
    os.utime(desk.worktree.git_dir / "index", PAST)
    os.utime(desk.write("a.txt", "b\n"), PAST)

    made = await desk.capture()

    assert desk.compare(made) == ["M a.txt"]


# What is left out.


def write_secret(desk: Desk) -> None:
    desk.write("src/.env", "TOKEN=1\n")


def stage_secret(desk: Desk) -> None:
    write_secret(desk)
    desk.git("add", "src/.env")


def nest(desk: Desk) -> None:
    run_git(desk.write("nested/x", "x\n").parent, "init", "--quiet")


def nest_with_commit(desk: Desk) -> None:
    nest(desk)
    run_git(desk.path / "nested", "add", "x")
    run_git(desk.path / "nested", "commit", "--quiet", "--message", "x")


def stage_nested(desk: Desk) -> None:
    nest_with_commit(desk)
    desk.git("-c", "advice.addEmbeddedRepo=false", "add", "nested")


def write_own(desk: Desk) -> None:
    desk.write(".aad/runs/1/journal.jsonl", "{}\n")


def stage_own(desk: Desk) -> None:
    write_own(desk)
    desk.git("add", ".aad/runs")


def litter(desk: Desk) -> None:
    desk.write(".bashrc")


def stage_litter(desk: Desk) -> None:
    litter(desk)
    desk.git("add", ".bashrc")


@pytest.mark.parametrize(
    ("work", "path", "why"),
    [
        (write_secret, "src/.env", Why.SECRET),
        (stage_secret, "src/.env", Why.SECRET),
        (nest, "nested/", Why.NESTED),
        (nest_with_commit, "nested/", Why.NESTED),
        (stage_nested, "nested", Why.SUBMODULE),
        (write_own, ".aad/runs/1/journal.jsonl", Why.OWN),
        (stage_own, ".aad/runs/1/journal.jsonl", Why.OWN),
        (litter, ".bashrc", Why.LITTER),
        (stage_litter, ".bashrc", Why.LITTER),
    ],
)
async def test_what_is_left_out_is_in_no_tree_and_told(
    desk: Desk, work: Callable[[Desk], None], path: str, why: Why
) -> None:
    work(desk)

    alone = await desk.capture()
    modify(desk)
    beside = await desk.capture()

    assert alone.left_out == beside.left_out == (LeftOut(path=path, why=why),)
    assert (desk.compare(alone), desk.compare(beside)) == ([], ["M a.txt"])
    assert (alone.changed, beside.changed) == (False, True)


@needs_no_root
async def test_a_file_that_cannot_be_read_is_left_out(desk: Desk) -> None:
    desk.write("closed", "x\n").chmod(0)

    made = await desk.capture()

    assert made.left_out == (LeftOut(path="closed", why=Why.UNREADABLE),)


async def test_the_runs_own_copy_of_a_spec_is_left_out(desk: Desk) -> None:
    modify(desk)
    desk.write("src/b.txt", "the spec as it was planned\n")

    made = await desk.capture("src/b.txt")

    assert made.left_out == (LeftOut(path="src/b.txt", why=Why.SPEC),)
    assert desk.compare(made) == ["M a.txt"]


async def test_a_secret_that_is_in_the_history_stays_as_it_was_there(desk: Desk) -> None:
    head = desk.commit({".env": "old\n"})
    desk.write(".env", "new\n")
    desk.git("add", ".env")
    modify(desk)

    made = await desk.capture()

    assert desk.repo.read(".env", made.tree) == "old"
    assert desk.compare(made, head) == ["M a.txt"]
    assert made.left_out == (LeftOut(path=".env", why=Why.SECRET),)


async def test_where_a_submodule_leads_is_left_out(desk: Desk, tmp_path: Path) -> None:
    other = GitRepo(tmp_path / "other")
    other.commit({"x": "1\n"})
    allow = ("-c", "protocol.file.allow=always")
    desk.git(*allow, "submodule", "--quiet", "add", os.fspath(other.root), "sub")
    head = desk.commit({})
    other.commit({"x": "2\n"}, at=desk.path / "sub")
    modify(desk)

    made = await desk.capture()

    assert desk.compare(made, head) == ["M a.txt"]
    assert made.left_out == (LeftOut(path="sub", why=Why.SUBMODULE),)


async def test_in_a_project_below_the_top_litter_and_our_folders_are_looked_for_there(desk: Desk) -> None:
    desk.worktrees.prefix = "src"
    desk.write("src/.bashrc")
    desk.write("src/.aad/state/x", "x\n")
    desk.write("other/.bashrc")

    made = await desk.capture()

    assert made.left_out == (
        LeftOut(path="src/.aad/state/x", why=Why.OWN),
        LeftOut(path="src/.bashrc", why=Why.LITTER),
    )
    assert desk.compare(made) == ["A other/.bashrc"]


# What HEAD names.


async def test_what_the_child_committed_is_the_head(desk: Desk) -> None:
    head = desk.commit({"n.txt": "n\n"})

    made = await desk.capture()

    assert made == Snapshot(head=head, tree=desk.repo.find(f"{head}^{{tree}}"), changed=False)


async def test_whatever_branch_it_is_on(desk: Desk) -> None:
    desk.git("switch", "--quiet", "--create", "feature")
    head = desk.commit({"n.txt": "n\n"})
    modify(desk)

    made = await desk.capture()

    assert made.head == head == desk.repo.find("feature")
    assert desk.compare(made) == ["M a.txt", "A n.txt"]


async def test_a_child_that_deleted_its_branch_leaves_its_files(desk: Desk) -> None:
    desk.git("switch", "--quiet", "--create", "feature")
    desk.commit({"n.txt": "n\n"})
    modify(desk)
    desk.git("update-ref", "-d", "refs/heads/feature")

    made = await desk.capture()

    assert (made.head, made.changed) == (desk.base, True)
    assert desk.compare(made) == ["M a.txt", "A n.txt"]


async def test_a_branch_without_a_past_leaves_its_files(desk: Desk) -> None:
    desk.git("switch", "--quiet", "--orphan", "fresh")
    desk.write("n.txt", "n\n")

    made = await desk.capture()

    assert made.head == desk.base
    assert desk.compare(made) == ["D .gitignore", "D a.txt", "A n.txt", "D run.sh", "D src/b.txt"]


async def test_a_merge_that_was_not_finished_is_captured_as_it_stands(desk: Desk) -> None:
    theirs = desk.repo.commit_on(desk.base, {"a.txt": "theirs\n", "n.txt": "n\n"})
    ours = desk.commit({"a.txt": "ours\n"})
    with pytest.raises(AssertionError):
        desk.git("merge", "--quiet", theirs)

    made = await desk.capture()
    await desk.worktrees.settle(desk.worktree, ours)

    assert (made.head, made.changed) == (ours, True)
    assert desk.compare(made, ours) == ["M a.txt", "A n.txt"]
    assert "<<<<<<<" in desk.repo.read("a.txt", made.tree)
    assert not (desk.worktree.git_dir / "MERGE_HEAD").exists()


async def test_without_the_file_git_the_checkout_around_it_is_not_taken_for_it(desk: Desk) -> None:
    (desk.path / ".git").unlink()
    desk.write("a.txt", "work\n")
    before = desk.repo.look()

    made = await desk.capture()
    await desk.worktrees.settle(desk.worktree, desk.base)
    await desk.worktrees.show(desk.worktree, desk.base)

    assert desk.repo.read("a.txt", made.tree) == "work"
    assert desk.repo.look() == before
    assert (desk.path / "a.txt").read_text() == "a\n"
