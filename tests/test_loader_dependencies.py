"""What specs need and conflict with: ids as people write them, other folders, circles."""

from pathlib import Path

from attrs import evolve
from specfolder import CONFIG, LIBRARY, circle, edges, faults, load, needs, twice, write

from aad.config import OrchestratorConfig
from aad.loader import load_specs
from aad.project import Project
from aad.spec import Spec, SpecStatus


def test_what_lies_in_another_folder_and_is_needed_is_taken_in() -> None:
    catalogue = load_specs(LIBRARY, config=CONFIG)

    assert [evolve(spec, digest="") for spec in catalogue.elsewhere.values()] == [
        Spec(
            id="LIB-003-T01",
            title="貸出テーブル",
            status=SpecStatus.COMPLETE,
            path=".aad/tasks/LIB-003/LIB-003-T01.md",
        ),
        Spec(
            id="LIB-003-T02",
            title="返却処理",
            depends_on=("LIB-003-T01",),
            weight=2.5,
            path=".aad/tasks/LIB-003/LIB-003-T02.md",
        ),
    ]


def test_an_unresolved_id_without_a_near_name_is_named_alone(tmp_path: Path) -> None:
    catalogue = load(tmp_path, {"A.md": needs("zebra")})

    assert faults(catalogue) == [
        ".aad/specs/A.md:2: depends on zebra, which does not exist (write it, or take it out)"
    ]


def test_ids_are_found_without_regard_to_case_and_width(tmp_path: Path) -> None:
    catalogue = load(
        tmp_path, {"SPEC-001.md": "Do it.", "SPEC-002.md": needs("spec-001", "ＳＰＥＣ－００１")}
    )

    assert edges(catalogue.specs) == {"SPEC-001": (), "SPEC-002": ("SPEC-001",)}


def test_a_words_id_counts_only_if_there_is_such_a_spec(tmp_path: Path) -> None:
    text = "# SPEC-002: x\n\n## Dependencies\n- SPEC-001 with REQ-1 (UTF-8)\n- AUTH-1\n- login\n- logout\n"

    catalogue = load(
        tmp_path, {"SPEC-001.md": "Do it.", "SPEC-002.md": text, "AUTH-1.md": "Do it.", "login.md": "Do it."}
    )

    assert edges(catalogue.specs)["SPEC-002"] == ("SPEC-001", "AUTH-1", "login")
    assert faults(catalogue) == []


def test_a_word_with_the_shape_of_known_ids_must_be_one_of_them(tmp_path: Path) -> None:
    text = "# SPEC-002: x\n\n## Dependencies\n- SPEC-001 and TASK-7\n"

    catalogue = load(tmp_path, {"SPEC-001.md": "Do it.", "SPEC-002.md": text, "TASK-8.md": "Do it."})

    assert faults(catalogue) == [
        ".aad/specs/SPEC-002.md:4: depends on TASK-7, which does not exist (did you mean TASK-8?)"
    ]


def test_what_is_marked_as_complete_is_met_though_it_exists_nowhere(tmp_path: Path) -> None:
    catalogue = load(tmp_path, {"B.md": needs('"A（完了済み）"')})

    assert (edges(catalogue.specs), faults(catalogue)) == ({"B": ()}, [])


def test_what_is_marked_as_complete_is_met_whatever_lies_elsewhere(tmp_path: Path) -> None:
    catalogue = load(
        tmp_path,
        {"C.md": needs("B", '"A（完了済み）"'), "tasks/X/A.md": "Do it.", "tasks/X/B.md": needs("A")},
    )

    assert edges(catalogue.specs) == {"C": ("B",)}
    assert edges(catalogue.elsewhere) == {"B": ("A",), "A": ()}


def test_a_mark_does_not_speak_for_a_spec_of_the_same_folder(tmp_path: Path) -> None:
    catalogue = load(tmp_path, {"A.md": "Do it.", "B.md": needs('"A（完了済み）"')})

    assert edges(catalogue.specs) == {"A": (), "B": ("A",)}


def test_what_is_complete_elsewhere_needs_nothing_any_more(tmp_path: Path) -> None:
    catalogue = load(tmp_path, {"B.md": needs("A"), "tasks/X/A.md": needs("gone", more="status: Done\n")})

    assert edges(catalogue.elsewhere) == {"A": ()}
    assert faults(catalogue) == []


def test_what_is_complete_in_the_folder_keeps_what_it_needs(tmp_path: Path) -> None:
    catalogue = load(tmp_path, {"A.md": "Do it.", "B.md": needs("A", "zebra", more="status: Done\n")})

    assert edges(catalogue.specs)["B"] == ("A",)
    assert faults(catalogue) == [
        ".aad/specs/B.md:3: depends on zebra, which does not exist (write it, or take it out)"
    ]


def test_a_mark_counts_though_another_spec_needs_what_is_marked(tmp_path: Path) -> None:
    marked, unmarked = needs('"X（完了済み）"'), needs("X")

    catalogue = load(tmp_path, {"A.md": marked, "B.md": unmarked, "C.md": marked, "tasks/T/X.md": "Do it."})

    assert edges(catalogue.specs) == {"A": (), "B": ("X",), "C": ()}


def test_a_file_that_seems_to_have_an_id_and_has_another_is_not_taken_in(tmp_path: Path) -> None:
    text = '---\ntitle: "x\nid: zebra"\n---\n'

    catalogue = load(tmp_path, {"A.md": needs("zebra"), "tasks/T/X.md": text})

    assert catalogue.elsewhere == {}
    assert len(catalogue.problems) == 1


def test_files_elsewhere_are_read_only_if_they_are_needed(tmp_path: Path) -> None:
    catalogue = load(
        tmp_path, {"B.md": needs("A"), "tasks/X/A.md": "Do it.", "tasks/X/bad.md": "---\nno end"}
    )

    assert (list(catalogue.elsewhere), faults(catalogue)) == (["A"], [])


def test_faults_of_what_is_needed_elsewhere_are_found(tmp_path: Path) -> None:
    catalogue = load(tmp_path, {"B.md": needs("A"), "tasks/X/A.md": "---\nestimate: long\n---\n"})

    assert faults(catalogue) == [
        '.aad/tasks/X/A.md:2: `estimate` must be a duration such as "90s", "30m" or "1h30m", not long'
    ]


def test_a_file_elsewhere_is_known_by_the_id_in_its_head(tmp_path: Path) -> None:
    catalogue = load(
        tmp_path, {"B.md": needs("A"), "tasks/X/first.md": '---\ntitle: x\nid: "A"\n---\nDo it.\n'}
    )

    assert catalogue.elsewhere["A"].path == ".aad/tasks/X/first.md"


def test_an_id_that_two_files_elsewhere_have_is_an_error_that_names_both(tmp_path: Path) -> None:
    catalogue = load(tmp_path, {"B.md": needs("A"), "tasks/X/A.md": "Do it.", "tasks/Y/A.md": "Do it."})

    assert faults(catalogue) == [f".aad/tasks/Y/A.md:1: {twice('A', '.aad/tasks/X/A.md')}"]


def test_the_specs_folder_is_elsewhere_for_the_folder_of_a_specs_tasks(tmp_path: Path) -> None:
    project = write(tmp_path, {"A.md": "# A\n\n**Status**: Done\n", "tasks/B/B-T01.md": needs("A")})

    catalogue = load_specs(project, specs_dir=project.tasks / "B", config=CONFIG)

    assert catalogue.elsewhere["A"].status is SpecStatus.COMPLETE


def test_what_is_wanted_and_not_in_the_folder_is_looked_up_elsewhere(tmp_path: Path) -> None:
    catalogue = load(tmp_path, {"A.md": "Do it.", "tasks/A/A-T01.md": "Do it."}, wanted=("a", "a-t01", "zzz"))

    assert (list(catalogue.specs), list(catalogue.elsewhere)) == (["A"], ["A-T01"])


def test_short_ids_mean_the_tasks_of_the_same_spec(tmp_path: Path) -> None:
    text = "# SPEC-004-T03: x\n\n**依存タスク**:\n- T01\n- T02\n"

    catalogue = load(
        tmp_path,
        {"SPEC-004-T03.md": text, "SPEC-004-T01.md": "Do it.", "T01.md": "Not me.", "T02.md": "Do it."},
    )

    assert edges(catalogue.specs)["SPEC-004-T03"] == ("SPEC-004-T01", "T02")


def test_conflicts_are_resolved_and_take_nothing_in(tmp_path: Path) -> None:
    text = "---\nconflicts_with: [b, C, D]\n---\n"

    catalogue = load(tmp_path, {"A.md": text, "B.md": "Do it.", "tasks/X/C.md": "Do it."})

    assert catalogue.specs["A"].conflicts_with == ("B",)
    assert catalogue.elsewhere == {}
    assert faults(catalogue) == [
        ".aad/specs/A.md:2: conflicts with D, which does not exist (write it, or take it out)"
    ]


def test_a_conflict_with_a_file_that_is_no_spec_is_a_fault(tmp_path: Path) -> None:
    catalogue = load(
        tmp_path, {"A.md": "---\nconflicts_with: overview\n---\n", "overview.md": "# SPEC-1: all\n"}
    )

    assert faults(catalogue) == [
        ".aad/specs/A.md:2: conflicts with overview, which does not exist (write it, or take it out)"
    ]


def test_every_cycle_is_named_whole_where_it_begins(tmp_path: Path) -> None:
    catalogue = load(
        tmp_path,
        {
            "A.md": needs("B", "C"),
            "B.md": needs("A"),
            "C.md": needs("A"),
            "D.md": needs("D"),
            "E.md": needs("A"),
        },
    )

    assert faults(catalogue) == [
        f".aad/specs/{name}.md:2: {circle(cycle)}"
        for name, cycle in (("A", "A → B → A"), ("A", "A → C → A"), ("D", "D → D"))
    ]


def test_cycles_through_other_folders_are_found(tmp_path: Path) -> None:
    catalogue = load(tmp_path, {"A.md": needs("B"), "tasks/X/B.md": needs("A")})

    assert faults(catalogue) == [f".aad/specs/A.md:2: {circle('A → B → A')}"]


def test_the_lines_of_dependencies_are_known(tmp_path: Path) -> None:
    head = "---\ndepends_on:\n  - A\n  # the second one\n  - B\n---\nDo it.\n"

    catalogue = load(tmp_path, {"A.md": "Do it.", "B.md": "Do it.", "C.md": head})

    spec = catalogue.specs["C"]
    assert [catalogue.find_line(spec, needed) for needed in spec.depends_on] == [3, 5]


def test_what_is_wanted_is_found_in_other_folders_too(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for folder, name in (("one", "A-1"), ("two", "B-1")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.md").write_text(f"---\nagent: x\n---\n# {name}: t\n")

    catalogue = load_specs(
        project,
        specs_dir=tmp_path / "one",
        others=[tmp_path / "two"],
        config=OrchestratorConfig(),
        wanted=["A-1", "B-1"],
    )

    assert ([*catalogue.specs], [*catalogue.elsewhere]) == (["A-1"], ["B-1"])
    assert catalogue.agent_lines == {"A-1": 2, "B-1": 2}
