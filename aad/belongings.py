"""What a session's work tree holds besides its work: what is never committed, and why. Knows no git."""

import re
from enum import StrEnum
from fnmatch import fnmatchcase

from aad.project import FOLDER, OWN_FOLDERS


class Why(StrEnum):
    """Why something is left out of a commit."""

    SECRET = "secret"  # noqa: S105 - a word, no secret
    NESTED = "nested"
    SUBMODULE = "submodule"
    UNREADABLE = "unreadable"
    SPEC = "spec"
    OWN = "own"
    LITTER = "litter"


# Nobody misses these: ours, the run's own copy of a spec, what sandboxes leave behind.
UNTOLD = frozenset([Why.OWN, Why.LITTER, Why.SPEC])
# What a folder's own time of change says nothing about.
INSCRUTABLE = frozenset([Why.NESTED, Why.SUBMODULE])
# Files, which are there for a check whatever git shows beside them.
LIFTED = frozenset([Why.SECRET, Why.UNREADABLE, Why.SPEC])
# Files, which are there for a check whatever git shows beside them.
LIFTED = frozenset([Why.SECRET, Why.UNREADABLE, Why.SPEC])

# Names of files that hold secrets by custom, and of those that show what such a file looks like.
SECRET_NAMES = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", "_netrc", ".pgpass", ".pypirc", ".htpasswd",
    ".git-credentials", "credentials.json", "service-account*.json", "secrets.json", "secrets.y*ml",
    "*.tfstate",
)  # fmt: skip
HARMLESS_NAMES = (
    "*.example", "*.sample", "*.template", "*.dist", "*.tmpl", "*.defaults", "example.env", "sample.env",
    "template.env",
)  # fmt: skip
# What sandboxes of coding agents leave behind: empty files at these paths.
LITTER = frozenset(
    [
        ".agents", ".aws", ".bash_profile", ".bashrc", ".claude", ".claude/agents", ".claude/commands",
        ".codex", ".gitconfig", ".gitmodules", ".idea", ".mcp.json", ".profile", ".ripgreprc", ".vscode",
        ".zprofile", ".zshrc",
    ]
)  # fmt: skip
_CLAUDE_OWN = re.compile(r"\.claude/\.cc-writes(/|$)")


def is_secret(path: str) -> bool:
    """Tell whether a file is named as those are that hold secrets.

    >>> [is_secret(name) for name in ("app/.env", ".env.example", "id_rsa", "monkey.py")]
    [True, False, True, False]
    """
    name = path.rpartition("/")[2].casefold()
    if any(fnmatchcase(name, pattern) for pattern in HARMLESS_NAMES):
        return False
    return any(fnmatchcase(name, pattern) for pattern in SECRET_NAMES)


def is_litter(path: str, *, empty: bool) -> bool:
    """Tell whether an untracked file below the project is what an agent's sandbox leaves behind."""
    if _CLAUDE_OWN.match(path):
        return True
    return empty and path in LITTER


def is_own(path: str) -> bool:
    """Tell whether a file below the project lies in one of our own folders."""
    return any(path.startswith(f"{FOLDER}/{name}/") for name in OWN_FOLDERS)
