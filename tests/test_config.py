"""Facts about the settings as values, and about what overrides do to a spec."""

from typing import get_args

import pytest
from attrs import evolve, fields_dict

from aad.config import (
    OVERRIDABLE,
    ActionWord,
    KindWord,
    LevelWord,
    OrchestratorConfig,
    Override,
    PolicyRule,
    RunSettings,
    apply_overrides,
    count_cores,
)
from aad.events import Action, EscalationKind, EscalationLevel
from aad.spec import Spec

SPEC = Spec(id="SPEC-001", title="First")
EVERYTHING = Override(
    specs="*",
    agent="command",
    run="make",
    verify=("make", "test"),
    isolation="directory",
    timeout=60.0,
    stall_timeout=30.0,
    retries=2,
    estimate=600.0,
    priority=5,
    paths=("src",),
    conflicts_with=("SPEC-002",),
)


def test_no_number_of_sessions_means_as_many_as_there_are_cores() -> None:
    assert RunSettings().slots == count_cores() >= 1


def test_a_number_of_sessions_is_the_number_of_slots() -> None:
    assert RunSettings(max_parallel_sessions=3).slots == 3


def test_an_override_can_set_only_what_a_spec_has() -> None:
    assert set(OVERRIDABLE) < set(fields_dict(Spec))


def test_without_overrides_a_spec_stays_the_very_same() -> None:
    assert apply_overrides(OrchestratorConfig(), SPEC) is SPEC


def test_an_override_fills_all_that_a_spec_left_open() -> None:
    config = OrchestratorConfig(override=(EVERYTHING,))

    filled = apply_overrides(config, SPEC)

    assert filled == Spec(
        id="SPEC-001",
        title="First",
        agent="command",
        run="make",
        verify=("make", "test"),
        isolation="directory",
        timeout=60.0,
        stall_timeout=30.0,
        retries=2,
        estimate=600.0,
        priority=5,
        paths=("src",),
        conflicts_with=("SPEC-002",),
    )


def test_what_a_spec_says_itself_stands_even_where_it_is_zero() -> None:
    spec = Spec(
        id="A",
        agent="other",
        run=("true",),
        verify="false",
        isolation="none",
        timeout=0.0,
        stall_timeout=0.0,
        retries=0,
        estimate=0.0,
        priority=-1,
        paths=("docs",),
        conflicts_with=("B",),
    )

    assert apply_overrides(OrchestratorConfig(override=(EVERYTHING,)), spec) is spec


def test_the_first_matching_override_that_says_something_wins() -> None:
    overrides = (
        Override(specs="OTHER", timeout=1.0, retries=1, run="other"),
        Override(specs="SPEC-00*", timeout=2.0),
        Override(specs="*", timeout=3.0, retries=3),
    )

    filled = apply_overrides(OrchestratorConfig(override=overrides), SPEC)

    assert filled == evolve(SPEC, timeout=2.0, retries=3)


@pytest.mark.parametrize(
    ("glob", "matches"),
    [
        ("SPEC-001", True),
        ("SPEC-00*", True),
        ("SPEC-00?", True),
        ("SPEC-00[12]", True),
        ("ＳＰＥＣ-００１", True),
        ("*", True),
        ("spec-001", False),
        ("SPEC-0", False),
        ("", False),
    ],
)
def test_an_override_speaks_of_the_ids_that_its_glob_matches(glob: str, *, matches: bool) -> None:
    assert Override(specs=glob).matches(SPEC) is matches


def test_an_override_says_only_what_is_not_none() -> None:
    assert Override(specs="*", retries=0, paths=()).settings == {"retries": 0, "paths": ()}


def test_rules_have_the_words_of_the_events() -> None:
    words = [get_args(kind) for kind in (LevelWord, KindWord, ActionWord)]

    decided = tuple(action for action in Action if action is not Action.WITHDRAW)
    assert words == [tuple(EscalationLevel), tuple(EscalationKind), decided]


def test_a_rule_that_names_nothing_speaks_of_everything() -> None:
    assert PolicyRule(action="skip").matches("SPEC-001", "error", "failed")


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (PolicyRule(action="skip", level="error", kind="failed", specs="ＳＰＥＣ-*"), True),
        (PolicyRule(action="skip", level="warning", kind="failed", specs="SPEC-*"), False),
        (PolicyRule(action="skip", level="error", kind="stalled", specs="SPEC-*"), False),
        (PolicyRule(action="skip", level="error", kind="failed", specs="spec-*"), False),
    ],
)
def test_a_rule_speaks_of_what_has_all_that_it_names(rule: PolicyRule, *, matches: bool) -> None:
    assert rule.matches("SPEC-001", "error", "failed") is matches
