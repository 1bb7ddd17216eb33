"""The worktrees of a repository that sessions work in: made, found, set back, removed.

A child may do to its worktree what it likes: commit, switch branches, leave a lock, delete `.git`. So nothing
here relies on the file `.git` in it, without which git would take the user's checkout around it for the one
that is meant.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import trio
from attrs import define, frozen

from aad.checkout import find_entries
from aad.files import remove_tree
from aad.gitcalls import GitError
from aad.project import make_folder
from aad.repository import Repository, hold_worktree


@frozen(kw_only=True)
class Worktree:
    """A work tree and its own part of the repository; `start` is the commit that it was made from."""

    path: Path
    git_dir: Path
    start: str

    @property
    def env(self) -> dict[str, str]:
        """The variables that lead git here, whatever the child did to `.git`."""
        return {"GIT_DIR": os.fspath(self.git_dir), "GIT_WORK_TREE": os.fspath(self.path)}


@define(eq=False)
class Worktrees:
    """Makes and unmakes worktrees. `prefix` leads from the top to the project, `""` where it is the top."""

    repository: Repository
    prefix: str = ""

    async def make(self, path: Path, commit: str) -> Worktree:
        """Make a worktree of a commit, whatever lies at its path; raises GitError, OSError."""
        if is_taken(path) or find_entries(self.repository.common, path):
            await self.remove(path)
        make_folder(path.parent)
        # Without its files: those come outside of the lock, so that many can be filled at once.
        added = ("worktree", "add", "--quiet", "--detach", "--no-checkout", os.fspath(path), commit)
        await self.repository.write(*added)
        worktree = Worktree(path=path, git_dir=self._read_git_dir(path), start=commit)
        await self.show(worktree, commit)
        return worktree

    async def find(self, path: Path, start: str) -> Worktree | None:
        """Return the worktree of a path as it is, None where there is none that git could use."""
        entries = find_entries(self.repository.common, path)
        if len(entries) != 1 or not is_taken(path):
            return None
        worktree = Worktree(path=path, git_dir=entries[0], start=start)
        answer = await self.repository.ask("rev-parse", "--git-dir", env=worktree.env)
        return worktree if answer.code == 0 else None

    async def show(self, worktree: Worktree, commit: str) -> None:
        """Let a worktree hold the files of a commit; what git ignores in it stays."""
        await self.release(worktree, commit)
        await self.repository.call("reset", "--quiet", "--hard", commit, env=worktree.env)

    async def settle(self, worktree: Worktree, commit: str) -> None:
        """Let HEAD and index be those of a commit that was made of the files; these stay as they are."""
        await self.release(worktree, commit)
        await self.repository.call("reset", "--quiet", "--mixed", commit, env=worktree.env)

    async def remove(self, path: Path) -> None:
        """Remove a worktree, be it whole or half-made; raises GitError, OSError."""
        repository = self.repository
        for entry in find_entries(repository.common, path):
            # A killed run may have left a git that is still filling it.
            async with hold_worktree(entry):
                pass
        # The files first, and by ourselves: that takes the longest, and nobody needs to wait for it.
        with suppress(FileNotFoundError):
            await trio.to_thread.run_sync(remove_tree, path)
        async with repository.hold():
            for entry in find_entries(repository.common, path):
                shutil.rmtree(entry)
        with suppress(OSError):  # others lie there, too
            path.parent.rmdir()

    async def release(self, worktree: Worktree, commit: str) -> None:
        """Free a worktree of its child's hold: of its lock, and of the branch that it may be on now."""
        # The child is over, so whatever lock is left is nobody's. On a branch `reset` would move that branch.
        (worktree.git_dir / "index.lock").unlink(missing_ok=True)
        if not _is_detached(worktree):
            await self.repository.call("update-ref", "--no-deref", "HEAD", commit, env=worktree.env)

    def _read_git_dir(self, path: Path) -> Path:
        entries = find_entries(self.repository.common, path)
        if len(entries) != 1:
            raise GitError("worktree", f"{path} was not made")
        return entries[0]


def is_taken(path: Path) -> bool:
    """Tell whether something lies at a path."""
    return path.exists() or path.is_symlink()


def _is_detached(worktree: Worktree) -> bool:
    try:
        return not (worktree.git_dir / "HEAD").read_text().startswith("ref:")
    except OSError:
        return False
