"""People are told of escalations, each way by itself, and a way that fails or hangs holds up nothing."""

import json
import logging
import sys
import venv
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field, frozen
from realprocesses import PROC, list_pids, read_words
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.agents.base import Command, Exit
from aad.config import EscalationSettings
from aad.escalationlog import EscalationLog
from aad.events import EscalationKind, EscalationLevel, Failure, Question, Reason
from aad.keepers import KeeperLostError
from aad.notifiers import make_notifiers
from aad.notifiers.apprise import PROGRAM, AppriseNotifier
from aad.notifiers.base import Notifier, NotifierMissingError, NotifyError
from aad.notifiers.command import CommandNotifier
from aad.notifiers.desktop import DesktopNotifier
from aad.notifiers.message import Message, make_message
from aad.notifiers.notifications import LAST_WORDS, NOTIFY_LIMIT, Notifications
from aad.process import KeptChildren
from aad.testing import ScriptedChildren

FAILED = EscalationLog(
    id="A-error",
    run_id="run",
    session_id="run/A",
    spec_id="A",
    attempt=1,
    level=EscalationLevel.ERROR,
    reason="exit code 3",
    timestamp=datetime(2026, 11, 22, 21, 36, 12, tzinfo=UTC),
    failure=Failure(reason=Reason.EXIT_CODE, exit_code=3),
)
ASKED = evolve(
    FAILED, kind=EscalationKind.QUESTION, failure=None, reason="Which?", question=Question(text="Which?")
)
WARNED = evolve(FAILED, level=EscalationLevel.WARNING, failure=None)
LOST = evolve(FAILED, level=EscalationLevel.CRITICAL)
PATH = Path("A-error.json")
ENV = {"PATH": "/usr/bin:/bin"}
TOKEN = "correct-horse-battery"  # noqa: S105 - what a test looks for


@define(eq=False)
class Crier:
    """A notifier that takes some seconds for each escalation, or fails instead, on Trio's clock alone."""

    name: str = "the crier"
    work: float = 0.0
    error: NotifyError | None = None
    told: list[tuple[str, float]] = field(factory=list)

    async def tell(self, log: EscalationLog, path: Path) -> None:
        await trio.sleep(self.work)
        if self.error is not None:
            raise self.error
        self.told.append((log.id, trio.current_time()))


def numbered(number: int) -> EscalationLog:
    return evolve(FAILED, id=str(number))


@asynccontextmanager
async def serving(*notifiers: Notifier, lang: str = "en") -> AsyncIterator[Notifications]:
    notifications = Notifications(notifiers, lang)
    async with trio.open_nursery() as nursery:
        await nursery.start(notifications.serve)
        yield notifications
        await notifications.finish()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert {(name, level) for name, level, _ in caplog.record_tuples} <= {("aad", logging.WARNING)}
    return caplog.messages


async def find_why(notifier: Notifier) -> str:
    with pytest.raises(NotifyError) as caught:
        await notifier.tell(FAILED, PATH)
    return str(caught.value)


# Queues.


async def test_each_notifier_tells_one_after_another_and_waits_for_no_other(
    autojump_clock: MockClock,
) -> None:
    slow, quick = Crier(work=2.0), Crier(work=0.5)

    async with serving(slow, quick) as notifications:
        for number in (1, 2):
            notifications.send(numbered(number), PATH)

    assert slow.told == [("1", 2.0), ("2", 4.0)]
    assert quick.told == [("1", 0.5), ("2", 1.0)]


async def test_the_first_failure_is_told_at_once_and_the_later_ones_are_counted_at_the_end(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Crier(error=NotifyError("no luck"))) as notifications:
        for number in range(1, 5):
            notifications.send(numbered(number), PATH)
        await wait_all_tasks_blocked()
        at_once = [*warnings(caplog)]

    assert at_once == ["the crier for 1 failed: no luck"]
    assert warnings(caplog) == [*at_once, "the crier failed 3 more times"]


async def test_each_notifier_that_fails_is_told_of(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Crier("ベル", error=NotifyError("故障")), Crier("旗", error=NotifyError("強風"))

    async with serving(first, second, Crier(), lang="ja") as notifications:
        notifications.send(FAILED, PATH)

    assert sorted(warnings(caplog)) == [
        "A-error のベルに失敗しました: 故障",
        "A-error の旗に失敗しました: 強風",
    ]


async def test_a_notifier_that_this_machine_lacks_is_told_of_once_and_counts_as_no_failure(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Crier(error=NotifierMissingError("no bell"))) as notifications:
        for number in range(3):
            notifications.send(numbered(number), PATH)

    assert warnings(caplog) == ["the crier is not possible here: no bell"]


async def test_one_that_hangs_is_cut_off_at_each_escalation(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    other = Crier()

    async with serving(Crier("the deaf one", work=600), other) as notifications:
        notifications.send(numbered(1), PATH)
        notifications.send(numbered(2), PATH)
        await trio.sleep(2 * NOTIFY_LIMIT)

    assert trio.current_time() == 20.0
    assert other.told == [("1", 0.0), ("2", 0.0)]
    assert warnings(caplog) == ["the deaf one for 1 took over 10 s", "the deaf one failed 1 more time"]


async def test_after_the_end_what_is_queued_is_told_for_a_while_and_then_cut_off(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    crier = Crier(work=2.0)

    async with serving(crier) as notifications:
        for number in range(1, 5):
            notifications.send(numbered(number), PATH)

    assert trio.current_time() == LAST_WORDS
    assert crier.told == [("1", 2.0), ("2", 4.0)]
    assert warnings(caplog) == ["the crier was cut off at the end: 2 escalations were not told"]


async def test_nothing_to_tell_ends_at_once(autojump_clock: MockClock) -> None:
    async with serving(Crier()):
        pass
    async with serving():
        pass
    await Notifications([Crier()]).finish()

    assert trio.current_time() == 0.0


async def test_what_is_sent_while_nobody_serves_is_dropped(autojump_clock: MockClock) -> None:
    crier = Crier()
    async with serving(crier) as notifications:
        pass

    notifications.send(FAILED, PATH)

    assert crier.told == []


async def test_a_caller_who_is_cancelled_ends_it_at_once_and_in_silence(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    crier = Crier(work=600)
    notifications = Notifications([crier])

    async with trio.open_nursery() as nursery:
        await nursery.start(notifications.serve)
        notifications.send(FAILED, PATH)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    await notifications.finish()

    assert (trio.current_time(), crier.told, warnings(caplog)) == (0.0, [], [])


# Words.


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("kind", EscalationKind)
def test_every_kind_has_a_title_that_names_the_spec(lang: str, kind: EscalationKind) -> None:
    message = make_message(evolve(FAILED, spec_id="SPEC-003", kind=kind), lang)

    assert message is not None
    assert message.title.startswith("aad: SPEC-003 ")


@pytest.mark.parametrize(
    ("log", "lang", "message"),
    [
        (FAILED, "en", Message("aad: A failed", "exit code 3", critical=False)),
        (LOST, "en", Message("aad: A failed", "exit code 3", critical=True)),
        (ASKED, "en", Message("aad: A asks", "Which?", critical=False)),
        (ASKED, "ja", Message("aad: A から質問があります", "Which?", critical=False)),
        (WARNED, "en", None),
    ],
)
def test_errors_and_what_is_critical_have_words(
    log: EscalationLog, lang: str, message: Message | None
) -> None:
    assert make_message(log, lang) == message


def test_the_words_are_one_safe_line_of_bounded_length() -> None:
    message = make_message(evolve(FAILED, reason="\x1b[31mred\0\x07\ngreen\u202e " + 600 * "x"), "en")

    assert message == Message("aad: A failed", "red green " + 490 * "x", critical=False)


# The command.


MakeCommand = Callable[..., CommandNotifier]


@pytest.fixture
def command(tmp_path: Path, real_children: KeptChildren) -> MakeCommand:
    def make(*argv: str) -> CommandNotifier:
        env = {**ENV, "AAD_ESCALATION": "outer"}
        return CommandNotifier(argv=argv, env=env, cwd=str(tmp_path), run_child=real_children)

    return make


async def test_the_command_gets_the_escalation_on_stdin_and_its_path(
    tmp_path: Path, command: MakeCommand
) -> None:
    log = evolve(WARNED, reason="終了 3")
    notifier = command("sh", "-c", 'cat > got; echo "$AAD_ESCALATION" > path')

    await notifier.tell(log, tmp_path / "A-error.json")

    assert json.loads((tmp_path / "got").read_bytes()) == log.to_json()
    assert (tmp_path / "path").read_text() == f"{tmp_path}/A-error.json\n"


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (("sh", "-c", "exit 3"), "exit code 3"),
        (("sh", "-c", "kill -9 $$"), "killed by SIGKILL"),
        (("/no/such",), "/no/such: No such file or directory"),
    ],
)
async def test_a_command_that_fails_says_why(argv: tuple[str, ...], why: str, command: MakeCommand) -> None:
    assert await find_why(command(*argv)) == why


async def test_a_child_whose_keeper_is_lost_is_a_failure() -> None:
    async def lose(command: Command, **_: object) -> Exit:
        raise KeeperLostError(f"lost {command.argv[0]}")

    notifier = CommandNotifier(argv=("ring",), env={}, cwd="/", run_child=lose)

    assert await find_why(notifier) == "lost ring"


async def test_what_a_command_says_is_shown_to_nobody(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], command: MakeCommand
) -> None:
    async with serving(command("echo", "told")) as notifications:
        notifications.send(FAILED, PATH)

    assert (warnings(caplog), capfd.readouterr()) == ([], ("", ""))


async def test_a_command_that_hangs_is_ended(
    mock_clock: MockClock, caplog: pytest.LogCaptureFixture, command: MakeCommand
) -> None:
    notifier = command(sys.executable, "-c", "import time; time.sleep(600)")

    async with serving(notifier) as notifications:
        notifications.send(FAILED, PATH)
        await wait_all_tasks_blocked()
        mock_clock.jump(NOTIFY_LIMIT)
        # Its end is awaited on the clock that tests turn.
        mock_clock.rate = 1.0

    assert warnings(caplog) == ["the notification command for A-error took over 10 s"]


# The desktop.


DISPLAY = {"WAYLAND_DISPLAY": "wayland-1", "XDG_RUNTIME_DIR": "/run/user/1000"}
FAKE = """#!/bin/sh
printf '%s\\n' "$@" > "{folder}/told"
env > "{folder}/env"
"""


@define
class Desktop:
    """A folder on PATH with the programs that a desktop has, which note what they are told."""

    folder: Path
    run_child: KeptChildren

    def install(self, program: str, text: str = FAKE) -> None:
        path = self.folder / program
        path.write_text(text.format(folder=self.folder))
        path.chmod(0o755)

    def open(self, environ: Mapping[str, str]) -> DesktopNotifier:
        environ = {"PATH": str(self.folder), "HOME": "/home/me", **environ}
        return DesktopNotifier(environ=environ, env=ENV, run_child=self.run_child)

    @property
    def told(self) -> list[str]:
        path = self.folder / "told"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def env(self) -> dict[str, str]:
        lines = (self.folder / "env").read_text().splitlines()
        given = dict(line.split("=", 1) for line in lines)
        return {name: given[name] for name in given if name not in {"PWD", "SHLVL", "_", "OLDPWD"}}


@pytest.fixture
def desktop(tmp_path: Path, real_children: KeptChildren) -> Desktop:
    return Desktop(tmp_path, real_children)


@pytest.mark.parametrize(("log", "urgency"), [(FAILED, "normal"), (LOST, "critical")])
async def test_notify_send_shows_title_and_reason(desktop: Desktop, log: EscalationLog, urgency: str) -> None:
    desktop.install("notify-send")
    desktop.install("osascript")

    await desktop.open(DISPLAY).tell(evolve(log, reason="--help"), PATH)

    assert desktop.told == ["--app-name=aad", f"--urgency={urgency}", "--", "aad: A failed", "--help"]
    assert desktop.env == {**ENV, **DISPLAY}


async def test_nothing_in_a_reason_is_an_escape_or_markup_to_notify_send(desktop: Desktop) -> None:
    desktop.install("notify-send")

    await desktop.open(DISPLAY).tell(evolve(FAILED, reason=r'<b>C:\new</b> & "x"'), PATH)

    assert desktop.told[-1] == r'&lt;b&gt;C:\\new&lt;/b&gt; &amp; "x"'


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"])
async def test_one_way_to_a_desktop_is_enough_and_is_passed_on(desktop: Desktop, name: str) -> None:
    desktop.install("notify-send")

    await desktop.open({name: ":0"}).tell(FAILED, PATH)

    assert desktop.env == {**ENV, name: ":0"}


async def test_osascript_gets_the_texts_beside_its_script(desktop: Desktop) -> None:
    desktop.install("notify-send")  # which finds no desktop
    desktop.install("osascript")

    await desktop.open({"DISPLAY": ""}).tell(evolve(FAILED, reason='" & quit & "'), PATH)

    assert desktop.told == [
        "-e",
        "on run argv",
        "-e",
        "display notification (item 2 of argv) with title (item 1 of argv)",
        "-e",
        "end run",
        "--",
        "aad: A failed",
        '" & quit & "',
    ]


async def test_a_warning_appears_on_no_desktop(desktop: Desktop) -> None:
    desktop.install("notify-send")

    await desktop.open(DISPLAY).tell(WARNED, PATH)

    assert desktop.told == []


async def test_a_notify_send_that_fails_is_a_failure(desktop: Desktop) -> None:
    desktop.install("notify-send", "#!/bin/sh\nexit 1\n")

    assert await find_why(desktop.open(DISPLAY)) == "exit code 1"


@pytest.mark.parametrize("environ", [DISPLAY, {}, {"PATH": "", **DISPLAY}])
async def test_a_machine_without_a_desktop_is_told_of_once(
    desktop: Desktop, environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(desktop.open(environ)) as notifications:
        notifications.send(FAILED, PATH)
        notifications.send(LOST, PATH)

    assert warnings(caplog) == [
        (
            "the desktop notification is not possible here: there is neither osascript nor notify-send "
            'with a desktop to reach (take "desktop" out of `notify` in [escalation])'
        )
    ]


# Apprise.


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


# Settings.


def make(settings: EscalationSettings, lang: str = "en") -> Sequence[Notifier]:
    return make_notifiers(
        settings, environ={}, env=ENV, cwd="/project", run_child=ScriptedChildren(), lang=lang
    )


def test_nobody_is_told_unless_it_is_wanted() -> None:
    assert make(EscalationSettings()) == []


@pytest.mark.parametrize(
    ("lang", "names"),
    [
        (
            "en",
            [
                "the notification command",
                "the desktop notification",
                "the apprise notification (entry 1)",
                "the apprise notification (entry 2)",
            ],
        ),
        (
            "ja",
            ["通知コマンド", "デスクトップ通知", "apprise 通知（1番目）", "apprise 通知（2番目）"],
        ),
    ],
)
def test_the_settings_say_who_tells(lang: str, names: list[str]) -> None:
    settings = EscalationSettings(
        notify=("log", "desktop"), command=("ring",), apprise=("json://a/", "$HOOK")
    )

    assert [notifier.name for notifier in make(settings, lang)] == names
