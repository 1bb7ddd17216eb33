"""What the runner of a child does, and what it shows of it. The real one is in `process`."""

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol

from aad.agents.base import Command, Exit


class ChildHandle(Protocol):
    """What an attempt needs to know of a running child."""

    @property
    def pid(self) -> int:
        """The process id."""

    @property
    def exit(self) -> Exit | None:
        """How it ended, once it has."""

    @property
    def leaked(self) -> tuple[str, ...]:
        """The processes that it left behind, which were ended."""

    @property
    def stuck(self) -> int:
        """How many of its processes could not be ended."""

    def kill(self) -> None:
        """End it and all its group at once."""


class RunChild(Protocol):
    """Runs a child to its end: `process.KeptChildren`, or a scripted one in tests."""

    def __call__(
        self,
        command: Command,
        *,
        write: Callable[[bytes], None],
        grace: float,
        started: Callable[[ChildHandle], None],
        write_error: Callable[[bytes], None] | None = None,
        stdin: AsyncIterable[bytes] | None = None,
    ) -> Awaitable[Exit]: ...
