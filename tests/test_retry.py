"""Again or not, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.config import RetrySettings
from aad.retry import TRANSIENT_TRIES, RetryPolicy


def policy(retries: int = 0, **settings: object) -> RetryPolicy:
    return RetryPolicy(retries, RetrySettings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("retries", "failures", "transient", "again"),
    [
        (0, 1, False, False),
        (1, 1, False, True),
        (1, 2, False, False),
        (0, 1, True, True),
        (0, TRANSIENT_TRIES, True, True),
        (0, TRANSIENT_TRIES + 1, True, False),
        (9, 9, True, True),
    ],
)
def test_retries_bound_plain_failures_and_transient_ones_have_their_own_bound(
    retries: int,
    failures: int,
    transient: bool,
    again: bool,
) -> None:
    assert policy(retries).allows(failures=failures, transient=transient) is again


def test_the_delay_doubles_up_to_the_longest() -> None:
    rule = policy(jitter=False)

    assert [rule.delay(n, lambda: 0.5) for n in range(1, 8)] == [10, 20, 40, 80, 160, 300, 300]


def test_a_constant_delay_stays() -> None:
    rule = policy(jitter=False, backoff="constant", delay=3.0)

    assert [rule.delay(n, lambda: 0.5) for n in (1, 2, 9)] == [3, 3, 3]


@given(failures=st.integers(1, 10_000), draw=st.floats(0, 1))
def test_jitter_shortens_to_no_less_than_half(failures: int, draw: float) -> None:
    exact = policy(jitter=False).delay(failures, lambda: draw)

    assert exact / 2 <= policy().delay(failures, lambda: draw) <= exact
