"""The command line: options, one call, an exit status.

Each command stands in a module of its own, which is loaded when the command is used: `aad --help` reads the
table below and nothing more. Every module has `make_command(lang)`, since help is read in two languages.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

import click

from aad import messages
from aad.display.stream import Stream
from aad.display.style import choose_language
from aad.errors import AadError
from aad.version import __version__

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "init": "aad.cli.init",
        "orchestrate": "aad.cli.orchestrate",
        "status": "aad.cli.status",
        "logs": "aad.cli.logs",
        "escalations": "aad.cli.escalations",
        "graph": "aad.cli.graph",
        "runs": "aad.cli.runs",
        "specs": "aad.cli.specs",
    }
)

EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """Knows its commands by name and short help; loads one when it is used."""

    lang = "en"

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        make_command: Callable[[str], click.Command] = import_module(COMMANDS[cmd_name]).make_command
        return make_command(self.lang)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        del ctx
        with formatter.section(messages.text(self.lang, "help.commands")):
            formatter.write_dl([(name, messages.text(self.lang, f"help.{name}")) for name in COMMANDS])


def make_group(lang: str) -> click.Group:
    """Return `aad` itself, its help in the given language."""
    group = LazyGroup(
        "aad",
        help=messages.text(lang, "help.aad"),
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.lang = lang
    return click.version_option(__version__, message="aad %(version)s")(group)


def run_command(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; see the table in docs/reference.md."""
    lang = _foresee_language(arguments)
    errors = Stream(sys.stderr)
    Stream(sys.stdout)  # a narrow encoding gets escapes instead of a traceback
    if sys.platform == "win32":
        errors.write(messages.text(lang, "windows_refused") + "\n")
        return EXIT_USAGE
    try:
        return _run(make_group(lang), arguments)
    except click.UsageError as error:
        errors.write(_describe_usage(error))
        return EXIT_USAGE
    except AadError as error:
        errors.write(f"{error.render(lang)}\n")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _leave_pipe()


def _run(group: click.Group, arguments: Sequence[str]) -> int:
    status = group.main(list(arguments), prog_name="aad", standalone_mode=False)
    if sys.stdout is not None:  # `aad … >&-`
        sys.stdout.flush()
    return status if isinstance(status, int) else 0


def _describe_usage(error: click.UsageError) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return f"{error.format_message()}\n"
    usage = "" if error.ctx is None else f"{error.ctx.get_usage()}\n"
    return f"{usage}aad: {error.format_message()}\n"


def _leave_pipe() -> int:
    """End well when the reader of stdout has gone: `aad … | head` asked for no more."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    return 0


def _foresee_language(arguments: Sequence[str]) -> str:
    """Return the language of help and usage errors, which are due before options are read."""
    option = None
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if word == "--lang":
            option = following
        elif word.startswith("--lang="):
            option = word.removeprefix("--lang=")
    encoding = getattr(sys.stderr, "encoding", None)
    return choose_language(option, os.environ, "auto", encoding)
