"""Each number has its forms. Needs the standard library alone."""

# ruff: noqa: PT009, PT027 - unittest is what the standard library has

import unittest

from suji import forms


class Limits(unittest.TestCase):
    """Numbers that not every form has."""

    def test_zero_and_what_is_too_great_are_refused(self) -> None:
        for number in (0, -1, forms.GREATEST + 1):
            with self.assertRaises(ValueError):
                forms.check(number)


class Grouped(unittest.TestCase):
    """Digits in groups of three."""

    def test_thousands_stand_apart(self) -> None:
        self.assertEqual(forms.write_grouped(2026), "2,026")


class Ordinals(unittest.TestCase):
    """The place in a row."""

    def test_each_has_its_ending(self) -> None:
        told = [forms.write_ordinal(number) for number in (1, 2, 3, 11, 112, 2026)]
        self.assertEqual(told, ["1st", "2nd", "3rd", "11th", "112th", "2026th"])
