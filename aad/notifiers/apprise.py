"""Tells people by the library `apprise`, which knows mail, chats and webhooks. Never loads it itself.

`postman.py` does, in a child of ours that may hang or crash. An address holds passwords and tokens: it goes
over the child's stdin, and is in no argument, no variable and no message.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from aad import messages
from aad.agents.base import Command
from aad.childhandle import RunChild
from aad.escalationlog import EscalationLog
from aad.keepers import LOADING
from aad.notifiers.base import NotifyError, run_program
from aad.notifiers.message import Message, make_message

PROGRAM = Path(__file__).with_name("postman.py")


@frozen(kw_only=True)
class AppriseNotifier:
    """Tells errors and what is critical to one address, or to the one that the variable `$NAME` holds.

    `number` is its place among the configured ones, by which messages name it.
    """

    address: str = field(repr=False)
    number: int
    environ: Mapping[str, str] = field(repr=False)
    env: Mapping[str, str] = field(repr=False)
    run_child: RunChild
    lang: str = "en"
    python: str = sys.executable

    @property
    def name(self) -> str:
        return messages.text(self.lang, "notify.name_apprise", {"number": self.number})

    async def tell(self, log: EscalationLog, path: Path) -> None:
        del path  # it means nothing on other machines
        message = make_message(log, self.lang)
        if message is None:
            return
        said = bytearray()
        await run_program(self.run_child, self._make_command(message), lang=self.lang, write=said.extend)
        reply: dict[str, Any] = json.loads(said)
        if reply["end"] != "told":
            raise NotifyError(messages.text(self.lang, f"notify.apprise_{reply['end']}", reply))

    def _make_command(self, message: Message) -> Command:
        request = {
            "address": self._find_address(),
            "title": message.title,
            "body": message.body,
            "type": "failure" if message.critical else "warning",
        }
        loading = {name: self.environ[name] for name in LOADING if name in self.environ}
        # Nothing but what is installed is loaded: -P leaves out the program's folder, where a file has the
        # library's name, and -E the folders of PYTHONPATH. Not -I, for one's own site may have the library.
        argv = (self.python, "-P", "-E", str(PROGRAM))
        return Command(argv=argv, env={**self.env, **loading}, cwd="/", stdin=json.dumps(request).encode())

    def _find_address(self) -> str:
        if not self.address.startswith("$"):
            return self.address
        variable = self.address.removeprefix("$")
        if not (address := self.environ.get(variable)):
            raise NotifyError(messages.text(self.lang, "notify.variable_unset", {"variable": variable}))
        return address


def make_apprise_notifiers(
    addresses: tuple[str, ...],
    *,
    environ: Mapping[str, str],
    env: Mapping[str, str],
    run_child: RunChild,
    lang: str,
) -> Iterator[AppriseNotifier]:
    """Yield a notifier for each address, so that one that hangs holds up no other."""
    for number, address in enumerate(addresses, start=1):
        yield AppriseNotifier(
            address=address, number=number, environ=environ, env=env, run_child=run_child, lang=lang
        )
