"""Which specs a run takes: those asked for, and what they need. Knows neither files nor order."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from attrs import define, field, frozen

from aad.errors import InputError, NothingMatchedError, Problem
from aad.formats.faults import escape
from aad.loader import Catalogue
from aad.spec import Spec, SpecStatus, clean_id

# Each costs a look at all ids; whoever mistypes more names mends some and asks again.
MOST_SUGGESTIONS = 20

_GLOB = re.compile(r"[*?\[]")


@frozen(kw_only=True)
class Selection:
    """What a run takes, in the order of ids.

    Of `specs`, `added` are there because others need them, `done` are complete and not run again. What a
    spec depends on and is not among them counts as met. `drafts_left_out` matched and are drafts.
    """

    specs: tuple[Spec, ...]
    added: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()
    drafts_left_out: tuple[str, ...] = ()


def parse_wanted(text: str) -> tuple[str, ...]:
    """Return the ids and globs of `A, B,,C*`; raises InputError where there are none."""
    names = tuple(dict.fromkeys(filter(None, map(clean_id, text.split(",")))))
    if not names:
        raise InputError(Problem("select_empty"))
    return names


def select(
    catalogue: Catalogue,
    wanted: Sequence[str] | None,
    *,
    with_dependencies: bool = True,
    allow_draft: bool = False,
    draw_drafts: bool = False,
    find_faults: Callable[[Iterable[Spec]], Iterable[Problem]] = lambda _: (),
) -> Selection:
    """Return the specs that are wanted (`None`: all) and what they need unless that is complete.

    Raises NothingMatchedError where nothing matches, InputError for all other faults of the catalogue and
    of what is wanted, together with the faults that `find_faults` finds in the specs that were chosen.
    With `draw_drafts` a draft that is needed is no fault: nothing is to be run.
    """
    names = None if wanted is None else parse_wanted(",".join(wanted))
    choice = _Choice(catalogue, allow_draft, draw_drafts)
    if names is None:
        choice.take_all(catalogue.specs.values())
    else:
        choice.take_named(names)
    if with_dependencies:
        choice.take_needed()
    choice.judge(find_faults)
    return choice.settle()


@define
class _Choice:
    """What has been chosen so far, and what is wrong with it."""

    catalogue: Catalogue
    allow_draft: bool
    draw_drafts: bool
    _chosen: dict[str, Spec] = field(factory=dict, init=False)
    _added: set[str] = field(factory=set, init=False)
    _drafts: set[str] = field(factory=set, init=False)
    _unmatched: list[str] = field(factory=list, init=False)
    _problems: list[Problem] = field(factory=list, init=False)

    def take_all(self, specs: Iterable[Spec]) -> None:
        """Choose specs that nobody named one by one: drafts are left out."""
        for spec in specs:
            if self._is_refused(spec):
                self._drafts.add(spec.id)
            else:
                self._chosen[spec.id] = spec

    def take_named(self, names: Iterable[str]) -> None:
        by_folded_id = {spec.id.casefold(): spec for spec in _list_specs(self.catalogue)}
        for name in names:
            if _GLOB.search(name):
                self._take_matching(name)
            elif (spec := self.catalogue.find(name) or by_folded_id.get(name.casefold())) is None:
                self._unmatched.append(name)
            elif self._is_refused(spec):
                self._problems.append(Problem("select_draft", {"id": spec.id}, spec.path, 1))
            else:
                self._chosen[spec.id] = spec

    def take_needed(self) -> None:
        """Choose what the chosen ones need, and so on; what is complete needs nothing."""
        waiting = list(self._chosen.values())
        while waiting:
            spec = waiting.pop()
            if spec.status is SpecStatus.COMPLETE:
                continue
            for needed in spec.depends_on:
                other = self.catalogue.find(needed)
                if other is not None and needed not in self._chosen and self._take_for(spec, other):
                    waiting.append(other)

    def judge(self, find_faults: Callable[[Iterable[Spec]], Iterable[Problem]]) -> None:
        """Note what is wrong with what was chosen."""
        self._problems += find_faults(self._chosen.values())

    def settle(self) -> Selection:
        """Return what was chosen; raises for all that is wrong with it."""
        self._raise_faults()
        chosen = sorted(self._chosen.values(), key=lambda spec: spec.id)
        return Selection(
            specs=tuple(chosen),
            added=frozenset(self._added),
            done=frozenset(spec.id for spec in chosen if spec.status is SpecStatus.COMPLETE),
            drafts_left_out=tuple(sorted(self._drafts - self._chosen.keys())),
        )

    def _is_refused(self, spec: Spec) -> bool:
        return spec.status is SpecStatus.DRAFT and not self.allow_draft

    def _take_matching(self, glob: str) -> None:
        matching = [spec for spec in self.catalogue.specs.values() if fnmatchcase(spec.id, glob)]
        if not matching:
            self._unmatched.append(glob)
        self.take_all(matching)

    def _take_for(self, spec: Spec, needed: Spec) -> bool:
        """Choose what a spec needs; return whether it could be."""
        if self._is_refused(needed) and not self.draw_drafts:
            line = self.catalogue.find_line(spec, needed.id)
            self._problems.append(Problem("select_draft_needed", {"id": needed.id}, spec.path, line))
            return False
        self._chosen[needed.id] = needed
        if needed.status is not SpecStatus.COMPLETE:
            self._added.add(needed.id)
        return True

    def _raise_faults(self) -> None:
        faults = sorted(
            (*self.catalogue.problems, *self._problems),
            key=lambda problem: (problem.path or "", problem.line or 0),
        )
        unmatched = tuple(_describe_unmatched(self._unmatched, self.catalogue))
        if faults or (unmatched and self._chosen):
            raise InputError((*faults, *unmatched))
        if self._chosen:
            return
        if self._drafts:
            drafts = Problem("select_only_drafts", {"ids": ", ".join(sorted(self._drafts))})
            raise NothingMatchedError((drafts, *unmatched))
        raise NothingMatchedError(unmatched)


def _list_specs(catalogue: Catalogue) -> Iterator[Spec]:
    yield from catalogue.elsewhere.values()
    yield from catalogue.specs.values()


def _describe_unmatched(names: Sequence[str], catalogue: Catalogue) -> Iterator[Problem]:
    ids = [spec.id for spec in _list_specs(catalogue)]
    for count, name in enumerate(names):
        near = get_close_matches(name, ids, n=1) if count < MOST_SUGGESTIONS else []
        if near:
            yield Problem("select_unknown_near", {"name": escape(name), "near": near[0]})
        else:
            yield Problem("select_unknown", {"name": escape(name)})
