"""Fits out each attempt with what it needs: folders, workspace, log, environment, limits. Starts nothing."""

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import uuid4

from attrs import frozen

from aad.agents.base import Job, Needed
from aad.agents.roster import Player
from aad.attempt import Attempt, Limits
from aad.childhandle import RunChild
from aad.config import OrchestratorConfig
from aad.events import Event, Integrated, RolledBack, SessionOutput, WorkspaceReady
from aad.output import OutputLog
from aad.project import Project, make_folder
from aad.redact import Redactor
from aad.session import SessionRun
from aad.spec import Spec
from aad.state import Session
from aad.workspaces import Workspaces

# How many answers an agent is reminded of, the newest.
MOST_ANSWERS = 10


@frozen(kw_only=True)
class Outfitter:
    """Makes the attempts of one run. `tell` gets each line of output, where somebody wants them."""

    project: Project
    run: str
    config: OrchestratorConfig
    workspaces: Workspaces
    redactor: Redactor
    emit: Callable[[Event], None]
    tell: Callable[[SessionOutput], None] | None
    find_session: Callable[[str], Session]
    expected: Mapping[str, float]
    run_child: RunChild

    async def recover(self, session: SessionRun) -> bool:
        """See to what a killed run left of a session; tell whether its work is in the result already."""
        spec, number = session.spec, session.number
        found = await self.workspaces.recover(spec, attempt=number, start=session.known.base)
        # What the run told itself before it was killed, or at its end, is not told again.
        told = isinstance(found, RolledBack) and found.ref == session.known.saved
        if found is not None and not told:
            self.emit(found)
        return isinstance(found, Integrated)

    async def open_attempt(self, session: SessionRun) -> Attempt:
        """Return the session's next attempt, ready to be made by the agent that was chosen.

        Raises OSError where a folder cannot be made, GitError and ConflictError where a worktree cannot.
        """
        spec, number, player = session.spec, session.number, session.player
        if session.place is not None and not session.resumes:
            session.place.set_aside()
        folder = self.project.attempt(self.run, spec.id, number)
        events = folder / "events"
        make_folder(events)
        # Made by us, so that nobody else may read what the child says before it is masked.
        os.close(os.open(events / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        session.log = self.project.show(folder / "output.log")
        conflict = session.known.conflict
        workspace = await self.workspaces.prepare(
            spec,
            attempt=number,
            resumed_from=session.known.base if session.resumes else None,
            conflict=conflict,
        )
        session.place = workspace
        self.emit(
            WorkspaceReady(
                spec=spec.id,
                attempt=number,
                workspace=str(workspace.path),
                isolation=self.workspaces.choose(spec),
                base=workspace.base,
            )
        )
        redactor = self.redactor.fresh()
        return Attempt(
            job=Job(
                run=self.run,
                session=session.known.id,
                spec=spec,
                spec_file=workspace.spec_file,
                attempt=number,
                workspace=workspace.path,
                events_file=events / "events.jsonl",
                resumes=session.resumes,
                answer=session.answer,
                option=session.option,
                conflict=conflict,
                unverified=session.known.unverified,
                place=workspace.env,
                agent_session=session.agent_session,
                new_session=str(uuid4()),
                answered=tuple(session.known.answers[-MOST_ANSWERS:]),
                needed=tuple(map(self._describe_needed, spec.depends_on)),
                lang=self.config.ui.spoken,
            ),
            place=workspace,
            agent=player.agent,
            limits=self._limits(spec, player),
            env=player.env,
            output=OutputLog.open(
                folder / "output.log",
                redactor=redactor,
                limit=self.config.logs.max_output,
                tail_lines=self.config.logs.tail_lines,
                on_line=self._line_teller(spec.id, number),
            ),
            stream=self._open_stream(folder / "stream.jsonl", redactor) if player.caps.streams else None,
            redactor=redactor,
            listener=session.herald,
            run_child=self.run_child,
        )

    def _open_stream(self, path: Path, redactor: Redactor) -> OutputLog:
        """Return where an agent's own lines are kept as they came, but for secrets."""
        return OutputLog.open(path, redactor=redactor, limit=self.config.logs.max_output, tail_lines=0)

    def _describe_needed(self, spec_id: str) -> Needed:
        known = self.find_session(spec_id)
        return Needed(spec_id=spec_id, title=known.title, commit=known.commit or "", text=known.said)

    def _limits(self, spec: Spec, player: Player) -> Limits:
        settings = self.config.orchestrator
        # A program may well be silent to its end: only who asks for it is judged by its silence.
        stall = settings.stall_timeout if player.caps.streams else 0.0
        timeout = settings.session_timeout if spec.timeout is None else spec.timeout
        return Limits(
            timeout=timeout or math.inf,
            stall=(stall if spec.stall_timeout is None else spec.stall_timeout) or math.inf,
            slow_after=settings.slow_after or math.inf,
            grace=settings.grace_period,
            expected=self.expected.get(spec.id),
        )

    def _line_teller(self, spec_id: str, attempt: int) -> Callable[[str], None] | None:
        tell = self.tell
        if tell is None:
            return None
        return lambda line: tell(SessionOutput(spec=spec_id, attempt=attempt, message=line))
