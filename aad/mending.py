"""Mends what a killed git left of ours in a repository. Reads and removes files, calls no git."""

import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from aad.checkout import is_ours, list_broken
from aad.errors import InputError, Problem
from aad.gitlock import hold_repository


def mend_repository(
    common: Path,
    places: Collection[Path],
    spec_ids: Collection[str],
    run: str,
    *,
    branch: str = "aad/{spec}",
) -> None:
    """Remove half-made entries of worktrees, and locks of our refs.

    Under the repository's lock nothing of ours is being made, so whatever is half-made stays so. `places` are
    the folders in which our worktrees lie, `branch` is the template of sessions' branches. Raises GitError,
    OSError, and InputError that names what somebody else's git left: as long as it is there, no worktree can
    be made.
    """
    with hold_repository(common):
        for entry in list_broken(common):
            if not is_ours(entry, places, spec_ids):
                raise InputError(Problem("git_worktree_broken", {}, str(entry)))
            shutil.rmtree(entry)
        branches = [branch.format_map({"spec": spec_id}) for spec_id in spec_ids]
        for lock in _list_locks(common, run, branches):
            with suppress(FileNotFoundError):
                lock.unlink()


def _list_locks(common: Path, run: str, branches: Iterable[str]) -> Iterator[Path]:
    heads = common / "refs" / "heads"
    for folder in (heads / "aad", common / "refs" / "aad" / run):
        yield from folder.rglob("*.lock")
    for branch in branches:
        yield heads / f"{branch}.lock"
