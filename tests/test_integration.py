"""How finished work comes together."""

import os
from pathlib import Path

import pytest
import trio
from gitrepo import GitRepo

from aad.gitcalls import GitError
from aad.integration import NAMES, Author, ConflictError, Integration, Landing, Line

RUN = "20261122-213612-7f3a"
TARGET = f"refs/heads/aad/run/{RUN}"


class Plan:
    """A repository, and specs with what they need and what they made."""

    def __init__(self, root: Path) -> None:
        self.repo = GitRepo(root)
        self.base = self.repo.commit({"a.txt": "a\n"})
        self.needs: dict[str, list[str]] = {}
        self.results: dict[str, str] = {}
        self.newest = ""
        self.integration = self.open()

    def open(self) -> Integration:
        """Return the integration as a run has it when it begins, or goes on."""
        return Integration(
            repository=self.repo.open(),
            run=RUN,
            base=self.base,
            branch="aad/{spec}",
            find_result=self.results.get,
            find_needed=lambda spec: self.needs.get(spec, []),
            find_newest=lambda: self.newest,
        )

    def make(self, spec: str, files: dict[str, str], start: str = "") -> str:
        """Return a commit of a spec's session, as a workspace makes it."""
        changes: dict[str, str | None] = {**files}
        return self.repo.commit_on(start or self.base, changes, sign(spec).sign(sign(spec).subject))

    async def complete(self, spec: str, files: dict[str, str], start: str = "") -> str:
        """Bring what a spec's session made into the run's branch, and return it."""
        commit = self.make(spec, files, start)
        landing = await self.integration.prepare(commit, sign(spec))
        assert await self.integration.land(landing)
        self.results[spec] = commit
        return commit


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Return a run of which nothing is done."""
    return Plan(tmp_path / "repo")


def sign(spec: str, attempt: int = 1) -> Author:
    return Author(run=RUN, spec=spec, attempt=attempt, title=f"title of {spec}")


# Who a commit speaks of.


def test_a_message_names_the_spec_and_its_session() -> None:
    author = Author(run=RUN, spec="A", attempt=2, title="  two\n words ")

    assert author.sign(author.subject) == (
        f"A: two words\n\nAAD-Spec: A\nAAD-Session: {RUN}/A/2\nAAD-Run: {RUN}\n"
    )
    assert Author(run=RUN, spec="A", attempt=2).subject == "A"


# Where a session starts.


async def test_what_needs_nothing_starts_from_the_base(plan: Plan) -> None:
    await plan.complete("A", {"1": "1\n"})

    assert await plan.integration.find_start("B") == plan.base


async def test_what_needs_one_starts_from_that(plan: Plan) -> None:
    one = await plan.complete("A", {"1": "1\n"})
    await plan.complete("B", {"2": "2\n"})
    plan.needs["C"] = ["A"]

    assert await plan.integration.find_start("C") == one


async def test_what_needs_several_starts_from_their_merge_in_the_order_of_ids(plan: Plan) -> None:
    two = await plan.complete("B", {"2": "2\n"})
    one = await plan.complete("A", {"1": "1\n"})
    await plan.complete("X", {"x": "x\n"})
    plan.needs["C"] = ["B", "A"]

    start = await plan.integration.find_start("C")

    assert plan.repo.parents(start) == [one, two]
    assert plan.repo.files(start) == ["1", "2", "a.txt"]
    assert plan.repo.message(start) == f"Merge what C needs\n\nAAD-Run: {RUN}"


async def test_what_needs_all_there_is_starts_from_the_runs_branch(plan: Plan) -> None:
    await plan.complete("A", {"1": "1\n"})
    await plan.complete("B", {"2": "2\n"})
    plan.needs["C"] = ["A", "B"]

    assert await plan.integration.find_start("C") == plan.repo.find(TARGET)


async def test_what_is_behind_another_need_counts_once(plan: Plan) -> None:
    one = await plan.complete("A", {"1": "1\n"})
    two = await plan.complete("B", {"2": "2\n"}, one)
    plan.needs["C"] = ["A", "B"]

    assert await plan.integration.find_start("C") == two


async def test_of_what_made_nothing_that_counts_what_it_needed(plan: Plan) -> None:
    one = await plan.complete("A", {"1": "1\n"})
    plan.needs |= {"B": ["A"], "C": ["B"], "D": ["Z"]}

    assert await plan.integration.find_start("C") == one
    assert await plan.integration.find_start("D") == plan.base


async def test_needs_that_contradict_each_other_name_files_and_specs(plan: Plan) -> None:
    for spec in ("A", "B"):
        plan.results[spec] = plan.make(spec, {"a.txt": f"{spec}\n", "日本 語": f"{spec}\n", spec: "x\n"})
    plan.needs["C"] = ["A", "B"]

    with pytest.raises(ConflictError) as caught:
        await plan.integration.find_start("C")

    assert (caught.value.files, caught.value.specs) == (("a.txt", "日本 語"), ("A", "B"))


async def test_needs_whose_children_committed_themselves_are_named_as_well(plan: Plan) -> None:
    for spec in ("A", "B"):
        plan.results[spec] = plan.repo.commit_on(plan.base, {"a.txt": f"{spec}\n"}, "the child's own")
    plan.needs["C"] = ["A", "B"]

    with pytest.raises(ConflictError) as caught:
        await plan.integration.find_start("C")

    assert (caught.value.files, caught.value.specs) == (("a.txt",), ("A", "B"))


# What a session made.


async def test_a_commit_that_has_its_start_behind_it_rests_on_it(plan: Plan) -> None:
    commit = plan.make("A", {"1": "1\n"})

    assert await plan.integration.rest_on(plan.base, commit, sign("A")) == commit


async def test_a_history_that_was_rewritten_is_put_on_its_start_again(plan: Plan) -> None:
    start = plan.make("A", {"1": "1\n"})
    rewritten = plan.repo.commit_on(plan.base, {"2": "2\n"})

    commit = await plan.integration.rest_on(start, rewritten, sign("B"))

    assert plan.repo.parents(commit) == [start, rewritten]
    assert plan.repo.files(commit) == ["1", "2", "a.txt"]
    assert plan.repo.message(commit) == sign("B").sign("B: title of B").strip()


# Its branch.


async def test_a_branch_is_made_and_moved_on(plan: Plan) -> None:
    one = plan.make("A", {"1": "1\n"})
    two = plan.make("A", {"2": "2\n"}, one)

    names = [await plan.integration.name("A", commit) for commit in (one, one, two)]

    assert names == ["aad/A"] * 3
    assert plan.repo.find("aad/A") == two


async def test_a_branch_that_is_checked_out_stays(plan: Plan, tmp_path: Path) -> None:
    plan.repo.git("worktree", "add", "--quiet", "-b", "aad/A", os.fspath(tmp_path / "w"))
    commit = plan.make("A", {"1": "1\n"})

    name = await plan.integration.name("A", commit)

    assert (name, plan.repo.find("aad/A"), plan.repo.find("aad/A-2")) == ("aad/A-2", plan.base, commit)


async def test_a_branch_whose_commits_would_be_lost_stays(plan: Plan) -> None:
    old = plan.make("A", {"old": "1\n"})
    plan.repo.branch("aad/A", old)
    commit = plan.make("A", {"1": "1\n"})

    name = await plan.integration.name("A", commit)

    assert (name, plan.repo.find("aad/A")) == ("aad/A-2", old)


async def test_a_branch_whose_commits_have_another_name_moves(plan: Plan) -> None:
    old = plan.make("A", {"old": "1\n"})
    plan.repo.branch("aad/A", old)
    await plan.integration.save(None, old, sign("A"))
    commit = plan.make("A", {"1": "1\n"})

    assert await plan.integration.name("A", commit) == "aad/A"
    assert plan.repo.find("aad/A") == commit


async def test_a_branch_below_the_name_is_in_the_way_of_one_name_only(plan: Plan) -> None:
    plan.repo.branch("aad/A/mine")

    assert await plan.integration.name("A", plan.base) == "aad/A-2"


async def test_where_all_names_are_taken_it_is_an_error(plan: Plan) -> None:
    for number in range(1, NAMES + 1):
        name = "aad/A" if number == 1 else f"aad/A-{number}"
        plan.repo.branch(name, plan.make("A", {f"{number}": "x\n"}))

    with pytest.raises(GitError, match="the branches for A are all in use"):
        await plan.integration.name("A", plan.make("A", {"new": "x\n"}))


# The run's branch.


async def test_the_first_commit_follows_the_base_as_it_is(plan: Plan) -> None:
    commit = plan.make("A", {"1": "1\n"})

    landing = await plan.integration.prepare(commit, sign("A"))
    target = await plan.integration.land(landing)

    line = Line(ref=TARGET, old=None, tip=plan.base)
    assert landing == Landing(line=line, result=commit, tree=plan.repo.find(f"{commit}^{{tree}}"))
    assert (target, plan.repo.find(TARGET)) == (f"aad/run/{RUN}", commit)


async def test_a_commit_beside_another_is_merged(plan: Plan) -> None:
    one = await plan.complete("A", {"1": "1\n"})

    two = await plan.complete("B", {"2": "2\n"})

    result = plan.repo.find(TARGET)
    assert plan.repo.parents(result) == [one, two]
    assert plan.repo.files(result) == ["1", "2", "a.txt"]
    assert plan.repo.message(result) == sign("B").sign("Merge B: title of B").strip()


async def test_every_session_is_one_commit_in_the_line(plan: Plan) -> None:
    one = await plan.complete("A", {"1": "1\n"})
    await plan.complete("B", {"2": "2\n"})
    await plan.complete("C", {"3": "3\n"}, one)
    own = plan.repo.commit_on(plan.repo.find(TARGET), {"own": "x\n"}, "the child's own")
    await plan.complete("D", {"4": "4\n"}, own)
    alone = plan.repo.commit_on(plan.repo.find(TARGET), {"alone": "x\n"}, "another child's own")
    landing = await plan.integration.prepare(alone, sign("E"))
    await plan.integration.land(landing)

    asked = ("log", "--first-parent", "--reverse", "--format=%(trailers:key=AAD-Spec,valueonly)%-C()")
    told = plan.repo.git(*asked, f"{plan.base}..{TARGET}").split()

    assert told == ["A", "B", "C", "D", "E"]


async def test_a_session_that_made_nothing_moves_nothing(plan: Plan) -> None:
    await plan.complete("A", {"1": "1\n"})
    tip = plan.repo.find(TARGET)

    landing = await plan.integration.prepare(plan.base, sign("B"))
    target = await plan.integration.land(landing)

    assert (landing.result, landing.tree) == (tip, plan.repo.find(f"{plan.base}^{{tree}}"))
    assert (target, plan.repo.find(TARGET)) == (f"aad/run/{RUN}", tip)


async def test_a_conflict_names_the_files_and_both_specs(plan: Plan) -> None:
    await plan.complete("A", {"a.txt": "A\n", "1": "1\n"})
    await plan.complete("X", {"x": "x\n"})

    with pytest.raises(ConflictError) as caught:
        await plan.integration.prepare(plan.make("B", {"a.txt": "B\n"}), sign("B"))

    assert (caught.value.files, caught.value.specs) == (("a.txt",), ("A", "B"))


async def test_a_conflict_in_a_new_file_of_an_odd_name_names_the_other_spec_too(plan: Plan) -> None:
    await plan.complete("A", {"*新 しい": "A\n"})
    await plan.complete("X", {"新": "x\n"})

    with pytest.raises(ConflictError) as caught:
        await plan.integration.prepare(plan.make("B", {"*新 しい": "B\n"}), sign("B"))

    assert (caught.value.files, caught.value.specs) == (("*新 しい",), ("A", "B"))


async def test_of_two_that_land_at_once_one_is_to_merge_again(plan: Plan) -> None:
    one, two = (plan.make(spec, {spec: "x\n"}) for spec in ("A", "B"))
    first = await plan.integration.prepare(one, sign("A"))
    second = await plan.integration.prepare(two, sign("B"))

    assert await plan.integration.land(first) == f"aad/run/{RUN}"
    assert await plan.integration.land(second) is None
    assert plan.repo.find(TARGET) == one


async def test_a_branch_that_cannot_be_moved_is_an_error(plan: Plan) -> None:
    landing = await plan.integration.prepare(plan.make("A", {"1": "1\n"}), sign("A"))
    plan.repo.write(f".git/{TARGET}.lock")

    with pytest.raises(GitError, match="Unable to create"):
        await plan.integration.land(landing)


async def test_a_result_that_is_checked_out_goes_on_under_another_name(plan: Plan, tmp_path: Path) -> None:
    one = await plan.complete("A", {"1": "1\n"})
    plan.repo.git("worktree", "add", "--quiet", os.fspath(tmp_path / "w"), f"aad/run/{RUN}")

    two = await plan.complete("B", {"2": "2\n"})
    three = await plan.complete("C", {"3": "3\n"})

    assert plan.repo.find(TARGET) == one
    assert await plan.integration.find_line() == Line(
        ref=f"{TARGET}-2", old=plan.repo.find(f"{TARGET}-2"), tip=plan.repo.find(f"{TARGET}-2")
    )
    assert plan.repo.parents(f"{TARGET}-2")[1:] == [three]
    assert plan.repo.parents(f"{TARGET}-2^") == [one, two]


async def test_as_long_as_nothing_is_in_the_tip_is_the_base(plan: Plan) -> None:
    assert await plan.integration.find_line() == Line(ref=TARGET, old=None, tip=plan.base)
    assert await plan.integration.find_tip() == plan.base


# What came to nothing, and what was left.


async def test_work_that_came_to_nothing_has_a_ref_of_its_own(plan: Plan) -> None:
    one, two = (plan.make("A", {name: "x\n"}) for name in ("1", "2"))

    saved = [
        await plan.integration.save(None, commit, sign("A", attempt))
        for commit, attempt in ((one, 1), (one, 2), (two, 2))
    ]

    stem = f"refs/aad/{RUN}/A"
    assert saved == [(f"{stem}/1", one), (f"{stem}/2", one), (f"{stem}/2-2", two)]
    assert [plan.repo.find(ref) for ref, _ in saved] == [one, one, two]


async def test_work_that_was_not_committed_is_saved_as_a_commit_that_says_so(plan: Plan) -> None:
    tree = plan.repo.find(f"{plan.make('A', {'1': 'x'})}^{{tree}}")

    ref, commit = await plan.integration.save(tree, plan.base, sign("A"))

    assert (plan.repo.find(ref), plan.repo.parents(ref)) == (commit, [plan.base])
    assert plan.repo.find(f"{ref}^{{tree}}") == tree
    assert plan.repo.message(ref) == sign("A").sign("A: attempt 1, not completed").strip()


async def test_what_is_saved_already_is_not_saved_again(plan: Plan) -> None:
    head = plan.make("A", {"1": "x\n"})
    tree = plan.repo.find(f"{plan.make('A', {'2': 'x'}, head)}^{{tree}}")

    saved = [await plan.open().save(made, head, sign("A")) for made in (None, tree, None, tree)]

    assert saved[:2] == saved[2:]
    assert sum(ref.startswith("refs/aad/") for ref in plan.repo.refs()) == 2


async def test_a_run_that_goes_on_knows_what_is_in(plan: Plan) -> None:
    one = await plan.complete("A", {"1": "1\n"})
    two = await plan.complete("SPEC-001", {"2": "2\n"})

    again = plan.open()

    assert await again.find_landed("A") == one
    # Not the merge, which holds what others have made as well.
    assert await again.find_landed("SPEC-001") == two != plan.repo.find(TARGET)
    assert await again.find_landed("SPEC") is None


async def test_what_another_run_did_is_not_in(plan: Plan) -> None:
    other = Author(run="20261121-101010-0001", spec="A", attempt=1)
    commit = plan.repo.commit_on(plan.base, {"1": "1\n"}, other.sign("A"))
    plan.repo.branch(f"aad/run/{RUN}", commit)

    assert await plan.open().find_landed("A") is None


async def test_nothing_of_all_that_touches_what_is_the_users(plan: Plan) -> None:
    plan.repo.write("a.txt", "dirty\n")
    before = plan.repo.look()

    for spec in ("A", "B"):
        commit = await plan.complete(spec, {spec: "x\n"})
        await plan.integration.name(spec, commit)
        await plan.integration.save(None, commit, sign(spec, 2))
    plan.needs["C"] = ["A", "B"]
    await plan.integration.find_start("C")

    assert plan.repo.look() == before


async def test_many_that_land_at_once_are_all_in(plan: Plan) -> None:
    specs = [f"S{number}" for number in range(8)]

    async def land(spec: str) -> None:
        commit = plan.make(spec, {spec: "x\n"})
        while await plan.integration.land(await plan.integration.prepare(commit, sign(spec))) is None:
            pass

    async with trio.open_nursery() as nursery:
        for spec in specs:
            nursery.start_soon(land, spec)

    assert plan.repo.files(TARGET) == [*specs, "a.txt"]
