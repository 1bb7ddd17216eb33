"""Which workspace a spec gets: its own word, else the settings'. Makes none, and looks at no folder."""

from aad.config import WorkspaceSettings
from aad.spec import Spec


def choose_isolation(spec: Spec, settings: WorkspaceSettings, *, in_repository: bool) -> str:
    """Return where a spec's sessions work: `worktree`, `directory` or `none`, the project's root."""
    if spec.isolation is not None:
        return spec.isolation
    if settings.isolation != "auto":
        return settings.isolation
    return "worktree" if in_repository else "none"
