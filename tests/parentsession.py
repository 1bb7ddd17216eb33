"""A parent session with all that it touches, and who waits for its decisions."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field

from aad import decisions
from aad.config import PolicyRule
from aad.errors import InputError
from aad.escalation import Handler, ParentSession
from aad.escalationlog import Decision, EscalationLog
from aad.events import (
    PERSON,
    Action,
    EscalationDecided,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Failure,
    Question,
    Reason,
)
from aad.policy import Policy
from aad.testing import Recorder

FAILED = EscalationLog(
    id="",
    run_id="run",
    session_id="run/A",
    spec_id="A",
    attempt=1,
    level=EscalationLevel.ERROR,
    reason="exit code 3",
    timestamp=datetime(2026, 11, 22, 21, 36, 12, tzinfo=UTC),
    failure=Failure(reason=Reason.EXIT_CODE, exit_code=3),
)
ASKED = evolve(FAILED, kind=EscalationKind.QUESTION, failure=None, question=Question(text="Which?"))
CHOICE = evolve(ASKED, question=Question(text="Which?", options=("PostgreSQL", "SQLite")))
RECALLED = evolve(ASKED, id="A-error")
WARNED = evolve(FAILED, level=EscalationLevel.WARNING, failure=None)
LOST = evolve(FAILED, level=EscalationLevel.CRITICAL)

ANSWER = Decision(action=Action.ANSWER, by=PERSON, text="this one")
SKIP = Decision(action=Action.SKIP, by=PERSON)


@define
class Office:
    """A parent session, and all that it touches."""

    folder: Path
    events: Recorder = field(factory=Recorder)
    aborts: list[float] = field(factory=list)
    # What people were told: the file, the level, and when.
    notes: list[tuple[str, str, float]] = field(factory=list)

    def open(
        self,
        handler: Handler | None = None,
        *,
        rules: tuple[PolicyRule, ...] = (),
        stale_after: float = 0.0,
        redact: Callable[[str], str] = str,
    ) -> ParentSession:
        return ParentSession(
            folder=self.folder,
            emit=self.events,
            show_path=lambda path: path.name,
            abort=lambda: self.aborts.append(trio.current_time()),
            handler=handler,
            policy=Policy(rules),
            stale_after=stale_after,
            notify=self._note,
            redact=redact,
        )

    def decide(self, name: str, decision: Decision) -> None:
        """Decide as a person does from elsewhere: in the file."""
        decisions.decide(self.folder, name, decision, str)

    def read(self, name: str) -> dict[str, object]:
        read: dict[str, object] = json.loads((self.folder / f"{name}.json").read_bytes())
        return read

    def _note(self, log: EscalationLog, path: Path) -> None:
        self.notes.append((path.name, str(log.level), trio.current_time()))

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    @property
    def decisions(self) -> list[tuple[str, str, str]]:
        decided = [event for event in self.events.events if isinstance(event, EscalationDecided)]
        return [(event.escalation, str(event.action), event.by) for event in decided]

    @property
    def raised(self) -> list[tuple[str, str, int]]:
        raised = [event for event in self.events.events if isinstance(event, EscalationRaised)]
        return [(event.escalation, str(event.level), event.rises) for event in raised]


@define
class Session:
    """Who waits for a decision: what it was told, what it got in the end, and when."""

    heard: list[str] = field(factory=list)
    ends: list[tuple[Decision | None, float]] = field(factory=list)

    def wait(self, log: EscalationLog) -> None:
        self.heard.append(f"wait for {log.id}")

    def go_on(self) -> None:
        self.heard.append("go on")

    async def ask(self, parent: ParentSession, log: EscalationLog) -> None:
        await self.settle(parent, parent.announce(log))

    async def recall(self, parent: ParentSession, log: EscalationLog) -> None:
        await self.settle(parent, log, recalled=True)

    async def settle(self, parent: ParentSession, log: EscalationLog, *, recalled: bool = False) -> None:
        decision = await parent.settle(log, self, recalled=recalled)
        self.ends.append((decision, trio.current_time()))


async def raise_and_wait(parent: ParentSession, log: EscalationLog) -> tuple[EscalationLog, Decision | None]:
    log = parent.announce(log)
    return log, await parent.settle(log, Session())


def refuse(parent: ParentSession, name: str, decision: Decision) -> str:
    with pytest.raises(InputError) as caught:
        parent.decide(name, decision)
    return str(caught.value)


@asynccontextmanager
async def serving(parent: ParentSession) -> AsyncIterator[trio.Nursery]:
    """Serve until all is done that is started here."""
    async with trio.open_nursery() as nursery:
        await nursery.start(parent.serve)
        async with trio.open_nursery() as sessions:
            yield sessions
        await parent.finish()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def session() -> Session:
    return Session()
