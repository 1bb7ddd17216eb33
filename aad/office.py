"""Where a run's escalations are settled: by the parent session, which tells people and waits for them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import trio

from aad.agents.base import allowed_environment
from aad.childhandle import RunChild
from aad.config import EscalationSettings, OrchestratorConfig
from aad.escalation import Handler, ParentSession
from aad.events import Event
from aad.notifiers import make_notifiers
from aad.notifiers.notifications import Notifications
from aad.patience import Patience
from aad.policy import Policy
from aad.project import Project

# Puts what is open to a person: the dialog of a terminal.
Ask = Callable[[ParentSession], Awaitable[None]]


def make_notifications(
    config: OrchestratorConfig, project: Project, environ: Mapping[str, str], run_child: RunChild
) -> Notifications:
    """Return what tells people of the escalations of a run in `project`, as `config` says."""
    return Notifications(
        make_notifiers(
            config.escalation,
            environ=environ,
            env=allowed_environment(environ, config.agent.env_pass),
            cwd=str(project.root),
            run_child=run_child,
            lang=config.ui.spoken,
        ),
        lang=config.ui.spoken,
    )


class Office:
    """Serves the sessions of one run, as `settings` say.

    `handler` is asked before policy decides. `abort` ends the run in order; `is_hopeless` tells that an
    answer would change nothing in it any more. `redact` masks what goes into files and messages.
    """

    def __init__(
        self,
        *,
        project: Project,
        settings: EscalationSettings,
        notifications: Notifications,
        emit: Callable[[Event], None],
        abort: Callable[[], None],
        is_hopeless: Callable[[], bool],
        redact: Callable[[str], str],
        handler: Handler | None = None,
    ) -> None:
        self.parent = ParentSession(
            folder=project.escalations,
            emit=emit,
            show_path=project.show,
            abort=abort,
            handler=handler,
            policy=Policy(settings.policy),
            stale_after=settings.stale_after,
            notify=notifications.send,
            redact=redact,
        )
        self._notifications = notifications
        self._patience = Patience(
            settings=settings,
            park=self.parent.park,
            is_hopeless=is_hopeless,
            is_asked=lambda: bool(self.parent.list_open()),
        )

    def ask_by(self, ask: Ask) -> None:
        """Have questions put to a person by `ask` once none but waiting sessions are left."""
        self._patience.ask = lambda: ask(self.parent)

    def tell_patience(self, told: Callable[[float], None]) -> None:
        """Have `told` called with the seconds for which people are waited for, when that begins."""
        self._patience.told = told

    def note(self, stands_still: bool) -> None:  # noqa: FBT001 - it is what is noted
        """Take note whether none but waiting sessions are left."""
        self._patience.note(stands_still)

    def bound(self, deadline: trio.CancelScope) -> None:
        """Hold back the deadline of a run while that stands still."""
        self._patience.deadline = deadline

    @property
    def is_open(self) -> bool:
        """Whether somebody is served."""
        return self.parent.serving

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Take the escalations of the sessions inside the block, and settle the last before it is left."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.parent.serve)
            await nursery.start(self._notifications.serve)
            await nursery.start(self._patience.serve)
            yield
            await self.parent.finish()
            await self._notifications.finish()
            nursery.cancel_scope.cancel()
