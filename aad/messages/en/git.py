"""The English words for what git has to do with a run: why none can be made, what became of the work."""

TEXTS: dict[str, str] = {
    "git_absent": 'git is not on PATH, and sessions in this repository have worktrees (install git {oldest} or newer, or set `workspace.isolation` to "none" or "directory")',
    "git_bare": "a bare repository has no files for sessions to work on (run aad in a clone of it)",
    "git_base_unknown": "`workspace.base` is {base}, and this repository has no such branch, tag or commit (name one that `git log {base}` shows, or leave it empty for what is checked out)",
    "git_branch_bad": "`workspace.branch` is {branch}, which makes no branch name that git takes (as in: aad/{{spec}})",
    "git_branch_blocks": "there is a branch {branch}, and beside it git can have none named {branch}/… (git branch -m {branch} another-name)",
    "git_failed": "{told}",
    "git_missing": '`workspace.isolation` is "worktree", and this is no git repository (git init, and commit something; or set it to "none" or "directory")',
    "git_no_commit": 'this repository has no commit yet for sessions to start from (git commit something first, or set `workspace.isolation` to "none" or "directory")',
    "git_old": 'git {found} is too old for worktrees of sessions (install git {oldest} or newer, or set `workspace.isolation` to "none" or "directory")',
    "git_read_only": '{folder} cannot be written, and each session has a worktree there (make it writable, or set `workspace.isolation` to "none" or "directory")',
    "git_worktree_broken": "a git that was killed left this folder half-made, and git makes no more worktrees while it is there (look into it, then remove it)",
    "uncommitted.one": "{count} changed file is not committed: sessions start from the commit {base}, and do not see the change",
    "uncommitted.other": "{count} changed files are not committed: sessions start from the commit {base}, and do not see the changes",
    "workspace_base_missing": '`workspace.base` is {base}, which is no folder here, and sessions with the isolation "directory" start from a copy of it (make it, or leave it empty for an empty folder)',
}
