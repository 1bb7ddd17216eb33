"""What an agent that speaks the Agent Client Protocol used, of which the protocol says little."""

from collections.abc import Mapping

from attrs import evolve

from aad.agents.records import Record, dig, dig_count, dig_number
from aad.budget import add_usage
from aad.events import Usage


def read_count(update: object, known: Usage) -> Usage:
    """Return what a session has used, as it tells now and then: a cost, and one agent tells tokens, too."""
    amount = dig_number(update, "cost", "amount") if dig(update, "cost", "currency") == "USD" else None
    cost = known.cost_usd if amount is None else amount
    told = dig(update, "_meta")
    if dig_number(told, "promptTokens") is None:
        return evolve(known, cost_usd=cost)
    return Usage(
        input=dig_count(told, "promptTokens"),
        cached=dig_count(told, "cachedTokens"),
        output=dig_count(told, "completionTokens"),
        cost_usd=cost,
    )


def read_step(update: object, known: Usage) -> Usage:
    """Return what is used after one more step, of which one agent tells with the last of its words."""
    told = dig(update, "_meta", "usage")
    return add_usage(known, _read_tokens(told)) if isinstance(told, Mapping) else known


def read_usage(record: Record, known: Usage) -> Usage:
    """Return what the answer to a prompt says was used, else what is known."""
    told, quota = dig(record, "result", "usage"), dig(record, "result", "_meta", "quota", "token_count")
    if isinstance(told, Mapping):
        return evolve(_read_tokens(told), cost_usd=known.cost_usd)
    if isinstance(quota, Mapping):
        return evolve(known, input=dig_count(quota, "input_tokens"), output=dig_count(quota, "output_tokens"))
    return known


def _read_tokens(told: Record) -> Usage:
    output = dig_count(told, "outputTokens")
    return Usage(
        # Whether those that were cached are among `inputTokens`, no two agents agree; the total has them.
        input=max(dig_count(told, "totalTokens") - output, dig_count(told, "inputTokens")),
        cached=dig_count(told, "cachedReadTokens"),
        output=output,
    )


def subtract(count: Usage, before: Usage) -> Usage:
    """Return what was used since."""
    cost = None if count.cost_usd is None else max(0.0, count.cost_usd - (before.cost_usd or 0.0))
    return Usage(
        input=max(0, count.input - before.input),
        cached=max(0, count.cached - before.cached),
        output=max(0, count.output - before.output),
        cost_usd=cost,
    )
