"""What is in a worktree: taken down as objects that no ref names yet, and what of it no commit may hold.

What a session made is whatever HEAD names plus what differs from it. It is read through an index of its own.
"""

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import define, frozen

from aad.belongings import Why, is_litter, is_own, is_secret
from aad.events import LeftOut
from aad.gitcalls import GitError, split_names
from aad.repository import Repository
from aad.worktrees import Worktree, Worktrees, is_taken

# The mode of an entry that is another repository's commit (git-fast-import(1)).
LINK_MODE = "160000"
# The status of git (git-status(1), porcelain format 2): how many fields stand before the path.
_FIELDS = {"1": 8, "u": 10, "?": 1}
# What it says of a folder into which it cannot look.
_CLOSED = re.compile(r"could not open directory '(.*?)/?': ")


@frozen(kw_only=True)
class Snapshot:
    """What a worktree holds: the commit that HEAD names, and the tree of that with all changes since.

    `changed` tells whether the two differ; `left_out` are the changes that are in no tree, and `unmerged` the
    files of a merge that was not finished.
    """

    head: str
    tree: str
    changed: bool
    left_out: tuple[LeftOut, ...] = ()
    unmerged: tuple[str, ...] = ()


@frozen(kw_only=True)
class _Change:
    """One line of git's status."""

    path: str
    tracked: bool = False
    staged: bool = False
    deleted: bool = False
    unmerged: bool = False
    unreadable: bool = False
    submodule: bool = False


@define(eq=False)
class Snapshots:
    """Takes down what is in worktrees."""

    worktrees: Worktrees

    @property
    def repository(self) -> Repository:
        return self.worktrees.repository

    async def capture(self, worktree: Worktree, *, without: Sequence[str] = ()) -> Snapshot:
        """Return what a worktree holds, as objects that no ref names yet; raises GitError, OSError.

        It is read through an index of its own, so a lock that was left in the worktree is in nobody's way.
        `without` are paths below the top that are left out.
        """
        if not (is_taken(worktree.git_dir) and is_taken(worktree.path)):
            raise GitError("worktree", f"{worktree.path} is no worktree any more: the session removed it")
        head, base = await self._find_head(worktree)
        index = worktree.git_dir / f"aad-index-{os.urandom(4).hex()}"
        env = {**worktree.env, "GIT_INDEX_FILE": os.fspath(index)}
        try:
            links = await self._copy_index(worktree, index, head, env)
            taken, left = self._sort(worktree, await self._list_changes(env), frozenset(without))
            left += [
                (_Change(path=path), Why.SUBMODULE) for path in links if _hides_files(worktree.path / path)
            ]
            await self._stage(taken, left, env)
            tree = await self.repository.call("write-tree", env=env) if taken else base
        finally:
            _discard(index)
        return Snapshot(
            head=head,
            tree=tree,
            changed=tree != base,
            left_out=tuple(sorted(LeftOut(path=change.path, why=why) for change, why in left)),
            unmerged=tuple(change.path for change in taken if change.unmerged),
        )

    async def find_own_links(self, worktree: Worktree, made: Snapshot) -> list[LeftOut]:
        """Return the commits of other repositories that a tree names anew: they may be in its files alone."""
        if made.head == worktree.start and not (worktree.git_dir / "modules").is_dir():
            return []
        answer = await self.repository.demand("diff-tree", "-r", "--raw", "-z", worktree.start, made.tree)
        words = split_names(answer.output)
        rows = zip(words[::2], words[1::2], strict=False)
        links = (path for row, path in rows if row.split(" ")[1] == LINK_MODE)
        return [LeftOut(path=path, why=Why.SUBMODULE) for path in links]

    def tidy(self, worktree: Worktree, left_out: Sequence[LeftOut]) -> None:
        """Remove the litter that was found in a worktree."""
        for left in left_out:
            if left.why is Why.LITTER:
                with suppress(OSError):  # read-only, or gone
                    (worktree.path / left.path).unlink()

    async def _find_head(self, worktree: Worktree) -> tuple[str, str]:
        """Return what HEAD names, and its tree; a child may have deleted the branch that it was on."""
        asked = ("rev-parse", "--quiet", "HEAD^{commit}", "HEAD^{tree}")
        answer = await self.repository.ask(*asked, env=worktree.env)
        if answer.code:
            await self.worktrees.release(worktree, worktree.start)
            answer = await self.repository.demand(*asked, env=worktree.env)
        head, tree = answer.text.split()
        return head, tree

    async def _copy_index(self, worktree: Worktree, index: Path, head: str, env: dict[str, str]) -> list[str]:
        """Make an index of our own, and return the submodules in it.

        Where the child's is gone or damaged, what HEAD holds will do.
        """
        with suppress(FileNotFoundError):
            # With its time: files that were changed within the same moment are told by that (racy-git.adoc).
            shutil.copy2(worktree.git_dir / "index", index)
        listed = await self.repository.ask("ls-files", "-v", "--stage", "-z", env=env)
        if listed.code or not listed.output:
            _discard(index)
            await self.repository.call("read-tree", head, env=env)
            listed = await self.repository.demand("ls-files", "-v", "--stage", "-z", env=env)
        # `H 100644 OBJECT 0<tab>PATH`; a tag in small letters is to be overlooked.
        rows = [row.partition("\t") for row in split_names(listed.output)]
        await self._uncover([f"{told[0]} {path}" for told, _, path in rows], env)
        return [path for told, _, path in rows if told[2:].startswith(LINK_MODE)]

    async def _uncover(self, rows: Sequence[str], env: dict[str, str]) -> None:
        """Let git see changes that the child told it to overlook (git-update-index(1))."""
        if assumed := [row[2:] for row in rows if row[0].islower()]:
            await self._update_index(assumed, env, "--no-assume-unchanged")
        # Where only a part of the repository is checked out, git itself has told so of the rest.
        if skipped := [row[2:] for row in rows if row[0] in "Ss"]:
            sparse = await self.repository.ask("config", "--type=bool", "core.sparseCheckout", env=env)
            if sparse.text != "true":
                await self._update_index(skipped, env, "--no-skip-worktree")

    async def _list_changes(self, env: dict[str, str]) -> list[_Change]:
        asked = ("--porcelain=2", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none")
        answer = await self.repository.demand("status", *asked, env=env)
        closed = (_Change(path=path, unreadable=True) for path in _CLOSED.findall(answer.why))
        return [*map(_read_change, split_names(answer.output)), *closed]

    def _sort(
        self, worktree: Worktree, changes: Sequence[_Change], without: frozenset[str]
    ) -> tuple[list[_Change], list[tuple[_Change, Why]]]:
        """Tell what is to be committed from what is left out."""
        taken, left = [], []
        for change in changes:
            why = Why.SPEC if change.path in without else self._find_objection(worktree, change)
            if why is None:
                taken.append(change)
            else:
                left.append((change, why))
        return taken, left

    def _find_objection(self, worktree: Worktree, change: _Change) -> Why | None:
        below = (
            change.path.removeprefix(f"{self.worktrees.prefix}/") if self.worktrees.prefix else change.path
        )
        if is_own(below):
            return Why.OWN
        if is_secret(change.path) and not change.deleted:
            return Why.SECRET
        if change.submodule:
            return Why.SUBMODULE
        if change.unreadable:
            return Why.UNREADABLE
        if change.path.endswith("/"):
            return Why.NESTED
        return _judge_file(worktree.path / change.path, below, tracked=change.tracked)

    async def _stage(
        self, taken: Sequence[_Change], left: Sequence[tuple[_Change, Why]], env: dict[str, str]
    ) -> None:
        """Put into the index what is taken, and of what is left out no more than HEAD has."""
        # `add` would refuse what is gone from files and index, and what lay where a link is now.
        if gone := [change.path for change in taken if change.deleted]:
            await self._update_index(gone, env, "--force-remove")
        if there := [change.path for change in taken if not change.deleted]:
            await self._update_index(there, env, "--add", "--replace", "--remove")
        # What the child staged itself is in the index that was copied.
        if staged := [change.path for change, _ in left if change.staged]:
            unstaged = ("reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul")
            await self.repository.call("--literal-pathspecs", *unstaged, env=env, stdin=_join(staged))

    async def _update_index(self, paths: Sequence[str], env: dict[str, str], *options: str) -> None:
        await self.repository.call("update-index", *options, "-z", "--stdin", env=env, stdin=_join(paths))


def _hides_files(folder: Path) -> bool:
    """Tell whether files lie where a submodule would be: git does not look there."""
    try:
        return not (folder / ".git").exists() and any(folder.iterdir())
    except OSError:
        return False


def _discard(index: Path) -> None:
    for path in (index, index.with_name(f"{index.name}.lock")):
        path.unlink(missing_ok=True)


def _read_change(line: str) -> _Change:
    kind = line[0]
    fields = line.split(" ", _FIELDS[kind])
    path = fields[-1]
    match kind:
        case "?":
            return _Change(path=path)
        case "u":
            submodule = fields[2][0] == "S"
            return _Change(path=path, tracked=True, staged=True, unmerged=True, submodule=submodule)
    links = LINK_MODE in (fields[3], fields[4], fields[5])
    return _Change(
        path=path,
        tracked=fields[3] != "000000",
        staged=fields[1][0] != ".",
        deleted="D" in fields[1],
        submodule=links,
    )


def _judge_file(path: Path, below: str, *, tracked: bool) -> Why | None:
    try:
        found = path.lstat()
    except OSError:  # deleted: that is a change like others
        return None
    if not tracked and is_litter(below, empty=found.st_size == 0):
        return Why.LITTER
    return None if path.is_symlink() or os.access(path, os.R_OK) else Why.UNREADABLE


def _join(rows: Iterable[str]) -> bytes:
    return b"".join(row.encode(errors="surrogateescape") + b"\0" for row in rows)
