"""A model server on the loopback interface whose answers are scripted: real agents work against it in tests.

Speaks HTTP/1.1 with keep-alive, and knows nothing of agents. `serve_model` runs it in a Trio program,
`model_server` in a process of its own for tests that are no Trio programs: it reads its script on stdin and
ends when stdin does. `modelscript` says what a script is.
"""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trio
from attrs import asdict, define, evolve, field, frozen
from modelapis import Answer, Api, Asked, Json, find_api
from modelscript import Place, Script, ScriptError, compose

# What an agent must show instead of a key of its user's.
DUMMY_KEY = "dummy-key"
STREAM, JSON = "text/event-stream", "application/json"

# How claude and qwen put it.
FOLDER = re.compile(r'working (?:in the )?directory: (/[^\s\\"]+)')

Scenarios = Mapping[str, Sequence[Json]]


@frozen(kw_only=True)
class Seen:
    """What the server has seen of one request, and the status that it gave. `texts` are the user's words."""

    path: str
    api: str | None = None
    dummy_key: bool = False
    scenario: str | None = None
    step: int | None = None
    status: int = 200
    tools: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


@frozen(kw_only=True)
class Request:
    """A request as it came. Names of headers are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def folder(self) -> str:
        """The folder that an agent says it works in."""
        found = FOLDER.search(self.body.decode())
        return found[1] if found else ""

    @property
    def key(self) -> str:
        """The key that it shows, wherever its API has it."""
        asked = parse_qs(urlsplit(self.target).query).get("key", [""])
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        return (
            bearer or self.headers.get("x-api-key", "") or self.headers.get("x-goog-api-key", "") or asked[0]
        )


@frozen(kw_only=True)
class Reply:
    """What goes back, after so many seconds."""

    status: int = 200
    kind: str = JSON
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(factory=dict)
    stall: float = 0.0

    def write(self) -> bytes:
        """Return it as it goes over the wire."""
        told = {"content-type": self.kind, "content-length": str(len(self.body)), **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        return f"HTTP/1.1 {self.status} Scripted\r\n{head}\r\n".encode() + self.body


def write_json(value: Json) -> bytes:
    return json.dumps(value).encode()


# What it answers.


@define
class ModelServer:
    """The server: `port`, once it listens, and the `requests` that it has seen."""

    script: Script
    tell: Callable[[Seen], None] = field(default=lambda _: None)
    port: int = 0
    requests: list[Seen] = field(factory=list)

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Answer the requests of one connection, one after the other."""
        try:
            async for request in read_requests(stream):
                reply = self._answer(request)
                await trio.sleep(reply.stall)
                await stream.send_all(reply.write())
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # who asked has gone, which is what an agent does that is ended

    def _answer(self, request: Request) -> Reply:
        api = find_api(request.path)
        dummy = request.key == DUMMY_KEY
        if api is None or request.method != "POST":
            return self._note(Seen(path=request.path, dummy_key=dummy, status=404), Reply(status=404))
        asked = evolve(api.read(json.loads(request.body)), folder=request.folder)
        texts = tuple(turn.text for turn in asked.turns if turn.who == "user")
        seen = Seen(path=request.path, api=api.name, dummy_key=dummy, tools=tuple(asked.tools), texts=texts)
        if not asked.tools:
            # A request beside the work, for a title or the like.
            return self._note(seen, Reply(kind=STREAM, body=api.stream(Answer("title", "A title"))))
        return self._play(api, asked, seen)

    def _play(self, api: Api, asked: Asked, seen: Seen) -> Reply:
        try:
            place = self.script.find_place(asked)
            reply = self._perform(api, asked, place)
        except ScriptError as error:
            return self._note(seen, Reply(status=400, body=write_json({"error": {"message": str(error)}})))
        return self._note(seen, reply, place)

    def _perform(self, api: Api, asked: Asked, place: Place) -> Reply:
        *stalls, last = self.script.play(place)
        wait = float(sum(step["stall"] for step in stalls))
        if "status" in last:
            return write_fault(api, last, wait)
        answer = compose(last, asked, place, planned=self.script.has_planned(place))
        return Reply(kind=STREAM, body=api.stream(answer), stall=wait)

    def _note(self, seen: Seen, reply: Reply, place: Place | None = None) -> Reply:
        """Keep what was seen before it is answered: who reads it then finds it there."""
        noted = evolve(seen, status=reply.status)
        if place is not None:
            noted = evolve(noted, scenario=place.scenario, step=place.step)
        self.requests.append(noted)
        self.tell(noted)
        return reply


def write_fault(api: Api, step: Json, stall: float) -> Reply:
    """Return the error that a step asks for."""
    status = step["status"]
    headers = {"retry-after": str(step["retry_after"])} if "retry_after" in step else {}
    body = write_json(step.get("body") or api.fault(status))
    return Reply(status=status, body=body, headers=headers, stall=stall)


# How it is asked.


async def read_requests(stream: trio.abc.ReceiveStream) -> AsyncIterator[Request]:
    """Yield the requests of a connection; one that is cut is none."""
    kept = bytearray()

    async def fill() -> bool:
        chunk = await stream.receive_some()
        kept.extend(chunk)
        return bool(chunk)

    while True:
        while (end := kept.find(b"\r\n\r\n")) < 0:
            if not await fill():
                return
        method, target, headers = read_head(kept[:end].decode("latin-1"))
        del kept[: end + 4]
        length = int(headers.get("content-length", "0"))
        while len(kept) < length:
            if not await fill():
                return
        yield Request(method=method, target=target, headers=headers, body=bytes(kept[:length]))
        del kept[:length]


def read_head(head: str) -> tuple[str, str, dict[str, str]]:
    """Return a request's method, its target and its headers."""
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    return method, target, {name.strip().lower(): value.strip() for name, _, value in pairs}


# How it runs.


@asynccontextmanager
async def serve_model(
    scenarios: Scenarios, *, tell: Callable[[Seen], None] = lambda _: None
) -> AsyncIterator[ModelServer]:
    """Run a server for as long as the block takes."""
    server = ModelServer(Script(scenarios), tell)
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1"))
        server.port = listener.socket.getsockname()[1]
        yield server
        nursery.cancel_scope.cancel()


@frozen
class FarServer:
    """A server that runs in a process of its own."""

    port: int
    seen: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Json]:
        """What it has seen so far, as members of `Seen`."""
        whole, _, _ = self.seen.read_bytes().rpartition(b"\n")
        return [json.loads(line) for line in whole.splitlines()]


@contextmanager
def model_server(scenarios: Scenarios, seen: Path) -> Iterator[FarServer]:
    """Run a server in a process of its own for as long as the block takes; `seen` is the file it tells."""
    seen.touch()
    argv = [sys.executable, __file__, str(seen)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as popen:
        assert popen.stdin is not None
        assert popen.stdout is not None
        popen.stdin.write(json.dumps(scenarios).encode() + b"\n")
        popen.stdin.flush()
        yield FarServer(int(popen.stdout.readline()), seen)


async def run_here(scenarios: Scenarios, seen: Path) -> None:
    """Serve until stdin ends, which it does with whoever has started this."""

    def tell(request: Seen) -> None:
        with seen.open("a") as file:
            file.write(json.dumps(asdict(request)) + "\n")

    async with serve_model(scenarios, tell=tell) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        while await trio.lowlevel.FdStream(0).receive_some():
            pass


def main(seen: str) -> None:
    """Run as `modelserver.py FILE`, with the scenarios as one line of JSON on stdin."""
    scenarios: Any = json.loads(sys.stdin.readline())
    trio.run(run_here, scenarios, Path(seen))


if __name__ == "__main__":
    main(sys.argv[1])
