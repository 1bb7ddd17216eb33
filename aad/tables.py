"""Turns tables of plain values into settings, and names every fault. Knows neither files nor variables."""

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from difflib import get_close_matches
from functools import cache, partial
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from attrs import evolve, fields, fields_dict, frozen, has
from cattrs import Converter
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)

from aad.config import (
    AGENT_KINDS,
    AGENT_NAME,
    Choice,
    OrchestratorConfig,
    Override,
    PolicyRule,
    Rule,
    split_names,
)
from aad.tomllines import Keys
from aad.units import LONGEST
from aad.values import (
    WrongValueError,
    check_answer,
    read_choice,
    read_command,
    read_flag,
    read_ruled,
    read_text,
    read_whole,
    show,
)

# Older files write these in whole seconds: what each is called now, and what it may be.
OLD_KEYS = {
    "session_timeout_secs": ("session_timeout", Rule("whole", most=LONGEST)),
    "monitor_interval_secs": ("monitor_interval", Rule("whole", least=1, most=3600)),
}

# Lists of tables to which every source adds its own.
ADDED = frozenset({"override", "policy"})

# What cattrs calls with a value and its type.
Hook = Callable[[Any, Any], Any]


@frozen
class Fault:
    """What is wrong with the value that `keys` lead to: the key of a sentence, and the sentence's fields."""

    keys: Keys
    key: str
    fields: Mapping[str, object]


def lay_over(
    config: OrchestratorConfig, table: Mapping[str, Any], *, typed: bool = False
) -> tuple[OrchestratorConfig, tuple[Fault, ...]]:
    """Return the settings with what a table says in its place; as they were where the table has faults.

    In a `typed` table durations may be seconds, and sizes bytes.
    """
    table, faults = _modernise(table)
    try:
        upper = _make_converter(typed=typed).structure(table, OrchestratorConfig)
    except BaseValidationError as error:
        return config, (*faults, *_find_faults(error, ()))
    return (config, faults) if faults else (_merge(config, upper, table), ())


def find_agent_faults(
    table: Mapping[str, Any], known: AbstractSet[str], kinds: AbstractSet[str]
) -> Iterator[Fault]:
    """Yield a fault for each agent that a table names and that is not `known`, or that is of no kind.

    `kinds` are the names of those whose kind is known, if not from this table.
    """
    agent = table.get("agent")
    if isinstance(agent, Mapping):
        yield from _find_strangers(("agent", "kind"), agent.get("kind"), known)
    else:
        yield from _find_strangers(("agent",), agent, known)
    overrides = table.get("override")
    for number, override in enumerate(overrides if isinstance(overrides, list) else ()):
        if isinstance(override, Mapping):
            yield from _find_strangers(("override", number, "agent"), override.get("agent"), known)
    agents = table.get("agents")
    for name, options in agents.items() if isinstance(agents, Mapping) else ():
        if isinstance(name, str) and not re.fullmatch(AGENT_NAME, name):
            yield Fault(("agents", name), "config_agent_name", {})
        elif isinstance(options, Mapping):
            yield from _judge_kind(name, options, kinds)


def _judge_kind(name: str, options: Mapping[str, Any], kinds: AbstractSet[str]) -> Iterator[Fault]:
    """Yield a fault where an agent is of no kind that there is."""
    keys, known = ("agents", name, "kind"), ", ".join(AGENT_KINDS)
    kind = options.get("kind")
    if isinstance(kind, str) and kind not in AGENT_KINDS:
        yield Fault(keys, "config_agent_kind", {"value": show(kind), "known": known})
    if "kind" not in options and name not in kinds:
        yield Fault(keys, "config_agent_no_kind", {"known": known})


def _find_strangers(keys: Keys, value: object, known: AbstractSet[str]) -> Iterator[Fault]:
    words = value if isinstance(value, list | tuple) else [value]
    names = [name for word in words if isinstance(word, str) for name in split_names(word)]
    for name in names:
        # What is no name at all is a fault already.
        if name not in known and re.fullmatch(AGENT_NAME, name):
            yield Fault(keys, "config_agent_unknown", {"agent": name, "known": ", ".join(sorted(known))})


def name_keys(keys: Keys) -> str:
    """Return the name of a setting as TOML writes it; of an item in a list, the name of the list."""
    words = [key for key in keys if isinstance(key, str)]
    return ".".join(word if re.fullmatch("[A-Za-z0-9_-]+", word) else show(word) for word in words)


def _modernise(table: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[Fault, ...]]:
    """Give the keys of older files their present names, and what may be said in short its full form."""
    agent = table.get("agent")
    if isinstance(agent, str | list):
        table = {**table, "agent": {"kind": agent}}
    elif isinstance(agent, Mapping) and "max_cost" in agent and "max_cost_usd" not in agent:
        present = {"max_cost_usd" if key == "max_cost" else key: value for key, value in agent.items()}
        table = {**table, "agent": present}
    section = table.get("orchestrator")
    if not isinstance(section, Mapping) or OLD_KEYS.keys().isdisjoint(section):
        return table, ()
    present = {key: value for key, value in section.items() if key not in OLD_KEYS}
    faults = []
    for old in OLD_KEYS.keys() & section.keys():
        try:
            present[OLD_KEYS[old][0]] = _read_old(section, old)
        except WrongValueError as wrong:
            faults.append(Fault(("orchestrator", old), wrong.key, wrong.fields))
    return {**table, "orchestrator": present}, tuple(faults)


def _read_old(section: Mapping[str, Any], old: str) -> str:
    new, rule = OLD_KEYS[old]
    if new in section:
        raise WrongValueError("config_twice", other=new)
    return f"{read_whole(section[old], rule)}s"


def _merge(lower: Any, upper: Any, table: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any of the settings classes
    """Return `lower` with what `upper` holds of the keys that stand in the table.

    Tables are merged, all else is replaced; but the overrides and rules of both stay, the upper ones first.
    """
    if not has(type(upper)):
        both = {name for name in upper if name in lower and has(type(upper[name]))}
        return {**lower, **upper, **{name: _merge(lower[name], upper[name], table[name]) for name in both}}
    changes = {}
    for key, written in table.items():
        below, above = getattr(lower, key), getattr(upper, key)
        changes[key] = _merge(below, above, written) if isinstance(written, Mapping) else above
    for key in ADDED & changes.keys():
        changes[key] = (*changes[key], *getattr(lower, key))
    return evolve(lower, **changes)


def _find_faults(error: Exception, keys: Keys) -> Iterator[Fault]:
    """Yield the faults that cattrs gathered in groups; its notes tell the way to each."""
    match error:
        case BaseValidationError():
            for inner in error.exceptions:
                yield from _find_faults(inner, (*keys, *_read_notes(inner)))
        case ForbiddenExtraKeysError():
            for key in sorted(error.extra_fields):
                yield _explain_unknown(error.cl, (*keys, key), key)
        case WrongValueError():
            yield Fault(keys, error.key, error.fields)
        case KeyError():  # An override cannot be without `specs`, nor a rule without `action`.
            yield Fault(keys, f"config_{keys[-1]}_missing", {})
        case _:
            raise error


def _read_notes(error: Exception) -> Keys:
    for note in getattr(error, "__notes__", ()):
        match note:
            case AttributeValidationNote():
                return (note.name,)
            case IterableValidationNote():
                return (note.index,)
    return ()


def _explain_unknown(table: Any, keys: Keys, key: str) -> Fault:  # noqa: ANN401 - any of the settings classes
    """Name the nearest key of the same table, else the same key of another, else all that there are."""
    known = [*fields_dict(table), *(("profile",) if table is OrchestratorConfig else ())]
    # A spec has keys that these have not: `title` is no slip for `estimate`, nor `timeout` for `times`.
    cutoff = 0.75 if table in (Override, PolicyRule) else 0.6
    near = get_close_matches(key.replace("-", "_").lower(), known, n=1, cutoff=cutoff) or _find_elsewhere(key)
    if near:
        return Fault(keys, "config_unknown_near", {"near": near[0]})
    return Fault(keys, "config_unknown", {"known": ", ".join(known)})


def _find_elsewhere(key: str) -> list[str]:
    tables = {table.name: table.type for table in fields(OrchestratorConfig)}
    return [
        f"{name}.{key}" for name, kind in tables.items() if kind and has(kind) and key in fields_dict(kind)
    ]


@cache
def _make_converter(*, typed: bool) -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(bool, lambda value, _: read_flag(value))
    converter.register_structure_hook(str, lambda value, _: read_text(value))
    makers: tuple[tuple[Callable[[Any], bool], Callable[[Any], Hook]], ...] = (
        (has, partial(_make_table_hook, converter)),
        (lambda kind: kind is PolicyRule, partial(_make_policy_hook, converter)),
        (_is(Mapping), partial(_make_mapping_hook, converter)),
        (_is(tuple), partial(_make_list_hook, converter)),
        (_is(Union, UnionType), partial(_make_optional_hook, converter)),
        (_is(Literal), lambda kind: _make_rule_hook(Choice(get_args(kind)), typed=typed)),
        (_is(Annotated), lambda kind: _make_rule_hook(kind.__metadata__[0], typed=typed)),
    )
    for matches, make_hook in makers:
        converter.register_structure_hook_factory(matches, make_hook)
    return converter


def _is(*origins: object) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) in origins


def _make_table_hook(converter: Converter, kind: Any) -> Hook:  # noqa: ANN401 - a type, as all kinds below
    # Generating the code for a table takes a millisecond, so it waits until the table is met.
    make_structure = cache(partial(converter.gen_structure_attrs_fromdict, kind))
    return lambda value, _: make_structure()(_check(value, Mapping, "config_table"), kind)


def _make_policy_hook(converter: Converter, kind: Any) -> Hook:  # noqa: ANN401
    read = _make_table_hook(converter, kind)

    def read_with_text(value: Any, _: Any) -> Any:  # noqa: ANN401
        faults = _judge_text(value) if isinstance(value, Mapping) else []
        try:
            rule = read(value, kind)
        except BaseValidationError as error:
            raise error.derive([*error.exceptions, *faults]) from None
        if faults:
            raise ClassValidationError("", faults, kind)
        return rule

    return read_with_text


def _judge_text(table: Mapping[str, Any]) -> list[Exception]:
    """Return what is wrong with the text of a rule as such: it depends on the action."""
    try:
        check_answer(table)
    except WrongValueError as wrong:
        wrong.add_note(AttributeValidationNote("", "text", str))
        return [wrong]
    return []


def _make_mapping_hook(converter: Converter, kind: Any) -> Hook:  # noqa: ANN401
    items: Any = GenericAlias(dict, get_args(kind))
    return lambda value, _: converter.structure(_check(value, Mapping, "config_table"), items)


def _make_list_hook(converter: Converter, kind: Any) -> Hook:  # noqa: ANN401
    items: Any = GenericAlias(list, get_args(kind)[0])
    # A text is no list: cattrs would take it apart into letters.
    return lambda value, _: tuple(converter.structure(_check(value, (list, tuple), "config_list"), items))


def _make_optional_hook(converter: Converter, kind: Any) -> Hook:  # noqa: ANN401
    kinds = [part for part in get_args(kind) if part is not NoneType]
    if len(kinds) == 1:
        return converter.get_structure_hook(kinds[0])
    return lambda value, _: read_command(value)


def _make_rule_hook(rule: Rule | Choice, *, typed: bool) -> Hook:
    if isinstance(rule, Choice):
        return lambda value, _: read_choice(value, rule)
    return lambda value, _: read_ruled(value, rule, typed=typed)


def _check(value: Any, kind: Any, key: str) -> Any:  # noqa: ANN401
    if not isinstance(value, kind):
        raise WrongValueError(key)
    return value
