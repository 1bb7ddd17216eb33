"""Makes one catalogue of the spec files of a project: ids resolved, all faults found. Knows no selection.

Ids that the folder does not hold are looked up in `.aad/specs/` and `.aad/tasks/*/`, where a file is read
only if it is named.
"""

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from attrs import define, evolve, field, frozen

from aad.config import OrchestratorConfig
from aad.errors import InputError, NothingMatchedError, Problem
from aad.formats.faults import show
from aad.formats.folder import SpecFile, find_files
from aad.formats.markdown import Reading
from aad.formats.references import Reference, find_letters, looks_like_id
from aad.formats.statuswords import StatusWords, make_status_words
from aad.graph import DependencyGraph
from aad.project import Project
from aad.spec import Spec, SpecStatus, find_id_fault

# Each costs a look at all ids; whoever has more such faults than this mends some and asks again.
MOST_SUGGESTIONS = 20
MOST_CYCLES = 20


@frozen(kw_only=True)
class Catalogue:
    """The specs of a folder, and those elsewhere that they need.

    `lines` says for each spec where its `depends_on` are named, in their order, and `agent_lines` where it
    names an agent, if it does. `not_specs` are the paths
    of files that lie among the specs and are none.
    """

    specs: Mapping[str, Spec]
    elsewhere: Mapping[str, Spec] = field(factory=dict)
    lines: Mapping[str, tuple[int, ...]] = field(factory=dict)
    agent_lines: Mapping[str, int] = field(factory=dict)
    not_specs: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def find(self, spec_id: str) -> Spec | None:
        """Return the spec of an id, written exactly so."""
        return self.specs.get(spec_id) or self.elsewhere.get(spec_id)

    def find_line(self, spec: Spec, depends_on: str) -> int:
        """Return the line in which a spec of this catalogue names one that it depends on."""
        return self.lines[spec.id][spec.depends_on.index(depends_on)]


def load_specs(
    project: Project,
    *,
    specs_dir: Path | None = None,
    others: Iterable[Path] = (),
    config: OrchestratorConfig,
    wanted: Iterable[str] = (),
    known: Iterable[Spec] = (),
) -> Catalogue:
    """Read the specs of a folder, `.aad/specs/` or another; faults in files are the catalogue's `problems`.

    Ids that are `wanted` and not in the folder are looked for elsewhere too, also in `others`. Specs that are
    `known` are taken as they are, whatever their files say by now. Raises InputError where there is no such
    folder, NothingMatchedError where it holds no specs.
    """
    # Whole, so that what a run keeps of it holds wherever the run is taken up again.
    folder = project.specs if specs_dir is None else Path(os.path.abspath(specs_dir))  # noqa: PTH100 - links stay
    elsewhere = _Elsewhere(project, folder, tuple(others))
    loading = _Loading(make_status_words(config.orchestrator.require_status), elsewhere)
    loading.know(known)
    loading.read_all(_list_folder(folder, project.show(folder)))
    if not loading.specs and not loading.problems:
        raise NothingMatchedError(Problem("spec_none_found", {"folder": project.show(folder)}))
    for spec_id in wanted:
        # A glob names nothing elsewhere, and must not make us look at every file there.
        if find_id_fault(spec_id) is None and spec_id.casefold() not in loading.ids:
            loading.take_in(spec_id)
    loading.resolve_all()
    return loading.make_catalogue()


def _list_folder(folder: Path, shown: str) -> list[SpecFile]:
    try:
        return find_files(folder, shown)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(Problem("spec_folder_missing", {"folder": shown})) from None
    except OSError as error:
        fields = {"folder": shown, "fault": error.strerror}
        raise InputError(Problem("spec_folder_unreadable", fields)) from None


@define
class _Elsewhere:
    """The files of the other folders by the ids that they seem to have; listed when first asked for."""

    project: Project
    folder: Path
    others: tuple[Path, ...]
    _files: dict[str, list[SpecFile]] | None = field(default=None, init=False)

    def find(self, spec_id: str) -> list[SpecFile]:
        if self._files is None:
            self._files = {}
            for file in self._list_files():
                self._files.setdefault(file.peek_id().casefold(), []).append(file)
        return self._files.get(spec_id.casefold(), [])

    def _list_files(self) -> Iterator[SpecFile]:
        for folder in dict.fromkeys(
            (self.project.specs, *sorted(self.project.tasks.glob("*/")), *self.others)
        ):
            if folder.is_dir() and not folder.samefile(self.folder):
                yield from _list_folder(folder, self.project.show(folder))


@define
class _Loading:
    """The specs as they are found. `ids` leads from each id, less its case, to the id as it is written."""

    words: StatusWords
    other: _Elsewhere
    ids: dict[str, str] = field(factory=dict, init=False)
    specs: dict[str, Spec] = field(factory=dict, init=False)
    taken: dict[str, Spec] = field(factory=dict, init=False)
    lines: dict[str, tuple[int, ...]] = field(factory=dict, init=False)
    agent_lines: dict[str, int] = field(factory=dict, init=False)
    not_specs: list[str] = field(factory=list, init=False)
    problems: list[Problem] = field(factory=list, init=False)
    _known: set[str] = field(factory=set, init=False)
    _unresolved: list[tuple[Spec, Reading]] = field(factory=list, init=False)
    _conflicts: list[tuple[Spec, Reference]] = field(factory=list, init=False)
    _kinds: set[str] = field(factory=set, init=False)
    _suggestions: int = field(default=0, init=False)

    def know(self, specs: Iterable[Spec]) -> None:
        """Take specs as they are: what their files say is nobody's business any more."""
        for spec in specs:
            self.ids[spec.id.casefold()] = spec.id
            self.specs[spec.id] = spec
            self._known.add(spec.id.casefold())

    def read_all(self, files: Iterable[SpecFile]) -> None:
        for file in files:
            reading = file.read(self.words)
            if reading.spec is not None and reading.spec.id.casefold() in self._known:
                continue
            self.problems += reading.problems
            if not reading.is_spec:
                self.not_specs.append(file.shown)
            elif reading.spec is not None:
                self._add(reading.spec, reading, self.specs)

    def take_in(self, name: str) -> str | None:
        """Read a spec that lies elsewhere and return its id; None if there is none."""
        files = self.other.find(name)
        if not files:
            return None
        reading = files[0].read(self.words)
        if reading.spec is None or reading.spec.id.casefold() != name.casefold():
            return None
        self.problems += reading.problems
        self._add(reading.spec, reading, self.taken)
        for file in files[1:]:
            self._report_twice(reading.spec.id, file.shown, files[0].shown)
        return reading.spec.id

    def resolve_all(self) -> None:
        """Put the ids of specs where the files name them; what is taken in meanwhile has its turn too."""
        while self._unresolved:
            spec, reading = self._unresolved.pop()
            specs = self.specs if spec.id in self.specs else self.taken
            needed = self._find_all_needed(spec, reading)
            self.lines[spec.id] = tuple(needed.values())
            specs[spec.id] = evolve(spec, depends_on=needed)
        self._resolve_conflicts()

    def make_catalogue(self) -> Catalogue:
        problems = [*self.problems, *_find_cycles({**self.specs, **self.taken}, self.lines)]
        return Catalogue(
            specs=self.specs,
            elsewhere=self.taken,
            lines=self.lines,
            agent_lines=self.agent_lines,
            not_specs=tuple(self.not_specs),
            problems=tuple(sorted(problems, key=lambda problem: (problem.path or "", problem.line or 0))),
        )

    def _add(self, spec: Spec, reading: Reading, specs: dict[str, Spec]) -> None:
        # Ids name files and branches, and not every file system can tell `Spec-1` from `SPEC-1`.
        known = self.ids.setdefault(spec.id.casefold(), spec.id)
        if known in specs:
            self._report_twice(spec.id, spec.path, specs[known].path)
            return
        specs[known] = spec
        if reading.agent_line is not None:
            self.agent_lines[known] = reading.agent_line
        self._unresolved.append((spec, reading))
        self._conflicts += ((spec, reference) for reference in reading.conflicts)

    def _find_all_needed(self, spec: Spec, reading: Reading) -> dict[str, int]:
        """Return the ids that a spec depends on, and the line of each."""
        if spec.id in self.taken and spec.status is SpecStatus.COMPLETE:
            # It was planned where it lies, and what it needed there may be gone.
            return {}
        needed: dict[str, int] = {}
        for reference in reading.references:
            if (spec_id := self._find_needed(spec, reference)) is not None:
                needed.setdefault(spec_id, reference.line)
        return needed

    def _find_needed(self, spec: Spec, reference: Reference) -> str | None:
        """Return the id of what must come first; None where that is met, or was no id."""
        known = self._find_known(reference)
        if reference.complete and known not in self.specs:
            return None
        known = known or next(filter(None, map(self.take_in, reference.names)), None)
        if known is None and (reference.sure or self._has_kind(reference.names[0])):
            self._report_missing("spec_unresolved", spec, reference)
        return known

    def _resolve_conflicts(self) -> None:
        """Put the ids of specs where the files name what must not run beside them; nothing is taken in."""
        for spec, reference in self._conflicts:
            specs = self.specs if spec.id in self.specs else self.taken
            if (known := self._find_known(reference)) is not None:
                others = (*specs[spec.id].conflicts_with, known)
                specs[spec.id] = evolve(specs[spec.id], conflicts_with=others)
            elif not any(map(self.other.find, reference.names)):
                self._report_missing("spec_conflict_unresolved", spec, reference)

    def _find_known(self, reference: Reference) -> str | None:
        return next(filter(None, (self.ids.get(name.casefold()) for name in reference.names)), None)

    def _has_kind(self, name: str) -> bool:
        """Return whether a word has the shape of an id, and there are specs of its kind."""
        if not self._kinds:
            self._kinds.update(map(find_letters, self.specs))
        return looks_like_id(name) and find_letters(name) in self._kinds

    def _report_twice(self, spec_id: str, path: str | None, other: str | None) -> None:
        self.problems.append(Problem("spec_id_twice", {"id": spec_id, "other": other}, path, 1))

    def _report_missing(self, key: str, spec: Spec, reference: Reference) -> None:
        self._suggestions += 1
        name = reference.names[0]
        near = (
            get_close_matches(name, self.ids.values(), n=1) if self._suggestions <= MOST_SUGGESTIONS else []
        )
        if near:
            fields = {"id": show(name), "near": near[0]}
            self.problems.append(Problem(f"{key}_near", fields, spec.path, reference.line))
        else:
            self.problems.append(Problem(key, {"id": show(name)}, spec.path, reference.line))


def _find_cycles(specs: Mapping[str, Spec], lines: Mapping[str, tuple[int, ...]]) -> Iterator[Problem]:
    """Yield a problem for each cycle, at the edge with which it begins; the next is one without that edge."""
    cut: set[tuple[str, str]] = set()
    while len(cut) < MOST_CYCLES and (cycle := _detect_cycle(specs, cut)):
        spec, needed = specs[cycle[0]], cycle[1]
        line = lines[spec.id][spec.depends_on.index(needed)]
        yield Problem("cycle", {"cycle": " → ".join(cycle)}, spec.path, line)
        cut.add((spec.id, needed))


def _detect_cycle(specs: Mapping[str, Spec], cut: Container[tuple[str, str]]) -> list[str] | None:
    graph = DependencyGraph()
    for spec in specs.values():
        for needed in spec.depends_on:
            if (spec.id, needed) not in cut:
                graph.add_dependency(spec.id, needed)
    return graph.detect_cycle()
