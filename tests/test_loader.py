"""A folder of spec files becomes a catalogue: which files are read, and all their faults at once."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attrs import evolve
from specfolder import CONFIG, LIBRARY, circle, edges, faults, load, needs, twice, write

from aad.config import OrchestratorConfig, RunSettings
from aad.errors import AadError, InputError, NothingMatchedError
from aad.loader import load_specs
from aad.project import Project
from aad.spec import Spec, SpecStatus


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


@pytest.mark.parametrize("text", ["---\nrun: [\n---\n", needs("B", "C"), "---\nstatus: Draft\n---\n", ""])
def test_of_a_spec_that_is_known_the_file_does_not_matter(tmp_path: Path, text: str) -> None:
    known = Spec(id="A", title="As it was", status=SpecStatus.COMPLETE)

    catalogue = load_specs(write(tmp_path, {"A.md": text, "B.md": needs("A")}), config=CONFIG, known=[known])

    assert (catalogue.find("A"), catalogue.specs["B"].depends_on, faults(catalogue)) == (known, ("A",), [])


def test_a_spec_that_is_known_needs_no_file(tmp_path: Path) -> None:
    known = Spec(id="A", status=SpecStatus.COMPLETE)

    catalogue = load_specs(write(tmp_path, {"B.md": needs("A")}), config=CONFIG, known=[known])

    assert (edges(catalogue.specs), faults(catalogue)) == ({"A": (), "B": ("A",)}, [])
