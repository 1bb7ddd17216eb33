"""The user's checkout: whatever state it is in, a run leaves it there, and its result merges into it."""

from pathlib import Path

from gitproject import ALL, FIRST, GitProject, begin, works
from harness import wait_for_file

MAKE = "printf made > made.txt"


def dirty(folder: Path) -> GitProject:
    """Return a project with a spec, and every kind of change that a person may have lying about."""
    project = begin(folder).file("staged.txt", "1\n").file("gone.txt", "1\n").spec("A", MAKE).commit()
    project.file("kept.txt", "stashed\n").file("new.txt", "stashed\n").sh("git stash -q -u")
    project.file("kept.txt", "stashed too\n").sh("git stash -q")
    project.file("staged.txt", "2\n").sh("git add staged.txt").file("staged.txt", "3\n")
    project.file("kept.txt", "unstaged\n").file("untracked.txt", "mine\n").sh("git rm -q gone.txt")
    return project


def test_a_dirty_checkout_stays_byte_for_byte_as_it_is(tmp_path: Path) -> None:
    project = dirty(tmp_path)
    status = project.status()

    works(project)

    assert project.changes() == ["A made.txt"]
    assert project.status() == status


def test_sessions_start_from_what_is_committed_not_from_what_lies_about(tmp_path: Path) -> None:
    project = dirty(tmp_path).spec(
        "A", f"{MAKE}; cat kept.txt staged.txt gone.txt > seen; test ! -e untracked.txt"
    )

    works(project)

    assert project.show("seen") == f"{FIRST['kept.txt']}1\n1"


def test_an_index_that_somebody_has_locked_is_no_obstacle(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", MAKE).commit().touch(".git/index.lock")

    works(project)


def test_what_the_user_does_meanwhile_is_not_disturbed(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", f"{wait_for_file('../../../../go')}; {MAKE}").commit()

    with project.start(*ALL) as running:
        running.until("session_started")
        project.file("mine.txt", "mine\n").touch("go").commit("mine")
        running.end().exits(0)

    assert project.changes(old="main~1") == ["A made.txt"]
    assert project.sh(f"git merge -q {project.run_branch}").read("made.txt") == "made"
    assert project.subjects("main")[0] == f"Merge branch '{project.run_branch}'"


# Spec files.


def test_spec_files_need_not_be_committed_and_are_not_by_us(tmp_path: Path) -> None:
    project = (
        begin(tmp_path).commit().spec("A", f"{MAKE}; cp $AAD_SPEC_FILE spec.md; pwd; echo $AAD_SPEC_FILE")
    )

    works(project)

    assert project.changes() == ["A made.txt", "A spec.md"]
    assert project.show("spec.md") + "\n" == project.read(".aad/specs/A.md")
    assert project.left_out() == []


def test_a_spec_file_that_was_changed_since_is_read_as_it_is_now_and_not_committed(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", "false").commit().spec("A", f"{MAKE}; cp $AAD_SPEC_FILE spec.md")

    works(project)

    assert project.changes() == ["A made.txt", "A spec.md"]
    assert project.show("spec.md") + "\n" == project.read(".aad/specs/A.md")


def test_boxes_that_a_child_ticks_in_a_committed_spec_file_are_committed(tmp_path: Path) -> None:
    project = begin(tmp_path)
    project.spec("A", f"{MAKE}; sed -i 's/\\[ \\]/[x]/' $AAD_SPEC_FILE", body="- [ ] one\n").commit()

    works(project)

    assert project.changes() == ["M .aad/specs/A.md", "A made.txt"]


# Afterwards.


def test_the_result_of_a_run_is_merged_as_any_branch(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", "printf a > a.txt").spec("B", "printf b > b.txt")
    project.spec("C", "cat a.txt b.txt > c.txt", depends_on=["A", "B"]).commit()
    project.file("untracked.txt", "mine\n")
    project.aad(*ALL).exits(0)

    project.git("merge", "--quiet", project.run_branch)

    assert [project.read(name) for name in ("a.txt", "b.txt", "c.txt")] == ["a", "b", "ab"]
    assert project.git("status", "--porcelain") == "?? untracked.txt"


def test_the_result_merges_beside_spec_files_that_are_not_committed(tmp_path: Path) -> None:
    project = begin(tmp_path).commit().spec("A", MAKE)
    project.run_all().exits(0)

    project.git("merge", "--quiet", project.run_branch)

    assert project.read("made.txt") == "made"


def test_each_session_is_one_commit_in_the_first_parent_line_of_the_result(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", "printf a > a.txt", title="one")
    project.spec("B", "printf b > b.txt; git add b.txt; git commit -qm own", title="two")
    project.spec("C", "cat a.txt b.txt > c.txt", title="three", depends_on=["A", "B"]).commit()

    project.run_all().exits(0)

    told = project.git(
        "log", "--first-parent", "--format=%s|%(trailers:key=AAD-Spec,valueonly,separator=%x2C)",
        f"main..{project.run_branch}",
    )  # fmt: skip
    assert told.splitlines() == ["C: three|C", "Merge B: two|B", "A: one|A"]


def test_a_second_run_starts_from_what_was_merged_and_takes_the_branches_over(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", "printf x >> made.txt").commit()
    project.run_all().exits(0)
    project.git("merge", "--quiet", project.run_branch)

    project.run_all().exits(0)

    assert project.show("made.txt") == "xx"
    assert project.show("made.txt", "aad/A") == "xx"
    assert "aad/A-2" not in project.branches()


def test_a_branch_whose_commits_would_be_lost_is_let_be(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", MAKE).commit()
    project.sh("git checkout -q -b aad/A; git commit -q --allow-empty -m mine; git checkout -q main")

    project.run_all().exits(0)

    assert project.subjects("main..aad/A") == ["mine"]
    assert project.subjects("main..aad/A-2") == ["A"]
