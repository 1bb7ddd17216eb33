"""A run as JSON for other programs: its summary and its status. Draws nothing."""

import json
from collections.abc import Iterable
from functools import reduce
from typing import Any

from aad.budget import add_usage
from aad.codec import format_time
from aad.events import Failure, Usage
from aad.state import RunState, Session, Status

VERSION = 1


def summarize(state: RunState) -> dict[str, Any]:
    """Return the members of `summary.json`."""
    return {
        **_describe_run(state),
        "exit_code": state.exit_code,
        "duration_s": round(state.duration_s, 3),
        **_describe_result(state),
        "counts": {str(status): count for status, count in state.count().items()},
        "specs": [_summarize_session(session) for session in state.sessions.values()],
    }


def dump_summary(state: RunState) -> bytes:
    """Return the content of `summary.json`."""
    return (
        json.dumps(summarize(state), ensure_ascii=False, indent=2).encode(errors="backslashreplace") + b"\n"
    )


def describe_status(state: RunState, now: float) -> dict[str, Any]:
    """Return where a run stands at `now`, in seconds since the epoch."""
    return {
        **_describe_run(state),
        **_describe_result(state),
        "specs": [_describe_session(session, now) for session in state.sessions.values()],
    }


def total_usage(usages: Iterable[Usage]) -> Usage | None:
    """Return what several attempts used together, None where none said what it used."""
    told = list(usages)
    return reduce(add_usage, told) if told else None


def _describe_run(state: RunState) -> dict[str, Any]:
    return {
        "version": VERSION,
        "run": state.run,
        "started": _time(state.started),
        "ended": _time(state.ended),
        "status": state.status,
    }


def _name_session(session: Session) -> dict[str, Any]:
    return {
        "id": session.spec_id,
        "title": session.title,
        "status": session.status,
        "attempt": session.attempt,
        "agent": session.agent or None,
    }


def _summarize_session(session: Session) -> dict[str, Any]:
    return {
        **_name_session(session),
        "duration_s": round(session.duration_s, 3),
        "done_before": session.done_before,
        "log": session.log,
        **_describe_work(session),
        "failure": session.failure and _describe_failure(session.failure),
        "escalations": list(session.escalations),
        "usage": _describe_usage(session),
    }


def _describe_session(session: Session, now: float) -> dict[str, Any]:
    return {
        **_name_session(session),
        "progress": session.progress,
        "message": session.message,
        "eta_s": session.eta_s,
        "duration_s": round(running_time(session, now), 3),
        "log": session.log,
        **_describe_work(session),
        "escalations": list(session.escalations),
        "usage": _describe_usage(session),
    }


def _describe_result(state: RunState) -> dict[str, Any]:
    return {"base": state.base or None, "branch": state.branch or None, "result": state.result or None}


def _describe_work(session: Session) -> dict[str, Any]:
    return {
        "workspace": session.workspace or None,
        "branch": session.branch or None,
        "commit": session.commit,
    }


def elapsed_time(state: RunState, now: float) -> float:
    """Return how long a run that is not over has been going on."""
    return 0.0 if state.started is None else max(0.0, now - state.started - state.stood_s)


def running_time(session: Session, now: float) -> float:
    """Return how long the present attempt has been running, else how long the session ran."""
    if session.status is Status.RUNNING and session.started is not None:
        return max(0.0, now - session.started - session.stood_s)
    return session.duration_s


def _describe_failure(failure: Failure) -> dict[str, Any]:
    """Return a failure without the tail of its log: the log has it, and summaries stay small."""
    return {
        "reason": failure.reason,
        "message": failure.message,
        "exit_code": failure.exit_code,
        "signal": failure.signal,
        "blocked_by": list(failure.blocked_by),
        "files": list(failure.files),
    }


def _describe_usage(session: Session) -> dict[str, Any] | None:
    usage = total_usage(session.usages.values())
    if usage is None:
        return None
    return {
        "input": usage.input,
        "cached": usage.cached,
        "output": usage.output,
        "cost_usd": usage.cost_usd,
        "turns": usage.turns,
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else format_time(seconds)
