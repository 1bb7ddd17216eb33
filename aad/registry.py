"""The specs of one run as they are registered: by value, by id, or many from files. Runs nothing."""

from collections.abc import Iterable, Iterator, Sequence

from attrs import define, evolve, field

from aad.agents import check_runnable
from aad.agents.function import FunctionAgent, Work
from aad.config import OrchestratorConfig, apply_overrides
from aad.errors import InputError, NothingMatchedError, Problem
from aad.formats.markdown import check_id
from aad.graph import DependencyGraph
from aad.loader import Catalogue, load_specs
from aad.project import Project
from aad.spec import Spec

Run = Work | str | Sequence[str]


@define(eq=False)
class Registry:
    """Specs by id, the callables that carry some of them out, and what depends on what.

    `added` names the specs that were taken in for others' sake.
    """

    project: Project
    config: OrchestratorConfig
    specs: dict[str, Spec] = field(factory=dict, init=False)
    functions: dict[str, FunctionAgent] = field(factory=dict, init=False)
    added: frozenset[str] = field(default=frozenset(), init=False)
    graph: DependencyGraph = field(factory=DependencyGraph, init=False)
    _catalogue: Catalogue | None = field(default=None, init=False)

    def register(self, spec: Spec | str, *, run: Run | None, depends_on: Iterable[str], title: str) -> Spec:
        """Take in one spec; an id alone stands for the project's spec file of that id, if there is one."""
        if isinstance(spec, str):
            needed = (depends_on,) if isinstance(depends_on, str) else tuple(depends_on)
            made = Spec(id=spec, title=title, depends_on=needed, text=title)
            spec = made if run is not None else self._find_file(spec) or made
        if isinstance(run, str):
            spec = evolve(spec, run=run)
        elif isinstance(run, Sequence):
            spec = evolve(spec, run=tuple(run))
        spec = apply_overrides(self.config, spec)
        if callable(run) and spec.isolation is None and self.config.workspace.isolation == "auto":
            # It runs in our process, whose folder is one for all: only who asks for a worktree looks for it.
            spec = evolve(spec, isolation="none")
        spec = self._add(spec)
        if callable(run):
            self.functions[spec.id] = FunctionAgent(run)
        return spec

    def register_many(self, specs: Iterable[Spec], *, added: Iterable[str]) -> list[Spec]:
        """Take in specs that were selected together; what they need besides was met or waived."""
        self.added |= frozenset(added)
        chosen = list(specs)
        known = self.specs.keys() | {spec.id for spec in chosen}
        return [
            self._add(evolve(spec, depends_on=[needed for needed in spec.depends_on if needed in known]))
            for spec in chosen
        ]

    def find_problems(self) -> Iterator[Problem]:
        """Yield what keeps the registered specs from being run."""
        for spec in self.specs.values():
            for needed in spec.depends_on:
                if needed not in self.specs:
                    yield Problem("dependency_unregistered", {"spec": spec.id, "needed": needed})
        commands = (spec for spec in self.specs.values() if spec.id not in self.functions)
        yield from check_runnable(commands, self.config)

    def find_blocked(self, spec_id: str) -> tuple[str, ...]:
        """Return the specs that cannot run before this one is complete."""
        return tuple(sorted(self.graph.needed_by([spec_id])))

    def _add(self, spec: Spec) -> Spec:
        problems = [*check_id(spec.id)]
        if spec.id in self.specs:
            problems.append(Problem("spec_registered_twice", {"spec": spec.id}))
        if problems:
            raise InputError(problems)
        self.specs[spec.id] = spec
        self.graph.add_spec(spec.id)
        for needed in spec.depends_on:
            self.graph.add_dependency(spec.id, needed)
        return spec

    def _find_file(self, spec_id: str) -> Spec | None:
        if self._catalogue is None:
            try:
                self._catalogue = load_specs(self.project, config=self.config)
            except (InputError, NothingMatchedError):  # no folder, or nothing in it
                return None
        found = self._catalogue.find(spec_id)
        if found is not None and self._catalogue.problems:
            raise InputError(self._catalogue.problems)
        return found
