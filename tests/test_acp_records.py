"""What agents wrote in the Agent Client Protocol when they were recorded, and whatever else they may."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from acptalk import begin, hear, make_agent, open_session, say, tell
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from recordings import JOB, read_lines

from aad.agents.acp_stream import AcpReader
from aad.agents.base import Exit, Outcome
from aad.agents.talk import Opened, Planned, Said, Talk, ToolBegan, ToolEnded, Used
from aad.events import Failure, Reason, Usage

# The recorded conversations: several prompts in one session, each of which is an attempt here.


@frozen
class Turn:
    """One prompt of a recorded conversation as if it were the only one: what was said in turn."""

    name: str
    lines: tuple[dict[str, Any], ...]

    @property
    def theirs(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if ">>>" not in line]


def read_turns(name: str) -> Iterator[Turn]:
    """Yield the turns of a recording; the prompt of each is the third of our requests."""
    lines = [json.loads(line) for line in read_lines(f"acp/{name}")]
    starts = [at for at, line in enumerate(lines) if is_prompt(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        number, text = read_prompt(lines[start])
        turn = tuple(renumber(line, number) for line in lines[start:end])
        yield Turn(f"{name}/{text.split()[0].removeprefix('SCENARIO:')}", (*lines[: starts[0]], *turn))


def is_prompt(line: Mapping[str, Any]) -> bool:
    return bool(line.get(">>>", {}).get("method") == "session/prompt")


def read_prompt(line: Mapping[str, Any]) -> tuple[int, str]:
    return line[">>>"]["id"], line[">>>"]["params"]["prompt"][0]["text"]


def renumber(line: dict[str, Any], number: int) -> dict[str, Any]:
    if is_prompt(line):
        return {">>>": {**line[">>>"], "id": 3}}
    return {**line, "id": 3} if line.get("id") == number and "method" not in line else line


def shorten(told: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what one of our lines is, whatever its parameters are."""
    return told.get("id"), told.get("method"), told.get("result")


TURNS = [turn for name in ("gemini", "vibe") for turn in read_turns(name)]
EACH_TURN = pytest.mark.parametrize("turn", [pytest.param(turn, id=turn.name) for turn in TURNS])


def replay(turn: Turn) -> tuple[list[Talk], list[tuple[object, ...]], AcpReader]:
    """Let the agent of a recording talk with us; return what it told, what it was told, and the reader."""
    reader = make_agent().speak(JOB)
    ours = [shorten(json.loads(reader.begin()))]
    talk: list[Talk] = []
    for line in turn.theirs:
        talk += say(reader, line)
        ours += map(shorten, hear(reader))
    return talk, ours, reader


@EACH_TURN
def test_we_say_what_was_said_when_it_was_recorded(turn: Turn) -> None:
    _, ours, reader = replay(turn)

    recorded = [shorten(line[">>>"]) for line in turn.lines if ">>>" in line]
    assert ours == [told for told in recorded if told[1] != "session/cancel"]
    assert (reader.broken, reader.is_done) == (0, True)


def test_each_recorded_turn_is_judged() -> None:
    failures = {turn.name: replay(turn)[2].close(Exit(0), "").failure for turn in TURNS}

    turns = ("success", "todo", "toolfail", "err500x", "refusal", "question", "kill")
    reasons = (None, None, None, None, Reason.REFUSAL, None, Reason.INTERRUPTED)
    assert {name: failure and failure.reason for name, failure in failures.items()} == {
        f"{name}/{turn}": reason
        for name in ("gemini", "vibe")
        for turn, reason in zip(turns, reasons, strict=True)
    }


def find_turn(name: str) -> Turn:
    return next(turn for turn in TURNS if turn.name == name)


def test_a_call_that_asks_for_leave_is_told_before_it_ends() -> None:
    talk, _, _ = replay(find_turn("gemini/success"))

    assert talk == [
        Opened(session_id="3a0c9b15-2fdd-411d-aee5-d1737d7a18c0", model="gemini-2.5-pro"),
        Said("Working: write"),
        ToolBegan(id="write_file__fcad7dba4c", name="edit", detail="/workspace/hello.txt"),
        ToolEnded(id="write_file__fcad7dba4c"),
        Said("Done: hello.txt written."),
        Used(Usage(input=3000, output=100)),
    ]


def test_a_recorded_plan_goes_from_none_done_to_all() -> None:
    talk, _, _ = replay(find_turn("vibe/todo"))

    assert [told for told in talk if isinstance(told, Planned)] == [
        Planned(done=0, total=3, current="Write hello.txt"),
        Planned(done=1, total=3, current="Check hello.txt"),
        Planned(done=3, total=3),
    ]


def test_what_a_recorded_turn_costs_is_told_step_by_step() -> None:
    talk, _, _ = replay(find_turn("vibe/success"))

    assert [told for told in talk if isinstance(told, Used)] == [
        Used(Usage(input=1500, cached=300, output=50, cost_usd=0.002)),
        Used(Usage(input=3000, cached=600, output=100, cost_usd=0.004)),
    ]


@EACH_TURN
def test_a_conversation_that_is_cut_anywhere_is_never_done(turn: Turn) -> None:
    reader = make_agent().speak(JOB)
    reader.begin()

    for line in turn.theirs[:-1]:
        say(reader, line)
        if reader.is_done:
            break
        verdict = reader.close(Exit(0), "")
        assert (verdict.outcome, verdict.failure) == (Outcome.FAILED, Failure(reason=Reason.NO_RESULT))


# Whatever it writes.


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
UPDATES = st.sampled_from(
    ["agent_message_chunk", "tool_call", "tool_call_update", "plan", "usage_update", "agent_thought_chunk"]
)
FIELDS = st.sampled_from(
    [
        "toolCallId", "status", "rawInput", "locations", "content", "entries", "_meta", "cost", "messageId",
        "toolCall", "options", "sessionId", "stopReason", "usage", "configOptions", "agentCapabilities",
    ]
)  # fmt: skip
ODD = st.dictionaries(FIELDS, JSON, max_size=6)
STRANGE = st.one_of(
    st.builds(lambda kind, more: tell(kind, **more), UPDATES, ODD),
    st.builds(lambda at, more: {"id": at, "result": more}, JSON | st.integers(1, 4), ODD),
    st.builds(lambda at, more: {"id": at, "error": more}, JSON | st.integers(1, 4), JSON),
    st.builds(
        lambda at, more: {"id": at, "method": "session/request_permission", "params": more}, JSON, ODD | JSON
    ),
    JSON,
)


@given(records=st.lists(STRANGE, max_size=12), noise=st.binary(max_size=30))
def test_nothing_that_it_writes_is_an_error(records: list[object], noise: bytes) -> None:
    reader = begin()

    for line in (noise, *(json.dumps(record).encode() for record in records)):
        reader.feed(line)
        for said in reader.take_outgoing().splitlines():
            assert json.loads(said)["jsonrpc"] == "2.0"

    assert reader.close(Exit(0), "").question is None


def test_what_is_nested_too_deep_to_be_written_is_not_repeated() -> None:
    deep = b"[" * 900 + b"]" * 900
    reader = open_session()

    reader.feed(b'{"id": %b, "method": "session/request_permission", "params": {}}' % deep)
    reader.feed(b'{"id": %b, "method": "unknown"}' % deep)
    reader.feed(b'{"id": 3, "error": {"message": "HTTP 500", "data": %b}}' % deep)

    failure = reader.close(Exit(0), "").failure
    assert (hear(reader), reader.broken, failure and failure.reason) == ([], 2, Reason.SERVER)
