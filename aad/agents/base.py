"""What every agent shares: a job goes in, a command comes out, an exit is judged. Starts nothing."""

import fnmatch
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from attrs import field, frozen

from aad.agents.prompt import tell_trouble
from aad.events import Failure, Question, Usage
from aad.feedback import quote_check
from aad.spec import Spec
from aad.state import Answered

if TYPE_CHECKING:
    from aad.agents.talk import Talk

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
class Needed:
    """What a spec depends on: the commit of its work, where there is one, and its agent's last words."""

    spec_id: str
    title: str = ""
    commit: str = ""
    text: str = ""


@frozen(kw_only=True)
class Job:
    """One attempt's work order.

    It `resumes` where it takes up the last attempt as that left off. `answer` is the reply to the question
    that ended an attempt before, and `option` the one that was chosen of those it offered; `conflict` says
    why the work of the attempt before could not be integrated, `unverified` how its verification failed.
    `place` are the variables that belong to the workspace.

    `agent_session` is the agent's own session to go on with, None for a new one, which an agent that lets us
    choose gets the id `new_session`. Files that an agent needs may be put into `folder`, the attempt's own.
    `answered` is all that was asked before, with the answers. `needed` is what the spec depends on, and
    `lang` the language for instructions, `en` or `ja`.
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
    agent_session: str | None = None
    new_session: str = ""
    answered: tuple[Answered, ...] = ()
    needed: tuple[Needed, ...] = ()
    lang: str = "en"

    @property
    def folder(self) -> Path:
        """The attempt's own folder, outside of the workspace."""
        return self.events_file.parent.parent

    def read_spec(self) -> bytes:
        """Return the spec's words, read when they are needed: nobody holds the texts of ten thousand specs.

        Raises OSError where the file cannot be read.
        """
        return Path(self.spec_file).read_bytes() if self.spec.text is None else self.spec.text.encode()

    @property
    def prompt(self) -> bytes:
        """The spec's words, and behind them what came in the way of the attempt before. Raises OSError."""
        told = tell_trouble(self.lang, self.unverified, self.conflict)
        return self.read_spec() + told.encode(errors="replace")

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


@frozen(kw_only=True)
class Command:
    """What to start: argv, the whole environment, the working directory, what stdin holds (None: nothing).

    `files` are written before, by their paths.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: str
    stdin: bytes | None = field(default=None, repr=False)
    files: Mapping[Path, bytes] = field(factory=dict, repr=False)


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
    """The judgement of one attempt. `transient`: the same work may well succeed if tried again.

    `usage` is the figure as the agent counts it, `text` its last words. `reset_at`, in seconds since the
    epoch, is when an account that is used up may be used again, where that is known.
    """

    outcome: Outcome
    failure: Failure | None = None
    transient: bool = False
    question: Question | None = None
    # The question is for leave to do something.
    permission: bool = False
    usage: Usage | None = None
    text: str = ""
    reset_at: float | None = None


COMPLETED = Verdict(outcome=Outcome.COMPLETED)


def failed(failure: Failure, *, transient: bool = False) -> Verdict:
    """Return the verdict of an attempt that failed."""
    return Verdict(outcome=Outcome.FAILED, failure=failure, transient=transient)


@frozen(kw_only=True)
class Caps:
    """What an agent can do, as far as `aad` makes use of it.

    `streams`: it tells what it does while it works. `new_session`: the id of its session is chosen by us.
    `resumes`: a session goes on after its process has ended. `plans`: it tells where it stands in its plan.
    `tokens`, `cost`: it tells what it used; `cumulative`: in its whole session, not in its process;
    `sums_up`: only with its last word.
    `turns`, `budget`: it keeps bounds itself. `replies`: it can be made to end with an object of a given
    form. `sandbox`: it can keep its commands within the workspace.
    """

    streams: bool = True
    new_session: bool = False
    resumes: bool = False
    plans: bool = False
    tokens: bool = False
    cost: bool = False
    cumulative: bool = False
    sums_up: bool = False
    turns: bool = False
    budget: bool = False
    replies: bool = False
    sandbox: bool = False


class Reading(Protocol):
    """Takes in what one attempt's agent writes, and judges its end."""

    @property
    def broken(self) -> int:
        """How many lines were not what they should be."""

    def feed(self, line: bytes) -> Iterable["Talk"]:
        """Take in one line of stdout without its end; never raises."""

    def close(self, end: Exit, errors: str) -> Verdict:
        """Judge an end that nobody forced; `errors` is the end of what stderr got."""


@runtime_checkable
class Speaking(Reading, Protocol):
    """Takes in what one attempt's agent writes, and says what it is to be told while it works."""

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to be said: the agent's stdin is to be closed."""

    def begin(self) -> bytes:
        """Return the first words; raises OSError where the spec cannot be read."""

    def take_outgoing(self) -> bytes:
        """Return what is to be said now, once: to be asked after each line."""

    def answer(self, request_id: str, text: str, option: str | None) -> None:
        """Take a person's answer to what the agent wants: in words, or one of the options offered."""


class Agent(Protocol):
    """Turns a job into a command, and what comes of it into a verdict. Pure: builds values only."""

    @property
    def name(self) -> str:
        """The word by which config and spec files ask for this agent."""

    @property
    def caps(self) -> Caps:
        """What it can do."""

    @property
    def passes(self) -> tuple[str, ...]:
        """Patterns of the variables that it gets of the user's, beyond those that every child gets."""

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        """Return what to start for a job; `env` is the environment that the child is allowed."""

    def read(self) -> Reading | None:
        """Return what takes in the lines of one attempt; None where its output is log and nothing else."""

    def judge(self, end: Exit) -> Verdict:
        """Return what an exit that nobody forced means, where nothing takes in the lines."""


@runtime_checkable
class SpeakingAgent(Agent, Protocol):
    """An agent that is told what to do while it works, and not on its command line or in a file."""

    def speak(self, job: Job) -> Speaking:
        """Return what talks to it in one attempt."""


def begin_reading(agent: Agent, job: Job) -> Reading | None:
    """Return what takes in the lines of one attempt; None where an agent's output is log and nothing else."""
    return agent.speak(job) if isinstance(agent, SpeakingAgent) else agent.read()
