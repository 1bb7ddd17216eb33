"""How far a child is by the boxes that it ticks in its copy of the spec."""

from contextlib import suppress
from pathlib import Path

from attrs import define

from aad.formats.markdown import count_checklist


@define
class Checklist:
    """The boxes of a spec file, read again only when the file was changed."""

    path: Path
    _seen: int | None = None
    _share: float | None = None

    def __attrs_post_init__(self) -> None:
        self._seen = self._stamp()

    def read(self) -> float | None:
        stamp = self._stamp()
        if stamp is not None and stamp != self._seen:
            self._seen = stamp
            with suppress(OSError):  # gone again between two looks
                done, total = count_checklist(self.path.read_text(encoding="utf-8", errors="replace"))
                self._share = done / total if total else None
        return self._share

    def _stamp(self) -> int | None:
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return None
