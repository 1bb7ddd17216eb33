"""The tables of the reference, the READMEs and the guide to agents equal the code."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import get_args

import attrs
import click
import pytest
from docpages import AGENTS, JAPANESE, JAPANESE_AGENTS, PAGES, README, REFERENCE, list_blocks, run

from aad import config, diagnosis, ending, errors, events
from aad.agents.base import Agent, Caps, Job
from aad.agents.command import CommandAgent
from aad.agents.roster import KINDS
from aad.cli import COMMANDS, EXIT_BUG, EXIT_USAGE
from aad.config import OrchestratorConfig
from aad.escalationlog import EscalationLog
from aad.formats.settings import Settings
from aad.spec import Spec

# What all commands understand is said once.
LOOKS = {"--color", "--symbols", "--lang"}


def read_section(page: Path, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its level or above."""
    text = page.read_text("utf-8")
    level = heading.count("#")
    after = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{level}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def read_rows(text: str) -> list[list[str]]:
    """Return the cells of the tables in a text, less their heads."""
    lines = text.splitlines()
    rows = [line for line, below in zip(lines, [*lines[1:], ""], strict=True) if not below.startswith("|---")]
    return [split_row(row) for row in rows if row.startswith("|") and not row.startswith("|---")]


def split_row(row: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def read_codes(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


# The tables of the reference and the READMEs.


def read_exit_codes(page: Path, heading: str) -> list[str]:
    return [row[0] for row in read_rows(read_section(page, heading))]


def test_the_exit_codes_are_those_of_the_code() -> None:
    codes = {
        0,
        ending.EXIT_FAILED,
        EXIT_USAGE,
        EXIT_BUG,
        ending.EXIT_WAITING,
        errors.NothingMatchedError.exit_code,
        errors.LockedError.exit_code,
        ending.EXIT_OVERDUE,
    }

    told = read_exit_codes(REFERENCE, "## Exit status")

    assert told == [*map(str, sorted(codes)), f"{ending.EXIT_SIGNAL}+n"]


@pytest.mark.parametrize(("page", "heading"), [(README, "## Exit status"), (JAPANESE, "## 終了ステータス")])
def test_the_readmes_tell_the_same_exit_codes(page: Path, heading: str) -> None:
    assert read_exit_codes(page, heading) == read_exit_codes(REFERENCE, "## Exit status")


def list_options(command: click.Command) -> set[str]:
    options = (param.opts for param in command.params if isinstance(param, click.Option))
    return {name for names in options for name in names}


def read_options(cells: str) -> set[str]:
    """Return the options that cells name in backticks."""
    return {word for code in read_codes(cells) for word in re.findall(r"(?<!\S)--?[a-z][a-z-]*", code)}


def list_commands() -> Iterator[tuple[str, click.Command]]:
    """Yield all commands that do something, by name."""
    for name, module in COMMANDS.items():
        command: click.Command = import_module(module).make_command("en")
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", found) for sub, found in command.commands.items())
        else:
            yield name, command


def test_the_reference_tells_all_options_of_orchestrate() -> None:
    told = {
        word
        for row in read_rows(read_section(REFERENCE, "### aad orchestrate"))
        for word in read_options(row[0])
    }

    assert told == list_options(dict(list_commands())["orchestrate"])


def test_the_reference_tells_all_other_commands_and_their_options() -> None:
    told = {
        " ".join(re.findall(r"[a-z]+", row[0])[1:]): read_options(row[2]) | LOOKS
        for row in read_rows(read_section(REFERENCE, "### The other commands"))
    }

    assert told == {name: list_options(command) for name, command in list_commands() if name != "orchestrate"}


def first_codes(heading: str) -> set[str]:
    """Return what stands in backticks in the first cells below a heading of the reference."""
    return {code for row in read_rows(read_section(REFERENCE, heading)) for code in read_codes(row[0])}


def test_the_reference_tells_all_front_matter() -> None:
    assert first_codes("### Front matter") == {*attrs.fields_dict(Settings)} - {"problems"}


def test_the_reference_tells_all_tables_of_the_settings() -> None:
    tables = {
        f"[{field.name}]" for field in attrs.fields(OrchestratorConfig) if attrs.has(field.type or object)
    }

    assert first_codes("## Settings") == tables | {"[agents.NAME]", "[profile.NAME]", "[[override]]"}


def test_the_reference_tells_all_options_of_an_agent() -> None:
    assert first_codes("## Options of an agent") == attrs.fields_dict(config.AgentOptions).keys()


def test_the_reference_tells_all_kinds_of_agents_wherever_it_lists_them() -> None:
    told = read_rows(read_section(REFERENCE, "## Options of an agent"))
    (kinds,) = (read_codes(row[1]) for row in told if row[0] == "`kind`")
    (option,) = (
        row[1] for row in read_rows(read_section(REFERENCE, "### aad orchestrate")) if "--agent" in row[0]
    )

    assert (kinds, read_codes(option)) == (list(config.AGENT_KINDS), list(config.AGENT_KINDS))


def test_the_reference_tells_all_bounds_of_a_run() -> None:
    told = first_codes("## What may be used")

    assert told == attrs.fields_dict(config.BudgetSettings).keys()


def test_the_reference_tells_all_that_is_counted_of_what_is_used() -> None:
    told = read_section(REFERENCE, "## Events").partition("`usage` has")[2].partition("\nReasons")[0]

    assert read_codes(told) == [*attrs.fields_dict(events.Usage)]


def test_the_reference_tells_all_that_doctor_says_an_agent_can() -> None:
    told = read_section(REFERENCE, "### What aad doctor looks at").partition("`can`, of ")[2]

    assert read_codes(told) == [*diagnosis.CAPS]


def test_the_reference_tells_all_isolations_and_all_other_settings_of_workspaces() -> None:
    told = first_codes("## Where a session works")

    assert told == {
        *get_args(config.AnyIsolation),
        "[workspace]",
        *attrs.fields_dict(config.WorkspaceSettings),
    } - {"isolation"}


def test_the_reference_tells_all_settings_of_escalations_all_keys_of_a_rule_and_all_actions() -> None:
    told = first_codes("## What is decided about escalations")

    assert told == {
        *attrs.fields_dict(config.EscalationSettings),
        *attrs.fields_dict(config.PolicyRule),
        *events.Action,
    } - {events.Action.WITHDRAW}


def test_the_reference_tells_all_events_and_their_members() -> None:
    told = {
        row[0].strip("`"): set(read_codes(row[2])) for row in read_rows(read_section(REFERENCE, "## Events"))
    }

    assert told.keys() == events.TYPES.keys()
    assert {
        (kind, member)
        for kind, members in told.items()
        for member in members - {"status"}
        if member not in attrs.fields_dict(events.TYPES[kind])
    } == set()


@pytest.mark.parametrize("kind", [events.EscalationRaised, events.EscalationDecided])
def test_the_reference_tells_every_member_of_an_event_about_an_escalation(kind: type[events.Event]) -> None:
    (told,) = (
        {*read_codes(row[2])}
        for row in read_rows(read_section(REFERENCE, "## Events"))
        if row[0] == f"`{kind.type}`"
    )

    assert told == attrs.fields_dict(kind).keys() - attrs.fields_dict(events.SessionEvent).keys()


def test_the_reference_tells_all_reasons_of_failures() -> None:
    told = read_codes(read_section(REFERENCE, "## Events").partition("`failure` has")[2])

    assert {*events.Reason} <= {*told}


def test_the_reference_tells_all_members_of_an_escalation() -> None:
    escalation = EscalationLog(
        id="A-error",
        run_id="R",
        session_id="R/A",
        spec_id="A",
        level=events.EscalationLevel.ERROR,
        reason="",
        timestamp=datetime.now(UTC),
    )

    assert first_codes("## Escalations") == set(escalation.to_json())


def test_the_reference_tells_all_levels_kinds_and_actions_of_escalations() -> None:
    told = {
        code for row in read_rows(read_section(REFERENCE, "## Escalations")) for code in read_codes(row[1])
    }

    assert {*events.EscalationLevel, *events.EscalationKind, *events.Action} <= told


def test_the_reference_tells_all_variables_of_a_child(tmp_path: Path) -> None:
    job = Job(
        run="R",
        session="R/A",
        spec=Spec(id="A"),
        spec_file="A.md",
        attempt=1,
        workspace=tmp_path,
        events_file=tmp_path,
        answer="yes",
        option="yes",
        unverified=events.Failure(reason=events.Reason.VERIFY_FAILED),
        place={"AAD_CONFLICT": "a.txt"},
    )

    assert first_codes("## What a child session gets and may say") == job.environment.keys()


# The tables of agents.

AGENT_PAGES = pytest.mark.parametrize("page", [AGENTS, JAPANESE_AGENTS], ids=lambda page: page.name)


def list_agent_tables(page: Path) -> list[dict[str, list[str]]]:
    """Return the tables of a page whose rows begin with agents, each row by its agent."""
    parts = page.read_text("utf-8").split("\n\n")
    tables = [read_rows(part) for part in parts if re.match(r"\|.*\n\|---.*\n\| `claude`", part)]
    return [{read_codes(row[0])[0]: row[1:] for row in rows} for rows in tables]


def describe_caps(caps: Caps) -> list[str]:
    """Return how the table of what agents can do says it."""
    bounds = [word for word, has in (("turns", caps.turns), ("cost", caps.budget)) if has]
    first = [caps.resumes, caps.plans, caps.tokens, caps.cost]
    last = [caps.replies, caps.sandbox]
    return [*map(say_yes, first), ", ".join(bounds) or "no", *map(say_yes, last)]


def say_yes(has: bool) -> str:
    return "yes" if has else "no"


@AGENT_PAGES
def test_what_each_agent_can_do_is_what_its_adapter_says(page: Path) -> None:
    caps = {kind: describe_caps(make_agent(kind).caps) for kind in KINDS}

    told = list_agent_tables(page)[0]

    assert told == {**caps, "command": describe_caps(CommandAgent.caps)}


def make_agent(kind: str) -> Agent:
    return KINDS[kind](options=config.AgentOptions(), name=kind)


@AGENT_PAGES
def test_what_each_agent_may_touch_is_said_for_every_permission(page: Path) -> None:
    told = list_agent_tables(page)[1]

    assert told.keys() == KINDS.keys()
    assert {len(cells) for cells in told.values()} == {len(get_args(config.Permissions))}
    (heads,) = re.findall(r"^\|.*`full` *\|$", page.read_text("utf-8"), re.MULTILINE)
    assert tuple(read_codes(heads)) == get_args(config.Permissions)


@AGENT_PAGES
def test_the_variables_that_each_agent_gets_are_those_of_its_adapter(page: Path) -> None:
    told = {kind: tuple(read_codes(cells[0])) for kind, cells in list_agent_tables(page)[2].items()}

    assert told == {kind: make_agent(kind).passes for kind in KINDS}


@AGENT_PAGES
def test_the_specs_and_the_settings_of_the_guide_to_agents_have_no_faults(page: Path, tmp_path: Path) -> None:
    specs = tmp_path / ".aad" / "specs"
    specs.mkdir(parents=True)
    (tmp_path / "config").mkdir()
    for number, block in enumerate(list_blocks(page, "markdown"), 1):
        (specs / f"SPEC-{number:03}.md").write_text(block.text, "utf-8")

    told = []
    for block in list_blocks(page, "toml"):
        # One is about other things than who runs a spec.
        kind = "" if "[agent]" in block.text else 'agent = "claude"\n'
        (tmp_path / "config" / "aad.toml").write_text(kind + block.text, "utf-8")
        told.append(run("aad specs check", tmp_path).stdout)
    plan = json.loads(run("aad orchestrate --all --dry-run --agent claude --format json -q", tmp_path).stdout)

    assert told == ["3 specs, no faults\n"] * len(told)
    assert [(spec["id"], spec["wave"], spec["agent"]) for spec in plan["specs"]] == [
        ("SPEC-001", 0, "claude"),
        ("SPEC-002", 0, "claude"),
        ("SPEC-003", 1, "claude"),
    ]


def test_the_tables_are_read_at_all() -> None:
    assert len(first_codes("### Front matter")) > 10


def test_every_setting_that_a_page_names_exists() -> None:
    tables = [tomllib.loads(block.text) for page in PAGES for block in list_blocks(page, "toml")]

    named = {name for table in tables for name in table}

    assert named <= attrs.fields_dict(OrchestratorConfig).keys()
    assert {key for table in tables for entry in table.get("override", []) for key in entry} <= {
        "specs",
        *config.OVERRIDABLE,
    }
