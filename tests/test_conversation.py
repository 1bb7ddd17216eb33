"""What an agent says is told to people in a line of bounded length."""

import pytest

from aad.conversation import LONGEST_WORDS, shorten_words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("  two\n\twords ", "two words"),
        ("x" * 200, "x" * 200),
        ("word " * 40, ("word " * 40).strip()),
        ("word " * 41, ("word " * 40).strip() + "…"),
        ("word " * 100_000, ("word " * 40).strip() + "…"),
        # Nowhere in it may a line be broken.
        ("仕様" * 150, "仕様" * 99 + "仕…"),
        ("/" + "folder/" * 100, "/" + "folder/" * 28 + "fo…"),
        ("Note: " + "仕様" * 150, "Note: " + "仕様" * 96 + "仕…"),
        ("two" + " " * 5000 + "words", "two…"),
    ],
)
def test_words_are_shown_on_one_line_and_as_far_as_they_fit(text: str, shown: str) -> None:
    assert shorten_words(text) == shown
    assert len(shown) <= LONGEST_WORDS
