"""Runs a plan at a terminal or in CI: signals in, displays out, an exit status. Trio is loaded here."""

import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio
from attrs import evolve, frozen

from aad.cli.console import Console
from aad.cli.dialog import Dialog
from aad.cli.keyboard import Keyboard, marks_pastes
from aad.cli.planning import (
    Wish,
    choose_specs,
    tell_drafts,
    tell_idle,
    tell_sharing,
    tell_uncommitted,
)
from aad.cli.question import can_ask
from aad.cli.resuming import Resumption, choose_resumed, settle_changes
from aad.cli.signals import Signals
from aad.display.base import NoDisplay
from aad.display.jsonl import JsonlDisplay
from aad.display.narrator import QUIET
from aad.display.plain import PlainDisplay
from aad.display.stream import Stream
from aad.display.text import clean, format_names
from aad.display.voice import Voice
from aad.ending import EXIT_BUG, EXIT_WAITING
from aad.errors import InputError, JournalError
from aad.events import EscalationRaised, Event
from aad.files import write_whole
from aad.orchestrator import Orchestrator
from aad.plan import Plan
from aad.runclock import RunClock
from aad.runlist import find_run
from aad.selection import Selection


@frozen(kw_only=True)
class Telling:
    """How a run is told: `json` puts the events on stdout, `verbosity` is -1 for quiet."""

    progress: str = "auto"
    json: bool = False
    verbosity: int = 0


def run_specs(console: Console, wish: Wish, telling: Telling, *, resume: str | None) -> int:
    """Run what was selected, or go on with an earlier run; returns the exit status. Raises AadError."""
    run_id = None if resume is None else find_run(console.project.runs, resume)
    selection = choose_specs(console, wish) if run_id is None else None
    with _logging_to(console.err.write) as diagnostics:
        # With `resume` this takes the lock before it reads the journal, so nobody else is writing it.
        orchestrator = Orchestrator(console.config, root=console.project.root, resume=run_id)
        try:
            if selection is not None:
                return _carry_out(orchestrator, selection, console, telling, diagnostics=diagnostics)
            try:
                resumption = _resume(orchestrator, console, wish, telling)
            except InputError:
                # No run begins that could tell it.
                _tell_swept(orchestrator, console)
                raise
            return _carry_out(
                orchestrator,
                resumption.selection,
                console,
                telling,
                diagnostics=diagnostics,
                removed=resumption.changes.removed,
            )
        finally:
            orchestrator.close()


def _resume(orchestrator: Orchestrator, console: Console, wish: Wish, telling: Telling) -> Resumption:
    """Return what the run goes on with, once somebody agreed to what changed."""
    resumption = choose_resumed(console, wish, orchestrator.state)
    settle_changes(
        console,
        resumption.changes,
        accepted=wish.accept_changes,
        may_ask=can_ask(console) and not telling.json,
        quiet=telling.verbosity <= QUIET,
    )
    return resumption


def _tell_swept(orchestrator: Orchestrator, console: Console) -> None:
    """Name the processes that a killed run had left, which were ended."""
    if names := orchestrator.household.swept.ended:
        told = Voice(console.lang, console.style(console.err)).count(
            "log.swept", len(names), {"names": format_names(names)}
        )
        console.err.write(f"{told}\n")


def _carry_out(
    orchestrator: Orchestrator,
    selection: Selection,
    console: Console,
    telling: Telling,
    *,
    diagnostics: "_StreamHandler",
    removed: tuple[str, ...] = (),
) -> int:
    orchestrator.register_specs(selection.specs, added=selection.added)
    plan = evolve(orchestrator.make_plan(), removed=removed)
    orchestrator.open()
    plain = _attach_displays(orchestrator, console, telling)
    diagnostics.write = plain.say
    if telling.verbosity > QUIET:
        tell_drafts(console, selection)
        tell_idle(console, plan)
        tell_sharing(console, plan)
        tell_uncommitted(console, orchestrator.checkout)
    orchestrator.office.tell_patience(plain.tell_patience)
    keyboard = Keyboard(console.err, marks=marks_pastes(os.environ))
    if can_ask(console) and not telling.json:
        orchestrator.office.ask_by(Dialog(console, plain, keyboard))
    clock = RunClock()
    signals = Signals(orchestrator, plain, clock, keyboard)
    try:
        return trio.run(_supervise, orchestrator, plan, console, signals, clock=clock)
    except Exception:  # noqa: BLE001 - a bug of ours: kept for its report, said in one line
        return _keep_traceback(orchestrator, console)


async def _supervise(orchestrator: Orchestrator, plan: Plan, console: Console, signals: Signals) -> int:
    """Carry out the plan under the eye of signals."""
    with signals.heed(trio.lowlevel.current_trio_token().run_sync_soon):
        return await _run(orchestrator, plan, console)


async def _run(orchestrator: Orchestrator, plan: Plan, console: Console) -> int:
    try:
        state = await orchestrator.run(plan)
    except InputError as error:  # between the plan and the start somebody was in the way
        console.err.write(f"{error.render(console.lang)}\n")
        return error.exit_code
    except JournalError as error:
        console.err.write(f"{error.render(console.lang)}\n")
        # A signal and the deadline of the run weigh more than a journal that is lost.
        return max(EXIT_WAITING, orchestrator.state.exit_code or 0)
    return EXIT_BUG if state.exit_code is None else state.exit_code


def _attach_displays(orchestrator: Orchestrator, console: Console, telling: Telling) -> PlainDisplay:
    if telling.json:
        orchestrator.attach(JsonlDisplay(_open_events(console)), output=True)
    plain = PlainDisplay(
        console.err,
        orchestrator.state,
        console.style(console.err),
        console.lang,
        verbosity=QUIET if telling.progress == "none" else telling.verbosity,
        tail_lines=console.config.logs.tail_lines,
    )
    orchestrator.attach(plain)
    if "bell" in console.config.escalation.notify and console.err.isatty():
        orchestrator.attach(_Bell(plain))
    return plain


def _open_events(console: Console) -> Stream:
    """Return stdout for events: a run does not end because they can no longer be written."""

    def say(error: OSError) -> None:
        console.err.write(console.text("events_lost", {"cause": error.strerror}) + "\n")

    return Stream(sys.stdout, say)


@frozen
class _Bell(NoDisplay):
    """Rings the terminal's bell once for each escalation, but not at somebody who types."""

    plain: PlainDisplay

    def show(self, event: Event) -> None:
        if isinstance(event, EscalationRaised):
            self.plain.say("\a")


class _StreamHandler(logging.Handler):
    """Says diagnostics as lines, once there is a display among its own, by its `write`."""

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self.write = write

    def emit(self, record: logging.LogRecord) -> None:
        self.write(f"aad: {clean(record.getMessage())}\n")


@contextmanager
def _logging_to(write: Callable[[str], object]) -> Iterator[_StreamHandler]:
    logger, handler = logging.getLogger("aad"), _StreamHandler(write)
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)


def _keep_traceback(orchestrator: Orchestrator, console: Console) -> int:
    """Keep the traceback of a bug in the run's folder and say where."""
    told = traceback.format_exc()
    path = orchestrator.project.run(orchestrator.run_id) / "internal-error.txt"
    try:
        write_whole(path, told.encode(errors="backslashreplace"))
    except OSError:
        console.err.write(told)
        return EXIT_BUG
    console.err.write(console.text("internal_error", {"path": console.project.show(path)}) + "\n")
    return EXIT_BUG
