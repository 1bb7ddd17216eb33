"""What went wrong with Codex, by the words that its app server has for causes."""

from aad.agents.codex_stream import find_reason
from aad.agents.reader import find_cause_of_status
from aad.agents.records import Record, dig, dig_number, dig_text
from aad.events import Reason

USED_UP = "usageLimitExceeded"
# What its own words for a cause mean; for the others its sentences have to do.
CAUSES = {
    USED_UP: Reason.RATE_LIMITED,
    "rateLimitExceeded": Reason.RATE_LIMITED,
    "contextWindowExceeded": Reason.INVALID_REQUEST,
    "badRequest": Reason.INVALID_REQUEST,
    "sessionBudgetExceeded": Reason.BUDGET,
    "flexUnavailable": Reason.SERVER,
    "serverOverloaded": Reason.SERVER,
    "internalServerError": Reason.SERVER,
    "cyberPolicy": Reason.REFUSAL,
    "misalignmentPolicyViolation": Reason.REFUSAL,
    "tooManyDenials": Reason.PERMISSION,
    "unauthorized": Reason.AUTH,
}
# Causes that may tell an HTTP status. One without is the network's, unless words say otherwise.
CONNECTIONS = (
    "httpConnectionFailed",
    "responseStreamConnectionFailed",
    "responseStreamDisconnected",
    "responseTooManyFailedAttempts",
)


def find_fault(error: Record) -> Reason:
    """Return what an error means: by its own word for it, by a status, else by its sentences."""
    info = dig(error, "codexErrorInfo")
    if isinstance(info, str) and info in CAUSES:
        return CAUSES[info]
    words = f"{dig_text(error, 'message')} {dig_text(error, 'additionalDetails')}"
    failed = next((name for name in CONNECTIONS if isinstance(dig(info, name), dict)), None)
    if failed is None:
        return find_reason(words)
    told = find_cause_of_status(dig_number(info, failed, "httpStatusCode"))
    spoken = find_reason(words)
    return told or (Reason.NETWORK if spoken is Reason.UNKNOWN else spoken)
