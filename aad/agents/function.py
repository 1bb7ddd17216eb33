"""The `function` agent: an async callable of the embedding program instead of a child process."""

import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from attrs import frozen

from aad.agents.base import COMPLETED, Verdict, failed
from aad.errors import TransientError
from aad.events import Failure, Reason
from aad.spec import Spec


class ChildSession(Protocol):
    """What a callable is given: its work order, and ways to speak up."""

    @property
    def spec(self) -> Spec:
        """The spec to carry out."""

    @property
    def attempt(self) -> int:
        """Which try this is, counted from 1."""

    @property
    def workspace(self) -> Path:
        """The folder to work in."""

    def report(self, progress: float | None = None, message: str | None = None) -> None:
        """Say how far the work is (0 to 1) and what is being done."""

    def warn(self, message: str) -> None:
        """Raise a warning to the parent session and go on."""

    def write(self, text: str) -> None:
        """Append text to the attempt's output log."""


Work = Callable[[ChildSession], Awaitable[object]]


@frozen
class FunctionAgent:
    """Runs a callable: its return is success, `TransientError` a passing trouble, other errors failures."""

    run: Work
    name: str = "function"

    async def work(self, session: ChildSession) -> Verdict:
        """Run the callable to its end and judge it; its traceback goes to the log."""
        try:
            await self.run(session)
        except Exception as error:  # noqa: BLE001 - what the embedder's code raises is its session's failure
            session.write("".join(traceback.format_exception(error)))
            failure = Failure(reason=Reason.UNKNOWN, message=f"{type(error).__name__}: {error}")
            return failed(failure, transient=isinstance(error, TransientError))
        return COMPLETED
