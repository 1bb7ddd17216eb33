"""`aad runs`: the runs of a project, and one of them in full."""

from collections.abc import Iterator
from typing import Any

import click

from aad import messages
from aad.cli import prune
from aad.cli.answers import answer_json, answer_rows, answer_text, format_moment
from aad.cli.console import Looks, format_option, looks_options, open_console
from aad.cli.listing import ListingGroup
from aad.cli.snapshot import INTERRUPTED, UNREADABLE, Brief, hear_decisions, read_brief, read_run
from aad.cli.status import draw_snapshot
from aad.codec import format_time
from aad.display.style import Role, Style
from aad.display.summary import summarize_run
from aad.display.text import clean, format_count, format_duration
from aad.display.voice import Voice
from aad.report import summarize
from aad.runlist import find_run, list_runs
from aad.state import Status

VERSION = 1
UNDER_WAY = ("running", "paused")


def make_command(lang: str) -> click.Command:
    """Return the commands, their help in the given language."""

    @click.group("runs", cls=ListingGroup, help=messages.text(lang, "help.runs.long"))
    def runs() -> None:
        """Stand above the commands."""

    told = messages.text(lang, "help.runs.list")

    @runs.command("list", help=messages.text(lang, "help.runs.list.long"), short_help=told)
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def list_(**options: Any) -> None:  # noqa: ANN401 - click's door
        _list_runs(options)

    told = messages.text(lang, "help.runs.show")

    @runs.command("show", help=messages.text(lang, "help.runs.show.long"), short_help=told)
    @click.argument("run", required=False)
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def show(**options: Any) -> None:  # noqa: ANN401 - click's door
        _show_run(options)

    runs.add_command(prune.make_command(lang))
    return runs


def _list_runs(options: dict[str, Any]) -> None:
    console = open_console(Looks(options["color"], options["symbols"]))
    # Oldest first: what is newest stands next to the prompt.
    briefs = [read_brief(console.project, run_id) for run_id in reversed(list_runs(console.project.runs))]
    if options["form"] == "json":
        answer_json(console, {"version": VERSION, "runs": [_describe(brief) for brief in briefs]})
    elif briefs:
        style = console.style(console.out)
        marks = [_mark(brief.status, style) for brief in briefs]
        answer_rows(console, marks, [_cells(brief, Voice(console.lang, style)) for brief in briefs])
    else:
        console.err.write(console.text("runs.none") + "\n")


def _describe(brief: Brief) -> dict[str, object]:
    return {
        "run": brief.run,
        "status": brief.status,
        "started": None if brief.started is None else format_time(brief.started),
        "ended": None if brief.ended is None else format_time(brief.ended),
        "duration_s": None if brief.duration_s is None else round(brief.duration_s, 3),
        "exit_code": brief.exit_code,
        "counts": dict(brief.counts),
    }


def _mark(status: str, style: Style) -> str:
    """Return the mark of a run's status: one column, painted."""
    symbols = style.symbols
    marks = {
        **dict.fromkeys(UNDER_WAY, (Role.RUN, symbols.running)),
        Status.WAITING: (Role.WARN, symbols.waiting),
        Status.COMPLETED: (Role.OK, symbols.ok),
        Status.FAILED: (Role.FAIL, symbols.fail),
        Status.TIMED_OUT: (Role.FAIL, symbols.fail),
        INTERRUPTED: (Role.WARN, symbols.skipped),
        UNREADABLE: (Role.FAIL, symbols.fail),
    }
    return style.paint(*marks[status]) if status in marks else " "


def _cells(brief: Brief, voice: Voice) -> tuple[str, ...]:
    duration = "" if brief.duration_s is None else format_duration(brief.duration_s, voice.lang)
    status = voice.say(f"status.{brief.status}")
    return (
        clean(brief.run),
        status,
        format_moment(brief.started),
        duration,
        voice.join(_count(brief, voice)),
    )


def _count(brief: Brief, voice: Voice) -> Iterator[str]:
    for status in Status:
        if count := brief.counts.get(status):
            label = voice.say(f"summary.{status}")
            yield voice.say("summary.none", {"label": label, "count": format_count(count)})


def _show_run(options: dict[str, Any]) -> None:
    console = open_console(Looks(options["color"], options["symbols"]))
    snapshot = read_run(console.project, find_run(console.project.runs, options["run"]))
    if options["form"] == "json":
        answer_json(console, summarize(snapshot.state))
        return
    lines = [draw_snapshot(console, snapshot)]
    if snapshot.state.status not in UNDER_WAY:
        hear_decisions(console.project, snapshot.state)
        voice = Voice(console.lang, console.style(console.out))
        lines += [
            "",
            *summarize_run(snapshot.state, voice, verbose=True, decisions=snapshot.decisions),
        ]
    answer_text(console, "\n".join(lines))
