"""The lock of a project: one run at a time. Knows nothing of what a run does.

The kernel holds the lock and frees it when its holder dies, however that happens, so it is never stale. What
stands in the file (the holder's pid) and in `owner.json` beside it only tells people who holds it; nothing
depends on what they say.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from aad.codec import format_time
from aad.errors import InputError, LockedError, Problem
from aad.files import write_whole
from aad.project import NEWEST, make_folder

# Seconds from one try to the next: who only looks has the lock for an instant, and keeps nobody out.
PAUSES = (0.01, 0.02, 0.04, 0.08)
# Seconds for which those who only look are waited for: a busy machine may hold them up at that.
PATIENCE = 5.0


@contextmanager
def hold_lock(state: Path, run_id: str) -> Iterator[None]:
    """Hold the lock that lies in a folder; raises LockedError, and InputError where there can be none."""
    try:
        descriptor = _open_lock(state)
    except OSError as error:
        raise _refusal(state, error) from error
    try:
        _take(descriptor, state)
        with _hold_folder(state), _sign(descriptor, state, run_id):
            yield
    finally:
        os.close(descriptor)


@contextmanager
def _hold_folder(state: Path) -> Iterator[None]:
    """Hold the folder above, too: a child may delete `state`, and the lock with it, while the run goes on."""
    folder = os.open(state.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(PermissionError, NotImplementedError):
            _take(folder, state)
        yield
    finally:
        os.close(folder)


def find_holder(state: Path) -> str | None:
    """Return the id of the run that holds the lock at this moment, None where none does.

    The lock is tried only where a run has signed: else we could be in the way of one that begins. Where
    `state` was deleted under a run, `runs/latest` tells which one it is.
    """
    run = _read_owner(state).get("run")
    if run is not None:
        return str(run) if _is_held(state / "lock") else None
    # A child may have deleted `state`; the folder above is held still, by the run that began last.
    return _read_newest(state) if _read_pid(state) is None and _is_held(state.parent) else None


def _open_lock(state: Path) -> int:
    make_folder(state)
    # A child that inherited the descriptor would hold the lock after our end; `os.open` lets none.
    return os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)


def _take(descriptor: int, state: Path) -> None:
    for pause in PAUSES:
        if _try_to_take(descriptor, state):
            return
        time.sleep(pause)
    limit = time.monotonic() + PATIENCE
    while not _try_to_take(descriptor, state):
        if _is_held(state / "lock") or time.monotonic() >= limit:
            raise LockedError(_describe(state))
        time.sleep(PAUSES[-1])


def _try_to_take(descriptor: int, state: Path) -> bool:
    # Not lockf: that lock is lost as soon as any descriptor of the file is closed.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _refusal(state, error) from error
    return True


def _read_newest(state: Path) -> str | None:
    try:
        return (state.parent / "runs" / NEWEST).readlink().name
    except OSError:
        return None


def _is_held(path: Path) -> bool:
    """Tell whether a run holds a lock; who only looks does not count."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        # Shared, so that those who look are not in each other's way.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (PermissionError, NotImplementedError):
        return False  # some file systems lock no folders: then nobody holds one
    finally:
        os.close(descriptor)
    return False


@contextmanager
def _sign(descriptor: int, state: Path, run_id: str) -> Iterator[None]:
    try:
        # The pid first: it is there at once, and tells whether `owner.json` is of a run that died.
        _write_pid(descriptor)
        _write_owner(state, run_id)
    except OSError as error:
        raise _refusal(state, error) from error
    try:
        yield
    finally:
        with suppress(OSError):  # nothing depends on its being gone
            (state / "owner.json").unlink()


def _write_pid(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)


def _write_owner(state: Path, run_id: str) -> None:
    told = {"pid": os.getpid(), "run": run_id, "since": format_time(time.time())}
    write_whole(state / "owner.json", json.dumps(told).encode() + b"\n")


def _describe(state: Path) -> Problem:
    match _read_owner(state):
        case {"pid": pid, "run": run, "since": since}:
            return Problem("lock_held", {"pid": pid, "run": run, "since": since})
        case {"pid": pid}:  # it has not signed yet, or is about to end
            return Problem("lock_held_by", {"pid": pid})
    return Problem("lock_held_unsigned")


def _read_owner(state: Path) -> Mapping[str, object]:
    """Return what is told of the holder: all that `owner.json` says, if it is of the holder, else the pid."""
    pid, told = _read_pid(state), _read_told(state)
    if pid is None or told.get("pid") == pid:
        return told
    return {"pid": pid}


def _read_pid(state: Path) -> int | None:
    try:
        return int((state / "lock").read_bytes())
    except (OSError, ValueError):  # absent, not ours to read, or nothing stands in it yet
        return None


def _read_told(state: Path) -> Mapping[str, object]:
    try:
        told = json.loads((state / "owner.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _refusal(state: Path, error: OSError) -> InputError:
    return InputError(Problem("lock_impossible", {"cause": error.strerror}, path=str(state)))
