"""Turns data/eras.csv into build/eras.json."""

import csv
import json
from pathlib import Path

with Path("data/eras.csv").open(encoding="utf-8") as table:
    eras = list(csv.DictReader(table))
target = Path("build/eras.json")
target.parent.mkdir(exist_ok=True)
target.write_text(json.dumps(eras, ensure_ascii=False, indent=1), "utf-8")
print(f"{target}: {len(eras)} eras")
