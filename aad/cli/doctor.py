"""`aad doctor`: will aad work here, and what holds? Looks at everything, and changes nothing."""

import codecs
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from attrs import asdict, frozen

from aad import diagnosis, messages
from aad.agents import find_names
from aad.agents.probing import Probed, probe_agents
from aad.checkout import inspect_checkout, lies_in_repository, refuse_broken
from aad.cli.answers import answer_json, answer_text, format_size
from aad.cli.console import Console, Looks, format_option, looks_options, make_console, open_console
from aad.cli.planning import find_idle, find_idle_bounds
from aad.cli.specs import find_all_faults, list_ids
from aad.config import AGENT_KINDS, OrchestratorConfig, apply_overrides
from aad.descriptors import read_limit
from aad.diagnosis import Check, State
from aad.display.style import SETS, Role, Style
from aad.display.text import clean
from aad.display.voice import Voice
from aad.ending import EXIT_FAILED
from aad.errors import AadError, InputError, Problem
from aad.gitcalls import OLDEST, GitError, find_version
from aad.isolation import choose_isolation
from aad.loader import Catalogue, load_specs
from aad.lock import find_holder
from aad.machine import count_free, find_lock_trouble, find_means, find_unwritable
from aad.project import find_project
from aad.spec import Spec, SpecStatus

VERSION = 1


@frozen
class _Patient:
    """Where aad is asked to work: a project, perhaps none yet, perhaps with `faults` in its settings.

    `catalogue` is None where no specs could be read, and `troubles` say why.
    """

    console: Console
    faults: tuple[Problem, ...] = ()
    catalogue: Catalogue | None = None
    troubles: tuple[Problem, ...] = ()

    def list_ready(self) -> list[Spec]:
        """Return the specs that would run, filled in; where there are none yet, one that says nothing."""
        specs = [] if self.catalogue is None else self.catalogue.specs.values()
        ready = [spec for spec in specs if spec.status is SpecStatus.READY] or [Spec(id="SPEC-001")]
        return [apply_overrides(self.console.config, spec) for spec in ready]

    def list_casts(self) -> list[tuple[str, ...]]:
        """Return the names of the agents by which each spec may be run, less what there is not."""
        config = self.console.config
        casts = dict.fromkeys(find_names(spec, config) for spec in self.list_ready())
        known = {*AGENT_KINDS, *config.agents}
        return [tuple(name for name in names if name in known) for names in casts]

    def list_agents(self) -> list[str]:
        """Return the names of the agents by which specs are to be run, less what there is not."""
        return list(dict.fromkeys(name for names in self.list_casts() for name in names))

    def find_idle(self) -> list[Problem]:
        """Return a warning for each rule and bound of the settings without use; of faulty ones, nothing."""
        if self.faults:
            return []
        ids = None if self.catalogue is None else list_ids(self.catalogue)
        return [*find_idle(self.console, ids), *find_idle_bounds(self.console, self.list_agents())]

    def wants_worktrees(self, *, inside: bool) -> bool:
        """Tell whether some session is to work in a git worktree; what faulty settings want is not known."""
        if self.faults:
            return False
        settings = self.console.config.workspace
        return any(
            choose_isolation(spec, settings, in_repository=inside) == "worktree" for spec in self.list_ready()
        )


def make_command(lang: str) -> click.Command:
    """Return the command, its help in the given language."""

    @click.command("doctor", help=messages.text(lang, "help.doctor.long"))
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def doctor(**options: Any) -> int:  # noqa: ANN401 - click's door
        patient = _receive(Looks(options["color"], options["symbols"]))
        wanted = patient.list_agents()
        agents = probe_agents(patient.console.config, os.environ, _ask_programs, wanted=wanted)
        checks = [*_examine(patient, agents)]
        if options["form"] == "json":
            _answer_json(patient.console, checks, agents)
        else:
            _draw(patient.console, checks)
        return 0 if diagnosis.is_sound(checks) else EXIT_FAILED

    return doctor


def _ask_programs(asked: Sequence[tuple[Sequence[str], Mapping[str, str]]]) -> list[bytes]:
    if not asked:
        return []
    from aad.versions import ask_versions  # Trio comes with it, which nobody needs who starts nothing

    return ask_versions(asked)


def _receive(looks: Looks) -> _Patient:
    """Return what is to be looked at; with the default settings where its own have faults."""
    try:
        console = open_console(looks)
    except InputError as error:
        console = make_console(looks, find_project(Path.cwd()), OrchestratorConfig())
        return _Patient(console, error.problems)
    try:
        return _Patient(console, catalogue=load_specs(console.project, config=console.config))
    except AadError as error:
        return _Patient(console, troubles=error.problems)


def _examine(patient: _Patient, agents: Sequence[Probed]) -> Iterator[Check]:
    yield from _examine_machine(patient.console)
    yield from diagnosis.check_agents(agents, patient.list_casts())
    yield from _examine_output(patient.console)
    yield from _examine_git(patient)
    yield from _examine_project(patient)


def _examine_machine(console: Console) -> Iterator[Check]:
    yield diagnosis.check_version(platform.python_version())
    yield diagnosis.check_platform(sys.platform, platform.system(), platform.release())
    yield from diagnosis.check_containment(sys.platform, find_means())
    yield diagnosis.check_files(read_limit(), console.config.orchestrator.slots)


def _examine_output(console: Console) -> Iterator[Check]:
    if console.out.encoding is not None:
        yield diagnosis.check_output(_name_encoding(console.out.encoding), _name_symbols(console))


def _examine_git(patient: _Patient) -> Iterator[Check]:
    root, settings = patient.console.project.root, patient.console.config.workspace
    inside = lies_in_repository(root)
    wanted = patient.wants_worktrees(inside=inside)
    version = _ask_version()
    yield diagnosis.check_git(version, wanted=wanted)
    if isinstance(version, GitError) or version < OLDEST:
        return
    if not inside and not wanted:
        yield diagnosis.check_repository(None)
        return
    try:
        checkout = inspect_checkout(root, settings)
        places = patient.console.project.places(settings.root)
        refuse_broken(checkout.common, places, {spec.id for spec in patient.list_ready()})
        yield diagnosis.check_repository(checkout)
    except InputError as error:
        yield from diagnosis.blame_repository(error.problems, wanted=wanted)


def _ask_version() -> tuple[int, ...] | GitError:
    try:
        return find_version()
    except GitError as error:
        return error


def _examine_project(patient: _Patient) -> Iterator[Check]:
    project = patient.console.project
    settled = project.config.is_file()
    yield diagnosis.check_project(project, there=settled or project.folder.is_dir())
    yield from diagnosis.check_config(project.show(project.config), patient.faults, there=settled)
    yield from diagnosis.warn_of_config(patient.find_idle())
    yield from _examine_specs(patient)
    yield from _examine_folder(patient.console)


def _examine_specs(patient: _Patient) -> Iterator[Check]:
    if patient.faults:
        yield diagnosis.excuse_specs()
    elif patient.catalogue is None:
        yield from diagnosis.blame_specs(patient.troubles)
    else:
        faults = find_all_faults(patient.console, patient.catalogue)
        yield diagnosis.check_specs(len(patient.catalogue.specs), len(faults))


def _examine_folder(console: Console) -> Iterator[Check]:
    project = console.project
    free = count_free(project)
    yield diagnosis.check_disk(free, format_size(free))
    unwritable = find_unwritable(project)
    yield diagnosis.check_folder(project.show(project.folder), unwritable)
    # Where nothing can be written nobody can hold anything, and a lock would only meet the same trouble.
    if unwritable is None:
        trouble = find_lock_trouble(project)
        yield diagnosis.check_lock(trouble)
        if trouble is None:
            yield diagnosis.check_holder(find_holder(project.state))


def _name_encoding(encoding: str) -> str:
    return codecs.lookup(encoding).name.upper()


def _name_symbols(console: Console) -> str:
    symbols = console.style(console.out).symbols
    return next(name for name, each in SETS.items() if each == symbols)


def _answer_json(console: Console, checks: Sequence[Check], agents: Sequence[Probed]) -> None:
    told = {
        "version": VERSION,
        "ok": diagnosis.is_sound(checks),
        "checks": [_describe(check) for check in checks],
        "agents": [_describe_agent(agent) for agent in agents],
    }
    answer_json(console, told)


def _describe_agent(agent: Probed) -> dict[str, object]:
    return {
        "name": agent.name,
        "kind": agent.kind,
        "wanted": agent.wanted,
        "program": agent.program,
        "version": agent.version,
        "signed_in": None if agent.signed_in is None else asdict(agent.signed_in),
        "can": [name for name in diagnosis.CAPS if getattr(agent.caps, name)],
    }


def _describe(check: Check) -> dict[str, object]:
    told, remedy = check.told, check.remedy
    return {
        "id": check.id,
        "state": check.state,
        "message": told.render("en"),
        "remedy": None if remedy is None else messages.text("en", remedy, told.fields),
    }


def _draw(console: Console, checks: Sequence[Check]) -> None:
    voice = Voice(console.lang, console.style(console.out))
    lines = [line for check in checks for line in _draw_check(check, voice)]
    answer_text(console, "\n".join((*lines, _sum_up(checks, voice))))


def _draw_check(check: Check, voice: Voice) -> Iterator[str]:
    role, sign = _mark(check.state, voice.style)
    yield voice.mark(role, sign, clean(check.told.render(voice.lang)))
    if check.details:
        facts = voice.join(voice.say(detail.key, detail.fields) for detail in check.details)
        yield voice.style.paint(Role.DIM, f"  {facts}")
    if check.remedy is not None:
        yield voice.hint(voice.say(check.remedy, check.told.fields))


def _mark(state: State, style: Style) -> tuple[Role, str]:
    symbols = style.symbols
    marks = {
        State.OK: (Role.OK, symbols.ok),
        State.INFO: (Role.DIM, symbols.dot),
        State.WARNING: (Role.WARN, symbols.caution),
        State.PROBLEM: (Role.FAIL, symbols.fail),
    }
    return marks[state]


def _sum_up(checks: Sequence[Check], voice: Voice) -> str:
    states = [check.state for check in checks]
    problems, warnings = states.count(State.PROBLEM), states.count(State.WARNING)
    facts = [voice.count("doctor.problems", problems) if problems else voice.say("doctor.sound")]
    if warnings:
        facts.append(voice.count("doctor.warnings", warnings))
    return voice.join(facts)
