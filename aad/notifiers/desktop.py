"""Tells whoever sits at this machine, by the program that its desktop has for that."""

import html
import shutil
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from aad import messages
from aad.agents.base import Command
from aad.childhandle import RunChild
from aad.escalationlog import EscalationLog
from aad.notifiers.base import NotifierMissingError, run_program
from aad.notifiers.message import Message, make_message

# By one of these `notify-send` finds a desktop.
DESKTOPS = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")
PASSED_ON = (*DESKTOPS, "XDG_RUNTIME_DIR")
# The texts are arguments: within the script, a quotation mark of theirs would end in code.
SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


@frozen(kw_only=True)
class DesktopNotifier:
    """Shows errors and what is critical by `notify-send`, or by `osascript` on macOS."""

    environ: Mapping[str, str] = field(repr=False)
    env: Mapping[str, str] = field(repr=False)
    run_child: RunChild
    lang: str = "en"

    @property
    def name(self) -> str:
        return messages.text(self.lang, "notify.name_desktop")

    async def tell(self, log: EscalationLog, path: Path) -> None:
        del path  # there is no room for it
        message = make_message(log, self.lang)
        if message is None:
            return
        shown = {name: self.environ[name] for name in PASSED_ON if name in self.environ}
        command = Command(argv=self._make_argv(message), env={**self.env, **shown}, cwd="/")
        await run_program(self.run_child, command, lang=self.lang)

    def _make_argv(self, message: Message) -> tuple[str, ...]:
        if any(self.environ.get(name) for name in DESKTOPS) and (program := self._find("notify-send")):
            return (program, *_ask_notify_send(message))
        if program := self._find("osascript"):
            return (program, *_ask_osascript(message))
        raise NotifierMissingError(messages.text(self.lang, "notify.desktop_missing"))

    def _find(self, program: str) -> str | None:
        # Without a PATH there is nothing to be found, and not the system's own idea of one.
        return shutil.which(program, path=self.environ.get("PATH", ""))


def _ask_notify_send(message: Message) -> tuple[str, ...]:
    urgency = "critical" if message.critical else "normal"
    # It takes backslashes in a body for escapes, and desktops take the body for markup.
    body = html.escape(message.body.replace("\\", "\\\\"), quote=False)
    return ("--app-name=aad", f"--urgency={urgency}", "--", message.title, body)


def _ask_osascript(message: Message) -> tuple[str, ...]:
    script = (word for line in SCRIPT for word in ("-e", line))
    return (*script, "--", message.title, message.body)
