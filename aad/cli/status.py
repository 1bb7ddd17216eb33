"""`aad status`: where a run stands, from its journal alone."""

from collections.abc import Sequence
from typing import Any

import click

from aad import messages
from aad.cli.answers import answer_json, answer_text
from aad.cli.console import Console, Looks, format_option, looks_options, open_console
from aad.cli.snapshot import INTERRUPTED, Snapshot, read_run
from aad.display.status import draw_status
from aad.display.summary import name_result
from aad.display.voice import Voice
from aad.report import describe_status
from aad.runlist import find_run


def make_command(lang: str) -> click.Command:
    """Return the command, its help in the given language."""

    @click.command("status", help=messages.text(lang, "help.status.long"))
    @click.argument("run", required=False)
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def status(**options: Any) -> None:  # noqa: ANN401 - click's door
        _tell_status(options)

    return status


def _tell_status(options: dict[str, Any]) -> None:
    console = open_console(Looks(options["color"], options["symbols"]))
    snapshot = read_run(console.project, find_run(console.project.runs, options["run"]))
    if options["form"] == "json":
        answer_json(console, describe_status(snapshot.state, snapshot.now))
    else:
        voice = Voice(console.lang, console.style(console.out))
        facts = [f"  {fact}" for fact in name_result(snapshot.state, voice)]
        answer_text(console, draw_snapshot(console, snapshot, facts))


def draw_snapshot(console: Console, snapshot: Snapshot, facts: Sequence[str] = ()) -> str:
    """Return a run as people read it, `facts` below it, and where it was cut off, what goes on with it."""
    style = console.style(console.out)
    lines = [draw_status(snapshot.state, style, console.lang, snapshot.now), *facts]
    if snapshot.state.status == INTERRUPTED:
        lines.append(Voice(console.lang, style).hint(f"aad orchestrate --resume {snapshot.state.run}"))
    return "\n".join(lines)
