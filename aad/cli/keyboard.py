"""The terminal that a person types at, who may go away, come back, and paste. Knows no question.

The terminal edits the lines itself. It marks what is pasted, where it can.
"""

import os
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import trio
from attrs import define, field

from aad.display.stream import Stream
from aad.display.text import clean

# Seconds from one look at what happens elsewhere to the next: at the desk, and at who is in front.
PAUSE = 0.5
# Seconds in which the next line of a text that is pasted arrives.
MOMENT = 0.3
# As many bytes of a line does the kernel keep; what goes beyond is dropped without a word.
LONGEST = 4095

# Have the terminal mark what is pasted, or no longer; and the marks.
MARK_PASTES, LEAVE_PASTES = "\x1b[?2004h", "\x1b[?2004l"
BEGIN, END = b"\x1b[200~", b"\x1b[201~"


def marks_pastes(environ: Mapping[str, str]) -> bool:
    """Tell whether the terminal can be asked to: one that cannot might show it."""
    return environ.get("TERM", "dumb") not in {"", "dumb"}


@define
class Typed:
    """What is typed up to the Enter that sends it: a line, or all lines of a text that is pasted."""

    # The kernel has cut a line.
    was_cut: bool = field(default=False, init=False)
    _keys: bytes = field(default=b"", init=False)
    _paused: bool = field(default=False, init=False)
    _sent: bool = field(default=False, init=False)

    def add(self, line: bytes) -> None:
        """Take a line, or what there was of it at ^D."""
        # Somebody may have erased the mark behind a text: then it ends with an Enter that stands alone.
        self._sent = self._paused and not line.strip()
        self._paused = False
        self.was_cut |= len(line.rstrip(b"\n")) >= LONGEST
        self._keys += line

    def pause(self) -> None:
        """Take note that nothing comes for a while: what comes next is typed, not pasted."""
        self._paused = True

    @property
    def is_whole(self) -> bool:
        """Whether it has been sent."""
        pasting = self._keys.rfind(BEGIN) > self._keys.rfind(END)
        return self._keys.endswith(b"\n") and (self._sent or not pasting)

    @property
    def text(self) -> str:
        """Its lines, made safe, without the marks."""
        keys = self._keys.replace(BEGIN, b"").replace(END, b"").decode(errors="replace")
        # Keys that move the cursor leave their escape sequences in the line.
        return "\n".join(clean(line) for line in keys.split("\n")).strip()


@define(eq=False)
class Keyboard:
    """The terminal on stdin, by its descriptor; `out` is its screen. `marks` tells that it marks pastes."""

    out: Stream
    descriptor: int = 0
    marks: bool = True
    # Somebody was away since the block of `listen` began, and sees nothing of it any more.
    came_back: bool = field(default=False, init=False)
    _marking: bool = field(default=False, init=False)

    @contextmanager
    def listen(self) -> Iterator[None]:
        """Have pastes marked while the block lasts."""
        self.came_back = False
        if self.marks:
            self._marking = True
            self.out.write(MARK_PASTES)
        try:
            yield
        finally:
            self.leave()

    def leave(self) -> None:
        """Leave the terminal to others as it was."""
        if self._marking:
            self._marking = False
            self.out.write(LEAVE_PASTES)

    def come_back(self) -> None:
        """Take note that others had the terminal, and may have drawn on it."""
        self.came_back = True

    def in_front(self) -> bool:
        """Say whether we may read; in the background that would stop us."""
        try:
            return os.tcgetpgrp(self.descriptor) == os.getpgrp()
        except OSError:
            # It controls nobody, or is gone; reading stops nobody then.
            return True

    def forget(self) -> None:
        """Drop what was typed before anybody could know what it would answer."""
        with suppress(termios.error):  # it is gone, as the next read tells
            termios.tcflush(self.descriptor, termios.TCIFLUSH)

    async def forget_rest(self) -> bytes:
        """Drop what comes behind a line until nothing does for a moment, and return it.

        Of a text that is pasted without marks these are the other lines, the last of which may have no end.
        """
        rest = b""
        with self._without_lines():
            while await self.wait_readable(MOMENT) and (more := self.read()):
                rest += more
        return rest

    async def wait_readable(self, seconds: float = PAUSE) -> bool:
        """Wait for a line, but not for longer than a pause; say whether it can be read."""
        if not self.in_front():
            await trio.sleep(seconds)
            return False
        with trio.move_on_after(seconds) as pause:
            await trio.lowlevel.wait_readable(self.descriptor)
        # Meanwhile we may have been sent into the background.
        return not pause.cancelled_caught and self.in_front()

    def read(self) -> bytes:
        """Return a line, or what there was of it at ^D; nothing when nobody is there any more."""
        try:
            return os.read(self.descriptor, 65536)
        except OSError:
            return b""

    @contextmanager
    def _without_lines(self) -> Iterator[None]:
        """Have what is typed as it comes, unseen, while the block lasts; then nothing of it is left."""
        lined = self._read_modes()
        if lined:
            *modes, keys = lined
            modes[3] &= ~(termios.ICANON | termios.ECHO)
            self._set_modes([*modes, [*keys[: termios.VMIN], 1, *keys[termios.VMIN + 1 :]]])
        try:
            yield
        finally:
            if lined:
                self._set_modes(lined)
                self.forget()

    def _read_modes(self) -> list[Any]:
        with suppress(termios.error):
            return termios.tcgetattr(self.descriptor)
        return []

    def _set_modes(self, modes: list[Any]) -> None:
        # In the background this would stop us; and the shell has set them by then.
        if self.in_front():
            with suppress(termios.error):
                termios.tcsetattr(self.descriptor, termios.TCSANOW, modes)
