"""`aad specs`: the specs of a project as their files tell of them, and what is wrong with those files."""

from pathlib import Path
from typing import Any

import click

from aad import messages
from aad.cli.answers import answer_json, answer_rows, answer_text
from aad.cli.console import Console, Looks, format_option, looks_options, open_console
from aad.cli.listing import ListingGroup
from aad.cli.planning import find_faults, find_idle, hide_secrets, tell_problems
from aad.display.style import Role, Style
from aad.display.text import clean, format_names
from aad.display.voice import Voice
from aad.errors import InputError, Problem
from aad.loader import Catalogue, load_specs
from aad.spec import Spec, SpecStatus

VERSION = 1


def make_command(lang: str) -> click.Command:
    """Return the commands, their help in the given language."""
    told = messages.text(lang, "help.orchestrate.specs-dir")
    folder_option = click.option("--specs-dir", type=click.Path(path_type=Path), metavar="DIR", help=told)

    @click.group("specs", cls=ListingGroup, help=messages.text(lang, "help.specs.long"))
    def specs() -> None:
        """Stand above the commands."""

    told = messages.text(lang, "help.specs.list")

    @specs.command("list", help=messages.text(lang, "help.specs.list.long"), short_help=told)
    @folder_option
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def list_(**options: Any) -> None:  # noqa: ANN401 - click's door
        _list_specs(*_read(options), options["form"])

    told = messages.text(lang, "help.specs.check")

    @specs.command("check", help=messages.text(lang, "help.specs.check.long"), short_help=told)
    @folder_option
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def check(**options: Any) -> int:  # noqa: ANN401 - click's door
        return _check_specs(options)

    return specs


def _read(options: dict[str, Any]) -> tuple[Console, Catalogue]:
    console = open_console(Looks(options["color"], options["symbols"]))
    return console, load_specs(console.project, specs_dir=options["specs_dir"], config=console.config)


def _list_specs(console: Console, catalogue: Catalogue, form: str) -> None:
    known = hide_secrets(console, {**catalogue.elsewhere, **catalogue.specs}.values())
    specs = sorted(known, key=lambda spec: spec.id)
    if form == "json":
        described = [_describe_spec(spec) for spec in specs]
        answer_json(console, {"version": VERSION, "specs": described, "not_specs": list(catalogue.not_specs)})
    else:
        _draw_list(console, specs, catalogue.not_specs)
    if catalogue.problems:
        console.err.write(messages.counted(console.lang, "specs.faults", len(catalogue.problems)) + "\n")


def _draw_list(console: Console, specs: list[Spec], not_specs: tuple[str, ...]) -> None:
    style = console.style(console.out)
    voice = Voice(console.lang, style)
    marks = [_mark(spec.status, style) for spec in specs] + [" "] * len(not_specs)
    rows = [_cells(spec, voice) for spec in specs]
    rows += [("", "", voice.say("specs.not_spec"), "", clean(path)) for path in not_specs]
    answer_rows(console, marks, rows)


def _mark(status: SpecStatus, style: Style) -> str:
    """Return the mark of a spec: one column, painted. What will run has none."""
    if status is SpecStatus.COMPLETE:
        return style.paint(Role.OK, style.symbols.ok)
    return style.paint(Role.WARN, style.symbols.skipped) if status is SpecStatus.DRAFT else " "


def _cells(spec: Spec, voice: Voice) -> tuple[str, ...]:
    names = format_names(spec.depends_on)
    return (
        clean(spec.id),
        clean(spec.title),
        voice.say(f"specs.{spec.status}"),
        voice.say("specs.after", {"names": names}) if names else "",
        clean(spec.path or ""),
    )


def _describe_spec(spec: Spec) -> dict[str, object]:
    return {
        "id": spec.id,
        "title": spec.title,
        "status": spec.status,
        "depends_on": list(spec.depends_on),
        "path": spec.path,
    }


def _check_specs(options: dict[str, Any]) -> int:
    console, catalogue = _read(options)
    problems = find_all_faults(console, catalogue)
    # Where others may lie elsewhere, nobody can say what a pattern would match.
    ids = list_ids(catalogue) if options["specs_dir"] is None else None
    idle = find_idle(console, ids)
    if options["form"] == "json":
        faults, warnings = [[_describe_fault(each) for each in found] for found in (problems, idle)]
        told = {"version": VERSION, "specs": len(catalogue.specs), "faults": faults, "warnings": warnings}
        answer_json(console, told)
        return InputError.exit_code if faults else 0
    tell_problems(console, idle)
    if problems:
        raise InputError(problems)
    answer_text(console, messages.counted(console.lang, "specs.faultless", len(catalogue.specs)))
    return 0


def list_ids(catalogue: Catalogue) -> list[str] | None:
    """Return the ids of all specs that are known, wherever they lie; None where some could not be read."""
    return None if catalogue.problems else [*catalogue.specs, *catalogue.elsewhere]


def find_all_faults(console: Console, catalogue: Catalogue) -> list[Problem]:
    """Return the faults of the files, and what keeps specs that may run from being run."""
    ready = [spec for spec in catalogue.specs.values() if spec.status is SpecStatus.READY]
    problems = [*catalogue.problems, *find_faults(console, catalogue, ready)]
    return sorted(problems, key=lambda problem: (problem.path or "", problem.line or 0))


def _describe_fault(problem: Problem) -> dict[str, object]:
    message = messages.text("en", problem.key, problem.fields)
    return {"path": problem.path, "line": problem.line, "message": message}
