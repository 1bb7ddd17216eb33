"""Facts about tables of plain values on their way into the settings."""

from typing import Any

import pytest

from aad.config import (
    OVERRIDABLE,
    AgentSettings,
    EscalationSettings,
    LogSettings,
    OrchestratorConfig,
    Override,
    PolicyRule,
    RetrySettings,
    RunSettings,
)
from aad.tables import Fault, find_agent_faults, lay_over, name_keys
from aad.tomllines import Keys

DEFAULTS = OrchestratorConfig()


def faults_of(table: dict[str, Any]) -> dict[str, tuple[str, dict[str, object]]]:
    config, faults = lay_over(DEFAULTS, table)

    assert config is DEFAULTS
    return {name_keys(fault.keys): (fault.key, dict(fault.fields)) for fault in faults}


def test_an_empty_table_changes_nothing() -> None:
    assert lay_over(DEFAULTS, {}) == (DEFAULTS, ())


def test_what_a_table_says_takes_its_place_and_the_rest_stays() -> None:
    below = OrchestratorConfig(
        orchestrator=RunSettings(fail_fast=True, retries=RetrySettings(count=3)),
        agent=AgentSettings(args=("old",), env={"A": "1", "B": "2"}),
    )
    table = {
        "orchestrator": {"session_timeout": "30m", "retries": {"delay": "1s"}},
        "agent": {"args": ["new"], "env": {"B": "3", "C": "4"}},
        "logs": {"max_output": "1kB"},
    }

    config, faults = lay_over(below, table)

    assert (config, faults) == (
        OrchestratorConfig(
            orchestrator=RunSettings(
                fail_fast=True, session_timeout=1800.0, retries=RetrySettings(count=3, delay=1.0)
            ),
            agent=AgentSettings(args=("new",), env={"A": "1", "B": "3", "C": "4"}),
            logs=LogSettings(max_output=1000),
        ),
        (),
    )


def test_overrides_of_an_upper_table_stand_before_those_below() -> None:
    below = OrchestratorConfig(override=(Override(specs="B"),))

    config, _ = lay_over(below, {"override": [{"specs": "A"}]})

    assert config.override == (Override(specs="A"), Override(specs="B"))


def test_rules_of_an_upper_table_stand_before_those_below_and_other_settings_stay() -> None:
    below = OrchestratorConfig(
        escalation=EscalationSettings(questions="fail", policy=(PolicyRule(action="wait"),))
    )

    config, _ = lay_over(below, {"escalation": {"policy": [{"action": "abort", "level": "error"}]}})

    assert config.escalation == EscalationSettings(
        questions="fail", policy=(PolicyRule(action="abort", level="error"), PolicyRule(action="wait"))
    )


def test_a_rule_is_validated_and_typed() -> None:
    answer = {"level": "error", "kind": "question", "specs": "A*", "action": "answer", "text": "はい"}

    config, faults = lay_over(DEFAULTS, {"escalation": {"policy": [answer, {"action": "retry", "times": 3}]}})

    assert faults == ()
    assert config.escalation.policy == (
        PolicyRule(level="error", kind="question", specs="A*", action="answer", text="はい"),
        PolicyRule(action="retry", times=3),
    )


def test_all_faults_of_a_rule_are_found_at_once() -> None:
    rules = [{"action": "skip", "text": "?", "level": "fatal", "timeout": "1h"}, 3, {"action": "answer"}]

    _, faults = lay_over(DEFAULTS, {"escalation": {"policy": rules}})

    known = "action, level, kind, specs, times, text"
    levels = "warning, error, critical"
    assert {fault.keys[2:]: (fault.key, dict(fault.fields)) for fault in faults} == {
        (0, "level"): ("config_choice", {"value": '"fatal"', "known": levels}),
        (0, "timeout"): ("config_unknown", {"known": known}),
        (0, "text"): ("config_no_answer", {"value": '"skip"'}),
        (1,): ("config_table", {}),
        (2, "text"): ("config_answer", {}),
    }


def test_an_override_is_validated_and_typed() -> None:
    written = {
        "specs": "SPEC-00*",
        "agent": "command",
        "run": "make",
        "verify": ["make", "test"],
        "isolation": "worktree",
        "timeout": "2h",
        "stall_timeout": "5m",
        "retries": 2,
        "estimate": "10m",
        "priority": -3,
        "paths": ["src"],
        "conflicts_with": ["B"],
    }

    config, faults = lay_over(DEFAULTS, {"override": [written]})

    assert faults == ()
    assert config.override == (
        Override(
            specs="SPEC-00*",
            agent="command",
            run="make",
            verify=("make", "test"),
            isolation="worktree",
            timeout=7200.0,
            stall_timeout=300.0,
            retries=2,
            estimate=600.0,
            priority=-3,
            paths=("src",),
            conflicts_with=("B",),
        ),
    )


def test_all_faults_are_found_at_once() -> None:
    table = {
        "orchestrator": {"fail_fast": 1, "retries": {"count": 2000}},
        "agent": {"args": "a b", "env": {"A": 1, "": "x"}},
        "logs": {"redact_env": ["A", 2]},
        "override": [{"timeout": 5}],
        "ui": 3,
    }

    assert faults_of(table) == {
        "orchestrator.fail_fast": ("config_flag", {"value": "1"}),
        "orchestrator.retries.count": ("config_whole", {"value": "2000", "least": "0", "most": "1000"}),
        "agent.args": ("config_list", {}),
        "agent.env.A": ("config_text", {}),
        'agent.env.""': ("config_variable", {}),
        "logs.redact_env": ("config_text", {}),
        "override.timeout": ("config_duration", {"value": "5"}),
        "override.specs": ("config_specs_missing", {}),
        "ui": ("config_table", {}),
    }


def test_a_fault_in_a_list_knows_its_item() -> None:
    _, faults = lay_over(DEFAULTS, {"override": [{"specs": "A"}, {"specs": 3}]})

    assert faults == (Fault(("override", 1, "specs"), "config_text", {}),)


def test_an_unknown_key_is_told_its_nearest_neighbour() -> None:
    table = {"orchestratr": {}, "ui": {"LANG": "ja"}, "orchestrator": {"fail-fast": True}, "profiles": {}}

    assert faults_of(table) == {
        "orchestratr": ("config_unknown_near", {"near": "orchestrator"}),
        "ui.LANG": ("config_unknown_near", {"near": "lang"}),
        "orchestrator.fail-fast": ("config_unknown_near", {"near": "fail_fast"}),
        "profiles": ("config_unknown_near", {"near": "profile"}),
    }


def test_a_key_in_the_wrong_table_is_told_the_right_one() -> None:
    assert faults_of({"agent": {"lang": "ja"}, "schedule": "waves"}) == {
        "agent.lang": ("config_unknown_near", {"near": "ui.lang"}),
        "schedule": ("config_unknown_near", {"near": "orchestrator.schedule"}),
    }


def test_a_key_that_is_like_no_other_is_told_all_that_there_are() -> None:
    assert faults_of({"ui": {"zzz": 1}}) == {
        "ui.zzz": ("config_unknown", {"known": "lang, symbols, progress, max_rows"})
    }


def test_a_key_of_specs_that_an_override_lacks_is_told_all_that_there_are() -> None:
    known = ", ".join(("specs", *OVERRIDABLE))

    assert faults_of({"override": [{"specs": "*", "title": "x"}, {"specs": "*", "timeuot": "1h"}]}) == {
        "override.title": ("config_unknown", {"known": known}),
        "override.timeuot": ("config_unknown_near", {"near": "timeout"}),
    }


def test_what_is_no_choice_and_no_name_of_an_agent_is_a_fault() -> None:
    table = {
        "agent": {"kind": "a b"},
        "workspace": {"isolation": "worktee"},
        "override": [{"specs": "*", "agent": []}],
    }

    assert faults_of(table) == {
        "agent.kind": ("config_agents", {"value": '"a b"'}),
        "workspace.isolation": (
            "config_choice",
            {"value": '"worktee"', "known": "auto, worktree, directory, none"},
        ),
        "override.agent": ("config_agents", {"value": "[]"}),
    }


def test_agents_may_be_one_or_several_and_said_in_short() -> None:
    config, faults = lay_over(
        DEFAULTS, {"agent": ["claude", "codex"], "override": [{"specs": "*", "agent": "pi"}]}
    )

    assert (config.agent.kind, config.override[0].agent, faults) == ("claude,codex", "pi", ())


def test_what_older_files_call_the_bound_of_cost_is_taken() -> None:
    config, faults = lay_over(DEFAULTS, {"agent": {"max_cost": 2.5}})

    assert (config.agent.max_cost_usd, faults) == (2.5, ())


@pytest.mark.parametrize(
    ("table", "keys", "key"),
    [
        ({"agent": "clod"}, ("agent",), "config_agent_unknown"),
        ({"agent": {"kind": ["claude", "clod"]}}, ("agent", "kind"), "config_agent_unknown"),
        ({"override": [{"agent": "clod"}]}, ("override", 0, "agent"), "config_agent_unknown"),
        ({"agents": {"clod": {}}}, ("agents", "clod", "kind"), "config_agent_no_kind"),
        ({"agents": {"mine": {"kind": "clod"}}}, ("agents", "mine", "kind"), "config_agent_kind"),
    ],
)
def test_an_agent_that_there_is_not_is_a_fault(table: dict[str, Any], keys: Keys, key: str) -> None:
    (fault,) = find_agent_faults(table, {"claude", "mine"}, set())

    assert (fault.keys, fault.key) == (keys, key)


def test_an_agent_that_has_a_table_is_known() -> None:
    assert (
        list(find_agent_faults({"agent": "mine", "agents": {"mine": {"kind": "pi"}}}, {"mine"}, set())) == []
    )


@pytest.mark.parametrize("word", ["auto", "worktree", "directory", "none"])
def test_the_settings_may_say_any_isolation(word: str) -> None:
    config, faults = lay_over(DEFAULTS, {"workspace": {"isolation": word}})

    assert (config.workspace.isolation, faults) == (word, ())


def test_an_override_cannot_leave_the_isolation_to_the_place() -> None:
    assert faults_of({"override": [{"specs": "*", "isolation": "auto"}]}) == {
        "override.isolation": ("config_choice", {"value": '"auto"', "known": "worktree, directory, none"})
    }


def test_the_branch_of_a_session_has_the_name_of_its_spec() -> None:
    assert faults_of({"workspace": {"branch": "aad/work"}}) == {
        "workspace.branch": ("config_branch", {"value": '"aad/work"'})
    }


def test_the_whole_seconds_of_older_files_are_taken() -> None:
    table = {"orchestrator": {"session_timeout_secs": 1800, "monitor_interval_secs": 2}}

    config, faults = lay_over(DEFAULTS, table)

    assert (config.orchestrator, faults) == (RunSettings(session_timeout=1800.0, monitor_interval=2.0), ())


@pytest.mark.parametrize("value", ["30m", -1, True, 1.5, 10**12])
def test_the_keys_of_older_files_hold_whole_seconds_only(value: object) -> None:
    _, [fault] = lay_over(DEFAULTS, {"orchestrator": {"session_timeout_secs": value}})

    assert (fault.keys, fault.key) == (("orchestrator", "session_timeout_secs"), "config_whole")


def test_the_interval_of_older_files_is_more_than_nothing() -> None:
    assert faults_of({"orchestrator": {"monitor_interval_secs": 0}}) == {
        "orchestrator.monitor_interval_secs": ("config_whole", {"value": "0", "least": "1", "most": "3600"})
    }


def test_one_setting_under_two_names_is_a_fault_among_the_others() -> None:
    table = {"orchestrator": {"session_timeout": "1h", "session_timeout_secs": 60, "slow_after": 3}}

    assert faults_of(table) == {
        "orchestrator.session_timeout_secs": ("config_twice", {"other": "session_timeout"}),
        "orchestrator.slow_after": ("config_duration", {"value": "3"}),
    }


def test_a_typed_table_holds_seconds_bytes_and_tuples() -> None:
    table = {
        "orchestrator": {"session_timeout": 90.0, "run_timeout": "2h"},
        "logs": {"max_output": 500},
        "agent": {"args": ("a",)},
    }

    config, faults = lay_over(DEFAULTS, table, typed=True)

    assert (config, faults) == (
        OrchestratorConfig(
            orchestrator=RunSettings(session_timeout=90.0, run_timeout=7200.0),
            logs=LogSettings(max_output=500),
            agent=AgentSettings(args=("a",)),
        ),
        (),
    )


def test_a_name_is_written_as_toml_writes_it() -> None:
    assert name_keys(("override", 0, "a-b", "c d", "\x1b")) == r'override.a-b."c d"."\u001b"'
