"""How good the order of sessions is: simulated runs against the least time that any order could take."""

from collections.abc import Iterator, Mapping
from itertools import product
from random import Random
from statistics import mean
from typing import Literal

import trio
from attrs import frozen
from effort import Effort
from graphs import Graph
from report import Figure, Report, Table
from trio.testing import MockClock

from aad.plan import PlannedSpec, make_plan
from aad.scheduler import Scheduler, Slot
from aad.spec import Spec
from aad.state import Status

SLOTS = (2, 4, 8, 16)
TASKS = 100
# Of the logarithm of durations: one in six takes more than e times the middle one.
SPREAD = 1.0
# The widest layer of a graph may be of any width between these.
WIDEST = (4, 48)


@frozen
class Policy:
    """How sessions are ordered."""

    name: str
    schedule: Literal["eager", "waves"]
    known: bool
    aim: str = ""


POLICIES = (
    Policy("eager, durations known", "eager", known=True, aim="<= 1.03"),
    Policy("eager, none known", "eager", known=False, aim="<= 1.08"),
    Policy("waves, durations known", "waves", known=True),
)


def run(effort: Effort) -> Report:
    """Simulate runs of random graphs and compare them with their lower bounds."""
    cases = [_make_case(seed) for seed in range(effort.graphs)]
    ratios = {
        (policy.name, slots): mean(_judge(graph, seconds, policy, slots) for graph, seconds in cases)
        for policy, slots in product(POLICIES, SLOTS)
    }
    overall = {policy: mean(ratios[policy.name, slots] for slots in SLOTS) for policy in POLICIES}
    return Report(
        title="Schedules: time taken / max(critical path, work / slots)",
        figures=tuple(Figure(policy.name, ratio, aim=policy.aim) for policy, ratio in overall.items()),
        tables=(
            Table(
                ("order", *(f"{slots} slots" for slots in SLOTS)),
                [(each.name, *(ratios[each.name, slots] for slots in SLOTS)) for each in POLICIES],
            ),
        ),
        notes=(f"{effort.graphs} layered graphs of {TASKS} sessions; durations are lognormal.",),
    )


def _make_case(seed: int) -> tuple[Graph, Mapping[str, float]]:
    draw = Random(seed)  # noqa: S311 - the same graphs each time are the point
    graph = dict(_draw_graph(draw))
    return graph, {name: draw.lognormvariate(0.0, SPREAD) for name in graph}


def _draw_graph(draw: Random) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield layers of random width; each task needs one to three of the layer before."""
    before, made, widest = list[str](), 0, draw.randint(*WIDEST)
    while made < TASKS:
        width = min(draw.randint(1, widest), TASKS - made)
        layer = [f"T{number:03}" for number in range(made, made + width)]
        for name in layer:
            yield name, tuple(draw.sample(before, min(draw.randint(1, 3), len(before))))
        before, made = layer, made + width


def _judge(graph: Graph, seconds: Mapping[str, float], policy: Policy, slots: int) -> float:
    clock = MockClock(autojump_threshold=0)
    taken = trio.run(_play, graph, seconds, policy, slots, clock=clock)
    bound = max(_find_critical_path(graph, seconds), sum(seconds.values()) / slots)
    return taken / bound


async def _play(graph: Graph, seconds: Mapping[str, float], policy: Policy, slots: int) -> float:
    """Let the scheduler carry out a plan whose sessions only sleep, and return how long it took."""
    specs = [Spec(id=name, depends_on=needed) for name, needed in graph.items()]
    over = set[str]()

    async def sleep(planned: PlannedSpec, slot: Slot) -> None:
        await trio.sleep(seconds[planned.id])
        slot.release()
        over.add(planned.id)

    began = trio.current_time()
    scheduler = Scheduler(
        plan=make_plan(specs, durations=seconds if policy.known else {}, slots=slots),
        run_one=sleep,
        status_of=lambda name: Status.COMPLETED if name in over else Status.RUNNING,
        skip=lambda name, blocked_by: None,  # noqa: ARG005 - nothing fails here
        limiter=trio.CapacityLimiter(slots),
        schedule=policy.schedule,
    )
    await scheduler.run()
    return trio.current_time() - began


def _find_critical_path(graph: Graph, seconds: Mapping[str, float]) -> float:
    """Return the seconds of the longest path; each task comes after what it needs."""
    ends: dict[str, float] = {}
    for name, needed in graph.items():
        ends[name] = seconds[name] + max((ends[each] for each in needed), default=0.0)
    return max(ends.values())
