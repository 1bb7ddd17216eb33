"""A scratch git repository for tests, called in an environment in which nobody's settings count."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from aad.checkout import Checkout, inspect_checkout
from aad.config import WorkspaceSettings
from aad.repository import Repository, open_repository

# What aad and its git get: no settings of the machine, and no user. A test may set HOME to its own folder.
ENVIRON: Mapping[str, str] = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "LC_ALL": "C.UTF-8",
}
# What the test's own git gets: commits are the same each time.
USER: Mapping[str, str] = {
    **ENVIRON,
    "GIT_AUTHOR_NAME": "Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.com",
    "GIT_AUTHOR_DATE": "2026-11-22T12:00:00Z",
    "GIT_COMMITTER_NAME": "Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.com",
    "GIT_COMMITTER_DATE": "2026-11-22T12:00:00Z",
}


class GitRepo:
    """A repository with a work tree on the branch `main`, made afresh; it has no commit yet."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)

    def git(self, *args: str, at: Path | None = None, stdin: bytes = b"") -> str:
        """Return what a call of git by the user writes; `at` is the work tree, if not the first."""
        return run_git(at or self.root, *args, stdin=stdin)

    # Files and commits.

    def write(self, path: str, content: str = "", *, at: Path | None = None) -> Path:
        """Write a file of a work tree, with the folders above it."""
        file = (at or self.root) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return file

    def commit(
        self, files: Mapping[str, str] | None = None, message: str = "change", *, at: Path | None = None
    ) -> str:
        """Commit all there is, with some files written before; return the commit."""
        for path, content in (files or {}).items():
            self.write(path, content, at=at)
        self.git("add", "--all", at=at)
        self.git("commit", "--quiet", "--allow-empty", "--message", message, at=at)
        return self.find("HEAD", at=at)

    def commit_on(self, start: str, files: Mapping[str, str | None], message: str = "change") -> str:
        """Return a commit that follows another, made in no work tree and named by no ref; None deletes."""
        env = {"GIT_INDEX_FILE": os.fspath(self.git_dir / "test-index")}
        run_git(self.root, "read-tree", start, env=env)
        for path, content in files.items():
            self._stage(path, content, env)
        tree = run_git(self.root, "write-tree", env=env)
        (self.git_dir / "test-index").unlink()
        return self.git("commit-tree", tree, "-p", start, "-m", message)

    def branch(self, name: str, commit: str = "HEAD") -> str:
        """Make a branch and return its ref."""
        self.git("branch", "--force", name, commit)
        return f"refs/heads/{name}"

    # Looking.

    @property
    def git_dir(self) -> Path:
        return Path(self.git("rev-parse", "--absolute-git-dir"))

    def find(self, revision: str, *, at: Path | None = None) -> str:
        """Return the object that a revision names."""
        return self.git("rev-parse", "--verify", revision, at=at)

    def read(self, path: str, commit: str = "HEAD") -> str:
        """Return the content of a file in a commit or tree, without blanks around it."""
        return self.git("cat-file", "blob", f"{commit}:{path}")

    def files(self, commit: str = "HEAD") -> list[str]:
        """Return the paths in a commit or tree."""
        return self.git("ls-tree", "-r", "-z", "--name-only", commit).split("\0")[:-1]

    def message(self, commit: str = "HEAD") -> str:
        """Return what a commit says."""
        return self.git("show", "--no-patch", "--format=%B", commit)

    def parents(self, commit: str = "HEAD") -> list[str]:
        """Return the parents of a commit."""
        return self.git("show", "--no-patch", "--format=%P", commit).split()

    def status(self, *, at: Path | None = None) -> list[str]:
        """Return how a work tree differs from what is checked out; ignored files are not told."""
        told = self.git("--no-optional-locks", "status", "--porcelain", "-z", "-uall", at=at)
        return told.split("\0")[:-1]

    def refs(self) -> dict[str, str]:
        """Return all refs, and the commits that they name."""
        told = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return {name: commit for name, _, commit in (line.partition(" ") for line in told)}

    def worktrees(self) -> list[Path]:
        """Return where the other work trees of the repository lie, as git knows them."""
        told = self.git("worktree", "list", "--porcelain", "-z").split("\0")
        return [Path(word.removeprefix("worktree ")) for word in told if word.startswith("worktree ")][1:]

    def digest(self) -> str:
        """Return a digest of every name and byte below `.git`."""
        return digest_tree(self.git_dir)

    def look(self) -> dict[str, object]:
        """Return what belongs to the user: HEAD, index, refs but ours, stash, and all files but ours."""
        git_dir = self.git_dir
        ours = ("refs/heads/aad/", "refs/aad/")
        return {
            "HEAD": (git_dir / "HEAD").read_bytes(),
            "index": _read(git_dir / "index"),
            "refs": {name: commit for name, commit in self.refs().items() if not name.startswith(ours)},
            "stash": _read(git_dir / "logs" / "refs" / "stash"),
            "config": (git_dir / "config").read_bytes(),
            "files": digest_tree(self.root, without=(".git", ".aad")),
        }

    # What aad makes of it.

    def inspect(self, root: Path | None = None, environ: Mapping[str, str] = ENVIRON) -> Checkout:
        """Return the checkout of a project that lies at the top, or elsewhere in the repository."""
        return inspect_checkout(root or self.root, WorkspaceSettings(), environ)

    def open(self, root: Path | None = None, environ: Mapping[str, str] = ENVIRON) -> Repository:
        """Return the repository as a run calls it."""
        return open_repository(self.inspect(root, environ), environ)

    def _stage(self, path: str, content: str | None, env: Mapping[str, str]) -> None:
        if content is None:
            run_git(self.root, "update-index", "--force-remove", path, env=env)
            return
        blob = run_git(self.root, "hash-object", "-w", "--stdin", stdin=content.encode())
        run_git(self.root, "update-index", "--add", "--cacheinfo", "100644", blob, path, env=env)


def run_git(folder: Path, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
    """Return what a call of git writes, without blanks around it; it must succeed."""
    done = subprocess.run(
        ["git", *args], cwd=folder, env={**USER, **(env or {})}, input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, f"git {' '.join(args)}: {done.stderr.decode()}"
    return done.stdout.decode(errors="surrogateescape").strip()


def digest_tree(folder: Path, *, without: tuple[str, ...] = ()) -> str:
    """Return a digest of the names and bytes below a folder, except what some names at its top hold."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        if below.parts[0] not in without:
            content = path.read_bytes() if path.is_file() else b""
            digest.update(repr((str(below), path.lstat().st_mode, content)).encode())
    return digest.hexdigest()


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
