"""Two specs that contradict each other: one is in, the other says so, and nothing is built on it."""

from pathlib import Path
from typing import Any

from gitproject import GitProject, attempts, begin, failure
from harness import wait_for_journal

ALL = ("orchestrate", "--all", "--jobs", "2")
# Beside one another: the second is through only once the first is in.
FIRST_IN = f"(cd ../../../..; {wait_for_journal('session_completed.*.spec.:.A.')})"


def contradiction(folder: Path, **front: Any) -> GitProject:  # noqa: ANN401 - a spec's own keys
    """Return a project of two specs that change the same line, and one that needs the second."""
    project = begin(folder).config("[orchestrator.retries]\ndelay = '0s'\n")
    project.spec("A", "sed -i s/two/zwei/ kept.txt; printf a > a.txt")
    line = f"sed -i s/two/deux/ kept.txt; printf b > b.txt; [ $AAD_ATTEMPT = 1 ] && {FIRST_IN}; true"
    project.spec("B", line, **front).spec("C", "test -e b.txt", depends_on=["B"])
    return project.commit()


def test_one_is_in_and_the_other_fails_with_the_files_and_both_specs_named(tmp_path: Path) -> None:
    project = contradiction(tmp_path)
    before = project.belongings()

    project.aad(*ALL).exits(1)

    assert project.touched(before) == []
    assert project.ends() == {"A": "completed", "B": "failed", "C": "skipped"}
    told = failure(project, "B")
    assert (told["reason"], told["files"], told["blocked_by"]) == ("conflict", ["kept.txt"], ["A", "B"])
    assert project.changes() == ["A a.txt", "M kept.txt"]
    assert project.show("kept.txt") == "one\nzwei\nthree"


def test_the_escalation_says_the_same_and_how_to_see_the_work(tmp_path: Path) -> None:
    project = contradiction(tmp_path)

    project.aad(*ALL).exits(1)

    told = project.escalation("B-error")
    ref = f"refs/aad/{project.run.name}/B/1"
    assert (told["kind"], told["blocks"]) == ("conflict", ["C"])
    assert told["conflict"] == {"files": ["kept.txt"], "specs": ["A", "B"]}
    assert (told["work"]["ref"], told["work"]["commit"]) == (ref, project.git("rev-parse", ref))
    assert "+deux" in project.sh(f"{told['work']['show']} > shown").read("shown")


def test_the_branch_of_the_other_is_kept(tmp_path: Path) -> None:
    project = contradiction(tmp_path)

    project.aad(*ALL).exits(1)

    assert project.changes("aad/B") == ["A b.txt", "M kept.txt"]
    assert project.show("kept.txt", "aad/B") == "one\ndeux\nthree"


def test_both_may_be_merged_by_hand(tmp_path: Path) -> None:
    project = contradiction(tmp_path)
    project.aad(*ALL).exits(1)

    project.sh(f"git merge -q {project.run_branch}; git merge -q aad/B || :")

    assert project.git("status", "--porcelain") == "A  b.txt\nUU kept.txt"
    assert (project.read("a.txt"), project.read("b.txt")) == ("a", "b")


def test_a_retry_starts_from_the_newest_result_and_is_told_the_files(tmp_path: Path) -> None:
    project = contradiction(tmp_path, retries=1)
    project.spec(
        "B",
        f"echo \"$AAD_CONFLICT\" > told; sed -i '2s/.*/deux/' kept.txt; [ $AAD_ATTEMPT = 2 ] || {FIRST_IN}",
        retries=1,
    )
    project.spec("C", "cat kept.txt a.txt", depends_on=["B"]).commit()

    project.aad(*ALL).exits(0)

    assert sorted(attempts(project)) == [("A", 1), ("B", 1), ("B", 2), ("C", 1)]
    assert project.show("told") == "kept.txt"
    assert project.show("kept.txt") == "one\ndeux\nthree"
    assert project.log("C") == b"one\ndeux\nthree\na"
    assert project.kept_refs() == ["B/1"]


def test_resumed_the_other_starts_on_the_newest_result(tmp_path: Path) -> None:
    project = contradiction(tmp_path)
    project.aad(*ALL).exits(1)

    project.spec("B", "sed -i s/zwei/deux/ kept.txt; printf b > b.txt").spec(
        "C", "test -e b.txt", depends_on=["B"]
    )
    project.aad("orchestrate", "--resume", "--accept-changes").exits(0)

    assert project.show("kept.txt") == "one\ndeux\nthree"
    assert project.changes() == ["A a.txt", "A b.txt", "M kept.txt"]


def test_changes_in_different_places_are_no_conflict(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", "sed -i s/one/eins/ kept.txt")
    project.file("kept.txt", "one\n2\n3\n4\n5\nsix\n").spec("B", f"sed -i s/six/sechs/ kept.txt; {FIRST_IN}")
    project.spec("C", "cat kept.txt", depends_on=["A", "B"]).commit()

    project.aad(*ALL).exits(0)

    assert project.log("C") == b"eins\n2\n3\n4\n5\nsechs\n"


def test_what_fits_together_line_by_line_and_fails_its_verify_does_not_come_in(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", "printf a > a.txt")
    project.spec("B", f"printf b > b.txt; {FIRST_IN}", verify="! test -e a.txt").commit()

    project.aad(*ALL).exits(1)

    told = failure(project, "B")
    assert (told["reason"], told["exit_code"]) == ("verify_failed", 1)
    assert project.log("B").count(b"[aad] verify:") == 2
    assert project.changes() == ["A a.txt"]
    assert project.changes("aad/B") == ["A b.txt"]


def test_after_a_merge_the_work_is_verified_once_more_in_what_came_of_it(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", "printf a > a.txt")
    project.spec("B", f"printf b > b.txt; {FIRST_IN}", verify="ls").commit()

    project.aad(*ALL).exits(0)

    assert project.log("B").decode() == (
        "[aad] verify: ls\nb.txt\nkept.txt\nsrc\n[aad] verify: ls\na.txt\nb.txt\nkept.txt\nsrc\n"
    )
