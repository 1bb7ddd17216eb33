"""One attempt at a session: a folder, a child or a callable, what it says of itself, and a verdict.

Knows neither retries nor other sessions. Only `end` and the caller's cancellation stop it; the monitor calls
`end` when a limit is passed. An attempt that was ended is never completed, whatever its exit code.
"""

import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import trio
from attrs import define, evolve, field, frozen

from aad.agents.base import Agent, Command, Exit, Job, Outcome, Verdict, failed
from aad.agents.command import as_argv
from aad.agents.function import FunctionAgent
from aad.delivery import Delivery
from aad.display.text import clean_tail
from aad.events import EscalationKind, EscalationLevel, Failure, Integrated, Question, Reason
from aad.feedback import VERIFY_MARK
from aad.formats.markdown import count_checklist
from aad.keepers import KeeperLostError
from aad.news import Asked, News, NewsFile, Progress, Trouble
from aad.output import OutputLog
from aad.process import SpawnError, explain_os_error
from aad.redact import Redactor
from aad.spec import Spec
from aad.workspace import Workspace

# How many looks in a row find no workspace before it counts as gone.
LOOKS_IN_VAIN = 2
WORKSPACE_GONE = "the workspace was deleted"
SETUP_FAILED = "the setup of the workspace failed"
# Seconds to the next try when there is nothing to be had to start a check with.
SCARCE_DELAY = 1.0


class ChildHandle(Protocol):
    """What an attempt needs to know of a running child."""

    @property
    def pid(self) -> int:
        """The process id."""

    @property
    def exit(self) -> Exit | None:
        """How it ended, once it has."""

    @property
    def leaked(self) -> tuple[str, ...]:
        """The processes that it left behind, which were ended."""

    @property
    def stuck(self) -> int:
        """How many of its processes could not be ended."""

    def kill(self) -> None:
        """End it and all its group at once."""


class RunChild(Protocol):
    """Runs a child to its end: `process.KeptChildren`, or a scripted one in tests."""

    def __call__(
        self,
        command: Command,
        *,
        write: Callable[[bytes], None],
        grace: float,
        started: Callable[[ChildHandle], None],
    ) -> Awaitable[Exit]: ...


@frozen(kw_only=True)
class Limits:
    """What bounds an attempt, in seconds; infinite where there is no bound.

    `stall` is the silence after which it is ended, `slow_after` when people are told that it takes long, and
    `expected` how long it took before, where that is known.
    """

    timeout: float = math.inf
    stall: float = math.inf
    slow_after: float = math.inf
    grace: float = 10.0
    expected: float | None = None


class Listener(Protocol):
    """Who hears what an attempt has to tell."""

    def started(self, pid: int | None) -> None:
        """Hear that the child runs."""

    def progressed(self, progress: Progress, *, guessed: bool) -> None:
        """Hear how far it is."""

    def troubled(self, trouble: Trouble, kind: EscalationKind) -> None:
        """Hear that something is wrong and the attempt goes on."""

    def leaked(self, processes: tuple[str, ...]) -> None:
        """Hear that the child left processes behind, which were ended."""

    def integrated(self, landed: Integrated) -> None:
        """Hear that the work is part of the run's result."""


# How many notes of progress one look tells, the newest; and how many troubles an attempt may raise.
MOST_NOTES = 20
MOST_TROUBLES = 20


def _leave_out_stale(said: Sequence[News]) -> Iterator[News]:
    """Yield the news in their order, of the progress only the newest."""
    stale = sum(isinstance(news, Progress) for news in said) - MOST_NOTES
    for news in said:
        if isinstance(news, Progress) and stale > 0:
            stale -= 1
        else:
            yield news


@define
class _Checklist:
    """The boxes of a spec file, read again only when the file was changed."""

    path: Path
    _seen: int | None = None
    _share: float | None = None

    def __attrs_post_init__(self) -> None:
        self._seen = self._stamp()

    def read(self) -> float | None:
        stamp = self._stamp()
        if stamp is not None and stamp != self._seen:
            self._seen = stamp
            with suppress(OSError):  # gone again between two looks
                done, total = count_checklist(self.path.read_text(encoding="utf-8", errors="replace"))
                self._share = done / total if total else None
        return self._share

    def _stamp(self) -> int | None:
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return None


@define(eq=False, kw_only=True)
class Attempt:
    """One try of a session. Times are seconds of Trio's clock."""

    job: Job
    place: Workspace
    agent: Agent | FunctionAgent
    limits: Limits
    env: Mapping[str, str] = field(repr=False)
    output: OutputLog
    redactor: Redactor
    listener: Listener
    run_child: RunChild
    started_at: float = field(init=False, factory=trio.current_time)
    last_sign: float = field(init=False, factory=trio.current_time)
    child: ChildHandle | None = field(init=False, default=None)
    own_progress: bool = field(init=False, default=False)
    # Why we ended it, where we did.
    _ended: Failure | None = field(init=False, default=None)
    _news: NewsFile = field(init=False)
    _checklist: _Checklist = field(init=False)
    _scope: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _question: Question | None = field(init=False, default=None)
    _asks_leave: bool = field(init=False, default=False)
    _troubles: int = field(init=False, default=0)
    _looks_in_vain: int = field(init=False, default=0)
    _told_of_log: bool = field(init=False, default=False)
    _told_started: bool = field(init=False, default=False)
    _delivery: Delivery = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._news = NewsFile(self.job.events_file)
        self._checklist = _Checklist(Path(self.job.spec_file))
        self._delivery = Delivery(place=self.place, verify=self._verify, integrated=self._tell_integrated)

    @property
    def deadline(self) -> float:
        if self._delivery.exempt:
            return math.inf
        return self.started_at + self.limits.timeout + self._delivery.waited

    @property
    def has_begun(self) -> bool:
        """Whether it is known to run; its child may be quicker than the news of it."""
        return self._told_started

    @property
    def ended_by(self) -> Reason | None:
        """Why it was told to end, if it was."""
        return None if self._ended is None else self._ended.reason

    @property
    def is_ending(self) -> bool:
        """Whether it was told to end, ends for a question, or is all but over; its child may take a while."""
        return self._ended is not None or self._question is not None or self._delivery.exempt

    async def run(self) -> Verdict:
        """Make the attempt and judge it. Raises SpawnError for a start that may succeed later."""
        verdict: Verdict | None = None
        try:
            with self._scope:
                verdict = await self._work()
        finally:
            self.look(last=True)
            self._close_log()
        return self._judge(verdict)

    def warn_of(
        self,
        kind: EscalationKind,
        message: str,
        *,
        elapsed: float | None = None,
        limit: float | None = None,
    ) -> None:
        """Raise a warning about the attempt; it goes on."""
        level = EscalationLevel.WARNING
        self.listener.troubled(Trouble(message=message, level=level, elapsed=elapsed, limit=limit), kind)

    def guess(self, progress: Progress, *, guessed: bool) -> None:
        """Tell how far the attempt seems to be."""
        self.listener.progressed(progress, guessed=guessed)

    def count_ticks(self) -> float | None:
        """Return the share of ticked boxes in the workspace's copy of the spec once it was changed."""
        return self._checklist.read()

    def end(self, reason: Reason, message: str = "") -> None:
        """End the attempt, whatever it is doing; the first reason counts, a question among them."""
        if not self.is_ending:
            self._ended = Failure(reason=reason, message=message)
            self._scope.cancel()

    def check_places(self) -> None:
        """End the attempt when its workspace is gone; warn when its log is."""
        self.output.check()
        self._warn_of_log()
        # Twice: who makes a folder anew removes it first.
        self._looks_in_vain = 0 if self.workspace.is_dir() else self._looks_in_vain + 1
        if self._looks_in_vain == LOOKS_IN_VAIN:
            self.end(Reason.UNKNOWN, WORKSPACE_GONE)

    def wake(self) -> None:
        """Begin to count the silence anew."""
        self.last_sign = trio.current_time()

    def kill(self) -> None:
        """End the child at once, without grace."""
        if self.child is not None:
            self.child.kill()

    def look(self, *, last: bool = False) -> None:
        """Take in what the child said since the last look."""
        said = list(self._news.read(last=last))
        if said:
            self.last_sign = trio.current_time()
        for news in _leave_out_stale(said):
            self._hear(news)

    # What a callable is given: see agents.function.ChildSession.

    @property
    def spec(self) -> Spec:
        return self.job.spec

    @property
    def attempt(self) -> int:
        return self.job.attempt

    @property
    def workspace(self) -> Path:
        return self.job.workspace

    def report(self, progress: float | None = None, message: str | None = None) -> None:
        self.last_sign = trio.current_time()
        share = None if progress is None else min(max(progress, 0.0), 1.0)
        self._hear(Progress(progress=share, message=message))

    def warn(self, message: str) -> None:
        self._hear(Trouble(message=message, level=EscalationLevel.WARNING))

    def write(self, text: str) -> None:
        self._write(text.encode(errors="backslashreplace"))

    async def _work(self) -> Verdict:
        try:
            if failure := await self._set_up():
                return failure
            await self.place.begin()
            verdict = await self._carry_out()
            self.look(last=True)
            if self._question is None and verdict.outcome is Outcome.COMPLETED:
                return await self._delivery.run() or verdict
        except KeeperLostError as error:
            return failed(Failure(reason=Reason.KEEPER_LOST, message=str(error)), transient=True)
        return verdict

    async def _set_up(self) -> Verdict | None:
        """Make the workspace ready and return what came in the way."""
        line = self.place.setup
        if not line:
            return None
        self.write(f"[aad] setup: {line}\n")
        end = await self._run(self._make_check(line), self._start)
        if end.code == 0:
            return None
        reason = Reason.KILLED if end.signal is not None else Reason.EXIT_CODE
        return failed(Failure(reason=reason, message=SETUP_FAILED, exit_code=end.code, signal=end.signal))

    async def _carry_out(self) -> Verdict:
        if isinstance(self.agent, FunctionAgent):
            self._tell_started(None)
            return await self.agent.work(self)
        return self.agent.judge(await self._run(self._make_command(self.agent), self._start))

    def _tell_integrated(self, landed: Integrated) -> None:
        self.listener.integrated(landed)

    def _make_command(self, agent: Agent) -> Command:
        try:
            return agent.command(self.job, self.env)
        except OSError as error:  # the spec file was removed since the run began
            raise explain_os_error(error) from error

    async def _verify(self, message: str) -> Verdict | None:
        """Run the spec's `verify` and return its failure, if it is one; `message` says what was verified."""
        check = self.job.spec.verify
        if check is None:
            return None
        self.write(f"{VERIFY_MARK}{check if isinstance(check, str) else ' '.join(check)}\n")
        end = await self._check(self._make_check(check))
        if end.code == 0:
            return None
        return failed(
            Failure(reason=Reason.VERIFY_FAILED, message=message, exit_code=end.code, signal=end.signal)
        )

    def _make_check(self, check: str | tuple[str, ...]) -> Command:
        return Command(argv=as_argv(check), env={**self.env, **self.job.environment}, cwd=str(self.workspace))

    async def _check(self, command: Command) -> Exit:
        """Run a check. The work is done, and not to be done again: a scarce start is waited for here."""
        while True:
            try:
                return await self._run(command, self._adopt)
            except SpawnError as error:
                if not error.scarce:
                    raise
            await trio.sleep(SCARCE_DELAY)

    async def _run(self, command: Command, started: Callable[[ChildHandle], None]) -> Exit:
        end = await self.run_child(command, write=self._write, grace=self.limits.grace, started=started)
        if self.child is not None:
            self._tell_leaks(self.child)
        return end

    def _tell_leaks(self, child: ChildHandle) -> None:
        if child.leaked:
            self.listener.leaked(child.leaked)
        if child.stuck:
            self.warn_of(EscalationKind.LEAKED, f"processes that cannot be ended: {child.stuck}")

    def _start(self, child: ChildHandle) -> None:
        self._adopt(child)
        self._tell_started(child.pid)

    def _tell_started(self, pid: int | None) -> None:
        """Tell once that it runs: with its setup, where it has one."""
        if not self._told_started:
            self._told_started = True
            self.listener.started(pid)

    def _adopt(self, child: ChildHandle) -> None:
        self.child = child

    def _write(self, chunk: bytes) -> None:
        self.last_sign = trio.current_time()
        self.output.write(chunk)

    def _hear(self, news: News) -> None:
        redact = self.redactor.redact
        match news:
            case Progress(progress=progress, message=message):
                self.own_progress = self.own_progress or progress is not None
                words = None if message is None else redact(message)
                self.listener.progressed(Progress(progress=progress, message=words), guessed=False)
            case Trouble(message=message, level=level):
                self._raise(Trouble(message=redact(message), level=level))
            case Asked(text=text, options=options, permission=permission):
                self._asks_leave = permission if self._question is None else self._asks_leave
                self._ask(Question(text=redact(text), options=tuple(map(redact, options))))

    def _raise(self, trouble: Trouble) -> None:
        """Raise what the child says is wrong, unless it does so without end; what is critical goes up."""
        self._troubles += 1
        if self._troubles <= MOST_TROUBLES or trouble.level is EscalationLevel.CRITICAL:
            self.listener.troubled(trouble, EscalationKind.FAILED)
        elif self._troubles == MOST_TROUBLES + 1:
            self.warn_of(
                EscalationKind.FAILED, f"over {MOST_TROUBLES} warnings and errors: the rest are not told"
            )

    def _ask(self, question: Question) -> None:
        """End the attempt for a question: its slot is of more use to others than to one who waits."""
        if self._question is None:
            self._question = question
            self._scope.cancel()
        elif question != self._question:
            self.warn_of(
                EscalationKind.QUESTION,
                f"asks one thing more, which waits until the first is answered: {question.text}",
            )

    def _close_log(self) -> None:
        """Close the log; what became of it changes nothing about the work itself."""
        self.output.close()
        self._news.mask(self.redactor)
        if self._news.unread:
            strange = self.redactor.redact(self._news.strange.decode(errors="replace"))
            self.warn_of(
                EscalationKind.FAILED,
                f"lines in AAD_EVENTS that are not understood: {self._news.unread}, the first: {strange}",
            )
        self._warn_of_log()

    def _warn_of_log(self) -> None:
        if self.output.trouble is not None and not self._told_of_log:
            self._told_of_log = True
            self.warn_of(EscalationKind.FAILED, f"the log is not whole: {self.output.trouble}")

    def _judge(self, verdict: Verdict | None) -> Verdict:
        if self._ended is not None:
            return failed(self._complete(self._ended))
        if self._question is not None:
            return Verdict(outcome=Outcome.QUESTION, question=self._question, permission=self._asks_leave)
        if verdict is None:
            # Our own scope is cancelled by nothing but the two above.
            raise AssertionError
        if verdict.failure is None:
            return verdict
        return evolve(verdict, failure=self._complete(verdict.failure))

    def _complete(self, failure: Failure) -> Failure:
        """Add what is known of the end: the exit of a child that was ended, the last lines of its output."""
        end = self.child.exit if self.child is not None else None
        if self._ended is not None and end is not None:
            failure = evolve(failure, exit_code=end.code, signal=end.signal)
        message = self.redactor.redact(failure.message)
        tail, lines = clean_tail(self.output.tail()), self.output.lines
        return evolve(failure, message=message, log_tail=tail, log_lines=lines)
