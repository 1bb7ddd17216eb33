from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.errors import CycleError
from aad.graph import DependencyGraph

IDS = st.sampled_from([f"T{number}" for number in range(8)])
EDGES = st.lists(st.tuples(IDS, IDS), max_size=20)


def make_graph(*edges: tuple[str, str]) -> DependencyGraph:
    graph = DependencyGraph()
    for spec_id, depends_on in edges:
        graph.add_dependency(spec_id, depends_on)
    return graph


def make_chain(length: int) -> DependencyGraph:
    return make_graph(*pairwise(f"T{number:05}" for number in reversed(range(length))))


def diamond() -> DependencyGraph:
    return make_graph(("B", "A"), ("C", "A"), ("D", "B"), ("D", "C"))


# --- what it holds ---


def test_nodes_map_each_spec_to_what_it_depends_on() -> None:
    graph = diamond()

    assert graph.nodes == {"A": set(), "B": {"A"}, "C": {"A"}, "D": {"B", "C"}}


def test_nodes_stand_in_the_order_in_which_they_were_named() -> None:
    graph = make_graph(("C", "B"), ("A", "B"))

    assert list(graph.nodes) == ["C", "B", "A"]


def test_a_spec_may_be_added_twice() -> None:
    graph = make_graph(("B", "A"))

    graph.add_spec("B")
    graph.add_dependency("B", "A")

    assert graph == make_graph(("B", "A"))


# --- order ---


def test_an_empty_graph_has_an_empty_order() -> None:
    graph = DependencyGraph()

    assert graph.topological_sort() == []
    assert graph.waves() == []
    assert graph.detect_cycle() is None


def test_dependencies_come_first_and_ties_in_id_order() -> None:
    graph = make_graph(("B", "Z"), ("C", "Z"), ("A", "C"))
    graph.add_spec("M")

    assert graph.topological_sort() == ["M", "Z", "B", "C", "A"]


def test_ids_compare_letter_by_letter() -> None:
    graph = DependencyGraph()
    for spec_id in ("T2", "T10", "T1"):
        graph.add_spec(spec_id)

    assert graph.topological_sort() == ["T1", "T10", "T2"]


def test_order_and_cycle_do_not_depend_on_the_order_of_adding() -> None:
    edges = [("B", "A"), ("C", "A"), ("D", "B"), ("D", "C")]
    loop = [("B", "A"), ("A", "C"), ("C", "B"), ("C", "A")]

    assert {tuple(make_graph(*some).topological_sort()) for some in permutations(edges)} == {tuple("ABCD")}
    assert {tuple(make_graph(*some).detect_cycle() or ()) for some in permutations(loop)} == {tuple("ACBA")}


def test_a_wave_holds_what_depends_on_earlier_waves_alone() -> None:
    graph = make_graph(("B", "A"), ("C", "A"), ("D", "B"), ("D", "C"), ("E", "A"), ("E", "D"))
    graph.add_spec("F")

    assert graph.waves() == [["A", "F"], ["B", "C"], ["D"], ["E"]]


@given(EDGES)
def test_an_order_has_each_spec_once_and_behind_all_it_needs(edges: list[tuple[str, str]]) -> None:
    graph = make_graph(*((max(edge), min(edge)) for edge in edges if edge[0] != edge[1]))

    order = graph.topological_sort()

    assert sorted(order) == sorted(graph.nodes)
    assert all(order.index(needed) < order.index(node) for node in order for needed in graph.nodes[node])


@given(EDGES)
def test_a_wave_is_one_more_than_the_latest_wave_it_needs(edges: list[tuple[str, str]]) -> None:
    graph = make_graph(*((max(edge), min(edge)) for edge in edges if edge[0] != edge[1]))

    wave_of = {node: number for number, wave in enumerate(graph.waves()) for node in wave}

    assert wave_of == {
        node: max((wave_of[needed] + 1 for needed in needs), default=0) for node, needs in graph.nodes.items()
    }


# --- cycles ---


def test_a_cycle_is_named_whole_each_id_needing_the_next() -> None:
    graph = make_graph(("B", "C"), ("C", "A"), ("A", "B"), ("D", "A"))

    assert graph.detect_cycle() == ["A", "B", "C", "A"]


def test_a_spec_that_needs_itself_is_a_cycle() -> None:
    graph = make_graph(("A", "A"))

    assert graph.detect_cycle() == ["A", "A"]


def test_a_graph_without_a_cycle_has_none() -> None:
    assert diamond().detect_cycle() is None


def test_sorting_a_cycle_raises_and_names_it() -> None:
    graph = make_graph(("B", "A"), ("A", "B"))

    with pytest.raises(CycleError) as sorting:
        graph.topological_sort()
    with pytest.raises(CycleError) as grouping:
        graph.waves()

    assert sorting.value.cycle == grouping.value.cycle == ("A", "B", "A")


@given(EDGES)
def test_a_graph_has_either_an_order_or_a_real_cycle(edges: list[tuple[str, str]]) -> None:
    graph = make_graph(*edges)

    cycle = graph.detect_cycle()

    if cycle is None:
        assert len(graph.topological_sort()) == len(graph.nodes)
    else:
        assert cycle[0] == cycle[-1] == min(cycle)
        assert len(set(cycle)) == len(cycle) - 1
        assert all(needed in graph.nodes[node] for node, needed in pairwise(cycle))


# --- neighbours ---


def test_dependents_are_the_direct_ones() -> None:
    graph = diamond()

    assert graph.dependents("A") == {"B", "C"}
    assert graph.dependents("D") == set()


def test_what_dependents_returns_is_the_callers_own() -> None:
    graph = diamond()

    graph.dependents("A").clear()

    assert graph.dependents("A") == {"B", "C"}


def test_needs_reach_through_others_and_leave_the_spec_itself_out() -> None:
    graph = diamond()
    graph.add_dependency("E", "D")

    assert graph.needs(["D"]) == {"A", "B", "C"}
    assert graph.needs(["B", "C"]) == {"A"}
    assert graph.needs([]) == set()


def test_needed_by_reaches_through_others() -> None:
    graph = diamond()
    graph.add_dependency("E", "D")

    assert graph.needed_by(["B"]) == {"D", "E"}
    assert graph.needed_by(["E"]) == set()


def test_needs_end_in_a_cycle_too() -> None:
    graph = make_graph(("A", "B"), ("B", "A"))

    assert graph.needs(["A"]) == {"A", "B"}


# --- size ---


def test_a_chain_of_ten_thousand_is_ordinary() -> None:
    graph = make_chain(10_000)

    order = graph.topological_sort()

    assert order == sorted(graph.nodes)
    assert len(graph.waves()) == 10_000
    assert len(graph.needs(["T09999"])) == len(graph.needed_by(["T00000"])) == 9_999


def test_a_cycle_of_ten_thousand_is_named_whole() -> None:
    graph = make_chain(10_000)
    graph.add_dependency("T00000", "T09999")

    cycle = graph.detect_cycle()

    assert cycle == ["T00000", *sorted(graph.nodes, reverse=True)]
