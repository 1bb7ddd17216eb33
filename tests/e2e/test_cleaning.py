"""`aad clean` removes the worktrees of sessions, and nothing that anybody could miss."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from gitproject import RESUME, GitProject, begin
from harness import Project, until, wait_for_file

from aad.messages import text

OWN = "git -c user.name=Eve -c user.email=eve@localhost"
LOCK = ".aad/state/lock"
ALWAYS = '[workspace]\nkeep = "always"\n'


def keeping(folder: Path, name: str = "project") -> GitProject:
    """Return a project in a repository, in which the worktrees of all sessions stay."""
    return begin(folder, name).config(ALWAYS)


def made(folder: Path, run: str = "echo made >made.txt") -> GitProject:
    """Return a project whose only session is over; its worktree is there."""
    project = keeping(folder).spec("A", run).commit()
    project.run_all()
    assert place(project).is_dir()
    return project


def place(project: GitProject, spec: str = "A") -> Path:
    return project.root / ".aad" / "worktrees" / project.run.name / spec


def clean(project: Project, *options: str) -> tuple[list[str], dict[str, str]]:
    """Clean; return what was removed, and what was kept for which reason."""
    told = project.aad("clean", "--format", "json", *options).exits(0).says("").json()
    return [each["spec"] for each in told["removed"]], {each["spec"]: each["reason"] for each in told["kept"]}


def stays(project: GitProject, reason: str, spec: str = "A") -> None:
    """Demand that a worktree is kept for a reason, and that nothing at all changes."""
    before = project.tree()

    assert clean(project, "--dry-run") == ([], {spec: reason})
    assert project.tree() == before
    assert clean(project) == ([], {spec: reason})
    # The lock's own file names its last holder.
    assert project.tree() | {LOCK: None} == before | {LOCK: None}


def half_made(folder: Path) -> GitProject:
    """Return a project whose run was killed while git filled the worktree of C, which needs A and B."""
    project = (
        keeping(folder)
        .file(".gitattributes", "zz* filter=slow\n")
        .file("zz", "slow\n")
        .file("zz.pem", "key\n")
    )
    half, go = folder / "half", folder / "go"
    stop = f": >{half}; until [ -e {go} ]; do sleep 0.02; done; exit 1"
    project.setting("filter.slow.smudge", f'case "$PWD" in */C) {stop};; esac; cat')
    project.setting("filter.slow.clean", "cat").setting("filter.slow.required", "true")
    project.spec("A", "echo a >a.txt").spec("B", "echo b >b.txt").spec("C", depends_on=["A", "B"]).commit()
    with project.start("orchestrate", "--all") as running:
        until(half.exists)
        running.send(signal.SIGKILL).end()
    go.touch()
    until(lambda: not (project.root / ".git/worktrees/C/index.lock").exists())
    return project


# What goes.


def test_what_is_integrated_goes_with_its_folder_and_the_work_stays(tmp_path: Path) -> None:
    project = made(tmp_path)
    before = project.belongings()

    told = project.aad("clean").exits(0).says("")

    told.prints("✓ .aad/worktrees/RUN/A  removed\n1 worktree removed")
    assert (project.worktrees(), list((project.root / ".aad/worktrees").iterdir())) == ([], [])
    assert project.show("made.txt") == "made"
    assert project.belongings() == before
    assert project.is_sound()
    project.aad("clean").exits(0).says("").prints("nothing to remove")


def test_what_failed_goes_once_its_work_is_saved_and_the_ref_keeps_it(tmp_path: Path) -> None:
    project = made(tmp_path, "echo half >half.txt; git add -A; git commit -qm one; echo two >two.txt; exit 1")

    assert clean(project) == (["A"], {})
    ref = f"refs/aad/{project.run.name}/A/1"
    assert (project.show("half.txt", ref), project.show("two.txt", ref)) == ("half", "two")
    assert project.worktrees() == []


def test_a_spec_file_that_is_in_no_commit_keeps_nothing(tmp_path: Path) -> None:
    project = keeping(tmp_path).commit().spec("A", "echo made >made.txt").spec("B", "echo x >x.txt; exit 1")
    project.run_all()

    assert clean(project) == (["A", "B"], {})


def test_what_merged_with_others_goes(tmp_path: Path) -> None:
    project = keeping(tmp_path).spec("A", "echo a >a.txt").spec("B", "echo b >b.txt").commit()
    project.aad("orchestrate", "--all", "--jobs", "2").exits(0)

    assert clean(project) == (["A", "B"], {})


def test_ignored_files_go_with_their_worktree(tmp_path: Path) -> None:
    project = keeping(tmp_path).file(".gitignore", "cache/\n")
    project.spec("A", "mkdir cache; echo c >cache/c; echo made >made.txt").commit()
    project.run_all().exits(0)

    assert clean(project) == (["A"], {})


def test_a_project_below_the_top_of_its_repository_is_cleaned(tmp_path: Path) -> None:
    top = tmp_path / "top"
    project = GitProject(top / "part", top=top).config(ALWAYS).spec("A", "echo made >made.txt").commit()
    project.run_all().exits(0)

    assert clean(project) == (["A"], {})
    assert project.worktrees() == []


def test_a_place_of_the_users_choice_is_cleaned_and_what_else_lies_there_is_not_told(tmp_path: Path) -> None:
    project = begin(tmp_path).config('[workspace]\nkeep = "always"\nroot = "../aside/places 場所"\n')
    project.file("../aside/places 場所/mine/own.txt", "mine").spec("A", "echo made >made.txt").commit()
    project.run_all().exits(0)

    assert clean(project) == (["A"], {})
    assert sorted(path.name for path in (tmp_path / "aside/places 場所").iterdir()) == ["mine"]


def test_what_only_git_still_knows_goes_from_its_list(tmp_path: Path) -> None:
    project = made(tmp_path)
    project.sh(f"rm -r .aad/worktrees/{project.run.name}")
    assert project.worktrees() == ["A"]

    assert clean(project) == (["A"], {})
    assert project.worktrees() == []


def test_a_half_made_worktree_without_files_goes(tmp_path: Path) -> None:
    project = made(tmp_path)
    project.sh(
        f"cd {place(project)}; find . -type f ! -name .git -delete; rm -r ../../../../.git/worktrees/A"
    )

    assert clean(project) == (["A"], {})
    assert not place(project).exists()


def test_what_was_being_filled_when_its_run_was_killed_goes(tmp_path: Path) -> None:
    project = half_made(tmp_path)
    told = {line["spec"] for line in project.journal("workspace_ready")}
    there = [(place(project, "C") / name).exists() for name in ("a.txt", "zz", "zz.pem")]

    cleaned = clean(project)

    assert (told, there) == ({"A", "B"}, [True, False, False])
    assert cleaned == (["A", "B", "C"], {})
    assert (project.worktrees(), project.is_sound()) == ([], True)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("echo more >>kept.txt", "changes"),
        ("echo new >new.txt", "changes"),
        ("echo s >.env", "files"),
        ("git read-tree HEAD; git commit -qm own --allow-empty", "commits"),
    ],
)
def test_what_a_person_did_in_one_that_was_being_filled_is_kept(
    tmp_path: Path, act: str, reason: str
) -> None:
    project = half_made(tmp_path)

    project.sh(f"cd {place(project, 'C')}; {act}")

    assert clean(project) == (["A", "B"], {"C": reason})


def test_what_a_killed_git_left_half_made_is_mended(tmp_path: Path) -> None:
    project = made(tmp_path)
    project.sh("mkdir .git/worktrees/A1; : >.git/worktrees/A1/gitdir")

    assert clean(project) == (["A"], {})
    assert project.worktrees() == []


def test_a_dry_run_tells_what_would_go_and_changes_nothing(tmp_path: Path) -> None:
    project = made(tmp_path, "echo made >made.txt; exit 1")
    before = project.tree()

    told = project.aad("clean", "--dry-run").exits(0).says("")

    assert told.normal(told.out) == "  .aad/worktrees/RUN/A  would be removed\n1 worktree would be removed\n"
    assert project.tree() == before


# What is kept.


@pytest.mark.parametrize("run", ["echo made >made.txt", "echo made >made.txt; exit 1"])
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("echo more >>made.txt", "changes"),
        ("echo new >new.txt", "changes"),
        ("rm kept.txt", "changes"),
        ("echo staged >new.txt; git add new.txt; rm new.txt", "changes"),
        ("echo own >>kept.txt; git commit -qam own", "commits"),
        ("git checkout -q --detach; git commit -q --allow-empty -m own", "commits"),
        ("echo s >.env", "files"),
        (f"git init -q nested; cd nested; {OWN} commit -q --allow-empty -m own", "files"),
        (f"rm .git; git init -q .; git add -A; {OWN} commit -qm own", "repository"),
        ("git bisect start", "unfinished"),
        ("git worktree lock .", "locked"),
    ],
)
def test_what_a_person_did_there_is_kept(tmp_path: Path, run: str, act: str, reason: str) -> None:
    project = made(tmp_path, run)

    project.sh(f"cd {place(project)}; {act}")

    stays(project, reason)


def test_commits_on_a_branch_of_a_persons_own_are_saved_and_keep_nothing(tmp_path: Path) -> None:
    project = made(tmp_path)
    project.sh(f"cd {place(project)}; git switch -qc mine; echo own >own.txt; git add -A; git commit -qm own")

    assert clean(project) == (["A"], {})
    assert project.show("own.txt", "mine") == "own"


def test_commits_that_only_gits_list_still_knows_are_kept(tmp_path: Path) -> None:
    project = made(tmp_path)
    project.sh(f"cd {place(project)}; git commit -q --allow-empty -m own; rm -r ../../{project.run.name}")

    told = project.aad("clean").exits(0).says("")

    told.prints("""
        ⊘ .aad/worktrees/RUN/A  kept: it has commits that no branch holds
          → git worktree list
        nothing to remove · 1 kept
        """)
    assert project.worktrees() == ["A"]


def test_an_edited_copy_of_a_spec_file_that_is_in_no_commit_is_kept(tmp_path: Path) -> None:
    project = keeping(tmp_path).commit().spec("A", "echo made >made.txt")
    project.run_all().exits(0)
    project.sh(f"echo '- [x] mine' >>{place(project)}/.aad/specs/A.md")

    stays(project, "changes")


def test_secrets_that_a_session_left_are_kept(tmp_path: Path) -> None:
    stays(made(tmp_path, "echo s >.env; echo made >made.txt"), "files")


def test_a_killed_session_is_kept_until_the_run_has_gone_on(tmp_path: Path) -> None:
    project = keeping(tmp_path).spec("A", f"echo half >half.txt; {wait_for_file('go')}").commit()
    with project.start("orchestrate", "--all") as running:
        running.until("session_started", "A")
        running.until("workspace_ready", "A")
        until_made = place(project) / "half.txt"
        project.sh(wait_for_file(str(until_made)))
        running.send(signal.SIGKILL).end()

    killed = clean(project)
    project.spec("A", "exit 1").aad(*RESUME, "--accept-changes").exits(1)

    assert (killed, clean(project)) == (([], {"A": "changes"}), (["A"], {}))
    assert project.show("half.txt", f"refs/aad/{project.run.name}/A/1") == "half"


def test_a_worktree_with_the_repository_of_a_submodule_is_kept(tmp_path: Path) -> None:
    library = begin(tmp_path, "library").commit()
    project = keeping(tmp_path).spec("A", "git -c protocol.file.allow=always submodule update --init")
    project.git("submodule", "--quiet", "add", str(library.root), "library")
    project.commit().run_all().exits(0)

    stays(project, "repository")


def test_a_session_that_waits_for_an_answer_is_kept(tmp_path: Path) -> None:
    ask = """echo '{"question": "Which way?"}' >> $AAD_EVENTS; sleep 86400"""
    project = keeping(tmp_path).set(AAD_ESCALATION_QUESTIONS="fail").spec("A", ask).commit()
    project.run_all().exits(4)

    assert clean(project, "--dry-run") == ([], {"A": "waiting"})
    assert clean(project) == ([], {"A": "waiting"})
    assert place(project).is_dir()


def test_a_worktree_that_no_journal_knows_is_never_touched(tmp_path: Path) -> None:
    project = made(tmp_path)
    project.sh(f"git worktree add -q .aad/worktrees/mine; git worktree add -q {place(project, 'own')}")
    before = project.belongings()

    told = project.aad("clean").exits(0).says("")

    # In the column stands the run's id, which is longer than `RUN`.
    blanks = " " * (len(project.run.name) + 2)
    told.prints(f"""
        ✓ .aad/worktrees/RUN/A    removed
        ⊘ .aad/worktrees/RUN/own  kept: no journal says that it is ours
        ⊘ .aad/worktrees/mine{blanks}kept: no journal says that it is ours
        1 worktree removed · 2 kept
        """)
    assert sorted(project.worktrees()) == ["mine", "own"]
    assert project.belongings() == before


@pytest.mark.parametrize(
    "act", ["rm {run}/journal.jsonl", "sed -i s/workspace_ready/workspace_gone/ {run}/journal.jsonl"]
)
def test_without_its_journal_a_worktree_is_nobodys(tmp_path: Path, act: str) -> None:
    project = made(tmp_path)
    project.sh(act.format(run=project.run))

    stays(project, "foreign")


def test_a_link_to_another_worktree_is_never_followed(tmp_path: Path) -> None:
    project = made(tmp_path)
    project.sh(f"git worktree add -q ../mine; rm -r {place(project)}; ln -s {tmp_path}/mine {place(project)}")

    assert clean(project) == ([], {"A": "foreign"})
    assert (project.worktrees(), (tmp_path / "mine" / "kept.txt").is_file()) == (["mine", "A"], True)


def test_a_worktree_that_git_does_not_know_any_more_is_kept_if_it_holds_files(tmp_path: Path) -> None:
    project = made(tmp_path)
    project.sh("rm -r .git/worktrees/A")

    stays(project, "unknown")


def test_folders_of_sessions_are_kept_also_outside_of_git(tmp_path: Path) -> None:
    project = Project(tmp_path / "plain").config('[workspace]\nisolation = "directory"\n')
    project.spec("A", "echo made >made.txt").aad("orchestrate", "--all").exits(0)

    told = project.aad("clean").exits(0).says("")

    told.prints("""
        ⊘ .aad/worktrees/RUN/A  kept: its results are only there
          → ls -A .aad/worktrees/RUN/A
        nothing to remove · 1 kept
        """)


def test_without_the_repository_what_holds_files_is_kept(tmp_path: Path) -> None:
    project = made(tmp_path)
    project.sh("mv .git ../git.away")

    assert clean(project) == ([], {"A": "unknown"})


def test_where_nothing_ever_ran_nothing_is_made(tmp_path: Path) -> None:
    project = keeping(tmp_path).spec("A").commit()
    before = project.tree()

    project.aad("clean").exits(0).says("").prints("nothing to remove")

    assert project.tree() == before


# While a run goes on.


def test_a_run_that_goes_on_keeps_its_own_and_lets_nothing_be_cleaned(tmp_path: Path) -> None:
    project = keeping(tmp_path).spec("A", wait_for_file("go")).commit()
    with project.start("orchestrate", "--all") as running:
        running.until("session_started", "A")
        refused = project.aad("clean")
        planned = clean(project, "--dry-run")
        (place(project) / "go").touch()
        running.end().exits(0)

    refused.exits(6).prints("").says(
        "run RUN holds this project: process PID, since TIME (wait for its end, or end it)"
    )
    assert planned == ([], {"A": "under_way"})


def test_what_was_cleaned_is_made_anew_when_the_run_goes_on(tmp_path: Path) -> None:
    project = made(tmp_path, "test -e ../../../../mended; echo made >made.txt")
    assert clean(project) == (["A"], {})

    project.touch("mended").aad(*RESUME).exits(0)

    assert project.show("made.txt") == "made"


# How it is told.


def test_each_is_told_with_the_command_that_shows_why(tmp_path: Path) -> None:
    project = begin(tmp_path, "my project").config(ALWAYS).spec("A").spec("B").commit()
    project.run_all().exits(0)
    project.sh(f"echo more >'{place(project)}/more.txt'")

    told = project.aad("clean", cwd=project.root / "src").exits(0).says("")

    told.prints("""
        ⊘ .aad/worktrees/RUN/A  kept: it has changes that no commit holds
          → git -C ../.aad/worktrees/RUN/A status
        ✓ .aad/worktrees/RUN/B  removed
        1 worktree removed · 1 kept
        """)


def test_it_is_told_in_japanese(tmp_path: Path) -> None:
    project = keeping(tmp_path).spec("A").spec("B").commit()
    project.run_all().exits(0)
    project.sh(f"echo more >'{place(project)}/more.txt'")

    planned, told = project.aad("clean", "--dry-run", "--lang", "ja"), project.aad("clean", "--lang", "ja")

    kept = """
        ⊘ .aad/worktrees/RUN/A  保持: コミットされていない変更がある
          → git -C .aad/worktrees/RUN/A status"""
    planned.exits(0).prints(f"""{kept}
          .aad/worktrees/RUN/B  削除の対象
        1件の worktree を削除します（まだ何も削除していません） · 1件を保持
        """)
    told.exits(0).prints(f"""{kept}
        ✓ .aad/worktrees/RUN/B  削除しました
        1件の worktree を削除しました · 1件を保持
        """)


def test_it_is_told_as_json(tmp_path: Path) -> None:
    project = keeping(tmp_path).spec("A").spec("B").commit()
    project.run_all().exits(0)
    project.sh(f"echo more >'{place(project)}/more.txt'")

    told: Any = project.aad("clean", "--format", "json").exits(0).says("").json()

    run = project.run.name
    assert told == {
        "version": 1,
        "dry_run": False,
        "removed": [{"run": run, "spec": "B", "path": str(place(project, "B"))}],
        "kept": [{"run": run, "spec": "A", "path": str(place(project, "A")), "reason": "changes"}],
    }


def test_what_cannot_be_looked_through_is_named_and_the_others_go(tmp_path: Path) -> None:
    project = keeping(tmp_path).spec("A").spec("B").commit()
    project.run_all().exits(0)
    project.file(".git/worktrees/A/index", "no index")

    told = project.aad("clean")

    told.exits(1).prints("""
        ✗ .aad/worktrees/RUN/A  kept: it could not be looked through or removed
        ✓ .aad/worktrees/RUN/B  removed
        1 worktree removed · 1 kept
        """)
    cause = told.err.decode()
    assert cause.startswith(f".aad/worktrees/{project.run.name}/A: cannot be cleaned: git status: ")
    assert cause.endswith(text("en", "clean_impossible", {"cause": ""}).partition(" (")[2] + "\n")
    assert place(project).is_dir()


def test_a_run_with_workspaces_is_not_pruned_before_they_are_cleaned(tmp_path: Path) -> None:
    project = made(tmp_path)
    older = project.run
    project.run_all().exits(0)
    prune = ("runs", "prune", "--keep", "1", "--format", "json")

    held = project.aad(*prune).exits(0).json()["runs"]
    project.aad("clean").exits(0)
    gone = project.aad(*prune).exits(0).json()["runs"]

    assert [(each["run"], each["held"]) for each in (*held, *gone)] == [
        (older.name, "workspaces"),
        (older.name, None),
    ]
    assert json.loads((project.run / "summary.json").read_bytes())["status"] == "completed"
