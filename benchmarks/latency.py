"""From one child's end to the life of the next that waited for it: each prints the clock and ends."""

import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

from effort import Effort
from graphs import Graph, make_chain
from measure import Command, alternate, environment, measure
from peers import Tool, list_tools, put_aside
from projects import open_folder, write_project
from report import Figure, Report, Table

CLOCK = ("date", "+%s.%N")
TITLE = "From a dependency's end to its dependent's running child"

Gaps = list[float]


def run(effort: Effort) -> Report:
    """Measure the gaps in a chain, beside make where there is one."""
    if not subprocess.check_output(CLOCK, text=True).strip().replace(".", "").isdigit():
        return Report(title=TITLE, notes=("Left out: this `date` knows no fractions of a second.",))
    tools = {tool.name: tool for tool in list_tools(effort.jobs)}
    graph = make_chain(max(effort.sizes[0], 2))
    with open_folder() as folder:
        actions = {"aad": _prepare_aad(folder / "aad", tools["aad"], graph)}
        if not tools["make"].missing:
            actions["make"] = _prepare_make(folder / "make", tools["make"], graph)
        alternate(actions, 1)
        rounds = alternate(actions, effort.rounds)
    return _make_report({name: sorted(gap for each in gaps for gap in each) for name, gaps in rounds.items()})


def _make_report(gaps: dict[str, Gaps]) -> Report:
    ours = median(gaps["aad"])
    peers = [name for name in gaps if name != "aad"]
    return Report(
        title=TITLE,
        figures=(
            *(Figure(f"aad/{name}", ours / median(gaps[name])) for name in peers),
            Figure("aad, median", ours * 1e3, "ms", "<= 15"),
        ),
        tables=(
            Table(
                ("tool", "median ms", "nine of ten within ms"),
                [(name, median(each) * 1e3, each[len(each) * 9 // 10] * 1e3) for name, each in gaps.items()],
            ),
        ),
        notes=("The life of `date` itself, from its print to its end, is in the figures.",),
    )


def _prepare_aad(folder: Path, tool: Tool, graph: Graph) -> Callable[[], Gaps]:
    write_project(folder, graph, run=CLOCK)

    def read_time(name: str) -> float:
        return float((folder / f".aad/runs/latest/{name}/1/output.log").read_text(encoding="utf-8"))

    def take_gaps() -> Gaps:
        measure(Command(argv=tool.argv, cwd=folder, before=lambda: put_aside(folder, tool.leftovers)))
        return _list_gaps([read_time(name) for name in graph])

    return take_gaps


def _prepare_make(folder: Path, tool: Tool, graph: Graph) -> Callable[[], Gaps]:
    folder.mkdir()
    rules = "".join(f"{name}: {' '.join(needed)}\n\t@{' '.join(CLOCK)}\n" for name, needed in graph.items())
    text = f".PHONY: all {' '.join(graph)}\nall: {' '.join(graph)}\n{rules}"
    (folder / "Makefile").write_text(text, encoding="utf-8")

    def take_gaps() -> Gaps:
        told = subprocess.check_output(tool.argv, cwd=folder, env=environment({}), text=True)
        return _list_gaps([float(line) for line in told.splitlines()])

    return take_gaps


def _list_gaps(times: list[float]) -> Gaps:
    return [after - before for before, after in pairwise(times)]
