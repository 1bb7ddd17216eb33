"""aad beside make, ninja and doit: graphs of tasks that do nothing. What is left is what the tools cost."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from effort import Effort
from graphs import SHAPES, Graph
from measure import Cost, compare
from peers import Tool, list_tools
from projects import open_folder
from report import Figure, Report, Row, Table

AIMS = {"ninja": "<= 2, better 1.3", "doit": "<= 1"}
# Runs of fewer tasks are mostly start-up.
ENOUGH = 1_000

Costs = dict[str, tuple[Cost, float | None]]
Races = dict[tuple[str, int], Costs]


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
        figures=tuple(_list_figures(races)),
        tables=(_make_ratio_table(races), _make_cost_table(races)),
        notes=(
            "Memory is that of the tool's own process; doit starts workers beside it.",
            *(f"{tool.name} is not installed and was left out." for tool in tools if tool.missing),
        ),
    )


def _race(tools: list[Tool], folder: Path, graph: Graph, rounds: int) -> Costs:
    folder.mkdir()
    return compare({tool.name: tool.prepare(folder / tool.name, graph) for tool in tools}, rounds)


def _list_figures(races: Races) -> Iterator[Figure]:
    """Yield the ratios for which there is an aim."""
    for (shape, size), costs in races.items():
        if size >= ENOUGH:
            for name in filter(costs.__contains__, AIMS):
                ratio = costs["aad"][0].wall / costs[name][0].wall
                yield Figure(f"aad/{name}, {shape} {size:,}, wall", ratio, aim=AIMS[name])


def _make_ratio_table(races: Races) -> Table:
    peers = [name for name in next(iter(races.values())) if name != "aad"]
    columns = (f"aad/{name} {what}" for what in ("wall", "CPU") for name in peers)
    rows: list[Row] = [(f"{s} {n:,}", *_relate(costs, peers)) for (s, n), costs in races.items()]
    return Table(("graph", *columns), rows)


def _relate(costs: Costs, peers: list[str]) -> Iterator[float]:
    ours = costs["aad"][0]
    yield from (ours.wall / costs[name][0].wall for name in peers)
    yield from (ours.cpu / costs[name][0].cpu for name in peers)


def _make_cost_table(races: Races) -> Table:
    columns = ("graph", "tool", "wall ms/task", "CPU ms/task", "memory MB")
    rows = (row for (shape, size), costs in races.items() for row in _list_costs(shape, size, costs))
    return Table(columns, rows)


def _list_costs(shape: str, size: int, costs: Costs) -> Iterator[Row]:
    for name, (cost, peak) in costs.items():
        yield (f"{shape} {size:,}", name, cost.wall / size * 1e3, cost.cpu / size * 1e3, peak)
