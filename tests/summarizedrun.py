"""A run as its summary sees it, and the events that led there."""

from aad import events
from aad.display.style import EMOJI, Style
from aad.display.voice import Voice
from aad.events import Event, PlanEntry, Usage
from aad.state import RunState

ENGLISH = Voice("en", Style(symbols=EMOJI))


def after(*happened: Event) -> RunState:
    """Return the state that these events lead to."""
    state = RunState()
    for event in happened:
        state.apply(event)
    return state


def plan(*entries: PlanEntry) -> Event:
    return events.PlanMade(specs=entries, waves=())


def begin(spec: str, attempt: int = 1) -> Event:
    return events.SessionStarted(spec=spec, attempt=attempt)


def complete(spec: str, seconds: float = 1.0, attempt: int = 1, usage: Usage | None = None) -> Event:
    return events.SessionCompleted(spec=spec, attempt=attempt, duration_s=seconds, usage=usage)


def end(status: str, signal: int | None = None) -> Event:
    return events.RunFinished(status=status, exit_code=1, duration_s=65.0, signal=signal)
