"""A project in a folder of its own, in which tests run commands in this process and see what they say."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, evolve, frozen

from aad.cli import run_command
from aad.events import (
    Event,
    Failure,
    Integrated,
    PlanEntry,
    PlanMade,
    Reason,
    RunFinished,
    RunStarted,
    SessionCompleted,
    SessionFailed,
    SessionSkipped,
    SessionStarted,
)
from aad.journal import Journal
from aad.project import Project

# 2026-11-22T21:36:12Z
START = 1795383372.0
RUN = "20261122-213612-7f3a"


@frozen
class Outcome:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str


@define
class Cli:
    """Runs `aad` in a project."""

    project: Project
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Outcome:
        status = run_command(arguments)
        out, err = self.capsys.readouterr()
        return Outcome(status, out, err)

    def write_spec(self, name: str, text: str) -> None:
        self.project.specs.mkdir(parents=True, exist_ok=True)
        (self.project.specs / f"{name}.md").write_text(text, encoding="utf-8")

    def write_journal(self, *events: Event, run: str = RUN) -> Path:
        """Write the journal of a run from events that say when they happened."""
        path = self.project.journal(run)
        journal = Journal.create(path)
        for event in events:
            journal.append(evolve(event, run=run))
        journal.close()
        return path

    def write_log(self, spec: str, attempt: int, data: bytes, *, run: str = RUN) -> Path:
        folder = self.project.attempt(run, spec, attempt)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "output.log").write_bytes(data)
        return folder / "output.log"


@contextmanager
def open_cli(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Cli]:
    """Stand in a folder, with an English terminal of 80 columns that is in Greenwich."""
    monkeypatch.chdir(folder)
    for name, value in {"AAD_LANG": "en", "COLUMNS": "80", "NO_COLOR": "1", "TZ": "UTC"}.items():
        monkeypatch.setenv(name, value)
    time.tzset()
    (folder / ".aad").mkdir(exist_ok=True)
    yield Cli(Project(folder), capsys)
    monkeypatch.delenv("TZ")
    time.tzset()


PLAN = PlanMade(
    ts=START,
    specs=(
        PlanEntry(id="SPEC-001", title="Domain"),
        PlanEntry(id="SPEC-002", title="設定管理", depends_on=("SPEC-001",), wave=1),
        PlanEntry(id="SPEC-003", title="CLI", depends_on=("SPEC-002",), wave=2),
    ),
    waves=(("SPEC-001",), ("SPEC-002",), ("SPEC-003",)),
)
STARTED = RunStarted(ts=START, pid=4242, version="0.1.0", jobs=2, schedule="eager")


def begin(spec: str, attempt: int = 1, *, at: float = START) -> SessionStarted:
    log = f".aad/runs/{RUN}/{spec}/{attempt}/output.log"
    return SessionStarted(ts=at, spec=spec, attempt=attempt, agent="command", pid=4243, log=log)


# A run whose second spec fails, and whose third is skipped for that.
FAILED_RUN: tuple[Event, ...] = (
    STARTED,
    PLAN,
    begin("SPEC-001"),
    SessionCompleted(ts=START + 62, spec="SPEC-001", attempt=1, duration_s=62.0),
    begin("SPEC-002", at=START + 62),
    SessionFailed(
        ts=START + 92,
        spec="SPEC-002",
        attempt=1,
        duration_s=30.0,
        failure=Failure(reason=Reason.EXIT_CODE, exit_code=3),
    ),
    SessionSkipped(ts=START + 92, spec="SPEC-003", failure=Failure(reason=Reason.BLOCKED)),
    RunFinished(
        ts=START + 92,
        status="failed",
        exit_code=1,
        duration_s=92.0,
        counts={"completed": 1, "failed": 1, "skipped": 1},
    ),
)
# The same run, killed while its second spec ran.
KILLED_RUN = FAILED_RUN[:5]
# What its first spec made, were it in a git repository.
INTEGRATED = Integrated(
    ts=START + 62,
    spec="SPEC-001",
    attempt=1,
    branch="aad/SPEC-001",
    commit="c0ffee",
    target=f"aad/run/{RUN}",
    result="facade",
)
