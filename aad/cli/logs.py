"""`aad logs`: what an attempt of a session wrote, byte by byte, as far as it is or as it comes."""

import errno
import re
import signal
import sys
import time
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO

import click
from attrs import define, field, frozen

from aad import messages
from aad.cli.console import Console, Looks, looks_options, open_console
from aad.cli.snapshot import JournalTail, is_under_way, read_run
from aad.display.style import Role
from aad.display.text import clean, format_names
from aad.display.voice import Voice
from aad.errors import InputError, Problem
from aad.events import Event, RetryScheduled, SessionEnded, SessionWaiting
from aad.project import Project
from aad.runlist import find_run, list_runs
from aad.spec import clean_id
from aad.state import FINAL, RunState

LOG = "output.log"
# Seconds between two looks at a log that grows: soon enough for eyes.
PAUSE = 0.2
PIECE = 1 << 16

_NUMBER = re.compile(r"[1-9][0-9]*")


def make_command(lang: str) -> click.Command:
    """Return the command, its help in the given language."""

    def told(name: str) -> str:
        return messages.text(lang, f"help.logs.{name}")

    @click.command("logs", help=told("long"))
    @click.argument("spec")
    @click.option("--follow", "-f", is_flag=True, help=told("follow"))
    @click.option("--attempt", type=click.IntRange(1), metavar="N", help=told("attempt"))
    @click.option("--run", metavar="RUN", help=told("run"))
    @looks_options(lang)
    def logs(**options: Any) -> None:  # noqa: ANN401 - click's door
        _tell_log(options)

    return logs


def _tell_log(options: dict[str, Any]) -> None:
    console = open_console(Looks(options["color"], options["symbols"]))
    project, attempt = console.project, options["attempt"]
    run_id = find_run(project.runs, options["run"])
    logs = SessionLogs(project, run_id, _find_spec(read_run(project, run_id).state, options["spec"]))
    if console.out.silent:
        return
    if options["follow"]:
        follower = Follower(
            logs=logs,
            only=attempt,
            announce=lambda newer: _announce(console, logs.spec, newer),
            pause=lambda: time.sleep(PAUSE),
        )
        # Otherwise ^C would end us in the middle of a line.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        follower.follow()
    else:
        logs.copy(logs.choose(attempt))


def _announce(console: Console, spec_id: str, attempt: int) -> None:
    """Say on stderr that what follows on stdout is another attempt's."""
    style = console.style(console.err)
    sentence = Voice(console.lang, style).say("logs.attempt", {"spec": spec_id, "attempt": attempt})
    console.err.write(style.paint(Role.BOLD, sentence) + "\n")


def _find_spec(state: RunState, name: str) -> str:
    """Return the id of a spec of the run; raises InputError for any other name."""
    ids = {session.spec_id.casefold(): session.spec_id for session in state.sessions.values()}
    wanted = clean_id(name).casefold()
    if wanted in ids:
        return ids[wanted]
    fields = {"spec": clean(name), "run": state.run}
    near = get_close_matches(wanted, ids, n=1)
    if near:
        raise InputError(Problem("logs_spec_unknown_near", {**fields, "near": ids[near[0]]}))
    known = format_names(sorted(ids.values())) or "-"
    raise InputError(Problem("logs_spec_unknown", {**fields, "known": known}))


@frozen
class SessionLogs:
    """The logs of one session, one for each attempt."""

    project: Project
    run: str
    spec: str

    def list_attempts(self) -> list[int]:
        """Return the numbers of the attempts that have a log; raises InputError."""
        return _list_attempts(self.project, self.run, self.spec)

    def choose(self, wanted: int | None) -> int:
        """Return the attempt that is wanted, the newest for None; raises InputError if it has no log."""
        there = self.list_attempts()
        if not there:
            raise InputError(self.describe_lack())
        if wanted is not None and wanted not in there:
            fields = {"spec": self.spec, "run": self.run, "attempt": wanted, "there": _join(there)}
            raise InputError(Problem("logs_attempt_unknown", fields))
        return there[-1] if wanted is None else wanted

    def copy(self, attempt: int, start: int = 0) -> int:
        """Write what a log holds from a byte on to stdout and return where it ends; raises InputError."""
        path = self.project.attempt(self.run, self.spec, attempt) / LOG
        try:
            with path.open("rb") as file:
                file.seek(start)
                _copy(file)
                return file.tell()
        except (BrokenPipeError, _FullError):
            raise
        except OSError as error:
            raise _refusal(self.project.show(path), error) from error

    def describe_lack(self) -> Problem:
        """Return that there is no log, and where the newest one of another run is."""
        fields = {"spec": self.spec, "run": self.run}
        for other in list_runs(self.project.runs):
            if _list_attempts(self.project, other, self.spec):
                return Problem("logs_none_here", {**fields, "other": other})
        return Problem("logs_none", fields)


def _list_attempts(project: Project, run: str, spec: str) -> list[int]:
    folder = project.run(run) / spec
    try:
        return sorted(int(path.name) for path in folder.iterdir() if _is_attempt(path))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _refusal(project.show(folder), error) from error


def _is_attempt(folder: Path) -> bool:
    return _NUMBER.fullmatch(folder.name) is not None and (folder / LOG).is_file()


def _copy(file: BinaryIO) -> None:
    out = sys.stdout.buffer
    while piece := file.read(PIECE):
        try:
            out.write(piece)
        except OSError as error:
            raise _explain_loss(error) from error
    try:
        out.flush()
    except OSError as error:
        raise _explain_loss(error) from error


class _FullError(OSError):
    """The disk behind stdout is full: that is no fault of the log."""


def _explain_loss(error: OSError) -> OSError:
    # A terminal that is gone is like a closed pipe: nobody can be told.
    return _FullError(*error.args) if error.errno == errno.ENOSPC else BrokenPipeError()


def _refusal(shown: str, error: OSError) -> InputError:
    return InputError(Problem("logs_unreadable", {"cause": error.strerror}, path=shown))


def _join(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


@define(kw_only=True)
class Follower:
    """Writes a session's log as it grows, attempt after attempt, until there will be no more of it.

    `only` is the one attempt that is wanted; `announce` is called before each attempt but the first, `pause`
    where there is nothing new.
    """

    logs: SessionLogs
    only: int | None
    announce: Callable[[int], None]
    pause: Callable[[], None]
    _journal: JournalTail = field(init=False)
    _state: RunState = field(init=False)
    _last_ended: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._journal = JournalTail(self.logs.project.journal(self.logs.run))
        self._state = RunState(run=self.logs.run)

    def follow(self) -> None:
        """Write until the end; raises InputError if nothing came."""
        attempt = written = 0
        while True:
            # Looked at before the log is read: what was written until then is in the log.
            over = self._is_over()
            there = [number for number in self.logs.list_attempts() if self.only in {None, number}]
            attempt = attempt or max(there, default=0)
            if attempt:
                written = self.logs.copy(attempt, written)
            newer = [number for number in there if number > attempt]
            if newer:
                attempt, written = newer[0], 0
                self.announce(attempt)
            elif over:
                break
            else:
                self.pause()
        if not attempt:
            self.logs.choose(self.only)

    def _is_over(self) -> bool:
        under_way = is_under_way(self.logs.project, self.logs.run)
        for event in self._journal.read_on():
            self._state.apply(event)
            self._note_end(event)
        ended = self._state.session(self.logs.spec).status in FINAL
        return ended or not under_way or (self.only is not None and self._last_ended >= self.only)

    def _note_end(self, event: Event) -> None:
        match event:
            case SessionEnded() | RetryScheduled() | SessionWaiting() if event.spec == self.logs.spec:
                self._last_ended = max(self._last_ended, event.attempt)
