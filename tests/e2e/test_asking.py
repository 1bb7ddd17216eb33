"""On a terminal a person is asked whether a run goes on with specs that changed."""

from pathlib import Path

import pytest
from harness import Project
from stopped import ACCEPT, ALL, EDITED, OPEN, OPEN_JA, QUESTION, RESUME, mend, stopped


def answer(project: Project, keys: bytes, *words: str) -> tuple[int, str]:
    """Resume on a terminal and answer the question; return the exit status and what stood there."""
    with project.terminal(*RESUME, "--color", "never", "--jobs", "1", *words) as terminal:
        terminal.until(b"[y/N] ")
        terminal.type(keys)
        result = terminal.end()
    return result.status, result.normal(result.out.replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("keys", ["y", "YES"])
def test_a_yes_goes_on(tmp_path: Path, keys: str) -> None:
    project = mend(stopped(tmp_path))

    status, told = answer(project, f"{keys}\n".encode())

    assert (status, told) == (
        0,
        f"""{EDITED}
{QUESTION}{keys}
🚀 Orchestrator started
  run RUN resumed · 3 specs · 1 complete · 1 slot
📊 Plan:
  - A (complete)
  - B (after A)
  - C (after B)

⏳ B (attempt 2) started...
✓ B completed (0.0s)
⏳ C started...
✓ C completed (0.0s)

📈 Summary:
  Completed: 3 (A, B, C)
  Failed: 0
  Total time: 0.0s
  B completed at attempt 2
""",
    )
    assert project.read("marks") == "A\nB\nC\n"


@pytest.mark.parametrize(
    ("keys", "shown"),
    [("n\n", "n\n"), ("\n", "\n"), ("maybe\n", "maybe\n"), ("はい\n", "はい\n"), ("\x04", "\n")],
)
def test_anything_else_ends_it(tmp_path: Path, keys: str, shown: str) -> None:
    project = mend(stopped(tmp_path))
    before = project.journal_file.read_bytes()

    status, told = answer(project, keys.encode())

    assert (status, told) == (2, f"{EDITED}\n{QUESTION}{shown}{OPEN}\n")
    assert project.journal_file.read_bytes() == before


def test_control_c_ends_it_and_frees_the_project(tmp_path: Path) -> None:
    project = mend(stopped(tmp_path))
    before = project.journal_file.read_bytes()

    status, told = answer(project, b"\x03")

    assert (status, told) == (130, f"{EDITED}\n{QUESTION}^C\n")
    assert project.journal_file.read_bytes() == before
    project.aad(*ACCEPT).exits(0)


def test_the_question_is_asked_in_japanese(tmp_path: Path) -> None:
    project = mend(stopped(tmp_path))

    status, told = answer(project, b"n\n", "--lang", "ja")

    edited = ".aad/specs/B.md:1: B は実行 RUN の計画の後で編集されました"
    question = "これらの変更を取り入れて続けますか？ [y/N] n"
    assert (status, told) == (2, f"{edited}\n{question}\n{OPEN_JA}\n")


def test_nobody_else_may_run_while_the_question_is_open(tmp_path: Path) -> None:
    project = mend(stopped(tmp_path))

    with project.terminal(*RESUME, "--color", "never") as terminal:
        terminal.until(b"[y/N] ")
        project.aad(*ALL).exits(6)
        terminal.type(b"n\n")
        terminal.end().exits(2)


def test_what_can_only_be_an_error_is_not_asked_about(tmp_path: Path) -> None:
    project = stopped(tmp_path).spec("B", status="Draft", depends_on=["A"])

    with project.terminal(*RESUME, "--color", "never") as terminal:
        result = terminal.end()

    assert (result.status, QUESTION.encode() in result.out) == (2, False)


@pytest.mark.parametrize(
    ("words", "env", "status"),
    [
        (RESUME, {"CI": "true"}, 2),
        ((*RESUME, "--log-format", "json"), {}, 2),
        ((*RESUME, "--dry-run"), {}, 0),
        (ACCEPT, {}, 0),
    ],
)
def test_whoever_cannot_or_need_not_answer_is_not_asked(
    tmp_path: Path, words: tuple[str, ...], env: dict[str, str], status: int
) -> None:
    project = mend(stopped(tmp_path)).set(**env)

    with project.terminal(*words, "--color", "never") as terminal:
        result = terminal.end()

    assert (result.status, QUESTION.encode() in result.out) == (status, False)
