"""How fast the streams of coding agents are read: a log's words, progress and usage out of their lines."""

import json
import os
import time
from functools import partial
from pathlib import Path
from statistics import median

from effort import Effort
from floods import CHUNK, MEGABYTE, make_secrets
from measure import alternate
from projects import open_folder
from report import Figure, Report, Table

from aad.agents.base import Job, begin_reading
from aad.agents.roster import KINDS
from aad.config import AgentOptions
from aad.conversation import Conversation
from aad.output import OutputLog
from aad.redact import Redactor
from aad.spec import Spec

RECORDINGS = Path(__file__).parents[1] / "tests" / "streams"
# Those that write by themselves; the others are talked with, and say no more than they are asked.
AGENTS = ("claude", "codex", "gemini", "opencode", "pi", "qwen")
# A log has as much room as a recording repeated takes.
LIMIT = 1 << 40


def run(effort: Effort) -> Report:
    """Measure each agent's reader with its logs, beside `json.loads` of each line and a plain file."""
    with open_folder() as folder:
        streams = {name: _make_stream(name, effort.redacted * MEGABYTE // 4) for name in AGENTS}
        heard = {name: partial(_hear, name, stream, folder) for name, stream in streams.items()}
        parsed = {f"{name}: parsed": partial(_parse, stream, folder) for name, stream in streams.items()}
        actions = heard | parsed
        alternate(actions, 1)
        seconds = {name: median(each) for name, each in alternate(actions, effort.rounds).items()}
    pairs = {name: (seconds[name], seconds[f"{name}: parsed"]) for name in AGENTS}
    rows = [_describe(name, len(streams[name]), *pair) for name, pair in pairs.items()]
    return Report(
        title="Streams of coding agents",
        figures=(
            Figure("slowest/parsed and written only", max(ours / plain for ours, plain in pairs.values())),
            Figure("slowest", min(ours for _, ours, _ in rows), "MB/s"),
        ),
        tables=(Table(("agent", "MB/s", "parsed and written only"), tuple(rows)),),
        notes=("Recorded streams, again and again, with 20 secrets to mask in both logs.",),
    )


def _describe(name: str, size: int, ours: float, plain: float) -> tuple[str, float, float]:
    return name, size / MEGABYTE / ours, size / MEGABYTE / plain


def _make_stream(name: str, size: int) -> bytes:
    """Return an agent's stream of so many bytes and a few more, which has not come to its end."""
    *lines, _ = (RECORDINGS / name / "success.jsonl").read_bytes().splitlines(keepends=True)
    block = b"".join(lines)
    return block * (size // len(block) + 1)


def _hear(name: str, stream: bytes, folder: Path) -> float:
    """Return the seconds that a conversation takes which is heard as an attempt hears it."""
    redactor = Redactor(make_secrets())
    logs = [
        OutputLog.open(folder / file, redactor=redactor, limit=LIMIT, tail_lines=40)
        for file in ("output.log", "stream.jsonl")
    ]
    reading = begin_reading(KINDS[name](options=AgentOptions()), _make_job(folder))
    if reading is None:
        raise AssertionError(name)
    talk = Conversation(reading=reading, output=logs[0], stream=logs[1], hear=lambda _: None)
    began = time.perf_counter()
    for start in range(0, len(stream), CHUNK):
        talk.write(stream[start : start + CHUNK])
    talk.finish()
    logs[0].close()
    return time.perf_counter() - began


def _parse(stream: bytes, folder: Path) -> float:
    """Return the seconds that it takes to parse each line, and to write the stream to a file."""
    began = time.perf_counter()
    with (folder / "plain").open("wb", buffering=0) as file:
        for start in range(0, len(stream), CHUNK):
            file.write(stream[start : start + CHUNK])
        for line in stream.splitlines():
            json.loads(line)
    return time.perf_counter() - began


def _make_job(folder: Path) -> Job:
    return Job(
        run="run",
        session="run/A",
        spec=Spec(id="A"),
        spec_file=os.fspath(folder / "A.md"),
        attempt=1,
        workspace=folder,
        events_file=folder / "events.jsonl",
    )
