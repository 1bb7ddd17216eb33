"""How an agent talks with the model of the tests: its requests in each interface, and the answers to them."""

import json
from collections.abc import Mapping
from typing import Any

import trio
import trio.testing
from attrs import frozen
from modelapis import MODEL, Json
from modelscript import Script
from modelserver import DUMMY_KEY, ModelServer


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


FIRST: Json = {"tool": "shell", "args": {"command": "true"}}
LOOK: Json = {"text": "I look.", "tool": "shell", "args": {"command": "ls"}}
