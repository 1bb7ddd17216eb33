"""Real agents that ask while they work: their processes wait for the answer, and go on with it."""

import json
from pathlib import Path
from typing import Any

import pytest
from agentbox import each_of
from agentproject import AgentProject, finish, staged, write
from gitproject import ALL, RESUME, attempts
from modelapis import Json

# A question of several as claude's model asks it.
DATABASE: Json = {
    "question": "Which database?",
    "header": "Database",
    "multiSelect": False,
    "options": [
        {"label": "postgres", "description": "A server."},
        {"label": "sqlite", "description": "A file."},
    ],
}
NAME: Json = {**DATABASE, "question": "What is it called?", "header": "Name"}


def ask(*questions: Json) -> Json:
    """Return the step of claude's model that asks a person."""
    return {"tool": "AskUserQuestion", "args": {"questions": questions}}


def enliven(project: AgentProject, **tables: str) -> AgentProject:
    """Let the project's agent ask while it works; `tables` as in `settle`."""
    own, live = f"[agents.{project.agent}]", f"[agents.live]\nkind = {project.agent!r}\nlive = true"
    return project.settle(kind="live", more=project.options.replace(own, live), **tables)


def told(project: AgentProject, words: str) -> list[Any]:
    """Return what the agent wrote of the tools whose results have these words."""
    (stream,) = project.run.glob("**/stream.jsonl")
    lines = [json.loads(line) for line in stream.read_text("utf-8").splitlines()]
    return [line["tool_use_result"] for line in lines if words in line.get("tool_use_result", ())]


@each_of("claude")
def test_claude_is_told_what_to_do_and_ends_with_its_last_turn(tmp_path: Path, agent: str) -> None:
    with staged(tmp_path, agent, {"A": [write("made.txt"), finish(agent, "It is made.")]}) as project:
        enliven(project).task("A", verify="grep -q made made.txt")

        project.aad(*ALL).exits(0)

        assert project.changes() == ["A made.txt"]


@each_of("claude")
def test_claude_goes_on_with_the_answer_to_its_question(tmp_path: Path, agent: str) -> None:
    steps = [ask(DATABASE), write("made.txt"), finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        enliven(project).task("A")

        with project.start(*ALL) as running:
            waits = running.until("session_waiting")
            project.aad("escalations", "answer", "A-error", "2").exits(0)
            running.end().exits(0)

        assert (waits["message"], waits["live"]) == ("Which database?", True)
        assert [each["answers"] for each in told(project, "answers")] == [{"Which database?": "sqlite"}]
        assert attempts(project) == [("A", 1)]
        assert project.show("made.txt") == "made"


@each_of("claude")
def test_claude_is_told_the_answers_to_all_that_it_asks_at_once(tmp_path: Path, agent: str) -> None:
    steps = [ask(DATABASE, NAME), write("made.txt"), finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        enliven(project).task("A")

        with project.start(*ALL) as running:
            running.until("session_waiting", message="Which database?")
            project.aad("escalations", "answer", "A-error", "postgres").exits(0)
            running.until("session_waiting", message="What is it called?")
            project.aad("escalations", "answer", "A-error-2", "--free-text", "Ada's").exits(0)
            running.end().exits(0)

        answers = {"Which database?": "postgres", "What is it called?": "Ada's"}
        assert [each["answers"] for each in told(project, "answers")] == [answers]


@pytest.mark.parametrize(("word", "made"), [("allow", True), ("deny", False)])
@each_of("claude")
def test_claude_writes_elsewhere_only_where_a_person_allows_it(
    tmp_path: Path, agent: str, word: str, made: bool
) -> None:
    outside = tmp_path / "outside.txt"
    elsewhere: Json = {"tool": "Write", "args": {"file_path": str(outside), "content": "made\n"}}

    with staged(tmp_path, agent, {"A": [elsewhere, finish(agent, "It is made.")]}) as project:
        enliven(project).task("A")

        with project.start(*ALL) as running:
            waits = running.until("session_waiting")
            project.aad("escalations", "answer", "A-error", word).exits(0)
            running.end().exits(0)

        assert waits["message"] == f"Write: {outside}"
        assert [line["kind"] for line in project.journal("escalation_raised")] == ["permission"]
        assert outside.exists() == made


@each_of("claude")
def test_claude_goes_on_in_another_run_where_nobody_answered_in_the_first(tmp_path: Path, agent: str) -> None:
    steps = [ask(DATABASE), write("made.txt"), finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        enliven(project, escalation="wait = '1s'").task("A")

        project.aad(*ALL).exits(4)
        project.aad("escalations", "answer", "A-error", "sqlite").exits(0)
        project.aad(*RESUME).exits(0)

        assert attempts(project) == [("A", 1), ("A", 2)]
        assert len(set(project.agent_sessions())) == 1
        assert "The answer to your question is:\n\nsqlite\n" in project.prompt()
        assert project.show("made.txt") == "made"


@each_of("claude")
def test_claudes_sub_agent_asks_though_the_session_itself_has_no_more_to_say(
    tmp_path: Path, agent: str
) -> None:
    outside = tmp_path / "outside.txt"
    elsewhere: Json = {"tool": "Write", "args": {"file_path": str(outside), "content": "made\n"}}
    job = {
        "description": "Write it",
        "prompt": "SCENARIO:B",
        "subagent_type": "general-purpose",
        "run_in_background": True,
    }
    begin: Json = {"tool": "Task", "args": job}
    scenarios = {
        "A": [begin, finish(agent, "It is begun."), finish(agent, "It is made.")],
        "B": [{"stall": 1}, elsewhere, {"text": "It is written."}],
    }

    with staged(tmp_path, agent, scenarios) as project:
        enliven(project).task("A")

        with project.start(*ALL) as running:
            running.until("session_waiting")
            project.aad("escalations", "answer", "A-error", "allow").exits(0)
            running.end().exits(0)

        assert outside.read_text("utf-8") == "made\n"
        assert project.played() == [(0, 200), (1, 200), (2, 200)]
