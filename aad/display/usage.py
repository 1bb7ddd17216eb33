"""Who worked at sessions and what of a model that took, in words. Knows states alone."""

from collections.abc import Iterator, Sequence

from aad.display.text import format_count
from aad.display.voice import Voice
from aad.report import total_usage
from aad.state import Session

# Says nothing of who worked: a command may be anything, and uses no model that we know of.
_NOBODY = frozenset(("", "command"))


def name_agent(session: Session) -> str:
    """Return the agent that a session has or had last; nothing where that is but a command."""
    return "" if session.agent in _NOBODY else session.agent


def say_tokens(sessions: Sequence[Session], voice: Voice) -> str:
    """Return how many tokens sessions used together; nothing where they used none."""
    usage = total_usage(usage for session in sessions for usage in session.usages.values())
    if usage is None or not usage.input + usage.output:
        return ""
    fields = {"input": format_count(usage.input), "output": format_count(usage.output)}
    return voice.say("summary.tokens", fields)


def say_cost(sessions: Sequence[Session], voice: Voice) -> str:
    """Return what sessions cost together, and whose cost nobody told; nothing where nothing was used."""
    usage = total_usage(usage for session in sessions for usage in session.usages.values())
    silent = ", ".join(sorted(set(_find_without_cost(sessions)) - {""}))
    if usage is None or usage.cost_usd is None:
        return voice.say("summary.cost_unknown", {"agents": silent}) if silent else ""
    key = "summary.cost_besides" if silent else "summary.cost"
    return voice.say(key, {"cost": f"{usage.cost_usd:,.2f}", "agents": silent})


def _find_without_cost(sessions: Sequence[Session]) -> Iterator[str]:
    """Yield the names of the agents that used tokens and told no cost."""
    for session in sessions:
        for attempt, usage in session.usages.items():
            if usage.cost_usd is None and usage.input + usage.output:
                yield session.agents.get(attempt, "")
