"""A git repository as a run changes it: calls of git, one writer at a time. Knows no sessions.

Only plumbing is used, which touches no branch that is checked out, no index and no work tree of people's.
What reads can be cancelled. What writes what all work trees share (refs, the list of worktrees) is let
finish, within a limit: a git that is killed there leaves the repository unusable.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define, field, frozen

from aad import gitlock
from aad.checkout import Checkout, identify
from aad.gitcalls import GitError, decode, make_argv, make_environment, name_call, say_why, split_names

# Seconds that one call may take.
LIMIT = 300.0
NOBODY: Mapping[str, str] = {}


@frozen(kw_only=True)
class Answer:
    """What a call came to."""

    code: int
    output: bytes
    why: str

    @property
    def text(self) -> str:
        return decode(self.output).strip()


@frozen(kw_only=True)
class Merge:
    """What two commits make together: a tree, and the files in which they contradict each other."""

    tree: str
    conflicts: tuple[str, ...]


@frozen(kw_only=True)
class Ref:
    """The commit that a ref names, its tree and first parent; the work tree in which it is checked out."""

    commit: str
    tree: str = ""
    parent: str = ""
    checked_out: str = ""


@define(eq=False)
class Repository:
    """Calls git for one repository."""

    checkout: Checkout
    environ: Mapping[str, str] = field(repr=False)
    _turn: trio.Lock = field(factory=trio.Lock, init=False)

    @property
    def common(self) -> Path:
        return self.checkout.common

    # Calls.

    async def ask(
        self,
        *args: str,
        env: Mapping[str, str] = NOBODY,
        stdin: bytes = b"",
        lock: int | None = None,
    ) -> Answer:
        """Make a call, whatever its exit code; raises GitError after LIMIT seconds, OSError.

        In a worktree it holds that one's lock: if we are killed, whoever comes next waits for its end.
        """
        if lock is None and "GIT_WORK_TREE" in env:
            async with hold_worktree(Path(env["GIT_DIR"])) as held:
                return await self._ask(*args, env=env, stdin=stdin, lock=held)
        return await self._ask(*args, env=env, stdin=stdin, lock=lock)

    async def _ask(self, *args: str, env: Mapping[str, str], stdin: bytes, lock: int | None) -> Answer:
        with trio.move_on_after(LIMIT):
            done = await trio.run_process(
                make_argv(*args),
                env={**self.environ, "GIT_DIR": os.fspath(self.common), **env},
                # Anywhere but in a work tree: GIT_DIR says which repository.
                cwd=env.get("GIT_WORK_TREE", self.common),
                stdin=stdin,
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                # No signal of the terminal reaches it, and the lock stays taken for as long as it lives.
                start_new_session=True,
                pass_fds=() if lock is None else (lock,),
            )
            return Answer(code=done.returncode, output=done.stdout, why=say_why(done.stderr, done.returncode))
        raise GitError(name_call(args), f"no end within {LIMIT:g} s")

    async def demand(
        self,
        *args: str,
        env: Mapping[str, str] = NOBODY,
        stdin: bytes = b"",
        lock: int | None = None,
    ) -> Answer:
        """Make a call that must succeed; raises GitError, OSError."""
        answer = await self.ask(*args, env=env, stdin=stdin, lock=lock)
        if answer.code:
            raise GitError(name_call(args), answer.why)
        return answer

    async def call(self, *args: str, env: Mapping[str, str] = NOBODY, stdin: bytes = b"") -> str:
        """Return what a call says, which may be cut short by a cancellation; raises GitError, OSError."""
        return (await self.demand(*args, env=env, stdin=stdin)).text

    async def write(self, *args: str, env: Mapping[str, str] = NOBODY, stdin: bytes = b"") -> None:
        """Make a call that changes what work trees share; not cut short. Raises GitError, OSError."""
        async with self.hold() as lock:
            with trio.CancelScope(shield=True):  # `ask` has its limit
                await self.demand(*args, env=env, stdin=stdin, lock=lock)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[int]:
        """Hold the repository's lock; raises GitError, OSError."""
        async with self._turn, _hold(self.common) as descriptor:
            yield descriptor

    # Commits.

    async def merge(self, ours: str, theirs: str) -> Merge:
        """Return what two commits make together. Writes objects only (git-merge-tree(1))."""
        asked = ("--write-tree", "-z", "--name-only", "--no-messages", "--allow-unrelated-histories")
        answer = await self.ask("merge-tree", *asked, ours, theirs)
        # What is no commit is told by 1 as a conflict is, but with no tree.
        if answer.code not in (0, 1) or not answer.output:
            raise GitError("merge-tree", answer.why)
        tree, *conflicts = split_names(answer.output)
        return Merge(tree=tree, conflicts=tuple(dict.fromkeys(conflicts)))

    async def commit(self, tree: str, parents: Sequence[str], message: str) -> str:
        """Return a new commit that no ref names yet."""
        named = [word for parent in parents for word in ("-p", parent)]
        # A title is what people wrote, in whatever encoding; git wants UTF-8.
        words = message.encode(errors="replace")
        signed = identify(self.checkout.name, self.checkout.email)
        return await self.call("commit-tree", tree, *named, "-F", "-", env=signed, stdin=words)

    async def find_tree(self, commit: str) -> str:
        """Return the tree of a commit."""
        return await self.call("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")

    async def contains(self, descendant: str, commit: str) -> bool:
        """Tell whether a commit is among the ancestors of another, or that one itself."""
        if descendant == commit:
            return True
        answer = await self.ask("merge-base", "--is-ancestor", commit, descendant)
        if answer.code > 1:
            raise GitError("merge-base", answer.why)
        return answer.code == 0

    async def drop_ancestors(self, commits: Sequence[str]) -> list[str]:
        """Return the commits, in their order, that none of the others contains."""
        unique = list(dict.fromkeys(commits))
        if len(unique) < 2:
            return unique
        left = set((await self.call("merge-base", "--independent", *unique)).split())
        return [commit for commit in unique if commit in left]

    # Refs.

    async def find_refs(self, *patterns: str) -> dict[str, Ref]:
        """Return what the refs of some names name, or of patterns of names; raises GitError, OSError."""
        form = "%(refname)%00%(objectname)%00%(tree)%00%(parent)%00%(worktreepath)"
        # Under the lock: git reads all work trees for this, and fails of one that is just being made.
        async with self.hold():
            told = await self.call("for-each-ref", f"--format={form}", *patterns)
        rows = (line.split("\0") for line in told.split("\n") if line)
        return {
            name: Ref(commit=commit, tree=tree, parent=parents.partition(" ")[0], checked_out=path)
            for name, commit, tree, parents, path in rows
        }

    async def is_named_elsewhere(self, ref: str, commit: str) -> bool:
        """Tell whether a commit would still be found if a ref that names it were moved."""
        told = await self.call("for-each-ref", "--count=2", "--format=%(refname)", "--contains", commit)
        return any(name != ref for name in told.splitlines())

    async def move_ref(self, ref: str, *, new: str, old: str | None) -> None:
        """Let a ref name another commit, if it still names the old one (None: is not there at all)."""
        await self.write("update-ref", "--no-deref", ref, new, old or "0" * len(new))


@asynccontextmanager
async def hold_worktree(git_dir: Path) -> AsyncIterator[int | None]:
    """Hold the lock of a worktree, which git calls in it inherit; there is none where that is gone."""
    if _is_gone(git_dir):
        yield None
        return
    async with _hold(git_dir) as descriptor:
        yield descriptor


def _is_gone(folder: Path) -> bool:
    return not folder.is_dir()


@asynccontextmanager
async def _hold(folder: Path) -> AsyncIterator[int]:
    descriptor = gitlock.open_lock(folder)
    try:
        with trio.move_on_after(gitlock.LIMIT) as waiting:
            while not gitlock.try_to_lock(descriptor):  # noqa: ASYNC110 - no kernel tells
                await trio.sleep(gitlock.PAUSE)
        if waiting.cancelled_caught:
            raise gitlock.explain_held(folder)
        yield descriptor
    finally:
        os.close(descriptor)


def open_repository(checkout: Checkout, environ: Mapping[str, str]) -> Repository:
    """Return the repository of a checkout; git gets of the environment what does not lead it elsewhere."""
    return Repository(checkout, make_environment(environ))
