"""The codex agent where it is live: its command lines, and what it says in recorded talks and in others."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from recordings import JOB, find_theirs, hear, is_ours, read_lines

from aad.agents.base import Caps, Command, Exit, Job, Outcome, Speaking, SpeakingAgent, Verdict, begin_reading
from aad.agents.codex import CodexAgent
from aad.agents.codex_faults import find_fault
from aad.agents.codex_live import LiveCodexAgent
from aad.agents.codex_server import CodexServerReader
from aad.agents.prompt import compose_prompt
from aad.agents.replies import SCHEMA
from aad.agents.roster import Roster
from aad.agents.talk import (
    Denied,
    Opened,
    Planned,
    Retrying,
    Said,
    Talk,
    ToolBegan,
    ToolEnded,
    Used,
    Wants,
    Withdrawn,
)
from aad.config import AgentOptions, AgentSettings, OrchestratorConfig, Permissions
from aad.events import Failure, Question, Reason, Usage
from aad.spec import Spec
from aad.version import __version__

THREAD = "01a20565-816a-7d72-a4bb-3aa857599119"
TURN = "01a20565-8198-7df3-8f0a-e9e6f93c2c91"
# When the streams were recorded.
NOW = datetime(2026, 11, 22, 23, 5, tzinfo=UTC).timestamp()
# What the account's window said, to the second; the words beside it tell the minute.
RESET = 1795394388

RESUMED = evolve(JOB, agent_session=THREAD, resumes=True)
PLACE = {"cwd": "/workspace", "approvalPolicy": "on-request", "sandbox": "workspace-write"}
NAMES = ("codex/app_server_question", "codex/app_server_usage_limit")

Json = Any


def make_reader(job: Job = JOB) -> CodexServerReader:
    return CodexServerReader(job=job, thread=PLACE, clock=lambda: NOW, zone=UTC)


def parse(said: bytes) -> list[Json]:
    return [json.loads(line) for line in said.splitlines()]


def open_thread(job: Job = JOB) -> CodexServerReader:
    """Return a reader whose turn has begun, and whose words have all been taken."""
    reader = make_reader(job)
    reader.begin()
    tell(reader, id=2, result={"thread": {"id": THREAD}})
    reader.take_outgoing()
    return reader


def tell(reader: CodexServerReader, **record: object) -> list[Talk]:
    return reader.feed(json.dumps(record).encode())


def notify(reader: CodexServerReader, method: str, thread: str = THREAD, **params: object) -> list[Talk]:
    return tell(reader, method=method, params={"threadId": thread, "turnId": TURN, **params})


def request(reader: CodexServerReader, method: str, **params: object) -> list[Talk]:
    return tell(reader, id=0, method=method, params={"threadId": THREAD, "turnId": TURN, **params})


def end_turn(reader: CodexServerReader, status: str, error: Json = None) -> Verdict:
    notify(reader, "turn/completed", turn={"id": TURN, "items": [], "status": status, "error": error})
    return reader.close(Exit(0), "")


def fail(reason: Reason, message: str = "", *, transient: bool = False) -> Verdict:
    return Verdict(
        outcome=Outcome.FAILED, failure=Failure(reason=reason, message=message), transient=transient
    )


def say(reader: CodexServerReader, text: str) -> list[Talk]:
    return notify(reader, "item/completed", item={"type": "agentMessage", "id": "m", "text": text})


# How it is started.


@pytest.mark.parametrize(
    ("permissions", "flags"),
    [
        (None, ()),
        ("workspace", ()),
        (
            "sandbox",
            (
                *("-c", "sandbox_workspace_write.exclude_slash_tmp=true"),
                *("-c", "sandbox_workspace_write.exclude_tmpdir_env_var=true"),
            ),
        ),
        ("full", ()),
    ],
)
def test_its_server_is_started_with_the_tool_to_ask_by(
    permissions: Permissions | None, flags: tuple[str, ...]
) -> None:
    options = AgentOptions(permissions=permissions, args=("-c", "x=1"), command=("npx", "codex"))

    command = LiveCodexAgent(options).command(JOB, {"HOME": "/home/ada"})

    assert command == Command(
        argv=(
            *("npx", "codex", "app-server", "--enable", "default_mode_request_user_input"),
            *("-c", "tools.update_plan.enabled=true"),
            *("--disable", "plugins", "--disable", "apps", "--disable", "remote_plugin"),
            *flags,
            *("-c", 'sandbox_workspace_write.writable_roots=["/attempt/events"]'),
            *("-c", "x=1"),
        ),
        env={"HOME": "/home/ada", **JOB.environment},
        cwd="/workspace",
    )


def test_a_folder_of_any_name_is_told_as_toml() -> None:
    folder = Path('/a "quoted" 作業 🛠/events')
    job = evolve(JOB, events_file=folder / "events.jsonl")

    setting = LiveCodexAgent(AgentOptions()).command(job, {}).argv[-1]

    assert tomllib.loads(setting) == {"sandbox_workspace_write": {"writable_roots": [str(folder)]}}


@pytest.mark.parametrize(
    ("options", "thread"),
    [
        (AgentOptions(), {"approvalPolicy": "on-request", "sandbox": "workspace-write"}),
        (
            AgentOptions(permissions="workspace", model="gpt-5"),
            {"approvalPolicy": "on-request", "sandbox": "workspace-write", "model": "gpt-5"},
        ),
        (
            AgentOptions(permissions="sandbox"),
            {"approvalPolicy": "never", "sandbox": "workspace-write"},
        ),
        (
            AgentOptions(permissions="full"),
            {"approvalPolicy": "never", "sandbox": "danger-full-access"},
        ),
    ],
)
def test_it_asks_for_leave_where_it_is_fenced_in_loosely(
    options: AgentOptions, thread: Mapping[str, str]
) -> None:
    reader = LiveCodexAgent(options).speak(JOB)

    (start,) = [said["params"] for said in parse(reader.begin()) if said["method"] == "thread/start"]

    assert start == {"cwd": "/workspace", **thread}


def test_it_can_do_what_codex_can() -> None:
    agent = LiveCodexAgent(AgentOptions(), "mine")

    assert (agent.name, agent.passes) == ("mine", CodexAgent.passes)
    assert agent.caps == Caps(
        resumes=True, plans=True, tokens=True, cumulative=True, replies=True, sandbox=True
    )


def test_it_is_one_to_talk_with() -> None:
    agent = LiveCodexAgent(AgentOptions())

    assert isinstance(agent, SpeakingAgent)
    assert isinstance(begin_reading(agent, JOB), Speaking)
    assert agent.judge(Exit(1)).failure == Failure(reason=Reason.EXIT_CODE, exit_code=1)


@pytest.mark.parametrize(("live", "kind"), [(True, LiveCodexAgent), (False, CodexAgent)])
def test_its_options_say_whether_it_is_live(live: bool, kind: type) -> None:
    config = OrchestratorConfig(agent=AgentSettings(kind="codex"), agents={"codex": AgentOptions(live=live)})

    (player,) = Roster(config, {}).cast(Spec(id="A"))

    assert type(player.agent) is kind


# What it says.


def test_a_new_session_begins_with_a_thread() -> None:
    said = parse(make_reader().begin())

    client = {"name": "aad", "title": "aad", "version": __version__}
    first = {"clientInfo": client, "capabilities": {"experimentalApi": True}}
    assert said == [
        {"id": 1, "method": "initialize", "params": first},
        {"method": "initialized"},
        {"id": 2, "method": "thread/start", "params": PLACE},
    ]


def test_a_session_is_taken_up_by_the_id_of_its_thread() -> None:
    said = parse(make_reader(RESUMED).begin())

    params = {"threadId": THREAD, "excludeTurns": True, **PLACE}
    assert said[-1] == {"id": 2, "method": "thread/resume", "params": params}


@pytest.mark.parametrize("job", [JOB, RESUMED])
def test_the_turn_is_told_what_to_do_and_how_to_end(job: Job) -> None:
    reader = make_reader(job)
    reader.begin()

    talk = tell(reader, id=2, result={"thread": {"id": THREAD}, "model": "gpt-5"})
    said = parse(reader.take_outgoing())

    words = [{"type": "text", "text": compose_prompt(job, replies=True, live=True).decode()}]
    params = {"threadId": THREAD, "input": words, "outputSchema": SCHEMA}
    assert talk == [Opened(session_id=THREAD, model="gpt-5")]
    assert said == [{"id": 3, "method": "turn/start", "params": params}]


def test_a_spec_that_cannot_be_read_is_no_beginning() -> None:
    reader = make_reader(evolve(JOB, spec=Spec(id="A"), spec_file="/nowhere/A.md"))

    with pytest.raises(FileNotFoundError):
        reader.begin()


# What was recorded, in both directions.


def act(name: str, answers: Sequence[str] = ()) -> list[tuple[int, Json]]:
    """Return what we say where a recording's other side says the same: behind how many lines, and what."""
    reader, left = make_reader(), list(answers)
    said = [(0, told) for told in parse(reader.begin())]
    for count, line in enumerate(find_theirs(name), 1):
        for talk in reader.feed(line):
            if isinstance(talk, Wants):
                reader.answer(talk.request_id, left.pop(0), None)
        said += [(count, told) for told in parse(reader.take_outgoing())]
    return said


def read_ours(name: str) -> list[tuple[int, Json]]:
    """Return what was said in a recording, behind how many lines of the other side."""
    lines = read_lines(name)
    ours = [(place, json.loads(line)[">>>"]) for place, line in enumerate(lines) if is_ours(line)]
    return [(sum(not is_ours(line) for line in lines[:place]), told) for place, told in ours]


def outline(said: Sequence[tuple[int, Json]]) -> list[Json]:
    """Return all of what was said but the parameters, of which ours are others."""
    return [(count, {key: told[key] for key in told if key != "params"}) for count, told in said]


@pytest.mark.parametrize(("name", "answers"), [(NAMES[0], ["SQLite"]), (NAMES[1], [])])
def test_we_say_what_was_said_in_a_recording_and_when(name: str, answers: list[str]) -> None:
    said = act(name, answers)

    assert outline(said) == outline(read_ours(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_a_recording_is_broken(name: str) -> None:
    reader = make_reader()

    hear(reader, read_lines(name))

    assert (reader.broken, reader.is_done) == (0, True)


def test_a_recorded_question_is_told_and_the_work_goes_on() -> None:
    used = [Used(Usage(input=1500 * n, cached=300 * n, output=50 * n)) for n in (1, 2)]

    assert hear(make_reader(), find_theirs(NAMES[0])) == [
        Opened(session_id=THREAD, model="scripted-model"),
        Said("Working: ask"),
        Wants(
            request_id="0/0",
            text="Which database should I use, PostgreSQL or SQLite?",
            options=("PostgreSQL", "SQLite"),
            descriptions=("server", "file"),
        ),
        # Nobody has answered it here.
        Withdrawn(request_id="0/0"),
        used[0],
        Said("Question was not answered; stopping."),
        used[1],
    ]


def test_a_recorded_question_ends_well() -> None:
    reader = make_reader()
    hear(reader, find_theirs(NAMES[0]))

    assert reader.close(Exit(0), "") == Verdict(
        outcome=Outcome.COMPLETED,
        usage=Usage(input=3000, cached=600, output=100),
        text="Question was not answered; stopping.",
    )


def test_an_account_that_is_used_up_tells_until_when() -> None:
    reader = make_reader()
    hear(reader, find_theirs(NAMES[1]))

    verdict = reader.close(Exit(0), "")

    assert verdict.failure is not None
    assert (verdict.failure.reason, verdict.transient, verdict.reset_at) == (
        Reason.RATE_LIMITED,
        True,
        RESET,
    )


# What was never recorded whole.


@pytest.mark.parametrize(
    "line",
    [
        '{"id":2,"result":null}',
        '{"id":[],"result":{}}',
        '{"id":9,"error":{"message":"no"}}',
        '{"id":4,"error":null}',
        '{"method":"error"}',
        '{"method":"error","params":{"error":null}}',
        '{"method":"item/started","params":null}',
        '{"method":"item/started","params":{"item":[]}}',
        '{"method":"item/completed","params":{"item":{"type":"reasoning"}}}',
        '{"method":"turn/completed","params":{"turn":null}}',
        '{"method":"turn/started","params":{}}',
        '{"method":"account/rateLimits/updated","params":{"rateLimits":{"primary":{"resetsAt":"soon"}}}}',
        '{"method":"thread/tokenUsage/updated","params":{"tokenUsage":7}}',
        '{"method":"serverRequest/resolved","params":{}}',
        '{"method":"item/tool/requestUserInput","params":{}}',
        '{"id":5,"method":"item/fileChange/requestApproval"}',
        # What is nested so deep can be read, but not written.
        f'{{"id":{"[" * 900}{"]" * 900},"method":"item/tool/call"}}',
        f'{{"id":{"[" * 900}{"]" * 900},"method":"item/tool/requestUserInput","params":{{}}}}',
        f'{{"id":{"[" * 900}{"]" * 900},"method":"item/fileChange/requestApproval","params":{{}}}}',
    ],
)
def test_a_line_of_an_unknown_shape_tells_nothing(line: str) -> None:
    reader = make_reader()
    reader.begin()

    talk = reader.feed(line.encode())

    assert (talk, reader.take_outgoing()) == ([], b"")


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


# It works.


@pytest.mark.parametrize(
    ("item", "name", "detail"),
    [
        ({"type": "commandExecution", "command": "make"}, "command_execution", "make"),
        ({"type": "fileChange", "changes": [{"path": "a"}, {"path": "b"}]}, "file_change", "a b"),
        ({"type": "mcpToolCall", "server": "db", "tool": "query"}, "mcp_tool_call", "db.query"),
        ({"type": "collabAgentToolCall", "tool": "spawnAgent"}, "collab_tool_call", "spawnAgent"),
        ({"type": "webSearch", "query": "trio"}, "web_search", "trio"),
    ],
)
def test_each_kind_of_tool_says_what_it_works_on(item: dict[str, object], name: str, detail: str) -> None:
    reader = open_thread()

    began = notify(reader, "item/started", item={**item, "id": "call", "status": "inProgress"})
    ended = notify(reader, "item/completed", item={**item, "id": "call", "status": "failed"})

    assert began == [ToolBegan(id="call", name=name, detail=detail)]
    assert ended == [ToolEnded(id="call", ok=False)]


def test_a_plan_is_at_the_step_that_is_in_progress() -> None:
    reader = open_thread()
    statuses = [
        ("completed", "pending", "inProgress"),
        ("completed", "pending", "pending"),
        ("completed",) * 3,
    ]

    talk = [
        notify(
            reader,
            "turn/plan/updated",
            plan=[{"step": s, "status": t} for s, t in zip("abc", row, strict=True)],
        )
        for row in statuses
    ]

    assert talk == [
        [Planned(done=1, total=3, current="c")],
        [Planned(done=1, total=3, current="b")],
        [Planned(done=3, total=3)],
    ]


def test_of_another_thread_only_tools_are_told() -> None:
    reader = open_thread()
    turn: Json = {"id": "t", "items": [], "status": "completed", "error": None}
    total = {"inputTokens": 1, "cachedInputTokens": 1, "outputTokens": 1}
    call = {"type": "commandExecution", "id": "call", "command": "make"}
    news: list[tuple[str, Json]] = [
        ("item/started", {"item": call}),
        ("item/completed", {"item": {"type": "agentMessage", "id": "m", "text": "Mine."}}),
        ("turn/plan/updated", {"plan": [{"step": "a", "status": "pending"}]}),
        ("thread/tokenUsage/updated", {"tokenUsage": {"total": total}}),
        ("error", {"error": {"message": "no"}, "willRetry": False}),
        ("turn/completed", {"turn": turn}),
    ]

    talk = [notify(reader, method, thread="another", **params) for method, params in news]

    assert talk == [[ToolBegan(id="call", name="command_execution", detail="make")], [], [], [], [], []]
    assert reader.is_done is False
    assert end_turn(reader, "completed") == fail(Reason.REFUSAL)


def test_a_retry_is_told_with_its_cause() -> None:
    error = {
        "message": "Reconnecting... 1/2",
        "codexErrorInfo": {"responseStreamDisconnected": {"httpStatusCode": None}},
        "additionalDetails": "We’re currently experiencing high demand, which may cause temporary errors.",
    }

    talk = notify(open_thread(), "error", error=error, willRetry=True)

    assert talk == [Retrying(reason=Reason.SERVER, attempt=1, of=2)]


# It ends.


def test_a_turn_ends_the_talk_and_all_tools() -> None:
    reader = open_thread()
    call = {"type": "commandExecution", "id": "call", "command": "make"}
    notify(reader, "item/started", item=call)
    say(reader, "Done.")
    before = reader.is_done

    turn: Json = {"id": TURN, "items": [], "status": "completed", "error": None}
    talk = notify(reader, "turn/completed", turn=turn)

    assert (before, talk, reader.is_done) == (False, [ToolEnded(id="call")], True)
    assert reader.close(Exit(0), "") == Verdict(outcome=Outcome.COMPLETED, text="Done.")


def test_a_reply_of_the_form_may_be_a_question() -> None:
    reader = open_thread()
    told = {"status": "question", "summary": "Begun.", "question": "Which?", "options": ["a", "b"]}

    talk = say(reader, json.dumps(told))

    assert talk == [Said("Begun.")]
    assert end_turn(reader, "completed") == Verdict(
        outcome=Outcome.QUESTION, question=Question(text="Which?", options=("a", "b")), text="Begun."
    )


def test_a_turn_without_a_word_is_a_refusal() -> None:
    assert end_turn(open_thread(), "completed") == fail(Reason.REFUSAL)


def test_a_turn_that_was_interrupted_says_so() -> None:
    assert end_turn(open_thread(), "interrupted") == fail(Reason.INTERRUPTED)


def test_a_turn_that_fails_without_a_word_failed_for_the_error_before() -> None:
    reader = open_thread()
    notify(reader, "error", error={"message": "No.", "codexErrorInfo": "badRequest"}, willRetry=False)

    assert end_turn(reader, "failed") == fail(Reason.INVALID_REQUEST, "No.")
    assert end_turn(open_thread(), "failed") == fail(Reason.UNKNOWN)


def test_an_error_without_the_end_of_the_turn_is_the_last_word() -> None:
    reader = open_thread()

    notify(reader, "error", error={"message": "No.", "codexErrorInfo": "serverOverloaded"}, willRetry=False)

    assert reader.close(Exit(0), "") == fail(Reason.SERVER, "No.", transient=True)


@pytest.mark.parametrize(
    ("info", "message", "reason"),
    [
        ("usageLimitExceeded", "", Reason.RATE_LIMITED),
        ("rateLimitExceeded", "", Reason.RATE_LIMITED),
        ("contextWindowExceeded", "", Reason.INVALID_REQUEST),
        ("badRequest", "", Reason.INVALID_REQUEST),
        ("sessionBudgetExceeded", "", Reason.BUDGET),
        ("flexUnavailable", "", Reason.SERVER),
        ("serverOverloaded", "", Reason.SERVER),
        ("internalServerError", "", Reason.SERVER),
        ("cyberPolicy", "", Reason.REFUSAL),
        ("misalignmentPolicyViolation", "", Reason.REFUSAL),
        ("tooManyDenials", "", Reason.PERMISSION),
        ("unauthorized", "", Reason.AUTH),
        ("other", "unexpected status 401 Unauthorized", Reason.AUTH),
        ("other", "hm", Reason.UNKNOWN),
        (None, "exceeded retry limit, last status: 429 Too Many Requests", Reason.RATE_LIMITED),
        ([], "hm", Reason.UNKNOWN),
        ({"httpConnectionFailed": {"httpStatusCode": 401}}, "hm", Reason.AUTH),
        ({"responseTooManyFailedAttempts": {"httpStatusCode": 429}}, "hm", Reason.RATE_LIMITED),
        ({"responseStreamConnectionFailed": {"httpStatusCode": 503}}, "hm", Reason.SERVER),
        ({"responseStreamDisconnected": {"httpStatusCode": None}}, "hm", Reason.NETWORK),
        ({"responseStreamDisconnected": {"httpStatusCode": None}}, "high demand", Reason.SERVER),
        ({"activeTurnNotSteerable": {"turnKind": "review"}}, "hm", Reason.UNKNOWN),
    ],
)
def test_its_own_word_for_a_cause_comes_before_its_sentences(
    info: object, message: str, reason: Reason
) -> None:
    assert find_fault({"message": message, "codexErrorInfo": info}) is reason


def limit(used: int, resets_at: int) -> Json:
    return {"usedPercent": used, "windowDurationMins": 300, "resetsAt": resets_at}


@pytest.mark.parametrize(
    ("primary", "secondary", "info", "reset_at"),
    [
        (limit(100, 500), limit(40, 900), "usageLimitExceeded", 500),
        (limit(40, 500), limit(100, 900), "usageLimitExceeded", 900),
        (limit(100, 500), limit(100, 900), "usageLimitExceeded", 900),
        (limit(99, 500), limit(40, 900), "usageLimitExceeded", 500),
        (limit(100, 500), None, "rateLimitExceeded", None),
        (None, None, "usageLimitExceeded", None),
    ],
)
def test_an_account_may_be_used_again_when_its_windows_say(
    primary: Json, secondary: Json, info: str, reset_at: float | None
) -> None:
    reader = open_thread()
    nothing = {"primary": None, "secondary": None}

    notify(reader, "account/rateLimits/updated", rateLimits={"primary": primary, "secondary": secondary})
    notify(reader, "account/rateLimits/updated", rateLimits=nothing)

    assert end_turn(reader, "failed", {"message": "No.", "codexErrorInfo": info}).reset_at == reset_at


@pytest.mark.parametrize(
    ("number", "message", "verdict"),
    [
        (1, "Not initialized", fail(Reason.UNKNOWN, "Not initialized")),
        (
            2,
            "no rollout found for thread id 7",
            fail(Reason.SESSION_LOST, "no rollout found for thread id 7"),
        ),
        (3, "invalid request", fail(Reason.INVALID_REQUEST, "invalid request")),
    ],
)
def test_what_cannot_begin_has_ended(number: int, message: str, verdict: Verdict) -> None:
    reader = make_reader(RESUMED)
    reader.begin()

    tell(reader, id=number, error={"code": -32600, "message": message})

    assert (reader.is_done, reader.close(Exit(0), "")) == (True, verdict)


def test_a_thread_without_an_id_is_none() -> None:
    reader = make_reader()
    reader.begin()

    tell(reader, id=2, result={})

    assert (reader.is_done, reader.take_outgoing()) == (True, b"")


def test_what_only_stderr_tells_is_found_there() -> None:
    error = "Error: Missing environment variable: `OPENAI_API_KEY`.\n"

    assert make_reader().close(Exit(1), error).failure == Failure(
        reason=Reason.AUTH, message=error.strip(), exit_code=1
    )
