"""A clock from which time can be left out, by itself and under Trio."""

from collections.abc import Callable

import trio
from attrs import define

from aad.runclock import RunClock


@define
class Source:
    """A source of time that is set by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def passing(self, seconds: float) -> Callable[[], None]:
        """Return something to do that takes so many seconds."""

        def act() -> None:
            self.now += seconds

        return act


def test_it_goes_as_its_source_does() -> None:
    source = Source()
    clock = RunClock(source)
    began = clock.current_time()

    source.passing(2.5)()

    assert clock.current_time() - began == 2.5


def test_what_is_left_out_has_taken_no_time() -> None:
    source = Source()
    clock = RunClock(source)
    began = clock.current_time()

    took = [clock.leave_out(source.passing(60.0)), clock.leave_out(source.passing(3600.0))]

    assert (took, clock.current_time()) == ([60.0, 3600.0], began)


def test_a_moment_to_come_is_as_far_away_as_before() -> None:
    source = Source()
    clock = RunClock(source)
    deadline = clock.current_time() + 10.0

    source.passing(4.0)()
    clock.leave_out(source.passing(3600.0))

    assert clock.deadline_to_sleep_time(deadline) == 6.0


def test_no_limit_of_a_trio_program_passes_while_it_stands_still() -> None:
    source = Source()
    clock = RunClock(source)
    passed: list[bool] = []

    async def main() -> None:
        with trio.move_on_after(10.0) as limit:
            for wait in (lambda: clock.leave_out(source.passing(3600.0)), source.passing(9.0)):
                wait()
                await trio.lowlevel.checkpoint()
                passed.append(limit.cancel_called)
            source.passing(1.0)()
            await trio.sleep_forever()
        passed.append(limit.cancelled_caught)

    trio.run(main, clock=clock)

    assert passed == [False, False, True]


def test_by_itself_it_goes_with_the_time_that_passes() -> None:
    clock = RunClock()
    before = clock.current_time()

    after = clock.current_time()

    assert 0.0 <= after - before < 1.0
