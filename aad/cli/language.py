"""The language a command speaks: foreseen from its words, settled once its project's config is read."""

import os
import sys
from collections.abc import Sequence

import click

from aad.display.style import choose_language


class Spoken:
    """The language of one command line. `option` is its `--lang`, wherever it stands among the words."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.option = _find_option(arguments)
        # Of help and usage errors, which are due before options and config are read.
        self.lang = self.choose("auto")

    def choose(self, configured: str) -> str:
        """Return the language that option, environment and config come to, and speak it from now on."""
        encoding = getattr(sys.stderr, "encoding", None)
        self.lang = choose_language(self.option, os.environ, configured, encoding)
        return self.lang


def settle_language(configured: str) -> str:
    """Return the language of the command that runs, `[ui] lang` considered."""
    spoken = click.get_current_context().find_object(Spoken)
    return "en" if spoken is None else spoken.choose(configured)


def _find_option(arguments: Sequence[str]) -> str | None:
    option = None
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if word == "--lang":
            option = following
        elif word.startswith("--lang="):
            option = word.removeprefix("--lang=")
    return option
