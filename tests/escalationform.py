"""The form of escalations' files: docs/escalation.schema.json, and the files that runs have written."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parent.parent / "docs" / "escalation.schema.json"
# How deep below a test's folder its projects lie.
PLACES = ("", "*/", "*/*/")


@cache
def load_validator() -> Draft202012Validator:
    """Return the validator, whose schema is valid itself."""
    schema = json.loads(SCHEMA.read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def find_faults(folder: Path) -> list[str]:
    """Return what is wrong with the files that runs wrote below a folder, one line each."""
    return [
        f"{path}: {error.json_path}: {error.message}"
        for path, members in _list_written(folder)
        for error in load_validator().iter_errors(members)
    ]


def _list_written(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the files whose run there is: what tests lay there themselves is none of a run."""
    for place in PLACES:
        for path in folder.glob(f"{place}.aad/escalations/*.json"):
            members = _read(path)
            journal = path.parent.parent / "runs" / str(members.get("run_id")) / "journal.jsonl"
            if "session_id" in members and journal.exists():
                yield path, members


def _read(path: Path) -> dict[str, Any]:
    try:
        members = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}
