"""The object that an agent is asked to end with, where it can be made to: the one-shot form of a question."""

import json

_TEXT = {"type": "string"}
# All members are required and no others allowed: what the strictest of them (codex) asks of a form.
SCHEMA = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["done", "question", "failed"]},
        "summary": _TEXT,
        "question": _TEXT,
        "options": {"type": "array", "items": _TEXT},
    },
    "required": ["status", "summary", "question", "options"],
    "additionalProperties": False,
}


def write_schema() -> str:
    """Return the form as JSON."""
    return json.dumps(SCHEMA, separators=(",", ":"))
