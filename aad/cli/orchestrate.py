"""`aad orchestrate`: plan the selected specs, then run them, or only show the plan."""

from pathlib import Path
from typing import Any

import click

from aad import messages
from aad.cli.console import Console, Looks, format_option, looks_options, open_console
from aad.cli.planning import (
    Wish,
    choose_specs,
    find_wanted_checkout,
    plan_selection,
    tell_drafts,
    tell_idle,
    tell_sharing,
    tell_uncommitted,
)
from aad.plan import Plan
from aad.project import NEWEST
from aad.units import parse_duration


class Duration(click.ParamType[float, str]):
    """An option's duration, `30m`; seconds for the program."""

    name = "duration"

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        try:
            return parse_duration(value) if isinstance(value, str) else float(value)
        except ValueError:
            self.fail(messages.text(self.lang, "option_duration_bad", {"value": value}), param, ctx)


def make_command(lang: str) -> click.Command:
    """Return the command, its help in the given language."""

    def told(name: str) -> str:
        return messages.text(lang, f"help.orchestrate.{name}")

    @click.command("orchestrate", help=messages.text(lang, "help.orchestrate.long"))
    @click.option("--specs", help=told("specs"), metavar="A,B")
    @click.option("--all", "everything", is_flag=True, help=told("all"))
    @click.option("--dry-run", is_flag=True, help=told("dry-run"))
    @click.option("--resume", is_flag=False, flag_value=NEWEST, metavar="[RUN]", help=told("resume"))
    @click.option("--accept-changes", is_flag=True, help=told("accept-changes"))
    @click.option("--jobs", "-j", type=click.IntRange(1, 1000), help=told("jobs"))
    @click.option("--schedule", type=click.Choice(["eager", "waves"]), help=told("schedule"))
    @click.option("--agent", metavar="NAME", help=told("agent"))
    @click.option("--fail-fast", is_flag=True, help=told("fail-fast"))
    @click.option("--timeout", type=Duration(lang), metavar="30m", help=told("timeout"))
    @click.option("--specs-dir", type=click.Path(path_type=Path), metavar="DIR", help=told("specs-dir"))
    @click.option("--no-deps", is_flag=True, help=told("no-deps"))
    @click.option("--allow-draft", is_flag=True, help=told("allow-draft"))
    @click.option("--profile", metavar="NAME", help=told("profile"))
    @click.option("--progress", type=click.Choice(["auto", "live", "plain", "none"]), help=told("progress"))
    @click.option(
        "--log-format", type=click.Choice(["text", "json"]), default="text", help=told("log-format")
    )
    @format_option("text", "json", "mermaid", "dot", lang=lang)
    @looks_options(lang)
    @click.option("--quiet", "-q", is_flag=True, help=told("quiet"))
    @click.option("--verbose", "-v", count=True, help=told("verbose"))
    def orchestrate(**options: Any) -> int:  # noqa: ANN401 - click's door
        return _orchestrate(options, lang)

    return orchestrate


def _orchestrate(options: dict[str, Any], lang: str) -> int:
    _refuse_contradictions(options, lang)
    looks = Looks(options["color"], options["symbols"])
    console = open_console(looks, profile=options["profile"], options=_settings(options))
    wish = Wish(
        specs=options["specs"],
        everything=options["everything"],
        specs_dir=options["specs_dir"],
        with_dependencies=not options["no_deps"],
        allow_draft=options["allow_draft"],
        accept_changes=options["accept_changes"],
    )
    if options["dry_run"]:
        plan = _plan(console, wish, options["resume"])
        checkout = find_wanted_checkout(console, plan)
        if not options["quiet"]:
            tell_idle(console, plan)
            tell_sharing(console, plan)
            tell_uncommitted(console, checkout)
        return _show_plan(console, plan, options["form"])
    # Trio is loaded here and not before: planning needs none.
    from aad.cli.running import Telling, run_specs

    telling = Telling(
        progress=options["progress"] or console.config.ui.progress,
        json=options["log_format"] == "json",
        verbosity=-1 if options["quiet"] else options["verbose"],
    )
    return run_specs(console, wish, telling, resume=options["resume"])


def _refuse_contradictions(options: dict[str, Any], lang: str) -> None:
    selected, resume = options["specs"] is not None, options["resume"] is not None
    if selected and options["everything"]:
        raise click.UsageError(messages.text(lang, "specs_and_all"))
    if not selected and not options["everything"] and not resume:
        raise click.UsageError(messages.text(lang, "nothing_selected"))
    if options["accept_changes"] and not resume:
        raise click.UsageError(messages.text(lang, "accept_without_resume"))
    if options["form"] != "text" and not options["dry_run"]:
        raise click.UsageError(messages.text(lang, "format_without_dry_run"))


def _settings(options: dict[str, Any]) -> dict[str, object]:
    """Return the options that set something in the config, by its names there."""
    given = {
        "orchestrator.max_parallel_sessions": options["jobs"],
        "orchestrator.schedule": options["schedule"],
        "orchestrator.fail_fast": options["fail_fast"] or None,
        "orchestrator.session_timeout": options["timeout"],
        "agent.kind": options["agent"],
    }
    return {key: value for key, value in given.items() if value is not None}


def _plan(console: Console, wish: Wish, resume: str | None) -> Plan:
    """Return what would be run; of a run that would go on, what it completed is marked so."""
    if resume is None:
        selection = choose_specs(console, wish)
        tell_drafts(console, selection)
        return plan_selection(console, selection)
    # Journals are loaded for those who go on with one.
    from aad.cli.resuming import plan_resumed

    return plan_resumed(console, wish, resume)


def _show_plan(console: Console, plan: Plan, form: str) -> int:
    console.out.write(_draw(plan, console, form) + "\n")
    return 0


def _draw(plan: Plan, console: Console, form: str) -> str:
    if form == "text":
        from aad.display.tree import draw_tree

        symbols = console.style(console.out).symbols
        return draw_tree(plan, lang=console.lang, symbols=symbols, width=console.width())
    # Events are loaded with these, and a tree needs none.
    from aad.display.graphs import render_dot, render_json, render_mermaid

    if form == "json":
        return render_json(plan, encoding=console.out.encoding)
    return {"mermaid": render_mermaid, "dot": render_dot}[form](plan)
