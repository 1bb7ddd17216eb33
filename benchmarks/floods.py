"""How fast a child's output goes through: the pump of a whole run, and the redactor by itself."""

import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import median

from effort import Effort
from graphs import make_wide
from measure import Command, alternate, compare
from peers import list_tools
from projects import open_folder, write_project
from report import Figure, Report, Table

from aad.output import OutputLog
from aad.redact import Redactor

MEGABYTE = 1_000_000
LINE = "a line of output, as long as many lines of output are\n"
SECRETS = 20
CHUNK = 65_536
# One line in so many holds a secret.
RARITY = 100


def run(effort: Effort) -> Report:
    """Measure one child that writes a lot, and the redaction of text."""
    pump, peak, ratio = _measure_pump(effort)
    redacted = _measure_redaction(effort)
    return Report(
        title="Output of children",
        figures=(
            Figure("aad/plain pipe into cat", ratio),
            Figure("pump", pump, "MB/s", ">= 200"),
            *([] if peak is None else [Figure("memory while pumping", peak, "MB", "< 100")]),
            Figure(f"redactor, {SECRETS} secrets", redacted["redactor"], "MB/s", ">= 30"),
            Figure("redactor, no secrets", redacted["redactor without secrets"], "MB/s"),
        ),
        tables=(Table(("part", "MB/s"), (("pump", pump), *redacted.items())),),
        notes=(f"The pump's child writes {effort.megabytes:,} MB; the redactor gets {effort.redacted} MB.",),
    )


def _measure_pump(effort: Effort) -> tuple[float, float | None, float]:
    """Return MB/s, memory, and how much longer it takes than a pipe into cat."""
    flood = f"yes {shlex.quote(LINE.strip())} | head -c {effort.megabytes * MEGABYTE}"
    with open_folder() as folder:
        project = folder / "project"
        write_project(project, make_wide(1), run=("/bin/sh", "-c", flood))
        commands = {
            "aad": Command(argv=list_tools(effort.jobs)[0].argv, cwd=project),
            "cat": Command(argv=("/bin/sh", "-c", f"{flood} | cat"), cwd=folder),
        }
        costs = compare(commands, effort.rounds)
    (ours, peak), (pipe, _) = costs["aad"], costs["cat"]
    return effort.megabytes / ours.wall, peak, ours.wall / pipe.wall


def _measure_redaction(effort: Effort) -> dict[str, float]:
    """Return the MB/s of the redactor alone and of logs, with known values and with shapes alone."""
    secrets = make_secrets()
    chunks = list(_make_text(secrets, effort.redacted * MEGABYTE))
    with open_folder() as folder:
        actions = {
            "redactor": lambda: _redact(chunks, Redactor(secrets)),
            "redactor without secrets": lambda: _redact(chunks, Redactor(())),
            "log with redactor": lambda: _log(chunks, folder / "log", Redactor(secrets)),
            "log without secrets": lambda: _log(chunks, folder / "log", Redactor(())),
        }
        alternate(actions, 1)
        seconds = alternate(actions, effort.rounds)
    size = sum(map(len, chunks)) / MEGABYTE
    return {name: size / median(each) for name, each in seconds.items()}


def _redact(chunks: list[bytes], redactor: Redactor) -> float:
    began = time.perf_counter()
    stream = redactor.stream()
    for chunk in chunks:
        stream.feed(chunk)
    stream.finish()
    return time.perf_counter() - began


def _log(chunks: list[bytes], path: Path, redactor: Redactor) -> float:
    path.unlink(missing_ok=True)
    limit = sum(map(len, chunks))
    began = time.perf_counter()
    log = OutputLog.open(path, redactor=redactor, limit=limit, tail_lines=40)
    for chunk in chunks:
        log.write(chunk)
    log.close()
    return time.perf_counter() - began


def make_secrets() -> tuple[str, ...]:
    """Return as many secrets as a well-equipped environment has."""
    draw = Random(SECRETS)  # noqa: S311 - the same secrets each time are the point
    return tuple(f"{draw.getrandbits(160):040x}" for _ in range(SECRETS))


def _make_text(secrets: tuple[str, ...], size: int) -> Iterator[bytes]:
    """Yield lines of log text, cut where a pipe would cut them."""
    lines = [f"token {secrets[0]} was sent\n", *[LINE] * (RARITY - 1)]
    block = "".join(lines).encode()
    text = block * (size // len(block) + 1)
    for start in range(0, size, CHUNK):
        yield text[start : min(start + CHUNK, size)]
