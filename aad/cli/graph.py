"""`aad graph`: what depends on what, drawn for people or programs."""

from pathlib import Path
from typing import Any

import click

from aad import messages
from aad.cli.answers import answer_text
from aad.cli.console import Console, Looks, format_option, looks_options, open_console
from aad.cli.planning import Wish, find_specs, plan_selection, tell_drafts
from aad.display.graphs import render_dot, render_json, render_mermaid
from aad.display.tree import draw_tree
from aad.plan import Plan

RENDERERS = {"mermaid": render_mermaid, "dot": render_dot}


def make_command(lang: str) -> click.Command:
    """Return the command, its help in the given language."""

    def told(name: str) -> str:
        return messages.text(lang, f"help.orchestrate.{name}")

    @click.command("graph", help=messages.text(lang, "help.graph.long"))
    @click.option("--specs", metavar="A,B", help=messages.text(lang, "help.graph.specs"))
    @click.option("--all", "everything", is_flag=True, help=messages.text(lang, "help.graph.all"))
    @click.option("--specs-dir", type=click.Path(path_type=Path), metavar="DIR", help=told("specs-dir"))
    @click.option("--no-deps", is_flag=True, help=told("no-deps"))
    @click.option("--allow-draft", is_flag=True, help=told("allow-draft"))
    @click.option("--profile", metavar="NAME", help=told("profile"))
    @format_option("tree", "text", "mermaid", "dot", "json", lang=lang)
    @looks_options(lang)
    def graph(**options: Any) -> None:  # noqa: ANN401 - click's door
        _draw_graph(options, lang)

    return graph


def _draw_graph(options: dict[str, Any], lang: str) -> None:
    if options["specs"] is not None and options["everything"]:
        raise click.UsageError(messages.text(lang, "specs_and_all"))
    looks = Looks(options["color"], options["symbols"])
    console = open_console(looks, profile=options["profile"])
    wish = Wish(
        specs=options["specs"],
        specs_dir=options["specs_dir"],
        with_dependencies=not options["no_deps"],
        allow_draft=options["allow_draft"],
    )
    selection = find_specs(console, wish)
    tell_drafts(console, selection)
    plan = plan_selection(console, selection)
    answer_text(console, _draw(console, plan, options["form"]))


def _draw(console: Console, plan: Plan, form: str) -> str:
    if form == "json":
        return render_json(plan, encoding=console.out.encoding)
    return RENDERERS[form](plan) if form in RENDERERS else _draw_tree(console, plan)


def _draw_tree(console: Console, plan: Plan) -> str:
    symbols = console.style(console.out).symbols
    return draw_tree(plan, lang=console.lang, symbols=symbols, width=console.width(), dry_run=False)
