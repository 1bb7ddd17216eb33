"""Old runs go, and whatever happens meanwhile, those that are listed are whole."""

import signal
from pathlib import Path

from harness import Project, until, wait_for_file

ALL = ("orchestrate", "--all")
PRUNE = ("runs", "prune", "--keep", "1")


def list_statuses(project: Project) -> list[str]:
    return [run["status"] for run in project.aad("runs", "--format", "json").exits(0).json()["runs"]]


def list_names(project: Project) -> list[str]:
    return sorted(path.name for path in (project.root / ".aad" / "runs").iterdir())


def test_the_newest_run_stays_and_can_be_resumed(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "test -e mended")
    project.aad(*ALL).exits(1)
    project.aad(*ALL).exits(1)
    oldest, newest, _ = list_names(project)

    told = project.aad(*PRUNE, "--format", "json").exits(0).says("").json()

    assert [(run["run"], run["why"]) for run in told["runs"]] == [(oldest, "count")]
    assert list_names(project) == [newest, "latest"]
    assert [path.name for path in (project.root / ".aad" / "escalations").iterdir()] == ["A-error-2.json"]
    project.touch("mended").aad("orchestrate", "--resume").exits(0)


def test_a_kill_half_way_leaves_only_whole_runs_and_the_next_time_does_the_rest(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A")
    project.aad(*ALL).exits(0)
    (oldest, _) = list_names(project)
    for number in range(3000):
        project.touch(f".aad/runs/{oldest}/A/1/{number}")
    project.aad(*ALL).exits(0)

    with project.start(*PRUNE) as running:
        until(lambda: running.popen.poll() is not None or not (project.root / ".aad/runs" / oldest).exists())
        running.send(signal.SIGKILL).end()

    assert list_statuses(project) == ["completed"]
    project.aad(*PRUNE).exits(0)
    assert (len(list_names(project)), list_statuses(project)) == (2, ["completed"])


def test_while_a_run_goes_on_nothing_is_pruned(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", wait_for_file("go"))
    project.touch("go").aad(*ALL).exits(0)
    (project.root / "go").unlink()

    with project.start(*ALL) as running:
        running.until_err(b"A started")
        refused = project.aad(*PRUNE)
        project.touch("go")
        running.end().exits(0)

    refused.exits(6).prints("").says(
        "run RUN holds this project: process PID, since TIME (wait for its end, or end it)"
    )
    assert list_statuses(project) == ["completed", "completed"]
