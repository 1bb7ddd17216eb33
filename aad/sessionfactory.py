"""Puts together the sessions of a run: each with its spec, its rules, and those whom all work with."""

from collections.abc import Callable, Mapping

from attrs import define, field

from aad.agents import make_agent
from aad.agents.base import allowed_environment, quiet_git
from aad.attempt import RunChild
from aad.config import OrchestratorConfig
from aad.escalation import ParentSession
from aad.events import Event
from aad.monitor import Monitor
from aad.outfitter import Outfitter
from aad.plan import Plan
from aad.record import RunRecord
from aad.registry import Registry
from aad.retry import RetryPolicy
from aad.session import Crew, SessionRun, Slot
from aad.spec import Spec
from aad.workspace import Workspaces


@define(eq=False, kw_only=True)
class SessionFactory:
    """Makes sessions. What they share is made once for a plan, and again when `prepare` names another."""

    config: OrchestratorConfig
    registry: Registry
    record: RunRecord
    parent: ParentSession
    monitor: Monitor
    emit: Callable[[Event], None]
    environ: Mapping[str, str] = field(repr=False)
    run_child: RunChild
    _crew: Crew | None = field(default=None, init=False)

    def prepare(self, plan: Plan) -> None:
        """Get ready for a plan: its estimates tell how long sessions may be expected to take."""
        specs = plan.specs.values()
        self._crew = self._make_crew({p.id: p.estimate for p in specs if p.estimate is not None})

    def make(self, spec_id: str, slot: Slot) -> SessionRun:
        """Return the session of a spec, ready to run in a slot."""
        if self._crew is None:
            self._crew = self._make_crew({})
        spec = self.registry.specs[spec_id]
        return SessionRun(
            spec=spec,
            known=self.record.state.session(spec_id),
            policy=self.policy(spec),
            slot=slot,
            crew=self._crew,
        )

    def policy(self, spec: Spec) -> RetryPolicy:
        """Return the rules by which a spec is tried again."""
        settings = self.config.orchestrator.retries
        return RetryPolicy(settings.count if spec.retries is None else spec.retries, settings)

    def _make_crew(self, expected: Mapping[str, float]) -> Crew:
        return Crew(
            emit=self.emit,
            durable=self.record.durable,
            parent=self.parent,
            watcher=self.monitor,
            open_attempt=self._make_outfitter(expected).open_attempt,
            blocks=self.registry.find_blocked,
            fail_fast=self.config.orchestrator.fail_fast,
        )

    def _make_outfitter(self, expected: Mapping[str, float]) -> Outfitter:
        config, record = self.config, self.record
        agent = make_agent(config.agent)
        return Outfitter(
            project=record.project,
            run=record.run,
            config=config,
            workspaces=Workspaces(record.project, record.run, config.workspace.isolation),
            env=quiet_git({**allowed_environment(self.environ, config.agent.env_pass), **config.agent.env}),
            redactor=record.redactor,
            emit=self.emit,
            tell=record.tell if record.wants_output else None,
            find_agent=lambda spec: self.registry.functions.get(spec.id, agent),
            expected=expected,
            run_child=self.run_child,
        )
