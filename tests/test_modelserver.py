"""The scripted model: what it answers in each of four interfaces, and how it runs."""

import http.client
import json
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import asdict, evolve
from modelapis import Json
from modelscript import Script
from modelserver import DUMMY_KEY, ModelServer, Seen, model_server, serve_model
from modeltalk import (
    CHAT,
    FIRST,
    GEMINI,
    LOOK,
    MESSAGES,
    PATHS,
    RESPONSES,
    Line,
    Told,
    chat,
    connect,
    gemini,
    messages,
    responses,
    without_tools,
    write_request,
)

# What it says.

USED = {
    RESPONSES: responses(
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_A_1",
            "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
        },
        {
            "type": "function_call",
            "id": "fc_A_1_0",
            "call_id": "A_1_0",
            "name": "exec_command",
            "arguments": '{"cmd": "ls"}',
        },
    ),
    MESSAGES: messages(
        "tool_use",
        ({"type": "text", "text": ""}, {"type": "text_delta", "text": "I look."}),
        (
            {"type": "tool_use", "id": "toolu_A_1_0", "name": "Bash", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"command": "ls"}'},
        ),
    ),
    CHAT: chat(
        "tool_calls",
        {"role": "assistant", "content": "I look."},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "index": 0,
                    "id": "A_1_0",
                    "type": "function",
                    "function": {"name": "bash", "arguments": '{"command": "ls"}'},
                }
            ],
        },
    ),
    GEMINI: gemini(
        "STOP",
        {"text": "I look."},
        {"functionCall": {"name": "run_shell_command", "args": {"command": "ls"}, "id": "A_1_0"}},
    ),
}
REFUSED = {
    RESPONSES: responses(
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_A_1",
            "content": [{"type": "refusal", "refusal": "I won't."}],
        }
    ),
    MESSAGES: messages("refusal"),
    CHAT: chat("content_filter"),
    GEMINI: gemini("SAFETY"),
}
DENIED = {"message": "scripted 401", "type": "authentication_error", "code": "authentication_error"}
FAULTS: dict[str, Json] = {
    RESPONSES: {"error": DENIED},
    MESSAGES: {
        "type": "error",
        "error": DENIED,
    },
    CHAT: {"error": DENIED},
    GEMINI: {"error": {"code": 401, "message": "scripted 401", "status": "UNAUTHENTICATED"}},
}


@pytest.mark.parametrize("path", PATHS)
async def test_the_step_behind_a_use_of_a_tool_is_said_in_the_form_of_the_interface(
    nursery: trio.Nursery, path: str
) -> None:
    _, line = connect(nursery, A=[FIRST, LOOK])

    told = await line.ask(path, write_request(path, "SCENARIO:A"))

    assert (told.status, told.headers["content-type"]) == (200, "text/event-stream")
    assert told.events == USED[path]


@pytest.mark.parametrize("path", PATHS)
async def test_a_refusal_has_no_words_of_its_own(nursery: trio.Nursery, path: str) -> None:
    _, line = connect(nursery, A=[FIRST, {"refuse": True}])

    told = await line.ask(path, write_request(path, "SCENARIO:A"))

    assert (told.status, told.events) == (200, REFUSED[path])


@pytest.mark.parametrize("path", PATHS)
async def test_an_error_has_the_form_of_the_interface(nursery: trio.Nursery, path: str) -> None:
    _, line = connect(nursery, A=[FIRST, {"status": 401}])

    told = await line.ask(path, write_request(path, "SCENARIO:A"))

    assert (told.status, told.json) == (401, FAULTS[path])


async def test_events_of_some_interfaces_have_names(nursery: trio.Nursery) -> None:
    _, line = connect(nursery, A=[FIRST, {"refuse": True}])

    told = await line.ask(MESSAGES, write_request(MESSAGES, "SCENARIO:A"))

    named = [each.removeprefix("event: ") for each in told.body.decode().split("\n") if each.startswith("ev")]
    assert named == ["message_start", "message_delta", "message_stop"]


async def test_an_error_comes_so_many_times_on_one_connection_and_then_the_answer(
    nursery: trio.Nursery,
) -> None:
    error = {"status": 429, "times": 2, "retry_after": 7, "body": {"error": {"type": "usage_limit_reached"}}}
    server, line = connect(nursery, A=[FIRST, error, LOOK])

    told = [await line.ask(CHAT, write_request(CHAT, "SCENARIO:A")) for _ in range(3)]

    assert [(each.status, each.headers.get("retry-after")) for each in told] == [
        (429, "7"),
        (429, "7"),
        (200, None),
    ]
    assert told[0].json == {"error": {"type": "usage_limit_reached"}}
    assert told[2].events == USED[CHAT]
    assert [(seen.scenario, seen.step, seen.status) for seen in server.requests] == [
        ("A", 1, 429),
        ("A", 1, 429),
        ("A", 1, 200),
    ]


async def test_a_stall_is_silent_for_its_time(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    _, line = connect(nursery, A=[FIRST, {"stall": 900, "times": 1}, LOOK])
    begin = trio.current_time()

    stalled = await line.ask(CHAT, write_request(CHAT, "SCENARIO:A"))
    waited = trio.current_time() - begin
    await line.ask(CHAT, write_request(CHAT, "SCENARIO:A"))

    assert stalled.events == USED[CHAT]
    assert (waited, trio.current_time() - begin) == (900, 900)


async def test_an_agent_may_go_while_it_is_not_answered(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    server = ModelServer(Script({"A": [{"stall": 900}]}))
    near, far = trio.testing.memory_stream_pair()

    with trio.move_on_after(60):
        nursery.start_soon(server.serve, far)
        await Line(near).ask(CHAT, write_request(CHAT, "SCENARIO:A"))
    await near.aclose()
    await trio.sleep(900)

    assert [seen.status for seen in server.requests] == [200]
    assert [task.name for task in nursery.child_tasks] == []


async def test_sessions_play_their_own_scenarios_side_by_side(nursery: trio.Nursery) -> None:
    server, line = connect(nursery, A=[FIRST, LOOK], B=[FIRST, {"refuse": True}])

    await line.ask(CHAT, write_request(CHAT, "Do A. SCENARIO:A"))
    await line.ask(GEMINI, write_request(GEMINI, "Do B. SCENARIO:B"), x_goog_api_key=DUMMY_KEY)
    await line.ask(MESSAGES, write_request(MESSAGES, "Do A. SCENARIO:A"), x_api_key="a user's own")

    first = Seen(
        path=CHAT,
        api="chat",
        dummy_key=True,
        scenario="A",
        step=1,
        tools=("bash",),
        texts=("Do A. SCENARIO:A",),
    )
    assert server.requests == [
        first,
        evolve(
            first,
            path=GEMINI.partition("?")[0],
            api="gemini",
            scenario="B",
            tools=("run_shell_command",),
            texts=("Do B. SCENARIO:B",),
        ),
        evolve(first, path="/v1/messages", api="messages", dummy_key=False, tools=("Bash",)),
    ]


@pytest.mark.parametrize("path", PATHS)
async def test_a_request_without_tools_is_beside_the_script(nursery: trio.Nursery, path: str) -> None:
    server, line = connect(nursery, A=[{"status": 500}])

    told = await line.ask(path, without_tools(path, "SCENARIO:A"))

    assert (told.status, b"A title" in told.body) == (200, True)
    assert [seen.scenario for seen in server.requests] == [None]


@pytest.mark.parametrize(
    ("words", "found"),
    [("Do it.", "[]"), ("SCENARIO:A, then SCENARIO:C", "['C']"), ("SCENARIO:AB", "['AB']")],
)
async def test_a_request_of_no_scenario_is_an_error(nursery: trio.Nursery, words: str, found: str) -> None:
    _, line = connect(nursery, A=[LOOK], B=[LOOK])

    told = await line.ask(CHAT, write_request(CHAT, words))

    assert (told.status, told.json) == (
        400,
        {"error": {"message": f"no scenario {found} among ['A', 'B']"}},
    )


async def test_what_nobody_scripts_is_not_found(nursery: trio.Nursery) -> None:
    server, line = connect(nursery, A=[LOOK])

    told = await line.ask("/v1/models", {})

    assert (told.status, told.json) == (404, {})
    assert server.requests == [Seen(path="/v1/models", dummy_key=True, status=404)]


# How it runs.


async def test_it_serves_for_as_long_as_the_block_takes() -> None:
    async with serve_model({"A": [FIRST, LOOK]}) as server:
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        told = await Line(stream).ask(CHAT, write_request(CHAT, "SCENARIO:A"))

    assert told.events == USED[CHAT]
    assert await stream.receive_some() == b""
    with pytest.raises(OSError, match="all attempts to connect"):
        await trio.open_tcp_stream("127.0.0.1", server.port)
    await stream.aclose()


def test_it_serves_in_a_process_of_its_own(tmp_path: Path) -> None:
    with model_server({"A": [FIRST, LOOK]}, tmp_path / "seen.jsonl") as server:
        line = http.client.HTTPConnection("127.0.0.1", server.port)
        line.request("POST", CHAT, json.dumps(write_request(CHAT, "SCENARIO:A")), {"x-api-key": DUMMY_KEY})
        told = line.getresponse()
        events = Told(told.status, {}, told.read()).events
        line.close()
        seen = server.requests

    assert events == USED[CHAT]
    wanted = asdict(
        Seen(
            path=CHAT,
            api="chat",
            dummy_key=True,
            scenario="A",
            step=1,
            tools=("bash",),
            texts=("SCENARIO:A",),
        )
    )
    assert seen == [{**wanted, "tools": ["bash"], "texts": ["SCENARIO:A"]}]
