"""The fakes that embedders test with; see test_process.py for the contract they share with real children."""

import signal

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from aad.agents.base import Command, Exit
from aad.childhandle import ChildHandle
from aad.events import RunFinished, SessionStarted
from aad.process import SpawnError
from aad.testing import Recorder, Script, ScriptedChild, ScriptedChildren


@define
class Heard:
    """What a child run tells."""

    output: list[tuple[bytes, float]] = field(factory=list)
    children: list[ChildHandle] = field(factory=list)

    def write(self, chunk: bytes) -> None:
        if chunk:
            self.output.append((chunk, trio.current_time()))


def command(word: str) -> Command:
    return Command(argv=("sh", "-c", word), env={}, cwd="/")


async def start(children: ScriptedChildren, word: str, heard: Heard | None = None) -> Exit:
    heard = heard or Heard()
    return await children(command(word), write=heard.write, grace=1.0, started=heard.children.append)


# The recorder.


def test_a_recorder_keeps_events_and_tells_them_in_short() -> None:
    recorder = Recorder()
    begun = SessionStarted(spec="A")
    over = RunFinished(status="completed", exit_code=0, duration_s=1.0)

    recorder(begun)
    recorder.show(over)

    assert recorder.events == [begun, over]
    assert recorder.story == ["session_started A", "run_finished"]


def test_a_recorder_is_a_display_that_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    display = Recorder()

    display.show(SessionStarted(spec="A"))
    display.flush()
    display.tick(1.0)
    display.close()

    assert capsys.readouterr() == ("", "")


# Scripted children.


async def test_a_child_without_script_ends_well_at_once(autojump_clock: MockClock) -> None:
    children = ScriptedChildren()

    assert (await start(children, "a"), trio.current_time()) == (Exit(0), 0.0)
    assert children.commands == [command("a")]


async def test_a_script_is_played_in_its_time(autojump_clock: MockClock) -> None:
    heard = Heard()
    children = ScriptedChildren({"a": Script(output=b"1", work=5, last_output=b"2", end=Exit(3))})

    assert await start(children, "a", heard) == Exit(3)
    assert heard.output == [(b"1", 0.0), (b"2", 5.0)]
    assert [child.exit for child in heard.children] == [Exit(3)]


async def test_a_child_answers_what_it_is_told_when_its_work_is_done(autojump_clock: MockClock) -> None:
    heard, (say, stdin) = Heard(), trio.open_memory_channel[bytes](1)
    script = Script(output=b"1", work=5, replies=lambda words: words.upper(), last_output=b"2")

    with stdin:
        say.send_nowait(b"a")
        say.close()
        end = await ScriptedChildren({"a": script})(
            command("a"), write=heard.write, grace=1.0, started=heard.children.append, stdin=stdin
        )

    assert (end, heard.output) == (Exit(0), [(b"1", 0.0), (b"A", 5.0), (b"2", 5.0)])


async def test_each_start_plays_the_next_script_and_the_last_one_stays(autojump_clock: MockClock) -> None:
    children = ScriptedChildren({"a": [Script(end=Exit(code)) for code in (1, 2)], "b": Script(end=Exit(9))})

    ends = [await start(children, word) for word in ("a", "b", "a", "a")]

    assert ends == [Exit(1), Exit(9), Exit(2), Exit(2)]


async def test_a_refused_start_is_one_that_was_asked_for(autojump_clock: MockClock) -> None:
    children, heard = ScriptedChildren({"a": Script(refused=SpawnError("a: no", scarce=True))}), Heard()

    with pytest.raises(SpawnError, match="a: no"):
        await start(children, "a", heard)

    assert (len(children.commands), heard.children) == (1, [])


@pytest.mark.parametrize(
    ("script", "end"),
    [
        (Script(work=9, farewell=b"bye"), Exit(None, signal.SIGTERM)),
        (Script(work=9, farewell=b"bye", farewell_end=Exit(7)), Exit(7)),
    ],
)
async def test_a_cancelled_child_says_farewell_and_ends_as_its_script_says(
    autojump_clock: MockClock, script: Script, end: Exit
) -> None:
    heard = Heard()

    with trio.move_on_after(2):
        await start(ScriptedChildren({"a": script}), "a", heard)

    assert (heard.output, heard.children[0].exit) == ([(b"bye", 2.0)], end)


async def test_a_killed_child_ends_at_once_without_farewell(autojump_clock: MockClock) -> None:
    heard, ends = Heard(), list[Exit]()
    children = ScriptedChildren({"a": Script(work=9, farewell=b"bye")})

    async def run() -> None:
        ends.append(await start(children, "a", heard))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.sleep(2)
        heard.children[0].kill()

    assert (ends, heard.output, trio.current_time()) == ([Exit(None, signal.SIGKILL)], [], 2.0)


def test_a_child_that_has_ended_cannot_be_killed() -> None:
    child = ScriptedChild(pid=1, exit=Exit(0))

    child.kill()

    assert child.exit == Exit(0)


async def test_no_two_children_share_a_pid(autojump_clock: MockClock) -> None:
    heard, children = Heard(), ScriptedChildren()

    for _ in range(3):
        await start(children, "a", heard)

    assert len({child.pid for child in heard.children}) == 3
