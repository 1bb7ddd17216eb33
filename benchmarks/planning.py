"""Very many specs: how long aad takes to load and plan them, and in how much memory."""

from effort import Effort
from graphs import make_layered
from measure import AAD, Command, compare
from projects import open_folder, write_project, write_project_with_bodies
from report import Figure, Report, Table

DRY_RUN = (*AAD, "orchestrate", "--all", "--dry-run", "--format", "json")
HEADS, BODIES = "heads alone", "bodies parsed"


def run(effort: Effort) -> Report:
    """Measure a dry run over many specs."""
    with open_folder() as folder:
        heads, bodies = folder / "heads", folder / "bodies"
        write_project(heads, make_layered(effort.specs))
        write_project_with_bodies(bodies, make_layered(effort.specs))
        commands = {HEADS: Command(argv=DRY_RUN, cwd=heads), BODIES: Command(argv=DRY_RUN, cwd=bodies)}
        costs = compare(commands, effort.rounds)
    cost, peak = costs[HEADS]
    return Report(
        title=f"{effort.specs:,} specs: load and plan",
        figures=(
            Figure("time", cost.wall, "s", "<= 5"),
            *([] if peak is None else [Figure("memory", peak, "MB", "<= 60")]),
        ),
        tables=(
            Table(
                ("specs", "wall s", "CPU s", "wall ms/spec", "memory MB"),
                [
                    (name, cost.wall, cost.cpu, cost.wall / effort.specs * 1e3, peak)
                    for name, (cost, peak) in costs.items()
                ],
            ),
        ),
    )
