"""Private keys are known from their BEGIN to their END, on many lines or on one."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from madeupsecrets import list_body, make_key

from aad.privatekeys import MOST_LINES, KeyReader
from aad.sighting import MASK

KEY = make_key()
BODY = list_body(KEY)
BEGIN, *_, END = KEY.splitlines()


def find(*texts: str) -> list[str]:
    """Return what one reader finds secret in texts that follow each other."""
    reader = KeyReader()
    return [
        text.encode()[slice(*found.secret)].decode() for text in texts for found in reader.read(text.encode())
    ]


# --- on many lines ---


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        make_key(""),
        make_key("EC ", 128),
        make_key("OPENSSH ", 2600),
        make_key("ENCRYPTED "),
        make_key(head="Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n"),
        make_key().replace("KEY-", "KEY BLOCK-").replace("PRIVATE", "PGP PRIVATE"),
        make_key().replace("-----BEGIN RSA", "---- BEGIN SSH2 ENCRYPTED").replace("KEY-----", "KEY ----"),
    ],
    ids=["rsa", "pkcs8", "ec", "openssh", "encrypted", "encrypted rsa", "pgp", "ssh2"],
)
def test_all_lines_between_begin_and_end_are_secret_and_no_others(key: str) -> None:
    assert find(f"before\n{key}after\n") == list_body(key)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  ", ""),
        ("", "\r"),
        ("12:00:00 worker | ", ""),
        ("+", ""),
        ("'", r"\n',"),
        ('  "', r'\n" +'),
        ("\x1b[32m", "\x1b[0m"),
    ],
)
def test_its_lines_are_known_whatever_stands_around_them(before: str, after: str) -> None:
    lines = [f"{before}{line}{after}" for line in KEY.splitlines()]

    found = find("\n".join(lines))

    assert [body in secret for body, secret in zip(BODY, found, strict=True)] == [True] * len(BODY)


def test_what_others_say_meanwhile_is_told() -> None:
    lines = [f"{line}\nanother says: it is 12:00" for line in KEY.splitlines()]

    # Who knows whether the short last line belongs to the key, after that?
    assert find("\n".join(lines)) == BODY[:-1]


def test_a_key_goes_on_over_the_end_of_a_text_and_stops_at_its_end() -> None:
    assert find(*KEY.splitlines(keepends=True), *KEY.splitlines(keepends=True)[1:]) == BODY


def test_a_key_that_nothing_ends_is_secret_as_far_as_it_goes() -> None:
    assert find(f"{BEGIN}\n{BODY[0]}\n{BODY[1]}\n") == BODY[:2]


def test_a_key_begins_anew_with_each_begin() -> None:
    assert find(f"{BEGIN}\n{BODY[0]}\n{KEY}") == [BODY[0], *BODY]


def test_lines_that_are_masked_already_are_lines_of_the_key() -> None:
    text = KEY.replace(BODY[-2], MASK.decode())

    assert find(text) == [*BODY[:-2], MASK.decode(), BODY[-1]]


def test_a_begin_that_is_only_spoken_of_begins_nothing() -> None:
    assert find(f'if text.startswith("{BEGIN}") then\n{BODY[0]}\n') == []


def test_a_lone_begin_hides_no_prose_and_is_forgotten_after_a_while() -> None:
    prose = "words of a log, and\nshort\n" * (MOST_LINES // 2)

    assert find(f"{BEGIN}\n{prose}{BODY[0]}\n") == []
    assert find(f"{BEGIN}\n{prose[:-6]}{BODY[0]}\n") == [BODY[0]]


def test_an_end_alone_and_what_is_no_private_key_are_told() -> None:
    public = KEY.replace("RSA PRIVATE", "PUBLIC")
    certificate = KEY.replace("RSA PRIVATE KEY", "CERTIFICATE")

    assert find(f"{BODY[0]}\n{END}\n", public, certificate) == []


# --- on one line ---


@pytest.mark.parametrize(
    "line", [json.dumps(KEY), json.dumps(json.dumps({"key": KEY})), KEY.replace("\n", " ")]
)
def test_a_key_on_one_line_is_secret_from_its_begin_to_its_end(line: str) -> None:
    (found,) = find(f"before\n{{{line}}}\nafter\n")

    assert line.partition(BEGIN)[2].partition(END)[0] == found


def test_keys_on_one_line_are_found_one_by_one() -> None:
    line = json.dumps([KEY, make_key("EC ")])

    assert [found.count("\\n") for found in find(line)] == [
        KEY.count("\n") - 1,
        make_key("EC ").count("\n") - 1,
    ]


def test_a_key_whose_end_was_cut_off_is_secret_as_far_as_it_goes() -> None:
    line = json.dumps(KEY)[: len(BEGIN) + 700]

    assert find(f"{line}... and more\n{BODY[0]}\n") == [line.partition(BEGIN)[2]]


def test_the_ends_of_a_key_with_prose_between_are_no_key() -> None:
    assert find(f"It begins with {BEGIN} and ends with {END}, and that is all.") == []


# --- in pieces ---


@given(
    pieces=st.lists(
        st.sampled_from([KEY, BEGIN, END, BODY[0], BODY[-1], "prose", "\n", json.dumps(KEY), " "]),
        max_size=20,
    ),
    cuts=st.sets(st.integers(0, 100)),
)
def test_lines_are_read_alike_however_many_come_at_once(pieces: Iterable[str], cuts: set[int]) -> None:
    lines = "".join(pieces).splitlines(keepends=True)
    texts, text = [], ""
    for number, line in enumerate(lines):
        text += line
        if number in cuts:
            texts.append(text)
            text = ""

    assert find(*texts, text) == find("".join(lines))
