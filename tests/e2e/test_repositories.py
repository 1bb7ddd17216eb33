"""Whatever kind of repository a project lies in: its sessions get worktrees, or a line says why not."""

import os
from pathlib import Path

import pytest
from gitproject import ALL, GitProject, begin, refuses, works

MAKE = "printf made > made.txt"


def plain(folder: Path, run: str = MAKE) -> GitProject:
    """Return a project with one spec, committed."""
    return begin(folder).spec("A", run).commit()


# Commits and heads.


def test_a_repository_is_left_as_it_was_but_for_our_branches(tmp_path: Path) -> None:
    project = plain(tmp_path)

    works(project)

    assert project.branches() == ["aad/A", project.run_branch, "main"]
    assert project.changes() == ["A made.txt"]


def test_a_repository_without_a_commit_is_refused(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", MAKE)

    refuses(project, key="git_no_commit")


def test_a_base_that_is_not_there_is_refused(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", MAKE).config('[workspace]\nbase = "dream"').commit()

    refuses(project, key="git_base_unknown", base="dream")


def test_a_branch_that_has_no_commit_yet_is_no_base(tmp_path: Path) -> None:
    project = plain(tmp_path)
    project.git("symbolic-ref", "HEAD", "refs/heads/unborn")

    refuses(project, key="git_no_commit")


def test_a_detached_head_is_a_base_like_any(tmp_path: Path) -> None:
    project = plain(tmp_path).touch("later.txt").commit("later")
    project.git("checkout", "--quiet", "--detach", "HEAD~1")

    works(project)

    assert project.git("merge-base", "main", project.run_branch) == project.git("rev-parse", "HEAD")


def test_a_bare_repository_is_refused(tmp_path: Path) -> None:
    project = GitProject(tmp_path / "project", fresh=False).spec("A", MAKE)
    project.git("init", "--quiet", "--bare", ".git")

    refuses(project, key="git_bare")


def test_a_shallow_clone_works(tmp_path: Path) -> None:
    origin = plain(tmp_path).touch("later.txt").commit("later")
    origin.git("clone", "--quiet", "--depth=1", f"file://{origin.root}", str(tmp_path / "clone"))
    project = GitProject(tmp_path / "clone", fresh=False)

    works(project)

    assert project.git("rev-parse", "--is-shallow-repository") == "true"


def test_a_branch_named_aad_is_refused(tmp_path: Path) -> None:
    project = plain(tmp_path)
    project.git("branch", "aad")

    refuses(project, key="git_branch_blocks", branch="aad")


def test_a_branch_of_a_session_that_is_checked_out_elsewhere_is_let_be(tmp_path: Path) -> None:
    project = plain(tmp_path)
    project.git("worktree", "add", "--quiet", "-b", "aad/A", str(tmp_path / "other"))
    project.git("commit", "--quiet", "--allow-empty", "--message=mine", cwd=tmp_path / "other")

    project.run_all().exits(0)

    assert project.subjects("main..aad/A") == ["mine"]
    assert project.subjects("main..aad/A-2") == ["A"]
    assert project.git("status", "--porcelain", cwd=tmp_path / "other") == ""
    (integrated,) = project.journal("integrated")
    assert integrated["branch"] == "aad/A-2"


# Where the project lies in it.


def test_a_linked_worktree_may_be_the_project(tmp_path: Path) -> None:
    origin = plain(tmp_path)
    origin.git("worktree", "add", "--quiet", "-b", "mine", str(tmp_path / "linked"))
    project = GitProject(tmp_path / "linked", fresh=False)
    before = origin.belongings()

    works(project)

    assert origin.touched(before) == []
    assert project.changes() == ["A made.txt"]


def test_a_worktree_of_a_bare_repository_may_be_the_project(tmp_path: Path) -> None:
    origin, bare, linked = plain(tmp_path), tmp_path / "bare.git", tmp_path / "linked"
    origin.git("clone", "--quiet", "--bare", ".", str(bare))
    origin.git("worktree", "add", "--quiet", str(linked), "main", cwd=bare)
    project = GitProject(linked, fresh=False)

    works(project)

    assert project.changes() == ["A made.txt"]


def test_a_submodule_may_be_the_project(tmp_path: Path) -> None:
    library, top = plain(tmp_path), begin(tmp_path, "top")
    top.git("submodule", "--quiet", "add", str(library.root), "part")
    top.commit()
    project = GitProject(top.root / "part", fresh=False)
    before = project.status()

    works(project)

    assert project.changes() == ["A made.txt"]
    assert project.status() == before
    assert top.git("diff", "HEAD") == ""


def test_in_a_folder_of_a_repository_sessions_work_in_that_folder(tmp_path: Path) -> None:
    top = GitProject(tmp_path / "mono").file("other/lib.txt", "lib\n")
    project = GitProject(tmp_path / "mono" / "tool", top=top.root, fresh=False)
    run = f"{MAKE}; cat ../other/lib.txt; pwd > where; echo $AAD_WORKSPACE >> where; ls $AAD_SPEC_FILE"
    project.spec("A", run, verify="test -f made.txt").commit()

    works(project)

    (ready,) = project.journal("workspace_ready")
    worktree = project.root / ".aad" / "worktrees" / project.run.name / "A"
    assert ready["workspace"] == str(worktree / "tool")
    assert project.show("tool/where") == f"{worktree}/tool\n{worktree}/tool"
    assert project.changes() == ["A tool/made.txt", "A tool/where"]


def test_a_folder_that_its_repository_does_not_know_is_no_git_project(tmp_path: Path) -> None:
    GitProject(tmp_path / "mono").file("lib.txt", "lib\n").commit()
    project = GitProject(tmp_path / "mono" / "tool", top=tmp_path / "mono", fresh=False).spec("A", MAKE)

    project.run_all().exits(0)

    assert project.read("made.txt") == "made"
    assert project.branches() == ["main"]


def test_paths_may_hold_spaces_quotes_and_japanese(tmp_path: Path) -> None:
    name = "私の 'プロジェクト'"
    run = f"{MAKE}; printf x > '資料 一.txt'; printf y > 'a\"b.txt'; printf z >> '設計 書.txt'"
    project = begin(tmp_path, name).file("設計 書.txt", "設計")
    project.spec("要件-001", run, title="設計書を 直す").commit()

    works(project)

    assert project.changes() == ['A a"b.txt', "A made.txt", "M 設計 書.txt", "A 資料 一.txt"]
    assert project.git("log", "-1", "--format=%s", "aad/要件-001") == "要件-001: 設計書を 直す"


@pytest.mark.parametrize(
    "options", [("--object-format=sha256",), ("--separate-git-dir=../apart",)], ids=["sha-256", "apart"]
)
def test_a_repository_may_be_of_another_make(tmp_path: Path, options: tuple[str, ...]) -> None:
    project = GitProject(tmp_path / "project", fresh=False)
    project.git("init", "--quiet", "--initial-branch=main", *options)
    project.setting("user.name", "Ada").setting("user.email", "ada@localhost").spec("A", MAKE).commit()

    works(project)

    assert project.changes() == ["A made.txt"]


def test_a_clone_without_its_blobs_works(tmp_path: Path) -> None:
    origin = plain(tmp_path).setting("uploadpack.allowFilter", "true")
    clone = ("clone", "--quiet", "--filter=blob:none", f"file://{origin.root}")
    origin.git(*clone, str(tmp_path / "clone"))

    works(GitProject(tmp_path / "clone", fresh=False))


# What the user has set.


@pytest.mark.parametrize(
    "hook", ["post-checkout", "pre-commit", "post-commit", "reference-transaction", "post-index-change"]
)
@pytest.mark.parametrize("line", ["exit 1", ": > hooked; : > $HOOKED"], ids=["fails", "writes"])
def test_no_hook_is_run(tmp_path: Path, hook: str, line: str) -> None:
    project = plain(tmp_path).set(HOOKED=str(tmp_path / "hooked"))
    project.file(f".git/hooks/{hook}", f"#!/bin/sh\n{line}\n", mode=0o755)

    works(project)

    assert project.changes() == ["A made.txt"]
    assert not (tmp_path / "hooked").exists()


def test_no_commit_is_signed(tmp_path: Path) -> None:
    project = plain(tmp_path).setting("commit.gpgsign", "true").setting("tag.gpgsign", "true")
    project.setting("user.signingkey", "nobody").setting("gpg.program", "/bin/false")

    works(project)


def test_on_a_bare_machine_commits_are_by_aad(tmp_path: Path) -> None:
    project = plain(tmp_path)
    project.git("config", "--remove-section", "user")

    project.run_all().exits(0)

    who = project.git("log", "-1", "--format=%an <%ae> %cn <%ce>", "aad/A")
    assert who == "aad <aad@localhost> aad <aad@localhost>"


@pytest.mark.parametrize(
    "setting",
    [
        "status.showUntrackedFiles=no",
        "color.ui=always",
        "log.showSignature=true",
        "core.splitIndex=true",
        "core.untrackedCache=true",
        "extensions.worktreeConfig=true",
        "core.safecrlf=true",
        "merge.ff=false",
    ],
)
def test_settings_of_the_users_do_not_change_what_is_committed(tmp_path: Path, setting: str) -> None:
    project = plain(tmp_path, f"{MAKE}; rm kept.txt").setting(*setting.split("=", 1))

    works(project)

    assert project.changes() == ["D kept.txt", "A made.txt"]


def test_line_ends_that_git_translates_are_no_change(tmp_path: Path) -> None:
    project = plain(tmp_path, f"{MAKE}; printf 'x\\r\\n' >> b.txt")
    project.setting("core.autocrlf", "true").file("a.txt", "a\r\n").file("b.txt", "b\r\n").commit()

    works(project)

    assert project.changes() == ["M b.txt", "A made.txt"]
    assert project.show("b.txt") == "b\nx"


def test_modes_that_git_is_told_to_ignore_are_no_change(tmp_path: Path) -> None:
    project = plain(tmp_path, f"{MAKE}; chmod +x kept.txt").setting("core.fileMode", "false")

    works(project)

    assert project.changes() == ["A made.txt"]


def test_from_within_a_hook_of_the_users_it_is_the_project_that_counts(tmp_path: Path) -> None:
    other = begin(tmp_path, "other").commit()
    project = plain(tmp_path).set(
        GIT_DIR=str(other.root / ".git"),
        GIT_WORK_TREE=str(other.root),
        GIT_INDEX_FILE=str(tmp_path / "index"),
    )
    before = other.tree()

    result = project.aad(*ALL)

    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        del project.env[name]
    result.exits(0)
    assert project.changes() == ["A made.txt"]
    assert other.tree() == before
    assert not (tmp_path / "index").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_somebody_elses_is_refused_in_gits_words(tmp_path: Path) -> None:
    project = plain(tmp_path)
    for path in (project.root, project.root / ".git"):
        os.chown(path, 65534, 65534)

    result = project.aad(*ALL)

    result.exits(2).prints("")
    assert b"dubious ownership" in result.err
    assert len(result.err.splitlines()) == 1
    assert not (project.root / ".aad" / "runs").exists()


# What is in it.


def test_two_thousand_files_work(tmp_path: Path) -> None:
    project = begin(tmp_path)
    for number in range(2000):
        project.file(f"many/{number // 100}/{number}.txt", f"{number}\n")
    project.spec("A", f"{MAKE}; echo more >> many/7/777.txt").commit()

    works(project)

    assert project.changes() == ["A made.txt", "M many/7/777.txt"]


@pytest.mark.parametrize("mode", ["--cone", "--no-cone"])
def test_of_a_sparse_checkout_sessions_see_what_its_user_sees(tmp_path: Path, mode: str) -> None:
    project = begin(tmp_path).file("far/away.txt", "away\n")
    run = f"{MAKE}; ls > seen; mkdir far; printf new > far/new.txt; printf x >> src/deep/main.txt"
    project.spec("A", run).commit()
    project.git("sparse-checkout", "set", mode, *(["src", ".aad"] if mode == "--cone" else ["/*", "!/far"]))

    works(project)

    assert project.changes() == ["A far/new.txt", "A made.txt", "A seen", "M src/deep/main.txt"]
    assert project.show("seen").split() == ["kept.txt", "made.txt", "seen", "src"]


def test_what_is_made_where_a_sparse_checkout_has_a_file_changes_that(tmp_path: Path) -> None:
    project = begin(tmp_path).file("far/away.txt", "away\n")
    project.spec("A", f"{MAKE}; mkdir far; printf new > far/away.txt").commit()
    project.git("sparse-checkout", "set", "--cone", "src", ".aad")

    works(project)

    assert project.changes() == ["M far/away.txt", "A made.txt"]


def lfs(folder: Path) -> GitProject:
    """Return a project with a pointer to a large file."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    project = begin(folder).file(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    return project.file("large.bin", pointer).spec("A", f"{MAKE}; printf new > new.bin").commit()


def test_without_git_lfs_a_pointer_is_a_file_like_any(tmp_path: Path) -> None:
    project = lfs(tmp_path)

    works(project)

    assert project.changes() == ["A made.txt", "A new.bin"]
    assert project.show("new.bin") == "new"


def test_the_filters_of_git_lfs_are_used(tmp_path: Path) -> None:
    project = lfs(tmp_path).setting("filter.lfs.required", "true")
    clean, smudge = "sed 's/^big/version/; s/^new/pointer/'", "sed s/^version/big/"
    project.setting("filter.lfs.clean", clean).setting("filter.lfs.smudge", smudge)
    project.spec("A", f"{MAKE}; cp large.bin seen.txt; printf new > new.bin").commit()

    project.run_all().exits(0)

    assert project.changes() == ["A made.txt", "A new.bin", "A seen.txt"]
    assert project.show("new.bin") == "pointer"
    assert project.show("seen.txt").startswith("big https://git-lfs")


def test_a_filter_that_is_required_and_fails_fails_the_session_and_says_so(tmp_path: Path) -> None:
    project = lfs(tmp_path).setting("filter.lfs.required", "true")
    project.setting("filter.lfs.smudge", "false").setting("filter.lfs.clean", "cat")
    before = project.belongings()

    project.run_all().exits(1)

    failed = project.final("A")["failure"]
    assert failed["reason"] == "spawn_failed"
    assert "smudge filter lfs failed" in failed["message"]
    assert project.touched(before) == []


FILL = "git submodule --quiet update --init"


def with_submodule(folder: Path, **options: str) -> GitProject:
    """Return a project with a submodule that is there."""
    library = begin(folder, "library").commit()
    project = begin(folder).config("\n".join(["[workspace]", *(f"{k} = '{v}'" for k, v in options.items())]))
    project.git("submodule", "--quiet", "add", str(library.root), "vendor")
    # Since 2.38.1 git takes no submodules from folders, unless told to.
    (project.home / ".gitconfig").write_text('[protocol "file"]\nallow = always\n')
    return project


def test_a_submodule_is_an_empty_folder_to_sessions(tmp_path: Path) -> None:
    project = with_submodule(tmp_path).spec("A", f"{MAKE}; ls -A vendor > seen").commit()

    works(project)

    assert project.show("seen") == ""
    assert project.changes() == ["A made.txt", "A seen"]


def test_setup_may_fill_a_submodule(tmp_path: Path) -> None:
    project = with_submodule(tmp_path, setup=FILL)
    project.spec("A", f"{MAKE}; cp vendor/kept.txt seen").commit()

    works(project)

    assert project.show("seen") == "one\ntwo\nthree"
    assert project.changes() == ["A made.txt", "A seen"]


def test_git_does_not_go_into_submodules_by_itself(tmp_path: Path) -> None:
    project = with_submodule(tmp_path).setting("submodule.recurse", "true").spec("A", MAKE).commit()

    works(project)

    assert project.changes() == ["A made.txt"]


def test_work_inside_a_submodule_is_left_out_and_told_and_its_folder_stays(tmp_path: Path) -> None:
    project = with_submodule(tmp_path, setup=FILL)
    project.spec("A", f"{MAKE}; printf x > vendor/new.txt").commit()

    works(project)

    assert project.left_out() == [("vendor", "submodule")]
    assert project.changes() == ["A made.txt"]
    assert project.worktrees() == ["A"]


def test_a_file_changed_in_place_inside_a_submodule_is_told_as_well(tmp_path: Path) -> None:
    project = with_submodule(tmp_path, setup=FILL)
    project.spec(
        "A",
        f"{MAKE}; echo more >> vendor/src/deep/main.txt;"
        " git -C vendor -c user.name=a -c user.email=a@b commit -qam inside",
    ).commit()

    works(project)

    assert project.left_out() == [("vendor", "submodule")]
    assert project.worktrees() == ["A"]


# At planning time.

REFUSALS = {
    "git_no_commit": "git update-ref -d HEAD",
    "git_branch_blocks": "git branch aad",
    "git_base_unknown": "mkdir config; printf '[workspace]\nbase = \"dream\"\n' > config/aad.toml",
    "git_bare": "git config core.bare true",
}


@pytest.mark.parametrize("key", REFUSALS)
def test_a_dry_run_is_refused_as_the_run_would_be(tmp_path: Path, key: str) -> None:
    project = plain(tmp_path).sh(REFUSALS[key])

    refuses(project, "--dry-run", key=key, branch="aad", base="dream")
