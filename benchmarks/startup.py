"""What aad costs before it does anything: CPU beside that of an interpreter that imports click."""

from pathlib import Path

from effort import Effort
from graphs import make_layered
from measure import AAD, PYTHON, Command, compare
from projects import open_folder, write_project, write_project_with_bodies
from report import Figure, Report, Table

SPECS = 10
DRY_RUN = (*AAD, "orchestrate", "--all", "--dry-run")
AIMS = {"aad --help": "<= 1.6", "dry run, heads": "<= 2.5", "dry run, bodies": "<= 4"}
BARE, CLICK = "python -c pass", "python -c 'import click'"


def run(effort: Effort) -> Report:
    """Measure the start of aad and the plan of ten specs."""
    with open_folder() as folder:
        costs = compare(_list_commands(folder), effort.rounds * 2)
    floor = costs[CLICK][0].cpu
    return Report(
        title="Start-up: CPU beside python -c 'import click'",
        figures=tuple(Figure(name, costs[name][0].cpu / floor, aim=aim) for name, aim in AIMS.items()),
        tables=(
            Table(
                ("command", "wall ms", "CPU ms", "memory MB"),
                [(name, cost.wall * 1e3, cost.cpu * 1e3, peak) for name, (cost, peak) in costs.items()],
            ),
        ),
        notes=(f"A dry run plans {SPECS} specs.",),
    )


def _list_commands(folder: Path) -> dict[str, Command]:
    heads, bodies = folder / "heads", folder / "bodies"
    write_project(heads, make_layered(SPECS))
    write_project_with_bodies(bodies, make_layered(SPECS))
    return {
        BARE: Command(argv=(PYTHON, "-c", "pass"), cwd=folder),
        CLICK: Command(argv=(PYTHON, "-c", "import click"), cwd=folder),
        "aad --help": Command(argv=(*AAD, "--help"), cwd=folder),
        "dry run, heads": Command(argv=DRY_RUN, cwd=heads),
        "dry run, bodies": Command(argv=DRY_RUN, cwd=bodies),
    }
