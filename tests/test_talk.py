"""What an agent tells, and how a person's answer to it is told to the agent again."""

import pytest

from aad.agents.talk import Wants
from aad.redact import Redactor

FIRST, SECOND = "staple-paper-clip", "correct-horse-battery"


@pytest.mark.parametrize(
    ("answer", "understood"),
    [
        (("[redacted] (2)", "[redacted] (2)"), (SECOND, SECOND)),
        (("red", "red"), ("red", "red")),
        (("the second", "[redacted] (2)"), ("the second", SECOND)),
        (("because of [redacted]", None), ("because of [redacted]", None)),
    ],
)
def test_an_answer_names_an_option_as_the_agent_has_offered_it(
    answer: tuple[str, str | None], understood: tuple[str, str | None]
) -> None:
    redact = Redactor([FIRST, SECOND]).redact
    wants = Wants(request_id="r1", text=f"{FIRST}?", options=(FIRST, SECOND, "red"))

    shown = wants.mask(redact)

    assert (shown.text, shown.options) == ("[redacted]?", ("[redacted] (1)", "[redacted] (2)", "red"))
    assert wants.unmask(*answer, redact) == understood
