"""Facts about what people may write for a setting."""

from collections.abc import Callable

import pytest

from aad.config import Choice, Rule
from aad.units import BIGGEST, LONGEST
from aad.values import (
    WrongValueError,
    check_answer,
    read_choice,
    read_command,
    read_flag,
    read_ruled,
    read_text,
    show,
)

SPAN = {"least": "0", "most": "10000"}


def refusal(read: Callable[..., object], *arguments: object) -> tuple[str, dict[str, object]]:
    with pytest.raises(WrongValueError) as caught:
        read(*arguments)
    return caught.value.key, caught.value.fields


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_is_true_or_false(*, value: bool) -> None:
    assert read_flag(value) is value


@pytest.mark.parametrize(("value", "shown"), [(1, "1"), ("yes", '"yes"'), (None, "null")])
def test_nothing_else_is_a_flag(value: object, shown: str) -> None:
    assert refusal(read_flag, value) == ("config_flag", {"value": shown})


def test_a_text_stays_as_it_is() -> None:
    assert read_text(" 日本語\n") == " 日本語\n"


@pytest.mark.parametrize("value", [1, None, ["a"], "nul\0"])
def test_what_is_no_text_is_refused_and_not_repeated(value: object) -> None:
    assert refusal(read_text, value) == ("config_text", {})


@pytest.mark.parametrize("value", ["make test", ("make", "test")])
def test_a_command_is_a_line_or_a_program_with_arguments(value: object) -> None:
    assert read_command(value) == value


def test_a_list_of_words_becomes_a_tuple() -> None:
    assert read_command(["make", ""]) == ("make", "")


@pytest.mark.parametrize("value", ["", " ", [], ["", "a"], 3, {"a": 1}])
def test_what_names_no_program_is_no_command(value: object) -> None:
    assert refusal(read_command, value) == ("config_command", {})


@pytest.mark.parametrize("value", [["make", 3], "a\0b"])
def test_the_words_of_a_command_are_texts(value: object) -> None:
    assert refusal(read_command, value) == ("config_text", {})


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "answer", "text": "yes"},
        {"action": "answer", "text": 3},
        {"action": "skip"},
        {"action": "again", "text": "yes"},
        {"text": "yes"},
    ],
)
def test_a_rule_that_answers_has_a_text_and_others_have_none(rule: dict[str, object]) -> None:
    check_answer(rule)


@pytest.mark.parametrize("rule", [{"action": "answer"}, {"action": "answer", "text": " "}])
def test_a_rule_that_answers_nothing_is_refused(rule: dict[str, object]) -> None:
    assert refusal(check_answer, rule) == ("config_answer", {})


def test_a_text_that_answers_nothing_is_refused() -> None:
    assert refusal(check_answer, {"action": "skip", "text": ""}) == ("config_no_answer", {"value": '"skip"'})


def test_a_choice_is_one_of_the_words_on_offer() -> None:
    assert read_choice("b", Choice(("a", "b"))) == "b"


@pytest.mark.parametrize(
    ("value", "key", "shown"),
    [("c", "config_choice", '"c"'), (1, "config_choice", "1"), ("live", "config_later", '"live"')],
)
def test_a_word_that_is_known_but_not_on_offer_is_told_apart(value: object, key: str, shown: str) -> None:
    choice = Choice(("a", "b"), later=("live",))

    assert refusal(read_choice, value, choice) == (key, {"value": shown, "known": "a, b"})


@pytest.mark.parametrize(
    ("form", "value", "read"),
    [
        ("whole", 0, 0),
        ("whole", 10_000, 10_000),
        ("number", 1, 1.0),
        ("number", 0.5, 0.5),
        ("duration", "1h30m", 5400.0),
        ("duration", 0, 0.0),
        ("size", "5kB", 5000),
        ("size", 0, 0),
        ("pattern", "sk-[a-z]+", "sk-[a-z]+"),
        ("variable", "PATH", "PATH"),
        ("branch", "aad/{spec}", "aad/{spec}"),
        ("address", "mailto://me:secret@example.org", "mailto://me:secret@example.org"),
        ("address", "dbus://", "dbus://"),
        ("address", "$CHAT_URL", "$CHAT_URL"),
    ],
)
def test_each_form_is_read_as_the_settings_hold_it(form: str, value: object, read: object) -> None:
    rule = Rule(form)  # type: ignore[arg-type] # the forms above are the literals

    assert (read_ruled(value, rule), type(read_ruled(value, rule))) == (read, type(read))


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("whole", -1, ("config_whole", {"value": "-1", **SPAN})),
        ("whole", 10_001, ("config_whole", {"value": "10001", **SPAN})),
        ("whole", True, ("config_whole", {"value": "true", **SPAN})),
        ("whole", 1.0, ("config_whole", {"value": "1.0", **SPAN})),
        ("whole", "four", ("config_whole", {"value": '"four"', **SPAN})),
        ("number", float("nan"), ("config_number", {"value": "NaN", **SPAN})),
        ("number", float("inf"), ("config_number", {"value": "Infinity", **SPAN})),
        ("number", False, ("config_number", {"value": "false", **SPAN})),
        ("duration", 30, ("config_duration", {"value": "30"})),
        ("duration", False, ("config_duration", {"value": "false"})),
        ("duration", "-5s", ("config_duration", {"value": '"-5s"'})),
        ("duration", "3651d", ("config_duration", {"value": '"3651d"'})),
        ("duration", "10001s", ("config_duration_range", {"value": '"10001s"', **SPAN})),
        ("size", 10, ("config_size", {"value": "10"})),
        ("size", "10001B", ("config_size_range", {"value": '"10001B"', **SPAN})),
        ("pattern", "a(", ("config_pattern", {"fault": "missing ), unterminated subpattern"})),
        ("pattern", "a{99999999999}", ("config_pattern", {"fault": "the repetition number is too large"})),
        ("variable", "", ("config_variable", {})),
        ("variable", "A=B", ("config_variable", {})),
        ("branch", "aad", ("config_branch", {"value": '"aad"'})),
        ("branch", "{run}/{spec}", ("config_branch", {"value": '"{run}/{spec}"'})),
        ("branch", 3, ("config_text", {})),
        ("address", "", ("config_address", {})),
        ("address", "me:secret@example.org", ("config_address", {})),
        ("address", "$", ("config_address", {})),
        ("address", "$CHAT-URL", ("config_address", {})),
        ("address", 3, ("config_text", {})),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    form: str, value: object, expected: tuple[str, dict[str, object]]
) -> None:
    assert refusal(read_ruled, value, Rule(form)) == expected  # type: ignore[arg-type] # as above


def test_a_range_holds_its_ends() -> None:
    rule = Rule("duration", least=0.01, most=3600)

    assert [read_ruled(text, rule) for text in ("10ms", "1h")] == [0.01, 3600.0]


@pytest.mark.parametrize("text", ["0", "9ms", "61m"])
def test_a_duration_out_of_its_range_is_told_the_range_in_seconds(text: str) -> None:
    rule = Rule("duration", least=0.01, most=3600)

    assert refusal(read_ruled, text, rule) == (
        "config_duration_range",
        {"value": f'"{text}"', "least": "0.01", "most": "3600"},
    )


def test_code_gives_seconds_and_bytes_as_numbers() -> None:
    duration, size = Rule("duration", most=LONGEST), Rule("size", most=BIGGEST)

    read = [read_ruled(90, duration, typed=True), read_ruled("90s", duration, typed=True)]

    assert [*read, read_ruled(10, size, typed=True)] == [90.0, 90.0, 10]


def test_numbers_from_code_are_judged_as_well() -> None:
    with pytest.raises(WrongValueError) as caught:
        read_ruled(-4.0, Rule("duration", most=LONGEST), typed=True)

    assert (caught.value.key, caught.value.fields) == (
        "config_number",
        {"value": "-4.0", "least": "0", "most": "315360000"},
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("日本語", '"日本語"'),
        (["a", 1, True], '["a", 1, true]'),
        ("\x1b[31m", r'"\u001b[31m"'),
        ("\x9b\u202e", r'"\x9b\u202e"'),
        ("x" * 100, '"' + "x" * 59 + "..."),
    ],
)
def test_a_value_is_shown_short_and_moves_no_cursor(value: object, shown: str) -> None:
    assert show(value) == shown


def test_a_number_too_long_for_python_to_write_is_not_shown() -> None:
    assert show(int("f" * 5000, 16)) == "..."
