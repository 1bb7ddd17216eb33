"""Finds the bounds in dollars that hold nobody back, as an agent tells no cost. Knows no files."""

from collections.abc import Iterable, Iterator

from attrs import frozen

from aad.agents import find_kind
from aad.agents.roster import KINDS, Roster, fill_options
from aad.config import AgentOptions, BudgetSettings, OrchestratorConfig
from aad.spec import Spec
from aad.tomllines import Keys


@frozen
class IdleBound:
    """That a bound does not hold these agents; `keys` lead to it in the settings."""

    keys: Keys
    agents: tuple[str, ...]


def find_idle_bounds(config: OrchestratorConfig, names: Iterable[str]) -> Iterator[IdleBound]:
    """Yield each bound in dollars that does not hold some of these agents, unless another one does."""
    silent = tuple(name for name in dict.fromkeys(names) if _tells_no_cost(name, config))
    if silent and _is_alone(config.budget):
        yield IdleBound(("budget", "max_cost_usd"), silent)
    unbound = tuple(name for name in silent if _is_alone(fill_options(name, config)))
    if common := tuple(name for name in unbound if not _has_own(name, config)):
        yield IdleBound(("agent", "max_cost_usd"), common)
    for name in unbound:
        if _has_own(name, config):
            yield IdleBound(("agents", name, "max_cost_usd"), (name,))


def _tells_no_cost(name: str, config: OrchestratorConfig) -> bool:
    # Of a command nobody expects that it uses a model; no other bound would hold it, either.
    if find_kind(name, config) not in KINDS:
        return False
    (player,) = Roster(config, {}).cast(Spec(id=name, agent=name))
    return not player.caps.cost


def _is_alone(bounds: BudgetSettings | AgentOptions) -> bool:
    """Tell whether a bound in dollars is the only one."""
    return bool(bounds.max_cost_usd) and not bounds.max_tokens and not bounds.max_turns


def _has_own(name: str, config: OrchestratorConfig) -> bool:
    return name in config.agents and config.agents[name].max_cost_usd is not None
