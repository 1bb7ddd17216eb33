"""The words for a spec's status, in English and Japanese. Knows not where they stand."""

import re
import unicodedata
from collections.abc import Iterable

from attrs import frozen

from aad.spec import SpecStatus

# Whether a spec with one of these words runs is up to `require_status`.
_APPROVED = ("Approved", "In Progress")
_OPEN = ("未着手", "進行中")
_DRAFT = ("Draft", "Review", "レビュー中")
_COMPLETE = ("Done", "Completed", "完了")

_DECORATION = re.compile(r"^[\W_]+|[\W_]*[(\[].*|[\W_]+$", re.DOTALL)


@frozen
class StatusWords:
    """The words of a project, and what each says of a spec."""

    meanings: dict[str, SpecStatus]
    known: tuple[str, ...]

    def judge(self, word: str) -> SpecStatus | None:
        """Return what a word says; None for an unknown one."""
        return self.meanings.get(_fold(word))


def make_status_words(required: Iterable[str]) -> StatusWords:
    """Return the words of a project in which `required` may run."""
    required = tuple(required)
    ranks = (
        ((*_APPROVED, *_DRAFT), SpecStatus.DRAFT),
        ((*required, *_OPEN), SpecStatus.READY),
        (_COMPLETE, SpecStatus.COMPLETE),
    )
    meanings = {_fold(word): status for words, status in ranks for word in words}
    known = dict.fromkeys((*_APPROVED, *required, *_OPEN, *_DRAFT, *_COMPLETE))
    return StatusWords(meanings, tuple(known))


def _fold(word: str) -> str:
    """Return a word without its dress: `✅ **In-Progress** (2026-01-18)` is `in progress`."""
    bare = _DECORATION.sub("", unicodedata.normalize("NFKC", word))
    return re.sub(r"[\s_-]+", " ", bare).casefold()
