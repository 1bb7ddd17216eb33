"""Projects of specs, written for aad to read. Knows neither other tools nor what is measured."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from graphs import Graph

TRUE = shutil.which("true") or "/bin/true"

_WITH_HEAD = """\
---
id: {name}
title: Task {name}
status: Approved
depends_on: [{needed}]
estimate: 1s
run: [{run}]
---

# {name}: Task {name}

What is to be built stands here, and nobody needs to parse it: the head says it all.
"""

_WITH_BODY = """\
---
run: [{run}]
---

# {name}: Task {name}

**Status**: Approved

What is to be built stands here.

## Dependencies

{items}

## Work

- [ ] the first half
- [ ] the second half
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """Yield a folder that is gone afterwards."""
    with TemporaryDirectory(prefix="aad-bench-") as folder:
        yield Path(folder)


def write_project(
    folder: Path, graph: Graph, *, run: Sequence[str] = (TRUE,), form: str = _WITH_HEAD
) -> None:
    """Write a project with one spec for each task of a graph; each task runs the same argv."""
    specs = folder / ".aad" / "specs"
    specs.mkdir(parents=True)
    argv = ", ".join(f'"{word}"' for word in run)
    for name, needed in graph.items():
        items = "\n".join(f"- {each}" for each in needed) or "None"
        text = form.format(name=name, needed=", ".join(needed), items=items, run=argv)
        (specs / f"{name}.md").write_text(text, encoding="utf-8")


def write_project_with_bodies(folder: Path, graph: Graph) -> None:
    """Write a project whose specs say in their bodies what they need, so that these must be parsed."""
    write_project(folder, graph, form=_WITH_BODY)
