"""Facts about agents that are not there: what `aad doctor` makes of them, and what a run points to."""

import sys

import pytest
from cli_project import Cli
from examinedproject import cli, list_checks, write_config
from summarizedrun import ENGLISH, after, begin, plan

from aad import events
from aad.agents.base import Caps
from aad.agents.probing import Probed
from aad.diagnosis import check_agents
from aad.display.summary import summarize_run
from aad.display.voice import Voice
from aad.events import Failure, PlanEntry, Reason

__all__ = ["cli"]

linux = pytest.mark.skipif(sys.platform != "linux", reason="it says what holds on Linux")
MISSING = Failure(reason=Reason.SPAWN_FAILED, message="codex: No such file or directory")
REMEDY = "install it, or name its program in the settings: command = [...] in [agents.codex]"


def probe(name: str, *, there: bool, wanted: bool = True) -> Probed:
    program = f"/bin/{name}" if there else None
    return Probed(name=name, kind="pi", caps=Caps(), wanted=wanted, program=program)


# What the doctor says.


@pytest.mark.parametrize(
    ("lists", "states"),
    [
        ([("one", "here")], ["warning", "info", "info"]),
        ([("here", "one")], ["warning", "info", "info"]),
        ([("one", "command")], ["warning", "info", "info"]),
        ([("one",), ("one", "here")], ["problem", "info", "info"]),
        ([("one", "two"), ("two", "here")], ["problem", "problem", "info"]),
    ],
)
def test_a_missing_agent_is_a_problem_only_where_a_list_has_none_that_is_there(
    lists: list[tuple[str, ...]], states: list[str]
) -> None:
    wanted = {name for names in lists for name in names}
    found = [probe(name, there=name == "here", wanted=name in wanted) for name in ("one", "two", "here")]

    checks = check_agents(found, lists)

    assert [check.state for check in checks] == states


@linux
def test_the_doctor_is_content_where_another_agent_takes_over(cli: Cli) -> None:
    write_config(cli, "agent = ['codex', 'mine']\n[agents.mine]\nkind = 'pi'\ncommand = ['true']\n")
    cli.write_spec("SPEC-001", "# SPEC-001: Domain\n")

    outcome = cli.run("doctor", "--format", "json")

    replaced = "codex: its program is not found; another one of its list takes over"
    assert (outcome.status, list_checks(outcome, "agents")[0]) == (
        0,
        ("warning", replaced, REMEDY),
    )


@linux
def test_the_doctor_says_in_japanese_too_that_another_agent_takes_over(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AAD_LANG", "ja")
    write_config(cli, "agent = ['codex', 'mine']\n[agents.mine]\nkind = 'pi'\ncommand = ['true']\n")

    outcome = cli.run("doctor")

    told = "⚠ codex: プログラムが見つかりません。リストにある別のエージェントが引き継ぎます"
    assert told in outcome.out.splitlines()


# What a run points to.


@pytest.mark.parametrize("voice", [ENGLISH, Voice("ja", ENGLISH.style)])
def test_after_an_agent_that_could_not_be_started_the_doctor_is_named(voice: Voice) -> None:
    state = after(
        plan(PlanEntry(id="A", agent="codex,claude")),
        events.SessionFailed(spec="A", attempt=1, log="a.log", failure=MISSING),
    )

    lines = summarize_run(state, voice)

    assert lines[-1].rpartition(": ")[2] == "aad doctor · aad orchestrate --resume"


@pytest.mark.parametrize(
    ("agent", "happened"),
    [
        ("command", [events.SessionFailed(spec="A", attempt=1, failure=MISSING)]),
        ("codex", [begin("A"), events.SessionFailed(spec="A", attempt=1, failure=MISSING)]),
        ("codex", [events.SessionFailed(spec="A", attempt=1, failure=Failure(reason=Reason.CONFLICT))]),
    ],
)
def test_no_other_failure_leads_to_the_doctor(agent: str, happened: list[events.Event]) -> None:
    state = after(plan(PlanEntry(id="A", agent=agent)), *happened)

    lines = summarize_run(state, ENGLISH)

    assert lines[-1] == "  Next: aad orchestrate --resume"
