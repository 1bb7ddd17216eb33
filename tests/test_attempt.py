"""One attempt: what its child is given, how it is ended and verified, and what becomes of it."""

import os
from collections.abc import AsyncIterable, Callable
from pathlib import Path

import pytest
import trio
from attrs import evolve
from lone_attempt import SECRET, SLOW, Bench, bench, ends, run_with
from trio.testing import MockClock

from aad.agents.base import COMPLETED, Command, Exit, Outcome, failed
from aad.agents.function import ChildSession
from aad.attempt import SCARCE_DELAY, Limits
from aad.childhandle import ChildHandle
from aad.events import EscalationKind, Failure, Reason
from aad.process import KeptChildren, SpawnError
from aad.testing import Script, ScriptedChildren

__all__ = ["bench"]

# Ordinary ends.


async def test_a_child_that_ends_well_completes_its_attempt(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=ends(0, b"a line\n", work=5))

    verdict = await bench.make().run()

    assert (verdict, trio.current_time()) == (COMPLETED, 5.0)
    assert bench.heard.told == [("started", 10_001)]
    assert bench.log_file.read_bytes() == b"a line\n"


async def test_a_failure_is_told_with_the_end_of_its_output(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=ends(3, b"one\n\x1b[31mtwo\x1b[0m\nthree"))

    verdict = await bench.make(tail_lines=2).run()

    assert verdict == failed(
        Failure(reason=Reason.EXIT_CODE, exit_code=3, log_tail=("two", "three"), log_lines=3)
    )


async def test_what_the_agent_calls_passing_stays_so(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=ends(75))

    verdict = await bench.make().run()

    assert verdict == failed(Failure(reason=Reason.EXIT_CODE, exit_code=75, log_lines=0), transient=True)


@pytest.mark.parametrize("scarce", [False, True])
async def test_a_child_that_cannot_be_started_is_the_callers_matter(
    bench: Bench, autojump_clock: MockClock, scarce: bool
) -> None:
    bench.play(a=Script(refused=SpawnError("a: no", scarce=scarce)))

    with pytest.raises(SpawnError, match="a: no"):
        await bench.make().run()

    assert bench.heard.told == []


async def test_a_configured_command_gets_the_spec_as_its_file_says_now(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.spec_file.write_text("# A: now\n")

    await bench.make(run=None, command=("agent", "-p")).run()

    (command,) = bench.children.commands
    assert (command.argv, command.stdin) == (("agent", "-p"), b"# A: now\n")


async def test_a_spec_file_that_is_gone_when_its_turn_comes_is_a_start_that_fails(
    bench: Bench, autojump_clock: MockClock
) -> None:
    with pytest.raises(SpawnError) as caught:
        await bench.make(run=None, command=("agent", "-p")).run()

    assert (str(caught.value), caught.value.scarce) == (
        f"{bench.spec_file}: No such file or directory",
        False,
    )


async def test_a_bug_of_an_agent_flies(bench: Bench, autojump_clock: MockClock) -> None:
    async def broken(*args: object, **options: object) -> Exit:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await bench.make(run_child=broken).run()


# Being ended.


@pytest.mark.parametrize("reason", [Reason.TIMED_OUT, Reason.STALLED, Reason.INTERRUPTED])
async def test_an_attempt_that_was_ended_has_failed_whatever_its_exit_code(
    bench: Bench, autojump_clock: MockClock, reason: Reason
) -> None:
    bench.play(a=SLOW)
    attempt = bench.make()

    verdict = await run_with(attempt, lambda: attempt.end(reason))

    assert verdict == failed(Failure(reason=reason, exit_code=0, log_tail=("bye",), log_lines=1))
    assert trio.current_time() == 1.0


async def test_the_first_reason_to_end_it_counts(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=SLOW)
    attempt = bench.make()

    def end() -> None:
        attempt.end(Reason.STALLED)
        attempt.end(Reason.TIMED_OUT)

    verdict = await run_with(attempt, end)

    assert verdict.failure is not None
    assert verdict.failure.reason is Reason.STALLED


async def test_an_attempt_that_was_ended_before_it_began_starts_nothing_that_lasts(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.play(a=SLOW)
    attempt = bench.make()
    attempt.end(Reason.TIMED_OUT)

    verdict = await attempt.run()

    assert (verdict.outcome, trio.current_time()) == (Outcome.FAILED, 0.0)


async def test_a_callers_cancellation_passes_through_and_the_log_is_whole(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.play(a=SLOW)

    with trio.move_on_after(2) as scope:
        await bench.make().run()

    assert scope.cancelled_caught
    assert bench.log_file.read_bytes() == b"bye\n"


async def test_a_callable_that_was_ended_has_no_exit_code(bench: Bench, autojump_clock: MockClock) -> None:
    async def work(session: ChildSession) -> None:
        await trio.sleep_forever()

    attempt = bench.make(work=work)

    verdict = await run_with(attempt, lambda: attempt.end(Reason.TIMED_OUT))

    assert verdict == failed(Failure(reason=Reason.TIMED_OUT, log_lines=0))
    assert bench.heard.told == [("started", None)]


async def test_kill_ends_a_child_without_grace_and_no_child_is_not_killed(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.play(a=SLOW)
    attempt = bench.make()
    attempt.kill()

    verdict = await run_with(attempt, attempt.kill)

    assert verdict == failed(Failure(reason=Reason.KILLED, signal=9, log_lines=0))
    assert trio.current_time() == 1.0


async def test_the_deadline_counts_from_the_beginning(bench: Bench, autojump_clock: MockClock) -> None:
    await trio.sleep(7)

    assert bench.make(limits=Limits(timeout=5)).deadline == 12.0


# Verify.


async def test_verify_runs_after_the_work_in_the_same_folder_log_and_environment(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.play(a=ends(0, b"work\n"), check=ends(0, b"checked\n"))
    attempt = bench.make(verify="check")

    verdict = await attempt.run()

    assert verdict == COMPLETED
    work, check = bench.children.commands
    assert check == evolve(work, argv=("/bin/sh", "-c", "check"), stdin=None)
    assert bench.log_file.read_bytes() == b"work\n[aad] verify: check\nchecked\n"
    assert bench.heard.told == [("started", 10_001)]


@pytest.mark.parametrize(
    ("end", "failure"),
    [
        (Exit(1), Failure(reason=Reason.VERIFY_FAILED, exit_code=1)),
        (Exit(75), Failure(reason=Reason.VERIFY_FAILED, exit_code=75)),
        (Exit(None, 11), Failure(reason=Reason.VERIFY_FAILED, signal=11)),
    ],
)
async def test_verify_that_fails_fails_the_attempt(
    bench: Bench, autojump_clock: MockClock, end: Exit, failure: Failure
) -> None:
    bench.play(check=Script(output=b"3 of 4\n", end=end))

    verdict = await bench.make(verify=("run", "check")).run()

    assert verdict == failed(evolve(failure, log_tail=("[aad] verify: run check", "3 of 4"), log_lines=2))


async def test_work_that_failed_is_not_verified(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=ends(1))

    await bench.make(verify="check").run()

    assert len(bench.children.commands) == 1


async def test_a_callables_work_is_verified_too(bench: Bench, autojump_clock: MockClock) -> None:
    async def work(session: ChildSession) -> None:
        session.write("work\n")

    bench.play(check=ends(1))

    verdict = await bench.make(work=work, verify="check").run()

    assert verdict.failure == Failure(
        reason=Reason.VERIFY_FAILED, exit_code=1, log_tail=("work", "[aad] verify: check"), log_lines=2
    )


async def test_verify_shares_the_deadline_and_its_exit_is_the_attempts(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.play(a=Script(work=3), check=Script(work=100, farewell_end=Exit(4)))
    attempt = bench.make(verify="check", limits=Limits(timeout=5))

    verdict = await run_with(attempt, lambda: attempt.end(Reason.TIMED_OUT), at=5)

    assert attempt.deadline == 5.0
    assert verdict.failure == Failure(
        reason=Reason.TIMED_OUT, exit_code=4, log_tail=("[aad] verify: check",), log_lines=1
    )


async def test_a_check_that_cannot_be_started_now_is_started_later_and_the_work_is_not_done_again(
    bench: Bench, autojump_clock: MockClock
) -> None:
    scarce = Script(refused=SpawnError("check: Text file busy", scarce=True))
    bench.play(a=ends(0, b"work\n"), check=[scarce, scarce, ends(0)])

    verdict = await bench.make(verify="check").run()

    assert (verdict, trio.current_time()) == (COMPLETED, 2 * SCARCE_DELAY)
    assert [command.argv[-1] for command in bench.children.commands] == ["a", "check", "check", "check"]
    assert bench.log_file.read_bytes() == b"work\n[aad] verify: check\n"


async def test_a_check_that_can_never_be_started_is_the_callers_matter(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.play(check=Script(refused=SpawnError("check: No such file", scarce=False)))

    with pytest.raises(SpawnError, match="No such file"):
        await bench.make(verify="check").run()


# What may go wrong besides.


async def test_processes_left_behind_are_told_and_change_no_verdict(
    bench: Bench, autojump_clock: MockClock
) -> None:
    verdict = await bench.make(run_child=Leaking()).run()

    assert (verdict, bench.heard.told) == (COMPLETED, [("started", 10_001), ("leaked", "sleep (7)")])


async def test_a_leak_of_the_work_is_not_told_again_after_verify(
    bench: Bench, autojump_clock: MockClock
) -> None:
    await bench.make(run_child=Leaking(only=1), verify="check").run()

    assert bench.heard.only("leaked") == [("sleep (7)",)]


async def test_a_real_child_that_leaves_a_process_behind_is_told(
    bench: Bench, real_children: KeptChildren
) -> None:
    with trio.fail_after(5):
        verdict = await bench.make(run="sleep 60 & exit 0", run_child=real_children).run()

    assert (verdict, [told[0] for told in bench.heard.told]) == (COMPLETED, ["started", "leaked"])


async def test_a_log_that_cannot_be_written_is_a_warning_and_the_result_stands(
    bench: Bench, autojump_clock: MockClock
) -> None:
    (bench.folder / "file").touch()
    bench.play(a=ends(3, b"all lines\n"))

    verdict = await bench.make(log=bench.folder / "file/output.log").run()

    assert verdict == failed(
        Failure(reason=Reason.EXIT_CODE, exit_code=3, log_tail=("all lines",), log_lines=1)
    )
    assert bench.heard.warnings == [("failed", "the log is not whole: File exists")]


async def test_a_log_that_fills_its_disk_is_a_warning_once(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=ends(0, b"x" * 70_000), check=ends(0, b"y"))

    verdict = await bench.make(log=Path("/dev/full"), verify="check").run()

    assert (verdict, bench.heard.warnings) == (
        COMPLETED,
        [("failed", "the log is not whole: No space left on device")],
    )


async def test_the_log_is_closed_whatever_happens(bench: Bench, autojump_clock: MockClock) -> None:
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - only how many counts
    bench.play(a=Script(refused=SpawnError("a: no", scarce=True)))

    for _ in range(3):
        with pytest.raises(SpawnError):
            await bench.make().run()

    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208


async def test_the_environment_of_a_child_is_not_in_an_attempts_repr(bench: Bench) -> None:
    assert SECRET not in repr(bench.make(env={"TOKEN": SECRET}))


async def test_a_warning_has_its_kind(bench: Bench, autojump_clock: MockClock) -> None:
    bench.make().warn_of(EscalationKind.STALLED, "silent")

    assert bench.heard.told == [("warning", "stalled", "silent")]


class Leaking(ScriptedChildren):
    """Scripted children that leave processes behind; `only` the first so many of them."""

    def __init__(self, *, only: int = 100) -> None:
        super().__init__()
        self.only = only

    async def __call__(
        self,
        command: Command,
        *,
        write: Callable[[bytes], None],
        grace: float,
        started: Callable[[ChildHandle], None],
        write_error: Callable[[bytes], None] | None = None,
        stdin: AsyncIterable[bytes] | None = None,
    ) -> Exit:
        children: list[ChildHandle] = []

        def note(child: ChildHandle) -> None:
            children.append(child)
            started(child)

        end = await super().__call__(
            command, write=write, grace=grace, started=note, write_error=write_error, stdin=stdin
        )
        # What a real child notes once its leader has exited.
        children[0].leaked = ("sleep (7)",) if len(self.commands) <= self.only else ()  # type: ignore[misc]
        return end
