"""What each attempt is fitted out with."""

import math
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from aad.agents.base import COMPLETED
from aad.agents.command import CommandAgent
from aad.agents.function import ChildSession, FunctionAgent
from aad.agents.roster import Player
from aad.attempt import Limits
from aad.budget import Account
from aad.cast import Cast
from aad.casting import Casting
from aad.config import (
    AnyIsolation,
    LogSettings,
    OrchestratorConfig,
    RetrySettings,
    RunSettings,
    WorkspaceSettings,
)
from aad.crew import Crew
from aad.escalation import ParentSession
from aad.events import Action, EscalationDecided, SessionOutput, WorkspaceReady
from aad.janitor import Janitor
from aad.monitor import Monitor
from aad.outfitter import Outfitter
from aad.project import Project
from aad.redact import Redactor
from aad.retry import RetryPolicy
from aad.session import SessionRun
from aad.spec import Spec
from aad.state import Session
from aad.testing import Recorder, Script, ScriptedChildren
from aad.workspace import Folders
from aad.workspaces import Workspaces

RUN = "20261122-213612-7f3a"
CONFIG = OrchestratorConfig(
    orchestrator=RunSettings(session_timeout=3600.0, slow_after=600.0, stall_timeout=900.0, grace_period=7.0)
)


async def work(session: ChildSession) -> None:
    """Do nothing."""


@define
class Shop:
    """An outfitter and what it works with."""

    project: Project
    config: OrchestratorConfig = CONFIG
    isolation: AnyIsolation = "none"
    events: Recorder = field(factory=Recorder)
    told: list[SessionOutput] | None = None
    children: ScriptedChildren = field(factory=ScriptedChildren)
    # The sessions that are known, by spec.
    known: dict[str, Session] = field(factory=dict)

    def open(self) -> Outfitter:
        return Outfitter(
            project=self.project,
            run=RUN,
            config=self.config,
            workspaces=self.make_workspaces(),
            redactor=Redactor(["correct-horse-battery"]),
            emit=self.events,
            tell=None if self.told is None else self.told.append,
            find_session=lambda spec_id: self.known.get(spec_id, Session(id=spec_id, spec_id=spec_id)),
            expected={"A": 42.0},
            run_child=self.children,
        )

    def make_workspaces(self) -> Workspaces:
        settings = WorkspaceSettings(isolation=self.isolation)
        folders = Folders(project=self.project, run=RUN, settings=settings, janitor=Janitor())
        return Workspaces(settings=settings, folders=folders)

    def begin(self, spec: Spec, *, number: int = 1, answer: str | None = None) -> SessionRun:
        """Return a session that is about to make an attempt."""
        given = None
        if answer is not None:
            given = EscalationDecided(
                spec=spec.id, escalation="A-error", action=Action.ANSWER, message=answer
            )
        crew = Crew(
            emit=self.events,
            durable=trio.lowlevel.checkpoint,
            parent=ParentSession(
                folder=self.project.escalations, emit=self.events, show_path=str, abort=lambda: None
            ),
            watcher=Monitor(interval=1.0),
            recover=self.open().recover,
            open_attempt=self.open().open_attempt,
            blocks=lambda _: (),
            casting=Casting(patience=math.inf),
            account=Account(),
        )
        agent = FunctionAgent(work) if spec.id == "F" else CommandAgent(self.config.agent.command)
        player = Player(agent=agent, env={"PATH": "/bin"})
        session = SessionRun(
            spec=spec,
            cast=Cast(players=(player,), casting=crew.casting),
            known=Session(id=f"{RUN}/{spec.id}", spec_id=spec.id, answer=given, resumes=given is not None),
            policy=RetryPolicy(0, RetrySettings()),
            slot=NoSlot(),
            crew=crew,
        )
        session.number = number
        session.cast.current = player
        return session


class NoSlot:
    """A slot that nobody wants."""

    held = True
    is_stopped = False

    async def wait_stopped(self) -> None:
        await trio.sleep_forever()

    def release(self) -> None:
        raise AssertionError

    async def acquire(self, *, after: float = 0.0) -> bool:
        raise AssertionError

    def wait(self) -> None:
        raise AssertionError

    def go_on(self) -> None:
        raise AssertionError


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(Project(tmp_path))


async def test_an_attempt_gets_folders_that_are_its_owners_alone(
    shop: Shop, autojump_clock: MockClock
) -> None:
    session = shop.begin(Spec(id="A", run="a"), number=2)

    attempt = await shop.open().open_attempt(session)

    folder = shop.project.attempt(RUN, "A", 2)
    assert attempt.job.events_file == folder / "events/events.jsonl"
    made = (folder, folder / "events", folder / "output.log")
    assert [oct(path.stat().st_mode & 0o777) for path in made] == ["0o700", "0o700", "0o600"]
    assert session.log == f".aad/runs/{RUN}/A/2/output.log"


async def test_the_job_says_all_that_a_child_needs(shop: Shop, autojump_clock: MockClock) -> None:
    shop.isolation = "directory"
    spec = Spec(id="A", run="a", text="do it")

    attempt = await shop.open().open_attempt(shop.begin(spec, number=3, answer="x"))

    folder = shop.project.worktrees / RUN / "A"
    assert attempt.job.environment == {
        "AAD_RUN_ID": RUN,
        "AAD_SESSION_ID": f"{RUN}/A",
        "AAD_SPEC_ID": "A",
        "AAD_SPEC_FILE": "",
        "AAD_ATTEMPT": "3",
        "AAD_MODE": "resume",
        "AAD_WORKSPACE": str(folder),
        "AAD_EVENTS": str(shop.project.attempt(RUN, "A", 3) / "events/events.jsonl"),
        "AAD_ANSWER": "x",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
    }
    assert (attempt.job.spec, attempt.env, attempt.job.workspace) == (spec, {"PATH": "/bin"}, folder)


async def test_the_workspace_is_told_before_anything_is_started(
    shop: Shop, autojump_clock: MockClock
) -> None:
    await shop.open().open_attempt(shop.begin(Spec(id="A", run="a")))

    assert shop.events.events == [
        WorkspaceReady(spec="A", attempt=1, workspace=str(shop.project.root), isolation="none"),
    ]
    assert shop.children.commands == []


BOUNDLESS = RunSettings(session_timeout=0.0, slow_after=0.0, grace_period=0.0)


@pytest.mark.parametrize(
    ("settings", "spec", "limits"),
    [
        (CONFIG.orchestrator, Spec(id="A"), Limits(timeout=3600, slow_after=600, grace=7, expected=42)),
        # What the spec says goes before; and only what asks for it is judged by its silence.
        (
            CONFIG.orchestrator,
            Spec(id="B", timeout=5.0, stall_timeout=3.0),
            Limits(timeout=5, stall=3, slow_after=600, grace=7),
        ),
        # 0 means: without a bound.
        (BOUNDLESS, Spec(id="B", stall_timeout=0.0), Limits(grace=0)),
        (CONFIG.orchestrator, Spec(id="B", timeout=0.0), Limits(slow_after=600, grace=7)),
    ],
)
async def test_limits_come_from_the_spec_then_the_settings(
    shop: Shop, settings: RunSettings, spec: Spec, limits: Limits
) -> None:
    shop.config = evolve(CONFIG, orchestrator=settings)

    assert (await shop.open().open_attempt(shop.begin(spec))).limits == limits


async def test_each_spec_gets_its_own_agent_and_each_attempt_its_own_redactor(
    shop: Shop, autojump_clock: MockClock
) -> None:
    outfitter = shop.open()

    attempts = [
        await outfitter.open_attempt(shop.begin(Spec(id=spec_id), number=number))
        for spec_id, number in (("A", 1), ("A", 2), ("F", 1))
    ]

    assert [attempt.agent for attempt in attempts] == [CommandAgent(), CommandAgent(), FunctionAgent(work)]
    assert len({id(attempt.redactor) for attempt in attempts}) == 3


async def test_output_is_kept_within_its_limits_and_told_line_by_line_where_it_is_wanted(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    told: list[SessionOutput] = []
    config = evolve(CONFIG, logs=LogSettings(tail_lines=1))
    shop = Shop(Project(tmp_path), config, told=told)
    shop.children.scripts = {"a": Script(output=b"one\ncorrect-horse-battery\nthree")}
    session = shop.begin(Spec(id="A", run="a"))
    attempt = await shop.open().open_attempt(session)
    session.current = attempt

    verdict = await attempt.run()

    assert (verdict, attempt.output.tail()) == (COMPLETED, (b"three",))
    assert told == [
        SessionOutput(spec="A", attempt=1, message=line) for line in ("one", "[redacted]", "three")
    ]
    log = shop.project.attempt(RUN, "A", 1) / "output.log"
    assert log.read_bytes() == b"one\n[redacted]\nthree"


async def test_a_folder_that_cannot_be_made_is_an_error_of_the_system_and_tells_nothing(
    shop: Shop, autojump_clock: MockClock
) -> None:
    (shop.project.root / ".aad").touch()

    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        await shop.open().open_attempt(shop.begin(Spec(id="A")))

    assert shop.events.events == []
