"""What one session costs in small and in large runs: it ought to be the same."""

from effort import Effort
from graphs import make_layered
from measure import Cost, compare
from peers import list_tools
from projects import open_folder
from report import Figure, Report


def run(effort: Effort) -> Report:
    """Measure runs of several sizes, less what a run of one session takes."""
    sizes = (1, *effort.sizes)
    aad = list_tools(effort.jobs)[0]
    with open_folder() as folder:
        commands = {str(size): aad.prepare(folder / str(size), make_layered(size)) for size in sizes}
        costs = compare(commands, effort.rounds)
    base = costs["1"][0]
    shares = {size: _share(costs[str(size)][0], base, size) for size in effort.sizes}
    first, *others = effort.sizes
    return Report(
        title="Cost of one session as runs grow (layered; start-up and one session taken off)",
        figures=tuple(
            Figure(f"{size:,} / {first:,}", shares[size].wall / shares[first].wall, aim="<= 1.3")
            for size in others
        ),
        columns=("sessions", "wall ms/session", "CPU ms/session", "memory MB"),
        rows=tuple(
            (f"{size:,}", share.wall * 1e3, share.cpu * 1e3, costs[str(size)][1])
            for size, share in shares.items()
        ),
    )


def _share(cost: Cost, base: Cost, size: int) -> Cost:
    others = max(size - 1, 1)
    return Cost((cost.wall - base.wall) / others, (cost.cpu - base.cpu) / others)
