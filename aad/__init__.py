"""aad runs written specs in dependency order, side by side, each as a supervised child session.

The names below are promised; everything else may change. What needs Trio is loaded when first used.

>>> import trio, aad
>>> async def build(session):
...     session.report(0.5, "half done")
>>> async def main():
...     async with aad.open_orchestrator(root=project) as orchestrator:
...         orchestrator.register_spec("BUILD", run=build)
...         orchestrator.register_spec("TEST", run="exit 0", depends_on=["BUILD"])
...         state = await orchestrator.run()
...         return state.status
>>> trio.run(main)
'completed'
"""

from aad.version import __version__

# As `typing` has it, without loading it: whoever types `aad` waits for this file.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from aad.agents.function import ChildSession
    from aad.config import (
        AgentSettings,
        EscalationSettings,
        LogSettings,
        OrchestratorConfig,
        PolicyRule,
        RetrySettings,
        RunSettings,
        WorkspaceSettings,
    )
    from aad.configfile import load_config
    from aad.embedding import open_orchestrator
    from aad.errors import (
        AadError,
        CycleError,
        InputError,
        JournalError,
        LockedError,
        NothingMatchedError,
        TransientError,
    )
    from aad.escalationchannel import EscalationChannel, EscalationRequest, open_escalation_channel
    from aad.escalationlog import Decision, EscalationLog
    from aad.events import (
        Action,
        EscalationDecided,
        EscalationKind,
        EscalationLevel,
        EscalationRaised,
        Event,
        Failure,
        Integrated,
        Leaked,
        LeftOut,
        PlanMade,
        Question,
        Reason,
        RetryScheduled,
        RolledBack,
        RunFinished,
        RunStarted,
        SessionCancelled,
        SessionCompleted,
        SessionFailed,
        SessionId,
        SessionProgress,
        SessionSkipped,
        SessionStarted,
        SessionTimedOut,
        SessionWaiting,
        WorkspaceReady,
    )
    from aad.graph import DependencyGraph
    from aad.loader import load_specs
    from aad.orchestrator import Orchestrator
    from aad.plan import Plan, make_plan
    from aad.project import Project, find_project
    from aad.spec import Spec, SpecStatus
    from aad.state import RunState, Session, Status

__all__ = [
    "AadError",
    "Action",
    "AgentSettings",
    "ChildSession",
    "CycleError",
    "Decision",
    "DependencyGraph",
    "EscalationChannel",
    "EscalationDecided",
    "EscalationKind",
    "EscalationLevel",
    "EscalationLog",
    "EscalationRaised",
    "EscalationRequest",
    "EscalationSettings",
    "Event",
    "Failure",
    "InputError",
    "Integrated",
    "JournalError",
    "Leaked",
    "LeftOut",
    "LockedError",
    "LogSettings",
    "NothingMatchedError",
    "Orchestrator",
    "OrchestratorConfig",
    "Plan",
    "PlanMade",
    "PolicyRule",
    "Project",
    "Question",
    "Reason",
    "RetryScheduled",
    "RetrySettings",
    "RolledBack",
    "RunFinished",
    "RunSettings",
    "RunStarted",
    "RunState",
    "Session",
    "SessionCancelled",
    "SessionCompleted",
    "SessionFailed",
    "SessionId",
    "SessionProgress",
    "SessionSkipped",
    "SessionStarted",
    "SessionTimedOut",
    "SessionWaiting",
    "Spec",
    "SpecStatus",
    "Status",
    "TransientError",
    "WorkspaceReady",
    "WorkspaceSettings",
    "__version__",
    "find_project",
    "load_config",
    "load_specs",
    "make_plan",
    "open_escalation_channel",
    "open_orchestrator",
]

# Where each name lives; a test keeps this equal to `__all__`.
_HOMES = {
    "agents.function": "ChildSession",
    "config": (
        "AgentSettings EscalationSettings LogSettings OrchestratorConfig PolicyRule RetrySettings "
        "RunSettings WorkspaceSettings"
    ),
    "configfile": "load_config",
    "embedding": "open_orchestrator",
    "errors": ("AadError CycleError InputError JournalError LockedError NothingMatchedError TransientError"),
    "escalationchannel": "EscalationChannel EscalationRequest open_escalation_channel",
    "escalationlog": "Decision EscalationLog",
    "events": (
        "Action EscalationDecided EscalationKind EscalationLevel EscalationRaised Event Failure Integrated "
        "Leaked LeftOut PlanMade Question Reason RetryScheduled RolledBack RunFinished RunStarted "
        "SessionCancelled SessionCompleted SessionFailed SessionId SessionProgress SessionSkipped "
        "SessionStarted SessionTimedOut SessionWaiting WorkspaceReady"
    ),
    "graph": "DependencyGraph",
    "loader": "load_specs",
    "orchestrator": "Orchestrator",
    "plan": "Plan make_plan",
    "project": "Project find_project",
    "spec": "Spec SpecStatus",
    "state": "RunState Session Status",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOME_OF:
        message = f"module 'aad' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"aad.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
