"""How another Trio program holds an orchestrator: for as long as a block lasts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aad.config import OrchestratorConfig
from aad.escalation import Handler
from aad.orchestrator import Orchestrator


@asynccontextmanager
async def open_orchestrator(
    config: OrchestratorConfig | None = None,
    *,
    root: Path | str | None = None,
    escalation_handler: Handler | None = None,
    resume: str | None = None,
) -> AsyncIterator[Orchestrator]:
    """Open an orchestrator on a project, for any Trio program; see `Orchestrator` for the arguments.

    >>> import trio
    >>> async def main():
    ...     async with open_orchestrator(root=project) as orchestrator:
    ...         orchestrator.register_spec("BUILD", run="echo built")
    ...         events = orchestrator.events()
    ...         async with trio.open_nursery() as nursery:
    ...             nursery.start_soon(orchestrator.run)
    ...             return [event.type async for event in events]
    >>> trio.run(main)
    ['run_started', 'plan', 'workspace_ready', 'session_started', 'session_completed', 'run_finished']

    Raises LockedError if another run holds the project, InputError if its folder cannot be written.
    """
    orchestrator = Orchestrator(config, root=root, escalation_handler=escalation_handler, resume=resume)
    try:
        orchestrator.open()
        yield orchestrator
    finally:
        orchestrator.close()
