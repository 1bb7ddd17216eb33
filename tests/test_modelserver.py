"""The scripted model: what it answers in each of four interfaces, and that a real agent works against it."""

import http.client
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from agentbox import AgentBox, each_of, find_agent
from attrs import asdict, evolve, frozen
from modelapis import MODEL, Asked, Json, Messages, Turn
from modelscript import Place, Script, compose, count_turns
from modelserver import DUMMY_KEY, ModelServer, Seen, model_server, serve_model

# How it is asked.


@frozen
class Told:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON holds anything
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """Return what the events of a stream hold."""
        lines = self.body.decode().splitlines()
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        return [each if each == "[DONE]" else json.loads(each) for each in data]


@frozen
class Line:
    """A connection to a server."""

    stream: trio.abc.Stream

    async def ask(self, path: str, body: Json, **headers: str) -> Told:
        data = json.dumps(body).encode()
        shown = headers or {"authorization": f"Bearer {DUMMY_KEY}"}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in shown.items())
        start = f"POST {path} HTTP/1.1\r\nContent-Length: {len(data)}\r\n{head}\r\n"
        await self.stream.send_all(start.encode() + data)
        return await self._read()

    async def _read(self) -> Told:
        kept = b""
        while b"\r\n\r\n" not in kept:
            kept += await self._read_some()
        head, _, body = kept.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        while len(body) < int(headers["content-length"]):
            body += await self._read_some()
        return Told(int(first.split()[1]), headers, body)

    async def _read_some(self) -> bytes:
        chunk = bytes(await self.stream.receive_some())
        assert chunk, "the connection was cut"
        return chunk


def connect(nursery: trio.Nursery, **scenarios: list[Json]) -> tuple[ModelServer, Line]:
    """Return a server with a script, and a connection to it that needs no network."""
    server = ModelServer(Script(scenarios))
    near, far = trio.testing.memory_stream_pair()
    nursery.start_soon(server.serve, far)
    return server, Line(near)


# What is asked, in each interface: `words` is what its user has said, and one use of a tool is behind it.

RESPONSES, MESSAGES, CHAT = "/v1/responses", "/v1/messages?beta=true", "/v1/chat/completions"
GEMINI = "/v1beta/models/m:streamGenerateContent?alt=sse"
PATHS = (RESPONSES, MESSAGES, CHAT, GEMINI)


def write_request(path: str, words: str) -> Json:
    """Return a request of the agent that speaks an interface; it offers a shell."""
    shell = {"properties": {"cmd" if path == RESPONSES else "command": {"type": "string"}}}
    forms: dict[str, Json] = {
        RESPONSES: {
            "tools": [{"type": "function", "name": "exec_command", "parameters": shell}],
            "input": [
                {
                    "type": "message",
                    "role": "developer",
                    "content": [{"type": "input_text", "text": "Be good."}],
                },
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": words}]},
                {"type": "function_call", "call_id": "1", "name": "exec_command", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "1", "output": "fine"},
            ],
        },
        MESSAGES: {
            "tools": [{"name": "Bash", "input_schema": shell}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": words}]},
                {"role": "system", "content": [{"type": "text", "text": "Be good."}]},
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "1", "name": "Bash", "input": {}}],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "fine"}]},
            ],
        },
        CHAT: {
            "tools": [{"type": "function", "function": {"name": "bash", "parameters": shell}}],
            "messages": [
                {"role": "system", "content": "Be good."},
                {"role": "user", "content": words},
                {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "bash"}}]},
                {"role": "tool", "tool_call_id": "1", "content": "fine"},
            ],
        },
        GEMINI: {
            "tools": [
                {"functionDeclarations": [{"name": "run_shell_command", "parametersJsonSchema": shell}]}
            ],
            "contents": [
                {"role": "user", "parts": [{"text": words}]},
                {"role": "model", "parts": [{"functionCall": {"name": "run_shell_command"}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "run_shell_command"}}]},
            ],
        },
    }
    return forms[path]


def without_tools(path: str, words: str) -> Json:
    return {name: value for name, value in write_request(path, words).items() if name != "tools"}


def responses(*items: Json) -> list[Json]:
    """Return the events of an answer in the form Responses."""
    usage = {
        "input_tokens": 1500,
        "input_tokens_details": {"cached_tokens": 300},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 1550,
    }
    return [
        {"type": "response.created", "response": {"id": "A_1"}},
        *(
            {"type": "response.output_item.done", "output_index": index, "item": item}
            for index, item in enumerate(items)
        ),
        {"type": "response.completed", "response": {"id": "A_1", "usage": usage}},
    ]


def messages(reason: str, *blocks: tuple[Json, Json]) -> list[Json]:
    """Return the events of an answer in the form Messages."""
    usage = {
        "input_tokens": 1200,
        "cache_read_input_tokens": 300,
        "cache_creation_input_tokens": 0,
        "output_tokens": 1,
    }
    head = {"id": "msg_A_1", "type": "message", "role": "assistant", "model": MODEL, "content": []}
    told: list[Json] = [
        {"type": "message_start", "message": {**head, "stop_reason": None, "usage": usage}},
    ]
    for index, (block, delta) in enumerate(blocks):
        told += [
            {"type": "content_block_start", "index": index, "content_block": block},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    end = {"stop_reason": reason, "stop_sequence": None}
    last = {"type": "message_delta", "delta": end, "usage": {**usage, "output_tokens": 50}}
    return [*told, last, {"type": "message_stop"}]


def chat(reason: str, *deltas: Json) -> list[Json | str]:
    """Return the events of an answer in the form Chat completions."""
    usage = {
        "prompt_tokens": 1500,
        "prompt_tokens_details": {"cached_tokens": 300},
        "completion_tokens": 50,
        "total_tokens": 1550,
    }
    head = {"id": "A_1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    ends = [*((delta, None) for delta in deltas), ({}, reason)]
    choices = [{"index": 0, "delta": delta, "finish_reason": end} for delta, end in ends]
    chunks = [{**head, "choices": [choice]} for choice in choices]
    return [*chunks, {**head, "choices": [], "usage": usage}, "[DONE]"]


def gemini(reason: str, *parts: Json) -> list[Json]:
    """Return the events of an answer in Gemini's form."""
    usage = {
        "promptTokenCount": 1500,
        "cachedContentTokenCount": 300,
        "candidatesTokenCount": 50,
        "totalTokenCount": 1550,
    }
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason, "index": 0}
    told = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": MODEL, "responseId": "A_1"}
    return [told]


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
FIRST: Json = {"tool": "shell", "args": {"command": "true"}}
LOOK: Json = {"text": "I look.", "tool": "shell", "args": {"command": "ls"}}


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


# Which step it is.


@pytest.mark.parametrize(
    ("turns", "count"),
    [
        ("u", 0),
        ("uu", 0),
        ("um", 0),
        ("umt", 1),
        ("ummtt", 1),  # two tools of one answer
        ("umtu", 1),  # an agent's own reminders
        ("umtmtm", 2),
        ("umtmu", 2),  # it was done, and is told more
        ("umtmumt", 3),
    ],
)
def test_a_model_has_had_its_turn_when_its_tools_have_run_or_it_is_told_more(turns: str, count: int) -> None:
    whos = {"u": Turn("user"), "m": Turn("model"), "t": Turn("tool")}

    assert count_turns([whos[turn] for turn in turns]) == count


def test_the_scenario_named_last_begins_where_it_was_first_named() -> None:
    script = Script({"asks": [LOOK], "answered": [LOOK]})
    asks, tool, model = Turn("user", "SCENARIO:asks"), Turn("tool"), Turn("model")
    answered = Turn("user", "The answer: SCENARIO:answered")

    places = [
        script.find_place(Asked(turns=turns, tools={}))
        for turns in (
            (asks, model, tool, model),
            (asks, model, tool, model, answered),
            (asks, model, tool, model, answered, model, tool, Turn("user", "Go on.")),
        )
    ]

    assert places == [Place("asks", 1), Place("answered", 0), Place("answered", 1)]


def test_behind_the_last_step_it_is_done() -> None:
    script = Script({"A": [FIRST]})

    assert [script.play(Place("A", step)) for step in (0, 1, 2)] == [
        [FIRST],
        [{"text": "Done."}],
        [{"text": "Done."}],
    ]


def test_what_claude_puts_into_the_mouth_of_its_model_is_no_turn() -> None:
    asked = Messages().read(
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "SCENARIO:A"}]},
                {"role": "assistant", "content": [{"type": "text", "text": "No response requested."}]},
                {"role": "user", "content": "Go on."},
            ]
        }
    )

    assert asked == Asked(turns=(Turn("user", "SCENARIO:A"), Turn("user", "Go on.")), tools={})


# What the agents call their tools.

ITEMS = [{"step": "Look", "status": "completed"}, {"step": "Write", "status": "pending"}]
CODEX = {"exec_command": frozenset({"cmd"}), "update_plan": frozenset({"plan"})}
CLAUDE = {
    "Write": frozenset({"file_path", "content"}),
    "Bash": frozenset({"command", "description"}),
    "ToolSearch": frozenset({"query"}),
}
GEMINIS = {"write_file": frozenset({"file_path", "content"}), "write_todos": frozenset({"todos"})}
OPENCODE = {"write": frozenset({"filePath", "content"}), "todowrite": frozenset({"todos"})}
PI = {"write": frozenset({"path", "content"}), "bash": frozenset({"command"})}


def uses(step: Json, tools: Mapping[str, frozenset[str]], *, planned: bool = False) -> list[tuple[str, Json]]:
    """Return the tools that are used in a step."""
    asked = Asked(turns=(), tools=tools, folder="/project")
    answer = compose(step, asked, Place("A", 0), planned=planned)
    return [(call.name, call.arguments) for call in answer.calls]


@pytest.mark.parametrize(
    ("tools", "use"),
    [
        (CODEX, ("exec_command", {"cmd": """mkdir -p "$(dirname a/b)" && printf %s 'it'"'"'s' >a/b"""})),
        (CLAUDE, ("Write", {"file_path": "/project/a/b", "content": "it's"})),
        (GEMINIS, ("write_file", {"file_path": "/project/a/b", "content": "it's"})),
        (OPENCODE, ("write", {"filePath": "/project/a/b", "content": "it's"})),
        (PI, ("write", {"path": "/project/a/b", "content": "it's"})),
    ],
)
def test_a_file_is_written_as_the_agent_does_it(
    tools: Mapping[str, frozenset[str]], use: tuple[str, Json]
) -> None:
    assert uses({"tool": "write", "args": {"path": "a/b", "content": "it's"}}, tools) == [use]


@pytest.mark.parametrize(
    ("tools", "use"),
    [
        (CODEX, ("update_plan", {"plan": ITEMS})),
        (
            GEMINIS,
            (
                "write_todos",
                {
                    "todos": [
                        {"description": "Look", "status": "completed"},
                        {"description": "Write", "status": "pending"},
                    ]
                },
            ),
        ),
        (
            OPENCODE,
            (
                "todowrite",
                {
                    "todos": [
                        {"content": "Look", "status": "completed", "priority": "medium"},
                        {"content": "Write", "status": "pending", "priority": "medium"},
                    ]
                },
            ),
        ),
        (PI, ("bash", {"command": "true"})),
    ],
)
def test_a_plan_is_told_as_the_agent_does_it(
    tools: Mapping[str, frozenset[str]], use: tuple[str, Json]
) -> None:
    assert uses({"tool": "plan", "args": {"items": ITEMS}}, tools) == [use]


def test_claudes_tasks_are_made_before_they_are_brought_forward() -> None:
    step = {"tool": "plan", "args": {"items": ITEMS}}

    assert uses(step, CLAUDE) == [
        ("TaskCreate", {"subject": "Look", "description": "Look"}),
        ("TaskCreate", {"subject": "Write", "description": "Write"}),
    ]
    assert uses(step, CLAUDE, planned=True) == [
        ("TaskUpdate", {"taskId": "1", "status": "completed"}),
        ("TaskUpdate", {"taskId": "2", "status": "pending"}),
    ]


def test_a_tool_of_no_common_name_is_the_agents_own() -> None:
    assert uses({"tool": "AskUserQuestion", "args": {"questions": []}}, CLAUDE) == [
        ("AskUserQuestion", {"questions": []})
    ]


def test_an_object_goes_into_the_tool_for_it_or_is_the_answer() -> None:
    step = {"reply": {"status": "done"}}
    formed = {**CLAUDE, "StructuredOutput": frozenset({"status"})}

    plain = compose(step, Asked(turns=(), tools=CODEX), Place("A", 0), planned=False)

    assert (plain.text, plain.calls) == ('{"status": "done"}', ())
    assert uses(step, formed) == [("StructuredOutput", {"status": "done"})]


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


# A real agent.


def run_codex(box: AgentBox, url: str, *more: str) -> tuple[int, list[Json]]:
    """Run codex in a box as `aad` would; return its exit status and what it wrote, less its warnings."""
    wiring = box.wire("codex", url)
    argv = [str(find_agent("codex")), "exec", "--json", "-s", "workspace-write", "-m", wiring.model]
    quiet = ["--disable", "plugins", "--disable", "apps", "--disable", "remote_plugin"]
    done = box.run([*argv, *quiet, *wiring.args, *more, "-"], "Write it. SCENARIO:A\n", wiring.env)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, [line for line in lines if line.get("item", {}).get("type") != "error"]


WRITE: Json = {"tool": "write", "args": {"path": "made/it.txt", "content": "made\n"}}
MORE_TRIES = ("-c", "model_providers.loopback.request_max_retries=1")


@each_of("codex", "claude", "gemini", "opencode", "qwen", "pi")
def test_a_projects_config_says_how_its_agent_is_led_to_the_model(tmp_path: Path, agent: str) -> None:
    box = AgentBox.build(tmp_path)

    told = tomllib.loads(box.configure(agent, "http://127.0.0.1:1"))

    wiring = box.wire(agent, "http://127.0.0.1:1")
    assert told == {
        "agents": {
            agent: {
                "command": [str(find_agent(agent))],
                "model": wiring.model,
                "args": list(wiring.args),
                "env": {**box.env, **wiring.env},
            }
        }
    }
    assert box.env["HOME"] == str(tmp_path / "home")


@each_of("codex")
def test_codex_writes_a_file_and_says_so(tmp_path: Path, agent: str) -> None:
    box = AgentBox.build(tmp_path / "box")

    with model_server({"A": [WRITE, {"text": "It is made."}]}, tmp_path / "seen.jsonl") as server:
        status, lines = run_codex(box, server.url)
        seen = server.requests

    assert status == 0
    assert (box.workspace / "made" / "it.txt").read_text() == "made\n"
    assert lines[-2]["item"]["text"] == "It is made."
    assert lines[-1]["usage"]["input_tokens"] == 3000
    told = [(each["path"], each["dummy_key"], each["step"], each["status"]) for each in seen]
    assert told == [(RESPONSES, True, 0, 200), (RESPONSES, True, 1, 200)]


@each_of("codex")
def test_codex_gives_up_where_it_is_not_let_in(tmp_path: Path, agent: str) -> None:
    box = AgentBox.build(tmp_path / "box")

    with model_server({"A": [{"status": 401}]}, tmp_path / "seen.jsonl") as server:
        status, lines = run_codex(box, server.url)
        seen = server.requests

    said = f"unexpected status 401 Unauthorized: scripted 401, url: {server.url}{RESPONSES}"
    assert status == 1
    assert lines[-1] == {"type": "turn.failed", "error": {"message": said}}
    assert [each["status"] for each in seen] == [401]


@each_of("codex")
def test_codex_tries_again_where_it_may(tmp_path: Path, agent: str) -> None:
    box = AgentBox.build(tmp_path / "box")

    with model_server({"A": [{"status": 500, "times": 1}, WRITE]}, tmp_path / "seen.jsonl") as server:
        status, lines = run_codex(box, server.url, *MORE_TRIES)
        seen = server.requests

    assert status == 0
    assert lines[-2]["item"]["text"] == "Done."
    assert [(each["step"], each["status"]) for each in seen] == [(0, 500), (0, 200), (1, 200)]
