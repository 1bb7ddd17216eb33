"""Escalations go up, decisions come down, people are told."""

import json
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.escalation import (
    NOTIFY_LIMIT,
    CommandNotifier,
    Handler,
    Notify,
    ParentSession,
    decide_by_policy,
)
from aad.escalationlog import Decision, EscalationLog
from aad.events import (
    Action,
    EscalationDecided,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Failure,
    Question,
    Reason,
)
from aad.process import KeptChildren
from aad.testing import Recorder

FAILED = EscalationLog(
    id="",
    run_id="run",
    session_id="run/A",
    spec_id="A",
    attempt=1,
    level=EscalationLevel.ERROR,
    reason="exit code 3",
    timestamp=datetime(2026, 11, 22, 21, 36, 12, tzinfo=UTC),
    failure=Failure(reason=Reason.EXIT_CODE, exit_code=3),
)
ASKED = evolve(FAILED, kind=EscalationKind.QUESTION, failure=None, question=Question(text="Which?"))
WARNED = evolve(FAILED, level=EscalationLevel.WARNING, failure=None)
LOST = evolve(FAILED, level=EscalationLevel.CRITICAL)


@define
class Office:
    """A parent session, and all that it touches."""

    folder: Path
    events: Recorder = field(factory=Recorder)
    aborts: list[float] = field(factory=list)

    def open(self, handler: Handler | None = None, notify: Notify | None = None) -> ParentSession:
        return ParentSession(
            folder=self.folder,
            emit=self.events,
            show_path=lambda path: path.name,
            abort=lambda: self.aborts.append(trio.current_time()),
            handler=handler,
            notify=notify,
        )

    def read(self, name: str) -> dict[str, object]:
        read: dict[str, object] = json.loads((self.folder / f"{name}.json").read_bytes())
        return read

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    @property
    def decisions(self) -> list[tuple[str, str, str]]:
        decided = [event for event in self.events.events if isinstance(event, EscalationDecided)]
        return [(event.escalation, str(event.action), event.by) for event in decided]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@asynccontextmanager
async def serving(parent: ParentSession) -> AsyncIterator[trio.Nursery]:
    async with trio.open_nursery() as nursery:
        await nursery.start(parent.serve)
        yield nursery
        await parent.finish()


# Policy.


@pytest.mark.parametrize(
    ("log", "action"),
    [
        (LOST, Action.ABORT),
        (evolve(LOST, failure=None), Action.ABORT),
        (evolve(LOST, will_retry=True), Action.ABORT),
        (FAILED, Action.SKIP),
        (evolve(FAILED, will_retry=True, level=EscalationLevel.WARNING), Action.RETRY),
        (ASKED, Action.WAIT),
        (evolve(ASKED, failure=FAILED.failure, will_retry=True), Action.WAIT),
        (WARNED, Action.WAIT),
        (evolve(FAILED, failure=None), Action.WAIT),
    ],
)
def test_policy_retries_what_may_be_retried_and_never_guesses(log: EscalationLog, action: Action) -> None:
    assert decide_by_policy(log) == Decision(action=action, by="policy")


# Raising.


async def test_an_escalation_is_raised_then_decided_and_its_file_says_both(
    office: Office, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()):
        log, decision = await parent.raise_and_wait(FAILED)

    assert (log, decision) == (evolve(FAILED, id="A-error"), Decision(action=Action.SKIP))
    assert office.events.events == [
        EscalationRaised(
            spec="A",
            attempt=1,
            escalation="A-error",
            level=EscalationLevel.ERROR,
            kind=EscalationKind.FAILED,
            message="exit code 3",
            path="A-error.json",
            failure=FAILED.failure,
        ),
        EscalationDecided(spec="A", attempt=1, escalation="A-error", action=Action.SKIP, by="policy"),
    ]
    told = office.read("A-error")
    assert (told["state"], told["id"]) == ("decided", "A-error")


async def test_the_file_is_open_while_the_decision_is_pending(
    office: Office, autojump_clock: MockClock
) -> None:
    seen: list[dict[str, object]] = []

    async def look(log: EscalationLog) -> None:
        seen.append(office.read(log.id))

    async with serving(parent := office.open(look)):
        await parent.raise_and_wait(FAILED)

    assert [(told["state"], told["decision"]) for told in seen] == [("open", None)]


async def test_each_level_counts_for_itself_and_no_id_is_given_twice(
    office: Office, autojump_clock: MockClock
) -> None:
    parent = office.open()
    async with serving(parent):
        ids = [
            parent.raise_nowait(log).id
            for log in (FAILED, FAILED, WARNED, evolve(FAILED, spec_id="B"), FAILED, LOST)
        ]

    assert ids == ["A-error", "A-error-2", "A-warning", "B-error", "A-error-3", "A-critical"]
    assert office.files == sorted(f"{name}.json" for name in ids)


async def test_ids_go_on_where_an_earlier_run_left_off(office: Office, autojump_clock: MockClock) -> None:
    office.open().raise_nowait(FAILED)

    later = office.open().raise_nowait(FAILED)

    assert (later.id, office.files) == ("A-error-2", ["A-error-2.json", "A-error.json"])


async def test_what_nobody_waits_for_is_decided_all_the_same(
    office: Office, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()):
        parent.raise_nowait(WARNED)

    assert office.decisions == [("A-warning", "wait", "policy")]


async def test_a_question_waits(office: Office, autojump_clock: MockClock) -> None:
    async with serving(parent := office.open()):
        _, decision = await parent.raise_and_wait(ASKED)

    assert decision == Decision(action=Action.WAIT)
    assert office.read("A-error")["question"] == {"text": "Which?", "options": []}


def test_what_a_failure_says_is_masked_down_to_the_names_of_its_files(office: Office) -> None:
    parent = office.open()
    parent.redact = lambda text: text.replace("hunter2", "[redacted]")
    conflict = Failure(reason=Reason.CONFLICT, message="in hunter2", files=("hunter2.py",), blocked_by=("A",))

    parent.raise_nowait(evolve(FAILED, failure=conflict))

    assert office.read("A-error")["conflict"] == {"files": ["[redacted].py"], "specs": ["A"]}


def test_where_nobody_serves_policy_decides_here_and_now(office: Office) -> None:
    async def never(log: EscalationLog) -> None:
        raise AssertionError

    office.open(never).raise_nowait(FAILED)

    assert office.decisions == [("A-error", "skip", "policy")]
    assert office.read("A-error")["state"] == "decided"


async def test_where_nobody_serves_who_waits_gets_policys_answer(
    office: Office, autojump_clock: MockClock
) -> None:
    log, decision = await office.open().raise_and_wait(FAILED)

    assert (log.id, decision) == ("A-error", Decision(action=Action.SKIP))


async def test_a_parent_session_serves_from_its_start_to_its_end_and_again(
    office: Office, autojump_clock: MockClock
) -> None:
    parent = office.open()
    told = [parent.serving]
    for _ in range(2):
        async with serving(parent):
            told.append(parent.serving)
            await parent.raise_and_wait(FAILED)
        told.append(parent.serving)

    assert told == [False, True, False, True, False]
    assert len(office.decisions) == 2


# Handlers.


async def test_a_handler_decides_and_is_named(office: Office, autojump_clock: MockClock) -> None:
    async def decide(log: EscalationLog) -> Decision:
        return Decision(action=Action.ANSWER, text="x")

    async with serving(parent := office.open(decide)):
        _, decision = await parent.raise_and_wait(ASKED)

    assert decision == Decision(action=Action.ANSWER, text="x", by="handler")
    assert office.events.events[-1] == EscalationDecided(
        spec="A", attempt=1, escalation="A-error", action=Action.ANSWER, by="handler", message="x"
    )
    told = office.read("A-error")["decision"]
    assert isinstance(told, dict)
    assert (told["action"], told["by"], told["text"]) == ("answer", "handler", "x")


async def test_a_handler_may_name_who_decided(office: Office, autojump_clock: MockClock) -> None:
    async def decide(log: EscalationLog) -> Decision:
        return Decision(action=Action.SKIP, by="Hanako")

    async with serving(parent := office.open(decide)):
        await parent.raise_and_wait(FAILED)

    assert office.decisions == [("A-error", "skip", "Hanako")]


async def test_a_handler_that_says_none_leaves_it_to_policy(
    office: Office, autojump_clock: MockClock
) -> None:
    seen: list[EscalationLog] = []

    async def pass_on(log: EscalationLog) -> None:
        seen.append(log)

    async with serving(parent := office.open(pass_on)):
        log, _ = await parent.raise_and_wait(FAILED)

    assert (seen, office.decisions) == ([log], [("A-error", "skip", "policy")])


async def test_a_slow_handler_holds_up_nobody_else(office: Office, autojump_clock: MockClock) -> None:
    answered: list[tuple[str, float]] = []

    async def ponder(log: EscalationLog) -> None:
        await trio.sleep({"A": 100, "B": 1, "C": 2}[log.spec_id])

    async def ask(spec_id: str) -> None:
        await parent.raise_and_wait(evolve(FAILED, spec_id=spec_id))
        answered.append((spec_id, trio.current_time()))

    async with serving(parent := office.open(ponder)), trio.open_nursery() as sessions:
        for spec_id in "ABC":
            sessions.start_soon(ask, spec_id)

    assert answered == [("B", 1.0), ("C", 2.0), ("A", 100.0)]


async def test_finish_waits_for_all_that_was_raised(office: Office, autojump_clock: MockClock) -> None:
    async def ponder(log: EscalationLog) -> None:
        await trio.sleep(30)

    async with serving(parent := office.open(ponder)):
        parent.raise_nowait(WARNED)

    assert (trio.current_time(), office.decisions) == (30.0, [("A-warning", "wait", "policy")])


async def test_a_handlers_error_is_a_bug_and_flies(office: Office, autojump_clock: MockClock) -> None:
    async def stumble(log: EscalationLog) -> None:
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with serving(parent := office.open(stumble)):
            await parent.raise_and_wait(FAILED)

    assert (office.decisions, office.read("A-error")["state"]) == ([], "open")


async def test_who_gave_up_waiting_does_not_hold_up_the_decision(
    office: Office, autojump_clock: MockClock
) -> None:
    async def ponder(log: EscalationLog) -> None:
        await trio.sleep(10)

    async with serving(parent := office.open(ponder)):
        with trio.move_on_after(1):
            await parent.raise_and_wait(FAILED)

    assert office.decisions == [("A-error", "skip", "policy")]


# Aborting.


@pytest.mark.parametrize("log", [LOST, FAILED])
async def test_who_waits_gets_the_answer_before_the_abort_strikes(
    office: Office, autojump_clock: MockClock, log: EscalationLog
) -> None:
    answers: list[Decision] = []

    async def decide(log: EscalationLog) -> Decision:
        await trio.sleep(1)
        return Decision(action=Action.ABORT)

    parent = office.open(decide)
    async with serving(parent):
        with trio.CancelScope() as scope:
            # As in a run: an abort cancels whoever still waits.
            parent.abort = scope.cancel
            answers.append((await parent.raise_and_wait(log))[1])

    assert answers == [Decision(action=Action.ABORT, by="handler")]


async def test_a_critical_escalation_calls_for_the_end_once(
    office: Office, autojump_clock: MockClock
) -> None:
    async with serving(parent := office.open()):
        await trio.sleep(3)
        parent.raise_nowait(LOST)

    assert (office.aborts, office.decisions) == ([3.0], [("A-critical", "abort", "policy")])


# The folder.


@pytest.mark.parametrize("serves", [False, True])
async def test_a_folder_that_cannot_be_written_is_logged_and_decides_all_the_same(
    office: Office, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, serves: bool
) -> None:
    (office.folder / "file").touch()
    told: list[EscalationLog] = []

    async def notify(log: EscalationLog, path: Path) -> None:
        told.append(log)

    parent = Office(office.folder / "file/escalations", office.events).open(notify=notify)
    if serves:
        async with serving(parent):
            _, decision = await parent.raise_and_wait(FAILED)
    else:
        _, decision = await parent.raise_and_wait(FAILED)

    assert (decision.action, told) == (Action.SKIP, [])
    assert office.events.story == ["escalation_raised A", "escalation_decided A"]
    # Once as it is raised, once as it is decided.
    path = office.folder / "file/escalations/A-error.json"
    assert (
        caplog.record_tuples == [("aad", logging.WARNING, f"{path} cannot be written: Not a directory")] * 2
    )


# Telling people.


async def test_people_are_told_while_the_handler_still_thinks(
    office: Office, autojump_clock: MockClock
) -> None:
    steps: list[tuple[str, float]] = []

    async def notify(log: EscalationLog, path: Path) -> None:
        steps.append((f"told {path.name}", trio.current_time()))
        await trio.sleep(100)

    async def ponder(log: EscalationLog) -> None:
        await wait_all_tasks_blocked()
        await trio.sleep(5)
        steps.append(("decides", trio.current_time()))

    async with serving(parent := office.open(ponder, notify)):
        await parent.raise_and_wait(FAILED)
        steps.append(("answered", trio.current_time()))
    steps.append(("finished", trio.current_time()))

    assert steps == [("told A-error.json", 0.0), ("decides", 5.0), ("answered", 5.0), ("finished", 100.0)]


MakeNotifier = Callable[..., CommandNotifier]


@pytest.fixture
def notifier(tmp_path: Path, real_children: KeptChildren) -> MakeNotifier:
    def make(*argv: str) -> CommandNotifier:
        env = {"PATH": "/usr/bin:/bin", "AAD_ESCALATION": "outer"}
        return CommandNotifier(argv, env, str(tmp_path), real_children)

    return make


async def test_the_command_gets_the_escalation_on_stdin_and_its_path(
    tmp_path: Path, notifier: MakeNotifier
) -> None:
    log = evolve(FAILED, id="A-error", reason="終了 3")
    tell = notifier("sh", "-c", 'cat > got; echo "$AAD_ESCALATION" > path')

    await tell(log, tmp_path / "A-error.json")

    assert json.loads((tmp_path / "got").read_bytes()) == log.to_json()
    assert (tmp_path / "path").read_text() == f"{tmp_path}/A-error.json\n"


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("sh", "-c", "exit 3"), "the notification command for A-error failed: exit code 3"),
        (("sh", "-c", "kill -9 $$"), "the notification command for A-error failed: killed by SIGKILL"),
        (("/no/such",), "the notification command cannot be run: /no/such: No such file or directory"),
    ],
)
async def test_a_command_that_fails_is_a_warning(
    caplog: pytest.LogCaptureFixture, argv: tuple[str, ...], told: str, notifier: MakeNotifier
) -> None:
    await notifier(*argv)(evolve(FAILED, id="A-error"), Path("A-error.json"))

    assert caplog.record_tuples == [("aad", logging.WARNING, told)]


async def test_a_command_that_succeeds_says_nothing(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    notifier: MakeNotifier,
) -> None:
    await notifier("echo", "told")(FAILED, tmp_path / "A-error.json")

    assert (caplog.record_tuples, capfd.readouterr().out) == ([], "")


async def test_a_command_that_takes_too_long_is_cut_off(
    tmp_path: Path, mock_clock: MockClock, caplog: pytest.LogCaptureFixture, notifier: MakeNotifier
) -> None:
    tell = notifier(sys.executable, "-c", "import time; time.sleep(600)")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tell, evolve(FAILED, id="A-error"), tmp_path / "A-error.json")
        await wait_all_tasks_blocked()
        mock_clock.jump(NOTIFY_LIMIT)
        # Its end is awaited on the clock that tests turn.
        mock_clock.rate = 1.0

    assert caplog.record_tuples == [
        ("aad", logging.WARNING, "the notification command for A-error took over 10 s")
    ]
