"""What an agent is told, in whole."""

from pathlib import Path

import pytest
from attrs import evolve

from aad import messages
from aad.agents.base import Job, Needed
from aad.agents.prompt import LONGEST_TEXT, compose_prompt, tell_trouble
from aad.events import Failure, Reason
from aad.spec import Spec
from aad.state import Answered

SPEC = "# A: Build it 作る\n"
JOB = Job(
    run="20261122-213612-7f3a",
    session="20261122-213612-7f3a/A",
    spec=Spec(id="A", text=SPEC),
    spec_file="/project/A.md",
    attempt=2,
    workspace=Path("/project"),
    events_file=Path("/run/events/events.jsonl"),
)
GOES_ON = evolve(JOB, resumes=True, agent_session="s1")
UNVERIFIED = Failure(reason=Reason.VERIFY_FAILED, exit_code=1, log_tail=("[aad] verify: make", "1 failed"))
ANSWERED = Answered(1, "Which?", "Use y.")
CONFLICT = Failure(reason=Reason.CONFLICT, files=("a.py",), blocked_by=("B",))


def compose(job: Job, *, replies: bool = True) -> str:
    """Return a prompt as text."""
    return compose_prompt(job, replies=replies).decode()


def say(key: str, lang: str = "en", **fields: object) -> str:
    """Return a section."""
    return messages.text(lang, f"prompt.{key}", fields)


RULES, ASK = say("rules", spec="A"), say("ask_reply")


# New sessions.


def test_a_new_session_is_told_the_spec_and_how_to_work() -> None:
    assert compose(JOB) == (
        "# A: Build it 作る\n"
        "\n\n## How to work here\n\n"
        "You carry out the spec above (A) by yourself, in the current folder, and nobody watches. "
        "Do all of it, and nothing that it does not ask for. Work in this folder only. "
        "You need not commit: what you leave in the folder is committed for you.\n"
        "Say how far you are now and then: append a line like "
        '{"progress": 0.4, "message": "what you do"} to the file that the variable AAD_EVENTS names.\n'
        "If you cannot go on without a person's decision, do not guess: end with the status `question`, "
        "the question, and the options if there are any. If it cannot be done, end with `failed` and say why "
        "in the summary. Else end with `done`; the summary says in a few sentences what you made.\n"
    )


def test_an_agent_that_ends_as_it_likes_asks_by_the_file() -> None:
    assert compose(JOB, replies=False) == SPEC + RULES + say("ask_file")


@pytest.mark.parametrize(("verify", "check"), [("make test", "make test"), (("make", "test"), "make test")])
def test_it_is_told_when_its_work_is_done(verify: str | tuple[str, ...], check: str) -> None:
    job = evolve(JOB, spec=evolve(JOB.spec, verify=verify))

    assert compose(job) == SPEC + RULES + f"Your work is done when this passes: `{check}`\n" + ASK


def test_it_is_told_what_the_specs_made_that_it_depends_on() -> None:
    needed = (
        Needed(spec_id="B", title="Parse", text="Made it.\n\nMore.\n"),
        Needed(spec_id="C", commit="0f"),
    )

    told = compose(evolve(JOB, needed=needed))

    assert told == SPEC + RULES + ASK + say("needed") + "- B Parse\n  Made it.\n  \n  More.\n- C\n"


def test_the_words_of_another_agent_are_bounded() -> None:
    needed = Needed(spec_id="B", text="x" * LONGEST_TEXT + "y")

    told = compose(evolve(JOB, needed=(needed,)))

    assert told == SPEC + RULES + ASK + say("needed") + f"- B\n  {'x' * LONGEST_TEXT}\n"


def test_a_new_session_in_a_workspace_of_another_is_told_that_it_was_begun() -> None:
    assert compose(evolve(JOB, resumes=True)) == SPEC + RULES + ASK + say("begun")


def test_it_is_told_what_came_in_the_way_before_and_what_a_person_says() -> None:
    hint = Answered(1, "", "Mind the borders.")
    job = evolve(JOB, unverified=UNVERIFIED, conflict=CONFLICT, answered=(ANSWERED, hint))

    assert compose(job) == (
        SPEC
        + RULES
        + ASK
        + tell_trouble("en", UNVERIFIED, CONFLICT)
        + "\n\n## What a person has answered\n\n"
        + "It was asked:\n\nWhich?\n\nThe answer to your question is:\n\nUse y.\n\n"
        + "A person says to the attempt before:\n\nMind the borders.\n\n"
    )


def test_it_is_told_in_the_language_that_was_chosen() -> None:
    job = evolve(JOB, lang="ja", resumes=True, unverified=UNVERIFIED)

    assert compose(job) == (
        SPEC
        + say("rules", "ja", spec="A")
        + say("ask_reply", "ja")
        + say("begun", "ja")
        + tell_trouble("ja", UNVERIFIED, None)
    )


def test_braces_in_what_others_wrote_are_theirs() -> None:
    job = evolve(
        JOB, spec=evolve(JOB.spec, text="{spec} {{}}", verify="test {x}"), answered=(Answered(1, "", "{0}"),)
    )

    told = compose(job)

    said = say("answers") + say("hint", answer="{0}", question="")
    assert told == "{spec} {{}}" + RULES + say("verify", check="test {x}") + ASK + said


def test_a_spec_without_its_text_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "A.md"
    path.write_bytes(b"# A \xff\n")

    told = compose(evolve(JOB, spec=Spec(id="A"), spec_file=str(path)))

    assert told == "# A \N{REPLACEMENT CHARACTER}\n" + RULES + ASK


def test_a_spec_that_cannot_be_read_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        compose(evolve(JOB, spec=Spec(id="A"), spec_file=str(tmp_path / "A.md")))


# Sessions that go on.


def test_a_session_that_goes_on_is_told_just_that() -> None:
    assert compose(GOES_ON) == (
        "You were interrupted. Look at what is already done in the folder, "
        "and go on with the task to its end."
    )


def test_a_session_that_asked_is_told_the_answer() -> None:
    assert compose(evolve(GOES_ON, answered=(ANSWERED,))) == (
        "It was asked:\n\nWhich?\n\nThe answer to your question is:\n\nUse y.\n\n"
        "Go on with the task; look at what is already done in the folder. "
        "What else you asked has no answer yet: ask it again if you still need it."
    )


def test_a_session_that_was_told_an_answer_before_is_told_to_go_on() -> None:
    assert compose(evolve(GOES_ON, attempt=3, answered=(ANSWERED,))) == say("continue")


SAID = say("answered", question="Which?", answer="Use y.") + say("go_on")


@pytest.mark.parametrize(("answered", "beginning"), [((), say("continue")), ((ANSWERED,), SAID)])
def test_a_session_that_goes_on_is_told_what_came_in_the_way(
    answered: tuple[Answered, ...], beginning: str
) -> None:
    job = evolve(GOES_ON, answered=answered, unverified=UNVERIFIED, conflict=CONFLICT)

    assert compose(job) == beginning + tell_trouble("en", UNVERIFIED, CONFLICT)


def test_what_is_no_text_is_replaced() -> None:
    told = compose_prompt(evolve(GOES_ON, answered=(Answered(1, "", "a\udc80"),)), replies=True)

    assert told.startswith(b"A person says to the attempt before:\n\na?\n\n")


def test_of_a_check_that_said_nothing_the_exit_status_is_told() -> None:
    silent = evolve(UNVERIFIED, log_tail=("[aad] verify: test -f x",))

    assert "The check said nothing; its exit status was 1." in tell_trouble("en", silent, None)


def test_in_a_conflict_the_others_are_named_and_not_the_spec_itself() -> None:
    told = compose(evolve(JOB, conflict=evolve(CONFLICT, blocked_by=("A", "B"))))

    assert "work that was finished meanwhile (B)" in told
