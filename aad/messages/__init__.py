"""Every sentence that people read, by key, in English and Japanese. Knows nothing else of aad.

A key names a whole sentence with named fields. What counts something has one key per plural
form, `key.one` and `key.other`; Japanese has `.other` only. `ALL[lang]` is loaded when first used.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module

LANGUAGES = ("en", "ja")
SECTIONS = (
    "config", "specs", "plan", "display", "run", "git", "cli", "doctor", "notify", "dialog", "prompt", "notes",
)  # fmt: skip


@cache
def load_catalogue(lang: str) -> Mapping[str, str]:
    """Return all sentences of a language, `en` or `ja`."""
    texts: dict[str, str] = {}
    for section in SECTIONS:
        texts.update(import_module(f"{__name__}.{lang}.{section}").TEXTS)
    return texts


def text(lang: str, key: str, fields: Mapping[str, object] | None = None) -> str:
    """Return the sentence of a key, its fields filled in."""
    return load_catalogue(lang)[key].format_map(fields or {})


def counted(lang: str, key: str, count: int, fields: Mapping[str, object] | None = None) -> str:
    """Return the sentence of a key in the plural form of `count`, which is a field of it too."""
    form = "one" if count == 1 and lang == "en" else "other"
    return text(lang, f"{key}.{form}", {"count": f"{count:,}", **(fields or {})})
