"""Work that came to nothing is kept under a ref, whatever ended it, and the next attempt starts clean."""

import signal
from pathlib import Path

import pytest
from gitproject import ALL, RESUME, GitProject, attempts, begin, failure
from harness import until, wait_for_file

MAKE = "printf made > made.txt"
COMMIT = "git add --all; git commit --quiet --message=mine"
NEVER = wait_for_file("never")


def shown(project: GitProject, escalation: str) -> str:
    """Return what the command shows that an escalation names."""
    command = project.escalation(escalation)["work"]["show"]
    return project.sh(f"{command} > ../shown").read("../shown")


def test_work_of_a_failed_attempt_committed_or_not_is_kept(tmp_path: Path) -> None:
    project = (
        begin(tmp_path).spec("A", f"{MAKE}; {COMMIT}; printf x > other.txt; rm kept.txt; exit 3").commit()
    )
    before = project.belongings()

    project.run_all().exits(1)

    assert project.touched(before) == []
    assert project.kept_refs() == ["A/1"]
    ref = f"refs/aad/{project.run.name}/A/1"
    assert project.changes(ref) == ["D kept.txt", "A made.txt", "A other.txt"]
    assert project.subjects(f"main..{ref}")[1:] == ["mine"]
    assert project.branches() == ["main"]
    (event,) = project.journal("rolled_back")
    assert (event["ref"], event["commit"]) == (ref, project.git("rev-parse", ref))
    assert event["base"] == project.git("rev-parse", "main")


def test_the_command_in_its_escalation_shows_the_work(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", f"{MAKE}; exit 3").commit()

    project.run_all().exits(1)

    told = shown(project, "A-error").splitlines()
    assert (told[0], told[-2]) == ("diff --git a/made.txt b/made.txt", "+made")


def test_where_nothing_was_made_nothing_is_kept(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", "exit 3").commit()

    project.run_all().exits(1)

    assert project.kept_refs() == []
    assert project.escalation("A-error")["work"] is None
    assert project.journal("rolled_back") == []


def test_work_of_an_attempt_that_took_too_long_is_kept(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", f"{MAKE}; {NEVER}", timeout="3s").commit()

    project.run_all().exits(1)

    assert project.ends() == {"A": "timed_out"}
    assert project.changes(f"refs/aad/{project.run.name}/A/1") == ["A made.txt"]
    assert shown(project, "A-error").endswith("+made\n\\ No newline at end of file\n")


def test_work_whose_verify_fails_is_kept_and_does_not_come_in(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", MAKE, verify="false").commit()

    project.run_all().exits(1)

    assert failure(project, "A")["reason"] == "verify_failed"
    assert project.changes(f"refs/aad/{project.run.name}/A/1") == ["A made.txt"]
    assert project.branches() == ["main"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_work_that_was_interrupted_is_kept_and_the_next_attempt_starts_clean(
    tmp_path: Path, number: signal.Signals
) -> None:
    line = f"ls; {MAKE}; printf x > left.txt; [ $AAD_ATTEMPT = 2 ] && rm left.txt || {NEVER}"
    project = begin(tmp_path).spec("A", line).spec("B", "cat made.txt", depends_on=["A"]).commit()
    before = project.belongings()
    with project.start(*ALL) as running:
        running.until("session_started")
        worktree = project.root / ".aad" / "worktrees" / project.run.name / "A"
        until((worktree / "left.txt").exists)
        running.send(number).end().exits(128 + number)
    assert project.changes(f"refs/aad/{project.run.name}/A/1") == ["A left.txt", "A made.txt"]

    project.aad(*RESUME).exits(0)

    assert project.touched(before) == []
    assert attempts(project) == [("A", 1), ("A", 2), ("B", 1)]
    assert project.log("A", 2) == b"kept.txt\nsrc\n"
    assert project.changes() == ["A made.txt"]
    assert project.worktrees() == []


def test_a_run_that_was_killed_goes_on_and_what_it_left_is_kept(tmp_path: Path) -> None:
    line = f"ls; {MAKE}; {COMMIT}; printf x > left.txt; [ $AAD_ATTEMPT = 2 ] && rm left.txt || {NEVER}"
    project = begin(tmp_path).spec("A", "printf a > a.txt").spec("B", line, depends_on=["A"]).commit()
    before = project.belongings()
    with project.start(*ALL) as running:
        running.until("session_started", "B")
        worktree = project.root / ".aad" / "worktrees" / project.run.name / "B"
        until((worktree / "left.txt").exists)
        running.send(signal.SIGKILL).end().exits(-signal.SIGKILL)

    project.aad(*RESUME).exits(0)

    assert project.touched(before) == []
    assert project.is_sound()
    assert attempts(project) == [("A", 1), ("B", 1), ("B", 2)]
    assert project.changes(f"refs/aad/{project.run.name}/B/1", "aad/A") == ["A left.txt", "A made.txt"]
    assert project.log("B", 2) == b"a.txt\nkept.txt\nsrc\n"
    assert project.changes() == ["A a.txt", "A made.txt"]


def test_a_run_goes_on_from_where_it_began_not_from_what_is_checked_out_now(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", "printf a > a.txt").commit()
    project.spec("B", "[ $AAD_ATTEMPT = 2 ] && cat a.txt kept.txt", depends_on=["A"])
    project.run_all().exits(1)
    project.file("kept.txt", "newer\n").commit("newer")

    project.aad(*RESUME).exits(0)

    assert project.log("B", 2) == b"aone\ntwo\nthree\n"
    assert project.git("merge-base", "main", project.run_branch) == project.git("rev-parse", "main~1")


def retried(folder: Path, line: str) -> GitProject:
    """Return a project whose spec may be tried three times."""
    project = begin(folder).config("[orchestrator.retries]\ndelay = '0s'\n")
    return project.spec("A", line, retries=2).commit()


def test_a_retry_starts_clean_and_each_attempts_work_is_kept(tmp_path: Path) -> None:
    line = "ls; git log --format=%s -1; printf $AAD_ATTEMPT > made-$AAD_ATTEMPT.txt"
    project = retried(tmp_path, f"{line}; mkdir x; : > x/y; {COMMIT}; [ $AAD_ATTEMPT = 3 ]")

    project.run_all().exits(0)

    assert project.log("A", 3) == b"config\nkept.txt\nsrc\nbase\n"
    assert project.kept_refs() == ["A/1", "A/2"]
    assert project.changes(f"refs/aad/{project.run.name}/A/2") == ["A made-2.txt", "A x/y"]
    assert project.changes() == ["A made-3.txt", "A x/y"]
    assert project.worktrees() == []


ASK = "printf '%s\\n' '{\"question\": \"Which?\"}' >> $AAD_EVENTS; sleep 30"


@pytest.mark.parametrize("parked", [False, True])
def test_where_a_question_is_tried_again_it_begins_clean_and_what_was_made_is_kept(
    tmp_path: Path, *, parked: bool
) -> None:
    clean = "test ! -e made.txt && printf new > new.txt"
    project = begin(tmp_path).spec("A", f"[ $AAD_ATTEMPT = 2 ] && {{ {clean}; exit; }}; {MAKE}; {ASK}")
    patience = "fail" if parked else "wait"
    numb = "[orchestrator]\nmonitor_interval = '50ms'\n"
    project.config(f"{numb}[escalation]\nquestions = '{patience}'\n").commit()

    if parked:
        project.aad(*ALL).exits(4)
        project.aad("escalations", "resolve", "A-error", "--retry").exits(0)
        project.aad(*RESUME).exits(0)
    else:
        with project.start(*ALL) as running:
            running.until("session_waiting", "A")
            project.aad("escalations", "resolve", "A-error", "--retry").exits(0)
            running.end().exits(0)

    assert project.changes() == ["A new.txt"]
    assert project.kept_refs() == ["A/1"]
    assert project.is_sound()


def test_what_no_commit_keeps_is_put_beside_the_log_before_a_retry(tmp_path: Path) -> None:
    project = retried(tmp_path, f"ls -A; {MAKE}; printf s > .env; [ $AAD_ATTEMPT = 2 ] && rm .env")

    project.run_all().exits(0)

    assert (project.run / "A" / "1" / "left-out" / ".env").read_text() == "s"
    assert b".env" not in project.log("A", 2)
    assert project.left_out() == [(".env", "secret")]


def test_ignored_files_are_the_only_ones_that_a_retry_costs(tmp_path: Path) -> None:
    project = retried(tmp_path, "ls; : > x.tmp; : > made.txt; [ $AAD_ATTEMPT = 2 ]")
    project.file(".gitignore", "*.tmp\n").commit()

    project.run_all().exits(0)

    assert project.log("A", 2) == b"config\nkept.txt\nsrc\n"
    assert project.changes(f"refs/aad/{project.run.name}/A/1") == ["A made.txt"]


def test_where_work_could_not_be_saved_no_attempt_takes_its_place(tmp_path: Path) -> None:
    spoil = "rm -r $(git rev-parse --git-dir)"
    project = retried(tmp_path, f"[ $AAD_ATTEMPT = 2 ] || {{ printf precious > made.txt; {spoil}; }}")

    project.run_all().exits(1)

    assert "holds work that could not be saved" in failure(project, "A")["message"]
    assert project.read(f".aad/worktrees/{project.run.name}/A/made.txt") == "precious"
