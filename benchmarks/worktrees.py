"""What it costs that each session has a git worktree, where a repository has many files."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from types import MappingProxyType

from effort import Effort
from graphs import Graph, make_chain, make_wide
from measure import AAD, Command, alternate, environment, measure
from peers import put_aside
from projects import open_folder, write_project
from report import Figure, Report, Row, Table

from aad.codec import decode
from aad.events import SessionCompleted, SessionStarted
from aad.gitcalls import OLDEST, find_version

TITLE = "Sessions in git worktrees, beside sessions in the project's folder"
PLAIN, TREES, PEER = "plain", "worktrees", "git worktree add"
# How many sessions are measured at once, and how many in a chain.
AT_ONCE = 8
LINKS = 10
# What a session does: one new file, so that there is something to commit.
WORK = ("/bin/sh", "-c", "echo done > made-by-$AAD_SPEC_ID")
LEFTOVERS = (".aad/runs", ".aad/state", ".aad/worktrees", "made-by-*")
FOLDERS = 20
LINE = "a line of some source, as long as many of them are\n"
# This machine's user may sign commits, or run hooks.
SETTINGS: Mapping[str, str] = MappingProxyType({"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"})
AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")


def run(effort: Effort) -> Report:
    """Measure whole runs of one session and of several, and how soon a dependent starts."""
    if shutil.which("git") is None or find_version() < OLDEST:
        return Report(title=TITLE, notes=("Left out: there is no git that is new enough.",))
    with open_folder() as folder:
        actions = {
            **_prepare_runs(folder, effort.files, 1),
            **_prepare_runs(folder, effort.files, AT_ONCE),
            **_prepare_chains(folder, effort.files),
        }
        alternate(actions, 1)
        found = alternate(actions, effort.rounds)
    return _make_report({name: median(each) * 1e3 for name, each in found.items()}, effort.files)


def _make_report(ms: Mapping[str, float], files: int) -> Report:
    one, many = (ms[_name(TREES, n)] - ms[_name(PLAIN, n)] for n in (1, AT_ONCE))
    rows: list[Row] = [
        ("one session", *(ms[_name(kind, 1)] for kind in (PLAIN, TREES, PEER)), one),
        (f"each of {AT_ONCE} at once", *(ms[_name(kind, AT_ONCE)] for kind in (PLAIN, TREES, PEER)), many),
        (
            "a dependent's start",
            ms[_link(PLAIN)],
            ms[_link(TREES)],
            None,
            ms[_link(TREES)] - ms[_link(PLAIN)],
        ),
    ]
    return Report(
        title=TITLE,
        figures=(
            Figure(f"one worktree session, over a plain one / {PEER}", one / ms[_name(PEER, 1)]),
            Figure(f"each of {AT_ONCE}, over a plain one / {PEER}", many / ms[_name(PEER, AT_ONCE)]),
            Figure("one worktree session, over a plain one", one, "ms", "<= 400"),
            Figure("a dependent's start, in worktrees, median", ms[_link(TREES)], "ms", "<= 500"),
        ),
        tables=(Table(("ms", PLAIN, TREES, PEER, f"{TREES} over {PLAIN}"), rows),),
        notes=(
            f"The repository has {files:,} files; each session adds one, and a worktree session commits it.",
            f"{PEER}: by a shell, without lock, commit and merge; {AT_ONCE} one after the other.",
            "All worktrees are kept. To remove one costs as much as to delete its files, and waits in a run.",
            "A dependent's start: from its dependency's completion to its own child, both as journalled.",
        ),
    )


def _name(kind: str, sessions: int) -> str:
    return f"{kind} {sessions}"


def _link(kind: str) -> str:
    return f"{kind} chain"


# Whole runs, and the same number of worktrees by a shell.


def _prepare_runs(folder: Path, files: int, sessions: int) -> dict[str, Callable[[], float]]:
    """Return what gives the seconds that each of so many sessions, or worktrees, takes."""
    commands = {
        kind: _prepare_aad(folder / _name(kind, sessions), files, make_wide(sessions), kind)
        for kind in (PLAIN, TREES)
    }
    commands[PEER] = _prepare_shell(folder / _name(PEER, sessions), files, sessions)
    return {
        _name(kind, sessions): partial(_take_share, command, sessions) for kind, command in commands.items()
    }


def _take_share(command: Command, sessions: int) -> float:
    return measure(command).wall / sessions


def _prepare_aad(folder: Path, files: int, graph: Graph, kind: str) -> Command:
    isolation = "none" if kind == PLAIN else "worktree"
    write_project(folder, graph, run=WORK)
    # Kept: where many files were deleted, ext4 makes new ones several times more slowly for minutes.
    _write(folder / "config" / "aad.toml", f'[workspace]\nisolation = "{isolation}"\nkeep = "always"\n')
    _commit_files(folder, files)
    argv = (*AAD, "orchestrate", "--all", "--jobs", str(AT_ONCE), "--progress", "none")
    return Command(argv=argv, cwd=folder, env=SETTINGS, before=partial(_forget, folder))


def _prepare_shell(folder: Path, files: int, worktrees: int) -> Command:
    folder.mkdir()
    _commit_files(folder, files)
    names = " ".join(str(number) for number in range(worktrees))
    # Not at once: then one of many fails.
    loop = f'for n in {names}; do git worktree add -q --detach ".aad/worktrees/$n"; done'
    argv = ("/bin/sh", "-ec", loop)
    return Command(argv=argv, cwd=folder, env=SETTINGS, before=partial(_forget, folder))


# How soon a dependent starts.


def _prepare_chains(folder: Path, files: int) -> dict[str, Callable[[], float]]:
    """Return what gives the seconds from a session's completion to the child of the next in a chain."""
    return {
        _link(kind): partial(_take_gap, _prepare_aad(folder / _link(kind), files, make_chain(LINKS), kind))
        for kind in (PLAIN, TREES)
    }


def _take_gap(command: Command) -> float:
    measure(command)
    lines = (
        (command.cwd / ".aad" / "runs" / "latest" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    )
    events = [decode(line) for line in lines]
    started = [event.ts for event in events if isinstance(event, SessionStarted)]
    completed = [event.ts for event in events if isinstance(event, SessionCompleted)]
    return median(start - end for end, start in zip(completed, started[1:], strict=False))


# The repositories.


def _commit_files(folder: Path, files: int) -> None:
    """Make a folder a repository, and so many files of it a commit."""
    for number in range(files):
        _write(folder / f"src{number % FOLDERS:02}" / f"file{number:05}.txt", LINE * (number % FOLDERS + 1))
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, *AUTHOR, "commit", "--quiet", "--message", "all there is")


def _forget(folder: Path) -> None:
    """Bring a repository to where it was before the first run."""
    put_aside(folder, LEFTOVERS)
    _git(folder, "worktree", "prune", "--expire=now")
    refs = _git(folder, "for-each-ref", "--format=delete %(refname)", "refs/heads/aad", "refs/aad")
    _git(folder, "update-ref", "--stdin", told=refs)


def _git(folder: Path, *words: str, told: str = "") -> str:
    return subprocess.run(
        ["git", *words],
        cwd=folder,
        env=environment(SETTINGS),
        input=told,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
