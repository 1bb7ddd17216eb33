"""`--resume` goes on where a run ended, however it ended: the journal alone decides what is done."""

import os
import signal
from pathlib import Path

import pytest
from harness import Line, Project, wait_for_file

ALL = ("orchestrate", "--all")
RESUME = ("orchestrate", "--resume")


def segments(project: Project) -> list[list[Line]]:
    """Return the journal's lines, parted where the run was begun or gone on with."""
    parts: list[list[Line]] = []
    for line in project.journal():
        if line["type"] == "run_started":
            parts.append([])
        parts[-1].append(line)
    return parts


def attempts(part: list[Line]) -> list[tuple[str, int]]:
    """Return the attempts that were begun in a part of a journal."""
    return [(line["spec"], line["attempt"]) for line in part if line["type"] == "session_started"]


def chain(folder: Path, middle: str) -> Project:
    """Return a project of three specs in a row, each of which leaves a mark."""
    project = Project(folder).spec("A", "echo A >> marks")
    project.spec("B", f"{middle} && echo B >> marks", depends_on=["A"])
    return project.spec("C", "echo C >> marks", depends_on=["B"])


def killed(project: Project, spec: str) -> None:
    """Run, and kill the run when a spec runs; its children are ended too."""
    with project.start(*ALL) as running:
        running.until("session_started", spec)
        running.send(signal.SIGKILL).end().exits(-signal.SIGKILL)


def test_after_a_failure_what_is_not_complete_runs_again_in_the_same_journal(tmp_path: Path) -> None:
    project = chain(tmp_path, "[ -e mended ]")
    project.aad(*ALL).exits(1)

    project.touch("mended").aad(*RESUME).exits(0)

    first, second = segments(project)
    assert (attempts(first), attempts(second)) == ([("A", 1), ("B", 1)], [("B", 2), ("C", 1)])
    assert project.read("marks") == "A\nB\nC\n"
    lines = project.journal()
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert {line["run"] for line in lines} == {project.run.name}
    assert [line["resumed"] for line in project.journal("run_started")] == [False, True]


def test_after_kill_9_what_is_not_complete_runs_again(tmp_path: Path) -> None:
    project = chain(tmp_path, wait_for_file("go"))
    killed(project, "B")

    project.touch("go").aad(*RESUME).exits(0)

    first, second = segments(project)
    assert (attempts(first), attempts(second)) == ([("A", 1), ("B", 1)], [("B", 2), ("C", 1)])
    assert project.read("marks") == "A\nB\nC\n"


def test_what_was_killed_is_told_as_resumed(tmp_path: Path) -> None:
    project = chain(tmp_path, wait_for_file("go"))
    killed(project, "B")

    result = project.touch("go").aad(*RESUME, "--jobs", "1")

    result.exits(0).says("""
        🚀 Orchestrator started
          run RUN resumed · 3 specs · 1 complete · 1 slot
        📊 Plan:
          - A (complete)
          - B (after A)
          - C (after B)

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


def test_a_killed_run_is_seen_as_interrupted(tmp_path: Path) -> None:
    project = chain(tmp_path, wait_for_file("go"))
    killed(project, "B")

    status = project.aad("status", "--format", "json").exits(0).json()

    standing = {spec["id"]: spec["status"] for spec in status["specs"]}
    assert (status["status"], standing) == (
        "interrupted",
        {"A": "completed", "B": "cancelled", "C": "pending"},
    )


def test_a_killed_run_holds_nothing_up(tmp_path: Path) -> None:
    project = chain(tmp_path, wait_for_file("go"))
    killed(project, "B")

    project.touch("go").aad(*ALL).exits(0)

    assert project.ends() == {"A": "completed", "B": "completed", "C": "completed"}


@pytest.mark.parametrize("cut", [1, 40])
def test_a_torn_last_line_is_set_aside(tmp_path: Path, cut: int) -> None:
    project = chain(tmp_path, wait_for_file("go"))
    killed(project, "B")
    whole = project.journal_file.read_bytes()
    *lines, last = whole.splitlines(keepends=True)
    project.journal_file.write_bytes(whole[:-cut])

    project.touch("go").aad(*RESUME).exits(0)

    kept = b"".join(lines)
    assert project.journal_file.read_bytes().startswith(kept + b'{"v":1')
    assert (project.run / f"journal.jsonl.torn-{len(kept)}").read_bytes() == last[:-cut]
    assert project.read("marks") == "A\nB\nC\n"


def all_but_the_lock(project: Project) -> dict[str, tuple[int, bytes]]:
    """Return the project's files, less the one that names whoever held the project last."""
    return {name: found for name, found in project.tree().items() if name != ".aad/state/lock"}


def test_a_damaged_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    project = chain(tmp_path, "false")
    project.aad(*ALL).exits(1)
    whole = project.journal_file.read_bytes()
    project.journal_file.write_bytes(whole.replace(b'"jobs":', b'"jobz":', 1))
    before = all_but_the_lock(project)

    result = project.aad(*RESUME)

    result.exits(2).says(
        "ROOT/.aad/runs/RUN/journal.jsonl: damaged at byte 0, with sound records behind it: "
        "nothing was changed (bring the file back from a copy, or start anew without --resume)"
    )
    assert all_but_the_lock(project) == before


def test_with_nothing_to_do_twice_nothing_is_done(tmp_path: Path) -> None:
    project = chain(tmp_path, "true")
    project.aad(*ALL).exits(0)

    results = [project.aad(*RESUME), project.aad(*RESUME)]

    for result in results:
        result.exits(0)
    assert [attempts(part) for part in segments(project)] == [[("A", 1), ("B", 1), ("C", 1)], [], []]
    assert [part[-1]["exit_code"] for part in segments(project)] == [0, 0, 0]


def test_a_run_is_named_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    project = chain(tmp_path, "[ -e mended ]")
    project.aad(*ALL).exits(1)
    first = project.run.name
    project.touch("mended")
    os.utime(project.run)

    project.aad("orchestrate", "--resume", first[:-1]).exits(0)

    assert project.run.name == first


def test_ids_sort_by_time_even_within_a_second(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A")
    names = []

    for _ in range(3):
        project.aad(*ALL, "-q").exits(0)
        names.append(project.run.name)

    assert names == sorted(names)


def test_a_run_can_be_resumed_while_its_escalations_count_on(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "exit 1")
    project.aad(*ALL).exits(1)

    project.aad(*RESUME).exits(1)

    assert [project.escalation(name)["attempt"] for name in ("A-error", "A-error-2")] == [1, 2]


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_gets_done(tmp_path: Path) -> None:
    names = [f"S-{number:02}" for number in range(12)]
    project = Project(tmp_path).chain(*names, run="sleep 0.05")
    # Each segment gets a little further, and is cut off wherever it happens to be then.
    for words in [ALL, *[RESUME] * 5]:
        with project.start(*words, "--jobs", "1") as running:
            running.until_told(len(project.journal_so_far()) + 8)
            running.send(signal.SIGKILL).end()

    project.aad(*RESUME).exits(0)

    assert [line["spec"] for line in project.journal("session_completed")] == names


def test_a_run_that_ended_before_it_planned_anything_says_so(tmp_path: Path) -> None:
    project = chain(tmp_path, "true")
    project.aad(*ALL).exits(0)
    begun = project.journal_file.read_bytes().splitlines(keepends=True)[0]
    project.journal_file.write_bytes(begun)

    words = "(--all or --specs says what to run; without --resume a new run begins)"
    project.aad(*RESUME).exits(2).says(f"run RUN ended before anything was planned {words}")
    project.aad(*RESUME, "--all", "-q").exits(0)
