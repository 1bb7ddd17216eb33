"""Durations and sizes as people write them: `90s`, `1h30m`, `10MB`. Knows nothing of where they stand."""

import re

SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
# Longer than anybody waits, and short enough for every clock and timer to hold it.
LONGEST = 10 * 365 * 86400.0
# More than anybody keeps, and small enough for a float to count every byte of it.
BIGGEST = 10**15

_NUMBER = r"\d+(?:\.\d+)?"
# Each unit at most once, the greater one first: `5m 3m` and `30m1h` are slips, not durations.
_DURATION = re.compile(
    r"\s*" + "".join(rf"(?:(?P<{unit}>{_NUMBER})\s*{unit}\s*)?" for unit in SECONDS), re.ASCII
)
_SIZE = re.compile(rf"\s*({_NUMBER})\s*(B|[kKMG]B|[KMG]iB)\s*", re.ASCII)


def parse_duration(text: str) -> float:
    """Return the seconds of `90s`, `1h30m`, `500ms` or `0`; raises ValueError for anything else.

    >>> parse_duration("1h30m")
    5400.0

    A bare number other than 0 has no unit and is refused, and so is more than ten years.
    """
    if text.strip() == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if match is None or not text.strip():
        raise ValueError(text)
    seconds = float(sum(float(number) * SECONDS[unit] for unit, number in match.groupdict("0").items()))
    if seconds > LONGEST:
        raise ValueError(text)
    return seconds


def parse_size(text: str) -> int:
    """Return the bytes of `10MB`, `512KiB`, `100B` or `0`; raises ValueError for anything else.

    A bare number other than 0 has no unit and is refused, and so is more than a million gigabytes.
    """
    if text.strip() == "0":
        return 0
    match = _SIZE.fullmatch(text)
    if match is None or (size := float(match[1]) * BYTES[match[2]]) > BIGGEST:
        raise ValueError(text)
    return int(size)
