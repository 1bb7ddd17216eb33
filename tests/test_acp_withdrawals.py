"""An agent that speaks the Agent Client Protocol waits no longer for leave that it has asked for."""

import pytest
from acptalk import ask_leave, hear, open_session, say

from aad.agents.talk import Withdrawn


def withdraw(number: object) -> dict[str, object]:
    return {"method": "$/cancel_request", "params": {"requestId": number}}


def test_a_request_that_is_withdrawn_is_answered_so_and_by_nobody_else() -> None:
    reader = open_session()
    say(reader, ask_leave("/etc/a"))

    talk = say(reader, withdraw(0))
    reader.answer("0", "allow", None)

    assert talk == [Withdrawn(request_id="0")]
    assert hear(reader) == [{"jsonrpc": "2.0", "id": 0, "result": {"outcome": {"outcome": "cancelled"}}}]


def test_what_is_withdrawn_is_asked_again_where_it_is_wanted_again() -> None:
    reader = open_session()
    asked = say(reader, ask_leave("/etc/a"))
    say(reader, withdraw(0))

    assert say(reader, ask_leave("/etc/a")) == asked[1:]


@pytest.mark.parametrize("number", [1, "0", None, [[]], {}])
def test_of_other_requests_nothing_is_withdrawn(number: object) -> None:
    reader = open_session()
    say(reader, ask_leave("/etc/a"))

    assert say(reader, withdraw(number)) == []
    assert hear(reader) == []
