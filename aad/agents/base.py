"""What every agent shares: a job goes in, a command comes out, an exit is judged. Starts nothing."""

import fnmatch
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from attrs import field, frozen

from aad.events import Failure, Question, Usage
from aad.feedback import quote_check
from aad.spec import Spec

# Settings under which git starts nothing in the background, and asks nobody to sign (git-config(1),
# GIT_CONFIG_COUNT): where there is no terminal, a signing program waits for ever for its passphrase.
GIT_SETTINGS = {
    "gc.auto": "0", "maintenance.auto": "false", "core.fsmonitor": "false",
    "commit.gpgSign": "false", "tag.gpgSign": "false",
}  # fmt: skip


def allowed_environment(environ: Mapping[str, str], patterns: Iterable[str]) -> dict[str, str]:
    """Return the variables whose names match one of the globs."""
    names = [name for pattern in patterns for name in fnmatch.filter(environ, pattern)]
    return {name: environ[name] for name in names}


def quiet_git(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which git starts no daemons, and waits for nobody."""
    given = env.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    added = {"GIT_CONFIG_COUNT": str(first + len(GIT_SETTINGS))}
    for number, (key, value) in enumerate(GIT_SETTINGS.items(), first):
        added |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {**env, **added}


@frozen(kw_only=True)
class Job:
    """One attempt's work order.

    It `resumes` where it takes up the last attempt as that left off. `answer` is the reply to the question
    that ended an attempt before, and `option` the one that was chosen of those it offered; `conflict` says
    why the work of the attempt before could not be integrated, `unverified` how its verification failed.
    `place` are the variables that belong to the workspace.
    """

    run: str
    session: str
    spec: Spec
    spec_file: str
    attempt: int
    workspace: Path
    events_file: Path
    resumes: bool = False
    answer: str | None = None
    option: str | None = None
    conflict: Failure | None = None
    unverified: Failure | None = None
    place: Mapping[str, str] = field(factory=dict)

    @property
    def prompt(self) -> bytes:
        """The spec's words, read when they are needed: nobody holds the texts of ten thousand specs.

        Behind them stands what came in the way of the attempt before. Raises OSError where the file cannot
        be read.
        """
        spec = Path(self.spec_file).read_bytes() if self.spec.text is None else self.spec.text.encode()
        told = "" if self.unverified is None else _tell_unverified(self.unverified)
        told += "" if self.conflict is None else _tell_conflict(self.conflict)
        return spec + told.encode(errors="replace")

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a child finds its way."""
        told = {
            "AAD_RUN_ID": self.run,
            "AAD_SESSION_ID": self.session,
            "AAD_SPEC_ID": self.spec.id,
            "AAD_SPEC_FILE": self.spec_file,
            "AAD_ATTEMPT": str(self.attempt),
            "AAD_MODE": "resume" if self.resumes else "new",
            "AAD_WORKSPACE": str(self.workspace),
            "AAD_EVENTS": str(self.events_file),
        }
        told |= self.place
        given = {
            "AAD_ANSWER": self.answer,
            "AAD_ANSWER_OPTION": self.option,
            "AAD_VERIFY_OUTPUT": None if self.unverified is None else quote_check(self.unverified),
        }
        return {**told, **{name: value for name, value in given.items() if value is not None}}


def _tell_unverified(failure: Failure) -> str:
    """Return what an agent needs to know of the check that its work did not pass."""
    quoted = "".join(f"    {line}\n" for line in quote_check(failure).splitlines())
    return (
        "\n\n## Verification failed in the attempt before\n\n"
        "This was done once already, and the check of the result failed. Do the task so that it passes. "
        f"The end of what the check said:\n\n{quoted}"
    )


def _tell_conflict(conflict: Failure) -> str:
    """Return what an agent needs to know to do work anew that contradicted other work."""
    files = "".join(f"- {name}\n" for name in conflict.files)
    others = f" ({', '.join(conflict.blocked_by)})" if conflict.blocked_by else ""
    return (
        "\n\n## Merge conflict in the attempt before\n\n"
        f"This was done once already, and could not be merged with work that was finished meanwhile{others}. "
        "That work is in your workspace now. Do the task again on top of it, and keep what it does. "
        f"The files in conflict were:\n\n{files}"
    )


@frozen(kw_only=True)
class Command:
    """What to start: argv, the whole environment, the working directory, what stdin holds (None: nothing)."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: str
    stdin: bytes | None = field(default=None, repr=False)


@frozen
class Exit:
    """How a process ended: by an exit code, or by a signal."""

    code: int | None
    signal: int | None = None


class Outcome(StrEnum):
    """What an attempt came to."""

    COMPLETED = "completed"
    FAILED = "failed"
    QUESTION = "question"


@frozen(kw_only=True)
class Verdict:
    """The judgement of one attempt. `transient`: the same work may well succeed if tried again."""

    outcome: Outcome
    failure: Failure | None = None
    transient: bool = False
    question: Question | None = None
    # The question is for leave to do something.
    permission: bool = False
    usage: Usage | None = None


COMPLETED = Verdict(outcome=Outcome.COMPLETED)


def failed(failure: Failure, *, transient: bool = False) -> Verdict:
    """Return the verdict of an attempt that failed."""
    return Verdict(outcome=Outcome.FAILED, failure=failure, transient=transient)


class Agent(Protocol):
    """Turns a job into a command, and the command's end into a verdict. Pure: builds values only."""

    @property
    def name(self) -> str:
        """The word by which config and spec files ask for this agent."""

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        """Return what to start for a job; `env` is the environment that the child is allowed."""

    def judge(self, end: Exit) -> Verdict:
        """Return what an exit that nobody forced means."""
