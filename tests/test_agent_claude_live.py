"""Claude Code, talked with while it works: what it asks, what it is told, and when no more is to be said."""

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from recordings import JOB, tell
from test_agent_claude import EDITS, ENVIRONMENT, FIXED, NEW, SCHEMA

from aad.agents.base import Command, Exit, Outcome, Speaking, SpeakingAgent, Verdict, begin_reading
from aad.agents.claude_live import LiveClaudeAgent
from aad.agents.claude_stream import ClaudeReader
from aad.agents.prompt import compose_prompt
from aad.agents.roster import LIVE, find_maker
from aad.agents.talk import Denied, Opened, Said, ToolBegan, ToolEnded, Used, Wants, Withdrawn
from aad.config import AgentOptions
from aad.events import Usage

STREAM = Path(__file__).parent / "streams" / "claude" / "question_live.jsonl"
HOST = ">>> host"
TALKING = ("--input-format", "stream-json", "--permission-prompt-tool", "stdio")

RESULT = {"type": "result", "subtype": "success", "is_error": False, "result": "Done."}
IDLE = {"type": "system", "subtype": "session_state_changed", "state": "idle"}
RUNNING = {**IDLE, "state": "running"}


# The recording.


@frozen
class Exchange:
    """What was recorded between two of our messages: the agent's lines, and what we said to them."""

    lines: tuple[bytes, ...]
    said: tuple[Mapping[str, Any], ...]


def exchanges() -> Iterator[Exchange]:
    """Yield what was said in turns, our first words before any line."""
    lines: list[bytes] = []
    said: list[Mapping[str, Any]] = []
    for line in STREAM.read_bytes().splitlines():
        record = json.loads(line)
        if HOST in record:
            said.append(record[HOST])
            continue
        if said:
            yield Exchange(tuple(lines), tuple(said))
            lines, said = [], []
        lines.append(line)
    yield Exchange(tuple(lines), tuple(said))


# What is written here.


def speaker(**changes: Any) -> Speaking:  # noqa: ANN401 - whatever a job has
    return LiveClaudeAgent(AgentOptions()).speak(evolve(JOB, **changes))


def outgoing(words: bytes) -> list[Any]:
    return [json.loads(line) for line in words.splitlines()]


def heard(speaking: Speaking) -> list[Any]:
    return outgoing(speaking.take_outgoing())


def request(name: str, tool: str, given: object, **more: object) -> Mapping[str, Any]:
    wanted = {"subtype": "can_use_tool", "tool_name": tool, "input": given, "tool_use_id": "t1", **more}
    return {"type": "control_request", "request_id": name, "request": wanted}


def question(text: str, *labels: str) -> Mapping[str, Any]:
    return {"question": text, "options": [{"label": label, "description": ""} for label in labels]}


def inquire(*questions: Mapping[str, Any]) -> Mapping[str, Any]:
    return request("r1", "AskUserQuestion", {"questions": questions})


def response(name: str, **told: object) -> Mapping[str, Any]:
    return {
        "type": "control_response",
        "response": {"subtype": "success", "request_id": name, "response": told},
    }


def rejection(name: str, error: str) -> Mapping[str, Any]:
    return {"type": "control_response", "response": {"subtype": "error", "request_id": name, "error": error}}


def nested(depth: int) -> list[Any]:
    """Return a list in a list, and so on."""
    return functools.reduce(lambda inner, _: [inner], range(depth - 1), [])


def tasks(*kinds: str) -> Mapping[str, Any]:
    listed = [{"task_id": kind, "task_type": kind} for kind in kinds]
    return {"type": "system", "subtype": "background_tasks_changed", "tasks": listed}


WRITE = request("r1", "Write", {"file_path": "/etc/motd", "content": "hello\n"})
DATABASE, NAME = question("Which database?", "PostgreSQL", "SQLite"), question("Which name?", "Ada", "Bob")


# How it is started.


def test_its_stdin_is_for_talking() -> None:
    command = LiveClaudeAgent(AgentOptions()).command(JOB, {"PATH": "/bin"})

    assert command == Command(
        argv=("claude", *TALKING, *FIXED, *EDITS, *NEW, *SCHEMA),
        env={**ENVIRONMENT, "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1"},
        cwd="/workspace",
        stdin=None,
    )


def test_an_agent_is_talked_with_where_its_options_say_so_and_it_knows_how() -> None:
    live, silent = AgentOptions(live=True), AgentOptions()

    agent = find_maker("claude", live)(options=live)

    assert isinstance(agent, SpeakingAgent)
    assert isinstance(begin_reading(agent, JOB), Speaking)
    assert (agent.name, agent.caps) == ("claude", find_maker("claude", silent)(options=silent).caps)
    assert not isinstance(find_maker("claude", silent)(options=silent), SpeakingAgent)
    assert not isinstance(find_maker("pi", live)(options=live), SpeakingAgent)
    assert "claude" in LIVE


@pytest.mark.parametrize("changes", [{}, {"resumes": True, "agent_session": "31d5", "answer": "SQLite"}])
def test_it_is_told_first_what_others_read_on_their_stdin(changes: Mapping[str, Any]) -> None:
    prompt = compose_prompt(evolve(JOB, **changes), replies=True, live=True).decode()

    words = outgoing(speaker(**changes).begin())

    assert words == [
        {"type": "control_request", "request_id": "begin", "request": {"subtype": "initialize"}},
        {
            "type": "user",
            "message": {"role": "user", "content": prompt},
            "parent_tool_use_id": None,
            "session_id": "default",
        },
    ]


def test_a_spec_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    spec = evolve(JOB.spec, text=None)

    with pytest.raises(FileNotFoundError):
        speaker(spec=spec, spec_file=str(tmp_path / "A.md")).begin()


# On the recording.


def test_the_recorded_question_is_asked_and_answered_as_it_was_then() -> None:
    speaking = speaker()
    first, asked, rest = exchanges()

    begun = outgoing(speaking.begin())
    talks = [talk for line in asked.lines for talk in speaking.feed(line)]
    said_before = heard(speaking)
    assert isinstance(talks[-1], Wants)
    speaking.answer(talks[-1].request_id, "SQLite", "SQLite")
    said = heard(speaking)
    talks += [talk for line in rest.lines for talk in speaking.feed(line)]

    prompt = {"role": "user", "content": compose_prompt(JOB, replies=True, live=True).decode()}
    assert begun == [{**first.said[0], "request_id": "begin"}, {**first.said[1], "message": prompt}]
    assert (said_before, said, heard(speaking)) == ([], list(asked.said), list(rest.said))
    assert speaking.is_done
    assert talks == [
        Opened(session_id="435117fd-fbf3-41b0-be25-d0fd0ab5d4bd", model="claude-opus-5-5"),
        Said("Working: ask"),
        ToolBegan(id="toolu_6a9e66e0bd3e459a9d05", name="AskUserQuestion"),
        Wants(
            request_id="ced98562-0555-416d-93e2-258876423936",
            text="Which database should I use, PostgreSQL or SQLite?",
            options=("PostgreSQL", "SQLite"),
            descriptions=("server", "file"),
        ),
        ToolEnded(id="toolu_6a9e66e0bd3e459a9d05"),
        Said("Question was not answered; stopping."),
        Used(Usage(input=3000, cached=600, output=100, cost_usd=0.01172)),
    ]
    assert speaking.close(Exit(0), "") == Verdict(
        outcome=Outcome.COMPLETED,
        text="Question was not answered; stopping.",
        usage=Usage(input=3000, cached=600, output=100, cost_usd=0.01172),
    )


@pytest.mark.parametrize("path", sorted(STREAM.parent.glob("*.jsonl")), ids=lambda path: path.stem)
def test_what_asks_nothing_is_read_as_ever(path: Path) -> None:
    speaking, reader = speaker(), ClaudeReader()
    lines = [line for line in path.read_bytes().splitlines() if b'"control_request"' not in line]

    talks = [[talk for line in lines for talk in each.feed(line)] for each in (speaking, reader)]

    assert talks[0] == talks[1]
    assert speaking.close(Exit(0), "") == reader.close(Exit(0), "")
    assert speaking.take_outgoing() == b""


# It asks for leave.


@pytest.mark.parametrize(
    ("tool", "given", "text"),
    [
        ("Write", {"file_path": "/etc/motd", "content": "hello\n"}, "Write: /etc/motd"),
        ("Bash", {"command": "true # no\nrm -r /", "description": "Look"}, "Bash: true # no\\nrm -r /"),
        ("mcp__db__query", {"名": 1}, 'mcp__db__query: {"名": 1}'),
        ("Bash", {"command": "x" * 3000}, f"Bash: {'x' * 1994}…"),
        ("", {}, ": {}"),
        ("Bash", {"command": "ls", "": nested(99)}, "Bash: ls"),
    ],
)
def test_a_request_for_leave_tells_what_for_on_one_line(
    tool: str, given: Mapping[str, Any], text: str
) -> None:
    talk = tell(speaker(), request("r1", tool, given))

    assert talk == [Wants(request_id="r1", text=text, options=("allow", "deny"), permission=True)]


def test_what_is_allowed_is_done_as_it_was_asked() -> None:
    speaking = speaker()
    tell(speaking, WRITE)

    speaking.answer("r1", "allow", "allow")

    given = {"file_path": "/etc/motd", "content": "hello\n"}
    assert heard(speaking) == [response("r1", behavior="allow", updatedInput=given)]


@pytest.mark.parametrize(
    ("lang", "text", "option", "message"),
    [
        ("en", "deny", "deny", "A person does not allow this. Do without it."),
        ("ja", "deny", "deny", "これは許可されませんでした。使わずに進めてください。"),
        ("en", "Not there: in /srv.", None, "Not there: in /srv."),
    ],
)
def test_what_is_denied_is_told_with_the_reason(
    lang: str, text: str, option: str | None, message: str
) -> None:
    speaking = speaker(lang=lang)
    tell(speaking, WRITE)

    speaking.answer("r1", text, option)

    assert heard(speaking) == [response("r1", behavior="deny", message=message)]


def test_what_a_person_denied_is_no_news_in_the_result_but_what_claude_denied_is() -> None:
    speaking = speaker()
    tell(speaking, WRITE)
    speaking.answer("r1", "deny", "deny")
    denials = [{"tool_name": "Write", "tool_use_id": name} for name in ("t1", "t2")]

    talk = tell(speaking, {**RESULT, "permission_denials": denials})

    assert talk == [Denied("Write")]


# It asks questions.


def test_several_questions_of_one_call_are_answered_at_once() -> None:
    speaking = speaker()

    talk = tell(speaking, inquire(DATABASE, NAME))
    speaking.answer("r1/2", "Eve, if need be", None)
    between = heard(speaking)
    speaking.answer("r1/1", "SQLite", "SQLite")

    assert talk == [
        Wants(request_id="r1/1", text="Which database?", options=("PostgreSQL", "SQLite")),
        Wants(request_id="r1/2", text="Which name?", options=("Ada", "Bob")),
    ]
    assert between == []
    answers = {"Which database?": "SQLite", "Which name?": "Eve, if need be"}
    told = {"questions": [DATABASE, NAME], "answers": answers}
    assert heard(speaking) == [response("r1", behavior="allow", updatedInput=told)]


def test_an_answer_is_told_once() -> None:
    speaking = speaker()
    tell(speaking, inquire(DATABASE))

    speaking.answer("r1", "SQLite", "SQLite")
    first = speaking.take_outgoing()
    speaking.answer("r1", "PostgreSQL", "PostgreSQL")

    assert (bool(first), speaking.take_outgoing()) == (True, b"")


@pytest.mark.parametrize(("asked", "names"), [(WRITE, ["r1"]), (inquire(DATABASE, NAME), ["r1/1", "r1/2"])])
def test_what_it_asks_no_longer_needs_no_answer(asked: Mapping[str, Any], names: list[str]) -> None:
    speaking = speaker()
    tell(speaking, asked)

    talk = tell(speaking, {"type": "control_cancel_request", "request_id": "r1"})
    for name in names:
        speaking.answer(name, "allow", "allow")

    assert talk == [Withdrawn(request_id=name) for name in names]
    assert speaking.take_outgoing() == b""


def test_what_was_answered_is_not_withdrawn() -> None:
    speaking = speaker()
    tell(speaking, WRITE)
    speaking.answer("r1", "allow", "allow")

    talk = tell(speaking, {"type": "control_cancel_request", "request_id": "r1"})

    assert talk == []


# It asks what nobody understands.


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"subtype": "hook_callback"}, "not supported"),
        ({"subtype": "can_use_tool", "tool_name": "Bash", "input": "ls"}, "not supported"),
        ({"subtype": "can_use_tool", "tool_name": "Bash", "input": {"": nested(100)}}, "not supported"),
        ("can_use_tool", "not supported"),
        (None, "not supported"),
        (inquire()["request"], "there is no question"),
        (inquire({"question": 7}, {"question": " "})["request"], "there is no question"),
    ],
)
def test_a_request_that_is_not_understood_is_rejected(asked: object, error: str) -> None:
    speaking = speaker()

    talk = tell(speaking, {"type": "control_request", "request_id": "r1", "request": asked})

    assert (talk, heard(speaking)) == ([], [rejection("r1", error)])


@pytest.mark.parametrize(
    "line",
    [
        {"type": "control_request"},
        {"type": "control_request", "request_id": 7, "request": {"subtype": "can_use_tool"}},
        {"type": "control_cancel_request", "request_id": None},
        {"type": "control_response", "response": {"subtype": "error", "request_id": "begin", "error": "no"}},
        {"type": "keep_alive"},
        {"type": "system", "subtype": "background_tasks_changed", "tasks": [7]},
    ],
)
def test_other_lines_are_passed_over(line: Mapping[str, Any]) -> None:
    speaking = speaker()

    talk = tell(speaking, line)

    assert (talk, speaking.take_outgoing(), speaking.broken, speaking.is_done) == ([], b"", 0, False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["questions", "question", "options", "label", "command"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
ANY_REQUEST = st.fixed_dictionaries(
    {"subtype": st.sampled_from(["can_use_tool", "elicitation"]), "input": JSON},
    optional={"tool_name": st.sampled_from(["AskUserQuestion", "Bash"]), "tool_use_id": JSON},
)


@given(ANY_REQUEST | JSON)
def test_a_request_of_any_shape_gets_one_response(asked: object) -> None:
    speaking = speaker()

    talk = tell(speaking, {"type": "control_request", "request_id": "r1", "request": asked})
    for wants in talk:
        assert isinstance(wants, Wants)
        speaking.answer(wants.request_id, "deny", None)

    (said,) = heard(speaking)
    assert (said["response"]["request_id"], speaking.broken) == ("r1", 0)


# When it is done.


@pytest.mark.parametrize(
    ("records", "done"),
    [
        ([], False),
        ([RESULT], True),
        ([{**RESULT, "is_error": True}], True),
        # As long as a sub-agent is at work there will be another turn.
        ([tasks("local_agent"), RESULT], False),
        ([tasks("local_agent"), RESULT, tasks(), RESULT], True),
        ([tasks("local_bash"), RESULT], True),
        # Where it tells of itself when it has come to rest, that is what counts.
        ([RUNNING, RESULT], False),
        ([RUNNING, RESULT, IDLE], True),
        ([RUNNING, IDLE], False),
        ([RUNNING, tasks("local_agent"), RESULT, tasks(), RESULT], False),
        ([RUNNING, tasks("local_bash"), RESULT, IDLE, RUNNING], True),
    ],
)
def test_it_is_done_with_its_last_turn(records: list[Mapping[str, Any]], done: bool) -> None:
    speaking = speaker()

    tell(speaking, *records)

    assert speaking.is_done is done


def test_whoever_is_done_asks_nobody() -> None:
    speaking = speaker()
    tell(speaking, RESULT)

    talk = tell(speaking, WRITE)

    assert (talk, speaking.take_outgoing()) == ([], b"")
