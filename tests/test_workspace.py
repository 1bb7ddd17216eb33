"""Where an attempt works."""

from pathlib import Path

import pytest

from aad.config import AnyIsolation, WorkspaceSettings
from aad.janitor import Janitor
from aad.project import Project
from aad.spec import Spec
from aad.workspace import Folders, Workspace
from aad.workspaces import Workspaces

RUN = "20261122-213612-7f3a"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project with one spec file, and a file outside of it."""
    project = Project(tmp_path / "project")
    project.specs.mkdir(parents=True)
    (project.specs / "A.md").write_text("# A: inside\n")
    (tmp_path / "B.md").write_text("# B: outside\n")
    return project


def open_workspaces(project: Project, isolation: AnyIsolation, run: str = RUN, **more: str) -> Workspaces:
    settings = WorkspaceSettings(isolation=isolation, **more)  # type: ignore[arg-type]
    folders = Folders(project=project, run=run, settings=settings, janitor=Janitor())
    return Workspaces(settings=settings, folders=folders)


async def prepare(project: Project, isolation: AnyIsolation, spec: Spec) -> Workspace:
    return await open_workspaces(project, isolation).prepare(spec, attempt=1)


INSIDE = Spec(id="A", path=".aad/specs/A.md")


async def test_without_isolation_an_attempt_works_in_the_project_and_reads_its_spec_there(
    project: Project,
) -> None:
    workspace = await prepare(project, "none", INSIDE)

    assert (workspace.path, workspace.spec_file) == (project.root, str(project.specs / "A.md"))
    assert not project.worktrees.exists()


async def test_a_folder_of_its_own_holds_a_copy_of_the_spec_where_it_lies_in_the_project(
    project: Project,
) -> None:
    workspace = await prepare(project, "directory", INSIDE)

    folder = project.worktrees / RUN / "A"
    assert (workspace.path, workspace.spec_file) == (folder, str(folder / ".aad/specs/A.md"))
    assert Path(workspace.spec_file).read_text() == "# A: inside\n"
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_the_copy_is_the_childs_own(project: Project) -> None:
    workspace = await prepare(project, "directory", INSIDE)

    Path(workspace.spec_file).write_text("changed")

    assert (project.specs / "A.md").read_text() == "# A: inside\n"


@pytest.mark.parametrize("absolute", [False, True])
async def test_a_spec_that_lies_outside_is_copied_to_the_top(project: Project, absolute: bool) -> None:
    path = str(project.root.parent / "B.md") if absolute else "../B.md"

    workspace = await prepare(project, "directory", Spec(id="B", path=path))

    assert Path(workspace.spec_file) == project.worktrees / RUN / "B" / "B.md"
    assert Path(workspace.spec_file).read_text() == "# B: outside\n"


@pytest.mark.parametrize("isolation", ["none", "directory"])
async def test_a_spec_without_file_has_none_in_its_workspace(
    project: Project, isolation: AnyIsolation
) -> None:
    workspace = await prepare(project, isolation, Spec(id="A", text="do it"))

    assert workspace.spec_file == ""
    assert isolation == "none" or list(workspace.path.iterdir()) == []


async def test_a_retry_starts_clean(project: Project) -> None:
    workspaces = open_workspaces(project, "directory")
    first = await workspaces.prepare(INSIDE, attempt=1)
    (first.path / "left").mkdir()
    (first.path / "left/over").write_text("x")
    Path(first.spec_file).write_text("- [x] done\n")

    again = await workspaces.prepare(INSIDE, attempt=1)

    assert again.path == first.path
    assert [path.name for path in again.path.rglob("*") if path.is_file()] == ["A.md"]
    assert Path(again.spec_file).read_text() == "# A: inside\n"


async def test_what_a_link_in_a_workspace_leads_to_outlives_a_retry(project: Project) -> None:
    workspaces = open_workspaces(project, "directory")
    ((await workspaces.prepare(INSIDE, attempt=1)).path / "link").symlink_to(project.specs)

    await workspaces.prepare(INSIDE, attempt=1)

    assert (project.specs / "A.md").exists()


async def test_sessions_and_runs_do_not_share_a_folder(project: Project) -> None:
    specs = [Spec(id="A"), Spec(id="B")]
    folders = {
        (await open_workspaces(project, "directory", run).prepare(spec, attempt=1)).path
        for run in (RUN, "later")
        for spec in specs
    }

    assert len(folders) == 4


async def test_without_isolation_nothing_is_removed(project: Project) -> None:
    workspaces = open_workspaces(project, "none")
    (project.root / "work").write_text("kept")

    await workspaces.prepare(INSIDE, attempt=1)
    await workspaces.prepare(INSIDE, attempt=1)

    assert (project.root / "work").read_text() == "kept"


async def test_a_spec_file_that_is_gone_is_an_error_of_the_system(project: Project) -> None:
    (project.specs / "A.md").unlink()

    with pytest.raises(FileNotFoundError):
        await prepare(project, "directory", INSIDE)
