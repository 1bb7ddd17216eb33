"""What people may write for a setting: a reader for each form. Knows neither tables, files nor variables.

A reader returns the value that the settings hold, or raises WrongValueError. In a `typed` reading durations
may be seconds and sizes bytes: code gives numbers, people give numbers with units.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import TypeVar, get_args

from aad.config import AGENT_NAME, ActionWord, Choice, Rule, split_words
from aad.units import parse_duration, parse_size

LONGEST_SHOWN = 60
T = TypeVar("T")


class WrongValueError(ValueError):
    """A value is not what its setting wants: the key of the sentence that says so, and its fields."""

    def __init__(self, key: str, **fields: object) -> None:
        super().__init__(key)
        self.key = key
        self.fields = fields


def show(value: object) -> str:
    """Return a value as it may stand in a sentence: short, and nothing in it moves the cursor."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # Python writes no integers of thousands of digits.
        return "..."
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."


def read_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise WrongValueError("config_flag", value=show(value))


def read_text(value: object) -> str:
    # What stands here may be a secret: the sentence does not repeat it, nor do those for lists and commands.
    if isinstance(value, str) and "\0" not in value:
        return value
    raise WrongValueError("config_text")


def read_command(value: object) -> str | tuple[str, ...]:
    """Read a shell line, or a program with its arguments."""
    if isinstance(value, str) and value.strip():
        return read_text(value)
    if isinstance(value, list | tuple) and value and value[0]:
        return tuple(read_text(word) for word in value)
    raise WrongValueError("config_command")


def check_answer(rule: Mapping[str, object]) -> None:
    """Refuse a rule that answers and has no text, and one that has a text and does not answer."""
    action, text = rule.get("action"), rule.get("text")
    if action == "answer" and (text is None or (isinstance(text, str) and not text.strip())):
        raise WrongValueError("config_answer")
    # Of an action that does not exist nobody knows whether it has a text.
    if text is not None and action != "answer" and action in get_args(ActionWord):
        raise WrongValueError("config_no_answer", value=show(action))


def read_choice(value: object, choice: Choice) -> str:
    if isinstance(value, str) and value in choice.offered:
        return value
    key = "config_later" if value in choice.later else "config_choice"
    raise WrongValueError(key, value=show(value), known=", ".join(choice.offered))


def read_ruled(value: object, rule: Rule, *, typed: bool = False) -> object:
    """Read a value in the form of its rule."""
    form = PLAIN_FORMS.get(rule.form, rule.form) if typed and not isinstance(value, str) else rule.form
    return READERS[form](value, rule)


def read_whole(value: object, rule: Rule) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and rule.least <= value <= rule.most:
        return value
    raise _out_of_range("config_whole", value, rule)


def _read_number(value: object, rule: Rule) -> float:
    # A NaN, which TOML can write, is in no range.
    if isinstance(value, int | float) and not isinstance(value, bool) and rule.least <= value <= rule.most:
        return float(value)
    raise _out_of_range("config_number", value, rule)


def _read_duration(value: object, rule: Rule) -> float:
    seconds = _parse(parse_duration, value, "config_duration")
    if rule.least <= seconds <= rule.most:
        return seconds
    raise _out_of_range("config_duration_range", value, rule)


def _read_size(value: object, rule: Rule) -> int:
    size = _parse(parse_size, value, "config_size")
    if rule.least <= size <= rule.most:
        return size
    raise _out_of_range("config_size_range", value, rule)


def _read_pattern(value: object, _: Rule) -> str:
    text = read_text(value)
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise WrongValueError("config_pattern", fault=getattr(error, "msg", str(error))) from None
    return text


def _read_variable(value: object, _: Rule) -> str:
    text = read_text(value)
    if not text or "=" in text:
        raise WrongValueError("config_variable")
    return text


def _read_branch(value: object, _: Rule) -> str:
    text = read_text(value)
    # Whether it makes a branch is for git to say. Other braces are slips, such as `{sepc}`.
    if "{spec}" in text and not re.search("[{}]", text.replace("{spec}", "")):
        return text
    raise WrongValueError("config_branch", value=show(text))


def _read_address(value: object, _: Rule) -> str:
    text = read_text(value)
    # Most hold a secret: the sentence does not repeat it. What services there are, apprise knows.
    if re.fullmatch(r"\$[A-Za-z_][A-Za-z0-9_]*|[A-Za-z][A-Za-z0-9+.-]*://.*", text):
        return text
    raise WrongValueError("config_address")


def _read_agents(value: object, _: Rule) -> str:
    """Read the name of an agent, or several in their order; which there are is seen to elsewhere."""
    words = value if isinstance(value, list | tuple) else [value]
    names = [name for word in words for name in split_words(read_text(word))]
    if not any(names) or not all(re.fullmatch(AGENT_NAME, name) for name in names if name):
        raise WrongValueError("config_agents", value=show(value))
    if not all(names):
        raise WrongValueError("config_agents_gap", value=show(value))
    return ",".join(names)


def _parse(parse: Callable[[str], T], value: object, key: str) -> T:
    """Parse a number with its unit; a plain 0 needs none."""
    text = "0" if value == 0 and not isinstance(value, bool) else value
    try:
        return parse(read_text(text))
    except ValueError:
        raise WrongValueError(key, value=show(value)) from None


def _out_of_range(key: str, value: object, rule: Rule) -> WrongValueError:
    least, most = f"{rule.least:.16g}", f"{rule.most:.16g}"
    return WrongValueError(key, value=show(value), least=least, most=most)


READERS: dict[str, Callable[[object, Rule], object]] = {
    "duration": _read_duration,
    "size": _read_size,
    "whole": read_whole,
    "number": _read_number,
    "pattern": _read_pattern,
    "variable": _read_variable,
    "branch": _read_branch,
    "address": _read_address,
    "agents": _read_agents,
}
# How code gives what people write with a unit.
PLAIN_FORMS = {"duration": "number", "size": "whole"}
