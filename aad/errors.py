"""What can go wrong that a person can mend. Everything else is a bug and flies with its traceback.

A `Problem` is one fault at one place, said in words of `messages`; an `AadError` carries all the
faults found together and the exit status that the command line answers with.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from attrs import field, frozen

from aad import messages


@frozen
class Problem:
    """One fault: the key of its sentence, the sentence's fields, and where it was found."""

    key: str
    fields: Mapping[str, object] = field(factory=dict)
    path: str | None = None
    line: int | None = None

    def render(self, lang: str = "en") -> str:
        """Return `path:line: what is wrong, and the way out`, less the parts that are not known."""
        place = "" if self.path is None else f"{self.path}: "
        if self.path is not None and self.line is not None:
            place = f"{self.path}:{self.line}: "
        return place + messages.text(lang, self.key, self.fields)


class AadError(Exception):
    """Something the user can fix. `exit_code` is the exit status of the command line."""

    exit_code: ClassVar[int] = 2

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(self.render())

    def render(self, lang: str = "en") -> str:
        """Return all faults, one a line, in the order in which they were found."""
        return "\n".join(problem.render(lang) for problem in self.problems)


class InputError(AadError):
    """Usage, config, spec files or graph are at fault; nothing was started or written."""


class CycleError(InputError):
    """Specs depend on each other in a circle. `cycle` names it whole, its first id again at its end."""

    def __init__(self, cycle: Iterable[str]) -> None:
        self.cycle = tuple(cycle)
        super().__init__(Problem("cycle", {"cycle": " → ".join(self.cycle)}))


class NothingMatchedError(AadError):
    """No spec matched what was asked for."""

    exit_code = 5


class LockedError(AadError):
    """Another run holds this project."""

    exit_code = 6


class JournalError(AadError):
    """A journal cannot be read or written: damaged, of a newer version, or the disk refuses."""


class OutputError(AadError):
    """What was asked for cannot be written: the disk behind stdout is full, say."""

    exit_code = 1


class IllegalTransitionError(RuntimeError):
    """A session was told something its status does not allow: a bug of the caller."""


class TransientError(Exception):
    """Raised by an embedder's callable: this attempt failed, and the same work may well succeed later."""
