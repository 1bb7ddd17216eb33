"""`aad escalations`: what children raised to the parent session, and what was decided. Decides nothing."""

import shlex
from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from typing import Any

import click

from aad import messages
from aad.cli.answers import answer_json, answer_rows, answer_text, format_moment
from aad.cli.console import Looks, format_option, looks_options, open_console
from aad.cli.deciding import make_answer_command, make_resolve_command, read_name
from aad.cli.listing import ListingGroup
from aad.cli.snapshot import is_under_way, read_brief
from aad.codec import read_time
from aad.display.failures import name_signal
from aad.display.status import align
from aad.display.style import Role, Style
from aad.display.text import clean
from aad.display.voice import Voice
from aad.escalationlog import OPEN, read_escalation, read_escalations
from aad.events import Action, EscalationKind
from aad.project import Project
from aad.state import Status

Escalation = Mapping[str, Any]


def make_command(lang: str) -> click.Command:
    """Return the commands, their help in the given language."""

    @click.group("escalations", cls=ListingGroup, help=messages.text(lang, "help.escalations.long"))
    def escalations() -> None:
        """Stand above the commands."""

    told = messages.text(lang, "help.escalations.list")

    @escalations.command("list", help=messages.text(lang, "help.escalations.list.long"), short_help=told)
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def list_(**options: Any) -> None:  # noqa: ANN401 - click's door
        _list_escalations(options)

    told = messages.text(lang, "help.escalations.show")

    @escalations.command("show", help=messages.text(lang, "help.escalations.show.long"), short_help=told)
    @click.argument("escalation", metavar="ID")
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def show(**options: Any) -> None:  # noqa: ANN401 - click's door
        _show_escalation(options)

    escalations.add_command(make_answer_command(lang))
    escalations.add_command(make_resolve_command(lang))
    return escalations


def _list_escalations(options: dict[str, Any]) -> None:
    console = open_console(Looks(options["color"], options["symbols"]))
    found = list(read_escalations(console.project.escalations))
    if options["form"] == "json":
        answer_json(console, found)
    elif found:
        style = console.style(console.out)
        voice = Voice(console.lang, style)
        marks = [_mark(escalation, style) for escalation in found]
        runs = {_read_text(escalation, "run_id") for escalation in found}
        answer_rows(console, marks, [_cells(each, voice, with_run=len(runs) > 1) for each in found])
    else:
        console.err.write(console.text("escalations.none") + "\n")


def _show_escalation(options: dict[str, Any]) -> None:
    console = open_console(Looks(options["color"], options["symbols"]))
    found = read_escalation(console.project.escalations, read_name(options["escalation"]))
    if options["form"] == "json":
        answer_json(console, found)
    else:
        voice = Voice(console.lang, console.style(console.out))
        hints = [voice.hint(step) for step in _next_steps(found, console.project, voice)]
        answer_text(console, "\n".join([*_draw(found, voice), *hints]))


def _mark(escalation: Escalation, style: Style) -> str:
    """Return the mark of an escalation: one column, painted."""
    if escalation.get("state") == OPEN:
        return style.paint(Role.WARN, style.symbols.waiting)
    return style.paint(Role.DIM, style.symbols.ok)


def _cells(escalation: Escalation, voice: Voice, *, with_run: bool) -> tuple[str, ...]:
    return (
        _read_text(escalation, "id"),
        _name(escalation, "level", voice),
        _name(escalation, "kind", voice),
        _read_text(escalation, "run_id") if with_run else "",
        _format_time(escalation.get("timestamp")),
        _name(escalation, "state", voice),
        voice.retell(_read_text(escalation, "reason")),
    )


def _draw(escalation: Escalation, voice: Voice) -> Iterator[str]:
    """Yield the lines of an escalation: a head, what is known of it in columns, its log's tail."""
    yield voice.style.paint(Role.BOLD, _read_text(escalation, "id"))
    rows = [
        (voice.say(f"escalations.{key}") if key else "", value) for key, value in _facts(escalation, voice)
    ]
    yield from (f"  {line}" for line in align(rows))
    bar = voice.style.paint(Role.DIM, voice.style.symbols.bar)
    yield from (f"    {bar} {line}".rstrip() for line in _read_list(escalation, "log_tail"))


def _facts(escalation: Escalation, voice: Voice) -> Iterator[tuple[str, str]]:
    """Yield the facts that there are, each behind its key; what belongs to the fact before has none."""
    conflict = _read_members(escalation, "conflict")
    facts = {
        "state": _name(escalation, "state", voice),
        "level": _name(escalation, "level", voice),
        "kind": _name(escalation, "kind", voice),
        "spec": _name_attempt(escalation, voice),
        "run": _read_text(escalation, "run_id"),
        "when": _format_time(escalation.get("timestamp")),
        "reason": voice.retell(_read_text(escalation, "reason")),
        "failure": _describe_failure(escalation, voice),
        "files": ", ".join(_read_list(conflict, "files")),
        "specs": ", ".join(_read_list(conflict, "specs")),
        "blocks": ", ".join(_read_list(escalation, "blocks")),
        "work": _read_text(_read_members(escalation, "work"), "ref"),
        "log": _read_text(escalation, "log"),
    }
    yield from ((key, fact) for key, fact in facts.items() if fact)
    yield from _question_facts(_read_members(escalation, "question"))
    yield from _decision_facts(escalation, voice)


def _question_facts(question: Escalation) -> Iterator[tuple[str, str]]:
    lines = _read_lines(question, "text")
    yield from zip(("question", *[""] * len(lines)), lines, strict=False)
    options, described = _read_list(question, "options"), _read_list(question, "descriptions")
    # Of a stranger's there may be more or fewer than options.
    pairs = zip(options, chain(described, repeat("")), strict=False)
    for number, (option, means) in enumerate(pairs, start=1):
        yield "", f"{number}. {option}"
        if means:
            yield "", f"   {means}"


def _decision_facts(escalation: Escalation, voice: Voice) -> Iterator[tuple[str, str]]:
    decision = _read_members(escalation, "decision")
    if not decision:
        return
    withdrawn = decision.get("action") == Action.WITHDRAW
    fields = {"action": _name(decision, "action", voice), "by": _name(decision, "by", voice)}
    yield "decision", voice.say("escalations.withdrawn" if withdrawn else "escalations.decided", fields)
    if at := _format_time(decision.get("at")):
        yield "", at
    if withdrawn:  # that is all that its words say
        return
    yield from (("", line) for line in _answer_lines(decision, _read_members(escalation, "question")))


def _answer_lines(decision: Escalation, question: Escalation) -> Iterator[str]:
    """Yield what was answered: the option, with its number where it is still offered, and other words."""
    option, options = _read_text(decision, "option"), _read_list(question, "options")
    if option:
        yield f"{options.index(option) + 1}. {option}" if option in options else option
    if option != _read_text(decision, "text"):
        yield from _read_lines(decision, "text")


def _name_attempt(escalation: Escalation, voice: Voice) -> str:
    spec, attempt = _read_text(escalation, "spec_id"), escalation.get("attempt")
    return voice.say("log.spec_attempt", {"spec": spec, "attempt": attempt}) if attempt else spec


def _describe_failure(escalation: Escalation, voice: Voice) -> str:
    """Return how the child ended, where that says more than the reason."""
    match _read_members(escalation, "failure"):
        case {"signal": int(number)}:
            told = voice.say("reason.killed_by", {"signal": name_signal(number)})
        case {"exit_code": int(code)}:
            told = voice.say("reason.exit_code_known", {"code": code})
        case _:
            return ""
    return "" if told == voice.retell(_read_text(escalation, "reason")) else told


def _next_steps(escalation: Escalation, project: Project, voice: Voice) -> Iterator[str]:
    """Yield what leads on: to the work, the whole log, a decision, and the run's end where it has none."""
    if show := _read_text(_read_members(escalation, "work"), "show"):
        yield show
    spec, run, attempt = (_read_text(escalation, key) for key in ("spec_id", "run_id", "attempt"))
    if _read_text(escalation, "log"):
        yield f"aad logs {spec} --run {run} --attempt {attempt}"
    is_open = escalation.get("state") == OPEN
    if is_open:
        yield from _ways_to_decide(escalation)
    if is_under_way(project, run):
        if is_open:
            yield voice.say("escalations.next_heard", {"run": run})
    elif escalation.get("level") != "warning" and read_brief(project, run).status != Status.COMPLETED:
        command = f"aad orchestrate --resume {run}"
        again = escalation.get("kind") == EscalationKind.CONFLICT
        yield voice.say("escalations.next_anew", {"command": command, "spec": spec}) if again else command


def _ways_to_decide(escalation: Escalation) -> Iterator[str]:
    # An id may be a stranger's, and people paste what they read here.
    name = shlex.quote(_read_text(escalation, "id"))
    if _read_members(escalation, "question"):
        yield f"aad escalations answer {name} TEXT"
    elif isinstance(escalation.get("failure"), dict):
        yield f"aad escalations resolve {name} --retry"
    yield f"aad escalations resolve {name} --skip"


# The files lie open to everybody: whatever stands in them is shown, and nothing in them is believed.


def _read_text(members: Escalation, key: str) -> str:
    value = members.get(key)
    return "" if value is None else clean(str(value))


def _read_list(members: Escalation, key: str) -> list[str]:
    value = members.get(key)
    return [clean(str(each)) for each in value] if isinstance(value, list) else []


def _read_lines(members: Escalation, key: str) -> list[str]:
    value = members.get(key)
    return [] if value is None else [clean(line) for line in str(value).splitlines()]


def _read_members(members: Escalation, key: str) -> Escalation:
    value = members.get(key)
    return value if isinstance(value, dict) else {}


def _name(members: Escalation, key: str, voice: Voice) -> str:
    """Return one of our own words in the language of people, and any other as it is."""
    word = _read_text(members, key)
    return messages.load_catalogue(voice.lang).get(f"escalations.{key}.{word}", word)


def _format_time(moment: object) -> str:
    try:
        return format_moment(read_time(str(moment)))
    except (ValueError, OverflowError, OSError):
        return "" if moment is None else clean(str(moment))
