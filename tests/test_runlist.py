"""The runs that a project has, found by their ids."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aad.errors import AadError, InputError
from aad.runlist import find_run, list_runs, point_latest

RUN = "20261122-213612-7f3a"


def message(call: Callable[[], object], lang: str = "en") -> str:
    """Return what a person is told of the error that a call raises."""
    with pytest.raises(AadError) as caught:
        call()
    return caught.value.render(lang)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return a folder with three runs, two of one day."""
    runs = tmp_path / "runs"
    for run in ("20261122-213612-7f3a", "20261123-010000-0a0a", "20261123-020000-0b0b"):
        (runs / run).mkdir(parents=True)
    point_latest(runs, "20261123-020000-0b0b")
    return runs


def test_runs_are_listed_newest_first(runs: Path) -> None:
    (runs / "notes.txt").touch()

    assert list_runs(runs) == ["20261123-020000-0b0b", "20261123-010000-0a0a", "20261122-213612-7f3a"]


def test_where_nothing_ever_ran_there_are_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "runs") == []
    assert (
        message(lambda: find_run(tmp_path / "runs")) == "there are no runs yet (aad orchestrate begins one)"
    )


def test_runs_that_cannot_be_listed_are_an_error_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()

    with pytest.raises(InputError, match="cannot be read: Not a directory"):
        list_runs(tmp_path / "runs")


@pytest.mark.parametrize(
    ("prefix", "run"),
    [
        (None, "20261123-020000-0b0b"),
        ("20261122", "20261122-213612-7f3a"),
        ("20261123-01", "20261123-010000-0a0a"),
        ("20261122-213612-7f3a", "20261122-213612-7f3a"),
    ],
)
def test_a_run_is_found_by_a_prefix_that_is_its_own(runs: Path, prefix: str | None, run: str) -> None:
    assert find_run(runs, prefix) == run


def test_a_whole_id_is_found_though_another_begins_with_it(runs: Path) -> None:
    (runs / "20261122-213612-7f3a-2").mkdir()

    assert find_run(runs, "20261122-213612-7f3a") == "20261122-213612-7f3a"


def test_a_prefix_of_several_runs_is_refused_with_their_ids(runs: Path) -> None:
    assert message(lambda: find_run(runs, "20261123")) == (
        "several runs begin with 20261123: 20261123-020000-0b0b, 20261123-010000-0a0a (give more of the id)"
    )


def test_a_prefix_of_no_run_is_refused_with_the_newest_ids(runs: Path) -> None:
    for number in range(9):
        (runs / f"20261124-00000{number}-ffff").mkdir()

    newest = ", ".join(f"20261124-00000{number}-ffff" for number in reversed(range(9)))
    assert message(lambda: find_run(runs, "2025"), "ja") == (
        f"2025 で始まる実行はありません（存在する実行: {newest}, 20261123-020000-0b0b …）"
    )


# --- the newest ---


def test_latest_names_the_run_it_was_pointed_at_last(runs: Path) -> None:
    point_latest(runs, "20261122-213612-7f3a")

    assert (runs / "latest").readlink() == Path("20261122-213612-7f3a")
    assert {entry.name for entry in runs.iterdir()} == {"latest", *list_runs(runs)}


def test_a_link_that_a_crash_left_half_made_is_replaced(runs: Path) -> None:
    (runs / f".latest.{RUN}").symlink_to("nowhere")

    point_latest(runs, RUN)

    assert (runs / "latest").readlink() == Path(RUN)


def test_latest_that_cannot_be_written_keeps_no_run_from_its_work(runs: Path) -> None:
    (runs / "latest").unlink()
    (runs / "latest").mkdir()

    point_latest(runs, RUN)

    assert (runs / "latest").is_dir()


def test_the_word_for_the_newest_run_finds_it(tmp_path: Path) -> None:
    for name in ("20260101-000000-0000", "20260102-000000-0000"):
        (tmp_path / name).mkdir()

    assert find_run(tmp_path, "latest") == "20260102-000000-0000"
