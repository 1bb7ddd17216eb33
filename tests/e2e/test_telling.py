"""What a run tells people and programs: whole texts, in both languages, and the same events to all."""

import json
import re
from pathlib import Path

import pytest
from harness import Project, Token, together

ALL = ("orchestrate", "--all")
ONE_BY_ONE = (*ALL, "--jobs", "1")
NEWS = r"""printf '{"progress": 0.5, "message": "half"}\n{"warning": "careful"}\n' >> $AAD_EVENTS"""


def eventful_project(folder: Path) -> Project:
    """Return a project in which each spec needs the one before, and something happens at each."""
    token = Token()
    project = Project(folder).config("""
        [orchestrator]
        retries = { delay = "20ms", jitter = false }
    """)
    project.spec("A", NEWS, title="First")
    project.spec("B", 'echo try; [ "$AAD_ATTEMPT" = 2 ]', retries=1, depends_on=["A"])
    is_sleep = "until grep -q ^sleep /proc/$!/comm; do :; done"
    project.spec("C", f"sleep {token} & {is_sleep}", depends_on=["B"], title="設定管理")
    project.spec("D", "echo one; echo two; exit 3", depends_on=["C"])
    return project.spec("E", depends_on=["D"])


def test_the_log_of_a_run_in_english(tmp_path: Path) -> None:
    result = eventful_project(tmp_path).aad(*ONE_BY_ONE)

    result.exits(1).prints("").says("""
        🚀 Orchestrator started
          run RUN · 5 specs · 1 slot
        📊 Plan:
          - A (no dependencies)
          - B (after A)
          - C (after B)
          - D (after C)
          - E (after D)

        ⏳ A started...
        ⚠ A: careful
          → escalation: .aad/escalations/A-warning.json
        ✓ A completed (0.0s)
        ⏳ B started...
        ↻ B failed (0.0s): exit code 1; attempt 2 in 0.0s
          → escalation: .aad/escalations/B-warning.json
        ⏳ B (attempt 2) started...
        ✓ B completed (0.0s)
        ⏳ C started...
        ⚠ C left processes running, which were ended: sleep (PID)
        ✓ C completed (0.0s)
        ⏳ D started...
        ⚠ D failed (0.0s): exit code 3
          → escalation: .aad/escalations/D-error.json
          → log: .aad/runs/RUN/D/1/output.log
            │ one
            │ two
        ⊘ E skipped: needs D

        📈 Summary:
          Completed: 3 (A, B, C)
          Failed: 1 (D)
          Skipped: 1 (E)
          Total time: 0.0s
          B completed at attempt 2
          Next: aad logs D · aad escalations show D-error · aad orchestrate --resume
    """)


def test_the_log_of_a_run_in_japanese(tmp_path: Path) -> None:
    result = eventful_project(tmp_path).aad(*ONE_BY_ONE, "--lang", "ja")

    result.exits(1).prints("").says("""
        🚀 オーケストレーターを起動しました
          実行 RUN · Spec 5件 · 並列数 1
        📊 実行計画:
          - A (依存なし)
          - B (依存: A)
          - C (依存: B)
          - D (依存: C)
          - E (依存: D)

        ⏳ A を開始...
        ⚠ A: careful
          → エスカレーションログ: .aad/escalations/A-warning.json
        ✓ A が完了しました (0.0秒)
        ⏳ B を開始...
        ↻ B でエラーが発生しました (0.0秒): 終了コード 1。0.0秒後に2回目を試行します
          → エスカレーションログ: .aad/escalations/B-warning.json
        ⏳ B (2回目) を開始...
        ✓ B が完了しました (0.0秒)
        ⏳ C を開始...
        ⚠ C が残したプロセスを終了させました: sleep (PID)
        ✓ C が完了しました (0.0秒)
        ⏳ D を開始...
        ⚠ D でエラーが発生しました (0.0秒): 終了コード 3
          → エスカレーションログ: .aad/escalations/D-error.json
          → ログ: .aad/runs/RUN/D/1/output.log
            │ one
            │ two
        ⊘ E をスキップしました: D が必要です

        📈 実行結果サマリー:
          成功: 3件 (A, B, C)
          失敗: 1件 (D)
          スキップ: 1件 (E)
          合計時間: 0.0秒
          B は2回目で完了しました
          次の操作: aad logs D · aad escalations show D-error · aad orchestrate --resume
    """)


def test_a_verbose_log_has_the_clock_and_the_progress(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", NEWS).spec("B", "exit 1", depends_on=["A"])

    project.aad(*ONE_BY_ONE, "-v").exits(1).says("""
        CLOCK 🚀 Orchestrator started
        CLOCK   run RUN · 2 specs · 1 slot
        CLOCK 📊 Plan:
        CLOCK   - A (no dependencies)
        CLOCK   - B (after A)

        CLOCK ⏳ A started...
        CLOCK ▸ A 50% half
        CLOCK ⚠ A: careful
        CLOCK   → escalation: .aad/escalations/A-warning.json
        CLOCK ✓ A completed (0.0s)
        CLOCK ⏳ B started...
        CLOCK ⚠ B failed (0.0s): exit code 1
        CLOCK   → escalation: .aad/escalations/B-error.json
        CLOCK   → log: .aad/runs/RUN/B/1/output.log

        CLOCK 📈 Summary:
        CLOCK   Completed: 1 (A)
        CLOCK   Failed: 1 (B)
        CLOCK   Total time: 0.0s
        CLOCK   Critical path: A → B (0.0s)
        CLOCK   Next: aad logs B · aad escalations show B-error · aad orchestrate --resume
    """)


def test_a_quiet_log_has_failures_and_the_summary(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", NEWS).spec("B", "echo why; exit 1", depends_on=["A"])

    project.aad(*ONE_BY_ONE, "-q").exits(1).says("""
        ⚠ B failed (0.0s): exit code 1
          → escalation: .aad/escalations/B-error.json
          → log: .aad/runs/RUN/B/1/output.log
            │ why

        📈 Summary:
          Completed: 1 (A)
          Failed: 1 (B)
          Total time: 0.0s
          Next: aad logs B · aad escalations show B-error · aad orchestrate --resume
    """)


def test_sessions_that_start_together_share_a_line_in_the_order_of_the_plan(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for spec in "DCBA":
        project.spec(spec)

    result = project.aad(*ALL, "--jobs", "4").exits(0)

    shared = re.findall(r"\n⏳ (.+) started in parallel", result.normal(result.err))
    started = re.findall(r"\n⏳ (.+) started", result.normal(result.err))
    # A busy machine may begin the last of them a second after the first.
    assert (bool(shared), ", ".join(started)) == (True, "A, B, C, D")


def test_a_log_is_cut_to_its_last_lines(tmp_path: Path) -> None:
    project = Project(tmp_path).config("[logs]\ntail_lines = 2").spec("A", "seq 1 1000; exit 1")

    project.aad(*ONE_BY_ONE, "-q").exits(1)

    assert project.final("A")["failure"]["log_tail"] == ["999", "1000"]


# Colour.

ESCAPE = b"\x1b["


def test_a_pipe_gets_colour_only_where_that_is_asked_for(tmp_path: Path) -> None:
    asked: list[tuple[dict[str, str], list[str]]] = [
        ({}, []),
        ({}, ["--color", "always"]),
        ({"NO_COLOR": "1"}, ["--color", "always"]),
        ({"FORCE_COLOR": "1"}, []),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, []),
    ]

    results = together(
        Project(tmp_path / str(number)).spec("A").set(**env).start(*ALL, *words)
        for number, (env, words) in enumerate(asked)
    )

    assert [ESCAPE in result.exits(0).err for result in results] == [False, True, True, True, False]


def test_a_terminal_gets_colour_unless_that_is_turned_off(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A")

    with project.terminal(*ALL) as terminal:
        coloured = terminal.end().exits(0)
    with project.set(NO_COLOR="1").terminal(*ALL) as terminal:
        plain = terminal.end().exits(0)

    assert (ESCAPE in coloured.out, ESCAPE in plain.out) == (True, False)


# Plans.


def planned_project(folder: Path) -> Project:
    project = (
        Project(folder)
        .spec("SPEC-001", title="ドメイン層", status="完了")
        .spec("SPEC-002", title="Settings", estimate="10m")
    )
    project.spec("SPEC-003", title="CLI", depends_on=["SPEC-002", "SPEC-001"])
    project.spec("SPEC-004", title="並列実行", depends_on=["SPEC-002"], estimate="1h30m")
    return project.spec("SPEC-005", depends_on=["SPEC-003", "SPEC-004"])


def test_a_dry_run_draws_the_plan_in_english(tmp_path: Path) -> None:
    planned_project(tmp_path).aad(*ALL, "--dry-run").exits(0).says("").prints("""
        📋 Plan (dry run):
          ┌─ SPEC-001  ドメイン層      complete
          └─ SPEC-002  Settings        10m
              ├─ SPEC-003  CLI         no estimate  also after SPEC-001
              └─ SPEC-004  並列実行    1h 30m
                  └─ SPEC-005          no estimate  also after SPEC-003
          Order: SPEC-002 → [SPEC-003, SPEC-004 in parallel] → SPEC-005
          Estimated time: about 1h 40m, without SPEC-003, SPEC-005
    """)


def test_a_dry_run_draws_the_plan_in_japanese(tmp_path: Path) -> None:
    planned_project(tmp_path).aad(*ALL, "--dry-run", "--lang", "ja").exits(0).says("").prints("""
        📋 実行計画（ドライラン）:
          ┌─ SPEC-001  ドメイン層      完了
          └─ SPEC-002  Settings        10分
              ├─ SPEC-003  CLI         推定なし   SPEC-001 にも依存
              └─ SPEC-004  並列実行    1時間30分
                  └─ SPEC-005          推定なし   SPEC-003 にも依存
          実行順序: SPEC-002 → [SPEC-003, SPEC-004 並列] → SPEC-005
          推定時間: 約1時間40分（SPEC-003, SPEC-005 を除く）
    """)


def test_a_dry_run_as_json_is_the_plan(tmp_path: Path) -> None:
    project = planned_project(tmp_path)

    plan = project.aad("orchestrate", "--specs", "SPEC-004", "--dry-run", "--format", "json").exits(0).json()

    assert plan == {
        "version": 1,
        "specs": [
            {
                "id": "SPEC-002",
                "title": "Settings",
                "path": ".aad/specs/SPEC-002.md",
                "status": "ready",
                "depends_on": [],
                "wave": 0,
                "agent": "command",
                "estimate_s": 600.0,
                "added": True,
            },
            {
                "id": "SPEC-004",
                "title": "並列実行",
                "path": ".aad/specs/SPEC-004.md",
                "status": "ready",
                "depends_on": ["SPEC-002"],
                "wave": 1,
                "agent": "command",
                "estimate_s": 5400.0,
                "added": False,
            },
        ],
        "waves": [["SPEC-002"], ["SPEC-004"]],
        "order": [["SPEC-002"], ["SPEC-004"]],
        "estimate_s": 6000.0,
    }


def test_a_dry_run_starts_and_writes_nothing(tmp_path: Path) -> None:
    project = planned_project(tmp_path).spec("SPEC-006", "touch started")
    before = project.tree()

    results = together(
        project.start(*ALL, "--dry-run", "--format", form) for form in ("text", "json", "mermaid", "dot")
    )

    for result in results:
        result.exits(0).says("")
    assert project.tree() == before


# Events.


def test_the_json_log_is_the_journal_with_the_output_in_between(tmp_path: Path) -> None:
    project = eventful_project(tmp_path)

    result = project.aad(*ONE_BY_ONE, "--log-format", "json").exits(1)

    told = [
        line for line in result.out.splitlines(keepends=True) if json.loads(line)["type"] != "session_output"
    ]
    assert b"".join(told) == project.journal_file.read_bytes()


def test_each_line_of_output_is_told_between_its_attempts_start_and_end(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "echo one; echo two; printf three").spec("B", "echo b; exit 1")

    lines = project.aad(*ALL, "--log-format", "json").exits(1).lines()

    for spec, output, end in [
        ("A", ["one", "two", "three"], "session_completed"),
        ("B", ["b"], "session_failed"),
    ]:
        of_spec = [line for line in lines if line.get("spec") == spec]
        kinds = [line["type"] for line in of_spec if not line["type"].startswith("escalation")]
        assert kinds == ["workspace_ready", "session_started", *["session_output"] * len(output), end]
        assert [line["message"] for line in of_spec if line["type"] == "session_output"] == output


def test_people_are_told_beside_the_json_log(tmp_path: Path) -> None:
    projects = [Project(tmp_path / name).spec("A") for name in ("text", "json")]

    text, beside = together(
        project.start(*ALL, "--log-format", form)
        for project, form in zip(projects, ("text", "json"), strict=True)
    )

    assert beside.normal(beside.err) == text.normal(text.err)


# Notifications.


def test_the_notification_command_gets_the_escalation(tmp_path: Path) -> None:
    project = Project(tmp_path).config("""
        [escalation]
        command = ["sh", "-c", 'cat > told; echo "$AAD_ESCALATION" > path; echo noise']
    """)

    result = project.spec("A", "exit 7").aad(*ALL, "-q").exits(1)

    told = json.loads(project.read("told"))
    assert (told["id"], told["kind"], told["failure"]) == (
        "A-error",
        "failed",
        {"exit_code": 7, "signal": None},
    )
    assert project.read("path") == f"{tmp_path}/.aad/escalations/A-error.json\n"
    assert b"noise" not in result.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('["false"]', "the notification command for A-error failed: exit code 1"),
        ('["/no/such"]', "the notification command for A-error failed: /no/such: No such file or directory"),
    ],
)
def test_a_notification_that_fails_is_told_and_changes_nothing(
    tmp_path: Path, command: str, words: str
) -> None:
    project = Project(tmp_path).config(f"[escalation]\ncommand = {command}").spec("A", "exit 7").spec("B")

    result = project.aad(*ALL).exits(1)

    assert project.ends() == {"A": "failed", "B": "completed"}
    assert f"aad: {words}" in result.normal(result.err).splitlines()


def test_the_bell_rings_on_a_terminal_where_it_is_wanted(tmp_path: Path) -> None:
    project = Project(tmp_path).config('[escalation]\nnotify = ["log", "bell"]').spec("A", "exit 7")

    with project.terminal(*ALL) as terminal:
        result = terminal.end().exits(1)
    silent = project.aad(*ALL).exits(1)

    assert (result.out.count(b"\a"), silent.err.count(b"\a")) == (1, 0)
