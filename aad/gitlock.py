"""The lock of a repository: one of us at a time adds to it what all work trees share.

The kernel holds it on a file that git itself inherits. So when we are killed, it is free only once the git
that we had started is through: whoever comes next finds nothing half-made that is still being made.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aad.gitcalls import GitError

NAME = "aad.lock"
# Seconds from one try to the next, and after which it is given up.
PAUSE = 0.01
LIMIT = 60.0


def open_lock(common: Path) -> int:
    """Return a descriptor of the lock's file, which holds nothing yet; raises OSError."""
    return os.open(common / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_to_lock(descriptor: int) -> bool:
    """Take the lock if nobody has it. It is free again once all have closed that descriptor."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def hold_repository(common: Path) -> Iterator[int]:
    """Hold the lock, which somebody may have for a moment; raises GitError, OSError."""
    descriptor = open_lock(common)
    try:
        given_up = time.monotonic() + LIMIT
        while not try_to_lock(descriptor):
            if time.monotonic() > given_up:
                raise explain_held(common)
            time.sleep(PAUSE)
        yield descriptor
    finally:
        os.close(descriptor)


def explain_held(common: Path) -> GitError:
    """Return the error of who waited in vain."""
    return GitError("lock", f"{common / NAME} was held for {LIMIT:g} s by another aad, or a git it started")
