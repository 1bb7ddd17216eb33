"""Again or not, and when: pure rules, no clock of their own."""

from collections.abc import Callable

from attrs import frozen

from aad.config import RetrySettings
from aad.events import Reason

# How often a trouble that passes by itself is tried again where nothing else is said.
TRANSIENT_TRIES = 3
# What another attempt changes nothing about.
VAIN = frozenset({Reason.SPAWN_FAILED, Reason.BUDGET, Reason.MAX_TURNS, Reason.AUTH})


@frozen
class RetryPolicy:
    """The rules of one session: `retries` is how often a plain failure is tried again."""

    retries: int
    settings: RetrySettings

    def allows(self, *, failures: int, transient: bool) -> bool:
        """Tell whether another attempt follows the `failures`-th failure (counted from 1)."""
        limit = max(self.retries, TRANSIENT_TRIES) if transient else self.retries
        return failures <= limit

    def delay(self, failures: int, draw: Callable[[], float]) -> float:
        """Return the seconds to wait after the `failures`-th failure; `draw` gives a number from 0 to 1.

        Jitter only ever shortens, to no less than half, so that the longest delay holds.
        """
        settings = self.settings
        factor = 2.0 ** min(failures - 1, 64) if settings.backoff == "exponential" else 1.0
        delay = min(settings.delay * factor, settings.max_delay)
        return delay * (0.5 + 0.5 * draw()) if settings.jitter else delay
