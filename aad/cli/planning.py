"""From options to a plan: reads the specs, selects, orders. Starts nothing and loads nothing that could."""

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from aad.agents import check_runnable, find_names
from aad.cli.console import Console
from aad.config import apply_overrides
from aad.configfile import find_idle_rules, locate_setting
from aad.display.text import clean
from aad.errors import Problem
from aad.history import read_durations
from aad.loader import Catalogue, load_specs
from aad.messages import counted
from aad.plan import Plan, make_plan
from aad.redaction import make_redactor, mask_titles
from aad.selection import Selection, parse_wanted, select
from aad.sharing import find_sharing
from aad.spec import Spec

if TYPE_CHECKING:
    from aad.checkout import Checkout

# What may hide a `run:` or `agent:` line from its reader.
_HEAD_FAULTS = ("spec_key_", "spec_value_")


@frozen(kw_only=True)
class Wish:
    """What the user selected: `specs` as written, ids and globs; all specs where that is None.

    `accept_changes`: a run goes on though its specs are not what it planned any more.
    """

    specs: str | None = None
    everything: bool = False
    specs_dir: Path | None = None
    with_dependencies: bool = True
    allow_draft: bool = False
    accept_changes: bool = False

    @property
    def says_which(self) -> bool:
        """Whether specs were named at all; a run that is resumed knows its own."""
        return self.everything or self.specs is not None

    def parse(self) -> tuple[str, ...] | None:
        """Return the ids and globs that were named, None for all specs; raises InputError."""
        return None if self.specs is None else parse_wanted(self.specs)


def choose_specs(console: Console, wish: Wish) -> Selection:
    """Return the specs that a wish comes to; raises InputError, NothingMatchedError."""
    return choose_among(console, wish, load_wished(console, wish))


def find_specs(console: Console, wish: Wish) -> Selection:
    """Return the specs that a wish comes to, whether they can be run or not; raises as `choose_specs`."""
    return choose_among(console, wish, load_wished(console, wish), to_run=False)


def load_wished(console: Console, wish: Wish, *, known: Iterable[Spec] = ()) -> Catalogue:
    """Return the specs that a wish may come to; raises InputError, NothingMatchedError."""
    return load_specs(
        console.project,
        specs_dir=wish.specs_dir,
        config=console.config,
        wanted=wish.parse() or (),
        known=known,
    )


def choose_among(console: Console, wish: Wish, catalogue: Catalogue, *, to_run: bool = True) -> Selection:
    """Return the specs of a catalogue that a wish comes to; raises InputError, NothingMatchedError."""
    selection = select(
        catalogue,
        wish.parse(),
        with_dependencies=wish.with_dependencies,
        allow_draft=wish.allow_draft,
        draw_drafts=not to_run,
        find_faults=lambda specs: find_faults(console, catalogue, specs) if to_run else (),
    )
    return fill_in(console, selection)


def fill_in(console: Console, selection: Selection) -> Selection:
    """Return the selection with what its specs leave to the config's overrides."""
    specs = tuple(apply_overrides(console.config, spec) for spec in selection.specs)
    return evolve(selection, specs=specs)


def find_faults(console: Console, catalogue: Catalogue, specs: Iterable[Spec]) -> list[Problem]:
    """Return what has nothing to run it or to be run. Of a file whose head is at fault that is not known."""
    unknown = {problem.path for problem in catalogue.problems if problem.key.startswith(_HEAD_FAULTS)}
    known = [spec for spec in specs if spec.digest and spec.path not in unknown]
    filled = [apply_overrides(console.config, spec) for spec in known]
    return check_runnable(filled, console.config, agent_lines=catalogue.agent_lines)


def plan_selection(console: Console, selection: Selection, *, completed: Collection[str] = ()) -> Plan:
    """Return the plan for a selection, fit to be shown, with what past runs taught about durations.

    `completed` are the specs that a run which goes on has behind it.
    """
    return make_plan(
        hide_secrets(console, selection.specs),
        done=selection.done.union(completed),
        added=selection.added,
        durations=read_durations(console.project.runs),
        slots=console.config.orchestrator.slots,
        agent=console.config.agent.kind,
    )


def hide_secrets(console: Console, specs: Iterable[Spec]) -> tuple[Spec, ...]:
    """Return specs as they may be shown: what in their titles is known to be secret is masked."""
    return mask_titles(make_redactor(console.config, os.environ), tuple(specs))


def tell_drafts(console: Console, selection: Selection) -> None:
    """Name the drafts that `--all` and globs left out."""
    if selection.drafts_left_out:
        names = ", ".join(selection.drafts_left_out)
        console.err.write(console.text("drafts_left_out", {"names": names}) + "\n")


def find_idle(console: Console, ids: Collection[str] | None = None) -> list[Problem]:
    """Return a warning for each rule of the settings that never decides; `ids` are those of all specs."""
    if not console.config.escalation.policy:
        return []
    return find_idle_rules(console.project, profile=console.profile, environ=os.environ, ids=ids)


def find_idle_bounds(console: Console, names: Iterable[str]) -> list[Problem]:
    """Return a warning for each bound in dollars that does not hold one of these agents."""
    config = console.config
    bounds = [config.budget.max_cost_usd, config.agent.max_cost_usd]
    if not any((*bounds, *(options.max_cost_usd for options in config.agents.values()))):
        return []
    # All kinds of agents are loaded with it.
    from aad.agents import idlebounds

    problems = []
    for idle in idlebounds.find_idle_bounds(config, names):
        locate = locate_setting(console.project, idle.keys, profile=console.profile, environ=os.environ)
        problems.append(locate("config_bound_cost", {"agents": ", ".join(idle.agents)}))
    return problems


def tell_idle(console: Console, plan: Plan) -> None:
    """Warn of what in the settings has no use for what is about to run."""
    left = [plan.specs[spec_id].spec for spec_id in plan.remaining]
    names = dict.fromkeys(name for spec in left for name in find_names(spec, console.config))
    tell_problems(console, [*find_idle(console), *find_idle_bounds(console, names)])


def tell_problems(console: Console, problems: Iterable[Problem]) -> None:
    """Warn of what keeps nobody from going on."""
    for problem in problems:
        console.err.write(clean(problem.render(console.lang)) + "\n")


def find_wanted_checkout(console: Console, plan: Plan) -> "Checkout | None":
    """Return the checkout from which worktrees would be made, None where none are; raises InputError."""
    from aad.checkout import find_checkout

    left = [plan.specs[spec_id].spec for spec_id in plan.remaining]
    return find_checkout(console.project.root, console.config.workspace, left)


def tell_uncommitted(console: Console, checkout: "Checkout | None") -> None:
    """Warn of changes in the user's checkout that no session in a worktree sees."""
    from aad.checkout import count_uncommitted
    from aad.gitcalls import GitError

    if checkout is None or console.config.workspace.base:
        return
    # What cannot be counted is no reason not to begin.
    with suppress(GitError):
        if number := count_uncommitted(console.project.root):
            told = counted(console.lang, "uncommitted", number, {"base": checkout.base[:12]})
            console.err.write(told + "\n")


def tell_sharing(console: Console, plan: Plan) -> None:
    """Warn of sessions that could work side by side in the project's own folder."""
    # Here, not above: what can ask git is loaded only by those who are about to run something.
    from aad.checkout import lies_in_repository

    config, inside = console.config, lies_in_repository(console.project.root)
    slots = config.orchestrator.slots
    if pair := find_sharing(plan, config.workspace, in_repository=inside, slots=slots):
        key = "folder_shared_in_repository" if inside else "folder_shared"
        console.err.write(console.text(key, dict(zip(("first", "second"), pair, strict=True))) + "\n")
