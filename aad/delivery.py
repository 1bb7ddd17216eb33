"""Brings the verified work of an attempt into the run's result. Knows neither git nor the attempt's child."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from aad.agents.base import Verdict, failed
from aad.events import Failure, Integrated, Reason
from aad.gitcalls import GitError
from aad.integration import ConflictError
from aad.workspace import Workspace

# Behind `verify_failed`, where it was the work together with that of others.
MERGED = "after it was merged with what others have finished"


@define(eq=False, kw_only=True)
class Delivery:
    """The way of an attempt's work from its workspace into the result.

    `verify` looks at what is in the workspace, and is told in words what that is; `integrated` hears of the
    end. While it is `exempt` no limit counts: it waits for its turn, or is past the point from which it is
    completed, whoever wants to end it. `waited` are the seconds that it waited.
    """

    place: Workspace
    verify: Callable[[str], Awaitable[Verdict | None]]
    integrated: Callable[[Integrated], None]
    exempt: bool = field(default=False, init=False)
    waited: float = field(default=0.0, init=False)

    async def run(self) -> Verdict | None:
        """Take down what was made, verify it, and make it part of the result; return what came in the way.

        Verified and committed is the same: what a check leaves behind in the workspace is no part of it.
        """
        try:
            await self.place.capture()
            if failure := await self.verify(""):
                return failure
            if not await self.place.commit():
                return None
            async with self._take_turn():
                return await self._integrate()
        except ConflictError as error:
            return failed(Failure(reason=Reason.CONFLICT, files=error.files, blocked_by=error.specs))
        except (GitError, OSError) as error:
            return failed(Failure(reason=Reason.UNKNOWN, message=str(error)))

    @asynccontextmanager
    async def _take_turn(self) -> AsyncIterator[None]:
        """Wait until nobody else integrates. One at a time: what is verified twice, is not a third time."""
        self.exempt, began = True, trio.current_time()
        try:
            await self.place.turn.acquire()
        finally:
            self.exempt = False
            self.waited += trio.current_time() - began
        try:
            yield
        finally:
            self.place.turn.release()

    async def _integrate(self) -> Verdict | None:
        while True:
            if not await self.place.merge() and (failure := await self.verify(MERGED)):
                return failure
            await trio.lowlevel.checkpoint_if_cancelled()
            if (landed := await self._land()) is not None:
                self.integrated(landed)
                return None

    async def _land(self) -> Integrated | None:
        landed, self.exempt = None, True
        try:
            landed = await self.place.land()
        finally:
            self.exempt = landed is not None
        return landed
