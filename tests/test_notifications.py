"""People are told of escalations, each way by itself, and a way that fails or hangs holds up nothing."""

from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field
from toldpeople import FAILED, LOST, PATH, WARNED, serving, warnings
from trio.testing import MockClock, wait_all_tasks_blocked

from aad.escalationlog import EscalationLog
from aad.events import EscalationKind, Question
from aad.notifiers.base import NotifierMissingError, NotifyError
from aad.notifiers.message import Message, make_message
from aad.notifiers.notifications import LAST_WORDS, NOTIFY_LIMIT, Notifications

ASKED = evolve(
    FAILED, kind=EscalationKind.QUESTION, failure=None, reason="Which?", question=Question(text="Which?")
)


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
