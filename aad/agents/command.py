"""The `command` agent: any program or shell line. Its output is log, never parsed."""

from collections.abc import Mapping
from typing import ClassVar

from attrs import frozen

from aad.agents.base import COMPLETED, Caps, Command, Exit, Job, Verdict, failed
from aad.events import Failure, Reason

# sysexits.h: "temporary failure; the user is invited to retry".
EX_TEMPFAIL = 75


def as_argv(line: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the argv of a shell line or an argv."""
    return ("/bin/sh", "-c", line) if isinstance(line, str) else line


def judge_exit(end: Exit) -> Verdict:
    """Exit 0 is success, 75 a passing trouble, anything else a failure."""
    if end.signal is not None:
        return failed(Failure(reason=Reason.KILLED, signal=end.signal))
    if end.code == 0:
        return COMPLETED
    return failed(Failure(reason=Reason.EXIT_CODE, exit_code=end.code), transient=end.code == EX_TEMPFAIL)


@frozen
class CommandAgent:
    """Runs the spec's own `run`, else the configured `argv` with the spec's text on its stdin."""

    argv: tuple[str, ...] = ()
    name: str = "command"
    caps: ClassVar[Caps] = Caps(streams=False)
    passes: ClassVar[tuple[str, ...]] = ()

    def command(self, job: Job, env: Mapping[str, str]) -> Command:
        whole = {**env, **job.environment}
        if job.spec.run is not None:
            return Command(argv=as_argv(job.spec.run), env=whole, cwd=str(job.workspace))
        return Command(argv=self.argv, env=whole, cwd=str(job.workspace), stdin=job.prompt)

    def read(self) -> None:
        """Return nothing: the output is log."""

    def judge(self, end: Exit) -> Verdict:
        return judge_exit(end)
