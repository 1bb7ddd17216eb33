"""The long words of a text stand for it where something is searched that has one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.longwords import find_long_words, find_longest_word

LONG = b"sixteen_letters-"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", b""),
        (b"no word of these is a long one, nor is fifteen-letters", b""),
        (LONG, LONG),
        (b"a " + LONG + b"\n", LONG),
        (b"/" + LONG + b"0123456789/x." + LONG + b"?", LONG + b"0123456789 " + LONG),
        ("鍵".encode() + LONG + b"\xff", LONG),
    ],
)
def test_the_long_words_are_picked_out(text: bytes, words: bytes) -> None:
    assert find_long_words(text) == words


def test_of_a_text_that_is_long_words_all_is_given() -> None:
    text = (LONG + b"/") * 1000

    assert find_long_words(text) == text


def test_the_longest_word_is_that_of_the_most_letters() -> None:
    assert find_longest_word(LONG + b"/" + LONG + b"x/" + LONG) == LONG + b"x"
    assert find_longest_word(b"short/words/all/of/them") == b""


PARTS = st.lists(
    st.sampled_from([LONG, b"word", b"_", b" ", b"/", b"\n", b"0123456789ABCDEF"]), max_size=60
).map(b"".join)


@given(before=PARTS, part=PARTS, after=PARTS)
def test_the_longest_word_of_a_part_is_found_in_the_whole(before: bytes, part: bytes, after: bytes) -> None:
    assert find_longest_word(part) in find_long_words(before + part + after)
