"""Processes are found, signalled and ended as real trees of real processes show."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from realprocesses import PATIENCE, Token, find_children, is_running, read_start, read_status, until

from aad.processtable import (
    Finder,
    ask_parents,
    find_by_parents,
    freeze,
    is_alive,
    list_ancestors,
    list_children,
    list_descendants,
    list_processes,
    read_name,
    read_parents,
    read_stat,
    signal_all,
    signal_process,
)

# Children of the first thread and of another, and a grandchild.
FAMILY = """
import subprocess, sys, threading, time
token = sys.argv[1]
subprocess.Popen(["sleep", token])

def bear():
    subprocess.Popen(["sh", "-c", f"sleep {token}; true"])
    time.sleep(100)

threading.Thread(target=bear).start()
"""
# Breeds without end; what it bears ends soon.
BREEDER = """
import os, time
while True:
    if os.fork() == 0:
        time.sleep(0.02)
        os._exit(0)
    os.waitpid(-1, os.WNOHANG)
    time.sleep(0.001)
"""
# Takes in orphans, begins a tree and ends it; if need be as on a kernel without handles for processes.
ENDING = """
import ctypes, os, subprocess, sys, time
from aad.processtable import kill_all, list_descendants, reap_children
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
if sys.argv[1] == "without handles":
    del os.pidfd_open
def list_left():
    return list_descendants([os.getpid()])
subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[3]])
while len(list_left()) < 2:
    time.sleep(0.01)
print(kill_all(list_left, lambda: list(reap_children())), list_left())
"""
# Has two children, waits until both are over, and reaps them.
REAPING = """
import os, subprocess, time
from aad.processtable import has_children, read_stat, reap_children
children = [subprocess.Popen(["sh", "-c", line]) for line in ("exit 3", "kill -9 $$")]
while any(read_stat(child.pid)[0] != "Z" for child in children):
    time.sleep(0.01)
before = has_children()
ended = {pid: os.waitstatus_to_exitcode(status) for pid, status in reap_children()}
print(before, [ended[child.pid] for child in children], has_children())
"""


@contextmanager
def running(*argv: str) -> Iterator[int]:
    """Run a child of ours while the block lasts."""
    with subprocess.Popen(argv, start_new_session=True) as popen:
        try:
            yield popen.pid
        finally:
            popen.kill()


@contextmanager
def family(token: Token) -> Iterator[int]:
    """Run a tree of four while the block lasts."""
    with running(sys.executable, "-c", FAMILY, str(token)) as pid:
        until(lambda: len(token.holders()) == 3)
        until(lambda: len(list_descendants([pid])) == 3)
        yield pid


# Who there is.


def test_a_process_is_described_by_its_state_its_parent_and_its_start() -> None:
    with running("sleep", "100") as pid:
        until(lambda: read_status(pid)["State"][0] == "S")

        assert read_stat(pid) == ("S", os.getpid(), read_start(pid))


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    program = tmp_path / ") R 1 (x"
    program.symlink_to("/bin/sleep")

    with running(str(program), "100") as pid:
        until(lambda: read_status(pid)["Name"] == ") R 1 (x")

        stat = read_stat(pid)
        assert stat is not None
        assert stat[1] == os.getpid()
        assert read_name(pid) == f") R 1 (x ({pid})"


def test_who_is_gone_has_neither_name_nor_state() -> None:
    with running("true") as pid:
        pass

    assert (read_stat(pid), read_name(pid), is_alive(pid, "1")) == (None, f"({pid})", False)


def test_a_zombie_is_not_alive_and_neither_is_one_with_another_start() -> None:
    with running("sleep", "100") as living, running("true") as dead:
        until(lambda: not is_running(dead))

        assert is_alive(living, read_start(living))
        assert not is_alive(living, "1")
        assert not is_alive(dead, read_start(dead))


@pytest.mark.parametrize(
    "find",
    [
        lambda: None,
        lambda: list_children,
        lambda: find_by_parents(read_parents()),
        lambda: find_by_parents(ask_parents()),
    ],
    ids=["as chosen", "by children", "by parents", "by ps"],
)
def test_descendants_are_found_by_every_means(token: Token, find: Callable[[], Finder | None]) -> None:
    with family(token) as pid:
        found = list_descendants([pid], find=find())

        assert sorted(found) == sorted(find_tree(pid))
        assert len(found) == 3


def find_tree(pid: int) -> list[int]:
    """Return a process's descendants, as the parents of all processes tell."""
    children = [*find_children(pid)]
    return children + [each for child in children for each in find_tree(child)]


def test_families_of_the_spared_are_left_out(token: Token) -> None:
    with family(token) as pid:
        (shell,) = [each for each in list_children(pid) if list(list_children(each))]
        (other,) = set(list_children(pid)) - {shell}

        assert list_descendants([pid], spare=[shell]) == [other]


def test_ancestors_are_told_up_to_the_first_process() -> None:
    with running("sleep", "100") as pid:
        ancestors = list_ancestors(pid)

    assert ancestors is not None
    assert ancestors[:2] == [os.getpid(), os.getppid()]
    assert list_ancestors(pid) is None


def test_all_processes_are_listed_also_one_that_was_born_while_they_were() -> None:
    listing = list_processes()
    first = next(listing)

    with running("sleep", "100") as pid:
        found = [first, *listing]

    assert {1, os.getpid(), pid} <= set(found)


# Who is signalled.


def test_who_is_not_meant_is_not_signalled() -> None:
    with running("sleep", "100") as pid:
        signal_process(pid, [signal.SIGKILL], lambda _: False)
        assert is_running(pid)

        signal_process(pid, [signal.SIGKILL], lambda _: True)
        until(lambda: not is_running(pid))


def test_a_stranger_that_got_the_id_of_a_descendant_is_not_signalled(token: Token) -> None:
    with family(token) as pid:
        (grandchild,) = set(find_tree(pid)) - set(find_children(pid))

        signal_all([grandchild], [signal.SIGKILL], family=[pid])

        assert is_running(grandchild)


def test_nobody_of_a_tree_that_was_frozen_moves_or_is_born(token: Token) -> None:
    with running(sys.executable, "-c", BREEDER, str(token)) as pid:
        until(lambda: [*list_children(pid)])

        frozen = freeze(lambda: [pid, *list_descendants([pid])])

        assert {each: read_status(each)["State"][0] in "TZ" for each in frozen} == dict.fromkeys(frozen, True)
        assert set(frozen) == {pid, *find_tree(pid)}


@pytest.mark.parametrize("way", ["with handles", "without handles"])
def test_a_tree_ends_however_fast_it_breeds(token: Token, way: str) -> None:
    argv = [sys.executable, "-c", ENDING, way, BREEDER, str(token)]

    told = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=True)

    assert (told.stdout, token.holders()) == ("[] []\n", [])


# Who has ended.


def test_children_are_reaped_with_their_statuses_and_then_there_are_none() -> None:
    argv = [sys.executable, "-c", REAPING]

    told = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=True)

    assert told.stdout == "True [3, -9] False\n"
