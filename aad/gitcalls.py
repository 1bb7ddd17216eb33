"""How git is called: its arguments, its environment, its trouble. Also calls it where nothing is changed.

What changes a repository is called by `repository`, one call at a time.
"""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

# `merge-tree --write-tree` (git-merge-tree(1)): without it nothing can be merged outside of a work tree.
OLDEST = (2, 38)
# Seconds that a call which only reads may take.
READ_LIMIT = 60.0
# Variables of git's that say where its settings and programs are, and above what it looks for no repository.
# All others lead it elsewhere: a hook's GIT_DIR is stronger than `-C`.
KEPT = frozenset(
    [
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_EXEC_PATH",
        "GIT_CEILING_DIRECTORIES",
    ]
)
# Nothing is started in the background, no hook is run (`worktree add` would), submodules are let be. And
# whatever people prefer: output is read, and commits are written, in one form.
PINNED = {
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "submodule.recurse": "false",
    "core.quotePath": "false",
    "color.ui": "false",
    "advice.detachedHead": "false",
    "log.showSignature": "false",
    "trailer.separators": ":",
    "core.commentChar": "#",
    "i18n.commitEncoding": "UTF-8",
    "i18n.logOutputEncoding": "UTF-8",
}
SETTINGS = tuple(chain.from_iterable(("-c", f"{name}={value}") for name, value in PINNED.items()))

_VERSION = re.compile(r"git version (\d+)\.(\d+)(?:\.(\d+))?")


class GitError(Exception):
    """A call of git failed. `command` is its subcommand, `told` what it wrote on stderr."""

    def __init__(self, command: str, told: str) -> None:
        self.command = command
        self.told = told
        super().__init__(f"git {command}: {told}" if told else f"git {command}")


def name_call(args: Sequence[str]) -> str:
    """Return the subcommand of a call, which may stand behind options of git's own."""
    return next(arg for arg in args if not arg.startswith("-"))


def make_argv(*args: str) -> list[str]:
    """Return the argv of a call, under settings that keep it from doing more than it is told."""
    return ["git", *SETTINGS, *args]


def make_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a call: nothing leads it elsewhere, it asks nobody, it speaks English."""
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_") or name in KEPT}
    # Without optional locks it refreshes no index just to have looked at it.
    return kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "LANGUAGE": "C"}


def read_git(folder: Path, *args: str, environ: Mapping[str, str] | None = None) -> str:
    """Return what a call that changes nothing writes on stdout; raises GitError."""
    told = ask_git(folder, *args, environ=environ)
    if told.returncode:
        raise GitError(name_call(args), say_why(told.stderr, told.returncode))
    return decode(told.stdout)


def ask_git(
    folder: Path, *args: str, environ: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """Make a call that changes nothing, whatever its exit code; raises GitError where it cannot be made."""
    try:
        return subprocess.run(  # noqa: S603 - git, by its name
            make_argv(*args),
            cwd=folder,
            env=make_environment(os.environ if environ is None else environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=READ_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(name_call(args), f"no answer within {READ_LIMIT:g} s") from error
    except OSError as error:
        raise GitError(name_call(args), f"{error.filename}: {error.strerror}") from error


def find_version() -> tuple[int, ...]:
    """Return git's version, `(2, 39, 5)`; raises GitError where there is no git."""
    found = _VERSION.match(read_git(Path("/"), "version"))
    return () if found is None else tuple(int(part) for part in found.groups(default="0"))


def say_why(stderr: bytes, code: int | None) -> str:
    """Return the lines of git's stderr that say what went wrong, as one line."""
    lines = [line.strip() for line in decode(stderr).splitlines()]
    said = [line for line in lines if line and not line.startswith("hint:")]
    blamed = [line for line in said if line.startswith(("fatal:", "error:"))]
    return "; ".join(blamed or said) or f"exit code {code}"


def decode(output: bytes) -> str:
    """Return git's output as text; names that are no UTF-8 survive the way back."""
    return output.decode(errors="surrogateescape")


def split_names(output: bytes | str) -> Sequence[str]:
    """Return the NUL-terminated names of an output of `-z`."""
    text = output if isinstance(output, str) else decode(output)
    return [name for name in text.split("\0") if name]
