"""The settings as values, with their defaults. Knows nothing of files: `configfile` reads them.

The classes mirror the tables of `config/aad.toml`. Durations are seconds, sizes bytes; a duration of 0
means no limit. What a type does not say of a setting, a `Rule` or a `Choice` beside it does: it binds
what people write, not what is built in code. A test keeps this file and `config/aad.toml` equal.
"""

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal
from unicodedata import normalize

from attrs import evolve, field, fields_dict, frozen

from aad.spec import Spec
from aad.units import BIGGEST, LONGEST

# More than any machine runs side by side, or any person means.
MANY = 10_000


@frozen
class Rule:
    """How a setting is written, `form`, and the least and the most that it may be."""

    form: Literal["duration", "size", "whole", "number", "pattern", "variable", "branch", "address", "agents"]
    least: float = 0
    most: float = MANY


@frozen
class Choice:
    """The words that a setting may be. `later` are known words that this version does not offer yet."""

    offered: tuple[str, ...]
    later: tuple[str, ...] = ()


# What an agent may be. Each is an agent's name, too; `[agents.NAME]` makes more of the same kinds.
AGENT_KINDS = ("command", "acp", "claude", "codex", "gemini", "opencode", "pi", "qwen")

# How an agent may be called.
AGENT_NAME = r"[A-Za-z0-9_.-]+"
# One agent's name, or several with commas: the next is tried where one is used up or locked out.
AgentNames = Annotated[str, Rule("agents")]
Isolation = Literal["worktree", "directory", "none"]
AnyIsolation = Literal["auto", "worktree", "directory", "none"]
Progress = Literal["auto", "live", "plain", "none"]
Permissions = Literal["sandbox", "workspace", "full"]
Duration = Annotated[float, Rule("duration", most=LONGEST)]
# A loop that never rests would eat a core; one that rests for days would watch nothing.
Interval = Annotated[float, Rule("duration", least=0.01, most=3600)]
Size = Annotated[int, Rule("size", most=BIGGEST)]
Count = Annotated[int, Rule("whole")]
# Of turns and tokens.
Number = Annotated[int, Rule("whole", most=10**15)]
Amount = Annotated[float, Rule("number", most=1e9)]
Pattern = Annotated[str, Rule("pattern")]
Variable = Annotated[str, Rule("variable")]
Branch = Annotated[str, Rule("branch")]
Retries = Annotated[int, Rule("whole", most=1000)]
# A rule that grants none would say nothing.
Times = Annotated[int, Rule("whole", least=1, most=1000)]
Address = Annotated[str, Rule("address")]
Priority = Annotated[int, Rule("whole", least=-1_000_000, most=1_000_000)]
Command = str | tuple[str, ...]
# The words of `events`, which takes as long to load as all the settings: a test keeps them equal, but for
# what nobody can decide beforehand.
LevelWord = Literal["warning", "error", "critical"]
ActionWord = Literal["retry", "skip", "continue", "abort", "answer", "wait"]
KindWord = Literal[
    "failed", "timed_out", "stalled", "question", "permission", "verify_failed", "conflict", "rate_limited",
    "budget", "auth", "spawn_failed", "leaked",
]  # fmt: skip


def split_names(names: str) -> tuple[str, ...]:
    """Return the names of the agents that a setting gives, in their order."""
    return tuple(filter(None, split_words(names)))


def split_words(names: str) -> tuple[str, ...]:
    """Return what stands between the commas of such a setting, empty words among it."""
    return tuple(name.strip() for name in names.split(","))


def matches_glob(spec_id: str, glob: str) -> bool:
    """Tell whether a glob means a spec; ids are normalised, so it is, too."""
    return fnmatchcase(spec_id, normalize("NFKC", glob))


def count_cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        return os.cpu_count() or 1


@frozen(kw_only=True)
class RetrySettings:
    """`retries`: how often a plain failure is tried again, and how long to wait before."""

    count: Retries = 0
    delay: Duration = 10.0
    backoff: Literal["exponential", "constant"] = "exponential"
    max_delay: Duration = 300.0
    jitter: bool = True


@frozen(kw_only=True)
class RunSettings:
    """`[orchestrator]`: how a run goes. `max_parallel_sessions` 0 means: as many as there are cores."""

    max_parallel_sessions: Count = 0
    schedule: Literal["eager", "waves"] = "eager"
    session_timeout: Duration = 3600.0
    slow_after: Duration = 600.0
    stall_timeout: Duration = 900.0
    quota_wait: Duration = 21600.0
    run_timeout: Duration = 0.0
    grace_period: Duration = 10.0
    monitor_interval: Interval = 1.0
    fail_fast: bool = False
    retries: RetrySettings = field(factory=RetrySettings)
    require_status: tuple[str, ...] = ("Approved", "In Progress")

    @property
    def slots(self) -> int:
        """How many sessions may run at once."""
        return self.max_parallel_sessions or count_cores()


DEFAULT_ENV_PASS = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TERM", "TMPDIR",
    "XDG_*", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "all_proxy", "VIRTUAL_ENV",
)  # fmt: skip


@frozen(kw_only=True)
class AgentSettings:
    """`[agent]`: what runs a session. `command` is the argv of the agent `command`.

    `model` and `args` are the first agent's, unless its own table says otherwise; all else holds for every
    agent whose table does not.
    """

    kind: AgentNames = "command"
    command: tuple[str, ...] = ()
    model: str = ""
    args: tuple[str, ...] = ()
    max_turns: Number = 0
    max_tokens: Number = 0
    max_cost_usd: Amount = 0.0
    permissions: Permissions = "workspace"
    env_pass: tuple[str, ...] = DEFAULT_ENV_PASS
    env: Mapping[Variable, str] = field(factory=dict)


@frozen(kw_only=True)
class AgentOptions:
    """`[agents.NAME]`: one agent, which is of the kind `kind` (default: its name).

    `command` stands for its program, where that has another name or needs words before its arguments; `args`
    come behind ours. `max_turns`, `max_tokens` and `max_cost_usd` bound a session, 0 meaning no bound. What
    is left open is as `[agent]` says. A `live` agent asks while it works and waits for the answer, where it
    knows how; else its session ends with a question, and goes on with the answer.
    """

    kind: str = ""
    command: tuple[str, ...] = ()
    model: str = ""
    args: tuple[str, ...] = ()
    permissions: Permissions | None = None
    max_turns: Number | None = None
    max_tokens: Number | None = None
    max_cost_usd: Amount | None = None
    live: bool = False
    env_pass: tuple[str, ...] = ()
    env: Mapping[Variable, str] = field(factory=dict)


@frozen(kw_only=True)
class BudgetSettings:
    """`[budget]`: what all sessions of a run may use together; 0 means no bound."""

    max_turns: Number = 0
    max_tokens: Number = 0
    max_cost_usd: Amount = 0.0


@frozen(kw_only=True)
class WorkspaceSettings:
    """`[workspace]`: where a session works. `auto` is a worktree in a git repository, else `none`."""

    isolation: AnyIsolation = "auto"
    root: str = ""
    branch: Branch = "aad/{spec}"
    base: str = ""
    setup: str = ""
    keep: Literal["always", "on-failure", "never"] = "on-failure"


@frozen(kw_only=True)
class PolicyRule:
    """`[[escalation.policy]]`: what is decided about the escalations that match; `None` matches all.

    A `retry` and an `answer` are granted so many `times` for each session; `text` is what an `answer` says,
    and nothing else has one.
    """

    action: ActionWord
    level: LevelWord | None = None
    kind: KindWord | None = None
    specs: str | None = None
    times: Times = 1
    text: str | None = None

    def matches(self, spec_id: str, level: str, kind: str) -> bool:
        """Tell whether the rule speaks of such an escalation of a spec."""
        named = self.level in (None, level) and self.kind in (None, kind)
        return named and (self.specs is None or matches_glob(spec_id, self.specs))


@frozen(kw_only=True)
class EscalationSettings:
    """`[escalation]`: how people are told, what becomes of questions, and who decides what."""

    notify: tuple[Literal["log", "bell", "desktop"], ...] = ("log",)
    command: tuple[str, ...] = ()
    apprise: tuple[Address, ...] = ()
    questions: Literal["wait", "fail"] = "wait"
    wait: Duration = 86400.0
    stale_after: Duration = 3600.0
    policy: tuple[PolicyRule, ...] = ()


@frozen(kw_only=True)
class LogSettings:
    """`[logs]`: how much of a child's output is kept, and what is masked in it."""

    max_output: Annotated[int, Rule("size", least=1, most=BIGGEST)] = 10_000_000
    tail_lines: Count = 40
    redact_env: tuple[str, ...] = (
        "*TOKEN*", "*SECRET*", "*KEY*", "*PASSW*", "*PASSPHRASE*", "*CREDENTIAL*", "*COOKIE*", "*DSN*",
        "*AUTH*",
    )  # fmt: skip
    redact_patterns: tuple[Pattern, ...] = ()


@frozen(kw_only=True)
class RetentionSettings:
    """`[runs]`: what `aad runs prune` leaves; 0 means no bound."""

    keep: Count = 100
    max_age: Duration = 30 * 86400.0
    max_size: Size = 1_000_000_000


@frozen(kw_only=True)
class UiSettings:
    """`[ui]`: how a run is shown to people."""

    lang: Literal["auto", "en", "ja"] = "auto"
    symbols: Literal["auto", "emoji", "unicode", "ascii"] = "auto"
    progress: Progress = "auto"
    max_rows: Annotated[int, Rule("whole", least=1)] = 8

    @property
    def spoken(self) -> Literal["en", "ja"]:
        """The language of what is said outside of a terminal, which nobody can ask for its own."""
        return "ja" if self.lang == "ja" else "en"


@frozen(kw_only=True)
class Override:
    """`[[override]]`: settings for all specs whose id matches the glob `specs`. `None` says nothing."""

    specs: str
    agent: AgentNames | None = None
    run: Command | None = None
    verify: Command | None = None
    isolation: Isolation | None = None
    timeout: Duration | None = None
    stall_timeout: Duration | None = None
    retries: Retries | None = None
    estimate: Duration | None = None
    priority: Priority | None = None
    paths: tuple[str, ...] | None = None
    conflicts_with: tuple[str, ...] | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the override says, by the names of a spec's settings."""
        return {name: value for name in OVERRIDABLE if (value := getattr(self, name)) is not None}

    def matches(self, spec: Spec) -> bool:
        """Tell whether the override speaks of a spec."""
        return matches_glob(spec.id, self.specs)


@frozen(kw_only=True)
class OrchestratorConfig:
    """All settings of a project."""

    version: str = "0.1.0"
    default_branch: str = "main"
    orchestrator: RunSettings = field(factory=RunSettings)
    agent: AgentSettings = field(factory=AgentSettings)
    agents: Mapping[str, AgentOptions] = field(factory=dict)
    budget: BudgetSettings = field(factory=BudgetSettings)
    workspace: WorkspaceSettings = field(factory=WorkspaceSettings)
    escalation: EscalationSettings = field(factory=EscalationSettings)
    logs: LogSettings = field(factory=LogSettings)
    runs: RetentionSettings = field(factory=RetentionSettings)
    ui: UiSettings = field(factory=UiSettings)
    override: tuple[Override, ...] = ()


OVERRIDABLE = tuple(name for name in fields_dict(Override) if name != "specs")
UNSET = {name: fields_dict(Spec)[name].default for name in OVERRIDABLE}


def apply_overrides(config: OrchestratorConfig, spec: Spec) -> Spec:
    """Fill what the spec's own file left open; the first matching override that says something wins."""
    changes: dict[str, Any] = {}
    for override in config.override:
        if override.matches(spec):
            changes = {**override.settings, **changes}
    left_open = {name: changes[name] for name in changes if getattr(spec, name) == UNSET[name]}
    return evolve(spec, **left_open) if left_open else spec
