"""What SPEC-002 asks for. Needs the standard library alone."""

# ruff: noqa: PT009 - unittest is what the standard library has

import unittest

from kakeibo.columns import draw_columns  # type: ignore[import-not-found] # SPEC-002 makes it


class Columns(unittest.TestCase):
    """Rows are drawn below each other."""

    def test_the_last_column_stands_right_and_all_others_left(self) -> None:
        rows = [("food", "a", "1,920"), ("books", "bc", "980")]
        self.assertEqual(draw_columns(rows), "food   a   1,920\nbooks  bc    980\n")

    def test_a_wide_character_takes_two_places(self) -> None:
        self.assertEqual(draw_columns([("食費", "1,920"), ("books", "一")]), "食費   1,920\nbooks     一\n")

    def test_no_rows_are_no_text(self) -> None:
        self.assertEqual(draw_columns([]), "")
