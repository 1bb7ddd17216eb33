"""Facts about the rules of `[[escalation.policy]]` that never decide anything."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from attrs import evolve
from cli_project import Cli, Outcome, open_cli
from hypothesis import given, settings
from hypothesis import strategies as st

from aad.config import ActionWord, KindWord, LevelWord, PolicyRule
from aad.configfile import find_idle_rules
from aad.escalationlog import EscalationLog
from aad.events import EscalationKind, EscalationLevel, Failure, Question, Reason
from aad.idlerules import FORMS, find_idle
from aad.policy import Policy
from aad.project import Project

LEVELS: tuple[LevelWord, ...] = get_args(LevelWord)
LOG = EscalationLog(
    id="A-error", run_id="R", session_id="R/A", spec_id="A", level=EscalationLevel.ERROR, reason="why",
    timestamp=datetime(2026, 11, 22, tzinfo=UTC),
)  # fmt: skip


def rule(action: ActionWord, **conditions: Any) -> PolicyRule:  # noqa: ANN401 - any of a rule's keys
    return PolicyRule(action=action, **conditions)


def idle(*rules: PolicyRule, ids: tuple[str, ...] | None = None) -> list[tuple[int, str, tuple[int, ...]]]:
    """Return which rules never decide, why, and which ones decide before them."""
    return [(each.rule, each.key, each.before) for each in find_idle(rules, ids)]


def every_log() -> Iterator[EscalationLog]:
    """Yield all that may be raised, as often as a session may have failed and been answered."""
    for kind, forms in FORMS.items():
        for form, levels in forms.items():
            for level, number in product(levels, range(3)):
                yield evolve(
                    LOG,
                    kind=EscalationKind(kind),
                    level=EscalationLevel(level),
                    failure=Failure(reason=Reason.UNKNOWN) if form == "failure" else None,
                    question=Question(text="Which?") if form == "question" else None,
                    failures=number + 1,
                    answers=number,
                )


LOGS = [*every_log()]
RISEN = [
    evolve(log, level=EscalationLevel(level), rises=1)
    for log in LOGS
    for level in LEVELS[LEVELS.index(log.level.value) + 1 :]
    if log.failure or log.question or log.level != "warning"
]


def every_rule() -> Iterator[PolicyRule]:
    kinds: tuple[KindWord | None, ...] = (None, *get_args(KindWord))
    for action, kind, level in product(get_args(ActionWord), kinds, (None, *LEVELS)):
        yield rule(action, kind=kind, level=level, text="marked" if action == "answer" else None)


def is_followed(each: PolicyRule) -> bool:
    """Tell whether policy ever decides as a rule says."""
    if each.action == "abort":
        return any(each.matches(log.spec_id, log.level, log.kind) for log in (*LOGS, *RISEN))
    policy = Policy((each, rule("abort")))
    return any(policy.decide(log).action == each.action for log in LOGS) or any(
        policy.decide_risen(log) is not None for log in RISEN
    )


# A rule by itself.


def test_every_kind_has_its_forms() -> None:
    assert list(FORMS) == list(get_args(KindWord))


@pytest.mark.parametrize(
    ("conditions", "key"),
    [
        ({"action": "answer", "kind": "failed"}, "config_rule_action"),
        ({"action": "retry", "kind": "question"}, "config_rule_action"),
        ({"action": "skip", "kind": "leaked"}, "config_rule_action"),
        ({"action": "answer", "level": "warning"}, "config_rule_level"),
        ({"action": "abort", "kind": "leaked", "level": "error"}, "config_rule_level"),
        ({"action": "wait", "kind": "question", "level": "warning"}, "config_rule_level"),
    ],
)
def test_a_rule_whose_action_or_level_is_never_met_is_idle(conditions: dict[str, Any], key: str) -> None:
    assert idle(PolicyRule(**conditions)) == [(0, key, ())]


@pytest.mark.parametrize(
    "conditions",
    [
        {"action": "abort", "kind": "leaked"},
        {"action": "wait", "kind": "question", "level": "critical"},
        {"action": "retry", "kind": "permission"},
        {"action": "abort", "kind": "failed", "level": "critical"},
    ],
)
def test_a_rule_that_may_be_met_is_not_idle_for_what_has_risen_or_is_only_told(
    conditions: dict[str, Any],
) -> None:
    assert idle(PolicyRule(**conditions)) == []


def test_by_itself_a_rule_is_idle_where_policy_never_follows_it() -> None:
    told_idle = {each for each in every_rule() if idle(each)}

    assert told_idle == {each for each in every_rule() if not is_followed(each)}


# Rules behind others.


def test_a_rule_behind_one_for_all_is_idle() -> None:
    rules = (rule("skip"), rule("retry", kind="failed"), rule("abort", level="critical"))

    # A plain warning can be skipped by nobody, but a rule for what is critical does not speak of it.
    assert idle(*rules) == [(1, "config_rule_late", (0,)), (2, "config_rule_late", (0,))]


def test_what_is_retried_so_often_is_left_to_the_next_rule_then() -> None:
    fewer, more = rule("retry", kind="failed", times=1), rule("retry", times=2)

    assert (idle(fewer, more, rule("skip")), idle(more, fewer)) == ([], [(1, "config_rule_late", (0,))])


def test_several_rules_together_may_leave_nothing_to_another() -> None:
    rules = (
        rule("skip", level="warning"),
        rule("skip", level="error"),
        rule("skip", level="critical"),
        rule("continue", kind="verify_failed"),
    )

    assert idle(*rules) == [(3, "config_rule_late", (0, 1))]


def test_to_wait_leaves_to_a_rule_for_a_higher_level_what_has_risen() -> None:
    rules = (rule("wait"), rule("abort", level="critical", kind="question"))

    assert idle(*rules) == []


def test_a_plain_warning_that_is_not_skipped_may_still_end_the_run() -> None:
    assert idle(rule("skip"), rule("abort", level="warning")) == []


@pytest.mark.parametrize(
    ("earlier", "later", "covers"),
    [
        (None, "A", True),
        ("*", None, True),
        ("DOCS-*", "DOCS-*", True),
        ("DOCS-*", "DOCS-1", True),
        ("DOCS-*", "DOCS-?", False),
        ("DOCS-*", None, False),
        ("DOCS-*", "API-1", False),
    ],
)
def test_a_rule_for_some_specs_covers_only_their_rules(
    earlier: str | None, later: str | None, covers: bool
) -> None:
    assert bool(idle(rule("abort", specs=earlier), rule("abort", specs=later))) is covers


@given(st.lists(st.sampled_from([*every_rule()]), max_size=4))
@settings(max_examples=60, deadline=None)
def test_without_the_idle_rules_all_is_decided_as_with_them(rules: list[PolicyRule]) -> None:
    useless = {number for number, *_ in idle(*rules)}
    useful = Policy(tuple(each for number, each in enumerate(rules) if number not in useless))

    decided = [Policy(tuple(rules)).decide(log) for log in LOGS]

    assert decided == [useful.decide(log) for log in LOGS]


def test_a_pattern_that_no_spec_matches_is_told_where_the_specs_are_known() -> None:
    rules = (rule("skip", specs="DOCS-*"), rule("skip", specs="SPEC-*"))

    assert (idle(*rules), idle(*rules, ids=("SPEC-001",))) == ([], [(0, "config_rule_specs", ())])


# Where they stand.


SETTINGS = """\
[[escalation.policy]]
action = "skip"
[[escalation.policy]]
kind = "failed"
action = "continue"
[[escalation.policy]]
kind = "question"
action = "retry"
[[profile.ci.escalation.policy]]
specs = "DOCS-*"
action = "abort"
"""


def tell(tmp_path: Path, lang: str = "en", **sources: Any) -> list[str]:  # noqa: ANN401 - any keyword
    project = Project(tmp_path)
    project.config.parent.mkdir(exist_ok=True)
    project.config.write_text(SETTINGS)
    return [each.render(lang) for each in find_idle_rules(project, **{"environ": {}, **sources})]


LATE = "this rule never decides: {} decides before it (put it further up, or take it out)"
RETRY = (
    "config/aad.toml:6: `escalation.policy`: this rule never decides: `retry` can do nothing about the kind "
    "question (possible: skip, continue, abort, answer, wait)"
)


def test_an_idle_rule_is_told_with_its_place_and_with_that_of_the_one_before(tmp_path: Path) -> None:
    late = f"config/aad.toml:3: `escalation.policy`: {LATE.format('config/aad.toml:1')}"
    assert tell(tmp_path) == [late, RETRY]


def test_the_rules_of_a_profile_and_of_a_variable_come_first(tmp_path: Path) -> None:
    rules = '[{"action": "wait"}]'

    told = tell(tmp_path, profile="ci", ids=("SPEC-001",), environ={"AAD_ESCALATION_POLICY": rules})

    late = LATE.format("AAD_ESCALATION_POLICY")
    unmatched = "no spec's id matches DOCS-* (mend the pattern, or take the rule out)"
    assert told == [
        f"config/aad.toml:9: `profile.ci.escalation.policy`: this rule never decides: {unmatched}",
        f"config/aad.toml:1: `escalation.policy`: {late}",
        f"config/aad.toml:3: `escalation.policy`: {late}",
        RETRY,
    ]


def test_it_is_told_in_japanese_too(tmp_path: Path) -> None:
    begin = "`escalation.policy`: この規則が働くことはありません。"
    actions, remedy = "skip, continue, abort, answer, wait", "（その前に移すか、削除してください）"
    assert tell(tmp_path, "ja") == [
        f"config/aad.toml:3: {begin}config/aad.toml:1 の規則が先に決めます{remedy}",
        f"config/aad.toml:6: {begin}種類 question に `retry` はできません（できること: {actions}）",
    ]


# Where they are told.


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        opened.write_spec("SPEC-001", '---\nrun: "true"\n---\n# SPEC-001: One\n')
        opened.project.config.parent.mkdir()
        opened.project.config.write_text('[[escalation.policy]]\nspecs = "DOCS-*"\naction = "skip"\n')
        yield opened


UNMATCHED = (
    "`escalation.policy`: this rule never decides: no spec's id matches DOCS-* "
    "(mend the pattern, or take the rule out)"
)


def test_checking_specs_warns_of_idle_rules_and_finds_no_fault(cli: Cli) -> None:
    outcome = cli.run("specs", "check")

    assert outcome == Outcome(0, "1 spec, no faults\n", f"config/aad.toml:1: {UNMATCHED}\n")


def test_programs_find_idle_rules_among_the_warnings(cli: Cli) -> None:
    outcome = cli.run("specs", "check", "--format", "json")

    warning = {"path": "config/aad.toml", "line": 1, "message": UNMATCHED}
    told = {"version": 1, "specs": 1, "faults": [], "warnings": [warning]}
    assert (outcome.status, outcome.err, json.loads(outcome.out)) == (0, "", told)


@pytest.mark.parametrize("cause", ["elsewhere", "faulty"])
def test_where_not_all_specs_are_known_no_pattern_is_told_to_match_none(cli: Cli, cause: str) -> None:
    if cause == "faulty":
        cli.write_spec("DOCS-001", "---\ncolor: red\n---\n")

    outcome = cli.run("specs", "check", *(["--specs-dir", ".aad/specs"] if cause == "elsewhere" else []))

    assert UNMATCHED not in outcome.err


def test_the_doctor_warns_of_idle_rules(cli: Cli) -> None:
    outcome = cli.run("doctor", "--format", "json")

    checks = [each for each in json.loads(outcome.out)["checks"] if each["id"] == "config"]
    assert checks == [
        {"id": "config", "state": "ok", "message": "Settings: config/aad.toml", "remedy": None},
        {"id": "config", "state": "warning", "message": f"config/aad.toml:1: {UNMATCHED}", "remedy": None},
    ]


@pytest.mark.parametrize("options", [["--dry-run"], []])
def test_a_run_begins_with_a_warning_of_idle_rules_but_where_it_is_to_be_quiet(
    cli: Cli, options: list[str]
) -> None:
    cli.project.config.write_text('[[escalation.policy]]\nkind = "leaked"\naction = "skip"\n')

    loud, quiet = (cli.run("orchestrate", "--all", *options, *more) for more in ([], ["-q"]))

    told = "the kind leaked (possible: abort)"
    assert (loud.status, quiet.status, told in loud.err, told in quiet.err) == (0, 0, True, False)
