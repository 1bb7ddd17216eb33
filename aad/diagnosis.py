"""Judges what was found of a machine and a project: will aad work here, and what holds? Looks at nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from attrs import evolve, frozen

from aad.agents.base import Caps
from aad.agents.probing import Probed
from aad.checkout import Checkout
from aad.descriptors import count_affordable, count_needed
from aad.errors import Problem
from aad.gitcalls import OLDEST, GitError
from aad.machine import Means
from aad.project import Project
from aad.version import __version__

# With less disk space than this a run is not likely to come to its end.
LOW = 100_000_000
NOTHING: Mapping[str, object] = MappingProxyType({})
# What people hear of an agent: what it can do, in this order, and what they would count on in vain.
CAPS = ("resumes", "plans", "tokens", "cost", "turns", "budget", "replies", "sandbox")
MISSED = ("cost", "sandbox")
# What is no fault of a project, but its beginning.
BEGINNINGS = ("spec_folder_missing", "spec_none_found")


class State(StrEnum):
    """How something stands; only a problem keeps aad from working."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    PROBLEM = "problem"


@frozen
class Check:
    """How one thing stands, and the sentence that says it: a `Problem` also where none is.

    `remedy` is the key of the way out, which has the same fields; None where the sentence says it itself.
    `details` are facts beside it, none of which is well or bad.
    """

    id: str
    state: State
    told: Problem
    remedy: str | None = None
    details: tuple[Problem, ...] = ()


def is_sound(checks: Iterable[Check]) -> bool:
    """Tell whether nothing keeps aad from working."""
    return all(check.state is not State.PROBLEM for check in checks)


def check_version(python: str) -> Check:
    """Name the versions that everything else is said about."""
    return _say("aad", State.OK, "doctor.aad", {"version": __version__, "python": python})


def check_platform(platform: str, system: str, release: str) -> Check:
    """Judge the system, called as `sys.platform` calls it and as people do."""
    fields = {"system": system, "release": release}
    if platform == "linux":
        return _say("platform", State.OK, "doctor.platform", fields)
    if platform == "darwin":
        return _say(
            "platform", State.WARNING, "doctor.platform_untested", fields, remedy="doctor.platform_remedy"
        )
    return _say("platform", State.PROBLEM, "doctor.platform_unknown", fields, remedy="doctor.platform_remedy")


def check_containment(platform: str, means: Means) -> list[Check]:
    """Say which of the promises about processes holds; what is missing on Linux, each by itself."""
    if platform != "linux":
        key = "doctor.contained_groups" if platform == "darwin" else "doctor.contained_unknown"
        return [_say("containment", State.WARNING, key, remedy="doctor.platform_remedy")]
    missing = []
    if not means.proc:
        missing.append(_lack(State.PROBLEM, "doctor.no_proc", "doctor.no_proc_remedy"))
    if not means.orphans:
        missing.append(_lack(State.WARNING, "doctor.no_orphans", "doctor.no_orphans_remedy"))
    if not means.handles:
        missing.append(_lack(State.WARNING, "doctor.no_handles", "doctor.no_handles_remedy"))
    whole = "doctor.contained" if means.children else "doctor.contained_by_parents"
    return missing or [_say("containment", State.OK, whole)]


def check_git(version: tuple[int, ...] | GitError, *, wanted: bool) -> Check:
    """Judge git's version; it is a problem only where sessions are `wanted` to have worktrees."""
    state = State.PROBLEM if wanted else State.WARNING
    oldest = _show_version(OLDEST)
    if isinstance(version, GitError):
        fields = {"told": version.told, "oldest": oldest}
        return _say("git", state, "doctor.git_missing", fields, remedy="doctor.git_remedy")
    fields = {"found": _show_version(version), "oldest": oldest}
    if version < OLDEST:
        return _say("git", state, "doctor.git_old", fields, remedy="doctor.git_remedy")
    return _say("git", State.OK, "doctor.git", fields)


def check_repository(checkout: Checkout | None) -> Check:
    """Name the repository that a project belongs to, if it does."""
    if checkout is None:
        return _say("repository", State.INFO, "doctor.repository_none")
    fields = {"top": str(checkout.top), "branch": checkout.branch}
    key = "doctor.repository_detached" if checkout.branch is None else "doctor.repository"
    return _say("repository", State.OK, key, fields)


def blame_repository(faults: Iterable[Problem], *, wanted: bool) -> list[Check]:
    """Tell why no worktree could be made; it matters only where sessions are `wanted` to have some."""
    return [Check("repository", State.PROBLEM if wanted else State.INFO, fault) for fault in faults]


def check_project(project: Project, *, there: bool) -> Check:
    """Name the project, or say that there is none yet."""
    fields = {"folder": str(project.root)}
    if there:
        return _say("project", State.OK, "doctor.project", fields)
    return _say("project", State.INFO, "doctor.project_none", fields, remedy="doctor.project_remedy")


def check_config(path: str, faults: Iterable[Problem], *, there: bool) -> list[Check]:
    """Tell all faults of the settings, or where they lie."""
    if blamed := [Check("config", State.PROBLEM, fault) for fault in faults]:
        return blamed
    if there:
        return [_say("config", State.OK, "doctor.config", {"path": path})]
    return [_say("config", State.INFO, "doctor.config_none", {"path": path})]


def warn_of_config(warnings: Iterable[Problem]) -> list[Check]:
    """Tell what in the settings has no use."""
    return [Check("config", State.WARNING, warning) for warning in warnings]


def check_specs(specs: int, faults: int) -> Check:
    """Count the specs, and what is wrong with their files."""
    fields = {"specs": specs, "faults": faults}
    if faults:
        return _say("specs", State.PROBLEM, "doctor.specs_faulty", fields, remedy="doctor.specs_remedy")
    return _say("specs", State.OK, "doctor.specs", fields)


def blame_specs(faults: Iterable[Problem]) -> list[Check]:
    """Tell why no specs were read."""
    return [
        Check("specs", State.INFO if fault.key in BEGINNINGS else State.PROBLEM, fault) for fault in faults
    ]


def excuse_specs() -> Check:
    """Say that the specs were not read: which status means what is for the settings to say."""
    return _say("specs", State.INFO, "doctor.specs_unread")


def check_folder(folder: str, unwritable: Path | None) -> Check:
    """Judge the folder of the runs by what in it, or above it, cannot be written to."""
    if unwritable is None:
        return _say("folder", State.OK, "doctor.folder", {"folder": folder})
    fields = {"folder": str(unwritable)}
    return _say("folder", State.PROBLEM, "doctor.folder_unwritable", fields, remedy="doctor.folder_remedy")


def check_lock(trouble: str | None) -> Check:
    """Judge by what a lock met whether one run can keep another out."""
    if trouble is None:
        return _say("lock", State.OK, "doctor.lock")
    return _say(
        "lock", State.PROBLEM, "doctor.lock_impossible", {"cause": trouble}, remedy="doctor.lock_remedy"
    )


def check_disk(free: int, shown: str) -> Check:
    """Judge the bytes that are free, `shown` as people read them."""
    if free < LOW:
        return _say("disk", State.WARNING, "doctor.disk", {"free": shown}, remedy="doctor.disk_remedy")
    return _say("disk", State.OK, "doctor.disk", {"free": shown})


def check_holder(run: str | None) -> Check:
    """Say who holds the project."""
    if run is None:
        return _say("holder", State.INFO, "doctor.holder_none")
    return _say("holder", State.INFO, "doctor.holder", {"run": run})


def check_agents(found: Sequence[Probed], lists: Collection[Sequence[str]] = ()) -> list[Check]:
    """Say of each coding agent how it stands, or that there is none; by `lists` specs are to be run."""
    missing = {each.name for each in found if each.program is None}
    # Where a list has one that is there, that one takes over.
    needed = {name for names in lists if missing.issuperset(names) for name in names}
    checks = [check_agent(each, needed=each.name in needed) for each in found]
    return checks or [_say("agents", State.INFO, "init.no_agents")]


def check_agent(found: Probed, *, needed: bool) -> Check:
    """Judge one coding agent; that there is none is a problem only where nobody else can run a spec."""
    version = f"{found.kind} {found.version or '?'}"
    shown = version if found.name == found.kind else f"{found.name} ({version})"
    sign = found.signed_in
    fields = {"name": found.name, "agent": shown, "at": "" if sign is None else sign.at}
    if found.program is None:
        return _say_missing(found, fields, needed=needed)
    key = "doctor.agent_unsigned" if sign is None else f"doctor.agent_{sign.by}"
    told = _say("agents", State.INFO if sign is None else State.OK, key, fields)
    return evolve(told, details=tuple(map(Problem, describe_caps(found.caps))))


def _say_missing(found: Probed, fields: Mapping[str, object], *, needed: bool) -> Check:
    remedy = "doctor.agent_remedy"
    if found.wanted and not needed:
        return _say("agents", State.WARNING, "doctor.agent_replaced", fields, remedy=remedy)
    state = State.PROBLEM if needed else State.INFO
    return _say("agents", state, "doctor.agent_missing", fields, remedy=remedy)


def describe_caps(caps: Caps) -> list[str]:
    """Return the keys of the words for what an agent can do, and for what it is better to know it cannot."""
    can = [f"doctor.can_{name}" for name in CAPS if getattr(caps, name)]
    return can + [f"doctor.cannot_{name}" for name in MISSED if not getattr(caps, name)]


def check_files(limit: int, slots: int) -> Check:
    """Judge by the limit on open files whether all slots can be used."""
    affordable = count_affordable(limit)
    fields = {"limit": limit, "affordable": affordable, "slots": slots, "needed": count_needed(slots)}
    if affordable < slots:
        return _say("files", State.WARNING, "doctor.files_few", fields, remedy="doctor.files_remedy")
    return _say("files", State.OK, "doctor.files", fields)


def check_output(encoding: str, symbols: str) -> Check:
    """Say in which encoding we write, and with which set of symbols."""
    return _say("output", State.INFO, "doctor.output", {"encoding": encoding, "symbols": symbols})


def _lack(state: State, key: str, remedy: str) -> Check:
    return _say("containment", state, key, remedy=remedy)


def _say(
    name: str, state: State, key: str, fields: Mapping[str, object] = NOTHING, *, remedy: str | None = None
) -> Check:
    return Check(name, state, Problem(key, fields), remedy)


def _show_version(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) or "?"
