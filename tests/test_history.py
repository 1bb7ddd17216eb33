"""What past runs teach about durations."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.history import SUMMARY_VERSION, read_durations


def write_summary(runs: Path, run: str, **durations: object) -> None:
    specs = [{"id": name, "status": "completed", "duration_s": took} for name, took in durations.items()]
    write_text(runs, run, json.dumps({"version": SUMMARY_VERSION, "specs": specs}))


def write_text(runs: Path, run: str, text: str) -> None:
    (runs / run).mkdir(parents=True)
    (runs / run / "summary.json").write_text(text, encoding="utf-8", errors="surrogateescape")


def test_without_runs_nothing_is_known(tmp_path: Path) -> None:
    assert read_durations(tmp_path / "runs") == {}


def test_the_median_of_all_runs_counts(tmp_path: Path) -> None:
    for number, seconds in enumerate((100, 3, 5)):
        write_summary(tmp_path, f"run-{number}", A=seconds)

    assert read_durations(tmp_path) == {"A": 5.0}


def test_only_the_newest_runs_are_looked_at(tmp_path: Path) -> None:
    for number, seconds in enumerate((1000, 2000, 10, 20, 30)):
        write_summary(tmp_path, f"run-{number}", A=seconds)

    assert read_durations(tmp_path, limit=3) == {"A": 20.0}


def test_a_run_that_left_no_summary_takes_nobodys_place(tmp_path: Path) -> None:
    write_summary(tmp_path, "run-1", A=7)
    (tmp_path / "run-2").mkdir()
    write_text(tmp_path, "run-3", "{torn")

    assert read_durations(tmp_path, limit=1) == {"A": 7.0}


def test_the_link_to_the_newest_run_is_not_another_run(tmp_path: Path) -> None:
    write_summary(tmp_path, "20261122-213612-7f3a", A=1)
    write_summary(tmp_path, "20261123-213612-7f3a", A=3)
    (tmp_path / "latest").symlink_to("20261123-213612-7f3a")

    assert read_durations(tmp_path) == {"A": 2.0}


@pytest.mark.parametrize(
    "status", ["failed", "timed_out", "cancelled", "skipped", "waiting", "pending", None]
)
def test_only_what_was_completed_says_how_long_it_takes(tmp_path: Path, status: str | None) -> None:
    specs = [{"id": "A", "status": status, "duration_s": 5.0}]
    write_text(tmp_path, "run", json.dumps({"version": SUMMARY_VERSION, "specs": specs}))

    assert read_durations(tmp_path) == {}


@pytest.mark.parametrize("took", [0, 0.0, -1, None, "5", [], float("nan"), float("inf"), float("-inf")])
def test_a_duration_that_is_none_is_passed_over(tmp_path: Path, took: object) -> None:
    write_summary(tmp_path, "run", A=took, B=2)

    assert read_durations(tmp_path) == {"B": 2.0}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"version": 1}',
        '{"version": 1, "specs": 3}',
        '{"version": 1, "specs": [null, 3, [], {}]}',
        '{"version": 2, "specs": [{"id": "A", "status": "completed", "duration_s": 1}]}',
        '{"specs": [{"id": "A", "status": "completed", "duration_s": 1}]}',
        '{"version": 1, "specs": [{"id": 7, "status": "completed", "duration_s": 1}]}',
        "\udcff",
        "[" * 100_000,
    ],
)
def test_what_is_no_summary_of_ours_is_passed_over(tmp_path: Path, text: str) -> None:
    write_text(tmp_path, "run", text)

    assert read_durations(tmp_path) == {}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["version", "specs", "id", "status", "duration_s"]), inner)
        ),
    )
)
def test_no_summary_whatever_it_holds_is_in_the_way(
    tmp_path_factory: pytest.TempPathFactory, content: object
) -> None:
    runs = tmp_path_factory.mktemp("runs")
    summary = content if not isinstance(content, dict) else {**content, "version": SUMMARY_VERSION}
    write_text(runs, "run", json.dumps(summary))

    assert all(seconds > 0 for seconds in read_durations(runs).values())
