"""`aad runs prune`: removes the runs that have had their time, or shows which they are."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from aad import messages
from aad.cli.answers import answer_json, answer_rows, answer_text, format_size
from aad.cli.console import Console, Looks, format_option, looks_options, open_console
from aad.cli.pruning import Pruning, plan_prunings, prune_runs
from aad.config import MANY, RetentionSettings
from aad.display.style import Role, Style
from aad.display.text import clean, format_count, format_duration
from aad.display.voice import Voice
from aad.ending import EXIT_FAILED
from aad.errors import Problem
from aad.lock import hold_lock
from aad.retention import Bound, Hold

VERSION = 1
# Named as the holder of the project to whoever begins a run meanwhile.
HOLDER = "prune"


def make_command(lang: str) -> click.Command:
    """Return the command, its help in the given language."""

    def told(name: str) -> str:
        return messages.text(lang, f"help.runs.prune.{name}")

    @click.command("prune", help=told("long"), short_help=messages.text(lang, "help.runs.prune"))
    @click.option("--dry-run", is_flag=True, help=told("dry-run"))
    @click.option("--keep", type=click.IntRange(0, MANY), metavar="N", help=told("keep"))
    @click.option("--max-age", metavar="30d", help=told("max-age"))
    @click.option("--max-size", metavar="1GB", help=told("max-size"))
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def prune(**options: Any) -> int:  # noqa: ANN401 - click's door
        return _prune(options)

    return prune


def _prune(options: dict[str, Any]) -> int:
    bounds = {f"runs.{name}": options[name] for name in ("keep", "max_age", "max_size")}
    console = open_console(Looks(options["color"], options["symbols"]), options=bounds)
    prunings = _carry_out(console, dry_run=options["dry_run"])
    faults = [fault for pruning in prunings for fault in pruning.faults]
    if options["form"] == "json":
        answer_json(console, _describe(prunings, faults, dry_run=options["dry_run"]))
    else:
        _draw(console, prunings, dry_run=options["dry_run"])
        console.err.write("".join(f"{fault.render(console.lang)}\n" for fault in faults))
    return EXIT_FAILED if faults else 0


def _carry_out(console: Console, *, dry_run: bool) -> list[Pruning]:
    project, config = console.project, console.config
    # Where nothing ever ran, the lock would make folders for nothing.
    if dry_run or not project.runs.is_dir():
        return plan_prunings(project, config, time.time())
    with hold_lock(project.state, HOLDER):
        return prune_runs(project, plan_prunings(project, config, time.time()))


def _describe(prunings: Sequence[Pruning], faults: Sequence[Problem], *, dry_run: bool) -> dict[str, object]:
    return {
        "version": VERSION,
        "dry_run": dry_run,
        "runs": [_describe_pruning(pruning) for pruning in prunings],
        "freed": sum(pruning.freed for pruning in prunings),
        "faults": [_describe_fault(fault) for fault in faults],
    }


def _describe_pruning(pruning: Pruning) -> dict[str, object]:
    return {
        "run": pruning.run,
        "age_s": None if pruning.age is None else round(pruning.age, 3),
        "size": pruning.size,
        "why": pruning.why,
        "held": pruning.held,
    }


def _describe_fault(fault: Problem) -> dict[str, object]:
    return {"path": fault.path, "message": messages.text("en", fault.key, fault.fields)}


def _draw(console: Console, prunings: Sequence[Pruning], *, dry_run: bool) -> None:
    style = console.style(console.out)
    voice = Voice(console.lang, style)
    marks = [_mark(pruning, style, dry_run=dry_run) for pruning in prunings]
    answer_rows(console, marks, [_cells(pruning, console.config.runs, voice) for pruning in prunings])
    answer_text(console, _sum_up(prunings, voice, dry_run=dry_run))


def _mark(pruning: Pruning, style: Style, *, dry_run: bool) -> str:
    """Return the mark of what becomes of a run: one column, painted. What is only planned has none."""
    symbols = style.symbols
    if pruning.held is Hold.UNDER_WAY:
        return style.paint(Role.RUN, symbols.running)
    if pruning.held is Hold.WAITING:
        return style.paint(Role.WARN, symbols.waiting)
    if dry_run or pruning.held is not None:
        return " "
    return style.paint(Role.FAIL, symbols.fail) if pruning.faults else style.paint(Role.OK, symbols.ok)


def _cells(pruning: Pruning, bounds: RetentionSettings, voice: Voice) -> tuple[str, ...]:
    limits: Mapping[str, str] = {
        Bound.AGE: format_duration(bounds.max_age, voice.lang),
        Bound.COUNT: format_count(bounds.keep),
        Bound.SIZE: format_size(bounds.max_size),
    }
    return (
        clean(pruning.run),
        "" if pruning.age is None else format_duration(pruning.age, voice.lang),
        voice.say("prune.size_unknown") if pruning.size is None else format_size(pruning.size),
        voice.say(f"prune.why.{pruning.why}", {"limit": limits.get(pruning.why)}),
        "" if pruning.held is None else voice.say(f"prune.held.{pruning.held}"),
    )


def _sum_up(prunings: Sequence[Pruning], voice: Voice, *, dry_run: bool) -> str:
    going = [pruning for pruning in prunings if pruning.held is None]
    if not going:
        return voice.say("prune.nothing")
    gone = sum(not pruning.faults for pruning in going)
    freed = format_size(sum(pruning.freed for pruning in going))
    return voice.count("prune.planned" if dry_run else "prune.done", gone, {"size": freed})
