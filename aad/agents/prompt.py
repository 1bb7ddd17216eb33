"""What an agent is told: the spec, how to work, what is there already, and what came of the attempt before.

An agent that takes up its own session knows all that: it is told the answer, or just to go on.
"""

from typing import TYPE_CHECKING

from attrs import evolve

from aad import messages
from aad.events import Failure
from aad.feedback import quote_check

if TYPE_CHECKING:
    from aad.agents.base import Job, Needed
    from aad.state import Answered

# Characters of what another agent said of its work.
LONGEST_TEXT = 2000


def tell_trouble(lang: str, unverified: Failure | None, conflict: Failure | None) -> str:
    """Return what came in the way of the attempt before, as sections that follow the spec."""
    told = "" if unverified is None else _tell_unverified(lang, unverified)
    return told + ("" if conflict is None else _tell_conflict(lang, conflict))


def compose_prompt(job: "Job", *, replies: bool, live: bool = False) -> bytes:
    """Return what an agent reads on its stdin; raises OSError where the spec cannot be read.

    `replies` says that it is made to end with an object of a given form, by which it can ask; one that is
    `live` has a tool for that, and waits for the answer.
    """
    told = _continue(job) if job.agent_session is not None else _begin(job, replies=replies, live=live)
    return told.encode(errors="replace")


def _begin(job: "Job", *, replies: bool, live: bool) -> str:
    lang, spec = job.lang, job.spec
    told = [job.read_spec().decode(errors="replace"), messages.text(lang, "prompt.rules", {"spec": spec.id})]
    if spec.verify is not None:
        check = spec.verify if isinstance(spec.verify, str) else " ".join(spec.verify)
        told.append(messages.text(lang, "prompt.verify", {"check": check}))
    if live:
        told.append(messages.text(lang, "prompt.ask_live"))
    told.append(messages.text(lang, "prompt.ask_reply" if replies else "prompt.ask_file"))
    if job.needed:
        told.append(messages.text(lang, "prompt.needed"))
        told += [_tell_needed(lang, needed) for needed in job.needed]
    if job.resumes:
        told.append(messages.text(lang, "prompt.begun"))
    told.append(tell_trouble(lang, job.unverified, _leave_out(job)))
    if job.answered:
        told.append(messages.text(lang, "prompt.answers"))
        told += [_tell_answer(lang, answered) for answered in job.answered]
    return "".join(told)


def _continue(job: "Job") -> str:
    """Return what its own session does not know yet: what was answered since, if anything was."""
    lang = job.lang
    fresh = [answered for answered in job.answered if answered.attempt >= job.attempt - 1]
    told = [_tell_answer(lang, answered) for answered in fresh]
    told.append(messages.text(lang, "prompt.go_on" if fresh else "prompt.continue"))
    return "".join(told) + tell_trouble(lang, job.unverified, _leave_out(job))


def _leave_out(job: "Job") -> Failure | None:
    """Return the conflict without the spec itself: the others are who finished meanwhile."""
    conflict = job.conflict
    others = () if conflict is None else tuple(name for name in conflict.blocked_by if name != job.spec.id)
    return None if conflict is None else evolve(conflict, blocked_by=others)


def _tell_answer(lang: str, answered: "Answered") -> str:
    key = "prompt.answered" if answered.question else "prompt.hint"
    return messages.text(lang, key, {"question": answered.question, "answer": answered.text})


def _tell_needed(lang: str, needed: "Needed") -> str:
    item = messages.text(lang, "prompt.needed_item", {"spec": needed.spec_id, "title": needed.title})
    text = needed.text[:LONGEST_TEXT].strip()
    quoted = "".join(f"  {line}\n" for line in text.splitlines())
    return f"{item.rstrip()}\n{quoted}"


def _tell_unverified(lang: str, failure: Failure) -> str:
    """Return what an agent needs to know of the check that its work did not pass."""
    quoted = "".join(f"    {line}\n" for line in quote_check(failure).splitlines())
    if not quoted.strip():
        return messages.text(lang, "prompt.unverified_silent", {"status": _name_end(failure)})
    return messages.text(lang, "prompt.unverified", {"quoted": quoted})


def _name_end(failure: Failure) -> str:
    return f"-{failure.signal}" if failure.exit_code is None else str(failure.exit_code)


def _tell_conflict(lang: str, conflict: Failure) -> str:
    """Return what an agent needs to know to do work anew that contradicted other work."""
    files = "".join(f"- {name}\n" for name in conflict.files)
    others = f" ({', '.join(conflict.blocked_by)})" if conflict.blocked_by else ""
    return messages.text(lang, "prompt.conflict", {"others": others, "files": files})
