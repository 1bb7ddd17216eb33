"""The shapes of well-known tokens: what a secret that nobody named looks like. Knows no values.

Each shape has anchors, one of which is in every such token, and is tried only where an anchor occurs. None
reaches over the end of a line, and none over REACH bytes.
"""

import re
from collections.abc import Iterator

from attrs import frozen

from aad.sighting import Sighting


@frozen
class Shape:
    """One kind of token. Its pattern's first group is what is secret, or all of it if it has none."""

    anchors: tuple[bytes, ...]
    pattern: re.Pattern[bytes]

    def is_likely(self, data: bytes) -> bool:
        for anchor in self.anchors:  # noqa: SIM110 - asked for every line, and any() costs five times as much
            if anchor in data:
                return True
        return False

    def find(self, data: bytes) -> Iterator[Sighting]:
        for match in self.pattern.finditer(data):
            yield Sighting(match.span(self.pattern.groups), match.span())


def _shape(*anchors: bytes, pattern: bytes) -> Shape:
    return Shape(anchors, re.compile(pattern))


# With `sk-` a word begins; what is before it may be an escape or a colour: `\n`, `%3D`, `\u003d`, `ESC[31m`.
# It looks back from behind, since a pattern that begins with a literal is searched for fast.
_SK_BEGINS = (
    rb"(?:(?<![A-Za-z0-9]sk-)|(?<=\\[abfnrtv]sk-)|(?<=%[0-9A-Fa-f]{2}sk-)"
    rb"|(?<=\\u[0-9A-Fa-f]{4}sk-)|(?<=[0-9;\[]msk-))"
)
# Of such a name one piece is long, and no word of a language.
_SK_IS_RANDOM = rb"(?=[a-z_-]{0,60}[A-Z0-9])(?=[\w-]{0,60}?[A-Za-z0-9]{16})"

# Each has its anchor in a long word, and the sign above it too: a flood of hex or base64 has no signs.
IN_WORDS = {
    b"-": (
        # OpenAI, Anthropic and others.
        _shape(b"sk-", pattern=rb"sk-" + _SK_BEGINS + _SK_IS_RANDOM + rb"[\w-]{20,400}"),
        # GitLab, whose newer ones have a short end behind a dot.
        _shape(b"glpat-", pattern=rb"glpat-[\w-]{20,300}(?:\.[0-9a-z]{2}\.?[0-9a-z]{7})?"),
        # Slack.
        _shape(b"xox", pattern=rb"xox[abeoprs]-(?=[A-Za-z-]{0,300}[0-9])[A-Za-z0-9-]{15,300}"),
        # The package index of Python.
        _shape(b"pypi-", pattern=rb"pypi-Ag[\w-]{50,1000}"),
    ),
    b"_": (
        # GitHub.
        _shape(b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", pattern=rb"gh[pousr]_[A-Za-z0-9]{36,255}"),
        _shape(b"github_pat_", pattern=rb"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59,200}"),
        # The package index of JavaScript.
        _shape(b"npm_", pattern=rb"npm_[A-Za-z0-9]{36}"),
        # Hugging Face.
        _shape(b"hf_", pattern=rb"hf_[A-Za-z0-9]{34}"),
    ),
    b"": (
        # The ids of AWS keys.
        _shape(b"AKIA", b"ASIA", pattern=rb"A(?:KI|SI)A[A-Z2-7]{16}(?![A-Za-z0-9])"),
        # Google.
        _shape(b"AIza", pattern=rb"AIza[\w-]{35}(?![\w-])"),
        # JSON Web Tokens: what they are, what they claim, and the signature.
        _shape(b"eyJ", pattern=rb"eyJ[\w-]{17,2000}+\.eyJ[\w-]{8,8000}+\.[\w-]{20,3900}"),
    ),
}
ANYWHERE = (
    # What stands behind its name; words of small letters are prose.
    _shape(
        b"Bearer",
        b"bearer",
        b"BEARER",
        pattern=rb"(?:Bearer|bearer|BEARER)(?:[ \t]|%20){1,4}"
        rb"(?=[a-z._~+/=-]{0,16000}[A-Z0-9])([A-Za-z0-9._~+/=-]{16,16000})",
    ),
    # The password of a URL; a host's port is none.
    _shape(
        b"://",
        pattern=rb"://[^\s/:@?#\"'<>\\`]{0,256}+:(?![0-9]{2,5}[,;&|)\]}?#'])([^\s/\"<>\\`]{1,512})@",
    ),
)


def find_tokens(data: bytes, words: bytes) -> Iterator[Sighting]:
    """Yield the tokens in a text whose long words are known; those of different shapes may overlap."""
    for shape in ANYWHERE:
        if shape.is_likely(data):
            yield from shape.find(data)
    if not words:
        return
    for sign, shapes in IN_WORDS.items():
        if sign in words:
            for shape in shapes:
                if shape.is_likely(words):
                    yield from shape.find(data)
