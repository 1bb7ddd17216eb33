"""A folder of specs as a test writes it, and what is loaded from it."""

from collections.abc import Mapping
from pathlib import Path

from aad.config import OrchestratorConfig
from aad.loader import Catalogue, load_specs
from aad.project import Project
from aad.spec import Spec

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
