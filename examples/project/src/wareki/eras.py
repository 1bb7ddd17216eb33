"""Japanese eras: a day of the western calendar as a day of its era, and back. Prints nothing."""

import json
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

# Japan has counted by the western calendar from this day on.
FIRST_DAY = date(1873, 1, 1)

_DAY = re.compile(r"(?P<era>\D+)(?P<year>元|\d+)[年.-](?P<month>\d+)[月.-](?P<day>\d+)日?")


class DayError(ValueError):
    """A day that cannot be told; its one argument is the key of the message that says why."""


@dataclass(frozen=True)
class Era:
    """One era and its first day."""

    name: str
    romaji: str
    letter: str
    first_day: date

    def year_of(self, day: date) -> int:
        """Return the era's year in which a day lies; an era's first year ends with the year it began in."""
        return day.year - self.first_day.year + 1


@cache
def load_eras() -> tuple[Era, ...]:
    """Return all eras, oldest first."""
    rows = json.loads(files("wareki").joinpath("eras.json").read_text("utf-8"))
    return tuple(
        Era(row["name"], row["romaji"], row["letter"], date.fromisoformat(row["first_day"])) for row in rows
    )


def find_era(day: date) -> Era:
    """Return the era in which a day lies."""
    if day < FIRST_DAY:
        raise DayError("too_early")
    return next(era for era in reversed(load_eras()) if era.first_day <= day)


def parse_era_day(text: str) -> date:
    """Return the western day of `R8.11.22` or `令和8年11月22日`."""
    match = _DAY.fullmatch(text)
    era = match and next((era for era in load_eras() if match["era"] in (era.name, era.letter)), None)
    if match is None or era is None:
        raise DayError("unreadable")
    year = 1 if match["year"] == "元" else int(match["year"])
    day = _make_date(era.first_day.year + year - 1, int(match["month"]), int(match["day"]))
    if find_era(day) != era:
        raise DayError("other_era")
    return day


def parse_western_day(text: str) -> date:
    """Return the day of `2026-11-22`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DayError("unreadable") from None


def _make_date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise DayError("unreadable") from None
