"""What is known about a run: a fold over its events. Knows neither where they come from nor who asks.

```
pending -> running -> (waiting ->) completed | failed | timed_out | cancelled | skipped
   ^_________|  retry_scheduled       (pending -> waiting: a run goes on, and nobody has answered yet)
```
A final status is left only when a run is resumed: then all that is not complete is pending again.
"""

from collections import Counter
from enum import StrEnum
from functools import reduce

from attrs import define, field, frozen

from aad import events
from aad.budget import add_usage
from aad.errors import IllegalTransitionError
from aad.events import Event, SessionEvent, SessionId


class Status(StrEnum):
    """Where a session stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


ENDS: dict[type[Event], Status] = {
    events.SessionCompleted: Status.COMPLETED,
    events.SessionFailed: Status.FAILED,
    events.SessionTimedOut: Status.TIMED_OUT,
    events.SessionCancelled: Status.CANCELLED,
    events.SessionSkipped: Status.SKIPPED,
}
FINAL = frozenset(ENDS.values())

TRANSITIONS: dict[Status, dict[type[Event], Status]] = {
    Status.PENDING: {
        events.SessionStarted: Status.RUNNING,
        events.RetryScheduled: Status.PENDING,
        # A run goes on, and nobody has answered yet.
        events.SessionWaiting: Status.WAITING,
        **ENDS,
    },
    Status.RUNNING: {
        events.RetryScheduled: Status.PENDING,
        events.SessionWaiting: Status.WAITING,
        **ENDS,
    },
    Status.WAITING: {
        events.SessionStarted: Status.RUNNING,
        # It waits for something else.
        events.SessionWaiting: Status.WAITING,
        events.RetryScheduled: Status.PENDING,
        **ENDS,
    },
    **{final: {} for final in FINAL},
}

# What a person decides about a session that is to be left out.
DROPPING = frozenset({events.Action.SKIP, events.Action.CONTINUE})
# What an agent goes on with that has waited for an answer itself.
GOING_ON = frozenset({events.Action.ANSWER, events.Action.WITHDRAW})
# What ends an attempt whose work the next one goes on with: nothing is wrong with it.
GO_ON = frozenset({events.Reason.RATE_LIMITED, events.Reason.AUTH, events.Reason.SESSION_LOST})

# The status that an event leads to, wherever it is allowed; journal lines carry it for their readers.
RESULTS: dict[type[Event], Status] = {
    kind: status for row in TRANSITIONS.values() for kind, status in row.items()
}


@frozen
class Answered:
    """What an attempt asked, and what it was told; the question is empty where it only failed."""

    attempt: int
    question: str
    text: str


@define(kw_only=True)
class Session:
    """What is known about one session. Times are seconds since the epoch, durations seconds."""

    id: SessionId
    spec_id: str
    title: str = ""
    status: Status = Status.PENDING
    attempt: int = 0
    progress: float | None = None
    guessed: bool = False
    eta_s: float | None = None
    message: str | None = None
    pid: int | None = None
    started: float | None = None
    # How long everything stood still since then.
    stood_s: float = 0.0
    duration_s: float = 0.0
    log: str | None = None
    failure: events.Failure | None = None
    escalations: list[str] = field(factory=list)
    # By attempt, what was used, and the agent's own session in which it was.
    usages: dict[int, events.Usage] = field(factory=dict)
    agent_sessions: dict[int, str] = field(factory=dict)
    # Who made each attempt; by agent its own session, while it may go on; the last words.
    agents: dict[int, str] = field(factory=dict)
    own_sessions: dict[str, str] = field(factory=dict)
    said: str = ""
    # Complete before the run began; such a session gets no event of its own.
    done_before: bool = False
    # Where it worked last, and the commit that this worktree was made from.
    workspace: str = ""
    base: str = ""
    # The commit of its work once that is integrated, and the branch that names it.
    commit: str | None = None
    branch: str = ""
    # The ref that keeps the work of the last attempt that came to nothing.
    saved: str = ""
    # With what its work could not be integrated, until it is.
    conflict: events.Failure | None = None
    # How the last verification failed, until one passes.
    unverified: events.Failure | None = None
    # What was raised and is not decided, by id.
    undecided: dict[str, events.EscalationRaised] = field(factory=dict)
    # What it waits for a decision about, and the decision once there is one, until the session acts on it.
    pending: events.EscalationRaised | None = None
    decided: events.EscalationDecided | None = None
    # What is pending is asked by an agent that waits for the answer itself.
    live: bool = False
    # What is pending is no question: the run that raised it ended before anything was decided.
    lapsed: bool = False
    # A person left it out, and so does a run that goes on.
    dropped: bool = False
    # The newest answer to a question: whatever attempt comes need not ask again.
    answer: events.EscalationDecided | None = None
    # All that was answered, in its order.
    answers: list["Answered"] = field(factory=list)
    # The next attempt takes up the last one where it was.
    resumes: bool = False
    # What depends on it runs without it.
    waived: bool = False

    def apply(self, event: SessionEvent) -> None:
        """Take in one event; raises IllegalTransitionError for one that the status does not allow."""
        if type(event) in RESULTS:
            self.status = self._next_status(event)
        self.attempt = max(self.attempt, event.attempt)
        match event:
            case events.SessionStarted():
                self.started, self.pid, self.log, self.progress = event.ts, event.pid, event.log, None
                self.failure, self.message, self.eta_s, self.stood_s = None, None, None, 0.0
                self.pending, self.decided, self.waived = None, None, False
                self.lapsed = self.dropped = False
                self.agents[event.attempt] = event.agent
            case events.SessionProgress():
                self._advance(event)
            case events.SessionEnded() | events.RetryScheduled():
                self._end(event)
            case events.EscalationRaised() | events.SessionWaiting() | events.EscalationDecided():
                self._escalate(event)
            case events.WorkspaceReady():
                self.workspace, self.base = event.workspace, event.base
            case events.RolledBack():
                self.saved = event.ref or self.saved
            case events.Integrated():
                self.commit, self.branch, self.conflict = event.commit, event.branch, None

    def check(self, event: SessionEvent) -> None:
        """Raise IllegalTransitionError for an event that the status does not allow."""
        if type(event) in RESULTS:
            self._next_status(event)

    def _next_status(self, event: SessionEvent) -> Status:
        allowed = TRANSITIONS[self.status]
        if type(event) not in allowed:
            message = f"{self.spec_id} is {self.status}: {event.type} is not possible"
            raise IllegalTransitionError(message)
        return allowed[type(event)]

    @property
    def agent(self) -> str:
        """Who made the last attempt that was started."""
        return next(reversed(self.agents.values()), "")

    @property
    def agent_session(self) -> str | None:
        """The session of its own by which the last agent can go on."""
        return self.own_sessions.get(self.agent)

    def sum_usage(self, agent_session: str) -> events.Usage:
        """Return what the attempts used that belong to a session of an agent's own."""
        used = (
            self.usages[n]
            for n, name in self.agent_sessions.items()
            if name == agent_session and n in self.usages
        )
        return reduce(add_usage, used, events.Usage())

    def _advance(self, event: events.SessionProgress) -> None:
        if event.agent_session is not None:
            self.own_sessions[self.agent] = self.agent_sessions[event.attempt] = event.agent_session
        if event.usage is not None:
            self.usages[event.attempt] = event.usage
        if event.progress is not None:
            self.progress, self.guessed = event.progress, event.guessed
        if event.agent_session is None and event.usage is None:
            self.eta_s = event.eta_s
        self.message = event.message if event.message is not None else self.message

    def _escalate(
        self, event: events.EscalationRaised | events.SessionWaiting | events.EscalationDecided
    ) -> None:
        match event:
            case events.EscalationRaised():
                self._raise(event)
            case events.SessionWaiting():
                self.pending = self.pending or self.undecided.get(event.escalation or "")
                self.live, self.message = event.live, event.message
            case events.EscalationDecided():
                self._decide(event)

    def _raise(self, event: events.EscalationRaised) -> None:
        self.undecided[event.escalation] = event
        if not event.rises:
            self.escalations.append(event.escalation)
        if event.question is not None:
            self.pending, self.decided = event, None
        elif self.pending is not None and self.pending.escalation == event.escalation:
            self.pending = event

    def _decide(self, event: events.EscalationDecided) -> None:
        raised = self.undecided.pop(event.escalation, None)
        if self.pending is not None and self.pending.escalation == event.escalation:
            self.decided = event
            self.dropped = event.by == events.PERSON and event.action in DROPPING
        if event.action is events.Action.ANSWER:
            self.answer, self.resumes = event, True
            question = "" if raised is None or raised.question is None else raised.question.text
            self.answers.append(Answered(event.attempt, question, event.message or ""))
        if event.action in GOING_ON:
            self._go_on_live(event)
        self.waived = self.waived or event.action is events.Action.CONTINUE

    def _go_on_live(self, event: events.EscalationDecided) -> None:
        """Hear that an agent is at work again which has waited for the answer itself."""
        if self.live and self.pending is not None and self.pending.escalation == event.escalation:
            self.status, self.pending, self.decided, self.live = Status.RUNNING, None, None, False

    def begin_anew(self) -> None:
        """Hear that a run goes on: what is not complete is pending again, but what a person left out."""
        if self.status is Status.COMPLETED or (self.dropped and self.status in FINAL):
            return
        self.live = False
        self.status, self.progress, self.failure, self.waived = Status.PENDING, None, None, False
        lapsed = [raised for raised in self.undecided.values() if raised.failure and not raised.question]
        if self.pending is None and lapsed:
            self.pending, self.lapsed = lapsed[-1], True
        # Work that was cut short goes on where it was, if its agent knows how.
        cut = bool(self.own_sessions) and self.pending is None
        self.resumes = self.resumes or cut

    def _end(self, event: events.SessionEnded | events.RetryScheduled) -> None:
        self.failure, self.pid, self.eta_s = event.failure, None, None
        self.duration_s = event.duration_s
        reason = None if event.failure is None else event.failure.reason
        # Who was interrupted, or never came to it, goes on where it was; who ended the run begins anew.
        aborted = self.decided is not None and self.decided.action is events.Action.ABORT
        if aborted or (not isinstance(event, events.SessionCancelled) and event.attempt):
            self.pending, self.decided = None, None
            if reason not in GO_ON or isinstance(event, events.SessionEnded):
                self.resumes, self.own_sessions = False, {}
        if reason is events.Reason.SESSION_LOST:
            self.own_sessions.pop(self.agent, None)
        if reason is events.Reason.CONFLICT:
            self.conflict = event.failure
        if reason is events.Reason.VERIFY_FAILED:
            self.unverified = event.failure
        if isinstance(event, events.SessionCompleted):
            self.progress, self.guessed, self.unverified = 1.0, False, None
        if isinstance(event, events.SessionEnded):
            self.log = event.log or self.log
            self.said = event.message or self.said
            if event.usage is not None:
                self.usages[event.attempt] = event.usage


@define(kw_only=True)
class RunState:
    """What is known about one run. `started` and `ended` are seconds since the epoch."""

    run: str = ""
    started: float | None = None
    ended: float | None = None
    pid: int | None = None
    jobs: int = 0
    status: str = "pending"
    exit_code: int | None = None
    signal: int | None = None
    # The escalation that ends the run, and what it says; one that is decided otherwise ends nothing.
    critical: str | None = None
    critical_reason: str = ""
    duration_s: float = 0.0
    # Since when it is paused, and how long it stood still in all.
    paused: float | None = None
    stood_s: float = 0.0
    plan: events.PlanMade | None = None
    # What any segment of the run planned, by id, as it was planned last.
    planned: dict[str, events.PlanEntry] = field(factory=dict)
    sessions: dict[SessionId, Session] = field(factory=dict)
    # The commit that worktrees start from, the branch with the run's result, and the commit that this names.
    # `onto` is the branch to switch to before it is merged, where none is checked out.
    base: str = ""
    onto: str = ""
    branch: str = ""
    result: str = ""
    # By spec, what left the run: were it to come back, its attempts would be counted on.
    removed: dict[str, Session] = field(factory=dict)
    # When the newest segment began, how long the run had stood still by then, and the newest event.
    _began: float | None = field(default=None, init=False, eq=False)
    _stood_before: float = field(default=0.0, init=False, eq=False)
    _heard: float = field(default=0.0, init=False, eq=False)

    def apply(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, events.RunStarted):
            self._end_killed()
        self._heard = event.ts
        match event:
            case SessionEvent():
                self._judge(event)
                self.session(event.spec).apply(event)
            case events.RunStarted():
                self._start(event)
            case events.PlanMade():
                self._plan(event)
            case events.Paused():
                self.status, self.paused = "paused", event.ts
            case events.Resumed():
                self._go_on(event)
            case events.RunFinished():
                self.ended, self.status, self.exit_code = event.ts, event.status, event.exit_code
                self.signal = event.signal
                # A run that was resumed took the time of all its segments.
                self.duration_s += event.duration_s

    def check(self, event: Event) -> None:
        """Raise IllegalTransitionError for an event that may not come now."""
        if isinstance(event, SessionEvent):
            self._find(event.spec).check(event)

    def session(self, spec_id: str) -> Session:
        """Return the session of a spec, made where it is not known yet."""
        session = self._find(spec_id)
        self.removed.pop(spec_id, None)
        return self.sessions.setdefault(session.id, session)

    def _find(self, spec_id: str) -> Session:
        """Return the session of a spec, a new one where it is not known yet; nothing is changed."""
        session_id = f"{self.run}/{spec_id}"
        known = self.sessions.get(session_id) or self.removed.get(spec_id)
        return known or Session(id=session_id, spec_id=spec_id)

    @property
    def completed(self) -> frozenset[str]:
        """The ids of the specs that are complete."""
        return frozenset(s.spec_id for s in self.sessions.values() if s.status is Status.COMPLETED)

    def count(self) -> Counter[Status]:
        """Count the sessions by status, less those complete before and those this segment leaves alone."""
        present = set() if self.plan is None else {entry.id for entry in self.plan.specs}
        left_alone = self.planned.keys() - present
        return Counter(
            s.status for s in self.sessions.values() if not s.done_before and s.spec_id not in left_alone
        )

    def _judge(self, event: SessionEvent) -> None:
        match event:
            case events.Integrated():
                self.branch, self.result = event.target, event.result
            case events.EscalationRaised(level=events.EscalationLevel.CRITICAL, rises=0):
                self._blame(event)
            case events.EscalationDecided(action=events.Action.ABORT):
                self._blame(self.session(event.spec).undecided.get(event.escalation))
            case events.EscalationDecided() if event.escalation == self.critical:
                self.critical, self.critical_reason = None, ""

    def _blame(self, raised: events.EscalationRaised | None) -> None:
        """Take note of what ends the run, the first of all."""
        if raised is not None and self.critical is None:
            self.critical, self.critical_reason = raised.escalation, raised.message

    def _end_killed(self) -> None:
        """Count the time of a segment that was killed: of that no last event tells."""
        if self._began is not None and self.ended is None:
            stood = self.stood_s - self._stood_before
            self.duration_s += max(0.0, round(self._heard - self._began - stood, 3))

    def _start(self, event: events.RunStarted) -> None:
        self._began, self._stood_before = event.ts, self.stood_s
        self.run, self.pid, self.jobs = event.run, event.pid, event.jobs
        self.base, self.onto = event.base or self.base, event.onto
        self.status, self.ended, self.exit_code, self.signal = "running", None, None, None
        self.critical = self.paused = None
        self.critical_reason = ""
        if self.started is None:
            self.started = event.ts
        for session in self.sessions.values():
            session.begin_anew()

    def _go_on(self, event: events.Resumed) -> None:
        self.status, self.paused = "running", None
        self.stood_s += event.pause_s
        for session in self.sessions.values():
            if session.status is Status.RUNNING:
                session.stood_s += event.pause_s

    def _plan(self, event: events.PlanMade) -> None:
        self.plan = event
        for entry in event.specs:
            self.planned[entry.id] = entry
            session = self.session(entry.id)
            session.title = entry.title
            if entry.status == "complete" and session.status is not Status.COMPLETED:
                session.status, session.done_before = Status.COMPLETED, True
        for spec_id in event.removed:
            self.removed[spec_id] = self.session(spec_id)
            self.sessions.pop(self.removed[spec_id].id)
            self.planned.pop(spec_id, None)
