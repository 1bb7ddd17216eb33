"""Apprise tells a service, and nobody else sees its address."""

import json
import venv
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field, frozen
from realprocesses import PROC, list_pids, read_words
from toldpeople import ENV, FAILED, LOST, PATH, WARNED, find_why, serving, warnings
from trio.testing import MockClock

from aad.escalationlog import EscalationLog
from aad.notifiers.apprise import PROGRAM, AppriseNotifier
from aad.notifiers.notifications import NOTIFY_LIMIT
from aad.process import KeptChildren

TOKEN = "correct-horse-battery"  # noqa: S105 - what a test looks for


@define
class Service:
    """A web service on loopback that takes what it is sent; one with `status` 0 never answers."""

    port: int
    status: int
    received: list[Mapping[str, str]] = field(factory=list)
    reached: trio.Event = field(factory=trio.Event)

    @property
    def address(self) -> str:
        return f"json://me:{TOKEN}@127.0.0.1:{self.port}/hook"

    async def answer(self, stream: trio.SocketStream) -> None:
        head, body = await read_request(stream)
        self.received.append(json.loads(body))
        self.reached.set()
        if not self.status:
            await trio.sleep_forever()
        assert head.startswith(b"POST /hook")
        reply = f"HTTP/1.1 {self.status} Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        await stream.send_all(reply.encode())


async def read_request(stream: trio.SocketStream) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive_some()
    head, _, body = data.partition(b"\r\n\r\n")
    (length,) = [
        int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    ]
    while len(body) < length:
        body += await stream.receive_some()
    return head, body


@asynccontextmanager
async def open_service(status: int = 200) -> AsyncIterator[Service]:
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        service = Service(listener.socket.getsockname()[1], status)
        nursery.start_soon(trio.serve_listeners, service.answer, [listener])
        yield service
        nursery.cancel_scope.cancel()


MakeApprise = Callable[..., AppriseNotifier]


@pytest.fixture
def apprise(real_children: KeptChildren) -> MakeApprise:
    def make(address: str, **changes: Any) -> AppriseNotifier:  # noqa: ANN401 - its own types
        notifier = AppriseNotifier(address=address, number=2, environ={}, env=ENV, run_child=real_children)
        return evolve(notifier, **changes)

    return make


@pytest.mark.parametrize(("log", "kind"), [(FAILED, "warning"), (LOST, "failure")])
async def test_apprise_tells_the_service_title_and_reason(
    apprise: MakeApprise, log: EscalationLog, kind: str
) -> None:
    async with open_service() as service:
        await apprise(service.address).tell(evolve(log, reason="終了 <3> & more"), PATH)

    told = [(sent["title"], sent["message"], sent["type"]) for sent in service.received]
    assert told == [("aad: A failed", "終了 <3> & more", kind)]


async def test_an_address_may_stand_in_a_variable(apprise: MakeApprise) -> None:
    async with open_service() as service:
        await apprise("$HOOK", environ={"HOOK": service.address}).tell(FAILED, PATH)

    assert len(service.received) == 1


@pytest.mark.parametrize("environ", [{}, {"HOOK": ""}])
async def test_a_variable_that_is_not_set_is_named(apprise: MakeApprise, environ: dict[str, str]) -> None:
    assert await find_why(apprise("$HOOK", environ=environ)) == "the variable HOOK is not set"


async def test_a_warning_goes_to_no_service(apprise: MakeApprise) -> None:
    await apprise("$UNSET").tell(WARNED, PATH)


async def test_a_service_that_refuses_is_told_with_its_status(apprise: MakeApprise) -> None:
    async with open_service(403) as service:
        why = await find_why(apprise(service.address))

    assert why == "the service refused it with HTTP status 403"


async def test_a_service_that_nobody_runs_is_a_failure(apprise: MakeApprise) -> None:
    async with open_service() as service:
        pass

    why = await find_why(apprise(service.address))

    assert why == "the service could not be reached, or did not take it"


@pytest.mark.parametrize("address", [f"nosuch://{TOKEN}", f"{TOKEN}", f"json://ok/, slack://{TOKEN}", "\0"])
async def test_a_bad_address_is_a_failure_that_does_not_repeat_it(apprise: MakeApprise, address: str) -> None:
    assert await find_why(apprise(address)) == "apprise cannot read the address"


async def test_a_child_that_crashes_is_a_failure(apprise: MakeApprise, tmp_path: Path) -> None:
    crashing = tmp_path / "python"
    crashing.write_text("#!/bin/sh\ncat; kill -9 $$\n")
    crashing.chmod(0o755)

    assert await find_why(apprise(f"json://{TOKEN}/", python=str(crashing))) == "killed by SIGKILL"


async def test_without_the_library_people_are_told_how_to_get_it(
    apprise: MakeApprise, tmp_path: Path
) -> None:
    venv.create(tmp_path / "bare", symlinks=True)

    why = await find_why(apprise("json://localhost/", python=str(tmp_path / "bare/bin/python")))

    assert why == "the library apprise is not installed (pip install 'aad-orchestrator[apprise]')"


async def test_nothing_but_the_installed_library_is_loaded(apprise: MakeApprise, tmp_path: Path) -> None:
    (tmp_path / "apprise.py").write_text("raise SystemExit(1)\n")
    (tmp_path / "json.py").write_text("raise SystemExit(1)\n")

    async with open_service() as service:
        await apprise(service.address, env={**ENV, "PYTHONPATH": str(tmp_path)}).tell(FAILED, PATH)

    assert len(service.received) == 1


@frozen
class Postman:
    """The running program, as everybody on the machine may see it."""

    pid: int

    @property
    def seen(self) -> bytes:
        return b"".join((PROC / str(self.pid) / name).read_bytes() for name in ("cmdline", "environ"))


def find_postmen() -> Iterator[Postman]:
    return (Postman(pid) for pid in list_pids() if str(PROGRAM).encode() in read_words(pid))


async def test_a_service_that_hangs_is_cut_off_and_nobody_sees_its_address(
    apprise: MakeApprise, mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_service(status=0) as service, serving(apprise(service.address)) as notifications:
        notifications.send(FAILED, PATH)
        await service.reached.wait()
        seen = [postman.seen for postman in find_postmen()]
        mock_clock.jump(NOTIFY_LIMIT)
        mock_clock.rate = 1.0

    assert [TOKEN.encode() in words for words in seen] == [False]
    assert list(find_postmen()) == []
    assert warnings(caplog) == ["the apprise notification (entry 2) for A-error took over 10 s"]


def test_no_notifier_shows_an_address(apprise: MakeApprise) -> None:
    notifier = apprise(f"json://{TOKEN}/", environ={"HOOK": TOKEN})

    assert TOKEN not in repr(notifier) + notifier.name
