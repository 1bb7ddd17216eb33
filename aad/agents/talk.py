"""What an agent tells while it works, in one vocabulary for all of them."""

from collections.abc import Callable
from typing import Self

from attrs import evolve, frozen

from aad.events import Question, Reason, Usage


@frozen(kw_only=True)
class Opened:
    """The agent's own session has begun, or goes on: the id by which it can be resumed."""

    session_id: str
    model: str | None = None


@frozen
class Said:
    """The agent's words to people, whole."""

    text: str


@frozen(kw_only=True)
class Planned:
    """Where the agent stands in its own plan: how many items are done, and the one it is at."""

    done: int
    total: int
    current: str | None = None


@frozen(kw_only=True)
class ToolBegan:
    """A tool call is open. `detail` says on what: a command line, a path."""

    id: str
    name: str
    detail: str = ""


@frozen(kw_only=True)
class ToolEnded:
    """A tool call is over."""

    id: str
    ok: bool = True


@frozen(kw_only=True)
class Retrying:
    """The agent asks its model again by itself: the `attempt`-th time of `of`, in `delay` seconds."""

    reason: Reason = Reason.UNKNOWN
    attempt: int | None = None
    of: int | None = None
    delay: float | None = None


@frozen
class Limited:
    """The agent's account is used up until `reset_at`, in seconds since the epoch, where that is known."""

    reset_at: float | None = None


@frozen
class Used:
    """The newest figure of what the agent used, as it counts: for its process or its session."""

    usage: Usage


@frozen
class Denied:
    """Something the agent wanted to do was not allowed; it goes on."""

    tool: str


@frozen(kw_only=True)
class Wants:
    """The agent waits for a person's word, by which it goes on: an answer, or leave to do something.

    `options` and `descriptions` are as those of a question.
    """

    request_id: str
    text: str
    options: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    permission: bool = False

    @property
    def question(self) -> Question:
        """What a person is asked."""
        return Question(text=self.text, options=self.options, descriptions=self.descriptions)

    def mask(self, redact: Callable[[str], str]) -> Self:
        """Return the same with the secrets in it masked."""
        masked = self.question.mask(redact)
        return evolve(self, text=masked.text, options=masked.options, descriptions=masked.descriptions)

    def unmask(self, text: str, option: str | None, redact: Callable[[str], str]) -> tuple[str, str | None]:
        """Return an answer as the agent understands it: people saw its options as `mask` tells them."""
        if option is None:
            return text, None
        shown = self.mask(redact).options
        own = dict(zip(shown, self.options, strict=True)).get(option, option)
        return own if text == option else text, own


@frozen(kw_only=True)
class Withdrawn:
    """The agent waits no longer for what it wanted, whether it was given it or not."""

    request_id: str


Talk = (
    Opened | Said | Planned | ToolBegan | ToolEnded | Retrying | Limited | Used | Denied | Wants | Withdrawn
)
