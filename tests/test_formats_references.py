import time

import pytest

from aad.errors import InputError
from aad.formats.references import Reference, Speaker, leads_elsewhere, read_listed, read_prose


def write_short(reference: Reference) -> str:
    """Return a reference as its first name, `*` if it is marked complete, `?` if it may be a mere word."""
    return reference.names[0] + "*" * reference.complete + "?" * (not reference.sure)


def in_item(text: str, own: str = "SPEC-008") -> list[str]:
    return [write_short(r) for r in read_prose(text, Speaker(own, 1), listed=True)]


def in_cell(text: str, own: str = "SPEC-008") -> list[str]:
    return [write_short(r) for r in read_prose(text, Speaker(own, 1), listed=False)]


def in_head(text: str, own: str = "SPEC-008") -> list[str]:
    return [write_short(r) for r in read_listed(text, Speaker(own, 1))]


@pytest.mark.parametrize(
    "text",
    [
        "SPEC-001",
        "`SPEC-001`",
        "**SPEC-001**: 土台",
        "SPEC-001（土台）の完了が前提",
        "SPEC-001の完了後に始める。",
        "ＳＰＥＣ－００１（土台）",
        "[SPEC-001](./SPEC-001.md)",
        "[SPEC-001: 土台](../SPEC-005/SPEC-001.md) を先に",
        "`.aad/tasks/SPEC-005/SPEC-001.md`",
        "SPEC-001.md",
        "[x] SPEC-001",
        "[ ] SPEC-001",
        "土台（SPEC-001）",
        "SPEC-001 - the base, since 2026-01-18",
        "SPEC-001 <!-- formerly SPEC-005 -->",
        "SPEC-001（https://example.org/SPEC-005）",
        "SPEC-001（SPEC-005 と並行実行可能）",
        "SPEC-001 (can run in parallel with SPEC-005)",
        "SPEC-001 の完了が前提。SPEC-005 とは並行実行可能",
        "SPEC-001 の完了が前提、SPEC-005 とは並行実行可能",
        "SPEC-001 の完了後、SPEC-005 と並行実行可能",
        "SPEC-001; see also SPEC-005",
        "SPEC-001（参考: SPEC-005）",
        "SPEC-001（参照：SPEC-005）",
        "SPEC-001（参考実装として）",
        "参考実装: SPEC-001",
        "前提: SPEC-001",
        "ブロックされる仕様: SPEC-001",
        "SPEC-001 と並行実行できない",
        "SPEC-001（並行実行は不可）",
    ],
)
def test_an_item_names_one_spec(text: str) -> None:
    assert in_item(text) == ["SPEC-001"]


@pytest.mark.parametrize(
    "text",
    [
        "なし",
        "なし（最初のタスク）",
        "なし（SPEC-001 とは独立）",
        "特になし",
        "依存なし",
        "**なし**",
        "-",
        "—",
        "",
        "None",
        "none (SPEC-001 is not needed)",
        "N/A",
        "No dependencies",
        "SPEC-001（土台）と並行実行可能",
        "SPEC-001, SPEC-002 と並行して実行できる",
        "SPEC-001（並列実行可能）",
        "in parallel with SPEC-001",
        "Can run in parallel\nwith SPEC-001 and SPEC-002",
        "SPEC-001 may run alongside",
        "see also SPEC-001",
        "See also: [SPEC-001](SPEC-001.md)",
        "See also SPEC-001. SPEC-002 may help.",
        "参考: SPEC-001",
        "**参照**： SPEC-001",
        "参考資料：SPEC-001",
        "後続タスク: SPEC-009",
        "Blocks: SPEC-009",
        "tokio 1.40 以上",
        "Python 3.11",
        "2026-01-18 まで",
    ],
)
def test_an_item_names_no_spec(text: str) -> None:
    assert in_item(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "SPEC-001〜SPEC-003",
        "SPEC-001～SPEC-003",
        "SPEC-001 〜 SPEC-003",
        "SPEC-001~SPEC-003",
        "SPEC-001–SPEC-003",
        "SPEC-001-SPEC-003",
        "SPEC-001..SPEC-003",
        "SPEC-001...SPEC-003",
        "SPEC-001‥SPEC-003",
        "SPEC-001〜003",
        "SPEC-001（土台）〜SPEC-003（画面）の完了が前提",
        "SPEC-001, SPEC-002, SPEC-003",
        "SPEC-001、SPEC-002と SPEC-003",
        "SPEC-001/SPEC-002/SPEC-003",
    ],
)
def test_ranges_and_lists_name_every_spec_in_them(text: str) -> None:
    assert in_item(text) == ["SPEC-001", "SPEC-002", "SPEC-003"]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("T01-T03", ["SPEC-004-T01", "SPEC-004-T02", "SPEC-004-T03"]),
        ("SPEC-004-T01-T03", ["SPEC-004-T01", "SPEC-004-T02", "SPEC-004-T03"]),
        ("T01〜T02", ["SPEC-004-T01", "SPEC-004-T02"]),
        ("T9..T11", ["SPEC-004-T9", "SPEC-004-T10", "SPEC-004-T11"]),
        ("T01（準備）、T03（画面）", ["SPEC-004-T01", "SPEC-004-T03"]),
        ("SPEC-003-T01", ["SPEC-003-T01"]),
        ("SPEC-001", ["SPEC-001"]),
        ("S3 と EC2", ["S3?", "EC2?"]),
    ],
)
def test_short_ids_are_completed_from_the_speakers_own(text: str, ids: list[str]) -> None:
    assert in_item(text, own="SPEC-004-T09") == ids


def test_a_short_id_may_also_be_meant_as_it_is_written() -> None:
    [reference] = read_prose("T01", Speaker("SPEC-004-T09", 7), listed=True)

    assert reference == Reference(("SPEC-004-T01", "T01"), 7)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("SPEC-001（完了済み）", ["SPEC-001*"]),
        ("SPEC-001 (完了済)", ["SPEC-001*"]),
        ("SPEC-001 (done)", ["SPEC-001*"]),
        ("SPEC-001（土台、✅ 完了済み）", ["SPEC-001*"]),
        ("土台（SPEC-001、完了済み）", ["SPEC-001*"]),
        ("SPEC-001（完了済み）, SPEC-002", ["SPEC-001*", "SPEC-002"]),
        ("SPEC-001〜SPEC-002（完了済み）", ["SPEC-001*", "SPEC-002*"]),
        ("SPEC-001（完了後）", ["SPEC-001"]),
        ("SPEC-001（未完了）", ["SPEC-001"]),
        ("SPEC-001（完了済みであること）", ["SPEC-001"]),
    ],
)
def test_a_bracket_may_say_that_a_spec_is_complete(text: str, ids: list[str]) -> None:
    assert in_item(text) == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("SPCE-001", ["SPCE-001"]),
        ("SPEC-001（REQ-1 まで）", ["SPEC-001", "REQ-1?"]),
        ("UTF-8 の端末", ["UTF-8?"]),
        ("SHA-256 と SPEC-001", ["SHA-256?", "SPEC-001"]),
        ("login", ["login?"]),
        ("OAuth2 の後", ["OAuth2?"]),
    ],
)
def test_a_word_that_may_be_none_is_told_from_an_id(text: str, ids: list[str]) -> None:
    assert in_item(text) == ids


@pytest.mark.parametrize(
    ("text", "own", "ids"),
    [
        ("auth-service, login（完了済み）", "web-shop", ["auth-service", "login*"]),
        ("`login`", "web-shop", ["login"]),
        ("認証基盤", "決済", ["認証基盤"]),
        ("認証-001", "決済-002", ["認証-001?"]),
        ("login first", "web-shop", ["login?", "first?"]),
        ("001-auth の完了後", "002-shop", ["001-auth"]),
        ("001-auth", "SPEC-1", ["001-auth?"]),
    ],
)
def test_ids_without_numbers_or_with_their_number_first_are_ids_too(
    text: str, own: str, ids: list[str]
) -> None:
    assert in_item(text, own=own) == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("SPEC-001-T05, SPEC-001-T06", ["SPEC-001-T05", "SPEC-001-T06"]),
        ("ratatui 0.28, crossterm が含まれる", []),
        ("PROJ-1", ["PROJ-1?"]),
        ("-", []),
        ("なし", []),
    ],
)
def test_words_in_a_cell_need_not_be_ids(text: str, ids: list[str]) -> None:
    assert in_cell(text) == ids


def test_a_word_alone_in_a_cell_need_not_be_an_id() -> None:
    assert in_cell("login", own="web-shop") == ["login?"]


@pytest.mark.parametrize("text", ["SPEC-003..SPEC-001", "SPEC-1〜SPEC-1001", "SPEC-005-SPEC-004"])
@pytest.mark.parametrize("read", [in_item, in_cell], ids=["item", "cell"])
def test_a_range_that_is_none_is_an_error(text: str, read: object) -> None:
    assert callable(read)
    with pytest.raises(
        InputError, match=r"is not a range of ids \(from the lower to the higher, at most 1000"
    ):
        read(text)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("SPEC-001", ["SPEC-001"]),
        ("001", ["001"]),
        ("login", ["login"]),
        ("ＳＰＥＣ－００１", ["SPEC-001"]),
        ("SPEC-001, SPEC-002", ["SPEC-001", "SPEC-002"]),
        ("SPEC-001 SPEC-002", ["SPEC-001", "SPEC-002"]),
        ("SPEC-001..SPEC-003", ["SPEC-001", "SPEC-002", "SPEC-003"]),
        ("SPEC-001 〜 SPEC-002（完了済み）", ["SPEC-001*", "SPEC-002*"]),
        ("SPEC-001（土台）", ["SPEC-001"]),
        ("v1-v2", ["v1-v2"]),
        ("none", []),
        ("なし", []),
        ("", []),
    ],
)
def test_an_entry_of_a_head_is_ids_alone(text: str, ids: list[str]) -> None:
    assert in_head(text) == ids


@pytest.mark.parametrize("text", ["../SPEC-001", "SPEC-001, a/b", "SPEC-001 → SPEC-002", "-x", "a..b.lock"])
def test_what_cannot_be_an_id_is_an_error_in_a_head(text: str) -> None:
    with pytest.raises(InputError, match="cannot be an id"):
        in_head(text)


@pytest.mark.parametrize(
    ("words", "elsewhere"),
    [
        ("**並行実行可能**:", True),
        ("### 後続タスク", True),
        ("See also:", True),
        ("参考：", True),
        ("依存タスク:", False),
        ("参考実装:", False),
        ("ブロックされるタスク:", False),
        ("SPEC-002 と並行実行可能。", False),
    ],
)
def test_words_above_a_list_say_whether_it_names_dependencies(words: str, elsewhere: bool) -> None:
    assert leads_elsewhere(words) is elsewhere


@pytest.mark.parametrize(
    "text", ["(" * 20_000, "(SPEC-1" * 2_000 + ")" * 2_000, "a/" * 20_000, "SPEC-" * 20_000, "<!--" * 5_000]
)
def test_odd_texts_are_read_in_no_time(text: str) -> None:
    began = time.process_time()

    in_item(text)

    assert time.process_time() - began < 2
