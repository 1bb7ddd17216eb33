"""Claude Code, talked with while it works: it asks on its stdout, and is answered on its stdin.

The spec is the first thing that it is told there. It asks for leave, and asks questions, by requests of its
control protocol, each of which waits for its response. It ends when its stdin does, which therefore stays
open until its last turn is over.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from attrs import define, evolve, field, frozen

from aad import messages
from aad.agents.base import Command, Job
from aad.agents.claude import ClaudeAgent
from aad.agents.claude_stream import ClaudeReader, begin_tool
from aad.agents.offers import read_options
from aad.agents.prompt import compose_prompt
from aad.agents.reader import Take
from aad.agents.records import Record, dig, dig_records, dig_text
from aad.agents.talk import Talk, Wants, Withdrawn

TALKING = ("--input-format", "stream-json", "--permission-prompt-tool", "stdio")

# It tells by this when it has come to rest: only then has no sub-agent anything more to say.
TELLING = {"CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1"}

# By what it asks people.
ASKING = "AskUserQuestion"

# What may begin another turn when it ends. A shell in the background may be a server, and never end.
SUB_AGENTS = frozenset({"local_agent", "local_workflow"})

ALLOW, DENY = "allow", "deny"

# How deep a call's input may be nested: beyond a thousand or so it can be read, but not written.
DEEPEST = 100

# Characters of a call that a person is shown.
LONGEST_CALL = 2000


@frozen
class LiveClaudeAgent(ClaudeAgent):
    """Runs `claude` and talks with it; what it may do without asking is as for one that is not asked."""

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        """Return what to start, which is told by its speaker what to do."""
        command = super().command(job, env)
        return evolve(command, env={**TELLING, **command.env}, stdin=None)

    def _words(self, job: Job) -> Iterator[str]:
        yield from (*TALKING, *super()._words(job))

    def speak(self, job: Job) -> "ClaudeSpeaker":
        """Return what talks to it in one attempt."""
        return ClaudeSpeaker(job=job)


@frozen
class Inquiry:
    """The questions of one call, by the ids under which they are asked. They are answered together."""

    request_id: str
    input: Record
    questions: Mapping[str, str]
    answers: dict[str, str] = field(factory=dict)

    def write(self) -> Record:
        """Return the answers as claude's own input."""
        given = {self.questions[name]: words for name, words in self.answers.items()}
        return {**self.input, "answers": given}


@define(eq=False, kw_only=True)
class ClaudeSpeaker(ClaudeReader):
    """Reads Claude Code's lines, and says what it is to be told in return."""

    job: Job
    is_done: bool = field(default=False, init=False)

    _outgoing: bytearray = field(factory=bytearray, init=False)
    # The requests for leave, and the inquiry that each question belongs to, as long as they are open.
    _calls: dict[str, Record] = field(factory=dict, init=False)
    _asked: dict[str, Inquiry] = field(factory=dict, init=False)
    _has_sub_agents: bool = field(default=False, init=False)
    _tells_state: bool = field(default=False, init=False)

    # What it is told.

    def begin(self) -> bytes:
        """Return the first words; raises OSError where the spec cannot be read."""
        prompt = compose_prompt(self.job, replies=True, live=True).decode()
        self._say(type="control_request", request_id="begin", request={"subtype": "initialize"})
        message = {"role": "user", "content": prompt}
        self._say(type="user", message=message, parent_tool_use_id=None, session_id="default")
        return self.take_outgoing()

    def take_outgoing(self) -> bytes:
        words = bytes(self._outgoing)
        self._outgoing.clear()
        return words

    def answer(self, request_id: str, text: str, option: str | None) -> None:
        """Take an answer; words beside the options of a request for leave are why it is not given."""
        words = text if option is None else option
        if request_id in self._asked:
            self._note_answer(request_id, words)
        elif request_id in self._calls and words == ALLOW:
            call = self._calls.pop(request_id)
            self._respond(request_id, behavior=ALLOW, updatedInput=dig(call, "input"))
        elif request_id in self._calls:
            refused = messages.text(self.job.lang, "prompt.refused")
            self._refuse(request_id, refused if words == DENY else words)

    def _note_answer(self, name: str, words: str) -> None:
        inquiry = self._asked.pop(name)
        inquiry.answers[name] = words
        if len(inquiry.answers) == len(inquiry.questions):
            self._respond(inquiry.request_id, behavior=ALLOW, updatedInput=inquiry.write())

    def _refuse(self, request_id: str, message: str) -> None:
        self._note_denied(self._calls.pop(request_id))
        self._respond(request_id, behavior=DENY, message=message)

    def _note_denied(self, call: Record) -> None:
        """Tell nobody of a call that the result lists as denied: who has denied or withdrawn it knows."""
        self._denied.add(dig_text(call, "tool_use_id") or dig_text(call, "tool_name"))

    def _respond(self, request_id: str, **response: object) -> None:
        told = {"subtype": "success", "request_id": request_id, "response": response}
        self._say(type="control_response", response=told)

    def _reject(self, request_id: str, error: str) -> None:
        self._say(
            type="control_response", response={"subtype": "error", "request_id": request_id, "error": error}
        )

    def _say(self, **record: object) -> None:
        self._outgoing += json.dumps(record).encode() + b"\n"

    # What it asks.

    def take_request(self, record: Record) -> Iterator[Talk]:
        """Take what it waits for; once its stdin is closed it waits for nobody."""
        request_id, request = dig_text(record, "request_id"), dig(record, "request")
        if not request_id or self.is_done:
            return
        if dig_text(request, "subtype") != "can_use_tool" or not is_plain(dig(request, "input")):
            self._reject(request_id, "not supported")
        elif dig_text(request, "tool_name") == ASKING:
            yield from self._ask(request_id, request)
        else:
            self._calls[request_id] = request
            yield Wants(
                request_id=request_id, text=describe_call(request), options=(ALLOW, DENY), permission=True
            )

    def _ask(self, request_id: str, request: Record) -> Iterator[Wants]:
        """Ask its questions, which may be several, each under an id of its own."""
        listed = dig_records(request, "input", "questions")
        questions = [each for each in listed if dig_text(each, "question").strip()]
        if not questions:
            self._reject(request_id, "there is no question")
            return
        names = name_questions(request_id, len(questions))
        wanted = [ask(name, question) for name, question in zip(names, questions, strict=True)]
        inquiry = Inquiry(request_id, request["input"], {each.request_id: each.text for each in wanted})
        self._asked |= dict.fromkeys(names, inquiry)
        yield from wanted

    def take_withdrawal(self, record: Record) -> Iterator[Withdrawn]:
        """Forget what it no longer waits for."""
        request_id = dig_text(record, "request_id")
        asked = [name for name, each in self._asked.items() if each.request_id == request_id]
        for name in asked:
            del self._asked[name]
            yield Withdrawn(request_id=name)
        if request_id in self._calls:
            self._note_denied(self._calls.pop(request_id))
            yield Withdrawn(request_id=request_id)

    # When it is done.

    def take_tasks(self, record: Record) -> Sequence[Talk]:
        kinds = {dig_text(task, "task_type") for task in dig_records(record, "tasks")}
        self._has_sub_agents = bool(kinds & SUB_AGENTS)
        return ()

    def take_state(self, record: Record) -> Sequence[Talk]:
        """Note its coming to rest, behind a result: before the first it has not begun."""
        self._tells_state = True
        if dig_text(record, "state") == "idle" and self._word is not None:
            self.is_done = True
        return ()

    def take_turn(self, record: Record) -> Iterator[Talk]:
        """Take the result of a turn, the last one where no sub-agent's end may begin another."""
        yield from self.take_result(record)
        if not self._tells_state and not self._has_sub_agents:
            self.is_done = True

    table: ClassVar[Mapping[str, Take]] = {
        **ClaudeReader.table,
        "control_request": take_request,
        "control_cancel_request": take_withdrawal,
        "system/background_tasks_changed": take_tasks,
        "system/session_state_changed": take_state,
        "result": take_turn,
    }


def is_plain(given: object) -> bool:
    """Tell whether a tool can be given this: an object that can be written as it was read."""
    return isinstance(given, dict) and not is_deeper(given, DEEPEST)


def is_deeper(value: object, limit: int) -> bool:
    """Tell whether lists and objects are nested deeper than so many."""
    if not isinstance(value, dict | list):
        return False
    return limit == 0 or any(
        is_deeper(each, limit - 1) for each in (value.values() if isinstance(value, dict) else value)
    )


def name_questions(request_id: str, count: int) -> list[str]:
    """Return an id for each question of a request: its own where there is but one."""
    return [request_id] if count == 1 else [f"{request_id}/{number}" for number in range(1, count + 1)]


def ask(name: str, question: Record) -> Wants:
    """Return a question as people are asked it: claude reads nothing but the labels of its options."""
    labels, described = read_options(question)
    text = dig_text(question, "question")
    return Wants(request_id=name, text=text, options=labels, descriptions=described)


def describe_call(request: Record) -> str:
    """Return a call of a tool on one line: its name, and what it is called for."""
    tool = dig_text(request, "tool_name")
    detail = begin_tool({"input": request["input"]}).detail
    words = detail or json.dumps(request["input"], ensure_ascii=False)
    # The breaks of a script stay visible: what follows a comment is none.
    line = f"{tool}: " + "\\n".join(words.splitlines())
    return line if len(line) <= LONGEST_CALL else f"{line[:LONGEST_CALL]}…"
