"""One escalation as a value and as a file."""

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from attrs import evolve

from aad.errors import InputError
from aad.escalationlog import Decision, EscalationLog, free_id, read_escalation, read_escalations
from aad.events import Action, EscalationKind, EscalationLevel, Failure, Question, Reason, RolledBack

WHEN = datetime(2026, 11, 22, 21, 36, 12, 345678, tzinfo=UTC)
LOG = EscalationLog(
    id="A-error",
    run_id="20261122-213612-7f3a",
    session_id="20261122-213612-7f3a/A",
    spec_id="A",
    level=EscalationLevel.ERROR,
    reason="終了コード 3",
    timestamp=WHEN,
)
BARE = {
    "version": 1,
    "id": "A-error",
    "run_id": "20261122-213612-7f3a",
    "session_id": "20261122-213612-7f3a/A",
    "spec_id": "A",
    "attempt": 0,
    "level": "error",
    "rises": 0,
    "kind": "failed",
    "reason": "終了コード 3",
    "timestamp": "2026-11-22T21:36:12.345Z",
    "failure": None,
    "conflict": None,
    "work": None,
    "log": None,
    "log_tail": [],
    "question": None,
    "blocks": [],
    "will_retry": False,
    "redactions": 0,
    "state": "open",
    "decision": None,
}

needs_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")


def test_an_escalation_that_says_little_has_every_member_all_the_same() -> None:
    assert LOG.to_json() == BARE
    assert list(LOG.to_json()) == list(BARE)


def test_an_escalation_that_says_all_is_written_whole() -> None:
    log = evolve(
        LOG,
        attempt=2,
        kind=EscalationKind.QUESTION,
        failure=Failure(reason=Reason.KILLED, signal=9, log_tail=("one", "two")),
        log=".aad/runs/r/A/2/output.log",
        question=Question(text="Which?", options=("x", "y")),
        blocks=("B", "C"),
        will_retry=True,
        redactions=3,
        work=RolledBack(spec="A", ref="refs/aad/r/A/2", commit="5eed", base="ba5e"),
        decision=Decision(action=Action.ANSWER, by="handler", text="x", at=WHEN),
    )

    assert log.to_json() == {
        **BARE,
        "attempt": 2,
        "kind": "question",
        "failure": {"exit_code": None, "signal": 9},
        "work": {"ref": "refs/aad/r/A/2", "commit": "5eed", "show": "git diff ba5e refs/aad/r/A/2"},
        "log": ".aad/runs/r/A/2/output.log",
        "log_tail": ["one", "two"],
        "question": {"text": "Which?", "options": ["x", "y"]},
        "blocks": ["B", "C"],
        "will_retry": True,
        "redactions": 3,
        "state": "decided",
        "decision": {
            "action": "answer",
            "by": "handler",
            "at": "2026-11-22T21:36:12.345Z",
            "text": "x",
            "option": None,
        },
    }


def test_a_conflict_has_its_files_and_all_whose_work_it_is() -> None:
    failure = Failure(reason=Reason.CONFLICT, files=("src/a.txt", "b"), blocked_by=("A", "B"))

    told = evolve(LOG, kind=EscalationKind.CONFLICT, failure=failure).to_json()

    assert told == {
        **BARE,
        "kind": "conflict",
        "failure": {"exit_code": None, "signal": None},
        "conflict": {"files": ["src/a.txt", "b"], "specs": ["A", "B"]},
    }


def test_times_are_told_in_utc_wherever_they_come_from() -> None:
    tokyo = WHEN.astimezone(timezone(timedelta(hours=9)))

    assert evolve(LOG, timestamp=tokyo).to_json()["timestamp"] == "2026-11-22T21:36:12.345Z"


def test_a_file_is_json_that_people_can_read(tmp_path: Path) -> None:
    path = LOG.write(tmp_path)

    assert path == tmp_path / "A-error.json"
    assert path.read_text(encoding="utf-8") == json.dumps(BARE, ensure_ascii=False, indent=2) + "\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_utf8_cannot_hold_does_not_keep_an_escalation_from_its_file(tmp_path: Path) -> None:
    evolve(LOG, reason="a\udc80b").write(tmp_path)

    assert read_escalation(tmp_path, "A-error")["reason"] == "a?b"


def test_a_folder_that_is_gone_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LOG.write(tmp_path / "gone")


# Ids.


def test_the_first_id_has_no_number(tmp_path: Path) -> None:
    assert free_id(tmp_path / "none", "A", EscalationLevel.ERROR) == ("A-error", 1)


def test_an_id_is_taken_by_a_file_or_lies_before_the_first_that_is_looked_at(tmp_path: Path) -> None:
    LOG.write(tmp_path)
    evolve(LOG, id="A-error-3").write(tmp_path)

    names = [
        free_id(tmp_path, "A", EscalationLevel.ERROR),
        free_id(tmp_path, "A", EscalationLevel.ERROR, 3),
        free_id(tmp_path, "A", EscalationLevel.WARNING),
    ]

    assert names == [("A-error-2", 2), ("A-error-4", 4), ("A-warning", 1)]


# Reading.


def test_escalations_come_oldest_first_and_those_of_one_moment_by_id(tmp_path: Path) -> None:
    for name, seconds in (("C-error", 0), ("A-error", 2), ("B-error-2", 1), ("B-error", 1)):
        evolve(LOG, id=name, timestamp=WHEN + timedelta(seconds=seconds)).write(tmp_path)

    assert [escalation["id"] for escalation in read_escalations(tmp_path)] == [
        "C-error",
        "B-error",
        "B-error-2",
        "A-error",
    ]


def test_what_is_no_escalation_is_passed_over(tmp_path: Path) -> None:
    LOG.write(tmp_path)
    for name, content in (
        ("empty", b""),
        ("torn", b'{"id": "torn"'),
        ("list", b"[1]"),
        ("anonymous", b"{}"),
        ("binary", b"\xff\xfe"),
        ("deep", b"[" * 100_000),
    ):
        (tmp_path / f"{name}.json").write_bytes(content)
    (tmp_path / "folder.json").mkdir()
    (tmp_path / ".A-warning.json.1234").write_bytes(LOG.dump())

    assert list(read_escalations(tmp_path)) == [BARE]


def test_a_project_without_escalations_has_none(tmp_path: Path) -> None:
    assert list(read_escalations(tmp_path / "none")) == []


def test_a_folder_that_cannot_be_read_is_an_error_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InputError, match=r"/file: cannot be read: Not a directory \(make it readable\)$"):
        list(read_escalations(tmp_path / "file"))


@needs_user
def test_a_folder_that_we_may_not_read_is_not_an_empty_one(tmp_path: Path) -> None:
    tmp_path.chmod(0)

    with pytest.raises(InputError, match=r"cannot be read: Permission denied$"):
        list(read_escalations(tmp_path))
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["A-error", "A-error.json"])
def test_one_is_found_by_its_id_or_the_name_of_its_file(tmp_path: Path, name: str) -> None:
    LOG.write(tmp_path)

    assert read_escalation(tmp_path, name) == BARE


@pytest.mark.parametrize("name", ["B-error", "", "../outside", "inside/../../outside", "A-error.json.json"])
def test_one_that_is_not_there_or_not_in_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "inside").mkdir()
    evolve(LOG, id="outside").write(tmp_path)

    with pytest.raises(InputError) as caught:
        read_escalation(tmp_path / "inside", name)

    assert [(problem.key, problem.fields) for problem in caught.value.problems] == [
        ("escalation_unknown", {"id": name})
    ]
