"""What past runs teach: how long each spec took. Reads their summaries and loads no more than it must."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aad.plan import find_median

SUMMARY_VERSION = 1


def read_durations(runs: Path, limit: int = 20) -> dict[str, float]:
    """Return how many seconds each spec took when it was completed: the median of the newest runs.

    `limit` is how many summaries are looked at. What cannot be read, or is no summary, is passed over.
    """
    known: dict[str, list[float]] = {}
    summaries = _read_summaries(runs)
    for _, summary in zip(range(limit), summaries, strict=False):
        for spec_id, seconds in _completed_durations(summary):
            known.setdefault(spec_id, []).append(seconds)
    return {spec_id: find_median(seconds) for spec_id, seconds in known.items()}


def _read_summaries(runs: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the summaries of a project's runs, newest first; run ids sort by time."""
    try:
        # `latest` is a link to a run that stands here by its own name too.
        folders = sorted((entry for entry in runs.iterdir() if not entry.is_symlink()), reverse=True)
    except OSError:  # no run yet
        return
    for folder in folders:
        summary = _read_json(folder / "summary.json")
        if isinstance(summary, dict) and summary.get("version") == SUMMARY_VERSION:
            yield summary


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):  # absent, damaged, or not ours
        return None


def _completed_durations(summary: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    specs = summary.get("specs")
    for spec in specs if isinstance(specs, list) else ():
        match spec:
            case {"id": str(spec_id), "status": "completed", "duration_s": int() | float() as seconds}:
                # JSON as Python reads it may hold NaN and Infinity; 0 was complete before its run began.
                if 0 < seconds < math.inf:
                    yield spec_id, float(seconds)
