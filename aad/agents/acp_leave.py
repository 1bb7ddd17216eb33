"""What an agent that asks before it acts may do: by the kind of the call, and by the paths that it names."""

import os.path
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from attrs import frozen

from aad.agents.base import Job
from aad.agents.records import Record, dig_records, dig_text

# The kinds of options that an agent offers, the best first. What is allowed once is asked again.
ALLOW = ("allow_once", "allow_always")
REJECT = ("reject_once", "reject_always")
# Where tools put the paths on which they work; no two agents agree.
PATHS = (
    "path", "filePath", "filepath", "file_path", "absolute_path", "dir_path", "directory", "parentDir",
    "notebook_path",
)  # fmt: skip


def choose(options: Iterable[Record], kinds: Iterable[str]) -> Record | None:
    """Return the option of the first of these kinds that is offered."""
    offered = {dig_text(option, "kind"): option for option in reversed(list(options))}
    return next((offered[kind] for kind in kinds if kind in offered), None)


def find_paths(call: Record) -> Iterator[str]:
    """Yield the paths that a tool call names."""
    for item in (*dig_records(call, "locations"), *dig_records(call, "content")):
        yield dig_text(item, "path")
    for name in PATHS:
        yield dig_text(call, "rawInput", name)


@frozen
class Fence:
    """Where an agent may work without asking: in some folders, or anywhere. The first is where it works."""

    folders: tuple[str, ...] = ()
    runs_commands: bool = True

    @classmethod
    def around(cls, job: Job, permissions: str) -> Self:
        """Return the fence for `sandbox`, `workspace` or `full`; commands reach over any fence of ours."""
        if permissions == "full":
            return cls()
        folders = (str(job.workspace), str(job.events_file.parent))
        return cls(folders, runs_commands=permissions == "workspace")

    def forbids(self, call: Record) -> bool:
        return not self.runs_commands and dig_text(call, "kind") == "execute"

    def find_outside(self, call: Record) -> str | None:
        """Return the first path of a tool call that lies outside."""
        if not self.folders:
            return None
        return next((path for path in filter(None, find_paths(call)) if not self._holds(path)), None)

    def _holds(self, path: str) -> bool:
        # What a tool makes of a tilde or an address is its own affair.
        if path.startswith("~") or "://" in path:
            return False
        real = _resolve(self.folders[0], path)
        return any(os.path.commonpath((real, folder)) == folder for folder in map(_resolve, self.folders))


def _resolve(folder: str, path: str = "") -> str:
    """Return where a path leads from a folder; one that leads nowhere lies outside of everything."""
    try:
        return os.path.realpath(Path(folder, path))
    except ValueError:  # a NUL in it
        return os.path.sep
