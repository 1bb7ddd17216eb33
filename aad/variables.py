"""The settings among the `AAD_*` variables, as a table of plain values. Judges none of them.

A child session's own variables, such as AAD_RUN_ID, have no setting's name and are passed over.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_origin

from attrs import fields, has

from aad.config import OrchestratorConfig, Rule

if TYPE_CHECKING:
    from aad.tomllines import Keys

PROFILE = "AAD_PROFILE"
# The keys of these tables need no name of a table before them.
SHORT = frozenset({"orchestrator", "ui"})
FLAGS = {"true": True, "1": True, "false": False, "0": False}


def list_variables() -> Iterator[tuple[str, "Keys", Any]]:
    """Yield the name of each variable that sets something, the way to its setting, and that one's type."""
    for section in fields(OrchestratorConfig):
        if section.type is not None and has(section.type):
            prefix = "AAD_" if section.name in SHORT else f"AAD_{section.name.upper()}_"
            for setting in fields(section.type):
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
