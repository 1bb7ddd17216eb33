"""The gemini agent: its command lines, and what its recorded streams are read as."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve
from recordings import JOB, WHERE, find_recording, hear, judge, list_names, read_lines, tell

from aad.agents.base import Caps, Command, Exit, Outcome, Verdict
from aad.agents.gemini import GeminiAgent, GeminiReader, find_cause_of_exit, find_delay
from aad.agents.prompt import compose_prompt
from aad.agents.talk import Opened, Planned, Said, Talk, ToolBegan, ToolEnded, Used
from aad.config import AgentOptions
from aad.events import Failure, Reason, Usage

NOW = 1_795_000_000.0

RESUMED = evolve(JOB, agent_session="443e7223-d4de-44e6-8b8e-fe9b041a138d", resumes=True)
NEW_SESSION = ("--session-id", "11111111-2222-4333-8444-555555555555")


def make_reader() -> GeminiReader:
    return GeminiReader(clock=lambda: NOW)


def read_talk(name: str) -> list[Talk]:
    return hear(make_reader(), read_lines(f"gemini/{name}"))


def feed(*records: Mapping[str, Any]) -> GeminiReader:
    reader = make_reader()
    tell(reader, *records)
    return reader


# The command line.


def test_a_new_session_gets_its_id_from_us() -> None:
    agent = GeminiAgent(AgentOptions())

    command = agent.command(JOB, {"PATH": "/bin", "GEMINI_API_KEY": "dummy"})

    assert command == Command(
        argv=("gemini", "-o", "stream-json", "--approval-mode", "yolo", "--skip-trust", *NEW_SESSION),
        env={
            "PATH": "/bin",
            "GEMINI_API_KEY": "dummy",
            "GEMINI_CLI_NO_RELAUNCH": "true",
            **WHERE,
        },
        cwd="/workspace",
        stdin=compose_prompt(JOB, replies=False),
    )


def test_a_session_is_resumed_by_its_id() -> None:
    agent = GeminiAgent(AgentOptions())

    command = agent.command(RESUMED, {})

    assert command == Command(
        argv=(
            *("gemini", "-o", "stream-json", "--approval-mode", "yolo", "--skip-trust"),
            *("--resume", "443e7223-d4de-44e6-8b8e-fe9b041a138d"),
        ),
        env={"GEMINI_CLI_NO_RELAUNCH": "true", **RESUMED.environment},
        cwd="/workspace",
        stdin=compose_prompt(RESUMED, replies=False),
    )


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        (AgentOptions(permissions="sandbox"), "auto_edit"),
        (AgentOptions(), "yolo"),
        (AgentOptions(permissions="full"), "yolo"),
    ],
)
def test_each_permission_has_its_mode(options: AgentOptions, mode: str) -> None:
    command = GeminiAgent(options).command(JOB, {})

    assert command.argv == (
        *("gemini", "-o", "stream-json", "--approval-mode", mode, "--skip-trust"),
        *NEW_SESSION,
    )


def test_program_model_and_arguments_are_the_users() -> None:
    options = AgentOptions(command=("npx", "gemini"), model="gemini-x", args=("--debug",))

    command = GeminiAgent(options).command(JOB, {})

    assert command.argv == (
        *("npx", "gemini", "-m", "gemini-x", "-o", "stream-json", "--approval-mode", "yolo", "--skip-trust"),
        *NEW_SESSION,
        "--debug",
    )


def test_what_would_hide_our_variables_from_its_commands_stays_away() -> None:
    command = GeminiAgent(AgentOptions()).command(JOB, {"GITHUB_SHA": "abc", "CI": "1"})

    assert command.env == {"CI": "1", "GEMINI_CLI_NO_RELAUNCH": "true", **JOB.environment}


def test_bounds_of_a_session_are_not_among_its_words() -> None:
    bounded = GeminiAgent(AgentOptions(max_turns=3, max_tokens=1000, max_cost_usd=1.0))

    assert bounded.command(JOB, {}) == GeminiAgent(AgentOptions()).command(JOB, {})


def test_what_gemini_can_do_is_known() -> None:
    agent = GeminiAgent(AgentOptions())

    assert (agent.name, agent.caps, agent.passes) == (
        "gemini",
        Caps(new_session=True, resumes=True, plans=True, tokens=True, sums_up=True),
        ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    )


# What the recorded streams tell.

USED = Usage(input=3000, cached=600, output=100)


def test_a_plan_is_followed() -> None:
    talk = read_talk("todo")

    assert talk == [
        Opened(session_id="1a44d886-728d-4c1b-afaf-22306b446f06", model="gemini-2.5-pro"),
        Said("Working: todo"),
        ToolBegan(id="write_todos__fc58001ee2", name="write_todos"),
        Planned(done=0, total=3, current="Write hello.txt"),
        ToolEnded(id="write_todos__fc58001ee2"),
        Said("Working: write"),
        ToolBegan(id="write_file__fc4ec472c0", name="write_file", detail="/workspace/hello.txt"),
        ToolEnded(id="write_file__fc4ec472c0"),
        Said("Working: todo"),
        ToolBegan(id="write_todos__fc0e965e45", name="write_todos"),
        Planned(done=1, total=3, current="Check hello.txt"),
        ToolEnded(id="write_todos__fc0e965e45"),
        Said("Working: sh"),
        ToolBegan(id="run_shell_command__fc8629a8cd", name="run_shell_command", detail="cat hello.txt"),
        ToolEnded(id="run_shell_command__fc8629a8cd"),
        Said("Working: todo"),
        ToolBegan(id="write_todos__fcbaf122d4", name="write_todos"),
        Planned(done=3, total=3),
        ToolEnded(id="write_todos__fcbaf122d4"),
        Said("All three steps done."),
        Used(Usage(input=9000, cached=1800, output=300)),
    ]


def test_a_command_that_fails_is_told_as_one_that_does_not() -> None:
    talk = read_talk("toolfail")

    assert talk == [
        Opened(session_id="10cd506e-7c05-46a5-8480-ebc2b9d6a303", model="gemini-2.5-pro"),
        Said("Working: sh"),
        ToolBegan(
            id="run_shell_command__fc476e4a51",
            name="run_shell_command",
            detail="ls /nonexistent-dir; exit 3",
        ),
        ToolEnded(id="run_shell_command__fc476e4a51"),
        Said("The command failed with code 3; giving up."),
        Used(USED),
    ]


# What they are judged as.

TRY_LATER = (
    "Please wait and try again later. To increase your limits, request a quota increase through AI Studio, "
    "or switch to another /auth method"
)
TOO_MANY_TURNS = (
    "Reached max session turns for this session. Increase the number of turns by specifying "
    "maxSessionTurns in settings.json."
)
FIVE = Usage(input=4500, cached=900, output=150)


def completed(text: str, usage: Usage = USED) -> Verdict:
    return Verdict(outcome=Outcome.COMPLETED, text=text, usage=usage)


def failed(failure: Failure, usage: Usage | None, *, reset_at: float | None = None) -> Verdict:
    transient = failure.reason in {Reason.RATE_LIMITED, Reason.NETWORK}
    return Verdict(
        outcome=Outcome.FAILED, failure=failure, usage=usage, transient=transient, reset_at=reset_at
    )


VERDICTS = {
    "success": completed("Done: hello.txt written."),
    "toolfail": completed("The command failed with code 3; giving up."),
    "todo": completed("All three steps done.", Usage(input=9000, cached=1800, output=300)),
    "err429": failed(
        Failure(
            reason=Reason.RATE_LIMITED,
            message=f"[API Error: scripted rate limit]\n{TRY_LATER}",
            exit_code=173,
        ),
        Usage(),
    ),
    "quota": failed(
        Failure(
            reason=Reason.RATE_LIMITED,
            message=f"[API Error: You have exhausted your daily quota on this model.]\n{TRY_LATER}",
            exit_code=173,
        ),
        Usage(),
        reset_at=NOW + 3600,
    ),
    "refusal": failed(
        Failure(reason=Reason.REFUSAL, message="The model response was blocked due to safety settings."),
        FIVE,
    ),
    "max_turns": failed(Failure(reason=Reason.MAX_TURNS, message=TOO_MANY_TURNS, exit_code=53), FIVE),
    "killed_term": failed(Failure(reason=Reason.NO_RESULT), None),
}


def test_every_recording_has_its_verdict() -> None:
    assert sorted(VERDICTS) == list_names("gemini")


@pytest.mark.parametrize("name", VERDICTS)
def test_a_recorded_stream_is_judged_by_exit_code_and_last_word(name: str) -> None:
    verdict = judge(make_reader(), find_recording(f"gemini/{name}"))

    assert verdict == VERDICTS[name]


# What was never recorded whole.


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"type":"init","session_id":7}', []),
        ('{"type":"message","role":"assistant","content":null}', []),
        ('{"type":"message","role":"user","content":"hi"}', []),
        ('{"type":"error","message":7}', []),
        ('{"type":"result","status":"success","stats":7}', []),
        ('{"type":"tool_use","parameters":[]}', [ToolBegan(id="", name="")]),
        (
            '{"type":"tool_use","tool_name":"write_todos","tool_id":"1","parameters":{"todos":[7]}}',
            [ToolBegan(id="1", name="write_todos"), Planned(done=0, total=0)],
        ),
        ('{"type":"tool_result","tool_id":"1","status":"error"}', [ToolEnded(id="1", ok=False)]),
    ],
)
def test_a_line_of_another_shape_tells_what_there_is(line: str, told: list[Talk]) -> None:
    reader = make_reader()

    talk = reader.feed(line.encode())

    assert (talk, reader.broken) == (told, 0)


def test_words_that_come_in_pieces_are_told_whole() -> None:
    reader = make_reader()
    lines = [
        {"type": "message", "role": "assistant", "content": "I ", "delta": True},
        {"type": "message", "role": "assistant", "content": "look.", "delta": True},
        {"type": "tool_use", "tool_name": "list_directory", "tool_id": "1", "parameters": {"dir_path": "."}},
        {"type": "tool_result", "tool_id": "1", "status": "success"},
        {"type": "message", "role": "assistant", "content": "All ", "delta": True},
        {"type": "message", "role": "assistant", "content": "there.", "delta": True},
        {"type": "result", "status": "success"},
    ]

    talk = [told for line in lines for told in reader.feed(json.dumps(line).encode())]

    assert (talk, reader.close(Exit(0), "")) == (
        [
            Said("I look."),
            ToolBegan(id="1", name="list_directory", detail="."),
            ToolEnded(id="1"),
            Said("All there."),
        ],
        Verdict(outcome=Outcome.COMPLETED, text="All there."),
    )


def test_a_message_that_is_no_piece_begins_anew() -> None:
    reader = feed(
        {"type": "message", "role": "assistant", "content": "First."},
        {"type": "message", "role": "assistant", "content": "Second."},
        {"type": "result", "status": "success"},
    )

    verdict = reader.close(Exit(0), "")

    assert verdict.text == "Second."


def test_what_was_cancelled_is_not_in_the_plan() -> None:
    reader = make_reader()
    todos = [
        {"description": "Write", "status": "completed"},
        {"description": "Ask", "status": "cancelled"},
        {"description": "Check", "status": "in_progress"},
    ]
    use = {"type": "tool_use", "tool_name": "write_todos", "tool_id": "1", "parameters": {"todos": todos}}

    talk = reader.feed(json.dumps(use).encode())

    assert talk == [
        ToolBegan(id="1", name="write_todos"),
        Planned(done=1, total=2, current="Check"),
    ]


def test_an_error_of_the_result_is_known_by_its_words() -> None:
    reader = feed({"type": "result", "status": "error", "error": {"message": "fetch failed"}})

    verdict = reader.close(Exit(1), "")

    assert verdict == failed(Failure(reason=Reason.NETWORK, message="fetch failed", exit_code=1), None)


def test_a_result_that_says_only_that_it_failed_is_a_failure() -> None:
    reader = feed({"type": "result", "status": "error"})

    verdict = reader.close(Exit(0), "")

    assert verdict == failed(Failure(reason=Reason.UNKNOWN), None)


def test_a_warning_is_no_refusal() -> None:
    reader = feed(
        {"type": "error", "severity": "warning", "message": "the model repeats itself"},
        {"type": "result", "status": "error"},
    )

    verdict = reader.close(Exit(0), "")

    assert verdict == failed(Failure(reason=Reason.UNKNOWN), None)


def test_a_good_result_does_not_outweigh_an_exit_code() -> None:
    reader = feed({"type": "result", "status": "success"})

    verdict = reader.close(Exit(1), "")

    assert verdict == failed(Failure(reason=Reason.EXIT_CODE, exit_code=1), None)


def test_a_signal_without_a_result_is_a_kill() -> None:
    verdict = make_reader().close(Exit(None, 9), "")

    assert verdict.failure == Failure(reason=Reason.KILLED, signal=9)


def test_a_session_that_is_not_there_is_lost() -> None:
    verdict = make_reader().close(Exit(42), "Error resuming session")

    assert verdict == failed(Failure(reason=Reason.SESSION_LOST, exit_code=42), None)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (None, None),
        (0, None),
        (1, None),
        (41, Reason.AUTH),
        (42, Reason.SESSION_LOST),
        (53, Reason.MAX_TURNS),
        (130, None),
        (143, None),
        (144, Reason.INVALID_REQUEST),
        (145, Reason.AUTH),
        (147, Reason.AUTH),
        (173, Reason.RATE_LIMITED),
        (244, Reason.SERVER),
        (247, Reason.SERVER),
    ],
)
def test_an_exit_code_is_one_of_its_own_or_an_http_status(code: int | None, reason: Reason | None) -> None:
    assert find_cause_of_exit(code) is reason


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please retry in 3600s.", 3600),
        ("Please retry in 24.5s.", 24.5),
        ("Please retry in 500ms.", 0.5),
        ("Your quota will reset after 2h3m4s.", 7384),
        ("Please retry in 10s.\nPlease retry in 20s.", 20),
        ("Please retry in a while.", None),
        ("", None),
    ],
)
def test_a_wait_is_read_from_the_last_word_on_it(words: str, seconds: float | None) -> None:
    assert find_delay(words) == seconds


def test_a_wait_matters_where_a_limit_was_hit() -> None:
    verdict = make_reader().close(Exit(244), "Please retry in 3600s.")

    assert verdict.reset_at is None
