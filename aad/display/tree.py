"""A plan drawn for people: a tree, the order, what was added, and how long it may take. Prints nothing.

A spec stands once, below the dependency that lies in the latest wave; the others that are not on its branch
are named behind it. What is too wide for the terminal loses its titles; what is still too wide, or too deep,
is drawn as a line per wave.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from attrs import frozen

from aad import messages
from aad.config import split_names
from aad.display import text
from aad.display.style import Symbols
from aad.plan import Plan, PlannedSpec

MAX_LEVELS = 12
INDENT = "  "


def draw_tree(
    plan: Plan, *, lang: str, symbols: Symbols, width: int | None = None, dry_run: bool = True
) -> str:
    """Return the drawing of a plan, without a line break at its end; `width` None never cuts."""
    head = symbols.dry_run if dry_run else symbols.plan
    heading = messages.text(lang, "tree.dry_run" if dry_run else "tree.plan")
    room = None if width is None else width - len(INDENT)
    body = _draw_specs(plan, lang, symbols, room) + _draw_notes(plan, lang, symbols)
    return "\n".join(map(text.clean, [head + heading, *(INDENT + line for line in body)]))


def _draw_specs(plan: Plan, lang: str, symbols: Symbols, room: int | None) -> list[str]:
    if len(plan.waves) > MAX_LEVELS:
        return list(_draw_waves(plan, lang, room))
    tree = _Tree(plan=plan, lang=lang, symbols=symbols, children=_find_children(plan))
    for titles in (True, False):
        rows = tree.draw(titles=titles)
        if _fits(rows, room):
            return rows
    return list(_draw_waves(plan, lang, room))


def _fits(rows: Sequence[str], room: int | None) -> bool:
    return room is None or all(text.width(row) <= room for row in rows)


def _draw_notes(plan: Plan, lang: str, symbols: Symbols) -> list[str]:
    notes = [_draw_order(plan, lang, symbols), *_draw_agents(plan, lang, symbols)]
    if plan.added:
        notes.append(_draw_added(plan, lang))
    if plan.order:
        notes.append(_draw_estimate(plan, lang))
    return notes


def _draw_order(plan: Plan, lang: str, symbols: Symbols) -> str:
    if not plan.order:
        return messages.text(lang, "tree.order_none")
    steps = (
        wave[0] if len(wave) == 1 else messages.text(lang, "tree.parallel", {"names": ", ".join(wave)})
        for wave in plan.order
    )
    return messages.text(lang, "tree.order", {"order": f" {symbols.arrow} ".join(steps)})


def _draw_agents(plan: Plan, lang: str, symbols: Symbols) -> Iterator[str]:
    """Yield who carries out what is left to run; nothing where that is but commands."""
    specs: dict[str, list[str]] = {}
    for spec_id in plan.remaining:
        specs.setdefault(plan.specs[spec_id].agent, []).append(spec_id)
    agents = {f" {symbols.arrow} ".join(split_names(names)): ids for names, ids in specs.items()}
    if len(agents) > 1:
        parts = (
            messages.text(lang, "tree.agent_of", {"agent": agent, "names": text.format_names(ids)})
            for agent, ids in agents.items()
        )
        yield messages.text(lang, "tree.agents", {"agents": ", ".join(parts)})
    elif specs.keys() - {"command"}:
        yield messages.text(lang, "tree.agent", {"agent": next(iter(agents))})


def _draw_added(plan: Plan, lang: str) -> str:
    added = frozenset(plan.added)
    needing = [
        spec_id
        for spec_id, planned in plan.specs.items()
        if spec_id not in added and not added.isdisjoint(planned.depends_on)
    ]
    fields = {"names": ", ".join(plan.added), "needed_by": text.format_names(sorted(needing))}
    return messages.text(lang, "tree.added", fields)


def _draw_estimate(plan: Plan, lang: str) -> str:
    if plan.estimate is None:
        return messages.text(lang, "tree.estimate_unknown")
    fields = {"estimate": text.format_estimate(plan.estimate, lang)}
    if not plan.unestimated:
        return messages.text(lang, "tree.estimate", fields)
    names = text.format_names(plan.unestimated)
    return messages.text(lang, "tree.estimate_without", {**fields, "names": names})


def _draw_waves(plan: Plan, lang: str, room: int | None) -> Iterator[str]:
    digits = len(str(len(plan.waves)))
    for number, wave in enumerate(plan.waves, start=1):
        names = [_name_in_wave(plan.specs[spec_id], lang) for spec_id in wave]
        label = f"{number:>{digits}}  "
        yield label + _fit(names, None if room is None else room - len(label))


def _name_in_wave(planned: PlannedSpec, lang: str) -> str:
    return messages.text(lang, "tree.wave_done", {"spec": planned.id}) if planned.done else planned.id


def _fit(names: Sequence[str], room: int | None) -> str:
    """Return as many names as there is room for, and how many more there are."""
    whole = ", ".join(names)
    if room is None or text.width(whole) <= room:
        return whole
    left = room - len(f"+{text.format_count(len(names))}")
    ends = accumulate(text.width(name) + len(", ") for name in names)
    return text.format_names(names, limit=sum(end <= left for end in ends))


# A spec, the branch that leads to it, and the specs on that branch.
_Place = tuple[str, str, tuple[str, ...]]


@frozen(kw_only=True)
class _Row:
    """One line of a tree, in its three columns."""

    branch: str
    estimate: str
    also: str


def _parent(plan: Plan, spec_id: str) -> str | None:
    """Return the dependency below which a spec is drawn; None for a root."""
    needed = plan.dependencies(spec_id)
    return max(needed, key=lambda each: (plan.specs[each].wave, each), default=None)


def _find_children(plan: Plan) -> dict[str | None, list[str]]:
    children: dict[str | None, list[str]] = {None: []}
    for wave in plan.waves:
        for spec_id in wave:
            children[spec_id] = []
            children[_parent(plan, spec_id)].append(spec_id)
    return children


@frozen(kw_only=True)
class _Tree:
    """Draws the specs of one plan; `children` are those below a spec, or below nothing."""

    plan: Plan
    lang: str
    symbols: Symbols
    children: Mapping[str | None, Sequence[str]]

    def draw(self, *, titles: bool) -> list[str]:
        """Return the lines of the tree, in columns."""
        rows = [self._row(*place, titles=titles) for place in self._below(None, "", ())]
        branches = max((text.width(row.branch) for row in rows), default=0) + 4
        estimates = max((text.width(row.estimate) + 2 for row in rows if row.estimate), default=0)
        return [
            (text.pad(row.branch, branches) + text.pad(row.estimate, estimates) + row.also).rstrip()
            for row in rows
        ]

    def _below(self, parent: str | None, prefix: str, above: tuple[str, ...]) -> Iterator[_Place]:
        children = self.children[parent]
        limbs = self._limbs(len(children), top=parent is None)
        for child, (elbow, trunk) in zip(children, limbs, strict=True):
            yield child, prefix + elbow, above
            # As deep as the tree, and no tree is deeper than MAX_LEVELS.
            yield from self._below(child, prefix + trunk, (*above, child))

    def _limbs(self, count: int, *, top: bool) -> list[tuple[str, str]]:
        """Return what stands before each of some siblings, and before all that is below it."""
        if count == 0:
            return []
        bar, blank = f"{self.symbols.bar}   ", "    "
        limbs = [*[(f"{self.symbols.branch} ", bar)] * (count - 1), (f"{self.symbols.last_branch} ", blank)]
        # The trunk goes down from the first root to the end, even where no other root follows.
        return [(f"{self.symbols.corner} ", bar), *limbs[1:]] if top else limbs

    def _row(self, spec_id: str, prefix: str, above: tuple[str, ...], *, titles: bool) -> _Row:
        planned = self.plan.specs[spec_id]
        title = text.clean(planned.spec.title) if titles else ""
        also = ", ".join(sorted(set(planned.depends_on).difference(above)))
        return _Row(
            branch=f"{prefix}{text.clean(spec_id)}  {title}".rstrip(),
            estimate=self._estimate(planned),
            also=messages.text(self.lang, "tree.also_after", {"names": also}) if also else "",
        )

    def _estimate(self, planned: PlannedSpec) -> str:
        if planned.done:
            return messages.text(self.lang, "tree.complete")
        if planned.estimate is not None:
            return text.format_duration(planned.estimate, self.lang)
        # Where nothing is known of any spec, a line below the tree says so once.
        return "" if self.plan.estimate is None else messages.text(self.lang, "tree.no_estimate")
