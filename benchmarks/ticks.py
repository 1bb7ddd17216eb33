"""What the monitor costs while it watches: few sessions run, very many are over."""

import time
from functools import partial
from pathlib import Path
from statistics import median

import trio
from attrs import define
from effort import Effort
from measure import alternate
from projects import open_folder
from report import Figure, Report, Table

from aad.config import OrchestratorConfig, RunSettings
from aad.display.base import NoDisplay
from aad.display.plain import PlainDisplay
from aad.display.stream import Stream
from aad.display.style import choose_style
from aad.embedding import open_orchestrator
from aad.events import SessionStarted
from aad.orchestrator import Orchestrator
from aad.spec import Spec, SpecStatus

# Seconds from tick to tick, and how long is measured.
INTERVAL = 0.02
SPAN = 1.0


@define
class _Ticks(NoDisplay):
    """Counts the monitor's looks."""

    count: int = 0

    def tick(self, now: float) -> None:
        del now
        self.count += 1


def run(effort: Effort) -> Report:
    """Measure the CPU time of a tick, in a large run and in one that holds only what runs."""
    sizes = (effort.running, max(effort.specs, effort.running))
    actions = {f"{size:,}": partial(_measure, size, effort.running) for size in sizes}
    alternate(actions, 1)
    ticks = {size: median(costs) * 1e3 for size, costs in alternate(actions, effort.rounds).items()}
    alone, among_many = ticks.values()
    return Report(
        title=f"One tick of the monitor, {effort.running} sessions running",
        figures=(
            Figure(f"{sizes[1]:,} / {sizes[0]:,} sessions", among_many / alone, aim="about 1"),
            Figure("CPU", among_many, "ms", "<= 2"),
        ),
        tables=(Table(("sessions", "CPU ms/tick"), tuple(ticks.items())),),
    )


def _measure(size: int, running: int) -> float:
    with open_folder() as folder:
        return trio.run(_watch, folder, size, running)


async def _watch(folder: Path, size: int, running: int) -> float:
    """Return the CPU seconds of one tick, over all that goes on while sessions sleep."""
    settings = RunSettings(monitor_interval=INTERVAL, max_parallel_sessions=running)
    async with open_orchestrator(OrchestratorConfig(orchestrator=settings), root=folder) as orchestrator:
        _register(orchestrator, size, running)
        with (folder / "told").open("w", encoding="utf-8") as told:
            _attach_plain_display(orchestrator, Stream(told))
            return await _sample(orchestrator, running)


async def _sample(orchestrator: Orchestrator, running: int) -> float:
    ticks = _Ticks()
    orchestrator.attach(ticks)
    events = orchestrator.events()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(orchestrator.run)
        started = 0
        async for event in events:
            started += isinstance(event, SessionStarted)
            if started == running:
                break
        await trio.sleep(10 * INTERVAL)
        before, counted = time.process_time(), ticks.count
        await trio.sleep(SPAN)
        cost = (time.process_time() - before) / (ticks.count - counted)
        orchestrator.cancel()
    return cost


def _register(orchestrator: Orchestrator, size: int, running: int) -> None:
    for number in range(running):
        orchestrator.register_spec(f"R{number}", run=_sleep)
    over = range(running, size)
    orchestrator.register_specs(Spec(id=f"R{number}", status=SpecStatus.COMPLETE) for number in over)


async def _sleep(_: object) -> None:
    await trio.sleep_forever()


def _attach_plain_display(orchestrator: Orchestrator, out: Stream) -> None:
    style = choose_style(color="never", symbols="ascii", environ={}, terminal=False, encoding="utf-8")
    orchestrator.attach(PlainDisplay(out, orchestrator.state, style, "en"))
