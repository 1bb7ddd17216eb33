"""Waves, slots, order: starts each session once its dependencies are complete and a slot is free.

Each dependency wave runs in a nursery of its own; all share one CapacityLimiter. A session that has not
started is a row in a table, not a task. Knows nothing of what a session does.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

import trio
from attrs import define, field

from aad.plan import Plan, PlannedSpec, ReadyQueue
from aad.state import FINAL, Status

RunOne = Callable[[PlannedSpec, "Slot"], Awaitable[None]]


@define(eq=False)
class _Row:
    """A session on its way. `unmet` counts its dependencies that are not complete."""

    planned: PlannedSpec
    unmet: int
    started: bool = False
    settled: bool = False
    holds_slot: bool = False
    # It waits for a person.
    waits: bool = False
    # Set when a session that gave its slot back gets one again.
    granted: trio.Event | None = None

    @property
    def is_wanting(self) -> bool:
        """Whether a slot is any use to it: it has not begun, or asks for one again."""
        return not (self.settled or self.holds_slot) and (not self.started or self.granted is not None)


@define(eq=False)
class _Wave:
    """A wave's sessions; `over` when the last of them is settled."""

    open_rows: int = 0
    nursery: trio.Nursery | None = None
    over: trio.Event = field(factory=trio.Event)

    async def run(self, *, task_status: trio.TaskStatus[trio.Nursery]) -> None:
        async with trio.open_nursery() as nursery:
            task_status.started(nursery)
            await self.over.wait()


@define(eq=False)
class Slot:
    """A session's place among those that run. The session gives it back while it only waits."""

    _scheduler: "Scheduler"
    _row: _Row

    @property
    def held(self) -> bool:
        """Whether it is held."""
        return self._row.holds_slot

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more is to be started."""
        return self._scheduler.stopped

    async def wait_stopped(self) -> None:
        """Wait until nothing more is to be started."""
        await self._scheduler.wait_stopped()

    def release(self) -> None:
        """Give the slot back; harmless where none is held."""
        self._scheduler.release(self._row)

    async def acquire(self, *, after: float = 0.0) -> bool:
        """Wait `after` seconds, then in order for a slot; False once the run starts nothing more."""
        return await self._scheduler.acquire(self._row, after=after)

    def wait(self) -> None:
        """Give the slot back and wait for a person."""
        self._scheduler.note_waiting(self._row, waits=True)

    def go_on(self) -> None:
        """Wait for a person no longer; harmless where it did not."""
        self._scheduler.note_waiting(self._row, waits=False)


@define(eq=False, kw_only=True)
class Scheduler:
    """Carries out one plan.

    `run_one` runs a session to its end; `status_of` then tells how it ended, and `is_waived` whether others
    may run without it where that was no success. `skip` is told of each spec that will not be started, and by
    which spec it is blocked (None: by nobody, the run starts no more). `stood_still` is told when none but
    waiting sessions are left, and when that is over.
    """

    plan: Plan
    run_one: RunOne
    status_of: Callable[[str], Status]
    skip: Callable[[str, str | None], None]
    limiter: trio.CapacityLimiter
    is_waived: Callable[[str], bool] = lambda _: False
    stood_still: Callable[[bool], None] = lambda _: None
    schedule: Literal["eager", "waves"] = "eager"
    fail_fast: bool = False
    stopped_by: str | None = field(default=None, init=False)
    _rows: dict[str, _Row] = field(init=False)
    _waves: list[_Wave] = field(init=False)
    _queue: ReadyQueue = field(factory=ReadyQueue, init=False)
    _active: int = field(default=0, init=False)
    _waiting: int = field(default=0, init=False)
    _stands_still: bool = field(default=False, init=False)
    _current: int = field(default=0, init=False)
    _stopped: trio.Event = field(factory=trio.Event, init=False)
    _changed: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        specs = self.plan.specs
        left = {planned.id: planned for planned in specs.values() if not planned.done}
        self._rows = {
            spec_id: _Row(planned, sum(needed in left for needed in planned.depends_on))
            for spec_id, planned in left.items()
        }
        self._waves = [_Wave() for _ in self.plan.waves]
        for planned in left.values():
            self._waves[planned.wave].open_rows += 1

    async def run(self) -> None:
        """Run all sessions to their ends. Cancelled, it leaves those that were not started as they are."""
        self._advance_wave()
        for row in self._rows.values():
            self._queue_if_ready(row)
        async with trio.open_nursery() as waves:
            while True:
                await self._start_ready(waves)
                if self._active == 0:
                    break
                self._look_around()
                await self._changed.wait()
                self._changed = trio.Event()
            for wave in self._waves:
                wave.over.set()

    def stop(self, after: str | None = None) -> None:
        """Start nothing more; what runs goes on to its end. `after` is the spec whose failure is why."""
        self.stopped_by = after
        self._stopped.set()
        for row in self._rows.values():
            if row.granted is not None:
                row.granted.set()
            elif not row.started and not row.settled:
                self.skip(row.planned.id, None)
                self._settle(row)
        self._changed.set()

    @property
    def stopped(self) -> bool:
        """Whether nothing more is started."""
        return self._stopped.is_set()

    async def wait_stopped(self) -> None:
        """Wait until nothing more is started."""
        await self._stopped.wait()

    def note_waiting(self, row: _Row, *, waits: bool) -> None:
        """Take note whether a row waits for a person; then it needs no slot."""
        if waits == row.waits:
            return
        row.waits = waits
        self._waiting += 1 if waits else -1
        self._changed.set()
        if waits:
            self.release(row)
        else:
            self._look_around()

    def _look_around(self) -> None:
        """Tell when none but waiting sessions are left, and when that is over."""
        still = self._active == self._waiting > 0
        if still != self._stands_still:
            self._stands_still = still
            self.stood_still(still)

    def note_ended(self, spec_id: str) -> None:
        """Take note that a session which was not started here has ended elsewhere."""
        row = self._rows.get(spec_id)
        if row is not None and not row.started and not row.settled:
            self._conclude(row)
            self._changed.set()

    def leave_out(self, spec_id: str) -> None:
        """Take note, before anything is started, that a session was over when the run began."""
        row = self._rows.get(spec_id)
        if row is None or row.settled:
            return
        self._settle(row)
        if self.is_waived(spec_id):
            self._open_dependents(row)
        else:
            self._skip_dependents(row)

    def release(self, row: _Row) -> None:
        """Free the slot of a row and what it excludes."""
        if row.holds_slot:
            row.holds_slot = False
            self.limiter.release_on_behalf_of(row)
            self._queue.release(row.planned)
            self._changed.set()

    async def acquire(self, row: _Row, *, after: float) -> bool:
        """Queue a row that runs for a slot, `after` seconds from now; False once nothing more is started."""
        with trio.move_on_after(after):
            await self._stopped.wait()
        if self._stopped.is_set():
            return False
        row.granted = trio.Event()
        self._queue.add(row.planned)
        self._changed.set()
        try:
            await row.granted.wait()
        finally:
            # Whoever gives up is still queued, and is passed over when its turn comes.
            row.granted = None
        return row.holds_slot

    async def _start_ready(self, waves: trio.Nursery) -> None:
        """Start what is ready while there are slots, the most urgent first."""
        while not self._stopped.is_set() and self.limiter.available_tokens >= 1:
            planned = self._queue.take()
            if planned is None:
                return
            row = self._rows[planned.id]
            if not row.is_wanting:
                self._queue.release(planned)
                continue
            self.limiter.acquire_on_behalf_of_nowait(row)
            row.started = row.holds_slot = True
            if row.granted is not None:
                row.granted.set()
                continue
            nursery = await self._open_wave(planned.wave, waves)
            self._active += 1
            nursery.start_soon(self._run_row, row, name=planned.id)

    async def _open_wave(self, number: int, waves: trio.Nursery) -> trio.Nursery:
        wave = self._waves[number]
        if wave.nursery is None:
            wave.nursery = await waves.start(wave.run, name=f"wave {number}")
        return wave.nursery

    async def _run_row(self, row: _Row) -> None:
        await self.run_one(row.planned, Slot(self, row))
        self.note_waiting(row, waits=False)
        self.release(row)
        self._active -= 1
        self._conclude(row)
        self._changed.set()

    def _conclude(self, row: _Row) -> None:
        """Let a session's end have its consequences for those that depend on it."""
        status = self.status_of(row.planned.id)
        self._settle(row)
        if status is Status.COMPLETED or (status in FINAL and self.is_waived(row.planned.id)):
            self._open_dependents(row)
        elif status is Status.WAITING:
            self._hold_dependents(row)
        else:
            self._skip_dependents(row)
            if self.fail_fast and not self._stopped.is_set():
                self.stop(row.planned.id)

    def _open_dependents(self, row: _Row) -> None:
        for spec_id in row.planned.dependents:
            if (dependent := self._rows.get(spec_id)) is not None:
                dependent.unmet -= 1
                self._queue_if_ready(dependent)

    def _hold_dependents(self, row: _Row) -> None:
        """Leave what depends on a waiting session pending: an answer and `--resume` bring it back."""
        for dependent in self._collect_dependents(row):
            self._settle(dependent)

    def _skip_dependents(self, row: _Row) -> None:
        for dependent in self._collect_dependents(row):
            self.skip(dependent.planned.id, row.planned.id)
            self._settle(dependent)

    def _collect_dependents(self, row: _Row) -> list[_Row]:
        """Return all unsettled rows that need this one, directly or through others."""
        found: dict[str, _Row] = {}
        stack = list(row.planned.dependents)
        while stack:
            dependent = self._rows.get(stack.pop())
            if dependent is None or dependent.settled or dependent.planned.id in found:
                continue
            found[dependent.planned.id] = dependent
            stack.extend(dependent.planned.dependents)
        return sorted(found.values(), key=lambda found_row: (found_row.planned.wave, found_row.planned.id))

    def _settle(self, row: _Row) -> None:
        """Note that nothing more comes of a row in this run."""
        if row.settled:
            return
        row.settled = True
        wave = self._waves[row.planned.wave]
        wave.open_rows -= 1
        if wave.open_rows == 0:
            wave.over.set()
            self._advance_wave()

    def _advance_wave(self) -> None:
        """Under the `waves` schedule, let the next wave begin when all before it are over."""
        if self.schedule == "eager":
            return
        before = self._current
        while self._current < len(self._waves) and self._waves[self._current].open_rows == 0:
            self._current += 1
        if self._current > before and self._current < len(self._waves):
            for spec_id in self.plan.waves[self._current]:
                if spec_id in self._rows:
                    self._queue_if_ready(self._rows[spec_id])

    def _queue_if_ready(self, row: _Row) -> None:
        in_turn = self.schedule == "eager" or row.planned.wave == self._current
        if row.unmet == 0 and in_turn and not row.settled and not self._stopped.is_set():
            self._queue.add(row.planned)
