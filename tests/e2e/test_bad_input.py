"""What cannot be run is refused before anything is started: each fault by its place, with the way out."""

from pathlib import Path

import pytest
from harness import Project

ALL = ("orchestrate", "--all")


def refuse(project: Project, *arguments: str, status: int = 2, says: str) -> None:
    """Demand that a command is refused in these words, and that nothing was started or written."""
    before = project.tree()

    result = project.aad(*(arguments or ALL))

    result.exits(status).prints("").says(says)
    assert project.tree() == before


def test_an_empty_folder_of_specs_matches_nothing(tmp_path: Path) -> None:
    refuse(
        Project(tmp_path),
        status=5,
        says="no specs in .aad/specs (write one as SPEC-001.md, or let `aad init` do it)",
    )


def test_a_missing_folder_of_specs_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.specs.rmdir()

    refuse(
        project,
        says=".aad/specs does not exist (`aad init` makes a first spec, --specs-dir names another folder)",
    )


def test_each_unknown_id_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("SPEC-001")

    refuse(
        project,
        *("orchestrate", "--specs", "SPEC-001,SPEC-009,NOPE"),
        says="""
        no spec matches SPEC-009 (did you mean SPEC-001?)
        no spec matches NOPE (`aad specs` lists them)
        """,
    )


def test_a_glob_that_matches_nothing_is_its_own_exit_status(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("SPEC-001")

    refuse(
        project,
        *("orchestrate", "--specs", "X*"),
        status=5,
        says="no spec matches X* (`aad specs` lists them)",
    )


def test_a_cycle_of_three_is_named_whole(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", depends_on=["C"]).spec("B", depends_on=["A"])

    refuse(
        project.spec("C", depends_on=["B"]),
        says=".aad/specs/A.md:2: specs need each other in a circle: A → C → B → A "
        "(take out one of these dependencies)",
    )


def test_an_id_that_two_files_claim_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A").file(".aad/specs/B.md", "---\nid: A\nrun: 'true'\n---\n# A\n")

    refuse(
        project,
        says=".aad/specs/B.md:1: A is also the id of .aad/specs/A.md "
        "(ids must differ in more than case; change one)",
    )


def test_broken_yaml_is_named_by_its_line(tmp_path: Path) -> None:
    project = Project(tmp_path).file(".aad/specs/A.md", "---\nrun: [true\n---\n# A\n")

    refuse(
        project,
        says=".aad/specs/A.md:3: the front matter is not valid YAML: did not find expected ',' or ']' "
        "(put quotes around the value?)",
    )


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    project = (
        Project(tmp_path)
        .spec("A", depends_on=["NOPE"])
        .spec("B", timout="3s")
        .spec("C", status="Perhaps")
        .spec("X", depends_on=["Y"])
        .spec("Y", depends_on=["X"])
        .file(".aad/specs/Z.md", "---\nrun: x\nrun: y\n---\n# Z\n")
    )

    refuse(
        project,
        says="""
        .aad/specs/A.md:2: depends on NOPE, which does not exist (write it, or take it out)
        .aad/specs/B.md:2: unknown key `timout` (did you mean timeout? keys of your own begin with `x-`)
        .aad/specs/C.md:2: unknown status Perhaps (known: Approved, In Progress, 未着手, 進行中, Draft, \
Review, レビュー中, Done, Completed, 完了)
        .aad/specs/X.md:2: specs need each other in a circle: X → Y → X (take out one of these dependencies)
        .aad/specs/Z.md:3: `run` stands in line 2 already (keep one of them)
        """,
    )


def test_broken_toml_is_named_by_its_line(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A").config("version = '0.1.0'\n[orchestrator\n")

    # The words of the fault are the parser's, which differ between versions of Python.
    result = project.aad(*ALL).exits(2)

    assert result.err.startswith(b"config/aad.toml:2: not valid TOML: ")


def test_unknown_settings_are_named_with_the_nearest_ones(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A")

    refuse(
        project.config("""
            [orchestrator]
            max_paralel_sessions = 3
            [agnt]
            kind = "command"
        """),
        says="""
        config/aad.toml:2: `orchestrator.max_paralel_sessions` is no setting \
(did you mean `max_parallel_sessions`?)
        config/aad.toml:3: `agnt` is no setting (did you mean `agent`?)
        """,
    )


def test_negative_and_absurd_durations_of_specs_are_refused(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", timeout="-5m").spec("B", timeout="99999999d")
    wanted = 'must be a duration such as "90s", "30m" or "1h30m", not'

    refuse(
        project.spec("C", estimate="soon").spec("D", stall_timeout="1e400s"),
        says=f"""
        .aad/specs/A.md:2: `timeout` {wanted} -5m
        .aad/specs/B.md:2: `timeout` {wanted} 99999999d
        .aad/specs/C.md:2: `estimate` {wanted} soon
        .aad/specs/D.md:2: `stall_timeout` {wanted} 1e400s
        """,
    )


def test_negative_and_absurd_durations_of_the_config_are_refused(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A")
    wanted = 'must be a duration such as "90s", "30m" or "1h30m", at most ten years, not'

    refuse(
        project.config("""
            [orchestrator]
            session_timeout = "-5m"
            slow_after = "900000h"
            monitor_interval = "0m"
        """),
        says=f"""
        config/aad.toml:2: `orchestrator.session_timeout` {wanted} "-5m"
        config/aad.toml:3: `orchestrator.slow_after` {wanted} "900000h"
        config/aad.toml:4: `orchestrator.monitor_interval` must be from 0.01 to 3600 seconds, not "0m"
        """,
    )


@pytest.mark.parametrize("limit", ["-300s", "9999999999d"])
def test_a_duration_that_is_none_is_a_usage_error(tmp_path: Path, limit: str) -> None:
    refuse(
        Project(tmp_path).spec("A"),
        *(*ALL, f"--timeout={limit}"),
        says=f"""
        Usage: aad orchestrate [OPTIONS]
        aad: Invalid value for '--timeout': {limit} is no duration (write it like 90s, 30m or 1h30m)
        """,
    )


OTHER_LETTERS = "(use letters, digits, `.`, `_` and `-` only)"


def test_ids_that_are_no_safe_file_names_are_refused(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("a b").spec("🚀")
    for number, spec_id in enumerate(["../up", "a b/c", "🚀🚀", "..", "x" * 300, "", "run"], start=1):
        project.file(f".aad/specs/S-{number}.md", f'---\nid: "{spec_id}"\nrun: "true"\n---\n# One\n')

    refuse(
        project,
        says=f"""
        .aad/specs/S-1.md:2: ../up cannot be an id {OTHER_LETTERS}
        .aad/specs/S-2.md:2: a b/c cannot be an id {OTHER_LETTERS}
        .aad/specs/S-3.md:2: 🚀🚀 cannot be an id {OTHER_LETTERS}
        .aad/specs/S-4.md:2: .. cannot be an id (it must not begin with `.` or `-`, end with `.` or `.lock`, \
or hold `..`)
        .aad/specs/S-5.md:2: {"x" * 60}... is too long for an id (at most 100 bytes)
        .aad/specs/S-6.md:2: the id is empty (write one, such as SPEC-001)
        .aad/specs/S-7.md:2: run cannot be an id (aad keeps a file or branch of that name; choose another)
        .aad/specs/a b.md:1: a b cannot be an id {OTHER_LETTERS}
        .aad/specs/🚀.md:1: 🚀 cannot be an id {OTHER_LETTERS}
        """,
    )


@pytest.mark.parametrize("jobs", ["0", "1001"])
def test_fewer_slots_than_one_and_more_than_a_thousand_are_a_usage_error(tmp_path: Path, jobs: str) -> None:
    refuse(
        Project(tmp_path).spec("A"),
        *(*ALL, "--jobs", jobs),
        says=f"""
        Usage: aad orchestrate [OPTIONS]
        aad: Invalid value for '--jobs' / '-j': {jobs} is not in the range 1<=x<=1000.
        """,
    )


def test_a_spec_that_nothing_says_how_to_run_is_refused(tmp_path: Path) -> None:
    refuse(
        Project(tmp_path).set(PATH="/nowhere").spec("A", None),
        says=".aad/specs/A.md:1: A does not say what to run (give it `run:`; or set `kind` in [agent] of "
        "config/aad.toml to an agent, or `command` there; agents found on PATH: -)",
    )


def test_a_draft_that_is_named_outright_is_refused(tmp_path: Path) -> None:
    refuse(
        Project(tmp_path).spec("A", status="Draft"),
        *("orchestrate", "--specs", "A"),
        says=".aad/specs/A.md:1: A is a draft (approve it, or pass --allow-draft)",
    )


def test_a_draft_that_others_need_is_refused(tmp_path: Path) -> None:
    refuse(
        Project(tmp_path).spec("A", status="Review").spec("B", depends_on=["A"]),
        says=".aad/specs/B.md:2: depends on A, which is a draft (approve it, or pass --allow-draft)",
    )


NOTHING_SELECTED = (
    "nothing is selected (--specs SPEC-001,SPEC-002 names specs, --all takes them all, --resume goes on with "
    "the newest run)"
)


FORMAT_WITHOUT_PLAN = (
    "--format says how a plan is written (add --dry-run; the events of a run come with --log-format json)"
)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ([], NOTHING_SELECTED),
        (["--all", "--specs", "A"], "--specs and --all exclude each other (name specs, or take them all)"),
        (
            ["--all", "--format", "json"],
            FORMAT_WITHOUT_PLAN,
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, arguments: list[str], fault: str) -> None:
    refuse(
        Project(tmp_path).spec("A"),
        *("orchestrate", *arguments),
        says=f"Usage: aad orchestrate [OPTIONS]\naad: {fault}",
    )


def test_nothing_can_be_resumed_where_nothing_was_run(tmp_path: Path) -> None:
    refuse(
        Project(tmp_path).spec("A"),
        *("orchestrate", "--resume"),
        says="there are no runs yet (aad orchestrate begins one)",
    )


@pytest.mark.parametrize("name", ["runs", "state"])
def test_a_file_in_place_of_a_folder_of_ours_is_refused(tmp_path: Path, name: str) -> None:
    project = Project(tmp_path).spec("A").touch(f".aad/{name}")

    result = project.aad(*ALL)

    place = f"ROOT/.aad/{name}"
    words = f"{place}: cannot be written: File exists (make it writable, or run in a copy of the project)"
    result.exits(2).prints("").says(words)
