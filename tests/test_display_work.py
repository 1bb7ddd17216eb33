"""What people read of what became of the work."""

import pytest
from watchedrun import Watched, complete, escalate, fail, started

from aad import events
from aad.events import EscalationKind, EscalationLevel, Event, Failure, Reason

SECRET = events.LeftOut(path="app/.env", why="secret")
OTHERS = (
    events.LeftOut(path="lib/", why="nested"),
    events.LeftOut(path="sub", why="submodule"),
    events.LeftOut(path="locked", why="unreadable"),
)


def work_in(spec: str, attempt: int = 1) -> list[Event]:
    ready = events.WorkspaceReady(spec=spec, attempt=attempt, workspace=f"/w/{spec}", isolation="worktree")
    return [ready, events.SessionStarted(spec=spec, attempt=attempt, log=f"runs/{spec}/{attempt}/output.log")]


def integrate(spec: str, *left_out: events.LeftOut, branch: str = "") -> Event:
    return events.Integrated(
        spec=spec, attempt=1, branch=branch or f"aad/{spec}", commit="1a2b3c4d5e6f", target="aad/run/R",
        result="fa", left_out=left_out,
    )  # fmt: skip


def roll_back(spec: str, *left_out: events.LeftOut, ref: str = "refs/aad/R/{spec}/1") -> Event:
    return events.RolledBack(
        spec=spec, attempt=1, ref=ref.format(spec=spec), commit="c0", base="ba5eba5eba5eba5e",
        left_out=left_out,
    )  # fmt: skip


def test_finished_work_needs_no_line_of_its_own() -> None:
    run = Watched()
    run.turn(*work_in("A"))

    told = run.turn(integrate("A"), complete("A"))

    assert told == "✓ A completed (1s)\n"


def test_where_finished_work_is_stands_below_its_end_for_those_who_want_to_know() -> None:
    run = Watched(verbosity=1)
    run.turn(*work_in("A"))

    told = run.turn(integrate("A"), complete("A"))

    assert [line.partition(" ")[2] for line in told.splitlines()] == [
        "✓ A completed (1s)",
        "  → on aad/A (1a2b3c4), merged into aad/run/R",
    ]


def test_of_what_a_killed_run_had_integrated_only_the_result_is_known() -> None:
    run = Watched(verbosity=1)

    told = run.turn(integrate("A", branch="aad/run/R"), complete("A"))

    assert told.splitlines()[1].partition(" ")[2] == "  → already in aad/run/R (1a2b3c4)"


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            [
                "✓ A completed (1s)",
                (
                    "  ⚠ not committed, left in /w/A: app/.env (looks like a secret), "
                    "lib/ (a repository of its own), sub (a changed submodule), locked (cannot be read)"
                ),
            ],
        ),
        (
            "ja",
            [
                "✓ A が完了しました (1秒)",
                (
                    "  ⚠ コミットせず /w/A に残しました: app/.env (機密情報の可能性), lib/ (別のリポジトリ), "
                    "sub (変更されたサブモジュール), locked (読み取り不可)"
                ),
            ],
        ),
    ],
)
def test_what_is_in_no_commit_is_named_with_why_and_where_it_is(lang: str, lines: list[str]) -> None:
    run = Watched(lang)
    run.turn(*work_in("A"))

    told = run.turn(integrate("A", SECRET, *OTHERS), complete("A"))

    assert told.splitlines() == lines


def test_of_much_that_is_in_no_commit_the_first_is_named_and_nothing_moves_the_cursor() -> None:
    run = Watched()
    run.turn(*work_in("A"))
    left = [events.LeftOut(path=f"{number}\x1b[2J.pem", why="secret") for number in range(9)]

    told = run.turn(integrate("A", *left), complete("A"))

    names = ", ".join(f"{number}.pem (looks like a secret)" for number in range(5))
    assert told.splitlines()[1] == f"  ⚠ not committed, left in /w/A: {names}, +4"


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            [
                "⚠ A failed (2s): exit code 3",
                "  → its work is kept: git diff ba5eba5eba5e refs/aad/R/A/1",
                "  ⚠ not committed, left in /w/A: app/.env (looks like a secret)",
                "  → escalation: .aad/escalations/A-error.json",
                "  → log: runs/A/1/output.log",
            ],
        ),
        (
            "ja",
            [
                "⚠ A でエラーが発生しました (2秒): 終了コード 3",
                "  → 作業内容は保存してあります: git diff ba5eba5eba5e refs/aad/R/A/1",
                "  ⚠ コミットせず /w/A に残しました: app/.env (機密情報の可能性)",
                "  → エスカレーションログ: .aad/escalations/A-error.json",
                "  → ログ: runs/A/1/output.log",
            ],
        ),
    ],
)
@pytest.mark.parametrize("verbosity", [-1, 0])
def test_how_to_look_at_work_that_came_to_nothing_stands_below_its_failure(
    lang: str, lines: list[str], verbosity: int
) -> None:
    run = Watched(lang, verbosity=verbosity)
    run.turn(*work_in("A"))
    failure = Failure(reason=Reason.EXIT_CODE, exit_code=3)

    told = run.turn(
        roll_back("A", SECRET),
        escalate("A", EscalationLevel.ERROR, failure=failure),
        fail("A", failure, escalation="A-error"),
    )

    assert told.splitlines() == lines


def test_where_nothing_but_what_no_commit_holds_was_made_there_is_no_work_to_look_at() -> None:
    run = Watched()
    run.turn(*work_in("A"))

    told = run.turn(roll_back("A", SECRET, ref=""), events.SessionCancelled(spec="A"))

    assert told == ("⊘ A cancelled\n  ⚠ not committed, left in /w/A: app/.env (looks like a secret)\n")


def test_where_another_attempt_follows_what_no_commit_holds_is_moved_beside_the_log() -> None:
    run = Watched()
    run.turn(*work_in("A"))
    failure = Failure(reason=Reason.EXIT_CODE, exit_code=3)

    told = run.turn(
        roll_back("A", SECRET), events.RetryScheduled(spec="A", attempt=1, delay_s=0.0, failure=failure)
    )

    assert told.splitlines() == [
        "↻ A failed (0.0s): exit code 3; attempt 2 follows",
        "  → its work is kept: git diff ba5eba5eba5e refs/aad/R/A/1",
        "  ⚠ not committed, left in runs/A/1/left-out: app/.env (looks like a secret)",
    ]


def test_work_that_is_found_when_a_run_goes_on_is_told_at_once() -> None:
    run = Watched()
    run.turn(started(), *work_in("A"), started(resumed=True))

    told = run.turn(roll_back("A", SECRET), *work_in("A", attempt=2))

    assert told.splitlines() == [
        "⚠ A (attempt 1) had left work behind",
        "  → its work is kept: git diff ba5eba5eba5e refs/aad/R/A/1",
        "  ⚠ not committed, left in runs/A/1/left-out: app/.env (looks like a secret)",
        "⏳ A (attempt 2) started...",
    ]


def test_a_conflict_names_what_contradicts_and_neither_quotes_nor_names_the_log() -> None:
    run = Watched()
    run.turn(*work_in("B"))
    conflict = Failure(
        reason=Reason.CONFLICT, files=("a.py",), blocked_by=("A", "B"), log_tail=("done",), log_lines=1
    )

    told = run.turn(
        roll_back("B"),
        escalate("B", EscalationLevel.ERROR, EscalationKind.CONFLICT, conflict),
        fail("B", conflict, escalation="B-error"),
    )

    assert told.splitlines() == [
        "⚠ B failed (2s): merge conflict in a.py (changes of A, B)",
        "  → its work is kept: git diff ba5eba5eba5e refs/aad/R/B/1",
        "  → escalation: .aad/escalations/B-error.json",
    ]
