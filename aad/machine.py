"""Looks at the machine, and at the place on it where a project lies. Changes nothing and judges nothing."""

import ctypes
import fcntl
import os
import shutil
import sys
from pathlib import Path

from attrs import frozen

from aad.processtable import has_handles, lists_children, read_stat
from aad.project import OWN_FOLDERS, Project

PR_GET_CHILD_SUBREAPER = 37


@frozen(kw_only=True)
class Means:
    """By what means the processes of sessions can be found and held.

    `proc`: the kernel tells of processes; `children`: it lists those of each; `orphans`: it hands us those
    that lose their parent; `handles`: a process can be held while it is signalled.
    """

    proc: bool
    children: bool
    orphans: bool
    handles: bool


def find_means() -> Means:
    """Return the means of this machine."""
    return Means(
        proc=read_stat(os.getpid()) is not None,
        children=lists_children(),
        orphans=_hands_orphans(),
        handles=has_handles(),
    )


def _hands_orphans() -> bool:
    """Ask whether we are a subreaper already: a kernel that has an answer can make us one."""
    if sys.platform != "linux":
        return False
    answer: int = ctypes.CDLL(None).prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(ctypes.c_int()), 0, 0, 0)
    return answer == 0


def find_unwritable(project: Project) -> Path | None:
    """Return the first of our folders, there already or where it would be made, that cannot be written to."""
    ground = _find_ground(project.folder)
    if not _is_writable(ground):
        return ground
    inner = (project.folder / name for name in OWN_FOLDERS)
    return next((path for path in inner if path.exists() and not _is_writable(path)), None)


def find_lock_trouble(project: Project) -> str | None:
    """Return why no lock can be held in the project, None where one can: asked of what is there already."""
    lock = project.state / "lock"
    try:
        # A folder that no run locks, or we could be in the way of one that begins.
        descriptor = os.open(lock if lock.is_file() else project.root, os.O_RDONLY)
    except OSError as error:
        return error.strerror
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # somebody holds it, so it can be held
        return None
    except OSError as error:
        return error.strerror
    finally:
        os.close(descriptor)
    return None


def count_free(project: Project) -> int:
    """Return how many bytes are free where runs are written."""
    return shutil.disk_usage(_find_ground(project.folder)).free


def _find_ground(folder: Path) -> Path:
    """Return a folder, or where it does not exist the nearest above it that does."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _is_writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
