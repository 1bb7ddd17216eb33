"""The sweep ends what a run of this project left, and nothing of which that is not known for sure."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from realprocesses import PATIENCE, Token, find_parent, is_running, read_start, read_words, until

from aad.ledger import Ledger, read_identity
from aad.sweep import Swept, sweep

RUN = "20261122-213612-7f3a"
PATH = {"PATH": os.environ["PATH"]}
# Hops from process id to process id.
HOPPER = """
import os, time
while True:
    if os.fork():
        os._exit(0)
    time.sleep(0.005)
"""
# Sweeps while a child of its own runs that bears the run's mark.
SWEEPER = """
import subprocess, sys
from pathlib import Path
from aad.sweep import sweep
ledger, runs, run, token = sys.argv[1:]
own = subprocess.Popen(["sleep", token])
swept = sweep(Path(ledger), Path(runs), [run])
print(len(swept.ended), own.poll())
own.kill()
"""


class Place:
    """A project's folder, as the sweep knows it."""

    def __init__(self, folder: Path) -> None:
        self.runs, self.ledger = folder / "runs", folder / "processes.json"

    @property
    def mark(self) -> dict[str, str]:
        """What the environment of a session's processes says."""
        events = self.runs / RUN / "A" / "1" / "events" / "events.jsonl"
        return {"AAD_RUN_ID": RUN, "AAD_EVENTS": str(events)}

    def note(self, *pids: int) -> None:
        Ledger(str(self.ledger)).note(pids)

    def sweep(self, *runs: str, spare: tuple[int, ...] = ()) -> Swept:
        return sweep(self.ledger, self.runs, runs, spare=spare)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "here" / "runs").mkdir(parents=True)
    return Place(tmp_path / "here")


def leave(token: Token, line: str = "sleep {0}", **env: str) -> int:
    """Leave a daemon that runs with a token, an orphan in a session of its own, and return its id."""
    subprocess.run(["sh", "-c", f"(setsid {line.format(token)} &)"], env={**PATH, **env}, check=True)
    until(lambda: b"sleep" in [words[0] for words in map(read_words, token.holders()) if words])
    return token.holders()[0]


@contextmanager
def keeper(token: Token, **env: str) -> Iterator[int]:
    """Run somebody with a child that has a token while the block lasts."""
    with subprocess.Popen(["sh", "-c", f"sleep {token} & wait"], env={**PATH, **env}) as popen:
        try:
            until(token.holders)
            yield popen.pid
        finally:
            popen.kill()


# Who is ended.


def test_whoever_is_in_the_ledger_is_ended_and_named(place: Place, token: Token) -> None:
    pid = leave(token)
    place.note(pid)

    swept = place.sweep()

    assert swept == Swept(ended=(f"sleep ({pid})",))
    assert token.holders() == []


def test_whoever_bears_the_mark_of_a_run_is_ended_and_named(place: Place, token: Token) -> None:
    pid = leave(token, **place.mark)

    swept = place.sweep("another", RUN)

    assert swept == Swept(ended=(f"sleep ({pid})",))
    assert token.holders() == []


def test_the_descendants_of_what_is_ended_are_ended_too(place: Place, token: Token) -> None:
    pid = leave(token, 'sh -c "env -i sleep {0} & wait; true"')
    place.note(find_parent(pid))

    swept = place.sweep()

    assert [name.partition(" ")[0] for name in swept.ended] == ["sh", "sleep"]
    assert token.holders() == []


def test_what_hops_from_id_to_id_is_caught(place: Place, token: Token) -> None:
    subprocess.run([sys.executable, "-c", HOPPER, str(token)], env=PATH | place.mark, check=True)
    until(lambda: len(token.holders()) == 1)

    place.sweep(RUN)

    assert token.holders() == []


def test_what_was_stopped_and_is_deaf_is_ended(place: Place, token: Token) -> None:
    pid = leave(token, "sh -c \"trap '' TERM; exec sleep {0}\"", **place.mark)
    os.kill(pid, signal.SIGSTOP)

    place.sweep(RUN)

    assert token.holders() == []


# Who is let be.


@pytest.mark.parametrize("wrong", ["boot_id", "pid_namespace", "folder", "version", "start"])
def test_a_stranger_with_an_id_of_the_ledger_is_not_signalled(place: Place, token: Token, wrong: str) -> None:
    pid = leave(token)
    boot, space, folder = read_identity(str(place.ledger))
    told: dict[str, object] = {"version": 1, "boot_id": boot, "pid_namespace": space, "folder": folder}
    told["start"] = read_start(pid)
    told[wrong] = "1"
    told["processes"] = {pid: told.pop("start")}
    place.ledger.write_text(json.dumps(told))

    swept = place.sweep(RUN)

    assert (swept, is_running(pid)) == (Swept(), True)


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"AAD_RUN_ID": "another"},
        {"AAD_RUN_ID": RUN + "0"},
        {"AAD_RUN_ID": ""},
        {"AAD_EVENTS": ""},
        {"AAD_EVENTS": f"/another/runs/{RUN}/A/1/events/events.jsonl"},
    ],
    ids=["all", "another", "longer", "no run", "no place", "another place"],
)
def test_whoever_bears_another_mark_is_let_be(place: Place, token: Token, env: dict[str, str]) -> None:
    marked = place.mark | env if env else {f"X{name}": value for name, value in place.mark.items()}
    pid = leave(token, **marked)

    swept = place.sweep(RUN, "")

    assert (swept, is_running(pid)) == (Swept(), True)


def test_in_a_copy_of_the_project_nobody_is_ended(place: Place, token: Token, tmp_path: Path) -> None:
    pid = leave(token, **place.mark)
    place.note(pid)
    copy = Place(shutil.copytree(tmp_path / "here", tmp_path / "copy"))

    swept = copy.sweep(RUN)

    assert (swept, is_running(pid)) == (Swept(), True)


def test_a_keeper_that_lives_is_spared_with_its_family(place: Place, token: Token) -> None:
    other = Token()
    with keeper(token, **place.mark) as pid:
        leave(other, **place.mark)
        place.note(pid, *token.holders())

        swept = place.sweep(RUN, spare=(pid,))

        assert [name.partition(" ")[0] for name in swept.ended] == ["sleep"]
        assert (is_running(pid), len(token.holders()), other.holders()) == (True, 1, [])


def test_who_sweeps_spares_itself_its_ancestors_and_its_children(place: Place, token: Token) -> None:
    program = [sys.executable, "-c", SWEEPER, str(place.ledger), str(place.runs), RUN, str(token)]
    argv = ["sh", "-c", 'true; "$@"; echo $?', "sh", *program]

    told = subprocess.run(
        argv, env=PATH | place.mark, capture_output=True, text=True, timeout=PATIENCE, check=True
    )

    assert (told.stdout, told.stderr) == ("0 None\n0\n", "")


def test_zombies_are_let_be(place: Place) -> None:
    with subprocess.Popen(["true"], env=PATH | place.mark) as popen:
        until(lambda: not is_running(popen.pid))
        place.note(popen.pid)

        assert place.sweep(RUN) == Swept()


def test_where_nothing_is_known_nobody_is_ended(place: Place, token: Token) -> None:
    pid = leave(token, **place.mark)

    assert place.sweep() == Swept()
    assert is_running(pid)
