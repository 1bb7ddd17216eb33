"""What a scripted model does, by scenario; a request names its scenario by the words `SCENARIO:<name>`.

A scenario is a list of steps; each is one of

- `{"text": …}`: it says so, and that was its turn
- `{"tool": name, "args": {…}}`: it uses a tool, with "text" said before. Three names are common to all
  agents: `write` (path, content), `shell` (command), `plan` (items of step and status); others are its own
  An argument `{"found": pattern}` is what this finds first in what claude's tools have answered
- `{"reply": {…}}`: it ends with this object, as the agent has its model do that, or as JSON
- `{"refuse": true}`
- `{"status": 500, "times": 2, "retry_after": 3, "body": {…}}`: so many answers are errors
- `{"stall": seconds, "times": 1}`: it says nothing for so long before what comes next

Without `times` an error, or a stall, is there at every try.

Which step it is follows from the request alone, from how often the model had its turn since the scenario was
first named: so an agent may try again, or be ended and taken up. Only `times` are counted here.
"""

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from attrs import define, field, frozen
from modelapis import Answer, Asked, Call, Json, Turn

NAMED = re.compile(r"SCENARIO:([\w-]+)")
DONE: Json = {"text": "Done."}
# How an agent has its model end with an object, unless the request itself has a place for that.
REPLY_TOOLS = ("StructuredOutput", "structured_output")
# How a file is written, a line run and a plan told: the tool, and the names of its arguments.
WRITE = (
    ("Write", "file_path", "content"),
    ("write_file", "file_path", "content"),
    ("write", "filePath", "content"),
    ("write", "path", "content"),
)
SHELL = (
    ("exec_command", "cmd"),
    ("Bash", "command"),
    ("run_shell_command", "command"),
    ("bash", "command"),
)
PLAN = (
    ("update_plan", "plan", "step"),
    ("write_todos", "todos", "description"),
    ("todo_write", "todos", "content"),
    ("todowrite", "todos", "content"),
    ("TodoWrite", "todos", "content"),
)

Use = tuple[str, Json]


class ScriptError(Exception):
    """A request that no scenario answers."""


@frozen
class Place:
    """Where in a script a request stands."""

    scenario: str
    step: int

    @property
    def name(self) -> str:
        """A word that no other place in a session has."""
        return f"{self.scenario}_{self.step}"


@define
class Script:
    """The scenarios by name, and how often each step that has `times` was played."""

    scenarios: Mapping[str, Sequence[Json]]
    played: Counter[tuple[str, int]] = field(factory=Counter)

    def find_place(self, asked: Asked) -> Place:
        """Return which scenario a request plays and how far it is; raises ScriptError."""
        turns = asked.turns
        named = [name for turn in turns if turn.who == "user" for name in NAMED.findall(turn.text)]
        if not named or named[-1] not in self.scenarios:
            raise ScriptError(f"no scenario {named[-1:]} among {sorted(self.scenarios)}")
        marker = re.compile(rf"SCENARIO:{named[-1]}(?![\w-])")
        begin = next(i for i, turn in enumerate(turns) if turn.who == "user" and marker.search(turn.text))
        return Place(named[-1], count_turns(turns[begin:]))

    def play(self, place: Place) -> list[Json]:
        """Return what is to be done: stalls, and then an error or an answer."""
        due = []
        for index, step in self._steps_of(place):
            if self._is_over(place.scenario, index, step):
                continue
            due.append(step)
            if "stall" not in step:
                break
        return due

    def has_planned(self, place: Place) -> bool:
        """Tell whether a plan was told in an earlier step."""
        answers = [step for step in self.scenarios[place.scenario] if not is_hurdle(step)]
        return any(step.get("tool") == "plan" for step in answers[: place.step])

    def _steps_of(self, place: Place) -> Iterator[tuple[int, Json]]:
        """Yield what stands in the way of an answer, and the answer; behind the last there is one more."""
        number = 0
        for index, step in enumerate(self.scenarios[place.scenario]):
            if number == place.step:
                yield index, step
            number += not is_hurdle(step)
        yield -1, DONE

    def _is_over(self, scenario: str, index: int, step: Json) -> bool:
        self.played[scenario, index] += 1
        return step.get("times") is not None and self.played[scenario, index] > step["times"]


def is_hurdle(step: Json) -> bool:
    """Tell whether a step stands before an answer rather than being one."""
    return "status" in step or "stall" in step


def count_turns(turns: Sequence[Turn]) -> int:
    """Return how often the model had its turn: its tools have run, or it was told more after its words."""
    whos = "".join(turn.who[0] for turn in turns)
    return len(re.findall("t+|m(?=u)", whos))


def compose(step: Json, asked: Asked, place: Place, *, planned: bool) -> Answer:
    """Return what the model says in a step, in the agent's own words for its tools."""
    if step.get("refuse"):
        return Answer(place.name, refuses=True)
    text = step.get("text", "")
    uses = list(find_uses(step, asked, planned=planned))
    if "reply" in step and not uses:
        text = json.dumps(step["reply"])
    calls = [Call(f"{place.name}_{i}", *use) for i, use in enumerate(uses)]
    return Answer(place.name, text, tuple(calls))


def find_uses(step: Json, asked: Asked, *, planned: bool) -> Iterator[Use]:
    """Yield what tools a step uses, as the agent that offers them calls them."""
    tools = asked.tools
    if "reply" in step:
        yield from ((name, step["reply"]) for name in REPLY_TOOLS if name in tools)
        return
    args = step.get("args", {})
    match step.get("tool"):
        case None:
            return
        case "write":
            yield use_write(args["path"], args["content"], asked)
        case "shell":
            yield use_shell(args["command"], tools)
        case "plan":
            yield from use_plan(args["items"], tools, planned=planned)
        case own:
            yield own, {name: find_words(value, asked) for name, value in args.items()}


def find_words(value: object, asked: Asked) -> object:
    """Return the value of an argument, looked up where it is a pattern."""
    if not isinstance(value, dict) or "found" not in value:
        return value
    answered = "\n".join(turn.text for turn in asked.turns if turn.who == "tool")
    (word, *_) = re.findall(value["found"], answered)
    return word


def use_write(path: str, content: str, asked: Asked) -> Use:
    """Return how a file is written; where no tool is for that, a shell does it."""
    for name, *words in WRITE:
        if set(words) <= asked.tools.get(name, frozenset()):
            # qwen wants to be told the whole path.
            whole = str(PurePosixPath(asked.folder) / path)
            return name, dict(zip(words, (whole, content), strict=True))
    quoted = shlex.quote(path)
    return use_shell(
        f'mkdir -p "$(dirname {quoted})" && printf %s {shlex.quote(content)} >{quoted}', asked.tools
    )


def use_shell(command: str, tools: Mapping[str, frozenset[str]]) -> Use:
    """Return how a shell line is run."""
    for name, word in SHELL:
        if word in tools.get(name, ()):
            # Some have to be told what a line is for, and that it is to be waited for.
            more = {"description": "Run a line", "is_background": False}
            return name, {word: command, **{key: more[key] for key in more if key in tools[name]}}
    raise ScriptError(f"no shell among {sorted(tools)}")


def use_plan(items: Sequence[Json], tools: Mapping[str, frozenset[str]], *, planned: bool) -> Iterator[Use]:
    """Yield how a plan is told; an agent without one runs a line that does nothing."""
    # claude offers most of its tools through a search for tools, and takes their use without any.
    if "ToolSearch" in tools:
        yield from use_tasks(items, again=planned)
        return
    for name, word, subject in PLAN:
        if word in tools.get(name, ()):
            yield name, {word: [write_item(item, name, subject) for item in items]}
            return
    yield use_shell("true", tools)


def write_item(item: Json, tool: str, subject: str) -> Json:
    """Return one item of a plan in the words of the tool that takes it."""
    more = {
        "todowrite": {"priority": "medium"},
        "todo_write": {"id": item["step"]},
        "TodoWrite": {"activeForm": item["step"]},
    }
    return {subject: item["step"], "status": item["status"], **more.get(tool, {})}


def use_tasks(items: Sequence[Json], *, again: bool) -> Iterator[Use]:
    """Yield how claude tells a plan: its tasks are made first, all open, and then brought forward."""
    for number, item in enumerate(items, 1):
        if again:
            yield "TaskUpdate", {"taskId": str(number), "status": item["status"]}
        else:
            yield "TaskCreate", {"subject": item["step"], "description": item["step"]}
