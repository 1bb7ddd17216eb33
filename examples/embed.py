"""Runs specs inside a program of your own: sessions are async callables, in a nursery that is yours.

Try it: `python examples/embed.py`. It works in a temporary folder and says what happens.
"""

import tempfile
from collections.abc import AsyncIterator

import trio
from attrs import define

import aad
from aad.config import RetrySettings, RunSettings

# Retries need not wait here; everything else keeps its default.
CONFIG = aad.OrchestratorConfig(
    orchestrator=RunSettings(max_parallel_sessions=2, retries=RetrySettings(delay=0))
)


@define
class Newspaper:
    """What the sessions work on; the escalation handler may mend it."""

    headline: str = ""

    async def set_type(self, session: aad.ChildSession) -> None:
        """Work in steps, and say how far it is."""
        for page in range(1, 5):
            await trio.sleep(0.01)
            session.report(page / 4, f"page {page} of 4")

    async def fetch_pictures(self, session: aad.ChildSession) -> None:
        """Fail once in a way that passes by itself: it is tried again without anybody's help."""
        if session.attempt == 1:
            message = "the picture agency is busy"
            raise aad.TransientError(message)

    async def print_it(self, session: aad.ChildSession) -> None:
        """Fail until somebody gives the paper a headline."""
        if not self.headline:
            message = "the front page has no headline"
            raise LookupError(message)
        session.write(f"printed: {self.headline}\n")

    async def decide(self, log: aad.EscalationLog) -> aad.Decision | None:
        """Mend what can be mended and have it tried again; leave the rest to policy."""
        if log.spec_id != "PRINT" or log.failure is None:
            return None
        print(f"  parent session: {log.failure.message}")
        self.headline = "Specs carried out in parallel"
        return aad.Decision(action=aad.Action.RETRY, text="headline written")


async def tell(events: AsyncIterator[aad.Event]) -> None:
    """Say what happens while it happens."""
    async for event in events:
        match event:
            case aad.SessionStarted():
                print(f"  {event.spec} started, attempt {event.attempt}")
            case aad.SessionProgress():
                print(f"  {event.spec} at {event.progress:.0%}: {event.message}")
            case aad.RetryScheduled():
                print(f"  {event.spec} is tried again")
            case aad.SessionCompleted():
                print(f"  {event.spec} completed")
            case aad.SessionCancelled():
                print(f"  {event.spec} cancelled")


async def run_to_the_end(folder: str) -> None:
    """Run three specs; two of them need a second attempt."""
    print("A run to its end:")
    paper = Newspaper()
    async with aad.open_orchestrator(CONFIG, root=folder, escalation_handler=paper.decide) as orchestrator:
        orchestrator.register_spec("TYPE", run=paper.set_type, title="Set the type")
        orchestrator.register_spec("PICTURES", run=paper.fetch_pictures, title="Fetch the pictures")
        orchestrator.register_spec("PRINT", run=paper.print_it, depends_on=["TYPE", "PICTURES"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell, orchestrator.events())
            state = await orchestrator.run()
    print(f"  the run is {state.status}")


async def cancel_half_way(folder: str) -> None:
    """Cancel a run from outside, as any part of a Trio program may be cancelled."""
    print("A run that is cancelled:")
    async with aad.open_orchestrator(CONFIG, root=folder) as orchestrator:
        orchestrator.register_spec("CALLABLE", run=wait_for_ever)
        orchestrator.register_spec("PROCESS", run="sleep 600")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell, orchestrator.events())
            nursery.start_soon(cancel_when_both_run, orchestrator.events(), orchestrator)
            state = await orchestrator.run()
    print(f"  the run is {state.status}, and nothing is left running")


async def wait_for_ever(_: aad.ChildSession) -> None:
    """Stand for long work."""
    await trio.sleep_forever()


async def cancel_when_both_run(events: AsyncIterator[aad.Event], orchestrator: aad.Orchestrator) -> None:
    """End the run in order: children get SIGTERM, every session its final event."""
    running = 0
    async for event in events:
        running += isinstance(event, aad.SessionStarted)
        if running == 2:
            orchestrator.cancel()
            return


async def main() -> None:
    """Tell both stories in a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        await run_to_the_end(folder)
        await cancel_half_way(folder)


if __name__ == "__main__":
    trio.run(main)
