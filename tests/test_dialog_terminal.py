"""What a terminal hands to a dialog, pasted and typed, and how it is left."""

from pathlib import Path

import pytest
import trio
from askedperson import (
    WHAT_NAME,
    WHICH_DATABASE,
    Desk,
    Person,
    answer,
    converse,
    decide,
    escalation,
    person,
    seated,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.cli.keyboard import LEAVE_PASTES, MARK_PASTES, marks_pastes
from aad.escalationlog import Decision
from aad.events import Action, Question

__all__ = ["person"]


def paste(text: str) -> str:
    """Return what a terminal sends that marks it."""
    return f"\x1b[200~{text}\x1b[201~"


@pytest.mark.parametrize(
    ("question", "keys", "decision"),
    [
        (WHAT_NAME, paste("first line\n\n  second line") + "\n", answer("first line\n\n  second line")),
        (WHAT_NAME, paste("first line\nsecond line\n") + "\n", answer("first line\nsecond line")),
        (WHAT_NAME, f"It is {paste('Bob')}.\n", answer("It is Bob.")),
        (WHAT_NAME, paste("x\x1b[1A" + "y\n" * 9000) + "\n", answer("x" + "y\n" * 8999 + "y")),
        (WHICH_DATABASE, paste("2") + "\n", answer("PostgreSQL", "PostgreSQL")),
        (WHICH_DATABASE, paste("SQLite\nor none") + "\n", answer("SQLite\nor none")),
    ],
)
async def test_a_text_that_is_pasted_is_one_answer(
    tmp_path: Path, question: Question, keys: str, decision: Decision
) -> None:
    desk = Desk([escalation(question=question), escalation("SPEC-002", WHAT_NAME)])

    with seated(tmp_path) as person:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.dialog, desk)
            await person.wait("> ")
            await person.paste(keys)
            await person.answer("l\n")

    assert desk.decided == [("SPEC-001-error", decision)]


async def test_a_paste_waits_for_the_enter_that_sends_it(person: Person, autojump_clock: MockClock) -> None:
    desk = Desk([escalation(question=WHAT_NAME)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        person.type(paste("first\nsecond"))
        await person.wait("~")
        await trio.sleep(10)
        before = list(desk.decided)
        person.type("\n")

    assert (before, desk.decided) == ([], [("SPEC-001-error", answer("first\nsecond"))])


async def test_a_paste_whose_end_was_erased_is_sent_by_a_second_enter(
    person: Person, autojump_clock: MockClock
) -> None:
    desk = Desk([escalation(question=WHAT_NAME)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        person.type("\x1b[200~Bob\n")
        await person.wait("Bob\n")
        await wait_all_tasks_blocked()
        await trio.sleep(10)
        before = list(desk.decided)
        person.type("\n")

    assert (before, desk.decided) == ([], [("SPEC-001-error", answer("Bob"))])


@pytest.mark.parametrize("rest", ["second line\n", "second line", "second\nthird"])
async def test_of_several_lines_that_no_terminal_marked_none_is_an_answer(tmp_path: Path, rest: str) -> None:
    desk = Desk([escalation(question=WHAT_NAME), escalation("SPEC-002", WHAT_NAME)])

    with seated(tmp_path) as person:
        seen = await converse(person, desk, f"first line\n{rest}", "Bob\n", "Eve\n")

    assert desk.decided == [("SPEC-001-error", answer("Bob")), ("SPEC-002-error", answer("Eve"))]
    assert seen.startswith(f"""
? SPEC-001 asks (1 of 2):
  What shall it be called?
  own words · s skip · a abort · l later
> first line
{rest}
  more than one line came, so none was taken: type one line, paste again, \
or use aad escalations answer SPEC-001-error TEXT
> Bob
""")


async def test_the_lines_of_a_slow_paste_are_waited_for(person: Person, mock_clock: MockClock) -> None:
    desk = Desk([escalation(question=None)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        for line in ("s\n", "r\n", "a\n"):
            person.type(line)
            await person.until_arrived()
            await wait_all_tasks_blocked()
            mock_clock.jump(0.2)
        mock_clock.autojump_threshold = 0
        await person.answer("c\n")

    assert desk.decided == [("SPEC-001-error", decide(Action.CONTINUE))]
    assert "\n> s\n\n  more than one line came, so none was taken\n> " in person.seen


async def test_an_enter_too_many_is_neither_a_line_nor_an_answer(person: Person) -> None:
    desk = Desk([escalation()])

    await converse(person, desk, "sqlit\n\n\n", "\n")

    assert desk.decided == [("SPEC-001-error", answer("sqlit"))]


async def test_the_terminal_edits_the_lines_at_each_prompt_and_afterwards(person: Person) -> None:
    desk = Desk([escalation(), escalation("SPEC-002")])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        before = person.edits_lines
        person.type("1\n")
        # The first character is erased again.
        await person.answer("1\x7f2\n")

    assert (before, person.edits_lines) == (True, True)
    assert [decision.text for _, decision in desk.decided] == ["SQLite", "PostgreSQL"]


async def test_a_line_that_the_terminal_has_cut_is_told_and_asked_again(person: Person) -> None:
    desk = Desk([escalation(question=WHAT_NAME)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        await person.paste("x" * 5000 + "\n")
        await person.wait("TEXT\n> ")
        await person.paste("y" * 4094 + "\n")
    seen = await person.leave("y\n")

    assert desk.decided == [("SPEC-001-error", answer("y" * 4094))]
    assert (
        "\n  the terminal cuts lines at 4095 bytes, so this one was not taken: send shorter lines, "
        "or use aad escalations answer SPEC-001-error TEXT\n> "
    ) in seen


@pytest.mark.parametrize("keys", ["Bob\n", "\x04", None])
async def test_a_terminal_is_left_as_it_was_whatever_ends_the_dialog(
    tmp_path: Path, keys: str | None
) -> None:
    with seated(tmp_path) as person:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.dialog, Desk([escalation(question=WHAT_NAME)]))
            await person.wait("> ")
            before = person.told
            if keys:
                person.type(keys)
            else:
                nursery.cancel_scope.cancel()
        person.err.write("END")
        await person.leave("END")

        assert before.count(MARK_PASTES) == 1
        assert LEAVE_PASTES not in before
        assert person.told.endswith(f"{LEAVE_PASTES}END")
        assert person.edits_lines


@pytest.mark.parametrize(
    ("environ", "marks"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": ""}, False), ({}, False)],
)
def test_a_dumb_terminal_is_not_asked_to_mark_anything(environ: dict[str, str], marks: bool) -> None:
    assert marks_pastes(environ) == marks
