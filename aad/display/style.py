"""How output looks: language, colour and symbols, decided from options and surroundings. Knows no stream.

Colour never stands alone: a mark and a word stand beside it.
"""

from collections.abc import Mapping
from enum import StrEnum

from attrs import evolve, fields_dict, frozen

from aad import messages


class Role(StrEnum):
    """What a piece of text means; its value is the colour, one of the sixteen that every terminal has."""

    OK = "32"
    FAIL = "31"
    WARN = "33"
    RUN = "36"
    DIM = "2"
    BOLD = "1"


@frozen(kw_only=True)
class Symbols:
    """One set of signs. Heads stand before headings and end in their blank; marks are one column wide.

    `alarm` and `caution` stand before lines of the log, where width does not matter; the other marks
    stand in columns too.
    """

    launch: str = ""
    plan: str = ""
    dry_run: str = ""
    summary: str = ""
    begin: str = "▸"
    alarm: str = "✗"
    caution: str = "!"
    running: str = "▸"
    ok: str = "✓"
    fail: str = "✗"
    waiting: str = "?"
    skipped: str = "⊘"
    retry: str = "↻"
    arrow: str = "→"
    dot: str = "·"
    ellipsis: str = "…"
    bar: str = "│"
    corner: str = "┌─"
    branch: str = "├─"
    last_branch: str = "└─"
    filled: str = "━"
    unfilled: str = "─"


UNICODE = Symbols()
EMOJI = evolve(
    UNICODE, launch="🚀 ", plan="📊 ", dry_run="📋 ", summary="📈 ", begin="⏳", alarm="⚠", caution="⚠"
)
ASCII = Symbols(
    begin=">", alarm="x", running=">", ok="+", fail="x", skipped="-", retry="~",
    arrow="->", dot="-", ellipsis="...",
    bar="|", corner="|-", branch="|-", last_branch="|-", filled="#", unfilled="-",
)  # fmt: skip
SETS = {"emoji": EMOJI, "unicode": UNICODE, "ascii": ASCII}


@frozen(kw_only=True)
class Style:
    """How one stream is written: with colour or without, and with which signs."""

    color: bool = False
    symbols: Symbols = EMOJI

    def paint(self, role: Role, text: str) -> str:
        """Return a text in the colour of its role."""
        return f"\x1b[{role}m{text}\x1b[0m" if self.color and text else text


def choose_style(
    *, color: str, symbols: str, environ: Mapping[str, str], terminal: bool, encoding: str | None
) -> Style:
    """Return the style of a stream: `color` and `symbols` are the options' words, or `auto`."""
    return Style(
        color=choose_color(color, environ, terminal=terminal), symbols=choose_symbols(symbols, encoding)
    )


def choose_color(option: str, environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Decide about colour: `always`, `never`, or `auto` for what environment and terminal say."""
    if option != "auto":
        return option == "always"
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "0") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    # These two show colour in their logs, though no terminal is there.
    if "true" in {environ.get("GITHUB_ACTIONS"), environ.get("GITLAB_CI")}:
        return True
    return terminal and environ.get("TERM") != "dumb"


def choose_symbols(option: str, encoding: str | None) -> Symbols:
    """Return the set that the option names, or for `auto` the richest one that the encoding holds."""
    if option != "auto":
        return SETS[option]
    return next((symbols for symbols in (EMOJI, UNICODE) if _holds(encoding, _signs(symbols))), ASCII)


def choose_language(
    option: str | None, environ: Mapping[str, str], config_lang: str, encoding: str | None
) -> str:
    """Return `ja` where it is asked for and the encoding holds it, else `en`."""
    asked = [option, environ.get("AAD_LANG"), config_lang]
    locale = [environ.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")]
    first = next((name for name in (*asked, *locale) if name not in {None, "", "auto"}), "en")
    if not str(first).startswith("ja"):
        return "en"
    return "ja" if _holds(encoding, messages.text("ja", "summary.heading")) else "en"


def _signs(symbols: Symbols) -> str:
    return "".join(getattr(symbols, name) for name in fields_dict(Symbols))


def _holds(encoding: str | None, text: str) -> bool:
    """Say whether all of a text can be written; without an encoding nothing is encoded."""
    if encoding is None:
        return True
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
