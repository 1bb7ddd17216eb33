"""A project whose run stopped half-way, what may become of its specs meanwhile, and what is said of it."""

from pathlib import Path

from harness import Line, Project

ALL = ("orchestrate", "--all")
RESUME = ("orchestrate", "--resume")
ACCEPT = (*RESUME, "--accept-changes")
OPEN = (
    "run RUN was planned without these changes "
    "(--accept-changes goes on with them; without --resume a new run begins)"
)
QUESTION = "go on with these changes? [y/N] "
OPEN_JA = (
    "実行 RUN の計画に、これらの変更は含まれていません"
    "（--accept-changes で変更を取り入れて続けるか、--resume なしで新しく始めてください）"
)
EDITED = ".aad/specs/B.md:1: B was edited after run RUN had planned it"
DRAFT = ".aad/specs/B.md:1: B became a draft after run RUN had planned it (approve it, or pass --allow-draft)"
GONE = ".aad/specs/C.md: C was part of run RUN and is gone"


def mark(spec: str) -> str:
    return f"echo {spec} >> marks"


def stopped(folder: Path, **more: list[str]) -> Project:
    """Return a project whose run stopped: A is complete, B failed, C needs B, and others what `more` says."""
    project = Project(folder).spec("A", mark("A")).spec("B", "exit 1", depends_on=["A"])
    for spec, needed in {"C": ["B"], **more}.items():
        project.spec(spec, mark(spec), depends_on=needed)
    project.aad(*ALL).exits(1)
    return project


def mend(project: Project) -> Project:
    return project.spec("B", mark("B"), depends_on=["A"])


def drop(project: Project, *specs: str) -> Project:
    for spec in specs:
        (project.specs / f"{spec}.md").unlink()
    return project


def refusal(*notes: str) -> str:
    """Return what is said where nobody agreed to changes."""
    return "\n".join((*notes, OPEN))


def plans(project: Project) -> list[Line]:
    return project.journal("plan")


def hashes(plan: Line) -> dict[str, str]:
    return {entry["id"]: entry["hash"] for entry in plan["specs"]}


def started(project: Project) -> list[tuple[str, int]]:
    """Return the attempts of the newest run."""
    return [(line["spec"], line["attempt"]) for line in project.journal("session_started")]
