"""An agent on paper, and a session that it works for: what its lines say is what became of it."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import pytest
import trio
from attrs import define, evolve, field, frozen
from lone_session import Rig

from aad.agents.base import Caps, Command, Exit, Job, Verdict
from aad.agents.command import judge_exit
from aad.agents.reader import Final, Reader, Take
from aad.agents.records import Record, dig_text
from aad.agents.roster import Player
from aad.agents.talk import Opened, Talk, ToolBegan, Used
from aad.attempt import Attempt
from aad.budget import Account, Bounds, sum_usages
from aad.cast import Cast
from aad.casting import Casting
from aad.codec import decode, encode
from aad.config import RetrySettings
from aad.events import Reason, RolledBack, RunStarted, Usage, WorkspaceReady
from aad.gitcalls import GitError
from aad.output import OutputLog
from aad.redact import Redactor
from aad.retry import RetryPolicy
from aad.session import SessionRun
from aad.spec import Spec
from aad.state import RunState
from aad.testing import Script
from aad.workspace import PlainWorkspace

EPOCH = 1_790_000_000.0
CAPS = Caps(resumes=True, tokens=True, cost=True, cumulative=True)


@define(eq=False)
class PaperReader(Reader):
    """Reads the lines of an agent on paper."""

    _word: Final | None = field(default=None, init=False)

    def take_session(self, record: Record) -> Iterator[Talk]:
        yield Opened(session_id=dig_text(record, "id"))

    def take_used(self, record: Record) -> Iterator[Talk]:
        yield Used(Usage(**{name: value for name, value in record.items() if name != "type"}))

    def take_tool(self, record: Record) -> Iterator[Talk]:
        yield ToolBegan(id=dig_text(record, "id"), name="shell")

    def take_final(self, record: Record) -> Iterable[Talk]:
        reset_at, reason = record.get("reset_at"), dig_text(record, "reason")
        self._word = Final(
            reason=Reason(reason) if reason else None,
            text=dig_text(record, "text"),
            reset_at=reset_at if isinstance(reset_at, float) else None,
        )
        return ()

    def conclude(self, end: Exit, errors: str) -> Final | None:
        del end, errors
        return self._word

    table: ClassVar[Mapping[str, Take]] = {
        "session": take_session,
        "used": take_used,
        "tool": take_tool,
        "final": take_final,
    }


@frozen
class PaperAgent:
    """Does what the scripts say that bear its name."""

    name: str = "paper"
    caps: Caps = CAPS
    passes: tuple[str, ...] = ()

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        return Command(argv=(self.name,), env=env, cwd=str(job.workspace))

    def read(self) -> PaperReader:
        return PaperReader()

    def judge(self, end: Exit) -> Verdict:
        return judge_exit(end)


def line(kind: str, **fields: object) -> bytes:
    """Return one line of what an agent on paper writes."""
    return json.dumps({"type": kind, **fields}).encode() + b"\n"


def opened(name: str) -> bytes:
    """Return the line by which an agent tells its session."""
    return line("session", id=name)


def used(**figure: float) -> bytes:
    """Return the line by which an agent tells what it used."""
    return line("used", **figure)


def final(reason: str = "", *, reset_at: float | None = None) -> bytes:
    """Return the agent's final word: a good end, or a reason."""
    return line("final", reason=reason, reset_at=reset_at)


def works(*lines: bytes, last: bytes = b"", work: float = 0.0) -> Script:
    """Return the script of an agent that writes lines, works, and ends well or as its `last` line says."""
    word = last or final()
    return Script(
        output=b"".join(lines), work=work, last_output=word, end=Exit(int(b'"reason": ""' not in word))
    )


LIMITED, UNSIGNED, LOST = final("rate_limited"), final("auth"), final("session_lost")
ONE, TWO = PaperAgent("one"), PaperAgent("two")
FORGETFUL = Caps(tokens=True)


@define(eq=False, kw_only=True)
class NotedPlace(PlainWorkspace):
    """A folder that takes note of what becomes of the work in it, and loses none, as a worktree would."""

    note: Callable[[str], None]
    _is_safe: bool = field(default=False, init=False)

    async def save(self) -> RolledBack | None:
        self.note("save")
        self._is_safe = True
        return await super().save()

    def set_aside(self) -> None:
        if not self._is_safe:
            raise GitError("worktree", f"{self.path} holds work that could not be saved")
        self.note("set_aside")


class AgentRig(Rig):
    """A session of agents on paper. `known` is what an earlier run left of it; others share the casting."""

    def __init__(
        self,
        folder: Path,
        *agents: PaperAgent,
        bounds: Bounds | None = None,
        retries: int = 0,
        state: RunState | None = None,
        casting: Casting | None = None,
        account: Account | None = None,
    ) -> None:
        super().__init__(folder)
        folder.mkdir(exist_ok=True)
        self.state = state or RunState(run="run")
        self.casting = casting or make_casting()
        players = tuple(Player(agent=agent, bounds=bounds or Bounds()) for agent in agents or (PaperAgent(),))
        self.run = SessionRun(
            spec=Spec(id="A"),
            cast=Cast(players=players, casting=self.casting),
            known=self.state.session("A"),
            policy=RetryPolicy(retries, RetrySettings(jitter=False)),
            slot=self.place,
            crew=evolve(self.run.crew, casting=self.casting, account=account or Account()),
        )

    async def open_attempt(self, session: SessionRun) -> Attempt:
        if session.place is not None and not session.resumes:
            session.place.set_aside()
        made = await super().open_attempt(session)
        made.output.close()
        where = NotedPlace(path=self.bench.folder, spec_file=str(self.bench.spec_file), note=self.note)
        session.place = where
        attempt = evolve(
            made,
            agent=session.player.agent,
            place=where,
            job=evolve(made.job, agent_session=session.agent_session),
            output=self._open_log("output.log"),
            stream=self._open_log("stream.jsonl"),
        )
        self.attempts[-1] = attempt
        return attempt

    def _open_log(self, name: str) -> OutputLog:
        return OutputLog.open(self.bench.folder / name, redactor=Redactor([]), limit=100_000, tail_lines=0)

    def act(self, **scripts: Script | tuple[Script, ...]) -> None:
        """Say what each agent does, the first time, the second and so on."""
        self.bench.play(**scripts)

    @property
    def casts(self) -> list[tuple[str, bool, str | None]]:
        """Who made each attempt, whether it took up the one before, and in which session of the agent's."""
        return [
            (attempt.agent.name, attempt.job.resumes, attempt.job.agent_session) for attempt in self.attempts
        ]

    @property
    def story(self) -> list[str]:
        """What was done, in order."""
        return [step for step, _ in self.steps]


def make_casting(patience: float = math.inf) -> Casting:
    """Return what chooses the agents of a run, with the wall's clock on Trio's."""
    return Casting(patience=patience, clock=lambda: EPOCH + trio.current_time())


def restart(*runs: AgentRig) -> RunState:
    """Return what a run that goes on knows from the journal of those before it, all in worktrees."""
    state = RunState(run="run")
    if any(rig.attempts for rig in runs):
        state.apply(WorkspaceReady(spec="A", attempt=1, workspace="/w/A", base="c0ffee"))
    for rig in runs:
        for event in rig.recorder.events:
            state.apply(decode(encode(event)))
        state.apply(RunStarted(run="run", pid=1, version="0", jobs=1, schedule="eager", resumed=True))
    return state


def total(state: RunState) -> Usage:
    """Return what the session has used in all, by what is recorded."""
    return sum_usages(state.session("A").usages.values())


@pytest.fixture
def rig(tmp_path: Path) -> AgentRig:
    return AgentRig(tmp_path)


async def play(rig: AgentRig, *, looks: int = 20, every: float = 1.0) -> None:
    """Run a session to its end, and look at its attempt every second, as the monitor does."""

    async def look() -> None:
        for _ in range(looks):
            await trio.sleep(every)
            if rig.run.current is not None:
                rig.run.current.look()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        # What waits for ever has to fail.
        with trio.fail_after(48 * 3600):
            await rig.run.run()
        nursery.cancel_scope.cancel()


async def cut(rig: AgentRig, *, after: float) -> None:
    """Run a session, and cut it short after some seconds."""
    with trio.move_on_after(after):
        await rig.run.run()


def told(rig: AgentRig) -> list[tuple[str, str, str]]:
    """Return what went up to the parent session."""
    return [(str(log.level), str(log.kind), log.reason) for log in rig.parent.logs]
