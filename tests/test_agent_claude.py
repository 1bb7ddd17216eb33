"""Claude Code: what it is started with, and how what it writes is read, on recordings of it."""

import string
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from recordings import JOB, WHERE, find_recording, hear, list_names, read_lines, tell

from aad.agents.base import Command, Exit, Outcome, Verdict
from aad.agents.claude import ClaudeAgent
from aad.agents.claude_stream import ClaudeReader
from aad.agents.prompt import compose_prompt
from aad.agents.replies import write_schema
from aad.agents.talk import Denied, Limited, Opened, Planned, Retrying, Said, Talk, ToolBegan, ToolEnded, Used
from aad.config import AgentOptions
from aad.events import Failure, Question, Reason, Usage
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

NOTHING = Usage(cost_usd=0)
TWO_CALLS = Usage(input=3000, cached=600, output=100, cost_usd=0.01172)
THREE_CALLS = Usage(input=4500, cached=900, output=150, cost_usd=0.01758)
FIVE_CALLS = Usage(input=7500, cached=1500, output=250, cost_usd=0.0293)
SIX_CALLS = Usage(input=9000, cached=1800, output=300, cost_usd=0.03516)

REFUSED = (
    "API Error: Opus 5.5's safeguards flagged this message (https://www.anthropic.com/legal/aup). This "
    "sometimes happens with safe, normal conversations. Claude Code can't respond to this message with "
    "Opus 5.5.\n\nTry rephrasing the request in a new session or change your model.\n\nLearn more: "
    "https://support.claude.com/en/articles/8106465\n\nMessage ID: msg_2758d91a853d498487b6"
)
BROKEN_SERVER = (
    "API Error: 500 scripted internal error. This is a server-side issue, usually temporary — try again in a "
    "moment. If it persists, check your inference gateway (127.0.0.1:8080)."
)


def completed(text: str, usage: Usage) -> Verdict:
    return Verdict(outcome=Outcome.COMPLETED, text=text, usage=usage)


def failed(
    reason: Reason,
    message: str,
    usage: Usage | None = NOTHING,
    *,
    transient: bool = False,
    reset_at: float | None = None,
) -> Verdict:
    failure = Failure(reason=reason, message=message, exit_code=1)
    return Verdict(
        outcome=Outcome.FAILED, failure=failure, transient=transient, usage=usage, reset_at=reset_at
    )


KILLED = Verdict(outcome=Outcome.FAILED, failure=Failure(reason=Reason.KILLED, signal=9), transient=True)
VERDICTS = {
    "success": completed("Done: hello.txt written.", TWO_CALLS),
    "toolfail": completed("The command failed with code 3; giving up.", TWO_CALLS),
    "retry": completed("Done after 500s.", TWO_CALLS),
    "todo": completed("All three steps done.", SIX_CALLS),
    "resumed": completed("RESUMED ok: 4 user messages, 1 tool results in my context", THREE_CALLS),
    "subagent": completed("Sub-agent finished.", FIVE_CALLS),
    "denied": completed("Tried to write outside.", TWO_CALLS),
    "question": Verdict(
        outcome=Outcome.QUESTION,
        question=Question(text="PostgreSQL or SQLite?"),
        text="need a decision",
        usage=TWO_CALLS,
    ),
    "err401": failed(Reason.AUTH, "Failed to authenticate. API Error: 401 scripted bad key"),
    "err429": failed(
        Reason.RATE_LIMITED, "API Error: Request rejected (429) · scripted rate limit", transient=True
    ),
    "err500": failed(Reason.SERVER, BROKEN_SERVER, transient=True),
    "rate_limited": failed(
        Reason.RATE_LIMITED,
        "You've hit your limit · resets 12:05am (UTC)",
        transient=True,
        reset_at=1795392314,
    ),
    "refusal": failed(Reason.REFUSAL, REFUSED, TWO_CALLS),
    "max_turns": failed(Reason.MAX_TURNS, "Reached maximum number of turns (3)", THREE_CALLS),
    "killed_9": KILLED,
    "cut_mid_line": KILLED,
}

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


def judge(*records: Mapping[str, Any], end: Exit, errors: str = "") -> Verdict:
    reader = ClaudeReader()
    tell(reader, *records)
    return reader.close(end, errors)


def good(**more: object) -> Mapping[str, Any]:
    return {"type": "result", "subtype": "success", "is_error": False, "result": "Done.", **more}


def bad(**more: object) -> Mapping[str, Any]:
    return {"type": "result", "subtype": "success", "is_error": True, **more}


def task_made(number: str, subject: str, **more: object) -> Mapping[str, Any]:
    return {"type": "user", "tool_use_result": {"task": {"id": number, "subject": subject}}, **more}


def task_changed(number: str, status: str) -> Mapping[str, Any]:
    return {"type": "user", "tool_use_result": {"taskId": number, "statusChange": {"to": status}}}


def used_tool(name: str, given: object, **more: object) -> Mapping[str, Any]:
    block = {"type": "tool_use", "id": "t1", "name": name, "input": given}
    return {"type": "assistant", "message": {"content": [block]}, **more}


def test_all_recordings_of_it_are_judged() -> None:
    assert sorted(VERDICTS) == list_names("claude")


@pytest.mark.parametrize("name", VERDICTS)
def test_a_recording_is_judged_by_its_last_result_and_its_exit(name: str) -> None:
    recording, reader = find_recording(f"claude/{name}"), ClaudeReader()

    hear(reader, recording.lines)

    assert reader.close(recording.end, "") == VERDICTS[name]


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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(string.ascii_letters, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["content", "type", "id", "task", "todos", "status", "statusChange", "taskId", "input"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
ANY_RECORD = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["assistant", "user", "result", "system", "rate_limit_event"]),
        "subtype": st.sampled_from(["init", "api_retry", "permission_denied", "success"]),
    },
    optional=dict.fromkeys(
        (
            "message", "session_id", "is_error", "result", "errors", "usage", "modelUsage", "error",
            "structured_output", "permission_denials", "tool_use_result", "rate_limit_info",
            "retry_delay_ms", "error_status", "api_error_status", "tool_use_id", "total_cost_usd",
        ),
        JSON,
    ),
)  # fmt: skip


@given(st.lists(ANY_RECORD, max_size=4))
def test_lines_of_any_shape_are_read_and_judged(records: list[Mapping[str, Any]]) -> None:
    verdict = judge(*records, end=Exit(0))

    assert (verdict.failure is None) == (verdict.outcome is Outcome.COMPLETED)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (bad(subtype="error_max_budget_usd"), Reason.BUDGET),
        (bad(subtype="error_max_turns", is_error=False), Reason.MAX_TURNS),
        (bad(subtype="error_during_execution", terminal_reason="aborted_tools"), Reason.INTERRUPTED),
        (bad(api_error_status=529, result="Overloaded"), Reason.SERVER),
        (bad(api_error_status=400, result="prompt is too long"), Reason.INVALID_REQUEST),
        (bad(result="Not logged in · Please run /login"), Reason.AUTH),
        (bad(errors=["No conversation found with session ID: 5a47"]), Reason.SESSION_LOST),
        (bad(result="API Error: Unable to connect (ECONNREFUSED)"), Reason.NETWORK),
        (bad(result="Something else"), Reason.UNKNOWN),
        ({"type": "result", "subtype": "success"}, Reason.UNKNOWN),
    ],
)
def test_a_failed_result_names_its_cause(result: Mapping[str, Any], reason: Reason) -> None:
    verdict = judge(result, end=Exit(1))

    assert verdict.failure is not None
    assert verdict.failure.reason is reason


def test_what_stderr_says_counts_where_there_is_no_result() -> None:
    errors = "Warning: an old setting\nNot logged in · Please run /login\n"

    verdict = judge(end=Exit(1), errors=errors)

    assert verdict == failed(Reason.AUTH, "Not logged in · Please run /login", None)


def test_a_lost_session_is_told_on_stderr() -> None:
    verdict = judge(end=Exit(1), errors="No conversation found with session ID: 5a47\n")

    assert verdict == failed(Reason.SESSION_LOST, "No conversation found with session ID: 5a47", None)


def test_what_stderr_says_does_not_count_beside_a_result() -> None:
    verdict = judge(good(), end=Exit(0), errors="Not logged in\n")

    assert verdict == Verdict(outcome=Outcome.COMPLETED, text="Done.")


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (Exit(0), Reason.NO_RESULT),
        (Exit(1), Reason.EXIT_CODE),
        (Exit(143), Reason.KILLED),
        (Exit(None, 15), Reason.KILLED),
    ],
)
def test_an_end_without_a_word_is_judged_by_the_exit(end: Exit, reason: Reason) -> None:
    verdict = judge(end=end)

    assert verdict.failure is not None
    assert verdict.failure.reason is reason


@pytest.mark.parametrize(("end", "reason"), [(Exit(1), Reason.EXIT_CODE), (Exit(None, 9), Reason.KILLED)])
def test_a_good_result_does_not_hide_a_bad_exit(end: Exit, reason: Reason) -> None:
    verdict = judge(good(), end=end)

    assert verdict.failure is not None
    assert verdict.failure.reason is reason


def test_the_last_of_several_results_counts() -> None:
    verdict = judge(bad(result="Overloaded"), good(), end=Exit(0))

    assert verdict == Verdict(outcome=Outcome.COMPLETED, text="Done.")


def test_a_reply_may_offer_options_or_say_that_it_failed() -> None:
    asked = {"status": "question", "summary": "Stuck.", "question": "Which?", "options": ["a", "b"]}
    gave_up = {"status": "failed", "summary": "It cannot be done.", "question": "", "options": []}

    question = judge(good(structured_output=asked), end=Exit(0))
    failure = judge(good(structured_output=gave_up), end=Exit(0))

    assert question.question == Question(text="Which?", options=("a", "b"))
    assert failure.failure == Failure(reason=Reason.UNKNOWN, message="It cannot be done.")


def test_tokens_that_went_into_a_cache_count_as_input_for_each_model() -> None:
    reader = ClaudeReader()
    models = {
        "large": {
            "inputTokens": 1,
            "cacheReadInputTokens": 2,
            "cacheCreationInputTokens": 4,
            "outputTokens": 8,
        },
        "small": {"inputTokens": 16, "outputTokens": 32},
    }

    tell(reader, good(modelUsage=models, total_cost_usd=0.5))

    assert reader.usage == Usage(input=23, cached=2, output=40, cost_usd=0.5)


def test_a_limit_that_is_near_or_may_be_paid_past_is_none() -> None:
    near = {"status": "allowed_warning", "resetsAt": 1795392314}
    paid = {"status": "rejected", "resetsAt": 1795392314, "isUsingOverage": True}

    talk = told(*({"type": "rate_limit_event", "rate_limit_info": info} for info in (near, paid)))

    assert talk == []


def test_a_limit_that_passed_is_not_held_against_another_failure() -> None:
    limit = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1795392314}}

    verdict = judge(limit, bad(api_error_status=500, result="Down"), end=Exit(1))

    assert verdict == failed(Reason.SERVER, "Down", None, transient=True)


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
