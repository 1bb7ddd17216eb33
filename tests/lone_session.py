"""One session without a run around it: its slot, its parent session, and who looks at its attempts."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field
from lone_attempt import Bench

from aad.agents.command import CommandAgent
from aad.agents.roster import Player
from aad.attempt import Attempt
from aad.budget import Account
from aad.cast import Cast
from aad.casting import Casting
from aad.config import RetrySettings
from aad.crew import Crew, Waiter
from aad.escalationlog import Decision, EscalationLog
from aad.events import FINAL, Action, Event
from aad.process import SpawnError
from aad.retry import RetryPolicy
from aad.session import SessionRun
from aad.spec import Spec
from aad.state import RunState
from aad.testing import Recorder, Script

SKIP = Decision(action=Action.SKIP)
RETRY = Decision(action=Action.RETRY)
ANSWER = Decision(action=Action.ANSWER, text="x")
WAIT = Decision(action=Action.WAIT)
BUSY = Script(refused=SpawnError("a: Too many open files", scarce=True))
WHEN = datetime(2026, 11, 22, tzinfo=UTC)


@define
class Place:
    """A slot that keeps what became of it; `refused` where nothing more is to be started."""

    note: Callable[[str], None]
    held: bool = True
    refused: bool = False
    delay: float = 0.0
    is_stopped: bool = False
    stopped: trio.Event = field(factory=trio.Event)

    async def wait_stopped(self) -> None:
        await self.stopped.wait()

    def release(self) -> None:
        if self.held:
            self.held = False
            self.note("release")

    async def acquire(self, *, after: float = 0.0) -> bool:
        await trio.sleep(self.delay + after)
        self.held = not self.refused
        self.note("acquire" if self.held else "refuse")
        return self.held

    def wait(self) -> None:
        self.release()

    def go_on(self) -> None:
        """Hear what concerns only a scheduler."""


@define
class Parent:
    """A parent session that thinks for a while, then says what is next in its list, else as policy would."""

    note: Callable[[str], None]
    decisions: list[Decision] = field(factory=list)
    delay: float = 0.0
    logs: list[EscalationLog] = field(factory=list)

    def raise_nowait(self, log: EscalationLog) -> EscalationLog:
        self.note(f"raise {log.level} {log.kind}")
        self.logs.append(evolve(log, id=f"A-{len(self.logs) + 1}", timestamp=WHEN))
        return self.logs[-1]

    def announce(self, log: EscalationLog) -> EscalationLog:
        return self.raise_nowait(log)

    async def settle(self, log: EscalationLog, waiter: Waiter, *, recalled: bool = False) -> Decision | None:
        if log.question is not None or recalled:
            waiter.wait(log)
        await trio.sleep(self.delay)
        decision = RETRY if log.will_retry else SKIP
        if self.decisions:
            decision = self.decisions.pop(0)
        if decision == WAIT:
            waiter.wait(log)
            return None
        waiter.go_on()
        return decision

    def withdraw(self, log: EscalationLog) -> None:
        self.note(f"withdraw {log.id}")

    def recall(self, log: EscalationLog) -> Decision | None:
        self.note(f"recall {log.id}")
        return self.decisions.pop(0) if self.decisions else None

    def restate(self, log: EscalationLog, decision: Decision) -> None:
        self.note(f"restate {log.id} {decision.action}")


class Watcher:
    """Looks at attempts as the monitor would, though only when it is told to."""

    @contextmanager
    def watch(self, attempt: Attempt) -> Iterator[None]:
        yield


class Rig:
    """A session with all that is around it, in a folder; `steps` keeps what was done when."""

    def __init__(
        self, folder: Path, *, retries: int = 0, attempts_before: int = 0, fail_fast: bool = False
    ) -> None:
        self.bench = Bench(folder)
        self.steps: list[tuple[str, float]] = []
        self.recorder = Recorder()
        self.state = RunState(run="run")
        self.place = Place(self.note)
        self.parent = Parent(self.note)
        self.refusals: list[OSError] = []
        self.state.session("A").attempt = attempts_before
        casting = Casting(patience=math.inf)
        self.run = SessionRun(
            spec=Spec(id="A"),
            cast=Cast(players=(Player(agent=CommandAgent()),), casting=casting),
            known=self.state.session("A"),
            policy=RetryPolicy(retries, RetrySettings(jitter=False)),
            slot=self.place,
            crew=Crew(
                emit=self.emit,
                durable=trio.lowlevel.checkpoint,
                parent=self.parent,
                watcher=Watcher(),
                recover=self.recover,
                open_attempt=self.open_attempt,
                blocks=lambda spec_id: (f"{spec_id}+1",),
                casting=casting,
                account=Account(),
                fail_fast=fail_fast,
                draw=lambda: 1.0,
            ),
        )
        self.attempts: list[Attempt] = []
        self.spec: dict[str, object] = {}

    def note(self, step: str) -> None:
        self.steps.append((step, trio.current_time()))

    def emit(self, event: Event) -> None:
        self.state.check(event)
        self.state.apply(event)
        self.recorder(event)
        self.note(event.type)

    async def recover(self, session: SessionRun) -> bool:
        raise AssertionError(session)

    async def open_attempt(self, session: SessionRun) -> Attempt:
        if self.refusals:
            raise self.refusals.pop(0)
        session.log = f"log {session.number}"
        self.bench.events_file.unlink(missing_ok=True)
        attempt = self.bench.make(**self.spec)  # type: ignore[arg-type]
        attempt.listener = session.herald
        attempt.job = evolve(
            attempt.job, attempt=session.number, resumes=session.resumes, answer=session.answer
        )
        self.attempts.append(attempt)
        return attempt

    def play(self, *scripts: Script) -> None:
        self.bench.play(a=scripts)

    @property
    def ends(self) -> list[Event]:
        return [event for event in self.recorder.events if isinstance(event, FINAL)]

    @property
    def ending(self) -> Event:
        """The one final event."""
        (ending,) = self.ends
        return ending

    def only(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.recorder.events if isinstance(event, kind)]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)
