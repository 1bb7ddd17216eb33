"""Claude Code: what it is started with, and what it tells while it works."""

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve
from clauderecords import FIVE_CALLS, NOTHING, SIX_CALLS, TWO_CALLS, good
from recordings import JOB, WHERE, hear, read_lines, tell

from aad.agents.base import Command
from aad.agents.claude import ClaudeAgent
from aad.agents.claude_stream import ClaudeReader
from aad.agents.prompt import compose_prompt
from aad.agents.replies import write_schema
from aad.agents.talk import Denied, Limited, Opened, Planned, Retrying, Said, Talk, ToolBegan, ToolEnded, Used
from aad.config import AgentOptions
from aad.events import Reason
from aad.state import Answered

ENVIRONMENT = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "PATH": "/bin",
    **WHERE,
}
FIXED = (
    "-p", "--output-format", "stream-json", "--verbose", "--allowedTools", "Bash,TaskCreate,TaskUpdate",
    "--setting-sources", "project", "--strict-mcp-config",
)  # fmt: skip
EDITS = ("--permission-mode", "acceptEdits")
NEW = ("--session-id", "11111111-2222-4333-8444-555555555555")
SCHEMA = ("--json-schema", write_schema())
SANDBOX = (
    '{"sandbox":{"enabled":true,"failIfUnavailable":true,"autoAllowBashIfSandboxed":true,'
    '"allowUnsandboxedCommands":false,"filesystem":{"allowWrite":["/attempt/events"]}}}'
)

TALKS: Mapping[str, list[Talk]] = {
    "todo": [
        Opened(session_id="31d51898-27c4-4d63-a55e-87cb1f456009", model="claude-opus-5-5"),
        Said("Working: todo"),
        ToolBegan(id="toolu_763d9298e2004250ab15", name="TaskCreate", detail="Write hello.txt"),
        ToolBegan(id="toolu_4e7eb53e71c14949b2cf", name="TaskCreate", detail="Check hello.txt"),
        ToolBegan(id="toolu_c1bdf45585ed4a4ba939", name="TaskCreate", detail="Report"),
        ToolEnded(id="toolu_763d9298e2004250ab15"),
        Planned(done=0, total=1),
        ToolEnded(id="toolu_4e7eb53e71c14949b2cf"),
        Planned(done=0, total=2),
        ToolEnded(id="toolu_c1bdf45585ed4a4ba939"),
        Planned(done=0, total=3),
        Said("Working: write"),
        ToolBegan(id="toolu_b8ea7835bae742feb995", name="Write", detail="/workspace/hello.txt"),
        ToolEnded(id="toolu_b8ea7835bae742feb995"),
        Said("Working: todo"),
        ToolBegan(id="toolu_a4f7b1ac83054b9cacdd", name="TaskUpdate"),
        ToolBegan(id="toolu_246df72ba1774691bbdb", name="TaskUpdate"),
        ToolBegan(id="toolu_6a21d3a9425f4e388fdc", name="TaskUpdate"),
        ToolEnded(id="toolu_6a21d3a9425f4e388fdc"),
        ToolEnded(id="toolu_a4f7b1ac83054b9cacdd"),
        Planned(done=1, total=3),
        ToolEnded(id="toolu_246df72ba1774691bbdb"),
        Planned(done=1, total=3, current="Check hello.txt"),
        Said("Working: sh"),
        ToolBegan(id="toolu_830798f503e34808a908", name="Bash", detail="cat hello.txt"),
        ToolEnded(id="toolu_830798f503e34808a908"),
        Said("Working: todo"),
        ToolBegan(id="toolu_08ad63e5fd424d67849b", name="TaskUpdate"),
        ToolBegan(id="toolu_ceeee9aae762435c99d8", name="TaskUpdate"),
        ToolBegan(id="toolu_106424a91e764493adfa", name="TaskUpdate"),
        ToolEnded(id="toolu_08ad63e5fd424d67849b"),
        ToolEnded(id="toolu_ceeee9aae762435c99d8"),
        Planned(done=2, total=3),
        ToolEnded(id="toolu_106424a91e764493adfa"),
        Planned(done=3, total=3),
        Said("All three steps done."),
        Used(SIX_CALLS),
    ],
    "retry": [
        Opened(session_id="c153c434-9f7d-4aeb-8b23-d07fae552132", model="claude-opus-5-5"),
        Retrying(reason=Reason.SERVER, attempt=1, of=2, delay=0.603),
        Retrying(reason=Reason.SERVER, attempt=2, of=2, delay=1.133),
        Said("Working: write"),
        ToolBegan(id="toolu_2aad2524203b40fa8fe7", name="Write", detail="/workspace/hello.txt"),
        ToolEnded(id="toolu_2aad2524203b40fa8fe7"),
        Said("Done after 500s."),
        Used(TWO_CALLS),
    ],
    "denied": [
        Opened(session_id="8d3ddbe8-1b4f-48bd-a2c8-ab90fb9cf98a", model="claude-opus-5-5"),
        Said("Working: write"),
        ToolBegan(id="toolu_9d6194b4cab247129689", name="Write", detail="/outside/file.txt"),
        Denied("Write"),
        ToolEnded(id="toolu_9d6194b4cab247129689", ok=False),
        Said("Tried to write outside."),
        Used(TWO_CALLS),
    ],
    "subagent": [
        Opened(session_id="ff4e9b00-5a64-4065-9176-5ea3b5245ff8", model="claude-opus-5-5"),
        Said("Working: agent"),
        ToolBegan(id="toolu_4d7ad37cfc774e6ebc6a", name="Agent", detail="sub job"),
        ToolEnded(id="toolu_4d7ad37cfc774e6ebc6a"),
        Said("Sub-agent finished."),
        ToolBegan(id="toolu_981e3597f6ed4cfb8e96", name="Write", detail="/workspace/hello.txt"),
        ToolEnded(id="toolu_981e3597f6ed4cfb8e96"),
        Said("Sub-agent finished."),
        Used(FIVE_CALLS),
        Used(FIVE_CALLS),
    ],
    "rate_limited": [
        Opened(session_id="41ba863a-a5ec-4325-b9c1-c602bb6e0fea", model="claude-sonnet-5-5"),
        Limited(1795392314),
        Used(NOTHING),
    ],
}


def told(*records: Mapping[str, Any]) -> list[Talk]:
    return tell(ClaudeReader(), *records)


def task_made(number: str, subject: str, **more: object) -> Mapping[str, Any]:
    return {"type": "user", "tool_use_result": {"task": {"id": number, "subject": subject}}, **more}


def task_changed(number: str, status: str) -> Mapping[str, Any]:
    return {"type": "user", "tool_use_result": {"taskId": number, "statusChange": {"to": status}}}


def used_tool(name: str, given: object, **more: object) -> Mapping[str, Any]:
    block = {"type": "tool_use", "id": "t1", "name": name, "input": given}
    return {"type": "assistant", "message": {"content": [block]}, **more}


@pytest.mark.parametrize("name", TALKS)
def test_a_recording_tells_what_the_agent_does(name: str) -> None:
    assert hear(ClaudeReader(), read_lines(f"claude/{name}")) == TALKS[name]


@pytest.mark.parametrize(
    "record",
    [
        {"type": "assistant", "message": "words"},
        {"type": "rate_limit_event", "rate_limit_info": None},
    ],
)
def test_a_record_of_another_shape_tells_nothing(record: Mapping[str, Any]) -> None:
    reader = ClaudeReader()

    talk = tell(reader, record)

    assert (talk, reader.broken) == ([], 0)


def test_a_limit_that_is_near_or_may_be_paid_past_is_none() -> None:
    near = {"status": "allowed_warning", "resetsAt": 1795392314}
    paid = {"status": "rejected", "resetsAt": 1795392314, "isUsingOverage": True}

    talk = told(*({"type": "rate_limit_event", "rate_limit_info": info} for info in (near, paid)))

    assert talk == []


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"error_status": None, "error": "unknown"}, Retrying(reason=Reason.NETWORK)),
        ({"error": "rate_limit", "attempt": 3}, Retrying(reason=Reason.RATE_LIMITED, attempt=3)),
        ({"error": "server_error", "retry_delay_ms": 500}, Retrying(reason=Reason.SERVER, delay=0.5)),
        ({"error_status": 529, "max_retries": 10}, Retrying(reason=Reason.SERVER, of=10)),
    ],
)
def test_a_retry_tells_its_cause_as_far_as_it_is_known(record: Mapping[str, Any], expected: Retrying) -> None:
    assert told({"type": "system", "subtype": "api_retry", **record}) == [expected]


def test_a_whole_list_is_a_plan() -> None:
    todos = [
        {"content": "Write", "status": "completed"},
        {"content": "Check", "status": "in_progress"},
        {"content": "Report", "status": "pending"},
    ]

    talk = told(used_tool("TodoWrite", {"todos": todos}), used_tool("TodoWrite", {"todos": []}))

    assert talk == [
        ToolBegan(id="t1", name="TodoWrite"),
        Planned(done=1, total=3, current="Check"),
        ToolBegan(id="t1", name="TodoWrite"),
    ]


def test_the_plan_of_a_sub_agent_is_not_the_sessions() -> None:
    todos = {"todos": [{"content": "Write", "status": "completed"}]}

    talk = told(
        used_tool("TodoWrite", todos, parent_tool_use_id="t0"),
        task_made("1", "Write", parent_tool_use_id="t0"),
    )

    assert talk == [ToolBegan(id="t1", name="TodoWrite")]


def test_a_task_that_is_dropped_leaves_the_plan() -> None:
    talk = told(
        task_made("1", "Write"),
        task_made("2", "Check"),
        task_changed("1", "deleted"),
        task_changed("2", "deleted"),
    )

    assert talk == [Planned(done=0, total=1), Planned(done=0, total=2), Planned(done=0, total=1)]


def test_a_task_that_is_looked_at_keeps_its_status() -> None:
    talk = told(task_made("1", "Write"), task_changed("1", "completed"), task_made("1", "Write"))

    assert talk == [Planned(done=0, total=1), Planned(done=1, total=1)]


def test_a_task_of_before_a_resume_makes_no_plan() -> None:
    assert told(task_changed("2", "completed")) == []


def test_a_denied_call_is_told_once_though_every_result_lists_it() -> None:
    denials = [{"tool_name": "Bash", "tool_use_id": "t1"}, {"tool_name": "Bash", "tool_use_id": "t2"}]

    talk = told(good(permission_denials=denials[:1]), good(permission_denials=denials))

    assert talk == [Denied("Bash"), Denied("Bash")]


def test_words_of_the_client_itself_are_not_the_agents() -> None:
    message = {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error: 500"}]}

    assert told({"type": "assistant", "message": message}) == []


def test_a_new_session_gets_the_id_that_we_chose() -> None:
    agent = ClaudeAgent(AgentOptions())

    command = agent.command(JOB, {"PATH": "/bin"})

    assert command == Command(
        argv=("claude", *FIXED, *EDITS, *NEW, *SCHEMA),
        env=ENVIRONMENT,
        cwd="/workspace",
        stdin=compose_prompt(JOB, replies=True),
    )


def test_a_session_is_taken_up_by_its_id() -> None:
    job = evolve(
        JOB,
        resumes=True,
        agent_session="31d51898",
        answer="SQLite",
        answered=(Answered(1, "Which?", "SQLite"),),
    )

    command = ClaudeAgent(AgentOptions()).command(job, {"PATH": "/bin"})

    assert command == Command(
        argv=("claude", *FIXED, *EDITS, "--resume", "31d51898", *SCHEMA),
        env={**ENVIRONMENT, "AAD_MODE": "resume", "AAD_ANSWER": "SQLite"},
        cwd="/workspace",
        stdin=compose_prompt(job, replies=True),
    )


def test_an_agent_that_keeps_bounds_is_told_ours() -> None:
    options = AgentOptions(model="sonnet", max_turns=40, max_cost_usd=2.5, max_tokens=9)

    command = ClaudeAgent(options).command(JOB, {})

    bounds = ("--model", "sonnet", "--max-turns", "40", "--max-budget-usd", "2.5")
    assert command.argv == ("claude", *FIXED, *EDITS, *NEW, *bounds, *SCHEMA)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (AgentOptions(permissions="workspace"), EDITS),
        (AgentOptions(permissions="sandbox"), (*EDITS, "--settings", SANDBOX)),
        (AgentOptions(permissions="full"), ("--dangerously-skip-permissions",)),
    ],
)
def test_each_permission_has_its_words(options: AgentOptions, words: tuple[str, ...]) -> None:
    command = ClaudeAgent(options).command(JOB, {})

    assert command.argv == ("claude", *FIXED, *words, *NEW, *SCHEMA)


def test_the_program_and_further_arguments_are_the_users() -> None:
    options = AgentOptions(command=("nice", "/opt/claude"), args=("--effort", "high"))

    command = ClaudeAgent(options).command(JOB, {})

    assert command.argv == ("nice", "/opt/claude", *FIXED, *EDITS, *NEW, *SCHEMA, "--effort", "high")


def test_a_variable_that_the_user_sets_wins_over_ours_but_not_over_the_way_home() -> None:
    env = {"PATH": "/bin", "DISABLE_AUTOUPDATER": "0", "AAD_EVENTS": "/elsewhere"}

    command = ClaudeAgent(AgentOptions()).command(JOB, env)

    assert command.env == {**ENVIRONMENT, "DISABLE_AUTOUPDATER": "0"}
