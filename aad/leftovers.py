"""What lies where sessions work: folders, and those that only git's list still knows. Judges nothing."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from aad.checkout import find_worktree, list_entries
from aad.project import Project, read_start

# Why git itself locks a worktree while it makes it (git-worktree(1)).
_MAKING = "initializing"


@frozen(kw_only=True)
class Leftover:
    """Something that lies there. If it is named as workspaces are, its run and spec are known."""

    path: Path
    run: str | None = None
    spec: str | None = None


def list_leftovers(project: Project, root: str, common: Path | None) -> list[Leftover]:
    """Return all there is, by path; `common` is git's folder, `root` where the settings want workspaces."""
    places = project.places(root)
    found = [each for place in places for each in _list_there(place, ours=place == project.worktrees)]
    if common is not None:
        found += _list_gone(common, places)
    by_path = {each.path: each for each in found}
    return [by_path[path] for path in sorted(by_path)]


def is_locked(entry: Path) -> bool:
    """Tell whether somebody wants git to keep a worktree: `git worktree lock`."""
    try:
        return (entry / "locked").read_text(errors="replace").strip() != _MAKING
    except FileNotFoundError:
        return False


def is_other(path: Path) -> bool:
    """Tell whether a path is what no workspace is: a file, or a link that leads elsewhere."""
    return path.is_symlink() or (path.exists() and not path.is_dir())


def holds_files(path: Path) -> bool:
    """Tell whether a folder holds any file but the one by which git knows a worktree; raises OSError."""
    for folder, folders, files in os.walk(path, onerror=_refuse):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        if [*links, *files] != ([".git"] if folder == os.fspath(path) and ".git" in files else []):
            return True
    return False


def remove_empty(places: Iterable[Path]) -> None:
    """Remove the folders of runs in which there are no workspaces any more."""
    for place in places:
        for folder in _list_folder(place):
            if _is_of_run(folder):
                with suppress(OSError):  # not empty
                    folder.rmdir()


def _list_there(place: Path, *, ours: bool) -> Iterator[Leftover]:
    """Yield what is named as workspaces are; in a folder of our own also what is not."""
    for folder in _list_folder(place):
        if _is_of_run(folder):
            for path in _list_folder(folder):
                yield Leftover(path=path, run=folder.name, spec=path.name)
        elif ours:
            yield Leftover(path=folder)


def _list_gone(common: Path, places: Iterable[Path]) -> Iterator[Leftover]:
    homes = [(place, os.path.realpath(place)) for place in places]
    for entry in list_entries(common):
        path = find_worktree(entry)
        if path is None or os.path.lexists(path):
            continue
        real = Path(os.path.realpath(path))
        for place, home in homes:
            if real.parent.parent == Path(home):
                yield Leftover(
                    path=place / real.parent.name / real.name, run=real.parent.name, spec=real.name
                )


def _is_of_run(folder: Path) -> bool:
    return read_start(folder.name) is not None and folder.is_dir() and not folder.is_symlink()


def _list_folder(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
