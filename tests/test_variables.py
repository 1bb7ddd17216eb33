"""Facts about the settings among the environment's variables."""

from pathlib import Path

import pytest

from aad.agents.base import Job
from aad.spec import Spec
from aad.variables import OWN, PROFILE, find_slips, list_variables, read_variables


def test_tables_that_people_use_most_need_no_name_in_a_variable() -> None:
    names = {name: keys for name, keys, _ in list_variables()}

    assert [names[name] for name in ("AAD_MAX_PARALLEL_SESSIONS", "AAD_LANG", "AAD_AGENT_KIND")] == [
        ("orchestrator", "max_parallel_sessions"),
        ("ui", "lang"),
        ("agent", "kind"),
    ]


def test_every_variable_has_one_setting() -> None:
    names = [name for name, _, _ in list_variables()]

    assert len(names) == len({*names, PROFILE}) - 1


def test_what_a_child_session_gets_sets_nothing() -> None:
    names = {name for name, _, _ in list_variables()}
    job = Job(
        run="R",
        session="S",
        spec=Spec(id="A"),
        spec_file="A.md",
        attempt=1,
        workspace=Path("/w"),
        events_file=Path("/e"),
        answer="yes",
    )

    assert names & {*job.environment, "AAD_ESCALATION"} == set()


def test_nothing_set_is_an_empty_table() -> None:
    assert read_variables({"PATH": "/bin", "AAD_RUN_ID": "x", "AAD_NONSENSE": "1"}) == ({}, {})


def test_an_empty_variable_says_nothing() -> None:
    assert read_variables({"AAD_LANG": "", "AAD_AGENT_ARGS": " "}) == ({}, {})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("AAD_FAIL_FAST", "true", True),
        ("AAD_FAIL_FAST", "1", True),
        ("AAD_FAIL_FAST", "False", False),
        ("AAD_FAIL_FAST", "0", False),
        ("AAD_FAIL_FAST", "maybe", "maybe"),
        ("AAD_MAX_PARALLEL_SESSIONS", "4", 4),
        ("AAD_MAX_PARALLEL_SESSIONS", "four", "four"),
        ("AAD_AGENT_MAX_COST", "2.5", 2.5),
        ("AAD_SESSION_TIMEOUT", "30m", "30m"),
        ("AAD_SESSION_TIMEOUT", "30", "30"),
        ("AAD_LOGS_MAX_OUTPUT", " 5MB ", "5MB"),
        ("AAD_AGENT_KIND", "command", "command"),
        ("AAD_LANG", "ja", "ja"),
        ("AAD_AGENT_ARGS", "a, b ,,c", ["a", "b", "c"]),
        ("AAD_AGENT_ARGS", '["a, b", "c"]', ["a, b", "c"]),
        ("AAD_AGENT_ARGS", "[]", []),
        ("AAD_AGENT_ARGS", "[a", "[a"),
        ("AAD_AGENT_ENV", '{"A": "1"}', {"A": "1"}),
        ("AAD_AGENT_ENV", "A=1", "A=1"),
        ("AAD_RETRIES", '{"count": 2}', {"count": 2}),
    ],
)
def test_a_text_becomes_what_a_file_would_hold_or_stays(name: str, text: str, value: object) -> None:
    table, names = read_variables({name: text})

    assert (table, names) == ({section: {key: value} for section, key in names}, dict.fromkeys(names, name))


def test_a_text_of_brackets_without_end_stays_a_text() -> None:
    text = "[" * 100_000

    table, _ = read_variables({"AAD_RETRIES": text})

    assert table == {"orchestrator": {"retries": text}}


def test_the_settings_without_a_table_have_no_variable() -> None:
    assert {keys[0] for _, keys, _ in list_variables()} == {
        "orchestrator", "agent", "budget", "workspace", "escalation", "logs", "runs", "ui",
    }  # fmt: skip


def test_the_whole_name_says_the_same_and_the_short_one_wins() -> None:
    whole = {"AAD_ORCHESTRATOR_SESSION_TIMEOUT": "5m", "AAD_UI_LANG": "ja"}

    assert read_variables(whole)[0] == {"orchestrator": {"session_timeout": "5m"}, "ui": {"lang": "ja"}}
    assert read_variables({**whole, "AAD_LANG": "en"})[0]["ui"] == {"lang": "en"}


def test_a_slip_is_told_with_the_name_that_is_meant() -> None:
    environ = {"AAD_LOGS_MAX_OUTPT": "1MB", "AAD_FAILFAST": "1", "AAD_FAIL_FSAT": " ", "AAD_LANG": "ja"}

    assert list(find_slips(environ)) == [
        ("AAD_FAILFAST", "AAD_FAIL_FAST"),
        ("AAD_LOGS_MAX_OUTPT", "AAD_LOGS_MAX_OUTPUT"),
    ]


def test_what_others_name_so_is_no_slip() -> None:
    names = ["AAD_CLIENT_ID", "AAD_TENANT_ID", "AAD_CLIENT_SECRET", *OWN]

    assert list(find_slips(dict.fromkeys(names, "x"))) == []
