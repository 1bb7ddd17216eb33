"""One attempt: what its child is given, what it says, and what becomes of it."""

import os
from collections.abc import AsyncIterable, Callable
from pathlib import Path

import pytest
import trio
from attrs import evolve
from lone_attempt import SECRET, Bench, bench, ends
from trio.testing import MockClock

from aad.agents.base import COMPLETED, Command, Exit, Outcome, Verdict, failed
from aad.agents.function import ChildSession
from aad.attempt import SCARCE_DELAY, Attempt, Limits
from aad.childhandle import ChildHandle
from aad.events import EscalationKind, Failure, Question, Reason
from aad.process import KeptChildren, SpawnError
from aad.testing import Script, ScriptedChildren

__all__ = ["bench"]

SLOW = Script(work=100, farewell=b"bye\n", farewell_end=Exit(0))


async def run_with(attempt: Attempt, act: Callable[[], object], *, at: float = 1.0) -> Verdict:
    """Run an attempt, and do something meanwhile."""
    verdicts: list[Verdict] = []

    async def run() -> None:
        verdicts.append(await attempt.run())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.sleep(at)
        act()
    return verdicts[0]


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


# What the child says of itself.


async def test_news_are_heard_in_their_order_at_each_look(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=Script(work=5))
    attempt = bench.make()
    bench.say(
        '{"progress": 0.4, "message": "reading"}',
        '{"warning": "odd"}',
        '{"error": "bad"}',
        '{"error": "lost", "level": "critical"}',
        "no news",
    )

    await run_with(attempt, attempt.look)

    assert bench.heard.told == [
        ("started", 10_001),
        ("progressed", 0.4, "reading"),
        ("warning", "failed", "odd"),
        ("error", "failed", "bad"),
        ("critical", "failed", "lost"),
        ("warning", "failed", "lines in AAD_EVENTS that are not understood: 1, the first: no news"),
    ]


async def test_the_last_words_are_heard_though_nobody_looked_and_no_line_ended(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.events_file.write_text('{"progress": 1}\n{"warning": "late"}')

    await bench.make().run()

    assert bench.heard.told == [("started", 10_001), ("progressed", 1.0, None), ("warning", "failed", "late")]


async def test_what_a_child_says_while_it_is_ended_is_heard(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=SLOW)
    attempt = bench.make()

    def end() -> None:
        attempt.end(Reason.TIMED_OUT)
        bench.say('{"warning": "not done yet"}')

    await run_with(attempt, end)

    assert bench.heard.warnings == [("failed", "not done yet")]


async def test_a_word_is_heard_once(bench: Bench, autojump_clock: MockClock) -> None:
    bench.say('{"warning": "odd"}')
    attempt = bench.make()

    attempt.look()
    attempt.look()
    await attempt.run()

    assert bench.heard.warnings == [("failed", "odd")]


async def test_only_progress_that_says_how_far_is_the_childs_own(
    bench: Bench, autojump_clock: MockClock
) -> None:
    attempt = bench.make()

    bench.say('{"message": "reading"}')
    attempt.look()
    without = attempt.own_progress
    bench.say('{"progress": 0}')
    attempt.look()

    assert (without, attempt.own_progress) == (False, True)


async def test_output_and_news_are_signs_of_life(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=Script(work=2, last_output=b"x"))
    attempt = bench.make()
    before = attempt.last_sign

    await attempt.run()
    wrote = attempt.last_sign
    await trio.sleep(3)
    attempt.look()
    silent = attempt.last_sign
    bench.say('{"message": "here"}')
    attempt.look()

    assert (before, wrote, silent, attempt.last_sign) == (0.0, 2.0, 2.0, 5.0)


async def test_a_callable_speaks_up_by_itself(bench: Bench, autojump_clock: MockClock) -> None:
    async def work(session: ChildSession) -> None:
        session.report(7, "more than all")
        session.report(-1)
        session.report(message="words")
        session.warn("careful")
        session.write("a line\ud800\n")

    await bench.make(work=work).run()

    assert bench.heard.told == [
        ("started", None),
        ("progressed", 1.0, "more than all"),
        ("progressed", 0.0, None),
        ("progressed", None, "words"),
        ("warning", "failed", "careful"),
    ]
    assert bench.log_file.read_bytes() == b"a line\\ud800\n"


async def test_a_callable_knows_its_work_order(bench: Bench, autojump_clock: MockClock) -> None:
    seen: list[object] = []

    async def work(session: ChildSession) -> None:
        seen.extend((session.spec.id, session.attempt, session.workspace))

    await bench.make(work=work).run()

    assert seen == ["A", 1, bench.folder]


# Questions.


async def test_a_question_ends_the_attempt_whatever_the_childs_exit_code(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.play(a=SLOW)
    attempt = bench.make()
    bench.say('{"question": "Which?", "options": ["x", "y"]}')

    verdict = await run_with(attempt, attempt.look)

    assert verdict == Verdict(outcome=Outcome.QUESTION, question=Question(text="Which?", options=("x", "y")))
    assert trio.current_time() == 1.0


@pytest.mark.parametrize("code", [0, 3])
async def test_a_question_counts_also_if_the_child_ended_before_it_was_heard(
    bench: Bench, autojump_clock: MockClock, code: int
) -> None:
    bench.play(a=ends(code), check=ends(0))
    bench.say('{"question": "Which?"}')

    verdict = await bench.make(verify="check").run()

    assert verdict == Verdict(outcome=Outcome.QUESTION, question=Question(text="Which?"))
    assert [command.argv[-1] for command in bench.children.commands] == ["a"]


async def test_the_first_question_counts(bench: Bench, autojump_clock: MockClock) -> None:
    bench.say('{"question": "First?"}', '{"question": "Second?"}')

    verdict = await bench.make().run()

    assert verdict.question == Question(text="First?")


async def test_an_attempt_that_was_ended_asks_nothing(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=SLOW)
    attempt = bench.make()

    def end() -> None:
        attempt.end(Reason.TIMED_OUT)
        bench.say('{"question": "Which?"}')

    verdict = await run_with(attempt, end)

    assert (verdict.outcome, verdict.question) == (Outcome.FAILED, None)


# Secrets.


async def test_secrets_are_masked_in_all_that_is_told(bench: Bench, autojump_clock: MockClock) -> None:
    bench.play(a=ends(1, f"token {SECRET}\n".encode()))
    bench.say(
        f'{{"progress": 0.5, "message": "with {SECRET}"}}',
        f'{{"warning": "{SECRET}!"}}',
    )

    verdict = await bench.make().run()

    assert bench.heard.told == [
        ("started", 10_001),
        ("progressed", 0.5, "with [redacted]"),
        ("warning", "failed", "[redacted]!"),
    ]
    assert verdict.failure is not None
    assert verdict.failure.log_tail == ("token [redacted]",)
    assert bench.log_file.read_bytes() == b"token [redacted]\n"


async def test_secrets_are_masked_in_questions_and_their_options(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.say(f'{{"question": "Use {SECRET}?", "options": ["{SECRET}", "no"]}}')

    verdict = await bench.make().run()

    assert verdict.question == Question(text="Use [redacted]?", options=("[redacted]", "no"))


async def test_secrets_are_masked_in_what_a_callable_raises(bench: Bench, autojump_clock: MockClock) -> None:
    async def work(session: ChildSession) -> None:
        raise ValueError(SECRET)

    verdict = await bench.make(work=work).run()

    assert verdict.failure is not None
    assert (verdict.failure.message, verdict.failure.log_tail[-1]) == (
        "ValueError: [redacted]",
        "ValueError: [redacted]",
    )
    assert SECRET.encode() not in bench.log_file.read_bytes()


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


# The checklist.


async def test_ticks_count_once_the_copy_was_changed(bench: Bench, autojump_clock: MockClock) -> None:
    bench.tick_boxes(2, 4)
    attempt = bench.make()
    untouched = attempt.count_ticks()

    bench.tick_boxes(3, 4)
    os.utime(bench.spec_file, (0, 1))

    assert (untouched, attempt.count_ticks(), attempt.count_ticks()) == (None, 0.75, 0.75)


async def test_a_copy_that_is_gone_keeps_its_last_count(bench: Bench, autojump_clock: MockClock) -> None:
    bench.tick_boxes(0, 4)
    attempt = bench.make()
    bench.tick_boxes(1, 4)
    os.utime(bench.spec_file, (0, 1))
    counted = attempt.count_ticks()

    bench.spec_file.unlink()

    assert (counted, attempt.count_ticks()) == (0.25, 0.25)


@pytest.mark.parametrize("content", [b"# A\n", b"\xff\xfe- [x\n"])
async def test_a_copy_without_boxes_says_nothing(
    bench: Bench, autojump_clock: MockClock, content: bytes
) -> None:
    attempt = bench.make()

    bench.spec_file.write_bytes(content)

    assert attempt.count_ticks() is None


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
