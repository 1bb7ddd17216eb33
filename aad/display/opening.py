"""How a run begins, in lines that people read: what it is and what it is going to do. Knows no session."""

from collections.abc import Iterator

from aad.display.style import Role
from aad.display.text import format_count, format_names
from aad.display.voice import Voice
from aad.events import PlanEntry, PlanMade
from aad.state import RunState

PLAN_LIMIT = 20


def tell_plan(plan: PlanMade, state: RunState, voice: Voice, *, resumed: bool) -> list[str]:
    """Return the run's facts and its plan, with a blank line at the end."""
    return [
        _say_facts(plan, state, voice, resumed=resumed),
        voice.head(voice.style.symbols.plan, "log.plan"),
        *_list_specs(plan, voice),
        *_name_added(plan, voice),
        "",
        *_tell_nothing_left(plan, state, voice),
    ]


def _say_facts(plan: PlanMade, state: RunState, voice: Voice, *, resumed: bool) -> str:
    run = voice.say("log.run_resumed" if resumed else "log.run", {"run": state.run})
    specs = voice.count("log.specs", len(plan.specs))
    # What was complete in an earlier segment need not be in the plan any more.
    done = sum(entry.id in state.completed for entry in plan.specs)
    complete = voice.say("log.complete", {"count": format_count(done)})
    slots = voice.count("log.slots", state.jobs)
    return f"  {voice.join((run, specs, complete, slots) if resumed else (run, specs, slots))}"


def _list_specs(plan: PlanMade, voice: Voice) -> Iterator[str]:
    for entry in plan.specs[:PLAN_LIMIT]:
        yield f"  - {_say_entry(entry, voice)}"
    if len(plan.specs) > PLAN_LIMIT:
        more = {"count": format_count(len(plan.specs) - PLAN_LIMIT)}
        yield f"  {voice.style.symbols.ellipsis} {voice.say('log.plan_more', more)}"


def _say_entry(entry: PlanEntry, voice: Voice) -> str:
    if entry.status == "complete":
        return voice.say("log.plan_complete", {"spec": entry.id})
    if not entry.depends_on:
        return voice.say("log.plan_free", {"spec": entry.id})
    return voice.say("log.plan_after", {"spec": entry.id, "names": ", ".join(entry.depends_on)})


def _name_added(plan: PlanMade, voice: Voice) -> Iterator[str]:
    added = sorted(entry.id for entry in plan.specs if entry.added)
    if added:
        needing = sorted(
            entry.id
            for entry in plan.specs
            if not entry.added and not set(added).isdisjoint(entry.depends_on)
        )
        fields = {"names": format_names(added), "needed_by": format_names(needing)}
        yield f"  {voice.say('tree.added', fields)}"


def _tell_nothing_left(plan: PlanMade, state: RunState, voice: Voice) -> Iterator[str]:
    if state.completed.issuperset(entry.id for entry in plan.specs):
        yield voice.mark(Role.OK, voice.style.symbols.ok, voice.say("log.nothing_left"))
