"""Codex while it is talked with: how it is started, what it says, and what was recorded."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from attrs import evolve
from codextalk import PLACE, RESUMED, THREAD, Json, make_reader, parse, tell
from recordings import JOB, find_theirs, hear, is_ours, read_lines

from aad.agents.base import Caps, Command, Exit, Job, Outcome, Speaking, SpeakingAgent, Verdict, begin_reading
from aad.agents.codex import CodexAgent
from aad.agents.codex_live import LiveCodexAgent
from aad.agents.prompt import compose_prompt
from aad.agents.replies import SCHEMA
from aad.agents.roster import Roster
from aad.agents.talk import Opened, Said, Used, Wants, Withdrawn
from aad.config import AgentOptions, AgentSettings, OrchestratorConfig, Permissions
from aad.events import Failure, Reason, Usage
from aad.spec import Spec
from aad.version import __version__

# What the account's window said, to the second; the words beside it tell the minute.
RESET = 1795394388
NAMES = ("codex/app_server_question", "codex/app_server_usage_limit")

# How it is started.


@pytest.mark.parametrize(
    ("permissions", "flags"),
    [
        (None, ()),
        ("workspace", ()),
        (
            "sandbox",
            (
                *("-c", "sandbox_workspace_write.exclude_slash_tmp=true"),
                *("-c", "sandbox_workspace_write.exclude_tmpdir_env_var=true"),
            ),
        ),
        ("full", ()),
    ],
)
def test_its_server_is_started_with_the_tool_to_ask_by(
    permissions: Permissions | None, flags: tuple[str, ...]
) -> None:
    options = AgentOptions(permissions=permissions, args=("-c", "x=1"), command=("npx", "codex"))

    command = LiveCodexAgent(options).command(JOB, {"HOME": "/home/ada"})

    assert command == Command(
        argv=(
            *("npx", "codex", "app-server", "--enable", "default_mode_request_user_input"),
            *("-c", "tools.update_plan.enabled=true"),
            *("--disable", "plugins", "--disable", "apps", "--disable", "remote_plugin"),
            *flags,
            *("-c", 'sandbox_workspace_write.writable_roots=["/attempt/events"]'),
            *("-c", "x=1"),
        ),
        env={"HOME": "/home/ada", **JOB.environment},
        cwd="/workspace",
    )


def test_a_folder_of_any_name_is_told_as_toml() -> None:
    folder = Path('/a "quoted" 作業 🛠/events')
    job = evolve(JOB, events_file=folder / "events.jsonl")

    setting = LiveCodexAgent(AgentOptions()).command(job, {}).argv[-1]

    assert tomllib.loads(setting) == {"sandbox_workspace_write": {"writable_roots": [str(folder)]}}


@pytest.mark.parametrize(
    ("options", "thread"),
    [
        (AgentOptions(), {"approvalPolicy": "on-request", "sandbox": "workspace-write"}),
        (
            AgentOptions(permissions="workspace", model="gpt-5"),
            {"approvalPolicy": "on-request", "sandbox": "workspace-write", "model": "gpt-5"},
        ),
        (
            AgentOptions(permissions="sandbox"),
            {"approvalPolicy": "never", "sandbox": "workspace-write"},
        ),
        (
            AgentOptions(permissions="full"),
            {"approvalPolicy": "never", "sandbox": "danger-full-access"},
        ),
    ],
)
def test_it_asks_for_leave_where_it_is_fenced_in_loosely(
    options: AgentOptions, thread: Mapping[str, str]
) -> None:
    reader = LiveCodexAgent(options).speak(JOB)

    (start,) = [said["params"] for said in parse(reader.begin()) if said["method"] == "thread/start"]

    assert start == {"cwd": "/workspace", **thread}


def test_it_can_do_what_codex_can() -> None:
    agent = LiveCodexAgent(AgentOptions(), "mine")

    assert (agent.name, agent.passes) == ("mine", CodexAgent.passes)
    assert agent.caps == Caps(
        resumes=True, plans=True, tokens=True, cumulative=True, replies=True, sandbox=True
    )


def test_it_is_one_to_talk_with() -> None:
    agent = LiveCodexAgent(AgentOptions())

    assert isinstance(agent, SpeakingAgent)
    assert isinstance(begin_reading(agent, JOB), Speaking)
    assert agent.judge(Exit(1)).failure == Failure(reason=Reason.EXIT_CODE, exit_code=1)


@pytest.mark.parametrize(("live", "kind"), [(True, LiveCodexAgent), (False, CodexAgent)])
def test_its_options_say_whether_it_is_live(live: bool, kind: type) -> None:
    config = OrchestratorConfig(agent=AgentSettings(kind="codex"), agents={"codex": AgentOptions(live=live)})

    (player,) = Roster(config, {}).cast(Spec(id="A"))

    assert type(player.agent) is kind


# What it says.


def test_a_new_session_begins_with_a_thread() -> None:
    said = parse(make_reader().begin())

    client = {"name": "aad", "title": "aad", "version": __version__}
    first = {"clientInfo": client, "capabilities": {"experimentalApi": True}}
    assert said == [
        {"id": 1, "method": "initialize", "params": first},
        {"method": "initialized"},
        {"id": 2, "method": "thread/start", "params": PLACE},
    ]


def test_a_session_is_taken_up_by_the_id_of_its_thread() -> None:
    said = parse(make_reader(RESUMED).begin())

    params = {"threadId": THREAD, "excludeTurns": True, **PLACE}
    assert said[-1] == {"id": 2, "method": "thread/resume", "params": params}


@pytest.mark.parametrize("job", [JOB, RESUMED])
def test_the_turn_is_told_what_to_do_and_how_to_end(job: Job) -> None:
    reader = make_reader(job)
    reader.begin()

    talk = tell(reader, id=2, result={"thread": {"id": THREAD}, "model": "gpt-5"})
    said = parse(reader.take_outgoing())

    words = [{"type": "text", "text": compose_prompt(job, replies=True, live=True).decode()}]
    params = {"threadId": THREAD, "input": words, "outputSchema": SCHEMA}
    assert talk == [Opened(session_id=THREAD, model="gpt-5")]
    assert said == [{"id": 3, "method": "turn/start", "params": params}]


def test_a_spec_that_cannot_be_read_is_no_beginning() -> None:
    reader = make_reader(evolve(JOB, spec=Spec(id="A"), spec_file="/nowhere/A.md"))

    with pytest.raises(FileNotFoundError):
        reader.begin()


# What was recorded, in both directions.


def act(name: str, answers: Sequence[str] = ()) -> list[tuple[int, Json]]:
    """Return what we say where a recording's other side says the same: behind how many lines, and what."""
    reader, left = make_reader(), list(answers)
    said = [(0, told) for told in parse(reader.begin())]
    for count, line in enumerate(find_theirs(name), 1):
        for talk in reader.feed(line):
            if isinstance(talk, Wants):
                reader.answer(talk.request_id, left.pop(0), None)
        said += [(count, told) for told in parse(reader.take_outgoing())]
    return said


def read_ours(name: str) -> list[tuple[int, Json]]:
    """Return what was said in a recording, behind how many lines of the other side."""
    lines = read_lines(name)
    ours = [(place, json.loads(line)[">>>"]) for place, line in enumerate(lines) if is_ours(line)]
    return [(sum(not is_ours(line) for line in lines[:place]), told) for place, told in ours]


def outline(said: Sequence[tuple[int, Json]]) -> list[Json]:
    """Return all of what was said but the parameters, of which ours are others."""
    return [(count, {key: told[key] for key in told if key != "params"}) for count, told in said]


@pytest.mark.parametrize(("name", "answers"), [(NAMES[0], ["SQLite"]), (NAMES[1], [])])
def test_we_say_what_was_said_in_a_recording_and_when(name: str, answers: list[str]) -> None:
    said = act(name, answers)

    assert outline(said) == outline(read_ours(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_a_recording_is_broken(name: str) -> None:
    reader = make_reader()

    hear(reader, read_lines(name))

    assert (reader.broken, reader.is_done) == (0, True)


def test_a_recorded_question_is_told_and_the_work_goes_on() -> None:
    used = [Used(Usage(input=1500 * n, cached=300 * n, output=50 * n)) for n in (1, 2)]

    assert hear(make_reader(), find_theirs(NAMES[0])) == [
        Opened(session_id=THREAD, model="scripted-model"),
        Said("Working: ask"),
        Wants(
            request_id="0/0",
            text="Which database should I use, PostgreSQL or SQLite?",
            options=("PostgreSQL", "SQLite"),
            descriptions=("server", "file"),
        ),
        # Nobody has answered it here.
        Withdrawn(request_id="0/0"),
        used[0],
        Said("Question was not answered; stopping."),
        used[1],
    ]


def test_a_recorded_question_ends_well() -> None:
    reader = make_reader()
    hear(reader, find_theirs(NAMES[0]))

    assert reader.close(Exit(0), "") == Verdict(
        outcome=Outcome.COMPLETED,
        usage=Usage(input=3000, cached=600, output=100),
        text="Question was not answered; stopping.",
    )


def test_an_account_that_is_used_up_tells_until_when() -> None:
    reader = make_reader()
    hear(reader, find_theirs(NAMES[1]))

    verdict = reader.close(Exit(0), "")

    assert verdict.failure is not None
    assert (verdict.failure.reason, verdict.transient, verdict.reset_at) == (
        Reason.RATE_LIMITED,
        True,
        RESET,
    )


# What was never recorded whole.


@pytest.mark.parametrize(
    "line",
    [
        '{"id":2,"result":null}',
        '{"id":[],"result":{}}',
        '{"id":9,"error":{"message":"no"}}',
        '{"id":4,"error":null}',
        '{"method":"error"}',
        '{"method":"error","params":{"error":null}}',
        '{"method":"item/started","params":null}',
        '{"method":"item/started","params":{"item":[]}}',
        '{"method":"item/completed","params":{"item":{"type":"reasoning"}}}',
        '{"method":"turn/completed","params":{"turn":null}}',
        '{"method":"turn/started","params":{}}',
        '{"method":"account/rateLimits/updated","params":{"rateLimits":{"primary":{"resetsAt":"soon"}}}}',
        '{"method":"thread/tokenUsage/updated","params":{"tokenUsage":7}}',
        '{"method":"serverRequest/resolved","params":{}}',
        '{"method":"item/tool/requestUserInput","params":{}}',
        '{"id":5,"method":"item/fileChange/requestApproval"}',
        # What is nested so deep can be read, but not written.
        f'{{"id":{"[" * 900}{"]" * 900},"method":"item/tool/call"}}',
        f'{{"id":{"[" * 900}{"]" * 900},"method":"item/tool/requestUserInput","params":{{}}}}',
        f'{{"id":{"[" * 900}{"]" * 900},"method":"item/fileChange/requestApproval","params":{{}}}}',
    ],
)
def test_a_line_of_an_unknown_shape_tells_nothing(line: str) -> None:
    reader = make_reader()
    reader.begin()

    talk = reader.feed(line.encode())

    assert (talk, reader.take_outgoing()) == ([], b"")
