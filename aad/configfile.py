"""Reads the settings: options over `AAD_*` variables over a profile over `config/aad.toml` over the defaults.

All faults of all of these are found together, each with its place. What nobody set costs nothing: the
machinery is loaded only when there is something to read.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property, partial, reduce
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from aad.config import AGENT_KINDS, AGENT_NAME, OrchestratorConfig, PolicyRule
from aad.errors import InputError, Problem
from aad.project import Project
from aad.variables import PROFILE, find_slips, read_variables

if TYPE_CHECKING:
    from aad.tables import Fault
    from aad.tomllines import Keys

# The settings that have an option of another name on the command line.
OPTIONS = MappingProxyType(
    {
        "orchestrator.max_parallel_sessions": "--jobs",
        "orchestrator.schedule": "--schedule",
        "orchestrator.session_timeout": "--timeout",
        "agent.kind": "--agent",
        "runs.keep": "--keep",
        "runs.max_age": "--max-age",
        "runs.max_size": "--max-size",
    }
)
NOTHING: Mapping[str, object] = MappingProxyType({})


@frozen
class Source:
    """A settings file: how people call it, its text, and what the text says."""

    path: str
    text: str = field(default="", repr=False)
    table: Mapping[str, Any] = field(factory=dict, repr=False)

    @cached_property
    def lines(self) -> dict["Keys", int]:
        """The lines of its keys; only faults ask for them."""
        from aad.tomllines import find_lines  # a file without faults does not need it

        return find_lines(self.text)

    def locate(self, keys: "Keys", key: str, fields: Mapping[str, object] = NOTHING) -> Problem:
        """Return a problem with the value that `keys` lead to."""
        from aad.tomllines import nearest_line  # as above

        return Problem(key, {"name": _name(keys), **fields}, self.path, nearest_line(self.lines, keys))


@frozen
class Layer:
    """What one source says. `locate` turns its faults into problems; one not in `use` is only judged."""

    table: Mapping[str, Any]
    locate: Callable[["Fault"], Problem]
    use: bool = True
    typed: bool = False


def read_template() -> str:
    """Return the text of a settings file that says every default and explains it."""
    here = Path(__file__).parent
    installed = here / "templates" / "aad.toml"
    template = installed if installed.is_file() else here.parent / "config" / "aad.toml"
    return template.read_text(encoding="utf-8")


def load_config(
    project: Project,
    *,
    profile: str | None = None,
    environ: Mapping[str, str],
    options: Mapping[str, object] = NOTHING,
) -> OrchestratorConfig:
    """Return the settings of a project; raises InputError with all that is wrong.

    `options` come from the command line, by dotted name and typed (seconds, bytes); `None` is not given.
    """
    layers, problems = _read_layers(project, profile, environ)
    layers.append(_from_options(options))
    problems += (
        Problem("config_variable_near", {"name": name, "near": near}) for name, near in find_slips(environ)
    )
    config = OrchestratorConfig()
    # An agent may get its table from another source than its name.
    agents = [agent for layer in layers for agent in _list_agents(layer)]
    known = {*AGENT_KINDS, *(name for name, _ in agents)}
    kinds = {*AGENT_KINDS, *(name for name, options in agents if "kind" in options)}
    for layer in layers:
        if layer.table:
            config = _apply(layer, config, problems, known=known, kinds=kinds)
    if problems:
        raise InputError(sorted(problems, key=lambda problem: (problem.path is None, problem.line or 0)))
    return config


def find_idle_rules(
    project: Project,
    *,
    profile: str | None = None,
    environ: Mapping[str, str],
    ids: Collection[str] | None = None,
) -> list[Problem]:
    """Return a warning for each rule of `[[escalation.policy]]` that never decides anything.

    The settings are sound, as `load_config` found; `ids` are those of all specs, where they are known.
    """
    from aad.idlerules import find_idle  # most projects have no rules

    layers, _ = _read_layers(project, profile, environ)
    # The rules of a stronger source come first.
    placed = [rule for layer in reversed(layers) if layer.use for rule in _read_rules(layer)]
    problems = []
    for idle in find_idle([rule for rule, _ in placed], ids):
        locate = placed[idle.rule][1]
        before = ", ".join(_show_place(placed[number][1]) for number in idle.before)
        problems.append(locate(idle.key, {**idle.fields, "before": before}))
    return problems


def locate_setting(
    project: Project,
    keys: "Keys",
    *,
    profile: str | None = None,
    environ: Mapping[str, str],
) -> Callable[..., Problem]:
    """Return what turns the key of a sentence and its fields into a problem with a setting.

    The settings are sound, and somewhere `keys` lead to a value: where it counts, that is its place.
    """
    layers, _ = _read_layers(project, profile, environ)
    ways = [keys, (*keys[:-1], "max_cost")] if keys == ("agent", "max_cost_usd") else [keys]
    used = [layer for layer in reversed(layers) if layer.use]
    layer, way = next((layer, way) for layer in used for way in ways if _holds(layer.table, way))
    return partial(_locate, layer, way)


def _holds(table: object, keys: "Keys") -> bool:
    """Tell whether keys lead to a value in a table."""
    for key in keys:
        if not isinstance(table, Mapping) or key not in table:
            return False
        table = table[key]
    return True


def _read_rules(layer: Layer) -> Iterator[tuple[PolicyRule, Callable[..., Problem]]]:
    """Yield the rules of a source, and what turns a fault of each into a problem."""
    from aad.tables import lay_over  # cattrs costs more than all the rest together

    config, _ = lay_over(OrchestratorConfig(), {"escalation": layer.table.get("escalation", {})})
    for number, rule in enumerate(config.escalation.policy):
        yield rule, partial(_locate, layer, ("escalation", "policy", number))


def _locate(layer: Layer, keys: "Keys", key: str, fields: Mapping[str, object] = NOTHING) -> Problem:
    from aad.tables import Fault  # as above

    return layer.locate(Fault(keys, key, fields))


def _show_place(locate: Callable[..., Problem]) -> str:
    place = locate("")
    return str(place.fields["name"]) if place.path is None else f"{place.path}:{place.line}"


def _read_layers(
    project: Project, profile: str | None, environ: Mapping[str, str]
) -> tuple[list[Layer], list[Problem]]:
    """Return what the file, its profiles and the environment say, and what is wrong with the profiles."""
    source = _read_source(project)
    profiles, problems = _read_profiles(source, profile or environ.get(PROFILE))
    return [_from_file(source), *profiles, _from_variables(environ)], problems


def _read_source(project: Project) -> Source:
    path = project.show(project.config)
    try:
        text = project.config.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return Source(path)
    except OSError as error:
        raise InputError(Problem("config_unreadable", {"fault": error.strerror}, path)) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(Problem("config_encoding", path=path, line=line)) from error
    return Source(path, text, _parse(text, path))


def _parse(text: str, path: str) -> dict[str, Any]:
    import tomllib  # a project without a file does not need it

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_explain_syntax(str(error), text, path)) from error
    except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
        raise InputError(Problem("config_monstrous", path=path)) from error


def _explain_syntax(message: str, text: str, path: str) -> Problem:
    """Take tomllib's message apart: it ends with `(at line 3, column 5)` or `(at end of document)`."""
    fault, _, place = message.rpartition(" (at ")
    line = re.match(r"line (\d+)", place)
    number = int(line[1]) if line else len(text.splitlines())
    return Problem("config_syntax", {"fault": fault}, path, number)


def _read_profiles(source: Source, chosen: str | None) -> tuple[list[Layer], list[Problem]]:
    """Return the profiles, the chosen one in use, and what is wrong with them as such."""
    profiles = source.table.get("profile", {})
    if not isinstance(profiles, dict):
        return [], [source.locate(("profile",), "config_table")]
    problems = [
        source.locate(("profile", name), "config_table")
        for name, table in profiles.items()
        if not isinstance(table, dict)
    ]
    if chosen and chosen not in profiles:
        problems.append(_explain_missing(source, chosen, list(profiles)))
    tables = {name: table for name, table in profiles.items() if isinstance(table, dict)}
    return [
        _from_profile(source, name, table, use=name == chosen) for name, table in tables.items()
    ], problems


def _explain_missing(source: Source, chosen: str, known: list[str]) -> Problem:
    fields = {"profile": _name((chosen,)), "known": ", ".join(map(str, known))}
    return Problem("config_profile" if known else "config_no_profiles", fields, source.path)


def _from_file(source: Source) -> Layer:
    table = {key: value for key, value in source.table.items() if key != "profile"}
    return Layer(table, lambda fault: source.locate(fault.keys, fault.key, fault.fields))


def _from_profile(source: Source, name: str, table: Mapping[str, Any], *, use: bool) -> Layer:
    def locate(fault: "Fault") -> Problem:
        return source.locate(("profile", name, *fault.keys), fault.key, fault.fields)

    return Layer(table, locate, use=use)


def _from_variables(environ: Mapping[str, str]) -> Layer:
    table, variables = read_variables(environ)

    def locate(fault: "Fault") -> Problem:
        name = _name((variables[fault.keys[:2]], *fault.keys[2:]))
        key = "config_table_json" if fault.key == "config_table" else fault.key
        return Problem(key, {"name": name, **fault.fields})

    return Layer(table, locate)


def _from_options(options: Mapping[str, object]) -> Layer:
    table: dict[str, Any] = {}
    for name, value in options.items():
        if value is not None:
            *sections, key = name.split(".")
            reduce(lambda inner, section: inner.setdefault(section, {}), sections, table)[key] = value

    def locate(fault: "Fault") -> Problem:
        name = _name(fault.keys)
        return Problem(fault.key, {"name": OPTIONS.get(name, name), **fault.fields})

    return Layer(table, locate, typed=True)


def _list_agents(layer: Layer) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the names of agents that have a table, with that."""
    agents = layer.table.get("agents")
    for name, options in agents.items() if isinstance(agents, Mapping) else ():
        # What is no name would only be in the way among those to choose from.
        if re.fullmatch(AGENT_NAME, name):
            yield name, options if isinstance(options, Mapping) else {}


def _apply(
    layer: Layer,
    config: OrchestratorConfig,
    problems: list[Problem],
    *,
    known: AbstractSet[str],
    kinds: AbstractSet[str],
) -> OrchestratorConfig:
    from aad.tables import find_agent_faults, lay_over  # cattrs costs more than all the rest together

    upper, faults = lay_over(config, layer.table, typed=layer.typed)
    problems += map(layer.locate, (*faults, *find_agent_faults(layer.table, known, kinds)))
    return upper if layer.use else config


def _name(keys: "Keys") -> str:
    from aad.tables import name_keys  # as above

    return name_keys(keys)
