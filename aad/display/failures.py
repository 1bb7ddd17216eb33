"""Why an attempt did not succeed, in words. Knows no run and no style."""

import signal

from aad import messages
from aad.display.text import clean, format_names
from aad.events import Failure, Reason
from aad.messages.retelling import retell

# How many files of a conflict are named.
FILES = 3

# Of these no log tells more: the child never ran, or was done.
_SILENT = frozenset((Reason.SPAWN_FAILED, Reason.CONFLICT))
# Messages of our own, which journals hold in English, and the sentences of which they are part.
_OWN = {
    "after it was merged with what others have finished": "reason.merged",
    "the setup of the workspace failed": "reason.setup_failed",
}


def describe_failure(lang: str, failure: Failure) -> str:
    """Return the reason, and behind it the failure's message where that says something more."""
    words, detail = _reason(lang, failure), clean(failure.message)
    if detail in {"", words, _reason("en", failure)}:
        return words
    if detail in _OWN:
        return messages.text(lang, _OWN[detail], {"reason": words})
    told = retell(detail, lang)
    if failure.reason is Reason.UNKNOWN or detail.startswith(words):
        return told
    return messages.text(lang, "reason.detail", {"reason": words, "detail": told})


def name_signal(number: int) -> str:
    """Return `SIGKILL` for 9, and the bare number for what has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals between the first and the last have none
        return str(number)


def has_output(failure: Failure | None) -> bool:
    """Say whether an attempt's log may tell more of why it failed."""
    return failure is None or failure.reason not in _SILENT


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
        case Failure(reason=Reason.CONFLICT, files=(_, *_)):
            return _name_conflict(lang, failure)
    return messages.text(lang, f"reason.{failure.reason}")


def _name_conflict(lang: str, failure: Failure) -> str:
    key = "reason.conflict_of" if failure.blocked_by else "reason.conflict_in"
    files, specs = format_names(failure.files, FILES), format_names(failure.blocked_by)
    return messages.text(lang, key, {"files": clean(files), "specs": clean(specs)})
