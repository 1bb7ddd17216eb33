"""Specs are run in order and side by side, verified, tried again, and ended when they take too long."""

import os
import sys
from pathlib import Path

import pytest
from harness import AAD, FINAL, Line, Project, Token, moment, wait_for_file, wait_for_journal

ALL = ("orchestrate", "--all")
# No session waits long for another try, and none has long to end.
# Nobody is waited for.
PARKS = "[escalation]\nquestions = 'fail'"
BRISK = """
    [orchestrator]
    max_parallel_sessions = 8
    grace_period = "300ms"
    monitor_interval = "50ms"
    retries = { delay = "50ms", jitter = false }
"""


def spans(project: Project) -> dict[str, tuple[float, float]]:
    """Return when each spec's first attempt started and when it was over."""
    started = {line["spec"]: moment(line) for line in reversed(project.journal("session_started"))}
    return {line["spec"]: (started[line["spec"]], moment(line)) for line in project.journal(*FINAL)}


def overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


# Order.


def test_a_spec_starts_when_all_that_it_needs_is_complete(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("TOP", "sleep 0.1").spec("LEFT", "sleep 0.2", depends_on=["TOP"])
    project.spec("RIGHT", depends_on=["TOP"]).spec("BOTTOM", depends_on=["LEFT", "RIGHT"])

    project.aad(*ALL, "--jobs", "2").exits(0)

    span = spans(project)
    for spec, needed in [("LEFT", "TOP"), ("RIGHT", "TOP"), ("BOTTOM", "LEFT"), ("BOTTOM", "RIGHT")]:
        assert span[spec][0] >= span[needed][1]


def test_what_needs_nothing_of_each_other_runs_side_by_side(tmp_path: Path) -> None:
    # Each is done when the other has begun.
    project = Project(tmp_path).spec("A", f"touch a; {wait_for_file('b')}")

    project.spec("B", f"touch b; {wait_for_file('a')}").aad(*ALL, "--jobs", "2").exits(0)

    assert project.ends() == {"A": "completed", "B": "completed"}


def test_with_one_slot_nothing_overlaps_and_ids_say_the_order(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("C").spec("A").spec("B")

    project.aad(*ALL, "--jobs", "1").exits(0)

    order = [(line["type"], line["spec"]) for line in project.journal("session_started", *FINAL)]
    assert order == [(kind, spec) for spec in "ABC" for kind in ("session_started", "session_completed")]


def test_the_longest_remaining_path_goes_first(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", estimate="5m").spec("Z", estimate="1m")
    project.spec("LATER", depends_on=["Z"], estimate="1h")

    project.aad(*ALL, "--jobs", "1").exits(0)

    assert [line["spec"] for line in project.journal("session_started")] == ["Z", "LATER", "A"]


@pytest.mark.parametrize(("schedule", "waits"), [("eager", False), ("waves", True)])
def test_a_wave_waits_for_the_one_before_only_where_that_is_asked_for(
    tmp_path: Path, schedule: str, waits: bool
) -> None:
    slow = "sleep 0.3" if waits else wait_for_journal('"session_started","spec":"NEXT"')
    project = Project(tmp_path).spec("FAST").spec("SLOW", slow).spec("NEXT", depends_on=["FAST"])

    project.aad(*ALL, "--jobs", "3", "--schedule", schedule).exits(0)

    span = spans(project)
    assert (span["NEXT"][0] >= span["SLOW"][1]) == waits


def test_what_conflicts_and_what_shares_paths_never_runs_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for spec in ("A", "B", "C"):
        project.spec(f"{spec}-PATH", "sleep 0.05", paths=["src/"])
    project.spec("ONE", "sleep 0.05", conflicts_with=["TWO"]).spec("TWO", "sleep 0.05")

    project.aad(*ALL, "--jobs", "8").exits(0)

    span = spans(project)
    for one, other in [("A", "B"), ("B", "C"), ("A", "C")]:
        assert not overlap(span[f"{one}-PATH"], span[f"{other}-PATH"])
    assert not overlap(span["ONE"], span["TWO"])


def test_a_thousand_slots_are_no_load(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for number in range(1, 31):
        project.spec(f"S-{number:02}")

    project.aad(*ALL, "--jobs", "1000").exits(0)

    assert len(project.ends()) == 30


# Selection.


def test_what_a_spec_needs_is_taken_in_unless_that_is_turned_off(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A").spec("B", depends_on=["A"]).spec("C")

    project.aad("orchestrate", "--specs", "B").exits(0)
    with_needed = project.ends()
    project.aad("orchestrate", "--specs", "B", "--no-deps").exits(0)

    assert (with_needed, project.ends()) == ({"A": "completed", "B": "completed"}, {"B": "completed"})


def test_drafts_are_left_out_and_named_unless_they_are_allowed(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A").spec("B", status="Draft")

    without = project.aad(*ALL).exits(0)
    ends = project.ends()
    project.aad(*ALL, "--allow-draft").exits(0)

    assert without.err.startswith(b"left out, still drafts: B (--allow-draft takes them in)\n")
    assert (ends, project.ends()) == ({"A": "completed"}, {"A": "completed", "B": "completed"})


def test_what_is_done_is_not_run(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "exit 1", status="完了").spec("B", depends_on=["A"])

    project.aad(*ALL).exits(0)

    assert project.ends() == {"B": "completed"}


# What becomes of a session.


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> "Scene":
    """Run many sessions at once: each of them shows one fact."""
    tokens = {name: Token() for name in ("leftover", "deaf", "group")}
    project = Project(tmp_path_factory.mktemp("scene")).config(BRISK)
    project.spec("VERIFIED", "touch made", verify="test -e made")
    project.spec("UNVERIFIED", "true", verify="echo checked; exit 3")
    project.spec("NO-VERIFY-AFTER-FAILURE", "exit 2", verify="touch verified-anyway")
    project.spec("PASSING", 'echo "try $AAD_ATTEMPT"; [ $AAD_ATTEMPT = 2 ] || exit 75')
    project.spec("NEVER-PASSING", "exit 75")
    project.spec("RETRIED", "[ $AAD_ATTEMPT = 3 ] || exit 9", retries=2)
    project.spec("NOT-RETRIED", "exit 9")
    project.spec("LATE", f"sleep {tokens['group']} & sleep {tokens['group']}", timeout="200ms")
    # These have to be ready for what comes, also on a machine that is slow.
    project.spec("DEAF", f"trap '' TERM; sleep {tokens['deaf']}", timeout="2s")
    project.spec("POLITE", "trap 'echo bye; exit 3' TERM; echo up; sleep 86400 & wait", timeout="2s")
    project.spec("SILENT", "echo up; sleep 86400", stall_timeout="3s")
    project.spec("TALKING", "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done", stall_timeout="3s")
    project.spec("LEFTOVER", f"sleep {tokens['leftover']} & echo left")
    # With nothing but builtins it is there a moment longer than the shell that started it.
    project.spec("SHORT-LEFTOVER", "while [ -e /proc/$$ ]; do :; done & echo left")
    project.spec("NEEDS-FAILED", depends_on=["NOT-RETRIED"]).spec("FAR", depends_on=["NEEDS-FAILED"])
    project.aad(*ALL).exits(1)
    return Scene(project, tokens)


class Scene:
    """What the sessions of a run came to."""

    def __init__(self, project: Project, tokens: dict[str, Token]) -> None:
        self.project, self.tokens = project, tokens

    def end(self, spec: str) -> tuple[str, object, object]:
        """Return how a session ended: type, reason, exit code."""
        line = self.project.final(spec)
        failure = line.get("failure", {})
        return line["type"].removeprefix("session_"), failure.get("reason"), failure.get("exit_code")

    def attempts(self, spec: str) -> int:
        return len([line for line in self.project.journal("session_started") if line["spec"] == spec])

    def events(self, spec: str) -> list[Line]:
        return [line for line in self.project.journal() if line.get("spec") == spec]


def test_a_verified_session_is_complete(scene: Scene) -> None:
    assert scene.end("VERIFIED") == ("completed", None, None)


def test_a_session_that_does_not_verify_has_failed(scene: Scene) -> None:
    assert scene.end("UNVERIFIED") == ("failed", "verify_failed", 3)
    assert b"checked\n" in scene.project.log("UNVERIFIED")


def test_what_failed_is_not_verified(scene: Scene) -> None:
    assert scene.end("NO-VERIFY-AFTER-FAILURE") == ("failed", "exit_code", 2)
    assert not (scene.project.root / "verified-anyway").exists()


def test_a_passing_trouble_is_tried_again_by_itself(scene: Scene) -> None:
    assert scene.end("PASSING") == ("completed", None, None)
    assert [scene.project.log("PASSING", attempt) for attempt in (1, 2)] == [b"try 1\n", b"try 2\n"]


def test_a_trouble_that_does_not_pass_is_tried_four_times(scene: Scene) -> None:
    assert scene.end("NEVER-PASSING") == ("failed", "exit_code", 75)
    assert scene.attempts("NEVER-PASSING") == 4


def test_a_plain_failure_is_tried_again_as_often_as_the_spec_says(scene: Scene) -> None:
    delays = [line["delay_s"] for line in scene.events("RETRIED") if line["type"] == "retry_scheduled"]

    assert scene.end("RETRIED") == ("completed", None, None)
    assert delays == [0.05, 0.1]


def test_a_plain_failure_is_not_tried_again_unasked(scene: Scene) -> None:
    assert (scene.end("NOT-RETRIED"), scene.attempts("NOT-RETRIED")) == (("failed", "exit_code", 9), 1)


def test_a_failure_skips_all_that_depends_on_it(scene: Scene) -> None:
    blockers = [scene.project.final(spec)["failure"]["blocked_by"] for spec in ("NEEDS-FAILED", "FAR")]

    assert scene.end("FAR") == ("skipped", "blocked", None)
    assert blockers == [["NOT-RETRIED"], ["NOT-RETRIED"]]


def test_a_session_that_takes_too_long_is_ended_with_its_whole_group(scene: Scene) -> None:
    assert scene.end("LATE")[:2] == ("timed_out", "timed_out")
    assert scene.tokens["group"].holders() == []


def test_a_session_that_ignores_sigterm_is_killed_after_its_grace(scene: Scene) -> None:
    line = scene.project.final("DEAF")

    assert (scene.end("DEAF")[0], line["failure"]["signal"]) == ("timed_out", 9)
    assert line["duration_s"] >= 2.0 + 0.3
    assert scene.tokens["deaf"].holders() == []


def test_a_farewell_is_logged_and_changes_nothing(scene: Scene) -> None:
    assert scene.end("POLITE") == ("timed_out", "timed_out", 3)
    assert scene.project.log("POLITE") == b"up\nbye\n"


def test_silence_is_warned_of_at_half_and_ends_a_session_that_asked_for_it(scene: Scene) -> None:
    raised = [(e["level"], e["kind"]) for e in scene.events("SILENT") if e["type"] == "escalation_raised"]

    assert raised == [("warning", "stalled"), ("error", "stalled")]
    assert scene.end("SILENT")[:2] == ("timed_out", "stalled")


def test_a_session_that_talks_is_not_silent(scene: Scene) -> None:
    assert scene.end("TALKING") == ("completed", None, None)


def test_a_session_is_over_when_its_child_is_whoever_holds_the_pipe(scene: Scene) -> None:
    assert scene.end("LEFTOVER") == ("completed", None, None)
    assert "leaked" in [line["type"] for line in scene.events("LEFTOVER")]
    assert scene.tokens["leftover"].holders() == []


def test_a_leftover_that_ends_by_itself_is_no_leak(scene: Scene) -> None:
    assert "leaked" not in [line["type"] for line in scene.events("SHORT-LEFTOVER")]


def test_each_session_has_one_final_event(scene: Scene) -> None:
    (plan,) = scene.project.journal("plan")

    assert sorted(scene.project.ends()) == sorted(entry["id"] for entry in plan["specs"])


def test_a_failure_leaves_an_escalation_whole(scene: Scene) -> None:
    run = scene.project.run.name
    found = scene.project.escalation("NOT-RETRIED-error")

    times = found.pop("timestamp"), found["decision"].pop("at")
    assert all(time.endswith("Z") for time in times)
    assert found == {
        "version": 1,
        "id": "NOT-RETRIED-error",
        "run_id": run,
        "session_id": f"{run}/NOT-RETRIED",
        "spec_id": "NOT-RETRIED",
        "attempt": 1,
        "level": "error",
        "rises": 0,
        "kind": "failed",
        "reason": "exit code 9",
        "failure": {"exit_code": 9, "signal": None},
        "conflict": None,
        "work": None,
        "log": f".aad/runs/{run}/NOT-RETRIED/1/output.log",
        "log_tail": [],
        "question": None,
        "blocks": ["FAR", "NEEDS-FAILED"],
        "will_retry": False,
        "redactions": 0,
        "state": "decided",
        "decision": {"action": "skip", "by": "policy", "text": None, "option": None},
    }


# The end of a run.


def test_fail_fast_starts_nothing_more(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "exit 1", priority=9).spec("B").spec("C", depends_on=["B"])

    project.aad(*ALL, "--jobs", "1", "--fail-fast").exits(1)

    assert project.ends() == {"A": "failed", "B": "skipped", "C": "skipped"}


def test_fail_fast_lets_go_on_what_runs(tmp_path: Path) -> None:
    running = wait_for_journal('"session_failed","spec":"B"')
    project = Project(tmp_path).spec("A", running).spec("B", f"{wait_for_journal('_started.*A.,')}; exit 1")

    project.spec("C").aad(*ALL, "--jobs", "2", "--fail-fast").exits(1)

    assert project.ends() == {"A": "completed", "B": "failed", "C": "skipped"}


def test_fail_fast_waits_for_no_further_attempt(tmp_path: Path) -> None:
    project = Project(tmp_path).config("[orchestrator]\nretries = { delay = '1h', jitter = false }")
    project.spec("A", "exit 75").spec("B", f"{wait_for_journal('retry_scheduled')}; exit 1")

    project.aad(*ALL, "--jobs", "2", "--fail-fast").exits(1)

    assert project.ends() == {"A": "failed", "B": "failed"}


def test_a_critical_word_of_a_child_ends_the_run(tmp_path: Path) -> None:
    word = """echo '{"error": "disk on fire", "level": "critical"}' >> $AAD_EVENTS; sleep 86400"""
    project = (
        Project(tmp_path).config(BRISK).spec("A", word).spec("B", "sleep 86400").spec("C", depends_on=["A"])
    )

    project.aad(*ALL).exits(1)

    assert project.ends() == {"A": "cancelled", "B": "cancelled", "C": "skipped"}
    assert project.escalation("A-critical")["decision"]["action"] == "abort"


def test_the_deadline_of_the_whole_run_ends_it(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path).config(BRISK + 'run_timeout = "2s"').spec("A", f"sleep {token}")

    project.spec("B", depends_on=["A"]).aad(*ALL).exits(124)

    assert project.ends() == {"A": "cancelled", "B": "skipped"}
    assert token.holders() == []


def test_a_question_parks_its_session_and_is_no_failure(tmp_path: Path) -> None:
    ask = """echo '{"question": "Which way?", "options": ["left", "right"]}' >> $AAD_EVENTS; sleep 86400"""
    project = Project(tmp_path).config(f"{BRISK}\n{PARKS}")
    project.spec("A", ask).spec("B", depends_on=["A"]).spec("C")

    project.aad(*ALL).exits(4)

    (waiting,) = project.journal("session_waiting")
    assert (waiting["spec"], waiting["message"], project.ends()) == ("A", "Which way?", {"C": "completed"})


def test_a_child_may_ask_and_exit(tmp_path: Path) -> None:
    ask = """echo '{"question": "Which way?"}' >> $AAD_EVENTS"""
    project = Project(tmp_path).config(PARKS).spec("A", f"{ask}; exit 0").spec("B", f"{ask}; exit 1")

    project.aad(*ALL).exits(4)

    assert sorted(line["spec"] for line in project.journal("session_waiting")) == ["A", "B"]


# What a child gets.


def test_a_child_gets_the_variables_it_was_promised_and_no_others(tmp_path: Path) -> None:
    project = (
        Project(tmp_path).spec("A", ["/usr/bin/env", "-0"]).set(FOO="bar", GH_TOKEN="x" * 40, LC_TIME="C")
    )

    project.aad(*ALL).exits(0)

    run = project.run.name
    got = dict(pair.split("=", 1) for pair in project.log("A").decode().rstrip("\0").split("\0"))
    assert got == {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "LC_TIME": "C",
        "TZ": "UTC",
        "GIT_CONFIG_COUNT": "5",
        "GIT_CONFIG_KEY_0": "gc.auto",
        "GIT_CONFIG_VALUE_0": "0",
        "GIT_CONFIG_KEY_1": "maintenance.auto",
        "GIT_CONFIG_VALUE_1": "false",
        "GIT_CONFIG_KEY_2": "core.fsmonitor",
        "GIT_CONFIG_VALUE_2": "false",
        "GIT_CONFIG_KEY_3": "commit.gpgSign",
        "GIT_CONFIG_VALUE_3": "false",
        "GIT_CONFIG_KEY_4": "tag.gpgSign",
        "GIT_CONFIG_VALUE_4": "false",
        "AAD_RUN_ID": run,
        "AAD_SESSION_ID": f"{run}/A",
        "AAD_SPEC_ID": "A",
        "AAD_SPEC_FILE": f"{tmp_path}/.aad/specs/A.md",
        "AAD_ATTEMPT": "1",
        "AAD_MODE": "new",
        "AAD_WORKSPACE": str(tmp_path),
        "AAD_EVENTS": f"{tmp_path}/.aad/runs/{run}/A/1/events/events.jsonl",
    }


def test_a_child_works_in_the_project_or_in_a_folder_of_its_own(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "pwd")

    project.aad(*ALL).exits(0)
    shared = project.log("A")
    project.config('[workspace]\nisolation = "directory"').aad(*ALL).exits(0)

    apart = tmp_path / ".aad" / "worktrees" / project.run.name / "A"
    assert (shared, project.log("A")) == (f"{tmp_path}\n".encode(), f"{apart}\n".encode())


def test_the_configured_command_gets_the_spec_on_stdin(tmp_path: Path) -> None:
    project = Project(tmp_path).config('[agent]\ncommand = ["cat"]').spec("A", None, body="読んでください\n")

    project.aad(*ALL).exits(0)

    assert project.log("A") == (project.specs / "A.md").read_bytes()


def test_a_child_may_run_another_project_and_not_its_own(tmp_path: Path) -> None:
    inner = Project(tmp_path / "inner").spec("X", "echo inner")
    outer = Project(tmp_path / "outer").spec("A", f"cd {inner.root} && {AAD[0]} orchestrate --all -q")

    outer.spec("B", f"{AAD[0]} orchestrate --all -q", depends_on=["A"]).aad(*ALL).exits(1)

    assert inner.ends() == {"X": "completed"}
    assert outer.final("B")["failure"]["exit_code"] == 6


# How it is started.


def test_a_module_of_python_is_the_command_too(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A")

    project.aad(*ALL, command=[sys.executable, "-m", "aad"]).exits(0)

    assert project.ends() == {"A": "completed"}


def test_the_project_is_found_from_below(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "pwd")
    (tmp_path / "src" / "deep").mkdir(parents=True)

    project.aad(*ALL, cwd=tmp_path / "src" / "deep").exits(0)

    assert project.log("A") == f"{tmp_path}\n".encode()
