"""Which runs have had their time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.config import RetentionSettings
from aad.retention import Hold, StoredRun, find_excess

DAY = 86400.0
UNBOUNDED = RetentionSettings(keep=0, max_age=0.0, max_size=0)


def stored(*rows: tuple[float, int | None], held: Hold | None = None) -> list[StoredRun]:
    """Return runs, the newest first, of an age in days and a size; they are called 1, 2, 3..."""
    return [
        StoredRun(id=str(number), age=days * DAY, size=size, held=held)
        for number, (days, size) in enumerate(rows, start=1)
    ]


def told(runs: list[StoredRun], bounds: RetentionSettings) -> list[str]:
    return [f"{excess.run.id} {excess.bound}" for excess in find_excess(runs, bounds)]


def test_no_runs_are_over_no_bound() -> None:
    assert find_excess([], RetentionSettings()) == []


def test_a_run_that_is_older_goes_and_one_of_just_that_age_stays() -> None:
    runs = stored((1, 0), (30, 0), (31, 0), (40, 0))

    assert told(runs, RetentionSettings()) == ["4 age", "3 age"]


def test_runs_beyond_the_count_go_oldest_first() -> None:
    runs = stored(*[(0, 0)] * 5)

    assert told(runs, RetentionSettings(keep=3)) == ["5 count", "4 count"]


def test_the_run_with_which_the_sum_gets_too_great_goes_and_all_before_it() -> None:
    runs = stored((0, 40), (0, 60), (0, 500), (0, 1), (0, None))

    assert told(runs, RetentionSettings(max_size=100)) == ["5 size", "4 size", "3 size"]


def test_what_goes_for_its_age_or_the_count_takes_no_room_from_the_others() -> None:
    runs = stored((0, 10), (99, 1000), (0, 10), (0, 1000))

    assert told(runs, RetentionSettings(keep=3, max_size=20)) == ["4 count", "2 age"]


@pytest.mark.parametrize("held", list(Hold))
def test_a_run_that_is_held_takes_room_whatever_else_speaks_against_it(held: Hold) -> None:
    (newest, old, young) = stored((0, 10), (99, 1000), (0, 10))
    runs = [newest, StoredRun(id=old.id, age=old.age, size=old.size, held=held), young]

    excess = find_excess(runs, RetentionSettings(max_size=20))

    assert [(each.run.id, each.bound, each.run.held) for each in excess] == [
        ("3", "size", None),
        ("2", "age", held),
    ]


def test_the_newest_stays_however_old_and_big_it_is_and_takes_its_room() -> None:
    runs = stored((999, 1000), (0, 1))

    assert told(runs, RetentionSettings(keep=1, max_size=100)) == ["2 count"]
    assert told(runs, RetentionSettings(max_size=100)) == ["2 size"]


def test_a_run_that_is_over_several_bounds_is_told_once() -> None:
    runs = stored((0, 1000), (99, 1000), (1, 1000))

    assert told(runs, RetentionSettings(keep=1, max_size=1)) == ["3 count", "2 age"]


def test_an_unknown_size_counts_as_nothing() -> None:
    assert told(stored((0, None), (0, 100), (0, None)), RetentionSettings(max_size=100)) == []


RUNS = st.lists(st.tuples(st.integers(0, 60), st.none() | st.integers(0, 50)), max_size=12)
BOUNDS = st.builds(
    RetentionSettings, keep=st.integers(0, 8), max_age=st.integers(0, 40), max_size=st.integers(0, 200)
)


@given(RUNS)
def test_zero_is_no_bound(rows: list[tuple[float, int | None]]) -> None:
    assert find_excess(stored(*rows), UNBOUNDED) == []


@given(RUNS, BOUNDS)
def test_what_stays_is_within_all_bounds_but_for_the_newest(
    rows: list[tuple[float, int | None]], bounds: RetentionSettings
) -> None:
    runs = stored(*rows)
    gone = {excess.run.id for excess in find_excess(runs, bounds)}

    others = [run for run in runs[1:] if run.id not in gone]

    size = sum(run.size or 0 for run in [*runs[:1], *others])
    assert all(run.age <= bounds.max_age or not bounds.max_age for run in others)
    assert not others or not bounds.keep or len(others) < bounds.keep
    assert not others or not bounds.max_size or size <= bounds.max_size


@given(RUNS, BOUNDS)
def test_what_is_left_is_left_again(rows: list[tuple[float, int | None]], bounds: RetentionSettings) -> None:
    runs = stored(*rows)
    gone = [excess.run for excess in find_excess(runs, bounds)]

    left = [run for run in runs if run not in gone]

    assert find_excess(left, bounds) == []
