"""All benchmarks, by one command: `python benchmarks/run.py`. Figures inform and assert nothing."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

# Run as a script from anywhere, this checkout's aad is what is measured.
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

import containment
import floods
import growth
import journal
import latency
import planning
import race
import schedules
import startup
import streams
import ticks
import worktrees
from attrs import asdict, evolve
from effort import QUICK, Effort
from machine import describe_machine, read_load
from report import Report, render

BENCHMARKS: Mapping[str, Callable[[Effort], Report]] = MappingProxyType(
    {
        "race": race.run,
        "startup": startup.run,
        "planning": planning.run,
        "latency": latency.run,
        "growth": growth.run,
        "containment": containment.run,
        "monitor": ticks.run,
        "journal": journal.run,
        "output": floods.run,
        "streams": streams.run,
        "schedules": schedules.run,
        "worktrees": worktrees.run,
    }
)


def main(arguments: Sequence[str]) -> None:
    """Run what was asked for, print each report as it comes, and write them all where asked."""
    options = _make_parser().parse_args(arguments)
    machine, before = describe_machine(), read_load()
    print(f"{machine.cores} cores ({machine.processor}), {machine.system}, Python {machine.python}")
    print(f"load before: {before}", end="\n\n", flush=True)
    reports = {}
    for name in options.only or BENCHMARKS:
        print(f"measuring: {name} …", file=sys.stderr)
        reports[name] = BENCHMARKS[name](_choose_effort(name, options))
        print(render(reports[name]), flush=True)
    after = read_load()
    print(f"load after: {after}")
    if options.json is not None:
        told = {name: asdict(report) for name, report in reports.items()}
        members = {"machine": asdict(machine), "load": {"before": before, "after": after}, "reports": told}
        options.json.write_text(json.dumps(members, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure aad, side by side with make, ninja and doit.")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="one benchmark; may be repeated")
    parser.add_argument("--sizes", type=_parse_sizes, default=Effort().sizes, help="numbers of tasks to run")
    parser.add_argument("--rounds", type=int, default=Effort().rounds, help="rounds after the first one")
    parser.add_argument("--full", action="store_true", help="also 10,000 sessions, and 10 GB of output")
    parser.add_argument("--quick", action="store_true", help="only see whether the benchmarks work")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    return parser


def _parse_sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted(map(int, text.split(","))))


def _choose_effort(name: str, options: argparse.Namespace) -> Effort:
    if options.quick:
        return QUICK
    effort = Effort(sizes=options.sizes, rounds=options.rounds)
    if options.full and name == "growth":
        return evolve(effort, sizes=(*effort.sizes, 10_000))
    return evolve(effort, megabytes=10_000) if options.full else effort


if __name__ == "__main__":
    main(sys.argv[1:])
