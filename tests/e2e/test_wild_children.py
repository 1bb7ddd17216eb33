"""Whatever a child does to its worktree: how it ends, what is committed, and all of the user's stays."""

import os
from pathlib import Path
from typing import Any

import pytest
from gitproject import FIRST, GitProject, begin, failure

COMMIT = "git add --all && git commit --quiet --message=mine"
MAKE = "printf made > made.txt"


def wild(
    folder: Path,
    line: object,
    *,
    status: int = 0,
    except_: tuple[str, ...] = (),
    sound: bool = True,
    **front: Any,  # noqa: ANN401 - a spec's own keys
) -> GitProject:
    """Run a child that is wild after two commits of the user's, and demand that nothing of theirs changes."""
    project = begin(folder).spec("A", line, **front).commit().touch("second.txt").commit("second")
    before = project.belongings(*except_)

    project.run_all().exits(status)

    assert project.touched(before, *except_) == []
    assert not sound or project.is_sound()
    return project


# What it commits.


def test_one_that_changes_nothing_is_complete_and_commits_nothing(tmp_path: Path) -> None:
    project = wild(tmp_path, "true")

    assert project.ends() == {"A": "completed"}
    assert project.subjects(f"main..{project.run_branch}") == []
    assert project.worktrees() == []


def test_one_that_commits_nothing_has_its_changes_committed(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; rm second.txt; printf more >> kept.txt", title="make it")

    assert project.changes() == ["M kept.txt", "A made.txt", "D second.txt"]
    message = project.git("log", "-1", "--format=%an%n%B", project.run_branch)
    run = project.run.name
    assert message == f"Ada\nA: make it\n\nAAD-Spec: A\nAAD-Session: {run}/A/1\nAAD-Run: {run}"


def test_one_that_stages_something_loses_nothing_of_the_rest(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; git add made.txt; printf more >> made.txt; printf x > other.txt")

    assert project.changes() == ["A made.txt", "A other.txt"]
    assert project.show("made.txt") == "mademore"


def test_one_that_commits_everything_itself_keeps_its_commits(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; {COMMIT}; printf x > other.txt; {COMMIT}", title="make it")

    assert project.changes() == ["A made.txt", "A other.txt"]
    assert project.subjects(f"main..{project.run_branch}") == ["Merge A: make it", "mine", "mine"]


def test_one_that_commits_half_of_it_keeps_its_commit_below_ours(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; {COMMIT}; printf x > other.txt")

    assert project.changes() == ["A made.txt", "A other.txt"]
    assert project.subjects("main..aad/A") == ["A", "mine"]


# Rewritten history.


def test_one_that_amends_the_commit_it_began_with_keeps_both(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; git add --all; git commit --quiet --amend --message=better")

    assert project.changes() == ["A made.txt"]
    assert sorted(project.subjects("main~1..aad/A")) == ["A", "better", "second"]
    assert project.git("merge-base", "main", "aad/A") == project.git("rev-parse", "main")


def test_one_that_resets_to_an_older_commit_takes_nothing_back(tmp_path: Path) -> None:
    project = wild(tmp_path, f"git reset --quiet --hard HEAD~1; {MAKE}")

    assert project.changes() == ["A made.txt"]
    assert project.git("merge-base", "main", project.run_branch) == project.git("rev-parse", "main")


def test_what_was_verified_without_the_newest_commit_is_verified_again_with_it(tmp_path: Path) -> None:
    project = wild(
        tmp_path, f"git reset --quiet --hard HEAD~1; {MAKE}", status=1, verify="! test -e second.txt"
    )

    assert failure(project, "A")["reason"] == "verify_failed"
    assert project.log("A").count(b"[aad] verify:") == 2
    assert project.kept_refs() == ["A/1"]
    assert project.changes("aad/A") == ["A made.txt"]


def test_one_that_begins_a_history_of_its_own_is_merged_with_the_old_one(tmp_path: Path) -> None:
    line = f"git checkout --quiet --orphan fresh; git rm --quiet -r --force .; {MAKE}; {COMMIT}"
    project = wild(tmp_path, line, except_=(".git/refs/heads/fresh", ".git/logs/refs/heads/fresh"))

    assert project.changes() == ["A made.txt"]
    assert sorted(project.subjects("main..aad/A")) == ["A", "mine"]


# Branches.

FEATURE = (".git/refs/heads/feature", ".git/logs/refs/heads/feature")


def test_of_one_that_makes_a_branch_what_is_there_counts_and_the_branch_stays(tmp_path: Path) -> None:
    project = wild(
        tmp_path, f"git checkout --quiet -b feature; {MAKE}; {COMMIT}; printf x > x", except_=FEATURE
    )

    assert project.changes() == ["A made.txt", "A x"]
    assert project.subjects("main..feature") == ["mine"]
    assert project.worktrees() == []


def test_one_cannot_switch_to_the_branch_that_its_user_is_on(tmp_path: Path) -> None:
    project = wild(tmp_path, f"git checkout --quiet main && {COMMIT}", status=1)

    assert failure(project, "A")["exit_code"] == 128
    assert project.kept_refs() == []


def test_of_one_that_switches_to_another_branch_that_branch_is_merged_too(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", f"git checkout --quiet other; {MAKE}").commit()
    project.sh("git checkout -q -b other; git commit -q --allow-empty -m theirs; git checkout -q main")
    before = project.belongings()

    project.run_all().exits(0)

    assert project.touched(before) == []
    assert project.changes() == ["A made.txt"]
    assert project.subjects("main..aad/A") == ["A", "theirs"]


def test_one_that_deletes_the_branch_it_is_on_loses_its_commits_but_no_work(tmp_path: Path) -> None:
    line = f"git checkout --quiet -b gone; {MAKE}; {COMMIT}; git update-ref -d refs/heads/gone"
    project = wild(tmp_path, line)

    assert project.changes() == ["A made.txt"]
    assert project.subjects("main..aad/A") == ["A"]
    assert project.branches() == ["aad/A", project.run_branch, "main"]


def test_what_one_moves_or_removes_by_git_is_committed(tmp_path: Path) -> None:
    project = wild(tmp_path, "git mv kept.txt moved.txt; git rm -q second.txt")

    assert project.changes() == ["D kept.txt", "A moved.txt", "D second.txt"]


def test_a_file_that_one_tells_git_to_take_for_unchanged_is_committed(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; git update-index --assume-unchanged kept.txt; echo more >> kept.txt")

    assert project.changes() == ["M kept.txt", "A made.txt"]


# What it does to git.


def test_a_lock_that_one_leaves_is_in_nobodys_way(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; : > $(git rev-parse --git-dir)/index.lock")

    assert project.changes() == ["A made.txt"]
    assert project.worktrees() == []


def test_garbage_that_one_collects_costs_nobody_anything(tmp_path: Path) -> None:
    # Not while another's work is being written: git itself warns of `--prune=now` then.
    kept = 'until git for-each-ref refs/aad | grep -q "/B/1$"; do sleep 0.1; done'
    project = begin(tmp_path).spec("A", f"{kept}; {MAKE}; {COMMIT}; git gc --quiet --prune=now")
    project.spec("B", "printf b > b.txt; rm kept.txt; exit 1").spec("C", "test -e made.txt", depends_on=["A"])
    project.commit().file("kept.txt", "dirty").sh("git stash --quiet")
    files, refs = project.status(), project.git("for-each-ref", "refs/heads/main", "refs/stash")

    project.aad("orchestrate", "--all", "--jobs", "2").exits(1)

    assert project.ends() == {"A": "completed", "B": "failed", "C": "completed"}
    assert project.changes() == ["A made.txt"]
    assert project.changes(f"refs/aad/{project.run.name}/B/1") == ["A b.txt", "D kept.txt"]
    assert (project.status(), project.git("for-each-ref", "refs/heads/main", "refs/stash")) == (files, refs)
    assert project.is_sound()


def test_what_one_stashes_is_not_committed_and_stays_in_the_stash(tmp_path: Path) -> None:
    stash = (".git/refs/stash", ".git/logs/refs/stash")
    project = wild(tmp_path, f"{MAKE}; git stash --quiet --include-untracked", except_=stash)

    assert project.changes() == []
    assert project.git("show", "--format=", "--name-only", "stash@{0}^3") == "made.txt"


def test_one_that_removes_its_worktree_by_git_is_failed_and_nothing_is_lost_but_its_work(
    tmp_path: Path,
) -> None:
    project = wild(tmp_path, f"{MAKE}; git worktree remove --force .", status=1)

    assert failure(project, "A")["reason"] == "unknown"
    assert project.worktrees() == []


def test_a_dot_git_that_one_deletes_is_not_missed(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; {COMMIT}; rm .git; printf x > other.txt")

    assert project.changes() == ["A made.txt", "A other.txt"]
    assert project.subjects("main..aad/A") == ["A", "mine"]


def test_without_its_dot_git_one_does_not_reach_the_users_repository(tmp_path: Path) -> None:
    tries = "git add --all; git commit -m no; git reset --hard; git clean -ffdx; git checkout -b no"
    project = wild(tmp_path, f"rm .git; {tries}; {MAKE}")

    assert project.changes() == ["A made.txt"]
    assert project.branches() == ["aad/A", project.run_branch, "main"]


def test_one_that_begins_a_repository_in_place_of_its_own_has_its_files_committed(tmp_path: Path) -> None:
    project = wild(
        tmp_path, f"rm .git; git init --quiet; {MAKE}; git add --all; git commit --quiet -m no; true"
    )

    assert project.changes() == ["A made.txt"]


def test_a_repository_that_one_clones_is_left_out_and_told_and_its_folder_stays(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; git clone --quiet . inner")

    assert project.changes() == ["A made.txt"]
    assert project.left_out() == [("inner/", "nested")]
    assert project.worktrees() == ["A"]


def test_a_repository_that_one_clones_and_commits_stays_too(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; git clone --quiet . inner; git add inner; git commit --quiet -m inner")

    assert project.worktrees() == ["A"]


def test_a_merge_that_one_leaves_unfinished_is_a_conflict_and_saved(tmp_path: Path) -> None:
    project = begin(tmp_path).spec("A", f"git merge --quiet other || {MAKE}").commit()
    project.sh("git checkout -qb other; echo theirs > kept.txt; git commit -qam theirs; git checkout -q main")
    project.file("kept.txt", "ours\n").commit("ours")
    before = project.belongings()

    project.run_all().exits(1)

    told = failure(project, "A")
    assert (told["reason"], told["files"], told["blocked_by"]) == ("conflict", ["kept.txt"], ["A"])
    assert project.touched(before) == []
    saved = project.git("show", f"refs/aad/{project.run.name}/A/1:kept.txt")
    assert saved == "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> other"


# What it does to its own part of the repository, and to everybody's.

PART = "$(git rev-parse --git-dir)"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(f"rm -r {PART}", "the session removed it", id="removed"),
        pytest.param(f"echo junk > {PART}/HEAD", "not a git repository", id="broken"),
    ],
)
def test_one_that_breaks_its_part_of_the_repository_is_failed_and_its_files_stay(
    tmp_path: Path, line: str, why: str
) -> None:
    project = wild(tmp_path, f"{MAKE}; {line}", status=1, sound=False)

    assert failure(project, "A")["reason"] == "unknown"
    assert why in failure(project, "A")["message"]
    assert project.read(f".aad/worktrees/{project.run.name}/A/made.txt") == "made"


def test_one_that_deletes_its_folder_is_failed(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; rm -r $AAD_WORKSPACE", status=1)

    assert failure(project, "A")["reason"] == "unknown"


def test_a_rebase_that_one_leaves_unfinished_is_committed_as_its_files_are(tmp_path: Path) -> None:
    rebase = "GIT_SEQUENCE_EDITOR='sed -i s/pick/edit/' git rebase --quiet --interactive HEAD~1"
    project = wild(tmp_path, f"{MAKE}; {COMMIT}; {rebase}; printf x > other.txt")

    assert project.changes() == ["A made.txt", "A other.txt"]
    assert project.worktrees() == []


def test_a_worktree_that_one_locks_is_removed_all_the_same(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; git worktree lock .")

    assert project.changes() == ["A made.txt"]
    assert project.worktrees() == []


def test_one_that_moves_the_runs_branch_itself_has_its_work_in_it_once(tmp_path: Path) -> None:
    move = "git update-ref refs/heads/aad/run/$AAD_RUN_ID HEAD"
    project = wild(tmp_path, f"{MAKE}; {COMMIT}; {move}")

    assert project.changes() == ["A made.txt"]
    assert project.subjects(f"main..{project.run_branch}") == ["mine"]


def test_one_that_takes_the_name_of_our_branches_is_failed_and_its_work_is_kept(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; git branch aad", status=1, except_=(".git/refs/heads", ".git/logs"))

    assert "'refs/heads/aad' exists" in failure(project, "A")["message"]
    assert project.changes(f"refs/aad/{project.run.name}/A/1") == ["A made.txt"]


def test_settings_that_one_changes_in_the_shared_repository_do_not_lead_us_astray(tmp_path: Path) -> None:
    line = f"{MAKE}; git config core.bare true; git config core.worktree /"
    project = wild(tmp_path, line, sound=False, except_=(".git/config",))

    project.sh("git config --unset core.worktree; git config core.bare false")
    assert project.changes() == ["A made.txt"]
    assert project.status().count("\n") == 1


# What it makes.


def test_files_named_as_secrets_are_left_out_and_told_and_their_folder_stays(tmp_path: Path) -> None:
    make = "printf s > .env; mkdir keys; printf s > keys/id_rsa; : > .env.example"
    project = wild(tmp_path, f"{MAKE}; {make}; git add --all")

    assert project.changes() == ["A .env.example", "A made.txt"]
    assert project.left_out() == [(".env", "secret"), ("keys/id_rsa", "secret")]
    (folder,) = (project.root / ".aad" / "worktrees" / project.run.name).iterdir()
    assert (folder / ".env").read_text() == "s"


def test_secrets_that_one_commits_itself_are_its_own_affair(tmp_path: Path) -> None:
    project = wild(tmp_path, f"printf s > .env; {COMMIT}")

    assert project.changes() == ["A .env"]


def test_what_sandboxes_and_runs_leave_behind_is_not_committed_and_not_told(tmp_path: Path) -> None:
    litter = ": > .bashrc; : > .mcp.json; mkdir -p .agents .aad/runs; : > .aad/runs/x"
    project = wild(tmp_path, f"{MAKE}; {litter}")

    assert project.changes() == ["A made.txt"]
    assert project.left_out() == []
    assert project.worktrees() == []


def test_ignored_files_are_not_committed(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; echo '*.tmp' > .gitignore; printf x > x.tmp")

    assert project.changes() == ["A .gitignore", "A made.txt"]
    assert project.worktrees() == []


def test_one_that_deletes_everything_has_that_committed(tmp_path: Path) -> None:
    project = wild(tmp_path, "find . -mindepth 1 -delete")

    assert project.changes() == [
        "D .aad/specs/A.md",
        *(f"D {name}" for name in sorted([*FIRST, "second.txt"])),
    ]


def test_five_thousand_files_are_committed(tmp_path: Path) -> None:
    project = wild(tmp_path, "mkdir many; cd many; i=0; while [ $i -lt 5000 ]; do : > $i; i=$((i+1)); done")

    assert len(project.changes()) == 5000
    assert project.worktrees() == []


def test_folders_that_nobody_may_write_are_committed_and_removed(tmp_path: Path) -> None:
    project = wild(tmp_path, f"mkdir -p shut/in; {MAKE}; printf x > shut/in/x; chmod -R a-w shut")

    assert project.changes() == ["A made.txt", "A shut/in/x"]
    assert project.worktrees() == []


def test_a_pipe_is_nothing_to_commit(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; mkfifo pipe")

    assert project.changes() == ["A made.txt"]
    assert project.worktrees() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_left_out_and_told(tmp_path: Path) -> None:
    project = wild(tmp_path, f"{MAKE}; printf x > shut; chmod 0 shut")

    assert project.changes() == ["A made.txt"]
    assert project.left_out() == [("shut", "unreadable")]


def test_names_may_hold_anything(tmp_path: Path) -> None:
    names = ["a\nb", "'\"", "-n", " ", ":(top)x", "*", "\\"]
    script = "import sys\nfor name in sys.argv[1:]: open(name, 'w').write('x')"
    project = wild(tmp_path, ["python3", "-c", script, *names, "é"])

    assert sorted(project.changes()) == sorted(f"A {name}" for name in [*names, "é"])


def test_a_name_that_is_no_utf_8_is_committed(tmp_path: Path) -> None:
    project = wild(tmp_path, "printf x > \"$(printf 'a\\377')\"")

    assert project.changes() == ["A a\udcff"]


def test_links_that_lead_out_are_committed_as_links_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    project = wild(tmp_path, f"ln -s {outside} out; ln -s ../../../../kept.txt up")

    assert project.changes() == ["A out", "A up"]
    assert project.show("out") == str(outside)
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert project.worktrees() == []


def test_a_folder_that_becomes_a_link_is_committed_as_one(tmp_path: Path) -> None:
    project = wild(tmp_path, f"rm -r src; ln -s {tmp_path} src")

    assert project.changes() == ["A src", "D src/deep/main.txt"]


def test_a_file_that_becomes_a_folder_is_committed_as_one(tmp_path: Path) -> None:
    project = wild(tmp_path, "rm -r kept.txt src; mkdir kept.txt; printf x > kept.txt/x; printf x > src")

    assert project.changes() == ["D kept.txt", "A kept.txt/x", "A src", "D src/deep/main.txt"]
