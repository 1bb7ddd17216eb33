"""Collects data/messages.*.toml in build/messages.json; all languages must say the same things."""

import json
import os
import sys
import tomllib
from pathlib import Path
from string import Formatter

# Exit status of sysexits.h for trouble that passes by itself: aad tries again.
EX_TEMPFAIL = 75


def list_fields(messages: dict[str, str]) -> dict[str, bool | set[str]]:
    """Return the fields of each message. How to write a day is up to each language."""
    return {
        key: key == "day" or {name for _, name, _, _ in Formatter().parse(text) if name}
        for key, text in messages.items()
    }


def read_languages() -> dict[str, dict[str, str]]:
    """Return the messages of each language."""
    paths = sorted(Path("data").glob("messages.*.toml"))
    return {path.suffixes[0].removeprefix("."): tomllib.loads(path.read_text("utf-8")) for path in paths}


def main() -> None:
    """Write the messages, or fail if the languages differ."""
    if os.environ.get("AAD_ATTEMPT") == "1":
        # Stands for whatever is shared and sometimes taken: a licence, a device, a test database.
        print("the translation memory is busy")
        sys.exit(EX_TEMPFAIL)
    languages = read_languages()
    wrong = [
        lang for lang, messages in languages.items() if list_fields(messages) != list_fields(languages["en"])
    ]
    if wrong:
        sys.exit(f"not the same messages or fields as in English: {', '.join(wrong)}")
    target = Path("build/messages.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(languages, ensure_ascii=False, indent=1), "utf-8")
    print(f"{target}: {', '.join(languages)}")


main()
