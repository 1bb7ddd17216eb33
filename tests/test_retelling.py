"""What is recorded in English, as it is read in Japanese."""

from collections.abc import Mapping
from string import Formatter

import pytest

from aad import messages
from aad.budget import Spent
from aad.display.text import format_duration
from aad.messages.retelling import retell
from aad.meter import describe_spent

# Of the fields that are retold themselves.
SPOKEN = {
    "duration": ("2m 5s", "2分5秒"),
    "elapsed": ("59s", "59秒"),
    "limit": ("1h", "1時間"),
    "reason": ("exit code 3", "終了コード 3"),
    "why": ("git took longer than 60 s", "git の処理が 60 秒以内に終わりませんでした"),
    "detail": ("no such file", "no such file"),
    "spent": ("1.50 of 2.00 USD", "2.00 USD のうち 1.50 USD"),
}
NUMBERS = frozenset(("count", "code", "used", "most", "seconds"))
# The words of these may be a child's own.
LEFT = frozenset(("reason.blocked_by", "reason.fail_fast"))
KEYS = [key for key in messages.load_catalogue("en") if key.startswith(("note.", "reason."))]


def fill(key: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return fields for a sentence, in English and in Japanese."""
    names = [name for _, name, _, _ in Formatter().parse(messages.load_catalogue("en")[key]) if name]
    told = {name: SPOKEN.get(name, ("12" if name in NUMBERS else f"<{name}>",) * 2) for name in names}
    english, japanese = ({name: both[place] for name, both in told.items()} for place in (0, 1))
    return english, japanese


@pytest.mark.parametrize("key", sorted({*KEYS} - LEFT))
def test_each_recorded_sentence_is_told_in_japanese_with_all_that_fills_it(key: str) -> None:
    english, japanese = fill(key)

    told = retell(messages.text("en", key, english), "ja")

    assert told == messages.text("ja", key, japanese)


@pytest.mark.parametrize("key", KEYS)
def test_in_english_a_sentence_is_told_as_it_is_recorded(key: str) -> None:
    recorded = messages.text("en", key, fill(key)[0])

    assert retell(recorded, "en") == recorded


@pytest.mark.parametrize(
    "recorded",
    [
        "",
        "the disk is full",
        "npm: command not found",
        "needs attention",
        "fail-fast after lunch",
        "tests",
        "my agent: not signed in; two takes over",
        "claude is used up: it is tried again in a while",
        "and then: nobody is signed in to claude",
        "lines in AAD_EVENTS that are not understood: many, the first: x",
    ],
)
def test_what_others_say_is_told_as_it_is(recorded: str) -> None:
    assert retell(recorded, "ja") == recorded


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        (
            "claude: not signed in: run claude; two takes over",
            "claude: 認証エラー: run claude。two が引き継ぎます",
        ),
        (
            "budget used up: the run's budget: 1,000 of 1,000 tokens used",
            "予算の上限に到達: 実行全体の予算を使用しました: 1,000 トークンのうち 1,000 トークン",
        ),
        (
            "failed exit: no progress: the attempt ended as the one before, with the same files",
            "異常終了: 進展がありません: 試行は前回と同じように終わり、ファイルも同じでした",
        ),
        (
            "verification failed with exit code 2: its work could not be saved: killed",
            "検証に失敗 (終了コード 2): 作業を保存できませんでした: 強制終了",
        ),
        ("the agent was not allowed: sh\nsleep 5s", "エージェントに許可されませんでした: sh\nsleep 5s"),
        ("the log is not whole: No space left on device", "ログが欠けています: No space left on device"),
    ],
)
def test_a_sentence_within_a_sentence_is_told_in_japanese_too(recorded: str, told: str) -> None:
    assert retell(recorded, "ja") == told


def test_a_text_that_repeats_a_sentence_of_ours_without_end_is_told_all_the_same() -> None:
    recorded = "killed: " * 10_000 + "at last"

    told = retell(recorded, "ja")

    assert told.endswith("killed: at last")


@pytest.mark.parametrize("seconds", [0.4, 59, 60, 312, 3600, 3900, 86400, 183600])
def test_durations_of_every_size_are_told(seconds: float) -> None:
    recorded = messages.text("en", "note.slow", {"elapsed": format_duration(seconds, "en")})

    told = retell(recorded, "ja")

    assert told == messages.text("ja", "note.slow", {"elapsed": format_duration(seconds, "ja")})


@pytest.mark.parametrize(
    ("whose", "spent", "told"),
    [
        ("session", Spent("turns", 8, 10), "セッションの予算を使用しました: 10 ターンのうち 8 ターン"),
        (
            "session",
            Spent("tokens", 800, 1000),
            "セッションの予算を使用しました: 1,000 トークンのうち 800 トークン",
        ),
        ("run", Spent("cost", 1.5, 2), "実行全体の予算を使用しました: 2.00 USD のうち 1.50 USD"),
    ],
)
def test_budgets_of_every_unit_are_told(whose: str, spent: Spent, told: str) -> None:
    assert retell(describe_spent(whose, spent), "ja") == told
