"""Children are started, drained, ended; the scripted child keeps the same contract as the real one."""

import math
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import trio
from realprocesses import PATIENCE, Token

from aad.agents.base import Command, Exit
from aad.childhandle import ChildHandle, RunChild
from aad.process import KeptChildren, SpawnError
from aad.testing import Script, ScriptedChildren

GRACE = 5.0
# With nothing but builtins: a program that is just being started would get the signal, too.
FAREWELL = "trap 'echo bye; exit 7' TERM; echo up; while :; do :; done"


def shell(line: str, *, stdin: bytes | None = None, cwd: str = "/") -> Command:
    return Command(argv=("/bin/sh", "-c", line), env={"PATH": os.environ["PATH"]}, cwd=cwd, stdin=stdin)


class Heard:
    """Collects what a child run tells."""

    def __init__(self) -> None:
        self.output = b""
        self.children: list[ChildHandle] = []
        self.scope = trio.CancelScope()
        self.last_words: bytes | None = None

    def cancel_at(self, words: bytes) -> trio.CancelScope:
        """Return a scope that is cancelled once a child has said this."""
        self.last_words = words
        return self.scope

    def write(self, chunk: bytes) -> None:
        self.output += chunk
        if self.last_words is not None and self.last_words in self.output:
            self.scope.cancel()

    def started(self, child: ChildHandle) -> None:
        self.children.append(child)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def run_child(real_children: KeptChildren) -> RunChild:
    """Run children for real."""
    return real_children


@pytest.fixture(params=["real", "scripted"])
def run_contract(request: pytest.FixtureRequest, run_child: RunChild) -> RunChild:
    """Run children for real, and by script: one contract for both."""
    if request.param == "real":
        return run_child
    return ScriptedChildren(
        {
            "echo out; echo err >&2": Script(output=b"out\nerr\n"),
            "exit 3": Script(end=Exit(3)),
            "kill -9 $$": Script(end=Exit(None, 9)),
            "sleep 100": Script(work=100),
            "cat": Script(replies=lambda words: words),
            "cat; exit 3": Script(replies=lambda words: words, end=Exit(3)),
            "exec <&-; echo deaf": Script(output=b"deaf\n"),
            FAREWELL: Script(output=b"up\n", work=100, farewell=b"bye\n", farewell_end=Exit(7)),
        }
    )


async def run(runner: RunChild, line: str, heard: Heard) -> Exit:
    return await runner(shell(line), write=heard.write, grace=GRACE, started=heard.started)


async def test_output_of_both_streams_arrives_in_order(run_contract: RunChild, heard: Heard) -> None:
    end = await run(run_contract, "echo out; echo err >&2", heard)

    assert (end, heard.output) == (Exit(0), b"out\nerr\n")


@pytest.mark.parametrize(("line", "end"), [("exit 3", Exit(3)), ("kill -9 $$", Exit(None, 9))])
async def test_the_way_it_ended_is_told(run_contract: RunChild, heard: Heard, line: str, end: Exit) -> None:
    assert await run(run_contract, line, heard) == end


async def test_a_cancelled_child_is_asked_to_end(run_contract: RunChild, heard: Heard) -> None:
    with trio.move_on_after(0.2) as scope:
        await run(run_contract, "sleep 100", heard)

    assert scope.cancelled_caught
    assert heard.children[0].exit == Exit(None, signal.SIGTERM)


async def test_a_farewell_is_heard_and_its_exit_code_known(run_contract: RunChild, heard: Heard) -> None:
    with heard.cancel_at(b"up\n"):
        await run(run_contract, FAREWELL, heard)

    assert (heard.output, heard.children[0].exit) == (b"up\nbye\n", Exit(7))


async def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(
    heard: Heard, token: Token, run_child: RunChild
) -> None:
    with heard.cancel_at(b"up\n"):
        command = shell(f"trap '' TERM; echo up; sleep {token}")
        await run_child(command, write=heard.write, grace=0.2, started=heard.started)

    assert heard.children[0].exit == Exit(None, signal.SIGKILL)
    assert token.holders() == []


async def test_the_whole_group_ends_with_the_child(heard: Heard, token: Token, run_child: RunChild) -> None:
    with heard.cancel_at(b"up\n"):
        await run(run_child, f"sleep {token} & echo up; sleep {token}", heard)

    assert token.holders() == []


async def test_a_stopped_child_can_be_ended(heard: Heard, run_child: RunChild) -> None:
    with trio.move_on_after(0.2):
        await run(run_child, "kill -STOP $$", heard)

    assert heard.children[0].exit == Exit(None, signal.SIGTERM)


async def test_a_leftover_that_holds_the_pipe_is_ended_and_reported(
    heard: Heard, token: Token, run_child: RunChild
) -> None:
    with trio.fail_after(PATIENCE):
        end = await run(run_child, f"echo hi; sleep {token} & exit 4", heard)

    assert (end, heard.output, len(heard.children[0].leaked)) == (Exit(4), b"hi\n", 1)
    assert token.holders() == []


async def test_a_leftover_that_ends_by_itself_is_no_leak(heard: Heard, run_child: RunChild) -> None:
    # With nothing but builtins it is there a moment longer than the shell that started it.
    await run(run_child, "while [ -e /proc/$$ ]; do :; done & exit 0", heard)

    assert not heard.children[0].leaked


async def test_a_stranger_that_holds_the_pipe_does_not_hold_up_the_end(
    heard: Heard, run_child: RunChild, tmp_path: Path
) -> None:
    held = tmp_path / "held"
    with ExitStack() as stack:

        def hold(child: ChildHandle) -> None:
            stack.callback(os.close, os.open(f"/proc/{child.pid}/fd/1", os.O_WRONLY))
            held.touch()

        with trio.fail_after(PATIENCE):
            command = shell(f"echo hi; until [ -e {held} ]; do :; done")
            end = await run_child(command, write=heard.write, grace=GRACE, started=hold)

    assert (end, heard.output) == (Exit(0), b"hi\n")


async def test_a_child_may_close_its_output_and_work_on(heard: Heard, run_child: RunChild) -> None:
    end = await run(run_child, "exec >&- 2>&-; sleep 0.2; exit 4", heard)

    assert end == Exit(4)


async def test_stdin_is_empty_unless_something_is_given(heard: Heard, run_child: RunChild) -> None:
    await run(run_child, "cat; echo done", heard)
    await run_child(shell("cat", stdin=b"prompt\n"), write=heard.write, grace=GRACE, started=heard.started)

    assert heard.output == b"done\nprompt\n"


async def tell(runner: RunChild, line: str, heard: Heard, *words: bytes, ends: bool = True) -> Exit:
    """Run a child that is told some words, and then no more, or that there is more to come."""
    say, stdin = trio.open_memory_channel[bytes](math.inf)
    with say, stdin:
        for word in words:
            say.send_nowait(word)
        if ends:
            say.close()
        return await runner(shell(line), write=heard.write, grace=GRACE, started=heard.started, stdin=stdin)


async def test_a_child_is_told_things_while_it_works_until_there_are_no_more(
    run_contract: RunChild, heard: Heard
) -> None:
    end = await tell(run_contract, "cat; exit 3", heard, b"one\n", b"two\n")

    assert (end, heard.output) == (Exit(3), b"one\ntwo\n")


async def test_a_child_hears_what_is_said_in_answer_to_it(run_contract: RunChild, heard: Heard) -> None:
    say, stdin = trio.open_memory_channel[bytes](math.inf)

    def answer(chunk: bytes) -> None:
        heard.write(chunk)
        if chunk == b"hello\n":
            say.send_nowait(b"over\n")
            say.close()

    with say, stdin:
        say.send_nowait(b"hello\n")
        await run_contract(shell("cat"), write=answer, grace=GRACE, started=heard.started, stdin=stdin)

    assert heard.output == b"hello\nover\n"


async def test_a_child_need_not_listen(run_contract: RunChild, heard: Heard) -> None:
    end = await tell(run_contract, "exec <&-; echo deaf", heard, b"words" * 100_000, ends=False)

    assert (end, heard.output) == (Exit(0), b"deaf\n")


async def test_a_child_that_is_told_things_ends_when_it_is_cancelled(
    run_contract: RunChild, heard: Heard
) -> None:
    with heard.cancel_at(b"hello\n"):
        await tell(run_contract, "cat", heard, b"hello\n", ends=False)

    assert (heard.output, heard.children[0].exit) == (b"hello\n", Exit(None, signal.SIGTERM))


async def test_more_is_said_than_a_pipe_holds(heard: Heard, run_child: RunChild) -> None:
    end = await tell(run_child, "sleep 0.1; wc -c", heard, b"x" * 1_000_000, b"y" * 1_000_000)

    assert (end, heard.output.strip()) == (Exit(0), b"2000000")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (Command(argv=("/no/such",), env={}, cwd="/"), "/no/such: No such file or directory"),
        (Command(argv=("/etc/passwd",), env={}, cwd="/"), "/etc/passwd: Permission denied"),
        (Command(argv=("/bin/true",), env={}, cwd="/no/dir"), "/no/dir: No such file or directory"),
        (Command(argv=("/bin/true", "a\0b"), env={}, cwd="/"), "/bin/true: embedded null byte"),
    ],
)
async def test_what_cannot_be_started_is_named(
    heard: Heard, command: Command, message: str, run_child: RunChild
) -> None:
    with pytest.raises(SpawnError) as caught:
        await run_child(command, write=heard.write, grace=GRACE, started=heard.started)

    assert (str(caught.value), caught.value.scarce) == (message, False)


async def test_no_descriptor_is_lost(heard: Heard, run_child: RunChild) -> None:
    await run(run_child, "true", heard)  # a keeper takes its own
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - only how many counts

    for line in ("true", "exit 3", "sleep 9"):
        with trio.move_on_after(0.1):
            await run(run_child, line, heard)
        with trio.move_on_after(0.1):
            await tell(run_child, line, heard, b"words", ends=False)

    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208


async def test_the_child_gets_three_descriptors_and_the_environment_asked_for(
    heard: Heard, run_child: RunChild
) -> None:
    script = "import os; print(sorted(os.listdir('/proc/self/fd')), dict(os.environ))"
    command = Command(argv=(sys.executable, "-I", "-S", "-c", script), env={"A": "b"}, cwd="/")

    await run_child(command, write=heard.write, grace=GRACE, started=heard.started)

    # The fourth is the one that lists the folder.
    assert heard.output.startswith(b"['0', '1', '2', '3'] {'A': 'b'")


async def test_ten_megabytes_flow_through(heard: Heard, run_child: RunChild) -> None:
    sizes: list[int] = []
    command = shell("head -c 10000000 /dev/zero")

    await run_child(command, write=lambda c: sizes.append(len(c)), grace=GRACE, started=heard.started)

    assert sum(sizes) == 10_000_000


async def test_a_child_that_starts_while_it_is_given_up_is_told_of_before_it_ends(
    run_child: RunChild, heard: Heard
) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await run(run_child, "exec sleep 100", heard)

    (child,) = heard.children
    assert (scope.cancelled_caught, child.pid > 0, child.exit) == (True, True, Exit(None, signal.SIGTERM))
