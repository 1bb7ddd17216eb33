"""Agents that ask while they work, and then wait for the answer no longer: they go on, and complete."""

import json
from pathlib import Path

from agentbox import each_of
from agentproject import finish, staged
from gitproject import ALL, RESUME, GitProject, attempts
from modelapis import Json
from test_acp import AGENT, make_project
from test_kills import kill
from test_live_agents import enliven

# The agent of the Agent Client Protocol waits until a file is there, and then for the answer no longer.
ASKED = 'say(id="p", method="session/request_permission", params=params)'
WITHDRAWN = """
    import time
    while not pathlib.Path("{go}").exists(): time.sleep(0.02)
    say(method="$/cancel_request", params={{"requestId": "p"}})
"""


def use(tool: str, **args: object) -> Json:
    """Return the step of a model that uses one of its agent's own tools."""
    return {"tool": tool, "args": args}


def escalations(project: GitProject) -> list[tuple[str, str, str]]:
    """Return how each escalation stands in its file: its state, and what was decided by whom."""
    files = sorted((project.root / ".aad" / "escalations").glob("*.json"))
    told = [json.loads(path.read_bytes()) for path in files]
    return [(each["state"], each["decision"]["action"], each["decision"]["by"]) for each in told]


@each_of("claude")
def test_what_claudes_sub_agent_asked_is_closed_when_claude_stops_it(tmp_path: Path, agent: str) -> None:
    outside = tmp_path / "outside.txt"
    elsewhere = use("Write", file_path=str(outside), content="made\n")
    begin = use(
        "Task",
        description="Write it",
        prompt="SCENARIO:B",
        subagent_type="general-purpose",
        run_in_background=True,
    )
    stop = use("TaskStop", task_id={"found": r"agentId: (\w+)"})
    stopped, made = finish(agent, "It is stopped."), finish(agent, "It is made.")
    scenarios = {"A": [begin, {"stall": 1}, stop, stopped, made], "B": [elsewhere]}

    with staged(tmp_path, agent, scenarios) as project:
        enliven(project).task("A")

        project.aad(*ALL).exits(0)

        assert [line["kind"] for line in project.journal("escalation_raised")] == ["permission"]
        assert escalations(project) == [("decided", "withdraw", "agent")]
        assert (attempts(project), outside.exists()) == ([("A", 1)], False)


def test_what_an_agent_withdraws_is_closed_and_its_work_goes_on(tmp_path: Path) -> None:
    go = tmp_path / "go"
    agent = AGENT.replace(ASKED, ASKED + WITHDRAWN.format(go=go))
    project = make_project(tmp_path, str(tmp_path / "outside.txt"), agent)

    with project.start(*ALL) as running:
        running.until("session_waiting")
        go.touch()
        running.end().exits(0)

    shown = project.aad("escalations", "show", "A-error").exits(0)
    assert escalations(project) == [("decided", "withdraw", "agent")]
    assert "withdrawn: the agent no longer waits for an answer" in shown.out.decode()
    assert attempts(project) == [("A", 1)]


def test_what_was_withdrawn_before_a_kill_is_not_asked_by_the_run_that_goes_on(tmp_path: Path) -> None:
    go, call = tmp_path / "go", '    call = {"toolCallId"'
    asks_once = f'    if pathlib.Path("{go}").exists(): return {{"stopReason": "end_turn"}}\n{call}'
    works_on = f"{WITHDRAWN.format(go=go)}    time.sleep(600)"
    agent = AGENT.replace(ASKED, ASKED + works_on).replace(call, asks_once)
    project = make_project(tmp_path, str(tmp_path / "outside.txt"), agent)

    with project.start(*ALL) as running:
        running.until("session_waiting")
        go.touch()
        running.until("escalation_decided")
        kill(running, everyone=False)
    project.aad(*RESUME).exits(0)

    assert escalations(project) == [("decided", "withdraw", "agent")]
    assert len(project.journal("escalation_raised")) == 1
    assert attempts(project) == [("A", 1), ("A", 2)]
