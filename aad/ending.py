"""How a run ended: its status and exit code, as pure rules. Knows nothing of how it went."""

from attrs import define

from aad.state import RunState, Status

EXIT_FAILED = 1
EXIT_BUG = 3
EXIT_WAITING = 4
EXIT_OVERDUE = 124
EXIT_SIGNAL = 128


@define
class Ending:
    """Why a run is ending: `finished` when all that could be run was, else what cut it short."""

    finished: bool = False
    overdue: bool = False
    aborted: bool = False
    interrupted: bool = False
    crashed: bool = False
    record_lost: bool = False
    signal: int | None = None


def judge_run(ending: Ending, state: RunState) -> tuple[str, int]:
    """Return the status of a run and its exit code; what weighs more comes first."""
    count = state.count()
    if ending.crashed:
        return "failed", EXIT_BUG
    if ending.signal is not None:
        return "interrupted", EXIT_SIGNAL + ending.signal
    if ending.overdue:
        return "timed_out", EXIT_OVERDUE
    if ending.record_lost:
        return "interrupted", EXIT_WAITING
    if not ending.finished and not ending.aborted:
        return "interrupted", EXIT_FAILED
    if count[Status.WAITING]:
        return "waiting", EXIT_WAITING
    if ending.aborted or count.total() > count[Status.COMPLETED]:
        return "failed", EXIT_FAILED
    return "completed", 0
