"""What a run needs to know of the repository around a project."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from gitrepo import ENVIRON, GitRepo

from aad.checkout import (
    Checkout,
    count_uncommitted,
    find_checkout,
    find_worktree,
    inspect_checkout,
    lies_in_repository,
    list_broken,
)
from aad.config import WorkspaceSettings
from aad.errors import InputError
from aad.spec import Spec

AUTO = WorkspaceSettings()
SPECS = [Spec(id="A")]

as_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Return a repository with one commit, at a path with blanks and Japanese in it."""
    repo = GitRepo(tmp_path / "my 日本 repo")
    repo.commit({"a.txt": "a\n", "部品/x y/b.txt": "b\n"})
    return repo


def refuse(root: Path, settings: WorkspaceSettings = AUTO, environ: Mapping[str, str] = ENVIRON) -> list[str]:
    """Return the keys of what is refused."""
    with pytest.raises(InputError) as caught:
        inspect_checkout(root, settings, environ)
    return [problem.key for problem in caught.value.problems]


def outside(folder: Path) -> Mapping[str, str]:
    """Return an environment in which no repository above a folder counts."""
    return {**ENVIRON, "GIT_CEILING_DIRECTORIES": os.fspath(folder.parent)}


# Where it lies.


def test_a_project_at_the_top(repo: GitRepo) -> None:
    found = inspect_checkout(repo.root, AUTO, ENVIRON)

    assert found == Checkout(
        top=repo.root, prefix="", common=repo.root / ".git", base=repo.find("HEAD"), branch="main"
    )


def test_a_project_in_a_folder_has_a_prefix(repo: GitRepo) -> None:
    found = inspect_checkout(repo.root / "部品" / "x y", AUTO, ENVIRON)

    assert (found.top, found.prefix, found.common) == (repo.root, "部品/x y", repo.root / ".git")


def test_a_project_in_a_linked_worktree_shares_the_repository(repo: GitRepo, tmp_path: Path) -> None:
    linked = tmp_path / "linked 二"
    repo.git("worktree", "add", "--quiet", "-b", "other", os.fspath(linked))
    tip = repo.commit({"c.txt": "c\n"}, at=linked)

    found = inspect_checkout(linked / "部品", AUTO, ENVIRON)

    assert found == Checkout(
        top=linked, prefix="部品", common=repo.root / ".git", base=tip, branch="other"
    )  # fmt: skip


def test_a_project_that_is_a_submodule_has_a_repository_of_its_own(repo: GitRepo, tmp_path: Path) -> None:
    outer = GitRepo(tmp_path / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", os.fspath(repo.root), "sub")

    found = inspect_checkout(outer.root / "sub", AUTO, ENVIRON)

    assert (found.top, found.common) == (outer.root / "sub", outer.root / ".git/modules/sub")


def test_a_link_to_a_project_leads_to_the_same_repository(repo: GitRepo, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.root)

    found = inspect_checkout(tmp_path / "link", AUTO, ENVIRON)

    assert (found.top, found.prefix, found.common) == (repo.root, "", repo.root / ".git")


def test_on_a_detached_head_there_is_no_branch(repo: GitRepo) -> None:
    repo.git("checkout", "--quiet", "--detach")

    found = inspect_checkout(repo.root, AUTO, ENVIRON)

    assert (found.branch, found.base) == (None, repo.find("HEAD"))


def test_the_base_is_what_the_settings_name(repo: GitRepo) -> None:
    first = repo.find("HEAD")
    repo.git("tag", "--annotate", "v1", "--message", "one")
    repo.commit({"a.txt": "2\n"})

    found = inspect_checkout(repo.root, WorkspaceSettings(base="v1"), ENVIRON)

    assert found.base == first


def test_a_shallow_clone_will_do(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit({"a.txt": "2\n"})
    repo.git("clone", "--quiet", "--depth=1", f"file://{repo.root}", os.fspath(tmp_path / "clone"))

    found = inspect_checkout(tmp_path / "clone", AUTO, ENVIRON)

    assert found.base == repo.find("HEAD")


# Who commits.


def test_git_may_know_its_user(repo: GitRepo) -> None:
    repo.git("config", "user.name", "山田 太郎")
    repo.git("config", "user.email", "taro@example.jp")

    found = inspect_checkout(repo.root, AUTO, ENVIRON)

    assert (found.name, found.email) == ("山田 太郎", "taro@example.jp")


@pytest.mark.parametrize(
    "settings", [{}, {"user.name": "Only"}, {"user.email": "x@y"}, {"user.name": " ", "user.email": "x@y"}]
)
def test_where_git_does_not_know_both_it_is_us(repo: GitRepo, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        repo.git("config", name, value)

    found = inspect_checkout(repo.root, AUTO, ENVIRON)

    assert (found.name, found.email) == ("aad", "aad@localhost")


# What is refused.


def test_a_folder_outside_of_any_repository(tmp_path: Path) -> None:
    assert refuse(tmp_path, environ=outside(tmp_path)) == ["git_missing"]


def test_a_folder_that_is_only_named_like_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()

    assert refuse(tmp_path, environ=outside(tmp_path)) == ["git_missing"]


def test_a_repository_above_what_the_user_lets_git_look_at(repo: GitRepo) -> None:
    assert refuse(repo.root / "部品", environ=outside(repo.root / "部品")) == ["git_missing"]


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    assert refuse(GitRepo(tmp_path / "new").root) == ["git_no_commit"]


def test_a_bare_repository(tmp_path: Path) -> None:
    bare = GitRepo(tmp_path / "bare", "--bare")

    assert refuse(bare.root) == ["git_bare"]


@pytest.mark.parametrize("base", ["nothing", "--all", "HEAD:a.txt", "HEAD^{tree}"])
def test_a_base_that_is_no_commit(repo: GitRepo, base: str) -> None:
    assert refuse(repo.root, WorkspaceSettings(base=base)) == ["git_base_unknown"]


@pytest.mark.parametrize("name", ["aad", "aad/run"])
def test_a_branch_that_stands_where_a_folder_of_ours_would(repo: GitRepo, name: str) -> None:
    repo.branch(name)

    with pytest.raises(InputError) as caught:
        inspect_checkout(repo.root, AUTO, ENVIRON)

    assert [(problem.key, problem.fields) for problem in caught.value.problems] == [
        ("git_branch_blocks", {"branch": name})
    ]


def test_a_branch_that_stands_where_a_folder_of_the_users_template_would(repo: GitRepo) -> None:
    repo.branch("bot")

    assert refuse(repo.root, WorkspaceSettings(branch="bot/spec/{spec}")) == ["git_branch_blocks"]


def test_branches_of_similar_names_are_in_nobodys_way(repo: GitRepo) -> None:
    for name in ("aadvark", "x/aad", "aad/SPEC-001", "aad/run/20261122-213612-7f3a"):
        repo.branch(name)

    assert inspect_checkout(repo.root, AUTO, ENVIRON).branch == "main"


@pytest.mark.parametrize("branch", ["a b/{spec}", "{spec}.lock", "a..{spec}", "-{spec}", "x~{spec}"])
def test_a_template_that_makes_no_branch(repo: GitRepo, branch: str) -> None:
    assert refuse(repo.root, WorkspaceSettings(branch=branch)) == ["git_branch_bad"]


@as_root
def test_a_repository_that_cannot_be_written(repo: GitRepo) -> None:
    repo.git_dir.chmod(0o500)
    try:
        assert refuse(repo.root) == ["git_read_only"]
    finally:
        repo.git_dir.chmod(0o700)


def test_all_faults_come_at_once(repo: GitRepo) -> None:
    repo.branch("aad")

    found = refuse(repo.root, WorkspaceSettings(base="nothing", branch="aad/{spec}"))

    assert found == ["git_base_unknown", "git_branch_blocks"]


def test_a_git_that_is_too_old(repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 2.30.2\n")
    old.chmod(0o700)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")

    with pytest.raises(InputError) as caught:
        inspect_checkout(repo.root, AUTO, ENVIRON)

    assert [(problem.key, problem.fields) for problem in caught.value.problems] == [
        ("git_old", {"found": "2.30.2", "oldest": "2.38"})
    ]


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_refusal_is_one_plain_line(repo: GitRepo, tmp_path: Path, lang: str) -> None:
    repo.branch("aad")
    refusals = []
    for root, settings in (
        (tmp_path, AUTO),
        (GitRepo(tmp_path / "new").root, AUTO),
        (GitRepo(tmp_path / "bare", "--bare").root, AUTO),
        (repo.root, AUTO),
        (repo.root, WorkspaceSettings(base="nothing", branch="{spec}")),
        (repo.root, WorkspaceSettings(branch="a b/{spec}")),
    ):
        with pytest.raises(InputError) as caught:
            inspect_checkout(root, settings, ENVIRON)
        refusals.append((root, caught.value.render(lang)))

    assert all(said.startswith(f"{root}: ") for root, said in refusals)
    assert all("{" not in said.replace("{spec}", "") for _, said in refusals)


def test_inspecting_changes_no_byte(repo: GitRepo) -> None:
    repo.write("a.txt", "dirty\n")
    os.utime(repo.root / "部品/x y/b.txt", (0, 0))  # git would refresh its index
    before = repo.digest()

    inspect_checkout(repo.root, AUTO, ENVIRON)
    lies_in_repository(repo.root / "部品")
    count_uncommitted(repo.root, ENVIRON)

    assert repo.digest() == before


# Whether there is one.


def test_a_project_at_the_top_of_a_repository_lies_in_it(tmp_path: Path) -> None:
    assert lies_in_repository(GitRepo(tmp_path / "without commit").root)


def test_a_folder_that_is_tracked_lies_in_the_repository(repo: GitRepo) -> None:
    assert lies_in_repository(repo.root / "部品")
    assert lies_in_repository(repo.root / "部品" / "x y")


def test_a_folder_that_is_not_tracked_does_not_lie_in_the_repository_around_it(repo: GitRepo) -> None:
    repo.write("projects/mine/file", "x")

    assert not lies_in_repository(repo.root / "projects" / "mine")


def test_a_folder_around_which_is_no_repository(tmp_path: Path) -> None:
    assert not lies_in_repository(tmp_path)


def test_where_no_spec_wants_a_worktree_there_is_no_checkout(repo: GitRepo, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()

    assert find_checkout(plain, AUTO, SPECS, environ=ENVIRON) is None
    assert find_checkout(repo.root, WorkspaceSettings(isolation="none"), SPECS, environ=ENVIRON) is None
    assert find_checkout(repo.root, AUTO, [Spec(id="A", isolation="directory")], environ=ENVIRON) is None
    assert find_checkout(repo.root, AUTO, [], environ=ENVIRON) is None


def test_a_single_spec_that_wants_a_worktree_is_enough(repo: GitRepo) -> None:
    specs = [Spec(id="A", isolation="worktree"), Spec(id="B")]

    found = find_checkout(repo.root, WorkspaceSettings(isolation="none"), specs, environ=ENVIRON)

    assert found == repo.inspect()


def test_a_worktree_outside_of_any_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find_checkout(tmp_path, WorkspaceSettings(isolation="worktree"), SPECS, environ=outside(tmp_path))

    assert [problem.key for problem in caught.value.problems] == ["git_missing"]


def test_a_run_that_goes_on_keeps_the_base_it_began_with(repo: GitRepo) -> None:
    first = repo.find("HEAD")
    repo.commit({"a.txt": "2\n"})

    found = find_checkout(repo.root, WorkspaceSettings(base="main"), SPECS, base=first, environ=ENVIRON)

    assert found is not None
    assert found.base == first


# What else planning asks.


def test_only_tracked_files_count_as_uncommitted(repo: GitRepo) -> None:
    repo.write("a.txt", "changed\n")
    repo.git("rm", "--quiet", "部品/x y/b.txt")
    repo.write("new.txt", "new\n")

    assert count_uncommitted(repo.root, ENVIRON) == 2


def test_a_renamed_file_counts_as_two(repo: GitRepo) -> None:
    repo.git("mv", "a.txt", "b.txt")

    assert count_uncommitted(repo.root, ENVIRON) == 2


def test_what_cannot_be_counted_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="not a git repository"):
        count_uncommitted(tmp_path, outside(tmp_path))


@pytest.mark.parametrize("name", ["gitdir", "HEAD", "commondir"])
@pytest.mark.parametrize("empty", [False, True])
def test_an_entry_that_lacks_one_of_its_files_is_broken(
    repo: GitRepo, tmp_path: Path, name: str, empty: bool
) -> None:
    for each in ("one", "two"):
        repo.git("worktree", "add", "--quiet", "--detach", os.fspath(tmp_path / each))
    entry = repo.git_dir / "worktrees" / "two"
    (entry / name).write_text("") if empty else (entry / name).unlink()

    assert list(list_broken(repo.git_dir)) == [entry]


def test_a_repository_without_worktrees_has_no_broken_ones(repo: GitRepo) -> None:
    assert list(list_broken(repo.git_dir)) == []


def test_an_entry_tells_its_folder(repo: GitRepo, tmp_path: Path) -> None:
    place = tmp_path / "作業 one"
    repo.git("worktree", "add", "--quiet", "--detach", os.fspath(place))
    entry = next((repo.git_dir / "worktrees").iterdir())

    assert find_worktree(entry) == place


def test_an_entry_may_tell_its_folder_relative_to_itself(repo: GitRepo, tmp_path: Path) -> None:
    entry = repo.write(".git/worktrees/one/gitdir", "../../../../one/.git\n").parent

    assert find_worktree(entry) == tmp_path / "one"


@pytest.mark.parametrize("content", ["", "\n", None])
def test_a_broken_entry_may_not_tell_its_folder(repo: GitRepo, content: str | None) -> None:
    entry = repo.git_dir / "worktrees" / "one"
    entry.mkdir(parents=True)
    if content is not None:
        (entry / "gitdir").write_text(content)

    assert find_worktree(entry) is None


def test_without_git_the_way_out_is_told(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert refuse(repo.root) == ["git_absent"]
