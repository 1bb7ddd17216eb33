"""A project in which sessions have escalated: a failure, a question, and their files."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_project import RUN, Cli, open_cli

from aad.escalationlog import Decision, EscalationLog
from aad.events import Action, EscalationKind, EscalationLevel, Failure, Question, Reason

WHEN = datetime(2026, 11, 22, 21, 38, 24, tzinfo=UTC)

FAILURE = EscalationLog(
    id="SPEC-003-error",
    run_id=RUN,
    session_id=f"{RUN}/SPEC-003",
    spec_id="SPEC-003",
    level=EscalationLevel.ERROR,
    kind=EscalationKind.FAILED,
    reason="exit code 1",
    timestamp=WHEN,
    attempt=1,
    failure=Failure(
        reason=Reason.EXIT_CODE, exit_code=1, log_tail=("collected 14 items", "1 failed, 13 passed in 4.21s")
    ),
    log=f".aad/runs/{RUN}/SPEC-003/1/output.log",
    blocks=("SPEC-004", "SPEC-005"),
    decision=Decision(action=Action.SKIP, at=WHEN + timedelta(seconds=1)),
)
QUESTION = EscalationLog(
    id="SPEC-002-warning",
    run_id=RUN,
    session_id=f"{RUN}/SPEC-002",
    spec_id="SPEC-002",
    level=EscalationLevel.WARNING,
    kind=EscalationKind.QUESTION,
    reason="Which one?\nBoth are there.",
    timestamp=WHEN + timedelta(hours=1),
    attempt=2,
    question=Question(text="Which one?\nBoth are there.", options=("PostgreSQL", "SQLite")),
)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        opened.project.prepare()
        yield opened


def write(cli: Cli, *logs: EscalationLog) -> None:
    for log in logs:
        log.write(cli.project.escalations)
