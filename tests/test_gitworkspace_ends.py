"""What becomes of a worktree: its work saved, set aside or recovered, itself removed or resumed."""

import shutil
from pathlib import Path

import pytest
from attrs import evolve
from gitrepo import run_git
from gitrun import RUN, TARGET, A, C, Run, deliver, write

from aad.belongings import Why
from aad.config import WorkspaceSettings
from aad.events import Integrated, LeftOut, RolledBack
from aad.gitcalls import GitError
from aad.spec import Spec


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a run of a project at the top of its repository, at a path with blanks and Japanese in it."""
    return Run(tmp_path / "my 日本 repo")


# What comes to nothing.


async def test_work_that_came_to_nothing_is_saved_and_told_how_to_see_it(run: Run) -> None:
    desk = await run.make()
    write(desk, "n.txt", "half\n")

    saved = await desk.save()

    ref = f"refs/aad/{RUN}/A/1"
    assert saved == RolledBack(spec="A", attempt=1, ref=ref, commit=run.repo.find(ref), base=run.base)
    assert saved.command == f"git diff {run.base[:12]} {ref}"
    assert run.repo.read("n.txt", ref) == "half"
    assert [name for name in run.repo.refs() if "heads/aad" in name] == []


async def test_where_nothing_was_made_nothing_is_saved(run: Run) -> None:
    assert await (await run.make()).save() is None
    assert [*run.repo.refs()] == ["refs/heads/main"]


async def test_commits_that_the_child_made_are_saved_as_they_are(run: Run) -> None:
    desk = await run.make()
    own = run.repo.commit({"n.txt": "n\n"}, "own", at=desk.path)

    saved = await desk.save()

    assert saved is not None
    assert saved.commit == own


async def test_what_no_commit_keeps_is_set_aside(run: Run) -> None:
    desk = await run.make()
    write(desk, "n.txt")
    write(desk, "src/.env", "TOKEN=1\n")
    run_git(write(desk, "nested/x").parent, "init", "--quiet")

    saved = await desk.save()
    desk.set_aside()

    assert saved is not None
    assert saved.left_out == (
        LeftOut(path="nested/", why=Why.NESTED),
        LeftOut(path="src/.env", why=Why.SECRET),
    )
    assert (desk.aside / "src/.env").read_text() == "TOKEN=1\n"
    assert (desk.aside / "nested/.git").is_dir()
    assert not (desk.path / "src/.env").exists()


async def test_before_the_work_is_saved_nothing_is_set_aside(run: Run) -> None:
    desk = await run.make()

    with pytest.raises(GitError, match="holds work that could not be saved"):
        desk.set_aside()


async def test_what_the_setup_made_is_no_work_of_the_childs(run: Run) -> None:
    run.workspaces = evolve(run.workspaces, settings=WorkspaceSettings(setup="cp ~/.env ."))
    desk = await run.make(begun=False)
    secrets = [write(desk, ".env", "copied\n"), write(desk, "id_rsa", "copied\n")]
    await desk.begin()
    secrets[1].write_text("changed by the child\n")

    landed = await deliver(desk)

    assert landed.left_out == (LeftOut(path="id_rsa", why=Why.SECRET),)
    assert [secret.exists() for secret in secrets] == [True, True]


async def test_what_is_staged_and_left_out_outlives_a_merge(run: Run) -> None:
    first, second = await run.make(A), await run.make(C)
    for desk in (first, second):
        write(desk, f"{desk.author.spec}.txt")
    write(second, ".env", "TOKEN=1\n")
    run_git(second.path, "add", "--all")

    await deliver(first)
    landed = await deliver(second)

    assert landed.left_out == (LeftOut(path=".env", why=Why.SECRET),)
    assert (second.path / ".env").read_text() == "TOKEN=1\n"


async def test_work_that_lies_where_a_submodule_would_be_is_told(run: Run) -> None:
    desk = await run.make()
    run_git(desk.path, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    run_git(desk.path, "commit", "--quiet", "--message", "a link")
    write(desk, "sub/new.txt")

    landed = await deliver(desk)

    assert landed.left_out == (LeftOut(path="sub", why=Why.SUBMODULE),)


# When it is removed.


@pytest.mark.parametrize(
    ("keep", "completed", "removed"),
    [
        ("always", True, False),
        ("always", False, False),
        ("on-failure", True, True),
        ("on-failure", False, False),
        ("never", True, True),
        ("never", False, True),
    ],
)
async def test_it_is_removed_as_the_settings_say(run: Run, keep: str, completed: bool, removed: bool) -> None:
    desk = await run.make()
    desk.keep = keep
    write(desk, "n.txt")
    await (deliver(desk) if completed else desk.save())

    desk.leave(completed=completed)
    for removal in run.bin.sent:
        await removal()

    assert desk.path.exists() is not removed
    assert (run.repo.worktrees() == []) is removed


async def test_work_that_could_not_be_saved_is_never_removed(run: Run) -> None:
    desk = await run.make()
    desk.keep = "never"

    desk.leave(completed=False)

    assert run.bin.sent == []


async def test_a_worktree_with_something_left_out_is_not_removed(run: Run) -> None:
    desk = await run.make()
    write(desk, ".env")
    await deliver(desk)

    desk.leave(completed=True)
    for each in run.bin.sent:
        await each()

    assert (desk.path / ".env").exists()


async def test_in_a_worktree_that_stays_what_is_committed_is_no_change(run: Run) -> None:
    desk = await run.make()
    desk.keep = "always"
    write(desk, "a.txt", "work\n")
    landed = await deliver(desk)

    desk.leave(completed=True)
    for each in run.bin.sent:
        await each()

    assert run.repo.status(at=desk.path) == []
    assert run.repo.find("HEAD", at=desk.path) == landed.commit


# What a killed run has left.


async def test_an_attempt_that_is_resumed_finds_it_as_it_was(run: Run) -> None:
    left = await run.make()
    write(left, "half.txt")

    found = await run.workspaces.find(A, left.base)
    again = await run.workspaces.make(A, attempt=1, conflict=None, found=found)

    assert (again.path, again.base, again.setup) == (left.path, left.base, "")
    assert (again.path / "half.txt").exists()


async def test_a_retry_starts_clean(run: Run) -> None:
    write(await run.make(), "half.txt")

    again = await run.make(attempt=2)

    assert not (again.path / "half.txt").exists()


async def test_work_that_a_killed_run_had_landed_is_known(run: Run) -> None:
    desk = await run.make()
    write(desk, "n.txt")
    landed = await deliver(desk)

    recovered = await run.open().recover(A, 1, run.base)

    assert recovered == Integrated(
        spec="A", attempt=1, branch=TARGET, commit=landed.commit, target=TARGET, result=landed.result
    )


async def test_work_that_a_killed_run_had_not_landed_is_saved(run: Run) -> None:
    desk = await run.make()
    write(desk, "n.txt")
    write(desk, ".env", "TOKEN=1\n")

    recovered = await run.open().recover(A, 1, run.base)

    ref = f"refs/aad/{RUN}/A/1"
    assert recovered == RolledBack(
        spec="A",
        attempt=1,
        ref=ref,
        commit=run.repo.find(ref),
        base=run.base,
        left_out=(LeftOut(path=".env", why=Why.SECRET),),
    )
    assert (desk.aside / ".env").read_text() == "TOKEN=1\n"


async def test_files_that_git_knows_nothing_of_any_more_are_left_alone(run: Run) -> None:
    desk = await run.make()
    made = write(desk, "precious.txt")
    shutil.rmtree(desk.worktree.git_dir)

    with pytest.raises(GitError, match="holds files, and is no worktree any more"):
        await run.open().recover(A, 1, run.base)

    assert made.exists()


async def test_where_a_killed_run_left_nothing_nothing_is_recovered(run: Run) -> None:
    assert await run.open().recover(A, 1, run.base) is None


async def test_nothing_of_all_that_touches_what_is_the_users(run: Run) -> None:
    run.repo.write("a.txt", "stashed\n")
    run.repo.git("stash")
    run.repo.write("a.txt", "staged\n")
    run.repo.git("add", "a.txt")
    run.repo.write("a.txt", "dirty\n")
    run.repo.write("untracked.txt", "x\n")
    before = run.repo.look()

    for spec in (A, Spec(id="B")):
        desk = await run.make(spec)
        write(desk, f"{spec.id}.txt")
        await deliver(desk)
    write(half := await run.make(C), "c.txt")
    await half.save()

    assert run.repo.look() == before
