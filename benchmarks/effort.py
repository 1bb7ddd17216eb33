"""How much is measured: sizes, rounds, slots. Knows nothing of what is measured."""

from attrs import frozen


@frozen(kw_only=True)
class Effort:
    """The size of every benchmark.

    `sizes` are the numbers of tasks that run, `specs` the number that is only planned or watched, `graphs`
    the number of schedules to simulate, `files` those in a repository; `megabytes` is what one child writes,
    `redacted` what is redacted.
    Each thing is measured `rounds` times after one round to warm up.
    """

    sizes: tuple[int, ...] = (100, 1_000)
    rounds: int = 5
    jobs: int = 2
    specs: int = 10_000
    running: int = 100
    graphs: int = 20
    files: int = 2_000
    megabytes: int = 1_000
    redacted: int = 64


# As little as gives any figures; they mean nothing.
QUICK = Effort(sizes=(2, 4), rounds=1, specs=10, running=2, graphs=1, files=20, megabytes=1, redacted=1)
