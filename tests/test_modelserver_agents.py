"""Real agents work against the scripted model."""

import json
import tomllib
from pathlib import Path

from agentbox import AgentBox, each_of, find_agent
from modelapis import Json
from modelserver import model_server
from modeltalk import RESPONSES


def run_codex(box: AgentBox, url: str, *more: str) -> tuple[int, list[Json]]:
    """Run codex in a box as `aad` would; return its exit status and what it wrote, less its warnings."""
    wiring = box.wire("codex", url)
    argv = [str(find_agent("codex")), "exec", "--json", "-s", "workspace-write", "-m", wiring.model]
    quiet = ["--disable", "plugins", "--disable", "apps", "--disable", "remote_plugin"]
    done = box.run([*argv, *quiet, *wiring.args, *more, "-"], "Write it. SCENARIO:A\n", wiring.env)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, [line for line in lines if line.get("item", {}).get("type") != "error"]


WRITE: Json = {"tool": "write", "args": {"path": "made/it.txt", "content": "made\n"}}
MORE_TRIES = ("-c", "model_providers.loopback.request_max_retries=1")


@each_of("codex", "claude", "gemini", "opencode", "qwen", "pi")
def test_a_projects_config_says_how_its_agent_is_led_to_the_model(tmp_path: Path, agent: str) -> None:
    box = AgentBox.build(tmp_path)

    told = tomllib.loads(box.configure(agent, "http://127.0.0.1:1"))

    wiring = box.wire(agent, "http://127.0.0.1:1")
    assert told == {
        "agents": {
            agent: {
                "command": [str(find_agent(agent))],
                "model": wiring.model,
                "args": list(wiring.args),
                "env": {**box.env, **wiring.env},
            }
        }
    }
    assert box.env["HOME"] == str(tmp_path / "home")


@each_of("codex")
def test_codex_writes_a_file_and_says_so(tmp_path: Path, agent: str) -> None:
    box = AgentBox.build(tmp_path / "box")

    with model_server({"A": [WRITE, {"text": "It is made."}]}, tmp_path / "seen.jsonl") as server:
        status, lines = run_codex(box, server.url)
        seen = server.requests

    assert status == 0
    assert (box.workspace / "made" / "it.txt").read_text() == "made\n"
    assert lines[-2]["item"]["text"] == "It is made."
    assert lines[-1]["usage"]["input_tokens"] == 3000
    told = [(each["path"], each["dummy_key"], each["step"], each["status"]) for each in seen]
    assert told == [(RESPONSES, True, 0, 200), (RESPONSES, True, 1, 200)]


@each_of("codex")
def test_codex_gives_up_where_it_is_not_let_in(tmp_path: Path, agent: str) -> None:
    box = AgentBox.build(tmp_path / "box")

    with model_server({"A": [{"status": 401}]}, tmp_path / "seen.jsonl") as server:
        status, lines = run_codex(box, server.url)
        seen = server.requests

    said = f"unexpected status 401 Unauthorized: scripted 401, url: {server.url}{RESPONSES}"
    assert status == 1
    assert lines[-1] == {"type": "turn.failed", "error": {"message": said}}
    assert [each["status"] for each in seen] == [401]


@each_of("codex")
def test_codex_tries_again_where_it_may(tmp_path: Path, agent: str) -> None:
    box = AgentBox.build(tmp_path / "box")

    with model_server({"A": [{"status": 500, "times": 1}, WRITE]}, tmp_path / "seen.jsonl") as server:
        status, lines = run_codex(box, server.url, *MORE_TRIES)
        seen = server.requests

    assert status == 0
    assert lines[-2]["item"]["text"] == "Done."
    assert [(each["step"], each["status"]) for each in seen] == [(0, 500), (0, 200), (1, 200)]
