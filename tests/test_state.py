"""What is known is a fold over events; every session ends exactly once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


SESSION_EVENTS = st.sampled_from(
    [
        events.SessionStarted(spec="A", attempt=1),
        events.RetryScheduled(spec="A", attempt=1, delay_s=0.0),
        events.SessionWaiting(spec="A", attempt=1),
        events.SessionProgress(spec="A", attempt=1, progress=0.1),
        *(kind(spec="A") for kind in ENDS),  # type: ignore[call-arg]
    ]
)


@given(st.lists(SESSION_EVENTS, max_size=30))
def test_any_order_of_events_leads_to_at_most_one_final_state(history: list[events.SessionEvent]) -> None:
    state, ends = RunState(run="r"), 0
    for event in history:
        try:
            state.check(event)
        except IllegalTransitionError:
            continue
        state.apply(event)
        ends += type(event) in ENDS

    assert ends == (state.session("A").status in FINAL)
