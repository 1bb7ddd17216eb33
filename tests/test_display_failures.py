"""Why an attempt did not succeed, in words."""

import pytest

from aad.attempt import SETUP_FAILED
from aad.delivery import MERGED
from aad.display.failures import describe_failure, has_output, name_signal
from aad.events import Failure, Reason


@pytest.mark.parametrize(
    ("failure", "english", "japanese"),
    [
        (Failure(reason=Reason.EXIT_CODE, exit_code=3), "exit code 3", "終了コード 3"),
        (Failure(reason=Reason.EXIT_CODE), "failed exit", "異常終了"),
        (Failure(reason=Reason.KILLED, signal=9), "killed by SIGKILL", "SIGKILL により強制終了"),
        (Failure(reason=Reason.KILLED), "killed", "強制終了"),
        (Failure(reason=Reason.TIMED_OUT), "timed out", "タイムアウト"),
        (Failure(reason=Reason.STALLED), "silent for too long", "長時間応答なし"),
        (
            Failure(reason=Reason.VERIFY_FAILED, exit_code=2),
            "verification failed with exit code 2",
            "検証に失敗 (終了コード 2)",
        ),
        (Failure(reason=Reason.VERIFY_FAILED, signal=9), "verification failed", "検証に失敗"),
        (Failure(reason=Reason.BLOCKED, blocked_by=("A", "B")), "needs A, B", "A, B が必要です"),
        (Failure(reason=Reason.BLOCKED), "blocked", "実行不可"),
        (
            Failure(reason=Reason.INTERRUPTED, blocked_by=("B",)),
            "fail-fast after B",
            "B の失敗により打ち切り (fail-fast)",
        ),
        (
            Failure(reason=Reason.CONFLICT, files=("a.py", "b.py"), blocked_by=("A", "B")),
            "merge conflict in a.py, b.py (changes of A, B)",
            "マージの競合: a.py, b.py (A, B の変更)",
        ),
        (
            Failure(reason=Reason.CONFLICT, files=tuple("12345"), blocked_by=("A",)),
            "merge conflict in 1, 2, 3, +2 (changes of A)",
            "マージの競合: 1, 2, 3, +2 (A の変更)",
        ),
        (
            Failure(reason=Reason.CONFLICT, files=("a\x1b[2J.py",)),
            "merge conflict in a.py",
            "マージの競合: a.py",
        ),
        (Failure(reason=Reason.CONFLICT), "merge conflict", "マージの競合"),
        (
            Failure(reason=Reason.VERIFY_FAILED, message=MERGED, exit_code=2),
            "verification failed with exit code 2 after it was merged with what others have finished",
            "検証に失敗 (終了コード 2): 完了済みの他の作業とマージした後の検証",
        ),
        (
            Failure(reason=Reason.EXIT_CODE, message=SETUP_FAILED, exit_code=2),
            "the setup of the workspace failed: exit code 2",
            "ワークスペースのセットアップに失敗: 終了コード 2",
        ),
        (Failure(reason=Reason.INTERRUPTED), "interrupted", "中断"),
        (Failure(reason=Reason.INTERRUPTED, message="by hand"), "interrupted: by hand", "中断: by hand"),
    ],
)
def test_a_reason_is_said_in_both_languages(failure: Failure, english: str, japanese: str) -> None:
    assert (describe_failure("en", failure), describe_failure("ja", failure)) == (english, japanese)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_in_each_language(reason: Reason) -> None:
    failure = Failure(reason=reason)

    english, japanese = describe_failure("en", failure), describe_failure("ja", failure)

    assert english.isascii()
    assert not japanese.isascii()


@pytest.mark.parametrize(
    ("message", "english", "japanese"),
    [
        (
            "no such file: agent",
            "could not be started: no such file: agent",
            "起動に失敗: no such file: agent",
        ),
        ("could not be started", "could not be started", "起動に失敗"),
        (
            "could not be started twice",
            "could not be started twice",
            "起動に失敗: could not be started twice",
        ),
        ("two\nlines\x1b[2J", "could not be started: two lines", "起動に失敗: two lines"),
        (" \n", "could not be started", "起動に失敗"),
    ],
)
def test_a_message_is_added_where_it_says_more(message: str, english: str, japanese: str) -> None:
    failure = Failure(reason=Reason.SPAWN_FAILED, message=message)

    assert (describe_failure("en", failure), describe_failure("ja", failure)) == (english, japanese)


def test_a_signal_without_a_name_is_its_number() -> None:
    assert [name_signal(number) for number in (9, 15, 999)] == ["SIGKILL", "SIGTERM", "999"]


def test_of_what_never_ran_and_of_a_conflict_no_output_tells_more() -> None:
    without = [reason for reason in Reason if not has_output(Failure(reason=reason))]

    assert (without, has_output(None)) == ([Reason.SPAWN_FAILED, Reason.CONFLICT], True)
