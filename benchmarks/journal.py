"""How many transitions a second are recorded so that a power loss takes none: by one writer, and by many."""

import os
import time
from functools import partial
from pathlib import Path
from statistics import median

import trio
from effort import Effort
from measure import alternate
from projects import open_folder
from report import Figure, Report, Table

from aad.codec import encode
from aad.events import RetryScheduled, SessionStarted
from aad.files import sync_content
from aad.project import Project, new_run_id
from aad.record import RunRecord

WRITERS = (1, 10, 100)
RAW = "write + fdatasync"


def run(effort: Effort) -> Report:
    """Measure the record of a run with some writers at once, beside a loop that syncs line by line."""
    each = max(effort.sizes[-1] // 10, 1)
    with open_folder() as folder:
        actions = {
            RAW: partial(_write_raw, folder, each * 10),
            **{_name(writers): partial(_record, folder, writers, each) for writers in WRITERS},
        }
        alternate(actions, 1)
        costs = {name: median(found) for name, found in alternate(actions, effort.rounds).items()}
    return Report(
        title="Durable transitions",
        figures=(
            *(
                Figure(f"aad, {_name(writers)} / {RAW}", costs[_name(writers)] / costs[RAW])
                for writers in WRITERS
            ),
            Figure(f"aad, {_name(WRITERS[-1])}", 1 / costs[_name(WRITERS[-1])], "per second", ">= 10,000"),
        ),
        tables=(
            Table(
                ("writers", "per second", "ms each"),
                [(name, 1 / cost, cost * 1e3) for name, cost in costs.items()],
            ),
        ),
        notes=(f"{RAW}: the same lines one by one, by a loop that does nothing else.",),
    )


def _name(writers: int) -> str:
    return "1 writer" if writers == 1 else f"{writers} writers"


def _write_raw(folder: Path, records: int) -> float:
    """Return the seconds that one record takes."""
    lines = [encode(SessionStarted(spec="A", attempt=1, pid=1, seq=seq)) for seq in range(1, records + 1)]
    descriptor = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    began = time.perf_counter()
    for line in lines:
        os.write(descriptor, line)
        sync_content(descriptor)
    took = time.perf_counter() - began
    os.close(descriptor)
    return took / records


def _record(folder: Path, writers: int, each: int) -> float:
    """Return the seconds that one transition takes where so many writers make some each."""
    record = RunRecord(project=Project(folder), run=new_run_id())
    record.open()
    took = trio.run(_write_all, record, writers, each)
    record.close()
    return took / (writers * each)


async def _write_all(record: RunRecord, writers: int, each: int) -> float:
    began = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for number in range(writers):
            nursery.start_soon(_write, record, f"S{number}", each)
    return time.perf_counter() - began


async def _write(record: RunRecord, spec: str, transitions: int) -> None:
    """Begin and give up attempts, and wait for each of both to be on the disk."""
    for number in range(transitions):
        attempt = number // 2 + 1
        if number % 2:
            record.emit(RetryScheduled(spec=spec, attempt=attempt, delay_s=0.0))
        else:
            record.emit(SessionStarted(spec=spec, attempt=attempt, pid=1))
        await record.durable()
