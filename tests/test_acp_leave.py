"""What an agent that speaks the Agent Client Protocol may do, and who is asked for leave."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from acptalk import OPTIONS, ask_leave, hear, open_session, say, tell
from attrs import evolve
from recordings import JOB

from aad.agents.talk import Denied, ToolBegan, Wants


def selected(number: object, option: str) -> dict[str, object]:
    result = {"outcome": {"outcome": "selected", "optionId": option}}
    return {"jsonrpc": "2.0", "id": number, "result": result}


@pytest.mark.parametrize("path", ["/workspace/a", "a/b", "/attempt/events/events.jsonl", ""])
def test_in_the_workspace_it_may_do_all_once(path: str) -> None:
    reader = open_session()

    told = say(reader, ask_leave(path))

    assert told == [ToolBegan(id="c", name="edit", detail=path or "Write it")]
    assert hear(reader) == [selected(0, "once")]


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../a", "/workspace/../etc", "/workspace-2", "~/.ssh", "file:///etc", "a\0b"]
)
def test_a_person_is_asked_for_leave_to_work_elsewhere(path: str) -> None:
    reader = open_session()

    told = say(reader, ask_leave(path, number="r"))

    assert told[1:] == [
        Wants(
            request_id='"r"',
            text=f"May the agent work on {path}, outside of its folder? It wants to: Write it",
            options=("allow", "deny"),
            descriptions=("Allow", "Reject"),
            permission=True,
        )
    ]
    assert hear(reader) == []


@pytest.mark.parametrize(
    "call",
    [
        {"rawInput": {"file_path": "/etc/a"}},
        {"rawInput": {"filePath": "/etc/a"}},
        {"content": [{"type": "diff", "path": "/etc/a"}]},
        {"locations": [{"path": "/workspace"}, {"path": "/etc/a"}]},
    ],
)
def test_a_path_is_found_wherever_it_stands(call: Mapping[str, object]) -> None:
    reader = open_session()
    say(reader, tell("tool_call", **{"toolCallId": "c", "status": "pending", **call}))

    told = say(reader, ask_leave("a", locations=call.get("locations", [])))

    assert isinstance(told[-1], Wants)


def test_a_link_leads_out_of_the_workspace(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "link").symlink_to(tmp_path)
    reader = open_session(evolve(JOB, workspace=workspace))

    told = say(reader, ask_leave(str(workspace / "link" / "a")))

    assert isinstance(told[-1], Wants)


def test_where_all_is_allowed_nobody_is_asked() -> None:
    reader = open_session(permissions="full")

    say(reader, ask_leave("/etc/passwd"))

    assert hear(reader) == [selected(0, "once")]


def test_in_the_sandbox_it_runs_no_commands() -> None:
    reader = open_session(permissions="sandbox")

    told = say(reader, ask_leave("a", kind="execute"))
    say(reader, ask_leave("a", number=1, call="d"))

    assert told[1:] == [Denied("Write it")]
    assert hear(reader) == [selected(0, "no"), selected(1, "once")]


@pytest.mark.parametrize(
    ("offered", "outcome"),
    [
        (OPTIONS[:1], {"outcome": "selected", "optionId": "always"}),
        (OPTIONS[2:], {"outcome": "selected", "optionId": "no"}),
        ([], {"outcome": "cancelled"}),
    ],
)
def test_where_it_cannot_be_allowed_once_the_next_best_is_chosen(
    offered: object, outcome: Mapping[str, str]
) -> None:
    reader = open_session()
    call = ask_leave("a")
    call["params"] = {**call["params"], "options": offered}  # type: ignore[dict-item]

    say(reader, call)

    assert hear(reader) == [{"jsonrpc": "2.0", "id": 0, "result": {"outcome": outcome}}]


@pytest.mark.parametrize(
    ("text", "option", "chosen"),
    [
        ("", "allow", "once"),
        ("allow", None, "once"),
        ("", "deny", "no"),
        ("yes, but only today", None, "no"),
    ],
)
def test_a_persons_word_is_handed_on(text: str, option: str | None, chosen: str) -> None:
    reader = open_session()
    say(reader, ask_leave("/etc/a"))

    reader.answer("0", text, option)
    reader.answer("0", "allow", None)

    assert hear(reader) == [selected(0, chosen)]


def test_leave_holds_for_one_call_and_one_path() -> None:
    reader = open_session()
    say(reader, ask_leave("/etc/a"))
    reader.answer("0", "allow", None)
    reader.take_outgoing()

    say(reader, ask_leave("/etc/a", number=1))
    others = [
        say(reader, ask_leave("/etc/b", number=2)),
        say(reader, ask_leave("/etc/a", number=3, call="d")),
    ]

    assert hear(reader) == [selected(1, "once")]
    assert [type(told[-1]) for told in others] == [Wants, Wants]
