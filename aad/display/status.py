"""Where a run stands, drawn for whoever asks now. Knows its state alone, whether it goes on or is over."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from aad.display.decisions import list_open, say_open, say_waits
from aad.display.narrator import format_progress
from aad.display.style import Role, Style, Symbols
from aad.display.text import (
    clean,
    cut,
    format_count,
    format_duration,
    format_estimate,
    format_names,
    pad,
    width,
)
from aad.display.usage import name_agent, say_cost, say_tokens
from aad.display.voice import Voice
from aad.report import elapsed_time, running_time
from aad.state import RunState, Session, Status

_ROLES = {
    Status.RUNNING: Role.RUN,
    Status.WAITING: Role.WARN,
    Status.COMPLETED: Role.OK,
    Status.FAILED: Role.FAIL,
    Status.TIMED_OUT: Role.FAIL,
    Status.CANCELLED: Role.WARN,
    Status.SKIPPED: Role.WARN,
}

# The table of what runs, from left to right.
_COLUMNS = ("spec", "attempt", "pid", "elapsed", "progress", "rest", "limit", "message")
# Columns of a message in that table.
_MESSAGE = 40


def draw_status(state: RunState, style: Style, lang: str, now: float) -> str:
    """Return a head and a line per session, without a line break at the end; `now` as `ts` of events."""
    voice = Voice(lang, style)
    sessions = tuple(state.sessions.values())
    rows = align([_cells(session, voice, now) for session in sessions])
    lines = [_head(state, voice, now)]
    for session, row, work in zip(sessions, rows, _tell_work(sessions, voice), strict=True):
        lines.append(f"  {mark_session(session, style)} {row}".rstrip())
        if work:
            lines.append(style.paint(Role.DIM, f"      {work}"))
    return "\n".join(lines)


def draw_running(state: RunState, voice: Voice, now: float, left: Mapping[str, float]) -> str:
    """Return a head and a table of what runs; `left` are the seconds to each session's limit, by spec."""
    running = [session for session in state.sessions.values() if session.status is Status.RUNNING]
    rows = [_running_cells(session, voice, now, left.get(session.spec_id)) for session in running]
    titles = [voice.say(f"status.column_{name}") for name in _COLUMNS]
    lines = [_head(state, voice, now), *(_tabulate(titles, rows) or [voice.say("status.none_running")])]
    lines += (say_open(raised, voice) for raised in list_open(state))
    lines += say_waits(state, voice)
    if others := list(_count_idle(state, voice)):
        lines.append(voice.join(others))
    return "\n  ".join(lines)


def say_running(state: RunState, voice: Voice, now: float) -> str:
    """Return what runs now, in one line: the sign of life of a run that has nothing new to tell."""
    running = [session for session in state.sessions.values() if session.status is Status.RUNNING]
    names = format_names([_name_running(session, voice.lang, now) for session in running])
    facts = (
        [voice.say("status.some_running", {"count": format_count(len(running)), "names": names})]
        if running
        else []
    )
    if state.count()[Status.WAITING]:
        facts.append(_say_count(state, voice, Status.WAITING))
    return f"  {voice.join((*facts, _share(state, voice)))}"


def say_patience(voice: Voice, seconds: float) -> str:
    """Return that people are waited for, and for how long at most."""
    if math.isinf(seconds):
        return voice.say("log.patience_endless")
    return voice.say("log.patience", {"duration": format_duration(seconds, voice.lang)})


def say_interrupted(state: RunState, voice: Voice) -> str:
    """Return the answer to the first signal that ends a run: what is ended, and what a second one does."""
    running = state.count()[Status.RUNNING]
    sentence = voice.count("status.ending_sessions", running) if running else voice.say("status.ending")
    return voice.mark(Role.WARN, voice.style.symbols.caution, sentence)


def mark_session(session: Session, style: Style) -> str:
    """Return the mark of a session's status: one column, painted."""
    mark = _marks(style.symbols).get(session.status)
    return " " if mark is None else style.paint(_ROLES[session.status], mark)


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines in which columns stand below each other; a column without words goes."""
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    widths = [max(map(width, column)) for column in columns]
    return ["  ".join(map(pad, cells, widths)).rstrip() for cells in zip(*columns, strict=True)]


def _marks(symbols: Symbols) -> dict[Status, str]:
    return {
        Status.RUNNING: symbols.running,
        Status.WAITING: symbols.waiting,
        Status.COMPLETED: symbols.ok,
        Status.FAILED: symbols.fail,
        Status.TIMED_OUT: symbols.fail,
        Status.CANCELLED: symbols.skipped,
        Status.SKIPPED: symbols.skipped,
    }


def _head(state: RunState, voice: Voice, now: float) -> str:
    facts = [voice.say("log.run", {"run": state.run}), voice.say(f"status.{state.status}")]
    if state.started is not None:
        elapsed = state.duration_s if state.ended is not None else elapsed_time(state, now)
        facts.append(format_duration(elapsed, voice.lang))
    return voice.join((*facts, _share(state, voice)))


def _share(state: RunState, voice: Voice) -> str:
    counts = state.count()
    fields = {"done": format_count(counts[Status.COMPLETED]), "all": format_count(counts.total())}
    return voice.say("status.share", fields)


def _cells(session: Session, voice: Voice, now: float) -> tuple[str, ...]:
    attempt = voice.say("status.attempt", {"attempt": session.attempt}) if session.attempt > 1 else ""
    status = "complete" if session.done_before else session.status
    elapsed = running_time(session, now)
    return (
        clean(session.spec_id),
        clean(session.title),
        voice.say(f"status.{status}"),
        attempt,
        _progress(session),
        format_duration(elapsed, voice.lang) if elapsed else "",
    )


def _tell_work(sessions: Sequence[Session], voice: Voice) -> list[str]:
    """Return by session who works at it and what that takes of a model, if it is known; in columns."""
    rows = [
        (clean(name_agent(session)), say_tokens([session], voice), say_cost([session], voice))
        for session in sessions
    ]
    return align(rows) or [""] * len(sessions)


def _tabulate(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table below its titles; a column without words goes with its title."""
    columns = [(title, *column) for title, *column in zip(titles, *rows, strict=True) if any(column)]
    return align(list(zip(*columns, strict=True)))


def _running_cells(session: Session, voice: Voice, now: float, left: float | None) -> tuple[str, ...]:
    elapsed = running_time(session, now)
    rest = _foresee(session, elapsed)
    return (
        clean(session.spec_id),
        str(session.attempt),
        "" if session.pid is None else str(session.pid),
        format_duration(elapsed, voice.lang),
        _progress(session),
        "" if rest is None else format_estimate(rest, voice.lang),
        "" if left is None or math.isinf(left) else format_duration(left, voice.lang),
        cut(clean(session.message or ""), _MESSAGE),
    )


def _foresee(session: Session, elapsed: float) -> float | None:
    """Return the seconds left if the rest goes as fast as what is done."""
    return elapsed * (1 - session.progress) / session.progress if session.progress else None


def _count_idle(state: RunState, voice: Voice) -> Iterator[str]:
    for status in (Status.PENDING, Status.WAITING):
        if state.count()[status]:
            yield _say_count(state, voice, status)


def _say_count(state: RunState, voice: Voice, status: Status) -> str:
    return voice.say(f"status.some_{status}", {"count": format_count(state.count()[status])})


def _progress(session: Session) -> str:
    """Return the share of a session that is under way; one that is over has its status to say it."""
    if session.status not in {Status.RUNNING, Status.WAITING}:
        return ""
    return format_progress(session.progress, guessed=session.guessed)


def _name_running(session: Session, lang: str, now: float) -> str:
    progress = format_progress(session.progress, guessed=session.guessed)
    facts: Iterable[str] = (
        clean(session.spec_id),
        format_duration(running_time(session, now), lang),
        progress,
    )
    return " ".join(filter(None, facts))
