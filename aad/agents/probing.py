"""Which coding agents there are: their programs, versions, and whether somebody seems signed in to them.

Each is asked for its version and for nothing else, far from the user's home and from the network. Of what
they keep to sign in with only the name is looked at.
"""

import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from attrs import evolve, frozen

from aad.agents import PROGRAMS, find_kind
from aad.agents.base import Caps, allowed_environment
from aad.agents.function import FunctionAgent
from aad.agents.roster import KINDS, Player, Roster, fill_options
from aad.config import OrchestratorConfig
from aad.spec import Spec

VERSION = re.compile(rb"\d+\.\d+[0-9A-Za-z.+-]*")
# What all programs get to see: enough to be found and started.
SHOWN = ("PATH", "LANG", "LC_*", "SYSTEMROOT")
# Nothing is fetched or updated for the sake of a version: where one asks all the same, nobody listens.
NOWHERE = "http://127.0.0.1:9"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "GEMINI_CLI_NO_RELAUNCH": "true",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "PI_OFFLINE": "1",
    "PI_TELEMETRY": "0",
    **dict.fromkeys(PROXIES, NOWHERE),
}

# Where an agent keeps what it signs in with: the variable that names the folder, the folder in the home
# without it, the file. Qwen Code is started with a key and nothing else, so its file would say nothing.
CREDENTIALS = {
    "claude": ("CLAUDE_CONFIG_DIR", ".claude", ".credentials.json"),
    "codex": ("CODEX_HOME", ".codex", "auth.json"),
    "gemini": ("", ".gemini", "oauth_creds.json"),
    "opencode": ("XDG_DATA_HOME", ".local/share", "opencode/auth.json"),
    "pi": ("PI_CODING_AGENT_DIR", ".pi/agent", "auth.json"),
}
# How the names of variables end that hold keys.
KEYS = ("_KEY", "_TOKEN")


@frozen
class SignIn:
    """By what an agent seems signed in: a file of its own, or a variable that holds a key; `at` names it."""

    by: Literal["file", "key"]
    at: str


@frozen(kw_only=True)
class Probed:
    """What was found of one agent. `program` is None where there is none, `version` where it told none.

    `wanted`: some spec is to be run by it. `signed_in` is None where we cannot tell.
    """

    name: str
    kind: str
    caps: Caps
    wanted: bool = False
    program: str | None = None
    version: str | None = None
    signed_in: SignIn | None = None


# Calls programs, each by its words and with all that it gets to see, and returns what each of them tells.
Ask = Callable[[Sequence[tuple[Sequence[str], Mapping[str, str]]]], Sequence[bytes]]


def probe_agents(
    config: OrchestratorConfig, environ: Mapping[str, str], ask: Ask, *, wanted: Collection[str] = ()
) -> list[Probed]:
    """Return the agents that are `wanted`, have a program of their own in the settings, or are on PATH.

    What their programs tell of their versions `ask` finds out, of all at once.
    """
    roster = Roster(config, environ)
    named = [name for name in dict.fromkeys((*wanted, *_list_own(config))) if _is_coding(name, config)]
    players = [roster.cast(Spec(id=name, agent=name))[0] for name in dict.fromkeys((*named, *PROGRAMS))]
    found = {player.name: argv for player in players if (argv := _find_program(player, config))}
    told = ask([(argv, _show(player.env)) for player in players if (argv := found.get(player.name))])
    versions = dict(zip(found, map(read_version, told), strict=True))
    return [
        evolve(
            _probe(player, config),
            wanted=player.name in wanted,
            program=found.get(player.name, (None,))[0],
            version=versions.get(player.name),
        )
        for player in players
        if player.name in found or player.name in named
    ]


def _list_own(config: OrchestratorConfig) -> Iterator[str]:
    """Yield the names of the agents whose tables say which program they are."""
    yield from (name for name, options in config.agents.items() if options.command)


def _is_coding(name: str, config: OrchestratorConfig) -> bool:
    return find_kind(name, config) in KINDS


def _probe(player: Player, config: OrchestratorConfig) -> Probed:
    name, kind = player.name, find_kind(player.name, config)
    passes = () if isinstance(player.agent, FunctionAgent) else player.agent.passes
    signed_in = find_sign_in(kind, player.env, passes)
    return Probed(name=name, kind=kind, caps=player.caps, signed_in=signed_in)


def _find_program(player: Player, config: OrchestratorConfig) -> tuple[str, ...] | None:
    """Return how an agent's program is called, by its whole path; None where there is none."""
    kind = find_kind(player.name, config)
    first, *words = fill_options(player.name, config).command or (kind,)
    found = shutil.which(first, path=player.env.get("PATH", ""))
    return None if found is None else (str(Path(found).absolute()), *words)


def _show(env: Mapping[str, str]) -> dict[str, str]:
    """Return what of an agent's environment a program gets to see that is asked for its version."""
    return {**allowed_environment(env, SHOWN), **QUIET}


def read_version(told: bytes) -> str | None:
    """Return the version in what a program tells; None where there is none."""
    found = VERSION.search(told)
    return None if found is None else found[0].decode()


def find_sign_in(kind: str, env: Mapping[str, str], passes: Iterable[str]) -> SignIn | None:
    """Return by what an agent of a kind seems signed in where it gets this environment."""
    file = _find_credentials(kind, env)
    if file is not None and file.is_file():
        return SignIn("file", str(file))
    keys = (name for name, value in allowed_environment(env, passes).items() if name.endswith(KEYS) and value)
    return next((SignIn("key", name) for name in keys), None)


def _find_credentials(kind: str, env: Mapping[str, str]) -> Path | None:
    variable, folder, file = CREDENTIALS.get(kind, ("", "", ""))
    if env.get(variable):
        return Path(env[variable], file)
    return Path(env["HOME"], folder, file) if file and env.get("HOME") else None
