"""Tools that run a graph of tasks, aad among them: how each is told the graph, and started.

Every tool runs the same program for each task, as many at once, and starts as if it had never run.
"""

import importlib.util
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import mkdtemp

from attrs import frozen
from graphs import Graph
from measure import AAD, PYTHON, Command
from projects import TRUE, write_project


@frozen(kw_only=True)
class Tool:
    """One tool. `write` puts a graph into a folder, `leftovers` are globs of what a run leaves there."""

    name: str
    argv: tuple[str, ...]
    write: Callable[[Path, Graph], None]
    leftovers: tuple[str, ...] = ()
    missing: bool = False

    def prepare(self, folder: Path, graph: Graph) -> Command:
        """Write a graph into a new folder and return the command that runs it."""
        folder.mkdir()
        self.write(folder, graph)
        return Command(argv=self.argv, cwd=folder, before=lambda: put_aside(folder, self.leftovers))


def put_aside(folder: Path, leftovers: Iterable[str]) -> None:
    """Move what a run left out of the way.

    To delete it would cost whoever comes next: ext4 is slow to give out inodes that were freed a moment ago.
    """
    aside = Path(mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    for path in (path for pattern in leftovers for path in folder.glob(pattern)):
        path.rename(aside / path.name)


def list_tools(jobs: int) -> list[Tool]:
    """Return aad and its peers, also those that this machine does not have."""
    slots = str(jobs)
    return [
        Tool(
            name="aad",
            argv=(*AAD, "orchestrate", "--all", "--jobs", slots, "--progress", "none"),
            write=write_project,
            leftovers=(".aad/runs", ".aad/state"),
        ),
        Tool(
            name="make", argv=("make", "-sj", slots), write=_write_makefile, missing=not shutil.which("make")
        ),
        Tool(
            name="ninja",
            argv=("ninja", "--quiet", "-j", slots),
            write=_write_ninja,
            leftovers=(".ninja*",),
            missing=not shutil.which("ninja"),
        ),
        Tool(
            name="doit",
            argv=(PYTHON, "-m", "doit", "-n", slots),
            write=_write_dodo,
            leftovers=(".doit*",),
            missing=importlib.util.find_spec("doit") is None,
        ),
    ]


def _write_makefile(folder: Path, graph: Graph) -> None:
    rules = "".join(f"{name}: {' '.join(needed)}\n\t@{TRUE}\n" for name, needed in graph.items())
    text = f".PHONY: all {' '.join(graph)}\nall: {' '.join(graph)}\n{rules}"
    (folder / "Makefile").write_text(text, encoding="utf-8")


def _write_ninja(folder: Path, graph: Graph) -> None:
    edges = "".join(f"build {name}: true {' '.join(needed)}\n" for name, needed in graph.items())
    (folder / "build.ninja").write_text(f"rule true\n  command = {TRUE}\n{edges}", encoding="utf-8")


def _write_dodo(folder: Path, graph: Graph) -> None:
    text = f"""\
GRAPH = {dict(graph)!r}


def task_all():
    for name, needed in GRAPH.items():
        yield {{
            "basename": name,
            "actions": [[{TRUE!r}]],
            "task_dep": list(needed),
        }}
"""
    (folder / "dodo.py").write_text(text, encoding="utf-8")
