"""Fakes for tests of programs that embed aad, and of aad itself; each keeps the contract of its real part."""

import signal
from collections import Counter
from collections.abc import AsyncIterable, Callable, Mapping, Sequence

import trio
from attrs import define, field, frozen

from aad.agents.base import Command, Exit
from aad.childhandle import ChildHandle
from aad.events import Event
from aad.process import SpawnError


@define
class Recorder:
    """Collects events; pass it where somebody takes events one by one."""

    events: list[Event] = field(factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def show(self, event: Event) -> None:
        """Take note of an event, as a display does."""
        self.events.append(event)

    def flush(self) -> None:
        """Tell nothing."""

    def tick(self, now: float) -> None:
        """Notice nothing."""

    def close(self) -> None:
        """Leave nothing."""

    @property
    def story(self) -> list[str]:
        """The events in short: `session_started A`, `run_finished`."""
        return [f"{event.type} {getattr(event, 'spec', '')}".rstrip() for event in self.events]


@define(eq=False)
class ScriptedChild:
    """A child that exists on paper only."""

    pid: int
    exit: Exit | None = None
    leaked: tuple[str, ...] = ()
    stuck: int = 0
    scope: trio.CancelScope = field(factory=trio.CancelScope)

    def kill(self) -> None:
        """End it at once."""
        self.exit = self.exit or Exit(None, signal.SIGKILL)
        self.scope.cancel()


@frozen(kw_only=True)
class Script:
    """What a scripted child does: write, to stderr and else, work for some seconds, write again, end.

    Asked to end before, it writes its `farewell` and ends as `farewell_end` says. `refused` stands for a
    child that cannot be started. One that is spoken to writes what `replies` makes of each thing it is told,
    when its work is done, until it is told no more.
    """

    errors: bytes = b""
    output: bytes = b""
    work: float = 0.0
    last_output: bytes = b""
    end: Exit = field(factory=lambda: Exit(0))
    farewell: bytes = b""
    farewell_end: Exit = field(factory=lambda: Exit(None, signal.SIGTERM))
    refused: SpawnError | None = None
    replies: Callable[[bytes], bytes] | None = None


@define
class ScriptedChildren:
    """Runs children by script, as `process.KeptChildren` would run them, but on Trio's clock alone.

    `scripts` has one for each command's last word, or several for its first start, its second and so on;
    what has none ends well at once. `commands` collects what was started.
    """

    scripts: Mapping[str, Script | Sequence[Script]] = field(factory=dict)
    commands: list[Command] = field(factory=list)
    _starts: Counter[str] = field(factory=Counter)

    async def __call__(
        self,
        command: Command,
        *,
        write: Callable[[bytes], None],
        grace: float,
        started: Callable[[ChildHandle], None],
        write_error: Callable[[bytes], None] | None = None,
        stdin: AsyncIterable[bytes] | None = None,
    ) -> Exit:
        """Play the script of a command."""
        del grace  # a scripted child ends when it is asked to
        self.commands.append(command)
        script = self._next_script(command.argv[-1])
        if script.refused is not None:
            raise script.refused
        child = ScriptedChild(pid=10_000 + len(self.commands))
        started(child)
        (write_error or write)(script.errors)
        try:
            with child.scope:
                await _play(script, write, stdin)
                child.exit = script.end
        finally:
            if child.exit is None:
                write(script.farewell)
                child.exit = script.farewell_end
        return child.exit

    def _next_script(self, word: str) -> Script:
        scripts = self.scripts.get(word, Script())
        if isinstance(scripts, Script):
            return scripts
        self._starts[word] += 1
        return scripts[min(self._starts[word], len(scripts)) - 1]


async def _play(script: Script, write: Callable[[bytes], None], stdin: AsyncIterable[bytes] | None) -> None:
    write(script.output)
    await trio.sleep(script.work)
    if script.replies is not None and stdin is not None:
        async for words in stdin:
            write(script.replies(words))
    write(script.last_output)


async def sync_at_once(sync: Callable[[], None]) -> None:
    """Call the journal's sync as `Orchestrator(sync=…)` has it called, but in no thread.

    A thread takes real time, of which a mock clock that jumps knows nothing.
    """
    sync()
    await trio.lowlevel.checkpoint()
