"""What an attempt is told of a verification that failed before it, and when trying again is in vain.

Knows neither sessions nor how a check is run.
"""

import re

from attrs import frozen

from aad.events import Failure, Reason

# How the line in the log begins behind which a check's output stands.
VERIFY_MARK = "[aad] verify: "
# Characters that are told at most: a variable of the environment may hold 128 KiB on Linux (execve(2)).
LONGEST = 32_768

_CHANGING = re.compile(r"\d+")


def quote_check(failure: Failure) -> str:
    """Return the end of a failed check's output, redacted as the log is."""
    lines = list(failure.log_tail)
    marks = [number for number, line in enumerate(lines) if line.startswith(VERIFY_MARK)]
    return "\n".join(lines[marks[-1] + 1 :] if marks else lines)[-LONGEST:]


@frozen
class End:
    """How an attempt ended whose verification failed: the failure but for its numbers, and the tree."""

    code: int | None
    signal: int | None
    message: str
    output: str
    tree: str


def describe_end(failure: Failure | None, tree: str) -> End | None:
    """Return what two attempts that end alike have in common; None where that says nothing.

    Times and counts in the output differ from attempt to attempt. A `tree` that is empty is not known.
    """
    if failure is None or failure.reason is not Reason.VERIFY_FAILED or not tree:
        return None
    output = _CHANGING.sub("#", quote_check(failure))
    return End(failure.exit_code, failure.signal, failure.message, output, tree)
