"""One spec file: its head and its body, its title and its id, whatever its bytes."""

import time

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from markdownspec import faults, needs, read, spec_of

from aad.formats.markdown import Reading, check_id, count_checklist, peek_id
from aad.formats.references import Reference
from aad.spec import Spec, SpecStatus


def test_a_file_with_front_matter_says_all_in_it() -> None:
    text = """\
        ---
        id: SPEC-042
        title: Send invoices
        depends_on: [SPEC-001, "SPEC-002（完了済み）"]
        conflicts_with: SPEC-003
        status: In Progress
        agent: claude
        run: make invoices
        verify: [make, test]
        isolation: directory
        timeout: 2h
        stall_timeout: 5m
        retries: 2
        estimate: 10m
        priority: 7
        paths: [src/invoices]
        ---
        # Not the title

        **Status**: Draft
        """

    reading = read(text)

    assert reading == Reading(
        spec=Spec(
            id="SPEC-042",
            title="Send invoices",
            agent="claude",
            run="make invoices",
            verify=("make", "test"),
            isolation="directory",
            timeout=7200.0,
            stall_timeout=300.0,
            retries=2,
            estimate=600.0,
            priority=7,
            paths=("src/invoices",),
            path="SPEC-008.md",
            digest=reading.spec.digest if reading.spec else "",
        ),
        references=(Reference(("SPEC-001",), 4), Reference(("SPEC-002",), 4, complete=True)),
        conflicts=(Reference(("SPEC-003",), 5),),
        agent_line=7,
    )


def test_a_file_without_front_matter_says_all_in_its_body() -> None:
    text = """\
        # SPEC-008: 請求書

        **作成日**: 2026-02-03
        **ステータス**: 進行中

        ## 推定時間

        5-7時間

        ## 依存関係

        - SPEC-001（土台）の完了が前提
        - SPEC-002

        ## 受け入れ基準

        - [ ] SPEC-003 の請求書を送れる
        """

    reading = read(text)

    assert reading == Reading(
        spec=Spec(
            id="SPEC-008",
            title="請求書",
            weight=6.0,
            path="SPEC-008.md",
            digest=reading.spec.digest if reading.spec else "",
        ),
        references=(Reference(("SPEC-001",), 12), Reference(("SPEC-002",), 13)),
    )


def test_front_matter_and_body_share_what_there_is_to_say() -> None:
    text = "---\nstatus: Draft\n---\n# SPEC-008: x\n\n**Status**: Done\n\n## Depends on\n\n- SPEC-001\n"

    reading = read(text)

    assert reading.spec is not None
    assert (reading.spec.title, reading.spec.status) == ("x", SpecStatus.DRAFT)
    assert reading.references == (Reference(("SPEC-001",), 10),)


def test_front_matter_that_says_none_closes_the_question() -> None:
    text = "---\ndepends_on: []\n---\n# SPEC-008: x\n\n## Dependencies\n\n- SPEC-001\n"

    assert needs(text) == []


def test_the_digest_is_that_of_the_bytes() -> None:
    one, other = spec_of("Do it.\n"), spec_of("Do it!\n")

    assert (one.digest, other.digest) == ("d4cfd6ddae967cf4", "5af11fb29a297a78")
    assert evolve(one, digest="") == evolve(other, digest="")


# Titles and ids


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("# SPEC-008: Invoices", "Invoices"),
        ("# SPEC-008：請求書", "請求書"),
        ("# spec-008 - Invoices", "Invoices"),
        ("# SPEC-008 — Invoices", "Invoices"),
        ("# SPEC-008 Invoices", "Invoices"),
        ("# SPEC-008", ""),
        ("# **SPEC-008**: `Invoices` #", "Invoices"),
        ("SPEC-008: Invoices\n===\n", "Invoices"),
        ("<!-- made by hand -->\n\n# SPEC-008: Invoices", "Invoices"),
        ("\n\n## SPEC-008: Invoices", "Invoices"),
        ("## Depends on", ""),
        ("Do it.\n\n## Invoices", ""),
        ("Invoices\n---\n", ""),
        ("Do it.\n\n# Invoices", "Invoices"),
        ("# Invoices for SPEC-001", "Invoices for SPEC-001"),
        ("# UTF-8 everywhere", "UTF-8 everywhere"),
        ("No heading at all", ""),
        ("```\n# SPEC-001: an example\n```\n", ""),
    ],
)
def test_the_title_is_that_of_the_first_heading(heading: str, title: str) -> None:
    assert spec_of(f"{heading}\n\nDo it.\n").title == title
    assert faults(f"{heading}\n\nDo it.\n") == []


def test_a_heading_may_name_a_task_by_its_short_id() -> None:
    assert spec_of("# T03: Tables\n", "SPEC-004-T03").title == "Tables"


def test_a_numbered_file_whose_heading_names_another_id_is_at_fault() -> None:
    [fault] = faults("\n# SPEC-009: Invoices\n")

    assert fault == (
        "SPEC-008.md:2: the heading names SPEC-009, but the spec is SPEC-008 "
        "(rename the file, or mend the heading)"
    )


def test_a_heading_may_name_another_id_where_the_head_says_which_it_is() -> None:
    assert spec_of("---\nid: X-1\n---\n# SPEC-009: Invoices\n").id == "X-1"
    assert faults("---\nid: X-1\n---\n# SPEC-009: Invoices\n") == []


@pytest.mark.parametrize(
    ("stem", "text"),
    [
        ("tasks-summary", "# SPEC-004: タスク一覧\n\n## 依存関係\n\n- SPEC-099\n"),
        ("overview", "# SPEC-004 and all its tasks\n"),
        ("README", "# Our specs\n"),
        ("readme", "How to write specs.\n"),
    ],
)
def test_a_file_beside_the_specs_may_be_none(stem: str, text: str) -> None:
    assert read(text, stem) == Reading(spec=None, is_spec=False)


@pytest.mark.parametrize(
    ("stem", "text"),
    [
        ("tasks-summary", "---\ntitle: really\n---\n# SPEC-004: x\n"),
        ("overview", "# Overview\n"),
        ("overview", "---\npriority: 1\n---\n# SPEC-004: x\n"),
        ("invoices", "# invoices: how to send them\n"),
    ],
)
def test_a_file_without_a_number_may_be_a_spec(stem: str, text: str) -> None:
    assert spec_of(text, stem).id == stem
    assert faults(text, stem) == []


@pytest.mark.parametrize("stem", ["SPEC 008", "a..b", "-x", "x.lock", "🚀", "run"])
def test_a_name_that_is_no_id_is_a_fault(stem: str) -> None:
    reading = read("Do it.\n", stem)

    assert (reading.spec, [p.line for p in reading.problems]) == (None, [1])


def test_an_id_in_the_head_makes_up_for_a_name_that_is_none() -> None:
    assert spec_of("---\nid: X-1\n---\nDo it.\n", "my spec").id == "X-1"


def test_an_id_that_cannot_be_one_is_a_fault_at_its_line_beside_the_others() -> None:
    assert faults("---\ntitle: x\nid: a/b\ncolour: red\n---\n") == [
        "SPEC-008.md:3: a/b cannot be an id (use letters, digits, `.`, `_` and `-` only)",
        "SPEC-008.md:4: unknown key `colour` (keys of your own begin with `x-`)",
    ]


def test_ids_are_normalised() -> None:
    assert spec_of("Do it.\n", "ＳＰＥＣ－００１").id == "SPEC-001"
    assert spec_of("---\nid: か\u3099-1\n---\nDo it.\n").id == "が-1"


def test_check_id_says_what_is_wrong_with_an_id() -> None:
    assert check_id("SPEC-1") == ()
    assert [p.render() for p in check_id("語" * 40)] == [
        f"{'語' * 40} is too long for an id (at most 100 bytes)"
    ]


# Bytes


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "1: is empty (say what is to be done, or remove it)"),
        (b" \n\t\n", "1: is empty (say what is to be done, or remove it)"),
        (b"\xef\xbb\xbf", "1: is empty (say what is to be done, or remove it)"),
        (b"# x\n\n\xff\n", "3: is not UTF-8 (save it as UTF-8)"),
        ("# 日本語\n".encode("shift_jis"), "1: is not UTF-8 (save it as UTF-8)"),
        ("# x\n".encode("utf-16"), "1: is not UTF-8 (save it as UTF-8)"),
        ("# x\n".encode("utf-16-le"), "1: holds a NUL byte (save it as UTF-8 text)"),
        (b"# x\n\na\0b\n", "3: holds a NUL byte (save it as UTF-8 text)"),
        (b"---\ntitle: x\n", "1: the front matter has no end (close it with a line `---`)"),
        (b"\xed\xa0\x80", "1: is not UTF-8 (save it as UTF-8)"),
    ],
    ids=["empty", "blank", "mark", "byte", "sjis", "utf-16", "utf-16-le", "nul", "open head", "surrogate"],
)
def test_bytes_that_are_no_text_are_a_fault_and_the_id_stays_known(data: bytes, fault: str) -> None:
    assert faults(data) == [f"SPEC-008.md:{fault}"]
    assert read(data).spec == Spec(id="SPEC-008", path="SPEC-008.md")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "byte order mark"])
def test_a_file_reads_alike_however_its_lines_end(ending: str, mark: bytes) -> None:
    text = "---\ntitle: T\n---\n# x\n\n## 依存関係\n\n- SPEC-001\n".replace("\n", ending)

    reading = read(mark + text.encode())

    assert reading.spec is not None
    assert reading.spec.title == "T"
    assert reading.references == (Reference(("SPEC-001",), 8),)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(data: bytes) -> None:
    assert isinstance(read(data), Reading)


LINES = st.sampled_from(
    (
        *(
            "---",
            "title: x",
            "depends_on: [a",
            "# SPEC-9: x",
            "## 依存関係",
            "- SPEC-001〜SPEC-003",
            "  - T01（完了）",
        ),
        *(
            "```",
            "> a",
            "| 依存 | T1 |",
            "|---|---|",
            "**ステータス**: Draft",
            "",
            "1. (((",
            "<!--",
            "\t- x",
            "- [ ] ",
        ),
    )
)


@given(st.lists(LINES, max_size=12))
def test_no_lines_make_the_reader_raise(lines: list[str]) -> None:
    assert isinstance(read("\n".join(lines)), Reading)


@pytest.mark.parametrize(
    "text",
    [
        "---\na: " + "[" * 50_000 + "\n---\n",
        "---\na: &a [*a, *a]\n---\n",
        "# x\n## 依存関係\n" + "- " * 5_000 + "SPEC-001\n",
        "# x\n## 依存関係\n" + "> " * 5_000 + "SPEC-001\n",
        "# x\n## 依存関係\n- " + "(" * 50_000 + "\n",
        "# x\n## 依存関係\n- " + "SPEC-001 " * 10_000 + "\n",
        "# x\n## 依存関係\n|" + "a|" * 5_000 + "\n|" + "-|" * 5_000 + "\n",
        "\n" * 50_000 + " " * 50_000 + "# x",
        "# " + "x " * 50_000 + "#" * 50_000,
    ],
    ids=["brackets", "alias", "lists", "quotes", "round", "ids", "columns", "blank", "heading"],
)
def test_odd_files_are_read_in_no_time(text: str) -> None:
    began = time.process_time()

    read(text)

    assert time.process_time() - began < 2


# Looks that read no whole file


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("- [x] a\n- [ ] b\n- [X] c\n", (2, 3)),
        ("* [ ] a\n+ [x] b\n1. [x] c\n2) [ ] d\n", (2, 4)),
        ("- [ ] a\n  - [x] b\n\t- [x] c\n", (2, 3)),
        ("- [x] a\r\n- [ ] b\r\n", (1, 2)),
        ("```\n- [x] a\n```\n- [ ] b\n", (0, 1)),
        ("~~~\n- [x] a\n```\n- [x] b\n~~~\n- [ ] c\n", (0, 1)),
        ("````\n```\n- [x] a\n```\n````\n- [ ] b\n", (0, 1)),
        ("```text\n- [x] a\n``` not the end\n- [x] b\n```  \n- [ ] c\n", (0, 1)),
        ("```code``` in a line\n- [x] a\n", (1, 1)),
        ("- item\n  ```\n  - [x] a\n  ```\n- [ ] b\n", (0, 1)),
        ("- [x](link) a\n- [y] b\n-[x] c\n[x] d\ntext - [x] e\n", (0, 0)),
        ("```\n- [x] never closed\n", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_ticked_boxes_are_counted_outside_fences(text: str, count: tuple[int, int]) -> None:
    assert count_checklist(text) == count


@pytest.mark.parametrize(
    ("data", "spec_id"),
    [
        (b"---\nid: A-1\n---\n", "A-1"),
        (b"\xef\xbb\xbf---\r\ntitle: x\r\nid: 'A-1'\r\n---\r\n", "A-1"),
        ("---\nid: ＡＢ－１\n".encode(), "AB-1"),
        (b"---\nid: A-1 # the first\n---\n", "A-1"),
        (b"---\ntitle: x\n---\nid: A-1\n", None),
        (b"---\nx-id: A-1\n---\n", None),
        (b"# A-1\n", None),
        (b"", None),
    ],
)
def test_the_id_of_a_head_can_be_seen_without_reading_it(data: bytes, spec_id: str | None) -> None:
    assert peek_id(data) == spec_id
