"""`aad graph`: what depends on what."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_project import Cli, Outcome, open_cli


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        opened.write_spec("SPEC-001", "# SPEC-001: Domain\n")
        opened.write_spec("SPEC-002", "---\ndepends_on: [SPEC-001]\nestimate: 10m\n---\n# SPEC-002: 設定\n")
        opened.write_spec("SPEC-003", "---\ndepends_on: [SPEC-002]\nstatus: Draft\n---\n# SPEC-003: CLI\n")
        yield opened


LEFT_OUT = "left out, still drafts: SPEC-003 (--allow-draft takes them in)\n"
TREE = """\
📊 Plan:
  ┌─ SPEC-001  Domain      no estimate
  │   └─ SPEC-002  設定    10m
  Order: SPEC-001 → SPEC-002
  Estimated time: about 10m, without SPEC-001
"""


@pytest.mark.parametrize(
    "arguments", [[], ["--all"], ["--format", "tree"], ["--format", "text"], ["--specs", "SPEC-0*"]]
)
def test_all_specs_are_drawn_as_a_tree_unless_told_otherwise(cli: Cli, arguments: list[str]) -> None:
    outcome = cli.run("graph", *arguments)

    assert outcome == Outcome(0, TREE, LEFT_OUT)


def test_a_tree_speaks_japanese(cli: Cli) -> None:
    outcome = cli.run("graph", "--lang", "ja")

    assert (
        outcome.out
        == """\
📊 実行計画:
  ┌─ SPEC-001  Domain      推定なし
  │   └─ SPEC-002  設定    10分
  実行順序: SPEC-001 → SPEC-002
  推定時間: 約10分（SPEC-001 を除く）
"""
    )


def test_selected_specs_bring_what_they_need(cli: Cli) -> None:
    outcome = cli.run("graph", "--specs", "SPEC-003", "--allow-draft", "--format", "json")

    specs = json.loads(outcome.out)["specs"]
    assert (outcome.status, outcome.err, [(spec["id"], spec["added"]) for spec in specs]) == (
        0,
        "",
        [("SPEC-001", True), ("SPEC-002", True), ("SPEC-003", False)],
    )


def test_selected_specs_stand_alone_where_that_is_wished(cli: Cli) -> None:
    outcome = cli.run("graph", "--specs", "SPEC-002", "--no-deps", "--format", "mermaid")

    assert outcome == Outcome(
        0,
        """\
flowchart LR
  n0["SPEC-002<br/>設定"]:::ready
  classDef ready fill:#dbeafe,stroke:#6b7280,color:#111827
""",
        "",
    )


def test_graphviz_gets_a_graph(cli: Cli) -> None:
    outcome = cli.run("graph", "--format", "dot", "--specs", "SPEC-001,SPEC-002")

    look = 'class="ready", fillcolor="#dbeafe"'
    assert (
        outcome.out
        == f"""\
digraph "plan" {{
  rankdir="LR";
  node [shape="box", style="filled,rounded", color="#6b7280"];
  "SPEC-001" [label="SPEC-001\\nDomain", {look}];
  "SPEC-002" [label="SPEC-002\\n設定", {look}];
  "SPEC-001" -> "SPEC-002";
}}
"""
    )


def test_specs_from_another_folder_are_drawn(cli: Cli) -> None:
    cli.project.specs.rename(cli.project.root / "plans")

    outcome = cli.run("graph", "--specs-dir", "plans", "--specs", "SPEC-001")

    assert outcome.out.splitlines()[1] == "  ┌─ SPEC-001  Domain"


def test_names_and_all_exclude_each_other(cli: Cli) -> None:
    outcome = cli.run("graph", "--all", "--specs", "SPEC-001")

    told = "aad: --specs and --all exclude each other (name specs, or take them all)\n"
    assert outcome == Outcome(2, "", f"Usage: aad graph [OPTIONS]\n{told}")


def test_an_unknown_spec_is_an_error(cli: Cli) -> None:
    outcome = cli.run("graph", "--specs", "SPEC-0002")

    assert outcome == Outcome(5, "", "no spec matches SPEC-0002 (did you mean SPEC-002?)\n")


def test_an_unknown_profile_is_an_error(cli: Cli) -> None:
    outcome = cli.run("graph", "--profile", "nightly")

    assert (outcome.status, outcome.out) == (2, "")


def test_faults_are_told_instead_of_a_drawing(cli: Cli) -> None:
    cli.write_spec("SPEC-001", "---\ndepends_on: [SPEC-002]\n---\n# SPEC-001: Domain\n")

    outcome = cli.run("graph")

    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(".aad/specs/SPEC-001.md:2: ")


@pytest.mark.parametrize("arguments", [[], ["--specs", "SPEC-004"]])
def test_drafts_that_are_needed_are_drawn(cli: Cli, arguments: list[str]) -> None:
    cli.write_spec("SPEC-004", "---\ndepends_on: [SPEC-003]\n---\n# SPEC-004: GUI\n")

    outcome = cli.run("graph", "--format", "json", *arguments)

    specs = {spec["id"]: (spec["status"], spec["depends_on"]) for spec in json.loads(outcome.out)["specs"]}
    assert (outcome.status, outcome.err) == (0, "")
    assert (specs["SPEC-003"], specs["SPEC-004"]) == (("draft", ["SPEC-002"]), ("ready", ["SPEC-003"]))
