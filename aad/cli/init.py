"""`aad init`: what a project needs to run its first spec. Never overwrites anything."""

from pathlib import Path
from typing import Any

import click
from attrs import frozen

from aad import messages
from aad.agents import detect_agents
from aad.cli.console import Console, Looks, looks_options, open_console
from aad.configfile import read_template
from aad.display.style import Role
from aad.display.voice import Voice
from aad.errors import InputError, Problem
from aad.formats.folder import SUFFIX

FIRST_SPEC = "SPEC-001"


@frozen
class _Part:
    """Something a project needs, and whether it was there already."""

    path: str
    kept: bool


def make_command(lang: str) -> click.Command:
    """Return the command, its help in the given language."""

    @click.command("init", help=messages.text(lang, "help.init.long"))
    @looks_options(lang)
    def init(**options: Any) -> None:  # noqa: ANN401 - click's door
        _set_up(open_console(Looks(options["color"], options["symbols"])))

    return init


def _set_up(console: Console) -> None:
    try:
        parts = [_write_config(console), _write_ignore(console), _write_first_spec(console)]
    except OSError as error:
        fields = {"cause": error.strerror or str(error)}
        raise InputError(Problem("init_unwritable", fields, error.filename)) from error
    console.err.write("".join(f"{line}\n" for line in _tell(console, parts)))


def _write_config(console: Console) -> _Part:
    return _write_new(console, console.project.config, _suggest_agent(read_template()))


def _suggest_agent(template: str) -> str:
    """Return the settings with the line, commented out, that has the first agent that is there run specs."""
    line = 'kind = "command"\n'
    suggested = [f'# kind = "{name}"\n' for name in detect_agents()[:1]]
    return template.replace(f"\n{line}", "".join(("\n", line, *suggested)), 1)


def _write_ignore(console: Console) -> _Part:
    ignore = console.project.folder / ".gitignore"
    part = _Part(console.project.show(ignore), kept=ignore.exists())
    console.project.prepare()
    return part


def _write_first_spec(console: Console) -> _Part:
    """Write a spec that runs as it is, unless there are specs already."""
    folder = console.project.specs
    folder.mkdir(parents=True, exist_ok=True)
    if any(path.suffix.casefold() == SUFFIX for path in folder.iterdir()):
        return _Part(f"{console.project.show(folder)}/", kept=True)
    text = console.text("init.spec", {"id": FIRST_SPEC})
    return _write_new(console, folder / f"{FIRST_SPEC}{SUFFIX}", text)


def _write_new(console: Console, path: Path, text: str) -> _Part:
    shown = console.project.show(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return _Part(shown, kept=True)
    return _Part(shown, kept=False)


def _tell(console: Console, parts: list[_Part]) -> list[str]:
    voice = Voice(console.lang, console.style(console.err))
    agents = detect_agents()
    return [
        voice.say("init.project", {"folder": str(console.project.root)}),
        *(f"  {_tell_part(part, voice)}" for part in parts),
        voice.say("init.agents", {"names": ", ".join(agents)}) if agents else voice.say("init.no_agents"),
        voice.say("init.next"),
    ]


def _tell_part(part: _Part, voice: Voice) -> str:
    if part.kept:
        return voice.mark(Role.DIM, voice.style.symbols.skipped, voice.say("init.kept", {"path": part.path}))
    return voice.mark(Role.OK, voice.style.symbols.ok, voice.say("init.wrote", {"path": part.path}))
