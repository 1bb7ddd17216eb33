"""Results as Claude Code writes them, and what was used in recordings of it."""

from collections.abc import Mapping
from typing import Any

from aad.events import Usage

NOTHING = Usage(cost_usd=0)
TWO_CALLS = Usage(input=3000, cached=600, output=100, cost_usd=0.01172)
THREE_CALLS = Usage(input=4500, cached=900, output=150, cost_usd=0.01758)
FIVE_CALLS = Usage(input=7500, cached=1500, output=250, cost_usd=0.0293)
SIX_CALLS = Usage(input=9000, cached=1800, output=300, cost_usd=0.03516)


def good(**more: object) -> Mapping[str, Any]:
    return {"type": "result", "subtype": "success", "is_error": False, "result": "Done.", **more}


def bad(**more: object) -> Mapping[str, Any]:
    return {"type": "result", "subtype": "success", "is_error": True, **more}
