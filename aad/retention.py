"""Which runs have had their time: the bounds of `[runs]` over a list of them. Knows no disk and no clock."""

from collections.abc import Sequence
from enum import StrEnum

from attrs import frozen

from aad.config import RetentionSettings


class Bound(StrEnum):
    """What a run can be over."""

    AGE = "age"
    COUNT = "count"
    SIZE = "size"


class Hold(StrEnum):
    """What keeps a run, whatever the bounds say."""

    UNDER_WAY = "under_way"
    WAITING = "waiting"
    # Without the run's journal they would be nobody's.
    WORKSPACES = "workspaces"
    # What attempts left and no commit holds lies in the run's own folder.
    LEFT_OUT = "left_out"


@frozen(kw_only=True)
class StoredRun:
    """A run as it lies on the disk: seconds since it was last heard of, and bytes; None where unknown."""

    id: str
    age: float
    size: int | None = None
    held: Hold | None = None


@frozen
class Excess:
    """A run that is over a bound. It goes, unless something holds it."""

    run: StoredRun
    bound: Bound


def find_excess(runs: Sequence[StoredRun], bounds: RetentionSettings) -> list[Excess]:
    """Return the runs that are over a bound, oldest first; `runs` come newest first.

    The newest is over none. Of several bounds the first of age, count and size is named.
    """
    found, total = [], 0
    for place, run in enumerate(runs):
        bound = _find_bound(place, run, bounds)
        if bound is None or run.held is not None or place == 0:
            # Counted even if this run goes for it: else a small old run would outlive a great newer one.
            total += run.size or 0
        if bound is None and 0 < bounds.max_size < total:
            bound = Bound.SIZE
        if bound is not None and place > 0:
            found.append(Excess(run, bound))
    return found[::-1]


def _find_bound(place: int, run: StoredRun, bounds: RetentionSettings) -> Bound | None:
    """Return the bound that a run is over by itself, whatever the sizes of the others."""
    if 0 < bounds.max_age < run.age:
        return Bound.AGE
    if 0 < bounds.keep <= place:
        return Bound.COUNT
    return None
