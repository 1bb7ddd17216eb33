"""`aad orchestrate --dry-run`: plans, and what is told beside them."""

import json
import subprocess

import pytest
from chainedproject import CHAIN, chain, cli, configure, list_files
from cli_project import Cli

from aad.display.graphs import render_json
from aad.plan import make_plan
from aad.spec import Spec

__all__ = ["chain", "cli"]

DRAWN = """\
📋 Plan (dry run):
  ┌─ SPEC-001  One        no estimate
  │   └─ SPEC-002  Two    no estimate
  └─ SPEC-003  三         2m
  Order: [SPEC-001, SPEC-003 in parallel] → SPEC-002
  Estimated time: about 2m, without SPEC-001, SPEC-002
"""
SHARED = (
    "the project's folder is shared: SPEC-001 and SPEC-003 may run in it side by side "
    '([workspace] isolation = "directory" gives each session a folder, --jobs 1 lets one run at a time, '
    "`paths` tell that two do not meet)\n"
)


@pytest.mark.parametrize("form", ["text", "json", "mermaid", "dot"])
def test_a_dry_run_writes_nothing_but_the_plan(chain: Cli, form: str) -> None:
    before = list_files(chain.project.root)

    outcome = chain.run("orchestrate", "--all", "--dry-run", "--jobs", "1", "--format", form)

    assert (outcome.status, outcome.err, bool(outcome.out)) == (0, "", True)
    assert list_files(chain.project.root) == before


def test_a_plan_is_drawn(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--all", "--dry-run", "--jobs", "4")

    assert outcome.out == DRAWN


def test_a_plan_as_json_has_the_promised_members(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--specs", "SPEC-002", "--dry-run", "--format", "json")

    def entry(number: int, title: str, needs: list[str], *, added: bool) -> dict[str, object]:
        spec_id = f"SPEC-00{number}"
        return {
            "id": spec_id,
            "title": title,
            "path": f".aad/specs/{spec_id}.md",
            "status": "ready",
            "depends_on": needs,
            "wave": number - 1,
            "agent": "command",
            "estimate_s": None,
            "added": added,
        }

    assert json.loads(outcome.out) == {
        "version": 1,
        "specs": [
            entry(1, "One", [], added=True),
            entry(2, "Two", ["SPEC-001"], added=False),
        ],
        "waves": [["SPEC-001"], ["SPEC-002"]],
        "order": [["SPEC-001"], ["SPEC-002"]],
        "estimate_s": None,
    }


def test_no_deps_takes_what_is_named_alone(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--specs", "SPEC-002", "--no-deps", "--dry-run", "--format", "json")

    assert json.loads(outcome.out)["waves"] == [["SPEC-002"]]


def test_drafts_that_were_left_out_are_named_beside_the_plan(chain: Cli) -> None:
    chain.write_spec("SPEC-004", "---\nstatus: Draft\nrun: x\n---\n")

    dry = ("orchestrate", "--all", "--dry-run", "--jobs", "1", "--format", "json")

    without = chain.run(*dry)
    taken = chain.run(*dry, "--allow-draft")

    assert without.err == "left out, still drafts: SPEC-004 (--allow-draft takes them in)\n"
    assert {spec["id"] for spec in json.loads(without.out)["specs"]} == set(CHAIN)
    assert (taken.err, len(json.loads(taken.out)["specs"])) == ("", 4)


@pytest.mark.parametrize("dry", [["--dry-run"], []], ids=["plan", "run"])
def test_sessions_that_may_share_the_folder_are_named(chain: Cli, dry: list[str]) -> None:
    outcome = chain.run("orchestrate", "--all", "--jobs", "2", *dry)

    assert outcome.err.splitlines(keepends=True).count(SHARED) == 1


def test_sessions_that_may_share_the_folder_are_named_in_japanese(chain: Cli) -> None:
    outcome = chain.run("orchestrate", "--all", "--jobs", "2", "--dry-run", "--lang", "ja")

    assert outcome.err == (
        "SPEC-001 と SPEC-003 が、プロジェクトのフォルダーで同時に動くことがあります"
        '（[workspace] isolation = "directory" ならセッションごとに別のフォルダーを使い、'
        "--jobs 1 なら一つずつ動きます。"
        "互いに触れないものは `paths` に書いてください）\n"
    )


@pytest.mark.parametrize("dry", [["--dry-run"], []], ids=["plan", "run"])
def test_who_wants_quiet_is_not_told_who_shares_the_folder(chain: Cli, dry: list[str]) -> None:
    outcome = chain.run("orchestrate", "--all", "--jobs", "2", "-q", *dry)

    assert SHARED not in outcome.err


def test_what_is_left_of_a_run_may_share_the_folder_as_well(chain: Cli) -> None:
    chain.write_spec("SPEC-001", "---\nrun: exit 1\n---\n")
    chain.run("orchestrate", "--all", "--jobs", "1")

    outcome = chain.run("orchestrate", "--resume", "--jobs", "2", "--dry-run")

    assert outcome.err == SHARED


def test_where_the_settings_keep_sessions_apart_there_is_nothing_to_tell(chain: Cli) -> None:
    configure(chain, '[workspace]\nisolation = "directory"\n')

    outcome = chain.run("orchestrate", "--all", "--jobs", "2", "--dry-run")

    assert outcome.err == ""


def test_in_a_repository_worktrees_are_the_way_to_share_no_folder(chain: Cli) -> None:
    configure(chain, '[workspace]\nisolation = "none"\n')
    subprocess.run(["git", "init", "--quiet", chain.project.root], check=True)

    outcome = chain.run("orchestrate", "--all", "--jobs", "2", "--dry-run")

    advice = SHARED.replace("directory", "worktree").replace("session a folder", "session a worktree")
    assert outcome.err == advice


def test_specs_may_lie_elsewhere(cli: Cli) -> None:
    folder = cli.project.root / "plans"
    folder.mkdir()
    (folder / "X-1.md").write_text(CHAIN["SPEC-001"].replace("SPEC-001", "X-1"))

    outcome = cli.run("orchestrate", "--all", "--specs-dir", "plans", "--dry-run", "--format", "json")

    assert [spec["path"] for spec in json.loads(outcome.out)["specs"]] == ["plans/X-1.md"]


@pytest.mark.parametrize(("encoding", "readable"), [("utf-8", True), ("ascii", False), (None, True)])
def test_a_plan_for_programs_keeps_titles_readable_where_it_can(
    chain: Cli, encoding: str | None, readable: bool
) -> None:
    plan = make_plan([Spec(id="A", title="三")], slots=1)

    told = render_json(plan, encoding=encoding)

    assert ("三" in told, json.loads(told)["specs"][0]["title"]) == (readable, "三")
