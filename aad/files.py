"""Files written whole: a reader finds the old content or the new, never a part. And folders removed whole."""

import errno
import fcntl
import os
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, readable by its owner alone: a temporary file beside it first, then a rename."""
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        _write_durably(draft, data)
        draft.replace(path)
    except BaseException:
        # The draft may not have come to be, or be gone by its rename already.
        with suppress(FileNotFoundError):
            draft.unlink()
        raise
    sync_folder(path.parent)


def _write_durably(path: Path, data: bytes) -> None:
    # O_EXCL: nobody can have laid a link there that would lead the data elsewhere.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        # Before the rename: else a power loss leaves the new name on an empty file.
        sync_content(descriptor)


def sync_content(descriptor: int) -> None:
    """Make sure that what was written to a file outlives a power loss."""
    if sys.platform == "darwin":
        try:
            # There fsync stops at the disk's own cache.
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError as error:
            if error.errno != errno.ENOTSUP:
                raise
            os.fsync(descriptor)  # all that there is on this file system
    else:
        os.fdatasync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make sure that the name of a new file outlives a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all in it, also where read-only folders are in it; raises OSError."""
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink()
        return
    try:
        shutil.rmtree(folder)
    except PermissionError:
        # Caches of packages are made read-only, and then their files cannot be removed.
        for each, _, _ in os.walk(folder):
            with suppress(PermissionError):
                Path(each).chmod(0o700)
        shutil.rmtree(folder)


def digest_tree(
    folder: Path, *, without: Collection[str] = (), most_files: int = 5_000, most_bytes: int = 1 << 26
) -> str:
    """Return a digest of all files below a folder and their names, less those in folders called `without`.

    Empty where there is more than that to read, or something cannot be read.
    """
    digest, files, size = blake2b(digest_size=16), 0, 0
    try:
        for path in _walk(folder, without):
            files, size = files + 1, size + path.lstat().st_size
            if files > most_files or size > most_bytes:
                return ""
            content = bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
            digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode(errors="surrogateescape"))
            digest.update(content)
    except OSError:
        return ""
    return digest.hexdigest()


def _walk(folder: Path, without: Collection[str]) -> Iterator[Path]:
    """Yield the files and links below a folder in the order of their names, no sockets and the like."""
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in without)
        paths = (Path(where, name) for name in sorted(names))
        yield from (path for path in paths if path.is_symlink() or path.is_file())
