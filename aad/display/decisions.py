"""What was decided, and what is still waited for, in words. Knows states and events alone."""

from collections.abc import Iterator, Mapping, Sequence
from shlex import quote

from aad import messages
from aad.display.style import Role
from aad.display.text import clean, cut, format_names
from aad.display.voice import Voice
from aad.events import Action, EscalationDecided, EscalationRaised
from aad.state import RunState, Session, Status

Decisions = Mapping[str, EscalationDecided]

# Columns of what is asked, in a line.
_QUESTION = 100
# What becomes of a session that goes on without its work.
_WITHOUT = frozenset((Action.SKIP, Action.CONTINUE))
_ENDED_WITHOUT = frozenset((Status.SKIPPED, Status.FAILED, Status.TIMED_OUT))


def recall_decisions(state: RunState) -> dict[str, EscalationDecided]:
    """Return the decisions of an earlier segment of a run that no session has acted on, by escalation."""
    decided = (session.decided for session in state.sessions.values())
    return {event.escalation: event for event in decided if event is not None}


def say_decision(event: EscalationDecided, voice: Voice) -> str:
    """Return what was decided and by whom, and the answer or the reason behind it."""
    known = messages.load_catalogue(voice.lang).get(f"log.by.{event.by}")
    by = voice.say("log.by_other", {"by": event.by}) if known is None else known
    told = voice.say(f"log.decided.{event.action}", {"spec": event.spec, "by": by})
    if not event.message or event.action is Action.WITHDRAW:  # its reason is always the same
        return told
    return voice.say("log.decided_reason", {"decision": told, "message": event.message})


def find_reasoned(state: RunState, decisions: Decisions) -> list[EscalationDecided]:
    """Return the decisions by which sessions ended without their work and for which a reason was given."""
    last = {event.spec: event for event in decisions.values()}
    ended = {s.spec_id for s in state.sessions.values() if s.status in _ENDED_WITHOUT}
    return [e for e in last.values() if e.spec in ended and e.action in _WITHOUT and e.message]


def list_open(state: RunState) -> list[EscalationRaised]:
    """Return what sessions wait for, or would wait for had the run not ended, and nobody has decided."""
    return [raised for session in state.sessions.values() if (raised := _find_open(session)) is not None]


def _find_open(session: Session) -> EscalationRaised | None:
    return session.pending if session.decided is None else None


def say_open(raised: EscalationRaised, voice: Voice) -> str:
    """Return what is open in a line: its id, and the first line of what is asked or was the reason."""
    text = voice.retell(raised.message) if raised.question is None else raised.question.text
    fields = {"escalation": raised.escalation, "message": _begin(text, voice)}
    return voice.mark(Role.WARN, voice.style.symbols.waiting, voice.say("status.open", fields))


def say_waits(state: RunState, voice: Voice) -> Iterator[str]:
    """Yield what sessions wait for that is no decision, such as an agent or a budget that is used up."""
    specs: dict[str, list[str]] = {}
    for session in state.sessions.values():
        if session.status is Status.WAITING and session.pending is None and session.message:
            specs.setdefault(session.message, []).append(session.spec_id)
    for message, ids in specs.items():
        fields = {"specs": format_names(ids), "message": _begin(voice.retell(message), voice)}
        yield voice.mark(Role.WARN, voice.style.symbols.waiting, voice.say("status.waits", fields))


def _begin(text: str, voice: Voice) -> str:
    """Return the first line of a text, and no more of it than fits into a line of ours."""
    first = clean(next(filter(None, map(str.strip, text.splitlines())), ""))
    shown = cut(first, _QUESTION)
    return shown if shown == first else shown + voice.style.symbols.ellipsis


def ways_to_decide(found: Sequence[EscalationRaised]) -> Iterator[str]:
    """Yield the commands that lead on where something is open."""
    if len(found) > 1:
        yield "aad escalations list"
    for raised in found[:1]:
        name = quote(raised.escalation)
        if raised.question is None:
            yield f"aad escalations resolve {name} --retry"
        else:
            yield f"aad escalations answer {name} TEXT"
