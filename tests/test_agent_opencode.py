"""The `opencode` agent: its command line, and what its lines mean."""

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from recordings import JOB, WHERE, find_recording, hear, judge, list_names

from aad.agents.base import COMPLETED, Caps, Command, Exit, Job, Outcome, Verdict, failed
from aad.agents.opencode import OpencodeAgent, OpencodeReader
from aad.agents.prompt import compose_prompt
from aad.agents.talk import Denied, Opened, Planned, Said, Talk, ToolBegan, ToolEnded, Used
from aad.config import AgentOptions
from aad.events import Failure, Reason, Usage
from aad.state import Answered

NOW = 1_795_385_735.0
RESUMED = evolve(
    JOB, resumes=True, agent_session="ses_1", answer="Yes", answered=(Answered(1, "Which?", "Yes"),)
)
FENCED = '{"permission": {"*": "allow", "external_directory": "deny"}}'
UNFENCED = '{"permission": {"*": "allow", "external_directory": "allow"}}'
FIXED = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_CONFIG_CONTENT": FENCED,
}


def make_command(options: AgentOptions, job: Job = JOB, **env: str) -> Command:
    return OpencodeAgent(options=options).command(job, env)


def make_reader() -> OpencodeReader:
    return OpencodeAgent(options=AgentOptions(), now=lambda: NOW).read()


def use(steps: int, cost: float) -> Usage:
    """Return what some steps of the script used."""
    return Usage(input=1500 * steps, cached=300 * steps, output=50 * steps, cost_usd=cost)


def write(kind: str, **fields: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps({"type": kind, "sessionID": "ses_1", **fields}).encode()


def write_error(message: str = "", name: str = "APIError", **data: Any) -> bytes:  # noqa: ANN401 - any JSON
    return write("error", error={"name": name, "data": {"message": message, **data}})


def finish(reason: str) -> bytes:
    return write("step_finish", part={"reason": reason})


# What is started.


def test_a_new_session_is_told_the_spec_on_stdin() -> None:
    command = make_command(AgentOptions(), PATH="/bin")

    told = command.stdin or b""
    assert (command.argv, command.cwd, command.files) == (
        ("opencode", "run", "--format", "json"),
        "/workspace",
        {},
    )
    assert command.env == {"PATH": "/bin", **FIXED, **WHERE}
    assert told.startswith("# A: Build it 作る\n".encode())


def test_a_resumed_session_is_told_the_answer_alone() -> None:
    command = make_command(AgentOptions(), RESUMED, PATH="/bin")

    assert command == Command(
        argv=("opencode", "run", "--format", "json", "-s", "ses_1"),
        env={
            "PATH": "/bin",
            **FIXED,
            **WHERE,
            "AAD_MODE": "resume",
            "AAD_ANSWER": "Yes",
        },
        cwd="/workspace",
        stdin=compose_prompt(RESUMED, replies=False),
    )


def test_a_model_stands_before_the_session_and_the_users_own_words_stand_last() -> None:
    options = AgentOptions(command=("npx", "opencode-ai"), model="local/m", args=("--agent", "build"))

    assert make_command(options, RESUMED).argv == (
        "npx", "opencode-ai", "run", "--format", "json", "-m", "local/m", "-s", "ses_1", "--agent", "build",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "config"),
    [
        (AgentOptions(permissions="sandbox"), FENCED),
        (AgentOptions(permissions="workspace"), FENCED),
        (AgentOptions(permissions="full"), UNFENCED),
    ],
)
def test_only_full_permissions_lift_the_fence_of_the_file_tools(options: AgentOptions, config: str) -> None:
    assert make_command(options).env == {**FIXED, "OPENCODE_CONFIG_CONTENT": config, **WHERE}


@pytest.mark.parametrize(
    ("given", "config"),
    [
        ('{"theme": "x", "permission": {"*": "ask"}}', {"theme": "x", **json.loads(FENCED)}),
        ("no JSON", json.loads(FENCED)),
    ],
)
def test_settings_of_the_user_are_kept_but_for_the_permissions(given: str, config: object) -> None:
    env = make_command(AgentOptions(), OPENCODE_CONFIG_CONTENT=given).env

    assert json.loads(env["OPENCODE_CONFIG_CONTENT"]) == config


def test_it_chooses_its_sessions_itself_and_keeps_no_bounds() -> None:
    agent = OpencodeAgent(options=AgentOptions())

    assert (agent.name, agent.caps) == ("opencode", Caps(resumes=True, plans=True, tokens=True, cost=True))
    assert agent.judge(Exit(0)) == COMPLETED


def test_it_gets_the_keys_of_the_usual_providers_and_no_others() -> None:
    assert OpencodeAgent.passes == (
        "OPENCODE_API_KEY", "OPENCODE_CONFIG", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY",
        "OPENROUTER_API_KEY",
    )  # fmt: skip


# What the recordings mean.


def test_a_plan_is_told_as_it_goes_on() -> None:
    recording = find_recording("opencode/todo")
    opened = Opened(session_id="ses_dfaa5226cffesvFTZUYBqH6YMv")

    told = hear(make_reader(), recording.lines)

    assert told == [
        opened,
        ToolBegan(id="call_5f9c83ec18ce41da984c", name="todowrite", detail="3 todos"),
        ToolEnded(id="call_5f9c83ec18ce41da984c"),
        Planned(done=0, total=3, current="Write hello.txt"),
        Said("Working: todo"),
        Used(use(1, 0.00173)),
        Said("Working: write"),
        ToolBegan(id="call_eac186a802344f20a0d5", name="write", detail="/workspace/hello.txt"),
        ToolEnded(id="call_eac186a802344f20a0d5"),
        Used(use(2, 0.00346)),
        ToolBegan(id="call_69cb8cf17aef43d99d3b", name="todowrite", detail="2 todos"),
        ToolEnded(id="call_69cb8cf17aef43d99d3b"),
        Planned(done=1, total=3, current="Check hello.txt"),
        Said("Working: todo"),
        Used(use(3, 0.00519)),
        Said("Working: sh"),
        ToolBegan(id="call_142baed6b948467e8c3b", name="bash", detail="cat hello.txt"),
        ToolEnded(id="call_142baed6b948467e8c3b"),
        Used(use(4, 0.00692)),
        ToolBegan(id="call_294d906157c84766b7d9", name="todowrite", detail="0 todos"),
        ToolEnded(id="call_294d906157c84766b7d9"),
        Planned(done=3, total=3),
        Said("Working: todo"),
        Used(use(5, 0.00865)),
        Said("All three steps done."),
        Used(use(6, 0.01038)),
    ]


def test_what_a_rule_forbids_is_denied_and_the_agent_goes_on() -> None:
    recording = find_recording("opencode/denied")

    told = hear(make_reader(), recording.lines)

    assert told == [
        Opened(session_id="ses_dfa5a52bfffe5KBQn2Ez4LnsT5"),
        ToolBegan(id="call_a55497f90af84489a718", name="write", detail="/outside/file.txt"),
        Denied("write"),
        ToolEnded(id="call_a55497f90af84489a718", ok=False),
        Said("Working: write"),
        Used(use(1, 0.00173)),
        Said("Tried to write outside."),
        Used(use(2, 0.00346)),
    ]


def test_what_would_have_to_be_asked_is_denied_and_ends_the_run() -> None:
    recording = find_recording("opencode/ask_rejected")

    told = hear(make_reader(), recording.lines)

    assert told == [
        Opened(session_id="ses_dfa5a320effeyn32LSwASsCdxh"),
        Said("Working: sh"),
        ToolBegan(id="call_0ec2a3aa1e194c2a98b9", name="bash", detail="echo one > sh.txt; cat sh.txt"),
        Denied("bash"),
        ToolEnded(id="call_0ec2a3aa1e194c2a98b9", ok=False),
        Used(use(1, 0.00173)),
    ]


def test_a_command_that_was_stopped_did_not_go_well() -> None:
    recording = find_recording("opencode/killed_term")
    line = "echo started > started.txt; sleep 97; echo late > late.txt"

    told = hear(make_reader(), recording.lines)

    assert told == [
        Opened(session_id="ses_dfaa262c4ffeFRJUyOUNvNI7BM"),
        Said("Working: write"),
        ToolBegan(id="call_eab1ed06d8e5400c84a9", name="write", detail="/workspace/hello.txt"),
        ToolEnded(id="call_eab1ed06d8e5400c84a9"),
        Used(use(1, 0.00173)),
        Said("Working: sh"),
        ToolBegan(id="call_6f1e5dd088974007b413", name="bash", detail=line),
        ToolEnded(id="call_6f1e5dd088974007b413", ok=False),
        Used(use(2, 0.00346)),
    ]


def test_an_error_at_the_first_request_still_tells_the_session() -> None:
    recording = find_recording("opencode/err429")

    told = hear(make_reader(), recording.lines)

    assert told == [Opened(session_id="ses_dfaac105cffeoNjhsyxbRih1ul")]


VERDICTS = {
    "success": Verdict(outcome=Outcome.COMPLETED, usage=use(2, 0.00346), text="Done: hello.txt written."),
    "todo": Verdict(outcome=Outcome.COMPLETED, usage=use(6, 0.01038), text="All three steps done."),
    "denied": Verdict(outcome=Outcome.COMPLETED, usage=use(2, 0.00346), text="Tried to write outside."),
    "err429": Verdict(
        outcome=Outcome.FAILED,
        failure=Failure(reason=Reason.RATE_LIMITED, message="scripted rate limit", exit_code=1),
        transient=True,
        reset_at=NOW + 1,
    ),
    "refusal": Verdict(
        outcome=Outcome.FAILED,
        failure=Failure(
            reason=Reason.REFUSAL,
            message="The response was blocked by the provider's content filter",
            exit_code=1,
        ),
        usage=use(1, 0.00173),
    ),
    "ask_rejected": Verdict(
        outcome=Outcome.FAILED,
        failure=Failure(
            reason=Reason.PERMISSION,
            message="The user rejected permission to use this specific tool call.",
        ),
        usage=use(1, 0.00173),
    ),
    "killed_term": Verdict(
        outcome=Outcome.FAILED,
        failure=Failure(reason=Reason.KILLED, signal=15),
        transient=True,
        usage=use(2, 0.00346),
    ),
}


def test_every_recording_has_its_verdict() -> None:
    assert sorted(VERDICTS) == list_names("opencode")


@pytest.mark.parametrize("name", VERDICTS)
def test_a_recording_is_judged_by_its_last_step_or_error(name: str) -> None:
    assert judge(make_reader(), find_recording(f"opencode/{name}")) == VERDICTS[name]


# Ends that were not recorded.


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (write_error("no", statusCode=401), Reason.AUTH),
        (write_error("no", statusCode=503), Reason.SERVER),
        (write_error("rate limit", statusCode=400), Reason.INVALID_REQUEST),
        (write_error("no", "ProviderAuthError"), Reason.AUTH),
        (write_error("no", "MessageAbortedError"), Reason.INTERRUPTED),
        (write_error("no", "ContextOverflowError"), Reason.INVALID_REQUEST),
        (write_error("Unable to connect", "UnknownError"), Reason.NETWORK),
        (write_error("no"), Reason.UNKNOWN),
        (write("error", error="no"), Reason.UNKNOWN),
        (finish("content-filter"), Reason.REFUSAL),
        (finish("length"), Reason.NO_RESULT),
        (finish("tool-calls"), Reason.NO_RESULT),
        (finish("a new word"), Reason.NO_RESULT),
    ],
)
def test_a_run_fails_by_its_status_else_its_name_else_its_words(error: bytes, reason: Reason) -> None:
    reader = make_reader()
    hear(reader, [write("step_start"), error])

    failure = reader.close(Exit(0), "").failure

    assert failure is not None
    assert failure.reason is reason


def test_an_error_without_words_is_told_by_its_name() -> None:
    reader = make_reader()
    reader.feed(write_error("", "ProviderAuthError"))

    assert reader.close(Exit(1), "") == failed(
        Failure(reason=Reason.AUTH, message="ProviderAuthError", exit_code=1)
    )


@pytest.mark.parametrize(
    ("headers", "reset_at"),
    [
        ({"retry-after": "3600"}, NOW + 3600),
        ({"retry-after": "Sun, 22 Nov 2026 23:00:00 GMT"}, 1_795_388_400.0),
        ({"retry-after": "Sun, 22 Nov 2026 23:00:00 -0000"}, 1_795_388_400.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "Sun, 99999999999999999999 Nov 2026 23:00:00 GMT"}, None),
        ({"retry-after": 5}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_limit_is_over_when_the_server_says(headers: object, reset_at: float | None) -> None:
    reader = make_reader()
    reader.feed(write_error("slow down", statusCode=429, responseHeaders=headers))

    assert reader.close(Exit(1), "") == Verdict(
        outcome=Outcome.FAILED,
        failure=Failure(reason=Reason.RATE_LIMITED, message="slow down", exit_code=1),
        transient=True,
        reset_at=reset_at,
    )


def test_only_a_limit_is_over_at_some_time() -> None:
    reader = make_reader()
    reader.feed(write_error("down", statusCode=503, responseHeaders={"retry-after": "5"}))

    assert reader.close(Exit(1), "").reset_at is None


def test_an_error_that_is_got_over_is_not_the_end() -> None:
    reader = make_reader()
    hear(reader, [write_error("no", statusCode=503), write("step_start"), finish("stop")])

    assert reader.close(Exit(0), "") == evolve(COMPLETED, usage=Usage())


def test_what_goes_on_after_an_end_and_stops_short_has_no_result() -> None:
    reader = make_reader()
    hear(reader, [finish("stop"), write("step_start")])

    assert reader.close(Exit(0), "") == evolve(failed(Failure(reason=Reason.NO_RESULT)), usage=Usage())


def test_a_good_last_step_does_not_make_a_bad_exit_good() -> None:
    reader = make_reader()
    hear(reader, [write("step_start"), finish("stop")])

    assert reader.close(Exit(3), "") == evolve(
        failed(Failure(reason=Reason.EXIT_CODE, exit_code=3)), usage=Usage()
    )


def test_a_rejection_that_the_agent_got_over_is_not_the_end() -> None:
    reader = make_reader()
    rejected = {"tool": "bash", "state": {"status": "error", "error": "rejected permission"}}
    hear(reader, [write("tool_use", part=rejected), finish("tool-calls"), write("step_start")])

    assert reader.close(Exit(0), "") == evolve(failed(Failure(reason=Reason.NO_RESULT)), usage=Usage())


def test_who_was_killed_after_a_rejection_was_killed() -> None:
    recording = find_recording("opencode/ask_rejected")
    reader = make_reader()
    hear(reader, recording.lines)

    assert reader.close(Exit(None, 9), "") == evolve(
        failed(Failure(reason=Reason.KILLED, signal=9), transient=True), usage=use(1, 0.00173)
    )


def test_a_session_that_is_not_there_is_lost() -> None:
    verdict = make_reader().close(Exit(1), "\x1b[91mError: \x1b[0mSession not found\n")

    assert verdict == failed(Failure(reason=Reason.SESSION_LOST, message="Session not found", exit_code=1))


@pytest.mark.parametrize(
    "trouble", ["database is locked", "Failed query:\n\tCREATE TABLE `workspace` (\n\t\t`id` text\n);"]
)
def test_who_found_the_database_in_use_at_its_start_may_try_again(trouble: str) -> None:
    verdict = make_reader().close(Exit(1), f"Error: Unexpected error\n\n{trouble}\n")

    failure = Failure(
        reason=Reason.EXIT_CODE, message="its database was in use by another that began", exit_code=1
    )
    assert verdict == failed(failure, transient=True)


def test_a_session_that_spoke_is_not_lost_whatever_its_tools_say() -> None:
    reader = make_reader()
    reader.feed(write("step_start"))

    assert reader.close(Exit(1), "Session not found\n") == failed(
        Failure(reason=Reason.EXIT_CODE, exit_code=1)
    )


# Lines of other versions.


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"tool": "grep", "callID": "1", "state": {"status": "completed", "input": {"pattern": "x"}}},
         [ToolBegan(id="1", name="grep", detail="x"), ToolEnded(id="1")]),
        ({"tool": "bash", "callID": "1", "state": {"status": "completed", "metadata": {"exit": 3}}},
         [ToolBegan(id="1", name="bash"), ToolEnded(id="1", ok=False)]),
        ({"tool": "todowrite", "callID": "1", "state": {"status": "completed", "input": {"todos": []}}},
         [ToolBegan(id="1", name="todowrite"), ToolEnded(id="1")]),
        ({"tool": "todowrite", "callID": "1",
          "state": {"status": "error", "input": {"todos": [{"content": "x"}]}}},
         [ToolBegan(id="1", name="todowrite"), ToolEnded(id="1", ok=False)]),
        ([], [ToolBegan(id="", name=""), ToolEnded(id="", ok=False)]),
    ],
)  # fmt: skip
def test_a_tool_call_tells_what_it_holds(part: object, told: list[Talk]) -> None:
    reader = make_reader()

    assert reader.feed(write("tool_use", part=part)) == [Opened(session_id="ses_1"), *told]


@pytest.mark.parametrize("part", [{"text": ""}, {"text": " \n"}, {"text": 5}, {}])
def test_words_that_say_nothing_are_not_told(part: object) -> None:
    reader = make_reader()

    assert reader.feed(write("text", part=part)) == [Opened(session_id="ses_1")]


def test_thinking_counts_as_output_and_what_was_written_to_a_cache_as_input() -> None:
    reader = make_reader()
    tokens = {"input": 1, "output": 20, "reasoning": 300, "cache": {"read": 4000, "write": 50_000}}

    told = reader.feed(write("step_finish", part={"tokens": tokens}))

    assert told == [Opened(session_id="ses_1"), Used(Usage(input=54_001, cached=4000, output=320))]


FIELDS = ("state", "tokens", "input", "data", "todos", "reason", "cache", "metadata", "exit", "status")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner),
    max_leaves=6,
)


@given(kind=st.sampled_from(tuple(OpencodeReader.table)), part=JSON, error=JSON)
def test_no_line_makes_it_raise(kind: str, part: object, error: object) -> None:
    reader = make_reader()

    reader.feed(write(kind, part=part, error=error))

    assert reader.close(Exit(1), "").outcome is Outcome.FAILED
