"""What is written for people is true: blocks run, links lead somewhere, both languages say the same."""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docpages import (
    AGENTS,
    CHANGELOG,
    CONTRIBUTING,
    ESCALATIONS,
    EXAMPLE,
    GUIDE,
    JAPANESE,
    JAPANESE_AGENTS,
    JAPANESE_ESCALATIONS,
    JAPANESE_EXAMPLE,
    JAPANESE_GUIDE,
    PAGES,
    README,
    REFERENCE,
    ROOT,
    Block,
    list_blocks,
    run,
)

# CONTRIBUTING and the changelog.


def test_contributing_shows_the_table_of_imports_that_the_tests_enforce() -> None:
    tree = ast.parse((ROOT / "tests" / "test_architecture.py").read_text("utf-8"))
    (rows,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ROWS"
    )

    (block,) = list_blocks(CONTRIBUTING, "")

    assert tuple(block.text.splitlines()) == rows


def test_the_changelog_keeps_its_form() -> None:
    headings = re.findall(r"^##+ (.*)$", CHANGELOG.read_text("utf-8"), re.MULTILINE)

    assert headings[0] == "[Unreleased]"
    assert all(
        re.fullmatch(
            r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d|Added|Changed|Deprecated|Removed|Fixed|Security", heading
        )
        for heading in headings[1:]
    )


# Links.


def find_anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def list_links(page: Path) -> Iterator[tuple[Path, str]]:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield (page.parent / path if path else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    dead = [(path, anchor) for path, anchor in list_links(page) if not leads_somewhere(path, anchor)]

    assert dead == []


def leads_somewhere(path: Path, anchor: str) -> bool:
    if not anchor or not path.exists():
        return path.exists()
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return anchor in map(find_anchor, headings)


# Two languages.


def list_shared_blocks(page: Path) -> list[Block]:
    """Return the blocks that are for machines, less comments, which are for people."""
    blocks = (block for block in list_blocks(page) if block.language not in ("console", ""))
    return [Block(block.language, re.sub(r" +# .*", "", block.text)) for block in blocks]


PAIRS = [
    (README, JAPANESE),
    (GUIDE, JAPANESE_GUIDE),
    (ESCALATIONS, JAPANESE_ESCALATIONS),
    (AGENTS, JAPANESE_AGENTS),
    (EXAMPLE, JAPANESE_EXAMPLE),
]


@pytest.mark.parametrize(("page", "twin"), PAIRS)
def test_both_languages_show_the_same_commands_and_files(page: Path, twin: Path) -> None:
    assert list_shared_blocks(page) == list_shared_blocks(twin)


@pytest.mark.parametrize(("page", "twin"), PAIRS)
def test_both_languages_have_the_same_sections(page: Path, twin: Path) -> None:
    sections = [re.findall(r"^(#+) ", path.read_text("utf-8"), re.MULTILINE) for path in (page, twin)]

    assert sections[0] == sections[1]


@pytest.mark.parametrize("page", [README, JAPANESE])
def test_the_readmes_begin_with_the_two_commands(page: Path) -> None:
    first = list_blocks(page)[0]

    assert [line.partition("#")[0].strip() for line in first.text.splitlines()] == ["make demo", "make test"]
    assert {"demo", "test"} <= {*re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)}


# Blocks that run.


def test_the_first_specs_of_the_readme_run_as_they_stand(tmp_path: Path) -> None:
    specs = tmp_path / ".aad" / "specs"
    specs.mkdir(parents=True)
    for number, block in enumerate(list_blocks(README, "markdown"), 1):
        (specs / f"SPEC-{number:03}.md").write_text(block.text, "utf-8")
    commands = next(block.text for block in list_blocks(README, "sh") if "orchestrate" in block.text)

    told = [run(command, tmp_path) for command in commands.splitlines()]

    assert [each.returncode for each in told] == [0, 0, 0]
    assert "2/2 complete" in told[-1].stdout
    assert (tmp_path / "build" / "notes").read_text("utf-8").startswith("built on ")


@pytest.mark.parametrize("page", [README, REFERENCE], ids=lambda page: page.name)
def test_the_embedding_program_of_a_page_runs_as_it_stands(page: Path, tmp_path: Path) -> None:
    (tmp_path / "my-project").mkdir()
    (tmp_path / "Makefile").write_text("test:\n", "utf-8")
    (tmp_path / "my-project" / "Makefile").write_text("test:\n", "utf-8")
    (block,) = list_blocks(page, "python")
    program = tmp_path / "program.py"
    program.write_text(block.text, "utf-8")

    told = run(f"{sys.executable} -W error {program}", tmp_path)

    assert (told.returncode, told.stdout) == (0, "completed\n")


@pytest.mark.parametrize("page", [GUIDE, JAPANESE_GUIDE], ids=lambda page: page.name)
@pytest.mark.parametrize("style", [0, 1], ids=["front matter", "sections"])
def test_both_styles_of_the_guide_say_the_same(page: Path, style: int, tmp_path: Path) -> None:
    specs = tmp_path / ".aad" / "specs"
    specs.mkdir(parents=True)
    for name in ("SPEC-001", "SPEC-002", "SPEC-004"):
        (specs / f"{name}.md").write_text(f"# {name}\n", "utf-8")
    (specs / "SPEC-003.md").write_text(list_blocks(page, "markdown")[style].text, "utf-8")

    told = json.loads(run("aad specs list --format json", tmp_path).stdout)

    needs = {spec["id"]: spec["depends_on"] for spec in told["specs"]}
    assert needs == {"SPEC-001": [], "SPEC-002": [], "SPEC-003": ["SPEC-001", "SPEC-002"], "SPEC-004": []}
