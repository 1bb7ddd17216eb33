"""How what a session uses is counted, and what becomes of it where that is too much."""

import pytest
from attrs import define, evolve, field

from aad.budget import Account, Bounds
from aad.events import EscalationKind, Reason, SessionProgress, Usage
from aad.meter import Meter
from aad.state import Session


@define
class Booth:
    """A meter, with all that it tells. The record is kept as the journal's fold would keep it."""

    known: Session = field(factory=lambda: Session(id="run/A", spec_id="A"))
    own: Account = field(factory=Account)
    run: Account = field(factory=Account)
    told: list[SessionProgress] = field(factory=list)
    warned: list[tuple[str, EscalationKind]] = field(factory=list)
    ended: list[tuple[Reason, str]] = field(factory=list)
    meter: Meter = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.meter = Meter(known=self.known, own=self.own, run=self.run, tell=self.tell, warn=self.warn)

    def tell(self, event: SessionProgress) -> None:
        self.told.append(event)
        self.known.apply(event)

    def warn(self, message: str, kind: EscalationKind) -> None:
        self.warned.append((message, kind))

    def end(self, reason: Reason, message: str = "") -> None:
        self.ended.append((reason, message))

    def begin(self, attempt: int, agent_session: str = "s1", *, goes_on: bool = True) -> None:
        """Begin an attempt in a session of the agent's."""
        self.meter.begin(self.own.bounds)
        self.meter.open(attempt, agent_session, goes_on=goes_on)

    def count(self, attempt: int, *figures: Usage) -> Usage:
        """Take in figures; return what the attempt used by the record."""
        for figure in figures:
            self.meter.take(attempt, figure, self)
        return self.known.usages[attempt]


@pytest.fixture
def booth() -> Booth:
    return Booth()


# What is new.


def test_what_an_attempt_used_is_what_its_agent_told_last(booth: Booth) -> None:
    booth.begin(1)

    share = booth.count(1, Usage(input=10, output=1, turns=1), Usage(input=30, output=4, turns=2))

    assert share == booth.meter.used == booth.own.usage == booth.run.usage
    assert share == Usage(input=30, output=4, turns=2)


def test_each_figure_is_recorded_as_what_the_attempt_used_so_far(booth: Booth) -> None:
    booth.begin(1)

    booth.count(1, Usage(input=10), Usage(input=30))

    assert booth.told == [
        SessionProgress(spec="A", attempt=1, agent_session="s1"),
        SessionProgress(spec="A", attempt=1, usage=Usage(input=10)),
        SessionProgress(spec="A", attempt=1, usage=Usage(input=30)),
    ]


def test_a_figure_returns_what_is_new_in_it(booth: Booth) -> None:
    booth.begin(1)
    booth.count(1, Usage(input=10, output=5))

    more = booth.meter.take(1, Usage(input=12, output=5), booth)

    assert more == Usage(input=2)


def test_an_attempt_whose_agent_told_nothing_used_nobody_knows_what(booth: Booth) -> None:
    booth.begin(1)

    assert booth.meter.used is None


def test_an_agent_that_counts_on_when_it_is_resumed_is_counted_once(booth: Booth) -> None:
    booth.begin(1)
    booth.count(1, Usage(input=100, cost_usd=0.5, turns=7))
    booth.begin(2)

    share = booth.count(2, Usage(input=150, cost_usd=0.75, turns=2))

    assert share == Usage(input=50, cost_usd=0.25, turns=2)
    assert booth.own.usage == Usage(input=150, cost_usd=0.75, turns=9)


def test_an_agent_that_counts_by_process_begins_anew_when_it_is_resumed(booth: Booth) -> None:
    booth.begin(1, goes_on=False)
    booth.count(1, Usage(input=100))
    booth.begin(2, goes_on=False)

    booth.count(2, Usage(input=150))

    assert booth.own.usage == Usage(input=250)


def test_another_session_of_the_agent_counts_from_zero(booth: Booth) -> None:
    booth.begin(1)
    booth.count(1, Usage(input=100))
    booth.begin(2, "s2")

    share = booth.count(2, Usage(input=150))

    assert share == Usage(input=150)


def test_a_counter_that_began_anew_is_counted_from_there_though_it_outgrows_what_was(booth: Booth) -> None:
    booth.begin(1)
    booth.count(1, Usage(input=100))
    booth.begin(2)

    share = booth.count(2, Usage(input=10), Usage(input=50), Usage(input=120))

    assert share == Usage(input=120)
    assert booth.own.usage == Usage(input=220)


def test_a_cost_that_is_left_out_once_is_not_counted_twice(booth: Booth) -> None:
    booth.begin(1)

    share = booth.count(1, Usage(cost_usd=0.5), Usage(input=10), Usage(input=10, cost_usd=0.75))

    assert share == Usage(input=10, cost_usd=0.75)


def test_a_cost_that_is_never_told_stays_unknown(booth: Booth) -> None:
    booth.begin(1)

    booth.count(1, Usage(input=10))

    assert (booth.own.usage.cost_usd, booth.run.usage.cost_usd) == (None, None)


def test_a_session_that_is_told_again_is_recorded_once_and_keeps_its_count(booth: Booth) -> None:
    booth.begin(1)
    booth.count(1, Usage(input=10))
    booth.meter.open(1, "s1", goes_on=True)

    share = booth.count(1, Usage(input=30))

    assert share == Usage(input=30)
    assert [event.agent_session for event in booth.told] == ["s1", None, None]


def test_a_session_that_gets_another_id_on_its_way_keeps_its_count(booth: Booth) -> None:
    booth.begin(1)
    booth.count(1, Usage(input=10))
    booth.meter.open(1, "s2", goes_on=True)

    share = booth.count(1, Usage(input=30))

    assert share == Usage(input=30)


# Warnings and ends.


def test_an_agent_that_did_nothing_has_told_nothing(booth: Booth) -> None:
    share = booth.meter.take(1, Usage(cost_usd=0.0), booth)

    assert (share, booth.told, booth.meter.used) == (Usage(), [], None)


def test_a_person_is_warned_once_at_eighty_per_cent(booth: Booth) -> None:
    booth.own.bounds = Bounds(tokens=1000)
    booth.begin(1)

    booth.count(1, Usage(input=799), Usage(input=800), Usage(input=900))

    words = "the session's budget: 800 of 1,000 tokens used"
    assert (booth.warned, booth.ended) == ([(words, EscalationKind.BUDGET)], [])


@pytest.mark.parametrize(
    ("bounds", "end"),
    [
        (Bounds(tokens=100), (Reason.BUDGET, "the session's budget: 110 of 100 tokens used")),
        (Bounds(cost_usd=0.5), (Reason.BUDGET, "the session's budget: 0.75 of 0.50 USD used")),
        (Bounds(turns=3), (Reason.MAX_TURNS, "the session's budget: 4 of 3 turns used")),
    ],
)
def test_an_attempt_that_uses_its_budget_up_is_ended(
    booth: Booth, bounds: Bounds, end: tuple[Reason, str]
) -> None:
    booth.own.bounds = bounds
    booth.begin(1)

    booth.count(1, Usage(input=100, output=10, cost_usd=0.75, turns=4))

    assert (booth.ended, booth.warned) == ([end], [])


def test_the_attempts_of_a_session_have_one_budget(booth: Booth) -> None:
    booth.own.bounds = Bounds(tokens=100)
    booth.begin(1)
    booth.count(1, Usage(input=60))
    booth.begin(2, "s2")

    booth.count(2, Usage(input=40))

    assert booth.ended == [(Reason.BUDGET, "the session's budget: 100 of 100 tokens used")]


def test_the_sessions_of_a_run_have_one_budget(booth: Booth) -> None:
    booth.run.bounds = Bounds(tokens=100)
    other = Booth(run=booth.run)
    booth.begin(1)
    other.begin(1)

    booth.count(1, Usage(input=60))
    other.count(1, Usage(input=40))

    assert (booth.ended, booth.warned) == ([], [])
    assert other.ended == [(Reason.BUDGET, "the run's budget: 100 of 100 tokens used")]


def test_what_is_over_is_not_ended_any_more_and_a_person_is_warned(booth: Booth) -> None:
    booth.own.bounds = Bounds(tokens=100)
    booth.begin(1)

    booth.meter.take(1, Usage(input=110), None)

    words = "the session's budget: 110 of 100 tokens used"
    assert (booth.warned, booth.ended) == ([(words, EscalationKind.BUDGET)], [])


def test_an_agent_that_tells_no_cost_is_not_bound_by_one(booth: Booth) -> None:
    booth.own.bounds = Bounds(cost_usd=0.01)
    booth.begin(1)

    booth.count(1, Usage(input=10**9))

    assert (booth.warned, booth.ended) == ([], [])


def test_another_agent_of_the_session_has_its_own_bounds(booth: Booth) -> None:
    booth.own.bounds = Bounds(tokens=100)
    booth.begin(1)
    booth.count(1, Usage(input=70))
    booth.meter.begin(evolve(booth.own.bounds, tokens=1000))

    booth.count(2, Usage(input=70))

    assert (booth.warned, booth.ended, booth.own.usage) == ([], [], Usage(input=140))
