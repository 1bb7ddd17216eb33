"""The `pi` agent: its command line, and what its lines mean."""

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from recordings import JOB, WHERE, find_recording, hear, judge, list_names

from aad.agents.base import COMPLETED, Caps, Command, Exit, Job, Outcome, Verdict, failed
from aad.agents.pi import PiAgent, PiReader
from aad.agents.prompt import compose_prompt
from aad.agents.talk import Opened, Retrying, Said, ToolBegan, ToolEnded, Used
from aad.config import AgentOptions
from aad.events import Failure, Reason, Usage
from aad.state import Answered

RESUMED = evolve(
    JOB, resumes=True, agent_session="01a2", answer="Yes", answered=(Answered(1, "Which?", "Yes"),)
)
FIXED = {"PI_OFFLINE": "1", "PI_TELEMETRY": "0"}


def make_command(options: AgentOptions, job: Job = JOB, **env: str) -> Command:
    return PiAgent(options=options).command(job, env)


def make_reader() -> PiReader:
    return PiAgent(options=AgentOptions()).read()


def use(messages: int, cost: float) -> Usage:
    """Return what some messages of the script used."""
    return Usage(input=1500 * messages, cached=300 * messages, output=50 * messages, cost_usd=cost)


def end_message(stop: str, error: str = "", **message: Any) -> bytes:  # noqa: ANN401 - any JSON
    whole = {"role": "assistant", "stopReason": stop, "errorMessage": error, **message}
    return json.dumps({"type": "message_end", "message": whole}).encode()


# What is started.


def test_a_new_session_is_told_the_spec_on_stdin() -> None:
    command = make_command(AgentOptions(), PATH="/bin")

    told = command.stdin or b""
    assert (command.argv, command.cwd, command.files) == (("pi", "--mode", "json", "-p"), "/workspace", {})
    assert command.env == {"PATH": "/bin", **FIXED, **WHERE}
    assert told.startswith("# A: Build it 作る\n".encode())


def test_a_resumed_session_is_told_the_answer_alone() -> None:
    command = make_command(AgentOptions(), RESUMED, PATH="/bin")

    assert command == Command(
        argv=("pi", "--mode", "json", "--session", "01a2", "-p"),
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


def test_a_program_of_another_name_gets_the_same_words_and_the_users_own_last() -> None:
    options = AgentOptions(command=("npx", "pi"), model="local/m", args=("--thinking", "high"))

    assert make_command(options, RESUMED).argv == (
        "npx", "pi", "--mode", "json", "--provider", "local", "--model", "m", "--session", "01a2", "-p",
        "--thinking", "high",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("", ()),
        ("m", ("--model", "m")),
        ("local/m", ("--provider", "local", "--model", "m")),
        ("openrouter/local/m", ("--provider", "openrouter", "--model", "local/m")),
    ],
)
def test_a_model_is_split_at_its_provider(model: str, words: tuple[str, ...]) -> None:
    command = make_command(AgentOptions(model=model))

    assert command.argv == ("pi", "--mode", "json", *words, "-p")


@pytest.mark.parametrize(
    "options",
    [
        AgentOptions(permissions="sandbox"),
        AgentOptions(permissions="workspace"),
        AgentOptions(permissions="full"),
        AgentOptions(max_turns=3, max_cost_usd=1.5),
    ],
)
def test_it_has_neither_permissions_nor_bounds_to_set(options: AgentOptions) -> None:
    command = make_command(options)

    assert (command.argv, command.env) == (("pi", "--mode", "json", "-p"), {**FIXED, **WHERE})


def test_it_chooses_its_sessions_itself_and_has_no_plan() -> None:
    agent = PiAgent(options=AgentOptions())

    assert (agent.name, agent.caps) == ("pi", Caps(resumes=True, tokens=True, cost=True))
    assert agent.judge(Exit(0)) == COMPLETED


def test_it_gets_the_keys_of_the_usual_providers_and_no_others() -> None:
    assert PiAgent.passes == (
        "PI_CODING_AGENT_DIR", "ANTHROPIC_API_KEY", "ANTHROPIC_OAUTH_TOKEN", "GEMINI_API_KEY",
        "OPENAI_API_KEY", "OPENROUTER_API_KEY",
    )  # fmt: skip


# What the recordings mean.


def test_a_tool_that_fails_is_told_and_the_agent_goes_on() -> None:
    recording = find_recording("pi/toolfail")
    call = "call_cacf8149cbe9406eb987"

    told = hear(make_reader(), recording.lines)

    assert told == [
        Opened(session_id="01a2054c-6957-76eb-97bf-834e685f9bad"),
        Said("Working: sh"),
        Used(use(1, 0.00173)),
        ToolBegan(id=call, name="bash", detail="ls /nonexistent-dir; exit 3"),
        ToolEnded(id=call, ok=False),
        Said("The command failed with code 3; giving up."),
        Used(use(2, 0.00346)),
    ]


def test_what_it_tries_again_by_itself_is_told() -> None:
    recording = find_recording("pi/err429")
    nothing = Used(Usage())

    told = hear(make_reader(), recording.lines)

    assert told == [
        Opened(session_id="01a2054c-bb6c-7da2-bc05-af61d919b23c"),
        nothing,
        Retrying(reason=Reason.RATE_LIMITED, attempt=1, of=2, delay=0.5),
        nothing,
        Retrying(reason=Reason.RATE_LIMITED, attempt=2, of=2, delay=1.0),
        nothing,
    ]


VERDICTS = {
    "success": Verdict(outcome=Outcome.COMPLETED, usage=use(2, 0.00346), text="Done: hello.txt written."),
    "toolfail": Verdict(
        outcome=Outcome.COMPLETED,
        usage=use(2, 0.00346),
        text="The command failed with code 3; giving up.",
    ),
    "err429": Verdict(
        outcome=Outcome.FAILED,
        failure=Failure(reason=Reason.RATE_LIMITED, message="429 scripted rate limit"),
        transient=True,
        usage=Usage(),
    ),
}


def test_every_recording_has_its_verdict() -> None:
    assert sorted(VERDICTS) == list_names("pi")


@pytest.mark.parametrize("name", VERDICTS)
def test_a_recording_is_judged_by_its_last_message(name: str) -> None:
    assert judge(make_reader(), find_recording(f"pi/{name}")) == VERDICTS[name]


# Ends that were not recorded.


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (end_message("error", "401 no"), Reason.AUTH),
        (end_message("error", "500 status code (no body)"), Reason.SERVER),
        (end_message("error", "404 no quota of that name"), Reason.INVALID_REQUEST),
        (end_message("error", "Connection error."), Reason.NETWORK),
        (end_message("error", "200 overloaded"), Reason.SERVER),
        (end_message("error", "Provider finish_reason: content_filter"), Reason.REFUSAL),
        (end_message("error"), Reason.UNKNOWN),
        (end_message("aborted", "Request was aborted."), Reason.INTERRUPTED),
        (end_message("length"), Reason.NO_RESULT),
        (end_message("toolUse"), Reason.NO_RESULT),
        (end_message("a new word"), Reason.NO_RESULT),
    ],
)
def test_exit_0_means_nothing_where_the_last_message_did_not_stop_by_itself(
    line: bytes, reason: Reason
) -> None:
    reader = make_reader()
    reader.feed(line)

    failure = reader.close(Exit(0), "").failure

    assert failure is not None
    assert failure.reason is reason


def test_exit_0_and_no_line_at_all_is_no_result() -> None:
    assert make_reader().close(Exit(0), "") == failed(Failure(reason=Reason.NO_RESULT))


def test_a_retry_that_never_ended_is_no_result() -> None:
    reader = make_reader()
    hear(reader, [end_message("error", "429 no"), b'{"type":"auto_retry_start","attempt":1}'])

    assert reader.close(Exit(0), "") == evolve(failed(Failure(reason=Reason.NO_RESULT)), usage=Usage())


def test_what_a_user_or_a_tool_says_is_not_the_agents() -> None:
    reader = make_reader()

    told = hear(reader, [end_message("stop", role="user"), end_message("stop", role="toolResult")])

    assert (told, reader.close(Exit(0), "")) == ([], failed(Failure(reason=Reason.NO_RESULT)))


def test_the_words_of_one_message_are_told_together_without_its_thoughts() -> None:
    content = [{"type": "text", "text": "One."}, {"type": "thinking", "thinking": "Hm."}, {"text": "Two.\n"}]

    told = make_reader().feed(end_message("stop", content=content))

    assert told == [Said("One.\nTwo."), Used(Usage())]


def test_a_program_that_ended_itself_on_a_signal_was_killed() -> None:
    reader = make_reader()
    reader.feed(b'{"type":"session","id":"01a2"}')

    assert reader.close(Exit(143), "") == failed(Failure(reason=Reason.KILLED, exit_code=143), transient=True)


def test_a_session_that_is_not_there_is_lost() -> None:
    verdict = make_reader().close(Exit(1), "\x1b[31mNo session found matching '01a2'\x1b[39m\n")

    assert verdict == failed(
        Failure(reason=Reason.SESSION_LOST, message="No session found matching '01a2'", exit_code=1)
    )


def test_a_session_of_another_folder_is_lost_though_the_exit_status_is_0() -> None:
    reader = make_reader()
    reader.feed(b"Session found in different project: /elsewhere")

    assert reader.close(Exit(0), "") == failed(
        Failure(reason=Reason.SESSION_LOST, message="Session found in different project")
    )


def test_a_session_that_spoke_is_not_lost_whatever_its_tools_say() -> None:
    reader = make_reader()
    hear(reader, [b'{"type":"session","id":"01a2"}', b"Session found in different project: /elsewhere"])

    assert reader.close(Exit(1), "No session found matching 'x'") == failed(
        Failure(reason=Reason.EXIT_CODE, exit_code=1)
    )


# Lines of other versions.


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("content", "usage", "input", "cost", "text", "command")), inner)
    ),
    max_leaves=6,
)
NAMES_OF_FIELDS = ("id", "toolCallId", "args", "isError", "attempt", "delayMs", "errorMessage")


@given(
    kind=st.sampled_from(tuple(PiReader.table)),
    fields=st.dictionaries(st.sampled_from(NAMES_OF_FIELDS), JSON),
    message=JSON,
)
def test_no_line_makes_it_raise(kind: str, fields: dict[str, object], message: object) -> None:
    reader = make_reader()
    whole = {**message, "role": "assistant"} if isinstance(message, dict) else message

    reader.feed(json.dumps({**fields, "type": kind, "message": whole}).encode())

    assert reader.close(Exit(1), "").outcome is Outcome.FAILED
