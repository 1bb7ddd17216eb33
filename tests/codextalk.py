"""Both sides of a conversation with the server of Codex."""

import json
from datetime import UTC, datetime
from typing import Any

from attrs import evolve
from recordings import JOB

from aad.agents.base import Job
from aad.agents.codex_server import CodexServerReader
from aad.agents.talk import Talk

THREAD = "01a20565-816a-7d72-a4bb-3aa857599119"
TURN = "01a20565-8198-7df3-8f0a-e9e6f93c2c91"
# When the streams were recorded.
NOW = datetime(2026, 11, 22, 23, 5, tzinfo=UTC).timestamp()

RESUMED = evolve(JOB, agent_session=THREAD, resumes=True)
PLACE = {"cwd": "/workspace", "approvalPolicy": "on-request", "sandbox": "workspace-write"}

Json = Any


def make_reader(job: Job = JOB) -> CodexServerReader:
    return CodexServerReader(job=job, thread=PLACE, clock=lambda: NOW, zone=UTC)


def parse(said: bytes) -> list[Json]:
    return [json.loads(line) for line in said.splitlines()]


def open_thread(job: Job = JOB) -> CodexServerReader:
    """Return a reader whose turn has begun, and whose words have all been taken."""
    reader = make_reader(job)
    reader.begin()
    tell(reader, id=2, result={"thread": {"id": THREAD}})
    reader.take_outgoing()
    return reader


def tell(reader: CodexServerReader, **record: object) -> list[Talk]:
    return reader.feed(json.dumps(record).encode())


def notify(reader: CodexServerReader, method: str, thread: str = THREAD, **params: object) -> list[Talk]:
    return tell(reader, method=method, params={"threadId": thread, "turnId": TURN, **params})
