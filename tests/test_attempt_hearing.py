"""What an attempt hears of its child: news, questions, ticks in its checklist, all without secrets."""

import os
from collections.abc import Callable
from typing import Any

import pytest
import trio
from lone_attempt import SECRET, SLOW, Bench, bench, ends, run_with
from trio.testing import MockClock

from aad.agents.base import Exit, Outcome, Verdict
from aad.agents.function import ChildSession
from aad.childhandle import ChildHandle
from aad.events import Question, Reason
from aad.testing import Script, ScriptedChild

__all__ = ["bench"]

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


async def test_what_a_child_says_before_anybody_knows_that_it_runs_is_heard_behind_its_start(
    bench: Bench, autojump_clock: MockClock
) -> None:
    async def start_late(*args: Any, started: Callable[[ChildHandle], None], **options: Any) -> Exit:  # noqa: ANN401
        await trio.sleep(2)
        started(ScriptedChild(pid=7))
        await trio.sleep(2)
        return Exit(0)

    bench.say('{"progress": 0.5}')
    attempt = bench.make(run_child=start_late)

    await run_with(attempt, attempt.look)

    assert bench.heard.told == [("started", 7), ("progressed", 0.5, None)]


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
    await attempt.run()

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
