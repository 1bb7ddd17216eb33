"""An agent that speaks the Agent Client Protocol is talked with: a small one of our own, over real pipes."""

import json
import sys
from pathlib import Path

import pytest
from gitproject import ALL, GitProject, attempts
from harness import Token

# Answers the four things that it is asked, and asks for leave to write where the spec's last line says.
AGENT = """
import json, pathlib, sys
def say(**told): print(json.dumps({"jsonrpc": "2.0", **told}), flush=True)
def tell(kind, **more):
    say(method="session/update", params={"sessionId": "s-1", "update": {"sessionUpdate": kind, **more}})
def work(text):
    path = text.split("WRITE ")[1].split()[0]
    tell("agent_message_chunk", content={"type": "text", "text": "I write " + path})
    call = {"toolCallId": "c", "title": "Write it", "kind": "edit", "locations": [{"path": path}]}
    options = [{"optionId": "y", "kind": "allow_once"}, {"optionId": "n", "kind": "reject_once"}]
    params = {"sessionId": "s-1", "toolCall": call, "options": options}
    say(id="p", method="session/request_permission", params=params)
    if json.loads(sys.stdin.readline())["result"]["outcome"].get("optionId") == "y":
        pathlib.Path(path).write_text("made")
        tell("tool_call_update", toolCallId="c", status="completed")
        tell("agent_message_chunk", content={"type": "text", "text": "It is made."})
    return {"stopReason": "end_turn", "usage": {"totalTokens": 30, "inputTokens": 20, "outputTokens": 10}}
for line in sys.stdin:
    asked = json.loads(line)
    answers = {"initialize": lambda: {"protocolVersion": 1}, "session/new": lambda: {"sessionId": "s-1"},
        "session/prompt": lambda: work(asked["params"]["prompt"][0]["text"])}
    say(id=asked["id"], result=answers[asked["method"]]())
"""


def make_project(folder: Path, path: str, agent: str = AGENT) -> GitProject:
    """Return a project whose one spec is carried out by such an agent, which writes a file."""
    program = folder / "agent.py"
    program.write_text(agent)
    project = GitProject(folder / "project").config(
        "[agent]\nkind = 'acp'\n[orchestrator]\nmonitor_interval = '50ms'\ngrace_period = '5s'\n"
        f"[agents.acp]\ncommand = {json.dumps([sys.executable, str(program)])}\n"
    )
    return project.spec("A", None, body=f"WRITE {path}\n").commit()


def test_an_agent_is_told_what_to_do_and_what_it_may(tmp_path: Path) -> None:
    project = make_project(tmp_path, "made.txt")

    project.aad(*ALL).exits(0)

    final = project.final("A")
    assert (final["type"], final["message"]) == ("session_completed", "It is made.")
    assert (final["usage"]["input"], final["usage"]["output"], final["usage"]["turns"]) == (20, 10, 1)
    assert project.show("made.txt") == "made"
    assert project.log("A").decode() == (
        "[session] s-1\nI write made.txt\n[tool] edit: made.txt\nIt is made.\n"
    )


@pytest.mark.parametrize(("word", "made"), [("allow", True), ("deny", False)])
def test_an_agent_works_elsewhere_only_where_a_person_allows_it(
    tmp_path: Path,
    word: str,
    made: bool,
) -> None:
    outside = tmp_path / "outside.txt"
    project = make_project(tmp_path, str(outside))

    with project.start(*ALL) as running:
        waits = running.until("session_waiting")
        project.aad("escalations", "answer", "A-error", word).exits(0)
        running.end().exits(0 if made else 1)

    assert (
        waits["message"] == f"May the agent work on {outside}, outside of its folder? It wants to: Write it"
    )
    assert [line["kind"] for line in project.journal("escalation_raised")][:1] == ["permission"]
    assert (outside.exists(), attempts(project)[:1]) == (made, [("A", 1)])


def test_nothing_is_left_of_an_agent_that_does_not_end_when_nothing_more_is_said(tmp_path: Path) -> None:
    token = Token()
    stays = f"{AGENT}\nimport subprocess\nsubprocess.run(['sleep', '{token}'])\n"
    project = make_project(tmp_path, "made.txt", stays)

    project.aad(*ALL, "--timeout", "2s").exits(1)

    assert project.final("A")["type"] == "session_timed_out"
    assert token.holders() == []
