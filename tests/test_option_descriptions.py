"""What the options of a question mean is shown to people and to programs; what is answered are the labels."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from cli_project import RUN, Cli, open_cli
from escalationform import load_validator

from aad.agents.offers import describe_options, read_options
from aad.cli.inquiry import Inquiry
from aad.codec import decode, encode
from aad.display.style import UNICODE, Style
from aad.display.voice import Voice
from aad.escalationlog import EscalationLog
from aad.events import (
    PERSON,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Question,
)

QUESTION = Question(
    text="Which database?", options=("postgres", "sqlite"), descriptions=("A server.", "A \x1b[2Jfile.")
)
ASKED = EscalationLog(
    id="A-error",
    run_id=RUN,
    session_id=f"{RUN}/A",
    spec_id="A",
    level=EscalationLevel.ERROR,
    kind=EscalationKind.QUESTION,
    reason="Which database?",
    timestamp=datetime(2026, 11, 22, 21, 38, 24, tzinfo=UTC),
    attempt=1,
    question=QUESTION,
)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        opened.project.prepare()
        yield opened


def inquire(question: Question) -> Inquiry:
    return Inquiry(evolve(ASKED, question=question), Voice("en", Style(symbols=UNICODE)))


# The agents tell them.


@pytest.mark.parametrize(
    ("options", "read"),
    [
        ([{"label": "a", "description": " First. "}, {"label": "b"}], (("a", "b"), ("First.", ""))),
        ([{"label": "a"}, {"label": "b", "description": " "}], (("a", "b"), ())),
        ([{"label": "a", "description": 7}, {"description": "None."}, "b"], (("a",), ())),
        ([], ((), ())),
        (None, ((), ())),
    ],
)
def test_a_label_is_an_option_and_a_description_what_it_means(
    options: Any,  # noqa: ANN401 - what a stranger wrote
    read: object,
) -> None:
    assert read_options({"options": options}) == read


def test_where_nothing_is_described_there_are_no_descriptions() -> None:
    assert describe_options(["", " "]) == ()


# Files and the journal keep them.


def test_the_file_has_descriptions_where_there_are_any_and_is_of_the_form_that_is_promised() -> None:
    plain = evolve(ASKED, question=evolve(QUESTION, descriptions=()))

    assert [log.to_json()["question"] for log in (ASKED, plain)] == [
        {
            "text": "Which database?",
            "options": ["postgres", "sqlite"],
            "descriptions": ["A server.", "A \x1b[2Jfile."],
        },
        {"text": "Which database?", "options": ["postgres", "sqlite"]},
    ]
    assert [*load_validator().iter_errors(ASKED.to_json())] == []


def test_a_line_of_the_journal_keeps_them() -> None:
    raised = EscalationRaised(
        spec="A",
        escalation="A-error",
        level=EscalationLevel.ERROR,
        kind=EscalationKind.QUESTION,
        message="Which database?",
        path="A-error.json",
        question=QUESTION,
    )

    assert decode(encode(raised)) == raised


def test_secrets_in_them_are_masked() -> None:
    masked = QUESTION.mask(lambda words: words.replace("server", "…"))

    assert masked.descriptions == ("A ….", "A \x1b[2Jfile.")


# People are shown them.


def test_the_dialog_shows_what_each_option_means_below_it() -> None:
    assert [*inquire(QUESTION).draw(1, 1)] == [
        "? A asks (1 of 1):",
        "  Which database?",
        "  1. postgres",
        "     A server.",
        "  2. sqlite",
        "     A file.",
    ]


def test_the_answer_is_the_label_and_no_description_is_one() -> None:
    decided = inquire(QUESTION).read("2")

    assert decided is not None
    assert (decided.by, decided.text, decided.option) == (PERSON, "sqlite", "sqlite")
    assert inquire(QUESTION).read("A server.") is None


def test_show_tells_what_each_option_means_below_it(cli: Cli) -> None:
    ASKED.write(cli.project.escalations)

    shown = cli.run("escalations", "show", "A-error").out

    assert shown.partition("\n  question")[2].partition("  →")[0] == (
        "  Which database?\n"
        "            1. postgres\n"
        "               A server.\n"
        "            2. sqlite\n"
        "               A file.\n"
    )
