"""How a decision gets into an escalation's file: of two the first one counts."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve

from aad.decisions import (
    LONGEST_ANSWER,
    check_open,
    decide,
    find_decision,
    find_option,
    find_question,
    hold_decisions,
    make_answer,
)
from aad.errors import InputError
from aad.escalationlog import Decision, EscalationLog, read_escalation
from aad.events import PERSON, Action, EscalationKind, EscalationLevel, Question

QUESTION = Question(text="Which one?", options=("PostgreSQL", "SQLite"))
LOG = EscalationLog(
    id="A-warning",
    run_id="20261122-213612-7f3a",
    session_id="20261122-213612-7f3a/A",
    spec_id="A",
    level=EscalationLevel.WARNING,
    kind=EscalationKind.QUESTION,
    reason="Which one?",
    timestamp=datetime(2026, 11, 22, 21, 36, 12, tzinfo=UTC),
    question=QUESTION,
)
ANSWER = Decision(action=Action.ANSWER, by=PERSON, text="SQLite", option="SQLite")
SKIP = Decision(action=Action.SKIP, by=PERSON)
NO_FILES = [b"", b'{"id": "to', b"[]", b"{}", b"\xff", b"[" * 10_000]


def refuse(text: str, question: Question | None = QUESTION, *, free: bool = False) -> str:
    """Return the error that a text is as an answer."""
    with pytest.raises(InputError) as caught:
        make_answer("A-warning", question, text, free=free)
    return str(caught.value)


def refuse_decision(folder: Path, decision: Decision, name: str = "A-warning") -> str:
    with pytest.raises(InputError) as caught:
        decide(folder, name, decision, lambda text: text.replace("secret", "[redacted]"))
    return str(caught.value)


# What an answer stands for.


@pytest.mark.parametrize("text", ["SQLite", "  SQLite\n", "sqlite", "SQLITE", "2", " 02 "])
def test_an_option_is_meant_by_its_words_in_any_case_and_by_its_number(text: str) -> None:
    assert make_answer("A-warning", QUESTION, text) == ANSWER


@pytest.mark.parametrize(
    ("options", "words", "option"),
    [
        (("2", "1"), "1", "1"),  # words come before numbers
        (("yes", "Yes"), "Yes", "Yes"),
        (("yes", "Yes"), "YES", None),  # which of them?
        (("yes", "Yes"), "1", "yes"),
        ((" yes ",), "yes", " yes "),
        (("a",), "0", None),
        (("a",), "2", None),
        (("a",), "-1", None),
        (("a",), "²", None),
        (("a",), "9" * 5000, None),
        ((), "1", None),
    ],
)
def test_what_means_none_or_two_of_the_options_means_none(
    options: tuple[str, ...], words: str, option: str | None
) -> None:
    assert find_option(options, words) == option


MASKED = Question(text="Which?", options=("use [redacted]", "none", "use [redacted]"))


def test_options_that_read_alike_are_told_apart_by_their_number() -> None:
    answer = make_answer("A-warning", MASKED, "3")

    assert answer == Decision(
        action=Action.ANSWER, by=PERSON, text="use [redacted] (3)", option="use [redacted] (3)"
    )


def test_words_that_two_options_had_before_they_were_told_apart_mean_neither() -> None:
    assert refuse("use [redacted]", MASKED) == (
        "A-warning does not offer 'use [redacted]': choose one of 1. use [redacted] (1) · 2. none · "
        "3. use [redacted] (3), or add --free-text for an answer of your own"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("a", "b"), ("a", "b")),
        (("a", "a"), ("a (1)", "a (2)")),
        (("a", "a", "a (2)"), ("a (1)", "a (2) (2)", "a (2) (3)")),
        (("a (3)", "a", "a"), ("a (3) (1)", "a (2)", "a (3) (3)")),
    ],
)
def test_all_options_differ_whatever_a_child_offers(options: tuple[str, ...], told: tuple[str, ...]) -> None:
    assert Question(text="Which?", options=options).options == told


def test_other_words_are_no_answer_where_options_are_offered() -> None:
    assert refuse(" DuckDB ") == (
        "A-warning does not offer 'DuckDB': choose one of 1. PostgreSQL · 2. SQLite, or add --free-text for"
        " an answer of your own"
    )


@pytest.mark.parametrize("text", ["DuckDB", "2", "SQLite"])
def test_free_text_is_the_answer_whatever_is_offered(text: str) -> None:
    answer = make_answer("A-warning", QUESTION, f" {text}\n", free=True)

    assert answer == Decision(action=Action.ANSWER, by=PERSON, text=text)


def test_where_nothing_is_offered_any_words_are_the_answer() -> None:
    answer = make_answer("A-warning", Question(text="Which?"), "1")

    assert answer == Decision(action=Action.ANSWER, by=PERSON, text="1")


@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("text", ["", " \n\t"])
def test_nothing_is_no_answer(text: str, *, free: bool) -> None:
    told = "the answer to A-warning is empty (say something, or aad escalations resolve A-warning --skip)"
    assert refuse(text, free=free) == told


def test_what_asks_nothing_has_no_answer() -> None:
    told = "A-warning asks nothing (aad escalations resolve A-warning --retry, --skip, --continue or --abort)"
    assert refuse("yes", None) == told


@pytest.mark.parametrize(
    ("member", "question"),
    [
        ({"text": "Which?", "options": ["a", "b"]}, Question(text="Which?", options=("a", "b"))),
        ({"text": 7, "options": [1, None]}, Question(text="7", options=("1", "None"))),
        ({"options": "ab"}, Question(text="")),
        ({}, Question(text="")),
        (None, None),
        ("Which?", None),
        ([], None),
    ],
)
def test_a_question_is_read_from_whatever_the_file_holds(member: object, question: Question | None) -> None:
    assert find_question({"id": "A", "question": member}) == question


# How it gets into the file.


def test_a_decision_is_written_into_the_file_and_nothing_else_is_changed(tmp_path: Path) -> None:
    LOG.write(tmp_path)
    before = read_escalation(tmp_path, "A-warning")

    decided = decide(tmp_path, "A-warning", ANSWER, str)

    at = decided["decision"]["at"]
    told = {"action": "answer", "by": "person", "at": at, "text": "SQLite", "option": "SQLite"}
    assert decided == {**before, "state": "decided", "decision": told}
    assert read_escalation(tmp_path, "A-warning") == decided
    assert [path.name for path in tmp_path.iterdir()] == ["A-warning.json"]


def test_a_run_hears_what_was_decided(tmp_path: Path) -> None:
    LOG.write(tmp_path)

    before = find_decision(tmp_path, "A-warning")
    decide(tmp_path, "A-warning", ANSWER, str)

    assert (before, find_decision(tmp_path, "A-warning")) == (None, ANSWER)


def test_of_two_decisions_the_first_one_counts(tmp_path: Path) -> None:
    LOG.write(tmp_path)
    decide(tmp_path, "A-warning", ANSWER, str)
    at = read_escalation(tmp_path, "A-warning")["decision"]["at"]

    told = refuse_decision(tmp_path, SKIP)

    assert told == (
        f"A-warning is decided already: answer, by person at {at} (aad escalations show A-warning)"
    )
    assert find_decision(tmp_path, "A-warning") == ANSWER


def test_of_many_decisions_in_threads_at_once_one_counts(tmp_path: Path) -> None:
    LOG.write(tmp_path)
    start = threading.Barrier(8)

    def try_to_decide(number: int) -> str | None:
        start.wait()
        try:
            decide(tmp_path, "A-warning", evolve(SKIP, text=f"number {number}"), str)
        except InputError:
            return None
        return f"number {number}"

    with ThreadPoolExecutor(8) as pool:
        winners = [text for text in pool.map(try_to_decide, range(8)) if text is not None]

    decision = find_decision(tmp_path, "A-warning")
    assert decision is not None
    assert winners == [decision.text]


DECIDER = """
import sys
from pathlib import Path
from aad.decisions import decide
from aad.errors import InputError
from aad.escalationlog import Decision
from aad.events import Action

print("ready", flush=True)
sys.stdin.readline()
try:
    decide(Path(sys.argv[1]), "A-warning", Decision(action=Action.SKIP, by="person", text=sys.argv[2]), str)
except InputError:
    print("late")
else:
    print("first")
"""


def test_of_two_decisions_in_processes_at_once_one_counts(tmp_path: Path) -> None:
    LOG.write(tmp_path)
    deciders = {
        text: subprocess.Popen(
            [sys.executable, "-c", DECIDER, str(tmp_path), text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for text in ("this", "that")
    }
    for decider in deciders.values():
        assert decider.stdout is not None
        assert decider.stdout.readline() == "ready\n"
    # Neither gets ahead while the other is still being told to begin.
    with hold_decisions(tmp_path):
        for decider in deciders.values():
            assert decider.stdin is not None
            decider.stdin.write("\n")
            decider.stdin.flush()

    ended = {text: decider.communicate()[0] for text, decider in deciders.items()}

    decision = find_decision(tmp_path, "A-warning")
    assert decision is not None
    assert [text for text, told in ended.items() if told == "first\n"] == [decision.text]
    assert sorted(ended.values()) == ["first\n", "late\n"]


@pytest.mark.parametrize("text", ["the secret", "secret\nof two lines"])
def test_a_secret_is_refused_and_not_written(tmp_path: Path, text: str) -> None:
    LOG.write(tmp_path)

    told = refuse_decision(tmp_path, evolve(ANSWER, text=text, option=None))

    assert told == (
        "the answer to A-warning holds a secret, which would lie in files (put it where the session can read"
        " it, and answer with the name of that place)"
    )
    assert (tmp_path / "A-warning.json").read_bytes() == LOG.dump()


@pytest.mark.parametrize("name", ["B-warning", "", "..", "../A-warning", "A-warning/"])
def test_an_unknown_escalation_cannot_be_decided(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "escalations"
    folder.mkdir()
    LOG.write(tmp_path)

    told = refuse_decision(folder, SKIP, name)

    assert told == f"there is no escalation {name} (aad escalations lists them)"


def test_where_nothing_ever_ran_every_escalation_is_unknown(tmp_path: Path) -> None:
    told = refuse_decision(tmp_path / "none", SKIP)

    assert told == "there is no escalation A-warning (aad escalations lists them)"


@pytest.mark.parametrize("data", NO_FILES)
def test_what_is_no_escalation_cannot_be_decided_and_decides_nothing(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "A-warning.json"
    path.write_bytes(data)

    told = refuse_decision(tmp_path, SKIP)

    assert told == "there is no escalation A-warning (aad escalations lists them)"
    assert (path.read_bytes(), find_decision(tmp_path, "A-warning")) == (data, None)


@pytest.mark.parametrize(
    "decision",
    [None, "skip", [], {}, {"action": None}, {"action": []}, {"action": {}}, {"action": "explode"}],
)
def test_what_is_no_decision_decides_nothing(tmp_path: Path, decision: object) -> None:
    members = {**LOG.to_json(), "state": "decided", "decision": decision}
    (tmp_path / "A-warning.json").write_text(json.dumps(members), encoding="utf-8")

    assert find_decision(tmp_path, "A-warning") is None


def test_odd_words_of_a_decision_are_taken_as_text(tmp_path: Path) -> None:
    decision = {"action": "answer", "text": 7, "option": ["a"], "by": {}}
    (tmp_path / "A-warning.json").write_text(json.dumps({"id": "A-warning", "decision": decision}))

    found = find_decision(tmp_path, "A-warning")

    assert found == Decision(action=Action.ANSWER, by=PERSON, text="7", option="['a']")


@pytest.mark.parametrize("state", ["decided", "closed", None, []])
def test_what_is_not_open_is_decided(state: object) -> None:
    with pytest.raises(InputError) as caught:
        check_open({"id": "A-warning", "state": state, "decision": "odd"})

    told = "A-warning is decided already: ?, by ? at ? (aad escalations show A-warning)"
    assert str(caught.value) == told


def test_the_id_that_a_file_gives_itself_leads_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "escalations"
    folder.mkdir()
    (folder / "odd.json").write_text(json.dumps({"id": "../stray", "state": "open"}), encoding="utf-8")

    decide(folder, "odd", SKIP, str)

    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.json")) == [
        "escalations/odd.json"
    ]
    assert find_decision(folder, "odd") == SKIP


@pytest.mark.parametrize("text", ["nul \0", "x" * (LONGEST_ANSWER + 1), "作" * (LONGEST_ANSWER // 3 + 1)])
def test_an_answer_that_no_child_could_be_given_is_refused(tmp_path: Path, text: str) -> None:
    LOG.write(tmp_path)

    with pytest.raises(InputError) as caught:
        decide(tmp_path, "A-warning", evolve(ANSWER, text=text, option=None), str)

    assert str(caught.value).startswith(
        "the answer to A-warning is too long for a variable of the environment"
    )
    assert find_decision(tmp_path, "A-warning") is None


@pytest.mark.parametrize("text", ["日本語 🎉\nline", "torn \ud800", "\x1b[2J"])
def test_words_of_any_kind_can_be_written_and_read(tmp_path: Path, text: str) -> None:
    LOG.write(tmp_path)

    decide(tmp_path, "A-warning", evolve(ANSWER, text=text, option=None), str)

    found = find_decision(tmp_path, "A-warning")
    # What UTF-8 cannot say is marked.
    assert found == evolve(ANSWER, text=text.replace("\ud800", "?"), option=None)


# The lock.


def test_a_run_goes_on_without_the_lock_once_its_patience_is_at_an_end(tmp_path: Path) -> None:
    entered = []

    with hold_decisions(tmp_path), hold_decisions(tmp_path, patience=0.01):
        entered.append("both")

    assert entered == ["both"]


def test_the_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    LOG.write(tmp_path)

    refuse_decision(tmp_path, SKIP, "B-warning")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


def test_a_folder_that_is_none_cannot_be_held(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), hold_decisions(tmp_path / "none"):
        pass
