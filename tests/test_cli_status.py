"""`aad status`: where a run stands."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from cli_project import (
    FAILED_RUN,
    INTEGRATED,
    KILLED_RUN,
    PLAN,
    RUN,
    START,
    STARTED,
    Cli,
    Outcome,
    begin,
    open_cli,
)

from aad.events import (
    Action,
    EscalationDecided,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Event,
    Failure,
    Question,
    Reason,
    RunFinished,
    SessionCancelled,
    SessionSkipped,
    SessionWaiting,
)
from aad.lock import hold_lock
from aad.runlist import point_latest

FAILED_TEXT = f"""\
run {RUN} · failed · 1m 32s · 1/3 complete
  ✓ SPEC-001  Domain    completed  1m 2s
  ✗ SPEC-002  設定管理  failed     30s
  ⊘ SPEC-003  CLI       skipped
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        yield opened


def test_a_run_that_is_over_is_drawn_with_all_its_sessions(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)

    outcome = cli.run("status")

    assert outcome == Outcome(0, FAILED_TEXT, "")


def test_a_run_is_drawn_in_japanese(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)

    outcome = cli.run("status", "--lang", "ja")

    assert outcome.out == (
        f"実行 {RUN} · 失敗 · 1分32秒 · 1/3 完了\n"
        "  ✓ SPEC-001  Domain    完了      1分2秒\n"
        "  ✗ SPEC-002  設定管理  失敗      30秒\n"
        "  ⊘ SPEC-003  CLI       スキップ\n"
    )


def test_the_symbols_can_be_ascii(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)

    outcome = cli.run("status", "--symbols", "ascii")

    assert outcome.out == FAILED_TEXT.translate(str.maketrans("·✓✗⊘", "-+x-"))


def test_a_run_that_goes_on_is_running(cli: Cli) -> None:
    # What began in the future has not taken any time, however fast the test is.
    future = 4e9
    cli.write_journal(evolve(STARTED, ts=future), evolve(PLAN, ts=future), begin("SPEC-001", at=future))

    with hold_lock(cli.project.state, RUN):
        outcome = cli.run("status")

    assert outcome.out == (
        f"run {RUN} · running · 0.0s · 0/3 complete\n"
        "  ▸ SPEC-001  Domain    running\n"
        "    SPEC-002  設定管理  pending\n"
        "    SPEC-003  CLI       pending\n"
    )


def test_a_run_that_was_killed_is_interrupted_and_stands_still(cli: Cli) -> None:
    cli.write_journal(*KILLED_RUN)

    outcome = cli.run("status")

    assert outcome.out == (
        f"run {RUN} · interrupted · 1m 2s · 1/3 complete\n"
        "  ✓ SPEC-001  Domain    completed  1m 2s\n"
        "  ⊘ SPEC-002  設定管理  cancelled\n"
        "    SPEC-003  CLI       pending\n"
        f"  → aad orchestrate --resume {RUN}\n"
    )


def test_a_run_that_was_killed_is_interrupted_also_while_another_one_goes_on(cli: Cli) -> None:
    cli.write_journal(*KILLED_RUN)

    with hold_lock(cli.project.state, "20261123-000000-0000"):
        outcome = cli.run("status", "--format", "json")

    assert json.loads(outcome.out)["status"] == "interrupted"


def test_a_run_that_goes_on_is_known_to_though_a_child_deleted_the_folder_of_its_lock(cli: Cli) -> None:
    cli.write_journal(*KILLED_RUN)
    point_latest(cli.project.runs, RUN)

    with hold_lock(cli.project.state, RUN):
        shutil.rmtree(cli.project.state)
        outcome = cli.run("status", "--format", "json")

    assert json.loads(outcome.out)["status"] == "running"


def test_json_has_the_promised_members(cli: Cli) -> None:
    cli.write_journal(*KILLED_RUN)

    outcome = cli.run("status", "--format", "json")

    blank: dict[str, object] = {
        "attempt": 0,
        "agent": None,
        "progress": None,
        "message": None,
        "eta_s": None,
        "duration_s": 0.0,
        "log": None,
        "workspace": None,
        "branch": None,
        "commit": None,
        "escalations": [],
        "usage": None,
    }
    logs = [f".aad/runs/{RUN}/SPEC-00{number}/1/output.log" for number in (1, 2)]
    assert (outcome.status, outcome.err, json.loads(outcome.out)) == (
        0,
        "",
        {
            "version": 1,
            "run": RUN,
            "started": "2026-11-22T21:36:12.000Z",
            "ended": None,
            "status": "interrupted",
            "base": None,
            "branch": None,
            "result": None,
            "specs": [
                {
                    **blank, "id": "SPEC-001", "title": "Domain", "status": "completed", "attempt": 1,
                    "agent": "command", "progress": 1.0, "duration_s": 62.0, "log": logs[0],
                },
                {
                    **blank, "id": "SPEC-002", "title": "設定管理", "status": "cancelled", "attempt": 1,
                    "agent": "command", "log": logs[1],
                },
                {**blank, "id": "SPEC-003", "title": "CLI", "status": "pending"},
            ],
        },
    )  # fmt: skip


def test_the_newest_run_is_shown_unless_another_is_named_by_the_beginning_of_its_id(cli: Cli) -> None:
    cli.write_journal(*FAILED_RUN)
    cli.write_journal(*KILLED_RUN, run="20261123-000000-0000")

    named, newest = cli.run("status", "20261122"), cli.run("status")

    assert (named.out, newest.out.splitlines()[0]) == (
        FAILED_TEXT,
        "run 20261123-000000-0000 · interrupted · 1m 2s · 1/3 complete",
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["1999"], f"no run begins with 1999 (there are: {RUN})"),
        (["../x"], f"no run begins with ../x (there are: {RUN})"),
    ],
)
def test_a_run_that_does_not_exist_is_an_error(cli: Cli, arguments: list[str], told: str) -> None:
    cli.write_journal(*FAILED_RUN)

    outcome = cli.run("status", *arguments)

    assert outcome == Outcome(2, "", f"{told}\n")


def test_without_any_run_the_way_to_one_is_told(cli: Cli) -> None:
    outcome = cli.run("status")

    assert outcome == Outcome(2, "", "there are no runs yet (aad orchestrate begins one)\n")


def test_a_run_that_never_wrote_a_record_is_interrupted(cli: Cli) -> None:
    cli.write_journal()

    outcome = cli.run("status")

    assert outcome.out == (f"run {RUN} · interrupted · 0/0 complete\n  → aad orchestrate --resume {RUN}\n")


def test_a_damaged_journal_is_named(cli: Cli) -> None:
    path = cli.write_journal(*FAILED_RUN)
    path.write_bytes(path.read_bytes().replace(b"Domain", b"Demand", 1))

    outcome = cli.run("status")

    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(f"{path}: damaged at byte ")


def test_what_a_file_says_cannot_move_the_cursor(cli: Cli) -> None:
    evil = evolve(PLAN, specs=(evolve(PLAN.specs[0], title="\x1b[2J\x1b]0;evil\x07title\r\n"),))
    cli.write_journal(STARTED, evil, begin("SPEC-001", at=START))

    outcome = cli.run("status")

    assert outcome.out.splitlines()[1] == "  ⊘ SPEC-001  title  cancelled"


def test_the_branch_with_the_result_stands_below_the_sessions(cli: Cli) -> None:
    cli.write_journal(*KILLED_RUN[:3], INTEGRATED, *KILLED_RUN[3:])

    outcome = cli.run("status")

    assert (
        outcome.out
        == f"""\
run {RUN} · interrupted · 1m 2s · 1/3 complete
  ✓ SPEC-001  Domain    completed  1m 2s
  ⊘ SPEC-002  設定管理  cancelled
    SPEC-003  CLI       pending
  Result: aad/run/{RUN}
  → aad orchestrate --resume {RUN}
"""
    )


# What waits for a person.

TEXT = "Which database?\nBoth are there."


def ask(spec: str, text: str = TEXT) -> list[Event]:
    """Return the events of a session that asks and waits."""
    raised = EscalationRaised(
        spec=spec, attempt=1, escalation=f"{spec}-error", level=EscalationLevel.ERROR, ts=START + 3,
        kind=EscalationKind.QUESTION, message=text, path="p", question=Question(text=text),
    )  # fmt: skip
    return [
        begin(spec, at=START + 2),
        raised,
        SessionWaiting(spec=spec, attempt=1, escalation=f"{spec}-error", message=text, ts=START + 4),
    ]


def stop(status: str) -> Event:
    return RunFinished(ts=START + 5, status=status, exit_code=4, duration_s=5.0)


def test_a_run_that_ended_because_nobody_answered_shows_the_question_and_what_leads_on(cli: Cli) -> None:
    cli.write_journal(STARTED, PLAN, *ask("SPEC-001"), stop("waiting"))

    assert cli.run("status") == Outcome(
        0,
        f"""\
run {RUN} · waiting · 5s · 0/3 complete
  ? SPEC-001  Domain    waiting
    SPEC-002  設定管理  pending
    SPEC-003  CLI       pending
  ? SPEC-001-error: Which database?
  → aad escalations answer SPEC-001-error TEXT
  → aad orchestrate --resume {RUN}
""",
        "",
    )


def test_of_several_questions_all_are_shown_also_after_an_interruption(cli: Cli) -> None:
    ends = [SessionCancelled(spec=f"SPEC-00{n}", attempt=1, ts=START + 5) for n in (1, 2)]
    cli.write_journal(
        STARTED, PLAN, *ask("SPEC-001"), *ask("SPEC-002", "x" * 120), *ends, stop("interrupted")
    )

    assert cli.run("status").out.splitlines()[4:] == [
        "  ? SPEC-001-error: Which database?",
        f"  ? SPEC-002-error: {'x' * 100}…",
        "  → aad escalations list",
        "  → aad escalations answer SPEC-001-error TEXT",
        f"  → aad orchestrate --resume {RUN}",
    ]


def test_a_run_that_waits_shows_the_question_and_needs_no_resuming(cli: Cli) -> None:
    cli.write_journal(STARTED, PLAN, *ask("SPEC-001"))

    with hold_lock(cli.project.state, RUN):
        outcome = cli.run("status")

    assert outcome.out.splitlines()[4:] == [
        "  ? SPEC-001-error: Which database?",
        "  → aad escalations answer SPEC-001-error TEXT",
    ]


def test_what_is_waited_for_is_told_also_where_it_is_no_decision(cli: Cli) -> None:
    limit = "claude is used up until 14:03:00"
    waits = [SessionWaiting(spec=f"SPEC-00{n}", message=limit, ts=START + 4) for n in (1, 2)]
    cli.write_journal(STARTED, PLAN, *waits, stop("waiting"))

    status, shown = cli.run("status"), cli.run("runs", "show")

    assert status.out.splitlines()[4:] == [
        f"  ? SPEC-001, SPEC-002: {limit}",
        f"  → aad orchestrate --resume {RUN}",
    ]
    assert shown.out.splitlines()[5:] == [
        "📈 Summary:",
        "  Completed: 0",
        "  Failed: 0",
        "  Waiting: 2 (SPEC-001, SPEC-002)",
        "  Not started: 1 (SPEC-003)",
        f"  ? SPEC-001, SPEC-002: {limit}",
        "  Total time: 5s",
        "  Next: aad orchestrate --resume",
    ]


def test_of_what_is_waited_for_a_line_is_shown(cli: Cli) -> None:
    waits = SessionWaiting(spec="SPEC-001", message="x" * 120 + "\nmore", ts=START + 4)
    cli.write_journal(STARTED, PLAN, waits, stop("waiting"))

    assert cli.run("status").out.splitlines()[4] == f"  ? SPEC-001: {'x' * 100}…"


def test_a_failure_that_waits_is_shown_with_its_reason(cli: Cli) -> None:
    raised = EscalationRaised(
        spec="SPEC-001", attempt=1, escalation="SPEC-001-error", level=EscalationLevel.ERROR, ts=START + 3,
        kind=EscalationKind.FAILED, message="exit code 1", path="p", failure=Failure(reason=Reason.EXIT_CODE),
    )  # fmt: skip
    waiting = SessionWaiting(spec="SPEC-001", attempt=1, escalation="SPEC-001-error", ts=START + 4)
    cli.write_journal(STARTED, PLAN, begin("SPEC-001", at=START + 2), raised, waiting, stop("waiting"))

    assert cli.run("status").out.splitlines()[4:] == [
        "  ? SPEC-001-error: exit code 1",
        "  → aad escalations resolve SPEC-001-error --retry",
        f"  → aad orchestrate --resume {RUN}",
    ]


def test_what_was_answered_since_the_run_ended_is_not_asked_for_again(cli: Cli) -> None:
    cli.write_journal(STARTED, PLAN, *ask("SPEC-001"), stop("waiting"))
    cli.project.prepare()
    decision = {"action": "answer", "by": "person", "text": "sqlite"}
    (cli.project.escalations / "SPEC-001-error.json").write_text(
        json.dumps({"id": "SPEC-001-error", "state": "decided", "decision": decision})
    )

    status, shown = cli.run("status"), cli.run("runs", "show")

    assert status.out.splitlines()[4:] == [f"  → aad orchestrate --resume {RUN}"]
    assert shown.out.splitlines()[-1] == "  Next: aad orchestrate --resume"


def test_the_summary_of_a_run_that_is_shown_later_tells_why_a_session_was_left_out(cli: Cli) -> None:
    decided = EscalationDecided(
        spec="SPEC-001", attempt=1, escalation="SPEC-001-error", action=Action.SKIP, by="person",
        message="not this week", ts=START + 4,
    )  # fmt: skip
    skipped = SessionSkipped(spec="SPEC-001", attempt=1, escalation="SPEC-001-error", ts=START + 4)
    cli.write_journal(STARTED, PLAN, *ask("SPEC-001"), decided, skipped, stop("failed"))

    assert "  SPEC-001: skipped, as a person decided: not this week\n" in cli.run("runs", "show").out
