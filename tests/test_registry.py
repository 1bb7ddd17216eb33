"""The specs of a run as they are registered."""

from pathlib import Path

import pytest

from aad.agents.function import ChildSession, FunctionAgent
from aad.config import AgentSettings, OrchestratorConfig, Override
from aad.errors import InputError
from aad.project import Project
from aad.registry import Registry, Run
from aad.spec import Spec, SpecStatus


async def work(session: ChildSession) -> None:
    """Do nothing."""


def make_registry(root: Path, config: OrchestratorConfig | None = None) -> Registry:
    return Registry(Project(root), config or OrchestratorConfig())


def register(registry: Registry, spec: Spec | str, *, run: Run | None = None, title: str = "") -> Spec:
    return registry.register(spec, run=run, depends_on=(), title=title)


def write_spec(root: Path, spec_id: str, text: str) -> None:
    folder = Project(root).specs
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{spec_id}.md").write_text(text, encoding="utf-8")


def test_an_id_with_a_shell_line_makes_a_spec(tmp_path: Path) -> None:
    registry = make_registry(tmp_path)

    spec = registry.register("A", run="make", depends_on=["B", "C", "B"], title="Build")

    assert spec == Spec(id="A", title="Build", depends_on=("B", "C"), run="make", text="Build")
    assert (registry.specs, registry.functions) == ({"A": spec}, {})
    assert registry.graph.nodes == {"A": {"B", "C"}, "B": set(), "C": set()}


def test_an_argv_is_kept_as_such(tmp_path: Path) -> None:
    assert register(make_registry(tmp_path), "A", run=["make", "-j"]).run == ("make", "-j")


def test_a_callable_is_the_specs_agent(tmp_path: Path) -> None:
    registry = make_registry(tmp_path)

    register(registry, "A", run=work)

    assert registry.functions == {"A": FunctionAgent(work)}
    assert list(registry.find_problems()) == []


def test_a_spec_keeps_what_it_says_and_run_goes_before(tmp_path: Path) -> None:
    spec = Spec(id="A", run="its own", verify="check", retries=2)

    registered = register(make_registry(tmp_path), spec, run="the caller's")

    assert registered == Spec(id="A", run="the caller's", verify="check", retries=2)


def test_an_id_alone_stands_for_its_file(tmp_path: Path) -> None:
    write_spec(tmp_path, "SPEC-001", "---\nrun: make\nretries: 2\n---\n# SPEC-001: One\n")

    spec = register(make_registry(tmp_path), "SPEC-001")

    assert (spec.title, spec.run, spec.retries, spec.path) == ("One", "make", 2, ".aad/specs/SPEC-001.md")


def test_an_id_that_comes_with_work_of_its_own_reads_no_file(tmp_path: Path) -> None:
    write_spec(tmp_path, "SPEC-001", "---\nno_such_key: 1\n---\n")

    assert register(make_registry(tmp_path), "SPEC-001", run="make").path is None


@pytest.mark.parametrize("spec_id", ["SPEC-002", "A"])
def test_an_id_without_file_is_a_spec_of_its_title_alone(tmp_path: Path, spec_id: str) -> None:
    write_spec(tmp_path, "SPEC-001", "# SPEC-001: One\n")

    spec = register(make_registry(tmp_path), spec_id, title="do it")

    assert spec == Spec(id=spec_id, title="do it", text="do it")


def test_faults_in_the_files_are_raised_with_the_id_that_needs_them(tmp_path: Path) -> None:
    write_spec(tmp_path, "SPEC-001", "---\nretires: 1\n---\n")
    write_spec(tmp_path, "SPEC-002", "---\nrun: [\n---\n")

    with pytest.raises(InputError) as caught:
        register(make_registry(tmp_path), "SPEC-001")

    assert [problem.path for problem in caught.value.problems] == [
        ".aad/specs/SPEC-001.md",
        ".aad/specs/SPEC-002.md",
    ]


def test_overrides_fill_what_a_spec_leaves_open(tmp_path: Path) -> None:
    config = OrchestratorConfig(override=(Override(specs="A*", timeout=5.0, verify="check"),))
    registry = make_registry(tmp_path, config)

    filled = [register(registry, Spec(id=name, run="x", verify="mine")) for name in ("A1", "B1")]

    assert [(spec.timeout, spec.verify) for spec in filled] == [(5.0, "mine"), (None, "mine")]


@pytest.mark.parametrize("spec_id", ["", "../x", "a b", "x" * 101, "run"])
def test_an_unsafe_id_is_refused_and_leaves_nothing(tmp_path: Path, spec_id: str) -> None:
    registry = make_registry(tmp_path)

    with pytest.raises(InputError):
        register(registry, Spec(id=spec_id), run="x")

    assert (registry.specs, registry.graph.nodes) == ({}, {})


def test_an_id_that_is_taken_keeps_its_first_spec(tmp_path: Path) -> None:
    registry = make_registry(tmp_path)
    first = register(registry, "A", run="x")

    with pytest.raises(InputError, match=r"^A is registered already \(each id once\)$"):
        register(registry, "A", run=work)

    assert (registry.specs, registry.functions) == ({"A": first}, {})


def test_many_lose_the_needs_that_lie_outside_of_them(tmp_path: Path) -> None:
    registry = make_registry(tmp_path)
    register(registry, "A", run="x")

    chosen = [Spec(id="B", run="x", depends_on=("A", "C", "Z")), Spec(id="C", run="x")]
    registered = registry.register_many(chosen, added=["C"])

    assert [spec.depends_on for spec in registered] == [("A", "C"), ()]
    assert registry.added == {"C"}
    assert list(registry.find_problems()) == []


def test_added_specs_add_up(tmp_path: Path) -> None:
    registry = make_registry(tmp_path)

    registry.register_many([Spec(id="A")], added=["A"])
    registry.register_many([Spec(id="B")], added=["B"])

    assert registry.added == {"A", "B"}


def test_all_that_keeps_specs_from_running_is_told(tmp_path: Path) -> None:
    registry = make_registry(tmp_path)
    registry.register("A", run="x", depends_on=["X", "Y"], title="")
    register(registry, Spec(id="B", agent="clod"))
    register(registry, "C")
    register(registry, "D", run=work)
    register(registry, Spec(id="E", status=SpecStatus.COMPLETE))

    problems = list(registry.find_problems())

    assert [(problem.key, problem.fields["spec"]) for problem in problems] == [
        ("dependency_unregistered", "A"),
        ("dependency_unregistered", "A"),
        ("agent_unknown", "B"),
        ("nothing_to_run", "C"),
    ]


def test_a_configured_command_runs_what_says_nothing_itself(tmp_path: Path) -> None:
    registry = make_registry(tmp_path, OrchestratorConfig(agent=AgentSettings(command=("agent",))))

    register(registry, "A")

    assert list(registry.find_problems()) == []


def test_what_a_spec_blocks_is_found_through_others_and_in_order(tmp_path: Path) -> None:
    registry = make_registry(tmp_path)
    for spec_id, needed in (("C", "B"), ("B", "A"), ("D", "A"), ("E", "X")):
        registry.register(spec_id, run="x", depends_on=[needed], title="")

    assert (registry.find_blocked("A"), registry.find_blocked("C")) == (("B", "C", "D"), ())
