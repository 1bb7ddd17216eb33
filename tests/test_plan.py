from collections.abc import Iterable

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from aad.errors import CycleError
from aad.events import PlanEntry, PlanMade
from aad.plan import Plan, PlannedSpec, ReadyQueue, make_plan
from aad.spec import Spec, SpecStatus


def spec(
    spec_id: str,
    needs: str = "",
    *,
    estimate: float | None = None,
    weight: float | None = None,
    priority: int = 0,
) -> Spec:
    return Spec(id=spec_id, depends_on=needs.split(), estimate=estimate, weight=weight, priority=priority)


def diamond() -> list[Spec]:
    return [spec("A"), spec("B", "A"), spec("C", "A"), spec("D", "C B")]


def ranks(plan: Plan) -> dict[str, float]:
    return {planned.id: planned.rank for planned in plan.specs.values()}


def weights(plan: Plan) -> dict[str, float]:
    return {planned.id: planned.weight for planned in plan.specs.values()}


def run_alone(plan: Plan) -> list[str]:
    """Return the order in which one slot takes specs that are all ready."""
    queue, order = ReadyQueue(), []
    for planned in plan.specs.values():
        queue.add(planned)
    while (taken := queue.take()) is not None:
        order.append(taken.id)
        queue.release(taken)
    return order


def take_all(queue: ReadyQueue) -> list[PlannedSpec]:
    taken = []
    while (planned := queue.take()) is not None:
        taken.append(planned)
    return taken


def ids(planned: Iterable[PlannedSpec]) -> list[str]:
    return [each.id for each in planned]


# --- waves and order ---


def test_a_plan_has_the_specs_in_waves() -> None:
    plan = make_plan(reversed(diamond()), slots=2)

    assert plan.waves == plan.order == (("A",), ("B", "C"), ("D",))
    assert {planned.id: planned.wave for planned in plan.specs.values()} == {"A": 0, "B": 1, "C": 1, "D": 2}


def test_no_specs_make_an_empty_plan() -> None:
    plan = make_plan([], slots=2)

    assert plan == Plan(specs={}, waves=(), order=(), estimate=None)


def test_dependencies_stand_as_the_spec_names_them_and_dependents_in_id_order() -> None:
    plan = make_plan(reversed(diamond()), slots=2)

    assert plan.dependencies("D") == ("C", "B")
    assert plan.dependents("A") == ("B", "C")
    assert plan.dependents("D") == ()


def test_dependencies_outside_the_plan_are_dropped() -> None:
    plan = make_plan([spec("B", "A"), spec("C", "A B")], slots=2)

    assert plan.waves == (("B",), ("C",))
    assert plan.dependencies("C") == ("B",)


def test_what_is_done_keeps_its_wave_and_is_not_run() -> None:
    plan = make_plan(diamond(), done=["A", "B", "C"], slots=2)

    assert plan.waves == (("A",), ("B", "C"), ("D",))
    assert plan.order == (("D",),)
    assert plan.remaining == ("D",)
    assert [planned.done for planned in plan.specs.values()] == [True, True, True, False]


def test_a_spec_that_is_complete_by_its_own_word_is_done() -> None:
    plan = make_plan([Spec(id="A", status=SpecStatus.COMPLETE), spec("B", "A")], slots=2)

    assert plan.order == (("B",),)


def test_a_cycle_is_refused() -> None:
    with pytest.raises(CycleError) as refusal:
        make_plan([spec("A", "B"), spec("B", "A")], slots=2)

    assert refusal.value.cycle == ("A", "B", "A")


def test_what_was_added_is_named_in_id_order_unless_it_is_done() -> None:
    plan = make_plan(diamond(), done=["A"], added=["C", "B", "A"], slots=2)

    assert plan.added == ("B", "C")


def test_a_spec_without_an_agent_gets_that_of_the_plan() -> None:
    plan = make_plan([Spec(id="A", agent="codex"), spec("B")], slots=2, agent="claude")

    assert [planned.agent for planned in plan.specs.values()] == ["codex", "claude"]


def test_a_spec_with_a_command_of_its_own_is_run_by_no_agent() -> None:
    plan = make_plan([Spec(id="A", run="make")], slots=2, agent="claude")

    assert [planned.agent for planned in plan.specs.values()] == ["command"]


# --- weight and rank ---


def test_where_nothing_is_known_ranks_count_hops() -> None:
    plan = make_plan([*diamond(), spec("E")], slots=2)

    assert ranks(plan) == {"A": 3, "B": 2, "C": 2, "D": 1, "E": 1}


def test_a_rank_is_the_longest_remaining_path_with_the_spec_itself() -> None:
    specs = [
        spec("A", estimate=1),
        spec("B", "A", estimate=20),
        spec("C", "A", estimate=3),
        spec("D", "C", estimate=4),
    ]

    assert ranks(make_plan(specs, slots=2)) == {"A": 21, "B": 20, "C": 7, "D": 4}


def test_what_is_done_ends_a_path() -> None:
    assert ranks(make_plan(diamond(), done=["B", "C"], slots=2)) == {"A": 1, "B": 0, "C": 0, "D": 1}


def test_a_past_duration_counts_more_than_an_estimate() -> None:
    plan = make_plan([spec("A", estimate=60, weight=9)], durations={"A": 45}, slots=2)

    assert weights(plan) == {"A": 45}
    assert plan.specs["A"].estimate == 45


def test_what_says_nothing_of_itself_counts_as_the_middle_one_of_the_others() -> None:
    plan = make_plan(
        [spec("A", estimate=10), spec("B", estimate=30), spec("C")], durations={"B": 50}, slots=2
    )

    assert weights(plan) == {"A": 10, "B": 50, "C": 30}


def test_rough_weights_alone_count_as_they_are() -> None:
    plan = make_plan([spec("A", weight=1), spec("B", weight=8), spec("C", weight=2), spec("D")], slots=2)

    assert weights(plan) == {"A": 1, "B": 8, "C": 2, "D": 2}


def test_rough_weights_are_brought_to_the_scale_of_known_seconds() -> None:
    specs = [
        spec("A", estimate=100),
        spec("B", estimate=300),
        spec("C", weight=2),
        spec("D", weight=6),
        spec("E"),
    ]

    assert weights(make_plan(specs, slots=2)) == {"A": 100, "B": 300, "C": 100, "D": 300, "E": 200}


def test_rough_weights_of_nothing_do_no_harm() -> None:
    assert weights(make_plan([spec("A", weight=0), spec("B", estimate=5)], slots=2)) == {"A": 0, "B": 5}


def test_a_rough_weight_is_no_estimate() -> None:
    plan = make_plan([spec("A", weight=5)], slots=2)

    assert (plan.specs["A"].estimate, plan.estimate, plan.unestimated) == (None, None, ("A",))


# --- the queue of what is ready ---


def test_the_longest_remaining_path_goes_first_and_ties_in_id_order() -> None:
    plan = make_plan([spec("C", estimate=5), spec("B", estimate=5), spec("A", estimate=1)], slots=1)

    assert run_alone(plan) == ["B", "C", "A"]


def test_a_priority_goes_before_all_else() -> None:
    plan = make_plan(
        [spec("A", estimate=9), spec("B", priority=1), spec("C", priority=-1, estimate=99)], slots=1
    )

    assert run_alone(plan) == ["B", "A", "C"]


def test_an_empty_queue_gives_nothing() -> None:
    assert ReadyQueue().take() is None


def test_specs_with_a_path_in_common_never_run_together() -> None:
    specs = [Spec(id="A", paths=["src", "docs"]), Spec(id="B", paths=["src"]), Spec(id="C", paths=["test"])]
    plan, queue = make_plan(specs, slots=9), ReadyQueue()
    for planned in plan.specs.values():
        queue.add(planned)

    together = take_all(queue)
    queue.release(plan.specs["A"])

    assert ids(together) == ["A", "C"]
    assert ids(take_all(queue)) == ["B"]


@pytest.mark.parametrize("names", [("B", ""), ("", "A"), ("B", "A")])
def test_specs_in_conflict_never_run_together_whichever_says_so(names: tuple[str, str]) -> None:
    first, second = (name.split() for name in names)
    specs = [Spec(id="A", conflicts_with=first), Spec(id="B", conflicts_with=second), spec("C")]
    plan, queue = make_plan(specs, slots=9), ReadyQueue()
    for planned in plan.specs.values():
        queue.add(planned)

    assert ids(take_all(queue)) == ["A", "C"]


def test_conflicts_with_oneself_what_is_done_or_unknown_do_not_matter() -> None:
    specs = [Spec(id="A", conflicts_with=["A", "B", "X"]), spec("B")]

    plan = make_plan(specs, done=["B"], slots=9)

    assert plan.specs["A"].excludes == frozenset()


def test_a_spec_in_a_queue_does_not_keep_others_from_a_resource_that_is_free() -> None:
    # B waits for x; when it is looked at for y, x is still taken, and C must get y.
    specs = [Spec(id="A", paths=["x"]), Spec(id="Y", paths=["y"], priority=1)]
    specs += [Spec(id="B", paths=["x", "y"]), Spec(id="C", paths=["y"])]
    plan, queue = make_plan(specs, slots=9), ReadyQueue()
    for spec_id in ("A", "Y"):
        queue.add(plan.specs[spec_id])
    running = take_all(queue)
    for spec_id in ("B", "C"):
        queue.add(plan.specs[spec_id])

    blocked = take_all(queue)
    queue.release(plan.specs["Y"])
    after = take_all(queue)

    assert (ids(running), blocked, ids(after)) == (["Y", "A"], [], ["C"])


def test_a_spec_that_waits_for_two_resources_passes_the_free_one_on() -> None:
    # B stands in the queue of `a`, where it is woken while `b` is taken: C, behind it, must have `a`.
    specs = [Spec(id="1", paths=["a"], priority=2), Spec(id="2", paths=["b"], priority=2)]
    specs += [Spec(id="B", paths=["a", "b"], priority=1), Spec(id="C", paths=["a"])]
    plan, queue = make_plan(specs, slots=9), ReadyQueue()
    for planned in plan.specs.values():
        queue.add(planned)

    first = take_all(queue)
    queue.release(plan.specs["1"])
    second = take_all(queue)
    for spec_id in ("2", "C"):
        queue.release(plan.specs[spec_id])
    third = take_all(queue)

    assert (ids(first), ids(second), ids(third)) == (["1", "2"], ["C"], ["B"])


@given(st.lists(st.sets(st.sampled_from("abcd"), max_size=3), max_size=12), st.randoms())
def test_whatever_ends_first_all_run_and_none_waits_for_what_is_free(
    paths: list[set[str]], random: object
) -> None:
    specs = [Spec(id=f"T{number:02}", paths=sorted(each)) for number, each in enumerate(paths)]
    plan, queue, running, ended = make_plan(specs, slots=9), ReadyQueue(), list[PlannedSpec](), set[str]()
    for planned in plan.specs.values():
        queue.add(planned)

    while True:
        running += take_all(queue)
        held = [resource for each in running for resource in each.excludes]
        waiting = [each for each in plan.specs.values() if each.id not in ended and each not in running]
        assert len(held) == len(set(held))
        assert all(each.excludes & set(held) for each in waiting)
        if not running:
            break
        done = running.pop(random.randrange(len(running)))  # type: ignore[attr-defined]
        ended.add(done.id)
        queue.release(done)

    assert ended == set(plan.specs)


# --- how long it may take ---


def test_an_estimate_is_the_time_of_the_run_on_its_slots() -> None:
    specs = [
        spec("A", estimate=10),
        spec("B", "A", estimate=20),
        spec("C", "A", estimate=5),
        spec("D", "A", estimate=5),
    ]

    estimates = [make_plan(specs, slots=slots).estimate for slots in (1, 2, 3)]

    assert estimates == [40, 30, 30]


def test_what_is_done_takes_no_time() -> None:
    specs = [spec("A", estimate=10), spec("B", "A", estimate=20)]

    assert make_plan(specs, done=["A"], slots=1).estimate == 20
    assert make_plan(specs, done=["A", "B"], slots=1).estimate is None


def test_past_durations_count_in_an_estimate() -> None:
    assert make_plan([spec("A", estimate=10), spec("B")], durations={"A": 4, "B": 3}, slots=1).estimate == 7


def test_an_estimate_leaves_out_what_is_not_known_and_names_it() -> None:
    plan = make_plan(
        [spec("A", estimate=10), spec("B", "A"), spec("C", "B", estimate=20), spec("D")], slots=1
    )

    assert plan.estimate == 30
    assert plan.unestimated == ("D", "B")


def test_nothing_known_is_no_estimate() -> None:
    plan = make_plan(diamond(), slots=1)

    assert plan.estimate is None
    assert plan.unestimated == ("A", "B", "C", "D")


def test_an_estimate_minds_what_never_runs_together() -> None:
    specs = [Spec(id=f"T{number}", paths=["src"], estimate=5) for number in range(4)]

    assert make_plan(specs, slots=4).estimate == 20


def test_ten_thousand_specs_with_one_path_cost_no_more_than_others() -> None:
    specs = [Spec(id=f"T{number:05}", paths=["src"], estimate=1) for number in range(10_000)]

    assert make_plan(specs, slots=8).estimate == 10_000


def test_a_chain_of_ten_thousand_is_ordinary() -> None:
    specs = [
        spec(f"T{number:05}", f"T{number - 1:05}" if number else "", estimate=1) for number in range(10_000)
    ]

    plan = make_plan(specs, slots=8)

    assert plan.estimate == plan.specs["T00000"].rank == 10_000


# --- the event ---


def test_a_plan_becomes_an_event() -> None:
    first = Spec(
        id="A",
        title="First",
        path=".aad/specs/A.md",
        digest="0123456789abcdef",
        status=SpecStatus.COMPLETE,
        estimate=5,
    )
    second = Spec(id="B", depends_on=["A", "Z"], agent="codex", estimate=7)

    event = make_plan([second, first, spec("C", "A")], added=["C"], slots=2).to_event()

    assert event == PlanMade(
        specs=(
            PlanEntry(
                id="A",
                title="First",
                path=".aad/specs/A.md",
                status="complete",
                agent="command",
                estimate_s=5,
                hash="0123456789abcdef",
            ),
            PlanEntry(id="B", depends_on=("A",), wave=1, agent="codex", estimate_s=7),
            PlanEntry(id="C", depends_on=("A",), wave=1, agent="command", added=True),
        ),
        waves=(("A",), ("B", "C")),
        order=(("B", "C"),),
        estimate_s=7,
    )


def test_the_event_names_what_leaves_the_run() -> None:
    plan = evolve(make_plan([spec("A")], slots=1), removed=("B",))

    assert plan.to_event().removed == ("B",)


def test_an_entry_says_where_a_spec_stands() -> None:
    specs = [spec("A"), Spec(id="B", status=SpecStatus.DRAFT), spec("C")]

    event = make_plan(specs, done=["C"], slots=2).to_event()

    assert [entry.status for entry in event.specs] == ["ready", "draft", "complete"]
