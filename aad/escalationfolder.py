"""The folder of a project's escalations, as the parent session keeps it: an id and a file for each.

The journal has the facts too, so that nothing here ends a run: what cannot be written is logged.
"""

import logging
from collections import Counter
from pathlib import Path

from attrs import define, field

from aad.escalationlog import EscalationLog, free_id
from aad.events import EscalationLevel
from aad.project import make_folder

# What of a file or folder tells that it is another, or was changed.
Stamp = tuple[int, int]

logger = logging.getLogger("aad")


@define(eq=False)
class EscalationFolder:
    """Gives ids, and writes files."""

    path: Path
    _numbers: Counter[tuple[str, EscalationLevel]] = field(factory=Counter, init=False)

    def new_id(self, log: EscalationLog) -> str:
        """Return an id that no file has yet."""
        first = self._numbers[log.spec_id, log.level] + 1
        name, number = free_id(self.path, log.spec_id, log.level, first)
        self._numbers[log.spec_id, log.level] = number
        return name

    def locate(self, log: EscalationLog) -> Path:
        """Return the path of an escalation's file."""
        return self.path / f"{log.id}.json"

    def write(self, log: EscalationLog) -> Path | None:
        """Write an escalation's file and return its path; None where it cannot be written."""
        try:
            return self._write(log)
        except OSError as error:
            logger.warning("%s cannot be written: %s", self.locate(log), error.strerror)
            return None

    def stamp(self, log: EscalationLog | None = None) -> Stamp | None:
        """Return the stamp of an escalation's file, or of the folder; None where it is not there."""
        try:
            found = (self.path if log is None else self.locate(log)).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _write(self, log: EscalationLog) -> Path:
        try:
            return log.write(self.path)
        except FileNotFoundError:  # a child has removed the folder
            make_folder(self.path)
            return log.write(self.path)
