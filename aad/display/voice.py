"""Says things in one language and one style. Knows no run.

Every word that fills a sentence is made safe here, so that nothing from a file or child moves our cursor.
"""

from collections.abc import Iterable, Mapping

from attrs import frozen

from aad import messages
from aad.display.style import Role, Style
from aad.display.text import clean
from aad.messages.retelling import retell


@frozen
class Voice:
    """A language and a style."""

    lang: str
    style: Style

    def say(self, key: str, fields: Mapping[str, object] | None = None) -> str:
        """Return the sentence of a key, its fields made safe."""
        return messages.text(self.lang, key, _clean_fields(fields or {}))

    def count(self, key: str, count: int, fields: Mapping[str, object] | None = None) -> str:
        """Return the sentence of a key in the plural form of `count`, its fields made safe."""
        return messages.counted(self.lang, key, count, _clean_fields(fields or {}))

    def retell(self, text: str) -> str:
        """Return what is recorded in English in this language, where it is a sentence of ours."""
        return retell(text, self.lang)

    def head(self, sign: str, key: str) -> str:
        """Return a heading behind its sign, which brings its own blank."""
        return sign + self.style.paint(Role.BOLD, self.say(key))

    def mark(self, role: Role, sign: str, sentence: str) -> str:
        """Return a sentence behind a mark in the colour of its role."""
        return f"{self.style.paint(role, sign)} {sentence}"

    def hint(self, sentence: str) -> str:
        """Return a sentence that stands below another and says where to look."""
        return self.style.paint(Role.DIM, f"  {self.style.symbols.arrow} {sentence}")

    def join(self, facts: Iterable[str]) -> str:
        """Return facts that stand beside each other in one line."""
        return f" {self.style.symbols.dot} ".join(facts)


def _clean_fields(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: clean(value) if isinstance(value, str) else value for name, value in fields.items()}
