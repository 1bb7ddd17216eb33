"""What is recorded in English, in the language of whoever reads it. Knows templates alone, and no run.

The journal and the files of escalations hold our own sentences in English. They are recognised by the
templates that made them; what a child, git or a person says is told as it is.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from string import Formatter

from aad import messages

_SENTENCES, _DURATIONS = ("note.", "reason."), ("duration.",)
# That something is needed may be a child's own sentence, and of ours nobody raises it.
_NEVER_RAISED = frozenset(("reason.blocked_by", "reason.fail_fast"))
# What the fields hold that are retold themselves. All others are names, or a stranger's words.
_FAMILIES = {
    **dict.fromkeys(("reason", "detail", "why", "spent"), _SENTENCES),
    **dict.fromkeys(("duration", "elapsed", "limit"), _DURATIONS),
}
# How much of a text a field takes, where that is not anything.
_SHAPES = {
    **dict.fromkeys(("agent", "other"), r"\S+"),
    **dict.fromkeys(("duration", "elapsed", "limit"), r"[0-9][0-9.]*[smhd](?: [0-9]+[smhd])?"),
    **dict.fromkeys(("first", "second", "count", "code", "used", "most", "seconds"), r"[0-9][0-9.,]*"),
}
# Of ours none holds more sentences, one inside the other; a stranger's might, without end.
_DEPTH = 4


def retell(text: str, lang: str) -> str:
    """Return a recorded sentence in a language; one that is not ours as it is."""
    if lang == "en":
        return text
    return _recognise(text, lang, _SENTENCES, _DEPTH) or text


def _recognise(text: str, lang: str, family: tuple[str, ...], depth: int) -> str | None:
    if not depth:
        return None
    for key, pattern in _load_patterns(family).items():
        if match := pattern.fullmatch(text):
            return _retell_fields(key, match.groupdict(), lang, depth - 1)
    return None


def _retell_fields(key: str, fields: Mapping[str, str], lang: str, depth: int) -> str | None:
    told = {
        name: _recognise(words, lang, _FAMILIES[name], depth)
        for name, words in fields.items()
        if name in _FAMILIES
    }
    if key == "reason.detail" and told["reason"] is None:
        # It has no words of its own: anything with a colon looks like it.
        return None
    return messages.text(lang, key, {name: told.get(name) or words for name, words in fields.items()})


@cache
def _load_patterns(family: tuple[str, ...]) -> dict[str, re.Pattern[str]]:
    """Return the patterns of the sentences of a family, those with the most words of their own first."""
    texts = {
        key: text
        for key, text in messages.load_catalogue("en").items()
        if key.startswith(family) and key not in _NEVER_RAISED
    }
    longest = sorted(texts, key=lambda key: -sum(len(words) for words, _ in _split(texts[key])))
    return {key: re.compile(_make_pattern(texts[key]), re.DOTALL) for key in longest}


def _make_pattern(template: str) -> str:
    return "".join(
        re.escape(words) + ("" if name is None else f"(?P<{name}>{_SHAPES.get(name, '.+?')})")
        for words, name in _split(template)
    )


def _split(template: str) -> Iterator[tuple[str, str | None]]:
    """Yield the words of a template, each with the field behind them."""
    return ((words, name) for words, name, _, _ in Formatter().parse(template))
