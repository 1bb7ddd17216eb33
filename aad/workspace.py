"""Where an attempt works: the project root, or a folder of its own. Knows nothing of what is done there."""

import shutil
from pathlib import Path

from attrs import frozen

from aad.project import Project, make_folder
from aad.spec import Spec


@frozen
class Workspace:
    """A folder to work in, and the spec file as it is found from there."""

    path: Path
    spec_file: str


@frozen
class Workspaces:
    """Makes the workspaces of one run. `isolation` is `none` (the project root) or `directory`."""

    project: Project
    run: str
    isolation: str

    def prepare(self, spec: Spec) -> Workspace:
        """Return the workspace of a spec's next attempt, made afresh; raises OSError.

        A retry starts clean: what an earlier attempt left in a folder of its own is removed.
        """
        source = self._source(spec)
        if self.isolation == "none":
            return Workspace(self.project.root, "" if source is None else str(source))
        folder = self.project.worktrees / self.run / spec.id
        if folder.exists():
            shutil.rmtree(folder)
        make_folder(folder)
        return Workspace(folder, "" if source is None else str(_copy(source, folder, self.project)))

    def _source(self, spec: Spec) -> Path | None:
        return None if spec.path is None else (self.project.root / spec.path).absolute()


def _copy(source: Path, folder: Path, project: Project) -> Path:
    """Put a copy of the spec file where it lies in the project; what lies outside goes to the top."""
    # A path with `..` in it may lead out of the project, and would lead out of the folder.
    inside = source.is_relative_to(project.root) and ".." not in source.parts
    target = folder / (source.relative_to(project.root) if inside else source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target
