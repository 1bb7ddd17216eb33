"""A spec that is gone leaves its run if that is agreed to; what is complete may go wherever it likes."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Project, wait_for_file
from stopped import ACCEPT, ALL, OPEN, RESUME, drop, mark, mend, started, stopped

# What is gone.


def test_what_is_gone_leaves_the_run(tmp_path: Path) -> None:
    project = stopped(tmp_path, D=["C"])
    drop(mend(project), "C").spec("D", mark("D"), depends_on=["B"])

    result = project.aad(*ACCEPT, "--jobs", "1")

    result.exits(0).says("""
        .aad/specs/B.md:1: B was edited after run RUN had planned it
        .aad/specs/C.md: C was part of run RUN and is gone
        .aad/specs/D.md:1: D was edited after run RUN had planned it
        .aad/specs/D.md:2: D now depends on B, and did not when run RUN planned it
        run RUN goes on with these changes
        🚀 Orchestrator started
          run RUN resumed · 3 specs · 1 complete · 1 slot
        📊 Plan:
          - A (complete)
          - B (after A)
          - D (after B)

        ⏳ B (attempt 2) started...
        ✓ B completed (0.0s)
        ⏳ D started...
        ✓ D completed (0.0s)

        📈 Summary:
          Completed: 3 (A, B, D)
          Failed: 0
          Total time: 0.0s
          B completed at attempt 2
    """)


def test_what_left_the_run_is_no_part_of_it_any_more(tmp_path: Path) -> None:
    project = stopped(tmp_path)
    drop(mend(project), "C").aad(*ACCEPT).exits(0)

    results = [project.aad(*RESUME, "-q"), project.aad(*RESUME, "-q")]
    status = project.aad("status", "--format", "json").exits(0).json()

    for result in results:
        result.exits(0).says("""
            📈 Summary:
              Completed: 2 (A, B)
              Failed: 0
              Total time: 0.0s
              B completed at attempt 2
        """)
    assert [spec["id"] for spec in status["specs"]] == ["A", "B"]


def test_what_comes_back_counts_its_attempts_on(tmp_path: Path) -> None:
    project = stopped(tmp_path)
    text = project.read(".aad/specs/B.md")
    drop(project, "B").spec("C", mark("C"), depends_on=["A"]).aad(*ACCEPT).exits(0)

    project.file(".aad/specs/B.md", text).aad(*RESUME, "--specs", "B").exits(1)

    assert started(project) == [("A", 1), ("B", 1), ("C", 1), ("B", 2)]


def test_an_interrupted_run_gives_no_end_to_what_left_it(tmp_path: Path) -> None:
    project = stopped(tmp_path, D=["A", "B"])
    drop(project, "C").spec("B", wait_for_file("never"), depends_on=["A"])

    with project.start(*ACCEPT) as running:
        running.until("session_started", "B", attempt=2)
        running.send(signal.SIGTERM).end().exits(143)

    assert project.ends() == {"B": "cancelled", "D": "skipped"}


def test_where_all_is_gone_nothing_can_be_resumed(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "exit 1").spec("B", depends_on=["A"])
    project.aad(*ALL).exits(1)

    result = drop(project, "A", "B").aad(*ACCEPT)

    result.exits(2).says("""
        .aad/specs/A.md: A was part of run RUN and is gone
        .aad/specs/B.md: B was part of run RUN and is gone
        run RUN has no spec that is still there (bring their files back, or start anew without --resume)
    """)


def test_where_only_what_is_complete_is_left_nothing_is_left_to_do(tmp_path: Path) -> None:
    project = drop(stopped(tmp_path), "A", "B", "C")

    refused, accepted = project.aad(*RESUME), project.aad(*ACCEPT, "-q")

    refused.exits(2).says(f"""
        .aad/specs/B.md: B was part of run RUN and is gone
        .aad/specs/C.md: C was part of run RUN and is gone
        {OPEN}
    """)
    accepted.exits(0)


def test_a_folder_that_moved_is_missing_until_it_is_named(tmp_path: Path) -> None:
    project = stopped(tmp_path)
    project.specs.rename(tmp_path / "plans")

    lost, found = project.aad(*ACCEPT), project.aad(*RESUME, "--specs-dir", "plans", "-q")

    lost.exits(2).says(
        ".aad/specs does not exist (`aad init` makes a first spec, --specs-dir names another folder)"
    )
    found.exits(1)
    assert started(project)[-1] == ("B", 2)


def test_a_folder_of_ones_own_is_missed_as_itself(tmp_path: Path) -> None:
    project = Project(tmp_path).file("plans/A.md", "---\nrun: exit 1\n---\n").spec("A", mark("A"))
    project.aad(*ALL, "--specs-dir", "plans").exits(1)
    (tmp_path / "plans").rename(tmp_path / "moved")

    result = project.aad(*RESUME)

    result.exits(2).says(
        "plans does not exist (`aad init` makes a first spec, --specs-dir names another folder)"
    )


# Files that cannot be understood.


BAD_YAML = (
    ".aad/specs/B.md:3: the front matter is not valid YAML: did not find expected node content "
    "(put quotes around the value?)"
)
BAD_LINK = ".aad/specs/B.md: cannot be read: No such file or directory (make it readable, or remove it)"


def break_yaml(path: Path) -> None:
    path.write_text("---\nrun: [\n---\n")


def break_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize("words", [RESUME, ACCEPT])
@pytest.mark.parametrize(("spoil", "fault"), [(break_yaml, BAD_YAML), (break_link, BAD_LINK)])
def test_a_file_that_cannot_be_understood_is_a_fault_and_not_gone(
    tmp_path: Path, words: tuple[str, ...], spoil: Callable[[Path], None], fault: str
) -> None:
    project = stopped(tmp_path)
    spoil(project.specs / "B.md")

    result = project.aad(*words)

    result.exits(2).says(fault)


# What is complete.


@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        break_yaml,
        break_link,
        lambda path: path.write_text("---\nrun: exit 1\ndepends_on: [C, NONE]\nstatus: Draft\n---\n"),
    ],
    ids=["gone", "yaml", "link", "edited"],
)
def test_what_became_of_a_complete_spec_does_not_matter(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    project = (
        Project(tmp_path).spec("A", mark("A")).spec("B", f"[ -e mended ] && {mark('B')}", depends_on=["A"])
    )
    project.spec("C", mark("C"), depends_on=["A", "B"]).aad(*ALL).exits(1)
    spoil(project.specs / "A.md")

    result = project.touch("mended").aad(*RESUME, "--jobs", "1")

    result.exits(0).says("""
        🚀 Orchestrator started
          run RUN resumed · 3 specs · 1 complete · 1 slot
        📊 Plan:
          - A (complete)
          - B (after A)
          - C (after A, B)

        ⏳ B (attempt 2) started...
        ✓ B completed (0.0s)
        ⏳ C started...
        ✓ C completed (0.0s)

        📈 Summary:
          Completed: 3 (A, B, C)
          Failed: 0
          Total time: 0.0s
          B completed at attempt 2
    """)
    assert project.read("marks") == "A\nB\nC\n"


def test_a_complete_run_needs_no_files_at_all(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", mark("A")).spec("B", mark("B"), depends_on=["A"])
    project.aad(*ALL).exits(0)
    drop(project, "A", "B").specs.rmdir()

    results = [project.aad(*RESUME, "-q"), project.aad(*RESUME, "-q")]

    for result in results:
        result.exits(0)
    assert project.read("marks") == "A\nB\n"
