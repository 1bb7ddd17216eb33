"""The spec files of a folder, found by their names alone. Knows neither ids nor what the files hold."""

import stat
from pathlib import Path

from attrs import frozen

from aad.errors import Problem
from aad.formats.faults import escape
from aad.formats.markdown import Reading, make_faulty, peek_id, read_markdown
from aad.formats.statuswords import StatusWords
from aad.spec import clean_id

SUFFIX = ".md"
HEAD_BYTES = 4096


@frozen
class SpecFile:
    """A file that may hold a spec. `shown` is its path as people know it, `stem` its name less `.md`."""

    path: Path
    shown: str
    stem: str

    def read(self, words: StatusWords) -> Reading:
        """Read the file; whatever keeps it from being read becomes a problem of the reading."""
        try:
            problem = self._find_problem()
            if problem is None:
                data = self.path.read_bytes()
                return read_markdown(data, stem=self.stem, path=self.shown, words=words)
        except OSError as error:
            problem = Problem("spec_unreadable", {"fault": error.strerror})
        return make_faulty((problem,), stem=self.stem, path=self.shown)

    def peek_id(self) -> str:
        """Return the id that the file seems to have, without reading the whole of it."""
        try:
            if self._find_problem() is None:
                with self.path.open("rb") as file:
                    return peek_id(file.read(HEAD_BYTES)) or clean_id(self.stem)
        except OSError:
            # Whoever needs the spec reads the file and is told what is wrong with it.
            pass
        return clean_id(self.stem)

    def _find_problem(self) -> Problem | None:
        if escape(self.path.name) != self.path.name:
            return Problem("spec_file_name")
        # Looked at before it is opened: a named pipe would keep us waiting.
        return None if stat.S_ISREG(self.path.stat().st_mode) else Problem("spec_no_file")


def find_files(folder: Path, shown: str) -> list[SpecFile]:
    """Return what may be specs in a folder, by name; raises OSError where the folder cannot be read."""
    paths = sorted(path for path in folder.iterdir() if _may_be_spec(path.name))
    return [SpecFile(path, str(Path(shown, escape(path.name))), path.name[: -len(SUFFIX)]) for path in paths]


def _may_be_spec(name: str) -> bool:
    # Editors keep their own files beside ours, and hide them.
    return name.casefold().endswith(SUFFIX) and not name.startswith(".")
