"""The acp agent: what is said to it and when, what its recorded conversations are read as, what it may do."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from recordings import JOB, read_lines

from aad.agents.acp import AcpAgent
from aad.agents.acp_stream import AcpReader
from aad.agents.base import Caps, Command, Exit, Job, Outcome, SpeakingAgent, Verdict, begin_reading
from aad.agents.command import judge_exit
from aad.agents.prompt import compose_prompt
from aad.agents.talk import Denied, Opened, Planned, Said, Talk, ToolBegan, ToolEnded, Used, Wants
from aad.config import AgentOptions
from aad.events import Failure, Reason, Usage
from aad.spec import Spec
from aad.state import Answered

RESUMED = evolve(
    JOB, agent_session="s-1", resumes=True, answer="Blue", answered=(Answered(1, "Which?", "Blue"),)
)
OPTIONS = [
    {"optionId": "always", "name": "Always", "kind": "allow_always"},
    {"optionId": "once", "name": "Allow", "kind": "allow_once"},
    {"optionId": "no", "name": "Reject", "kind": "reject_once"},
]


# Both sides of a conversation.


def make_agent(**options: Any) -> AcpAgent:  # noqa: ANN401 - the options' own types
    return AcpAgent(AgentOptions(command=("gemini", "--acp"), **options))


def say(reader: AcpReader, record: object) -> list[Talk]:
    """Let the agent say something."""
    return reader.feed(
        json.dumps({"jsonrpc": "2.0", **record} if isinstance(record, dict) else record).encode()
    )


def hear(reader: AcpReader) -> list[dict[str, Any]]:
    """Return what is said to the agent."""
    return [json.loads(line) for line in reader.take_outgoing().splitlines()]


def answer(number: int, **result: object) -> dict[str, object]:
    return {"id": number, "result": result}


def refuse(number: int, code: int, message: str, **more: object) -> dict[str, object]:
    return {"id": number, "error": {"code": code, "message": message, **more}}


def tell(word: str, /, **update: object) -> dict[str, object]:
    params = {"sessionId": "s-1", "update": {"sessionUpdate": word, **update}}
    return {"method": "session/update", "params": params}


def tell_words(text: str, **more: object) -> dict[str, object]:
    return tell("agent_message_chunk", content={"type": "text", "text": text}, **more)


def ask_leave(path: str, *, number: object = 0, call: str = "c", **more: object) -> dict[str, object]:
    told = {"toolCallId": call, "title": "Write it", "kind": "edit", "locations": [{"path": path}], **more}
    params = {"sessionId": "s-1", "options": OPTIONS, "toolCall": told}
    return {"id": number, "method": "session/request_permission", "params": params}


def begin(job: Job = JOB, **options: Any) -> AcpReader:  # noqa: ANN401 - the options' own types
    """Return a reader whose first words were said."""
    reader = make_agent(**options).speak(job)
    reader.begin()
    return reader


def open_session(job: Job = JOB, **options: Any) -> AcpReader:  # noqa: ANN401 - the options' own types
    """Return a reader that has told the agent what to do."""
    reader = begin(job, **options)
    say(reader, answer(1, agentCapabilities={}))
    say(reader, answer(2, sessionId="s-1"))
    reader.take_outgoing()
    return reader


def end_with(*records: object, **end: object) -> Verdict:
    """Return the verdict of a turn in which an agent said some things, and then its last."""
    reader = open_session()
    for record in records:
        say(reader, record)
    say(reader, answer(3, **end))
    return reader.close(Exit(0), "")


def selected(number: object, option: str) -> dict[str, object]:
    result = {"outcome": {"outcome": "selected", "optionId": option}}
    return {"jsonrpc": "2.0", "id": number, "result": result}


# The command.


def test_its_program_is_what_the_settings_say_and_all_else_is_said_over_its_stdin() -> None:
    agent = make_agent(args=("--skip-trust",))

    command = agent.command(JOB, {"PATH": "/bin", "GEMINI_API_KEY": "dummy"})

    assert command == Command(
        argv=("gemini", "--acp", "--skip-trust"),
        env={"PATH": "/bin", "GEMINI_API_KEY": "dummy", **JOB.environment},
        cwd="/workspace",
    )


def test_it_is_an_agent_that_is_talked_with() -> None:
    agent = make_agent()

    assert isinstance(agent, SpeakingAgent)
    assert isinstance(begin_reading(agent, JOB), AcpReader)
    assert (agent.name, agent.caps, agent.passes) == ("acp", Caps(resumes=True, plans=True, tokens=True), ())
    assert (agent.judge(Exit(3)), make_agent().speak(JOB).close(Exit(0), "").outcome) == (
        judge_exit(Exit(3)),
        Outcome.FAILED,
    )


# What is said to it.


def test_it_is_begun_then_given_a_session_then_the_prompt() -> None:
    reader = make_agent().speak(JOB)

    told = [json.loads(reader.begin())]
    for record in (answer(1, protocolVersion=1), answer(2, sessionId="s-1")):
        say(reader, record)
        told += hear(reader)

    capabilities = {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
    prompt = compose_prompt(JOB, replies=False).decode()
    assert told == [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {"protocolVersion": 1, "clientCapabilities": capabilities},
        },
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "session/new",
            "params": {"cwd": "/workspace", "mcpServers": []},
        },
        {
            "jsonrpc": "2.0",
            "id": 3,
            "method": "session/prompt",
            "params": {"sessionId": "s-1", "prompt": [{"type": "text", "text": prompt}]},
        },
    ]


def test_a_session_goes_on_where_the_agent_can_load_it() -> None:
    reader = begin(RESUMED)

    say(reader, answer(1, agentCapabilities={"loadSession": True}))
    (load,) = hear(reader)
    told = tell("user_message_chunk", content={"type": "text", "text": "# A"})
    done = (tell_words("of the past"), tell("tool_call", toolCallId="old"))
    past = [say(reader, record) for record in (told, *done)]
    opened = say(reader, answer(2))
    (prompt,) = hear(reader)

    assert (load["method"], load["params"]) == (
        "session/load",
        {"sessionId": "s-1", "cwd": "/workspace", "mcpServers": []},
    )
    assert (past, opened) == ([[], [], []], [Opened(session_id="s-1")])
    assert prompt["params"]["prompt"][0]["text"] == compose_prompt(RESUMED, replies=False).decode()


@pytest.mark.parametrize("loads", [True, False])
def test_an_agent_that_remembers_nothing_is_told_all_of_it_again(loads: bool) -> None:
    reader = begin(RESUMED)

    say(reader, answer(1, agentCapabilities={"loadSession": loads}))
    say(reader, answer(2, sessionId="s-2"))
    (*_, prompt) = hear(reader)

    anew = evolve(RESUMED, agent_session=None)
    assert prompt["params"] == {
        "sessionId": "s-1" if loads else "s-2",
        "prompt": [{"type": "text", "text": compose_prompt(anew, replies=False).decode()}],
    }


@pytest.mark.parametrize(
    ("opened", "method", "params"),
    [
        ({}, "session/set_model", {"modelId": "big"}),
        (
            {"configOptions": [{"id": "mode"}, {"id": "m", "category": "model", "currentValue": "small"}]},
            "session/set_config_option",
            {"configId": "m", "value": "big"},
        ),
    ],
)
def test_a_model_is_set_before_the_work(
    opened: Mapping[str, object], method: str, params: Mapping[str, object]
) -> None:
    reader = begin(model="big")
    say(reader, answer(1))
    reader.take_outgoing()

    told = say(reader, answer(2, sessionId="s-1", **opened))
    (setting,) = hear(reader)
    say(reader, answer(3))
    (prompt,) = hear(reader)

    assert told == [Opened(session_id="s-1", model="big")]
    assert (setting["method"], setting["params"]) == (method, {"sessionId": "s-1", **params})
    assert (prompt["id"], prompt["method"]) == (4, "session/prompt")


def test_a_request_that_nobody_knows_is_answered_so() -> None:
    reader = open_session()

    say(reader, {"id": "x", "method": "fs/write_text_file", "params": {"path": "/etc/passwd"}})
    say(reader, {"method": "nothing/asked"})

    error = {"code": -32601, "message": "method not found"}
    assert hear(reader) == [{"jsonrpc": "2.0", "id": "x", "error": error}]


def test_nothing_is_said_twice() -> None:
    reader = open_session()

    for record in (answer(1), answer(2, sessionId="s-2"), answer(7), answer(3, stopReason="end_turn")):
        say(reader, record)
    say(reader, refuse(3, 1, "again"))

    assert (hear(reader), reader.is_done, reader.close(Exit(0), "").failure) == (
        [],
        True,
        Failure(reason=Reason.REFUSAL),
    )


def test_a_spec_that_is_gone_is_told_of_before_anything_is_said(tmp_path: Path) -> None:
    job = evolve(JOB, spec=Spec(id="A"), spec_file=str(tmp_path / "gone.md"))

    with pytest.raises(FileNotFoundError):
        make_agent().speak(job).begin()


# What it tells.


def test_words_are_joined_until_something_else_comes() -> None:
    reader = open_session()
    records = (
        tell_words("Hel", messageId="1"),
        tell_words("lo", messageId="1"),
        tell_words("you", messageId="2"),
        tell("agent_thought_chunk", content={"type": "text", "text": "hm"}),
        tell_words(" \n"),
        tell("plan", entries=[]),
        tell_words("Done."),
    )

    told = [say(reader, record) for record in records]
    last = say(reader, answer(3, stopReason="end_turn"))

    assert told == [[], [], [Said("Hello")], [Said("you")], [], [], []]
    assert (last, reader.close(Exit(0), "").text) == ([Said("Done.")], "Done.")


def test_a_call_begins_when_it_is_known_on_what_it_works() -> None:
    reader = open_session()
    records = (
        tell(
            "tool_call", toolCallId="c", kind="execute", title="bash", status="pending", rawInput={"cwd": "/"}
        ),
        tell("tool_call_update", toolCallId="c", status="in_progress", rawInput={"command": "make"}),
        tell("tool_call_update", toolCallId="c", status="in_progress"),
        tell("tool_call_update", toolCallId="c", status="failed"),
        tell("tool_call_update", toolCallId="c", content=[]),
        tell("tool_call", toolCallId="d", title="Look", locations=[{"path": "/a"}], status="completed"),
    )

    told = [say(reader, record) for record in records]

    assert told == [
        [],
        [ToolBegan(id="c", name="execute", detail="make")],
        [],
        [ToolEnded(id="c", ok=False)],
        [],
        [ToolBegan(id="d", name="tool", detail="/a"), ToolEnded(id="d")],
    ]


def test_a_plan_is_told_where_it_changes() -> None:
    reader = open_session()
    entries = [{"content": "a", "status": "completed"}, {"content": "b", "status": "in_progress"}]
    records = (
        tell("plan", entries=entries),
        tell("plan", entries=entries),
        tell("tool_call", toolCallId="c", status="in_progress", rawInput={"todos": entries[:1]}),
    )

    told = [say(reader, record) for record in records]

    assert told == [
        [Planned(done=1, total=2, current="b")],
        [],
        [ToolBegan(id="c", name="tool"), Planned(done=1, total=1)],
    ]


@pytest.mark.parametrize(
    ("records", "end", "usage"),
    [
        # opencode: what was cached is not among the input.
        (
            (),
            {
                "usage": {
                    "inputTokens": 1200,
                    "outputTokens": 50,
                    "totalTokens": 1550,
                    "cachedReadTokens": 300,
                }
            },
            Usage(input=1500, cached=300, output=50),
        ),
        # qwen: each step by itself.
        (
            (
                tell_words("", _meta={"usage": {"inputTokens": 10, "outputTokens": 1, "totalTokens": 11}}),
                tell_words("", _meta={"usage": {"inputTokens": 20, "outputTokens": 2, "totalTokens": 22}}),
            ),
            {},
            Usage(input=30, output=3),
        ),
        ((tell("usage_update", used=9, cost={"amount": 0.5, "currency": "USD"}),), {}, Usage(cost_usd=0.5)),
        ((tell("usage_update", used=9, cost={"amount": 0.5, "currency": "EUR"}),), {}, None),
        ((), {}, None),
    ],
)
def test_what_was_used_is_read_wherever_it_stands(
    records: tuple[object, ...], end: Mapping[str, object], usage: Usage | None
) -> None:
    assert end_with(*records, stopReason="end_turn", **end).usage == usage


def test_what_a_session_had_used_before_is_not_this_attempts() -> None:
    def count(tokens: int, cost: float) -> dict[str, object]:
        meta = {"promptTokens": tokens, "completionTokens": 10, "cachedTokens": 5}
        return tell("usage_update", _meta=meta, cost={"amount": cost, "currency": "USD"})

    reader = begin(RESUMED)
    say(reader, answer(1, agentCapabilities={"loadSession": True}))
    say(reader, count(1000, 0.25))
    say(reader, answer(2))

    assert say(reader, count(1500, 0.75)) == [Used(Usage(input=500, cost_usd=0.5))]


# How it ends.


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("max_tokens", Reason.MAX_TURNS),
        ("max_turn_requests", Reason.MAX_TURNS),
        ("refusal", Reason.REFUSAL),
        ("cancelled", Reason.INTERRUPTED),
        ("new_word", Reason.UNKNOWN),
    ],
)
def test_the_reason_for_which_a_turn_stops_is_its_end(stop: str, reason: Reason) -> None:
    verdict = end_with(tell_words("Hm."), stopReason=stop)

    assert (verdict.outcome, verdict.failure) == (
        Outcome.FAILED,
        Failure(reason=reason, message=f"stopReason: {stop}"),
    )


def test_a_turn_that_ends_without_a_word_or_a_deed_was_refused() -> None:
    done = end_with(tell("tool_call", toolCallId="c", status="completed"), stopReason="end_turn")
    refused = end_with(stopReason="end_turn")

    assert done == Verdict(outcome=Outcome.COMPLETED)
    assert refused.failure == Failure(reason=Reason.REFUSAL)


def test_a_turn_that_ends_when_leave_was_refused_ended_for_that() -> None:
    call = ask_leave("/workspace/a", options=[])
    call["params"] = {**call["params"], "options": OPTIONS[2:]}  # type: ignore[dict-item]
    over = tell("tool_call_update", toolCallId="c", status="failed")
    late = tell("tool_call_update", toolCallId="c", status="in_progress")

    stopped = end_with(call, late, over, stopReason="end_turn")
    went_on = end_with(call, over, tell_words("Then not."), stopReason="end_turn")
    did_else = end_with(call, over, tell("tool_call", toolCallId="d"), stopReason="end_turn")

    assert stopped.failure == Failure(reason=Reason.PERMISSION, message="not allowed: Write it")
    assert (went_on.outcome, did_else.outcome) == (Outcome.COMPLETED, Outcome.COMPLETED)


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        ((-32000, "Authentication required"), Reason.AUTH, "Authentication required"),
        ((-32000, "Sign in first"), Reason.AUTH, "Sign in first"),
        ((-32000, "Quota exceeded"), Reason.RATE_LIMITED, "Quota exceeded"),
        ((-32603, "Internal error", {"details": "HTTP 500"}), Reason.SERVER, None),
        ((-32603, "Internal error", "fetch failed"), Reason.NETWORK, "Internal error: fetch failed"),
        ((-32602, "Invalid params"), Reason.UNKNOWN, "Invalid params"),
    ],
)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_error_ends_the_talk_whatever_it_answers(
    number: int, error: tuple[Any, ...], reason: Reason, message: str | None
) -> None:
    reader = begin()
    for record in (answer(1), answer(2, sessionId="s-1"))[: number - 1]:
        say(reader, record)
    code, words, *data = error

    say(reader, refuse(number, code, words, **({"data": data[0]} if data else {})))

    expected = 'Internal error: {"details": "HTTP 500"}' if message is None else message
    assert (reader.is_done, reader.close(Exit(0), "").failure) == (
        True,
        Failure(reason=reason, message=expected),
    )


def test_a_session_that_cannot_be_loaded_is_lost_and_a_model_that_cannot_be_set_is_wrong() -> None:
    lost, wrong = begin(RESUMED), begin(model="big")
    say(lost, answer(1, agentCapabilities={"loadSession": True}))
    for record in (answer(1), answer(2, sessionId="s-1")):
        say(wrong, record)

    say(lost, refuse(2, -32603, "Gone"))
    say(wrong, refuse(3, -32602, "No such model"))

    failures = [reader.close(Exit(0), "").failure for reader in (lost, wrong)]
    assert failures == [
        Failure(reason=Reason.SESSION_LOST, message="Gone"),
        Failure(reason=Reason.INVALID_REQUEST, message="No such model"),
    ]


def test_a_session_without_a_name_is_none() -> None:
    reader = begin()
    say(reader, answer(1))

    told = say(reader, answer(2))

    assert (told, reader.is_done) == ([], True)


def test_without_the_answer_to_the_prompt_nothing_is_done() -> None:
    reasons = [
        failure.reason
        for end in (Exit(0), Exit(1), Exit(None, 9))
        if (failure := open_session().close(end, "").failure) is not None
    ]

    assert reasons == [Reason.NO_RESULT, Reason.EXIT_CODE, Reason.KILLED]


# What it may do.


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
