"""What SPEC-003 asks for. Needs the standard library alone."""

# ruff: noqa: PT009, S603 - unittest is what the standard library has; it runs the program

import subprocess
import sys
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

BOOK = """\
# What we spent
2026-10-31 food 300
2026-11-01 food 1200 rice and miso
2026-11-03 books 980
2026-11-04 food 720
"""


def run(book: str, *words: str) -> tuple[int, str, str]:
    """Return the exit status of the program for a book, what it printed, and what it said on stderr."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "book")
        file.write_text(book, "utf-8")
        command = [sys.executable, "-m", "kakeibo", str(file), *words]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        return told.returncode, told.stdout, told.stderr.replace(str(file), "FILE")


class Program(unittest.TestCase):
    """The command as a person runs it."""

    def test_categories_are_summed_up_the_most_first(self) -> None:
        self.assertEqual(run(BOOK), (0, "food   2,220\nbooks    980\ntotal  3,200\n", ""))

    def test_one_month_alone_can_be_asked_for(self) -> None:
        told = run(BOOK, "--month", "2026-11")
        self.assertEqual(told, (0, "food   1,920\nbooks    980\ntotal  2,900\n", ""))

    def test_the_same_amounts_stand_in_the_order_of_their_names(self) -> None:
        told = run("2026-11-01 tea 5\n2026-11-01 ink 5\n")
        self.assertEqual(told, (0, "ink     5\ntea     5\ntotal  10\n", ""))

    def test_what_is_no_entry_is_told_with_the_name_of_the_file(self) -> None:
        self.assertEqual(run(f"{BOOK}tea\n"), (2, "", "FILE: line 6: not an entry\n"))

    def test_a_file_that_cannot_be_read_is_told_in_one_line(self) -> None:
        command = [sys.executable, "-m", "kakeibo", "nowhere/book"]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((told.returncode, told.stdout), (2, ""))
        self.assertRegex(told.stderr, r"\Anowhere/book: .+\n\Z")
