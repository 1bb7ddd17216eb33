"""How what Claude Code leaves behind is judged: its last result, its exit, its errors."""

import string
from collections.abc import Mapping
from typing import Any

import pytest
from clauderecords import FIVE_CALLS, NOTHING, SIX_CALLS, THREE_CALLS, TWO_CALLS, bad, good
from hypothesis import given
from hypothesis import strategies as st
from recordings import find_recording, hear, list_names, tell

from aad.agents.base import Exit, Outcome, Verdict
from aad.agents.claude_stream import ClaudeReader
from aad.events import Failure, Question, Reason, Usage

REFUSED = (
    "API Error: Opus 5.5's safeguards flagged this message (https://www.anthropic.com/legal/aup). This "
    "sometimes happens with safe, normal conversations. Claude Code can't respond to this message with "
    "Opus 5.5.\n\nTry rephrasing the request in a new session or change your model.\n\nLearn more: "
    "https://support.claude.com/en/articles/8106465\n\nMessage ID: msg_2758d91a853d498487b6"
)
BROKEN_SERVER = (
    "API Error: 500 scripted internal error. This is a server-side issue, usually temporary — try again in a "
    "moment. If it persists, check your inference gateway (127.0.0.1:8080)."
)


def completed(text: str, usage: Usage) -> Verdict:
    return Verdict(outcome=Outcome.COMPLETED, text=text, usage=usage)


def failed(
    reason: Reason,
    message: str,
    usage: Usage | None = NOTHING,
    *,
    transient: bool = False,
    reset_at: float | None = None,
) -> Verdict:
    failure = Failure(reason=reason, message=message, exit_code=1)
    return Verdict(
        outcome=Outcome.FAILED, failure=failure, transient=transient, usage=usage, reset_at=reset_at
    )


KILLED = Verdict(outcome=Outcome.FAILED, failure=Failure(reason=Reason.KILLED, signal=9), transient=True)
VERDICTS = {
    "success": completed("Done: hello.txt written.", TWO_CALLS),
    "toolfail": completed("The command failed with code 3; giving up.", TWO_CALLS),
    "retry": completed("Done after 500s.", TWO_CALLS),
    "todo": completed("All three steps done.", SIX_CALLS),
    "resumed": completed("RESUMED ok: 4 user messages, 1 tool results in my context", THREE_CALLS),
    "subagent": completed("Sub-agent finished.", FIVE_CALLS),
    "denied": completed("Tried to write outside.", TWO_CALLS),
    "question": Verdict(
        outcome=Outcome.QUESTION,
        question=Question(text="PostgreSQL or SQLite?"),
        text="need a decision",
        usage=TWO_CALLS,
    ),
    "err401": failed(Reason.AUTH, "Failed to authenticate. API Error: 401 scripted bad key"),
    "err429": failed(
        Reason.RATE_LIMITED, "API Error: Request rejected (429) · scripted rate limit", transient=True
    ),
    "err500": failed(Reason.SERVER, BROKEN_SERVER, transient=True),
    "rate_limited": failed(
        Reason.RATE_LIMITED,
        "You've hit your limit · resets 12:05am (UTC)",
        transient=True,
        reset_at=1795392314,
    ),
    "refusal": failed(Reason.REFUSAL, REFUSED, TWO_CALLS),
    "max_turns": failed(Reason.MAX_TURNS, "Reached maximum number of turns (3)", THREE_CALLS),
    "killed_9": KILLED,
    "cut_mid_line": KILLED,
}


def judge(*records: Mapping[str, Any], end: Exit, errors: str = "") -> Verdict:
    reader = ClaudeReader()
    tell(reader, *records)
    return reader.close(end, errors)


def test_all_recordings_of_it_are_judged() -> None:
    assert sorted(VERDICTS) == list_names("claude")


@pytest.mark.parametrize("name", VERDICTS)
def test_a_recording_is_judged_by_its_last_result_and_its_exit(name: str) -> None:
    recording, reader = find_recording(f"claude/{name}"), ClaudeReader()

    hear(reader, recording.lines)

    assert reader.close(recording.end, "") == VERDICTS[name]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(string.ascii_letters, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["content", "type", "id", "task", "todos", "status", "statusChange", "taskId", "input"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
ANY_RECORD = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["assistant", "user", "result", "system", "rate_limit_event"]),
        "subtype": st.sampled_from(["init", "api_retry", "permission_denied", "success"]),
    },
    optional=dict.fromkeys(
        (
            "message", "session_id", "is_error", "result", "errors", "usage", "modelUsage", "error",
            "structured_output", "permission_denials", "tool_use_result", "rate_limit_info",
            "retry_delay_ms", "error_status", "api_error_status", "tool_use_id", "total_cost_usd",
        ),
        JSON,
    ),
)  # fmt: skip


@given(st.lists(ANY_RECORD, max_size=4))
def test_lines_of_any_shape_are_read_and_judged(records: list[Mapping[str, Any]]) -> None:
    verdict = judge(*records, end=Exit(0))

    assert (verdict.failure is None) == (verdict.outcome is Outcome.COMPLETED)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (bad(subtype="error_max_budget_usd"), Reason.BUDGET),
        (bad(subtype="error_max_turns", is_error=False), Reason.MAX_TURNS),
        (bad(subtype="error_during_execution", terminal_reason="aborted_tools"), Reason.INTERRUPTED),
        (bad(api_error_status=529, result="Overloaded"), Reason.SERVER),
        (bad(api_error_status=400, result="prompt is too long"), Reason.INVALID_REQUEST),
        (bad(result="Not logged in · Please run /login"), Reason.AUTH),
        (bad(errors=["No conversation found with session ID: 5a47"]), Reason.SESSION_LOST),
        (bad(result="API Error: Unable to connect (ECONNREFUSED)"), Reason.NETWORK),
        (bad(result="Something else"), Reason.UNKNOWN),
        ({"type": "result", "subtype": "success"}, Reason.UNKNOWN),
    ],
)
def test_a_failed_result_names_its_cause(result: Mapping[str, Any], reason: Reason) -> None:
    verdict = judge(result, end=Exit(1))

    assert verdict.failure is not None
    assert verdict.failure.reason is reason


def test_what_stderr_says_counts_where_there_is_no_result() -> None:
    errors = "Warning: an old setting\nNot logged in · Please run /login\n"

    verdict = judge(end=Exit(1), errors=errors)

    assert verdict == failed(Reason.AUTH, "Not logged in · Please run /login", None)


def test_a_lost_session_is_told_on_stderr() -> None:
    verdict = judge(end=Exit(1), errors="No conversation found with session ID: 5a47\n")

    assert verdict == failed(Reason.SESSION_LOST, "No conversation found with session ID: 5a47", None)


def test_what_stderr_says_does_not_count_beside_a_result() -> None:
    verdict = judge(good(), end=Exit(0), errors="Not logged in\n")

    assert verdict == Verdict(outcome=Outcome.COMPLETED, text="Done.")


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (Exit(0), Reason.NO_RESULT),
        (Exit(1), Reason.EXIT_CODE),
        (Exit(143), Reason.KILLED),
        (Exit(None, 15), Reason.KILLED),
    ],
)
def test_an_end_without_a_word_is_judged_by_the_exit(end: Exit, reason: Reason) -> None:
    verdict = judge(end=end)

    assert verdict.failure is not None
    assert verdict.failure.reason is reason


@pytest.mark.parametrize(("end", "reason"), [(Exit(1), Reason.EXIT_CODE), (Exit(None, 9), Reason.KILLED)])
def test_a_good_result_does_not_hide_a_bad_exit(end: Exit, reason: Reason) -> None:
    verdict = judge(good(), end=end)

    assert verdict.failure is not None
    assert verdict.failure.reason is reason


def test_the_last_of_several_results_counts() -> None:
    verdict = judge(bad(result="Overloaded"), good(), end=Exit(0))

    assert verdict == Verdict(outcome=Outcome.COMPLETED, text="Done.")


def test_a_reply_may_offer_options_or_say_that_it_failed() -> None:
    asked = {"status": "question", "summary": "Stuck.", "question": "Which?", "options": ["a", "b"]}
    gave_up = {"status": "failed", "summary": "It cannot be done.", "question": "", "options": []}

    question = judge(good(structured_output=asked), end=Exit(0))
    failure = judge(good(structured_output=gave_up), end=Exit(0))

    assert question.question == Question(text="Which?", options=("a", "b"))
    assert failure.failure == Failure(reason=Reason.UNKNOWN, message="It cannot be done.")


def test_tokens_that_went_into_a_cache_count_as_input_for_each_model() -> None:
    reader = ClaudeReader()
    models = {
        "large": {
            "inputTokens": 1,
            "cacheReadInputTokens": 2,
            "cacheCreationInputTokens": 4,
            "outputTokens": 8,
        },
        "small": {"inputTokens": 16, "outputTokens": 32},
    }

    tell(reader, good(modelUsage=models, total_cost_usd=0.5))

    assert reader.usage == Usage(input=23, cached=2, output=40, cost_usd=0.5)


def test_a_limit_that_passed_is_not_held_against_another_failure() -> None:
    limit = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1795392314}}

    verdict = judge(limit, bad(api_error_status=500, result="Down"), end=Exit(1))

    assert verdict == failed(Reason.SERVER, "Down", None, transient=True)
