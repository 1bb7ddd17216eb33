"""Facts about what is decided about an escalation when nobody else says."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

from aad.config import PolicyRule
from aad.escalationlog import Decision, EscalationLog
from aad.events import Action, EscalationKind, EscalationLevel, Failure, Question, Reason
from aad.policy import Policy

WARNED = EscalationLog(
    id="SPEC-001-warning",
    run_id="R",
    session_id="R/SPEC-001",
    spec_id="SPEC-001",
    level=EscalationLevel.WARNING,
    reason="slow",
    timestamp=datetime(2026, 11, 22, tzinfo=UTC),
)
NOTED = evolve(WARNED, level=EscalationLevel.ERROR)
FAILED = evolve(NOTED, failure=Failure(reason=Reason.EXIT_CODE, exit_code=3))
MENDABLE = evolve(FAILED, will_retry=True)
ASKING = evolve(NOTED, kind=EscalationKind.QUESTION, question=Question(text="Which?", options=("a", "b")))
CRITICAL = evolve(FAILED, level=EscalationLevel.CRITICAL)
RISEN = evolve(ASKING, level=EscalationLevel.CRITICAL, rises=1)

RETRY = PolicyRule(action="retry", times=2)
SKIP = PolicyRule(action="skip")
CONTINUE = PolicyRule(action="continue")
ABORT = PolicyRule(action="abort")
WAIT = PolicyRule(action="wait")
ANSWER = PolicyRule(action="answer", text="b")


# Without rules.


@pytest.mark.parametrize(
    ("log", "action"),
    [
        (WARNED, Action.WAIT),
        (NOTED, Action.WAIT),
        (FAILED, Action.SKIP),
        (MENDABLE, Action.RETRY),
        (ASKING, Action.WAIT),
        (evolve(ASKING, kind=EscalationKind.PERMISSION), Action.WAIT),
        (CRITICAL, Action.ABORT),
        (RISEN, Action.WAIT),
        (evolve(CRITICAL, rises=1), Action.SKIP),
    ],
    ids=["warning", "error", "failure", "mendable", "question", "permission", "critical", "risen", "failed"],
)
def test_without_rules_what_may_be_retried_is_and_nothing_is_guessed(
    log: EscalationLog, action: Action
) -> None:
    assert Policy().decide(log) == Decision(action=action, by="policy")


def test_what_ended_twice_alike_is_not_tried_a_third_time() -> None:
    assert Policy().decide(MENDABLE, failures=2, stuck=True) == Decision(action=Action.SKIP)


# Which rule decides.


def test_the_first_rule_that_matches_decides() -> None:
    rules = (PolicyRule(action="abort", specs="OTHER"), CONTINUE, SKIP)

    assert Policy(rules).decide(MENDABLE) == Decision(action=Action.CONTINUE)


@pytest.mark.parametrize(
    "rule",
    [
        PolicyRule(action="abort", level="warning"),
        PolicyRule(action="abort", kind="timed_out"),
        PolicyRule(action="abort", specs="SPEC-002"),
        PolicyRule(action="abort", specs="spec-*"),
    ],
)
def test_a_rule_that_names_something_else_decides_nothing(rule: PolicyRule) -> None:
    assert Policy((rule,)).decide(FAILED) == Decision(action=Action.SKIP)


@pytest.mark.parametrize(
    "rule",
    [
        PolicyRule(action="abort", level="error"),
        PolicyRule(action="abort", kind="failed"),
        PolicyRule(action="abort", specs="ＳＰＥＣ-00?"),
        PolicyRule(action="abort", level="error", kind="failed", specs="*"),
    ],
)
def test_a_rule_that_names_what_is_there_decides(rule: PolicyRule) -> None:
    assert Policy((rule,)).decide(FAILED) == Decision(action=Action.ABORT)


def test_a_rule_may_spare_the_run_what_is_critical() -> None:
    assert Policy((PolicyRule(action="wait", level="critical"),)).decide(CRITICAL).action is Action.WAIT


# Which rule still applies.


@pytest.mark.parametrize(("answers", "action"), [(0, Action.ANSWER), (1, Action.WAIT)])
def test_an_answer_is_granted_once_and_then_people_are_waited_for(answers: int, action: Action) -> None:
    assert Policy((ANSWER,)).decide(evolve(ASKING, answers=answers)).action is action


def test_where_nobody_is_signed_in_a_person_is_waited_for() -> None:
    assert Policy().decide(evolve(FAILED, kind=EscalationKind.AUTH)).action is Action.WAIT


@pytest.mark.parametrize(("failures", "action"), [(1, Action.RETRY), (2, Action.RETRY), (3, Action.CONTINUE)])
def test_a_retry_is_granted_so_many_times_and_then_the_next_rule_decides(
    failures: int, action: Action
) -> None:
    assert Policy((RETRY, CONTINUE)).decide(FAILED, failures=failures).action is action


def test_a_retry_is_not_granted_to_what_ended_twice_alike() -> None:
    assert Policy((RETRY,)).decide(FAILED, failures=2, stuck=True).action is Action.SKIP


def test_what_is_asked_is_not_asked_again_without_an_answer() -> None:
    assert Policy((RETRY,)).decide(ASKING) == Decision(action=Action.WAIT)


def test_a_question_is_answered_by_rule() -> None:
    assert Policy((ANSWER,)).decide(ASKING) == Decision(action=Action.ANSWER, text="b")


def test_what_asks_nothing_is_not_answered() -> None:
    assert Policy((ANSWER,)).decide(FAILED) == Decision(action=Action.SKIP)


@pytest.mark.parametrize("log", [FAILED, ASKING, NOTED, evolve(WARNED, question=ASKING.question)])
@pytest.mark.parametrize("rule", [SKIP, CONTINUE, ABORT, WAIT], ids=lambda rule: rule.action)
def test_the_other_rules_always_apply(rule: PolicyRule, log: EscalationLog) -> None:
    assert Policy((rule,)).decide(log) == Decision(action=Action(rule.action))


@pytest.mark.parametrize("rule", [RETRY, SKIP, CONTINUE, ANSWER], ids=lambda rule: rule.action)
def test_a_plain_warning_leaves_nothing_to_do_by_rule(rule: PolicyRule) -> None:
    assert Policy((rule,)).decide(WARNED) == Decision(action=Action.WAIT)


def test_a_rule_may_end_the_run_for_a_plain_warning() -> None:
    assert Policy((SKIP, ABORT)).decide(WARNED) == Decision(action=Action.ABORT)


# What has risen by age.


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (SKIP,),
        (PolicyRule(action="skip", level="error"),),
        (PolicyRule(action="retry", level="critical"),),
    ],
)
def test_what_has_risen_stays_with_people_where_no_rule_for_its_level_applies(
    rules: tuple[PolicyRule, ...],
) -> None:
    assert Policy(rules).decide_risen(RISEN) is None


def test_a_rule_for_its_new_level_decides_about_what_has_risen() -> None:
    rules = (SKIP, PolicyRule(action="answer", text="a", level="critical", kind="question"))

    assert Policy(rules).decide_risen(RISEN) == Decision(action=Action.ANSWER, text="a")


@pytest.mark.parametrize(("failures", "action"), [(1, Action.RETRY), (2, Action.SKIP)])
def test_what_has_risen_is_not_tried_again_more_often_than_the_rule_grants(
    failures: int, action: Action
) -> None:
    rules = (PolicyRule(action="retry", level="critical"), PolicyRule(action="skip", level="critical"))
    log = evolve(CRITICAL, rises=1, failures=failures)

    assert Policy(rules).decide_risen(log) == Decision(action=action)
