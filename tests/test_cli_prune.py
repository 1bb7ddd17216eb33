"""`aad runs prune`: runs that have had their time are removed, and nothing else is."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from cli_project import FAILED_RUN, KILLED_RUN, RUN, STARTED, Cli, Outcome, open_cli

from aad.cli.answers import format_size
from aad.events import Event, RunFinished, SessionWaiting
from aad.lock import hold_lock
from aad.runlist import list_runs, point_latest

DAY = 86400.0
OLDEST, OLDER, OLD, LATE, NEWEST = (f"2026110{number}-000000-0000" for number in range(1, 6))
WAITING_RUN = (
    *KILLED_RUN,
    SessionWaiting(ts=KILLED_RUN[-1].ts, spec="SPEC-002", attempt=1, escalation="E", message="Which?"),
    RunFinished(
        ts=KILLED_RUN[-1].ts,
        status="waiting",
        exit_code=4,
        duration_s=62.0,
        counts={"completed": 1, "waiting": 1},
    ),
)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        yield opened


def write_run(
    cli: Cli, run: str, *, days: int = 0, size: int = 5000, events: Sequence[Event] = FAILED_RUN
) -> Path:
    """Write a run that was last heard of so many days and a minute ago; return its folder."""
    shift = time.time() - days * DAY - 60 - events[-1].ts
    journal = cli.write_journal(*(evolve(event, ts=event.ts + shift) for event in events), run=run)
    cli.write_log("SPEC-001", 1, bytes(size - journal.stat().st_size), run=run)
    return cli.project.run(run)


def write_five_runs(cli: Cli) -> None:
    write_run(cli, OLDEST, days=40)
    write_run(cli, OLDER, days=9)
    write_run(cli, OLD, days=3, size=3_000_000)
    write_run(cli, LATE, days=1, size=2_000_000)
    write_run(cli, NEWEST)
    point_latest(cli.project.runs, NEWEST)


def write_escalation(cli: Cli, name: str, *, run: str, state: str = "decided") -> Path:
    cli.project.escalations.mkdir(exist_ok=True)
    path = cli.project.escalations / f"{name}.json"
    path.write_text(json.dumps({"version": 1, "id": name, "run_id": run, "state": state}), encoding="utf-8")
    return path


def read_tree(folder: Path) -> dict[str, int]:
    """Return the paths in a folder, and when each was changed."""
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def prune(cli: Cli, *options: str) -> list[tuple[str, str, str | None]]:
    """Prune, and return what is told of each run."""
    outcome = cli.run("runs", "prune", "--format", "json", *options)
    assert (outcome.status, outcome.err) == (0, "")
    return [(each["run"], each["why"], each["held"]) for each in json.loads(outcome.out)["runs"]]


BOUNDS = ("--keep", "3", "--max-size", "4MB")
ROWS = f"""\
{OLDEST}  40d  5.0 kB  age: over 30d
{OLDER}  9d   5.0 kB  count: beyond the newest 3
{OLD}  3d   3.0 MB  size: over 4.0 MB in all
"""


def mark_rows(mark: str) -> str:
    return "".join(f"{mark} {row}" for row in ROWS.splitlines(keepends=True))


# What goes.


def test_old_runs_are_removed_oldest_first(cli: Cli) -> None:
    write_five_runs(cli)

    outcome = cli.run("runs", "prune", *BOUNDS)

    assert outcome == Outcome(0, mark_rows("✓") + "3 runs removed, 3.0 MB freed\n", "")
    assert sorted(path.name for path in cli.project.runs.iterdir()) == [LATE, NEWEST, "latest"]


def test_a_dry_run_tells_what_would_go_and_writes_nothing(cli: Cli) -> None:
    write_five_runs(cli)
    before = read_tree(cli.project.root)

    outcome = cli.run("runs", "prune", "--dry-run", *BOUNDS)

    assert outcome == Outcome(0, mark_rows(" ") + "3 runs would be removed, 3.0 MB freed\n", "")
    assert read_tree(cli.project.root) == before


def test_it_is_told_in_japanese(cli: Cli) -> None:
    write_run(cli, OLDEST, days=40)
    write_run(cli, NEWEST)

    outcome = cli.run("runs", "prune", "--lang", "ja")

    assert outcome == Outcome(
        0, f"✓ {OLDEST}  40日  5.0 kB  経過時間: 30日超\n1件の実行を削除し、5.0 kB を解放しました\n", ""
    )


@pytest.mark.parametrize("dry_run", [True, False])
def test_it_is_told_as_json(cli: Cli, *, dry_run: bool) -> None:
    write_run(cli, OLDEST, days=40)
    write_run(cli, OLD, days=35, events=WAITING_RUN)
    write_run(cli, NEWEST)

    outcome = cli.run("runs", "prune", "--format", "json", *(["--dry-run"] if dry_run else []))

    told = json.loads(outcome.out)
    ages = [round(each.pop("age_s") / DAY) for each in told["runs"]]
    assert (outcome.status, outcome.err, ages, told) == (
        0,
        "",
        [40, 35],
        {
            "version": 1,
            "dry_run": dry_run,
            "runs": [
                {"run": OLDEST, "size": 5000, "why": "age", "held": None},
                {"run": OLD, "size": 5000, "why": "age", "held": "waiting"},
            ],
            "freed": 5000,
            "faults": [],
        },
    )


def test_where_no_run_is_over_a_bound_nothing_is_removed(cli: Cli) -> None:
    write_five_runs(cli)

    outcome = cli.run("runs", "prune", "--max-age", "41d")

    assert outcome == Outcome(0, "nothing to remove\n", "")
    assert len(list_runs(cli.project.runs)) == 5


def test_where_nothing_ever_ran_nothing_is_made(cli: Cli) -> None:
    outcome = cli.run("runs", "prune")

    assert outcome == Outcome(0, "nothing to remove\n", "")
    assert list(cli.project.folder.iterdir()) == []


def test_the_settings_say_what_stays(cli: Cli) -> None:
    cli.project.config.parent.mkdir()
    cli.project.config.write_text('[runs]\nkeep = 4\nmax_age = "0"\nmax_size = "5MB"\n', encoding="utf-8")
    write_five_runs(cli)

    assert prune(cli) == [(OLDEST, "count", None), (OLDER, "size", None), (OLD, "size", None)]


def test_zero_is_no_bound(cli: Cli) -> None:
    write_five_runs(cli)

    assert prune(cli, "--keep", "0", "--max-age", "0", "--max-size", "0") == []


def test_bounds_that_are_none_are_refused_together(cli: Cli) -> None:
    outcome = cli.run("runs", "prune", "--max-age", "old", "--max-size", "5")

    assert outcome == Outcome(
        2,
        "",
        '`--max-age` must be a duration such as "90s", "30m" or "1h30m", at most ten years, not "old"\n'
        '`--max-size` must be a size such as "500kB", "10MB" or "1GiB", at most a petabyte, not "5"\n',
    )


def test_a_run_that_was_resumed_is_as_old_as_its_last_word(cli: Cli) -> None:
    shift = FAILED_RUN[-1].ts - STARTED.ts + 39 * DAY
    later = [evolve(event, ts=event.ts + shift) for event in FAILED_RUN[2:]]
    resumed = evolve(STARTED, ts=STARTED.ts + shift, resumed=True)
    write_run(cli, OLDEST, days=1, events=[*FAILED_RUN, resumed, later[-1]])
    write_run(cli, OLDER, days=1, events=[*FAILED_RUN, resumed])
    write_run(cli, OLD, days=31)
    write_run(cli, NEWEST)

    assert prune(cli) == [(OLD, "age", None)]


def test_a_run_whose_journal_cannot_be_read_is_as_old_as_its_id_says(cli: Cli) -> None:
    for run in ("20200101-000000-0000", "29990101-000000-0000"):
        cli.project.run(run).mkdir(parents=True)
    write_run(cli, OLDEST, days=40).joinpath("journal.jsonl").write_bytes(b"what?\n")

    assert prune(cli, "--max-age", "3000d") == []
    assert prune(cli, "--max-age", "1000d") == [("20200101-000000-0000", "age", None)]


def test_what_is_not_named_as_a_run_is_left_alone(cli: Cli) -> None:
    for name in ("zebra", "20261105", ".hidden"):
        (cli.project.runs / name).mkdir(parents=True)
    (cli.project.runs / "20200101-000000-0000").write_bytes(b"a file")
    write_run(cli, OLDEST, days=40)
    write_run(cli, NEWEST, days=40)

    assert prune(cli, "--keep", "1") == [(OLDEST, "age", None)]
    assert len(list(cli.project.runs.iterdir())) == 5


def test_a_link_in_a_run_is_removed_and_what_it_leads_to_stays(cli: Cli) -> None:
    outside = cli.project.root / "precious"
    outside.mkdir()
    (outside / "file").write_bytes(bytes(10**6))
    folder = write_run(cli, OLDEST, days=40)
    (folder / "folder").symlink_to(outside)
    (folder / "file").symlink_to(outside / "file")
    (folder / "nowhere").symlink_to("nowhere")
    write_run(cli, NEWEST)

    assert prune(cli) == [(OLDEST, "age", None)]
    assert (list_runs(cli.project.runs), [path.name for path in outside.iterdir()]) == ([NEWEST], ["file"])


def test_latest_is_moved_to_a_run_that_stays(cli: Cli) -> None:
    write_five_runs(cli)
    point_latest(cli.project.runs, OLD)  # as if it had been resumed

    prune(cli, *BOUNDS)

    assert (cli.project.runs / "latest").readlink() == Path(NEWEST)


def test_latest_stays_where_its_run_stays(cli: Cli) -> None:
    write_five_runs(cli)
    point_latest(cli.project.runs, LATE)

    prune(cli, *BOUNDS)

    assert (cli.project.runs / "latest").readlink() == Path(LATE)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_999, "999.9 kB"),
        (1_250_000, "1.2 MB"),
        (10**15, "1,000,000.0 GB"),
    ],
)
def test_sizes_are_shown_in_decimal_units_and_never_rounded_up(size: int, shown: str) -> None:
    assert format_size(size) == shown


# What is held.


def test_a_run_under_way_is_told_as_to_a_second_run(cli: Cli) -> None:
    write_five_runs(cli)
    cli.write_spec("SPEC-001", '---\nrun: "true"\n---\n# SPEC-001\n')

    with hold_lock(cli.project.state, RUN):
        outcome, second = cli.run("runs", "prune"), cli.run("orchestrate", "--all")

    assert (outcome.status, outcome.out, outcome.err) == (6, "", second.err)
    assert outcome.err.startswith(f"run {RUN} holds this project: process {os.getpid()}, since ")
    assert len(list_runs(cli.project.runs)) == 5


def test_a_dry_run_beside_a_run_tells_that_it_stays(cli: Cli) -> None:
    write_run(cli, OLDEST, days=40)
    write_run(cli, OLD, days=35)
    write_run(cli, NEWEST)

    with hold_lock(cli.project.state, OLDEST):
        outcome = cli.run("runs", "prune", "--dry-run")

    assert outcome == Outcome(
        0,
        f"""\
▸ {OLDEST}  40d  5.0 kB  age: over 30d  kept: it is under way
  {OLD}  35d  5.0 kB  age: over 30d
1 run would be removed, 5.0 kB freed
""",
        "",
    )


def test_a_run_in_which_something_waits_for_a_person_stays_and_is_named(cli: Cli) -> None:
    write_run(cli, OLDEST, days=40)
    write_run(cli, OLD, days=35, events=WAITING_RUN)
    write_run(cli, NEWEST)
    write_escalation(cli, "SPEC-001-error", run=OLDEST, state="open")

    outcome = cli.run("runs", "prune")

    kept = "kept: something in it waits for a person (aad escalations)"
    assert outcome == Outcome(
        0,
        f"""\
? {OLDEST}  40d  5.0 kB  age: over 30d  {kept}
? {OLD}  35d  5.0 kB  age: over 30d  {kept}
nothing to remove
""",
        "",
    )
    assert list_runs(cli.project.runs) == [NEWEST, OLD, OLDEST]


def test_a_run_that_has_workspaces_stays_until_they_are_gone(cli: Cli) -> None:
    cli.project.config.parent.mkdir()
    cli.project.config.write_text('[workspace]\nroot = "aside"\n', encoding="utf-8")
    write_run(cli, OLDEST, days=40)
    write_run(cli, OLDER, days=38)
    write_run(cli, OLD, days=35)
    write_run(cli, NEWEST)
    (cli.project.worktrees / OLDEST / "SPEC-001").mkdir(parents=True)
    (cli.project.root / "aside" / OLDER / "SPEC-001").mkdir(parents=True)
    (cli.project.worktrees / OLD).mkdir()

    outcome = cli.run("runs", "prune")

    kept = "kept: it has workspaces (aad clean)"
    assert outcome == Outcome(
        0,
        f"""\
  {OLDEST}  40d  5.0 kB  age: over 30d  {kept}
  {OLDER}  38d  5.0 kB  age: over 30d  {kept}
✓ {OLD}  35d  5.0 kB  age: over 30d
1 run removed, 5.0 kB freed
""",
        "",
    )


def test_a_run_with_files_that_no_commit_holds_stays_until_they_are_gone(cli: Cli) -> None:
    for run in (OLDEST, OLDER):
        left = write_run(cli, run, days=40) / "SPEC-001" / "1" / "left-out"
        left.mkdir()
    (left / ".env").write_bytes(b"key")
    write_run(cli, NEWEST)

    planned = prune(cli)
    (left / ".env").unlink()

    assert planned == [(OLDEST, "age", None), (OLDER, "age", "left_out")]
    assert prune(cli) == [(OLDER, "age", None)]


def test_where_escalations_cannot_be_read_nothing_is_removed(cli: Cli) -> None:
    write_five_runs(cli)
    cli.project.escalations.write_bytes(b"no folder")

    outcome = cli.run("runs", "prune")

    assert outcome == Outcome(
        2, "", f"{cli.project.escalations}: cannot be read: Not a directory (make it readable)\n"
    )
    assert len(list_runs(cli.project.runs)) == 5


def test_the_decided_escalations_of_a_run_go_with_it(cli: Cli) -> None:
    write_run(cli, OLDEST, days=40)
    write_run(cli, NEWEST)
    for name in ("SPEC-001-error", "SPEC-001-error-2"):
        write_escalation(cli, name, run=OLDEST)
    write_escalation(cli, "SPEC-002-error", run=NEWEST)
    write_escalation(cli, "SPEC-003-error", run="20200101-000000-0000")
    (cli.project.escalations / "broken.json").write_bytes(b"{")

    prune(cli)

    left = sorted(path.name for path in cli.project.escalations.iterdir())
    assert left == ["SPEC-002-error.json", "SPEC-003-error.json", "broken.json"]


# What goes wrong.


def test_the_rest_that_a_crash_left_is_no_run_and_goes_the_next_time(cli: Cli) -> None:
    write_run(cli, OLDEST).rename(cli.project.runs / f".pruned-{OLDEST}")
    write_run(cli, NEWEST)
    escalation = write_escalation(cli, "SPEC-001-error", run=OLDEST)

    listed = json.loads(cli.run("runs", "--format", "json").out)
    planned, outcome = cli.run("runs", "prune", "--dry-run"), cli.run("runs", "prune")

    row = f"{OLDEST}  5.0 kB  rest of an earlier removal\n"
    assert [each["run"] for each in listed["runs"]] == [NEWEST]
    assert planned == Outcome(0, f"  {row}1 run would be removed, 5.0 kB freed\n", "")
    assert outcome == Outcome(0, f"✓ {row}1 run removed, 5.0 kB freed\n", "")
    assert [path.name for path in cli.project.runs.iterdir()] == [NEWEST]
    assert not escalation.exists()


def test_a_run_that_cannot_be_moved_aside_is_named_and_the_others_go(cli: Cli) -> None:
    write_five_runs(cli)
    (cli.project.runs / f".pruned-{OLDER}").write_bytes(b"in the way")

    outcome = cli.run("runs", "prune", *BOUNDS)

    first, second, third = ROWS.splitlines(keepends=True)
    assert outcome == Outcome(
        1,
        f"✓ {first}✗ {second}✓ {third}2 runs removed, 3.0 MB freed\n",
        f".aad/runs/{OLDER}: cannot be removed: Not a directory "
        "(make it removable; the next aad runs prune tries again)\n",
    )
    assert list_runs(cli.project.runs) == [NEWEST, LATE, OLDER]


def prune_as_one_who_obeys(cli: Cli) -> tuple[int, Any]:
    """Prune in a process to which permissions mean something, as they do not to root."""
    humble = ("setpriv", "--inh-caps=-all", "--bounding-set=-all") if os.geteuid() == 0 else ()
    words = ("runs", "prune", "--format", "json")
    told = subprocess.run(
        [*humble, sys.executable, "-m", "aad", *words], cwd=cli.project.root, check=False, capture_output=True
    )
    return told.returncode, json.loads(told.stdout)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="root cannot be told to obey permissions here")
def test_files_that_cannot_be_removed_are_named_and_the_rest_goes(cli: Cli) -> None:
    folder = write_run(cli, OLDEST, days=40, size=50_000)
    write_run(cli, OLD, days=35)
    write_run(cli, NEWEST)
    hard = folder / "SPEC-002" / "1"
    hard.mkdir(parents=True)
    (hard / "output.log").write_bytes(bytes(1000))
    hard.chmod(0o500)

    status, told = prune_as_one_who_obeys(cli)

    (cli.project.runs / f".pruned-{OLDEST}" / "SPEC-002" / "1").chmod(0o700)
    cause = "Permission denied (make it removable; the next aad runs prune tries again)"
    left = [each for each in cli.project.runs.rglob("*.log") if NEWEST not in each.parts]
    assert (status, told["freed"], told["faults"], list_runs(cli.project.runs)) == (
        1,
        55_000,
        [
            {
                "path": f".aad/runs/.pruned-{OLDEST}/SPEC-002/1/output.log",
                "message": f"cannot be removed: {cause}",
            }
        ],
        [NEWEST],
    )
    assert left == [cli.project.runs / f".pruned-{OLDEST}" / "SPEC-002" / "1" / "output.log"]
    assert prune_as_one_who_obeys(cli)[0] == 0
    assert [path.name for path in cli.project.runs.iterdir()] == [NEWEST]
