"""Tells people by a command of their own. What it does with it, and what it says, is its affair."""

from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from aad import messages
from aad.agents.base import Command
from aad.childhandle import RunChild
from aad.escalationlog import EscalationLog
from aad.notifiers.base import run_program


@frozen(kw_only=True)
class CommandNotifier:
    """Runs the configured command: the escalation on its stdin, its path in `AAD_ESCALATION`."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: str
    run_child: RunChild
    lang: str = "en"

    @property
    def name(self) -> str:
        return messages.text(self.lang, "notify.name_command")

    async def tell(self, log: EscalationLog, path: Path) -> None:
        env = {**self.env, "AAD_ESCALATION": str(path)}
        command = Command(argv=self.argv, env=env, cwd=self.cwd, stdin=log.dump())
        await run_program(self.run_child, command, lang=self.lang)
