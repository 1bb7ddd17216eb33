"""How a run ended: what weighs more comes first."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.ending import Ending, judge_run
from aad.events import PlanEntry, PlanMade
from aad.state import RunState, Session, Status

DONE = {"A": Status.COMPLETED}
WAITS = {**DONE, "B": Status.WAITING}
FAILS = {**DONE, "B": Status.FAILED}
WAITS_AND_FAILS = {**WAITS, "C": Status.FAILED}
ENDINGS = st.builds(
    Ending,
    finished=st.booleans(),
    overdue=st.booleans(),
    aborted=st.booleans(),
    interrupted=st.booleans(),
    crashed=st.booleans(),
    record_lost=st.booleans(),
    signal=st.none() | st.integers(1, 64),
)
STATUSES = st.dictionaries(st.sampled_from("ABCD"), st.sampled_from(list(Status)))


def state_of(statuses: Mapping[str, Status]) -> RunState:
    sessions = {name: Session(id=name, spec_id=name, status=status) for name, status in statuses.items()}
    return RunState(sessions=sessions)


@pytest.mark.parametrize(
    ("ending", "statuses", "judged"),
    [
        # 3 > 128+n > 124 > 4 > 1 > 0, each beside all that is lighter.
        (Ending(crashed=True, signal=15, overdue=True, record_lost=True), WAITS_AND_FAILS, ("failed", 3)),
        (
            Ending(signal=15, overdue=True, record_lost=True, aborted=True),
            WAITS_AND_FAILS,
            ("interrupted", 143),
        ),
        (Ending(signal=2, interrupted=True), DONE, ("interrupted", 130)),
        (Ending(overdue=True, record_lost=True, aborted=True), WAITS_AND_FAILS, ("timed_out", 124)),
        (Ending(overdue=True), DONE, ("timed_out", 124)),
        (Ending(record_lost=True, aborted=True, finished=True), WAITS_AND_FAILS, ("interrupted", 4)),
        (Ending(record_lost=True), FAILS, ("interrupted", 4)),
        (Ending(finished=True), WAITS_AND_FAILS, ("waiting", 4)),
        (Ending(finished=True), WAITS, ("waiting", 4)),
        (Ending(aborted=True), WAITS_AND_FAILS, ("waiting", 4)),
        (Ending(finished=True), FAILS, ("failed", 1)),
        (Ending(aborted=True), FAILS, ("failed", 1)),
        (Ending(finished=True), DONE, ("completed", 0)),
        (Ending(finished=True), {}, ("completed", 0)),
        # Ended by a caller's cancellation, or by a bug: not finished, and nobody says why.
        (Ending(), DONE, ("interrupted", 1)),
        (Ending(interrupted=True), FAILS, ("interrupted", 1)),
    ],
)
def test_what_weighs_more_comes_first(
    ending: Ending, statuses: Mapping[str, Status], judged: tuple[str, int]
) -> None:
    assert judge_run(ending, state_of(statuses)) == judged


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.COMPLETED])
def test_a_run_is_complete_only_if_every_session_is(status: Status) -> None:
    _, exit_code = judge_run(Ending(finished=True), state_of({**DONE, "B": status}))

    assert exit_code == (4 if status is Status.WAITING else 1)


def test_what_was_complete_before_the_run_does_not_count() -> None:
    state = state_of(DONE)
    state.sessions["A"].done_before = True

    assert judge_run(Ending(finished=True), state) == ("completed", 0)


@given(ending=ENDINGS, statuses=STATUSES)
def test_exit_0_is_for_a_finished_run_whose_every_session_is_complete(
    ending: Ending, statuses: Mapping[str, Status]
) -> None:
    _, exit_code = judge_run(ending, state_of(statuses))

    cut_short = ending.crashed or ending.signal is not None or ending.overdue or ending.record_lost
    complete = set(statuses.values()) <= {Status.COMPLETED}
    assert (exit_code == 0) == (not cut_short and ending.finished and not ending.aborted and complete)


def test_what_an_earlier_segment_planned_and_this_one_does_not_counts_for_nothing() -> None:
    state = RunState(run="R")
    state.apply(PlanMade(specs=(PlanEntry(id="A"), PlanEntry(id="B")), waves=(("A", "B"),)))
    state.apply(PlanMade(specs=(PlanEntry(id="A"),), waves=(("A",),)))
    state.session("A").status = Status.COMPLETED

    assert judge_run(Ending(finished=True), state) == ("completed", 0)


def test_what_was_registered_besides_the_plan_counts() -> None:
    state = RunState(run="R")
    state.apply(PlanMade(specs=(PlanEntry(id="A"),), waves=(("A",),)))
    state.session("A").status = Status.COMPLETED
    state.session("B").status = Status.FAILED

    assert judge_run(Ending(finished=True), state) == ("failed", 1)
