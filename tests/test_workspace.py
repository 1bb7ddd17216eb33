"""Where an attempt works."""

from pathlib import Path

import pytest

from aad.project import Project
from aad.spec import Spec
from aad.workspace import Workspace, Workspaces

RUN = "20261122-213612-7f3a"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project with one spec file, and a file outside of it."""
    project = Project(tmp_path / "project")
    project.specs.mkdir(parents=True)
    (project.specs / "A.md").write_text("# A: inside\n")
    (tmp_path / "B.md").write_text("# B: outside\n")
    return project


INSIDE = Spec(id="A", path=".aad/specs/A.md")


def test_without_isolation_an_attempt_works_in_the_project_and_reads_its_spec_there(project: Project) -> None:
    workspace = Workspaces(project, RUN, "none").prepare(INSIDE)

    assert workspace == Workspace(project.root, str(project.specs / "A.md"))
    assert not project.worktrees.exists()


def test_a_folder_of_its_own_holds_a_copy_of_the_spec_where_it_lies_in_the_project(project: Project) -> None:
    workspace = Workspaces(project, RUN, "directory").prepare(INSIDE)

    folder = project.worktrees / RUN / "A"
    assert workspace == Workspace(folder, str(folder / ".aad/specs/A.md"))
    assert Path(workspace.spec_file).read_text() == "# A: inside\n"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_copy_is_the_childs_own(project: Project) -> None:
    workspace = Workspaces(project, RUN, "directory").prepare(INSIDE)

    Path(workspace.spec_file).write_text("changed")

    assert (project.specs / "A.md").read_text() == "# A: inside\n"


@pytest.mark.parametrize("absolute", [False, True])
def test_a_spec_that_lies_outside_is_copied_to_the_top(project: Project, absolute: bool) -> None:
    path = str(project.root.parent / "B.md") if absolute else "../B.md"

    workspace = Workspaces(project, RUN, "directory").prepare(Spec(id="B", path=path))

    assert Path(workspace.spec_file) == project.worktrees / RUN / "B" / "B.md"
    assert Path(workspace.spec_file).read_text() == "# B: outside\n"


@pytest.mark.parametrize("isolation", ["none", "directory"])
def test_a_spec_without_file_has_none_in_its_workspace(project: Project, isolation: str) -> None:
    workspace = Workspaces(project, RUN, isolation).prepare(Spec(id="A", text="do it"))

    assert workspace.spec_file == ""
    assert isolation == "none" or list(workspace.path.iterdir()) == []


def test_a_retry_starts_clean(project: Project) -> None:
    workspaces = Workspaces(project, RUN, "directory")
    first = workspaces.prepare(INSIDE)
    (first.path / "left").mkdir()
    (first.path / "left/over").write_text("x")
    Path(first.spec_file).write_text("- [x] done\n")

    again = workspaces.prepare(INSIDE)

    assert again == first
    assert [path.name for path in again.path.rglob("*") if path.is_file()] == ["A.md"]
    assert Path(again.spec_file).read_text() == "# A: inside\n"


def test_what_a_link_in_a_workspace_leads_to_outlives_a_retry(project: Project) -> None:
    workspaces = Workspaces(project, RUN, "directory")
    (workspaces.prepare(INSIDE).path / "link").symlink_to(project.specs)

    workspaces.prepare(INSIDE)

    assert (project.specs / "A.md").exists()


def test_sessions_and_runs_do_not_share_a_folder(project: Project) -> None:
    specs = [Spec(id="A"), Spec(id="B")]
    folders = {
        Workspaces(project, run, "directory").prepare(spec).path for run in (RUN, "later") for spec in specs
    }

    assert len(folders) == 4


def test_without_isolation_nothing_is_removed(project: Project) -> None:
    workspaces = Workspaces(project, RUN, "none")
    (project.root / "work").write_text("kept")

    workspaces.prepare(INSIDE)
    workspaces.prepare(INSIDE)

    assert (project.root / "work").read_text() == "kept"


def test_a_spec_file_that_is_gone_is_an_error_of_the_system(project: Project) -> None:
    (project.specs / "A.md").unlink()

    with pytest.raises(FileNotFoundError):
        Workspaces(project, RUN, "directory").prepare(INSIDE)
