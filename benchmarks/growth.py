"""What one session costs in small and in large runs: it ought to be the same."""

from collections.abc import Iterator

from effort import Effort
from graphs import make_layered
from measure import Cost, compare
from peers import list_tools
from projects import open_folder
from report import Figure, Report, Row, Table


def run(effort: Effort) -> Report:
    """Measure runs of several sizes, less what a run of one session takes."""
    sizes = (1, *effort.sizes)
    aad = list_tools(effort.jobs)[0]
    with open_folder() as folder:
        commands = {str(size): aad.prepare(folder / str(size), make_layered(size)) for size in sizes}
        costs = compare(commands, effort.rounds)
    base = costs["1"][0]
    shares = {size: _share(costs[str(size)][0], base, size) for size in effort.sizes}
    columns = ("sessions", "wall ms/session", "CPU ms/session", "memory MB")
    return Report(
        title="Cost of one session as runs grow (layered; less what a run of one takes)",
        figures=tuple(_relate(shares)),
        tables=(Table(columns, [_list_row(n, share, costs[str(n)][1]) for n, share in shares.items()]),),
    )


def _relate(shares: dict[int, Cost]) -> Iterator[Figure]:
    """Yield what a session costs in each run, relative to the smallest."""
    (first, least), *others = shares.items()
    for size, share in others:
        yield Figure(f"{size:,} / {first:,} sessions, wall", share.wall / least.wall, aim="<= 1.3")
        yield Figure(f"{size:,} / {first:,} sessions, CPU", share.cpu / least.cpu, aim="<= 1.3")


def _list_row(size: int, share: Cost, peak: float | None) -> Row:
    return (f"{size:,}", share.wall * 1e3, share.cpu * 1e3, peak)


def _share(cost: Cost, base: Cost, size: int) -> Cost:
    others = max(size - 1, 1)
    return Cost((cost.wall - base.wall) / others, (cost.cpu - base.cpu) / others)
