"""Which spec needs which. Knows ids only: neither specs nor what is complete.

Nothing here recurses, and all of it is linear in specs and edges: a chain of 10,000 is ordinary.
"""

import graphlib
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from heapq import heapify, heappop, heappush

from attrs import define, field

from aad.errors import CycleError


@define
class DependencyGraph:
    """Specs and what each depends on. Filled by `add_spec` and `add_dependency` alone.

    >>> graph = DependencyGraph()
    >>> graph.add_dependency("CLI", depends_on="CONFIG")
    >>> graph.add_dependency("STORE", depends_on="CONFIG")
    >>> graph.topological_sort(), graph.waves(), graph.detect_cycle()
    (['CONFIG', 'CLI', 'STORE'], [['CONFIG'], ['CLI', 'STORE']], None)
    >>> graph.add_dependency("CONFIG", depends_on="STORE")
    >>> graph.detect_cycle()
    ['CONFIG', 'STORE', 'CONFIG']
    """

    nodes: dict[str, set[str]] = field(factory=dict, init=False)
    _dependents: dict[str, set[str]] = field(factory=dict, init=False, eq=False, repr=False)

    def add_spec(self, spec_id: str) -> None:
        self.nodes.setdefault(spec_id, set())
        self._dependents.setdefault(spec_id, set())

    def add_dependency(self, spec_id: str, depends_on: str) -> None:
        self.add_spec(spec_id)
        self.add_spec(depends_on)
        self.nodes[spec_id].add(depends_on)
        self._dependents[depends_on].add(spec_id)

    def topological_sort(self) -> list[str]:
        """Return all ids, dependencies first; of those that could come next, the smallest does."""
        sorter = self._prepare()
        ready, order = list(sorter.get_ready()), []
        heapify(ready)
        while ready:
            order.append(heappop(ready))
            sorter.done(order[-1])
            for spec_id in sorter.get_ready():
                heappush(ready, spec_id)
        return order

    def waves(self) -> list[list[str]]:
        """Group the ids so that each wave depends only on earlier ones, and lies as early as it can."""
        return list(_batches(self._prepare()))

    def detect_cycle(self) -> list[str] | None:
        """Return one cycle in full, each id needing the next, its smallest id first and again last."""
        try:
            self._prepare()
        except CycleError as error:
            return list(error.cycle)
        return None

    def dependents(self, spec_id: str) -> set[str]:
        """Return what depends on a spec directly."""
        return set(self._dependents[spec_id])

    def needs(self, spec_ids: Iterable[str]) -> set[str]:
        """Return all that the specs depend on, directly or not."""
        return _reach(self.nodes, spec_ids)

    def needed_by(self, spec_ids: Iterable[str]) -> set[str]:
        """Return all that depends on the specs, directly or not."""
        return _reach(self._dependents, spec_ids)

    def _prepare(self) -> graphlib.TopologicalSorter[str]:
        # Sorted, because graphlib finds the cycle that it meets first, and sets have no order of their own.
        sorter = graphlib.TopologicalSorter({node: sorted(self.nodes[node]) for node in sorted(self.nodes)})
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            raise CycleError(_turn(error.args[1])) from None
        return sorter


def _batches(sorter: graphlib.TopologicalSorter[str]) -> Iterator[list[str]]:
    while batch := sorter.get_ready():
        yield sorted(batch)
        sorter.done(*batch)


def _turn(cycle: list[str]) -> list[str]:
    """Return a cycle the way people read it: "A needs B", from the smallest id."""
    # graphlib names what is needed before what needs it.
    loop = cycle[:0:-1]
    start = loop.index(min(loop))
    return [*loop[start:], *loop[: start + 1]]


def _reach(edges: Mapping[str, AbstractSet[str]], start: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    stack = list(start)
    while stack:
        fresh = edges[stack.pop()] - reached
        reached |= fresh
        stack.extend(fresh)
    return reached
