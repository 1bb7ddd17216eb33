"""Where an attempt works: the project's root, a folder of its own, or what `gitworkspace` makes.

Knows nothing of what is done there.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

import trio
from attrs import define, field, frozen

from aad.config import WorkspaceSettings
from aad.events import Integrated, RolledBack
from aad.files import digest_tree, remove_tree
from aad.janitor import Janitor
from aad.project import OWN_FOLDERS, Project, make_folder
from aad.spec import Spec

NOTHING: Mapping[str, str] = {}
# Folders that are no part of what was made.
UNLIKE = frozenset({".aad", ".git"})


class Workspace(Protocol):
    """A folder to work in, and what becomes of the work."""

    @property
    def path(self) -> Path:
        """The folder in which the child begins."""

    @property
    def spec_file(self) -> str:
        """The spec file as it is found from there."""

    @property
    def setup(self) -> str:
        """The shell line that makes it ready; empty where nothing is to be done, or has been done."""

    @property
    def env(self) -> Mapping[str, str]:
        """The variables that belong to the folder."""

    @property
    def base(self) -> str:
        """The commit that it was made from; empty where it has no history."""

    @property
    def turn(self) -> trio.Lock:
        """To be held from `merge` to `land`."""

    async def begin(self) -> None:
        """Hear that the child is about to start: what is there by now is not its work."""

    async def capture(self) -> None:
        """Take down what was made: what is changed from here on is none of the child's work."""

    async def commit(self) -> bool:
        """Commit what was taken down; tell whether it is to be integrated."""

    async def merge(self) -> bool:
        """Put the work together with that of others; tell whether what is there now is still verified."""

    async def land(self) -> Integrated | None:
        """Make it part of the run's result; None: others were faster, and it is to be merged again."""

    async def identify(self) -> str:
        """Return what tells apart what was made from anything else; empty where that is not known."""

    async def save(self) -> RolledBack | None:
        """Keep work that came to nothing; None where there is none."""

    def set_aside(self) -> None:
        """Move what no commit keeps to a folder that stays: the next attempt starts clean."""

    def leave(self, *, completed: bool) -> None:
        """Hear that the session is over: nobody works here any more."""


@define(eq=False, kw_only=True)
class PlainWorkspace:
    """A folder without history: what is made there is there, and stays."""

    path: Path
    spec_file: str
    setup: str = ""
    env: Mapping[str, str] = NOTHING
    base: str = ""
    # Removes it in the end, where that was asked for.
    janitor: Janitor | None = None
    turn: trio.Lock = field(factory=trio.Lock, init=False)

    async def begin(self) -> None:
        """See `Workspace`."""

    async def capture(self) -> None:
        """See `Workspace`."""

    async def commit(self) -> bool:
        """Have nothing to integrate."""
        return False

    async def merge(self) -> bool:
        """Have nothing to merge."""
        return True

    async def land(self) -> Integrated | None:
        """Have nothing to land."""
        return None

    async def identify(self) -> str:
        """Return a digest of the folder, unless it is too large for that."""
        return await trio.to_thread.run_sync(partial(digest_tree, self.path, without=UNLIKE))

    async def save(self) -> RolledBack | None:
        """Keep nothing: what was made stays where it is until the next attempt."""
        return None

    def set_aside(self) -> None:
        """Keep nothing apart."""

    def leave(self, *, completed: bool) -> None:
        """Have the folder removed, if nobody wants its content."""
        del completed
        if self.janitor is not None:
            self.janitor.send(partial(trio.to_thread.run_sync, remove_tree, self.path))


@frozen(kw_only=True)
class Folders:
    """Makes the workspaces of one run that need no git."""

    project: Project
    run: str
    settings: WorkspaceSettings
    janitor: Janitor

    def share(self, spec: Spec) -> PlainWorkspace:
        """Return the project's root as a workspace."""
        source = find_source(self.project, spec)
        return PlainWorkspace(path=self.project.root, spec_file="" if source is None else str(source))

    async def make(self, spec: Spec, *, afresh: bool) -> PlainWorkspace:
        """Return a folder of a spec's own, made afresh unless it is to be as it was; raises OSError.

        A retry starts clean: what an earlier attempt left there is removed.
        """
        folder = place(self.project, self.settings, self.run) / spec.id
        new = afresh or not folder.exists()
        if new:
            await self._fill(folder)
        source = find_source(self.project, spec)
        return PlainWorkspace(
            path=folder,
            spec_file="" if source is None else str(copy_spec(source, folder, self.project)),
            setup=self.settings.setup if new else "",
            env=stay_inside(folder),
            janitor=self.janitor if self.settings.keep == "never" else None,
        )

    async def _fill(self, folder: Path) -> None:
        """Make a folder anew: empty, or a copy of what `base` names."""
        with suppress(FileNotFoundError):
            remove_tree(folder)
        if not self.settings.base:
            make_folder(folder)
            return
        make_folder(folder.parent)
        template = self.project.root / self.settings.base
        await trio.to_thread.run_sync(partial(_copy_tree, template, folder, self.project))


def place(project: Project, settings: WorkspaceSettings, run: str) -> Path:
    """Return the folder that holds the workspaces of a run."""
    root = project.root / settings.root if settings.root else project.worktrees
    return root / run


def stay_inside(folder: Path) -> dict[str, str]:
    """Return the variables that keep git from taking the repository around a workspace for the session's."""
    return {"GIT_CEILING_DIRECTORIES": str(folder.parent)}


def find_source(project: Project, spec: Spec) -> Path | None:
    """Return the file of a spec, None for one that has none."""
    return None if spec.path is None else (project.root / spec.path).absolute()


def copy_spec(source: Path, folder: Path, project: Project) -> Path:
    """Put a copy of the spec file where it lies in the project; what lies outside goes to the top."""
    target = folder / find_spec_place(source, project)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


def find_spec_place(source: Path, project: Project) -> Path:
    """Return where the copy of a spec file lies in a workspace, relative to that."""
    # A path with `..` in it may lead out of the project, and would lead out of the folder.
    inside = source.is_relative_to(project.root) and ".." not in source.parts
    return source.relative_to(project.root) if inside else Path(source.name)


def _copy_tree(template: Path, folder: Path, project: Project) -> None:
    """Copy a folder without what is no part of it: history, and our own folders."""
    own = {project.folder / name for name in OWN_FOLDERS} | {folder}

    def find_ignored(where: str, names: list[str]) -> list[str]:
        here = Path(where)
        return [name for name in names if name == ".git" or here / name in own]

    shutil.copytree(template, folder, symlinks=True, ignore=find_ignored)
