"""The machine on which is measured, as it stands in a report. Measures nothing."""

import os
import platform
from pathlib import Path

from attrs import frozen


@frozen
class Machine:
    """What a reader must know to judge figures."""

    cores: int
    processor: str
    system: str
    python: str


def describe_machine() -> Machine:
    """Return this machine."""
    return Machine(
        cores=os.cpu_count() or 1,
        processor=_read_processor() or platform.machine(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def read_load() -> tuple[float, ...]:
    """Return how many processes wanted to run, as means over 1, 5 and 15 minutes."""
    return tuple(round(each, 2) for each in os.getloadavg())


def _read_processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return ""
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")
