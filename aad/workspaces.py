"""Gives each attempt the workspace that its spec asks for. Knows the kinds, not how they are made."""

from attrs import frozen

from aad.config import WorkspaceSettings
from aad.events import Failure, Integrated, RolledBack
from aad.gitworkspace import GitWorkspaces
from aad.isolation import choose_isolation
from aad.spec import Spec
from aad.workspace import Folders, Workspace


@frozen(kw_only=True)
class Workspaces:
    """The workspaces of one run. `git` makes worktrees; None where no spec of the run wants one."""

    settings: WorkspaceSettings
    folders: Folders
    git: GitWorkspaces | None = None

    def choose(self, spec: Spec) -> str:
        """Return what kind of workspace a spec gets."""
        return choose_isolation(spec, self.settings, in_repository=self.git is not None)

    async def prepare(
        self, spec: Spec, *, attempt: int, resumed_from: str | None = None, conflict: Failure | None = None
    ) -> Workspace:
        """Return the workspace of an attempt; raises OSError, GitError, ConflictError.

        It is made afresh, unless the attempt takes up an earlier one again: `resumed_from` is what that one's
        worktree was made from. `conflict` is why an earlier one could not be integrated.
        """
        kind = self.choose(spec)
        if kind == "worktree" and self.git is not None:
            found = await self.git.find(spec, resumed_from) if resumed_from else None
            return await self.git.make(spec, attempt=attempt, conflict=conflict, found=found)
        if kind == "directory":
            return await self.folders.make(spec, afresh=resumed_from is None)
        return self.folders.share(spec)

    async def recover(self, spec: Spec, *, attempt: int, start: str) -> Integrated | RolledBack | None:
        """Return what became of the work of a session that a killed run left; raises OSError, GitError.

        Its work is in the result already, or it is saved.
        """
        return None if self.git is None else await self.git.recover(spec, attempt, start)
