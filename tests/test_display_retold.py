"""What is recorded in English, as each display shows it to people who read Japanese."""

import textwrap

from attrs import evolve
from summarizedrun import after, begin, end
from toldpeople import FAILED
from watchedrun import Watched

from aad import events
from aad.display.decisions import say_open, say_waits
from aad.display.failures import describe_failure
from aad.display.style import EMOJI, Style
from aad.display.summary import summarize_run
from aad.display.voice import Voice
from aad.events import EscalationKind, EscalationLevel, Failure, Reason
from aad.notifiers.message import Message, make_message

JAPANESE = Voice("ja", Style(symbols=EMOJI))
WAITS = events.SessionWaiting(spec="A", attempt=1, message="claude is used up until 14:03:00")
SPENT = "the session's budget: 800 of 1,000 tokens used"


def warn(message: str, level: EscalationLevel = EscalationLevel.WARNING) -> events.EscalationRaised:
    return events.EscalationRaised(
        spec="A", attempt=1, escalation="A-warning", level=level, kind=EscalationKind.BUDGET,
        message=message, path=".aad/escalations/A-warning.json",
    )  # fmt: skip


def test_a_wait_and_a_warning_are_told() -> None:
    run = Watched("ja")
    run.turn(begin("A"))

    told = run.turn(warn(SPENT), WAITS)

    assert told == textwrap.dedent("""\
        ⚠ A: セッションの予算を使用しました: 1,000 トークンのうち 800 トークン
          → エスカレーションログ: .aad/escalations/A-warning.json
        ? A が待機しています: claude は 14:03:00 まで利用上限に達しています
        """)


def test_what_a_child_warns_of_is_told_as_it_is() -> None:
    run = Watched("ja")
    run.turn(begin("A"))

    told = run.turn(warn("the budget of the session is used"))

    assert told.splitlines()[0] == "⚠ A: the budget of the session is used"


def test_a_wait_that_is_no_decision_is_told_in_a_line_of_a_status() -> None:
    state = after(begin("A"), WAITS)

    assert [*say_waits(state, JAPANESE)] == ["? A: claude は 14:03:00 まで利用上限に達しています"]


def test_what_is_open_is_told_with_its_reason() -> None:
    raised = warn("verification failed with exit code 2", EscalationLevel.ERROR)

    assert say_open(raised, JAPANESE) == "? A-warning: 検証に失敗 (終了コード 2)"


def test_a_summary_tells_what_ended_the_run() -> None:
    state = after(begin("A"), warn("not signed in", EscalationLevel.CRITICAL), end("failed"))

    told = [line for line in summarize_run(state, JAPANESE) if "により終了" in line]

    assert told == ["  エスカレーション A-warning により終了しました: 認証エラー"]


def test_why_an_attempt_failed_is_told() -> None:
    failure = Failure(reason=Reason.BUDGET, message="the run's budget: 10 of 10 turns used")

    told = describe_failure("ja", failure)

    assert told == "予算の上限に到達: 実行全体の予算を使用しました: 10 ターンのうち 10 ターン"


def test_a_notification_tells_the_reason() -> None:
    message = make_message(evolve(FAILED, reason="could not be started: sh: not found"), "ja")

    assert message == Message("aad: A が失敗しました", "起動に失敗: sh: not found", critical=False)
