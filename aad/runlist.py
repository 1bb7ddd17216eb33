"""The runs that a project has, by their ids. Knows nothing of what happened in them."""

import os
from contextlib import suppress
from pathlib import Path

from aad.errors import InputError, Problem
from aad.project import NEWEST


def list_runs(runs: Path) -> list[str]:
    """Return the ids of the runs that left a folder, newest first; what is hidden is being removed."""
    try:
        with os.scandir(runs) as entries:
            folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(Problem("journal_unreadable", {"cause": error.strerror}, path=str(runs))) from error
    return sorted((name for name in folders if not name.startswith(".")), reverse=True)


def find_run(runs: Path, prefix: str | None = None) -> str:
    """Return the id that a prefix stands for, the newest run's for none and `latest`; raises InputError."""
    known = list_runs(runs)
    if not known:
        raise InputError(Problem("journal_no_runs"))
    if prefix is None or prefix == NEWEST:
        return known[0]
    found = [run for run in known if run.startswith(prefix)]
    if prefix in found:
        return prefix
    if not found:
        raise InputError(Problem("journal_run_unknown", {"run": prefix, "runs": _name_some(known)}))
    if len(found) > 1:
        raise InputError(Problem("journal_run_ambiguous", {"run": prefix, "runs": _name_some(found)}))
    return found[0]


def point_latest(runs: Path, run_id: str) -> None:
    """Let `runs/latest` name a run; there is always either the old link or the new one."""
    draft = runs / f".latest.{run_id}"
    # For people only: a file system without links must not keep a run from its work.
    with suppress(OSError):
        draft.unlink(missing_ok=True)
        draft.symlink_to(run_id)
        draft.replace(runs / NEWEST)


def _name_some(runs: list[str], most: int = 10) -> str:
    return ", ".join(runs[:most]) + (" …" if len(runs) > most else "")
