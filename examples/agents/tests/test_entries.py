"""What SPEC-001 asks for. Needs the standard library alone."""

# ruff: noqa: PT009, PT027 - unittest is what the standard library has

import unittest
from datetime import date

from kakeibo.entries import Entry, read_entries  # type: ignore[import-not-found] # SPEC-001 makes it


class Entries(unittest.TestCase):
    """A book is read line by line."""

    def test_an_entry_has_a_day_a_category_an_amount_and_perhaps_a_note(self) -> None:
        told = read_entries(["2026-11-01 food 1200 rice and miso\n", "2026-11-03 books 2420\n"])
        self.assertEqual(
            told,
            [
                Entry(date(2026, 11, 1), "food", 1200, "rice and miso"),
                Entry(date(2026, 11, 3), "books", 2420, ""),
            ],
        )

    def test_blank_lines_and_remarks_are_no_entries(self) -> None:
        self.assertEqual(read_entries(["\n", "# November\n", "  \n"]), [])

    def test_what_is_no_entry_is_told_by_its_line(self) -> None:
        for line in ("2026-13-01 food 1", "2026-11-01 food", "2026-11-01 food ten", "2026-11-01 food 0"):
            with self.subTest(line), self.assertRaises(ValueError) as caught:
                read_entries(["# November\n", "\n", f"{line}\n"])
            self.assertEqual(str(caught.exception), "line 3: not an entry")
