"""The command line: options, one call, an exit status.

Each command stands in a module of its own, which is loaded when the command is used: `aad --help` reads the
table below and nothing more. Every module has `make_command(lang)`, since help is read in two languages.
"""

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

import click

from aad import messages
from aad.cli.language import Spoken
from aad.display.stream import Stream
from aad.errors import AadError, OutputError, Problem
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
        "clean": "aad.cli.clean",
        "specs": "aad.cli.specs",
        "doctor": "aad.cli.doctor",
    }
)

EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """Knows its commands by name and short help; loads one when it is used."""

    lang = "en"

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
    # Names alone, for click to find the nearest one to a slip.
    group.commands = {name: click.Command(name) for name in COMMANDS}
    # `Spoken` has read it before click reads anything; so it may stand before the command too.
    told = messages.text(lang, "help.option-lang")
    group = click.option("--lang", type=click.Choice(["en", "ja"]), expose_value=False, help=told)(group)
    return click.version_option(__version__, message="aad %(version)s")(group)


def run_command(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; see the table in docs/reference.md."""
    spoken = Spoken(arguments)
    errors = Stream(sys.stderr)
    Stream(sys.stdout)  # a narrow encoding gets escapes instead of a traceback
    if sys.platform == "win32":
        errors.write(messages.text(spoken.lang, "windows_refused") + "\n")
        return EXIT_USAGE
    try:
        return _run(arguments, spoken)
    except click.UsageError as error:
        errors.write(_describe_usage(error))
        return EXIT_USAGE
    except AadError as error:
        errors.write(f"{error.render(spoken.lang)}\n")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # The latter is how click itself says that a pipe was closed under it.
        return _leave_pipe()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        # What we write to disk says so itself: this is click's help, or the last flush.
        lost = OutputError(Problem("output_lost", {"cause": error.strerror}))
        errors.write(f"{lost.render(spoken.lang)}\n")
        _leave_pipe()
        return lost.exit_code


def _run(arguments: Sequence[str], spoken: Spoken) -> int:
    group = make_group(spoken.lang)
    status = group.main(list(arguments), prog_name="aad", standalone_mode=False, obj=spoken)
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
