"""A project in a git repository of its own, and what can be seen of a run in it from outside.

Its user has a home folder beside it, a name, and a first commit; `sh` does what a person would type there.
"""

import os
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from harness import Line, Project, Result

from aad.messages import text

ALL = ("orchestrate", "--all")
RESUME = ("orchestrate", "--resume")
# What a run adds to a project and to its repository; everything else is the user's.
OWN = (
    ".aad/.gitignore", ".aad/runs", ".aad/escalations", ".aad/state", ".aad/worktrees",
    ".git/aad.lock", ".git/objects", ".git/worktrees", ".git/refs/aad", ".git/refs/heads/aad",
    ".git/logs/refs/heads/aad", ".git/logs/refs/aad",
)  # fmt: skip
# What the user had before the first run.
FIRST = {"kept.txt": "one\ntwo\nthree\n", "src/deep/main.txt": "main\n"}


class GitProject(Project):
    """A project under construction in a repository; `top` is that repository's checkout."""

    def __init__(self, root: Path, *, top: Path | None = None, fresh: bool = True) -> None:
        super().__init__(root)
        self.top = top or root
        self.home = self.top.parent / f"{root.name}.home"
        self.home.mkdir(exist_ok=True)
        self.set(HOME=str(self.home), GIT_CONFIG_NOSYSTEM="1")
        if fresh:
            self.git("init", "--quiet", "--initial-branch=main", cwd=self.top)
            self.setting("user.name", "Ada").setting("user.email", "ada@localhost")

    # What the user does.

    def setting(self, key: str, value: str) -> Self:
        """Set a setting of the repository."""
        self.git("config", key, value)
        return self

    def commit(self, message: str = "base") -> Self:
        """Commit all that is there."""
        self.git("add", "--all", cwd=self.top)
        self.git("commit", "--quiet", "--no-verify", "--allow-empty", f"--message={message}")
        return self

    def git(self, *arguments: str, cwd: Path | None = None, **env: str) -> str:
        """Return what git writes on stdout, without its last line's end; fails if git does."""
        argv = ["git", "-c", "protocol.file.allow=always", *arguments]
        done = subprocess.run(
            argv, cwd=cwd or self.root, env={**self.env, **env}, capture_output=True, check=False
        )
        said = done.stderr.decode(errors="backslashreplace")
        assert done.returncode == 0, f"git {' '.join(arguments)}: {said}"
        return done.stdout.decode(errors="surrogateescape").rstrip("\n")

    def sh(self, line: str) -> Self:
        """Run a shell line in the project."""
        subprocess.run(["sh", "-euc", line], cwd=self.root, env=self.env, capture_output=True, check=True)
        return self

    def run_all(self, *arguments: str) -> Result:
        """Run all specs, one at a time unless told otherwise."""
        return self.aad(*ALL, "--jobs", "1", *arguments)

    # What the repository holds.

    @property
    def run_branch(self) -> str:
        return f"aad/run/{self.run.name}"

    def branches(self) -> list[str]:
        return self.git("branch", "--all", "--format=%(refname:short)").splitlines()

    def kept_refs(self) -> list[str]:
        """Return the refs of attempts that came to nothing, without the run's id."""
        told = self.git("for-each-ref", "--format=%(refname)", "refs/aad")
        return [ref.removeprefix(f"refs/aad/{self.run.name}/") for ref in told.splitlines()]

    def changes(self, new: str | None = None, old: str = "main") -> list[str]:
        """Return what differs between two commits: `A made.txt`. Without any, what the run's result adds."""
        told = self.git("diff", "--no-renames", "--name-status", "-z", old, new or self.run_branch)
        words = told.split("\0")
        return [f"{kind} {name}" for kind, name in zip(words[::2], words[1::2], strict=False)]

    def show(self, name: str, revision: str | None = None) -> str:
        """Return a file as a commit has it; without any, as the run's result has it."""
        return self.git("show", f"{revision or self.run_branch}:{name}")

    def subjects(self, revisions: str) -> list[str]:
        """Return the subjects of commits, newest first."""
        return self.git("log", "--topo-order", "--format=%s", revisions).splitlines()

    def worktrees(self) -> list[str]:
        """Return the names of the worktrees that there are beside the user's."""
        told = self.git("worktree", "list", "--porcelain").splitlines()
        paths = [Path(line.removeprefix("worktree ")) for line in told if line.startswith("worktree ")]
        return [path.name for path in paths if path.resolve() != self.top.resolve()]

    def left_out(self, spec: str = "A") -> list[tuple[str, str]]:
        """Return what was not committed of a spec's work, and why."""
        told = self.journal("integrated", "rolled_back")
        return [
            (left["path"], left["why"])
            for line in told
            if line["spec"] == spec
            for left in line.get("left_out", ())
        ]

    # What nobody may touch.

    def belongings(self, *except_: str) -> dict[str, tuple[int, bytes]]:
        """Return all that is the user's, with modes and contents: files, index, HEAD, refs, stash, logs."""
        found: dict[str, tuple[int, bytes]] = {}
        self._look(self.top, "", (*self._own(), *except_), found)
        return found

    def touched(self, before: Mapping[str, tuple[int, bytes]], *except_: str) -> list[str]:
        """Return what of the user's was made, changed or removed since."""
        now = self.belongings(*except_)
        return sorted(path for path in {*before, *now} if before.get(path) != now.get(path))

    def status(self) -> str:
        """Return what git says of the user's checkout, without touching its index."""
        return self.git("--no-optional-locks", "status", "--porcelain=2", "--branch", "--show-stash")

    def is_sound(self) -> bool:
        """Tell whether git finds the whole repository in order."""
        self.git("fsck", "--no-dangling", "--no-progress", "--strict")
        return True

    def _own(self) -> Sequence[str]:
        below = self.root.relative_to(self.top).as_posix()
        if below == ".":
            return OWN
        # What the harness is told stands beside the project's folder.
        own = [f"{below}/{name}" if name.startswith(".aad") else name for name in OWN]
        return [*own, f"{below}.said"]

    def _look(self, folder: Path, name: str, own: Sequence[str], found: dict[str, tuple[int, bytes]]) -> None:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                path = f"{name}/{entry.name}".lstrip("/")
                if path in own:
                    continue
                mode = entry.stat(follow_symlinks=False).st_mode
                found[path] = (mode, _read(Path(entry.path), mode))
                if stat.S_ISDIR(mode):
                    self._look(Path(entry.path), path, own, found)


def _read(path: Path, mode: int) -> bytes:
    if stat.S_ISLNK(mode):
        return bytes(path.readlink())
    return path.read_bytes() if stat.S_ISREG(mode) else b""


def begin(folder: Path, name: str = "project") -> GitProject:
    """Return a project in a new repository with a few files, not committed yet."""
    project = GitProject(folder / name)
    for path, content in FIRST.items():
        project.file(path, content)
    return project


def works(project: GitProject, *arguments: str, **options: Any) -> None:  # noqa: ANN401 - `start`'s own types
    """Demand that a spec's run completes, gives `made.txt`, and leaves all that is the user's as it was."""
    before = project.belongings()

    project.aad(*ALL, *arguments, **options).exits(0)

    assert project.show(place(project, "made.txt")) == "made"
    touched = project.touched(before)
    assert not touched, touched
    assert project.is_sound()


def place(project: GitProject, name: str) -> str:
    """Return where a file of the project lies in the repository."""
    return (project.root / name).relative_to(project.top).as_posix()


def refuses(project: GitProject, *arguments: str, key: str, **fields: object) -> None:
    """Demand that a run is refused in one line, and that nothing is written."""
    before = project.tree()

    result = project.aad(*ALL, *arguments)

    result.exits(2).prints("")
    assert result.err.decode() == f"{project.root}: {text('en', key, fields)}\n"
    assert project.tree() == before


def attempts(project: Project) -> list[tuple[str, int]]:
    """Return the attempts that were begun."""
    return [(line["spec"], line["attempt"]) for line in project.journal("session_started")]


def failure(project: Project, spec: str) -> Line:
    """Return why a spec failed."""
    found: Line = project.final(spec)["failure"]
    return found
