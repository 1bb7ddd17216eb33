"""Who hears what an attempt has to tell."""

from typing import Protocol

from aad.agents.talk import Wants
from aad.events import EscalationKind, Integrated, Usage
from aad.news import Progress, Trouble


class Listener(Protocol):
    """Who hears what an attempt has to tell."""

    def started(self, pid: int | None) -> None:
        """Hear that the child runs."""

    def progressed(self, progress: Progress, *, guessed: bool) -> None:
        """Hear how far it is."""

    def troubled(self, trouble: Trouble, kind: EscalationKind) -> None:
        """Hear that something is wrong and the attempt goes on."""

    def leaked(self, processes: tuple[str, ...]) -> None:
        """Hear that the child left processes behind, which were ended."""

    def integrated(self, landed: Integrated) -> None:
        """Hear that the work is part of the run's result."""

    def opened(self, agent_session: str) -> None:
        """Hear the id by which the agent can go on with its session."""

    def used(self, usage: Usage) -> None:
        """Hear what the agent used, as it counts itself."""

    def asked(self, wants: Wants) -> None:
        """Hear what the agent asks, and waits for while it lives."""

    def withdrew(self, request_id: str) -> None:
        """Hear that it waits no longer for what it has asked."""
