"""One attempt at a session: a folder, a child or a callable, what it says of itself, and a verdict.

Knows neither retries nor other sessions. Only `end` and the caller's cancellation stop it; the monitor calls
`end` when a limit is passed. An attempt that was ended is never completed, whatever its exit code.
"""

import math
from collections.abc import AsyncIterable, Callable, Mapping
from pathlib import Path

import trio
from attrs import define, evolve, field, frozen

from aad import messages
from aad.agents.base import Agent, Command, Exit, Job, Outcome, Verdict, begin_reading, failed
from aad.agents.command import as_argv
from aad.agents.function import FunctionAgent
from aad.checklist import Checklist
from aad.childhandle import ChildHandle, RunChild
from aad.conversation import Conversation
from aad.delivery import Delivery
from aad.display.text import clean_tail
from aad.events import EscalationKind, EscalationLevel, Failure, Integrated, Question, Reason
from aad.feedback import VERIFY_MARK
from aad.files import write_whole
from aad.hearing import Hearing
from aad.keepers import KeeperLostError
from aad.listener import Listener
from aad.news import NewsFile, Progress, Trouble
from aad.output import OutputLog
from aad.process import SpawnError, explain_os_error
from aad.redact import Redactor
from aad.spec import Spec
from aad.workspace import Workspace

# How many looks in a row find no workspace before it counts as gone.
LOOKS_IN_VAIN = 2
SETUP_FAILED = "the setup of the workspace failed"
# Seconds to the next try when there is nothing to be had to start a check with.
SCARCE_DELAY = 1.0


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
    # Where the lines of an agent that tells what it does are kept as they came.
    stream: OutputLog | None = None
    started_at: float = field(init=False, factory=trio.current_time)
    last_sign: float = field(init=False, factory=trio.current_time)
    child: ChildHandle | None = field(init=False, default=None)
    # Why we ended it, where we did.
    _ended: Failure | None = field(init=False, default=None)
    _hearing: Hearing = field(init=False)
    _checklist: Checklist = field(init=False)
    _scope: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _looks_in_vain: int = field(init=False, default=0)
    _told_of_log: bool = field(init=False, default=False)
    _told_started: bool = field(init=False, default=False)
    _delivery: Delivery = field(init=False)
    _talk: Conversation | None = field(init=False, default=None)
    # Since when its agent waits for a person, by Trio's clock.
    _held: float | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._hearing = Hearing(
            news=NewsFile(self.job.events_file),
            redactor=self.redactor,
            listener=self.listener,
            stop=self._scope.cancel,
        )
        self._checklist = Checklist(Path(self.job.spec_file))
        self._delivery = Delivery(place=self.place, verify=self._verify, integrated=self._tell_integrated)
        reading = None if isinstance(self.agent, FunctionAgent) else begin_reading(self.agent, self.job)
        if reading is not None and self.stream is not None:
            self._talk = Conversation(
                reading=reading, output=self.output, stream=self.stream, hear=self._hearing.listen
            )

    @property
    def deadline(self) -> float:
        if self._delivery.exempt or self._held is not None:
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
    def own_progress(self) -> bool:
        """Whether it is known how far the child is, so that nobody need guess."""
        return self._hearing.own_progress

    @property
    def works_silently(self) -> bool:
        """Whether a tool is at work, which may take long without a word."""
        return self._held is not None or (self._talk is not None and bool(self._talk.open_tools))

    @property
    def speaks(self) -> bool:
        """Whether its agent may ask while it works, and wait for the answer."""
        return self._talk is not None and self._talk.speaks

    @property
    def elapsed(self) -> float:
        """Seconds of work so far; while its agent waits for a person none pass."""
        return (trio.current_time() if self._held is None else self._held) - self.started_at

    def hold(self) -> None:
        """Stop the clocks: its agent waits for a person."""
        self._held = trio.current_time()

    def go_on(self) -> None:
        """Let the clocks run on."""
        if self._held is not None:
            self.started_at += trio.current_time() - self._held
            self._held = None
            self.wake()

    def answer(self, request_id: str, text: str, option: str | None) -> None:
        """Tell the agent what a person answered to what it asked."""
        if self._talk is not None:
            self._talk.answer(request_id, text, option, self.redactor.redact)

    def stop_asking(self) -> None:
        """End the attempt: what its agent asks is not answered now."""
        self._hearing.ask(Question(text=""))

    @property
    def is_ending(self) -> bool:
        """Whether it was told to end, ends for a question, or is all but over; its child may take a while."""
        return self._ended is not None or self._hearing.question is not None or self._delivery.exempt

    @property
    def is_over(self) -> bool:
        """Whether its agent has done all that it does; its process may still be there."""
        if self._talk is None or isinstance(self.agent, FunctionAgent):
            return False
        return self._talk.is_closed or (self.agent.caps.sums_up and self._talk.told_usage)

    async def run(self) -> Verdict:
        """Make the attempt and judge it. Raises SpawnError for a start that may succeed later."""
        verdict: Verdict | None = None
        try:
            with self._scope:
                verdict = await self._work()
        finally:
            if self._talk is not None:
                self._talk.finish()
            self.look(last=True)
            self._close_log()
        return self._judge(verdict)

    def warn_of(
        self, kind: EscalationKind, message: str, *, elapsed: float | None = None, limit: float | None = None
    ) -> None:
        """Raise a warning about the attempt; it goes on."""
        self._hearing.warn_of(kind, message, elapsed=elapsed, limit=limit)

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
            self.end(Reason.UNKNOWN, messages.text("en", "note.workspace_gone"))

    def wake(self) -> None:
        """Begin to count the silence anew."""
        self.last_sign = trio.current_time()

    def kill(self) -> None:
        """End the child at once, without grace."""
        if self.child is not None:
            self.child.kill()

    def look(self, *, last: bool = False) -> None:
        """Take in what the child said since the last look."""
        if not (self.has_begun or last):
            # What is heard of it before its start would be forgotten at that.
            return
        if self._hearing.look(last=last):
            self.last_sign = trio.current_time()
        if self._talk is not None:
            self._hearing.sum_up(self._talk)

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
        self._hearing.hear(Progress(progress=share, message=message))

    def warn(self, message: str) -> None:
        self._hearing.hear(Trouble(message=message, level=EscalationLevel.WARNING))

    def write(self, text: str) -> None:
        self._write(text.encode(errors="backslashreplace"))

    async def _work(self) -> Verdict:
        try:
            if failure := await self._set_up():
                return failure
            await self.place.begin()
            verdict = await self._carry_out()
            self.look(last=True)
            if self._hearing.question is None and verdict.outcome is Outcome.COMPLETED:
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
        command = self._make_command(self.agent)
        if self._talk is None:
            return self.agent.judge(await self._run(command, self._start))
        return self._talk.close(await self._converse(command, self._talk))

    async def _converse(self, command: Command, talk: Conversation) -> Exit:
        """Run an agent that tells what it does, and talk with it if it is one to talk with."""
        voice, stdin = trio.open_memory_channel[bytes](math.inf)
        with voice, stdin:
            try:
                speaks = talk.begin(voice)
            except OSError as error:  # as in _make_command
                raise explain_os_error(error) from error
            return await self._run(command, self._start, talk, stdin if speaks else None)

    def _tell_integrated(self, landed: Integrated) -> None:
        self.listener.integrated(landed)

    def _make_command(self, agent: Agent) -> Command:
        try:
            command = agent.command(self.job, self.env)
            for path, content in command.files.items():
                write_whole(path, content)
        except OSError as error:  # the spec file was removed since the run began
            raise explain_os_error(error) from error
        return command

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

    async def _run(
        self,
        command: Command,
        started: Callable[[ChildHandle], None],
        talk: Conversation | None = None,
        stdin: AsyncIterable[bytes] | None = None,
    ) -> Exit:
        """Run a child to its end; an agent that tells what it does is heard by its `talk`."""
        write: Callable[[bytes], None] = self._write
        write_error: Callable[[bytes], None] | None = None
        if talk is not None:
            write, write_error = self._as_sign(talk.write), self._as_sign(talk.write_error)
        end = await self.run_child(
            command,
            write=write,
            write_error=write_error,
            grace=self.limits.grace,
            started=started,
            stdin=stdin,
        )
        if self.child is not None:
            self._tell_leaks(self.child)
        return end

    def _tell_leaks(self, child: ChildHandle) -> None:
        if child.leaked:
            self.listener.leaked(child.leaked)
        if child.stuck:
            self.warn_of(EscalationKind.LEAKED, messages.text("en", "note.stuck", {"names": child.stuck}))

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

    def _as_sign(self, write: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return what takes in output as a sign of life, too."""

        def take(chunk: bytes) -> None:
            self.last_sign = trio.current_time()
            write(chunk)

        return take

    def _close_log(self) -> None:
        """Close the log; what became of it changes nothing about the work itself."""
        if self._talk is not None and self._talk.broken:
            self.write(f"[aad] lines of the agent that are not understood: {self._talk.broken}\n")
        self.output.close()
        self._hearing.close()
        self._warn_of_log()

    def _warn_of_log(self) -> None:
        if self.output.trouble is not None and not self._told_of_log:
            self._told_of_log = True
            words = messages.text("en", "note.log_torn", {"why": self.output.trouble})
            self.warn_of(EscalationKind.FAILED, words)

    def _judge(self, verdict: Verdict | None) -> Verdict:
        if self._ended is not None:
            return failed(self._complete(self._ended))
        if (asked := self._hearing.question) is not None:
            return Verdict(outcome=Outcome.QUESTION, question=asked, permission=self._hearing.asks_leave)
        if verdict is None:
            # Our own scope is cancelled by nothing but the two above.
            raise AssertionError
        redact = self.redactor.redact
        question = verdict.question and verdict.question.mask(redact)
        failure = None if verdict.failure is None else self._complete(verdict.failure)
        return evolve(verdict, failure=failure, question=question, text=redact(verdict.text))

    def _complete(self, failure: Failure) -> Failure:
        """Add what is known of the end: the exit of a child that was ended, the last lines of its output."""
        end = self.child.exit if self.child is not None else None
        if self._ended is not None and end is not None:
            failure = evolve(failure, exit_code=end.code, signal=end.signal)
        message = self.redactor.redact(failure.message)
        tail, lines = clean_tail(self.output.tail()), self.output.lines
        return evolve(failure, message=message, log_tail=tail, log_lines=lines)
