"""Runs every example of docs/manual.md, compares, and writes build/manual.md with a table of the eras."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

EXAMPLE = re.compile(r"^    \$ wareki (?P<arguments>.+)\n    (?P<answer>.+)$", re.MULTILINE)


def ask(arguments: str) -> str:
    """Return what the program that was built answers."""
    command = [sys.executable, "-m", "wareki", *shlex.split(arguments)]
    ended = subprocess.run(command, cwd="build/app", capture_output=True, check=False)  # noqa: S603 - our program
    return ended.stdout.decode().strip()


def check(path: Path) -> list[str]:
    """Return the examples that are wrong, with their lines."""
    text = path.read_text("utf-8")
    faults = []
    for example in EXAMPLE.finditer(text):
        answer = ask(example["arguments"])
        if answer != example["answer"]:
            line = text.count("\n", 0, example.start("answer")) + 1
            faults.append(f'{path}:{line}: says "{example["answer"]}", but wareki says "{answer}"')
    print(f"{path}: {len(EXAMPLE.findall(text))} examples run", flush=True)
    return faults


def draw_table() -> str:
    """Return the eras as a table."""
    eras = json.loads(Path("build/eras.json").read_text("utf-8"))
    rows = [f"| {era['name']} | {era['romaji']} | {era['letter']} | {era['first_day']} |" for era in eras]
    return "\n".join(["| era | read | letter | first day |", "|---|---|---|---|", *rows])


def main() -> None:
    """Write the manual, or fail if one of its examples is wrong."""
    source = Path("docs/manual.md")
    faults = check(source)
    if faults:
        sys.exit("\n".join(faults))
    Path("build/manual.md").write_text(f"{source.read_text('utf-8')}\n## Eras\n\n{draw_table()}\n", "utf-8")


main()
