"""What a session and a run may use of a model, and how far that is used up."""

import math
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Literal, TypeVar

from attrs import define, evolve, field, frozen

from aad import messages
from aad.events import Usage

# From here on a person is warned: a share of what is allowed.
WARN_AT = 0.8

Unit = Literal["turns", "tokens", "cost"]
Number = TypeVar("Number", int, float)


@frozen
class Bounds:
    """The most turns, tokens (read and written) and US dollars; 0 means no bound."""

    turns: int = 0
    tokens: int = 0
    cost_usd: float = 0.0


@frozen
class Spent:
    """How much of one bound is used."""

    unit: Unit
    used: float
    limit: float

    @property
    def share(self) -> float:
        """What is used, 1 being all that is allowed."""
        return self.used / self.limit

    @property
    def is_up(self) -> bool:
        """Whether it is used up. The call of a tool is counted as it begins: the last one may go on."""
        return self.used > self.limit if self.unit == "turns" else self.used >= self.limit

    def __str__(self) -> str:
        form = ".2f" if self.unit == "cost" else ",.0f"
        fields = {"used": format(self.used, form), "most": format(self.limit, form)}
        return messages.text("en", f"note.spent_{self.unit}", fields)


@define
class Account:
    """What one session, or all of a run, has used so far.

    `warned` says that people know that it comes to an end.
    """

    bounds: Bounds = field(factory=Bounds)
    usage: Usage = field(factory=Usage)
    warned: bool = False

    def add(self, usage: Usage) -> None:
        """Take note of more that was used."""
        self.usage = add_usage(self.usage, usage)

    @property
    def worst(self) -> Spent | None:
        """The bound of which most is used; None where there is no bound."""
        return max(self._spent(), key=lambda spent: spent.share, default=None)

    @property
    def exceeded(self) -> Spent | None:
        """The bound that is reached, if one is."""
        return next((spent for spent in self._spent() if spent.is_up), None)

    def warn(self) -> Spent | None:
        """Return the bound that people are to be warned of, once."""
        worst = self.worst
        if self.warned or worst is None or worst.share < WARN_AT:
            return None
        self.warned = True
        return worst

    def _spent(self) -> Iterator[Spent]:
        usage, bounds = self.usage, self.bounds
        if bounds.turns:
            yield Spent("turns", usage.turns, bounds.turns)
        if bounds.tokens:
            yield Spent("tokens", usage.input + usage.output, bounds.tokens)
        if bounds.cost_usd and usage.cost_usd is not None:
            yield Spent("cost", usage.cost_usd, bounds.cost_usd)


def add_usage(one: Usage, other: Usage) -> Usage:
    """Return both together; a cost that nobody tells is none, not zero."""
    told = [usage.cost_usd for usage in (one, other) if usage.cost_usd is not None]
    return Usage(
        input=one.input + other.input,
        cached=one.cached + other.cached,
        output=one.output + other.output,
        cost_usd=math.fsum(told) if told else None,
        turns=one.turns + other.turns,
    )


def sum_usages(usages: Iterable[Usage]) -> Usage:
    """Return all of them together."""
    return reduce(add_usage, usages, Usage())


def take_share(figure: Usage, before: Usage) -> Usage:
    """Return what is new in a figure that was `before` when it was taken last.

    Who was killed may have begun to count anew: a counter that went down says what is new itself.
    """
    return Usage(
        input=_take(figure.input, before.input),
        cached=_take(figure.cached, before.cached),
        output=_take(figure.output, before.output),
        cost_usd=None if figure.cost_usd is None else _take(figure.cost_usd, before.cost_usd or 0.0),
        turns=_take(figure.turns, before.turns),
    )


def keep_cost(figure: Usage, before: Usage) -> Usage:
    """Return a figure with the cost that was told last, where it tells none itself."""
    return evolve(figure, cost_usd=before.cost_usd) if figure.cost_usd is None else figure


def _take(figure: Number, before: Number) -> Number:
    return figure - before if figure >= before else figure
