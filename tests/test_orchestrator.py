"""A whole run with scripted children: what is started when, how it ends, and what is recorded."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from conftest import CONFIG, MakeTheatre, configure
from trio.testing import MockClock

from aad import events
from aad.agents.base import Exit, quiet_git
from aad.agents.function import ChildSession
from aad.embedding import open_orchestrator
from aad.errors import InputError, LockedError, TransientError
from aad.events import Reason
from aad.journal import read_journal
from aad.orchestrator import Orchestrator
from aad.process import SpawnError
from aad.spec import Spec
from aad.testing import Script, ScriptedChildren


async def test_specs_run_in_order_and_every_event_is_in_the_journal(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=5), "b": Script(work=5)})
    stage.orchestrator.register_spec("A", run="a")
    stage.orchestrator.register_spec("B", run="b", depends_on=["A"])

    state = await stage.orchestrator.run()

    assert stage.story() == [
        "run_started",
        "plan",
        "workspace_ready A",
        "session_started A",
        "session_completed A",
        "workspace_ready B",
        "session_started B",
        "session_completed B",
        "run_finished",
    ]
    assert (state.status, state.exit_code, state.duration_s) == ("completed", 0, 10.0)
    journal = stage.orchestrator.project.journal(state.run)
    assert [event.type for event in read_journal(journal)] == [event.type for event in stage.recorder.events]
    assert [event.seq for event in read_journal(journal)] == list(range(1, 10))


async def test_the_monitor_ends_a_session_at_its_deadline(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    farewell = Script(work=100, farewell=b"bye\n", farewell_end=Exit(3))
    stage = theatre({"a": farewell})
    stage.orchestrator.register_spec(Spec(id="A", run="a", timeout=2.5))

    state = await stage.orchestrator.run()

    session = state.sessions[f"{state.run}/A"]
    assert (stage.statuses, state.duration_s) == ({"A": "timed_out"}, 2.5)
    assert session.failure == events.Failure(
        reason=Reason.TIMED_OUT, exit_code=3, log_tail=("bye",), log_lines=1
    )


async def test_a_child_that_ends_well_after_its_deadline_has_timed_out_all_the_same(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=100, farewell_end=Exit(0))})
    stage.orchestrator.register_spec(Spec(id="A", run="a", timeout=1))

    await stage.orchestrator.run()

    assert stage.statuses == {"A": "timed_out"}


async def test_silence_is_warned_of_and_then_ended(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    stage = theatre({"a": Script(work=100)})
    stage.orchestrator.register_spec(Spec(id="A", run="a", stall_timeout=10))

    state = await stage.orchestrator.run()

    raised = [event for event in stage.recorder.events if isinstance(event, events.EscalationRaised)]
    assert [(event.level, event.kind, event.message) for event in raised] == [
        ("warning", "stalled", "silent for 5s of 10s"),
        ("error", "stalled", "silent for too long"),
    ]
    assert (stage.statuses, state.duration_s) == ({"A": "timed_out"}, 10.0)


async def test_a_slow_session_is_named_once(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    stage = theatre({"a": Script(work=100)}, config=configure(slow_after=60.0, session_timeout=3600.0))
    stage.orchestrator.register_spec("A", run="a")

    await stage.orchestrator.run()

    raised = [event.message for event in stage.recorder.events if isinstance(event, events.EscalationRaised)]
    assert raised == ["slow: running for 1m of 1h"]
    assert stage.statuses == {"A": "completed"}


async def test_verify_decides(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    stage = theatre({"check": Script(output=b"3 of 4\n", end=Exit(1))})
    stage.orchestrator.register_spec(Spec(id="A", run="a", verify="check"))
    stage.orchestrator.register_spec(Spec(id="B", run="b", verify="fine"))

    state = await stage.orchestrator.run()

    failure = state.sessions[f"{state.run}/A"].failure
    assert failure == events.Failure(
        reason=Reason.VERIFY_FAILED, exit_code=1, log_tail=("[aad] verify: check", "3 of 4"), log_lines=2
    )
    assert stage.statuses == {"A": "failed", "B": "completed"}


async def test_what_cannot_be_started_fails_at_once_whatever_retries_say(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(refused=SpawnError("a: No such file", scarce=False))})
    stage.orchestrator.register_spec(Spec(id="A", run="a", retries=5))

    state = await stage.orchestrator.run()

    assert (stage.statuses, len(stage.children.commands), state.duration_s) == ({"A": "failed"}, 1, 0)


async def test_a_start_waits_for_what_is_scarce_and_spends_no_attempt(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    scarce = Script(refused=SpawnError("a: Too many open files", scarce=True))
    stage = theatre({"a": [scarce, scarce, Script()]})
    stage.orchestrator.register_spec("A", run="a")

    state = await stage.orchestrator.run()

    assert (stage.statuses, state.sessions[f"{state.run}/A"].attempt) == ({"A": "completed"}, 1)


async def test_the_child_finds_its_way_by_its_environment(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre()
    stage.orchestrator.register_spec("A", run="a")

    state = await stage.orchestrator.run()

    root = stage.orchestrator.project.root
    command = stage.children.commands[0]
    assert (command.argv, command.cwd, command.stdin) == (("/bin/sh", "-c", "a"), str(root), None)
    assert command.env == quiet_git({"PATH": "/usr/bin:/bin"}) | {
        "AAD_RUN_ID": state.run,
        "AAD_SESSION_ID": f"{state.run}/A",
        "AAD_SPEC_ID": "A",
        "AAD_SPEC_FILE": "",
        "AAD_ATTEMPT": "1",
        "AAD_MODE": "new",
        "AAD_WORKSPACE": str(root),
        "AAD_EVENTS": str(root / f".aad/runs/{state.run}/A/1/events/events.jsonl"),
    }


async def test_callables_run_report_warn_and_fail(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    async def work(session: ChildSession) -> None:
        session.report(0.5, "half")
        session.warn("careful")
        session.write("a line\n")
        await trio.sleep(1)

    async def fail(session: ChildSession) -> None:
        raise ValueError(session.spec.id)

    tries: list[int] = []

    async def stumble(session: ChildSession) -> None:
        tries.append(session.attempt)
        if session.attempt == 1:
            raise TransientError

    stage = theatre()
    for name, function in (("A", work), ("B", fail), ("C", stumble)):
        stage.orchestrator.register_spec(name, run=function)

    state = await stage.orchestrator.run()

    assert (stage.statuses, tries) == ({"A": "completed", "B": "failed", "C": "completed"}, [1, 2])
    failure = state.sessions[f"{state.run}/B"].failure
    assert failure is not None
    assert (failure.message, failure.log_tail[-1]) == ("ValueError: B", "ValueError: B")
    assert (stage.orchestrator.project.run(state.run) / "A/1/output.log").read_text() == "a line\n"
    assert stage.story("session_progress") == ["session_progress A"]


async def test_a_cancelled_run_gives_every_session_its_final_event(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=100), "b": Script(work=100)}, config=configure(max_parallel_sessions=2))
    for spec_id in "ABC":
        stage.orchestrator.register_spec(spec_id, run=spec_id.lower())

    with trio.move_on_after(5):
        await stage.orchestrator.run()

    assert stage.statuses == {"A": "cancelled", "B": "cancelled", "C": "skipped"}
    assert stage.story("run_finished", "session_cancelled", "session_skipped")[-1] == "run_finished"
    assert stage.orchestrator.state.status == "interrupted"


async def test_a_signal_is_in_the_exit_code(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    stage = theatre({"a": Script(work=100)})
    stage.orchestrator.register_spec("A", run="a")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.orchestrator.run)
        await trio.sleep(1)
        stage.orchestrator.cancel(signal=15)

    state = stage.orchestrator.state
    assert (state.status, state.exit_code, state.signal) == ("interrupted", 143, 15)


async def test_the_whole_run_has_a_deadline_too(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    stage = theatre({"a": Script(work=100)}, config=configure(run_timeout=7.0))
    stage.orchestrator.register_spec("A", run="a")

    state = await stage.orchestrator.run()

    assert (state.status, state.exit_code, stage.statuses) == ("timed_out", 124, {"A": "cancelled"})


async def test_two_runs_do_not_share_a_project(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_orchestrator(CONFIG, root=tmp_path):
        with pytest.raises(LockedError):
            async with open_orchestrator(CONFIG, root=tmp_path):
                pass


async def test_all_faults_are_named_before_anything_is_started(
    theatre: MakeTheatre, tmp_path: Path, autojump_clock: MockClock
) -> None:
    stage = theatre()
    stage.orchestrator.register_spec("A", depends_on=["X"])
    stage.orchestrator.register_spec("B", run="b", depends_on=["Y"])

    with pytest.raises(InputError) as caught:
        await stage.orchestrator.run()

    assert len(caught.value.problems) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spec_id", ["../x", "a b", "", "-x", "x" * 300, "a/b"])
def test_an_unsafe_id_is_refused(theatre: MakeTheatre, spec_id: str) -> None:
    with pytest.raises(InputError):
        theatre().orchestrator.register_spec(spec_id, run="true")


def test_an_id_is_registered_once(theatre: MakeTheatre) -> None:
    stage = theatre()
    stage.orchestrator.register_spec("A", run="a")

    with pytest.raises(InputError, match="A is registered already"):
        stage.orchestrator.register_spec("A", run="a")


async def test_a_child_that_floods_its_events_is_heard_in_part_and_holds_up_nobody(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=2)})
    folder = stage.orchestrator.project.attempt(stage.orchestrator.run_id, "A", 1)
    flood = '{"message": "x"}\n' * 50_000 + '{"warning": "w"}\n' * 1_000
    stage.orchestrator.register_spec("A", run="a")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.orchestrator.run)
        await trio.sleep(0.5)
        (folder / "events/events.jsonl").write_text(flood)

    assert len(stage.story("session_progress")) <= 20
    assert len(stage.story("escalation_raised")) == 21


async def test_no_event_and_no_escalation_carries_a_secret(tmp_path: Path) -> None:
    secret = "tok-0123456789"  # noqa: S105 - a made-up one
    orchestrator = Orchestrator(CONFIG, root=tmp_path, environ={"GH_TOKEN": secret})
    session_id = orchestrator.register_spec(Spec(id="A", title=f"with {secret}", run=(f"./{secret}",)))

    await orchestrator.run()
    orchestrator.escalate(session_id, f"look: {secret}")
    orchestrator.close()

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
    assert len(files) > 5


async def test_a_run_that_is_cancelled_while_its_journal_is_synced_starts_nothing(tmp_path: Path) -> None:
    children = ScriptedChildren()

    async def sync(_: Callable[[], None]) -> None:
        orchestrator.cancel()
        await trio.lowlevel.checkpoint()

    orchestrator = Orchestrator(CONFIG, root=tmp_path, environ={}, run_child=children, sync=sync)
    orchestrator.register_spec("A", run="a")
    state = await orchestrator.run()
    orchestrator.close()

    assert (children.commands, [str(session.status) for session in state.sessions.values()]) == (
        [],
        ["cancelled"],
    )
