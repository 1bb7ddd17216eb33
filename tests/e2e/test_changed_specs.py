"""Specs that changed before their run goes on are named and asked about: nothing is mixed unseen."""

import signal
from pathlib import Path
from zlib import crc32

import pytest
from harness import Project, wait_for_file
from stopped import (
    ACCEPT,
    ALL,
    DRAFT,
    EDITED,
    GONE,
    OPEN,
    OPEN_JA,
    RESUME,
    drop,
    hashes,
    mark,
    mend,
    plans,
    refusal,
    started,
    stopped,
)

# Without a terminal.


def test_all_changes_are_named_at_once_and_nothing_is_started_or_written(tmp_path: Path) -> None:
    project = stopped(tmp_path, D=["B"], E=["B"], F=["B"])
    drop(mend(project), "C").spec("D", depends_on=["B", "E"]).spec("E", depends_on=["NEW", "B"]).spec("NEW")
    before = project.journal_file.read_bytes()

    result = project.aad(*RESUME)

    result.exits(2).prints("").says(f"""
        .aad/specs/B.md:1: B was edited after run RUN had planned it
        .aad/specs/C.md: C was part of run RUN and is gone
        .aad/specs/D.md:1: D was edited after run RUN had planned it
        .aad/specs/D.md:2: D now depends on E, and did not when run RUN planned it
        .aad/specs/E.md:1: E was edited after run RUN had planned it
        .aad/specs/E.md:2: E now depends on NEW, which is not part of run RUN
        {OPEN}
    """)
    assert project.journal_file.read_bytes() == before
    assert project.read("marks") == "A\n"


def test_they_are_named_in_japanese(tmp_path: Path) -> None:
    project = stopped(tmp_path, D=["B"], E=["B"])
    drop(project, "C").spec("D", depends_on=["B", "E"]).spec("E", status="Draft", depends_on=["NEW", "B"])
    project.spec("NEW")

    result = project.aad(*RESUME, "--lang", "ja")

    draft = (
        ".aad/specs/E.md:1: E は実行 RUN の計画の後で下書きになりました"
        "（承認するか、--allow-draft を付けてください）"
    )
    told = (
        ".aad/specs/C.md: C は実行 RUN に含まれていましたが、見つかりません",
        ".aad/specs/D.md:1: D は実行 RUN の計画の後で編集されました",
        ".aad/specs/D.md:2: D は E に依存するようになりましたが、実行 RUN の計画ではそうではありませんでした",
        ".aad/specs/E.md:1: E は実行 RUN の計画の後で編集されました",
        draft,
        ".aad/specs/E.md:3: E は、実行 RUN に含まれない NEW に依存するようになりました",
        OPEN_JA,
    )
    result.exits(2).says("\n".join(told))


def test_faults_of_the_files_are_named_beside_them(tmp_path: Path) -> None:
    project = stopped(tmp_path, D=["B"])
    drop(mend(project), "C").spec("D", depends_on=["C"])

    refused, accepted = project.aad(*RESUME), project.aad(*ACCEPT)

    fault = ".aad/specs/D.md:2: depends on C, which does not exist (write it, or take it out)"
    refused.exits(2).says(f"""
        .aad/specs/B.md:1: B was edited after run RUN had planned it
        .aad/specs/C.md: C was part of run RUN and is gone
        .aad/specs/D.md:1: D was edited after run RUN had planned it
        {fault}
        {OPEN}
    """)
    accepted.exits(2).says(fault)


def test_two_edits_between_two_ends_are_one_change(tmp_path: Path) -> None:
    project = stopped(tmp_path)

    first = mend(project).aad(*RESUME)
    second = project.spec("B", "exit 1", depends_on=["A"]).aad(*RESUME, "--dry-run")

    first.exits(2).says(refusal(EDITED))
    # As it was planned: nothing changed.
    second.exits(0).says("")


# Accepted.


def test_what_was_accepted_is_told_and_runs_as_it_is_now(tmp_path: Path) -> None:
    project = stopped(tmp_path)

    result = mend(project).aad(*ACCEPT, "--jobs", "1")

    result.exits(0).prints("").says("""
        .aad/specs/B.md:1: B was edited after run RUN had planned it
        run RUN goes on with these changes
        🚀 Orchestrator started
          run RUN resumed · 3 specs · 1 complete · 1 slot
        📊 Plan:
          - A (complete)
          - B (after A)
          - C (after B)

        ⏳ B (attempt 2) started...
        ✓ B completed (0.0s)
        ⏳ C started...
        ✓ C completed (0.0s)

        📈 Summary:
          Completed: 3 (A, B, C)
          Failed: 0
          Total time: 0.0s
          B completed at attempt 2
    """)
    assert project.read("marks") == "A\nB\nC\n"


def test_the_journal_has_what_was_accepted(tmp_path: Path) -> None:
    project = stopped(tmp_path, D=["B"])

    drop(mend(project), "D").spec("C", mark("C"), depends_on=["B", "NEW"]).spec("NEW", mark("NEW"))
    project.aad(*ACCEPT).exits(0)

    first, second = plans(project)
    before, after = hashes(first), hashes(second)
    assert {spec for spec, digest in after.items() if before.get(spec) != digest} == {"B", "C", "NEW"}
    assert (first.get("removed"), second["removed"]) == (None, ["D"])
    assert [entry["id"] for entry in second["specs"] if entry["added"]] == ["NEW"]


def test_what_was_accepted_once_is_not_asked_about_again(tmp_path: Path) -> None:
    project = stopped(tmp_path, D=["B"])
    drop(project, "D").spec("C", "exit 1", depends_on=["B", "NEW"]).spec("NEW", mark("NEW"))
    mend(project).aad(*ACCEPT).exits(1)

    project.aad(*RESUME, "-q").exits(1)

    assert started(project)[-1] == ("C", 2)


def test_what_was_marked_as_complete_meanwhile_is_not_run(tmp_path: Path) -> None:
    project = stopped(tmp_path).spec("B", mark("B"), status="Done", depends_on=["A"])

    project.aad(*ACCEPT).exits(0)

    assert project.read("marks") == "A\nC\n"


def test_a_quiet_run_does_not_tell_what_was_accepted(tmp_path: Path) -> None:
    project = stopped(tmp_path)

    result = mend(project).aad(*ACCEPT, "-q")

    result.exits(0).says("""
        📈 Summary:
          Completed: 3 (A, B, C)
          Failed: 0
          Total time: 0.0s
          B completed at attempt 2
    """)


def test_after_kill_9_the_new_text_runs_once_it_is_accepted(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", mark("A"))
    project.spec("B", wait_for_file("never"), depends_on=["A"]).spec("C", mark("C"), depends_on=["B"])
    with project.start(*ALL) as running:
        running.until("session_started", "B")
        running.send(signal.SIGKILL).end().exits(-signal.SIGKILL)

    refused = mend(project).aad(*RESUME)
    accepted = project.aad(*ACCEPT)

    refused.exits(2).says(refusal(EDITED))
    accepted.exits(0)
    assert project.read("marks") == "A\nB\nC\n"


def test_nothing_changed_needs_no_accepting(tmp_path: Path) -> None:
    project = stopped(tmp_path)

    result = project.aad(*ACCEPT, "-q")

    result.exits(1)
    assert started(project) == [("A", 1), ("B", 1), ("B", 2)]


# New dependencies.


def test_a_dependent_waits_for_what_it_needs_now(tmp_path: Path) -> None:
    project = stopped(tmp_path, D=["B"])

    mend(project).spec("C", mark("C"), depends_on=["D"]).aad(*ACCEPT, "--jobs", "4").exits(0)

    assert project.read("marks") == "A\nB\nD\nC\n"


def test_a_circle_of_old_and_new_dependencies_is_an_error(tmp_path: Path) -> None:
    project = stopped(tmp_path, D=["C"]).spec("B", depends_on=["A", "D"])

    refused, accepted = project.aad(*RESUME), project.aad(*ACCEPT)

    fault = (
        ".aad/specs/B.md:2: specs need each other in a circle: B → D → C → B "
        "(take out one of these dependencies)"
    )
    refused.exits(2).says(f"""
        .aad/specs/B.md:1: B was edited after run RUN had planned it
        .aad/specs/B.md:2: B now depends on D, and did not when run RUN planned it
        {fault}
        {OPEN}
    """)
    accepted.exits(2).says(fault)


def test_what_is_new_to_the_run_is_taken_in_with_all_that_it_needs(tmp_path: Path) -> None:
    project = stopped(tmp_path).spec("N-1", mark("N-1")).spec("N-2", mark("N-2"), depends_on=["N-1", "A"])

    result = project.spec("B", mark("B"), depends_on=["A", "N-2"]).aad(*ACCEPT, "--jobs", "1")

    result.exits(0).says("""
        .aad/specs/B.md:1: B was edited after run RUN had planned it
        .aad/specs/B.md:2: B now depends on N-2, which is not part of run RUN
        run RUN goes on with these changes
        🚀 Orchestrator started
          run RUN resumed · 5 specs · 1 complete · 1 slot
        📊 Plan:
          - A (complete)
          - N-1 (no dependencies)
          - N-2 (after N-1, A)
          - B (after A, N-2)
          - C (after B)
          Added: N-1, N-2 (needed by B)

        ⏳ N-1 started...
        ✓ N-1 completed (0.0s)
        ⏳ N-2 started...
        ✓ N-2 completed (0.0s)
        ⏳ B (attempt 2) started...
        ✓ B completed (0.0s)
        ⏳ C started...
        ✓ C completed (0.0s)

        📈 Summary:
          Completed: 5 (A, B, C, N-1, N-2)
          Failed: 0
          Total time: 0.0s
          B completed at attempt 2
    """)


def test_what_is_complete_in_its_file_is_met(tmp_path: Path) -> None:
    project = (
        stopped(tmp_path).spec("NEW", mark("NEW"), status="Done", depends_on=["OLD"]).spec("OLD", "exit 1")
    )

    project.spec("B", mark("B"), depends_on=["A", "NEW"]).aad(*ACCEPT).exits(0)

    assert project.read("marks") == "A\nB\nC\n"


def test_without_dependencies_nothing_is_taken_in(tmp_path: Path) -> None:
    project = stopped(tmp_path).spec("NEW", mark("NEW"))

    project.spec("B", mark("B"), depends_on=["A", "NEW"]).aad(*ACCEPT, "--no-deps").exits(0)

    assert project.read("marks") == "A\nB\nC\n"


def test_a_draft_that_is_needed_now_is_taken_in_only_where_drafts_are_allowed(tmp_path: Path) -> None:
    project = stopped(tmp_path).spec("NEW", mark("NEW"), status="Draft")
    project.spec("B", mark("B"), depends_on=["A", "NEW"])

    refused, allowed = project.aad(*ACCEPT), project.aad(*ACCEPT, "--allow-draft")

    refused.exits(2).says(".aad/specs/NEW.md:1: NEW is a draft (approve it, or pass --allow-draft)")
    allowed.exits(0)


# Drafts.


@pytest.mark.parametrize("words", [RESUME, ACCEPT])
def test_what_became_a_draft_is_not_run_by_accepting_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    project = stopped(tmp_path).spec("B", mark("B"), status="Draft", depends_on=["A"])

    result = project.aad(*words)

    result.exits(2).says(DRAFT if words == ACCEPT else refusal(EDITED, DRAFT))


def test_what_became_a_draft_runs_where_drafts_are_allowed_and_it_is_accepted(tmp_path: Path) -> None:
    project = stopped(tmp_path).spec("B", mark("B"), status="Draft", depends_on=["A"])

    refused, accepted = project.aad(*RESUME, "--allow-draft"), project.aad(*ACCEPT, "--allow-draft")

    assert (refused.status, accepted.status) == (2, 0)


# Parts of a run.


def test_a_part_that_is_named_is_asked_about_and_the_rest_is_not(tmp_path: Path) -> None:
    project = stopped(tmp_path, D=["A"], E=["B"])
    drop(mend(project), "E").spec("C", depends_on=["B"])

    result = project.aad(*RESUME, "--specs", "B")

    result.exits(2).says(refusal(EDITED))


def test_a_rest_that_was_left_alone_is_asked_about_in_its_turn(tmp_path: Path) -> None:
    project = drop(mend(stopped(tmp_path)), "C")
    project.aad(*ACCEPT, "--specs", "B").exits(0)

    result = project.aad(*RESUME)

    result.exits(2).says(refusal(GONE))


def test_with_all_specs_what_is_gone_is_named_too(tmp_path: Path) -> None:
    project = drop(stopped(tmp_path, D=["A"]), "C").spec("NEW")

    refused = project.aad(*RESUME, "--all")
    project.aad(*ACCEPT, "--all").exits(1)

    refused.exits(2).says(refusal(GONE))
    assert plans(project)[-1]["removed"] == ["C"]


# A look ahead.


@pytest.mark.parametrize(("words", "last"), [(RESUME, OPEN), (ACCEPT, "run RUN goes on with these changes")])
def test_a_dry_run_names_the_changes_and_shows_the_plan_with_them(
    tmp_path: Path, words: tuple[str, ...], last: str
) -> None:
    project = drop(stopped(tmp_path, D=["B"]), "C").spec("D", depends_on=["NEW"]).spec("NEW")
    before = project.tree()

    result = project.aad(*words, "--dry-run")

    result.exits(0).prints("""
        📋 Plan (dry run):
          ┌─ A        complete
          │   └─ B
          └─ NEW
              └─ D
          Order: NEW → [B, D in parallel]
          Added: NEW (needed by D)
          Estimated time: unknown (no history)
    """)
    result.says(f"""
        .aad/specs/C.md: C was part of run RUN and is gone
        .aad/specs/D.md:1: D was edited after run RUN had planned it
        .aad/specs/D.md:2: D now depends on NEW, which is not part of run RUN
        {last}
    """)
    assert project.tree() == before


def test_a_dry_run_as_json_names_the_changes_beside_it(tmp_path: Path) -> None:
    project = mend(stopped(tmp_path))

    result = project.aad(*RESUME, "--dry-run", "--format", "json")

    result.exits(0).says(refusal(EDITED))
    assert result.json()["order"] == [["B"], ["C"]]


# Journals that are not ours to go on with.


def test_the_journal_of_a_newer_version_is_refused_whatever_changed(tmp_path: Path) -> None:
    project = mend(stopped(tmp_path))
    first, _, rest = project.journal_file.read_bytes().partition(b"\n")
    body = first[: first.rindex(b',"crc"')].replace(b'{"v":1,', b'{"v":2,')
    project.journal_file.write_bytes(b'%s,"crc":"%08x"}\n' % (body, crc32(body)) + rest)
    before = project.journal_file.read_bytes()

    result = project.aad(*ACCEPT)

    result.exits(2).says(
        "ROOT/.aad/runs/RUN/journal.jsonl: written in version 2 of the format, and this aad knows version 1 "
        "(use the aad that wrote it)"
    )
    assert project.journal_file.read_bytes() == before
