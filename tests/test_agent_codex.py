"""The codex agent: its command lines, and what its recorded streams are read as."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from recordings import JOB, WHERE, find_recording, hear, judge, list_names, read_lines, tell

from aad.agents.base import Caps, Command, Exit, Outcome, Verdict
from aad.agents.codex import CodexAgent
from aad.agents.codex_stream import CodexReader, find_reason, find_reset
from aad.agents.prompt import compose_prompt
from aad.agents.replies import write_schema
from aad.agents.talk import Opened, Planned, Retrying, Said, Talk, ToolBegan, ToolEnded, Used
from aad.config import AgentOptions
from aad.events import Failure, Question, Reason, Usage

# When the streams were recorded.
NOW = datetime(2026, 11, 22, 23, 5, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2026, 11, 23, 0, 5, tzinfo=UTC).timestamp()

RESUMED = evolve(JOB, agent_session="01a20581-8d7e-7653-9370-496d8b013ea5", resumes=True)
SETTINGS = (
    *("-c", 'approval_policy="never"', "-c", "tools.update_plan.enabled=true"),
    *("--disable", "plugins", "--disable", "apps", "--disable", "remote_plugin"),
)
PLACES = ("--add-dir", "/attempt/events", "--output-schema", "/attempt/reply.schema.json")


def make_reader() -> CodexReader:
    return CodexReader(clock=lambda: NOW, zone=UTC)


def read_talk(name: str) -> list[Talk]:
    return hear(make_reader(), read_lines(f"codex/{name}"))


def feed(*records: Mapping[str, Any]) -> CodexReader:
    reader = make_reader()
    tell(reader, *records)
    return reader


def argv_of(options: AgentOptions) -> tuple[str, ...]:
    return CodexAgent(options).command(JOB, {}).argv


# The command line.


def test_a_new_session_is_told_where_it_may_write_and_how_to_end() -> None:
    agent = CodexAgent(AgentOptions())

    command = agent.command(JOB, {"PATH": "/bin", "CODEX_HOME": "/home/user/.codex"})

    assert command == Command(
        argv=(
            *("codex", "exec", "--json", "--skip-git-repo-check", "-s", "workspace-write"),
            *SETTINGS,
            *PLACES,
            "-",
        ),
        env={
            "PATH": "/bin",
            "CODEX_HOME": "/home/user/.codex",
            **WHERE,
        },
        cwd="/workspace",
        stdin=compose_prompt(JOB, replies=True),
        files={Path("/attempt/reply.schema.json"): write_schema().encode()},
    )


def test_a_session_is_resumed_with_all_options_before_the_word() -> None:
    agent = CodexAgent(AgentOptions(args=("-c", "x=1")))

    command = agent.command(RESUMED, {})

    assert command == Command(
        argv=(
            *("codex", "exec", "--json", "--skip-git-repo-check", "-s", "workspace-write"),
            *SETTINGS,
            *PLACES,
            *("-c", "x=1", "resume", "01a20581-8d7e-7653-9370-496d8b013ea5", "-"),
        ),
        env=RESUMED.environment,
        cwd="/workspace",
        stdin=compose_prompt(RESUMED, replies=True),
        files={Path("/attempt/reply.schema.json"): write_schema().encode()},
    )


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        (
            AgentOptions(permissions="sandbox"),
            (
                *("-s", "workspace-write"),
                *("-c", "sandbox_workspace_write.exclude_slash_tmp=true"),
                *("-c", "sandbox_workspace_write.exclude_tmpdir_env_var=true"),
            ),
        ),
        (AgentOptions(), ("-s", "workspace-write")),
        (AgentOptions(permissions="full"), ("--dangerously-bypass-approvals-and-sandbox",)),
    ],
)
def test_each_permission_has_its_flags(options: AgentOptions, flags: tuple[str, ...]) -> None:
    argv = argv_of(options)

    assert argv == ("codex", "exec", "--json", "--skip-git-repo-check", *flags, *SETTINGS, *PLACES, "-")


def test_program_model_and_arguments_are_the_users() -> None:
    options = AgentOptions(command=("npx", "codex"), model="gpt-x", args=("--profile", "mine"))

    argv = argv_of(options)

    assert argv == (
        *("npx", "codex", "exec", "--json", "--skip-git-repo-check", "-s", "workspace-write"),
        *SETTINGS,
        *("--add-dir", "/attempt/events", "-m", "gpt-x"),
        *("--output-schema", "/attempt/reply.schema.json", "--profile", "mine", "-"),
    )


def test_what_codex_can_do_is_known() -> None:
    agent = CodexAgent(AgentOptions())

    assert (agent.name, agent.caps, agent.passes) == (
        "codex",
        Caps(
            resumes=True, plans=True, tokens=True, cumulative=True, sums_up=True, replies=True, sandbox=True
        ),
        ("CODEX_HOME", "CODEX_API_KEY", "OPENAI_API_KEY"),
    )


# What the recorded streams tell.

USED = Usage(input=3000, cached=600, output=100)
WRITE = "printf '%s' 'hello from the agent\n' > hello.txt"


def test_a_plan_is_followed() -> None:
    talk = read_talk("todo")

    assert talk == [
        Opened(session_id="01a2054a-b281-7c62-9cc8-a0f898f6001b"),
        Said("Working: todo"),
        Planned(done=0, total=3, current="Write hello.txt"),
        Said("Working: write"),
        ToolBegan(id="item_4", name="command_execution", detail=WRITE),
        ToolEnded(id="item_4"),
        Said("Working: todo"),
        Planned(done=1, total=3, current="Check hello.txt"),
        Said("Working: sh"),
        ToolBegan(id="item_7", name="command_execution", detail="cat hello.txt"),
        ToolEnded(id="item_7"),
        Said("Working: todo"),
        Planned(done=3, total=3),
        Said("All three steps done."),
        Planned(done=3, total=3),
        Used(Usage(input=9000, cached=1800, output=300)),
    ]


def test_retries_are_told() -> None:
    talk = read_talk("retry")

    assert talk == [
        Opened(session_id="01a20546-148c-7be3-a4e7-7c6e50cefd92"),
        Retrying(reason=Reason.RATE_LIMITED, attempt=1, of=2),
        Retrying(reason=Reason.RATE_LIMITED, attempt=2, of=2),
        Said("Working: write"),
        ToolBegan(id="item_2", name="command_execution", detail=WRITE),
        ToolEnded(id="item_2"),
        Said("Done after 429s."),
        Used(USED),
    ]


def test_a_tool_whose_end_is_missing_ends_with_the_turn() -> None:
    talk = read_talk("open_tool")

    assert talk == [
        Opened(session_id="01a20593-7c1f-73e0-9933-ba79b590a006"),
        Said("Working: sh"),
        ToolBegan(id="item_2", name="command_execution", detail="sleep 75; echo slept"),
        Said("slept"),
        Used(USED),
        ToolEnded(id="item_2"),
    ]


def test_a_command_that_fails_is_a_tool_that_fails() -> None:
    talk = read_talk("toolfail")

    assert talk == [
        Opened(session_id="01a20545-daf6-7191-afa9-23c1f06d0f20"),
        Said("Working: sh"),
        ToolBegan(id="item_2", name="command_execution", detail="ls /nonexistent-dir; exit 3"),
        ToolEnded(id="item_2", ok=False),
        Said("The command failed with code 3; giving up."),
        Used(USED),
    ]


def test_a_command_of_a_megabyte_is_told_as_it_is_and_holds_up_nothing() -> None:
    command = f"/bin/bash -lc 'cat <<E\n{'words ' * 200_000}'"
    item = {"id": "1", "type": "command_execution", "command": command}

    talk = CodexReader().feed(json.dumps({"type": "item.started", "item": item}).encode())

    assert talk == [ToolBegan(id="1", name="command_execution", detail=command)]


# What they are judged as.

DONE = "Done: hello.txt written."
HIGH_DEMAND = "We’re currently experiencing high demand, which may cause temporary errors."
LIMIT = (
    "You’ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit "
    "https://chatgpt.com/settings/usage to purchase more credits or try again at Nov 23rd, 2026 12:05 AM."
)
BAD_KEY = "unexpected status 401 Unauthorized: scripted bad key, url: http://127.0.0.1:8080/v1/responses"
TOO_MANY = "exceeded retry limit, last status: 429 Too Many Requests"


def completed(text: str, usage: Usage = USED) -> Verdict:
    return Verdict(outcome=Outcome.COMPLETED, text=text, usage=usage)


def failed(
    reason: Reason, message: str, *, transient: bool = False, reset_at: float | None = None
) -> Verdict:
    failure = Failure(reason=reason, message=message, exit_code=1)
    return Verdict(outcome=Outcome.FAILED, failure=failure, transient=transient, reset_at=reset_at)


VERDICTS = {
    "success": completed(DONE),
    "success_0163": completed(DONE),
    "toolfail": completed("The command failed with code 3; giving up."),
    "retry": completed("Done after 429s."),
    "open_tool": completed("slept"),
    "todo": completed("All three steps done.", Usage(input=9000, cached=1800, output=300)),
    "resumed": completed(
        "RESUMED ok: 3 user messages, 1 tool results in my context",
        Usage(input=4500, cached=900, output=150),
    ),
    "err401": failed(Reason.AUTH, BAD_KEY),
    "err429": failed(Reason.RATE_LIMITED, TOO_MANY, transient=True),
    "err500": failed(Reason.SERVER, HIGH_DEMAND, transient=True),
    "usage_limit": failed(Reason.RATE_LIMITED, LIMIT, transient=True, reset_at=MIDNIGHT),
    "question": Verdict(
        outcome=Outcome.QUESTION,
        question=Question(text="PostgreSQL or SQLite?"),
        text="need a decision",
        usage=USED,
    ),
    "refusal": Verdict(
        outcome=Outcome.FAILED,
        failure=Failure(reason=Reason.REFUSAL),
        usage=Usage(input=1500, cached=300, output=50),
    ),
    "killed_term": Verdict(
        outcome=Outcome.FAILED, failure=Failure(reason=Reason.KILLED, signal=15), transient=True
    ),
}


def test_every_recording_has_its_verdict() -> None:
    assert sorted(VERDICTS) == list_names("codex")


@pytest.mark.parametrize("name", VERDICTS)
def test_a_recorded_stream_is_judged_by_its_last_word(name: str) -> None:
    verdict = judge(make_reader(), find_recording(f"codex/{name}"))

    assert verdict == VERDICTS[name]


# What was never recorded whole.


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"thread.started","thread_id":7}',
        '{"type":"thread.started"}',
        '{"type":"item.started","item":null}',
        '{"type":"item.completed","item":[]}',
        '{"type":"item.completed","item":{"type":"agent_message","text":{}}}',
        '{"type":"item.completed","item":{"type":"reasoning","text":"hm"}}',
        '{"type":"error","message":null}',
        '{"type":"turn.started"}',
    ],
)
def test_a_line_of_an_unknown_shape_tells_nothing(line: str) -> None:
    reader = make_reader()

    talk = reader.feed(line.encode())

    assert (talk, reader.broken) == ([], 0)


def test_a_tool_that_shows_only_at_its_end_has_begun_as_well() -> None:
    reader = make_reader()
    changes = [{"path": "a.py", "kind": "add"}, {"path": "b.py", "kind": "update"}]
    item = {"id": "item_1", "type": "file_change", "changes": changes, "status": "completed"}

    talk = reader.feed(json.dumps({"type": "item.completed", "item": item}).encode())

    assert talk == [ToolBegan(id="item_1", name="file_change", detail="a.py b.py"), ToolEnded(id="item_1")]


@pytest.mark.parametrize(
    ("item", "detail"),
    [
        ({"type": "mcp_tool_call", "server": "docs", "tool": "find"}, "docs.find"),
        ({"type": "collab_tool_call", "tool": "spawn_agent"}, "spawn_agent"),
        ({"type": "web_search", "query": "trio nursery"}, "trio nursery"),
    ],
)
def test_each_kind_of_tool_says_what_it_works_on(item: dict[str, str], detail: str) -> None:
    reader = make_reader()

    talk = reader.feed(json.dumps({"type": "item.started", "item": {"id": "item_1", **item}}).encode())

    assert talk == [ToolBegan(id="item_1", name=item["type"], detail=detail)]


@pytest.mark.parametrize(
    ("summary", "outcome"), [("I need the colour.", Outcome.QUESTION), ("", Outcome.FAILED)]
)
def test_a_reply_that_asks_nothing_by_its_name_is_no_good_end(summary: str, outcome: Outcome) -> None:
    reply = {"status": "question", "summary": summary, "question": "", "options": []}
    words = {"type": "item.completed", "item": {"type": "agent_message", "text": json.dumps(reply)}}
    reader = CodexAgent(AgentOptions()).read()
    for line in (
        {"type": "thread.started", "thread_id": "t"},
        words,
        {"type": "turn.completed", "usage": {}},
    ):
        reader.feed(json.dumps(line).encode())

    verdict = reader.close(Exit(0), "")

    assert (verdict.outcome, verdict.question) == (outcome, Question(text=summary) if summary else None)


def test_of_a_reply_people_read_the_summary() -> None:
    reader = make_reader()
    reply = {"status": "done", "summary": "Built it.", "question": "", "options": []}
    item = {"id": "item_1", "type": "agent_message", "text": json.dumps(reply)}

    talk = reader.feed(json.dumps({"type": "item.completed", "item": item}).encode())
    reader.feed(b'{"type":"turn.completed"}')

    assert (talk, reader.close(Exit(0), "")) == (
        [Said("Built it.")],
        Verdict(outcome=Outcome.COMPLETED, text="Built it."),
    )


@pytest.mark.parametrize("words", ['{"answer": 42}', '{"status": "odd"}', '{"status": ["done"]}', "[1]"])
def test_an_object_of_another_form_is_the_agents_words(words: str) -> None:
    item = {"id": "item_1", "type": "agent_message", "text": words}
    reader = feed({"type": "item.completed", "item": item}, {"type": "turn.completed"})

    verdict = reader.close(Exit(0), "")

    assert verdict == Verdict(outcome=Outcome.COMPLETED, text=words)


def test_an_error_without_the_end_of_the_turn_is_the_last_word() -> None:
    reader = feed({"type": "error", "message": "stream disconnected before completion"})

    verdict = reader.close(Exit(1), "")

    assert verdict == failed(Reason.NETWORK, "stream disconnected before completion", transient=True)


def test_a_turn_that_fails_without_a_word_failed_for_the_error_before() -> None:
    reader = feed({"type": "error", "message": "stream disconnected"}, {"type": "turn.failed"})

    verdict = reader.close(Exit(1), "")

    assert verdict == failed(Reason.NETWORK, "stream disconnected", transient=True)


def test_an_error_that_was_got_over_is_forgotten() -> None:
    reader = feed(
        {"type": "error", "message": "stream disconnected before completion"},
        {"type": "item.completed", "item": {"id": "item_1", "type": "agent_message", "text": "Done."}},
        {"type": "turn.completed"},
    )

    verdict = reader.close(Exit(0), "")

    assert verdict == Verdict(outcome=Outcome.COMPLETED, text="Done.")


NOISE = "WARNING: proceeding, even though we could not create PATH aliases\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            "Error: thread/resume: thread/resume failed: no rollout found for thread id 01a2 (code -32600)",
            Reason.SESSION_LOST,
        ),
        ("Missing environment variable: `OPENAI_API_KEY`.", Reason.AUTH),
    ],
)
def test_what_only_stderr_tells_is_found_there(line: str, reason: Reason) -> None:
    reader = make_reader()

    verdict = reader.close(Exit(1), f"{NOISE}{line}\n\n")

    assert verdict == failed(reason, line)


def test_an_exit_that_nothing_explains_is_an_exit() -> None:
    verdict = make_reader().close(Exit(2), "error: unexpected argument '-s' found")

    assert verdict.failure == Failure(reason=Reason.EXIT_CODE, exit_code=2)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("unexpected status 400 Bad Request: no such api_key quota", Reason.INVALID_REQUEST),
        ("unexpected status 503 Service Unavailable: connect", Reason.SERVER),
        ("unexpected status 101 Switching Protocols: disconnected", Reason.NETWORK),
        ("The thing is odd", Reason.UNKNOWN),
    ],
)
def test_a_status_says_more_than_the_words_behind_it(words: str, reason: Reason) -> None:
    assert find_reason(words) is reason


# When a limit ends.


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("words", "zone", "reset"),
    [
        ("try again at Nov 23rd, 2026 12:04 AM.", "UTC", at("2026-11-23 00:04")),
        ("try again at Dec 1st, 2026 12:30 PM.", "UTC", at("2026-12-01 12:30")),
        ("try again at January 2nd, 2027 1:00 PM.", "UTC", at("2027-01-02 13:00")),
        ("try again at Nov 23rd, 2026 12:04 AM.", "Asia/Tokyo", at("2026-11-23 00:04", "Asia/Tokyo")),
        # The clocks have been put back by then.
        ("try again at Mar 29th, 2027 9:00 AM.", "Europe/Berlin", at("2027-03-29 09:00", "Europe/Berlin")),
        ("try again at 11:30\N{NARROW NO-BREAK SPACE}PM", "UTC", at("2026-11-22 23:30")),
        ("try again at 11:04 PM.", "UTC", at("2026-11-22 23:04")),
        ("try again at 9:04 PM.", "UTC", at("2026-11-23 21:04")),
        ("try again at 8:30 AM.", "Asia/Tokyo", at("2026-11-23 08:30", "Asia/Tokyo")),
    ],
)
def test_the_time_of_a_reset_is_read_in_the_zone_of_its_clock(words: str, zone: str, reset: float) -> None:
    assert find_reset(f"You hit your usage limit, {words}", NOW, ZoneInfo(zone)) == reset


def test_a_time_just_before_midnight_is_not_the_next_days() -> None:
    now = at("2026-11-23 00:00:20")

    assert find_reset("try again at 11:59 PM.", now, UTC) == at("2026-11-22 23:59")


def test_without_a_zone_the_clock_is_this_processs() -> None:
    local = datetime.fromtimestamp(NOW).astimezone()
    words = f"try again at Nov {local.day}th, 2026 {local:%I:%M %p}"

    assert find_reset(words, NOW) == NOW


@pytest.mark.parametrize(
    "words",
    [
        "try again later",
        "try again at Foo 23rd, 2026 12:04 AM",
        "try again at Feb 30th, 2026 12:04 AM",
        "try again at 25:61 PM",
        "try again at Nov 23rd, 0000 12:04 AM",
    ],
)
def test_what_is_no_time_is_none(words: str) -> None:
    assert find_reset(words, NOW, UTC) is None
