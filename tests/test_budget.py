"""What may be used of a model, and how far it is used up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.budget import Account, Bounds, Spent, add_usage, keep_cost, sum_usages, take_share
from aad.events import Usage

COUNTS = st.integers(0, 10**9)
USAGES = st.builds(
    Usage,
    input=COUNTS,
    cached=COUNTS,
    output=COUNTS,
    cost_usd=st.none() | st.integers(0, 1000).map(float),
    turns=COUNTS,
)


# Sums.


def test_usages_are_added_counter_by_counter() -> None:
    one = Usage(input=1, cached=2, output=3, cost_usd=0.25, turns=4)
    other = Usage(input=10, cached=20, output=30, cost_usd=0.5, turns=40)

    both = add_usage(one, other)

    assert both == Usage(input=11, cached=22, output=33, cost_usd=0.75, turns=44)


@pytest.mark.parametrize(
    ("one", "other", "both"), [(None, None, None), (None, 0.5, 0.5), (0.5, None, 0.5), (0.0, None, 0.0)]
)
def test_a_cost_that_nobody_tells_is_none_and_never_zero(
    one: float | None, other: float | None, both: float | None
) -> None:
    assert add_usage(Usage(cost_usd=one), Usage(cost_usd=other)) == Usage(cost_usd=both)


@given(st.lists(USAGES))
def test_a_sum_is_the_same_in_any_order(usages: list[Usage]) -> None:
    assert sum_usages(usages) == sum_usages(reversed(usages))


# The share of a figure.


def test_what_is_new_is_what_was_not_counted_before() -> None:
    before = Usage(input=100, cached=50, output=10, cost_usd=0.5)
    figure = Usage(input=150, cached=90, output=10, cost_usd=0.75, turns=3)

    share = take_share(figure, before)

    assert share == Usage(input=50, cached=40, output=0, cost_usd=0.25, turns=3)


def test_a_counter_that_went_down_began_anew_and_the_others_did_not() -> None:
    before = Usage(input=100, output=10, cost_usd=1.0)

    share = take_share(Usage(input=30, output=15, cost_usd=0.25), before)

    assert share == Usage(input=30, output=5, cost_usd=0.25)


def test_a_figure_without_a_cost_has_no_share_of_one() -> None:
    assert take_share(Usage(input=5), Usage(input=1, cost_usd=1.0)) == Usage(input=4)


def test_the_first_cost_that_is_told_is_all_new() -> None:
    assert take_share(Usage(cost_usd=0.5), Usage()) == Usage(cost_usd=0.5)


@given(USAGES, USAGES)
def test_no_share_is_ever_negative_nor_more_than_the_figure(figure: Usage, before: Usage) -> None:
    share = take_share(figure, before)

    assert 0 <= share.input <= figure.input
    assert 0 <= share.turns <= figure.turns
    assert (share.cost_usd is None) == (figure.cost_usd is None)
    assert 0 <= (share.cost_usd or 0) <= (figure.cost_usd or 0)


def test_a_cost_that_is_not_told_again_is_as_it_was() -> None:
    assert keep_cost(Usage(input=2), Usage(input=1, cost_usd=0.5)) == Usage(input=2, cost_usd=0.5)


# Bounds.


@pytest.mark.parametrize(
    ("spent", "words"),
    [
        (Spent("turns", 8, 10), "8 of 10 turns"),
        (Spent("tokens", 1234567, 2000000), "1,234,567 of 2,000,000 tokens"),
        (Spent("cost", 1.5, 2), "1.50 of 2.00 USD"),
    ],
)
def test_how_much_is_used_is_told_in_its_unit(spent: Spent, words: str) -> None:
    assert str(spent) == words


# Accounts.


def test_an_account_without_bounds_is_never_used_up() -> None:
    account = Account()

    account.add(Usage(input=10**12, output=10**12, cost_usd=1e9, turns=10**9))

    assert (account.worst, account.exceeded, account.warn()) == (None, None, None)


def test_tokens_are_those_read_and_those_written_and_the_cached_are_among_them() -> None:
    account = Account(Bounds(tokens=100))

    account.add(Usage(input=60, cached=50, output=30))

    assert account.worst == Spent("tokens", 90, 100)


def test_the_bound_of_which_most_is_used_counts() -> None:
    account = Account(Bounds(turns=10, tokens=100, cost_usd=1.0))

    account.add(Usage(input=50, cost_usd=0.9, turns=3))

    assert account.worst == Spent("cost", 0.9, 1.0)


def test_a_cost_that_is_not_told_exceeds_nothing() -> None:
    account = Account(Bounds(cost_usd=0.01))

    account.add(Usage(input=10**9))

    assert account.worst is None


@pytest.mark.parametrize(("used", "exceeded"), [(99, None), (100, Spent("tokens", 100, 100))])
def test_a_bound_is_exceeded_once_all_of_it_is_used(used: int, exceeded: Spent | None) -> None:
    account = Account(Bounds(tokens=100), Usage(input=used))

    assert account.exceeded == exceeded


@pytest.mark.parametrize(("used", "warning"), [(79, None), (80, Spent("tokens", 80, 100))])
def test_people_are_warned_at_eighty_per_cent(used: int, warning: Spent | None) -> None:
    account = Account(Bounds(tokens=100), Usage(output=used))

    assert account.warn() == warning


def test_people_are_warned_once() -> None:
    account = Account(Bounds(tokens=100, turns=10), Usage(input=80))

    account.warn()
    account.add(Usage(input=5, turns=9))

    assert account.warn() is None
