"""Facts about when sessions could work side by side in the project's folder."""

from collections.abc import Collection

from aad.config import WorkspaceSettings
from aad.plan import make_plan
from aad.sharing import find_sharing
from aad.spec import Spec

AUTO = WorkspaceSettings()


def find(
    *specs: Spec,
    settings: WorkspaceSettings = AUTO,
    in_repository: bool = False,
    slots: int = 2,
    done: Collection[str] = (),
) -> tuple[str, str] | None:
    plan = make_plan(specs, done=done, slots=slots)
    return find_sharing(plan, settings, in_repository=in_repository, slots=slots)


def test_two_specs_that_nothing_keeps_apart_are_found() -> None:
    assert find(Spec(id="A"), Spec(id="B"), Spec(id="C")) == ("A", "B")


def test_one_slot_keeps_all_apart() -> None:
    assert find(Spec(id="A"), Spec(id="B"), slots=1) is None


def test_worktrees_keep_all_apart() -> None:
    assert find(Spec(id="A"), Spec(id="B"), in_repository=True) is None


def test_who_wants_the_project_s_folder_in_a_repository_is_told_as_well() -> None:
    none = WorkspaceSettings(isolation="none")

    assert find(Spec(id="A"), Spec(id="B"), settings=none, in_repository=True) == ("A", "B")


def test_a_spec_in_a_folder_of_its_own_shares_it_with_nobody() -> None:
    assert find(Spec(id="A"), Spec(id="B", isolation="directory")) is None


def test_specs_that_need_each_other_come_one_by_one() -> None:
    specs = (Spec(id="A"), Spec(id="B", depends_on=["A"]), Spec(id="C", depends_on=["B"]))

    assert find(*specs) is None


def test_both_sides_of_a_diamond_share() -> None:
    sides = (Spec(id="B", depends_on=["A"]), Spec(id="C", depends_on=["A"]))

    assert find(Spec(id="A"), *sides, Spec(id="D", depends_on=["B", "C"])) == ("B", "C")


def test_what_is_done_shares_with_nobody() -> None:
    assert find(Spec(id="A"), Spec(id="B"), done=["A"]) is None


def test_what_is_ready_now_shares_though_it_had_to_wait_for_what_is_done() -> None:
    specs = (Spec(id="A"), Spec(id="B"), Spec(id="C", depends_on=["A"]))

    assert find(*specs, done=["A"]) == ("B", "C")


def test_what_comes_before_in_a_folder_of_its_own_keeps_nobody_apart() -> None:
    apart = Spec(id="A", isolation="directory")

    assert find(apart, Spec(id="B", depends_on=["A"]), Spec(id="C")) == ("B", "C")


def test_specs_in_conflict_are_kept_apart() -> None:
    assert find(Spec(id="A", conflicts_with=["B"]), Spec(id="B")) is None


def test_behind_a_spec_in_conflict_with_all_others_these_may_still_share() -> None:
    assert find(Spec(id="A", conflicts_with=["B", "C"]), Spec(id="B"), Spec(id="C")) == ("B", "C")


def test_paths_in_both_say_that_two_do_not_meet() -> None:
    assert find(Spec(id="A", paths=["src"]), Spec(id="B", paths=["docs"])) is None


def test_a_spec_without_paths_may_meet_any_other() -> None:
    assert find(Spec(id="A", paths=["src"]), Spec(id="B", paths=["docs"]), Spec(id="C")) == ("A", "C")


def test_ten_thousand_specs_that_share_a_path_are_looked_at_once_each() -> None:
    specs = [Spec(id=f"S-{number}", paths=["db", f"own-{number}"]) for number in range(10_000)]

    assert find(*specs) is None
