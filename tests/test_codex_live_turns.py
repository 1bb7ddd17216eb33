"""What Codex tells of its work while it is talked with, and how a turn ends."""

import json

import pytest
from codextalk import RESUMED, TURN, Json, make_reader, notify, open_thread, tell

from aad.agents.base import Exit, Outcome, Verdict
from aad.agents.codex_faults import find_fault
from aad.agents.codex_server import CodexServerReader
from aad.agents.talk import Planned, Retrying, Said, Talk, ToolBegan, ToolEnded
from aad.events import Failure, Question, Reason


def end_turn(reader: CodexServerReader, status: str, error: Json = None) -> Verdict:
    notify(reader, "turn/completed", turn={"id": TURN, "items": [], "status": status, "error": error})
    return reader.close(Exit(0), "")


def fail(reason: Reason, message: str = "", *, transient: bool = False) -> Verdict:
    return Verdict(
        outcome=Outcome.FAILED, failure=Failure(reason=reason, message=message), transient=transient
    )


def say(reader: CodexServerReader, text: str) -> list[Talk]:
    return notify(reader, "item/completed", item={"type": "agentMessage", "id": "m", "text": text})


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
