"""Puts together the sessions of a run: each with its spec, its rules, and those whom all work with."""

from collections.abc import Callable, Mapping

from attrs import define, field

from aad.agents import make_agent
from aad.agents.base import allowed_environment, quiet_git
from aad.attempt import RunChild
from aad.checkout import Checkout, find_checkout
from aad.config import OrchestratorConfig
from aad.errors import InputError, Problem
from aad.escalation import ParentSession
from aad.events import Event
from aad.gitcalls import GitError
from aad.gitworkspace import GitWorkspaces
from aad.integration import Integration
from aad.janitor import Janitor
from aad.mending import mend_repository
from aad.monitor import Monitor
from aad.outfitter import Outfitter
from aad.plan import Plan
from aad.record import RunRecord
from aad.registry import Registry
from aad.repository import open_repository
from aad.retry import RetryPolicy
from aad.session import Crew, SessionRun, Slot
from aad.spec import Spec
from aad.workspace import Folders, place
from aad.workspaces import Workspaces
from aad.worktrees import Worktrees


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
    janitor: Janitor = field(factory=Janitor)
    checkout: Checkout | None = field(default=None, init=False)
    # For how many specs that was found.
    _inspected: int = field(default=-1, init=False)
    _expected: Mapping[str, float] = field(factory=dict, init=False)
    _crew: Crew | None = field(default=None, init=False)

    @property
    def base(self) -> str:
        """The commit that worktrees start from; empty where there are none."""
        return "" if self.checkout is None else self.checkout.base

    @property
    def onto(self) -> str:
        """The branch to switch to before the result is merged; empty where one is checked out."""
        detached = self.checkout is not None and self.checkout.branch is None
        return self.config.default_branch if detached else ""

    def inspect(self) -> None:
        """Look at the repository in which sessions get worktrees; raises InputError where they cannot."""
        if self._inspected == len(self.registry.specs):
            return
        self.checkout = find_checkout(
            self.record.project.root,
            self.config.workspace,
            self.registry.specs.values(),
            base=self.base or self.record.state.base,
            environ=self.environ,
        )
        self._inspected = len(self.registry.specs)

    def mend(self) -> None:
        """Mend what a killed run left in the repository; raises InputError where that cannot be done."""
        self.inspect()
        if self.checkout is None:
            return
        project, run = self.record.project, self.record.run
        places = {project.worktrees, place(project, self.config.workspace, run).parent}
        try:
            mend_repository(
                self.checkout.common,
                places,
                self.registry.specs,
                run,
                branch=self.config.workspace.branch,
            )
        except (GitError, OSError) as error:
            raise InputError(Problem("git_failed", {"told": error}, str(project.root))) from error

    def prepare(self, plan: Plan) -> None:
        """Get ready for a plan: its estimates tell how long sessions may be expected to take."""
        specs = plan.specs.values()
        self._expected = {p.id: p.estimate for p in specs if p.estimate is not None}
        self._crew = None
        self.inspect()

    def make(self, spec_id: str, slot: Slot) -> SessionRun:
        """Return the session of a spec, ready to run in a slot; raises InputError."""
        if self._crew is None:
            self.inspect()
            self._crew = self._make_crew()
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

    def _make_crew(self) -> Crew:
        outfitter = self._make_outfitter()
        return Crew(
            emit=self.emit,
            durable=self.record.durable,
            parent=self.parent,
            watcher=self.monitor,
            recover=outfitter.recover,
            open_attempt=outfitter.open_attempt,
            blocks=self.registry.find_blocked,
            fail_fast=self.config.orchestrator.fail_fast,
        )

    def _make_outfitter(self) -> Outfitter:
        config, record = self.config, self.record
        agent = make_agent(config.agent)
        return Outfitter(
            project=record.project,
            run=record.run,
            config=config,
            workspaces=self._make_workspaces(),
            env=quiet_git({**allowed_environment(self.environ, config.agent.env_pass), **config.agent.env}),
            redactor=record.redactor,
            emit=self.emit,
            tell=record.tell if record.wants_output else None,
            find_agent=lambda spec: self.registry.functions.get(spec.id, agent),
            expected=self._expected,
            run_child=self.run_child,
        )

    def _make_workspaces(self) -> Workspaces:
        record, settings = self.record, self.config.workspace
        folders = Folders(project=record.project, run=record.run, settings=settings, janitor=self.janitor)
        git = None if self.checkout is None else self._make_git(self.checkout)
        return Workspaces(settings=settings, folders=folders, git=git)

    def _make_git(self, checkout: Checkout) -> GitWorkspaces:
        record, settings = self.record, self.config.workspace
        repository = open_repository(checkout, self.environ)
        integration = Integration(
            repository=repository,
            run=record.run,
            base=checkout.base,
            branch=settings.branch,
            find_result=lambda spec_id: record.state.session(spec_id).commit,
            find_needed=lambda spec_id: self.registry.specs[spec_id].depends_on,
            find_newest=lambda: record.state.result,
        )
        return GitWorkspaces(
            project=record.project,
            run=record.run,
            settings=settings,
            worktrees=Worktrees(repository, checkout.prefix),
            integration=integration,
            janitor=self.janitor,
            redact=record.redactor.redact,
        )
