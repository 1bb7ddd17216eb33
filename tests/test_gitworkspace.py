"""A git worktree as a session's workspace: what is made in it, until it has landed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from gitrepo import ENVIRON, run_git
from gitrun import BASE, RUN, TARGET, A, B, C, Run, deliver, write

from aad.config import WorkspaceSettings
from aad.events import Failure, Integrated, Reason
from aad.gitworkspace import GitWorkspace
from aad.integration import ConflictError
from aad.spec import Spec


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a run of a project at the top of its repository, at a path with blanks and Japanese in it."""
    return Run(tmp_path / "my 日本 repo")


# What it is.


async def test_a_workspace_is_a_worktree_named_by_run_and_spec(run: Run) -> None:
    run.workspaces = evolve(run.workspaces, settings=WorkspaceSettings(setup="make ready"))

    desk = await run.make()

    assert desk.path == run.repo.root / ".aad" / "worktrees" / RUN / "A"
    assert (desk.base, desk.setup) == (run.base, "make ready")
    assert desk.spec_file == str(desk.path / ".aad/specs/A.md")
    assert desk.env["GIT_CEILING_DIRECTORIES"] == str(desk.path.parent)


async def test_a_project_below_the_top_is_worked_in_there(tmp_path: Path) -> None:
    run = Run(tmp_path / "repo", prefix="apps/日本")
    desk = await run.make()
    write(desk, "n.txt")
    write(desk, "../other/n.txt")

    landed = await deliver(desk)

    assert desk.path == run.project.worktrees / RUN / "A" / "apps/日本"
    assert set(run.repo.files(landed.commit)) - set(run.repo.files(run.base)) == {
        "apps/other/n.txt", "apps/日本/n.txt",
    }  # fmt: skip


async def test_a_place_of_the_users_choice_is_kept_out_of_the_checkouts_status(tmp_path: Path) -> None:
    run = Run(tmp_path / "repo", settings=WorkspaceSettings(root="work/trees"))

    desk = await run.make()

    assert desk.path == run.repo.root / "work/trees" / RUN / "A"
    assert run.repo.status() == []


async def test_where_git_knows_nobody_a_child_commits_as_us(run: Run) -> None:
    desk = await run.make()
    write(desk, "n.txt")
    child = {**ENVIRON, **desk.env, "GIT_AUTHOR_NAME": desk.env["GIT_AUTHOR_NAME"]}

    run_git(desk.path, "add", "--all", env=child)
    run_git(desk.path, "commit", "--quiet", "--message", "own", env=child)

    told = run.repo.git("show", "--no-patch", "--format=%an <%ae>", at=desk.path)
    assert told == "aad <aad@localhost>"


# What becomes of the work.


async def test_the_work_is_a_commit_of_the_specs_branch_and_the_runs_result(run: Run) -> None:
    desk = await run.make()
    write(desk, "a.txt", "work\n")

    landed = await deliver(desk)

    commit = run.repo.find("aad/A")
    assert landed == Integrated(
        spec="A", attempt=1, branch="aad/A", commit=commit, target=TARGET, result=commit
    )
    assert run.repo.find(TARGET) == commit
    assert (run.repo.parents(commit), run.repo.read("a.txt", commit)) == ([run.base], "work")
    assert run.repo.message(commit) == (
        f"A: title of A\n\nAAD-Spec: A\nAAD-Session: {RUN}/A/1\nAAD-Run: {RUN}"
    )


async def test_a_title_is_redacted(run: Run) -> None:
    desk = await run.make(Spec(id="A", title="use hunter2"))
    write(desk, "n.txt")

    landed = await deliver(desk)

    assert run.repo.message(landed.commit).startswith("A: use ***\n")


async def test_the_childs_own_commits_are_kept_below_one_of_the_run(run: Run) -> None:
    desk = await run.make()
    own = run.repo.commit({"n.txt": "n\n"}, "the child's own", at=desk.path)

    landed = await deliver(desk)

    assert (landed.branch, landed.commit) == ("aad/A", own)
    assert run.repo.parents(landed.result) == [run.base, own]


async def test_what_is_changed_after_the_work_was_taken_down_is_in_no_commit(run: Run) -> None:
    desk = await run.make()
    write(desk, "work.txt")
    await desk.capture()
    write(desk, "left-by-verify.txt")

    await desk.commit()

    assert run.repo.git("diff", "--name-only", run.base, "aad/A") == "work.txt"
    assert (desk.path / "left-by-verify.txt").exists()


async def test_a_tree_that_is_another_after_the_merge_is_shown_and_to_be_verified(run: Run) -> None:
    one, two = await run.make(A), await run.make(C)
    write(one, "1.txt")
    write(two, "2.txt")
    await deliver(one)
    await two.capture()
    await two.commit()

    still_verified = await two.merge()

    assert not still_verified
    assert (two.path / "1.txt").exists()
    assert (two.path / "2.txt").exists()
    assert run.repo.status(at=two.path) == []


async def test_a_tree_that_is_the_same_after_the_merge_is_still_verified(run: Run) -> None:
    one, two = await run.make(A), await run.make(C)
    for desk in (one, two):
        write(desk, "same.txt")
    await deliver(one)
    await two.capture()
    await two.commit()

    assert await two.merge()


async def test_who_is_overtaken_before_landing_is_to_merge_again(run: Run) -> None:
    one, two = await run.make(A), await run.make(C)
    for desk in (one, two):
        write(desk, f"{desk.author.spec}.txt")
        await desk.capture()
        await desk.commit()
        await desk.merge()

    landed = [await one.land(), await two.land()]
    await two.merge()
    again = await two.land()

    assert landed[1] is None
    assert again is not None
    assert run.repo.parents(again.result) == [run.repo.find("aad/A"), run.repo.find("aad/C")]


async def test_work_that_contradicts_the_result_keeps_its_branch(run: Run) -> None:
    one, two = await run.make(A), await run.make(C)
    for desk in (one, two):
        write(desk, "a.txt", f"{desk.author.spec}\n")
    await deliver(one)
    await two.capture()
    await two.commit()

    with pytest.raises(ConflictError) as caught:
        await two.merge()

    assert (caught.value.files, caught.value.specs) == (("a.txt",), ("A", "C"))
    assert run.repo.read("a.txt", "aad/C") == "C"
    assert run.repo.find(TARGET) == run.repo.find("aad/A")


async def test_after_a_conflict_an_attempt_starts_from_the_newest_and_knows_the_files(run: Run) -> None:
    write(desk := await run.make(), "a.txt", "A\n")
    landed = await deliver(desk)
    conflict = Failure(reason=Reason.CONFLICT, files=("a.txt", "日本 語"), blocked_by=("A", "C"))

    again = await run.make(C, attempt=2, conflict=conflict)

    assert (again.base, again.env["AAD_CONFLICT"]) == (landed.result, "a.txt\n日本 語")


def amend(run: Run, desk: GitWorkspace) -> None:
    run.repo.git("commit", "--quiet", "--amend", "--message", "amended", "--all", at=desk.path)


def reset(run: Run, desk: GitWorkspace) -> None:
    run.repo.git("reset", "--quiet", "--soft", "HEAD~1", at=desk.path)


def squash(run: Run, desk: GitWorkspace) -> None:
    reset(run, desk)
    run.repo.commit({}, "squashed", at=desk.path)


@pytest.mark.parametrize("rewrite", [amend, reset, squash])
async def test_who_rewrote_history_gets_it_back_below_the_work(
    tmp_path: Path, rewrite: Callable[[Run, GitWorkspace], None]
) -> None:
    run = Run(tmp_path / "repo")
    run.base = run.repo.commit({"c.txt": "c\n"}, "the start")
    run.workspaces = run.open()
    desk = await run.make()
    write(desk, "a.txt", "work\n")
    rewrite(run, desk)

    landed = await deliver(desk)

    assert run.repo.git("merge-base", run.base, landed.result) == run.base
    assert (run.repo.read("a.txt", landed.result), run.repo.read("c.txt", landed.result)) == ("work", "c")
    assert run.repo.find("main") == run.base


async def test_who_went_back_hard_and_did_nothing_more_made_nothing(run: Run) -> None:
    run.base = run.repo.commit({"c.txt": "c\n"}, "the start")
    run.workspaces = run.open()
    desk = await run.make()
    run.repo.git("reset", "--quiet", "--hard", "HEAD~1", at=desk.path)

    landed = await deliver(desk)

    assert run.repo.git("diff", "--name-only", run.base, landed.result) == ""


async def test_an_orphan_branch_that_changes_what_was_there_contradicts_it(run: Run) -> None:
    desk = await run.make()
    run.repo.git("checkout", "--quiet", "--orphan", "fresh", at=desk.path)
    run.repo.commit({"a.txt": "work\n"}, "alone", at=desk.path)
    await desk.capture()

    with pytest.raises(ConflictError) as caught:
        await desk.commit()
    saved = await desk.save()

    assert (caught.value.files, caught.value.specs) == (("a.txt",), ("A",))
    assert saved is not None
    assert run.repo.read("a.txt", saved.ref) == "work"


# The spec file.


async def test_a_spec_that_is_not_committed_is_there_and_never_committed(run: Run) -> None:
    run.repo.write(".aad/specs/B.md", "# B: not committed\n")
    desk = await run.make(B)
    write(desk, ".aad/specs/B.md", "- [x] done\n")
    write(desk, "n.txt")

    landed = await deliver(desk)

    assert run.repo.files(landed.commit) == sorted([*BASE, "n.txt"])
    assert landed.left_out == ()


async def test_a_spec_that_was_changed_since_is_worked_on_as_changed_and_stays_in_history_as_it_was(
    run: Run,
) -> None:
    run.repo.write(".aad/specs/A.md", "# A: changed\n")
    desk = await run.make()
    seen = Path(desk.spec_file).read_text()
    write(desk, "n.txt")

    landed = await deliver(desk)

    assert seen == "# A: changed\n"
    assert run.repo.read(".aad/specs/A.md", landed.commit) == "# A: planned"


async def test_what_a_child_ticks_off_in_a_spec_that_is_committed_is_its_work(run: Run) -> None:
    desk = await run.make()
    write(desk, ".aad/specs/A.md", "- [x] done\n")

    landed = await deliver(desk)

    assert run.repo.read(".aad/specs/A.md", landed.commit) == "- [x] done"


async def test_a_spec_without_file_has_none(run: Run) -> None:
    assert (await run.make(C)).spec_file == ""
