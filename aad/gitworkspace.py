"""A git worktree as a session's workspace: from the commit that it starts from to the run's branch."""

import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio
from attrs import define, evolve, field, frozen

from aad.belongings import INSCRUTABLE, UNTOLD
from aad.checkout import EMAIL, NAME, identify
from aad.config import WorkspaceSettings
from aad.events import Failure, LeftOut
from aad.gitcalls import GitError
from aad.integration import HEADS, Author, ConflictError, Integration, Landing
from aad.janitor import Janitor
from aad.project import Project, make_folder
from aad.spec import Spec
from aad.workspace import NOTHING, Landed, Saved, copy_spec, find_source, find_spec_place, place, stay_inside
from aad.worktrees import Snapshot, Worktree, Worktrees

# The clock by which a file system stamps its files lags by up to a tick of the kernel.
TICK_NS = 10_000_000

# Seconds until work is tried to be saved again.
PAUSES = (0.1, 0.4)


@define(eq=False, kw_only=True)
class GitWorkspace:
    """A worktree, and the way of what is made in it. `without` are paths in it that are never committed."""

    path: Path
    spec_file: str
    setup: str
    env: Mapping[str, str]
    worktree: Worktree
    worktrees: Worktrees
    integration: Integration
    author: Author
    without: tuple[str, ...]
    keep: str
    janitor: Janitor
    fresh: bool
    # Nanoseconds since the epoch: what is older is no work of the child's.
    _began: int = field(default=0, init=False)
    _made: Snapshot | None = field(default=None, init=False)
    # What was committed, the tree of that, and the branch that names it.
    _commit: str = field(default="", init=False)
    _tree: str = field(default="", init=False)
    _branch: str = field(default="", init=False)
    # The commit whose files are there, where they are not what was made.
    _shown: str = field(default="", init=False)
    # Whether all that was made is kept elsewhere, too.
    _is_safe: bool = field(default=False, init=False)
    _landing: Landing | None = field(default=None, init=False)

    @property
    def base(self) -> str:
        return self.worktree.start

    @property
    def turn(self) -> trio.Lock:
        return self.integration.turn

    def begin(self) -> None:
        """Take what is there by now for no work of the child's."""
        if self.fresh:  # else an earlier attempt worked here
            self._began = time.time_ns() - TICK_NS

    async def capture(self) -> None:
        """Take down what was made, without the litter of sandboxes; raises GitError, OSError."""
        made = await self.worktrees.capture(self.worktree, without=self.without)
        self.worktrees.tidy(self.worktree, made.left_out)
        links = await self.worktrees.find_own_links(self.worktree, made)
        self._made = evolve(made, left_out=tuple(sorted({*made.left_out, *links})))

    async def commit(self) -> bool:
        """Commit what was taken down on the session's branch; raises ConflictError, GitError, OSError."""
        made = self._get_made()
        if made.unmerged:  # a merge of its own that it did not finish: the files hold both sides
            raise ConflictError(made.unmerged, [self.author.spec])
        commit = made.head
        if made.changed:
            message = self.author.sign(self.author.subject)
            commit = await self.integration.repository.commit(made.tree, [made.head], message)
        self._commit = commit
        if made.head != self.worktree.start:
            self._commit = await self.integration.rest_on(self.worktree.start, commit, self.author)
        self._tree = made.tree
        self._branch = await self.integration.name(self.author.spec, self._commit)
        return True

    async def merge(self) -> bool:
        """Merge it into the run's branch. The worktree holds what came out then, if that is another."""
        self._landing = landing = await self.integration.prepare(self._commit, self.author)
        if landing.tree == self._get_made().tree:
            return True
        await self.worktrees.show(self.worktree, landing.result)
        self._shown = landing.result
        return False

    async def land(self) -> Landed | None:
        """Move the run's branch on; not cut short."""
        landing = self._landing
        if landing is None:
            raise AssertionError
        with trio.CancelScope(shield=True):  # each call has its limit
            target = await self.integration.land(landing)
        if target is None:
            return None
        return Landed(
            branch=self._branch,
            commit=self._commit,
            target=target,
            result=landing.result,
            left_out=self._left_out,
        )

    async def save(self) -> Saved | None:
        """Keep what an attempt made, committed or not, under a ref of its own; raises GitError, OSError."""
        if not self.worktree.path.is_dir():
            return None
        for pause in PAUSES:
            # Whoever collects garbage at this moment takes what no ref names yet: once more, then.
            with suppress(GitError):
                return await self._save()
            await trio.sleep(pause)
        return await self._save()

    async def _save(self) -> Saved | None:
        await self.capture()
        made, start = self._get_made(), self.worktree.start
        if not made.changed and made.head == start:
            self._is_safe = True
            return None
        head, tree = made.head, made.tree if made.changed else None
        if self._tree == made.tree:  # it was committed, and could not be integrated
            head, tree = self._commit, None
        ref, commit = await self.integration.save(tree, head, self.author)
        self._is_safe = True
        return Saved(ref=ref, commit=commit, base=start, left_out=self._left_out)

    def set_aside(self, folder: Path) -> None:
        """Move what is in no commit to a folder that stays; raises OSError, and GitError before `save`."""
        if not self._is_safe and self.worktree.path.exists():
            raise GitError("worktree", f"{self.worktree.path} holds work that could not be saved")
        set_aside(self.worktree.path, self._left_out, folder)

    def leave(self, *, completed: bool) -> None:
        """Have the worktree removed, unless somebody may want to look into it."""
        wanted = self.keep == "always" or (self.keep == "on-failure" and not completed)
        if not wanted and (completed or self._is_safe) and not self._left_out:
            self.janitor.send(partial(self.worktrees.remove, self.worktree.path))
        elif completed:
            # For who looks into it: what is committed is no change.
            self.janitor.send(partial(self.worktrees.settle, self.worktree, self._shown or self._commit))

    def _get_made(self) -> Snapshot:
        if self._made is None:  # nobody commits or lands before `capture`
            raise AssertionError
        return self._made

    @property
    def _left_out(self) -> tuple[LeftOut, ...]:
        """What the child made that is in no commit, as far as anybody would miss it."""
        found = () if self._made is None else self._made.left_out
        return tuple(left for left in found if left.why not in UNTOLD and self._is_new(left))

    def _is_new(self, left: LeftOut) -> bool:
        if left.why in INSCRUTABLE:
            return True
        try:
            return (self.worktree.path / left.path).lstat().st_ctime_ns >= self._began
        except OSError:  # deleted, and there is still the one in HEAD
            return False


@frozen(kw_only=True)
class GitWorkspaces:
    """Makes the worktrees of one run's sessions."""

    project: Project
    run: str
    settings: WorkspaceSettings
    worktrees: Worktrees
    integration: Integration
    janitor: Janitor
    redact: Callable[[str], str]

    async def make(
        self, spec: Spec, *, attempt: int, conflict: Failure | None, found: Worktree | None
    ) -> GitWorkspace:
        """Return the workspace of an attempt; raises ConflictError, GitError, OSError.

        It is made from what the spec needs; after a `conflict` from the newest result of the run, so that the
        work can be done anew on top of what it contradicted. `found` is what an attempt that is resumed left.
        """
        path = self.place(spec.id)
        worktree = found
        if worktree is None:
            start = await self._find_start(spec, conflict)
            self._shield_folder(path)
            worktree = await self.worktrees.make(path, start)
        return await self._wrap(spec, attempt, worktree, fresh=found is None, conflict=conflict)

    async def find(self, spec: Spec, start: str) -> Worktree | None:
        """Return the worktree that an earlier attempt left; raises OSError, GitError."""
        return await self.worktrees.find(self.place(spec.id), start)

    async def recover(self, spec: Spec, attempt: int, start: str, left_out: Path) -> Landed | Saved | None:
        """Return what became of a session's work, which is saved unless it is in the run's result."""
        if result := await self.integration.find_landed(spec.id):
            line = await self.integration.find_line()
            target = line.ref.removeprefix(HEADS)
            return Landed(branch=target, commit=result, target=target, result=line.tip)
        worktree = await self.find(spec, start)
        if worktree is None:
            return None
        left = await self._wrap(spec, attempt, worktree, fresh=False, conflict=None)
        saved = await left.save()
        left.set_aside(left_out)
        return saved

    def place(self, spec_id: str) -> Path:
        """Return where the worktree of a spec lies, in this run."""
        return place(self.project, self.settings, self.run) / spec_id

    async def _find_start(self, spec: Spec, conflict: Failure | None) -> str:
        if conflict is None:
            return await self.integration.find_start(spec.id)
        return await self.integration.find_tip()

    async def _wrap(
        self, spec: Spec, attempt: int, worktree: Worktree, *, fresh: bool, conflict: Failure | None
    ) -> GitWorkspace:
        folder = worktree.path / self.worktrees.prefix if self.worktrees.prefix else worktree.path
        folder.mkdir(parents=True, exist_ok=True)
        spec_file, without = await self._bring_spec(spec, worktree, folder, fresh=fresh)
        return GitWorkspace(
            path=folder,
            spec_file=spec_file,
            setup=self.settings.setup if fresh else "",
            env={**stay_inside(worktree.path), **self._lend_name(), **_tell_conflict(conflict)},
            worktree=worktree,
            worktrees=self.worktrees,
            integration=self.integration,
            author=Author(run=self.run, spec=spec.id, attempt=attempt, title=self.redact(spec.title)),
            without=without,
            keep=self.settings.keep,
            janitor=self.janitor,
            fresh=fresh,
        )

    def _lend_name(self) -> Mapping[str, str]:
        """Return by whom a child's own commits are where git knows nobody: else it could make none."""
        checkout = self.integration.repository.checkout
        return identify(NAME, EMAIL) if checkout.email == EMAIL else NOTHING

    def _shield_folder(self, path: Path) -> None:
        """Keep a place of the user's choice out of the checkout's status; ours has its own `.gitignore`."""
        if self.settings.root:
            make_folder(path.parent)
            with suppress(FileExistsError), (path.parent.parent / ".gitignore").open("x") as file:
                file.write("*\n")

    async def _bring_spec(
        self, spec: Spec, worktree: Worktree, folder: Path, *, fresh: bool
    ) -> tuple[str, tuple[str, ...]]:
        """See to it that the spec file is as it was planned; what is not committed so, is never committed.

        Else the user could not merge: git overwrites no file that it does not know.
        """
        source = find_source(self.project, spec)
        if source is None:
            return "", ()
        target = folder / find_spec_place(source, self.project)
        below = target.relative_to(worktree.path).as_posix()
        if fresh and _are_equal(target, source):
            return str(target), ()
        if fresh or not target.exists():
            copy_spec(source, folder, self.project)
        if not fresh and await self._is_committed(source, worktree, below):
            return str(target), ()
        return str(target), (below,)

    async def _is_committed(self, source: Path, worktree: Worktree, below: str) -> bool:
        known = await self.integration.repository.ask("show", f"{worktree.start}:{below}")
        return known.code == 0 and _holds(source, known.output)


def _are_equal(one: Path, other: Path) -> bool:
    try:
        return _holds(other, one.read_bytes())
    except FileNotFoundError:
        return False


def _holds(file: Path, content: bytes) -> bool:
    return file.read_bytes() == content


def set_aside(path: Path, left_out: Iterable[LeftOut], folder: Path) -> None:
    """Move from a worktree that is to go what no commit holds; raises OSError."""
    for left in left_out:
        source, target = path / left.path, folder / left.path
        make_folder(target.parent)
        with suppress(FileNotFoundError):
            shutil.move(source, target)


def _tell_conflict(conflict: Failure | None) -> Mapping[str, str]:
    return NOTHING if conflict is None else {"AAD_CONFLICT": "\n".join(conflict.files)}
