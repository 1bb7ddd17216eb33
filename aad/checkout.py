"""The git repository around a project: what a run needs to know of it, read before anything is started.

Whatever would keep sessions from working in git worktrees is refused here, all of it at once.
"""

import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from attrs import evolve, frozen

from aad.config import WorkspaceSettings
from aad.errors import InputError, Problem
from aad.gitcalls import OLDEST, GitError, ask_git, decode, find_version, read_git, say_why
from aad.isolation import choose_isolation
from aad.project import FOLDER, Project
from aad.spec import Spec

# Who signs commits where git knows nobody, as on a bare machine.
NAME, EMAIL = "aad", "aad@localhost"
# So says git where there is no repository, neither here nor above.
NOWHERE = "not a git repository (or any"
# The branch that collects the results of a run; its last part is the run's id.
RUN_BRANCH = "aad/run/{run}"
# Seconds after which a worktree that is just being made is made.
GLANCE = 0.3
# All of a repository less what is ours (gitglossary(7), pathspec).
_THEIRS = (":/", f":(exclude){FOLDER}", ":(exclude)config/aad.toml")


@frozen(kw_only=True)
class Checkout:
    """A work tree, and the repository that it belongs to.

    `prefix` leads from its top to the project; `common` is the folder that all work trees share. `base` is
    the commit that sessions start from, `branch` the one that is checked out (None: HEAD is detached).
    """

    top: Path
    prefix: str
    common: Path
    base: str
    branch: str | None
    name: str = NAME
    email: str = EMAIL


def lies_in_repository(root: Path) -> bool:
    """Tell whether a project belongs to a git repository: at its top, or in a folder that it has tracked."""
    if (root / ".git").exists():
        return True
    if not any((folder / ".git").exists() for folder in root.parents):
        return False
    try:
        # A home folder may be under git, and the projects in it not.
        return ask_git(root, "rev-parse", "--verify", "--quiet", "HEAD:./").returncode == 0
    except GitError:
        return False


def find_checkout(
    root: Path,
    settings: WorkspaceSettings,
    specs: Iterable[Spec],
    *,
    base: str = "",
    environ: Mapping[str, str] | None = None,
) -> Checkout | None:
    """Return the checkout that worktrees are made from, None where no spec wants one; raises InputError.

    `base` is the commit that a run which goes on began with.
    """
    specs = list(specs)
    in_repository = lies_in_repository(root)
    kinds = {choose_isolation(spec, settings, in_repository=in_repository) for spec in specs}
    if "directory" in kinds and not (root / settings.base).is_dir():
        raise InputError(Problem("workspace_base_missing", {"base": settings.base}, os.fspath(root)))
    if "worktree" not in kinds:
        return None
    checkout = inspect_checkout(root, evolve(settings, base=base or settings.base), environ)
    refuse_broken(checkout.common, Project(root).places(settings.root), {spec.id for spec in specs})
    return checkout


def refuse_broken(common: Path, places: Collection[Path], spec_ids: Collection[str]) -> None:
    """Raise InputError for what somebody else's git left half-made; ours is mended once the run begins."""
    if not any(list_broken(common)):
        return
    # Perhaps somebody is just making one, which takes no time.
    time.sleep(GLANCE)
    foreign = [entry for entry in list_broken(common) if not is_ours(entry, places, spec_ids)]
    if foreign:
        raise InputError(Problem("git_worktree_broken", {}, os.fspath(entry)) for entry in foreign)


def inspect_checkout(
    root: Path, settings: WorkspaceSettings, environ: Mapping[str, str] | None = None
) -> Checkout:
    """Return the checkout that a project lies in; raises InputError where no worktree could be made."""
    where = os.fspath(root)
    try:
        _check_version(where)
        top, prefix, common = locate(root, environ)
        problems = [*_find_faults(common, root, settings, environ)]
        base = _resolve(root, settings.base or "HEAD", environ)
        if base is None:
            key = "git_base_unknown" if settings.base else "git_no_commit"
            problems.insert(0, Problem(key, {"base": settings.base}, where))
        if problems or base is None:
            raise InputError(problems)
        name, email = _find_identity(root, environ)
        return Checkout(
            top=top,
            prefix=prefix,
            common=common,
            base=base,
            branch=_find_branch(root, environ),
            name=name,
            email=email,
        )
    except GitError as error:
        # Whatever is named `.git` need not be a repository: sandboxes leave such things around.
        key = "git_missing" if NOWHERE in error.told else "git_failed"
        raise InputError(Problem(key, {"told": error}, where)) from error


def list_broken(common: Path) -> Iterator[Path]:
    """Yield the entries of worktrees that a killed git left half-made: as long as one is there, git fails."""
    for entry in list_entries(common):
        if not all(_has_content(entry / name) for name in ("gitdir", "HEAD", "commondir")):
            yield entry


def find_worktree(entry: Path) -> Path | None:
    """Return the folder that an entry of `worktrees` belongs to, None where it does not tell."""
    try:
        told = (entry / "gitdir").read_text(errors="surrogateescape").strip()
    except OSError:
        return None
    return Path(os.path.normpath(entry / told)).parent if told else None


def is_ours(entry: Path, places: Collection[Path], spec_ids: Collection[str]) -> bool:
    """Tell whether an entry of worktrees belongs to a session: by its folder, else by its name.

    git calls an entry as the folder is called, and counts on where there is one of that name.
    """
    worktree = find_worktree(entry)
    if worktree is not None:
        real = os.path.realpath(worktree)
        return any(real.startswith(f"{os.path.realpath(place)}{os.sep}") for place in places)
    # The id may itself end in digits: SPEC-0011 is the second SPEC-001.
    name = entry.name
    cuts = (length for length in range(1, len(name) + 1) if not name[length:] or name[length:].isdecimal())
    return any(name[:length] in spec_ids for length in cuts)


def count_uncommitted(root: Path, environ: Mapping[str, str] | None = None) -> int:
    """Return how many tracked files differ from the commit that is checked out; raises GitError.

    Specs and settings do not count: a run takes those as they are.
    """
    told = read_git(
        root, "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames", environ=environ
    )
    return told.count("\0")


def identify(name: str, email: str) -> dict[str, str]:
    """Return the variables that say by whom commits are."""
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", email))
    }


def find_entries(common: Path, path: Path) -> list[Path]:
    """Return what git has on its list of worktrees for a path: one entry, unless something went wrong."""
    # Git names them by the folder's name, and counts: of thousands only few need be read.
    near = [entry for entry in list_entries(common) if entry.name.startswith(path.name)]
    wanted = os.path.realpath(path)
    owners = ((entry, find_worktree(entry)) for entry in near)
    return [entry for entry, found in owners if found is not None and os.path.realpath(found) == wanted]


def list_entries(common: Path) -> list[Path]:
    """Return all that git has on its list of worktrees."""
    try:
        return sorted((common / "worktrees").iterdir())
    except OSError:
        return []


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _check_version(where: str) -> None:
    if shutil.which("git") is None:
        raise InputError(Problem("git_absent", {"oldest": ".".join(map(str, OLDEST))}, where))
    found = find_version()
    if found < OLDEST:
        fields = {"found": ".".join(map(str, found)), "oldest": ".".join(map(str, OLDEST))}
        raise InputError(Problem("git_old", fields, where))


def locate(root: Path, environ: Mapping[str, str] | None = None) -> tuple[Path, str, Path]:
    """Return the top of the checkout around a project, the prefix from there, and git's common folder.

    Raises InputError for a bare repository, and GitError for none.
    """
    asked = ("--is-bare-repository", "--git-common-dir", "--show-toplevel", "--show-prefix")
    told = ask_git(root, "rev-parse", "--path-format=absolute", *asked, environ=environ)
    lines = decode(told.stdout).split("\n")
    if lines[0] == "true":
        raise InputError(Problem("git_bare", {}, os.fspath(root)))
    if told.returncode:
        raise GitError("rev-parse", say_why(told.stderr, told.returncode))
    _, common, top, prefix, *_ = lines
    return Path(top), prefix.rstrip("/"), Path(common)


def _resolve(root: Path, revision: str, environ: Mapping[str, str] | None) -> str | None:
    told = ask_git(
        root,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        environ=environ,
    )
    return decode(told.stdout).strip() if told.returncode == 0 else None


def _find_faults(
    common: Path, root: Path, settings: WorkspaceSettings, environ: Mapping[str, str] | None
) -> Iterator[Problem]:
    where = os.fspath(root)
    if not os.access(common, os.W_OK):
        yield Problem("git_read_only", {"folder": common}, where)
    sample = settings.branch.format_map({"spec": "SPEC-001"})
    if ask_git(root, "check-ref-format", "--branch", sample, environ=environ).returncode:
        yield Problem("git_branch_bad", {"branch": settings.branch}, where)
        return
    for taken in _find_blockers(root, (sample, RUN_BRANCH.format(run="run")), environ):
        yield Problem("git_branch_blocks", {"branch": taken}, where)


def _find_blockers(root: Path, branches: tuple[str, ...], environ: Mapping[str, str] | None) -> list[str]:
    """Return the branches named like a folder of ours: git can keep `aad` or `aad/run/…`, not both."""
    above = {str(parent) for branch in branches for parent in Path(branch).parents} - {"."}
    if not above:
        return []
    refs = [f"refs/heads/{name}" for name in sorted(above)]
    told = read_git(root, "for-each-ref", "--format=%(refname)", *refs, environ=environ).split("\n")
    return [ref.removeprefix("refs/heads/") for ref in refs if ref in told]


def _find_branch(root: Path, environ: Mapping[str, str] | None) -> str | None:
    told = ask_git(root, "symbolic-ref", "--quiet", "--short", "HEAD", environ=environ)
    return decode(told.stdout).strip() if told.returncode == 0 else None


def _find_identity(root: Path, environ: Mapping[str, str] | None) -> tuple[str, str]:
    """Return the name and address that git knows its user by, ours where it does not know both."""
    told = ask_git(root, "config", "--null", "--get-regexp", r"^user\.(name|email)$", environ=environ)
    rows = (row.partition("\n") for row in decode(told.stdout).split("\0") if row)
    known = {key: value.strip() for key, _, value in rows}
    name, email = known.get("user.name"), known.get("user.email")
    return (name, email) if name and email else (NAME, EMAIL)
