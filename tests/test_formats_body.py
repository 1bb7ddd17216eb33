"""What the body of a spec file says: its status, what must come first, and how long it takes people."""

import pytest
from markdownspec import faults, needs, read, spec_of

from aad.formats.references import Reference
from aad.spec import SpecStatus

# Status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Approved", SpecStatus.READY),
        ("approved", SpecStatus.READY),
        ("In Progress", SpecStatus.READY),
        ("in-progress", SpecStatus.READY),
        ("未着手", SpecStatus.READY),
        ("進行中", SpecStatus.READY),
        ("Draft", SpecStatus.DRAFT),
        ("Review", SpecStatus.DRAFT),
        ("レビュー中", SpecStatus.DRAFT),
        ("ﾚﾋﾞｭｰ中", SpecStatus.DRAFT),
        ("Done", SpecStatus.COMPLETE),
        ("COMPLETED", SpecStatus.COMPLETE),
        ("完了", SpecStatus.COMPLETE),
        ("✅ 完了（2026-02-03）", SpecStatus.COMPLETE),
        ("**Done** [by Kim]", SpecStatus.COMPLETE),
        ("Ｄｏｎｅ", SpecStatus.COMPLETE),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "---\nstatus: '{}'\n---\nDo it.\n",
        "# SPEC-008: x\n\n**ステータス**: {}\n",
        "# SPEC-008: x\n\n**作成日**: 2026-02-03\n**Status**: {}\n",
        "# SPEC-008: x\n\n**Status:** {}\n",
        "# SPEC-008: x\n\n- **担当**: Kim\n- **ステータス**： {}\n",
        "# SPEC-008: x\n\n> | a | b |\n> |---|---|\n\n| a | b |\n|---|---|\n| ステータス | {} |\n",
        "# SPEC-008: x\n\n| 項目 | 内容 |\n|---|---|\n| ステータス | {} |\n",
        "# SPEC-008: x\n\n| **ステータス** | {} |\n|---|---|\n| 依存 | - |\n",
        "# SPEC-008: x\n\n| Item | Value |\n|---|---|\n| Status | {} |\n",
    ],
    ids=[
        "head",
        "label",
        "below",
        "colon inside",
        "item",
        "quoted table first",
        "row",
        "first row",
        "English row",
    ],
)
def test_the_words_for_a_status_are_known_wherever_they_may_stand(
    text: str, word: str, status: SpecStatus
) -> None:
    assert faults(text.format(word)) == []
    assert spec_of(text.format(word)).status is status


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\nstatus: Frozen\n---\n", 2),
        ("# SPEC-008: x\n\n**ステータス**: Frozen\n", 3),
        ("# SPEC-008: x\n\n**Owner**: Kim\n**Status**: Frozen\n", 4),
        ("# SPEC-008: x\n\n| a | b |\n|---|---|\n| **ステータス** | Frozen |\n", 5),
    ],
)
def test_an_unknown_status_is_a_fault(text: str, line: int) -> None:
    known = "Approved, In Progress, 未着手, 進行中, Draft, Review, レビュー中, Done, Completed, 完了"
    assert faults(text) == [f"SPEC-008.md:{line}: unknown status Frozen (known: {known})"]


@pytest.mark.parametrize(
    "text",
    [
        "```\n**ステータス**: Draft\n```\n",
        "~~~markdown\n```\n**Status**: Draft\n```\n~~~\n",
        '```python\ntext = """\n~~~\n**Status**: Draft\n~~~\n"""\n```\n',
        "    **Status**: Draft\n",
        "> **Status**: Draft\n",
        "<div>\n**Status**: Draft\n</div>\n",
        "<!--\n**Status**: Draft\n-->\n",
        "Status: 200 means that all is well.\n",
        "It goes on in one of these.\n\n- Status: Draft\n- Status: Done\n",
        "The **Status**: Draft is what we start with.\n",
        "**Status code**: 404\n",
        "| a | b |\n|---|---|\n| c | d |\n\n| a | b |\n|---|---|\n| ステータス | Draft |\n",
        "| field | type | note |\n|---|---|---|\n| status | string | |\n",
        "| field | type |\n|---|---|\n| status | enum |\n",
        "| ステータス | 説明 |\n|---|---|\n| Draft | 下書き |\n",
    ],
)
def test_what_only_looks_like_a_status_is_none(text: str) -> None:
    assert spec_of(f"# SPEC-008: x\n\n{text}").status is SpecStatus.READY
    assert faults(f"# SPEC-008: x\n\n{text}") == []


# Dependencies


@pytest.mark.parametrize(
    "text",
    [
        "## 依存関係\n\n- SPEC-001\n- SPEC-002\n",
        "### Dependencies\n\n1. SPEC-001\n2. SPEC-002\n",
        "## Depends on\n* SPEC-001\n* SPEC-002\n",
        "## Depends On ##\n\n- SPEC-001\n\n  which is great.\n\n- SPEC-002\n",
        "依存関係\n---\n\n- SPEC-001\n- SPEC-002\n",
        "## **依存関係**\n\n- SPEC-001\n  - SPEC-002\n",
        "## 依存関係\n\n次の完了が前提:\n\n- SPEC-001\n\nそして\n\n- SPEC-002\n",
        "## 依存関係\n### 前提\n- SPEC-001\n### 並行実行可能\n- SPEC-003\n### ほか\n- SPEC-002\n",
        "## 依存関係\n\n- SPEC-001\n\n## 後続\n\n- SPEC-003\n\n## 依存関係\n\n- SPEC-002\n",
        "**依存タスク**:\n- SPEC-001\n- SPEC-002\n",
        "**依存タスク**：\n\n- SPEC-001\n- SPEC-002\n",
        "**依存タスク:**\n1. SPEC-001〜SPEC-002\n",
        "**Depends on**:\n- SPEC-001\n- SPEC-002\n",
        "- **依存タスク**:\n  - SPEC-001\n  - SPEC-002\n- **関連**:\n  - SPEC-003\n",
        "**依存**: SPEC-001, SPEC-002\n",
        "- **担当**: Kim\n- **依存タスク**: SPEC-001, SPEC-002\n",
        "| 項目 | 内容 |\n|---|---|\n| **依存タスク** | SPEC-001, SPEC-002 |\n",
        "| 項目 | 内容 |\n|---|---|\n| 依存 | SPEC-001-SPEC-002 |\n",
        "| 項目 | 内容 |\n|---|---|\n| 依存関係 | SPEC-001 |\n| 依存 | SPEC-002（UTF-8） |\n",
        "| Item | Value |\n|---|---|\n| Depends on | SPEC-001 and SPEC-002 |\n",
        "| 依存 | SPEC-001 |\n|---|---|\n| **依存** | `SPEC-002` |\n",
        "## 依存関係\n\n- SPEC-001\n\n| a | b |\n|---|---|\n| 依存 | SPEC-001, SPEC-002 |\n",
        "## 依存関係\n\n- SPEC-001\n```\n- SPEC-003\n```\n- SPEC-002\n",
    ],
)
def test_a_body_may_name_what_must_come_first(text: str) -> None:
    names = needs(f"# SPEC-008: x\n\n{text}\n## その他\n\n- SPEC-009\n")

    assert [name for name in names if name != "UTF-8"] == ["SPEC-001", "SPEC-002"]


@pytest.mark.parametrize(
    "text",
    [
        "## 依存関係定義\n\n- SPEC-001\n",
        "### 2. 依存関係定義\n\n- SPEC-001\n",
        "## 依存関係グラフ\n\n- SPEC-001\n",
        "## External dependencies\n\n- SPEC-001\n",
        "## 依存関係\n\nSPEC-001 を参照のこと。\n",
        "## 依存関係\n\n| a | b |\n|---|---|\n| SPEC-001 | x |\n",
        "## 依存関係\n\n- なし（最初の仕様。SPEC-001 とは独立）\n",
        "## 依存関係\n\n- -\n",
        "## Dependencies\n\nNone\n",
        "## 依存関係\n\n```\n- SPEC-001\n```\n",
        "```\n## 依存関係\n\n- SPEC-001\n```\n",
        '```rust\nlet s = r#"\n```\n## 依存関係\n- x\n"#;\n```\n',
        "````\n```\n## 依存関係\n\n- SPEC-001\n```\n````\n",
        "> ## 依存関係\n>\n> - SPEC-001\n",
        "<!--\n## 依存関係\n\n- SPEC-001\n-->\n",
        "## 依存関係\n\n- SPEC-001（画面）と並行実行可能\n- Can run in parallel with SPEC-002\n",
        "## 依存関係\n\n- see also SPEC-001\n- 参考: SPEC-002\n- 参照：SPEC-003\n",
        "## 依存関係\n\n**並行実行可能**:\n- SPEC-001\n\n参考:\n\n- SPEC-002\n",
        "## 依存関係\n\n- 並行実行可能\n  - SPEC-001\n",
        "## 依存関係\n\n### 後続タスク\n\n- SPEC-009\n",
        "## 依存関係\n\n### 後続タスク\n\n次のとおり:\n\n- SPEC-009\n",
        "**依存タスク**:\n```\nx\n```\n- SPEC-001\n",
        "| a | b |\n|---|---|\n| c | d |\n\n> | a | b |\n> |---|---|\n> | 依存 | SPEC-001 |\n",
        "**関連タスク**:\n- SPEC-001\n",
        "**依存タスク**: なし\n\n- SPEC-001\n",
        "**依存タスク**:\n\n次のとおり。\n\n- SPEC-001\n",
        "依存タスク:\n- SPEC-001\n",
        "| a | b |\n|---|---|\n| c | d |\n\n| a | b |\n|---|---|\n| 依存関係 | SPEC-001 |\n",
        "| 項目 | 内容 |\n|---|---|\n| 依存 | ratatui 0.28, crossterm が含まれる |\n| 依存 | - |\n",
        "| 項目 | 内容 |\n|---|---|\n| 依存する機能 | SPEC-001 |\n",
        "## 参考資料\n\n- [SPEC-001: 土台](./SPEC-001.md)\n\n依存の図は SPEC-002 にある。\n",
        "## 受け入れ基準\n\n- [ ] SPEC-001 に依存しない\n",
    ],
)
def test_a_body_may_name_specs_that_need_not_come_first(text: str) -> None:
    assert needs(f"# SPEC-008: x\n\n{text}") == []


def test_tasks_name_each_other_by_short_ids() -> None:
    text = """\
        # SPEC-004-T03: 画面

        | 項目 | 内容 |
        |------|------|
        | 依存 | T01-T02, SPEC-001（完了済み） |
        """

    reading = read(text, "SPEC-004-T03")

    assert reading.references == (
        Reference(("SPEC-004-T01", "T01"), 5),
        Reference(("SPEC-004-T02", "T02"), 5),
        Reference(("SPEC-001",), 5, complete=True),
    )


def test_a_reference_implementation_must_come_first() -> None:
    text = "# SPEC-005-T03: x\n\n## 依存関係\n\n- SPEC-005-T02（SpecJsonRepo、参考実装として）\n"

    assert needs(text, "SPEC-005-T03") == ["SPEC-005-T02"]


def test_ranges_and_ids_at_fault_are_all_reported_with_their_lines() -> None:
    body = "# SPEC-008: x\n\n## 依存関係\n\n- SPEC-003〜SPEC-001\n- SPEC-001\n- SPEC-1..SPEC-5000\n"

    reading = read(body)

    assert [problem.line for problem in reading.problems] == [5, 7]
    assert reading.references == (Reference(("SPEC-001",), 6),)
    assert faults("---\ndepends_on:\n  - ok\n  - a/b\n  - c d/e\n---\n") == [
        "SPEC-008.md:4: a/b cannot be an id (use letters, digits, `.`, `_` and `-` only)",
        "SPEC-008.md:5: d/e cannot be an id (use letters, digits, `.`, `_` and `-` only)",
    ]


# Estimates


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("## 推定時間\n\n5-7時間\n", 6.0),
        ("## 推定時間\n\n- 3〜5 時間\n", 4.0),
        ("**推定時間**: 30分\n", 0.5),
        ("**推定時間**：２日\n", 16.0),
        ("推定時間 1.5時間\n", 1.5),
        ("**Estimate**: 2 hours\n", 2.0),
        ("**Estimated time**: 90 min\n", 1.5),
        ("Estimate: 1 week\n", 40.0),
        ("複雑度: M\n", 2.0),
        ("**複雑度**: XL\n", 8.0),
        ("**複雑度**: S（1-4時間）\n", 2.5),
        ("**複雑度**: L\n\n**推定時間**: 3時間\n", 3.0),
        ("| a | b |\n|---|---|\n| 推定時間 | 2-4時間 |\n", 3.0),
        ("**推定時間**: 未定\n", None),
        ("推定時間は後で決める。\n", None),
        ("```\n推定時間: 5時間\n```\n", None),
    ],
)
def test_hours_of_people_are_weights(text: str, weight: float | None) -> None:
    spec = spec_of(f"# SPEC-008: x\n\n{text}")

    assert (spec.weight, spec.estimate) == (weight, None)


def test_an_estimate_in_the_head_is_one() -> None:
    spec = spec_of("---\nestimate: 10m\n---\n**推定時間**: 5時間\n")

    assert (spec.weight, spec.estimate) == (None, 600.0)
