"""Asks the person at the terminal for a yes. Knows nothing of what it is about."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aad.cli.console import Console


def can_ask(console: Console) -> bool:
    """Tell whether there is somebody who sees a question and can answer it; in CI there is nobody."""
    if os.environ.get("CI", "").casefold() not in {"", "0", "false"}:
        return False
    return console.err.isatty() and sys.stdin is not None and sys.stdin.isatty()


def ask(console: Console, key: str) -> bool:
    """Ask, and tell whether the answer is a yes; raises KeyboardInterrupt for ^C."""
    # Not by click, which asks again, in English, until it likes the answer.
    console.err.write(console.text(key))
    answer = b""
    with _heeding_interrupt(), suppress(OSError):  # the terminal is gone: nobody answers
        answer = sys.stdin.buffer.readline()
    if not answer.endswith(b"\n"):
        # ^D leaves the cursor behind the question; after ^C click moves it on.
        console.err.write("\n")
    return answer.decode(errors="replace").strip().casefold() in {"y", "yes"}


@contextmanager
def _heeding_interrupt() -> Iterator[None]:
    """Let ^C be an answer: elsewhere it just ends us, and what is held would not be given back in order."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if before is signal.SIG_DFL:
            signal.signal(signal.SIGINT, before)
