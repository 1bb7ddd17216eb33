"""Runs a plan at a terminal or in CI: signals in, displays out, an exit status. Trio is loaded here."""

import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import trio
from attrs import frozen

from aad.cli.console import Console
from aad.cli.planning import Wish, choose_specs, tell_drafts
from aad.cli.resuming import Resumption, choose_resumed
from aad.display.base import NoDisplay
from aad.display.jsonl import JsonlDisplay
from aad.display.narrator import QUIET
from aad.display.plain import PlainDisplay
from aad.display.stream import Stream
from aad.display.text import clean
from aad.ending import EXIT_WAITING
from aad.errors import JournalError
from aad.events import EscalationRaised, Event
from aad.files import write_whole
from aad.journal import find_run
from aad.orchestrator import Orchestrator
from aad.plan import Plan
from aad.selection import Selection

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
EXIT_BUG = 3


@frozen(kw_only=True)
class Telling:
    """How a run is told: `json` puts the events on stdout, `verbosity` is -1 for quiet."""

    progress: str = "auto"
    json: bool = False
    verbosity: int = 0


def run_specs(console: Console, wish: Wish, telling: Telling, *, resume: str | None) -> int:
    """Run what was selected, or go on with an earlier run; returns the exit status. Raises AadError."""
    run_id = None if resume is None else find_run(console.project.runs, resume)
    selection = choose_specs(console, wish) if run_id is None or wish.says_which else None
    with _logging_to(console.err):
        # With `resume` this takes the lock before it reads the journal, so nobody else is writing it.
        orchestrator = Orchestrator(console.config, root=console.project.root, resume=run_id)
        try:
            chosen = selection or choose_resumed(console, wish, orchestrator.state)
            return _carry_out(orchestrator, chosen, console, telling)
        finally:
            orchestrator.close()


def _carry_out(
    orchestrator: Orchestrator, chosen: Selection | Resumption, console: Console, telling: Telling
) -> int:
    selection = chosen.selection if isinstance(chosen, Resumption) else chosen
    orchestrator.register_specs(selection.specs, added=selection.added)
    plan = orchestrator.make_plan()
    orchestrator.open()
    plain = _attach_displays(orchestrator, console, telling)
    if telling.verbosity > QUIET:
        tell_drafts(console, selection)
        if isinstance(chosen, Resumption):
            chosen.tell(console)
    try:
        return trio.run(_supervise, orchestrator, plan, console, plain)
    except Exception:  # noqa: BLE001 - a bug of ours: kept for its report, said in one line
        return _keep_traceback(orchestrator, console)


async def _supervise(orchestrator: Orchestrator, plan: Plan, console: Console, plain: PlainDisplay) -> int:
    """Carry out the plan under the eye of signals."""
    wanted = (*ENDING_SIGNALS, signal.SIGUSR1)
    heeded = [number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN]
    with trio.open_signal_receiver(*heeded) as arrivals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_obey_signals, arrivals, orchestrator, plain)
            status = await _run(orchestrator, plan, console)
            nursery.cancel_scope.cancel()
    return status


async def _run(orchestrator: Orchestrator, plan: Plan, console: Console) -> int:
    try:
        state = await orchestrator.run(plan)
    except JournalError as error:
        console.err.write(f"{error.render(console.lang)}\n")
        return EXIT_WAITING
    return EXIT_BUG if state.exit_code is None else state.exit_code


async def _obey_signals(
    arrivals: AsyncIterator[int], orchestrator: Orchestrator, plain: PlainDisplay
) -> None:
    """End the run in order at the first signal, its children at once at the second, all at the third.

    SIGUSR1 ends nothing: it asks what is running.
    """
    ending: list[int] = []
    async for number in arrivals:
        if number == signal.SIGUSR1:
            plain.tell_running(time.time())
            continue
        ending.append(number)
        match len(ending):
            case 1:
                plain.tell_interrupted()
                orchestrator.cancel(signal=number)
            case 2:
                orchestrator.kill()
            case _:
                os._exit(128 + ending[0])


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
        orchestrator.attach(_Bell(console.err))
    return plain


def _open_events(console: Console) -> Stream:
    """Return stdout for events: a run does not end because they can no longer be written."""

    def say(error: OSError) -> None:
        console.err.write(console.text("events_lost", {"cause": error.strerror}) + "\n")

    return Stream(sys.stdout, say)


@frozen
class _Bell(NoDisplay):
    """Rings the terminal's bell once for each escalation."""

    out: Stream

    def show(self, event: Event) -> None:
        if isinstance(event, EscalationRaised):
            self.out.write("\a")


class _StreamHandler(logging.Handler):
    """Says diagnostics as lines among the display's."""

    def __init__(self, out: Stream) -> None:
        super().__init__(logging.WARNING)
        self.out = out

    def emit(self, record: logging.LogRecord) -> None:
        self.out.write(f"aad: {clean(record.getMessage())}\n")


@contextmanager
def _logging_to(out: Stream) -> Iterator[None]:
    logger, handler = logging.getLogger("aad"), _StreamHandler(out)
    logger.addHandler(handler)
    try:
        yield
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
