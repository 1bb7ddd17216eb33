"""Killed with -9 while git is at work: the repository stays whole, the checkout as it was, all is in once.

The kills come at random moments; they hit aad alone, or with it all that it has started, a running git too.
"""

import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from gitproject import ALL, RESUME, GitProject, attempts, begin
from harness import Running, until, wait_for_file

from aad import gitlock
from aad.checkout import list_broken
from aad.processtable import list_descendants

SPECS = [f"S{number}" for number in range(6)]
LAST = "LAST"
JOBS = ("--jobs", "4")
TRAILERS = "--format=%(trailers:key=AAD-Spec,valueonly,separator=%x2C)"
# Before git on the PATH: the first call with some words does its work, and then waits for a file `go`.
SLOW_GIT = """\
#!/bin/sh
case " $* " in
    *"{words}"*)
        if mkdir {scene}/up; then
            {git} "$@"
            : > {scene}/done
            until [ -e {scene}/go ]; do sleep 0.02; done
            exit
        fi
        ;;
esac
exec {git} "$@"
"""
# Before git on the PATH: whoever asks for the run's branch does so while D's worktree is half-made.
HALF_GIT = """\
#!/bin/sh
wait_for() {{
    left=100
    until [ -e {scene}/$1 ] || [ $left = 0 ]; do sleep 0.02; left=$((left - 1)); done
}}
case " $* " in
    *" worktree add "*"/D "*)
        mkdir worktrees/half
        echo /half/.git > worktrees/half/gitdir
        : > worktrees/half/commondir
        : > {scene}/half
        wait_for answered
        rm -r worktrees/half
        ;;
    *" for-each-ref "*" refs/heads/aad/run/"*)
        if [ -e refs/heads/aad/run ] && [ ! -e {scene}/answered ]; then
            : > {scene}/asked
            wait_for half
            {git} "$@"
            status=$?
            : > {scene}/answered
            exit $status
        fi
        ;;
esac
exec {git} "$@"
"""


def graph(project: GitProject, *, files: int) -> GitProject:
    """Write specs that each add a file, and one that needs them all; so many files make git take its time."""
    for number in range(files):
        project.file(f"src/{number:03}.txt", "a line of some source\n" * (number + 1))
    for spec in SPECS:
        project.spec(spec, f"echo {spec} > made-{spec}")
    project.spec(LAST, "cat made-S* > all", verify="test $(wc -l < all) = 6", depends_on=SPECS)
    return project.commit()


def make_dirty(project: GitProject) -> GitProject:
    """Leave in the user's checkout what people leave there: a stash, something staged, changed, not known."""
    project.file("src/000.txt", "put aside\n").sh("git stash --quiet")
    project.file("src/000.txt", "staged\n").sh("git add src")
    # Changed again, and one file touched only: whoever refreshes the index writes it.
    return (
        project.file("src/000.txt", "changed\n").file("new.txt", "new\n").sh("touch -d 2020-02-02 kept.txt")
    )


def kill(running: Running, *, everyone: bool) -> None:
    """Kill aad, or with it all that it has started; whatever git was at is then left as it was."""
    victims = [running.pid, *(list_descendants([running.pid]) if everyone else ())]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
    running.end()


def run_until_killed(project: GitProject, moment: str, draw: random.Random) -> None:
    """Run all specs, and kill the run a little after the first event of a kind."""
    latest = project.root / ".aad" / "runs" / "latest"
    earlier = latest.resolve()
    with project.start(*ALL, *JOBS) as running:
        until(lambda: latest.resolve() != earlier)
        running.until(moment)
        with suppress(Exception):
            running.popen.wait(draw.uniform(0.0, 0.4))
        kill(running, everyone=draw.random() < 0.5)


def check_result(project: GitProject) -> None:
    """Demand that each spec is in the result once, and that nothing half-made is left in the repository."""
    assert {line["spec"] for line in project.journal("session_completed")} == {*SPECS, LAST}
    assert Counter(list_landed(project)) == Counter([*SPECS, LAST])
    assert project.show("all").split() == SPECS
    assert project.is_sound()
    assert list(list_locks(project)) == []
    assert list(list_broken(project.root / ".git")) == []
    # What a killed run had no time to remove stays for `aad clean`.
    assert {*project.worktrees()} <= {*SPECS, LAST}


def list_landed(project: GitProject) -> list[str]:
    """Return the specs in the first-parent line of the run's branch, newest first."""
    return project.git("log", "--first-parent", TRAILERS, f"main..{project.run_branch}").splitlines()


def list_locks(project: GitProject) -> Iterator[str]:
    """Yield the files that keep git from working; those that the kernel locks are not among them."""
    folder = project.root / ".git"
    found = (path for path in sorted(folder.rglob("*.lock")) if path.name != gitlock.NAME)
    yield from (str(path.relative_to(folder)) for path in found)


def list_entries(project: GitProject) -> list[Path]:
    """Return git's own folders of worktrees, half-made ones among them."""
    return sorted((project.root / ".git" / "worktrees").glob("*"))


# While worktrees are made.


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_while_worktrees_are_made_is_resumed_to_its_end(
    tmp_path: Path, kills: int
) -> None:
    project, draw = graph(begin(tmp_path), files=300), random.Random(kills)  # noqa: S311 - for chance

    for _ in range(kills):
        run_until_killed(project, "plan", draw)
        project.aad(*RESUME, *JOBS).exits(0)

        check_result(project)


# While work is integrated.


@pytest.mark.parametrize("kills", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_while_it_integrates_touches_nothing_of_the_users(
    tmp_path: Path, kills: int
) -> None:
    project, draw = graph(begin(tmp_path), files=3), random.Random(kills)  # noqa: S311
    before = make_dirty(project).belongings()

    for _ in range(kills):
        run_until_killed(project, "session_started", draw)
        assert project.touched(before) == []
        project.aad(*RESUME, *JOBS).exits(0)

        check_result(project)
        assert project.touched(before) == []


def test_the_index_that_no_run_writes_is_one_that_a_look_of_the_users_would_write(tmp_path: Path) -> None:
    project = make_dirty(graph(begin(tmp_path), files=3))
    before = project.belongings()

    project.git("status")

    assert project.touched(before) == [".git/index"]


# Locks.


def test_a_lock_on_the_users_index_is_in_nobodys_way_and_stays(tmp_path: Path) -> None:
    project = graph(begin(tmp_path), files=3).file(".git/index.lock", "somebody is at work")
    before = project.belongings()

    project.aad(*ALL, *JOBS).exits(0)

    assert project.touched(before) == []
    assert list_landed(project)[0] == LAST


def test_locks_of_our_refs_go_and_those_of_others_stay(tmp_path: Path) -> None:
    project = graph(begin(tmp_path), files=3).spec(LAST, "exit 1", depends_on=SPECS)
    project.aad(*ALL, *JOBS).exits(1)
    for ref in (f"heads/aad/{LAST}", f"heads/{project.run_branch}", f"aad/{project.run.name}/{LAST}/2"):
        project.file(f".git/refs/{ref}.lock", "")
    project.file(".git/refs/heads/main.lock", "")

    project.spec(LAST, "true", depends_on=SPECS).aad(*RESUME, *JOBS, "--accept-changes").exits(0)

    assert list(list_locks(project)) == ["refs/heads/main.lock"]


@pytest.mark.parametrize("words", [" worktree add ", " update-ref --no-deref refs/heads/aad/run/"])
def test_the_next_run_waits_for_a_git_that_a_killed_one_has_started(tmp_path: Path, words: str) -> None:
    project = replace_git(graph(begin(tmp_path), files=3), SLOW_GIT, words=words)
    scene = tmp_path / "scene"
    with project.start(*ALL, *JOBS) as running:
        until((scene / "done").exists)
        kill(running, everyone=False)
    before = project.journal()

    with project.start(*RESUME, *JOBS) as running:
        until(lambda: has_open(running.pid, project.root / ".git" / "aad.lock"))
        meanwhile = project.journal_so_far()[len(before) :]
        (scene / "go").touch()
        running.end().exits(0)

    assert meanwhile == []
    check_result(project)


def test_what_came_in_and_was_not_recorded_is_not_made_again(tmp_path: Path) -> None:
    words = " update-ref --no-deref refs/heads/aad/run/"
    project = replace_git(begin(tmp_path).spec("A", "echo a >> a").commit(), SLOW_GIT, words=words)
    scene = tmp_path / "scene"
    with project.start(*ALL) as running:
        until((scene / "done").exists)
        kill(running, everyone=True)

    project.aad(*RESUME).exits(0)

    assert project.journal("integrated")[0]["result"] == project.git("rev-parse", project.run_branch)
    assert (attempts(project), project.show("a"), list_landed(project)) == ([("A", 1)], "a", ["A"])


def replace_git(project: GitProject, script: str, *, words: str = "") -> GitProject:
    """Put a git on the PATH, before the one that is there, in a folder where its files may lie."""
    scene = project.root.parent / "scene"
    scene.mkdir()
    (scene / "git").write_text(script.format(scene=scene, git=shutil.which("git"), words=words))
    (scene / "git").chmod(0o755)
    project.set(PATH=f"{scene}:{project.env['PATH']}")
    return project


def has_open(pid: int, path: Path) -> bool:
    with suppress(OSError):  # it was closed while we looked
        return any(each.samefile(path) for each in Path(f"/proc/{pid}/fd").iterdir() if each.exists())
    return False


# Half-made worktrees.


def test_a_worktree_that_is_just_being_made_is_in_nobodys_way(tmp_path: Path) -> None:
    asked = wait_for_file(str(tmp_path / "scene" / "asked"))
    project = begin(tmp_path).spec("A", "echo a > a").spec("B", "echo b > b", depends_on=["A"])
    project.spec("C", f"{asked}; exit 1", depends_on=["A"]).spec("D", depends_on=["A"])
    replace_git(project.commit(), HALF_GIT)

    project.aad(*ALL, "--jobs", "2").exits(1)

    assert project.ends() == {"A": "completed", "B": "completed", "C": "failed", "D": "completed"}


@pytest.mark.parametrize("known", [True, False])
def test_an_empty_commondir_of_ours_is_mended(tmp_path: Path, known: bool) -> None:
    project = graph(begin(tmp_path), files=3)
    place = project.root / ".aad" / "worktrees" / "20261122-120000-abcd" / "S0"
    project.file(".git/worktrees/S0/commondir", "").file(".git/worktrees/S0/locked", "initializing\n")
    if known:
        project.file(".git/worktrees/S0/gitdir", f"{place}/.git\n")

    project.aad(*ALL, *JOBS).exits(0)

    check_result(project)


def test_an_empty_commondir_of_somebody_else_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    project = graph(begin(tmp_path), files=3)
    project.file(".git/worktrees/theirs/commondir", "").file(".git/worktrees/theirs/gitdir", "/theirs/.git\n")
    before = project.belongings()

    refused = project.aad(*ALL, *JOBS).exits(2)

    refused.says("""
        ROOT/.git/worktrees/theirs: a git that was killed left this folder half-made, and git makes no more \
worktrees while it is there (look into it, then remove it)
    """)
    assert project.touched(before) == []
    assert list_entries(project) == [project.root / ".git" / "worktrees" / "theirs"]
