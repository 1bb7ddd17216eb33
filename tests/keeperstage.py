"""Keepers, what their children said, and which of them were lost."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import define, field
from realprocesses import PATIENCE, find_children

from aad.agents.base import Command, Exit
from aad.childhandle import ChildHandle
from aad.keepers import KeeperLostError, Keepers
from aad.process import KeptChildren

PATH = os.environ["PATH"]
TRUE = {"argv": ["/bin/true"], "env": {}, "cwd": "/"}


def shell(line: str, **env: str) -> Command:
    return Command(argv=("/bin/sh", "-c", line), env={"PATH": PATH, **env}, cwd="/")


@define
class Stage:
    """Keepers, and what their children said."""

    keepers: Keepers
    said: bytes = b""
    children: list[ChildHandle] = field(factory=list)
    started: trio.Event = field(factory=trio.Event)

    async def run(self, command: str | Command, *, grace: float = 5.0) -> Exit:
        """Run a child to its end."""
        return await KeptChildren(self.keepers)(
            shell(command) if isinstance(command, str) else command,
            write=self._hear,
            grace=grace,
            started=self._greet,
        )

    async def ask(self, command: str | Command) -> str:
        """Run a child and return what it said."""
        self.said = b""
        assert await self.run(command) == Exit(0)
        return os.fsdecode(self.said)

    @asynccontextmanager
    async def running(self, line: str) -> AsyncIterator[ChildHandle]:
        """Have a child running while the block lasts."""
        async with trio.open_nursery() as nursery:
            yield await self.start(nursery, line)
            nursery.cancel_scope.cancel()

    async def start(self, nursery: trio.Nursery, line: str) -> ChildHandle:
        """Have a child running in a nursery."""
        self.started = trio.Event()
        nursery.start_soon(self.run, line)
        with trio.fail_after(PATIENCE):
            await self.started.wait()
        return self.children[-1]

    async def lose(self, line: str, act: Callable[[int], None]) -> ChildHandle:
        """Have a child running, do something to its id, and demand that it is lost of that."""

        def greet(child: ChildHandle) -> None:
            self.children.append(child)
            act(child.pid)

        with trio.fail_after(PATIENCE), pytest.raises(KeeperLostError):
            await KeptChildren(self.keepers)(shell(line), write=self._hear, grace=5.0, started=greet)
        return self.children[-1]

    @property
    def server(self) -> int:
        assert self.keepers._server is not None
        return self.keepers._server.pid

    def find_keepers(self) -> list[int]:
        return list(find_children(self.server))

    def _hear(self, chunk: bytes) -> None:
        self.said += chunk

    def _greet(self, child: ChildHandle) -> None:
        self.children.append(child)
        self.started.set()


@pytest.fixture
def stage(keepers: Keepers) -> Stage:
    return Stage(keepers)


def count_descriptors(*pids: int) -> int:
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
