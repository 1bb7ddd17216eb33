"""`aad escalations list` and `show`: what was raised to the parent session, and what was decided."""

import json

import pytest
from attrs import evolve
from cli_project import RUN, START, STARTED, Cli, Outcome
from escalatedproject import FAILURE, QUESTION, WHEN, cli, write

from aad.escalationlog import Decision
from aad.events import PERSON, Action, EscalationKind, Failure, Question, Reason, RolledBack, RunFinished
from aad.lock import hold_lock

__all__ = ["cli"]

CONFLICT = evolve(
    FAILURE,
    kind=EscalationKind.CONFLICT,
    reason="merge conflict in src/a.py, b.py (changes of SPEC-002, SPEC-003)",
    failure=Failure(reason=Reason.CONFLICT, files=("src/a.py", "b.py"), blocked_by=("SPEC-002", "SPEC-003")),
    work=RolledBack(spec="SPEC-003", ref=f"refs/aad/{RUN}/SPEC-003/1", commit="5eed", base="ba5e"),
)


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
        "✓ SPEC-003-error    エラー  失敗  2026-11-22 21:38:24  決定済み  終了コード 1\n"
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
  理由        終了コード 1
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
