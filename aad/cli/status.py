"""`aad status`: where a run stands, and what is waited for in it."""

from collections.abc import Iterator
from typing import Any

import click

from aad import messages
from aad.cli.answers import answer_json, answer_text
from aad.cli.console import Console, Looks, format_option, looks_options, open_console
from aad.cli.snapshot import INTERRUPTED, Snapshot, hear_decisions, read_run
from aad.display.decisions import list_open, say_open, say_waits, ways_to_decide
from aad.display.status import draw_status
from aad.display.summary import name_result
from aad.display.voice import Voice
from aad.report import describe_status
from aad.runlist import find_run
from aad.state import RunState, Status


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
        hear_decisions(console.project, snapshot.state)
        found = list_open(snapshot.state)
        facts = [
            *name_result(snapshot.state, voice),
            *(say_open(raised, voice) for raised in found),
            *say_waits(snapshot.state, voice),
        ]
        lines = [
            draw_snapshot(console, snapshot),
            *(f"  {fact}" for fact in facts),
            *(voice.hint(command) for command in ways_to_decide(found)),
        ]
        answer_text(console, "\n".join([*lines, *_go_on(snapshot.state, voice)]))


def draw_snapshot(console: Console, snapshot: Snapshot) -> str:
    """Return a run and its sessions as people read them."""
    return draw_status(snapshot.state, console.style(console.out), console.lang, snapshot.now)


def _go_on(state: RunState, voice: Voice) -> Iterator[str]:
    """Yield what goes on with a run that was cut off, or ended because nobody decided."""
    over = state.exit_code is not None
    if state.status == INTERRUPTED or (over and (state.status == Status.WAITING or list_open(state))):
        yield voice.hint(f"aad orchestrate --resume {state.run}")
