"""What many tests need: a project's folder, and an orchestrator whose children exist on paper only."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from escalationform import find_faults
from hypothesis import HealthCheck, settings
from realprocesses import Token

from aad.config import OrchestratorConfig, RetrySettings, RunSettings
from aad.escalation import Handler
from aad.keepers import Keepers
from aad.orchestrator import Orchestrator
from aad.process import KeptChildren
from aad.testing import Recorder, Script, ScriptedChildren, sync_at_once

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("aad", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("aad")

Scripts = dict[str, Script | Sequence[Script]]

CONFIG = OrchestratorConfig(
    orchestrator=RunSettings(
        max_parallel_sessions=4, grace_period=1.0, retries=RetrySettings(delay=10.0, jitter=False)
    )
)


def configure(**settings: Any) -> OrchestratorConfig:  # noqa: ANN401 - RunSettings' own types
    """Return the tests' config with some of the run's settings changed."""
    return evolve(CONFIG, orchestrator=evolve(CONFIG.orchestrator, **settings))


class Theatre:
    """An orchestrator with scripted children, and a recorder of its events."""

    def __init__(
        self,
        root: Path,
        scripts: Scripts | None = None,
        *,
        config: OrchestratorConfig = CONFIG,
        escalation_handler: Handler | None = None,
        resume: str | None = None,
    ) -> None:
        self.children = ScriptedChildren(scripts or {})
        self.recorder = Recorder()
        self.orchestrator = Orchestrator(
            config,
            root=root,
            environ={"PATH": "/usr/bin:/bin"},
            run_child=self.children,
            sync=sync_at_once,
            escalation_handler=escalation_handler,
            resume=resume,
        )
        self.orchestrator.attach(self.recorder)

    @property
    def statuses(self) -> dict[str, str]:
        """The sessions' statuses by spec."""
        return {session.spec_id: str(session.status) for session in self.orchestrator.sessions.values()}

    def story(self, *kinds: str) -> list[str]:
        """Return the events in short; only those of the given types, if any are."""
        return [line for line in self.recorder.story if not kinds or line.split()[0] in kinds]


MakeTheatre = Callable[..., Theatre]


@pytest.fixture(autouse=True)
def escalations_keep_their_form(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold every escalation that a test's runs have written to the schema."""
    folder: Path | None = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None:
        assert find_faults(folder) == []


@pytest.fixture
def theatre(tmp_path: Path) -> MakeTheatre:
    """Return a maker of theatres, all in one project."""

    def make(scripts: Scripts | None = None, **options: Any) -> Theatre:  # noqa: ANN401 - Theatre's own types
        return Theatre(tmp_path, scripts, **options)

    return make


@pytest.fixture
def token() -> Iterator[Token]:
    """Return what the processes of a test bear; whoever still does in the end is ended."""
    token = Token()
    try:
        yield token
    finally:
        while token.holders():
            token.end_holders()


@pytest.fixture
def keepers(tmp_path: Path) -> Iterator[Keepers]:
    """Return the keepers of a test, which end with it."""
    keepers = Keepers(tmp_path / "processes.json")
    try:
        yield keepers
    finally:
        keepers.close()


@pytest.fixture
def real_children(keepers: Keepers) -> KeptChildren:
    """Return what runs children for real."""
    return KeptChildren(keepers)
