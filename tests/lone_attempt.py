"""One attempt without a session around it: its parts, and a listener that keeps what it hears."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field

from aad.agents.base import Agent, Exit, Job, Verdict
from aad.agents.command import CommandAgent
from aad.agents.function import FunctionAgent, Work
from aad.agents.talk import Wants
from aad.attempt import Attempt, Limits
from aad.childhandle import RunChild
from aad.events import EscalationKind, EscalationLevel, Integrated, Usage
from aad.news import Progress, Trouble
from aad.output import OutputLog
from aad.redact import Redactor
from aad.spec import Spec
from aad.testing import Script, ScriptedChildren
from aad.workspace import PlainWorkspace

SECRET = "correct-horse-battery"  # noqa: S105 - what a test looks for
SLOW = Script(work=100, farewell=b"bye\n", farewell_end=Exit(0))


@define
class Heard:
    """Keeps what an attempt tells, in order, as short tuples."""

    told: list[tuple[object, ...]] = field(factory=list)

    def started(self, pid: int | None) -> None:
        self.told.append(("started", pid))

    def progressed(self, progress: Progress, *, guessed: bool) -> None:
        self.told.append(("guessed" if guessed else "progressed", progress.progress, progress.message))

    def troubled(self, trouble: Trouble, kind: EscalationKind) -> None:
        self.told.append((str(trouble.level), str(kind), trouble.message))

    def leaked(self, processes: tuple[str, ...]) -> None:
        self.told.append(("leaked", *processes))

    def integrated(self, landed: Integrated) -> None:
        self.told.append(("integrated", landed.commit))

    def opened(self, agent_session: str) -> None:
        self.told.append(("opened", agent_session))

    def used(self, usage: Usage) -> None:
        self.told.append(("used", usage))

    def asked(self, wants: Wants) -> None:
        self.told.append(("asked", wants.text))

    def withdrew(self, request_id: str) -> None:
        self.told.append(("withdrew", request_id))

    def only(self, *kinds: str) -> list[tuple[object, ...]]:
        """Return what was told of some kinds, less the kind where it is the only one."""
        return [told if len(kinds) > 1 else told[1:] for told in self.told if told[0] in kinds]

    @property
    def warnings(self) -> list[tuple[object, ...]]:
        return self.only(str(EscalationLevel.WARNING))


@define
class Bench:
    """Makes attempts in one folder."""

    folder: Path
    heard: Heard = field(factory=Heard)
    children: ScriptedChildren = field(factory=ScriptedChildren)

    @property
    def events_file(self) -> Path:
        return self.folder / "events.jsonl"

    @property
    def spec_file(self) -> Path:
        return self.folder / "A.md"

    @property
    def log_file(self) -> Path:
        return self.folder / "output.log"

    def play(self, **scripts: Script | Sequence[Script]) -> None:
        """Say what children do, by the last word of their commands."""
        self.children.scripts = scripts

    def say(self, *lines: str) -> None:
        """Say something in a child's place."""
        with self.events_file.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def tick_boxes(self, done: int, total: int) -> None:
        """Write the spec's copy with so many boxes ticked."""
        boxes = ["- [x] box\n"] * done + ["- [ ] box\n"] * (total - done)
        self.spec_file.write_text("# A\n\n" + "".join(boxes))

    def make(
        self,
        *,
        work: Work | None = None,
        run: str | None = "a",
        command: tuple[str, ...] = (),
        limits: Limits | None = None,
        log: Path | None = None,
        tail_lines: int = 40,
        run_child: RunChild | None = None,
        env: Mapping[str, str] | None = None,
        **spec: Any,  # noqa: ANN401 - Spec's own types
    ) -> Attempt:
        """Return an attempt at a spec that runs a script's line, or a callable."""
        redactor = Redactor([SECRET])
        agent: Agent | FunctionAgent = CommandAgent(command) if work is None else FunctionAgent(work)
        return Attempt(
            job=Job(
                run="run",
                session="run/A",
                spec=evolve(Spec(id="A", run=run), **spec),
                spec_file=str(self.spec_file),
                attempt=1,
                workspace=self.folder,
                events_file=self.events_file,
            ),
            place=PlainWorkspace(path=self.folder, spec_file=str(self.spec_file)),
            agent=agent,
            limits=limits or Limits(),
            env=env or {"PATH": "/usr/bin:/bin"},
            output=OutputLog.open(
                log or self.log_file, redactor=redactor, limit=100_000, tail_lines=tail_lines
            ),
            redactor=redactor,
            listener=self.heard,
            run_child=run_child or self.children,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def ends(code: int, output: bytes = b"", work: float = 0.0) -> Script:
    """Return the script of a child that ends with an exit code."""
    return Script(output=output, work=work, end=Exit(code))


async def run_with(attempt: Attempt, act: Callable[[], object], *, at: float = 1.0) -> Verdict:
    """Run an attempt, and do something meanwhile."""
    verdicts: list[Verdict] = []

    async def run() -> None:
        verdicts.append(await attempt.run())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.sleep(at)
        act()
    return verdicts[0]
