"""The settings among the `AAD_*` variables, as a table of plain values. Judges none of them.

A child session's own variables, such as AAD_RUN_ID, have no setting's name and are passed over.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_origin

from attrs import fields, has

from aad.config import OrchestratorConfig, Rule

if TYPE_CHECKING:
    from aad.tomllines import Keys

PREFIX = "AAD_"
PROFILE = "AAD_PROFILE"
# The keys of these tables need no name of a table before them.
SHORT = frozenset({"orchestrator", "ui"})
# How near to a setting's name a variable must be to be a slip: others too have some that begin with AAD_.
NEAR = 0.8
# What says no setting, but is ours: mostly what a child session is given.
OWN = frozenset(
    {
        PROFILE, "AAD_RUN_ID", "AAD_SESSION_ID", "AAD_SPEC_ID", "AAD_SPEC_FILE", "AAD_ATTEMPT", "AAD_MODE",
        "AAD_WORKSPACE", "AAD_EVENTS", "AAD_ANSWER", "AAD_CONFLICT", "AAD_ESCALATION",
    }
)  # fmt: skip
FLAGS = {"true": True, "1": True, "false": False, "0": False}


def list_variables() -> Iterator[tuple[str, "Keys", Any]]:
    """Yield the name of each variable that sets something, the way to its setting, and that one's type.

    A short name comes after the long one, and wins over it.
    """
    for section in fields(OrchestratorConfig):
        if section.type is not None and has(section.type):
            prefixes = [f"AAD_{section.name.upper()}_", *(["AAD_"] if section.name in SHORT else [])]
            for setting in fields(section.type):
                for prefix in prefixes:
                    yield prefix + setting.name.upper(), (section.name, setting.name), setting.type


def read_variables(environ: Mapping[str, str]) -> tuple[dict[str, dict[str, Any]], dict["Keys", str]]:
    """Return what the variables say as a table, and each setting's variable; an empty one says nothing."""
    table: dict[str, dict[str, Any]] = {}
    names: dict[Keys, str] = {}
    for name, (section, key), kind in list_variables():
        if text := environ.get(name, "").strip():
            table.setdefault(str(section), {})[str(key)] = _parse(text, kind)
            names[section, key] = name
    return table, names


def find_slips(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable whose name is nearly that of a setting's, and that name."""
    known = {name.removeprefix(PREFIX): name for name, _, _ in list_variables()}
    others = {*OWN, *known.values()}
    strangers = [name for name in environ if name.startswith(PREFIX) and name not in others]
    for name in sorted(strangers):
        from difflib import get_close_matches  # slips alone need it

        near = get_close_matches(name.removeprefix(PREFIX), known, n=1, cutoff=NEAR)
        if near and environ[name].strip():
            yield name, known[near[0]]


def _parse(text: str, kind: Any) -> Any:  # noqa: ANN401 - as many types as there are settings
    """Return what a file would hold in place of a text; one that does not fit stays, to be refused."""
    if kind is bool:
        return FLAGS.get(text.lower(), text)
    if get_origin(kind) is tuple:
        return _parse_list(text)
    if get_origin(kind) is Mapping or has(kind):
        return _try(_parse_json, text)
    if get_origin(kind) is Annotated and isinstance(rule := kind.__metadata__[0], Rule):
        return _try(NUMBERS.get(rule.form, str), text)
    return text


def _parse_list(text: str) -> Any:  # noqa: ANN401 - JSON holds anything
    if text.startswith("["):
        return _try(_parse_json, text)
    return [part for word in text.split(",") if (part := word.strip())]


def _parse_json(text: str) -> Any:  # noqa: ANN401 - JSON holds anything
    import json  # only a list or table in a variable needs it

    return json.loads(text)


def _try(parse: Callable[[str], Any], text: str) -> Any:  # noqa: ANN401 - JSON holds anything
    try:
        return parse(text)
    except (ValueError, RecursionError):
        return text


# Durations and sizes stay texts: they are read with their units.
NUMBERS: dict[str, Callable[[str], Any]] = {"whole": int, "number": float}
