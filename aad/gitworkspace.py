"""A git worktree as a session's workspace: from the commit that it starts from to the run's branch."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio
from attrs import define, evolve, field, frozen

from aad.belongings import INSCRUTABLE, LIFTED, UNTOLD, Why
from aad.checkout import EMAIL, NAME, identify
from aad.config import WorkspaceSettings
from aad.events import Failure, Integrated, LeftOut, RolledBack
from aad.gitcalls import GitError
from aad.integration import HEADS, Author, ConflictError, Integration, Landing
from aad.janitor import Janitor
from aad.project import LEFT_OUT, Project, make_folder
from aad.snapshots import Snapshot, Snapshots
from aad.spec import Spec
from aad.workspace import NOTHING, copy_spec, find_source, find_spec_place, place, stay_inside
from aad.worktrees import Worktree, Worktrees

# By what a file is known to be as it was.
Stamp = tuple[int, int, int, int] | None
# Seconds until work is tried to be saved again.
PAUSES = (0.1, 0.4)


@define(eq=False, kw_only=True)
class GitWorkspace:
    """A worktree, and the way of what is made in it.

    `without` are paths in it that are never committed; what no commit may hold goes to the folder `aside`
    before the worktree is made anew.
    """

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
    aside: Path
    # What is in no commit was like this when the child began: the work of the setup.
    _before: dict[str, Stamp] = field(factory=dict, init=False)
    _made: Snapshot | None = field(default=None, init=False)
    # What the child made that is in no commit, as far as anybody would miss it.
    _missed: tuple[LeftOut, ...] = field(default=(), init=False)
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
    def snapshots(self) -> Snapshots:
        return Snapshots(self.worktrees)

    @property
    def turn(self) -> trio.Lock:
        return self.integration.turn

    async def begin(self) -> None:
        """Take what the setup made for no work of the child's; raises GitError, OSError."""
        if self.setup:
            made = await self.snapshots.capture(self.worktree, without=self.without)
            self._before = {left.path: self._stamp(left) for left in made.left_out}

    async def capture(self) -> None:
        """Take down what was made, without the litter of sandboxes; raises GitError, OSError."""
        made = await self.snapshots.capture(self.worktree, without=self.without)
        self.snapshots.tidy(self.worktree, made.left_out)
        links = await self.snapshots.find_own_links(self.worktree, made)
        self._made = evolve(made, left_out=tuple(sorted({*made.left_out, *links})))
        self._missed = tuple(left for left in self._made.left_out if self._is_missed(left))

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
        self._shown = landing.result
        lifted = self._lift()
        try:
            await self.worktrees.show(self.worktree, landing.result)
        finally:
            move_all(self.aside, lifted, self.worktree.path)
        return False

    def _lift(self) -> list[str]:
        """Take the files that are in no commit out of the way of git, which removes those that are staged."""
        paths = [left.path for left in self._get_made().left_out if left.why in LIFTED]
        return move_all(self.worktree.path, paths, self.aside)

    async def land(self) -> Integrated | None:
        """Move the run's branch on; not cut short."""
        landing = self._landing
        if landing is None:
            raise AssertionError
        with trio.CancelScope(shield=True):  # each call has its limit
            target = await self.integration.land(landing)
        if target is None:
            return None
        return Integrated(
            spec=self.author.spec,
            attempt=self.author.attempt,
            branch=self._branch,
            commit=self._commit,
            target=target,
            result=landing.result,
            left_out=self._missed,
        )

    async def identify(self) -> str:
        """Return the tree that was taken down."""
        return "" if self._made is None else self._made.tree

    async def save(self) -> RolledBack | None:
        """Keep what an attempt made, committed or not, under a ref of its own; raises GitError, OSError."""
        if not self.worktree.path.is_dir():
            return None
        for pause in PAUSES:
            # Whoever collects garbage at this moment takes what no ref names yet: once more, then.
            with suppress(GitError):
                return await self._save()
            await trio.sleep(pause)
        return await self._save()

    async def _save(self) -> RolledBack | None:
        await self.capture()
        made, start = self._get_made(), self.worktree.start
        if made.changed or made.head != start:
            ref, commit = await self._name_work(made)
        else:
            ref, commit = "", start
        self._is_safe = True
        if not ref and not self._missed:
            return None
        return RolledBack(
            spec=self.author.spec,
            attempt=self.author.attempt,
            ref=ref,
            commit=commit,
            base=start,
            left_out=self._missed,
        )

    async def _name_work(self, made: Snapshot) -> tuple[str, str]:
        # What was committed, and could not be integrated; not what others have made, that it was merged with.
        if self._shown or self._tree == made.tree:
            return await self.integration.save(None, self._commit, self.author)
        return await self.integration.save(made.tree if made.changed else None, made.head, self.author)

    def set_aside(self) -> None:
        """Move what is in no commit to a folder that stays; raises OSError, GitError where that cannot be."""
        if not self.worktree.path.exists():
            return
        if not self._is_safe:
            raise GitError("worktree", f"{self.worktree.path} holds work that could not be saved")
        if any(left.why is Why.SUBMODULE and self._is_bound(left) for left in self._missed):
            raise GitError(
                "worktree", f"{self.worktree.path} holds work in a submodule that nothing else has"
            )
        move_all(self.worktree.path, [left.path for left in self._missed], self.aside)

    def leave(self, *, completed: bool) -> None:
        """Have the worktree removed, unless somebody may want to look into it."""
        wanted = self.keep == "always" or (self.keep == "on-failure" and not completed)
        if not wanted and (completed or self._is_safe) and not self._missed:
            self.janitor.send(partial(self.worktrees.remove, self.worktree.path))
        elif completed:
            # For who looks into it: what is committed is no change.
            self.janitor.send(partial(self.worktrees.settle, self.worktree, self._shown or self._commit))

    def _get_made(self) -> Snapshot:
        if self._made is None:  # nobody commits or lands before `capture`
            raise AssertionError
        return self._made

    def _is_missed(self, left: LeftOut) -> bool:
        if left.why in UNTOLD:
            return False
        # What a folder's stamp says nothing about is taken for the child's.
        return left.why in INSCRUTABLE or self._before.get(left.path) != self._stamp(left)

    def _is_bound(self, left: LeftOut) -> bool:
        """Tell whether the commits of a submodule lie in this worktree's part of the repository."""
        return (self.worktree.path / left.path / ".git").is_file()

    def _stamp(self, left: LeftOut) -> Stamp:
        try:
            found = (self.worktree.path / left.path).lstat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


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

    async def recover(self, spec: Spec, attempt: int, start: str) -> Integrated | RolledBack | None:
        """Return what became of a session's work, which is saved unless it is in the run's result."""
        if result := await self.integration.find_landed(spec.id):
            line = await self.integration.find_line()
            target = line.ref.removeprefix(HEADS)
            return Integrated(
                spec=spec.id, attempt=attempt, branch=target, commit=result, target=target, result=line.tip
            )
        worktree = await self.find(spec, start)
        if worktree is None:
            _refuse_files(self.place(spec.id))
            return None
        left = await self._wrap(spec, attempt, worktree, fresh=False, conflict=None)
        saved = await left.save()
        left.set_aside()
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
            aside=self.project.attempt(self.run, spec.id, attempt) / LEFT_OUT,
        )

    def _lend_name(self) -> Mapping[str, str]:
        """Return by whom a child's own commits are where git knows nobody: else it could make none."""
        checkout = self.integration.repository.checkout
        return identify(NAME, EMAIL) if checkout.email == EMAIL else NOTHING

    def _shield_folder(self, path: Path) -> None:
        """Keep a place of the user's choice out of the checkout's status; ours has its own `.gitignore`."""
        root = path.parent.parent
        if self.settings.root and not root.exists():
            make_folder(root)
            (root / ".gitignore").write_text("*\n")

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
        if fresh:
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


def move_all(source: Path, paths: Iterable[str], target: Path) -> list[str]:
    """Move what is there of some paths from one folder to another; return what was; raises OSError."""
    moved = []
    for path in paths:
        make_folder((target / path).parent)
        with suppress(FileNotFoundError):
            shutil.move(source / path, target / path)
            moved.append(path)
    return moved


def _refuse_files(path: Path) -> None:
    """Raise GitError where files lie in a worktree's place that git knows nothing of."""
    try:
        found = [entry for entry in path.iterdir() if entry.name != ".git"]
    except (FileNotFoundError, NotADirectoryError):
        return
    if found:
        told = f"{path} holds files, and is no worktree any more (git worktree repair, or move it away)"
        raise GitError("worktree", told)


def _tell_conflict(conflict: Failure | None) -> Mapping[str, str]:
    return NOTHING if conflict is None else {"AAD_CONFLICT": "\n".join(conflict.files)}
