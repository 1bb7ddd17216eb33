"""A run in a scratch repository, and the workspaces that it makes there."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from attrs import evolve
from gitrepo import GitRepo

from aad.config import WorkspaceSettings
from aad.events import Failure, Integrated
from aad.gitworkspace import GitWorkspace, GitWorkspaces
from aad.integration import Integration
from aad.janitor import Janitor
from aad.project import Project
from aad.spec import Spec
from aad.worktrees import Worktrees

RUN = "20261122-213612-7f3a"
TARGET = f"aad/run/{RUN}"
BASE = {"a.txt": "a\n", "b.txt": "b\n", ".aad/specs/A.md": "# A: planned\n", ".gitignore": ".aad/worktrees\n"}
A, B = (Spec(id=name, title=f"title of {name}", path=f".aad/specs/{name}.md") for name in "AB")
C = Spec(id="C", text="do it")


class Bin(Janitor):
    """A janitor who only collects what is to be removed."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Callable[[], Awaitable[None]]] = []

    def send(self, removal: Callable[[], Awaitable[None]]) -> None:
        self.sent.append(removal)


class Run:
    """A run in a repository, whose project may lie below the top."""

    def __init__(self, root: Path, *, prefix: str = "", settings: WorkspaceSettings | None = None) -> None:
        self.repo = GitRepo(root)
        self.base = self.repo.commit({(f"{prefix}/{path}" if prefix else path): BASE[path] for path in BASE})
        self.project = Project(root / prefix)
        self.results: dict[str, str] = {}
        self.bin = Bin()
        self.settings = settings or WorkspaceSettings()
        self.workspaces = self.open()

    def open(self) -> GitWorkspaces:
        """Return the workspaces as a run has them when it begins, or goes on."""
        repository = self.repo.open(self.project.root)
        checkout = evolve(repository.checkout, base=self.base)
        integration = Integration(
            repository=repository,
            run=RUN,
            base=checkout.base,
            branch="aad/{spec}",
            find_result=self.results.get,
            find_needed=lambda _: [],
            find_newest=str,
        )
        return GitWorkspaces(
            project=self.project,
            run=RUN,
            settings=self.settings,
            worktrees=Worktrees(repository, checkout.prefix),
            integration=integration,
            janitor=self.bin,
            redact=lambda text: text.replace("hunter2", "***"),
        )

    async def make(
        self, spec: Spec = A, *, attempt: int = 1, conflict: Failure | None = None, begun: bool = True
    ) -> GitWorkspace:
        """Return a workspace of which the child is about to start, or its setup."""
        desk = await self.workspaces.make(spec, attempt=attempt, conflict=conflict, found=None)
        if begun:
            await desk.begin()
        return desk


async def deliver(desk: GitWorkspace) -> Integrated:
    """Return what became of the work, verified or not."""
    await desk.capture()
    await desk.commit()
    await desk.merge()
    landed = await desk.land()
    assert landed is not None
    return landed


def write(desk: GitWorkspace, path: str, content: str = "x\n") -> Path:
    """Write a file as the child does, and return it."""
    file = desk.path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file
