"""What each event is in lines that people read. Knows neither their order nor where they go.

What became of a session's work is told with its end. An escalation is told once: a question with the session
that waits, a failure with the session that failed or is tried again. By itself it is told only if it is
critical, or nothing else tells it.
"""

from collections.abc import Sequence
from functools import singledispatchmethod
from pathlib import PurePath

from attrs import define, field

from aad import events
from aad.display.decisions import recall_decisions, say_decision
from aad.display.failures import describe_failure, has_output
from aad.display.opening import tell_plan
from aad.display.style import Role, Symbols
from aad.display.summary import summarize_run
from aad.display.text import clean, cut, format_count, format_duration, format_names
from aad.display.voice import Voice
from aad.display.work import tell_integrated, tell_rolled_back
from aad.events import PERSON, EscalationKind, EscalationLevel, Event, Failure, Reason
from aad.project import LEFT_OUT
from aad.state import GO_ON, RunState, Status

QUIET, VERBOSE = -1, 1
TAIL_COLUMNS = 500

_QUESTIONS = frozenset((EscalationKind.QUESTION, EscalationKind.PERMISSION))
_UNKNOWN = Failure(reason=Reason.UNKNOWN)
# Warnings about time are put in words here, with and without their limit: durations are spoken too.
_OVERDUE = {
    EscalationKind.STALLED: ("log.silent_of", "log.silent"),
    EscalationKind.TIMED_OUT: ("log.slow_of", "log.slow"),
}


@define(kw_only=True)
class Narrator:
    """Tells of one run. `files` names what the run writes besides its own folder."""

    state: RunState
    voice: Voice
    verbosity: int = 0
    tail_lines: int = 40
    files: tuple[str, ...] = ()
    _escalations: dict[str, events.EscalationRaised] = field(factory=dict, init=False)
    _decisions: dict[str, events.EscalationDecided] = field(factory=dict, init=False)
    # What was told to wait for a person.
    _waiting: set[str] = field(factory=set, init=False)
    _integrated: dict[str, events.Integrated] = field(factory=dict, init=False)
    _rolled_back: dict[str, events.RolledBack] = field(factory=dict, init=False)
    _resumed: bool = field(default=False, init=False)

    def tell(self, event: Event) -> list[str]:
        """Return the lines of an event that the state has taken in; none for what is not worth a line."""
        lines = self._tell(event)
        return lines if self.verbosity > QUIET or _is_loud(event) else []

    def tell_begun(self, begun: Sequence[events.SessionStarted]) -> str:
        """Return the line of sessions that started together."""
        key = "log.started" if len(begun) == 1 else "log.started_together"
        sentence = self.voice.say(
            key, {"specs": format_names([self._name_attempt(event) for event in begun])}
        )
        return self.voice.mark(Role.RUN, self._symbols.begin, sentence)

    def _name_attempt(self, event: events.SessionStarted) -> str:
        if event.attempt <= 1:
            return event.spec
        return self.voice.say("log.spec_attempt", {"spec": event.spec, "attempt": event.attempt})

    @property
    def _symbols(self) -> Symbols:
        return self.voice.style.symbols

    def _duration(self, seconds: float) -> str:
        return format_duration(seconds, self.voice.lang)

    def _reason(self, failure: Failure | None) -> str:
        return describe_failure(self.voice.lang, failure or _UNKNOWN)

    @singledispatchmethod
    def _tell(self, _event: Event) -> list[str]:
        """Return nothing for an event that no method below tells."""
        return []

    # The run.

    @_tell.register
    def _(self, event: events.RunStarted) -> list[str]:
        self._resumed = event.resumed
        self._recall()
        return [
            self.voice.head(self._symbols.launch, "log.run_started"),
            *self._name_processes("log.swept", event.swept),
            *self._name_processes("log.stuck", event.stuck),
        ]

    def _recall(self) -> None:
        """Take note of what earlier segments of the run raised and decided, and no session acted on."""
        pending = (session.pending for session in self.state.sessions.values())
        self._escalations.update({raised.escalation: raised for raised in pending if raised is not None})
        self._decisions.update(recall_decisions(self.state))

    def _name_processes(self, key: str, processes: Sequence[str]) -> list[str]:
        """Name the processes of a run that was killed, if there are any."""
        if not processes:
            return []
        sentence = self.voice.count(key, len(processes), {"names": format_names(processes)})
        return [self.voice.mark(Role.WARN, self._symbols.caution, sentence)]

    @_tell.register
    def _(self, event: events.PlanMade) -> list[str]:
        return tell_plan(event, self.state, self.voice, resumed=self._resumed)

    @_tell.register
    def _(self, _event: events.Paused) -> list[str]:
        return [self.voice.say("log.paused", {"pid": self.state.pid})]

    @_tell.register
    def _(self, event: events.Resumed) -> list[str]:
        key = "log.slept" if event.cause is events.Pause.SLEPT else "log.unpaused"
        return [self.voice.say(key, {"duration": self._duration(event.pause_s)})]

    @_tell.register
    def _(self, _event: events.RunFinished) -> list[str]:
        verbose = self.verbosity >= VERBOSE
        lines = summarize_run(
            self.state, self.voice, files=self.files, verbose=verbose, decisions=self._decisions
        )
        return ["", *lines]

    # How a session ends.

    @_tell.register
    def _(self, event: events.SessionCompleted) -> list[str]:
        fields = {"spec": event.spec, "duration": self._duration(event.duration_s)}
        mark = self.voice.mark(Role.OK, self._symbols.ok, self.voice.say("log.completed", fields))
        return [mark, *self._tell_integrated(event.spec)]

    @_tell.register
    def _(self, event: events.SessionFailed) -> list[str]:
        return self._tell_failure(event, "log.failed")

    @_tell.register
    def _(self, event: events.SessionTimedOut) -> list[str]:
        late = event.failure is None or event.failure.reason is Reason.TIMED_OUT
        return self._tell_failure(event, "log.timed_out" if late else "log.timed_out_reason")

    @_tell.register
    def _(self, event: events.SessionCancelled) -> list[str]:
        key = "log.cancelled" if event.attempt else "log.cancelled_unstarted"
        fields = {"spec": event.spec, "duration": self._duration(event.duration_s)}
        mark = self.voice.mark(Role.WARN, self._symbols.skipped, self.voice.say(key, fields))
        return [mark, *self._tell_rolled_back(event.spec)]

    @_tell.register
    def _(self, event: events.SessionSkipped) -> list[str]:
        reason = self._find_skip_reason(event)
        key = "log.skipped_reason" if reason else "log.skipped"
        sentence = self.voice.say(key, {"spec": event.spec, "reason": reason})
        return [self.voice.mark(Role.WARN, self._symbols.skipped, sentence)]

    def _find_skip_reason(self, event: events.SessionSkipped) -> str:
        """Return why a session is skipped: what it lacks, or what was said with the decision."""
        if event.failure is not None:
            return self._reason(event.failure)
        decided = self._decisions.get(event.escalation or "")
        return "" if decided is None else decided.message or ""

    def _tell_failure(self, event: events.SessionEnded, key: str) -> list[str]:
        duration, reason = self._duration(event.duration_s), self._reason(event.failure)
        sentence = self.voice.say(key, {"spec": event.spec, "duration": duration, "reason": reason})
        return [
            self.voice.mark(Role.FAIL, self._symbols.alarm, sentence),
            *self._tell_rolled_back(event.spec),
            *self._point_to_escalation(event.escalation),
            *self._point_to_log(event),
            *self._quote_tail(event.failure),
        ]

    def _point_to_log(self, event: events.SessionEnded) -> list[str]:
        log = self.state.session(event.spec).log
        if log is None or not has_output(event.failure):
            return []
        shown = min(self.tail_lines, len(event.failure.log_tail)) if event.failure is not None else 0
        lines = event.failure.log_lines if event.failure is not None else None
        if not shown or lines is None or lines <= shown:
            return [self.voice.hint(self.voice.say("log.log", {"path": log}))]
        fields = {"path": log, "lines": format_count(lines)}
        return [self.voice.hint(self.voice.count("log.log_tail", shown, fields))]

    def _quote_tail(self, failure: Failure | None) -> list[str]:
        if failure is None or self.tail_lines <= 0 or not has_output(failure):
            return []
        bar = self.voice.style.paint(Role.DIM, self._symbols.bar)
        lines = (cut(clean(line), TAIL_COLUMNS) for line in failure.log_tail[-self.tail_lines :])
        return [f"    {bar} {line}".rstrip() for line in lines]

    # What becomes of the work.

    @_tell.register
    def _(self, event: events.Integrated) -> list[str]:
        self._integrated[event.spec] = event
        return []

    @_tell.register
    def _(self, event: events.RolledBack) -> list[str]:
        self._rolled_back[event.spec] = event
        if self.state.session(event.spec).status is Status.RUNNING:
            return []
        # Found when a run goes on: the end of that attempt was told long ago, or never.
        fields = {"spec": self.voice.say("log.spec_attempt", {"spec": event.spec, "attempt": event.attempt})}
        mark = self.voice.mark(Role.WARN, self._symbols.caution, self.voice.say("log.left_behind", fields))
        return [mark, *self._tell_rolled_back(event.spec, moved=True)]

    def _tell_integrated(self, spec: str) -> list[str]:
        event = self._integrated.pop(spec, None)
        if event is None:
            return []
        folder = self.state.session(spec).workspace
        return tell_integrated(event, folder, self.voice, verbose=self.verbosity >= VERBOSE)

    def _tell_rolled_back(self, spec: str, *, moved: bool = False) -> list[str]:
        """Tell of work that is kept; what no commit holds is `moved` away where another attempt follows."""
        event = self._rolled_back.pop(spec, None)
        if event is None:
            return []
        session = self.state.session(spec)
        folder = (
            str(PurePath(session.log).with_name(LEFT_OUT)) if moved and session.log else session.workspace
        )
        return tell_rolled_back(event, folder, self.voice)

    # What happens before.

    @_tell.register
    def _(self, event: events.SessionProgress) -> list[str]:
        progress = format_progress(event.progress, guessed=event.guessed)
        facts = [fact for fact in (progress, clean(event.message or "")) if fact]
        if self.verbosity < VERBOSE or not facts:
            return []
        return [self.voice.mark(Role.RUN, self._symbols.running, " ".join((clean(event.spec), *facts)))]

    @_tell.register
    def _(self, event: events.SessionWaiting) -> list[str]:
        self._waiting.add(event.escalation or "")
        sentence = self.voice.say(
            "log.waiting", {"spec": event.spec, "message": self.voice.retell(event.message)}
        )
        mark = self.voice.mark(Role.WARN, self._symbols.waiting, sentence)
        return [mark, *self._list_options(event.spec), *self._point_to_question(event.escalation)]

    def _list_options(self, spec: str) -> list[str]:
        raised = self.state.session(spec).pending
        offered = () if raised is None or raised.question is None else raised.question.options
        return [
            f"    {number}. {cut(clean(option), TAIL_COLUMNS)}" for number, option in enumerate(offered, 1)
        ]

    def _point_to_question(self, escalation: str | None) -> list[str]:
        raised = self._escalations.get(escalation or "")
        # One that an earlier run raised is not known here; as a rule it is a question.
        if escalation is not None and raised is not None and raised.kind is EscalationKind.AUTH:
            hint = self.voice.hint(self.voice.say("log.sign_in", {"escalation": escalation}))
            return [*self._point_to_escalation(escalation), hint]
        if escalation is None or (raised is not None and raised.kind not in _QUESTIONS):
            return self._point_to_escalation(escalation)
        return [self.voice.hint(self.voice.say("log.answer", {"escalation": escalation}))]

    @_tell.register
    def _(self, event: events.RetryScheduled) -> list[str]:
        duration, reason = self._duration(event.duration_s), self._reason(event.failure)
        fields = {
            "spec": event.spec,
            "duration": duration,
            "reason": reason,
            "next": self._next_attempt(event),
        }
        sentence = self.voice.say(self._retry_key(event), fields)
        mark = self.voice.mark(Role.WARN, self._symbols.retry, sentence)
        kept = self._tell_rolled_back(event.spec, moved=True)
        return [mark, *kept, *self._point_to_escalation(event.escalation)]

    def _retry_key(self, event: events.RetryScheduled) -> str:
        raised = self._escalations.get(event.escalation or "")
        if raised is not None and raised.question is not None:
            # It did not fail: nobody wanted to answer it.
            return "log.retry_unanswered"
        if event.failure is not None and event.escalation is None and event.failure.reason in GO_ON:
            return "log.retry_pause"
        return "log.retry" if event.failure is None else "log.retry_failed"

    def _next_attempt(self, event: events.RetryScheduled) -> str:
        key = "log.next_in" if event.delay_s > 0 else "log.next_now"
        return self.voice.say(key, {"attempt": event.attempt + 1, "delay": self._duration(event.delay_s)})

    # Escalations and other trouble.

    @_tell.register
    def _(self, event: events.EscalationRaised) -> list[str]:
        self._escalations[event.escalation] = event
        if event.rises:
            return self._tell_trouble(event, "log.risen", Role.WARN, self._symbols.caution)
        if event.level is EscalationLevel.CRITICAL:
            return self._tell_trouble(event, "log.critical", Role.FAIL, self._symbols.alarm)
        if _told_elsewhere(event):
            return []
        if event.level is EscalationLevel.ERROR:
            return self._tell_trouble(event, "log.trouble", Role.FAIL, self._symbols.alarm)
        return self._tell_trouble(event, _warning_key(event), Role.WARN, self._symbols.caution)

    def _tell_trouble(self, event: events.EscalationRaised, key: str, role: Role, sign: str) -> list[str]:
        fields = {
            "spec": event.spec,
            "message": self.voice.retell(event.message),
            "level": self.voice.say(f"escalations.level.{event.level}"),
            "elapsed": self._duration(event.elapsed_s or 0.0),
            "limit": self._duration(event.limit_s or 0.0),
        }
        mark = self.voice.mark(role, sign, self.voice.say(key, fields))
        return [mark, *self._point_to_escalation(event.escalation)]

    def _point_to_escalation(self, escalation: str | None) -> list[str]:
        if escalation is None:
            return []
        raised = self._escalations.get(escalation)
        path = escalation if raised is None else raised.path
        return [self.voice.hint(self.voice.say("log.escalation", {"path": path}))]

    @_tell.register
    def _(self, event: events.EscalationDecided) -> list[str]:
        self._decisions[event.escalation] = event
        # What policy decides shows in what follows at once, but where people were told that they are needed.
        waited = event.by == PERSON or event.escalation in self._waiting
        if not waited and (event.by == "policy" or self.verbosity < VERBOSE):
            return []
        return [self.voice.hint(say_decision(event, self.voice))]

    @_tell.register
    def _(self, event: events.Leaked) -> list[str]:
        sentence = self.voice.say("log.leaked", {"spec": event.spec, "names": format_names(event.processes)})
        return [self.voice.mark(Role.WARN, self._symbols.caution, sentence)]


def format_progress(progress: float | None, *, guessed: bool) -> str:
    """Return `62%`, `~40%` where it is a guess, and nothing where nothing is known."""
    if progress is None:
        return ""
    # Cut off, so that only what is done reads 100%; rounded before, for 0.29 * 100 is 28.999….
    return f"{'~' if guessed else ''}{int(round(progress * 100, 6))}%"


def _told_elsewhere(event: events.EscalationRaised) -> bool:
    return event.failure is not None or event.kind in _QUESTIONS


def _warning_key(event: events.EscalationRaised) -> str:
    if event.kind not in _OVERDUE or event.elapsed_s is None:
        return "log.trouble"
    limited, unlimited = _OVERDUE[event.kind]
    return unlimited if event.limit_s is None else limited


def _is_loud(event: Event) -> bool:
    """Say whether an event is told even when only failures and the summary are wanted."""
    critical = isinstance(event, events.EscalationRaised) and event.level is EscalationLevel.CRITICAL
    return critical or isinstance(event, events.SessionFailed | events.SessionTimedOut | events.RunFinished)
