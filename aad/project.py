"""Where a project keeps its things: the folders under `.aad/`, run ids, and who may write there."""

import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

FOLDER = ".aad"
# The word for the newest run, in commands and as a link among the runs.
NEWEST = "latest"
# Beside the log of an attempt: what it left and no commit holds, once another attempt follows.
LEFT_OUT = "left-out"
OWN_FOLDERS = ("runs", "escalations", "state", "worktrees")
_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")


def new_run_id(now: float | None = None) -> str:
    """Return a run id: the time in UTC, the last part 65,536ths of a second; ids sort by time."""
    now = time.time() if now is None else now
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{stamp}-{int(now % 1 * 65536):04x}"


def read_start(run_id: str) -> float | None:
    """Return when a run began, as its id tells in whole seconds; None for what is no run's id."""
    if not _RUN_ID.fullmatch(run_id):
        return None
    try:
        return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:  # the 30th of February
        return None


def make_folder(folder: Path) -> None:
    """Make a folder and those missing above it, readable by their owner alone."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


@frozen
class Project:
    """A folder that holds specs. Every path of `.aad/` is named here and nowhere else."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / FOLDER

    @property
    def config(self) -> Path:
        return self.root / "config" / "aad.toml"

    @property
    def specs(self) -> Path:
        return self.folder / "specs"

    @property
    def tasks(self) -> Path:
        return self.folder / "tasks"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def escalations(self) -> Path:
        return self.folder / "escalations"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def worktrees(self) -> Path:
        return self.folder / "worktrees"

    def places(self, root: str) -> tuple[Path, ...]:
        """Return the folders in which workspaces may lie: ours, and the one that the settings name."""
        return (self.worktrees, self.root / root) if root else (self.worktrees,)

    def run(self, run_id: str) -> Path:
        return self.runs / run_id

    def journal(self, run_id: str) -> Path:
        return self.run(run_id) / "journal.jsonl"

    def summary(self, run_id: str) -> Path:
        return self.run(run_id) / "summary.json"

    def attempt(self, run_id: str, spec_id: str, attempt: int) -> Path:
        return self.run(run_id) / spec_id / str(attempt)

    def show(self, path: Path) -> str:
        """Return a path as people read it: relative to the project where it lies in it."""
        try:
            return str(path.relative_to(self.root))
        except ValueError:
            return str(path)

    def prepare(self, *, hidden: bool = False) -> None:
        """Make our own folders, readable by their owner alone, and keep them out of git.

        `hidden` keeps the file that does so out of git as well: nobody asked for it.
        """
        for name in OWN_FOLDERS:
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            names = [*(f"{name}/" for name in OWN_FOLDERS), *([".gitignore"] if hidden else [])]
            ignore.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def find_project(start: Path | None = None) -> Project:
    """Return the project around a folder: the nearest with `.aad/` or `config/aad.toml`, else the folder.

    The search does not leave the git repository that holds the folder.
    """
    here = Path(os.path.abspath(start or "."))  # noqa: PTH100 - resolve() would follow links the user relies on
    for folder in (here, *here.parents):
        project = Project(folder)
        if project.folder.is_dir() or project.config.is_file():
            return project
        if (folder / ".git").exists():
            break
    return Project(here)
