"""Asks programs for their versions, all at once, each at home in a folder of its own that is gone afterwards.

Knows nothing of agents.
"""

import subprocess
from collections.abc import Mapping, Sequence
from tempfile import TemporaryDirectory

import trio

# Seconds that a program has to tell its version; the slowest takes more than three.
LIMIT = 5.0


# How a program is called, and all that it gets to see but a home.
Asked = tuple[Sequence[str], Mapping[str, str]]


def ask_versions(asked: Sequence[Asked], *, limit: float = LIMIT) -> list[bytes]:
    """Return what each tells, on stdout and then on stderr; nothing for one that fails or takes too long."""
    told = [b""] * len(asked)
    try:
        trio.run(_ask_all, asked, told, limit)
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt):  # a nursery has wrapped it
            raise KeyboardInterrupt from None
        raise
    return told


async def _ask_all(asked: Sequence[Asked], told: list[bytes], limit: float) -> None:
    async def ask(place: int) -> None:
        with trio.move_on_after(limit):
            told[place] = await _ask(*asked[place])

    async with trio.open_nursery() as nursery:
        for place in range(len(asked)):
            nursery.start_soon(ask, place)


async def _ask(argv: Sequence[str], env: Mapping[str, str]) -> bytes:
    with TemporaryDirectory(prefix="aad-doctor-", ignore_cleanup_errors=True) as scratch:
        try:
            done = await trio.run_process(
                [*argv, "--version"],
                cwd=scratch,
                env={**env, "HOME": scratch, "TMPDIR": scratch},
                stdin=subprocess.DEVNULL,
                capture_stdout=True,
                capture_stderr=True,
                deliver_cancel=_kill,
            )
        except (OSError, subprocess.SubprocessError):  # it cannot be started, or fails
            return b""
    return done.stdout + b"\n" + done.stderr


async def _kill(process: trio.Process) -> None:
    """End at once what has had its time: it has nothing to put in order."""
    process.kill()
    await trio.lowlevel.checkpoint()
