"""The facts of a run. The journal, the state, the display and embedders all read the same frozen values.

Each class is one `type` of journal line. `seq`, `ts` (seconds since the epoch, for people) and `run` are
stamped by whoever records the event; code that makes one leaves them alone. Order is `seq`, never time.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import ClassVar, Self

from attrs import evolve, field, frozen

SessionId = str

# Digits by which a commit is known, in big repositories, too.
UNIQUE = 12


class Reason(StrEnum):
    """Why an attempt did not succeed: the one vocabulary of `failure.reason`."""

    EXIT_CODE = "exit_code"
    KILLED = "killed"
    TIMED_OUT = "timed_out"
    STALLED = "stalled"
    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    SERVER = "server"
    NETWORK = "network"
    REFUSAL = "refusal"
    INVALID_REQUEST = "invalid_request"
    MAX_TURNS = "max_turns"
    BUDGET = "budget"
    PERMISSION = "permission"
    INTERRUPTED = "interrupted"
    NO_RESULT = "no_result"
    SESSION_LOST = "session_lost"
    KEEPER_LOST = "keeper_lost"
    VERIFY_FAILED = "verify_failed"
    SPAWN_FAILED = "spawn_failed"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class EscalationLevel(StrEnum):
    """How much an escalation matters: a warning goes on, an error ends the session, critical ends the run."""

    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class EscalationKind(StrEnum):
    """What an escalation is about."""

    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STALLED = "stalled"
    QUESTION = "question"
    PERMISSION = "permission"
    VERIFY_FAILED = "verify_failed"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    BUDGET = "budget"
    AUTH = "auth"
    SPAWN_FAILED = "spawn_failed"
    LEAKED = "leaked"


# By whom a decision is made that is made by hand, and one that nobody but the agent makes that asked.
PERSON = "person"
AGENT = "agent"


class Action(StrEnum):
    """What the parent session decides about an escalation.

    `skip` skips all that depends on the spec, too, `continue` lets it run without the spec; `wait` leaves the
    escalation open for a person. `withdraw` is the agent's own: it waits no longer for what it has asked.
    """

    RETRY = "retry"
    SKIP = "skip"
    CONTINUE = "continue"
    ABORT = "abort"
    ANSWER = "answer"
    WAIT = "wait"
    WITHDRAW = "withdraw"


def _tell_apart(options: tuple[str, ...]) -> tuple[str, ...]:
    """Return options no two of which are the same: those that were have their number behind them."""
    while len(set(options)) < len(options):
        # Once more where such a name was taken: of those that have their number no two are the same.
        options = tuple(
            f"{option} ({number})" if options.count(option) > 1 else option
            for number, option in enumerate(options, 1)
        )
    return options


@frozen(kw_only=True)
class Question:
    """What a child asks of a person. Options that read alike, as secrets do once masked, are told apart.

    `descriptions` say what each option means, where any of them says so.
    """

    text: str
    options: tuple[str, ...] = field(default=(), converter=_tell_apart)
    descriptions: tuple[str, ...] = ()

    def mask(self, redact: Callable[[str], str]) -> Self:
        """Return the question with the secrets in it masked."""
        return evolve(
            self,
            text=redact(self.text),
            options=tuple(map(redact, self.options)),
            descriptions=tuple(map(redact, self.descriptions)),
        )


@frozen(kw_only=True)
class Failure:
    """Why an attempt did not succeed.

    `log_tail` holds the last lines of its output, cleaned and redacted, of `log_lines` in all. `blocked_by`
    names the specs whose failures are the reason: what was needed, what ended the run early, or what a
    commit contradicts in `files`.
    """

    reason: Reason
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    log_tail: tuple[str, ...] = ()
    log_lines: int | None = None
    blocked_by: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@frozen(kw_only=True)
class Usage:
    """What an attempt used of a model: tokens (`input` counts cached ones too), US dollars, calls of tools.

    `cost_usd` is None where the agent tells no cost.
    """

    input: int = 0
    cached: int = 0
    output: int = 0
    cost_usd: float | None = None
    turns: int = 0


@frozen(kw_only=True)
class Event:
    """What all events have in common."""

    type: ClassVar[str]
    seq: int = 0
    ts: float = 0.0
    run: str = ""


@frozen(kw_only=True)
class SessionEvent(Event):
    """A fact about one session. `attempt` counts from 1; 0 where no attempt was made."""

    spec: str
    attempt: int = 0


@frozen(kw_only=True)
class RunStarted(Event):
    """A run begins, or goes on after an interruption (`resumed`). Opens a segment of the journal.

    `swept` names the processes that a killed run had left, which were ended before; `stuck` those that could
    not be. `base` is the commit that sessions in worktrees start from, `onto` the branch to switch to before
    their result is merged, where none is checked out.
    """

    type: ClassVar[str] = "run_started"
    pid: int
    version: str
    jobs: int
    schedule: str
    resumed: bool = False
    swept: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    base: str = ""
    onto: str = ""


@frozen(kw_only=True)
class PlanEntry:
    """One spec in a plan event. `estimate_s` is in seconds, `hash` the digest of the spec file."""

    id: str
    title: str = ""
    path: str | None = None
    status: str = "ready"
    depends_on: tuple[str, ...] = ()
    wave: int = 0
    agent: str = ""
    estimate_s: float | None = None
    added: bool = False
    hash: str = ""


@frozen(kw_only=True)
class PlanMade(Event):
    """What the run is going to do. Entries with status `complete` are not run.

    `removed` were part of a run that goes on and are no longer.
    """

    type: ClassVar[str] = "plan"
    specs: tuple[PlanEntry, ...]
    waves: tuple[tuple[str, ...], ...]
    order: tuple[tuple[str, ...], ...] = ()
    estimate_s: float | None = None
    removed: tuple[str, ...] = ()


@frozen(kw_only=True)
class WorkspaceReady(SessionEvent):
    """An attempt is about to begin in a folder: written before its child is started.

    `isolation` says what kind of folder it is, and `base` the commit that a worktree was made from.
    """

    type: ClassVar[str] = "workspace_ready"
    workspace: str
    isolation: str = ""
    base: str = ""


@frozen(kw_only=True)
class SessionStarted(SessionEvent):
    """An attempt's child runs. `pid` is None for a callable; `log` is the path of its output."""

    type: ClassVar[str] = "session_started"
    agent: str = ""
    pid: int | None = None
    log: str | None = None


@frozen(kw_only=True)
class SessionProgress(SessionEvent):
    """How far an attempt is: 0 to 1, `guessed` where only the clock says so. `eta_s` are the seconds left.

    `agent_session` is the id by which the agent can go on with its session, once it is known; `usage` what
    the attempt has used so far.
    """

    type: ClassVar[str] = "session_progress"
    progress: float | None = None
    guessed: bool = False
    eta_s: float | None = None
    message: str | None = None
    agent_session: str | None = None
    usage: Usage | None = None


@frozen(kw_only=True)
class SessionOutput(SessionEvent):
    """One line of a child's output, redacted. Only ever on the JSON log, never in the journal."""

    type: ClassVar[str] = "session_output"
    message: str


@frozen(kw_only=True)
class SessionEnded(SessionEvent):
    """The final fact about a session. `duration_s` counts the seconds that its attempts ran.

    `usage` is the last attempt's, `message` what its agent said in the end.
    """

    duration_s: float = 0.0
    log: str | None = None
    failure: Failure | None = None
    escalation: str | None = None
    usage: Usage | None = None
    message: str | None = None


@frozen(kw_only=True)
class SessionCompleted(SessionEnded):
    """The work is done and verified."""

    type: ClassVar[str] = "session_completed"


@frozen(kw_only=True)
class SessionFailed(SessionEnded):
    """The work is not done, and will not be tried again in this run."""

    type: ClassVar[str] = "session_failed"


@frozen(kw_only=True)
class SessionTimedOut(SessionEnded):
    """The session's deadline passed, or it fell silent, and it was ended."""

    type: ClassVar[str] = "session_timed_out"


@frozen(kw_only=True)
class SessionCancelled(SessionEnded):
    """The run ended before the session did."""

    type: ClassVar[str] = "session_cancelled"


@frozen(kw_only=True)
class SessionSkipped(SessionEnded):
    """Never started: something it needs is not complete, or the run stopped starting."""

    type: ClassVar[str] = "session_skipped"


@frozen(kw_only=True)
class SessionWaiting(SessionEvent):
    """The session waits for a person, or for an agent that is used up; it holds no slot meanwhile.

    Its attempt is over, unless it is `live`: then its agent waits for the answer itself.
    """

    type: ClassVar[str] = "session_waiting"
    escalation: str | None = None
    message: str = ""
    live: bool = False


@frozen(kw_only=True)
class RetryScheduled(SessionEvent):
    """The attempt failed and another follows, at the earliest in `delay_s` seconds."""

    type: ClassVar[str] = "retry_scheduled"
    delay_s: float
    duration_s: float = 0.0
    failure: Failure | None = None
    escalation: str | None = None


@frozen(kw_only=True)
class EscalationRaised(SessionEvent):
    """A child's trouble goes up to the parent session. `escalation` is its id, `path` its file.

    `elapsed_s` and `limit_s` are the seconds that a warning about time speaks of. One that nobody decides
    rises: the same escalation again, at a higher level, for the `rises`th time.
    """

    type: ClassVar[str] = "escalation_raised"
    escalation: str
    level: EscalationLevel
    kind: EscalationKind
    message: str
    path: str
    elapsed_s: float | None = None
    limit_s: float | None = None
    failure: Failure | None = None
    question: Question | None = None
    rises: int = 0


@frozen(kw_only=True)
class EscalationDecided(SessionEvent):
    """The parent session's reply. `by` says who decided: `policy`, `handler`, `person` or `agent`.

    `message` are the words of an answer, `option` the one of those offered that was chosen.
    """

    type: ClassVar[str] = "escalation_decided"
    escalation: str
    action: Action
    by: str = "policy"
    message: str | None = None
    option: str | None = None


@frozen(kw_only=True, order=True)
class LeftOut:
    """A path in a worktree that is in no commit, and why: `secret`, `nested`, `submodule`, `unreadable`."""

    path: str
    why: str


@frozen(kw_only=True)
class Integrated(SessionEvent):
    """A session's work is committed, and in the run's result; that it is completed comes next.

    `commit` is what `branch` names now, `result` what the run's branch `target` names now.
    """

    type: ClassVar[str] = "integrated"
    branch: str
    commit: str
    target: str
    result: str
    left_out: tuple[LeftOut, ...] = ()


@frozen(kw_only=True)
class RolledBack(SessionEvent):
    """The work of an attempt that came to nothing is kept under a ref, and no longer in anybody's way.

    `base` is the commit that the attempt had started from. `ref` is empty where all there is are files that
    no commit holds, `left_out`.
    """

    type: ClassVar[str] = "rolled_back"
    ref: str
    commit: str
    base: str = ""
    left_out: tuple[LeftOut, ...] = ()

    @property
    def command(self) -> str:
        """What shows the work to a person."""
        return f"git diff {self.base[:UNIQUE]} {self.ref}"


@frozen(kw_only=True)
class Leaked(SessionEvent):
    """A session's child ended and left processes behind, which were ended."""

    type: ClassVar[str] = "leaked"
    message: str
    processes: tuple[str, ...] = ()


@frozen(kw_only=True)
class Paused(Event):
    """The run was stopped at its terminal, and its children with it; no clock runs until it goes on."""

    type: ClassVar[str] = "paused"


class Pause(StrEnum):
    """What made a run stand still."""

    STOPPED = "stopped"
    SLEPT = "slept"


@frozen(kw_only=True)
class Resumed(Event):
    """The run goes on after `pause_s` seconds, in which it was stopped or the machine slept."""

    type: ClassVar[str] = "resumed"
    pause_s: float
    cause: Pause = Pause.STOPPED


@frozen(kw_only=True)
class RunFinished(Event):
    """The run is over. `status`: completed, failed, waiting, timed_out, interrupted (by `signal`, if any).

    `counts` are (status, number) pairs over all sessions of the plan that were not complete before.
    """

    type: ClassVar[str] = "run_finished"
    status: str
    exit_code: int
    duration_s: float
    counts: dict[str, int] = field(factory=dict)
    signal: int | None = None


FINAL = (SessionCompleted, SessionFailed, SessionTimedOut, SessionCancelled, SessionSkipped)
TYPES: dict[str, type[Event]] = {
    kind.type: kind
    for kind in (
        RunStarted, PlanMade, WorkspaceReady, SessionStarted, SessionProgress, SessionOutput, *FINAL,
        SessionWaiting, RetryScheduled, EscalationRaised, EscalationDecided, Integrated, RolledBack, Leaked,
        Paused, Resumed, RunFinished,
    )
}  # fmt: skip
