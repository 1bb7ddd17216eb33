"""Talks with an agent by the Agent Client Protocol: JSON-RPC, in which each side asks and answers.

We ask four things, one after the other: that it begins, for a session, for the model where one is set, and
that it does its work. The answer to the last ends the talk. Meanwhile it tells what it does, and
asks for leave.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from attrs import define, evolve, field, frozen

from aad import messages
from aad.agents.acp_calls import Calls, find_title
from aad.agents.acp_count import read_count, read_step, read_usage, subtract
from aad.agents.acp_leave import ALLOW, REJECT, Fence, choose
from aad.agents.base import Exit, Job
from aad.agents.offers import describe_options
from aad.agents.prompt import compose_prompt
from aad.agents.reader import Final, Reader, Take, count_done, find_cause
from aad.agents.records import Record, dig, dig_records, dig_text, read_id
from aad.agents.talk import Denied, Opened, Planned, Said, Talk, ToolBegan, Used, Wants, Withdrawn
from aad.events import Reason, Usage

# Neither files nor terminals of ours: it has its own.
CAPABILITIES = {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
# What a person may say to it.
YES, NO = "allow", "deny"
# By this it says that it waits no longer for the answer to a request.
WITHDRAWAL = "$/cancel_request"
METHOD_UNKNOWN = -32601
AUTH_REQUIRED = -32000
# What a turn's end means; None is a good one.
ENDINGS = {
    "end_turn": None,
    "max_tokens": Reason.MAX_TURNS,
    "max_turn_requests": Reason.MAX_TURNS,
    "refusal": Reason.REFUSAL,
    "cancelled": Reason.INTERRUPTED,
}


@frozen
class _Question:
    """What the agent waits for: leave for a call to work on a path. `id` is that of its request."""

    id: str | float | None
    call: Record
    path: str
    allowed: Record
    rejected: Record | None

    @property
    def subject(self) -> tuple[str, str]:
        """What leave is given for: it is asked for more than once, as a place and as a file."""
        return dig_text(self.call, "toolCallId"), self.path


@define(eq=False, kw_only=True)
class AcpReader(Reader):
    """Talks with an agent in one attempt."""

    job: Job
    model: str
    fence: Fence

    _prompts: tuple[str, str] = field(default=("", ""), init=False)
    _outgoing: list[Record] = field(factory=list, init=False)
    # What we asked, in order: the number of a request is its place, from 1.
    _asked: list[str] = field(factory=list, init=False)
    # Until then all it tells is of the past, or of how it starts.
    _prompted: bool = field(default=False, init=False)
    _remembers: bool = field(default=False, init=False)
    _ending: Final | None = field(default=None, init=False)
    # Words come in pieces, and are whole where something else follows.
    _pieces: list[str] = field(factory=list, init=False)
    _message: str = field(default="", init=False)
    _said: str = field(default="", init=False)
    _calls: Calls = field(factory=Calls, init=False)
    _plan: Planned | None = field(default=None, init=False)
    _questions: dict[str, _Question] = field(factory=dict, init=False)
    # Which calls a person gave leave for, and for which path of each; and the one that got none just now.
    _granted: set[tuple[str, str]] = field(factory=set, init=False)
    _rejected: str = field(default="", init=False)
    # What the session had used before this attempt, and what it has used now.
    _before: Usage = field(factory=Usage, init=False)
    _count: Usage = field(factory=Usage, init=False)

    # What we say.

    @property
    def is_done(self) -> bool:
        return self._ending is not None

    def begin(self) -> bytes:
        """Return the first words; raises OSError where the spec cannot be read."""
        anew = evolve(self.job, agent_session=None)
        on, new = (compose_prompt(job, replies=False).decode(errors="replace") for job in (self.job, anew))
        self._prompts = on, new
        self._ask("initialize", protocolVersion=1, clientCapabilities=CAPABILITIES)
        return self.take_outgoing()

    def take_outgoing(self) -> bytes:
        said = b"".join(json.dumps({"jsonrpc": "2.0", **told}).encode() + b"\n" for told in self._outgoing)
        self._outgoing.clear()
        return said

    def answer(self, request_id: str, text: str, option: str | None) -> None:
        """Take a person's answer to a request for leave; what is no leave forbids it."""
        question = self._questions.pop(request_id, None)
        if question is not None:
            self._settle(question, leave=(text if option is None else option) == YES)

    def _ask(self, method: str, **params: object) -> None:
        self._asked.append(method)
        self._outgoing.append({"id": len(self._asked), "method": method, "params": params})

    def _ask_in_session(self, method: str, **params: object) -> None:
        self._ask(method, sessionId=self.session_id, **params)

    def _prompt(self) -> None:
        # Some load a session and have forgotten all of it: they are told everything once more.
        on, new = self._prompts
        text = on if self._remembers else new
        self._prompted = True
        self._ask_in_session("session/prompt", prompt=[{"type": "text", "text": text}])

    def _settle(self, question: _Question, *, leave: bool) -> None:
        if leave:
            self._granted.add(question.subject)
            self._select(question.id, question.allowed)
        else:
            self._reject(question.id, question.call, question.rejected)

    def _reject(self, request: object, call: Record, option: Record | None) -> None:
        self._rejected = find_title(call)
        self._select(request, option)

    def _select(self, request: object, option: Record | None) -> None:
        outcome = {"outcome": "cancelled"}
        if option is not None:
            outcome = {"outcome": "selected", "optionId": dig_text(option, "optionId")}
        self._outgoing.append({"id": request, "result": {"outcome": outcome}})

    # What it answers.

    def kind_of(self, record: Record) -> str:
        """Return what a line is: news, a request, or the answer to one of ours. Only requests have both."""
        method = dig_text(record, "method")
        if not method:
            return f"answer {self._find_request(dig(record, 'id'))}"
        if "id" in record:
            return method if method == "session/request_permission" else "request"
        if method == WITHDRAWAL:
            return method
        update = dig_text(record, "params", "update", "sessionUpdate")
        return f"news {update}" if method == "session/update" else ""

    def _find_request(self, number: object) -> str:
        """Return what a number answers: one request at a time is open, the last."""
        return self._asked[-1] if number == len(self._asked) and not self.is_done else ""

    def take_start(self, record: Record) -> Iterable[Talk]:
        if self._fails(record):
            return ()
        place = {"cwd": str(self.job.workspace), "mcpServers": []}
        session = self.job.agent_session
        if session is None or dig(record, "result", "agentCapabilities", "loadSession") is not True:
            self._ask("session/new", **place)
        else:
            self._ask("session/load", sessionId=session, **place)
        return ()

    def take_session(self, record: Record) -> Iterable[Talk]:
        session = dig_text(record, "result", "sessionId")
        if self._fails(record):
            return ()
        if not session:
            self._ending = Final(reason=Reason.UNKNOWN, message="it opened no session")
            return ()
        return self._open(session, record)

    def take_loaded(self, record: Record) -> Iterable[Talk]:
        if self._fails(record, default=Reason.SESSION_LOST):
            return ()
        return self._open(self.job.agent_session or "", record)

    def _open(self, session: str, record: Record) -> Iterator[Talk]:
        self.session_id = session
        yield Opened(session_id=session, model=self.model or find_model(record) or None)
        self._set_up(record)

    def _set_up(self, opened: Record) -> None:
        """Ask for the model where one is set and can be, else for the work."""
        setting = next(find_model_settings(opened), None)
        if not self.model:
            self._prompt()
        elif setting is None:
            self._ask_in_session("session/set_model", modelId=self.model)
        else:
            self._ask_in_session(
                "session/set_config_option", configId=dig_text(setting, "id"), value=self.model
            )

    def take_model(self, record: Record) -> Iterable[Talk]:
        if not self._fails(record, default=Reason.INVALID_REQUEST):
            self._prompt()
        return ()

    def take_end(self, record: Record) -> Iterator[Talk]:
        yield from self._say()
        if self._fails(record):
            return
        yield from self._tell_usage(read_usage(record, self._count))
        ending = dig_text(record, "result", "stopReason")
        reason = ENDINGS.get(ending, Reason.UNKNOWN)
        if reason is not None:
            self._ending = Final(reason=reason, message=f"stopReason: {ending}")
        elif self._rejected:
            self._ending = Final(reason=Reason.PERMISSION, message=f"not allowed: {self._rejected}")
        elif not self._said and not self._calls.any_begun:
            self._ending = Final(reason=Reason.REFUSAL)  # some have no word for it
        else:
            self._ending = Final(text=self._said)

    def _fails(self, record: Record, *, default: Reason = Reason.UNKNOWN) -> bool:
        """Tell whether an answer is an error, which then is the end."""
        error = dig(record, "error")
        if error is None:
            return False
        message, details = dig_text(error, "message"), dig(error, "data")
        words = message if details is None else f"{message}: {write_details(details)}"
        reason = find_cause(words)
        if reason is Reason.UNKNOWN:
            reason = Reason.AUTH if dig(error, "code") == AUTH_REQUIRED else default
        self._ending = Final(reason=reason, message=words)
        return True

    # What it tells.

    def take_words(self, record: Record) -> Iterator[Talk]:
        update = dig(record, "params", "update")
        if not self._prompted:
            return
        yield from self._tell_usage(read_step(update, self._count))
        message = dig_text(update, "messageId")
        if message != self._message:
            yield from self._say()
        self._message = message
        self._pieces.append(dig_text(update, "content", "text"))

    def take_memory(self, record: Record) -> Iterable[Talk]:
        """Note that it knows what it was told before."""
        del record
        self._remembers = self._remembers or not self._prompted
        return ()

    def take_thought(self, record: Record) -> Iterator[Talk]:
        del record  # its own affair
        yield from self._say()

    def take_plan(self, record: Record) -> Iterator[Talk]:
        yield from self._say()
        yield from self._follow_plan(dig(record, "params", "update", "entries"))

    def take_count(self, record: Record) -> Iterable[Talk]:
        count = read_count(dig(record, "params", "update"), self._count)
        if self._prompted:
            return self._tell_usage(count)
        self._before = self._count = count
        return ()

    def take_tool(self, record: Record) -> Iterator[Talk]:
        if not self._prompted:
            return
        yield from self._say()
        call = self._calls.learn(dig(record, "params", "update"))
        for talk in self._calls.follow(call):
            if isinstance(talk, ToolBegan):
                self._rejected = ""  # it goes on without
            yield talk
        yield from self._follow_plan(dig(call, "rawInput", "todos"))

    def take_permission(self, record: Record) -> Iterator[Talk]:
        yield from self._say()
        self._rejected = ""
        call = self._calls.learn(dig(record, "params", "toolCall"))
        yield from self._calls.begin(call)
        request, options = read_id(record), list(dig_records(record, "params", "options"))
        allowed, rejected = choose(options, ALLOW), choose(options, REJECT)
        if allowed is None or self.fence.forbids(call):
            self._reject(request, call, rejected)
            yield Denied(find_title(call))
            return
        outside = self.fence.find_outside(call)
        if outside is None:
            self._select(request, allowed)
            return
        yield from self._want(_Question(request, call, outside, allowed, rejected))

    def _want(self, question: _Question) -> Iterator[Talk]:
        """Ask a person for leave, but not for the same twice."""
        if question.subject in self._granted:
            self._select(question.id, question.allowed)
            return
        request, fields = json.dumps(question.id), {"tool": find_title(question.call), "path": question.path}
        self._questions[request] = question
        text = messages.text(self.job.lang, "acp_asks_leave", fields)
        named = describe_options(dig_text(option, "name") for option in (question.allowed, question.rejected))
        yield Wants(request_id=request, text=text, options=(YES, NO), descriptions=named, permission=True)

    def take_withdrawal(self, record: Record) -> Iterator[Talk]:
        """Forget a request for leave that it no longer waits for; it is answered all the same."""
        request = dig(record, "params", "requestId")
        for name in [name for name, question in self._questions.items() if question.id == request]:
            self._select(self._questions.pop(name).id, None)
            yield Withdrawn(request_id=name)

    def take_request(self, record: Record) -> Iterable[Talk]:
        error = {"code": METHOD_UNKNOWN, "message": "method not found"}
        self._outgoing.append({"id": read_id(record), "error": error})
        return ()

    table: ClassVar[Mapping[str, Take]] = {
        "answer initialize": take_start,
        "answer session/new": take_session,
        "answer session/load": take_loaded,
        "answer session/set_model": take_model,
        "answer session/set_config_option": take_model,
        "answer session/prompt": take_end,
        "news user_message_chunk": take_memory,
        "news agent_message_chunk": take_words,
        "news agent_thought_chunk": take_thought,
        "news plan": take_plan,
        "news tool_call": take_tool,
        "news tool_call_update": take_tool,
        "news usage_update": take_count,
        "session/request_permission": take_permission,
        WITHDRAWAL: take_withdrawal,
        "request": take_request,
    }

    def conclude(self, end: Exit, errors: str) -> Final | None:
        del end, errors
        return self._ending

    def _follow_plan(self, entries: object) -> Iterator[Talk]:
        items = list(dig_records(entries))
        done, total = count_done(items)
        at = (dig_text(item, "content") for item in items if dig_text(item, "status") == "in_progress")
        plan = Planned(done=done, total=total, current=next(at, None))
        if items and plan != self._plan:
            self._plan = plan
            yield plan

    def _tell_usage(self, count: Usage) -> Iterator[Talk]:
        if count != self._count:
            self._count = count
            yield Used(subtract(count, self._before))

    def _say(self) -> Iterator[Talk]:
        words = "".join(self._pieces)
        self._pieces.clear()
        if words.strip():
            self._said, self._rejected = words, ""
            yield Said(words)


def write_details(details: object) -> str:
    if isinstance(details, str):
        return details
    try:
        return json.dumps(details)
    except RecursionError:  # what is nested a thousand times can be read, but not written
        return ""


def find_model_settings(record: Record) -> Iterator[Record]:
    settings = dig_records(record, "result", "configOptions")
    return (setting for setting in settings if dig(setting, "category") == "model")


def find_model(record: Record) -> str:
    """Return the model of a session that was opened, where it is told."""
    told = (dig_text(setting, "currentValue") for setting in find_model_settings(record))
    return next(told, "") or dig_text(record, "result", "models", "currentModelId")
