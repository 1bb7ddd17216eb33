"""One spec: what is to be built, what must come first, and how its session shall run. Knows no files."""

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

from attrs import field, frozen


class SpecStatus(StrEnum):
    """What a spec file says of itself."""

    READY = "ready"
    DRAFT = "draft"
    COMPLETE = "complete"


def _ids(value: Iterable[str]) -> tuple[str, ...]:
    """Freeze ids; each counts once, where it first stands."""
    return tuple(dict.fromkeys(value))


# An id names a branch `aad/<id>` and a folder `.aad/runs/<run>/<id>/`: what else stands there is taken.
RESERVED_IDS = frozenset(
    {"run", "journal.jsonl", "summary.json", "junit.xml", "report.html", "trace.json"},
)
MAX_ID_BYTES = 100

_ORDINARY_ID = re.compile(r"[A-Za-z0-9]+(?:[-_]+[A-Za-z0-9]+){1,8}", re.ASCII)


def clean_id(text: str) -> str:
    """Return an id in its one form (NFKC), however it was typed."""
    return unicodedata.normalize("NFKC", text).strip()


def find_id_fault(spec_id: str) -> str | None:
    """Return the key of the sentence that says why an id is no safe file and branch name; None if it is."""
    if len(spec_id) <= MAX_ID_BYTES and _ORDINARY_ID.fullmatch(spec_id):
        return None
    if not spec_id:
        return "spec_id_empty"
    if not all(_may_stand_in_id(character) for character in spec_id):
        return "spec_id_characters"
    if len(spec_id.encode()) > MAX_ID_BYTES:
        return "spec_id_long"
    if spec_id.startswith((".", "-")) or spec_id.casefold().endswith((".", ".lock")) or ".." in spec_id:
        return "spec_id_dots"
    return "spec_id_reserved" if spec_id.casefold() in RESERVED_IDS else None


def _may_stand_in_id(character: str) -> bool:
    # Letters of many scripts need marks of their own; emoji and the rest are refused, for not every
    # terminal, file system and shell agrees about them.
    return character in "._-" or unicodedata.category(character)[0] in "LNM"


@frozen(kw_only=True)
class Spec:
    """One spec. Times are seconds; `None` means: as the config says.

    `run` and `verify` are a shell line (str) or an argv (tuple). `estimate` was given as such and is
    fit for an ETA; `weight` is a rough measure of work (hours of people, sizes) that orders only.
    `path` is how the file is shown to people, relative to the project where it lies in it; `text` holds
    the spec's words where there is no file. `digest` is the first 16 hex digits of the SHA-256 of the file.
    """

    id: str
    title: str = ""
    status: SpecStatus = SpecStatus.READY
    depends_on: tuple[str, ...] = field(default=(), converter=_ids)
    conflicts_with: tuple[str, ...] = field(default=(), converter=_ids)
    paths: tuple[str, ...] = field(default=(), converter=_ids)
    agent: str | None = None
    run: str | tuple[str, ...] | None = None
    verify: str | tuple[str, ...] | None = None
    isolation: str | None = None
    timeout: float | None = None
    stall_timeout: float | None = None
    retries: int | None = None
    estimate: float | None = None
    weight: float | None = None
    priority: int = 0
    path: str | None = None
    text: str | None = None
    digest: str = ""
