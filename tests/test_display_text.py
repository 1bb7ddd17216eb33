import pytest

from aad.display.text import (
    clean,
    clean_tail,
    cut,
    format_count,
    format_duration,
    format_estimate,
    format_names,
    pad,
    width,
)

# --- columns ---


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("SPEC-001", 8),
        ("設定管理", 8),
        ("ｱｲｳ", 3),
        ("ＡＢ", 4),
        ("が", 2),
        ("か\u3099", 2),
        ("e\u0301", 1),
        ("\u200d", 0),
        ("🚀", 2),
        ("│ ├─", 4),
        ("\u3000", 2),
    ],
)
def test_width_counts_the_columns_of_a_terminal(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("SPEC-001", 8, "SPEC-001"),
        ("SPEC-001", 4, "SPEC"),
        ("SPEC-001", 0, ""),
        ("SPEC-001", -1, ""),
        ("", 0, ""),
        ("設定管理", 8, "設定管理"),
        ("設定管理", 5, "設定"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301e\u0301"),
    ],
)
def test_cut_returns_as_much_as_fits(text: str, columns: int, expected: str) -> None:
    assert cut(text, columns) == expected


def test_pad_fills_up_with_blanks() -> None:
    assert [pad("ab", 4), pad("設定", 5), pad("long", 2)] == ["ab  ", "設定 ", "long"]


# --- safety ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words", "plain words"),
        ("設定管理 + ワークフロー", "設定管理 + ワークフロー"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[38:2::255:0:0mtrue colour\x1b[m", "true colour"),
        ("\x1b[2J\x1b[H\x1b[?25lgone", "gone"),
        ("\x1b[3", ""),
        ("\x1b[3é", "é"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never closed", "0;never closed"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("\x1b_hidden\x1b\\shown", "shown"),
        ("\x1b(Bcharset\x1b7\x1b8\x1bc", "charset"),
        ("\x9b31mred\x9d0;title\x9cafter", "redafter"),
        ("bell\x07 back\b\x00 del\x7f\x1b", "bell back del"),
        ("admin\u202etxt.exe\u2066", "admintxt.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("a\tb", "a       b"),
        ("trailing \t ", "trailing"),
        ("　全角　", "　全角"),
    ],
)
def test_clean_leaves_nothing_that_moves_the_cursor(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10%\r50%\r100%", "100%"),
        ("10%\r50%\r", "50%"),
        ("50%\r   \r", "50%"),
        ("\x1b[2K\r10%\x1b[2K\r20%", "20%"),
        ("dos\r\n", "dos"),
        ("\r", ""),
    ],
)
def test_clean_reduces_progress_to_its_last_state(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\n\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_clean_makes_one_line_of_several(line_break: str) -> None:
    assert clean(f"one{line_break}two") == "one two"


def test_clean_names_what_no_encoding_holds() -> None:
    assert clean("caf\udce9 \ud800") == "caf\\xe9 \\ud800"


def test_clean_takes_time_in_proportion_to_the_length() -> None:
    hostile = (
        ("\x1b]" * 300_000) + ("\x9d" * 300_000) + ("\x1bP" * 300_000) + ("\x9b" * 300_000) + "\r" * 300_000
    )

    assert clean(hostile) == ""


def test_clean_tail_cleans_each_line_of_a_child() -> None:
    lines = [b"\x1b[31mE   assert 1 == 2\x1b[0m\n", "日本語\n".encode(), b"caf\xe9\r\n", b"\n", b"10%\r20%"]

    assert clean_tail(lines) == ("E   assert 1 == 2", "日本語", "caf\\xe9", "", "20%")


def test_clean_tail_cuts_long_lines() -> None:
    lines = [b"x" * 10_000, "長".encode() * 10_000]

    assert clean_tail(lines) == ("x" * 500, "長" * 250)
    assert clean_tail(lines, limit_columns=3) == ("xxx", "長")


# --- durations, counts, names ---


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (-3, "0.0s", "0.0秒"),
        (0, "0.0s", "0.0秒"),
        (0.4, "0.4s", "0.4秒"),
        (0.999, "0.9s", "0.9秒"),
        (1, "1s", "1秒"),
        (48.9, "48s", "48秒"),
        (59.96, "59s", "59秒"),
        (60, "1m", "1分"),
        (312, "5m 12s", "5分12秒"),
        (537.999, "8m 57s", "8分57秒"),
        (3599.99, "59m 59s", "59分59秒"),
        (3600, "1h", "1時間"),
        (3659, "1h", "1時間"),
        (3900, "1h 5m", "1時間5分"),
        (86399, "23h 59m", "23時間59分"),
        (86400, "1d", "1日"),
        (2 * 86400 + 3 * 3600 + 59, "2d 3h", "2日3時間"),
        (400 * 86400, "400d", "400日"),
    ],
)
def test_a_duration_has_two_units_and_is_cut_off(seconds: float, english: str, japanese: str) -> None:
    assert (format_duration(seconds, "en"), format_duration(seconds, "ja")) == (english, japanese)


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (0, "about 1s", "約1秒"),
        (12.5, "about 13s", "約13秒"),
        (59.7, "about 1m", "約1分"),
        (89, "about 1m", "約1分"),
        (90, "about 2m", "約2分"),
        (150, "about 3m", "約3分"),
        (600, "about 10m", "約10分"),
        (3599, "about 1h", "約1時間"),
        (3930, "about 1h 6m", "約1時間6分"),
        (86399, "about 1d", "約1日"),
        (2 * 86400 + 3.5 * 3600, "about 2d 4h", "約2日4時間"),
    ],
)
def test_an_estimate_is_rounded(seconds: float, english: str, japanese: str) -> None:
    assert (format_estimate(seconds, "en"), format_estimate(seconds, "ja")) == (english, japanese)


def test_counts_have_their_thousands_set_apart() -> None:
    assert [format_count(7), format_count(1284), format_count(1234567)] == ["7", "1,284", "1,234,567"]


def test_a_long_list_of_names_ends_in_how_many_more_there_are() -> None:
    names = [f"T{number:02}" for number in range(1, 13)]

    assert format_names(names[:3]) == "T01, T02, T03"
    assert format_names(names[:10]) == "T01, T02, T03, T04, T05, T06, T07, T08, T09, T10"
    assert format_names(names) == "T01, T02, T03, T04, T05, T06, T07, T08, T09, T10, +2"
    assert format_names(names, limit=1) == "T01, +11"
    assert format_names(names, limit=0) == "+12"
    assert format_names([]) == ""
