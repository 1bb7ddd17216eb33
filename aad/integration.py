"""How finished work comes together: where a session starts, what its branch is called, the run's own branch.

Every session is one commit in the first-parent line of the run's branch: its own where that follows on the
newest, else a merge. Its trailers name the session, so a run that was killed in between knows what is in.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import PurePosixPath

import trio
from attrs import define, field, frozen

from aad.checkout import RUN_BRANCH
from aad.gitcalls import GitError
from aad.repository import Merge, Repository

HEADS = "refs/heads/"
# No session's branch may be called like a folder of runs' branches.
_OVER_RUNS = frozenset(str(parent) for parent in PurePosixPath(RUN_BRANCH).parents)
# How many names are tried for a branch: `aad/A`, `aad/A-2`, …
NAMES = 99


class ConflictError(Exception):
    """Commits contradict each other in `files`; `specs` are those whose work it is."""

    def __init__(self, files: Sequence[str], specs: Sequence[str]) -> None:
        super().__init__(", ".join(files))
        self.files = tuple(files)
        self.specs = tuple(specs)


@frozen(kw_only=True)
class Author:
    """Who a commit speaks of: a spec with its title, and the attempt that made it."""

    run: str
    spec: str
    attempt: int
    title: str = ""

    @property
    def subject(self) -> str:
        title = " ".join(self.title.replace("\0", " ").split())
        return f"{self.spec}: {title}" if title else self.spec

    @property
    def session(self) -> str:
        return f"{self.run}/{self.spec}/{self.attempt}"

    def sign(self, subject: str) -> str:
        """Return a commit's message."""
        return f"{subject}\n\nAAD-Spec: {self.spec}\nAAD-Session: {self.session}\nAAD-Run: {self.run}\n"


@frozen(kw_only=True)
class Line:
    """The run's branch: its ref, the commit that it names (None: it is not there yet), and its newest."""

    ref: str
    old: str | None
    tip: str


@frozen(kw_only=True)
class Landing:
    """A commit on its way to the run's branch: what that will name then, and the tree of it."""

    line: Line
    result: str
    tree: str


@define(eq=False, kw_only=True)
class Integration:
    """Brings the commits of one run together.

    `base` is where the run starts, `branch` the template of its sessions' branches. `find_result` returns the
    commit of a spec that is complete (None: it made none), `find_needed` what a spec depends on directly,
    `find_newest` what the run's branch named last (empty: there is none yet).
    Whoever lands holds the `turn` meanwhile.
    """

    repository: Repository
    run: str
    base: str
    branch: str
    find_result: Callable[[str], str | None]
    find_needed: Callable[[str], Sequence[str]]
    find_newest: Callable[[], str]
    turn: trio.Lock = field(factory=trio.Lock, init=False)
    _landed: dict[str, str] | None = field(default=None, init=False)

    # Where a session starts.

    async def find_start(self, spec: str) -> str:
        """Return the commit that a session starts from; raises ConflictError, GitError, OSError.

        That is what it depends on, merged in the order of ids. Where the run's branch holds just the same, it
        starts there: so what builds on everything follows everything in the history.
        """
        makers = {commit: needed for needed, commit in self._collect_results(spec)}
        start, *others = await self.repository.drop_ancestors([self.base, *makers])
        if not others:
            return start
        for number, other in enumerate(others, 1):
            blame = [makers[commit] for commit in (start, *others[:number]) if commit in makers]
            merge = await self._merge(start, other, blame=blame)
            start, tree = await self._record_need(spec, merge, start, other), merge.tree
        tip = await self.find_tip()
        return tip if await self.repository.find_tree(tip) == tree else start

    async def find_tip(self) -> str:
        """Return the newest commit of the run's branch; its base as long as nothing is in."""
        return (await self.find_line()).tip

    def _collect_results(self, spec: str) -> Iterator[tuple[str, str]]:
        """Yield what a spec needs and its commit, in the order of ids; of what made none, what that needs."""
        for needed in sorted(self.find_needed(spec)):
            result = self.find_result(needed)
            yield from self._collect_results(needed) if result is None else [(needed, result)]

    async def _record_need(self, spec: str, merge: Merge, ours: str, theirs: str) -> str:
        message = f"Merge what {spec} needs\n\nAAD-Run: {self.run}\n"
        return await self.repository.commit(merge.tree, (ours, theirs), message)

    # What a session has made.

    async def rest_on(self, start: str, commit: str, author: Author) -> str:
        """Return a commit that has a session's start behind it, also where the session rewrote history."""
        if await self.repository.contains(commit, start):
            return commit
        merge = await self._merge(start, commit, blame=[author.spec])
        return await self.repository.commit(merge.tree, (start, commit), author.sign(author.subject))

    async def name(self, spec: str, commit: str) -> str:
        """Let a session's branch name a commit and return the branch; raises GitError, OSError.

        A branch that somebody has checked out, or whose commits would be lost, is let be for another name.
        """
        trouble: GitError | None = None
        for branch in islice(_list_names(self.branch.format_map({"spec": spec})), NAMES):
            if branch in _OVER_RUNS:
                continue
            try:
                if await self._move(HEADS + branch, commit):
                    return branch
            except GitError as error:  # there is a branch `aad/A/…`, or somebody moved it just now
                trouble = error
        raise trouble or GitError("update-ref", f"the branches for {spec} are all in use")

    async def prepare(self, commit: str, author: Author) -> Landing:
        """Return how a commit comes to the run's branch; raises ConflictError, GitError, OSError."""
        line = await self.find_line()
        tree, follows = await self._read(commit, line.tip, author)
        if follows:
            return Landing(line=line, result=commit, tree=tree)
        if await self.repository.contains(line.tip, commit):  # nothing was made
            return Landing(line=line, result=line.tip, tree=tree)
        merge = await self._merge(line.tip, commit, blame=[author.spec])
        message = author.sign(f"Merge {author.subject}")
        result = await self.repository.commit(merge.tree, (line.tip, commit), message)
        return Landing(line=line, result=result, tree=merge.tree)

    async def land(self, landing: Landing) -> str | None:
        """Move the run's branch on and return its name, None where somebody else has moved it just now."""
        line, trouble = landing.line, None
        try:
            await self.repository.move_ref(line.ref, new=landing.result, old=line.old)
        except GitError as error:
            trouble = error
        if trouble is None:
            return line.ref.removeprefix(HEADS)
        if await self.find_line() == line:
            raise trouble
        return None

    async def save(self, tree: str | None, head: str, author: Author) -> tuple[str, str]:
        """Let a ref name the work of an attempt that came to nothing; return the ref and the commit.

        The work is a commit, and the `tree` that was made of it later (None: nothing was). What is saved
        already, by a run that was killed then, is not saved again.
        """
        stem = f"refs/aad/{author.run}/{author.spec}/{author.attempt}"
        names = [*islice(_list_names(stem), NAMES)]
        found = await self.repository.find_refs(stem, f"{stem}-*")
        for ref, known in found.items():
            if known.commit == head if tree is None else (known.tree, known.parent) == (tree, head):
                return ref, known.commit
        free = next((name for name in names if name not in found), None)
        if free is None:
            raise GitError("update-ref", f"{stem} and all like it are in use")
        commit = head if tree is None else await self._record_attempt(tree, head, author)
        await self.repository.move_ref(free, new=commit, old=None)
        return free, commit

    async def _record_attempt(self, tree: str, head: str, author: Author) -> str:
        message = author.sign(f"{author.spec}: attempt {author.attempt}, not completed")
        return await self.repository.commit(tree, [head], message)

    # What a killed run has left.

    async def find_landed(self, spec: str) -> str | None:
        """Return the commit by which a session came to the run's branch, None where it did not."""
        if self._landed is None:
            self._landed = await self._list_landed()
        return self._landed.get(spec)

    async def _list_landed(self) -> dict[str, str]:
        asked = "%H%x00%P%x00%(trailers:key=AAD-Session,valueonly,unfold,separator=%x2C)"
        tip = await self.find_tip()
        told = await self.repository.call("log", "--first-parent", f"--format={asked}", f"{self.base}..{tip}")
        rows = (line.split("\0") for line in told.split("\n") if line.count("\0") == 2)
        # Of a merge it is the second parent: the first is what others have made.
        return {
            session.split("/")[1]: (parents.split(" ")[1:] or [commit])[0]
            for commit, parents, session in rows
            if session.startswith(f"{self.run}/")
        }

    # Below all that.

    async def _merge(self, ours: str, theirs: str, *, blame: Sequence[str]) -> Merge:
        merge = await self.repository.merge(ours, theirs)
        if merge.conflicts:
            others = await self._find_culprits(ours, theirs, merge.conflicts)
            raise ConflictError(merge.conflicts, sorted({*blame, *others}))
        return merge

    async def _find_culprits(self, ours: str, theirs: str, files: Sequence[str]) -> set[str]:
        """Return the specs that changed files in one of two commits and not in the other."""
        asked = "--format=%(trailers:key=AAD-Spec,valueonly,unfold,separator=%x20)"
        between = f"{ours}...{theirs}"
        told = await self.repository.call(
            "--literal-pathspecs", "log", "--first-parent", asked, between, "--", *files
        )
        return set(told.split())

    async def _read(self, commit: str, tip: str, author: Author) -> tuple[str, bool]:
        """Return the tree of a commit, and whether it is ours and the very next after another."""
        asked = "--format=%T%x00%P%x00%(trailers:key=AAD-Session,valueonly,unfold,separator=%x2C)"
        tree, parents, session = (await self.repository.call("show", "--no-patch", asked, commit)).split("\0")
        return tree, parents == tip and session.strip() == author.session

    async def _move(self, ref: str, commit: str) -> bool:
        found = (await self.repository.find_refs(ref)).get(ref)
        if found is None:
            await self.repository.move_ref(ref, new=commit, old=None)
            return True
        if found.commit == commit:
            return True
        if found.checked_out or not await self._may_leave(ref, found.commit, commit):
            return False
        await self.repository.move_ref(ref, new=commit, old=found.commit)
        return True

    async def _may_leave(self, ref: str, old: str, new: str) -> bool:
        repository = self.repository
        return await repository.contains(new, old) or await repository.is_named_elsewhere(ref, old)

    async def find_line(self) -> Line:
        """Return the run's branch. Where somebody has it checked out, another goes on from there."""
        stem = HEADS + RUN_BRANCH.format(run=self.run)
        names = [*islice(_list_names(stem), NAMES)]
        found = await self.repository.find_refs(stem, f"{stem}-*")
        # Of a branch that somebody has deleted, what it named goes on.
        tip = self.find_newest() or self.base
        for ref, after in zip(names, [*names[1:], ""], strict=True):
            if ref not in found:
                return Line(ref=ref, old=None, tip=tip)
            tip = found[ref].commit
            if not found[ref].checked_out and after not in found:
                return Line(ref=ref, old=tip, tip=tip)
        raise GitError("update-ref", f"{names[0]} and all like it are checked out")


def _list_names(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in count(2))
