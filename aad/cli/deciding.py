"""`aad escalations answer` and `resolve`: what a person decides. Knows not what a run makes of it."""

import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from attrs import evolve

from aad import messages
from aad.cli.answers import answer_json
from aad.cli.console import Console, Looks, format_option, looks_options, open_console
from aad.cli.snapshot import is_under_way, read_brief
from aad.decisions import decide, find_option, find_question, make_answer
from aad.display.style import Role
from aad.display.text import clean, cut
from aad.display.voice import Voice
from aad.errors import InputError, Problem
from aad.escalationlog import Decision, read_escalation
from aad.events import PERSON, Action, Question
from aad.redaction import make_redactor
from aad.state import Status

# What a person may decide without an answer; each is an option of `resolve`.
RESOLUTIONS = (Action.RETRY, Action.SKIP, Action.CONTINUE, Action.ABORT)
# Columns of an answer where it is told that it was taken.
ANSWER_COLUMNS = 60


def make_answer_command(lang: str) -> click.Command:
    """Return `answer`, its help in the given language."""

    def told(name: str) -> str:
        return messages.text(lang, f"help.escalations.answer.{name}")

    short = messages.text(lang, "help.escalations.answer")

    # An answer may look like an option: `-1`, or `-O2`.
    unlike = {"ignore_unknown_options": True}

    @click.command("answer", help=told("long"), short_help=short, context_settings=unlike)
    @click.argument("escalation", metavar="ID")
    @click.argument("text", metavar="TEXT")
    @click.option("--free-text", is_flag=True, help=told("free-text"))
    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def answer(**options: Any) -> None:  # noqa: ANN401 - click's door
        _answer(options)

    return answer


def make_resolve_command(lang: str) -> click.Command:
    """Return `resolve`, its help in the given language."""

    def told(name: str) -> str:
        return messages.text(lang, f"help.escalations.resolve.{name}")

    @format_option("text", "json", lang=lang)
    @looks_options(lang)
    def resolve(**options: Any) -> None:  # noqa: ANN401 - click's door
        _resolve(options, lang)

    resolve = click.option("--reason", metavar="TEXT", help=told("reason"))(resolve)
    for action in reversed(RESOLUTIONS):
        resolve = click.option(f"--{action}", is_flag=True, help=told(action))(resolve)
    resolve = click.argument("escalation", metavar="ID")(resolve)
    short = messages.text(lang, "help.escalations.resolve")
    return click.command("resolve", help=told("long"), short_help=short)(resolve)


def read_name(argument: str) -> str:
    """Return the id that is meant by an argument. A run names the file: its path will do as well."""
    return clean(Path(argument).name).removesuffix(".json")


def _answer(options: Mapping[str, Any]) -> None:
    console, name = _open_console(options), read_name(options["escalation"])
    redact = make_redactor(console.config, os.environ).redact
    with _telling_safely(redact):
        question = find_question(read_escalation(console.project.escalations, name))
        words = options["text"] if options["free_text"] else _narrow(question, options["text"])
        answer = make_answer(name, question, words, free=options["free_text"])
        decided = _carry_out(console, name, answer, redact)
    _tell(console, name, answer, decided, form=options["form"])


def _narrow(question: Question | None, text: str) -> str:
    """Return the words that name an option: of an input method, digits and letters may come wide."""
    offered, narrow = () if question is None else question.options, unicodedata.normalize("NFKC", text)
    meant = find_option(offered, text.strip()) is None and find_option(offered, narrow.strip()) is not None
    return narrow if meant else text


def _resolve(options: Mapping[str, Any], lang: str) -> None:
    chosen = [action for action in RESOLUTIONS if options[action]]
    if len(chosen) != 1:
        raise click.UsageError(messages.text(lang, "deciding.not_one"), click.get_current_context())
    console, reason = _open_console(options), (options["reason"] or "").strip()
    redact = make_redactor(console.config, os.environ).redact
    with _telling_safely(redact):
        decision = Decision(action=chosen[0], by=PERSON, text=reason or None)
        name = read_name(options["escalation"])
        decided = _carry_out(console, name, decision, redact)
    _tell(console, name, decision, decided, form=options["form"])


def _open_console(options: Mapping[str, Any]) -> Console:
    return open_console(Looks(options["color"], options["symbols"]))


@contextmanager
def _telling_safely(redact: Callable[[str], str]) -> Iterator[None]:
    """Let no error move the cursor or tell a secret: it names what a file says, and what was typed."""
    try:
        yield
    except InputError as error:
        raise InputError(_make_safe(problem, redact) for problem in error.problems) from error


def _make_safe(problem: Problem, redact: Callable[[str], str]) -> Problem:
    return evolve(problem, fields={name: clean(redact(str(each))) for name, each in problem.fields.items()})


def _carry_out(
    console: Console, name: str, decision: Decision, redact: Callable[[str], str]
) -> Mapping[str, Any]:
    """Write a decision down; return what the escalation's file holds now."""
    folder = console.project.escalations
    try:
        return decide(folder, name, decision, redact)
    except OSError as error:
        path = console.project.show(folder / f"{name}.json")
        raise InputError(Problem("escalation_unwritable", {"cause": error.strerror}, path=path)) from error


def _tell(console: Console, name: str, decision: Decision, decided: Mapping[str, Any], *, form: str) -> None:
    """Tell what was decided, and what comes of it now; programs get the escalation as it is written."""
    if form == "json":
        answer_json(console, decided)
        return
    style = console.style(console.err)
    voice = Voice(console.lang, style)
    answer = _shorten(clean(decision.text or ""), style.symbols.ellipsis)
    fields = {"id": name, "spec": str(decided.get("spec_id")), "answer": answer}
    facts = [
        voice.say(f"decided.{decision.action}", fields),
        *_next_step(console, str(decided.get("run_id")), decision.action, voice),
    ]
    console.err.write(voice.mark(Role.OK, style.symbols.ok, voice.join(facts)) + "\n")


def _shorten(words: str, ellipsis: str) -> str:
    shown = cut(words, ANSWER_COLUMNS)
    return words if shown == words else shown + ellipsis


def _next_step(console: Console, run: str, action: Action, voice: Voice) -> Iterator[str]:
    if is_under_way(console.project, run):
        yield voice.say("deciding.ended" if action is Action.ABORT else "deciding.heard", {"run": run})
    elif read_brief(console.project, run).status != Status.COMPLETED:
        yield voice.say("deciding.resume", {"run": run})
