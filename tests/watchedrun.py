"""A run whose events are shown, and what is seen of it; and the events that a run tells."""

import io

from aad import events
from aad.display.plain import PlainDisplay
from aad.display.stream import Stream
from aad.display.style import EMOJI, Style
from aad.events import EscalationKind, EscalationLevel, Event, Failure, PlanEntry, Usage
from aad.state import RunState

RUN = "20261122-213612-7f3a"


class Watched:
    """A run whose events are recorded and shown, and what was shown of it."""

    def __init__(
        self, lang: str = "en", style: Style | None = None, *, verbosity: int = 0, tail_lines: int = 40
    ) -> None:
        self.state = RunState()
        self.out = io.StringIO()
        # Of a clock that nobody sets.
        self.now = 0.0
        self.display = PlainDisplay(
            Stream(self.out),
            self.state,
            style or Style(symbols=EMOJI),
            lang,
            verbosity=verbosity,
            tail_lines=tail_lines,
            clock=lambda: self.now,
        )

    def turn(self, *happened: Event) -> str:
        """Let events come in one turn of the event loop; return what was written then."""
        before = len(self.out.getvalue())
        for event in happened:
            self.state.apply(event)
            self.display.show(event)
        self.display.flush()
        return self.out.getvalue()[before:]

    def tick(self, passed: float, *, now: float = 0.0) -> str:
        """Let so many seconds pass; `now` is what the clock on the wall says then."""
        before = len(self.out.getvalue())
        self.now += passed
        self.display.tick(now)
        return self.out.getvalue()[before:]


def started(*, resumed: bool = False, ts: float = 0.0) -> Event:
    return events.RunStarted(
        run=RUN, ts=ts, pid=1, version="0.1.0", jobs=8, schedule="eager", resumed=resumed
    )


def planned(*entries: PlanEntry) -> Event:
    return events.PlanMade(run=RUN, specs=entries, waves=())


def begin(spec: str, attempt: int = 1, ts: float = 0.0) -> Event:
    return events.SessionStarted(spec=spec, attempt=attempt, ts=ts)


def complete(spec: str, seconds: float = 1.0, *, attempt: int = 1, usage: Usage | None = None) -> Event:
    return events.SessionCompleted(spec=spec, attempt=attempt, duration_s=seconds, usage=usage)


def fail(spec: str, failure: Failure | None = None, *, escalation: str | None = None) -> Event:
    return events.SessionFailed(spec=spec, attempt=1, duration_s=2.0, failure=failure, escalation=escalation)


def escalate(
    spec: str,
    level: EscalationLevel,
    kind: EscalationKind = EscalationKind.FAILED,
    failure: Failure | None = None,
    *,
    elapsed_s: float | None = None,
    limit_s: float | None = None,
) -> Event:
    name = f"{spec}-{level}"
    return events.EscalationRaised(
        spec=spec, attempt=1, escalation=name, level=level, kind=kind, message="the disk is slow",
        path=f".aad/escalations/{name}.json", failure=failure, elapsed_s=elapsed_s, limit_s=limit_s,
    )  # fmt: skip


def end(status: str = "completed", seconds: float = 537.0, signal: int | None = None) -> Event:
    return events.RunFinished(status=status, exit_code=0, duration_s=seconds, signal=signal)
