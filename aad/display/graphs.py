"""A plan drawn for programs: JSON, mermaid, dot. English in every language, and prints nothing.

What a drawing returns ends without a line break.
"""

import json
import re
from collections.abc import Iterator

from aad.display.text import clean
from aad.events import PlanEntry, PlanMade
from aad.plan import Plan

VERSION = 1

# Colours that carry dark letters, on light pages and dark ones alike.
FILLS = {"ready": "#dbeafe", "complete": "#dcfce7", "draft": "#f3f4f6"}

# `#` opens mermaid's own escapes; the others end a label, or are taken for HTML or Markdown.
_MERMAID_UNSAFE = re.compile('[#"&<>`]')
_MERMAID_NAMES = {'"': "#quot;"}


def render_json(plan: Plan, *, encoding: str | None = "ascii") -> str:
    """Return the plan as JSON; what the encoding lacks of it is escaped."""
    event = plan.to_event()
    document = {
        "version": VERSION,
        "specs": [_describe(entry) for entry in event.specs],
        "waves": event.waves,
        "order": event.order,
        "estimate_s": event.estimate_s,
    }
    readable = json.dumps(document, indent=2, ensure_ascii=False)
    try:
        readable.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(document, indent=2)
    return readable


def _describe(entry: PlanEntry) -> dict[str, object]:
    names = ("id", "title", "path", "status", "depends_on", "wave", "agent", "estimate_s", "added")
    return {name: getattr(entry, name) for name in names}


def render_mermaid(plan: Plan) -> str:
    """Return the plan as a mermaid flowchart, from what comes first to what comes last."""
    return "\n".join(_mermaid_lines(plan.to_event()))


def _mermaid_lines(event: PlanMade) -> Iterator[str]:
    # Names of our own, because an id such as `end` is a word of mermaid's and breaks the chart.
    names = {entry.id: f"n{number}" for number, entry in enumerate(event.specs)}
    yield "flowchart LR"
    for entry in event.specs:
        label = "<br/>".join(map(_mermaid_text, _label(entry)))
        yield f'  {names[entry.id]}["{label}"]:::{entry.status}'
    for entry in event.specs:
        for needed in entry.depends_on:
            yield f"  {names[needed]} --> {names[entry.id]}"
    for status in sorted({entry.status for entry in event.specs}):
        yield f"  classDef {status} fill:{FILLS[status]},stroke:#6b7280,color:#111827"


def _mermaid_text(text: str) -> str:
    return _MERMAID_UNSAFE.sub(lambda match: _MERMAID_NAMES.get(match[0], f"#{ord(match[0])};"), text)


def render_dot(plan: Plan) -> str:
    """Return the plan as a graph for Graphviz, from what comes first to what comes last."""
    return "\n".join(_dot_lines(plan.to_event()))


def _dot_lines(event: PlanMade) -> Iterator[str]:
    yield 'digraph "plan" {'
    yield '  rankdir="LR";'
    yield '  node [shape="box", style="filled,rounded", color="#6b7280"];'
    for entry in event.specs:
        label = r"\n".join(map(_dot_text, _label(entry)))
        look = f'class="{entry.status}", fillcolor="{FILLS[entry.status]}"'
        yield f'  "{_dot_text(entry.id)}" [label="{label}", {look}];'
    for entry in event.specs:
        for needed in entry.depends_on:
            yield f'  "{_dot_text(needed)}" -> "{_dot_text(entry.id)}";'
    yield "}"


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _label(entry: PlanEntry) -> tuple[str, ...]:
    return tuple(filter(None, (clean(entry.id), clean(entry.title))))
