"""A program of its own: delivers one message by the library `apprise`, and says how that ended.

On stdin comes a JSON object with `address`, `title`, `body` and `type`. On stdout goes one with `end`, which
is `told`, `missing` (there is no such library), `address` (it cannot read that), `refused` (then `status` is
that of HTTP) or `undelivered`. Nothing else is said, because nobody knows what the library puts into its
messages. Imports nothing of aad.
"""

import json
import logging
import os
import re
import sys
from importlib import import_module
from typing import Any

# How the library's services end their warning of an HTTP status.
STATUS = re.compile(r"\berror=([1-5]\d\d)\b")


class StatusFinder(logging.Handler):
    """Keeps the last HTTP status that the library warned of, and nothing else of its words."""

    status: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        for status in STATUS.findall(record.getMessage()):
            self.status = status


def deliver(address: str, title: str, body: str, kind: str) -> dict[str, str]:
    """Deliver a message and return how that ended."""
    try:
        apprise: Any = import_module("apprise")  # by name: it is optional, for type checkers, too
    except ModuleNotFoundError:
        return {"end": "missing"}
    finder = StatusFinder()
    logging.getLogger("apprise").addHandler(finder)
    services = apprise.Apprise()
    if not services.add(address):
        return {"end": "address"}
    if services.notify(title=title, body=body, notify_type=kind, body_format="text"):
        return {"end": "told"}
    return {"end": "undelivered"} if finder.status is None else {"end": "refused", "status": finder.status}


def take_stdout() -> int:
    """Return a descriptor of stdout, and silence stdout and stderr: a traceback may show the address."""
    own = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    return own


def main() -> None:
    """Do what stdin asks for."""
    stdout = take_stdout()
    asked = json.load(sys.stdin.buffer)
    reply = deliver(asked["address"], asked["title"], asked["body"], asked["type"])
    os.write(stdout, json.dumps(reply).encode())


if __name__ == "__main__":
    main()
