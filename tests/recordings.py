"""The recorded streams of real agents, how each ended, what a reader makes of them; a job like theirs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from aad.agents.base import Exit, Job, Reading, Verdict
from aad.agents.talk import Talk
from aad.spec import Spec

STREAMS = Path(__file__).parent / "streams"
# Conversations, which hold what was said in both directions: no attempt's stdout looks like that.
CONVERSATIONS = {
    "claude/question_live",
    "codex/app_server_question",
    "codex/app_server_usage_limit",
    "acp/gemini",
    "acp/vibe",
}

JOB = Job(
    run="20261122-213612-7f3a",
    session="20261122-213612-7f3a/A",
    spec=Spec(id="A", text="# A: Build it 作る\n"),
    spec_file="/project/A.md",
    attempt=2,
    workspace=Path("/workspace"),
    events_file=Path("/attempt/events/events.jsonl"),
    new_session="11111111-2222-4333-8444-555555555555",
)
# What every agent that does this job is told in its environment.
WHERE = {
    "AAD_RUN_ID": "20261122-213612-7f3a",
    "AAD_SESSION_ID": "20261122-213612-7f3a/A",
    "AAD_SPEC_ID": "A",
    "AAD_SPEC_FILE": "/project/A.md",
    "AAD_ATTEMPT": "2",
    "AAD_MODE": "new",
    "AAD_WORKSPACE": "/workspace",
    "AAD_EVENTS": "/attempt/events/events.jsonl",
}


@frozen
class Recording:
    """One attempt of a real agent: its lines without their ends, its exit, the end of its stderr."""

    name: str
    lines: tuple[bytes, ...]
    end: Exit
    errors: str

    @property
    def kind(self) -> str:
        return self.name.partition("/")[0]


def read_index() -> dict[str, dict[str, Any]]:
    """Return what is known of each recording, by its name: the file without its ending."""
    entries = json.loads((STREAMS / "index.json").read_text(encoding="utf-8"))
    return {entry["file"].removesuffix(".jsonl"): entry for entry in entries}


def list_names(kind: str) -> list[str]:
    """Return the names of the attempts that were recorded of an agent, without its own."""
    names = sorted(read_index().keys() - CONVERSATIONS)
    return [name.removeprefix(f"{kind}/") for name in names if name.startswith(f"{kind}/")]


def read_lines(name: str) -> tuple[bytes, ...]:
    """Return the lines of a recording without their ends, the last as it was cut."""
    return tuple((STREAMS / f"{name}.jsonl").read_bytes().removesuffix(b"\n").split(b"\n"))


def find_recording(name: str) -> Recording:
    entry = read_index()[name]
    code, errors = entry["exit_code"], entry.get("stderr")
    return Recording(
        name=name,
        lines=read_lines(name),
        end=Exit(None, -code) if code < 0 else Exit(code),
        errors="" if errors is None else (STREAMS / errors).read_text(encoding="utf-8"),
    )


def is_ours(line: bytes) -> bool:
    return line.startswith(b'{">>>')


def find_theirs(name: str) -> tuple[bytes, ...]:
    """Return the agent's side of a recording: of a conversation the lines that are not ours."""
    return tuple(line for line in read_lines(name) if not is_ours(line))


def hear(reading: Reading, lines: Iterable[bytes]) -> list[Talk]:
    """Return all that is told in some lines."""
    return [talk for line in lines for talk in reading.feed(line)]


def tell(reading: Reading, *records: Mapping[str, Any]) -> list[Talk]:
    """Return all that is told in some records, each on a line of its own."""
    return hear(reading, (json.dumps(record).encode() for record in records))


def judge(reading: Reading, recording: Recording) -> Verdict:
    """Return the verdict of a whole recording."""
    hear(reading, recording.lines)
    return reading.close(recording.end, recording.errors)
