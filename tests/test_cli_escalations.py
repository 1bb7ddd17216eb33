"""`aad escalations`: what was raised to the parent session, what was decided, and how a person decides."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from cli_project import RUN, START, STARTED, Cli, Outcome, open_cli

from aad.escalationlog import Decision, EscalationLog, read_escalation
from aad.events import (
    PERSON,
    Action,
    EscalationKind,
    EscalationLevel,
    Failure,
    Question,
    Reason,
    RolledBack,
    RunFinished,
)
from aad.lock import hold_lock

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
CONFLICT = evolve(
    FAILURE,
    kind=EscalationKind.CONFLICT,
    reason="merge conflict in src/a.py, b.py (changes of SPEC-002, SPEC-003)",
    failure=Failure(reason=Reason.CONFLICT, files=("src/a.py", "b.py"), blocked_by=("SPEC-002", "SPEC-003")),
    work=RolledBack(spec="SPEC-003", ref=f"refs/aad/{RUN}/SPEC-003/1", commit="5eed", base="ba5e"),
)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        opened.project.prepare()
        yield opened


def write(cli: Cli, *logs: EscalationLog) -> None:
    for log in logs:
        log.write(cli.project.escalations)


@pytest.mark.parametrize("arguments", [[], ["list"], ["--format", "text"]])
def test_escalations_are_listed_in_a_line_each_with_the_newest_last(cli: Cli, arguments: list[str]) -> None:
    write(cli, QUESTION, FAILURE)

    outcome = cli.run("escalations", *arguments)

    assert outcome == Outcome(
        0,
        "✓ SPEC-003-error    error    failed    2026-11-22 21:38:24  decided  exit code 1\n"
        "? SPEC-002-warning  warning  question  2026-11-22 22:38:24  open     Which one? Both are there.\n",
        "",
    )


def test_escalations_are_listed_in_japanese(cli: Cli) -> None:
    write(cli, QUESTION, FAILURE)

    outcome = cli.run("escalations", "--lang", "ja")

    assert outcome.out == (
        "✓ SPEC-003-error    エラー  失敗  2026-11-22 21:38:24  決定済み  exit code 1\n"
        "? SPEC-002-warning  警告    質問  2026-11-22 22:38:24  未決      Which one? Both are there.\n"
    )


def test_a_failure_is_shown_in_full(cli: Cli) -> None:
    write(cli, FAILURE)

    outcome = cli.run("escalations", "show", "SPEC-003-error")

    assert outcome == Outcome(
        0,
        f"""\
SPEC-003-error
  state     decided
  level     error
  kind      failed
  spec      SPEC-003 (attempt 1)
  run       {RUN}
  time      2026-11-22 21:38:24
  reason    exit code 1
  blocks    SPEC-004, SPEC-005
  log       .aad/runs/{RUN}/SPEC-003/1/output.log
  decision  skip, decided by policy
            2026-11-22 21:38:25
    │ collected 14 items
    │ 1 failed, 13 passed in 4.21s
  → aad logs SPEC-003 --run {RUN} --attempt 1
  → aad orchestrate --resume {RUN}
""",
        "",
    )


def test_a_question_is_shown_with_its_options(cli: Cli) -> None:
    write(cli, QUESTION)

    outcome = cli.run("escalations", "show", "SPEC-002-warning")

    assert (
        outcome.out
        == f"""\
SPEC-002-warning
  state     open
  level     warning
  kind      question
  spec      SPEC-002 (attempt 2)
  run       {RUN}
  time      2026-11-22 22:38:24
  reason    Which one? Both are there.
  question  Which one?
            Both are there.
            1. PostgreSQL
            2. SQLite
  → aad escalations answer SPEC-002-warning TEXT
  → aad escalations resolve SPEC-002-warning --skip
"""
    )


def test_an_open_failure_is_shown_with_the_command_that_decides_it(cli: Cli) -> None:
    write(cli, evolve(FAILURE, decision=None))

    outcome = cli.run("escalations", "show", "SPEC-003-error")

    assert outcome.out.splitlines()[-3:] == [
        "  → aad escalations resolve SPEC-003-error --retry",
        "  → aad escalations resolve SPEC-003-error --skip",
        f"  → aad orchestrate --resume {RUN}",
    ]


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("en", f"run {RUN} is under way: it takes a decision within a second"),
        ("ja", f"実行 {RUN} は進行中です（決定すると 1 秒以内に反映されます）"),
    ],
)
def test_while_its_run_is_under_way_what_is_open_needs_no_resuming(cli: Cli, lang: str, told: str) -> None:
    write(cli, QUESTION, FAILURE)

    with hold_lock(cli.project.state, RUN):
        undecided = cli.run("escalations", "show", "SPEC-002-warning", "--lang", lang)
        decided = cli.run("escalations", "show", "SPEC-003-error", "--lang", lang)

    assert undecided.out.splitlines()[-1] == f"  → {told}"
    assert decided.out.splitlines()[-1] == f"  → aad logs SPEC-003 --run {RUN} --attempt 1"


def test_where_there_are_several_runs_each_escalation_is_listed_with_its_own(cli: Cli) -> None:
    write(cli, FAILURE, evolve(QUESTION, run_id="20261123-000000-0000"))

    outcome = cli.run("escalations")

    assert outcome.out == (
        f"✓ SPEC-003-error    error    failed    {RUN}  2026-11-22 21:38:24  decided  exit code 1\n"
        "? SPEC-002-warning  warning  question  20261123-000000-0000  2026-11-22 22:38:24  open     "
        "Which one? Both are there.\n"
    )


def test_the_commands_that_decide_are_safe_to_paste(cli: Cli) -> None:
    path = cli.project.escalations / "odd.json"
    path.write_text(json.dumps({"id": "$(rm -r .)", "state": "open", "level": "warning"}))

    outcome = cli.run("escalations", "show", "odd")

    assert outcome.out.splitlines()[-1] == "  → aad escalations resolve '$(rm -r .)' --skip"


def test_an_answer_is_shown_with_who_gave_it(cli: Cli) -> None:
    decision = Decision(action=Action.ANSWER, by="handler", text="SQLite\nplease", at=WHEN)
    write(cli, evolve(QUESTION, decision=decision))

    outcome = cli.run("escalations", "show", "SPEC-002-warning")

    assert outcome.out.splitlines()[-4:] == [
        "  decision  answer, decided by handler",
        "            2026-11-22 21:38:24",
        "            SQLite",
        "            please",
    ]


@pytest.mark.parametrize(
    ("option", "text", "shown"),
    [
        ("SQLite", "SQLite", ["2. SQLite"]),
        ("SQLite", "the small\none", ["2. SQLite", "the small", "one"]),
        ("DuckDB", "DuckDB", ["DuckDB"]),
        ("SQLite", None, ["2. SQLite"]),
    ],
)
def test_the_option_that_was_chosen_is_shown_with_its_number(
    cli: Cli, option: str, text: str | None, shown: list[str]
) -> None:
    decision = Decision(action=Action.ANSWER, by=PERSON, text=text, option=option, at=WHEN)
    write(cli, evolve(QUESTION, decision=decision))

    outcome = cli.run("escalations", "show", "SPEC-002-warning")

    assert [line.strip() for line in outcome.out.splitlines()][12:] == [
        "decision  answer, decided by a person",
        "2026-11-22 21:38:24",
        *shown,
    ]


def test_an_escalation_is_shown_in_japanese(cli: Cli) -> None:
    write(cli, FAILURE)

    outcome = cli.run("escalations", "show", "SPEC-003-error", "--lang", "ja")

    assert (
        outcome.out
        == f"""\
SPEC-003-error
  状態        決定済み
  レベル      エラー
  種類        失敗
  仕様        SPEC-003 (1回目)
  実行        {RUN}
  日時        2026-11-22 21:38:24
  理由        exit code 1
  終わりかた  終了コード 1
  止まる仕様  SPEC-004, SPEC-005
  ログ        .aad/runs/{RUN}/SPEC-003/1/output.log
  決定        スキップ (決定: 方針)
              2026-11-22 21:38:25
    │ collected 14 items
    │ 1 failed, 13 passed in 4.21s
  → aad logs SPEC-003 --run {RUN} --attempt 1
  → aad orchestrate --resume {RUN}
"""
    )


def test_a_conflict_is_shown_with_what_contradicts_what_is_kept_and_what_will_be_done(cli: Cli) -> None:
    write(cli, CONFLICT)

    outcome = cli.run("escalations", "show", "SPEC-003-error")

    assert (
        outcome.out
        == f"""\
SPEC-003-error
  state     decided
  level     error
  kind      conflict
  spec      SPEC-003 (attempt 1)
  run       {RUN}
  time      2026-11-22 21:38:24
  reason    merge conflict in src/a.py, b.py (changes of SPEC-002, SPEC-003)
  files     src/a.py, b.py
  specs     SPEC-002, SPEC-003
  blocks    SPEC-004, SPEC-005
  work      refs/aad/{RUN}/SPEC-003/1
  log       .aad/runs/{RUN}/SPEC-003/1/output.log
  decision  skip, decided by policy
            2026-11-22 21:38:25
  → git diff ba5e refs/aad/{RUN}/SPEC-003/1
  → aad logs SPEC-003 --run {RUN} --attempt 1
  → aad orchestrate --resume {RUN} (does SPEC-003 anew, on top of what is finished by then)
"""
    )


def test_a_conflict_is_shown_in_japanese(cli: Cli) -> None:
    write(cli, CONFLICT)

    outcome = cli.run("escalations", "show", "SPEC-003-error", "--lang", "ja")

    shown = outcome.out.splitlines()
    assert shown[8:12] == [
        "  ファイル      src/a.py, b.py",
        "  関係する仕様  SPEC-002, SPEC-003",
        "  止まる仕様    SPEC-004, SPEC-005",
        f"  作業内容      refs/aad/{RUN}/SPEC-003/1",
    ]
    assert shown[-1] == (
        f"  → aad orchestrate --resume {RUN} (SPEC-003 を、その時点で完了している成果の上でやり直します)"
    )


def test_how_a_child_ended_is_shown_where_the_reason_does_not_say_it(cli: Cli) -> None:
    failure = Failure(reason=Reason.KILLED, signal=9)
    write(cli, evolve(FAILURE, reason="out of memory", failure=failure))

    outcome = cli.run("escalations", "show", "SPEC-003-error")

    assert outcome.out.splitlines()[7:9] == ["  reason    out of memory", "  ended     killed by SIGKILL"]


def test_the_path_of_an_escalation_will_do_as_its_id(cli: Cli) -> None:
    write(cli, FAILURE)

    by_path = cli.run("escalations", "show", ".aad/escalations/SPEC-003-error.json")

    assert by_path == cli.run("escalations", "show", "SPEC-003-error")


def test_json_is_what_the_files_hold(cli: Cli) -> None:
    write(cli, QUESTION, FAILURE)
    held = [
        json.loads((cli.project.escalations / f"{log.id}.json").read_bytes()) for log in (FAILURE, QUESTION)
    ]

    listed = cli.run("escalations", "list", "--format", "json")
    shown = cli.run("escalations", "show", "SPEC-002-warning", "--format", "json")

    assert (json.loads(listed.out), json.loads(shown.out)) == (held, held[1])


def test_an_unknown_escalation_is_an_error(cli: Cli) -> None:
    write(cli, FAILURE)

    outcome = cli.run("escalations", "show", "nonsense\x1b[2J")

    assert outcome == Outcome(2, "", "there is no escalation nonsense (aad escalations lists them)\n")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("show", "SPEC-003"), "there is no escalation SPEC-003 (did you mean SPEC-003-error?"),
        (
            ("answer", "spec-03-error", "1"),
            "there is no escalation spec-03-error (did you mean SPEC-003-error?",
        ),
        (
            ("resolve", "SPEC-03-err", "--skip"),
            "there is no escalation SPEC-03-err (did you mean SPEC-003-error?",
        ),
    ],
)
def test_a_slip_in_an_id_brings_what_may_be_meant(cli: Cli, command: tuple[str, ...], told: str) -> None:
    write(cli, FAILURE)

    outcome = cli.run("escalations", *command)

    assert outcome == Outcome(2, "", f"{told} aad escalations lists them)\n")


@pytest.mark.parametrize("name", ["..", "/", "", "../state/owner"])
def test_no_id_leads_out_of_the_folder(cli: Cli, name: str) -> None:
    (cli.project.state / "owner.json").write_text('{"id": "secret"}')

    outcome = cli.run("escalations", "show", name)

    assert (outcome.status, outcome.out) == (2, "")


def test_where_no_escalation_is_that_is_said(cli: Cli) -> None:
    outcome = cli.run("escalations")

    told = "there are no escalations (what a session fails at, asks or warns of will stand here)\n"
    assert outcome == Outcome(0, "", told)


def test_no_escalations_are_an_empty_list_in_json(cli: Cli) -> None:
    outcome = cli.run("escalations", "--format", "json")

    assert outcome == Outcome(0, "[]\n", "")


def test_a_project_that_never_ran_has_no_escalations(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    new = cli.project.root / "new"
    (new / ".git").mkdir(parents=True)
    monkeypatch.chdir(new)

    outcome = cli.run("escalations", "--format", "json")

    assert outcome == Outcome(0, "[]\n", "")


def test_a_folder_that_cannot_be_read_is_an_error(cli: Cli) -> None:
    cli.project.escalations.rmdir()
    cli.project.escalations.write_text("not a folder")

    outcome = cli.run("escalations")

    assert outcome == Outcome(
        2, "", f"{cli.project.escalations}: cannot be read: Not a directory (make it readable)\n"
    )


def test_files_that_are_no_escalations_are_passed_over(cli: Cli) -> None:
    write(cli, FAILURE)
    for name, text in {"torn": '{"id": "to', "list": "[]", "none": "{}", "deep": "[" * 10_000}.items():
        (cli.project.escalations / f"{name}.json").write_text(text)
    (cli.project.escalations / "folder.json").mkdir()

    outcome = cli.run("escalations")

    assert [line.split()[1] for line in outcome.out.splitlines()] == ["SPEC-003-error"]


def test_odd_members_are_shown_as_they_are(cli: Cli) -> None:
    odd = {
        "id": 7, "level": ["high"], "kind": "haunted", "timestamp": "yesterday", "state": None, "reason": {},
        "failure": "none", "log_tail": "x", "blocks": {}, "question": [], "decision": "no", "attempt": "two",
    }  # fmt: skip
    (cli.project.escalations / "odd.json").write_text(json.dumps(odd))

    listed, shown = cli.run("escalations"), cli.run("escalations", "show", "odd")

    assert listed.out == "✓ 7  ['high']  haunted  yesterday  {}\n"
    assert shown.out.splitlines()[:6] == [
        "7",
        "  level   ['high']",
        "  kind    haunted",
        "  spec     (attempt two)",
        "  time    yesterday",
        "  reason  {}",
    ]


def test_what_a_file_says_cannot_move_the_cursor(cli: Cli) -> None:
    evil = "\x1b[2Jevil\x1b]0;title\x07\r\nline"
    failure = Failure(reason=Reason.UNKNOWN, log_tail=(evil,))
    question = Question(text=evil, options=(evil,))
    write(cli, evolve(FAILURE, reason=evil, failure=failure, question=question, blocks=(evil,), log=evil))

    listed = cli.run("escalations", "--color", "never")
    shown = cli.run("escalations", "show", "SPEC-003-error", "--color", "never")

    assert "\x1b" not in listed.out + shown.out
    assert "\r" not in listed.out + shown.out
    assert len(listed.out.splitlines()) == 1


def test_colours_are_on_where_they_are_asked_for(cli: Cli) -> None:
    write(cli, QUESTION)

    outcome = cli.run("escalations", "--color", "always")

    assert outcome.out.startswith("\x1b[33m?\x1b[0m SPEC-002-warning  ")


def test_a_run_that_is_complete_is_not_offered_for_resuming(cli: Cli) -> None:
    write(cli, FAILURE)
    ended = RunFinished(ts=START + 70, status="completed", exit_code=0, duration_s=70.0)
    cli.write_journal(STARTED, ended)

    outcome = cli.run("escalations", "show", FAILURE.id)

    assert (
        outcome.out.splitlines()[-1]
        == f"  → aad logs {FAILURE.spec_id} --run {RUN} --attempt {FAILURE.attempt}"
    )


# How a person decides.

RESUMED = f"aad orchestrate --resume {RUN} goes on with it"


def read_decision(cli: Cli, name: str) -> dict[str, object] | None:
    """Return what an escalation's file says of its decision, less the time."""
    decision: dict[str, object] | None = read_escalation(cli.project.escalations, name)["decision"]
    return decision and {key: value for key, value in decision.items() if key != "at"}


def decided(action: str, text: str | None = None, option: str | None = None) -> dict[str, object]:
    return {"action": action, "by": "person", "text": text, "option": option}


@pytest.mark.parametrize("text", ["SQLite", "sqlite", "2", " 2 ", "２", "ＳＱＬｉｔｅ"])
def test_a_question_is_answered_by_the_words_or_the_number_of_an_option(cli: Cli, text: str) -> None:
    write(cli, QUESTION)

    outcome = cli.run("escalations", "answer", "SPEC-002-warning", text)

    assert outcome == Outcome(0, "", f"✓ SPEC-002-warning: answered with 'SQLite' · {RESUMED}\n")
    assert read_decision(cli, "SPEC-002-warning") == decided("answer", "SQLite", "SQLite")


def test_own_words_are_an_answer_where_they_are_meant_to_be(cli: Cli) -> None:
    write(cli, QUESTION)

    outcome = cli.run("escalations", "answer", "SPEC-002-warning", "neither:\nDuckDB", "--free-text")

    assert outcome == Outcome(0, "", f"✓ SPEC-002-warning: answered with 'neither: DuckDB' · {RESUMED}\n")
    assert read_decision(cli, "SPEC-002-warning") == decided("answer", "neither:\nDuckDB")


@pytest.mark.parametrize("words", [("--", "-1"), ("-1",), ("-O2",), ("--fast",), ("２",)])
def test_a_question_without_options_takes_any_words(cli: Cli, words: tuple[str, ...]) -> None:
    write(cli, evolve(QUESTION, question=Question(text="Which?")))

    outcome = cli.run("escalations", "answer", "SPEC-002-warning", *words)

    assert outcome == Outcome(0, "", f"✓ SPEC-002-warning: answered with '{words[-1]}' · {RESUMED}\n")


def test_of_a_long_answer_the_beginning_is_told(cli: Cli) -> None:
    write(cli, evolve(QUESTION, question=Question(text="Which?")))

    outcome = cli.run("escalations", "answer", "SPEC-002-warning", "x" * 1000)

    assert outcome.err == f"✓ SPEC-002-warning: answered with '{'x' * 60}…' · {RESUMED}\n"
    assert read_decision(cli, "SPEC-002-warning") == decided("answer", "x" * 1000)


@pytest.mark.parametrize(
    "command", [("answer", "SPEC-002-warning", "1"), ("resolve", "SPEC-002-warning", "--skip")]
)
def test_a_program_that_decides_gets_the_escalation_as_it_is_written(
    cli: Cli, command: tuple[str, ...]
) -> None:
    write(cli, QUESTION)

    outcome = cli.run("escalations", *command, "--format", "json")

    held = json.loads((cli.project.escalations / "SPEC-002-warning.json").read_bytes())
    assert (outcome.status, json.loads(outcome.out), outcome.err) == (0, held, "")
    assert held["state"] == "decided"


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--retry", "SPEC-002 is tried again"),
        ("--skip", "SPEC-002 is skipped, and so is all that depends on it"),
        ("--continue", "SPEC-002 is skipped, what depends on it runs"),
        ("--abort", "the run ends"),
    ],
)
def test_an_escalation_is_resolved_in_one_of_four_ways(cli: Cli, option: str, told: str) -> None:
    write(cli, QUESTION)

    outcome = cli.run("escalations", "resolve", "SPEC-002-warning", option, "--reason", "not now")

    assert outcome == Outcome(0, "", f"✓ SPEC-002-warning: {told} · {RESUMED}\n")
    assert read_decision(cli, "SPEC-002-warning") == decided(option.removeprefix("--"), "not now")


@pytest.mark.parametrize("reason", [[], ["--reason", ""]])
def test_a_reason_need_not_be_given(cli: Cli, reason: list[str]) -> None:
    write(cli, evolve(FAILURE, decision=None))

    cli.run("escalations", "resolve", "SPEC-003-error", "--retry", *reason)

    assert read_decision(cli, "SPEC-003-error") == decided("retry")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("answer", "SPEC-002-warning", "1"), f"run {RUN} goes on with it"),
        (("resolve", "SPEC-002-warning", "--abort"), f"run {RUN} is ending"),
    ],
)
def test_a_run_that_is_under_way_is_told_to_go_on(cli: Cli, command: tuple[str, ...], told: str) -> None:
    write(cli, QUESTION)

    with hold_lock(cli.project.state, RUN):
        outcome = cli.run("escalations", *command)

    assert (outcome.status, outcome.err.rstrip("\n").split(" · ")[1:]) == (0, [told])


def test_another_run_that_is_under_way_does_not_go_on_with_it(cli: Cli) -> None:
    write(cli, QUESTION)

    with hold_lock(cli.project.state, "20261122-213612-0000"):
        outcome = cli.run("escalations", "answer", "SPEC-002-warning", "1")

    assert outcome.err == f"✓ SPEC-002-warning: answered with 'PostgreSQL' · {RESUMED}\n"


def test_of_a_run_that_is_complete_nothing_goes_on(cli: Cli) -> None:
    write(cli, QUESTION)
    cli.write_journal(STARTED, RunFinished(ts=START + 70, status="completed", exit_code=0, duration_s=70.0))

    outcome = cli.run("escalations", "resolve", "SPEC-002-warning", "--skip")

    assert outcome.err == "✓ SPEC-002-warning: SPEC-002 is skipped, and so is all that depends on it\n"


def test_a_decision_is_told_in_japanese(cli: Cli) -> None:
    write(cli, QUESTION, evolve(FAILURE, decision=None))

    answered = cli.run("escalations", "answer", "SPEC-002-warning", "1", "--lang", "ja")
    with hold_lock(cli.project.state, RUN):
        resolved = cli.run("escalations", "resolve", "SPEC-003-error", "--continue", "--lang", "ja")

    assert (answered.err, resolved.err) == (
        f"✓ SPEC-002-warning: 「PostgreSQL」と回答しました · aad orchestrate --resume {RUN} で続きます\n",
        (
            "✓ SPEC-003-error: SPEC-003 をスキップし、それに依存するものは実行します"
            f" · 実行 {RUN} がこれを受けて続きます\n"
        ),
    )


def test_the_path_of_an_escalation_will_do_to_decide_it(cli: Cli) -> None:
    write(cli, QUESTION, evolve(FAILURE, decision=None))

    cli.run("escalations", "answer", ".aad/escalations/SPEC-002-warning.json", "1")
    cli.run("escalations", "resolve", ".aad/escalations/SPEC-003-error.json", "--skip")

    assert [read_decision(cli, name) for name in ("SPEC-002-warning", "SPEC-003-error")] == [
        decided("answer", "PostgreSQL", "PostgreSQL"),
        decided("skip"),
    ]


@pytest.mark.parametrize(("text", "shown"), [("DuckDB\x1b[2J", "DuckDB"), ("3", "3")])
def test_what_is_not_offered_is_an_error_and_leaves_the_question_open(
    cli: Cli, text: str, shown: str
) -> None:
    write(cli, QUESTION)

    outcome = cli.run("escalations", "answer", "SPEC-002-warning", text)

    told = (
        f"SPEC-002-warning does not offer '{shown}': choose one of 1. PostgreSQL · 2. SQLite, or add"
        " --free-text for an answer of your own\n"
    )
    assert outcome == Outcome(2, "", told)
    assert read_decision(cli, "SPEC-002-warning") is None


def test_an_empty_answer_is_an_error(cli: Cli) -> None:
    write(cli, QUESTION)

    outcome = cli.run("escalations", "answer", "SPEC-002-warning", " ")

    told = (
        "the answer to SPEC-002-warning is empty (say something, or aad escalations resolve SPEC-002-warning"
        " --skip)\n"
    )
    assert outcome == Outcome(2, "", told)


@pytest.mark.parametrize(
    "command", [("answer", "SPEC-009-error", "1"), ("resolve", "SPEC-009-error", "--skip")]
)
def test_an_unknown_escalation_cannot_be_decided(cli: Cli, command: tuple[str, ...]) -> None:
    outcome = cli.run("escalations", *command)

    assert outcome == Outcome(2, "", "there is no escalation SPEC-009-error (aad escalations lists them)\n")


def test_a_project_that_never_ran_has_nothing_to_decide(cli: Cli) -> None:
    cli.project.escalations.rmdir()

    outcome = cli.run("escalations", "resolve", "SPEC-009-error", "--skip")

    assert outcome == Outcome(2, "", "there is no escalation SPEC-009-error (aad escalations lists them)\n")


@pytest.mark.parametrize(
    "command", [("answer", "SPEC-002-warning", "1"), ("resolve", "SPEC-002-warning", "--retry")]
)
def test_what_is_decided_stays_as_it_is(cli: Cli, command: tuple[str, ...]) -> None:
    write(cli, evolve(QUESTION, decision=Decision(action=Action.SKIP, at=WHEN)))

    outcome = cli.run("escalations", *command)

    assert outcome == Outcome(
        2,
        "",
        "SPEC-002-warning is decided already: skip, by policy at 2026-11-22T21:38:24.000Z"
        " (aad escalations show SPEC-002-warning)\n",
    )


def test_what_asks_nothing_cannot_be_answered(cli: Cli) -> None:
    write(cli, evolve(FAILURE, decision=None))

    outcome = cli.run("escalations", "answer", "SPEC-003-error", "yes")

    assert outcome == Outcome(
        2,
        "",
        "SPEC-003-error asks nothing (aad escalations resolve SPEC-003-error --retry, --skip, --continue or"
        " --abort)\n",
    )


REFUSED = (
    "the answer to SPEC-002-warning holds a secret, which would lie in files (put it where the session"
    " can read it, and answer with the name of that place)\n"
)


@pytest.mark.parametrize(
    "command",
    [
        ("answer", "SPEC-002-warning", "it is hunter2-hunter2", "--free-text"),
        ("resolve", "SPEC-002-warning", "--skip", "--reason", "hunter2-hunter2"),
    ],
)
def test_a_secret_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2-hunter2")
    write(cli, QUESTION)

    outcome = cli.run("escalations", *command)

    assert outcome == Outcome(2, "", REFUSED)
    assert read_decision(cli, "SPEC-002-warning") is None


def test_what_the_settings_name_is_a_secret_too(cli: Cli) -> None:
    cli.project.config.parent.mkdir()
    cli.project.config.write_text(
        '[agent]\nenv = { DB_TOKEN = "hunter3-hunter3" }\n[logs]\nredact_patterns = ["sesame[0-9]+"]\n'
    )
    write(cli, QUESTION)

    outcomes = [
        cli.run("escalations", "answer", "SPEC-002-warning", words, "--free-text")
        for words in ("hunter3-hunter3", "sesame7")
    ]

    assert outcomes == [Outcome(2, "", REFUSED)] * 2


def test_no_error_tells_a_secret(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2-hunter2")
    write(cli, QUESTION)

    outcome = cli.run("escalations", "answer", "SPEC-002-warning", "hunter2-hunter2")

    assert outcome.err.startswith("SPEC-002-warning does not offer '[redacted]': choose one of")


def test_no_error_moves_the_cursor(cli: Cli) -> None:
    write(cli, evolve(QUESTION, question=Question(text="Which?", options=("\x1b[2Jevil\r\nline",))))

    outcome = cli.run("escalations", "answer", "SPEC-002-warning", "2")

    assert outcome.err.startswith("SPEC-002-warning does not offer '2': choose one of 1. evil line, or")


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("en", "name one decision: --retry, --skip, --continue or --abort"),
        ("ja", "--retry、--skip、--continue、--abort のいずれか一つを付けてください"),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--retry", "--skip"], ["--reason", "so"]])
def test_exactly_one_decision_must_be_named(cli: Cli, flags: list[str], lang: str, told: str) -> None:
    write(cli, QUESTION)

    outcome = cli.run("escalations", "resolve", "SPEC-002-warning", *flags, "--lang", lang)

    assert outcome == Outcome(2, "", f"Usage: aad escalations resolve [OPTIONS] ID\naad: {told}\n")
    assert read_decision(cli, "SPEC-002-warning") is None


def test_a_decision_that_cannot_be_written_is_an_error(cli: Cli) -> None:
    # The name just fits the folder; that of the draft beside it does not.
    name = "x" * 250
    (cli.project.escalations / f"{name}.json").write_text(json.dumps({"id": name, "state": "open"}))

    outcome = cli.run("escalations", "resolve", name, "--skip")

    assert outcome == Outcome(
        2,
        "",
        f".aad/escalations/{name}.json: cannot be written: File name too long (mend that, and decide"
        " again)\n",
    )


@pytest.mark.parametrize(
    "command", [("answer", "SPEC-002-warning", "1"), ("resolve", "SPEC-002-warning", "--skip")]
)
def test_deciding_loads_neither_trio_nor_rich(cli: Cli, command: tuple[str, ...]) -> None:
    write(cli, QUESTION)
    program = (
        "import sys; from aad.cli import run_command\n"
        f"print(run_command({('escalations', *command)!r}), {{'trio', 'rich'}} & set(sys.modules))"
    )

    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ended.stdout == "0 set()\n"
