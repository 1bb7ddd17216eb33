"""Real codex where it is live: it asks while it works, its process waits, and goes on with the answer."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from agentbox import each_of
from agentproject import AgentProject, finish, reply, run, staged, write
from gitproject import ALL, RESUME, attempts
from modelapis import Json

DATABASE = ("database", "Which database?", ("postgres", "sqlite"))
PORT = ("port", "Which port?", ("80", "8080"))
CODEX = each_of("codex")


def ask(*questions: tuple[str, str, Sequence[str]]) -> Json:
    """Return the step of a model that asks a person: by id, words and options."""
    told = [
        {
            "id": name,
            "header": name,
            "question": words,
            "options": [{"label": label, "description": "It is one of them."} for label in labels],
        }
        for name, words, labels in questions
    ]
    return {"tool": "request_user_input", "args": {"questions": told}}


def step_out(path: Path) -> Json:
    """Return the step of a model that wants to write a file outside of its sandbox."""
    told = {"sandbox_permissions": "require_escalated", "justification": "May it be there?"}
    return {"tool": "exec_command", "args": {"cmd": f"echo made >{path}", **told}}


def enliven(project: AgentProject, **tables: str) -> AgentProject:
    """Let the project's agent ask while it works; `tables` as in `settle`."""
    live = project.options.replace("[agents.codex]", "[agents.live]\nkind = 'codex'\nlive = true")
    return project.settle(kind="live", more=live, **tables).task("A")


def escalated(project: AgentProject) -> list[tuple[str, str]]:
    """Return the kinds of what was escalated, and its words."""
    return [(line["kind"], line["question"]["text"]) for line in project.journal("escalation_raised")]


def outputs(project: AgentProject) -> list[Any]:
    """Return the objects among what codex told its model of the tools that it used."""
    (thread,) = project.box.root.glob("codex/sessions/**/*.jsonl")
    items = [json.loads(line)["payload"] for line in thread.read_text("utf-8").splitlines()]
    told = [item["output"] for item in items if item.get("type") == "function_call_output"]
    return [json.loads(output) for output in told if output.startswith("{")]


@CODEX
def test_what_live_codex_made_is_committed_and_what_it_used_is_told(tmp_path: Path, agent: str) -> None:
    with staged(tmp_path, agent, {"A": [write("made.txt"), finish(agent, "It is made.")]}) as project:
        enliven(project)

        project.aad(*ALL).exits(0)

        final = project.final("A")
        assert (final["type"], final["message"]) == ("session_completed", "It is made.")
        assert (final["usage"]["input"], final["usage"]["output"]) == (3000, 100)
        assert project.changes() == ["A made.txt"]
        assert all(each["dummy_key"] for each in project.server.requests)


@CODEX
def test_several_live_codex_begin_at_once_in_a_home_that_is_new(tmp_path: Path, agent: str) -> None:
    specs = ("A", "B", "C", "D")
    scenarios = {spec: [write(f"{spec}.txt"), finish(agent, f"{spec} is made.")] for spec in specs}

    with staged(tmp_path, agent, scenarios) as project:
        enliven(project, orchestrator="retries = {delay = '500ms'}")
        for spec in specs[1:]:
            project.task(spec)

        project.aad(*ALL, "--jobs", "4").exits(0)

        assert project.ends() == dict.fromkeys(specs, "completed")


@CODEX
def test_live_codex_goes_on_with_the_answers_to_its_questions(tmp_path: Path, agent: str) -> None:
    steps = [ask(DATABASE, PORT), write("made.txt"), finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        enliven(project)

        with project.start(*ALL) as running:
            waits = running.until("session_waiting", message="Which database?")
            project.aad("escalations", "answer", "A-error", "2").exits(0)
            running.until("session_waiting", message="Which port?")
            project.aad("escalations", "answer", "A-error-2", "--free-text", "5432").exits(0)
            running.end().exits(0)

        assert waits["live"] is True
        assert escalated(project) == [("question", "Which database?"), ("question", "Which port?")]
        answers = {"database": {"answers": ["sqlite"]}, "port": {"answers": ["5432"]}}
        assert outputs(project) == [{"answers": answers}]
        assert attempts(project) == [("A", 1)]


@pytest.mark.parametrize(("word", "made"), [("accept", True), ("decline", False)])
@CODEX
def test_live_codex_leaves_its_sandbox_only_where_a_person_allows_it(
    tmp_path: Path, agent: str, word: str, made: bool
) -> None:
    outside = tmp_path / "outside.txt"

    with staged(tmp_path, agent, {"A": [step_out(outside), finish(agent, "It is made.")]}) as project:
        enliven(project)

        with project.start(*ALL) as running:
            running.until("session_waiting")
            project.aad("escalations", "answer", "A-error", word).exits(0)
            running.end().exits(0)

        asked = f"/bin/bash -lc 'echo made >{outside}'\nMay it be there?"
        assert escalated(project) == [("permission", asked)]
        assert outside.exists() == made


@CODEX
def test_live_codex_is_told_what_a_person_said_instead_of_allowing_it(tmp_path: Path, agent: str) -> None:
    outside = tmp_path / "outside.txt"

    with staged(tmp_path, agent, {"A": [step_out(outside), finish(agent, "It is made.")]}) as project:
        enliven(project)

        with project.start(*ALL) as running:
            running.until("session_waiting")
            project.aad("escalations", "answer", "A-error", "--free-text", "Stay in the folder.").exits(0)
            running.end().exits(0)

        assert project.prompt() == "Stay in the folder."
        assert not outside.exists()


@CODEX
def test_live_codex_may_write_its_events_and_end_with_a_question(tmp_path: Path, agent: str) -> None:
    tell = run("""echo '{"progress": 0.5}' >>"$AAD_EVENTS" """)
    steps = [tell, reply("question", "", "Which database?", ["postgres", "sqlite"]), finish(agent, "Made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        enliven(project)

        with project.start(*ALL) as running:
            running.until("session_waiting")
            project.aad("escalations", "answer", "A-error", "sqlite").exits(0)
            running.end().exits(0)

        assert [line["progress"] for line in project.journal("session_progress") if "progress" in line] == [
            0.5
        ]
        assert len(set(project.agent_sessions())) == 1
        assert "The answer to your question is:\n\nsqlite\n" in project.prompt()


@CODEX
def test_live_codex_goes_on_in_another_run_where_nobody_answered_in_the_first(
    tmp_path: Path, agent: str
) -> None:
    steps = [ask(DATABASE), write("made.txt"), finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        enliven(project, escalation="wait = '1s'")

        project.aad(*ALL).exits(4)
        project.aad("escalations", "answer", "A-error", "sqlite").exits(0)
        project.aad(*RESUME).exits(0)

        assert attempts(project) == [("A", 1), ("A", 2)]
        assert len(set(project.agent_sessions())) == 1
        assert "The answer to your question is:\n\nsqlite\n" in project.prompt()
        assert project.show("made.txt") == "made"


@CODEX
def test_a_refused_key_of_live_codex_is_known_for_what_it_is(tmp_path: Path, agent: str) -> None:
    with staged(tmp_path, agent, {"A": [{"status": 401}]}) as project:
        enliven(project, escalation="wait = '1s'")

        project.aad(*ALL).exits(4)

        assert [line["kind"] for line in project.journal("escalation_raised")] == ["auth"]
