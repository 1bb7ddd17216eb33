"""`aad escalations answer` and `resolve`: how a person decides."""

import json
import subprocess
import sys

import pytest
from attrs import evolve
from cli_project import RUN, START, STARTED, Cli, Outcome
from escalatedproject import FAILURE, QUESTION, WHEN, cli, write

from aad.escalationlog import Decision, read_escalation
from aad.events import Action, Question, RunFinished
from aad.lock import hold_lock

__all__ = ["cli"]

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
