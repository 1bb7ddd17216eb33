"""Talks with `codex app-server`: JSON-RPC without its version, in which each side asks and answers.

We ask three things: that it begins, for a thread, and for one turn of it. The end of that turn ends the talk.
Meanwhile it tells what it does, and asks. What other threads do, those of agents of its own, counts as tools.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from attrs import define, evolve, field, frozen

from aad.agents.base import Exit, Job
from aad.agents.codex_faults import USED_UP, find_fault
from aad.agents.codex_stream import LOST, RETRY, TOOLS, CodexReader
from aad.agents.offers import read_options
from aad.agents.prompt import compose_prompt
from aad.agents.reader import Final, Take, count_done
from aad.agents.records import Record, dig, dig_count, dig_number, dig_records, dig_text, read_id
from aad.agents.replies import SCHEMA
from aad.agents.talk import (
    Denied,
    Opened,
    Planned,
    Retrying,
    Talk,
    ToolBegan,
    ToolEnded,
    Used,
    Wants,
    Withdrawn,
)
from aad.events import Reason, Usage
from aad.version import __version__

# The numbers of our requests.
INITIALIZE, THREAD, TURN = 1, 2, 3
CLIENT = {"name": "aad", "title": "aad", "version": __version__}
METHOD_UNKNOWN = {"code": -32601, "message": "method not found"}

QUESTION = "item/tool/requestUserInput"
COMMAND = "item/commandExecution/requestApproval"
CHANGE = "item/fileChange/requestApproval"
REQUESTS = frozenset({QUESTION, COMMAND, CHANGE})
ACCEPT, DECLINE = "accept", "decline"

# Items that are tool calls, by the names that `codex exec` has for them.
KINDS = {
    "commandExecution": "command_execution",
    "fileChange": "file_change",
    "mcpToolCall": "mcp_tool_call",
    "collabAgentToolCall": "collab_tool_call",
    "webSearch": "web_search",
}


@define(eq=False)
class _Form:
    """Questions that were asked at once, and are answered at once: those that are open, and the answers."""

    id: Any
    open: set[str]
    answers: dict[str, Record] = field(factory=dict)


@frozen
class _Blank:
    """One question of a form."""

    form: _Form
    name: str

    @property
    def id(self) -> object:
        return self.form.id


@frozen
class _Leave:
    """A request for leave, in some turn of some thread."""

    id: Any
    place: Record


@define(eq=False, kw_only=True)
class CodexServerReader(CodexReader):
    """Talks with Codex in one attempt; `thread` is what it is told of where and how it is to work."""

    job: Job
    thread: Record

    _prompt: str = field(default="", init=False)
    _outgoing: list[Record] = field(factory=list, init=False)
    _wanted: dict[str, _Blank | _Leave] = field(factory=dict, init=False)
    # What the open tool calls are about, by their ids.
    _matters: dict[str, str] = field(factory=dict, init=False)
    # The tool calls for which a person was asked for leave.
    _asked: set[str] = field(factory=set, init=False)
    # The newest error, which may or may not have been the end.
    _fault: Final | None = field(default=None, init=False)
    _reset: float | None = field(default=None, init=False)

    # What we say.

    @property
    def is_done(self) -> bool:
        return self.end is not None

    def begin(self) -> bytes:
        """Return the first words; raises OSError where the spec cannot be read."""
        self._prompt = compose_prompt(self.job, replies=True, live=True).decode(errors="replace")
        # Without this it would not let us set what it calls experimental, as is asking.
        self._ask(INITIALIZE, "initialize", clientInfo=CLIENT, capabilities={"experimentalApi": True})
        self._outgoing.append({"method": "initialized"})
        session = self.job.agent_session
        if session is None:
            self._ask(THREAD, "thread/start", **self.thread)
        else:
            # Its turns would come back in one line, however many they are.
            self._ask(THREAD, "thread/resume", threadId=session, excludeTurns=True, **self.thread)
        return self.take_outgoing()

    def take_outgoing(self) -> bytes:
        said = b"".join(json.dumps(told).encode() + b"\n" for told in self._outgoing)
        self._outgoing.clear()
        return said

    def answer(self, request_id: str, text: str, option: str | None) -> None:
        """Take a person's answer; what is asked for is not allowed by any other word than the one for it."""
        words = text if option is None else option
        match self._wanted.pop(request_id, None):
            case _Blank(form, name):
                form.answers[name] = {"answers": [words]}
                self._hand_in(form, request_id)
            case _Leave() as leave:
                self._decide(leave, words)

    def _ask(self, number: int, method: str, **params: object) -> None:
        self._outgoing.append({"id": number, "method": method, "params": params})

    def _reply(self, request: object, **result: object) -> None:
        self._outgoing.append({"id": request, "result": result})

    def _hand_in(self, form: _Form, key: str) -> None:
        """Take note of a question that is dealt with; the last one of its form sends that off."""
        form.open.discard(key)
        if not form.open:
            self._reply(form.id, answers=form.answers)

    def _decide(self, leave: _Leave, words: str) -> None:
        self._reply(leave.id, decision=ACCEPT if words == ACCEPT else DECLINE)
        if words.strip() and words not in {ACCEPT, DECLINE}:
            # A decision has no room for words: they reach the turn from outside.
            turn = {"threadId": dig(leave.place, "threadId"), "expectedTurnId": dig(leave.place, "turnId")}
            self._ask(TURN + 1, "turn/steer", **turn, input=_write_input(words))

    # What it answers.

    def kind_of(self, record: Record) -> str:
        """Return what a line is: news or a request by its method, or an answer. Only requests have both."""
        method = dig_text(record, "method")
        if not method:
            return "answer"
        return "request" if "id" in record and method not in REQUESTS else method

    def take_answer(self, record: Record) -> Iterator[Talk]:
        number, error = dig(record, "id"), dig(record, "error")
        if number not in {INITIALIZE, THREAD, TURN}:
            return
        if isinstance(error, dict):
            message = dig_text(error, "message")
            is_lost = LOST.search(message) is not None
            self.end = (
                Final(reason=Reason.SESSION_LOST, message=message) if is_lost else self._explain(message)
            )
        elif number == THREAD:
            yield from self._open(record)

    def _open(self, record: Record) -> Iterator[Opened]:
        session = dig_text(record, "result", "thread", "id")
        if not session:
            self.end = Final(reason=Reason.UNKNOWN, message="it opened no thread")
            return
        yield Opened(session_id=session, model=dig_text(record, "result", "model") or None)
        self._ask(TURN, "turn/start", threadId=session, input=_write_input(self._prompt), outputSchema=SCHEMA)

    # What it asks.

    def take_question(self, record: Record) -> Iterator[Wants]:
        request, asked = read_id(record), dig_records(record, "params", "questions")
        questions = {f"{request}/{number}": question for number, question in enumerate(asked)}
        form = _Form(request, set(questions))
        if not questions:
            self._reply(form.id, answers={})
        for key, question in questions.items():
            self._wanted[key] = _Blank(form, dig_text(question, "id"))
            labels, described = read_options(question)
            text = dig_text(question, "question") or dig_text(question, "header")
            yield Wants(request_id=key, text=text, options=labels, descriptions=described)

    def take_leave(self, record: Record) -> Iterator[Wants]:
        request, place = read_id(record), record["params"]
        key = str(request)
        self._wanted[key] = _Leave(request, place)
        self._asked.add(dig_text(place, "itemId"))
        matter = (
            dig_text(place, "command")
            or dig_text(place, "networkApprovalContext", "host")
            or self._matters.get(dig_text(place, "itemId"))
            or dig_text(place, "grantRoot")
        )
        text = "\n".join(filter(None, (matter or record["method"], dig_text(place, "reason"))))
        yield Wants(request_id=key, text=text, options=(ACCEPT, DECLINE), permission=True)

    def take_request(self, record: Record) -> Iterable[Talk]:
        self._outgoing.append({"id": read_id(record), "error": METHOD_UNKNOWN})
        return ()

    def take_resolved(self, record: Record) -> Iterator[Withdrawn]:
        """Forget what it no longer waits for; it says the same of what it was answered."""
        number = record["params"]["requestId"]
        for key in [key for key, wanted in self._wanted.items() if wanted.id == number]:
            del self._wanted[key]
            yield Withdrawn(request_id=key)

    # What it tells.

    def take_begun(self, record: Record) -> Iterator[Talk]:
        yield from self._begin_call(record["params"]["item"])

    def take_ended(self, record: Record) -> Iterator[Talk]:
        item = record["params"]["item"]
        if dig_text(item, "type") == "agentMessage":
            if self._is_own(record):
                yield from self._hear(dig_text(item, "text"))
            return
        yield from self._begin_call(item)
        if kind := KINDS.get(dig_text(item, "type")):
            yield from self._end_call(item, kind)

    def take_plan(self, record: Record) -> Iterator[Talk]:
        if not self._is_own(record):
            return
        items = list(dig_records(record, "params", "plan"))
        done, total = count_done(items)
        left = [item for item in items if dig_text(item, "status") != "completed"]
        at = next((item for item in left if dig_text(item, "status") == "inProgress"), next(iter(left), None))
        yield Planned(done=done, total=total, current=None if at is None else dig_text(at, "step"))

    def take_usage(self, record: Record) -> Iterator[Talk]:
        total = dig(record, "params", "tokenUsage", "total")
        if isinstance(total, dict) and self._is_own(record):
            yield Used(
                Usage(
                    input=dig_count(total, "inputTokens"),
                    cached=dig_count(total, "cachedInputTokens"),
                    output=dig_count(total, "outputTokens"),
                )
            )

    def take_limits(self, record: Record) -> Iterable[Talk]:
        """Remember when the account may be used again, if it comes to its end."""
        told = (dig(record, "params", "rateLimits", name) for name in ("primary", "secondary"))
        windows = [window for window in told if dig_number(window, "resetsAt") is not None]
        full = [window for window in windows if (dig_number(window, "usedPercent") or 0) >= 100]
        if windows:
            self._reset = max(window["resetsAt"] for window in full or windows[:1])
        return ()

    def take_fault(self, record: Record) -> Iterator[Talk]:
        error = record["params"]["error"]
        if not self._is_own(record):
            return
        if dig(record, "params", "willRetry") is not True:
            self._fault = self._explain_fault(error)
            return
        found = RETRY.match(dig_text(error, "message"))
        attempt, of = (None, None) if found is None else (int(found[1]), int(found[2]))
        yield Retrying(reason=find_fault(error), attempt=attempt, of=of)

    def take_end(self, record: Record) -> Iterator[Talk]:
        if not self._is_own(record):
            return
        yield from self._close_tools()
        self.end = self._judge_turn(record["params"]["turn"])

    table: ClassVar[Mapping[str, Take]] = {
        "answer": take_answer,
        "request": take_request,
        QUESTION: take_question,
        COMMAND: take_leave,
        CHANGE: take_leave,
        "serverRequest/resolved": take_resolved,
        "item/started": take_begun,
        "item/completed": take_ended,
        "turn/plan/updated": take_plan,
        "thread/tokenUsage/updated": take_usage,
        "account/rateLimits/updated": take_limits,
        "error": take_fault,
        "turn/completed": take_end,
    }

    def conclude(self, end: Exit, errors: str) -> Final | None:
        return self.end or self._fault or super().conclude(end, errors)

    def _is_own(self, record: Record) -> bool:
        """Tell whether something is of our thread, and not of one that the agent began by itself."""
        return self.session_id == dig_text(record, "params", "threadId")

    def _begin_call(self, item: Record) -> Iterator[ToolBegan]:
        if kind := KINDS.get(dig_text(item, "type")):
            self._matters[dig_text(item, "id")] = TOOLS[kind](item)
            yield from self._begin(item, kind)

    def _end_call(self, item: Record, kind: str) -> Iterator[ToolEnded | Denied]:
        name = dig_text(item, "id")
        self._matters.pop(name, None)
        yield self._finish_tool(item)
        # Whoever forbade it need not be told so.
        if dig_text(item, "status") == "declined" and name not in self._asked:
            yield Denied(kind)

    def _judge_turn(self, turn: Record) -> Final:
        status, error = dig_text(turn, "status"), dig(turn, "error")
        if status == "completed":
            return self._conclude_turn()
        if isinstance(error, dict):
            return self._explain_fault(error)
        reason = Reason.INTERRUPTED if status == "interrupted" else Reason.UNKNOWN
        return self._fault or Final(reason=reason)

    def _explain_fault(self, error: Record) -> Final:
        told = evolve(self._explain(dig_text(error, "message")), reason=find_fault(error))
        if dig(error, "codexErrorInfo") != USED_UP:
            # The account's windows end some time in any case.
            return told
        return evolve(told, reset_at=self._reset or told.reset_at)


def _write_input(words: str) -> list[Record]:
    return [{"type": "text", "text": words}]
