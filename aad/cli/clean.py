"""`aad clean`: removes the worktrees that nobody needs any more, or shows which they are."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from aad import messages
from aad.cli.answers import answer_json, answer_text
from aad.cli.console import Console, Looks, format_option, looks_options, open_console
from aad.display.status import align
from aad.display.style import Role, Style
from aad.display.text import clean
from aad.display.voice import Voice
from aad.ending import EXIT_FAILED
from aad.lock import hold_lock

if TYPE_CHECKING:
    from aad.cleaning import Cleaning

VERSION = 1
# Named as the holder of the project to whoever begins a run meanwhile.
HOLDER = "clean"
# What shows to a person why something is kept.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "under_way": "aad status {run}",
        "waiting": "aad escalations",
        "directory": "ls -A {path}",
        "unknown": "ls -A {path}",
        "commits": "git -C {path} log HEAD --not --branches",
        "repository": "git -C {path} status",
        "unfinished": "git -C {path} status",
        "changes": "git -C {path} status",
        "files": "git -C {path} status",
    }
)


def make_command(lang: str) -> click.Command:
    """Return the command, its help in the given language."""

    def told(name: str) -> str:
        return messages.text(lang, f"help.clean.{name}")

    @click.command("clean", help=told("long"), short_help=messages.text(lang, "help.clean"))
    @click.option("--dry-run", is_flag=True, help=told("dry-run"))
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def command(**options: Any) -> int:  # noqa: ANN401 - click's door
        return _clean(options)

    return command


def _clean(options: dict[str, Any]) -> int:
    console = open_console(Looks(options["color"], options["symbols"]))
    cleanings = _carry_out(console, dry_run=options["dry_run"])
    if options["form"] == "json":
        answer_json(console, _describe(cleanings, dry_run=options["dry_run"]))
    else:
        _draw(console, cleanings, dry_run=options["dry_run"])
    faults = [cleaning.fault for cleaning in cleanings if cleaning.fault is not None]
    console.err.write("".join(f"{fault.render(console.lang)}\n" for fault in faults))
    return EXIT_FAILED if faults else 0


def _carry_out(console: Console, *, dry_run: bool) -> "list[Cleaning]":
    # Here, for it loads the event loop, which help does without.
    from aad.cleaning import clean_workspaces

    project, root = console.project, console.config.workspace.root
    # Where nothing ever ran, nothing is ours, and the lock would make folders for nothing.
    if dry_run or not project.runs.is_dir():
        return clean_workspaces(project, root, os.environ, dry_run=True)
    with hold_lock(project.state, HOLDER):
        return clean_workspaces(project, root, os.environ, dry_run=False)


def _describe(cleanings: "Sequence[Cleaning]", *, dry_run: bool) -> dict[str, object]:
    return {
        "version": VERSION,
        "dry_run": dry_run,
        "removed": [_describe_one(each) for each in cleanings if each.kept is None],
        "kept": [_describe_one(each) | {"reason": each.kept} for each in cleanings if each.kept is not None],
    }


def _describe_one(cleaning: "Cleaning") -> dict[str, object]:
    leftover = cleaning.leftover
    return {"run": leftover.run, "spec": leftover.spec, "path": str(leftover.path)}


def _draw(console: Console, cleanings: "Sequence[Cleaning]", *, dry_run: bool) -> None:
    style = console.style(console.out)
    voice = Voice(console.lang, style)
    rows = [_cells(console, each, voice, dry_run=dry_run) for each in cleanings]
    for cleaning, line in zip(cleanings, align(rows) if rows else (), strict=True):
        # Not cut where the terminal ends: what stands there is why it is kept.
        answer_text(console, f"{_mark(cleaning, style, dry_run=dry_run)} {line}")
        if (command := _find_command(cleaning)) is not None:
            answer_text(console, voice.hint(clean(command)))
    answer_text(console, _sum_up(cleanings, voice, dry_run=dry_run))


def _cells(console: Console, cleaning: "Cleaning", voice: Voice, *, dry_run: bool) -> tuple[str, str]:
    key = "clean.planned" if dry_run else "clean.removed"
    if cleaning.kept is not None:
        key = f"clean.kept.{cleaning.kept}"
    return clean(console.project.show(cleaning.leftover.path)), voice.say(key)


def _mark(cleaning: "Cleaning", style: Style, *, dry_run: bool) -> str:
    """Return the mark of what becomes of a workspace: one column, painted. What is only planned has none."""
    symbols = style.symbols
    if cleaning.kept is None:
        return " " if dry_run else style.paint(Role.OK, symbols.ok)
    if cleaning.fault is not None:
        return style.paint(Role.FAIL, symbols.fail)
    marks = {"under_way": symbols.running, "waiting": symbols.waiting}
    return style.paint(Role.WARN, marks.get(cleaning.kept, symbols.skipped))


def _find_command(cleaning: "Cleaning") -> str | None:
    """Return the command that shows why something is kept; a folder is named as it is found from here."""
    leftover = cleaning.leftover
    if cleaning.kept is None or cleaning.kept not in COMMANDS:
        return None
    if not leftover.path.exists():
        return "git worktree list"
    return COMMANDS[cleaning.kept].format(path=shlex.quote(_find_way(leftover.path)), run=leftover.run)


def _find_way(path: Path) -> str:
    try:
        return os.path.relpath(path)
    except FileNotFoundError:  # where we stand was removed, too
        return str(path)


def _sum_up(cleanings: "Sequence[Cleaning]", voice: Voice, *, dry_run: bool) -> str:
    gone = sum(each.kept is None for each in cleanings)
    stays = len(cleanings) - gone
    first = voice.count("clean.going" if dry_run else "clean.gone", gone) if gone else voice.say("clean.none")
    return voice.join([first, *([voice.count("clean.stays", stays)] if stays else [])])
