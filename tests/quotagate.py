"""A quota beside a clock on the wall, and who went through it at what time."""

import math

import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from aad.quota import Quota

EPOCH = 1_790_000_000.0
HOUR = 3600.0


@define(eq=False)
class Gate:
    """A quota, a clock on the wall beside it, and who went through the one at what time of the other.

    `sleep` moves the wall's clock alone.
    """

    patience: float = math.inf
    slept: float = 0.0
    story: list[tuple[float, str, bool]] = field(factory=list)
    quota: Quota = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.quota = Quota(name="paper", patience=self.patience, clock=self.read)

    def read(self) -> float:
        return EPOCH + self.slept + trio.current_time()

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    async def enter(self, name: str) -> None:
        # Where nothing is left to happen, the clock would never jump: a wait for ever has to fail.
        with trio.fail_after(48 * HOUR):
            passed = await self.quota.enter()
        self.story.append((self.read() - EPOCH, name, passed))

    async def queue(self, nursery: trio.Nursery, names: str) -> None:
        for name in names:
            nursery.start_soon(self.enter, name)
            await wait_all_tasks_blocked()

    @property
    def names(self) -> str:
        """Who went through so far."""
        return "".join(name for _, name, passed in self.story if passed)
