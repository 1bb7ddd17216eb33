"""What `[workspace]` and a spec's own `isolation` say of worktrees and folders holds in real runs."""

from pathlib import Path

import pytest
from gitproject import GitProject, begin, failure, works

MAKE = "printf made > made.txt"


def with_settings(folder: Path, **settings: str) -> GitProject:
    """Return a project whose `[workspace]` says something."""
    lines = (f"{key} = '''{value}'''" for key, value in settings.items())
    return begin(folder).config("\n".join(["[workspace]", *lines]))


def folders(project: GitProject) -> list[str]:
    """Return the workspaces that are left of the newest run."""
    place = project.root / ".aad" / "worktrees" / project.run.name
    return sorted(path.name for path in place.iterdir()) if place.exists() else []


# Where sessions start and what their branches are called.


def test_base_is_where_sessions_start_whatever_is_checked_out(tmp_path: Path) -> None:
    project = with_settings(tmp_path, base="stable").spec("A", f"{MAKE}; test ! -e later.txt").commit()
    project.git("branch", "stable")
    project.touch("later.txt").commit("later")

    works(project)

    assert project.changes(old="stable") == ["A made.txt"]


def test_branch_names_the_branches_of_sessions(tmp_path: Path) -> None:
    project = with_settings(tmp_path, branch="work/{spec}").spec("A", MAKE).commit()

    project.run_all().exits(0)

    assert project.branches() == [project.run_branch, "main", "work/A"]


@pytest.mark.parametrize("root", ["../ws", "build/ws"], ids=["beside", "inside"])
def test_root_is_where_worktrees_are_and_the_checkout_shows_nothing_of_them(
    tmp_path: Path, root: str
) -> None:
    project = with_settings(tmp_path, root=root, keep="always").spec("A", MAKE).commit()

    project.run_all().exits(0)

    worktree = (project.root / root / project.run.name / "A").resolve()
    assert (worktree / "made.txt").read_text() == "made"
    assert project.git("status", "--porcelain") == ""
    assert folders(project) == []


# Setup.


def test_setup_makes_each_worktree_ready_and_what_it_says_is_in_the_log(tmp_path: Path) -> None:
    line = "echo made ready in $PWD; cp ../../../../.env .env; mkdir tools; : > tools/x"
    project = with_settings(tmp_path, setup=line).file(".gitignore", "tools/\n.env\n")
    project.spec("A", f"{MAKE}; cat .env; ls tools").commit().file(".env", "LEVEL=1\n")

    works(project)

    worktree = project.root / ".aad" / "worktrees" / project.run.name / "A"
    told = f"[aad] setup: {line}\nmade ready in {worktree}\nLEVEL=1\nx\n"
    assert project.log("A").decode() == told
    assert project.changes() == ["A made.txt"]


def test_an_env_that_setup_copies_is_neither_committed_nor_told_ignored_or_not(tmp_path: Path) -> None:
    project = with_settings(tmp_path, setup="sleep 0.05; cp ../../../../.env .env; sleep 0.05")
    project.spec("A", MAKE).commit().file(".env", "LEVEL=1\n")

    works(project)

    assert project.changes() == ["A made.txt"]
    assert project.left_out() == []
    assert folders(project) == []


def test_a_setup_that_fails_fails_the_session_before_its_child_runs(tmp_path: Path) -> None:
    project = with_settings(tmp_path, setup="echo no network; exit 3").spec("A", MAKE).commit()

    project.run_all().exits(1)

    assert (failure(project, "A")["reason"], failure(project, "A")["exit_code"]) == ("exit_code", 3)
    assert project.log("A").decode().endswith("no network\n")
    assert project.branches() == ["main"]


def test_a_retry_is_set_up_anew(tmp_path: Path) -> None:
    project = with_settings(tmp_path, setup="echo set up").config("""
        [workspace]
        setup = "echo set up"
        [orchestrator.retries]
        delay = "0s"
    """)
    project.spec("A", "[ $AAD_ATTEMPT = 2 ]", retries=1).commit()

    project.run_all().exits(0)

    assert [project.log("A", number) for number in (1, 2)] == 2 * [b"[aad] setup: echo set up\nset up\n"]


# Keep.


@pytest.mark.parametrize(("keep", "left"), [("always", ["A", "B"]), ("on-failure", ["B"]), ("never", [])])
def test_keep_says_whose_worktrees_stay(tmp_path: Path, keep: str, left: list[str]) -> None:
    project = with_settings(tmp_path, keep=keep).spec("A", MAKE).spec("B", f"{MAKE}; exit 1").commit()

    project.run_all().exits(1)

    assert folders(project) == left
    assert project.worktrees() == left
    assert project.changes(f"refs/aad/{project.run.name}/B/1") == ["A made.txt"]


def test_even_never_keeps_a_worktree_that_holds_what_no_commit_has(tmp_path: Path) -> None:
    project = with_settings(tmp_path, keep="never").spec("A", f"{MAKE}; printf s > .env").commit()

    project.run_all().exits(0)

    assert folders(project) == ["A"]


# Isolation.


def test_kinds_of_workspaces_mix_in_one_graph(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", MAKE)
    project.spec("READS", "cat kept.txt; test ! -e made.txt; pwd", isolation="none", depends_on=["A"])
    project.spec("ALONE", "ls; printf x > x; pwd", isolation="directory", depends_on=["A"])
    project.spec("LAST", "cat made.txt > last.txt", depends_on=["READS", "ALONE"]).commit()
    before = project.belongings()

    project.run_all().exits(0)

    assert project.touched(before) == []
    told = {line["spec"]: (line["isolation"], "base" in line) for line in project.journal("workspace_ready")}
    assert told == {
        "A": ("worktree", True),
        "ALONE": ("directory", False),
        "LAST": ("worktree", True),
        "READS": ("none", False),
    }
    assert project.log("READS").decode() == f"one\ntwo\nthree\n{project.root}\n"
    place = project.root / ".aad" / "worktrees" / project.run.name
    assert project.log("ALONE").decode() == f"{place}/ALONE\n"
    assert project.changes() == ["A last.txt", "A made.txt"]
    assert folders(project) == ["ALONE"]


def test_a_directory_is_a_copy_of_the_folder_that_base_names(tmp_path: Path) -> None:
    project = with_settings(tmp_path, isolation="directory", base="src").spec(
        "A", f"cat deep/main.txt; {MAKE}"
    )
    project.commit()
    before = project.belongings()

    project.run_all().exits(0)

    assert project.touched(before) == []
    assert project.log("A") == b"main\n"
    assert project.branches() == ["main"]


def test_from_a_directory_git_finds_no_repository(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", "git status", isolation="directory").commit()

    project.run_all().exits(1)

    assert failure(project, "A")["exit_code"] == 128


def test_a_worktree_wanted_where_there_is_no_repository_is_refused(tmp_path: Path) -> None:
    project = GitProject(tmp_path / "project", fresh=False).spec("A", isolation="worktree")

    project.run_all().exits(2)

    assert not (project.root / ".aad" / "runs").exists()
