import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.errors import AadError, InputError, NothingMatchedError, Problem
from aad.loader import Catalogue
from aad.selection import Selection, parse_wanted, select
from aad.spec import Spec, SpecStatus

DRAFT, COMPLETE = SpecStatus.DRAFT, SpecStatus.COMPLETE


def spec(spec_id: str, needs: str = "", status: SpecStatus = SpecStatus.READY) -> Spec:
    return Spec(id=spec_id, depends_on=needs.split(), status=status, path=f"{spec_id}.md")


def catalogue(
    *specs: Spec, elsewhere: tuple[Spec, ...] = (), problems: tuple[Problem, ...] = ()
) -> Catalogue:
    """Return a catalogue of specs whose dependencies stand in the lines from 5 on."""
    return Catalogue(
        specs={spec.id: spec for spec in specs},
        elsewhere={spec.id: spec for spec in elsewhere},
        lines={spec.id: tuple(range(5, 5 + len(spec.depends_on))) for spec in (*specs, *elsewhere)},
        problems=problems,
    )


CHAIN = catalogue(spec("A"), spec("B", "A"), spec("C", "B"), spec("D"))


def ids(selection: Selection) -> str:
    return " ".join(spec.id for spec in selection.specs)


def fault(error: type[AadError], specs: Catalogue, wanted: str | None, *, no_deps: bool = False) -> str:
    names = None if wanted is None else wanted.split(",")
    with pytest.raises(error) as caught:
        select(specs, names, with_dependencies=not no_deps)
    assert type(caught.value) is error
    return caught.value.render()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A", ("A",)),
        ("A,B", ("A", "B")),
        (" A , B ", ("A", "B")),
        ("A,,B,", ("A", "B")),
        ("B,A,B", ("B", "A")),
        ("SPEC-00*,X?", ("SPEC-00*", "X?")),
        ("ＳＰＥＣ－００１", ("SPEC-001",)),  # as a Japanese keyboard may type it
    ],
)
def test_names_are_parted_by_commas(text: str, names: tuple[str, ...]) -> None:
    assert parse_wanted(text) == names


@pytest.mark.parametrize("text", ["", " ", ",", " , ,"])
def test_naming_nothing_is_an_error(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_wanted(text)

    assert caught.value.render() == "no spec is named (--specs SPEC-001,SPEC-002 names some, --all takes all)"


def test_all_takes_all_in_the_order_of_ids() -> None:
    specs = (spec("B", "A"), spec("C", "", COMPLETE), spec("A"))

    assert select(catalogue(*specs), None) == Selection(
        specs=(specs[2], specs[0], specs[1]), done=frozenset({"C"})
    )


@pytest.mark.parametrize(
    ("wanted", "chosen", "added"),
    [
        ("A", "A", ""),
        ("C", "A B C", "A B"),
        ("C,A", "A B C", "B"),
        ("B,D", "A B D", "A"),
        ("c", "A B C", "A B"),
        ("[CD]", "A B C D", "A B"),
        ("*", "A B C D", ""),
        ("?,A", "A B C D", ""),
    ],
)
def test_naming_specs_takes_in_what_they_need(wanted: str, chosen: str, added: str) -> None:
    selection = select(CHAIN, [wanted])

    assert (ids(selection), selection.added) == (chosen, frozenset(added.split()))


def test_without_dependencies_only_what_is_named_is_taken() -> None:
    selection = select(CHAIN, ["C", "A"], with_dependencies=False)

    assert (ids(selection), selection.added) == ("A C", frozenset())


def test_what_is_complete_needs_nothing_and_is_shown_as_done() -> None:
    specs = catalogue(spec("A"), spec("B", "A", COMPLETE), spec("C", "B"))

    selection = select(specs, ["C"])

    assert selection == Selection(specs=(specs.specs["B"], specs.specs["C"]), done=frozenset({"B"}))


def test_what_is_complete_may_be_named() -> None:
    specs = catalogue(spec("A"), spec("B", "A", COMPLETE))

    selection = select(specs, ["B"])

    assert selection == Selection(specs=(specs.specs["B"],), done=frozenset({"B"}))


def test_what_lies_elsewhere_is_taken_in_where_it_is_needed() -> None:
    specs = catalogue(spec("A", "X"), elsewhere=(spec("X", "Y"), spec("Y"), spec("Z")))

    assert ids(select(specs, None)) == "A X Y"
    assert select(specs, None).added == {"X", "Y"}


def test_what_lies_elsewhere_may_be_named() -> None:
    specs = catalogue(spec("A"), elsewhere=(spec("X"),))

    assert select(specs, ["x"]) == Selection(specs=(specs.elsewhere["X"],))


def test_globs_know_case_and_the_folder_alone() -> None:
    specs = catalogue(spec("Ab"), spec("aB"), elsewhere=(spec("AX"),))

    assert ids(select(specs, ["A*"])) == "Ab"


def test_a_circle_of_dependencies_is_walked_once() -> None:
    assert ids(select(catalogue(spec("A", "B"), spec("B", "A A")), ["A"])) == "A B"


# Drafts


def test_all_and_globs_leave_drafts_out_and_name_them() -> None:
    specs = catalogue(spec("A"), spec("B2", "", DRAFT), spec("B1", "", DRAFT))

    assert select(specs, None) == Selection(specs=(specs.specs["A"],), drafts_left_out=("B1", "B2"))
    assert select(specs, ["*"]) == select(specs, None)
    assert select(specs, ["A", "B*"]) == select(specs, None)


def test_a_draft_that_is_named_is_an_error() -> None:
    specs = catalogue(spec("A"), spec("B", "", DRAFT))

    assert fault(InputError, specs, "A,B") == "B.md:1: B is a draft (approve it, or pass --allow-draft)"


def test_a_draft_that_is_needed_is_an_error_where_it_is_needed() -> None:
    specs = catalogue(spec("A"), spec("B", "A", DRAFT), spec("C", "A B"), spec("D", "B"))

    answer = (
        "C.md:6: depends on B, which is a draft (approve it, or pass --allow-draft)\n"
        "D.md:5: depends on B, which is a draft (approve it, or pass --allow-draft)"
    )
    assert fault(InputError, specs, None) == answer
    assert fault(InputError, specs, "C,D") == answer


def test_a_draft_is_not_needed_without_dependencies() -> None:
    specs = catalogue(spec("B", "", DRAFT), spec("C", "B"))

    assert ids(select(specs, ["C"], with_dependencies=False)) == "C"


def test_drafts_may_be_allowed() -> None:
    specs = catalogue(spec("A", "", DRAFT), spec("B", "A", DRAFT), spec("C", "B"))

    assert select(specs, ["C"], allow_draft=True).added == {"A", "B"}
    assert select(specs, None, allow_draft=True) == Selection(specs=tuple(specs.specs.values()))


def test_nothing_but_drafts_is_no_match() -> None:
    specs = catalogue(spec("B", "", DRAFT), spec("A", "", DRAFT))

    assert fault(NothingMatchedError, specs, None) == (
        "nothing but drafts: A, B (approve them, or pass --allow-draft)"
    )


# Names that match nothing


def test_a_name_that_matches_nothing_is_no_match() -> None:
    assert fault(NothingMatchedError, CHAIN, "zebra") == "no spec matches zebra (`aad specs` lists them)"


def test_names_that_match_nothing_are_all_named() -> None:
    specs = catalogue(spec("SPEC-001"), spec("SPEC-002"))

    assert fault(NothingMatchedError, specs, "SPCE-001,X*") == (
        "no spec matches SPCE-001 (did you mean SPEC-001?)\nno spec matches X* (`aad specs` lists them)"
    )


@pytest.mark.parametrize("unknown", ["zebra", "z*"])
def test_one_unknown_name_among_several_is_an_error(unknown: str) -> None:
    assert fault(InputError, CHAIN, f"A,{unknown}") == f"no spec matches {unknown} (`aad specs` lists them)"


def test_a_name_cannot_move_the_cursor() -> None:
    assert fault(NothingMatchedError, CHAIN, "\x1b[2J") == (
        "no spec matches \\x1b[2J (`aad specs` lists them)"
    )


def test_the_faults_of_the_files_come_together_with_those_of_the_names() -> None:
    broken = (Problem("spec_empty", {}, "E.md", 1),)
    specs = catalogue(spec("A"), spec("B", "", DRAFT), problems=broken)

    assert fault(InputError, specs, "B,zebra") == (
        "B.md:1: B is a draft (approve it, or pass --allow-draft)\n"
        "E.md:1: is empty (say what is to be done, or remove it)\n"
        "no spec matches zebra (`aad specs` lists them)"
    )
    assert (
        fault(InputError, specs, "A", no_deps=True)
        == "E.md:1: is empty (say what is to be done, or remove it)"
    )


@given(
    st.dictionaries(st.sampled_from("ABCDEF"), st.sets(st.sampled_from("ABCDEF")), min_size=1),
    st.sets(st.sampled_from("ABCDEF"), min_size=1),
)
def test_a_selection_holds_all_that_it_needs_and_nothing_else(
    needs: dict[str, set[str]], wanted: set[str]
) -> None:
    specs = {name: spec(name, " ".join(sorted(needs.get(name, set())))) for name in "ABCDEF"}

    selection = select(catalogue(*specs.values()), sorted(wanted))

    chosen = {spec.id for spec in selection.specs}
    assert {needed for spec in selection.specs for needed in spec.depends_on} <= chosen
    assert chosen - wanted == selection.added
    assert all(any(added in specs[name].depends_on for name in chosen) for added in selection.added)
