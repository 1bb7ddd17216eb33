"""Which values are secret, and what each of them may look like."""

import json
import shlex
import subprocess
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from madeupsecrets import draw, list_body, make_key

from aad.config import LogSettings
from aad.secretvalues import SHORTEST, list_forms, secret_values

GLOBS = LogSettings().redact_env
TOKEN = "tok-0123456789"  # noqa: S105 - nobody's


# --- which values are secret ---


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN",
        "github_token",
        "MySecret",
        "AWS_ACCESS_KEY_ID",
        "PGPASSWORD",
        "SENTRY_DSN",
        "BASIC_AUTH",
    ],
)
def test_values_of_variables_that_sound_secret_are_secret(name: str) -> None:
    assert secret_values({name: TOKEN, "LANG": "en_US.UTF-8"}, GLOBS) == (TOKEN,)


@pytest.mark.parametrize("value", ["", "true", "1234567", "DISABLED", "required", "/home/nobody-at-all"])
def test_values_that_stand_everywhere_are_not(value: str) -> None:
    assert secret_values({"A_TOKEN": value, "HOME": "/home/nobody-at-all"}, GLOBS) == ()


@pytest.mark.parametrize(
    "word", ["password", "production", "development", "PRODUCTION", "Production", "organization"]
)
def test_everyday_words_are_not_secret(word: str) -> None:
    assert secret_values({"AUTH_MODE": word}, GLOBS) == ()


@pytest.mark.parametrize(
    "value", ["passw0rd", "passWord", "passwordpassw", "pass-word", "pässword", "12345678"]
)
def test_what_is_no_single_short_word_may_be_secret(value: str) -> None:
    assert secret_values({"AUTH_MODE": value}, GLOBS) == (value,)


def test_a_path_that_exists_is_not_secret_and_one_that_does_not_may_be(tmp_path: Path) -> None:
    socket, missing = tmp_path / "agent.sock", tmp_path / "missing"
    socket.touch()

    assert secret_values({"SSH_AUTH_SOCK": str(socket), "KEY": str(missing)}, GLOBS) == (str(missing),)


def test_a_value_too_long_for_a_path_is_secret() -> None:
    assert secret_values({"KEY": "x" * 10_000}, GLOBS) == ("x" * 10_000,)


def test_a_value_of_two_variables_counts_once() -> None:
    assert secret_values({"A_TOKEN": TOKEN, "B_TOKEN": TOKEN}, GLOBS) == (TOKEN,)


def test_the_globs_decide_which_names_sound_secret() -> None:
    environ = {"A_TOKEN": TOKEN, "MY_PRECIOUS": "0123456789"}

    assert secret_values(environ, ["*precious"]) == ("0123456789",)
    assert secret_values(environ, []) == ()


# --- what they may look like ---


def test_a_value_that_nothing_quotes_has_its_own_form_and_three_of_base64() -> None:
    assert list_forms(TOKEN.encode()) == {
        TOKEN.encode(),
        b"dG9rLTAxMjM0NTY3OD",
        b"Rvay0wMTIzNDU2Nzg5",
        b"0b2stMDEyMzQ1Njc4O",
    }


@pytest.mark.parametrize(
    "value", ["pa\"ss\\wo'rd/1", "ひみつの ことば鍵", "tab\tand bell\a", "a+b=c&d?e#f~(g)!*"]
)
def test_a_value_is_known_in_all_the_ways_to_quote_it(value: str) -> None:
    forms = list_forms(value.encode())

    quoted = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        repr(value.encode())[2:-1],
        shlex.quote(value).removeprefix("'").removesuffix("'"),
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
    }
    assert {form.encode() for form in quoted} <= forms


@pytest.mark.parametrize("line", ["export V; export -p", 'printf %q "$V"', 'set -x; : "$V"', 'echo "${V@Q}"'])
def test_what_bash_tells_of_a_variable_is_known(line: str) -> None:
    value = 'p@ss"word\\with$dollar`tick<&>/x, y~#[1]'

    told = subprocess.run(["bash", "-c", line], env={"V": value}, capture_output=True, check=True)

    assert any(form in told.stdout + told.stderr for form in list_forms(value.encode()))


@pytest.mark.parametrize(
    "told",
    [r"a\u0026b\u003cc\u003e\"/d", r"a&b<c>\"\/d", json.dumps(json.dumps('a&b<c>"/d'))],
    ids=["Go", "PHP", "JSON in JSON"],
)
def test_what_other_encoders_of_json_write_is_known(told: str) -> None:
    forms = list_forms(b'a&b<c>"/d')

    assert any(form in told.encode() for form in forms)


def test_letters_of_percent_signs_may_be_small() -> None:
    assert {b"one%2Ftwo%3F", b"one%2ftwo%3f", b"one/two%3F", b"one/two%3f"} < list_forms(b"one/two?")


def test_a_quote_is_known_in_both_ways_shells_have() -> None:
    forms = list_forms(b"it's secret")

    assert {b"it'\"'\"'s secret", b"it'\\''s secret"} < forms


@given(
    value=st.binary(min_size=SHORTEST, max_size=60).filter(lambda value: value == value.strip()),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
)
def test_its_base64_is_known_whatever_stands_around_it(value: bytes, before: bytes, after: bytes) -> None:
    forms = list_forms(value)

    for encode in (b64encode, urlsafe_b64encode):
        text = encode(before + value + after)
        longest = max((form for form in forms if form in text), key=len)
        # No more than the letters at both ends are left, which belong to the neighbours too.
        assert len(longest) >= len(value) * 8 // 6 - 1


def test_each_line_of_a_value_with_many_is_known_and_the_whole_where_it_is_quoted() -> None:
    key = make_key()

    forms = list_forms(key.encode())

    lines = [line.encode() for line in list_body(key)]
    assert set(lines) < forms
    assert json.dumps(key.strip())[1:-1].encode() in forms
    assert b64encode(key.strip().encode())[:-4] in {form[: len(form) // 4 * 4] for form in forms}


def test_what_a_key_begins_and_ends_with_and_everyday_lines_are_no_forms() -> None:
    value = b"-----BEGIN PRIVATE KEY-----\nproduction\nshort\nlong enough\n-----END PRIVATE KEY-----\n"

    lines = {form for form in list_forms(value) if form in value}

    assert lines == {b"long enough"}


@given(value=st.binary(max_size=40))
def test_no_form_is_short_or_has_many_lines(value: bytes) -> None:
    assert all(len(form) >= SHORTEST and b"\n" not in form for form in list_forms(value))


def test_what_is_no_text_has_forms_too() -> None:
    value = b"\xff\xfe-secret"

    assert {value, rb"\xff\xfe-secret", b"%FF%FE-secret", rb"\udcff\udcfe-secret"} < list_forms(value)


def test_a_long_value_is_made_ready_at_once() -> None:
    value = draw("long", 100_000).encode()

    assert max(map(len, list_forms(value))) == 133_333
