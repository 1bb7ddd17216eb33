"""What became of a session's work in git, in lines below that of its end. Knows neither git nor the run."""

from collections.abc import Sequence

from aad.display.style import Role
from aad.display.text import clean, format_names
from aad.display.voice import Voice
from aad.events import Integrated, LeftOut, RolledBack

# How many paths are named that are in no commit.
PATHS = 5
# Digits of a commit's name, as git shows them to people.
SHORT = 7


def tell_integrated(event: Integrated, folder: str, voice: Voice, *, verbose: bool) -> list[str]:
    """Return where finished work is, for those who want to know, and what of it is in no commit.

    `folder` is where that is.
    """
    return [
        *([voice.hint(_say_integrated(event, voice))] if verbose else ()),
        *_tell_left_out(event.left_out, folder, voice),
    ]


def tell_rolled_back(event: RolledBack, folder: str, voice: Voice) -> list[str]:
    """Return how to look at work that came to nothing, and what of it is in no commit."""
    return [
        *([voice.hint(_say_kept(event, voice))] if event.ref else ()),
        *_tell_left_out(event.left_out, folder, voice),
    ]


def _say_integrated(event: Integrated, voice: Voice) -> str:
    # Of what a killed run had integrated only the result is known.
    key = "log.integrated" if event.branch != event.target else "log.integrated_before"
    commit = event.commit[:SHORT]
    return voice.say(key, {"branch": event.branch, "commit": commit, "target": event.target})


def _say_kept(event: RolledBack, voice: Voice) -> str:
    return voice.say("log.kept", {"command": event.command})


def _tell_left_out(left_out: Sequence[LeftOut], folder: str, voice: Voice) -> list[str]:
    if not left_out:
        return []
    names = format_names([_say_why(left, voice) for left in left_out], PATHS)
    sentence = voice.say("log.left_out", {"folder": folder, "names": names})
    return [f"  {voice.mark(Role.WARN, voice.style.symbols.caution, sentence)}"]


def _say_why(left: LeftOut, voice: Voice) -> str:
    why = voice.say(f"left_out.{left.why}")
    return voice.say("log.left_out_path", {"path": clean(left.path), "why": why})
