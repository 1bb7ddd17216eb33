"""Secrets that nobody has, shaped like real ones; put together here, for no scanner to take them for real."""

import string
import textwrap
from random import Random

LETTERS = string.ascii_letters + string.digits


def draw(seed: str, size: int, letters: str = LETTERS) -> str:
    """Return letters that look random and are the same each time."""
    return "".join(Random(seed).choices(letters, k=size))  # noqa: S311 - the same each time is the point


def make_key(kind: str = "RSA ", size: int = 1600, *, head: str = "") -> str:
    """Return a private key in PEM, of whole lines and a short last one."""
    body = "\n".join(textwrap.wrap(draw(kind, size - size % 64 + 14, LETTERS + "+/") + "==", 64))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{head}{body}\n-----END {kind}PRIVATE KEY-----\n"


def list_body(key: str) -> list[str]:
    """Return the lines of a key that must not be told."""
    return [line for line in key.splitlines() if line and "PRIVATE KEY" not in line and ": " not in line]


TOKENS = {
    "OpenAI": "sk-" + draw("openai", 48),
    "OpenAI project": "sk-proj-" + draw("project", 156, LETTERS + "_-"),
    "Anthropic": "sk-ant-api03-" + draw("anthropic", 95, LETTERS + "_-"),
    "GitHub personal": "ghp_" + draw("ghp", 36),
    "GitHub OAuth": "gho_" + draw("gho", 36),
    "GitHub user": "ghu_" + draw("ghu", 36),
    "GitHub server": "ghs_" + draw("ghs", 36),
    "GitHub refresh": "ghr_" + draw("ghr", 76),
    "GitHub fine-grained": f"github_pat_{draw('pat', 22)}_{draw('grain', 59)}",
    "GitLab": "glpat-" + draw("gitlab", 20, LETTERS + "_-"),
    "GitLab routable": f"glpat-{draw('routable', 27)}.01.{draw('end', 7, string.digits + 'abcdef')}",
    "AWS": "AKIA" + draw("aws", 16, string.ascii_uppercase + "234567"),
    "AWS temporary": "ASIA" + draw("sts", 16, string.ascii_uppercase + "234567"),
    "Google": "AIza" + draw("google", 35, LETTERS + "_-"),
    "Slack bot": f"xoxb-{draw('a', 12, string.digits)}-{draw('b', 13, string.digits)}-{draw('slack', 24)}",
    "Slack user": f"xoxp-{draw('c', 11, string.digits)}-{draw('d', 11, string.digits)}-{draw('user', 32)}",
    "npm": "npm_" + draw("npm", 36),
    "Hugging Face": "hf_" + draw("face", 34),
    "PyPI": "pypi-AgEIcHlwaS5vcmc" + draw("pypi", 150, LETTERS + "_-"),
    "JSON Web Token": f"eyJhbGciOiJIUzI1NiJ9.eyJ{draw('claims', 60)}.{draw('signature', 43, LETTERS + '_-')}",
}
