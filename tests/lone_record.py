"""A record without a run around it, in a project of its own, and what its journal holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve

from aad.events import Event, RunFinished, SessionCompleted, SessionStarted
from aad.journal import read_journal
from aad.project import Project
from aad.record import RunRecord

RUN = "20261122-213612-7f3a"
BEGIN = SessionStarted(spec="A", attempt=1)
END = SessionCompleted(spec="A", attempt=1)
OVER = RunFinished(status="completed", exit_code=0, duration_s=1.0)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@contextmanager
def open_record(project: Project, *, run: str = RUN, resume: bool = False) -> Iterator[RunRecord]:
    record = RunRecord(project=project, run=run)
    try:
        record.open(resume=resume)
        yield record
    finally:
        record.close()


def bare(event: Event) -> Event:
    """Return an event without its time."""
    return evolve(event, ts=0.0)


def read(project: Project) -> list[Event]:
    return [bare(event) for event in read_journal(project.journal(RUN))]
