"""What the commands share: where they write, in which language and looks; the project and its settings."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from attrs import define, evolve, frozen

from aad import messages
from aad.cli.language import settle_language
from aad.config import OrchestratorConfig
from aad.configfile import load_config
from aad.display.stream import Stream
from aad.display.style import Style, choose_style
from aad.errors import OutputError, Problem
from aad.project import Project, find_project

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@frozen
class Looks:
    """The options that say how output looks; None where the config decides."""

    color: str = "auto"
    symbols: str | None = None


@define
class Console:
    """One command's surroundings. People are told on `err`; what was asked for goes to `out`.

    `profile` is the one that was asked for by name.
    """

    project: Project
    config: OrchestratorConfig
    lang: str
    looks: Looks
    out: Stream
    err: Stream
    profile: str | None = None

    def style(self, stream: Stream) -> Style:
        """Return how a stream is written; each is judged apart."""
        return choose_style(
            color=self.looks.color,
            symbols=self.looks.symbols or self.config.ui.symbols,
            environ=os.environ,
            terminal=stream.isatty(),
            encoding=stream.encoding,
        )

    def width(self) -> int | None:
        """Return the columns of the terminal on stdout, None where there is none."""
        return os.get_terminal_size(sys.stdout.fileno()).columns if self.out.isatty() else None

    def text(self, key: str, fields: Mapping[str, object] | None = None) -> str:
        return messages.text(self.lang, key, fields)


def open_console(
    looks: Looks, *, profile: str | None = None, options: Mapping[str, object] | None = None
) -> Console:
    """Return the surroundings of a command, started in or below a project; raises InputError."""
    project = find_project(Path.cwd())
    config = load_config(project, profile=profile, environ=os.environ, options=options or {})
    return make_console(looks, project, config, profile=profile)


def make_console(
    looks: Looks, project: Project, config: OrchestratorConfig, *, profile: str | None = None
) -> Console:
    """Return the surroundings of a command in a project with these settings."""
    out, err = Stream(sys.stdout, _refuse_loss), Stream(sys.stderr)
    lang = settle_language(config.ui.lang)
    # From here on everybody knows which: who tells people by other ways, too.
    config = evolve(config, ui=evolve(config.ui, lang="ja" if lang == "ja" else "en"))
    return Console(project=project, config=config, lang=lang, looks=looks, out=out, err=err, profile=profile)


def _refuse_loss(error: OSError) -> None:
    raise OutputError(Problem("output_lost", {"cause": error.strerror})) from error


def looks_options(lang: str) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds `--color`, `--symbols` and `--lang`; see `Looks`."""

    def told(name: str) -> str:
        return messages.text(lang, f"help.option-{name}")

    sets = ["auto", "emoji", "unicode", "ascii"]
    options = [
        click.option(
            "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help=told("color")
        ),
        click.option("--symbols", type=click.Choice(sets), help=told("symbols")),
        # `Spoken` has read it before click does.
        click.option("--lang", type=click.Choice(["en", "ja"]), expose_value=False, help=told("lang")),
    ]

    def decorate(function: Decorated) -> Decorated:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def format_option(*words: str, lang: str) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds `--format` with its choices, the first of them the default."""
    told = messages.text(lang, "help.option-format")
    return click.option("--format", "form", type=click.Choice(words), default=words[0], help=told)
