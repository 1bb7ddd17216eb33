"""A git repository as a run changes it."""

import os
import sys
from pathlib import Path

import pytest
import trio
from attrs import evolve
from gitrepo import ENVIRON, GitRepo, run_git

from aad.gitcalls import GitError
from aad.gitlock import hold_repository
from aad.repository import Merge, Ref, Repository

ODD = ("with blank.txt", "日本語/ファイル.txt", "new\nline.txt")


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Return a repository with one commit."""
    repo = GitRepo(tmp_path / "my 日本 repo")
    repo.commit({"a.txt": "a\n", **dict.fromkeys(ODD, "0\n")})
    return repo


@pytest.fixture
def repository(repo: GitRepo) -> Repository:
    """Return the same as a run calls it."""
    return repo.open()


def fake_git(folder: Path, script: str) -> dict[str, str]:
    """Return an environment whose git is a shell script; `$REAL` is the real one."""
    git = folder / "bin" / "git"
    git.parent.mkdir()
    git.write_text(f"#!/bin/sh\nREAL=$(PATH='{ENVIRON['PATH']}' command -v git)\n{script}\n")
    git.chmod(0o700)
    return {**ENVIRON, "PATH": f"{git.parent}:{ENVIRON['PATH']}"}


# Calls.


async def test_what_git_wrote_on_stderr_is_in_the_error(repository: Repository) -> None:
    with pytest.raises(GitError) as caught:
        await repository.call("rev-parse", "--verify", "nothing")

    assert str(caught.value) == "git rev-parse: fatal: Needed a single revision"


async def test_an_answer_may_be_no(repository: Repository) -> None:
    answer = await repository.ask("rev-parse", "--verify", "--quiet", "nothing")

    assert (answer.code, answer.text, answer.why) == (1, "", "exit code 1")


async def test_a_missing_git_is_an_error_of_the_system(repo: GitRepo, tmp_path: Path) -> None:
    repository = repo.open()
    repository.environ = {"PATH": os.fspath(tmp_path)}

    with pytest.raises(FileNotFoundError):
        await repository.call("version")


async def test_the_variables_of_a_hook_lead_it_nowhere_else(repo: GitRepo, tmp_path: Path) -> None:
    other = GitRepo(tmp_path / "other")
    repository = repo.open(environ={**ENVIRON, "GIT_DIR": os.fspath(other.git_dir)})

    assert await repository.call("rev-parse", "--absolute-git-dir") == os.fspath(repo.git_dir)


async def test_a_cancelled_read_ends_its_git(repo: GitRepo, tmp_path: Path) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    repository = repo.open()
    repository.environ = fake_git(tmp_path, f"echo $$ > '{told}'; exec sleep 1000")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(repository.call, "log")
        pid = int(await trio.to_thread.run_sync(told.read_text))
        nursery.cancel_scope.cancel()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_write_that_has_begun_is_let_finish(repo: GitRepo, tmp_path: Path) -> None:
    began, go = tmp_path / "began", tmp_path / "go"
    os.mkfifo(began)
    os.mkfifo(go)
    repository = repo.open()
    repository.environ = fake_git(tmp_path, f"echo > '{began}'; cat '{go}'; exec \"$REAL\" \"$@\"")
    commit = repo.find("HEAD")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(repository.write, "update-ref", "refs/heads/new", commit)
        await trio.to_thread.run_sync(began.read_text)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(go.write_text, "")

    assert repo.find("refs/heads/new") == commit


async def test_a_write_that_has_not_begun_is_not(repo: GitRepo, repository: Repository) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await repository.write("update-ref", "refs/heads/new", "HEAD")

    assert scope.cancelled_caught
    assert "refs/heads/new" not in repo.refs()


async def test_a_write_that_waits_for_the_lock_can_be_cancelled(
    repo: GitRepo, repository: Repository, autojump_clock: trio.testing.MockClock
) -> None:
    with hold_repository(repo.git_dir), trio.move_on_after(1) as scope:
        await repository.write("update-ref", "refs/heads/new", "HEAD")

    assert scope.cancelled_caught
    assert "refs/heads/new" not in repo.refs()


async def test_a_lock_that_is_never_free_is_given_up(
    repo: GitRepo, repository: Repository, autojump_clock: trio.testing.MockClock
) -> None:
    with hold_repository(repo.git_dir), pytest.raises(GitError, match="was held for 60 s by another aad"):
        await repository.write("update-ref", "refs/heads/new", "HEAD")


async def test_many_writes_at_once_are_made_one_by_one(repo: GitRepo, tmp_path: Path) -> None:
    story, commit = tmp_path / "story", repo.find("HEAD")
    one, other = repo.open(), repo.open()  # two runs
    environ = fake_git(tmp_path, f"echo begin >> '{story}'; \"$REAL\" \"$@\"; echo end >> '{story}'")
    one.environ = other.environ = environ

    async with trio.open_nursery() as nursery:
        for number in range(6):
            for name, repository in (("one", one), ("other", other)):
                nursery.start_soon(repository.write, "update-ref", f"refs/heads/{name}{number}", commit)

    assert story.read_text().split() == ["begin", "end"] * 12
    assert len(repo.refs()) == 13


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows a process its descriptors")
async def test_a_git_that_writes_holds_the_lock_itself(repo: GitRepo, tmp_path: Path) -> None:
    repository = repo.open()
    repository.environ = fake_git(tmp_path, "readlink /proc/self/fd/* >&2; exit 1")

    with pytest.raises(GitError) as writing:
        await repository.write("update-ref")
    with pytest.raises(GitError) as reading:
        await repository.call("log")

    assert f"{repo.git_dir}/aad.lock" in writing.value.told
    assert f"{repo.git_dir}/aad.lock" not in reading.value.told


# Merging.


async def test_changes_of_different_files_are_put_together(repo: GitRepo, repository: Repository) -> None:
    base = repo.find("HEAD")
    ours = repo.commit_on(base, {"a.txt": "ours\n"})
    theirs = repo.commit_on(base, {"b.txt": "theirs\n", ODD[1]: None})

    merge = await repository.merge(ours, theirs)

    assert merge.conflicts == ()
    assert (repo.read("a.txt", merge.tree), repo.read("b.txt", merge.tree)) == ("ours", "theirs")
    assert ODD[1] not in repo.files(merge.tree)


async def test_contradictions_are_told_by_their_files_however_they_are_called(
    repo: GitRepo, repository: Repository
) -> None:
    base = repo.find("HEAD")
    ours = repo.commit_on(base, dict.fromkeys(ODD, "ours\n"))
    theirs = repo.commit_on(base, dict.fromkeys(ODD, "theirs\n"))

    merge = await repository.merge(ours, theirs)

    assert merge == Merge(tree=merge.tree, conflicts=tuple(sorted(ODD)))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"a.txt": None}, {"a.txt": "changed\n"}),
        ({"new.txt": "1\n"}, {"new.txt": "2\n"}),
        ({"new": "1\n"}, {"new/file": "2\n"}),
    ],
)
async def test_every_kind_of_contradiction_names_a_file(
    repo: GitRepo, repository: Repository, ours: dict[str, str | None], theirs: dict[str, str | None]
) -> None:
    base = repo.find("HEAD")

    merge = await repository.merge(repo.commit_on(base, ours), repo.commit_on(base, theirs))

    assert merge.conflicts


async def test_a_file_that_was_added_to_a_folder_that_was_renamed_is_a_contradiction(
    repo: GitRepo, repository: Repository
) -> None:
    base = repo.commit({"old/1": "one\n", "old/2": "two\n"})
    ours = repo.commit_on(base, {"old/1": None, "old/2": None, "new/1": "one\n", "new/2": "two\n"})
    theirs = repo.commit_on(base, {"old/3": "three\n"})

    merge = await repository.merge(ours, theirs)

    assert merge.conflicts == ("new/3",)


async def test_histories_without_a_common_commit_can_be_merged(repo: GitRepo, repository: Repository) -> None:
    tree = repo.git("mktree", stdin=f"100644 blob {repo.find('HEAD:a.txt')}\tx.txt\n".encode())
    other = repo.git("commit-tree", tree, "-m", "alone")

    merge = await repository.merge(repo.find("HEAD"), other)

    assert sorted(repo.files(merge.tree)) == sorted(["a.txt", "x.txt", *ODD])


async def test_what_is_no_commit_cannot_be_merged(repository: Repository) -> None:
    with pytest.raises(GitError, match="merge-tree"):
        await repository.merge("HEAD", "nothing")


async def test_merging_and_committing_touch_nothing_of_the_users(
    repo: GitRepo, repository: Repository
) -> None:
    repo.write("a.txt", "dirty\n")
    base = repo.find("HEAD")
    ours, theirs = (repo.commit_on(base, {name: "x\n"}) for name in ("1", "2"))
    before = repo.look()

    merge = await repository.merge(ours, theirs)
    commit = await repository.commit(merge.tree, (ours, theirs), "Merge")
    await repository.move_ref("refs/aad/x", new=commit, old=None)

    assert repo.look() == before


# Commits.


async def test_a_commit_on_a_bare_machine_is_ours(repo: GitRepo, repository: Repository) -> None:
    base = repo.find("HEAD")

    commit = await repository.commit(f"{base}^{{tree}}", [base], "タイトル\n\nAAD-Spec: A\n")

    form = "--format=%an <%ae>, %cn <%ce>"
    assert repo.git("show", "--no-patch", form, commit) == "aad <aad@localhost>, aad <aad@localhost>"
    assert (repo.message(commit), repo.parents(commit)) == ("タイトル\n\nAAD-Spec: A", [base])


async def test_a_commit_is_the_users_where_git_knows_them(repo: GitRepo) -> None:
    repo.git("config", "user.name", "山田 太郎")
    repo.git("config", "user.email", "taro@example.jp")
    base = repo.find("HEAD")

    commit = await repo.open().commit(f"{base}^{{tree}}", [base], "x")

    form = "--format=%an <%ae>, %cn <%ce>"
    assert (
        repo.git("show", "--no-patch", form, commit)
        == "山田 太郎 <taro@example.jp>, 山田 太郎 <taro@example.jp>"
    )


async def test_a_commit_asks_for_no_signature_and_runs_no_hook(
    repo: GitRepo, repository: Repository, tmp_path: Path
) -> None:
    for name, value in (("commit.gpgsign", "true"), ("gpg.program", "false"), ("user.useConfigOnly", "true")):
        repo.git("config", name, value)
    for hook in ("pre-commit", "commit-msg", "reference-transaction", "post-checkout"):
        repo.write(f".git/hooks/{hook}", "#!/bin/sh\nexit 1\n").chmod(0o700)
    base = repo.find("HEAD")

    commit = await repository.commit(f"{base}^{{tree}}", [base], "x")
    await repository.move_ref("refs/heads/aad/A", new=commit, old=None)
    await repository.write("worktree", "add", "--quiet", "--detach", os.fspath(tmp_path / "w"), commit)

    assert repo.find("aad/A") == repo.find("HEAD", at=tmp_path / "w") == commit


async def test_a_message_that_is_no_text_is_committed_as_far_as_it_is(
    repo: GitRepo, repository: Repository
) -> None:
    base = repo.find("HEAD")

    commit = await repository.commit(f"{base}^{{tree}}", [base], "bad \udcff word")

    assert repo.message(commit) == "bad ? word"


async def test_the_tree_of_a_commit(repo: GitRepo, repository: Repository) -> None:
    assert await repository.find_tree(repo.find("HEAD")) == repo.find("HEAD^{tree}")
    with pytest.raises(GitError):
        await repository.find_tree("nothing")


async def test_a_commit_contains_itself_and_its_ancestors(repo: GitRepo, repository: Repository) -> None:
    base = repo.find("HEAD")
    next_one = repo.commit_on(base, {"a.txt": "2\n"})

    assert await repository.contains(base, base)
    assert await repository.contains(next_one, base)
    assert not await repository.contains(base, next_one)
    with pytest.raises(GitError):
        await repository.contains(base, "0123456789" * 4)


async def test_of_commits_those_that_others_contain_are_dropped(
    repo: GitRepo, repository: Repository
) -> None:
    base = repo.find("HEAD")
    one, two = (repo.commit_on(base, {name: "x\n"}) for name in ("1", "2"))
    three = repo.commit_on(one, {"3": "x\n"})

    assert await repository.drop_ancestors([base, two, one, three, two]) == [two, three]
    assert await repository.drop_ancestors([base, base]) == [base]
    assert await repository.drop_ancestors([]) == []


# Refs.


async def test_refs_are_found_by_their_names_and_by_patterns(
    repo: GitRepo, repository: Repository, tmp_path: Path
) -> None:
    base = repo.find("HEAD")
    later = repo.commit({"a.txt": "2\n"})
    for name in ("aad/A", "aad/A-2", "aad/B/C"):
        repo.branch(name)
    repo.git("worktree", "add", "--quiet", os.fspath(tmp_path / "w 日本"), "aad/A-2")

    found = await repository.find_refs(
        *(f"refs/heads/{name}" for name in ("main", "aad/A", "aad/A-*", "aad/X"))
    )

    known = Ref(commit=later, tree=repo.find("HEAD^{tree}"), parent=base)
    assert found == {
        "refs/heads/main": evolve(known, checked_out=os.fspath(repo.root)),
        "refs/heads/aad/A": known,
        "refs/heads/aad/A-2": evolve(known, checked_out=os.fspath(tmp_path / "w 日本")),
    }


async def test_a_ref_is_made_only_where_there_is_none(repo: GitRepo, repository: Repository) -> None:
    base = repo.find("HEAD")
    later = repo.commit_on(base, {"a.txt": "2\n"})
    await repository.move_ref("refs/heads/x", new=base, old=None)

    with pytest.raises(GitError, match="reference already exists"):
        await repository.move_ref("refs/heads/x", new=later, old=None)

    assert repo.find("refs/heads/x") == base


async def test_a_ref_is_moved_only_from_where_it_was(repo: GitRepo, repository: Repository) -> None:
    base = repo.find("HEAD")
    one, two = (repo.commit_on(base, {name: "x\n"}) for name in ("1", "2"))
    repo.branch("x", base)
    await repository.move_ref("refs/heads/x", new=one, old=base)

    with pytest.raises(GitError, match=f"is at {one} but expected {base}"):
        await repository.move_ref("refs/heads/x", new=two, old=base)

    assert repo.find("refs/heads/x") == one


async def test_a_commit_is_named_elsewhere_if_another_ref_has_it_behind_it(
    repo: GitRepo, repository: Repository
) -> None:
    base = repo.find("HEAD")
    one = repo.commit_on(base, {"1": "x\n"})
    ref = repo.branch("x", one)

    alone = await repository.is_named_elsewhere(ref, one)
    run_git(repo.root, "update-ref", "refs/aad/run/A/1", repo.commit_on(one, {"2": "x\n"}))
    saved = await repository.is_named_elsewhere(ref, one)

    assert (alone, saved) == (False, True)
