"""How a person is asked, and what is taken for an answer."""

import textwrap
from pathlib import Path

import pytest
import trio
from askedperson import WHAT_NAME, Desk, Person, answer, converse, decide, escalation, person, seated

from aad.escalationlog import Decision
from aad.events import Action, Question

__all__ = ["person"]

# What is seen.


async def test_a_question_is_answered_by_the_number_of_an_option(person: Person) -> None:
    desk = Desk([escalation()])

    seen = await converse(person, desk, "2\n")

    assert desk.decided == [("SPEC-001-error", answer("PostgreSQL", "PostgreSQL"))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          Which database?
          1. SQLite
          2. PostgreSQL
          number or own words · s skip · a abort · l later
        > 2
        """)


async def test_a_failure_is_shown_with_its_reason_and_all_that_can_be_decided(person: Person) -> None:
    desk = Desk([escalation(question=None)])

    seen = await converse(person, desk, "c\n")

    assert desk.decided == [("SPEC-001-error", decide(Action.CONTINUE))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 needs a decision (1 of 1):
          exit code 1
          r retry · s skip · c skip, dependents run · a abort · l later
        > c
        """)


async def test_it_speaks_japanese_and_its_letters_stay_also_in_their_wide_forms(tmp_path: Path) -> None:
    desk = Desk([escalation(), escalation("SPEC-002", None), escalation("SPEC-003", WHAT_NAME)])

    with seated(tmp_path, "ja") as person:
        seen = await converse(person, desk, "3\n", "２\n", "r\n", "ｓ\n")

    assert desk.decided == [
        ("SPEC-001-error", answer("PostgreSQL", "PostgreSQL")),
        ("SPEC-002-error", decide(Action.RETRY)),
        ("SPEC-003-error", decide(Action.SKIP)),
    ]
    assert seen == textwrap.dedent("""
        ? SPEC-001 からの質問 (3件中1件目):
          Which database?
          1. SQLite
          2. PostgreSQL
          番号または自由な回答 · s スキップ · a 中止 · l 後で
        > 3
          選択肢 3 はありません（1 から 2 まで）
          番号または自由な回答 · s スキップ · a 中止 · l 後で
        > ２

        ? SPEC-002 は決定を待っています (3件中2件目):
          終了コード 1
          r 再試行 · s スキップ · c スキップ（依存する仕様は実行） · a 中止 · l 後で
        > r

        ? SPEC-003 からの質問 (3件中3件目):
          What shall it be called?
          自由な回答 · s スキップ · a 中止 · l 後で
        > ｓ
        """)


async def test_nothing_that_a_child_says_moves_the_cursor_or_looks_like_a_question_of_ours(
    person: Person,
) -> None:
    asked = Question(text="One\x1b[2J\r\n? SPEC-009 asks:\n> \x07two\u202e", options=("a\x1b[1A\nb",))

    seen = await converse(person, Desk([escalation(question=asked)]), "s\n")

    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          One
          ? SPEC-009 asks:
          > two
          1. a b
          number or own words · s skip · a abort · l later
        > s
        """)


# What is answered.


@pytest.mark.parametrize(
    ("options", "line", "decision"),
    [
        (("SQLite", "PostgreSQL"), "sqlite", answer("SQLite", "SQLite")),
        (("SQLite", "PostgreSQL"), "Later", None),
        (("SQLite", "PostgreSQL"), "skip", decide(Action.SKIP)),
        (("Skip", "Keep"), "skip", answer("Skip", "Skip")),
        (("Skip", "Keep"), "/SKIP", decide(Action.SKIP)),
        (("Skip", "Keep"), "s", decide(Action.SKIP)),
        (("s", "t"), "s", answer("s", "s")),
        (("S", "M", "L"), "s", answer("S", "S")),
        (("S", "M", "L"), "/s", decide(Action.SKIP)),
        (("S", "M", "L"), "／ａ", decide(Action.ABORT)),
        (("S", "M", "L"), "/later", None),
        (("30", "60"), "60", answer("60", "60")),
        (("SQLite",), "S", decide(Action.SKIP)),
        ((), "a", decide(Action.ABORT)),
        ((), "/abort", decide(Action.ABORT)),
        ((), "skip", answer("skip")),
        ((), "/usr", answer("/usr")),
        ((), "r", answer("r")),
        ((), "3", answer("3")),
        ((), "left\x1b[D right", answer("left right")),
        ((), "データ", answer("データ")),
    ],
)
async def test_a_line_is_an_option_or_a_letter_or_else_words(
    tmp_path: Path, options: tuple[str, ...], line: str, decision: Decision | None
) -> None:
    desk = Desk([escalation(question=Question(text="?", options=options))])

    with seated(tmp_path) as person:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.dialog, desk)
            await person.wait("> ")
            person.type(f"{line}\n")

    assert desk.decided == ([("SPEC-001-error", decision)] if decision else [])


@pytest.mark.parametrize(
    ("word", "action"), [("retry", Action.RETRY), ("/r", Action.RETRY), ("continue", Action.CONTINUE)]
)
async def test_a_failure_is_decided_by_whole_words_too(person: Person, word: str, action: Action) -> None:
    desk = Desk([escalation(question=None)])

    await converse(person, desk, f"{word}\n")

    assert desk.decided == [("SPEC-001-error", decide(action))]


async def test_a_letter_that_is_an_option_gets_a_slash_in_the_hint(person: Person) -> None:
    desk = Desk([escalation(question=Question(text="Which size?", options=("S", "M", "L")))])

    seen = await converse(person, desk, "/s\n")

    assert desk.decided == [("SPEC-001-error", decide(Action.SKIP))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          Which size?
          1. S
          2. M
          3. L
          number or own words · /s skip · a abort · /l later
        > /s
        """)


async def test_what_is_no_option_is_sent_after_an_enter_only(person: Person) -> None:
    desk = Desk([escalation()])

    seen = await converse(person, desk, "sqlit\n", "no\n", " 1 or 2 \n", "\n")

    assert desk.decided == [("SPEC-001-error", answer("1 or 2"))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          Which database?
          1. SQLite
          2. PostgreSQL
          number or own words · s skip · a abort · l later
        > sqlit
          "sqlit" is none of the options: Enter sends it as it is, anything else asks again
        > no
          number or own words · s skip · a abort · l later
        >  1 or 2\x20
          "1 or 2" is none of the options: Enter sends it as it is, anything else asks again
        >\x20
        """)


async def test_of_an_endless_question_a_screen_is_shown_and_where_all_of_it_is(person: Person) -> None:
    long = Question(text="x" * 10_000, options=("y" * 201,))
    many = Question(text="\n".join(f"line {number}" for number in range(41)))
    desk = Desk(
        [escalation(question=long), escalation("SPEC-002", many), escalation("SPEC-003", None, "z" * 2000)]
    )

    seen = await converse(person, desk, "l\n", "l\n", "l\n")

    first, second, third = seen.split("\n\n")
    assert first.splitlines()[2:6] == [
        f"  {'x' * 2000}",
        f"  1. {'y' * 200}…",
        "  → shown in part; all of it: aad escalations show SPEC-001-error",
        "  number or own words · s skip · a abort · l later",
    ]
    assert second.splitlines()[40:42] == [
        "  line 39",
        "  → shown in part; all of it: aad escalations show SPEC-002-error",
    ]
    assert third.splitlines()[1:3] == [
        f"  {'z' * 2000}",
        "  r retry · s skip · c skip, dependents run · a abort · l later",
    ]


async def test_what_decides_nothing_is_asked_again_with_the_hint(person: Person) -> None:
    desk = Desk([escalation(question=None), escalation("SPEC-002")])

    seen = await converse(person, desk, "\n", "what?\n", "s\n", "\n", "0\n", "1\n")

    assert [decision.action for _, decision in desk.decided] == [Action.SKIP, Action.ANSWER]
    assert seen == textwrap.dedent("""
        ? SPEC-001 needs a decision (1 of 2):
          exit code 1
          r retry · s skip · c skip, dependents run · a abort · l later
        >\x20
          r retry · s skip · c skip, dependents run · a abort · l later
        > what?
          r retry · s skip · c skip, dependents run · a abort · l later
        > s

        ? SPEC-002 asks (2 of 2):
          Which database?
          1. SQLite
          2. PostgreSQL
          number or own words · s skip · a abort · l later
        >\x20
          number or own words · s skip · a abort · l later
        > 0
          there is no option 0 (they are 1 to 2)
          number or own words · s skip · a abort · l later
        > 1
        """)


async def test_an_answer_that_the_desk_refuses_is_asked_again(person: Person) -> None:
    desk = Desk([escalation(question=WHAT_NAME)])

    seen = await converse(person, desk, "hunter2\n", "Bob\n")

    assert desk.decided == [("SPEC-001-error", answer("Bob"))]
    assert seen == textwrap.dedent("""
        ? SPEC-001 asks (1 of 1):
          What shall it be called?
          own words · s skip · a abort · l later
        > hunter2
          the answer to SPEC-001-error holds a secret, which would lie in files \
(put it where the session can read it, and answer with the name of that place)
        > Bob
        """)


async def test_what_is_put_off_stays_open_and_is_not_asked_twice(person: Person) -> None:
    desk = Desk([escalation("SPEC-001"), escalation("SPEC-002")])

    await converse(person, desk, "l\n", "1\n")

    assert [each.id for each in desk.waiting] == ["SPEC-001-error"]
    assert desk.decided == [("SPEC-002-error", answer("SQLite", "SQLite"))]


async def test_what_is_raised_meanwhile_is_asked_too(person: Person) -> None:
    desk = Desk([escalation("SPEC-001", WHAT_NAME)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person.dialog, desk)
        await person.wait("> ")
        desk.waiting.append(escalation("SPEC-002", WHAT_NAME))
        person.type("Bob\n")
        await person.answer("Eve\n")

    assert desk.decided == [("SPEC-001-error", answer("Bob")), ("SPEC-002-error", answer("Eve"))]


async def test_nothing_more_is_asked_once_the_run_is_to_end(person: Person) -> None:
    desk = Desk([escalation("SPEC-001"), escalation("SPEC-002")])

    await converse(person, desk, "a\n")

    assert desk.decided == [("SPEC-001-error", decide(Action.ABORT))]
