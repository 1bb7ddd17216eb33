"""What Codex asks while it works: what to do, and leave."""

from collections.abc import Mapping

import pytest
from codextalk import THREAD, TURN, notify, open_thread, parse, tell

from aad.agents.codex_server import CodexServerReader
from aad.agents.talk import Denied, Talk, ToolEnded, Wants


def request(reader: CodexServerReader, method: str, **params: object) -> list[Talk]:
    return tell(reader, id=0, method=method, params={"threadId": THREAD, "turnId": TURN, **params})


# It asks what to do.

ASKED = [
    {
        "id": "db",
        "header": "Database",
        "question": "Which database?",
        "options": [{"label": "PostgreSQL", "description": "a server"}, {"label": "SQLite"}],
    },
    {"id": "port", "header": "Port", "question": "Which port?", "options": None},
]
QUESTION = "item/tool/requestUserInput"


def test_of_several_questions_each_is_asked_and_all_are_answered_at_once() -> None:
    reader = open_thread()

    talk = request(reader, QUESTION, questions=ASKED)
    reader.answer("0/1", "5432", None)
    early = reader.take_outgoing()
    reader.answer("0/0", "the second", "SQLite")
    late = parse(reader.take_outgoing())

    assert talk == [
        Wants(
            request_id="0/0",
            text="Which database?",
            options=("PostgreSQL", "SQLite"),
            descriptions=("a server", ""),
        ),
        Wants(request_id="0/1", text="Which port?"),
    ]
    assert early == b""
    answers = {"port": {"answers": ["5432"]}, "db": {"answers": ["SQLite"]}}
    assert late == [{"id": 0, "result": {"answers": answers}}]


def test_where_nothing_is_asked_there_are_no_answers() -> None:
    reader = open_thread()

    request(reader, QUESTION, questions=[])

    assert parse(reader.take_outgoing()) == [{"id": 0, "result": {"answers": {}}}]


def test_what_waits_no_longer_is_not_answered() -> None:
    reader = open_thread()

    request(reader, QUESTION, questions=ASKED)
    notify(reader, "serverRequest/resolved", requestId=0)
    reader.answer("0/0", "SQLite", None)
    reader.answer("7", "what?", None)

    assert reader.take_outgoing() == b""


def test_a_request_that_we_do_not_know_is_refused() -> None:
    reader = open_thread()

    talk = request(reader, "item/tool/call", tool="x")

    error = {"code": -32601, "message": "method not found"}
    assert (talk, parse(reader.take_outgoing())) == ([], [{"id": 0, "error": error}])


# It asks for leave.

COMMAND = "item/commandExecution/requestApproval"
CHANGE = "item/fileChange/requestApproval"


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"command": "touch /etc/x", "reason": "It is needed."}, "touch /etc/x\nIt is needed."),
        ({"command": "touch /etc/x", "reason": None}, "touch /etc/x"),
        ({"networkApprovalContext": {"host": "example.org", "protocol": "https"}}, "example.org"),
        ({"itemId": "call"}, "rm -r build"),
        ({}, COMMAND),
    ],
)
def test_a_command_that_needs_leave_is_named(params: Mapping[str, object], text: str) -> None:
    reader = open_thread()
    notify(reader, "item/started", item={"type": "commandExecution", "id": "call", "command": "rm -r build"})

    talk = request(reader, COMMAND, **params)

    assert talk == [Wants(request_id="0", text=text, options=("accept", "decline"), permission=True)]


def test_a_change_that_needs_leave_names_its_files() -> None:
    reader = open_thread()
    changes = [{"path": "/etc/a"}, {"path": "/etc/b"}]
    notify(reader, "item/started", item={"type": "fileChange", "id": "call", "changes": changes})

    talk = request(reader, CHANGE, itemId="call", reason=None, grantRoot="/etc")

    assert talk == [
        Wants(request_id="0", text="/etc/a /etc/b", options=("accept", "decline"), permission=True)
    ]


@pytest.mark.parametrize(
    ("text", "option", "decision"),
    [
        ("accept", "accept", "accept"),
        ("accept", None, "accept"),
        ("as you like", "accept", "accept"),
        ("decline", "decline", "decline"),
        ("", None, "decline"),
    ],
)
@pytest.mark.parametrize("method", [COMMAND, CHANGE])
def test_leave_is_given_by_no_word_but_the_one(
    method: str, text: str, option: str | None, decision: str
) -> None:
    reader = open_thread()

    request(reader, method, itemId="call")
    reader.answer("0", text, option)

    assert parse(reader.take_outgoing()) == [{"id": 0, "result": {"decision": decision}}]


def test_other_words_are_no_leave_and_reach_the_turn() -> None:
    reader = open_thread()

    request(reader, COMMAND, command="touch /etc/x")
    reader.answer("0", "Do it in ./etc.", None)

    words = [{"type": "text", "text": "Do it in ./etc."}]
    params = {"threadId": THREAD, "expectedTurnId": TURN, "input": words}
    assert parse(reader.take_outgoing()) == [
        {"id": 0, "result": {"decision": "decline"}},
        {"id": 4, "method": "turn/steer", "params": params},
    ]


def test_what_a_person_forbade_is_not_told_as_news() -> None:
    reader = open_thread()
    item = {"type": "commandExecution", "id": "call", "command": "touch /etc/x", "status": "declined"}

    request(reader, COMMAND, itemId="call")
    asked = notify(reader, "item/completed", item=item)
    unasked = notify(reader, "item/completed", item={**item, "id": "other"})

    assert asked[1:] == [ToolEnded(id="call", ok=False)]
    assert unasked[1:] == [ToolEnded(id="other", ok=False), Denied("command_execution")]
