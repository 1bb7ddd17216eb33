"""What people read of an escalation that has risen, because nobody decided."""

import io

import pytest

from aad import events
from aad.display.plain import PlainDisplay
from aad.display.stream import Stream
from aad.display.style import EMOJI, Style
from aad.events import EscalationKind, EscalationLevel
from aad.state import RunState

RISEN = events.EscalationRaised(
    spec="A", attempt=1, escalation="A-error", level=EscalationLevel.CRITICAL, kind=EscalationKind.QUESTION,
    message="Which one?", path=".aad/escalations/A-error.json", rises=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "told", "where"),
    [
        ("en", "A still waits for a decision, which is critical now: Which one?", "escalation"),
        ("ja", "A はまだ決定を待っています（現在のレベル: 重大）: Which one?", "エスカレーションログ"),
    ],
)
def test_the_level_to_which_it_has_risen_is_told_in_the_language_of_people(
    lang: str, told: str, where: str
) -> None:
    out = io.StringIO()
    display = PlainDisplay(Stream(out), RunState(), Style(symbols=EMOJI), lang)

    display.show(RISEN)
    display.flush()

    assert out.getvalue() == f"⚠ {told}\n  → {where}: .aad/escalations/A-error.json\n"
