"""Why an attempt did not succeed, in words. Knows no run and no style."""

import signal

from aad import messages
from aad.display.text import clean
from aad.events import Failure, Reason


def describe_failure(lang: str, failure: Failure) -> str:
    """Return the reason, and behind it the failure's message where that says something more."""
    words, detail = _reason(lang, failure), clean(failure.message)
    if detail in {"", words, _reason("en", failure)}:
        return words
    if failure.reason is Reason.UNKNOWN or detail.startswith(words):
        return detail
    return messages.text(lang, "reason.detail", {"reason": words, "detail": detail})


def name_signal(number: int) -> str:
    """Return `SIGKILL` for 9, and the bare number for what has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals between the first and the last have none
        return str(number)


def has_output(failure: Failure | None) -> bool:
    """Say whether an attempt came as far as to write a log: what never started wrote none."""
    return failure is None or failure.reason is not Reason.SPAWN_FAILED


def _reason(lang: str, failure: Failure) -> str:
    match failure:
        case Failure(reason=Reason.EXIT_CODE | Reason.VERIFY_FAILED as reason, exit_code=int(code)):
            return messages.text(lang, f"reason.{reason}_known", {"code": code})
        case Failure(reason=Reason.KILLED, signal=int(number)):
            return messages.text(lang, "reason.killed_by", {"signal": name_signal(number)})
        case Failure(reason=Reason.INTERRUPTED, blocked_by=(spec_id, *_)):
            return messages.text(lang, "reason.fail_fast", {"spec": clean(spec_id)})
        case Failure(reason=Reason.BLOCKED, blocked_by=(_, *_)):
            return messages.text(lang, "reason.blocked_by", {"names": clean(", ".join(failure.blocked_by))})
    return messages.text(lang, f"reason.{failure.reason}")
