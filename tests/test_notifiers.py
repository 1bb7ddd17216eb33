"""The ways in which people are told: a command, the desktop, and what the settings say of them."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from attrs import define, evolve
from toldpeople import ENV, FAILED, LOST, PATH, WARNED, find_why, serving, warnings
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.agents.base import Command, Exit
from aad.config import EscalationSettings
from aad.escalationlog import EscalationLog
from aad.keepers import KeeperLostError
from aad.notifiers import make_notifiers
from aad.notifiers.base import Notifier
from aad.notifiers.command import CommandNotifier
from aad.notifiers.desktop import DesktopNotifier
from aad.notifiers.notifications import NOTIFY_LIMIT
from aad.process import KeptChildren
from aad.testing import ScriptedChildren

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
