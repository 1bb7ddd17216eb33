import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.spec import MAX_ID_BYTES, RESERVED_IDS, Spec, clean_id, find_id_fault


@pytest.mark.parametrize(
    "spec_id",
    [
        "SPEC-001",
        "SPEC-004-T03",
        "a",
        "7",
        "_x",
        "001-auth",
        "v1.2",
        "認証基盤",
        "Прил-1",
        "हिन्दी",
        "runner",
        "summary",
        "x" * MAX_ID_BYTES,
    ],
)
def test_an_id_may_hold_letters_and_digits_of_any_script(spec_id: str) -> None:
    assert find_id_fault(spec_id) is None


@pytest.mark.parametrize(
    ("spec_id", "fault"),
    [
        ("", "spec_id_empty"),
        ("a b", "spec_id_characters"),
        ("a/b", "spec_id_characters"),
        ("a\\b", "spec_id_characters"),
        ("a\nb", "spec_id_characters"),
        ("a\x1bb", "spec_id_characters"),
        ("a~1", "spec_id_characters"),
        ("a^b", "spec_id_characters"),
        ("a:b", "spec_id_characters"),
        ("a*", "spec_id_characters"),
        ("a@{b", "spec_id_characters"),
        ("a,b", "spec_id_characters"),
        ("🚀", "spec_id_characters"),
        ("a\u200bb", "spec_id_characters"),
        ("\udcff", "spec_id_characters"),
        ("..", "spec_id_dots"),
        (".a", "spec_id_dots"),
        ("-a", "spec_id_dots"),
        ("a.", "spec_id_dots"),
        ("a..b", "spec_id_dots"),
        ("a.lock", "spec_id_dots"),
        ("A.LOCK", "spec_id_dots"),
        ("x" * (MAX_ID_BYTES + 1), "spec_id_long"),
        ("語" * 40, "spec_id_long"),
        ("run", "spec_id_reserved"),
        ("Run", "spec_id_reserved"),
        *((name, "spec_id_reserved") for name in sorted(RESERVED_IDS)),
    ],
)
def test_an_id_that_is_no_safe_file_or_branch_name_is_refused(spec_id: str, fault: str) -> None:
    assert find_id_fault(spec_id) == fault


@pytest.mark.parametrize(
    ("typed", "spec_id"),
    [("ＳＰＥＣ－００１", "SPEC-001"), (" SPEC-1\t", "SPEC-1"), ("か\u3099", "が"), ("①", "1")],
)
def test_an_id_has_one_form_however_it_is_typed(typed: str, spec_id: str) -> None:
    assert clean_id(typed) == spec_id


@given(st.text(alphabet="aZ0._-語é", max_size=12))
def test_every_id_that_passes_is_a_branch_name_and_a_file_name(spec_id: str) -> None:
    if find_id_fault(spec_id) is None:
        answer = subprocess.run(
            ["git", "check-ref-format", "--branch", f"aad/{spec_id}"], capture_output=True, check=False
        )

        assert answer.returncode == 0
        assert spec_id not in {".", ".."}


def test_ids_that_a_spec_names_count_once_where_they_first_stand() -> None:
    assert Spec(id="C", depends_on=["B", "A", "B"]).depends_on == ("B", "A")
