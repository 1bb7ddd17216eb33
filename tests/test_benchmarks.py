"""The benchmarks work; what they find is no test's business."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# The benchmarks are a script, whose modules find each other beside it.
sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from graphs import SHAPES, make_layered
from measure import Command, CommandFailedError, alternate, find_peak, measure
from peers import list_tools
from projects import write_project
from report import Figure, Report, Table, render, show_number

RUN = str(Path(__file__).parents[1] / "benchmarks" / "run.py")


def run_benchmarks(folder: Path, *options: str) -> dict[str, Any]:
    """Run the command as people do, as small as it goes, and return what it wrote."""
    file = folder / "figures.json"
    argv = (sys.executable, RUN, "--quick", "--json", str(file), *options)
    subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return told


def describe_layer(name: str) -> int:
    return int(name[1:]) // 4


# --- graphs ---


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_has_as_many_tasks_as_asked_for_and_names_what_comes_first(shape: str) -> None:
    graph = SHAPES[shape](10)

    assert len(graph) == 10
    names = list(graph)
    assert all(names.index(need) < names.index(name) for name in graph for need in graph[name])


def test_wide_tasks_need_nothing_and_each_in_a_chain_needs_the_one_before() -> None:
    wide, chain = SHAPES["wide"](3), SHAPES["chain"](3)

    assert list(wide.values()) == [(), (), ()]
    assert chain == {"T00000": (), "T00001": ("T00000",), "T00002": ("T00001",)}


def test_a_layered_task_needs_three_of_the_layer_before() -> None:
    graph = make_layered(16)

    layers = {name: {describe_layer(need) for need in needed} for name, needed in graph.items()}

    assert all(
        layers[name] == ({describe_layer(name) - 1} if describe_layer(name) else set()) for name in graph
    )
    assert {len(needed) for needed in graph.values()} == {0, 3}


def test_a_layered_graph_is_the_same_each_time() -> None:
    assert make_layered(50) == make_layered(50)


# --- what a command costs ---


def test_a_command_that_works_for_a_while_costs_cpu_and_wall_time(tmp_path: Path) -> None:
    cost = measure(Command(argv=(sys.executable, "-c", "sum(range(1_000_000))"), cwd=tmp_path))

    assert cost.cpu > 0.005
    assert cost.wall > 0.005


def test_a_command_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    command = Command(argv=("sh", "-c", "echo too bad >&2; exit 3"), cwd=tmp_path)

    with pytest.raises(CommandFailedError) as caught:
        measure(command)

    assert str(caught.value) == "sh -c echo too bad >&2; exit 3 ended with 3:\ntoo bad\n"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_memory_is_that_of_the_command_and_not_of_whoever_measures_it(tmp_path: Path) -> None:
    ballast = b"x" * 60_000_000

    small = find_peak(Command(argv=("sleep", "0.05"), cwd=tmp_path))
    large = find_peak(
        Command(
            argv=(sys.executable, "-c", "import time; b = b'x' * 40_000_000; time.sleep(0.1)"), cwd=tmp_path
        )
    )

    assert len(ballast) == 60_000_000
    assert small is not None
    assert small < 10
    assert large is not None
    assert 40 < large < 60


def test_what_is_measured_takes_turns() -> None:
    turns: list[str] = []

    results = alternate({"a": lambda: turns.append("a"), "b": lambda: turns.append("b")}, 2)

    assert turns == ["a", "b", "a", "b"]
    assert results == {"a": [None, None], "b": [None, None]}


# --- tools ---


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tool", list_tools(2), ids=lambda tool: tool.name)
def test_each_tool_runs_the_graph_again_and_again(tmp_path: Path, tool: Any, shape: str) -> None:  # noqa: ANN401 - the name is the script's
    if tool.missing:
        pytest.skip(f"{tool.name} is not installed")
    command = tool.prepare(tmp_path / "project", SHAPES[shape](4))

    costs = [measure(command) for _ in range(2)]

    assert all(cost.cpu > 0 for cost in costs)


def test_a_project_has_one_spec_for_each_task(tmp_path: Path) -> None:
    write_project(tmp_path, {"A": (), "B": ("A",)}, run=("date", "+%s"))

    specs = sorted((tmp_path / ".aad" / "specs").iterdir())

    assert [path.name for path in specs] == ["A.md", "B.md"]
    assert specs[1].read_text(encoding="utf-8") == (
        "---\nid: B\ntitle: Task B\nstatus: Approved\ndepends_on: [A]\nestimate: 1s\n"
        'run: ["date", "+%s"]\n---\n\n# B: Task B\n\n'
        "What is to be built stands here, and nobody needs to parse it: the head says it all.\n"
    )


# --- the report ---


def test_figures_come_before_tables_and_tables_before_notes() -> None:
    report = Report(
        title="Tasks",
        figures=(Figure("aad/make", 2.5, aim="<= 3"), Figure("memory", 123.4, "MB")),
        tables=(Table(("tool", "ms", "MB"), [("aad", 1.234, None), ("make", 0.5, 2.0)]),),
        notes=("That is all.",),
    )

    assert render(report) == (
        "Tasks\n\naad/make   2.50x  (aim: <= 3)\nmemory    123 MB\n\n"
        "tool     ms    MB\naad    1.23     -\nmake  0.500  2.00\n\nThat is all.\n"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.1234, "0.123"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345.6, "12,346"),
        (-0.5, "-0.500"),
    ],
)
def test_numbers_have_three_figures_that_count(value: float, shown: str) -> None:
    assert show_number(value) == shown


# --- the command ---


def test_the_command_writes_the_machine_its_load_and_each_report(tmp_path: Path) -> None:
    told = run_benchmarks(tmp_path, "--only", "schedules", "--only", "latency")

    assert list(told) == ["machine", "load", "reports"]
    assert list(told["machine"]) == ["cores", "processor", "system", "python"]
    assert list(told["load"]) == ["before", "after"]
    assert list(told["reports"]) == ["schedules", "latency"]


def test_no_schedule_beats_the_lower_bound_and_eager_beats_waves(tmp_path: Path) -> None:
    (table,) = run_benchmarks(tmp_path, "--only", "schedules")["reports"]["schedules"]["tables"]

    eager, _, waves = (row[1:] for row in table["rows"])

    assert all(ratio > 0.9999 for row in table["rows"] for ratio in row[1:])
    assert sum(eager) < sum(waves)


@pytest.mark.slow
def test_all_benchmarks_work(tmp_path: Path) -> None:
    reports = run_benchmarks(tmp_path)["reports"]

    names = [
        "race",
        "startup",
        "planning",
        "latency",
        "growth",
        "containment",
        "monitor",
        "journal",
        "output",
        "streams",
        "schedules",
        "worktrees",
    ]
    assert list(reports) == names
    assert all(report["tables"] for report in reports.values())
