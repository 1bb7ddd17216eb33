"""The lock of a project: one run at a time. Knows nothing of what a run does.

The kernel holds the lock and frees it when its holder dies, however that happens, so it is never stale. The
file `owner.json` beside it only tells people who holds it; nothing depends on what it says.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aad.codec import format_time
from aad.errors import InputError, LockedError, Problem
from aad.files import write_whole
from aad.project import make_folder


@contextmanager
def hold_lock(state: Path, run_id: str) -> Iterator[None]:
    """Hold the lock that lies in a folder; raises LockedError, and InputError where there can be none."""
    owner = state / "owner.json"
    try:
        descriptor = _open_lock(state)
    except OSError as error:
        raise _refusal(state, error) from error
    try:
        _take(descriptor, owner)
        with _sign(owner, run_id):
            yield
    finally:
        os.close(descriptor)


def find_holder(state: Path) -> str | None:
    """Return the id of the run that holds the lock at this moment, None where none does.

    The lock is tried only where `owner.json` stands: else we could be in the way of a run that begins.
    """
    try:
        told = json.loads((state / "owner.json").read_bytes())
        descriptor = os.open(state / "lock", os.O_RDONLY)
    except (OSError, ValueError):
        return None
    try:
        # Shared, so that those who look are not in each other's way.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return str(told["run"]) if isinstance(told, dict) and "run" in told else None
    finally:
        os.close(descriptor)
    return None


def _open_lock(state: Path) -> int:
    make_folder(state)
    # A child that inherited the descriptor would hold the lock after our end; `os.open` lets none.
    return os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)


def _take(descriptor: int, owner: Path) -> None:
    # Not lockf: that lock is lost as soon as any descriptor of the file is closed.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LockedError(_describe(owner)) from error
    except OSError as error:
        raise _refusal(owner.parent, error) from error


@contextmanager
def _sign(owner: Path, run_id: str) -> Iterator[None]:
    _write_owner(owner, run_id)
    try:
        yield
    finally:
        with suppress(OSError):  # nothing depends on its being gone
            owner.unlink()


def _write_owner(owner: Path, run_id: str) -> None:
    told = {"pid": os.getpid(), "run": run_id, "since": format_time(time.time())}
    try:
        write_whole(owner, json.dumps(told).encode() + b"\n")
    except OSError as error:
        raise _refusal(owner.parent, error) from error


def _describe(owner: Path) -> Problem:
    try:
        told = json.loads(owner.read_bytes())
        return Problem("lock_held", {name: told[name] for name in ("pid", "run", "since")})
    except (OSError, ValueError, LookupError, TypeError):
        # Taken a moment ago and not yet signed, or not ours to read.
        return Problem("lock_held_unsigned")


def _refusal(state: Path, error: OSError) -> InputError:
    return InputError(Problem("lock_impossible", {"cause": error.strerror}, path=str(state)))
