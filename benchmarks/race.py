"""aad beside make, ninja and doit: graphs of tasks that do nothing. What is left is what the tools cost."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from effort import Effort
from graphs import SHAPES, Graph
from measure import Cost, compare
from peers import Tool, list_tools
from projects import open_folder
from report import Cell, Figure, Report

AIMS = {"ninja": "<= 2, better 1.3", "doit": "<= 1"}

Costs = dict[str, tuple[Cost, float | None]]


def run(effort: Effort) -> Report:
    """Let all tools run the same graphs in turn."""
    tools = list_tools(effort.jobs)
    present = [tool for tool in tools if not tool.missing]
    with open_folder() as folder:
        races = {
            (shape, size): _race(present, folder / f"{shape}-{size}", SHAPES[shape](size), effort.rounds)
            for shape, size in product(SHAPES, effort.sizes)
        }
    return Report(
        title=f"Tasks that do nothing, {effort.jobs} at once",
        figures=tuple(
            figure for (shape, size), race in races.items() for figure in _relate(shape, size, race)
        ),
        columns=("graph", "tool", "wall ms/task", "CPU ms/task", "memory MB"),
        rows=tuple(row for (shape, size), race in races.items() for row in _list_rows(shape, size, race)),
        notes=(
            "Memory is that of the tool's own process; doit starts workers beside it.",
            *(f"{tool.name} is not installed and was left out." for tool in tools if tool.missing),
        ),
    )


def _race(tools: list[Tool], folder: Path, graph: Graph, rounds: int) -> Costs:
    folder.mkdir()
    return compare({tool.name: tool.prepare(folder / tool.name, graph) for tool in tools}, rounds)


def _relate(shape: str, size: int, race: Costs) -> Iterator[Figure]:
    ours = race["aad"][0].wall
    for name, (cost, _) in race.items():
        if name != "aad":
            aim = AIMS.get(name, "") if size >= 1_000 else ""
            yield Figure(f"aad/{name} {shape} {size:,}", ours / cost.wall, aim=aim)


def _list_rows(shape: str, size: int, race: Costs) -> Iterator[tuple[Cell, ...]]:
    for name, (cost, peak) in race.items():
        yield (f"{shape} {size:,}", name, cost.wall / size * 1e3, cost.cpu / size * 1e3, peak)
