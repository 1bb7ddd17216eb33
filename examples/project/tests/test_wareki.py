"""What wareki promises: every day has its era, and comes back from it. Needs the standard library alone."""

# ruff: noqa: PT009, PT027 - unittest is what the standard library has

import unittest
from datetime import date, timedelta

from wareki.eras import FIRST_DAY, DayError, find_era, load_eras, parse_era_day

LAST_DAY = date(2029, 12, 31)
ONE_DAY = timedelta(days=1)


class RoundTrips(unittest.TestCase):
    """Each day of an era comes back the same; one test an era."""

    def check(self, letter: str) -> None:
        """Turn all days of an era round."""
        day = FIRST_DAY
        while day <= LAST_DAY:
            era = find_era(day)
            if era.letter == letter:
                text = f"{era.name}{era.year_of(day)}年{day.month}月{day.day}日"
                self.assertEqual(parse_era_day(text), day)
            day += ONE_DAY

    def test_meiji(self) -> None:
        self.check("M")

    def test_taisho(self) -> None:
        self.check("T")

    def test_showa(self) -> None:
        self.check("S")

    def test_heisei(self) -> None:
        self.check("H")

    def test_reiwa(self) -> None:
        self.check("R")


class Borders(unittest.TestCase):
    """What happens where one era ends and the next begins."""

    def test_an_era_ends_the_day_before_the_next_begins(self) -> None:
        for era, following in zip(load_eras(), load_eras()[1:], strict=False):
            self.assertEqual(find_era(following.first_day - ONE_DAY), era)

    def test_a_day_after_the_end_of_an_era_is_refused(self) -> None:
        with self.assertRaises(DayError):
            parse_era_day("昭和64年1月8日")

    def test_days_before_the_western_calendar_are_refused(self) -> None:
        with self.assertRaises(DayError):
            find_era(FIRST_DAY - ONE_DAY)
