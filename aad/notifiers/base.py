"""What every notifier shares: it tells of one escalation at a time, mostly by a child. Knows no queue."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from aad.agents.base import Command
from aad.agents.command import judge_exit
from aad.childhandle import RunChild
from aad.display.failures import describe_failure
from aad.escalationlog import EscalationLog
from aad.keepers import KeeperLostError
from aad.process import SpawnError

# Seconds that a notifier's child has to end when it took too long.
NOTIFY_GRACE = 1.0


class NotifyError(Exception):
    """People could not be told. The message is why, in their words; it holds no address and no secret."""


class NotifierMissingError(NotifyError):
    """This machine has nothing that could tell people this way, and it is no failure that it has not."""


class Notifier(Protocol):
    """Tells people of escalations, in one way."""

    @property
    def name(self) -> str:
        """What people call it, in their language."""

    async def tell(self, log: EscalationLog, path: Path) -> None:
        """Tell of an escalation, whose file is at `path`; raises NotifyError. Others limit its time."""


def ignore(_: object) -> None:
    """Take what nobody reads."""


async def run_program(
    run_child: RunChild, command: Command, *, lang: str, write: Callable[[bytes], None] = ignore
) -> None:
    """Run a notifier's child to its good end; raises NotifyError for any other."""
    try:
        end = await run_child(command, write=write, grace=NOTIFY_GRACE, started=ignore)
    except (OSError, SpawnError, KeeperLostError) as error:
        raise NotifyError(str(error)) from error
    failure = judge_exit(end).failure
    if failure is not None:
        raise NotifyError(describe_failure(lang, failure))
