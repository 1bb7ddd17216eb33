"""One escalation as a value, and the JSON file that people and programs read it from. Decides nothing."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from aad.errors import InputError, Problem
from aad.events import (
    Action,
    EscalationKind,
    EscalationLevel,
    EscalationRaised,
    Failure,
    Question,
    Reason,
    RolledBack,
    SessionId,
)
from aad.files import write_whole
from aad.state import Session

VERSION = 1
OPEN, DECIDED = "open", "decided"
# What an escalation is about that a failure leads to; of all others that is the failure itself.
KINDS = {
    Reason.TIMED_OUT: EscalationKind.TIMED_OUT,
    Reason.STALLED: EscalationKind.STALLED,
    Reason.VERIFY_FAILED: EscalationKind.VERIFY_FAILED,
    Reason.SPAWN_FAILED: EscalationKind.SPAWN_FAILED,
    Reason.CONFLICT: EscalationKind.CONFLICT,
    Reason.RATE_LIMITED: EscalationKind.RATE_LIMITED,
    Reason.AUTH: EscalationKind.AUTH,
    Reason.BUDGET: EscalationKind.BUDGET,
    Reason.MAX_TURNS: EscalationKind.BUDGET,
    Reason.PERMISSION: EscalationKind.PERMISSION,
}
# How often an escalation that nobody decides rises, and to what.
MOST_RISES = 2
HIGHER = {
    EscalationLevel.WARNING: EscalationLevel.ERROR,
    EscalationLevel.ERROR: EscalationLevel.CRITICAL,
}


@frozen(kw_only=True)
class Decision:
    """The reply to an escalation: the action, and who decided (`policy`, `handler`, `person`, `agent`).

    `text` is the answer to a question, or why it was decided so; `option` the one that was chosen of those
    that the question offered. `at` is stamped when it is recorded.
    """

    action: Action
    by: str = "policy"
    text: str | None = None
    option: str | None = None
    at: datetime | None = None


@frozen(kw_only=True)
class EscalationLog:
    """A child's trouble as it goes up to the parent session.

    `blocks` names the specs that cannot run before this one is complete; `will_retry` is what policy has in
    mind before anybody decides; `log` is the path of the attempt's output; `elapsed` and `limit` are the
    seconds that a warning about time speaks of; `work` is what is kept of what was made; `rises` counts how
    often the level rose because nobody decided.
    """

    id: str
    run_id: str
    session_id: SessionId
    spec_id: str
    level: EscalationLevel
    reason: str
    timestamp: datetime
    kind: EscalationKind = EscalationKind.FAILED
    attempt: int = 0
    failure: Failure | None = None
    log: str | None = None
    question: Question | None = None
    blocks: tuple[str, ...] = ()
    will_retry: bool = False
    redactions: int = 0
    decision: Decision | None = None
    elapsed: float | None = None
    limit: float | None = None
    work: RolledBack | None = None
    rises: int = 0
    # What policy asks about and no file tells: how often the session has failed in this run, whether it ended
    # as it did before, so that to try again is in vain, and how often policy has answered it.
    failures: int = 1
    stuck: bool = False
    answers: int = 0

    @classmethod
    def about(
        cls,
        session: Session,
        *,
        level: EscalationLevel,
        kind: EscalationKind,
        reason: str,
        blocks: tuple[str, ...],
    ) -> "EscalationLog":
        """Return an escalation about a session, raised now. Its id is given by who takes it."""
        return cls(
            id="",
            run_id=session.id.rpartition("/")[0],
            session_id=session.id,
            spec_id=session.spec_id,
            attempt=session.attempt,
            level=level,
            kind=kind,
            reason=reason,
            timestamp=datetime.now(UTC),
            log=session.log,
            blocks=blocks,
        )

    @property
    def can_rise(self) -> bool:
        """Whether it rises when nobody decides."""
        return self.rises < MOST_RISES and self.level in HIGHER

    def rise(self) -> "EscalationLog":
        """Return it one level higher."""
        return evolve(self, level=HIGHER[self.level], rises=self.rises + 1)

    def recall(self, raised: EscalationRaised) -> "EscalationLog":
        """Return the escalation as an earlier run has raised it."""
        return evolve(
            self,
            id=raised.escalation,
            timestamp=datetime.fromtimestamp(raised.ts, UTC),
            question=raised.question,
            failure=raised.failure,
            rises=raised.rises,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the members of the escalation's file."""
        failure, question = self.failure, self.question
        return {
            "version": VERSION,
            "id": self.id,
            "run_id": self.run_id,
            "session_id": self.session_id,
            "spec_id": self.spec_id,
            "attempt": self.attempt,
            "level": self.level,
            "rises": self.rises,
            "kind": self.kind,
            "reason": self.reason,
            "timestamp": _stamp(self.timestamp),
            "failure": failure and {"exit_code": failure.exit_code, "signal": failure.signal},
            "conflict": _conflict_json(failure),
            "work": _work_json(self.work),
            "log": self.log,
            "log_tail": [] if failure is None else list(failure.log_tail),
            "question": question and _question_json(question),
            "blocks": list(self.blocks),
            "will_retry": self.will_retry,
            "redactions": self.redactions,
            "state": OPEN if self.decision is None else DECIDED,
            "decision": self.decision and describe_decision(self.decision),
        }

    def dump(self) -> bytes:
        """Return the content of the escalation's file."""
        return dump_members(self.to_json())

    def write(self, folder: Path) -> Path:
        """Write the escalation's file whole and return its path; raises OSError."""
        path = folder / f"{self.id}.json"
        write_whole(path, self.dump())
        return path


def dump_members(members: Mapping[str, Any]) -> bytes:
    """Return the content of a file with an escalation's members."""
    return json.dumps(members, ensure_ascii=False, indent=2).encode(errors="replace") + b"\n"


def _conflict_json(failure: Failure | None) -> dict[str, Any] | None:
    """Return what contradicts each other, and whose work it is."""
    if failure is None or failure.reason is not Reason.CONFLICT:
        return None
    return {"files": list(failure.files), "specs": list(failure.blocked_by)}


def _question_json(question: Question) -> dict[str, Any]:
    """Return what is asked, and what the options mean where that is told."""
    told = {"descriptions": list(question.descriptions)} if question.descriptions else {}
    return {"text": question.text, "options": list(question.options), **told}


def _work_json(work: RolledBack | None) -> dict[str, Any] | None:
    """Return what is kept of an attempt that came to nothing, and the command that shows it to a person."""
    if work is None or not work.ref:
        return None
    return {"ref": work.ref, "commit": work.commit, "show": work.command}


def describe_decision(decision: Decision) -> dict[str, Any]:
    """Return the members of a decision."""
    at = None if decision.at is None else _stamp(decision.at)
    return {
        "action": decision.action,
        "by": decision.by,
        "at": at,
        "text": decision.text,
        "option": decision.option,
    }


def _stamp(moment: datetime) -> str:
    """Return RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def free_id(folder: Path, spec_id: str, level: EscalationLevel, number: int = 1) -> tuple[str, int]:
    """Return an id that no file in the folder has, and its number, from `number` on.

    The first has none in its name: `SPEC-003-error`, then `SPEC-003-error-2` and so on.
    """
    first = f"{spec_id}-{level}"
    while True:
        name = first if number == 1 else f"{first}-{number}"
        if not (folder / f"{name}.json").exists():
            return name, number
        number += 1


def read_escalations(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the escalations of a project, oldest first; what is no escalation is passed over.

    Raises InputError where the folder cannot be read.
    """
    found = (_read(path) for path in _list_files(folder))
    yield from sorted(
        (e for e in found if e is not None), key=lambda e: (str(e.get("timestamp")), str(e["id"]))
    )


def _list_files(folder: Path) -> list[Path]:
    # Not by `glob`, which takes a folder that we may not read for an empty one.
    try:
        return [path for path in folder.iterdir() if path.suffix == ".json"]
    except FileNotFoundError:
        return []
    except OSError as error:
        problem = Problem("escalations_unreadable", {"cause": error.strerror}, path=str(folder))
        raise InputError(problem) from error


def read_escalation(folder: Path, escalation_id: str) -> Mapping[str, Any]:
    """Return one escalation; raises InputError where there is none of this id."""
    found = find_escalation(folder, escalation_id)
    if found is None:
        raise InputError(_explain_unknown(folder, escalation_id))
    return found


def _explain_unknown(folder: Path, escalation_id: str) -> Problem:
    from difflib import get_close_matches  # slips alone need it

    with suppress(OSError, InputError):
        known = {path.stem.casefold(): path.stem for path in _list_files(folder)}
        # A file of this name is there, and is no escalation.
        known.pop(escalation_id.casefold(), None)
        if near := get_close_matches(escalation_id.casefold(), known, n=1):
            return Problem("escalation_unknown_near", {"id": escalation_id, "near": known[near[0]]})
    return Problem("escalation_unknown", {"id": escalation_id})


def find_escalation(folder: Path, escalation_id: str) -> Mapping[str, Any] | None:
    """Return one escalation, None where there is none of this id or its file cannot be read."""
    # An id is a name, never a way out of the folder.
    return None if "/" in escalation_id else _read(folder / f"{escalation_id.removesuffix('.json')}.json")


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "id" in found else None
