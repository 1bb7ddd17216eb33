"""An escalation as a few words for a small window or a chat. Knows nothing of who shows them."""

from attrs import frozen

from aad import messages
from aad.display.text import clean
from aad.escalationlog import EscalationLog
from aad.events import EscalationLevel
from aad.messages.retelling import retell

# Characters; what is longer stands in the escalation's file.
LONGEST_BODY = 500


@frozen
class Message:
    """A title and a body of one safe line each. `critical`: the run ends of it."""

    title: str
    body: str
    critical: bool


def make_message(log: EscalationLog, lang: str) -> Message | None:
    """Return the words for an escalation; a warning has none, for nobody need come running."""
    if log.level is EscalationLevel.WARNING:
        return None
    title = messages.text(lang, f"notify.title.{log.kind}", {"spec": clean(log.spec_id)})
    return Message(
        title, clean(retell(log.reason, lang))[:LONGEST_BODY], log.level is EscalationLevel.CRITICAL
    )
