"""Both sides of a conversation in the Agent Client Protocol."""

import json
from typing import Any

from recordings import JOB

from aad.agents.acp import AcpAgent
from aad.agents.acp_stream import AcpReader
from aad.agents.base import Job
from aad.agents.talk import Talk
from aad.config import AgentOptions

OPTIONS = [
    {"optionId": "always", "name": "Always", "kind": "allow_always"},
    {"optionId": "once", "name": "Allow", "kind": "allow_once"},
    {"optionId": "no", "name": "Reject", "kind": "reject_once"},
]


def make_agent(**options: Any) -> AcpAgent:  # noqa: ANN401 - the options' own types
    return AcpAgent(AgentOptions(command=("gemini", "--acp"), **options))


def say(reader: AcpReader, record: object) -> list[Talk]:
    """Let the agent say something."""
    return reader.feed(
        json.dumps({"jsonrpc": "2.0", **record} if isinstance(record, dict) else record).encode()
    )


def hear(reader: AcpReader) -> list[dict[str, Any]]:
    """Return what is said to the agent."""
    return [json.loads(line) for line in reader.take_outgoing().splitlines()]


def answer(number: int, **result: object) -> dict[str, object]:
    return {"id": number, "result": result}


def tell(word: str, /, **update: object) -> dict[str, object]:
    params = {"sessionId": "s-1", "update": {"sessionUpdate": word, **update}}
    return {"method": "session/update", "params": params}


def ask_leave(path: str, *, number: object = 0, call: str = "c", **more: object) -> dict[str, object]:
    told = {"toolCallId": call, "title": "Write it", "kind": "edit", "locations": [{"path": path}], **more}
    params = {"sessionId": "s-1", "options": OPTIONS, "toolCall": told}
    return {"id": number, "method": "session/request_permission", "params": params}


def begin(job: Job = JOB, **options: Any) -> AcpReader:  # noqa: ANN401 - the options' own types
    """Return a reader whose first words were said."""
    reader = make_agent(**options).speak(job)
    reader.begin()
    return reader


def open_session(job: Job = JOB, **options: Any) -> AcpReader:  # noqa: ANN401 - the options' own types
    """Return a reader that has told the agent what to do."""
    reader = begin(job, **options)
    say(reader, answer(1, agentCapabilities={}))
    say(reader, answer(2, sessionId="s-1"))
    reader.take_outgoing()
    return reader
