"""How what was found is judged: what is well, what is a fact, a warning, a problem."""

from pathlib import Path

import attrs
import pytest

from aad import messages
from aad.agents.base import Caps
from aad.checkout import Checkout
from aad.diagnosis import (
    CAPS,
    MISSED,
    Check,
    State,
    blame_repository,
    blame_specs,
    check_agents,
    check_config,
    check_containment,
    check_disk,
    check_files,
    check_folder,
    check_git,
    check_holder,
    check_lock,
    check_platform,
    check_project,
    check_repository,
    check_specs,
    describe_caps,
    is_sound,
)
from aad.errors import Problem
from aad.gitcalls import GitError
from aad.machine import Means
from aad.project import Project

ALL = Means(proc=True, children=True, orphans=True, handles=True)
NONE = Means(proc=False, children=False, orphans=False, handles=False)
CONTAINED = "Containment: what a session starts ends with it, daemons too, and with aad, however that ends"
GIT_REMEDY = "install git 2.38 or newer"


def say(check: Check) -> tuple[str, str, str | None]:
    """Return what people read of a check: its state, its line, the way out."""
    remedy = None if check.remedy is None else messages.text("en", check.remedy, check.told.fields)
    return check.state, check.told.render(), remedy


def test_only_a_problem_keeps_aad_from_working() -> None:
    checks = [Check("x", state, Problem("doctor.lock")) for state in State]

    assert [is_sound([check]) for check in checks] == [True, True, True, False]


@pytest.mark.parametrize(
    ("platform", "state"),
    [("linux", "ok"), ("darwin", "warning"), ("freebsd14", "problem")],
)
def test_linux_is_well_and_what_was_not_tested_is_not(platform: str, state: str) -> None:
    assert check_platform(platform, "System", "1.0").state == state


def test_on_linux_with_all_means_everything_holds() -> None:
    assert [say(check) for check in check_containment("linux", ALL)] == [("ok", CONTAINED, None)]


def test_without_lists_of_children_all_holds_and_is_slower() -> None:
    means = Means(proc=True, children=False, orphans=True, handles=True)

    (told,) = [say(check) for check in check_containment("linux", means)]

    assert told == (
        "ok",
        f"{CONTAINED}; the kernel lists no children here, so finding them takes longer",
        None,
    )


def test_each_means_that_linux_lacks_is_told_with_what_it_costs() -> None:
    assert [say(check) for check in check_containment("linux", NONE)] == [
        (
            "problem",
            "Containment: /proc does not tell of processes, so what a session starts cannot be ended",
            "mount it: mount -t proc proc /proc",
        ),
        (
            "warning",
            "Containment: the kernel does not hand us orphans, so a daemon may outlive its session",
            "run aad on Linux 3.4 or newer, and not in a sandbox that forbids prctl",
        ),
        (
            "warning",
            "Containment: processes cannot be held while they are signalled, so an id that is used again at \
that instant could mislead a signal",
            "run aad on Linux 5.3 or newer, and not in a sandbox that forbids handles of processes",
        ),
    ]


@pytest.mark.parametrize(
    ("platform", "told"),
    [
        (
            "darwin",
            "Containment: what a session starts ends with it, but for daemons that leave its process group",
        ),
        ("freebsd14", "Containment: nothing is known to hold here"),
    ],
)
def test_elsewhere_no_more_is_promised_than_holds(platform: str, told: str) -> None:
    remedy = "use Linux where sessions must end whatever happens"

    assert [say(check) for check in check_containment(platform, NONE)] == [("warning", told, remedy)]


def test_a_git_that_can_merge_without_a_work_tree_is_well() -> None:
    assert say(check_git((2, 38, 0), wanted=True)) == ("ok", "git 2.38.0", None)


@pytest.mark.parametrize(("wanted", "state"), [(True, "problem"), (False, "warning")])
def test_an_old_git_is_a_problem_only_where_worktrees_are_wanted(wanted: bool, state: str) -> None:
    told = say(check_git((2, 37, 9), wanted=wanted))

    assert told == (state, "git 2.37.9 is too old for sessions to have worktrees of their own", GIT_REMEDY)


@pytest.mark.parametrize(("wanted", "state"), [(True, "problem"), (False, "warning")])
def test_no_git_is_a_problem_only_where_worktrees_are_wanted(wanted: bool, state: str) -> None:
    told = say(check_git(GitError("version", "git: No such file or directory"), wanted=wanted))

    sentence = (
        "git cannot be asked, so sessions cannot have worktrees of their own: git: No such file or directory"
    )
    assert told == (state, sentence, GIT_REMEDY)


def test_a_git_that_does_not_tell_its_version_counts_as_old() -> None:
    assert check_git((), wanted=False).state == "warning"


@pytest.mark.parametrize(
    ("branch", "told"),
    [
        ("main", "Repository: /w, at branch main"),
        (None, "Repository: /w, at no branch (detached HEAD)"),
    ],
)
def test_a_repository_is_named_with_its_branch(branch: str | None, told: str) -> None:
    checkout = Checkout(top=Path("/w"), prefix="", common=Path("/w/.git"), base="0" * 40, branch=branch)

    assert say(check_repository(checkout)) == ("ok", told, None)


def test_no_repository_is_a_fact() -> None:
    assert say(check_repository(None)) == ("info", "Repository: none that the project belongs to", None)


@pytest.mark.parametrize(("wanted", "state"), [(True, "problem"), (False, "info")])
def test_what_is_wrong_with_a_repository_matters_where_worktrees_are_wanted(wanted: bool, state: str) -> None:
    faults = [Problem("git_bare", {}, "/w"), Problem("git_failed", {"told": "x"}, "/w")]

    assert [check.state for check in blame_repository(faults, wanted=wanted)] == [state, state]


def test_a_folder_that_is_no_project_yet_is_told_how_to_become_one() -> None:
    assert say(check_project(Project(Path("/w")), there=False)) == (
        "info",
        "Project: none yet in /w",
        "aad init",
    )


def test_every_fault_of_the_settings_is_a_problem() -> None:
    faults = [Problem("config_encoding", {}, "config/aad.toml", 3), Problem("config_monstrous")]

    checks = check_config("config/aad.toml", faults, there=True)

    assert [(check.state, check.told) for check in checks] == [("problem", fault) for fault in faults]


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (True, ("ok", "Settings: config/aad.toml", None)),
        (False, ("info", "Settings: the defaults, for there is no config/aad.toml", None)),
    ],
)
def test_without_settings_the_defaults_hold(there: bool, told: tuple[str, str, str | None]) -> None:
    assert [say(check) for check in check_config("config/aad.toml", [], there=there)] == [told]


def test_faults_in_spec_files_are_a_problem() -> None:
    assert [say(check_specs(3, 0)), say(check_specs(3, 2))] == [
        ("ok", "Specs: 3", None),
        ("problem", "Specs: 3, with faults in their files: 2", "aad specs check"),
    ]


def test_that_there_are_no_specs_yet_is_a_fact_and_that_they_cannot_be_read_a_problem() -> None:
    folder = {"folder": ".aad/specs", "fault": "Permission denied"}
    keys = ("spec_folder_missing", "spec_none_found", "spec_folder_unreadable")

    checks = blame_specs([Problem(key, folder) for key in keys])

    assert [check.state for check in checks] == ["info", "info", "problem"]


def test_a_folder_that_cannot_be_written_to_is_a_problem() -> None:
    assert say(check_folder(".aad", Path("/w/.aad/state"))) == (
        "problem",
        "Folder for runs: /w/.aad/state cannot be written to",
        "make it a folder that you may write to",
    )


def test_a_file_system_without_locks_is_a_problem() -> None:
    assert say(check_lock("No locks available")) == (
        "problem",
        "Locks on files: No locks available",
        "keep the project on a file system that knows flock, such as that of a local disk",
    )


def test_little_disk_space_is_a_warning() -> None:
    remedy = "make room; aad runs prune removes old runs"

    assert [say(check_disk(100_000_000, "100.0 MB")), say(check_disk(99_999_999, "99.9 MB"))] == [
        ("ok", "Free disk space: 100.0 MB", None),
        ("warning", "Free disk space: 99.9 MB", remedy),
    ]


def test_who_holds_the_project_is_a_fact() -> None:
    assert [say(check_holder(None)), say(check_holder("20261122-213612-7f3a"))] == [
        ("info", "Under way: nothing", None),
        ("info", "Under way: 20261122-213612-7f3a", None),
    ]


def test_that_there_is_no_coding_agent_is_a_fact() -> None:
    assert [say(check) for check in check_agents([])] == [
        ("info", "No coding agent on PATH: specs run by their own `run:` line", None)
    ]


@pytest.mark.parametrize(
    ("caps", "told"),
    [
        (Caps(), ["doctor.cannot_cost", "doctor.cannot_sandbox"]),
        (Caps(cost=True, sandbox=True), ["doctor.can_cost", "doctor.can_sandbox"]),
    ],
)
def test_that_an_agent_tells_no_cost_or_has_no_sandbox_is_said(caps: Caps, told: list[str]) -> None:
    assert describe_caps(caps) == told


def test_all_that_is_told_of_agents_is_a_cap() -> None:
    assert {*CAPS, *MISSED} <= attrs.fields_dict(Caps).keys()


def test_too_few_open_files_for_all_slots_are_a_warning() -> None:
    assert [say(check_files(106, 8)), say(check_files(105, 8))] == [
        ("ok", "Open files: enough for all slots (8)", None),
        (
            "warning",
            "Open files: the limit of 105 is enough for 7 of 8 slots",
            "ulimit -n 106, or max_parallel_sessions = 7 in [orchestrator]",
        ),
    ]
