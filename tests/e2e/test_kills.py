"""Killed with -9 at any moment, again and again: no process stays, no record goes, nothing is run twice."""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from harness import PATIENCE, Line, Project, Running, Token, until

from aad.processtable import list_descendants

SPECS = [f"S{number:02}" for number in range(20)]
# Within a second, says the promise; the machine that runs the tests may be ten times as slow.
GONE = 10.0


def graph(project: Project, token: Token) -> Project:
    """Write twenty specs, each of which needs up to two before it and leaves a process of its own kind."""
    draw = random.Random(7)  # noqa: S311 - for chance, not for secrets
    for number, spec in enumerate(SPECS):
        needed = draw.sample(SPECS[:number], min(number, draw.choice([0, 1, 2])))
        line = (
            f"echo $AAD_RUN_ID {spec} $AAD_ATTEMPT >> story; (setsid sleep {token} &) ; sleep 0.05; : {token}"
        )
        project.spec(spec, line, depends_on=needed)
    return project


def kill(running: Running, *, everyone: bool) -> None:
    """Kill the orchestrator, or with it its keepers and their server, which then can end nothing."""
    victims = [running.pid, *(list_keepers(running.pid) if everyone else ())]
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.end()


def list_keepers(pid: int) -> list[int]:
    names = {each: read_name(each) for each in list_descendants([pid])}
    return [each for each, name in names.items() if name == "aad-keeper"]


def read_name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def wait_gone(token: Token, limit: float) -> None:
    end = time.monotonic() + limit
    while token.holders():
        assert time.monotonic() < end, f"still there: {token.holders()}"
        time.sleep(0.01)


def run_until_killed(project: Project, delay: float, *, resume: bool, everyone: bool) -> bool:
    """Run, or go on, and kill it after a time; tell whether it was complete before."""
    with project.start("orchestrate", "--resume" if resume else "--all", "--jobs", "4") as running:
        end = time.monotonic() + delay
        while time.monotonic() < end and running.popen.poll() is None:
            time.sleep(0.005)
        if running.popen.poll() is not None:
            running.end().exits(0)
            return True
        kill(running, everyone=everyone)
        return False


def is_complete(lines: list[Line]) -> bool:
    """Tell whether a run has nothing left to do; one without a journal has not begun."""
    return not lines or (lines[-1]["type"] == "run_finished" and lines[-1]["exit_code"] == 0)


def check_story(project: Project) -> None:
    """Demand that each spec was completed once, and never begun again after that."""
    lines = project.journal()
    completed = Counter(line["spec"] for line in lines if line["type"] == "session_completed")
    assert completed == Counter(SPECS)
    last = {line["spec"]: line["attempt"] for line in lines if line["type"] == "session_completed"}
    for told in project.read("story").splitlines():
        run, spec, attempt = told.split()
        assert run != project.run.name or int(attempt) <= last[spec], told
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("kills", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_each_spec_is_completed_once_however_often_the_run_is_killed(tmp_path: Path, kills: int) -> None:
    token, draw = Token(), random.Random(kills)  # noqa: S311
    project = graph(Project(tmp_path), token)
    done, stale, killed = True, False, 0

    while killed < kills or not done:
        before = [] if done else project.journal_so_far()
        everyone = draw.random() < 0.3
        delay = draw.uniform(0.1, 1.0) if killed < kills else PATIENCE
        ended = run_until_killed(project, delay, resume=not done, everyone=everyone)
        killed += not ended
        lines = project.journal_so_far()
        # A start that is killed before it could sweep leaves what the one before it left.
        swept = "run_started" in {line["type"] for line in lines[len(before) :]}
        stale = (stale and not swept) or (everyone and not ended)
        if not stale:
            wait_gone(token, GONE)
        assert lines[: len(before)] == before
        done = is_complete(lines)
        if done and lines:
            check_story(project)


def test_a_resume_that_is_refused_says_all_the_same_what_it_ended(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", f"sleep {token} & sleep {token}")
    with project.start("orchestrate", "--all") as running:
        until(lambda: len(token.holders()) == 2)
        kill(running, everyone=True)
    project.spec("A", "true")

    refused = project.aad("orchestrate", "--resume").exits(2)

    assert token.holders() == []
    told = refused.normal(refused.err).splitlines()
    assert told[0] == "ended 3 processes that a killed run had left: sh (PID), sleep (PID), sleep (PID)"
    assert told[1] == ".aad/specs/A.md:1: A was edited after run RUN had planned it"
