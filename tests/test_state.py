"""What is known is a fold over events; every session ends exactly once."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from aad import events
from aad.errors import IllegalTransitionError
from aad.state import ENDS, FINAL, RESULTS, TRANSITIONS, RunState, Status

STARTED = events.SessionStarted(spec="A", attempt=1, pid=7, log="a.log", ts=5.0)
DONE = events.SessionCompleted(spec="A", attempt=1, duration_s=2.0)
FAILURE = events.Failure(reason=events.Reason.EXIT_CODE, exit_code=1)


def make_state(*history: events.Event) -> RunState:
    state = RunState(run="r")
    for event in history:
        state.check(event)
        state.apply(event)
    return state


def plan(*entries: events.PlanEntry) -> events.PlanMade:
    return events.PlanMade(specs=entries, waves=())


def test_a_session_runs_and_completes() -> None:
    session = make_state(STARTED, DONE).sessions["r/A"]

    assert (session.status, session.attempt, session.progress, session.duration_s, session.pid) == (
        Status.COMPLETED, 1, 1.0, 2.0, None,
    )  # fmt: skip


@pytest.mark.parametrize("end", [kind(spec="A") for kind in ENDS])  # type: ignore[call-arg]
def test_no_event_follows_a_final_one(end: events.SessionEnded) -> None:
    state = make_state(STARTED, end)

    for kind in (STARTED, *(kind(spec="A") for kind in ENDS)):  # type: ignore[call-arg]
        with pytest.raises(IllegalTransitionError):
            state.check(kind)


def test_a_retry_leads_back_to_pending_and_to_the_next_attempt() -> None:
    retry = events.RetryScheduled(spec="A", attempt=1, delay_s=1.0, failure=FAILURE)
    state = make_state(STARTED, retry)
    session = state.sessions["r/A"]
    between = (session.status, session.failure)
    state.apply(events.SessionStarted(spec="A", attempt=2))

    assert between == (Status.PENDING, FAILURE)
    assert (session.status, session.attempt, session.failure) == (Status.RUNNING, 2, None)


def test_what_was_complete_before_is_known_and_not_counted() -> None:
    state = make_state(
        plan(events.PlanEntry(id="A", status="complete"), events.PlanEntry(id="B", title="Two"))
    )

    assert state.completed == {"A"}
    assert state.count() == {Status.PENDING: 1}
    assert state.sessions["r/B"].title == "Two"


def test_a_resumed_run_forgets_all_but_what_is_complete() -> None:
    start = events.RunStarted(pid=1, version="1", jobs=2, schedule="eager", run="r", ts=1.0)
    state = make_state(
        start,
        STARTED,
        DONE,
        events.SessionStarted(spec="B", attempt=3),
        events.SessionFailed(spec="C", failure=FAILURE),
        events.RunFinished(status="failed", exit_code=1, duration_s=9.0, ts=8.0),
        events.RunStarted(pid=2, version="1", jobs=2, schedule="eager", run="r", ts=20.0, resumed=True),
    )

    assert {s.spec_id: s.status for s in state.sessions.values()} == {
        "A": Status.COMPLETED,
        "B": Status.PENDING,
        "C": Status.PENDING,
    }
    assert state.sessions["r/B"].attempt == 3
    assert (state.started, state.ended, state.status, state.pid) == (1.0, None, "running", 2)


def test_a_run_that_was_killed_took_the_time_to_its_last_event_less_what_it_stood_still() -> None:
    def start(ts: float) -> events.RunStarted:
        return events.RunStarted(pid=1, version="1", jobs=2, schedule="eager", run="r", ts=ts)

    state = make_state(
        start(10.0),
        evolve(STARTED, ts=12.0),
        events.Paused(ts=13.0),
        events.Resumed(pause_s=5.0, ts=18.0),
        evolve(DONE, ts=20.0),
        start(100.0),
        events.RunFinished(status="completed", exit_code=0, duration_s=2.5, ts=102.5),
    )

    assert state.duration_s == 10.0 - 5.0 + 2.5


def test_a_session_knows_where_it_worked_and_the_run_what_came_of_it() -> None:
    state = make_state(
        events.RunStarted(pid=1, version="1", jobs=2, schedule="eager", run="r", base="ba5e"),
        events.WorkspaceReady(spec="A", attempt=1, workspace="/w/A", isolation="worktree", base="ba5e"),
        STARTED,
        events.Integrated(spec="A", attempt=1, branch="aad/A", commit="c0", target="aad/run/r", result="fa"),
        DONE,
    )
    session = state.sessions["r/A"]

    assert (session.workspace, session.base, session.branch, session.commit) == (
        "/w/A", "ba5e", "aad/A", "c0",
    )  # fmt: skip
    assert (state.base, state.branch, state.result) == ("ba5e", "aad/run/r", "fa")


def test_a_conflict_is_known_until_the_work_is_integrated() -> None:
    conflict = events.Failure(reason=events.Reason.CONFLICT, files=("a.py",), blocked_by=("A", "B"))
    start = events.RunStarted(pid=2, version="1", jobs=2, schedule="eager", run="r", resumed=True)
    failed = (
        STARTED,
        events.RolledBack(spec="A", attempt=1, ref="refs/aad/r/A/1", commit="c0", base="ba5e"),
        events.SessionFailed(spec="A", attempt=1, failure=conflict),
        start,
    )
    integrated = events.Integrated(spec="A", branch="aad/A", commit="c1", target="aad/run/r", result="fa")

    known = [make_state(*failed).sessions["r/A"], make_state(*failed, integrated).sessions["r/A"]]

    assert [(session.conflict, session.commit) for session in known] == [(conflict, None), (None, "c1")]


def test_progress_keeps_what_is_not_said_again() -> None:
    session = make_state(
        STARTED,
        events.SessionProgress(spec="A", attempt=1, progress=0.5, message="half"),
        events.SessionProgress(spec="A", attempt=1, eta_s=3.0),
    ).sessions["r/A"]

    assert (session.progress, session.message, session.eta_s) == (0.5, "half", 3.0)


def test_each_event_leads_to_one_status_wherever_it_is_allowed() -> None:
    for row in TRANSITIONS.values():
        assert all(RESULTS[kind] is status for kind, status in row.items())


# --- any order of events ---


def start(resumed: bool) -> events.RunStarted:
    return events.RunStarted(pid=1, version="1", jobs=2, schedule="eager", run="r", ts=1.0, resumed=resumed)


SPECS = st.sampled_from(["A", "B", "C"])
KINDS: tuple[Callable[..., Any], ...] = (
    events.SessionStarted,
    partial(events.RetryScheduled, delay_s=0.0),
    events.SessionWaiting,
    events.SessionProgress,
    *ENDS,
)
SESSION_EVENTS = st.one_of([st.builds(kind, spec=SPECS, attempt=st.integers(0, 3)) for kind in KINDS])


class AnyOrder(RuleBasedStateMachine):
    """Feeds a run's state whatever comes, as `emit` does: checked first, and applied if it may come."""

    def __init__(self) -> None:
        super().__init__()
        self.state = RunState(run="r")
        self.accepted: list[events.Event] = []
        # Of this segment: what was complete when it began, and how many final events each session has had.
        self.complete: frozenset[str] = frozenset()
        self.ends: Counter[str] = Counter()

    @initialize()
    def begin(self) -> None:
        self.feed(start(resumed=False))

    @rule(before=st.sets(SPECS))
    def resume(self, before: set[str]) -> None:
        """Go on with the run; some specs are complete by now without its doing."""
        self.feed(start(resumed=True))
        self.feed(plan(*(events.PlanEntry(id=spec, status="complete") for spec in sorted(before))))
        self.complete, self.ends = self.state.completed, Counter()

    @rule()
    def finish(self) -> None:
        self.feed(events.RunFinished(status="failed", exit_code=1, duration_s=1.0, ts=2.0))

    @rule(event=SESSION_EVENTS)
    def happen(self, event: events.SessionEvent) -> None:
        before = deepcopy(self.state)
        session = before.sessions.get(f"r/{event.spec}")
        status = Status.PENDING if session is None else session.status
        try:
            self.feed(event)
        except IllegalTransitionError:
            assert self.state == before
            assert type(event) not in TRANSITIONS[status]
        else:
            self.ends[event.spec] += type(event) in ENDS
            assert type(event) not in RESULTS or type(event) in TRANSITIONS[status]

    def feed(self, event: events.Event) -> None:
        self.state.check(event)
        self.state.apply(event)
        self.accepted.append(event)

    @invariant()
    def each_session_that_ended_has_exactly_one_final_event_in_a_segment(self) -> None:
        for session in self.state.sessions.values():
            carried = session.spec_id in self.complete
            assert self.ends[session.spec_id] == ((session.status in FINAL) and not carried)

    @invariant()
    def what_was_complete_stays_so(self) -> None:
        assert self.complete <= self.state.completed

    @invariant()
    def the_events_tell_it_all_again(self) -> None:
        assert make_state(*self.accepted) == self.state


@pytest.mark.parametrize("examples", [60, pytest.param(2_000, marks=pytest.mark.slow)])
def test_whatever_comes_each_session_ends_once_and_the_events_tell_it_all_again(examples: int) -> None:
    run_state_machine_as_test(AnyOrder, settings=settings(max_examples=examples))


def test_what_left_the_run_is_no_part_of_it_and_counts_for_nothing() -> None:
    state = make_state(plan(events.PlanEntry(id="A"), events.PlanEntry(id="B")))

    state.apply(events.PlanMade(specs=(events.PlanEntry(id="A"),), waves=(), removed=("B",)))

    assert (list(state.planned), list(state.sessions), state.count()) == (
        ["A"],
        ["r/A"],
        Counter({Status.PENDING: 1}),
    )


def test_what_comes_back_goes_on_with_its_next_attempt() -> None:
    started = events.RunStarted(run="r", pid=1, version="0.1.0", jobs=1, schedule="eager", resumed=True)
    state = make_state(plan(events.PlanEntry(id="A")), STARTED, events.SessionFailed(spec="A", attempt=1))
    for event in (started, events.PlanMade(specs=(), waves=(), removed=("A",)), started):
        state.apply(event)

    state.apply(plan(events.PlanEntry(id="A")))

    session = state.sessions["r/A"]
    assert (session.status, session.attempt) == (Status.PENDING, 1)


def test_a_pause_lasts_until_the_run_goes_on_or_another_one_takes_it_up() -> None:
    started = events.RunStarted(run="r", pid=1, version="0.1.0", jobs=1, schedule="eager", resumed=True)
    state = make_state(started, STARTED)
    seen: list[tuple[str, float | None]] = []

    for event in (events.Paused(ts=9.0), events.Resumed(pause_s=60.0), events.Paused(ts=80.0), started):
        state.apply(event)
        seen.append((state.status, state.paused))

    assert seen == [("paused", 9.0), ("running", None), ("paused", 80.0), ("running", None)]


def test_only_what_ran_during_a_pause_stood_still_for_it() -> None:
    state = make_state(STARTED, events.Resumed(pause_s=60.0), events.SessionStarted(spec="B", attempt=1))

    state.apply(events.Resumed(pause_s=5.0, cause=events.Pause.SLEPT))

    assert (state.stood_s, [session.stood_s for session in state.sessions.values()]) == (65.0, [65.0, 5.0])
