"""Puts together the sessions of a run: each with its spec, its rules, and those whom all work with."""

import math
from collections.abc import Callable, Mapping

from attrs import define, field

from aad.agents.roster import Player, Roster
from aad.budget import Account, Bounds, sum_usages
from aad.cast import Cast
from aad.casting import Casting
from aad.checkout import Checkout, find_checkout
from aad.childhandle import RunChild
from aad.config import OrchestratorConfig
from aad.crew import Crew
from aad.errors import InputError, Problem
from aad.escalation import ParentSession
from aad.events import EscalationKind, Event
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
from aad.session import SessionRun
from aad.slot import Slot
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
    _roster: Roster = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._roster = Roster(self.config, self.environ)

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
            cast=Cast(players=self._find_players(spec), casting=self._crew.casting),
            known=self.record.state.session(spec_id),
            policy=self.policy(spec),
            slot=slot,
            crew=self._crew,
        )

    def _find_players(self, spec: Spec) -> tuple[Player, ...]:
        function = self.registry.functions.get(spec.id)
        return self._roster.cast(spec) if function is None else (self._roster.wrap(function),)

    def policy(self, spec: Spec) -> RetryPolicy:
        """Return the rules by which a spec is tried again."""
        settings = self.config.orchestrator.retries
        return RetryPolicy(settings.count if spec.retries is None else spec.retries, settings)

    def _make_casting(self) -> Casting:
        """Return what chooses agents; those that an earlier run asked to sign in to are waited for."""
        casting = Casting(patience=self.config.orchestrator.quota_wait or math.inf)
        for session in self.record.state.sessions.values():
            raised = session.pending
            if raised is not None and raised.kind is EscalationKind.AUTH and session.decided is None:
                casting.lock(session.agent, ask=True)
        return casting

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
            casting=self._make_casting(),
            account=self._make_account(),
            fail_fast=self.config.orchestrator.fail_fast,
        )

    def _make_account(self) -> Account:
        """Return what the run may use together, less what it has used in its earlier parts."""
        settings, sessions = self.config.budget, self.record.state.sessions.values()
        bounds = Bounds(settings.max_turns, settings.max_tokens, settings.max_cost_usd)
        used = sum_usages(usage for session in sessions for usage in session.usages.values())
        return Account(bounds=bounds, usage=used)

    def _make_outfitter(self) -> Outfitter:
        config, record = self.config, self.record
        return Outfitter(
            project=record.project,
            run=record.run,
            config=config,
            workspaces=self._make_workspaces(),
            redactor=record.redactor,
            emit=self.emit,
            tell=record.tell if record.wants_output else None,
            find_session=record.state.session,
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
