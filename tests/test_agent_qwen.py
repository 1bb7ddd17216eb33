"""Qwen Code: what it is started with, and how what it writes is read, on recordings of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve
from recordings import JOB, WHERE, find_recording, hear, list_names, read_lines, tell
from recordings import judge as judge_recording

from aad.agents.base import Command, Exit, Outcome, Verdict
from aad.agents.prompt import compose_prompt
from aad.agents.qwen import QwenAgent, QwenReader
from aad.agents.replies import write_schema
from aad.agents.talk import Denied, Opened, Retrying, Said, Talk, ToolBegan, ToolEnded, Used
from aad.config import AgentOptions
from aad.events import Failure, Question, Reason, Usage
from aad.state import Answered

ENVIRONMENT = {
    "QWEN_CODE_SUPPRESS_YOLO_WARNING": "1",
    "PATH": "/bin",
    **WHERE,
}
FIXED = ("--auth-type", "openai", "-o", "stream-json", "--approval-mode", "yolo")
NEW = ("--session-id", "11111111-2222-4333-8444-555555555555")
SCHEMA = ("--json-schema", write_schema())

TWO_CALLS = Usage(input=3000, cached=600, output=100)
FIVE_CALLS = Usage(input=7500, cached=1500, output=250)
TOO_MANY_TURNS = (
    "Reached max session turns for this session. Increase the number of turns by specifying maxSessionTurns "
    "in settings.json."
)


def failed(failure: Failure, *, usage: Usage | None = None, transient: bool = False) -> Verdict:
    return Verdict(outcome=Outcome.FAILED, failure=failure, usage=usage, transient=transient)


VERDICTS = {
    "success": Verdict(outcome=Outcome.COMPLETED, text="Done: hello.txt written.", usage=TWO_CALLS),
    "subagent": Verdict(outcome=Outcome.COMPLETED, text="Sub-agent finished.", usage=FIVE_CALLS),
    "question": Verdict(
        outcome=Outcome.QUESTION,
        question=Question(text="PostgreSQL or SQLite?"),
        text="need a decision",
        usage=TWO_CALLS,
    ),
    "err500": failed(
        Failure(reason=Reason.SERVER, message="[API Error: 500 scripted internal error]", exit_code=1),
        usage=Usage(),
        transient=True,
    ),
    "max_turns": failed(Failure(reason=Reason.MAX_TURNS, message=TOO_MANY_TURNS, exit_code=53)),
}

TALKS: Mapping[str, list[Talk]] = {
    "success": [
        Opened(session_id="1260dfe1-37ec-4b40-9c1d-14a89d635b6f", model="scripted-model"),
        Said("Working: write"),
        ToolBegan(id="call_fa67596711e545a8a4de", name="write_file", detail="/workspace/hello.txt"),
        ToolEnded(id="call_fa67596711e545a8a4de"),
        Said("Done: hello.txt written."),
        Used(TWO_CALLS),
    ],
    "max_turns": [
        Opened(session_id="b93e2c59-f726-4c84-a150-5383649c1a7d", model="scripted-model"),
        Said("Working: sh"),
        ToolBegan(id="call_edad801c646b4a2593d2", name="run_shell_command", detail="echo turn >> turns.txt"),
        ToolEnded(id="call_edad801c646b4a2593d2"),
        Said("Working: sh"),
        ToolBegan(id="call_f6dba57ac98243149f20", name="run_shell_command", detail="echo turn >> turns.txt"),
        ToolEnded(id="call_f6dba57ac98243149f20"),
        Said("Working: sh"),
        ToolBegan(id="call_6712e72975e5456898ba", name="run_shell_command", detail="echo turn >> turns.txt"),
        ToolEnded(id="call_6712e72975e5456898ba"),
    ],
    "subagent": [
        Opened(session_id="1f10979f-547c-4b5b-bb42-913df281ad66", model="scripted-model"),
        Said("Working: agent"),
        ToolBegan(id="call_854d3ca33abb4cc4b5bd", name="agent", detail="sub job"),
        ToolEnded(id="call_854d3ca33abb4cc4b5bd"),
        Said("Sub-agent finished."),
        Said("Sub-agent finished."),
        Used(FIVE_CALLS),
    ],
}


def told(*records: Mapping[str, Any]) -> list[Talk]:
    return tell(QwenReader(), *records)


def judge(*records: Mapping[str, Any], end: Exit, errors: str = "") -> Verdict:
    reader = QwenReader()
    tell(reader, *records)
    return reader.close(end, errors)


def bad(message: str) -> Mapping[str, Any]:
    error = {"message": message}
    return {"type": "result", "subtype": "error_during_execution", "is_error": True, "error": error}


def test_all_recordings_of_it_are_judged() -> None:
    assert sorted(VERDICTS) == list_names("qwen")


@pytest.mark.parametrize("name", VERDICTS)
def test_a_recording_is_judged_by_its_result_its_exit_and_stderr(name: str) -> None:
    assert judge_recording(QwenReader(), find_recording(f"qwen/{name}")) == VERDICTS[name]


@pytest.mark.parametrize("name", TALKS)
def test_a_recording_tells_what_the_agent_does(name: str) -> None:
    assert hear(QwenReader(), read_lines(f"qwen/{name}")) == TALKS[name]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("[API Error: 401 Incorrect API key provided]", Reason.AUTH),
        ("[API Error: Connection error.]", Reason.NETWORK),
        ("[API Error: 429 Too many requests]", Reason.RATE_LIMITED),
        ("[API Error: Model stream ended with empty response text.]", Reason.REFUSAL),
        ("Something else", Reason.UNKNOWN),
    ],
)
def test_a_failed_result_names_its_cause_in_words(message: str, reason: Reason) -> None:
    verdict = judge(bad(message), end=Exit(1))

    expected = Failure(reason=reason, message=message, exit_code=1)
    assert verdict.failure == expected


def test_a_lost_session_is_told_on_stderr() -> None:
    words = "No saved session found with ID 1f10. Run `qwen --resume` without an ID to choose another."

    verdict = judge(end=Exit(1), errors=f"Warning: no ripgrep\n{words}\n")

    assert verdict == failed(Failure(reason=Reason.SESSION_LOST, message=words, exit_code=1))


def test_the_exit_tells_of_too_many_turns_where_stderr_was_cut() -> None:
    verdict = judge(end=Exit(53))

    assert verdict == failed(Failure(reason=Reason.MAX_TURNS, exit_code=53))


def test_a_retry_may_leave_out_its_particulars() -> None:
    whole = {"attempt": 2, "maxRetries": 7, "delayMs": 120_000}

    talk = told(
        {"type": "system", "subtype": "retry", "data": whole},
        {"type": "system", "subtype": "retry", "data": {}},
        {"type": "system", "subtype": "retry"},
    )

    assert talk == [Retrying(attempt=2, of=7, delay=120), Retrying(), Retrying()]


def test_a_denied_call_is_told_of_the_result() -> None:
    denials = [{"tool_name": "write_file", "tool_use_id": "call_1"}]

    talk = told({"type": "result", "subtype": "success", "is_error": False, "permission_denials": denials})

    assert talk == [Denied("write_file")]


def test_words_of_a_sub_agent_are_not_the_sessions_but_its_tools_count() -> None:
    blocks = [
        {"type": "text", "text": "Working"},
        {"type": "tool_use", "id": "call_2", "name": "run_shell_command", "input": {"command": "make"}},
    ]

    talk = told({"type": "assistant", "parent_tool_use_id": "call_1", "message": {"content": blocks}})

    assert talk == [ToolBegan(id="call_2", name="run_shell_command", detail="make")]


def test_a_new_session_gets_the_id_that_we_chose() -> None:
    agent = QwenAgent(AgentOptions())

    command = agent.command(JOB, {"PATH": "/bin"})

    assert command == Command(
        argv=("qwen", *FIXED, *NEW, *SCHEMA),
        env=ENVIRONMENT,
        cwd="/workspace",
        stdin=compose_prompt(JOB, replies=True),
    )


def test_a_session_is_taken_up_by_its_id() -> None:
    job = evolve(
        JOB,
        resumes=True,
        agent_session="965f143d",
        answer="SQLite",
        answered=(Answered(1, "Which?", "SQLite"),),
    )

    command = QwenAgent(AgentOptions()).command(job, {"PATH": "/bin"})

    assert command == Command(
        argv=("qwen", *FIXED, "--resume", "965f143d", *SCHEMA),
        env={**ENVIRONMENT, "AAD_MODE": "resume", "AAD_ANSWER": "SQLite"},
        cwd="/workspace",
        stdin=compose_prompt(job, replies=True),
    )


def test_a_bound_of_turns_and_a_model_are_passed_on_and_no_other_bound() -> None:
    options = AgentOptions(model="qwen3-coder", max_turns=40, max_cost_usd=2.5, max_tokens=9)

    command = QwenAgent(options).command(JOB, {"PATH": "/bin", "OPENAI_MODEL": "another"})

    assert command.argv == ("qwen", *FIXED, *NEW, "--max-session-turns", "40", *SCHEMA)
    assert command.env == {**ENVIRONMENT, "OPENAI_MODEL": "qwen3-coder"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (AgentOptions(permissions="workspace"), ()),
        (AgentOptions(permissions="sandbox"), ("--sandbox",)),
        (AgentOptions(permissions="full"), ()),
    ],
)
def test_each_permission_has_its_words(options: AgentOptions, words: tuple[str, ...]) -> None:
    command = QwenAgent(options).command(JOB, {})

    assert command.argv == ("qwen", *FIXED, *words, *NEW, *SCHEMA)


def test_the_program_and_further_arguments_are_the_users() -> None:
    options = AgentOptions(command=("node", "/opt/qwen.js"), args=("--max-tool-calls", "9"))

    command = QwenAgent(options).command(JOB, {})

    assert command.argv == ("node", "/opt/qwen.js", *FIXED, *NEW, *SCHEMA, "--max-tool-calls", "9")
