import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.config import LogSettings
from aad.errors import InputError
from aad.redact import HOLD, MASK, PATTERN_REACH, RedactedStream, Redactor, compile_patterns, secret_values

GLOBS = LogSettings().redact_env
TOKEN = "tok-0123456789"  # noqa: S105 - nobody's
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n  hkiG9w0BAQEFAASC\nabc\n-----END KEY-----\n"

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
    redactor = Redactor([PEM])

    assert redactor.redact(PEM) == "[redacted]\n[redacted]\n  [redacted]\nabc\n[redacted]\n"
    assert redactor.redact("  MIIEvQIBADANBgkq\r") == "  [redacted]\r"


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("value", [PEM, 'pass"word\\1', "ひみつのことば鍵"])
def test_a_value_is_masked_inside_of_json_too(value: str, ascii_only: bool) -> None:
    text = json.dumps({"env": value.strip()}, ensure_ascii=ascii_only)

    assert Redactor([value]).redact(text) == '{"env": "[redacted]"}'


def test_values_may_be_bytes_that_are_no_text() -> None:
    assert Redactor([b"\xff\xfe-secret"]).redact_bytes(b"a\xff\xfe-secretb") == b"a[redacted]b"
    assert Redactor(["\udcff-secret"]).redact_bytes(b"a\xff-secretb") == b"a[redacted]b"


def test_a_value_that_was_part_of_a_character_leaves_readable_text() -> None:
    # The value ends in the middle of a character of two bytes.
    assert Redactor([b"secret-\xc3"]).redact("secret-ä") == "[redacted]\\xa4"


def test_empty_values_mask_nothing() -> None:
    redactor = Redactor(["", "\n", b" \n "])

    assert redactor.idle
    assert redactor.redact("a b\nc") == "a b\nc"


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


def test_a_stream_with_nothing_to_mask_hands_on_each_piece_itself() -> None:
    stream = Redactor([]).stream()
    chunk = b"no line end"

    assert stream.feed(chunk) is chunk
    assert stream.finish() == b""


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


def test_an_endless_line_is_let_go_but_for_its_end() -> None:
    stream = Redactor([TOKEN]).stream()

    told = stream.feed(b"x" * (HOLD - 1)), stream.feed(b"x")

    assert told == (b"", b"x" * (HOLD - len(TOKEN)))


def test_no_secret_in_an_endless_line_is_told_however_it_lies() -> None:
    data = (TOKEN.encode() + b"-" * 97) * 3000

    masked = feed_all(Redactor([TOKEN]).stream(), cut_into(data, [1000] * 300))

    assert masked == (MASK + b"-" * 97) * 3000


def test_a_secret_longer_than_what_is_held_makes_the_stream_hold_more() -> None:
    secret = b"s" * 1000
    stream = Redactor([secret]).stream(hold=64)

    masked = feed_all(stream, [b"x" * 5000, secret, b"x" * 5000])

    assert masked == b"x" * 5000 + MASK + b"x" * 5000


def test_what_a_pattern_matches_in_an_endless_line_is_not_cut() -> None:
    before, after = b"-" * (HOLD - PATTERN_REACH - 8), b"-" * HOLD
    stream = Redactor([], ["sk-[a-p]{16}"]).stream()

    assert feed_all(stream, [before, b"sk-abcdefghijklmnop", after]) == before + MASK + after


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_secrets_chained_without_a_gap_are_masked_alike_however_they_come(end: bytes) -> None:
    redactor, data = Redactor(SECRETS), b"ab" * 200 + end

    masked = feed_all(redactor.stream(hold=40), cut_into(data, [1] * 400))

    assert masked == feed_all(redactor.stream(hold=40), [data])


def test_a_byte_at_a_time_is_as_good_as_all_at_once() -> None:
    data = f"a {TOKEN}\nb {TOKEN}".encode()

    assert (
        feed_all(Redactor([TOKEN]).stream(), cut_into(data, [1] * len(data))) == b"a [redacted]\nb [redacted]"
    )


PIECES = st.sampled_from([*SECRETS, "ab", "c", "zabz", "z", "y", "x", "\n", "-", "é"])
BYTES = st.lists(PIECES, max_size=150).map(lambda pieces: "".join(pieces).encode())


@given(data=BYTES, sizes=st.lists(st.integers(0, 90)), hold=st.sampled_from([40, 64, 10_000]))
def test_however_the_bytes_are_cut_the_same_come_out(data: bytes, sizes: list[int], hold: int) -> None:
    redactor = Redactor(SECRETS)

    assert feed_all(redactor.stream(hold), cut_into(data, sizes)) == feed_all(redactor.stream(hold), [data])


@given(data=BYTES, sizes=st.lists(st.integers(0, 3000)), times=st.integers(1, 60))
def test_patterns_see_the_same_lines_however_the_bytes_are_cut(
    data: bytes, sizes: list[int], times: int
) -> None:
    redactor = Redactor(SECRETS, PATTERNS)

    whole = feed_all(redactor.stream(64), [data * times])

    assert feed_all(redactor.stream(64), cut_into(data * times, sizes)) == whole


@given(data=BYTES, sizes=st.lists(st.integers(0, 90)))
def test_a_stream_masks_what_the_whole_text_would_have_masked(data: bytes, sizes: list[int]) -> None:
    redactor = Redactor(SECRETS, PATTERNS)

    assert feed_all(redactor.stream(), cut_into(data, sizes)) == redactor.redact_bytes(data)


@given(
    gaps=st.lists(st.integers(1, 80), min_size=1, max_size=20),
    secret=st.sampled_from(SECRETS),
    size=st.integers(1, 90),
)
def test_no_secret_leaves_a_stream_of_short_memory(gaps: list[int], secret: str, size: int) -> None:
    data = b"".join(b"." * gap + secret.encode() for gap in gaps)
    chunks = [data[start : start + size] for start in range(0, len(data), size)]

    masked = feed_all(Redactor(SECRETS).stream(hold=40), chunks)

    assert masked == b"".join(b"." * gap + MASK for gap in gaps)


def test_a_fresh_redactor_masks_the_same_and_counts_for_itself() -> None:
    redactor = Redactor(["tok-0123456789"])
    redactor.redact("tok-0123456789")

    fresh = redactor.fresh()

    assert (fresh.redact("a tok-0123456789"), fresh.count, redactor.count) == ("a [redacted]", 1, 1)
