"""The four interfaces by which agents talk to their models: what a request asks, how an answer is streamed.

Knows the forms only, nothing of scripts or of HTTP. Every answer says that 1500 tokens were read, 300 of them
from a cache, and 50 written.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol

from attrs import field, frozen

Json = dict[str, Any]

MODEL = "scripted-model"
READ, CACHED, WRITTEN = 1500, 300, 50


@frozen
class Turn:
    """One piece of a conversation: of the user, of the model, or what came of the model's tools."""

    who: Literal["user", "model", "tool"]
    text: str = ""


@frozen(kw_only=True)
class Asked:
    """What a request says. `tools` are the offered ones and their arguments, `folder` is the agent's."""

    turns: tuple[Turn, ...]
    tools: Mapping[str, frozenset[str]]
    folder: str = ""


@frozen
class Call:
    """One use of a tool."""

    id: str
    name: str
    arguments: Json


@frozen
class Answer:
    """What the model says: words, uses of tools, or nothing because it refuses.

    claude takes two answers of one id for parts of the same.
    """

    id: str
    text: str = ""
    calls: tuple[Call, ...] = ()
    refuses: bool = False


class Api(Protocol):
    """One interface: its name, where it is asked, and its forms."""

    @property
    def name(self) -> str:
        """The word for it in what the server has seen."""

    @property
    def path(self) -> re.Pattern[str]:
        """What its requests' paths look like."""

    def read(self, body: Json) -> Asked:
        """Return what a request says."""

    def stream(self, answer: Answer) -> bytes:
        """Return an answer as a `text/event-stream`."""

    def fault(self, status: int) -> Json:
        """Return what stands in an answer with a status that is an error."""


# What claude, taken up after it was killed, believes its model to have said.
UNSAID = "No response requested."
KINDS = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}


def tell_fault(status: int) -> Json:
    """Return an error as all but one of the interfaces put it."""
    kind = KINDS.get(status, "api_error")
    return {"error": {"message": f"scripted {status}", "type": kind, "code": kind}}


def name_tools(tools: Iterable[Json], schema: str) -> dict[str, frozenset[str]]:
    """Return the arguments of each tool that is offered; `schema` is where they stand."""
    return {
        tool["name"]: frozenset(tool.get(schema, {}).get("properties", ()))
        for tool in tools
        if "name" in tool
    }


def join_texts(content: str | list[Json] | None) -> str:
    """Return the words of a message's content, which is a text or a list of parts."""
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if isinstance(part.get("text"), str))
    return content or ""


def write_events(events: Iterable[Json], *, named: bool = False) -> bytes:
    """Return events as a stream; `named` puts their type before each."""
    told = ""
    for event in events:
        told += f"event: {event['type']}\n" if named else ""
        told += f"data: {json.dumps(event)}\n\n"
    return told.encode()


@frozen
class Responses:
    """OpenAI's Responses, which codex speaks."""

    name: str = "responses"
    path: re.Pattern[str] = field(default=re.compile(r"/responses$"))

    def read(self, body: Json) -> Asked:
        tools = name_tools(body.get("tools", ()), "parameters")
        return Asked(turns=tuple(self._turns(body["input"])), tools=tools)

    def _turns(self, items: Iterable[Json]) -> Iterator[Turn]:
        for item in items:
            kind = item.get("type", "message")
            if kind.endswith("_call_output"):
                yield Turn("tool")
            elif kind.endswith("_call") or item.get("role") == "assistant":
                yield Turn("model")
            elif item.get("role") == "user":
                yield Turn("user", join_texts(item["content"]))

    def stream(self, answer: Answer) -> bytes:
        usage = {
            "input_tokens": READ,
            "input_tokens_details": {"cached_tokens": CACHED},
            "output_tokens": WRITTEN,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": READ + WRITTEN,
        }
        items = [
            {"type": "response.output_item.done", "output_index": index, "item": item}
            for index, item in enumerate(self._items(answer))
        ]
        head = {"type": "response.created", "response": {"id": answer.id}}
        tail = {"type": "response.completed", "response": {"id": answer.id, "usage": usage}}
        return write_events([head, *items, tail], named=True)

    def _items(self, answer: Answer) -> Iterator[Json]:
        message = {"type": "message", "role": "assistant", "id": f"msg_{answer.id}"}
        if answer.refuses:
            yield {**message, "content": [{"type": "refusal", "refusal": "I won't."}]}
        if answer.text:
            yield {**message, "content": [{"type": "output_text", "text": answer.text, "annotations": []}]}
        for call in answer.calls:
            told = {"name": call.name, "arguments": json.dumps(call.arguments)}
            yield {"type": "function_call", "id": f"fc_{call.id}", "call_id": call.id, **told}

    def fault(self, status: int) -> Json:
        return tell_fault(status)


@frozen
class Messages:
    """Anthropic's Messages, which claude speaks."""

    name: str = "messages"
    path: re.Pattern[str] = field(default=re.compile(r"/v1/messages$"))

    def read(self, body: Json) -> Asked:
        tools = name_tools(body.get("tools", ()), "input_schema")
        return Asked(turns=tuple(self._turns(body["messages"])), tools=tools)

    def _turns(self, messages: Iterable[Json]) -> Iterator[Turn]:
        for message in messages:
            content = message["content"]
            if message["role"] == "assistant" and join_texts(content) != UNSAID:
                yield Turn("model")
            # There are messages of the role "system" among them, which nobody has said.
            if message["role"] == "user":
                if isinstance(content, list) and any(part["type"] == "tool_result" for part in content):
                    yield Turn("tool", json.dumps(content))
                if text := join_texts(content):
                    yield Turn("user", text)

    def stream(self, answer: Answer) -> bytes:
        reason = "refusal" if answer.refuses else "tool_use" if answer.calls else "end_turn"
        usage = {
            "input_tokens": READ - CACHED,
            "cache_read_input_tokens": CACHED,
            "cache_creation_input_tokens": 0,
            "output_tokens": 1,
        }
        head = {
            "id": f"msg_{answer.id}",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [],
        }
        end = {"stop_reason": reason, "stop_sequence": None}
        events: list[Json] = [
            {"type": "message_start", "message": {**head, "stop_reason": None, "usage": usage}},
            *self._blocks(answer),
            {"type": "message_delta", "delta": end, "usage": {**usage, "output_tokens": WRITTEN}},
            {"type": "message_stop"},
        ]
        return write_events(events, named=True)

    def _blocks(self, answer: Answer) -> Iterator[Json]:
        blocks: list[tuple[Json, Json]] = []
        if answer.text:
            blocks.append(({"type": "text", "text": ""}, {"type": "text_delta", "text": answer.text}))
        for call in answer.calls:
            block = {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": {}}
            blocks.append((block, {"type": "input_json_delta", "partial_json": json.dumps(call.arguments)}))
        for index, (block, delta) in enumerate(blocks):
            yield {"type": "content_block_start", "index": index, "content_block": block}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}

    def fault(self, status: int) -> Json:
        return {"type": "error", **tell_fault(status)}


@frozen
class Chat:
    """OpenAI's older Chat completions, which opencode, qwen and pi speak."""

    name: str = "chat"
    path: re.Pattern[str] = field(default=re.compile(r"/chat/completions$"))

    def read(self, body: Json) -> Asked:
        tools = name_tools((tool["function"] for tool in body.get("tools") or ()), "parameters")
        return Asked(turns=tuple(self._turns(body["messages"])), tools=tools)

    def _turns(self, messages: Iterable[Json]) -> Iterator[Turn]:
        for message in messages:
            match message["role"]:
                case "assistant":
                    yield Turn("model")
                case "tool":
                    yield Turn("tool")
                case "user":
                    yield Turn("user", join_texts(message["content"]))

    def stream(self, answer: Answer) -> bytes:
        reason = "content_filter" if answer.refuses else "tool_calls" if answer.calls else "stop"
        usage = {
            "prompt_tokens": READ,
            "prompt_tokens_details": {"cached_tokens": CACHED},
            "completion_tokens": WRITTEN,
            "total_tokens": READ + WRITTEN,
        }
        head = {"id": answer.id, "object": "chat.completion.chunk", "created": 1, "model": MODEL}
        deltas = [{"index": 0, "delta": delta, "finish_reason": None} for delta in self._deltas(answer)]
        end = {"index": 0, "delta": {}, "finish_reason": reason}
        chunks = [{**head, "choices": [choice]} for choice in (*deltas, end)]
        return write_events([*chunks, {**head, "choices": [], "usage": usage}]) + b"data: [DONE]\n\n"

    def _deltas(self, answer: Answer) -> Iterator[Json]:
        if answer.text:
            yield {"role": "assistant", "content": answer.text}
        for index, call in enumerate(answer.calls):
            used = {"name": call.name, "arguments": json.dumps(call.arguments)}
            told = {"index": index, "id": call.id, "type": "function", "function": used}
            yield {"role": "assistant", "tool_calls": [told]}

    def fault(self, status: int) -> Json:
        return tell_fault(status)


@frozen
class Gemini:
    """Google's streamGenerateContent, which gemini speaks."""

    name: str = "gemini"
    path: re.Pattern[str] = field(default=re.compile(r":streamGenerateContent$"))

    def read(self, body: Json) -> Asked:
        offered = [each for tool in body.get("tools", ()) for each in tool.get("functionDeclarations", ())]
        where = next((key for each in offered for key in each if key.startswith("parameters")), "parameters")
        return Asked(turns=tuple(self._turns(body["contents"])), tools=name_tools(offered, where))

    def _turns(self, contents: Iterable[Json]) -> Iterator[Turn]:
        for content in contents:
            if content["role"] == "model":
                yield Turn("model")
                continue
            if any("functionResponse" in part for part in content["parts"]):
                yield Turn("tool")
            if text := join_texts(content["parts"]):
                yield Turn("user", text)

    def stream(self, answer: Answer) -> bytes:
        words: list[Json] = [{"text": answer.text}] if answer.text else []
        uses = [{"name": call.name, "args": call.arguments, "id": call.id} for call in answer.calls]
        parts = [*words, *({"functionCall": use} for use in uses)]
        usage = {
            "promptTokenCount": READ,
            "cachedContentTokenCount": CACHED,
            "candidatesTokenCount": WRITTEN,
            "totalTokenCount": READ + WRITTEN,
        }
        reason = "SAFETY" if answer.refuses else "STOP"
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}
        return write_events(
            [
                {
                    "candidates": [candidate],
                    "usageMetadata": usage,
                    "modelVersion": MODEL,
                    "responseId": answer.id,
                }
            ]
        )

    def fault(self, status: int) -> Json:
        told = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}
        word = told.get(status, "INTERNAL")
        return {"error": {"code": status, "message": f"scripted {status}", "status": word}}


APIS: tuple[Api, ...] = (Responses(), Messages(), Chat(), Gemini())


def find_api(path: str) -> Api | None:
    """Return the interface that a path belongs to."""
    return next((api for api in APIS if api.path.search(path)), None)
