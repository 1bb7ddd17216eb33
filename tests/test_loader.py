import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import evolve

from aad.config import OrchestratorConfig, RunSettings
from aad.errors import AadError, InputError, NothingMatchedError
from aad.loader import Catalogue, load_specs
from aad.project import Project
from aad.spec import Spec, SpecStatus

LIBRARY = Project(Path(__file__).parent / "data" / "library")
CONFIG = OrchestratorConfig()


def write(root: Path, files: Mapping[str, str]) -> Project:
    """Write spec files, `.aad/specs/` being where they lie unless their name says more."""
    project = Project(root)
    project.specs.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = project.folder / name if "/" in name else project.specs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return project


def load(root: Path, files: Mapping[str, str], *, wanted: tuple[str, ...] = ()) -> Catalogue:
    return load_specs(write(root, files), config=CONFIG, wanted=wanted)


def needs(*ids: str, more: str = "") -> str:
    return f"---\n{more}depends_on: [{', '.join(ids)}]\n---\nDo it.\n"


def edges(specs: Mapping[str, Spec]) -> dict[str, tuple[str, ...]]:
    return {spec.id: spec.depends_on for spec in specs.values()}


def faults(catalogue: Catalogue) -> list[str]:
    return [problem.render() for problem in catalogue.problems]


def circle(cycle: str) -> str:
    return f"specs need each other in a circle: {cycle} (take out one of these dependencies)"


def twice(spec_id: str, other: str) -> str:
    return f"{spec_id} is also the id of {other} (ids must differ in more than case; change one)"


def test_a_folder_as_people_write_it_becomes_a_catalogue() -> None:
    catalogue = load_specs(LIBRARY, config=CONFIG)

    specs = [evolve(spec, digest="") for spec in catalogue.specs.values()]
    assert specs == [
        Spec(
            id="LIB-001", title="蔵書データベース", status=SpecStatus.COMPLETE, path=".aad/specs/LIB-001.md"
        ),
        Spec(id="LIB-002", title="利用者カード", depends_on=("LIB-001",), path=".aad/specs/LIB-002.md"),
        Spec(
            id="LIB-003",
            title="Lending and returning",
            depends_on=("LIB-001", "LIB-002"),
            estimate=2400.0,
            verify=("make", "test"),
            priority=5,
            path=".aad/specs/LIB-003.md",
        ),
        Spec(
            id="LIB-004",
            title="延滞通知",
            depends_on=("LIB-003-T01", "LIB-003-T02"),
            weight=6.0,
            path=".aad/specs/LIB-004.md",
        ),
        Spec(
            id="LIB-005",
            title="Reading room",
            status=SpecStatus.DRAFT,
            depends_on=("LIB-002",),
            path=".aad/specs/LIB-005.md",
        ),
    ]
    assert catalogue.not_specs == (".aad/specs/overview.md",)
    assert faults(catalogue) == []


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


def test_any_folder_of_specs_can_be_loaded() -> None:
    catalogue = load_specs(LIBRARY, specs_dir=LIBRARY.tasks / "LIB-003", config=CONFIG)

    assert edges(catalogue.specs) == {"LIB-003-T01": (), "LIB-003-T02": ("LIB-003-T01",)}
    assert catalogue.not_specs == (".aad/tasks/LIB-003/tasks-summary.md",)
    assert faults(catalogue) == []


def test_a_folder_outside_the_project_is_shown_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "A.md").write_text("Do it.")

    catalogue = load_specs(LIBRARY, specs_dir=tmp_path, config=CONFIG)

    assert catalogue.specs["A"].path == f"{tmp_path}/A.md"


def test_a_missing_folder_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_specs(Project(tmp_path), config=CONFIG)

    assert (caught.value.exit_code, caught.value.render()) == (
        2,
        ".aad/specs does not exist (`aad init` makes a first spec, --specs-dir names another folder)",
    )


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "specs").write_text("no folder")

    with pytest.raises(InputError, match=r"^specs does not exist "):
        load_specs(Project(tmp_path), specs_dir=tmp_path / "specs", config=CONFIG)


@pytest.mark.parametrize(
    "name", ["notes.txt", ".hidden.md", "SPEC-001.md~", "md"], ids=["other", "hidden", "backup", "no suffix"]
)
def test_a_folder_without_specs_has_an_exit_status_of_its_own(tmp_path: Path, name: str) -> None:
    with pytest.raises(NothingMatchedError) as caught:
        load(tmp_path, {name: "Do it."})

    assert (caught.value.exit_code, caught.value.render()) == (
        5,
        "no specs in .aad/specs (write one as SPEC-001.md, or let `aad init` do it)",
    )


def test_folders_below_the_folder_are_not_searched(tmp_path: Path) -> None:
    catalogue = load(tmp_path, {"A.md": "Do it.", "specs/deeper/B.md": "Do it."})

    assert list(catalogue.specs) == ["A"]


def test_all_faults_of_all_files_are_found_at_once(tmp_path: Path) -> None:
    catalogue = load(
        tmp_path,
        {
            "SPEC-001.md": "---\ntitle: no end\n",
            "SPEC-002.md": "---\nretries: many\ncolour: red\n---\n",
            "SPEC-003.md": "# SPEC-003: x\n\n## Dependencies\n\n- SPEC-009\n- SPEC-001\n",
            "SPEC-004.md": "",
            "SPEC-005.md": needs("SPEC-006"),
            "SPEC-006.md": needs("SPEC-005"),
            "SPEC-007.md": "---\nid: spec-006\n---\nAgain.\n",
        },
    )

    assert faults(catalogue) == [
        ".aad/specs/SPEC-001.md:1: the front matter has no end (close it with a line `---`)",
        ".aad/specs/SPEC-002.md:2: `retries` must be a whole number from 0 to 1000, not many",
        ".aad/specs/SPEC-002.md:3: unknown key `colour` (keys of your own begin with `x-`)",
        ".aad/specs/SPEC-003.md:5: depends on SPEC-009, which does not exist (did you mean SPEC-006?)",
        ".aad/specs/SPEC-004.md:1: is empty (say what is to be done, or remove it)",
        f".aad/specs/SPEC-005.md:2: {circle('SPEC-005 → SPEC-006 → SPEC-005')}",
        f".aad/specs/SPEC-007.md:1: {twice('spec-006', '.aad/specs/SPEC-006.md')}",
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


@pytest.mark.parametrize(
    ("required", "status"),
    [(("Approved",), SpecStatus.DRAFT), (("In Progress",), SpecStatus.READY)],
    ids=["not enough", "enough"],
)
def test_the_config_says_which_status_may_run(
    tmp_path: Path, required: tuple[str, ...], status: SpecStatus
) -> None:
    config = OrchestratorConfig(orchestrator=RunSettings(require_status=required))
    project = write(tmp_path, {"A.md": "---\nstatus: in progress\n---\n"})

    assert load_specs(project, config=config).specs["A"].status is status


def test_what_is_named_like_a_spec_and_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    project = write(tmp_path, {"A.md": needs("folder", "link", "pipe")})
    (project.specs / "folder.md").mkdir()
    (project.specs / "link.md").symlink_to("nowhere.md")
    os.mkfifo(project.specs / "pipe.md")

    catalogue = load_specs(project, config=CONFIG)

    assert faults(catalogue) == [
        ".aad/specs/folder.md: is not a file (remove it, or give it a name that does not end with .md)",
        ".aad/specs/link.md: cannot be read: No such file or directory (make it readable, or remove it)",
        ".aad/specs/pipe.md: is not a file (remove it, or give it a name that does not end with .md)",
    ]


def test_a_linked_file_is_read(tmp_path: Path) -> None:
    project = write(tmp_path, {"../else.md": "# B: linked\n"})
    (project.specs / "B.md").symlink_to(tmp_path / "else.md")

    assert load_specs(project, config=CONFIG).specs["B"].title == "linked"


@pytest.mark.parametrize(
    "name", ["a\x1b[2J.md", "a\n.md", os.fsdecode(b"a\xff.md")], ids=["esc", "line", "bytes"]
)
def test_a_name_that_cannot_be_shown_is_a_fault_and_moves_no_cursor(tmp_path: Path, name: str) -> None:
    project = write(tmp_path, {"B.md": "Do it."})
    (project.specs / name).write_text("Do it.")

    [fault] = faults(load_specs(project, config=CONFIG))

    assert fault.isprintable()
    assert fault.endswith(": the file's name holds characters that cannot be shown (rename it)")


def test_heads_that_say_enough_load_no_parser_of_markdown(tmp_path: Path) -> None:
    project = write(tmp_path, {"A.md": "---\nrun: make\n---\n# A: first\n\nDo it.\n"})
    code = f"""
import sys
from pathlib import Path
from aad.config import OrchestratorConfig
from aad.loader import load_specs
from aad.project import Project
catalogue = load_specs(Project(Path({str(project.root)!r})), config=OrchestratorConfig())
assert catalogue.specs["A"].title == "first"
print(sorted({{"markdown_it", "trio", "rich", "tomlkit"}} & set(sys.modules)))
"""

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout == "[]\n"


def test_many_faults_do_not_take_long(tmp_path: Path) -> None:
    files = {f"SPEC-{n:04}.md": needs(f"SPEC-9{n:04}", f"SPEC-8{n:04}") for n in range(300)}
    project = write(tmp_path, files)

    began = time.process_time()
    catalogue = load_specs(project, config=CONFIG)

    assert len(catalogue.problems) == 600
    assert time.process_time() - began < 2


def test_errors_can_be_read_in_japanese(tmp_path: Path) -> None:
    with pytest.raises(AadError) as caught:
        load_specs(Project(tmp_path), config=CONFIG)

    assert caught.value.render("ja") == (
        ".aad/specs がありません"
        "（`aad init` で最初の仕様を作るか、--specs-dir で別のフォルダーを指定してください）"
    )


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


@pytest.mark.parametrize("text", ["---\nrun: [\n---\n", needs("B", "C"), "---\nstatus: Draft\n---\n", ""])
def test_of_a_spec_that_is_known_the_file_does_not_matter(tmp_path: Path, text: str) -> None:
    known = Spec(id="A", title="As it was", status=SpecStatus.COMPLETE)

    catalogue = load_specs(write(tmp_path, {"A.md": text, "B.md": needs("A")}), config=CONFIG, known=[known])

    assert (catalogue.find("A"), catalogue.specs["B"].depends_on, faults(catalogue)) == (known, ("A",), [])


def test_a_spec_that_is_known_needs_no_file(tmp_path: Path) -> None:
    known = Spec(id="A", status=SpecStatus.COMPLETE)

    catalogue = load_specs(write(tmp_path, {"B.md": needs("A")}), config=CONFIG, known=[known])

    assert (edges(catalogue.specs), faults(catalogue)) == ({"A": (), "B": ("A",)}, [])
