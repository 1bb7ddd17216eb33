"""What a run's id tells."""

import pytest

from aad.project import new_run_id, read_start


@pytest.mark.parametrize("seconds", [0, 1795383372, 4e9])
def test_the_id_of_a_run_tells_when_it_began(seconds: float) -> None:
    assert read_start(new_run_id(seconds + 0.75)) == seconds


@pytest.mark.parametrize(
    "name",
    ["", "latest", "20261122", "20261122-213612", "20261122-213612-7F3A", "20260230-000000-0000", "notes"],
)
def test_what_is_no_id_of_a_run_tells_nothing(name: str) -> None:
    assert read_start(name) is None
