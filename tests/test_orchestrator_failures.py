"""A whole run in which children fail or ask: what is tried again, who decides, and how the run goes on."""

import json

import trio
from attrs import evolve
from conftest import CONFIG, MakeTheatre, configure
from trio.testing import MockClock

from aad import events
from aad.agents.base import Exit
from aad.escalationlog import Decision, EscalationLog
from aad.events import Action, EscalationLevel
from aad.journal import replay
from aad.spec import Spec
from aad.testing import Script

PATIENT_FOR_A_MINUTE = evolve(CONFIG, escalation=evolve(CONFIG.escalation, wait=60.0))
FAILS = Script(output=b"no good\n", end=Exit(3))


async def test_a_failure_is_escalated_and_skips_what_needs_it(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": FAILS})
    stage.orchestrator.register_spec("A", run="a")
    stage.orchestrator.register_spec("B", run="b", depends_on=["A"])
    stage.orchestrator.register_spec("C", run="c")

    state = await stage.orchestrator.run()

    assert stage.statuses == {"A": "failed", "B": "skipped", "C": "completed"}
    assert state.exit_code == 1
    told = json.loads((stage.orchestrator.project.escalations / "A-error.json").read_bytes())
    del told["timestamp"], told["decision"]["at"]
    assert told == {
        "version": 1,
        "id": "A-error",
        "run_id": state.run,
        "session_id": f"{state.run}/A",
        "spec_id": "A",
        "attempt": 1,
        "level": "error",
        "rises": 0,
        "kind": "failed",
        "reason": "exit code 3",
        "failure": {"exit_code": 3, "signal": None},
        "conflict": None,
        "work": None,
        "log": f".aad/runs/{state.run}/A/1/output.log",
        "log_tail": ["no good"],
        "question": None,
        "blocks": ["B"],
        "will_retry": False,
        "redactions": 0,
        "state": "decided",
        "decision": {"action": "skip", "by": "policy", "text": None, "option": None},
    }


async def test_retries_wait_and_count(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    stage = theatre({"a": [FAILS, FAILS, Script(work=1)]})
    stage.orchestrator.register_spec(Spec(id="A", run="a", retries=2))

    state = await stage.orchestrator.run()

    assert (stage.statuses, state.sessions[f"{state.run}/A"].attempt) == ({"A": "completed"}, 3)
    assert state.duration_s == 10 + 20 + 1
    assert stage.story("retry_scheduled", "session_started") == [
        *("session_started A", "retry_scheduled A") * 2,
        "session_started A",
    ]
    assert sorted(path.name for path in stage.orchestrator.project.escalations.iterdir()) == [
        "A-warning-2.json",
        "A-warning.json",
    ]


async def test_exit_75_is_tried_again_without_being_asked_for(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": [Script(end=Exit(75)), Script()]})
    stage.orchestrator.register_spec("A", run="a")

    await stage.orchestrator.run()

    assert stage.statuses == {"A": "completed"}


async def test_the_slot_is_free_while_a_retry_waits(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    stage = theatre({"a": [FAILS, Script()], "b": Script(work=3)}, config=configure(max_parallel_sessions=1))
    stage.orchestrator.register_spec(Spec(id="A", run="a", retries=1))
    stage.orchestrator.register_spec("B", run="b")

    state = await stage.orchestrator.run()

    assert state.duration_s == 10.0


async def test_a_handler_decides_before_policy(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    seen: list[EscalationLog] = []

    async def decide(log: EscalationLog) -> Decision | None:
        seen.append(log)
        await trio.sleep(30)
        return Decision(action=Action.RETRY) if len(seen) == 1 else None

    stage = theatre({"a": FAILS}, escalation_handler=decide)
    stage.orchestrator.register_spec("A", run="a")

    await stage.orchestrator.run()

    assert [(log.id, log.attempt, log.will_retry) for log in seen] == [
        ("A-error", 1, False),
        ("A-error-2", 2, False),
    ]
    decided = [(e.action, e.by) for e in stage.recorder.events if isinstance(e, events.EscalationDecided)]
    assert decided == [("retry", "handler"), ("skip", "policy")]
    assert stage.statuses == {"A": "failed"}


async def test_a_critical_escalation_ends_the_run(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    stage = theatre({"a": Script(work=100), "b": Script(work=100)}, config=configure(max_parallel_sessions=2))
    for spec_id in "ABC":
        stage.orchestrator.register_spec(spec_id, run=spec_id.lower())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.orchestrator.run)
        await trio.sleep(1)
        session_id = next(iter(stage.orchestrator.sessions))
        stage.orchestrator.escalate(session_id, "all is lost", EscalationLevel.CRITICAL)

    state = stage.orchestrator.state
    assert (state.status, state.exit_code) == ("failed", 1)
    assert stage.statuses == {"A": "cancelled", "B": "cancelled", "C": "skipped"}
    assert (stage.orchestrator.project.escalations / "A-critical.json").is_file()


async def test_a_question_waits_for_a_person_without_a_slot(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": Script(work=100)}, config=PATIENT_FOR_A_MINUTE)
    events_file = (
        stage.orchestrator.project.attempt(stage.orchestrator.run_id, "A", 1) / "events/events.jsonl"
    )
    stage.orchestrator.register_spec("A", run="a")
    stage.orchestrator.register_spec("B", run="b", depends_on=["A"])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.orchestrator.run)
        await trio.sleep(0.5)
        events_file.write_text('{"question": "Which?", "options": ["x", "y"]}\n')

    assert stage.statuses == {"A": "waiting", "B": "pending"}
    assert stage.orchestrator.state.exit_code == 4
    told = json.loads((stage.orchestrator.project.escalations / "A-error.json").read_bytes())
    assert (told["kind"], told["state"]) == ("question", "open")
    assert told["question"] == {"text": "Which?", "options": ["x", "y"]}


async def test_an_answer_starts_a_new_attempt_that_knows_it(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    async def answer(log: EscalationLog) -> Decision | None:
        return Decision(action=Action.ANSWER, text="x") if log.question else None

    stage = theatre({"a": [Script(work=100), Script()]}, escalation_handler=answer)
    events_file = (
        stage.orchestrator.project.attempt(stage.orchestrator.run_id, "A", 1) / "events/events.jsonl"
    )
    stage.orchestrator.register_spec("A", run="a")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.orchestrator.run)
        await trio.sleep(0.5)
        events_file.write_text('{"question": "Which?"}\n')

    env = stage.children.commands[1].env
    assert (env["AAD_MODE"], env["AAD_ANSWER"], env["AAD_ATTEMPT"]) == ("resume", "x", "2")
    assert stage.statuses == {"A": "completed"}


async def test_a_program_sees_what_is_open_and_decides_it(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": [Script(work=100), Script()]})
    orchestrator = stage.orchestrator
    events_file = orchestrator.project.attempt(orchestrator.run_id, "A", 1) / "events/events.jsonl"
    orchestrator.register_spec("A", run="a")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(orchestrator.run)
        await trio.sleep(0.5)
        events_file.write_text('{"question": "Which?"}\n')
        await trio.sleep(60)
        seen = [log.id for log in orchestrator.open_escalations]
        orchestrator.decide("A-error", Decision(action=Action.ANSWER, text="x"))

    assert seen == ["A-error"]
    assert stage.children.commands[1].env["AAD_ANSWER"] == "x"
    assert stage.statuses == {"A": "completed"}


async def test_a_program_decides_what_a_run_was_parked_with_and_goes_on(
    theatre: MakeTheatre, autojump_clock: MockClock
) -> None:
    stage = theatre({"a": [Script(work=100), Script()]}, config=PATIENT_FOR_A_MINUTE)
    orchestrator = stage.orchestrator
    events_file = orchestrator.project.attempt(orchestrator.run_id, "A", 1) / "events/events.jsonl"
    orchestrator.register_spec("A", run="a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(orchestrator.run)
        await trio.sleep(0.5)
        events_file.write_text('{"question": "Which?"}\n')
    parked = stage.statuses

    orchestrator.decide("A-error", Decision(action=Action.ANSWER, text="x"))
    await orchestrator.run()

    assert parked == {"A": "waiting"}
    assert stage.children.commands[1].env["AAD_ANSWER"] == "x"
    assert stage.statuses == {"A": "completed"}


async def test_resume_runs_only_what_is_not_complete(theatre: MakeTheatre, autojump_clock: MockClock) -> None:
    first = theatre({"b": FAILS})
    first.orchestrator.register_spec("A", run="a")
    first.orchestrator.register_spec("B", run="b", depends_on=["A"])
    first.orchestrator.register_spec("C", run="c", depends_on=["B"])
    await first.orchestrator.run()
    first.orchestrator.close()

    again = theatre(resume=first.orchestrator.run_id)
    again.orchestrator.register_spec("A", run="a")
    again.orchestrator.register_spec("B", run="b", depends_on=["A"])
    again.orchestrator.register_spec("C", run="c", depends_on=["B"])
    state = await again.orchestrator.run()

    assert [command.argv[-1] for command in again.children.commands] == ["b", "c"]
    assert (state.status, again.statuses["A"]) == ("completed", "completed")
    assert again.children.commands[0].env["AAD_ATTEMPT"] == "2"
    assert replay(again.orchestrator.project.journal(state.run)).count() == {"completed": 3}
