"""How a run went, in a few lines at its end. Knows only its state."""

from collections.abc import Iterator, Sequence
from shlex import quote
from types import MappingProxyType

from aad.config import split_names
from aad.display.decisions import Decisions, find_reasoned, list_open, say_decision, say_waits, ways_to_decide
from aad.display.failures import has_output, name_signal
from aad.display.style import Role
from aad.display.text import format_count, format_duration, format_names
from aad.display.usage import say_cost, say_tokens
from aad.display.voice import Voice
from aad.events import PERSON, Reason
from aad.state import RunState, Session, Status

NAMES_LIMIT = 10

_ALWAYS = (Status.COMPLETED, Status.FAILED)
_IF_ANY = (
    Status.TIMED_OUT, Status.CANCELLED, Status.SKIPPED, Status.WAITING, Status.RUNNING, Status.PENDING,
)  # fmt: skip


def summarize_run(
    state: RunState,
    voice: Voice,
    *,
    files: Sequence[str] = (),
    verbose: bool = False,
    decisions: Decisions = MappingProxyType({}),
) -> list[str]:
    """Return the summary's lines.

    `files` names what the run wrote besides its own folder; `decisions` are the run's, by escalation.
    """
    sessions = tuple(state.sessions.values())
    facts = [
        *_count_sessions(state, voice),
        *_tell_end(state, voice, decisions),
        *_tell_reasons(state, voice, decisions),
        *say_waits(state, voice),
        *name_result(state, voice),
        voice.say("summary.total_time", {"duration": format_duration(state.duration_s, voice.lang)}),
        *filter(None, (say_tokens(sessions, voice), say_cost(sessions, voice))),
        *_name_late_successes(state, voice),
        *(_draw_critical_path(state, voice) if verbose else ()),
        *([voice.say("summary.files", {"names": ", ".join(files)})] if files else ()),
        *_name_next_commands(state, voice),
    ]
    return [voice.head(voice.style.symbols.summary, "summary.heading"), *(f"  {fact}" for fact in facts)]


def _count_sessions(state: RunState, voice: Voice) -> Iterator[str]:
    names: dict[Status, list[str]] = {status: [] for status in (*_ALWAYS, *_IF_ANY)}
    before = [session.spec_id for session in state.sessions.values() if session.done_before]
    for session in state.sessions.values():
        if not session.done_before:
            names[session.status].append(session.spec_id)
    for status, ids in names.items():
        if ids or status in _ALWAYS:
            yield _row(voice, f"summary.{status}", ids)
    if before:
        yield _row(voice, "summary.done_before", before)


def _row(voice: Voice, label: str, ids: Sequence[str]) -> str:
    fields = {"label": voice.say(label), "count": format_count(len(ids))}
    if not ids:
        return voice.say("summary.none", fields)
    return voice.say("summary.some", {**fields, "names": format_names(ids, NAMES_LIMIT)})


def _tell_end(state: RunState, voice: Voice, decisions: Decisions) -> Iterator[str]:
    """Yield what ended the run before its sessions did."""
    if state.signal is not None:
        yield voice.style.paint(Role.WARN, voice.say("summary.signal", {"signal": name_signal(state.signal)}))
    elif state.status == "timed_out":
        yield voice.style.paint(Role.WARN, voice.say("summary.deadline"))
    elif state.critical is not None:
        yield voice.style.paint(
            Role.FAIL, _say_critical(state.critical, state.critical_reason, voice, decisions)
        )


def _say_critical(escalation: str, reason: str, voice: Voice, decisions: Decisions) -> str:
    """Return that an escalation ended the run, or a person because of it."""
    decided = decisions.get(escalation)
    if decided is None or decided.by != PERSON:
        return voice.say("summary.critical", {"escalation": escalation, "reason": voice.retell(reason)})
    key = "summary.person_reason" if decided.message else "summary.person"
    return voice.say(key, {"escalation": escalation, "reason": decided.message})


def _tell_reasons(state: RunState, voice: Voice, decisions: Decisions) -> Iterator[str]:
    """Yield why people or programs would go on without some sessions."""
    found = find_reasoned(state, decisions)
    yield from (say_decision(event, voice) for event in found[:NAMES_LIMIT])
    if len(found) > NAMES_LIMIT:
        yield f"+{format_count(len(found) - NAMES_LIMIT)}"


def name_result(state: RunState, voice: Voice) -> Iterator[str]:
    """Yield the branch that holds what was made, if anything was."""
    if has_result(state):
        yield voice.say("summary.result", {"branch": state.branch})


def has_result(state: RunState) -> bool:
    """Tell whether the run's branch holds more than what the run began with."""
    return bool(state.result) and state.result != state.base


def _name_late_successes(state: RunState, voice: Voice) -> Iterator[str]:
    late = [session for session in state.sessions.values() if _is_late_success(session)]
    for session in late[:NAMES_LIMIT]:
        fields = {"spec": session.spec_id, "attempt": session.attempt}
        yield voice.say("summary.late_success", fields)
    if len(late) > NAMES_LIMIT:
        yield f"+{format_count(len(late) - NAMES_LIMIT)}"


def _is_late_success(session: Session) -> bool:
    return session.status is Status.COMPLETED and session.attempt > 1 and not session.done_before


def _draw_critical_path(state: RunState, voice: Voice) -> Iterator[str]:
    path = find_critical_path(state)
    if not path:
        return
    duration = sum(session.duration_s for session in path)
    names = f" {voice.style.symbols.arrow} ".join(session.spec_id for session in path)
    yield voice.say(
        "summary.critical_path", {"path": names, "duration": format_duration(duration, voice.lang)}
    )


def find_critical_path(state: RunState) -> list[Session]:
    """Return the chain of sessions, each needing the one before, that took the longest."""
    entries = sorted(state.plan.specs, key=lambda entry: entry.wave) if state.plan else []
    ran = {s.spec_id: s for s in state.sessions.values() if s.duration_s > 0 and not s.done_before}
    total: dict[str, float] = {}
    previous: dict[str, str | None] = {}
    for entry in entries:
        if entry.id in ran:
            previous[entry.id] = max(
                (i for i in entry.depends_on if i in total), key=total.__getitem__, default=None
            )
            total[entry.id] = ran[entry.id].duration_s + total.get(previous[entry.id] or "", 0.0)
    step = max(total, key=total.__getitem__, default=None)
    path: list[Session] = []
    while step is not None:
        path.append(ran[step])
        step = previous[step]
    return path[::-1]


def _name_next_commands(state: RunState, voice: Voice) -> Iterator[str]:
    commands = list(dict.fromkeys(_next_commands(state)))
    if commands:
        yield voice.say("summary.next", {"commands": voice.join(commands)})


def _next_commands(state: RunState) -> Iterator[str]:
    """Yield what helps to go on: with what ended the run, the first failure, what is open, and the run."""
    sessions = state.sessions.values()
    failed = [session for session in sessions if session.status in {Status.FAILED, Status.TIMED_OUT}]
    # Of what these wait for no event has told.
    waiting = [s for s in sessions if s.status is Status.WAITING and s.pending is None]
    found = list_open(state)
    if state.critical is not None:
        yield _show_escalation(state.critical)
    for session in failed[:1]:
        if has_output(session.failure):
            yield f"aad logs {session.spec_id}"
        if _lacks_agent(session, state):
            yield "aad doctor"
    for session in failed[:1]:
        yield from map(_show_escalation, session.escalations[-1:])
    yield from ways_to_decide(found)
    for session in waiting[:1]:
        yield from map(_show_escalation, session.escalations[-1:])
    dropped = frozenset(session.spec_id for session in sessions if session.dropped)
    if any(_may_go_on(session, dropped) for session in sessions):
        yield "aad orchestrate --resume"
    yield from _merge_commands(state)


def _lacks_agent(session: Session, state: RunState) -> bool:
    """Tell whether an agent could not be started; what a command lacks nobody but its author knows."""
    failure = session.failure
    began = session.attempt in session.agents
    if failure is None or failure.reason is not Reason.SPAWN_FAILED or began or state.plan is None:
        return False
    planned = next((entry.agent for entry in state.plan.specs if entry.id == session.spec_id), "")
    return any(name != "command" for name in split_names(planned))


def _may_go_on(session: Session, dropped: frozenset[str]) -> bool:
    """Tell whether a run that goes on would do something about a session; what a person left out stays so."""
    if session.status is Status.COMPLETED or session.dropped:
        return False
    blocked_by = () if session.failure is None else session.failure.blocked_by
    return session.status is not Status.SKIPPED or not blocked_by or not dropped.issuperset(blocked_by)


def _merge_commands(state: RunState) -> Iterator[str]:
    """Yield what brings the result to where the user works; behind what completes it, where that lacks."""
    if not has_result(state):
        return
    if state.onto:
        yield f"git switch {quote(state.onto)}"
    yield f"git merge {state.branch}"


def _show_escalation(escalation: str) -> str:
    return f"aad escalations show {escalation}"
