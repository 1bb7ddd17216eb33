"""How a decision gets into an escalation's file, and how a run hears of it: of two the first one counts.

The file is where a person's decision and the run that waits for it meet; both hold the folder's lock while
they look and write. Knows neither runs nor sessions.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import evolve

from aad.errors import InputError, Problem
from aad.escalationlog import (
    DECIDED,
    OPEN,
    Decision,
    describe_decision,
    dump_members,
    find_escalation,
    read_escalation,
)
from aad.events import AGENT, PERSON, Action, Question
from aad.files import write_whole

# By whom else a decision may be made.
PROGRAMS = ("policy", "handler", AGENT)

# Seconds from one try for the lock to the next, and after which a run goes on without: whoever holds it
# writes one small file.
PAUSE = 0.001
PATIENCE = 0.05
# Bytes of an answer at most.
LONGEST_ANSWER = 65_536


def find_question(escalation: Mapping[str, Any]) -> Question | None:
    """Return what an escalation's file asks; the file is a stranger's."""
    question = escalation.get("question")
    if not isinstance(question, dict):
        return None
    options = question.get("options")
    offered = tuple(map(str, options)) if isinstance(options, list) else ()
    return Question(text=str(question.get("text", "")), options=offered)


def make_answer(name: str, question: Question | None, text: str, *, free: bool = False) -> Decision:
    """Return the answer that a text stands for: one of the options, by its words or its number, else itself.

    Where options are offered, other words are an answer only if they are meant to be, `free`. Raises
    InputError.
    """
    if question is None:
        raise InputError(Problem("escalation_not_asking", {"id": name}))
    words = text.strip()
    if not words:
        raise InputError(Problem("answer_empty", {"id": name}))
    option = None if free else find_option(question.options, words)
    if option is None and question.options and not free:
        raise InputError(_explain_not_offered(name, question, words))
    check_words(name, Decision(action=Action.ANSWER, text=words))
    return Decision(action=Action.ANSWER, by=PERSON, text=option or words, option=option)


def check_words(name: str, decision: Decision, redact: Callable[[str], str] = str) -> None:
    """Raise InputError for words that hold a secret, and for an answer that no child could be given.

    It goes into a variable of the environment, which has no NUL and may hold 128 KiB on Linux (execve(2)).
    """
    text = decision.text
    if decision.action is Action.ANSWER and not (text or "").strip():
        raise InputError(Problem("answer_empty", {"id": name}))
    if text is None:
        return
    if "\0" in text or len(text.encode(errors="replace")) > LONGEST_ANSWER:
        raise InputError(Problem("answer_unfit", {"id": name, "most": LONGEST_ANSWER}))
    if redact(text) != text:
        raise InputError(Problem("answer_secret", {"id": name}))


def find_option(options: tuple[str, ...], words: str) -> str | None:
    """Return the option that is meant by its words, whatever their case, or by its number from 1."""
    if words in options:
        return words
    same = [option for option in options if option.strip().casefold() == words.casefold()]
    if len(same) == 1:
        return same[0]
    number = int(words) if words.isascii() and words.isdigit() and len(words) < 4 else 0
    return options[number - 1] if 1 <= number <= len(options) else None


def _explain_not_offered(name: str, question: Question, words: str) -> Problem:
    offered = " · ".join(f"{number}. {option}" for number, option in enumerate(question.options, 1))
    return Problem("answer_not_offered", {"id": name, "answer": words, "options": offered})


def check_open(escalation: Mapping[str, Any]) -> None:
    """Raise InputError for an escalation that is decided already."""
    if escalation.get("state") == OPEN:
        return
    decision = escalation.get("decision")
    known = decision if isinstance(decision, dict) else {}
    fields = {name: str(known.get(name) or "?") for name in ("action", "by", "at")}
    raise InputError(Problem("escalation_decided", {"id": escalation["id"], **fields}))


def decide(folder: Path, name: str, decision: Decision, redact: Callable[[str], str]) -> Mapping[str, Any]:
    """Write a person's decision into an escalation's file, and return what it holds now.

    Raises InputError where there is no such escalation, where it is decided, and for words that hold a
    secret: they would lie in files. Raises OSError where it cannot be written.
    """
    check_words(name, decision, redact)
    # A project that never ran has no folder to hold.
    read_escalation(folder, name)
    with hold_decisions(folder):
        escalation = read_escalation(folder, name)
        check_open(escalation)
        at = evolve(decision, at=datetime.now(UTC))
        decided = {**escalation, "state": DECIDED, "decision": describe_decision(at)}
        # Not by the id in the file, which may be a stranger's and lead elsewhere.
        write_whole(folder / f"{name.removesuffix('.json')}.json", dump_members(decided))
    return decided


def find_decision(folder: Path, name: str) -> Decision | None:
    """Return what a person has decided about an escalation, if anybody has."""
    escalation = find_escalation(folder, name)
    decision = {} if escalation is None else escalation.get("decision")
    if not isinstance(decision, dict) or decision.get("action") not in list(Action):
        return None
    text, option = decision.get("text"), decision.get("option")
    return Decision(
        action=Action(decision["action"]),
        by=PERSON if decision.get("by") not in PROGRAMS else decision["by"],
        text=None if text is None else str(text),
        option=None if option is None else str(option),
    )


@contextmanager
def hold_decisions(folder: Path, *, patience: float | None = None) -> Iterator[None]:
    """Hold the lock of a folder of escalations; after `patience` seconds go on without. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if patience is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            _try_to_hold(descriptor, patience)
        yield
    finally:
        os.close(descriptor)


def _try_to_hold(descriptor: int, patience: float) -> None:
    given_up = time.monotonic() + patience
    while time.monotonic() < given_up:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE)
        else:
            return
