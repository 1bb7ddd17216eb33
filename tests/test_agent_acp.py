"""An agent that speaks the Agent Client Protocol: what is said to it, what it tells, and how it ends."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from acptalk import OPTIONS, answer, ask_leave, begin, hear, make_agent, open_session, say, tell
from attrs import evolve
from recordings import JOB

from aad.agents.acp_stream import AcpReader
from aad.agents.base import Caps, Command, Exit, Outcome, SpeakingAgent, Verdict, begin_reading
from aad.agents.command import judge_exit
from aad.agents.prompt import compose_prompt
from aad.agents.talk import Opened, Planned, Said, ToolBegan, ToolEnded, Used
from aad.events import Failure, Reason, Usage
from aad.spec import Spec
from aad.state import Answered

RESUMED = evolve(
    JOB, agent_session="s-1", resumes=True, answer="Blue", answered=(Answered(1, "Which?", "Blue"),)
)


def refuse(number: int, code: int, message: str, **more: object) -> dict[str, object]:
    return {"id": number, "error": {"code": code, "message": message, **more}}


def tell_words(text: str, **more: object) -> dict[str, object]:
    return tell("agent_message_chunk", content={"type": "text", "text": text}, **more)


def end_with(*records: object, **end: object) -> Verdict:
    """Return the verdict of a turn in which an agent said some things, and then its last."""
    reader = open_session()
    for record in records:
        say(reader, record)
    say(reader, answer(3, **end))
    return reader.close(Exit(0), "")


# The command.


def test_its_program_is_what_the_settings_say_and_all_else_is_said_over_its_stdin() -> None:
    agent = make_agent(args=("--skip-trust",))

    command = agent.command(JOB, {"PATH": "/bin", "GEMINI_API_KEY": "dummy"})

    assert command == Command(
        argv=("gemini", "--acp", "--skip-trust"),
        env={"PATH": "/bin", "GEMINI_API_KEY": "dummy", **JOB.environment},
        cwd="/workspace",
    )


def test_it_is_an_agent_that_is_talked_with() -> None:
    agent = make_agent()

    assert isinstance(agent, SpeakingAgent)
    assert isinstance(begin_reading(agent, JOB), AcpReader)
    assert (agent.name, agent.caps, agent.passes) == ("acp", Caps(resumes=True, plans=True, tokens=True), ())
    assert (agent.judge(Exit(3)), make_agent().speak(JOB).close(Exit(0), "").outcome) == (
        judge_exit(Exit(3)),
        Outcome.FAILED,
    )


# What is said to it.


def test_it_is_begun_then_given_a_session_then_the_prompt() -> None:
    reader = make_agent().speak(JOB)

    told = [json.loads(reader.begin())]
    for record in (answer(1, protocolVersion=1), answer(2, sessionId="s-1")):
        say(reader, record)
        told += hear(reader)

    capabilities = {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
    prompt = compose_prompt(JOB, replies=False).decode()
    assert told == [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {"protocolVersion": 1, "clientCapabilities": capabilities},
        },
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "session/new",
            "params": {"cwd": "/workspace", "mcpServers": []},
        },
        {
            "jsonrpc": "2.0",
            "id": 3,
            "method": "session/prompt",
            "params": {"sessionId": "s-1", "prompt": [{"type": "text", "text": prompt}]},
        },
    ]


def test_a_session_goes_on_where_the_agent_can_load_it() -> None:
    reader = begin(RESUMED)

    say(reader, answer(1, agentCapabilities={"loadSession": True}))
    (load,) = hear(reader)
    told = tell("user_message_chunk", content={"type": "text", "text": "# A"})
    done = (tell_words("of the past"), tell("tool_call", toolCallId="old"))
    past = [say(reader, record) for record in (told, *done)]
    opened = say(reader, answer(2))
    (prompt,) = hear(reader)

    assert (load["method"], load["params"]) == (
        "session/load",
        {"sessionId": "s-1", "cwd": "/workspace", "mcpServers": []},
    )
    assert (past, opened) == ([[], [], []], [Opened(session_id="s-1")])
    assert prompt["params"]["prompt"][0]["text"] == compose_prompt(RESUMED, replies=False).decode()


@pytest.mark.parametrize("loads", [True, False])
def test_an_agent_that_remembers_nothing_is_told_all_of_it_again(loads: bool) -> None:
    reader = begin(RESUMED)

    say(reader, answer(1, agentCapabilities={"loadSession": loads}))
    say(reader, answer(2, sessionId="s-2"))
    (*_, prompt) = hear(reader)

    anew = evolve(RESUMED, agent_session=None)
    assert prompt["params"] == {
        "sessionId": "s-1" if loads else "s-2",
        "prompt": [{"type": "text", "text": compose_prompt(anew, replies=False).decode()}],
    }


@pytest.mark.parametrize(
    ("opened", "method", "params"),
    [
        ({}, "session/set_model", {"modelId": "big"}),
        (
            {"configOptions": [{"id": "mode"}, {"id": "m", "category": "model", "currentValue": "small"}]},
            "session/set_config_option",
            {"configId": "m", "value": "big"},
        ),
    ],
)
def test_a_model_is_set_before_the_work(
    opened: Mapping[str, object], method: str, params: Mapping[str, object]
) -> None:
    reader = begin(model="big")
    say(reader, answer(1))
    reader.take_outgoing()

    told = say(reader, answer(2, sessionId="s-1", **opened))
    (setting,) = hear(reader)
    say(reader, answer(3))
    (prompt,) = hear(reader)

    assert told == [Opened(session_id="s-1", model="big")]
    assert (setting["method"], setting["params"]) == (method, {"sessionId": "s-1", **params})
    assert (prompt["id"], prompt["method"]) == (4, "session/prompt")


def test_a_request_that_nobody_knows_is_answered_so() -> None:
    reader = open_session()

    say(reader, {"id": "x", "method": "fs/write_text_file", "params": {"path": "/etc/passwd"}})
    say(reader, {"method": "nothing/asked"})

    error = {"code": -32601, "message": "method not found"}
    assert hear(reader) == [{"jsonrpc": "2.0", "id": "x", "error": error}]


def test_nothing_is_said_twice() -> None:
    reader = open_session()

    for record in (answer(1), answer(2, sessionId="s-2"), answer(7), answer(3, stopReason="end_turn")):
        say(reader, record)
    say(reader, refuse(3, 1, "again"))

    assert (hear(reader), reader.is_done, reader.close(Exit(0), "").failure) == (
        [],
        True,
        Failure(reason=Reason.REFUSAL),
    )


def test_a_spec_that_is_gone_is_told_of_before_anything_is_said(tmp_path: Path) -> None:
    job = evolve(JOB, spec=Spec(id="A"), spec_file=str(tmp_path / "gone.md"))

    with pytest.raises(FileNotFoundError):
        make_agent().speak(job).begin()


# What it tells.


def test_words_are_joined_until_something_else_comes() -> None:
    reader = open_session()
    records = (
        tell_words("Hel", messageId="1"),
        tell_words("lo", messageId="1"),
        tell_words("you", messageId="2"),
        tell("agent_thought_chunk", content={"type": "text", "text": "hm"}),
        tell_words(" \n"),
        tell("plan", entries=[]),
        tell_words("Done."),
    )

    told = [say(reader, record) for record in records]
    last = say(reader, answer(3, stopReason="end_turn"))

    assert told == [[], [], [Said("Hello")], [Said("you")], [], [], []]
    assert (last, reader.close(Exit(0), "").text) == ([Said("Done.")], "Done.")


def test_a_call_begins_when_it_is_known_on_what_it_works() -> None:
    reader = open_session()
    records = (
        tell(
            "tool_call", toolCallId="c", kind="execute", title="bash", status="pending", rawInput={"cwd": "/"}
        ),
        tell("tool_call_update", toolCallId="c", status="in_progress", rawInput={"command": "make"}),
        tell("tool_call_update", toolCallId="c", status="in_progress"),
        tell("tool_call_update", toolCallId="c", status="failed"),
        tell("tool_call_update", toolCallId="c", content=[]),
        tell("tool_call", toolCallId="d", title="Look", locations=[{"path": "/a"}], status="completed"),
    )

    told = [say(reader, record) for record in records]

    assert told == [
        [],
        [ToolBegan(id="c", name="execute", detail="make")],
        [],
        [ToolEnded(id="c", ok=False)],
        [],
        [ToolBegan(id="d", name="tool", detail="/a"), ToolEnded(id="d")],
    ]


def test_a_plan_is_told_where_it_changes() -> None:
    reader = open_session()
    entries = [{"content": "a", "status": "completed"}, {"content": "b", "status": "in_progress"}]
    records = (
        tell("plan", entries=entries),
        tell("plan", entries=entries),
        tell("tool_call", toolCallId="c", status="in_progress", rawInput={"todos": entries[:1]}),
    )

    told = [say(reader, record) for record in records]

    assert told == [
        [Planned(done=1, total=2, current="b")],
        [],
        [ToolBegan(id="c", name="tool"), Planned(done=1, total=1)],
    ]


@pytest.mark.parametrize(
    ("records", "end", "usage"),
    [
        # opencode: what was cached is not among the input.
        (
            (),
            {
                "usage": {
                    "inputTokens": 1200,
                    "outputTokens": 50,
                    "totalTokens": 1550,
                    "cachedReadTokens": 300,
                }
            },
            Usage(input=1500, cached=300, output=50),
        ),
        # qwen: each step by itself.
        (
            (
                tell_words("", _meta={"usage": {"inputTokens": 10, "outputTokens": 1, "totalTokens": 11}}),
                tell_words("", _meta={"usage": {"inputTokens": 20, "outputTokens": 2, "totalTokens": 22}}),
            ),
            {},
            Usage(input=30, output=3),
        ),
        ((tell("usage_update", used=9, cost={"amount": 0.5, "currency": "USD"}),), {}, Usage(cost_usd=0.5)),
        ((tell("usage_update", used=9, cost={"amount": 0.5, "currency": "EUR"}),), {}, None),
        ((), {}, None),
    ],
)
def test_what_was_used_is_read_wherever_it_stands(
    records: tuple[object, ...], end: Mapping[str, object], usage: Usage | None
) -> None:
    assert end_with(*records, stopReason="end_turn", **end).usage == usage


def test_what_a_session_had_used_before_is_not_this_attempts() -> None:
    def count(tokens: int, cost: float) -> dict[str, object]:
        meta = {"promptTokens": tokens, "completionTokens": 10, "cachedTokens": 5}
        return tell("usage_update", _meta=meta, cost={"amount": cost, "currency": "USD"})

    reader = begin(RESUMED)
    say(reader, answer(1, agentCapabilities={"loadSession": True}))
    say(reader, count(1000, 0.25))
    say(reader, answer(2))

    assert say(reader, count(1500, 0.75)) == [Used(Usage(input=500, cost_usd=0.5))]


# How it ends.


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("max_tokens", Reason.MAX_TURNS),
        ("max_turn_requests", Reason.MAX_TURNS),
        ("refusal", Reason.REFUSAL),
        ("cancelled", Reason.INTERRUPTED),
        ("new_word", Reason.UNKNOWN),
    ],
)
def test_the_reason_for_which_a_turn_stops_is_its_end(stop: str, reason: Reason) -> None:
    verdict = end_with(tell_words("Hm."), stopReason=stop)

    assert (verdict.outcome, verdict.failure) == (
        Outcome.FAILED,
        Failure(reason=reason, message=f"stopReason: {stop}"),
    )


def test_a_turn_that_ends_without_a_word_or_a_deed_was_refused() -> None:
    done = end_with(tell("tool_call", toolCallId="c", status="completed"), stopReason="end_turn")
    refused = end_with(stopReason="end_turn")

    assert done == Verdict(outcome=Outcome.COMPLETED)
    assert refused.failure == Failure(reason=Reason.REFUSAL)


def test_a_turn_that_ends_when_leave_was_refused_ended_for_that() -> None:
    call = ask_leave("/workspace/a", options=[])
    call["params"] = {**call["params"], "options": OPTIONS[2:]}  # type: ignore[dict-item]
    over = tell("tool_call_update", toolCallId="c", status="failed")
    late = tell("tool_call_update", toolCallId="c", status="in_progress")

    stopped = end_with(call, late, over, stopReason="end_turn")
    went_on = end_with(call, over, tell_words("Then not."), stopReason="end_turn")
    did_else = end_with(call, over, tell("tool_call", toolCallId="d"), stopReason="end_turn")

    assert stopped.failure == Failure(reason=Reason.PERMISSION, message="not allowed: Write it")
    assert (went_on.outcome, did_else.outcome) == (Outcome.COMPLETED, Outcome.COMPLETED)


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        ((-32000, "Authentication required"), Reason.AUTH, "Authentication required"),
        ((-32000, "Sign in first"), Reason.AUTH, "Sign in first"),
        ((-32000, "Quota exceeded"), Reason.RATE_LIMITED, "Quota exceeded"),
        ((-32603, "Internal error", {"details": "HTTP 500"}), Reason.SERVER, None),
        ((-32603, "Internal error", "fetch failed"), Reason.NETWORK, "Internal error: fetch failed"),
        ((-32602, "Invalid params"), Reason.UNKNOWN, "Invalid params"),
    ],
)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_error_ends_the_talk_whatever_it_answers(
    number: int, error: tuple[Any, ...], reason: Reason, message: str | None
) -> None:
    reader = begin()
    for record in (answer(1), answer(2, sessionId="s-1"))[: number - 1]:
        say(reader, record)
    code, words, *data = error

    say(reader, refuse(number, code, words, **({"data": data[0]} if data else {})))

    expected = 'Internal error: {"details": "HTTP 500"}' if message is None else message
    assert (reader.is_done, reader.close(Exit(0), "").failure) == (
        True,
        Failure(reason=reason, message=expected),
    )


def test_a_session_that_cannot_be_loaded_is_lost_and_a_model_that_cannot_be_set_is_wrong() -> None:
    lost, wrong = begin(RESUMED), begin(model="big")
    say(lost, answer(1, agentCapabilities={"loadSession": True}))
    for record in (answer(1), answer(2, sessionId="s-1")):
        say(wrong, record)

    say(lost, refuse(2, -32603, "Gone"))
    say(wrong, refuse(3, -32602, "No such model"))

    failures = [reader.close(Exit(0), "").failure for reader in (lost, wrong)]
    assert failures == [
        Failure(reason=Reason.SESSION_LOST, message="Gone"),
        Failure(reason=Reason.INVALID_REQUEST, message="No such model"),
    ]


def test_a_session_without_a_name_is_none() -> None:
    reader = begin()
    say(reader, answer(1))

    told = say(reader, answer(2))

    assert (told, reader.is_done) == ([], True)


def test_without_the_answer_to_the_prompt_nothing_is_done() -> None:
    reasons = [
        failure.reason
        for end in (Exit(0), Exit(1), Exit(None, 9))
        if (failure := open_session().close(end, "").failure) is not None
    ]

    assert reasons == [Reason.NO_RESULT, Reason.EXIT_CODE, Reason.KILLED]
