"""What would be lost with a worktree: commits, changes and files that nothing else keeps. Only looks.

It looks at a copy of git's own part of the worktree, and what git writes meanwhile goes into a scratch
folder: so looking changes nothing, however it ends.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import evolve, frozen

from aad.belongings import UNTOLD
from aad.checkout import Checkout
from aad.gitcalls import make_environment, split_names
from aad.repository import Repository
from aad.snapshots import Snapshot, Snapshots
from aad.worktrees import Worktree, Worktrees


class Unsaved(StrEnum):
    """What a worktree has that nothing else has."""

    REPOSITORY = "repository"
    UNFINISHED = "unfinished"
    COMMITS = "commits"
    CHANGES = "changes"
    FILES = "files"
    UNKNOWN = "unknown"


# What git keeps in a worktree's own part while it is in the middle of something (gitrepository-layout(5)).
_UNFINISHED = (
    "MERGE_HEAD", "MERGE_AUTOSTASH", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge",
    "rebase-apply", "sequencer",
)  # fmt: skip


@frozen(kw_only=True)
class Known:
    """What is known of a worktree's content: refs that may hold all of it, and paths that nobody misses.

    `unbegun` is the run of a session that never began: there, what is missing was not written yet, and the
    commits of the run are merges that can be made again.
    """

    refs: Sequence[str] = ()
    without: Sequence[str] = ()
    unbegun: str = ""


@frozen
class Inspector:
    """Looks into the worktrees of a repository, and writes into a folder `scratch` alone."""

    worktrees: Worktrees
    scratch: Path

    @property
    def repository(self) -> Repository:
        return self.worktrees.repository

    async def find_unsaved(self, worktree: Worktree, known: Known) -> Unsaved | None:
        """Return what would be lost with a worktree, None for nothing; raises GitError, OSError."""
        if _has_own_history(worktree):
            return Unsaved.REPOSITORY
        if any((worktree.git_dir / name).exists() for name in _UNFINISHED):
            return Unsaved.UNFINISHED
        head = await self._find_head(worktree.git_dir)
        if head is None or not await self._is_safe(head, known):
            return Unsaved.COMMITS
        return await self._find_changes(self._copy(worktree), known)

    async def find_lost_head(self, git_dirs: Sequence[Path], known: Known) -> Unsaved | None:
        """Return whether commits would be lost with worktrees that hold no files."""
        for git_dir in git_dirs:
            head = await self._find_head(git_dir)
            if head is not None and not await self._is_safe(head, known):
                return Unsaved.COMMITS
        return None

    async def _find_head(self, git_dir: Path) -> str | None:
        answer = await self.repository.ask(
            "rev-parse", "--verify", "--quiet", "HEAD^{commit}", env={"GIT_DIR": os.fspath(git_dir)}
        )
        return answer.text if answer.code == 0 else None

    async def _is_safe(self, commit: str, known: Known) -> bool:
        """Tell whether nobody would miss a commit: a ref has it, or all that none has can be made again."""
        if await self.repository.is_named_elsewhere("", commit):
            return True
        if not known.unbegun:
            return False
        others = ("--fixed-strings", "--invert-grep", f"--grep=AAD-Run: {known.unbegun}")
        return not await self.repository.call(
            "rev-list", "--max-count=1", *others, commit, "--not", "--glob=refs/*"
        )

    async def _find_changes(self, worktree: Worktree, known: Known) -> Unsaved | None:
        if await self._is_staged_apart(worktree):
            return Unsaved.CHANGES
        found = await Snapshots(self.worktrees).capture(worktree, without=known.without)
        left_out = [worktree.path / left.path for left in found.left_out if left.why not in UNTOLD]
        if any(not known.unbegun or _is_there(path) for path in left_out):
            return Unsaved.FILES
        if found.changed and not await self._is_kept(found, known):
            return Unsaved.CHANGES
        return None

    async def _is_kept(self, found: Snapshot, known: Known) -> bool:
        """Tell whether all content is in some commit."""
        if found.tree in await self._list_trees(known.refs):
            return True
        if not known.unbegun:
            return False
        there = ("--name-only", "--diff-filter=d", found.head, found.tree)
        return not await self.repository.call("diff-tree", "-r", *there)

    async def _is_staged_apart(self, worktree: Worktree) -> bool:
        """Tell whether the index has content that is neither in HEAD nor among the files."""
        asked = ("--porcelain", "-z", "--no-renames", "--untracked-files=no")
        answer = await self.repository.demand("status", *asked, env=worktree.env)
        return any(" " not in row[:2] for row in split_names(answer.output))

    async def _list_trees(self, refs: Sequence[str]) -> Sequence[str]:
        if not refs:  # git would name all that there are
            return ()
        return (await self.repository.call("for-each-ref", "--format=%(tree)", *refs)).split()

    def _copy(self, worktree: Worktree) -> Worktree:
        """Return a worktree with the same files, whose other part is a copy."""
        copy = self.scratch / "git"
        if copy.exists():
            shutil.rmtree(copy)
        # Without the sockets of git's file system monitor, which cannot be copied.
        passed_over = shutil.ignore_patterns("logs", "*.ipc")
        shutil.copytree(worktree.git_dir, copy, symlinks=True, ignore=passed_over)
        (copy / "commondir").write_bytes(os.fsencode(self.repository.common) + b"\n")
        return evolve(worktree, git_dir=copy)


@contextmanager
def open_inspector(checkout: Checkout, environ: Mapping[str, str]) -> Iterator[Inspector]:
    """Return who looks into the worktrees of a repository; raises OSError."""
    with TemporaryDirectory(prefix="aad-") as folder:
        scratch = Path(folder)
        info = scratch / "objects" / "info"
        info.mkdir(parents=True)
        # By this file, not by the variable for it: in that a path with a colon would be two.
        (info / "alternates").write_bytes(os.fsencode(checkout.common / "objects") + b"\n")
        env = {**make_environment(environ), "GIT_OBJECT_DIRECTORY": os.fspath(info.parent)}
        yield Inspector(Worktrees(Repository(checkout, env), checkout.prefix), scratch)


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


def _has_own_history(worktree: Worktree) -> bool:
    """Tell whether there are commits in it or in its part of the repository that this one does not have."""
    own = worktree.path / ".git"
    # The repositories of its submodules lie beside its index, and would go with that.
    return (own.is_dir() and not own.is_symlink()) or (worktree.git_dir / "modules").exists()
