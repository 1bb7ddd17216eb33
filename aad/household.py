"""All processes of one run: who starts them, what is said to all of them at once, and what ends them."""

from collections.abc import Iterable
from contextlib import suppress

from attrs import define, field

from aad.childhandle import RunChild
from aad.keepers import GO_ON, KILL, STOP, Keepers
from aad.process import KeptChildren
from aad.project import Project
from aad.runlist import list_runs
from aad.sweep import Swept, sweep


@define(eq=False)
class Household:
    """The processes of one run. `run_child` starts one; `swept` is what a killed run had left, now ended.

    An embedder may start its children otherwise; then the keepers are never needed.
    """

    _project: Project
    _stand_in: RunChild | None = None
    swept: Swept = field(factory=Swept, init=False)
    run_child: RunChild = field(init=False)
    _keepers: Keepers = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._keepers = Keepers(self._project.state / "processes.json", self._sweep)
        self.run_child = self._stand_in or KeptChildren(self._keepers)

    def open(self) -> None:
        """End what a killed run left; the project's lock must be held, so that there is no other."""
        self.swept = self._sweep()

    def prepare(self) -> None:
        """Get the keepers ready, which takes a moment in which there is other work."""
        if self._stand_in is None:
            with suppress(OSError):  # whatever is in its way will be said when the first child is started
                self._keepers.start()

    def stop(self) -> None:
        """Have all stand still."""
        self._keepers.order_all(STOP)

    def go_on(self) -> None:
        """Let all go on."""
        self._keepers.order_all(GO_ON)

    def kill(self) -> None:
        """End all at once, without grace."""
        self._keepers.order_all(KILL)

    def close(self) -> None:
        """End all that is left, and the keepers."""
        self._keepers.close()

    def _sweep(self, spare: Iterable[int] = ()) -> Swept:
        runs = self._project.runs
        return sweep(self._keepers.ledger, runs, list_runs(runs), spare=spare)
