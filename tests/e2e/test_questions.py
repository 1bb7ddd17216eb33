"""A child asks, a person answers, the work goes on: with real processes, and with kill -9 at every record."""

import signal
import sys
import time
from pathlib import Path

import pytest
from attrs import frozen
from harness import (
    FINAL,
    LOOK,
    PATIENCE,
    Project,
    Result,
    Running,
    moment,
    until,
    until_asked,
    wait_for_journal,
)

from aad.decisions import decide
from aad.escalationlog import Decision, read_escalations
from aad.events import Action

ALL = ("orchestrate", "--all", "--color", "never", "--jobs", "1")
RESUME = ("orchestrate", "--resume", "--color", "never", "--jobs", "1")

# Asks, until there is an answer.
ASK = """
if [ -n "$AAD_ANSWER" ]; then echo "$AAD_ANSWER|$AAD_ANSWER_OPTION|$AAD_MODE" >>answers; exit; fi
echo '{"question": "Which database?", "options": ["postgres", "sqlite"]}' >>"$AAD_EVENTS"; sleep 30
"""
NUMB = "[orchestrator]\nmonitor_interval = '50ms'\n"


def asking(folder: Path, settings: str = "") -> Project:
    """Return a project in which A asks, B is independent of it, and C needs A."""
    project = Project(folder).config(f"{NUMB}{settings}")
    project.spec("A", ASK).spec("B", "echo b >>marks")
    return project.spec("C", "echo c >>marks", depends_on=["A"])


def answer(project: Project, name: str, text: str) -> None:
    """Answer from outside the run."""
    project.aad("escalations", "answer", name, text).exits(0)


def resolve(project: Project, name: str, action: str, *words: str) -> None:
    """Decide from outside the run."""
    project.aad("escalations", "resolve", name, f"--{action}", *words).exits(0)


def decided(project: Project) -> list[tuple[str, str, str]]:
    """Return which escalations were decided, how and by whom, in their order."""
    lines = project.journal("escalation_decided")
    return [(line["escalation"], line["action"], line["by"]) for line in lines]


def summary(result: Result) -> str:
    """Return what a run says at its end."""
    _, told = result.normal(result.err).split("📈 Summary:\n")
    return told


# While others work.


def test_while_a_question_waits_all_others_work_and_its_answer_lets_it_go_on(tmp_path: Path) -> None:
    project = asking(tmp_path).spec("B", wait_for_journal('"type":"session_waiting","spec":"A"'))

    with project.start(*ALL) as running:
        running.until("session_completed", "B")
        running.until_err(b"waiting for people")
        answer(project, "A-error", "2")
        result = running.end()

    result.exits(0).says("""
        🚀 Orchestrator started
          run RUN · 3 specs · 1 slot
        📊 Plan:
          - A (no dependencies)
          - B (no dependencies)
          - C (after A)

        ⏳ A started...
        ? A waits: Which database?
            1. postgres
            2. sqlite
          → answer: aad escalations answer A-error TEXT
        ⏳ B started...
        ✓ B completed (0.0s)
        nothing else to do: waiting for people (up to 1d)
          → A: answered by a person: sqlite
        ⏳ A (attempt 2) started...
        ✓ A completed (0.0s)
        ⏳ C started...
        ✓ C completed (0.0s)

        📈 Summary:
          Completed: 3 (A, B, C)
          Failed: 0
          Total time: 0.0s
          A completed at attempt 2
    """)
    assert (project.read("answers"), project.read("marks")) == ("sqlite|sqlite|resume\n", "c\n")


def test_an_answer_is_taken_while_others_still_work(tmp_path: Path) -> None:
    project = asking(tmp_path).spec("B", wait_for_journal('"type":"session_completed","spec":"C"'))

    with project.start("orchestrate", "--all", "--jobs", "2") as running:
        running.until("session_waiting", "A")
        running.until("session_started", "B")
        project.aad("escalations", "list").exits(0)
        answer(project, "A-error", "postgres")
        running.end().exits(0)

    assert project.read("answers") == "postgres|postgres|resume\n"
    assert [line["spec"] for line in project.journal("session_completed")] == ["A", "C", "B"]


def test_a_run_that_waits_can_be_interrupted_and_the_question_stays(tmp_path: Path) -> None:
    project = asking(tmp_path)

    with project.start(*ALL) as running:
        running.until_err(b"waiting for people")
        running.send(signal.SIGINT).end().exits(130)
    answer(project, "A-error", "sqlite")
    project.aad(*RESUME).exits(0)

    assert project.read("answers") == "sqlite|sqlite|resume\n"
    assert decided(project) == [("A-error", "answer", "person")]


# When nobody is waited for.


def test_where_nobody_is_waited_for_the_run_parks_and_says_how_to_answer(tmp_path: Path) -> None:
    project = asking(tmp_path, "[escalation]\nquestions = 'fail'")

    project.aad(*ALL).exits(4).says("""
        🚀 Orchestrator started
          run RUN · 3 specs · 1 slot
        📊 Plan:
          - A (no dependencies)
          - B (no dependencies)
          - C (after A)

        ⏳ A started...
        ? A waits: Which database?
            1. postgres
            2. sqlite
          → answer: aad escalations answer A-error TEXT
        ⏳ B started...
        ✓ B completed (0.0s)

        📈 Summary:
          Completed: 1 (B)
          Failed: 0
          Waiting: 1 (A)
          Not started: 1 (C)
          Total time: 0.0s
          Next: aad escalations answer A-error TEXT · aad orchestrate --resume
    """)
    assert [told["id"] for told in read_escalations(project.root / ".aad/escalations")] == ["A-error"]


def test_after_a_park_what_is_answered_goes_on_and_the_others_wait_again(tmp_path: Path) -> None:
    project = asking(tmp_path, "[escalation]\nquestions = 'fail'").spec("B", ASK)
    project.aad(*ALL).exits(4)
    answer(project, "A-error", "postgres")

    # Who of the two is heard first is chance.
    assert summary(project.aad(*RESUME).exits(4)) == (
        "  Completed: 2 (A, C)\n"
        "  Failed: 0\n"
        "  Waiting: 1 (B)\n"
        "  Total time: 0.0s\n"
        "  A completed at attempt 2\n"
        "  Next: aad escalations answer B-error TEXT · aad orchestrate --resume\n"
    )
    answer(project, "B-error", "sqlite")
    project.aad(*RESUME).exits(0)

    assert project.read("answers") == "postgres|postgres|resume\nsqlite|sqlite|resume\n"
    raised = [line["escalation"] for line in project.journal("escalation_raised")]
    assert raised == ["A-error", "B-error"]


def test_a_run_waits_for_people_as_long_as_it_is_told_to(tmp_path: Path) -> None:
    project = asking(tmp_path, "[escalation]\nwait = '1s'")

    result = project.aad(*ALL)

    result.exits(4)
    assert "nothing else to do: waiting for people (up to 1s)\n" in result.told()
    completed, finished = project.journal("session_completed", "run_finished")
    assert moment(finished) - moment(completed) >= 1.0
    assert project.escalation("A-error")["state"] == "open"


# Other decisions.


def test_a_skipped_question_takes_with_it_what_depends_on_it(tmp_path: Path) -> None:
    assert settle(tmp_path, "skip") == (1, {"A": "skipped", "B": "completed", "C": "skipped"})


def test_where_a_question_is_continued_without_what_depends_on_it_runs(tmp_path: Path) -> None:
    assert settle(tmp_path, "continue") == (1, {"A": "skipped", "B": "completed", "C": "completed"})


def settle(folder: Path, action: str) -> tuple[int, dict[str, str]]:
    """Decide about the question of A; return the exit status and how all ended."""
    project = asking(folder)
    with project.start(*ALL) as running:
        running.until_err(b"waiting for people")
        resolve(project, "A-error", action)
        result = running.end()
    assert decided(project) == [("A-error", action, "person")]
    return result.status, project.ends()


def test_an_abort_ends_the_run_in_order_and_all_can_be_resumed(tmp_path: Path) -> None:
    project = asking(tmp_path).spec("B", f"[ -e again ] || {{ {until_asked('echo bye; exit')}; }}")

    with project.start("orchestrate", "--all", "--jobs", "2", "--color", "never") as running:
        running.until("session_waiting", "A")
        until((tmp_path / "up").exists)
        resolve(project, "A-error", "abort", "--reason", "not now")
        result = running.end()

    result.exits(1)
    assert summary(result) == (
        "  Completed: 0\n"
        "  Failed: 0\n"
        "  Cancelled: 2 (A, B)\n"
        "  Skipped: 1 (C)\n"
        "  Ended by a person (A-error): not now\n"
        "  Total time: 0.0s\n"
        "  Next: aad escalations show A-error · aad orchestrate --resume\n"
    )
    assert project.log("B") == b"bye\n"
    # An abort is of one run: in the next the session asks anew.
    with project.touch("again").start(*RESUME) as running:
        running.until("session_waiting", "A", escalation="A-error-2")
        answer(project, "A-error-2", "sqlite")
        running.end().exits(0)
    assert project.ends() == {"A": "completed", "B": "completed", "C": "completed"}


def test_what_is_retried_asks_again_as_a_new_attempt(tmp_path: Path) -> None:
    project = asking(tmp_path)

    with project.start(*ALL) as running:
        running.until_err(b"waiting for people")
        resolve(project, "A-error", "retry")
        running.until("session_waiting", "A", escalation="A-error-2")
        answer(project, "A-error-2", "sqlite")
        running.end().exits(0)

    assert decided(project) == [("A-error", "retry", "person"), ("A-error-2", "answer", "person")]
    attempts = [line["attempt"] for line in project.journal("session_started") if line["spec"] == "A"]
    assert (attempts, project.read("answers")) == ([1, 2, 3], "sqlite|sqlite|resume\n")


@pytest.mark.parametrize(("action", "end"), [("skip", "skipped"), ("continue", "completed")])
def test_what_a_person_left_out_is_left_out_by_a_run_that_goes_on(
    tmp_path: Path, action: str, end: str
) -> None:
    project = asking(tmp_path, "[escalation]\nquestions = 'fail'").spec("B", "[ -e again ]")
    project.aad(*ALL).exits(4)
    resolve(project, "A-error", action)
    project.aad(*RESUME).exits(1)

    project.touch("again").aad(*RESUME).exits(1)

    # In this part of the run: A has ended in an earlier one, and C, too, where it could.
    assert project.ends() == {"B": "completed"} | ({"C": end} if end == "skipped" else {})
    questions = [line for line in project.journal("escalation_raised") if line["kind"] == "question"]
    assert [line["escalation"] for line in questions] == ["A-error"]


def test_a_rule_answers_by_itself(tmp_path: Path) -> None:
    rule = "[[escalation.policy]]\nkind = 'question'\naction = 'answer'\ntext = 'yes'"
    project = asking(tmp_path, rule)

    project.aad(*ALL).exits(0)

    assert decided(project) == [("A-error", "answer", "policy")]
    assert project.read("answers") == "yes||resume\n"


# The property: whenever a run is killed, a question is asked once and its answer used once.

# Runs A as `aad orchestrate` does, and is gone as soon as the given record of the journal was appended. What
# the second attempt does is allowed once its start was survived: a crash just then must find nothing done.
DRIVER = """
import os, sys
from pathlib import Path
import trio
from aad.configfile import load_config
from aad.display.base import NoDisplay
from aad.ending import EXIT_BUG
from aad.orchestrator import Orchestrator
from aad.project import Project

last, resume = int(sys.argv[1]), sys.argv[2] if sys.argv[2:] else None

class Crash(NoDisplay):
    def show(self, event):
        if event.seq == last:
            os._exit(137)
        if event.type == "session_started":
            Path(f"go.{event.attempt}").touch()

project = Project(Path.cwd())
config = load_config(project, environ=os.environ)
orchestrator = Orchestrator(config, root=project.root, resume=resume)
orchestrator.register_spec("A")
orchestrator.attach(Crash())
try:
    state = trio.run(orchestrator.run)
finally:
    orchestrator.close()
sys.exit(EXIT_BUG if state.exit_code is None else state.exit_code)
"""
ONCE = """
if [ -z "$AAD_ANSWER" ]; then echo '{"question": "Go?"}' >>"$AAD_EVENTS"; exit; fi
until [ -e go.$AAD_ATTEMPT ]; do sleep 0.01; done; echo "used $AAD_ANSWER" >>used
"""
TELL = "[escalation]\ncommand = ['sh', '-c', 'cat >/dev/null; echo told >>told']\n"
KILLED = 137
# Records of an undisturbed life: start, plan, workspace, attempt, question, waiting, decision, workspace,
# attempt, completion, end. One that was answered while nobody ran begins anew after the sixth, and the
# decision follows the plan.
LIFE = 11
WAITED, RESUMED = 6, 7


@frozen
class Life:
    """A run of one spec that asks, told by its journal and by what it left."""

    project: Project

    def live(self, last: int = 0, *, answered: bool = True) -> int:
        """Run or go on until the end, or until so many records were written; return the exit status."""
        known = [self.project.run.name] if self._began() else []
        command = (sys.executable, "-c", DRIVER, str(last), *known)
        with self.project.start(command=command) as running:
            self._attend(running, answered=answered)
            result: Result = running.end()
        assert b"Traceback" not in result.err, result.told()
        return result.status

    def _attend(self, running: Running, *, answered: bool) -> None:
        """Answer what is asked, or end the run once it waits."""
        limit = time.monotonic() + PATIENCE
        while running.popen.poll() is None and time.monotonic() < limit:
            if answered:
                self.answer()
            elif self._open() and len(self.project.journal_so_far()) >= WAITED:
                running.send(signal.SIGKILL)
                return
            time.sleep(LOOK)

    def answer(self) -> None:
        """Answer what is open."""
        for name in self._open():
            decide(self._folder, name, Decision(action=Action.ANSWER, by="person", text="yes"), str)

    def check(self) -> None:
        """Demand that it was asked once, and that the answer was used once."""
        told = self.project.root / "told"
        asked = [line for line in self.project.journal("escalation_raised") if line["kind"] == "question"]
        heard = [(line["escalation"], line["action"]) for line in self.project.journal("escalation_decided")]
        files = [file.name for file in self._folder.iterdir() if file.suffix == ".json"]
        assert [(line["escalation"], line["rises"]) for line in asked] == [("A-error", 0)]
        assert (heard, files) == ([("A-error", "answer")], ["A-error.json"])
        assert self.project.escalation("A-error")["state"] == "decided"
        assert self.project.read("used") == "used yes\n"
        assert (told.read_text() if told.exists() else "") in ("", "told\n")
        assert [line["type"] for line in self.project.journal(*FINAL)] == ["session_completed"]

    def _began(self) -> bool:
        return (self.project.root / ".aad" / "runs" / "latest").exists()

    def _open(self) -> list[str]:
        return [str(found["id"]) for found in read_escalations(self._folder) if found["state"] == "open"]

    @property
    def _folder(self) -> Path:
        return self.project.root / ".aad" / "escalations"


def once(folder: Path) -> Life:
    project = Project(folder).config(f"{NUMB}{TELL}").spec("A", ONCE)
    project.env["PATH"] += f":{Path(sys.executable).parent}"
    return Life(project)


def some(count: int, first: int = 1) -> list[object]:
    """Return the numbers from the first on: every third, and the others for who has the time."""
    numbers = range(first, first + count)
    return [
        number if position % 3 == 0 else pytest.param(number, marks=pytest.mark.slow)
        for position, number in enumerate(numbers)
    ]


def test_a_life_that_nothing_disturbs_has_so_many_records(tmp_path: Path) -> None:
    life = once(tmp_path)

    assert life.live() == 0

    life.check()
    assert (len(life.project.journal()), life.project.read("told")) == (LIFE, "told\n")


@pytest.mark.parametrize("last", some(LIFE))
def test_a_run_that_is_killed_at_any_record_asks_once_and_uses_the_answer_once(
    tmp_path: Path, last: int
) -> None:
    life = once(tmp_path)

    assert life.live(last) == KILLED
    assert len(life.project.journal()) == last
    assert life.live() == 0

    life.check()


def waited(folder: Path) -> Life:
    """Return a run that was killed while it waited, and was answered then."""
    life = once(folder)
    assert life.live(answered=False) == -signal.SIGKILL
    assert len(life.project.journal()) == WAITED
    life.answer()
    return life


def test_a_life_that_was_answered_while_nobody_ran_has_so_many_records(tmp_path: Path) -> None:
    life = waited(tmp_path)

    assert life.live() == 0

    life.check()
    assert len(life.project.journal()) == WAITED + RESUMED


@pytest.mark.parametrize("last", some(RESUMED, WAITED + 1))
def test_an_answer_to_a_dead_run_is_used_once_whenever_the_next_is_killed(tmp_path: Path, last: int) -> None:
    life = waited(tmp_path)

    assert life.live(last) == KILLED
    assert life.live() == 0

    life.check()


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 4, 5, 6])
def test_a_run_that_is_killed_again_and_again_asks_once_and_uses_the_answer_once(
    tmp_path: Path, step: int
) -> None:
    life, last = once(tmp_path), step

    # Each life is longer than the one before, so that one of them reaches the end.
    while life.live(last) == KILLED:
        step += 1
        last += step

    life.check()
