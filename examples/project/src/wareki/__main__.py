"""The program: days in, days out."""

import json
import sys
from calendar import month_name
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files

from wareki.eras import DayError, find_era, parse_era_day, parse_western_day


def load_messages(lang: str) -> Mapping[str, str]:
    """Return the messages of a language; those of English where it is not known."""
    languages = json.loads(files("wareki").joinpath("messages.json").read_text("utf-8"))
    messages: Mapping[str, str] = languages.get(lang, languages["en"])
    return messages


def describe(day: date, messages: Mapping[str, str], lang: str) -> str:
    """Return a day of the western calendar in the words of its era."""
    era = find_era(day)
    year = era.year_of(day)
    return messages["day"].format(
        name=era.name,
        romaji=era.romaji,
        year="元" if year == 1 and lang == "ja" else year,
        month=day.month,
        month_name=month_name[day.month],
        day=day.day,
    )


def convert(text: str, messages: Mapping[str, str], lang: str) -> str:
    """Return the answer to one argument."""
    if text[:1].isdigit():
        return describe(parse_western_day(text), messages, lang)
    return parse_era_day(text).isoformat()


def run(arguments: Sequence[str]) -> int:
    """Answer all arguments; 1 if one of them has no answer, 2 for wrong usage."""
    words = list(arguments)
    lang = words[1] if words[:1] == ["--lang"] and len(words) > 1 else "en"
    messages = load_messages(lang)
    days = words[2:] if words[:1] == ["--lang"] else words
    if not days or days[0].startswith("-"):
        say(messages["usage"])
        return 2
    status = 0
    for text in days:
        try:
            say(convert(text, messages, lang))
        except DayError as error:
            say(messages[error.args[0]].format(text=text))
            status = 1
    return status


def say(text: str) -> None:
    """Write a line in UTF-8, whatever the terminal claims to speak."""
    sys.stdout.buffer.write(f"{text}\n".encode())


def main() -> None:
    """Run the program and exit with its status."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
