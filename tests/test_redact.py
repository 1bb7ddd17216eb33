"""What is masked, in whole texts and in streams of bytes that come in any pieces."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from madeupsecrets import TOKENS, draw, list_body, make_key

from aad.errors import InputError
from aad.redact import HOLD, RedactedStream, Redactor, compile_patterns
from aad.sighting import MASK, REACH

TOKEN = "tok-0123456789"  # noqa: S105 - nobody's
LINES = "first of four\nsecond-line\n  and the third\nabc\n"
KEY = make_key()
GITHUB = TOKENS["GitHub personal"]

# Few letters, so that secrets, their beginnings and each other's overlaps are met at every step.
SECRETS = ("abababab", "ababababcc", "ccccccccab", "xyxyxyxyx")
PATTERNS = ("z[abc]+z", "yy+")


def feed_all(stream: RedactedStream, chunks: Iterable[bytes]) -> bytes:
    return b"".join([*map(stream.feed, chunks), stream.finish()])


def cut_into(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    chunks = []
    for size in sizes:
        chunks.append(data[:size])
        data = data[size:]
    return [*chunks, data]


# --- what is masked ---


def test_a_known_value_is_masked_wherever_it_stands() -> None:
    redactor = Redactor([TOKEN])

    text = redactor.redact(f"{TOKEN}, Bearer {TOKEN}\nx{TOKEN}y")

    assert text == "[redacted], Bearer [redacted]\nx[redacted]y"
    assert redactor.count == 3


def test_text_without_secrets_comes_back_as_it_was() -> None:
    redactor = Redactor([TOKEN], ["sk-[a-z]+"])

    for text in ("", "plain", "半分\n", "lone \udcff and \ud800"):
        assert redactor.redact(text) is text
    assert redactor.count == 0


def test_text_of_any_kind_around_a_secret_is_kept() -> None:
    assert Redactor([TOKEN]).redact(f"鍵 {TOKEN} 🎉\0\r\n") == "鍵 [redacted] 🎉\0\r\n"


def test_a_value_that_is_a_part_of_another_leaves_nothing_of_the_longer_one() -> None:
    redactor = Redactor(["password1", "password1-and-more"])

    assert redactor.redact("password1-and-more password1") == "[redacted] [redacted]"


def test_each_line_of_a_value_with_many_lines_is_masked_but_for_short_ones() -> None:
    redactor = Redactor([LINES])

    assert redactor.redact(LINES) == "[redacted]\n[redacted]\n  [redacted]\nabc\n"
    assert redactor.redact("  and the third\r") == "  [redacted]\r"


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("value", [LINES, 'pass"word\\1', "ひみつのことば鍵"])
def test_a_value_is_masked_inside_of_json_too(value: str, ascii_only: bool) -> None:
    text = json.dumps({"env": value.strip()}, ensure_ascii=ascii_only)

    assert Redactor([value]).redact(text) == '{"env": "[redacted]"}'


def test_a_value_is_masked_in_urls_and_in_base64() -> None:
    redactor, value = Redactor(["pass/word 1"]), "pass/word 1"
    login = b64encode(f"me:{value}".encode()).decode()

    text = redactor.redact(f"?pw={quote(value, safe='')}&x=1 Basic {login}")

    assert text == "?pw=[redacted]&x=1 Basic bWU6[redacted]E="


def test_a_value_shorter_than_words_are_masks_nothing() -> None:
    assert Redactor(["1234567"]).redact("1234567 and 12345678") == "1234567 and 12345678"


def test_values_may_be_bytes_that_are_no_text() -> None:
    assert Redactor([b"\xff\xfe-secret"]).redact_bytes(b"a\xff\xfe-secretb") == b"a[redacted]b"
    assert Redactor(["\udcff-secret"]).redact_bytes(b"a\xff-secretb") == b"a[redacted]b"


def test_a_value_that_was_part_of_a_character_leaves_readable_text() -> None:
    # The value ends in the middle of a character of two bytes.
    assert Redactor([b"secret-\xc3"]).redact("secret-ä") == "[redacted]\\xa4"


def test_empty_values_mask_nothing() -> None:
    redactor = Redactor(["", "\n", b" \n "])

    assert redactor.redact("a b\nc") == "a b\nc"


# --- what looks like a secret ---


def test_what_has_the_shape_of_a_token_is_masked_though_nobody_named_it() -> None:
    redactor = Redactor([])

    text = redactor.redact(f"{GITHUB} Bearer {TOKENS['JSON Web Token']} x://me:{GITHUB}@host")

    assert text == "[redacted] Bearer [redacted] x://me:[redacted]@host"
    assert redactor.count == 3


def test_of_a_private_key_what_stands_between_its_ends_is_masked() -> None:
    redactor = Redactor([])

    text = redactor.redact(f"a\n{KEY}{json.dumps(KEY)}\nb")

    begin, *body, end = KEY.splitlines()
    masked = "\n".join([begin, *["[redacted]"] * len(body), end])
    assert text == f'a\n{masked}\n"{begin}[redacted]{end}\\n"\nb'
    assert redactor.count == len(body) + 1


def test_known_values_come_before_shapes_and_shapes_before_patterns() -> None:
    redactor = Redactor([GITHUB[:20]], [r"\[redacted\]\S*", r"_[a-zA-Z0-9]{30,}"])

    text = redactor.redact(f"{GITHUB} {TOKENS['npm']}")

    assert text == "[redacted] [redacted]"
    assert redactor.count == 4


def test_a_key_whose_lines_are_known_values_is_masked_like_any() -> None:
    assert Redactor([KEY]).redact(KEY) == Redactor([]).redact(KEY)


def test_what_is_masked_is_masked_once() -> None:
    text = Redactor([TOKEN]).redact(f"{KEY}{TOKEN} Bearer {GITHUB} x://me:{TOKEN}@host")
    redactor = Redactor([TOKEN])

    assert redactor.redact(text) is text
    assert redactor.count == 0


def test_what_comes_after_a_place_is_masked_in_the_light_of_what_came_before() -> None:
    redactor, data = Redactor([TOKEN]), f"one\n{KEY}{TOKEN}\n".encode()
    whole = redactor.redact_bytes(data)

    for line, masked in zip(data.splitlines(), whole.splitlines(), strict=True):
        start = data.index(line)
        assert whole.endswith(redactor.redact_from(data, start))
        assert redactor.redact_from(data, start).startswith(masked)


@pytest.mark.parametrize("place", [0, 1, 10, 30, 31])
def test_a_key_is_known_though_the_place_is_in_the_line_that_begins_it(place: int) -> None:
    begin, *body, _ = KEY.encode().splitlines()

    rest = Redactor([]).redact_from(KEY.encode(), place)

    assert rest.startswith(begin[place:])
    assert [line for line in body if line in rest] == []


# --- patterns ---


def test_what_a_pattern_matches_is_masked_line_by_line() -> None:
    redactor = Redactor([], [r"sk-[a-z0-9]+", r"^id=.*$", r"(?i)pin\s+\d+"])

    text = redactor.redact("id=7\nkey sk-a1 sk-b2!\nno id=7\nPin\n1234 PIN 99")

    assert text == "[redacted]\nkey [redacted] [redacted]!\nno id=7\nPin\n1234 [redacted]"
    assert redactor.count == 4


def test_all_patterns_that_cannot_be_used_are_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        compile_patterns(["ok+", "(", "x*"])

    assert caught.value.exit_code == 2
    assert caught.value.render("en") == (
        "( in redact_patterns cannot be used: missing ), unterminated subpattern at position 0 "
        "(give a Python regular expression that matches one character or more)\n"
        "x* in redact_patterns cannot be used: it matches the empty text "
        "(give a Python regular expression that matches one character or more)"
    )
    assert caught.value.render("ja").splitlines()[0] == (
        "redact_patterns の ( は使えません: missing ), unterminated subpattern at position 0"
        "（1 文字以上に一致する Python の正規表現を指定してください）"
    )


def test_a_redactor_takes_no_pattern_that_cannot_be_used() -> None:
    with pytest.raises(InputError):
        Redactor([], ["["])


def test_patterns_are_made_ready_in_order() -> None:
    assert compile_patterns(["a", "ü+"]) == (re.compile(b"a"), re.compile("ü+".encode()))


# --- streams ---


def test_a_stream_holds_back_the_unfinished_line() -> None:
    stream = Redactor([TOKEN]).stream()

    told = [stream.feed(piece) for piece in (b"one\ntok-01", b"23456789 two\nthr", b"ee")]

    assert told == [b"one\n", b"[redacted] two\n", b""]
    assert stream.finish() == b"three"
    assert stream.finish() == b""


def test_what_is_held_back_can_be_looked_at_and_taken() -> None:
    stream = Redactor([TOKEN]).stream()
    stream.feed(b"x " + TOKEN.encode())

    assert stream.peek() == stream.peek() == b"x [redacted]"
    assert stream.take() == b"x " + TOKEN.encode()
    assert stream.peek() == b""


def test_a_key_is_masked_line_by_line_as_it_comes() -> None:
    begin, *body, end = KEY.splitlines(keepends=True)
    stream = Redactor([]).stream()

    told = [stream.feed(line.encode()) for line in (begin, *body[:2], body[2][:30])]

    assert told == [begin.encode(), b"[redacted]\n", b"[redacted]\n", b""]
    assert stream.feed(body[2][30:].encode()) == b"[redacted]\n"
    assert stream.feed("".join([*body[3:-1], body[-1].rstrip()]).encode()).count(MASK) == len(body) - 4
    assert stream.peek() == stream.peek() == MASK
    assert stream.feed(f"\n{end}{body[0]}".encode()) == f"[redacted]\n{end}{body[0]}".encode()


def test_to_look_at_a_line_changes_nothing() -> None:
    begin, first, *_ = KEY.encode().splitlines(keepends=True)
    stream = Redactor([]).stream()
    stream.feed(begin + first + b"a")

    seen = stream.peek()

    # A single letter is no line of a key; that it is the first of one must be seen still.
    assert seen == b"a"
    assert stream.feed(b"bcdefg==\n") == b"[redacted]\n"


def test_an_endless_line_is_let_go_but_for_its_end() -> None:
    stream = Redactor([TOKEN]).stream()

    told = stream.feed(b"x" * (HOLD * REACH - 1)), stream.feed(b"x")

    assert told == (b"", b"x" * (HOLD - 1) * REACH)


@pytest.mark.parametrize(
    ("secret", "masked"),
    [
        (TOKEN, "[redacted]"),
        (GITHUB, "[redacted]"),
        (f"Bearer {GITHUB[4:]}", "Bearer [redacted]"),
        ("x://me:hunter2@host", "x://me:[redacted]@host"),
        (
            json.dumps(KEY),
            json.dumps(Redactor([]).redact(KEY)).replace(r"\n[redacted]" * 26 + r"\n", "[redacted]"),
        ),
    ],
    ids=["value", "token", "bearer", "url", "key"],
)
def test_no_secret_in_an_endless_line_is_told_however_it_lies(secret: str, masked: str) -> None:
    count, gap = 400_000 // (len(secret) + 97), " " + "-." * 48
    data = ((secret + gap) * count).encode()

    told = feed_all(Redactor([TOKEN]).stream(), cut_into(data, [1000] * 400))

    assert told == ((masked + gap) * count).encode()


def test_a_secret_longer_than_what_is_held_makes_the_stream_hold_more() -> None:
    secret = draw("long", 100_000).encode()

    masked = feed_all(Redactor([secret]).stream(), [b"." * 500_000, secret, b"." * 500_000])

    assert masked == b"." * 500_000 + MASK + b"." * 500_000


def test_what_a_pattern_matches_in_an_endless_line_is_not_cut() -> None:
    before, after = b"." * ((HOLD - 1) * REACH - 8), b"." * HOLD * REACH
    stream = Redactor([], ["id:[a-p]{16}"]).stream()

    assert feed_all(stream, [before, b"id:abcdefghijklmnop", after]) == before + MASK + after


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_secrets_chained_without_a_gap_are_masked_alike_however_they_come(end: bytes) -> None:
    redactor, data = Redactor(SECRETS), b"ab" * 100_000 + end

    masked = feed_all(redactor.stream(), cut_into(data, [999] * 200))

    assert masked == feed_all(redactor.stream(), [data])


def test_a_byte_at_a_time_is_as_good_as_all_at_once() -> None:
    data = f"a {TOKEN}\n{KEY}b {TOKEN}".encode()
    redactor = Redactor([TOKEN])

    assert feed_all(redactor.stream(), cut_into(data, [1] * len(data))) == redactor.redact_bytes(data)


def test_a_line_too_long_for_a_key_ends_it_however_it_comes() -> None:
    begin, first, *_ = KEY.encode().splitlines(keepends=True)
    data = begin + b"." * 5 * REACH + b"\n" + first + begin + first

    masked = feed_all(Redactor([]).stream(), [data])

    assert masked == data[: -len(first)] + MASK + b"\n"
    assert feed_all(Redactor([]).stream(), cut_into(data, [777] * 200)) == masked


# --- whatever comes ---

SHAPES = (
    *TOKENS.values(),
    f"Bearer {draw('bearer', 40)}",
    "x://me:hunter2@host",
    KEY,
    json.dumps(KEY),
    *KEY.splitlines(),
)
FEW_LETTERS = st.sampled_from([*SECRETS, "ab", "c", "zabz", "z", "y", "x", "\n", "-", "é"])
WORDS = st.sampled_from([*SHAPES, *SECRETS, "\n", " ", "\n\n", "a word", "=", '"', "\\n", "/", "0" * 20, "é"])
TEXTS = st.lists(FEW_LETTERS | WORDS | st.text(max_size=5), max_size=80).map(
    lambda pieces: "".join(pieces).encode("utf-8", "replace")
)
SIZES = st.lists(st.integers(0, 90) | st.integers(0, 5000))


@given(data=TEXTS, sizes=SIZES)
def test_a_stream_masks_what_the_whole_text_would_have_masked(data: bytes, sizes: list[int]) -> None:
    redactor = Redactor(SECRETS, PATTERNS)

    assert feed_all(redactor.stream(), cut_into(data, sizes)) == redactor.redact_bytes(data)


@settings(max_examples=50)
@given(
    data=TEXTS.filter(len),
    length=st.sampled_from([1000, 70_000, 140_000, 300_000]),
    line_end=st.sampled_from([b"", b"\n"]),
    sizes=st.lists(st.integers(0, 100_000)),
)
def test_of_endless_lines_the_same_comes_out_however_they_are_cut(
    data: bytes, length: int, line_end: bytes, sizes: list[int]
) -> None:
    redactor = Redactor(SECRETS, PATTERNS)
    line = data.replace(b"\n", b" ") * (length // len(data)) + line_end + data

    assert feed_all(redactor.stream(), cut_into(line, sizes)) == feed_all(redactor.stream(), [line])


@settings(max_examples=50)
@given(
    secrets=st.lists(st.sampled_from([*TOKENS.values(), *SECRETS, json.dumps(KEY)]), min_size=1, max_size=9),
    gap=st.integers(1, 20_000),
    line_end=st.sampled_from([" ", "\n"]),
    size=st.integers(1000, 100_000),
)
def test_no_secret_leaves_a_stream(secrets: list[str], gap: int, line_end: str, size: int) -> None:
    unit = "".join(f"{line_end}{',' * gap} {secret}" for secret in secrets).encode()
    data = unit * (200_000 // len(unit) + 1)

    masked = feed_all(Redactor(SECRETS).stream(), cut_into(data, [size] * (len(data) // size)))

    assert [secret for secret in (*secrets, *list_body(KEY)) if secret.encode() in masked] == []
    assert masked.count(b",") == data.count(b",")


@given(pieces=st.lists(WORDS, max_size=80))
def test_what_is_masked_stays_as_it_is(pieces: list[str]) -> None:
    redactor = Redactor(SECRETS)
    masked = redactor.redact_bytes(" ".join(pieces).encode())

    assert redactor.redact_bytes(masked) == masked


@pytest.mark.parametrize(
    "letter", [b"sk-", b"eyJ", b"Bearer%20", b"://a:", b"-----BEGIN PRIVATE KEY-----", b"\\", b"xoxb-"]
)
def test_no_line_makes_a_shape_try_for_ever(letter: bytes) -> None:
    data = letter * (200_000 // len(letter))

    assert feed_all(Redactor([]).stream(), [data]) == data


def test_a_fresh_redactor_masks_the_same_and_counts_for_itself() -> None:
    redactor = Redactor(["tok-0123456789"])
    redactor.redact("tok-0123456789")

    fresh = redactor.fresh()

    assert (fresh.redact("a tok-0123456789"), fresh.count, redactor.count) == ("a [redacted]", 1, 1)
