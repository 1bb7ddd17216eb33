"""Sessions start in order, side by side, never too many; a failure stops what needs it and nothing else."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
import trio
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from aad.plan import Plan, PlannedSpec, make_plan
from aad.scheduler import Scheduler, Slot
from aad.spec import Spec
from aad.state import Status

Ends = Mapping[str, Status]


@define
class Stage:
    """Plays sessions that take a second each, unless told otherwise, and notes what happens when."""

    plan: Plan
    slots: int
    ends: Ends = field(factory=dict)
    seconds: Mapping[str, float] = field(factory=dict)
    options: Mapping[str, Any] = field(factory=dict)
    times: dict[str, tuple[float, float]] = field(factory=dict)
    skipped: dict[str, str | None] = field(factory=dict)
    statuses: dict[str, Status] = field(factory=dict)
    most: int = 0
    running: int = 0
    scheduler: Scheduler = field(init=False)

    async def play(self) -> None:
        """Carry out the plan."""
        self.scheduler = Scheduler(
            plan=self.plan,
            run_one=self.run_one,
            status_of=lambda spec_id: self.statuses.get(spec_id, Status.PENDING),
            skip=self.skip,
            limiter=trio.CapacityLimiter(self.slots),
            **self.options,
        )
        await self.scheduler.run()

    async def run_one(self, planned: PlannedSpec, slot: Slot) -> None:
        begin = trio.current_time()
        self.running += 1
        self.most = max(self.most, self.running)
        self.statuses[planned.id] = Status.RUNNING
        await trio.sleep(self.seconds.get(planned.id, 1.0))
        self.running -= 1
        slot.release()
        self.statuses[planned.id] = self.ends.get(planned.id, Status.COMPLETED)
        self.times[planned.id] = (begin, trio.current_time())

    def skip(self, spec_id: str, blocked_by: str | None) -> None:
        self.statuses[spec_id] = Status.SKIPPED
        self.skipped[spec_id] = blocked_by

    @property
    def starts(self) -> dict[str, float]:
        return {spec_id: begin for spec_id, (begin, _) in sorted(self.times.items())}


def specs(*rows: tuple[str, str], **more: Any) -> list[Spec]:  # noqa: ANN401 - spec fields
    """Make specs from ids and what they need: `("C", "A B")`."""
    return [Spec(id=spec_id, depends_on=needs.split(), **more) for spec_id, needs in rows]


def stage(rows: Iterable[Spec], slots: int = 2, **kwargs: Any) -> Stage:  # noqa: ANN401 - Stage's
    return Stage(plan=make_plan(rows, slots=slots, done=kwargs.pop("done", ())), slots=slots, **kwargs)


DIAMOND = specs(("A", ""), ("B", "A"), ("C", "A"), ("D", "B C"))


async def test_a_diamond_runs_in_waves_and_side_by_side(autojump_clock: MockClock) -> None:
    play = stage(DIAMOND)

    await play.play()

    assert play.starts == {"A": 0, "B": 1, "C": 1, "D": 2}


async def test_never_more_run_than_there_are_slots(autojump_clock: MockClock) -> None:
    play = stage(specs(*((f"S{n:02}", "") for n in range(20))), slots=3)

    await play.play()

    assert (play.most, len(play.times)) == (3, 20)


async def test_eager_starts_a_session_once_its_own_dependencies_are_complete(
    autojump_clock: MockClock,
) -> None:
    rows = specs(("A", ""), ("B", ""), ("C", "A"))
    play = stage(rows, seconds={"B": 9.0})

    await play.play()

    assert play.starts == {"A": 0, "B": 0, "C": 1}


async def test_waves_wait_for_the_whole_wave_before(autojump_clock: MockClock) -> None:
    rows = specs(("A", ""), ("B", ""), ("C", "A"))
    play = stage(rows, seconds={"B": 9.0}, options={"schedule": "waves"})

    await play.play()

    assert play.starts == {"A": 0, "B": 0, "C": 9}


async def test_the_longest_remaining_path_goes_first(autojump_clock: MockClock) -> None:
    rows = specs(("A", ""), ("B", ""), ("C", "B"), ("D", "C"))
    play = stage(rows, slots=1)

    await play.play()

    assert play.starts == {"A": 2, "B": 0, "C": 1, "D": 3}


async def test_a_failure_skips_all_that_need_it_and_nothing_else(autojump_clock: MockClock) -> None:
    rows = specs(("A", ""), ("B", "A"), ("C", "B"), ("D", ""), ("E", "D"))
    play = stage(rows, ends={"A": Status.FAILED})

    await play.play()

    assert play.skipped == {"B": "A", "C": "A"}
    assert play.starts.keys() == {"A", "D", "E"}


async def test_fail_fast_starts_nothing_more_and_lets_the_rest_end(autojump_clock: MockClock) -> None:
    rows = specs(("A", ""), ("B", ""), ("C", ""), ("D", "B"))
    play = stage(rows, ends={"A": Status.FAILED}, seconds={"B": 3.0}, options={"fail_fast": True})

    await play.play()

    assert play.times == {"A": (0, 1), "B": (0, 3)}
    assert play.skipped == {"C": None, "D": None}


async def test_what_needs_a_waiting_session_stays_pending(autojump_clock: MockClock) -> None:
    play = stage(DIAMOND, ends={"B": Status.WAITING})

    await play.play()

    assert play.starts.keys() == {"A", "B", "C"}
    assert play.skipped == {}


async def test_a_wave_with_a_waiting_session_does_not_hold_up_the_next(autojump_clock: MockClock) -> None:
    rows = specs(("A", ""), ("B", ""), ("C", "B"))
    play = stage(rows, ends={"A": Status.WAITING}, options={"schedule": "waves"})

    await play.play()

    assert play.starts.keys() == {"A", "B", "C"}


async def test_what_is_done_is_not_run_and_holds_up_nothing(autojump_clock: MockClock) -> None:
    play = stage(DIAMOND, done={"A", "B"})

    await play.play()

    assert play.starts == {"C": 0, "D": 1}


async def test_specs_that_conflict_never_run_together(autojump_clock: MockClock) -> None:
    rows = [Spec(id="A", conflicts_with=["B"]), Spec(id="B"), Spec(id="C")]
    play = stage(rows, slots=3)

    await play.play()

    assert play.starts == {"A": 0, "B": 1, "C": 0}


async def test_specs_with_one_path_run_one_after_the_other(autojump_clock: MockClock) -> None:
    play = stage([Spec(id=f"S{n}", paths=["db/"]) for n in range(4)], slots=4)

    await play.play()

    assert sorted(play.starts.values()) == [0, 1, 2, 3]


async def test_a_slot_given_back_is_used_by_others_and_asked_for_again(autojump_clock: MockClock) -> None:
    asked: list[tuple[str, float, bool]] = []

    class Patient(Stage):
        async def run_one(self, planned: PlannedSpec, slot: Slot) -> None:
            if planned.id == "A":
                slot.release()
                await trio.sleep(0.5)
                asked.append(("A", trio.current_time(), await slot.acquire()))
            await super().run_one(planned, slot)

    rows = specs(("A", ""), ("B", ""))
    play = Patient(plan=make_plan(rows, slots=1), slots=1)

    await play.play()

    assert play.starts == {"A": 1, "B": 0}
    assert asked == [("A", 0.5, True)]


async def test_who_gave_up_asking_for_a_slot_gets_none_and_may_ask_again(autojump_clock: MockClock) -> None:
    held: list[tuple[float, bool]] = []

    class Fickle(Stage):
        async def run_one(self, planned: PlannedSpec, slot: Slot) -> None:
            if planned.id == "A":
                slot.release()
                await trio.sleep(0.5)
                for patience in (0.1, 0.1):
                    with trio.move_on_after(patience):
                        await slot.acquire()
                await trio.sleep(2.0)
                held.append((trio.current_time(), slot.held))
                await slot.acquire()
            await super().run_one(planned, slot)

    rows = specs(("A", ""), ("B", ""), ("C", ""))
    play = Fickle(plan=make_plan(rows, slots=1), slots=1)

    with trio.fail_after(10):
        await play.play()

    assert held == [(2.7, False)]
    assert play.starts == {"A": 2.7, "B": 0, "C": 1}


async def test_a_stopped_run_gives_no_slot_again(autojump_clock: MockClock) -> None:
    class Stopped(Stage):
        async def run_one(self, planned: PlannedSpec, slot: Slot) -> None:
            if planned.id == "A":
                slot.release()
                await trio.sleep(0.5)
                assert await slot.acquire() is False
            else:
                await trio.sleep(1)
                self.scheduler.stop()
            self.statuses[planned.id] = Status.FAILED

    rows = specs(("A", ""), ("B", ""))
    play = Stopped(plan=make_plan(rows, slots=1), slots=1)

    with trio.fail_after(10):
        await play.play()


async def test_an_end_elsewhere_opens_what_depends_on_it(autojump_clock: MockClock) -> None:
    play = stage(specs(("A", ""), ("B", ""), ("C", "B")), slots=1, seconds={"A": 5.0})

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play.play)
        await trio.sleep(1)
        waiting = "B" if "B" not in play.statuses else "A"
        play.statuses[waiting] = Status.COMPLETED
        play.scheduler.note_ended(waiting)

    assert waiting not in play.starts
    assert "C" in play.starts


async def test_a_bug_in_one_session_ends_the_run(autojump_clock: MockClock) -> None:
    class Broken(Stage):
        async def run_one(self, planned: PlannedSpec, slot: Slot) -> None:
            raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        await Broken(plan=make_plan(specs(("A", "")), slots=1), slots=1).play()


@st.composite
def graphs(draw: st.DrawFn) -> list[Spec]:
    size = draw(st.integers(1, 12))
    return [
        Spec(
            id=f"S{n:02}",
            depends_on=[f"S{m:02}" for m in draw(st.sets(st.integers(0, n - 1), max_size=3))] if n else [],
            paths=draw(st.lists(st.sampled_from("pq"), max_size=1)),
        )
        for n in range(size)
    ]


@settings(max_examples=60)
@given(rows=graphs(), slots=st.integers(1, 4), failing=st.sets(st.integers(0, 11)), waves=st.booleans())
def test_every_session_ends_or_is_skipped_and_order_holds(
    rows: list[Spec],
    slots: int,
    failing: set[int],
    waves: bool,
) -> None:
    ends = {f"S{n:02}": Status.FAILED for n in failing}
    play = stage(rows, slots, ends=ends, options={"schedule": "waves" if waves else "eager"})

    trio.run(play.play, clock=MockClock(autojump_threshold=0))

    assert play.times.keys() | play.skipped.keys() == {spec.id for spec in rows}
    assert not play.times.keys() & play.skipped.keys()
    assert play.most <= slots
    for spec in rows:
        if spec.id in play.times:
            assert all(play.times[need][1] <= play.times[spec.id][0] for need in spec.depends_on)
