"""Colour, symbols and language, decided from what stands around."""

import unicodedata

import pytest
from attrs import asdict

from aad.display.style import (
    ASCII,
    EMOJI,
    UNICODE,
    Role,
    Style,
    Symbols,
    choose_color,
    choose_language,
    choose_style,
    choose_symbols,
)
from aad.display.text import width


@pytest.mark.parametrize(
    ("option", "environ", "terminal", "colored"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"TERM": "xterm"}, False, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1", "GITHUB_ACTIONS": "true"}, True, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1", "GITHUB_ACTIONS": "true"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"FORCE_COLOR": "0", "CLICOLOR_FORCE": "yes"}, False, True),
        ("auto", {"FORCE_COLOR": ""}, False, False),
        ("auto", {"FORCE_COLOR": "0"}, True, True),
        ("auto", {"GITHUB_ACTIONS": "true"}, False, True),
        ("auto", {"GITLAB_CI": "true"}, False, True),
        ("auto", {"CI": "true"}, False, False),
    ],
)
def test_colour_is_the_option_then_the_environment_then_the_terminal(
    option: str,
    environ: dict[str, str],
    terminal: bool,
    colored: bool,
) -> None:
    assert choose_color(option, environ, terminal=terminal) is colored


@pytest.mark.parametrize(
    ("option", "encoding", "symbols"),
    [
        ("auto", "utf-8", EMOJI),
        ("auto", None, EMOJI),
        ("auto", "cp932", ASCII),
        ("auto", "cp1252", ASCII),
        ("auto", "cp437", ASCII),
        ("auto", "ascii", ASCII),
        ("auto", "no-such-encoding", ASCII),
        ("emoji", "ascii", EMOJI),
        ("unicode", "utf-8", UNICODE),
        ("ascii", "utf-8", ASCII),
    ],
)
def test_symbols_are_the_richest_that_the_encoding_holds_unless_named(
    option: str, encoding: str | None, symbols: Symbols
) -> None:
    assert choose_symbols(option, encoding) is symbols


@pytest.mark.parametrize(
    ("option", "environ", "config", "lang"),
    [
        (None, {}, "auto", "en"),
        ("ja", {"AAD_LANG": "en"}, "en", "ja"),
        ("en", {"AAD_LANG": "ja", "LANG": "ja_JP.UTF-8"}, "ja", "en"),
        (None, {"AAD_LANG": "ja", "LANG": "C"}, "en", "ja"),
        (None, {"AAD_LANG": "auto", "LANG": "C"}, "ja", "ja"),
        (None, {"LANG": "ja_JP.UTF-8"}, "en", "en"),
        (None, {"LANGUAGE": "ja:en", "LC_ALL": "de_DE.UTF-8"}, "auto", "ja"),
        (None, {"LANGUAGE": "", "LC_ALL": "ja_JP.UTF-8", "LANG": "C"}, "auto", "ja"),
        (None, {"LC_ALL": "C", "LC_MESSAGES": "ja_JP"}, "auto", "en"),
        (None, {"LC_MESSAGES": "ja_JP", "LANG": "C"}, "auto", "ja"),
        (None, {"LANG": "ja_JP.UTF-8"}, "auto", "ja"),
        (None, {"LANG": "de_DE.UTF-8"}, "auto", "en"),
    ],
)
def test_the_language_is_that_of_the_first_who_names_one(
    option: str | None, environ: dict[str, str], config: str, lang: str
) -> None:
    assert choose_language(option, environ, config, "utf-8") == lang


@pytest.mark.parametrize(
    ("encoding", "lang"), [("cp932", "ja"), ("euc-jp", "ja"), (None, "ja"), ("cp1252", "en"), ("ascii", "en")]
)
def test_japanese_that_cannot_be_encoded_is_english(encoding: str | None, lang: str) -> None:
    assert choose_language("ja", {}, "auto", encoding) == lang


def test_a_style_has_colour_and_symbols_of_its_stream() -> None:
    style = choose_style(color="auto", symbols="auto", environ={}, terminal=True, encoding="ascii")

    assert style == Style(color=True, symbols=ASCII)


def test_text_is_painted_in_one_of_sixteen_colours_or_not_at_all() -> None:
    colored, plain = Style(color=True), Style(color=False)

    assert [colored.paint(role, "x") for role in Role] == [
        f"\x1b[{code}m" + "x\x1b[0m" for code in (32, 31, 33, 36, 2, 1)
    ]
    assert [plain.paint(role, "x") for role in Role] == ["x"] * 6
    assert colored.paint(Role.OK, "") == ""


@pytest.mark.parametrize("symbols", [EMOJI, UNICODE, ASCII])
def test_marks_that_stand_in_columns_take_one_column_everywhere(symbols: Symbols) -> None:
    marks = [symbols.running, symbols.ok, symbols.fail, symbols.waiting, symbols.skipped, symbols.retry]

    assert [width(mark) for mark in marks] == [1] * 6
    assert {unicodedata.east_asian_width(mark) for mark in marks} <= {"N", "Na"}
    assert len(set(marks)) == 6


@pytest.mark.parametrize("symbols", [EMOJI, UNICODE, ASCII])
def test_no_symbol_needs_a_variation_selector(symbols: Symbols) -> None:
    assert not any("\ufe00" <= sign <= "\ufe0f" for sign in "".join(asdict(symbols).values()))


def test_the_last_set_is_ascii_alone() -> None:
    assert "".join(asdict(ASCII).values()).isascii()
