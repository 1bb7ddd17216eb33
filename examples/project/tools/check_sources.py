"""Checks that the sources are fit to be built: Python files compile, eras follow each other."""

import csv
import sys
from itertools import pairwise
from pathlib import Path


def check_python(path: Path) -> list[str]:
    """Return what is wrong with a Python file."""
    try:
        compile(path.read_text("utf-8"), str(path), "exec")
    except SyntaxError as error:
        return [f"{path}:{error.lineno}: {error.msg}"]
    return []


def check_eras(path: Path) -> list[str]:
    """Return what is wrong with the table of eras."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        f"{path}:{line}: {later['romaji']} begins before {earlier['romaji']}"
        for line, (earlier, later) in enumerate(pairwise(rows), 3)
        if later["first_day"] <= earlier["first_day"]
    ]


def main() -> None:
    """Check everything, say what is wrong, and fail if anything is."""
    sources = sorted(Path("src").rglob("*.py")) + sorted(Path("tests").rglob("*.py"))
    faults = [fault for path in sources for fault in check_python(path)]
    faults += check_eras(Path("data/eras.csv"))
    print(f"{len(sources)} Python files and data/eras.csv checked")
    sys.exit("\n".join(faults) or 0)


main()
