"""The English words for what the commands say, and their help.

In a help text, a line that is a backspace alone keeps the lines below it as they are.
"""

TEXTS: dict[str, str] = {
    # Help: aad itself.
    "help.aad": """\
Run written specs in dependency order, side by side, each as a supervised child session.

\b
First steps:
  aad init                         make a project with a first spec
  aad orchestrate --all --dry-run  show what would be done
  aad orchestrate --all            do it
  aad status                       see where it stands, from any terminal

`aad COMMAND --help` tells more about a command.""",
    "help.commands": "Commands",
    "help.init": "Set up a project: settings, folders, a first spec.",
    "help.orchestrate": "Run specs, or show what would be done.",
    "help.status": "Show where a run stands.",
    "help.logs": "Print what a session wrote.",
    "help.escalations": "List, show, answer or resolve what sessions raised.",
    "help.graph": "Draw what depends on what.",
    "help.runs": "List, show or prune runs.",
    "help.clean": "Remove worktrees that nobody needs.",
    "help.specs": "List or check the spec files.",
    "help.doctor": "Say whether aad will work here.",
    # Help: what several commands have.
    "help.option-color": "Colour the output; auto does on terminals and in CI logs.",
    "help.option-symbols": "The signs to draw with; auto takes what can be shown.",
    "help.option-lang": "The language to speak.",
    "help.option-format": "How to write what is asked for: the first is the default.",
    # Help: orchestrate.
    "help.orchestrate.long": """\
Run specs, each in a child session of its own: as many at once as there are slots, and each as soon as what it \
depends on is complete. What fails holds up only what depends on it.

\b
Examples:
  aad orchestrate --all
  aad orchestrate --specs SPEC-001,SPEC-002 --dry-run
  aad orchestrate --specs 'SPEC-00*' --jobs 4 --fail-fast
  aad orchestrate --resume

\b
Exit status:
  0       every selected spec is complete
  1       some spec failed, timed out or was skipped
  2       nothing was started: usage, settings, spec files or graph
  3       internal error
  4       stopped waiting for a person, a quota or disk space
  5       no spec matched
  6       another run holds this project
  124     the whole run's deadline passed
  128+n   ended by signal n""",
    "help.orchestrate.specs": "Run these specs and what they need: ids, or globs in quotes.",
    "help.orchestrate.all": "Run all specs that are approved.",
    "help.orchestrate.dry-run": "Show the plan and start nothing.",
    "help.orchestrate.resume": "Go on with a run: the newest, or the one whose id begins so.",
    "help.orchestrate.accept-changes": "With --resume, go on though specs were edited or removed meanwhile.",
    "help.orchestrate.jobs": "How many sessions run at once.  [default: as many as cores]",
    "help.orchestrate.schedule": "Start a spec as soon as it can be (eager), or wave by wave.",
    "help.orchestrate.agent": "What runs the specs that name no agent of their own.",
    "help.orchestrate.fail-fast": "Start nothing more once a spec has failed.",
    "help.orchestrate.timeout": "How long a session may take: 90s, 30m, 1h30m.",
    "help.orchestrate.specs-dir": "The folder of the specs.  [default: .aad/specs]",
    "help.orchestrate.no-deps": "Take only what is named; what it needs counts as met.",
    "help.orchestrate.allow-draft": "Take drafts too.",
    "help.orchestrate.profile": "Use the settings of [profile.NAME] in config/aad.toml.",
    "help.orchestrate.progress": "How to tell of the run on stderr; this version shows live as plain.",
    "help.orchestrate.log-format": "With json, write every event to stdout as a line of JSON.",
    "help.orchestrate.quiet": "Tell only failures and the summary.",
    "help.orchestrate.verbose": "Tell the time, progress and decisions too.",
    # Help: the others.
    "help.init.long": """\
Set up a project in this folder, or complete the one that it lies in: config/aad.toml with every setting and its \
default, .aad/ for specs and runs, and a first spec that runs as it is. Nothing that is there is overwritten.

\b
Afterwards:
  aad orchestrate --all""",
    "help.status.long": """\
Show where a run stands, going on or over: the newest, or the one whose id begins with RUN.

A run whose process is gone without a word is shown as interrupted; `aad orchestrate --resume` goes on with it.

\b
Examples:
  aad status
  aad status 20261122 --format json""",
    "help.logs.long": """\
Print what the session of SPEC wrote, unchanged: its newest attempt in the newest run, unless told otherwise.

\b
Examples:
  aad logs SPEC-003
  aad logs SPEC-003 -f
  aad logs SPEC-003 --attempt 1 --run 20261122-21 | less -R""",
    "help.logs.follow": "Print more as it is written, attempt after attempt, to the session's end.",
    "help.logs.attempt": "Which attempt, from 1.  [default: the newest]",
    "help.logs.run": "Which run; the beginning of its id will do.  [default: the newest]",
    "help.escalations.long": """\
Failures, questions and trouble that sessions raised to the parent session, and what was decided about them. \
Without a command, list them.""",
    "help.escalations.list": "List all escalations.",
    "help.escalations.list.long": """\
List all escalations of the project, the newest last: id, level, kind, time, state and reason, and the run where there \
are several.""",
    "help.escalations.show": "Show one escalation in full.",
    "help.escalations.show.long": """\
Show one escalation in full: the reason, how the child ended, what it blocks, the question, the decision, and the \
end of the log. ID is as in the list; the path of the escalation's file will do.

\b
Examples:
  aad escalations show SPEC-003-error
  aad escalations show SPEC-003-error --format json""",
    "help.escalations.answer": "Answer what a session asks.",
    "help.escalations.answer.long": """\
Answer the question of an escalation. TEXT is one of the options that are offered, by its words or its number; where \
none are offered, it is your own words. ID is as in the list; the path of the escalation's file will do. A run that \
waits goes on at once, any other with aad orchestrate --resume.

\b
Examples:
  aad escalations answer SPEC-002-warning 2
  aad escalations answer SPEC-002-warning "neither: use DuckDB" --free-text
  aad escalations answer SPEC-002-warning -1""",
    "help.escalations.answer.free-text": "Take TEXT as it is, whatever options are offered.",
    "help.escalations.resolve": "Decide what becomes of a session.",
    "help.escalations.resolve.long": """\
Decide about an escalation in one of four ways. ID is as in the list; the path of the escalation's file will do. A run \
that waits goes on at once, any other with aad orchestrate --resume.

\b
Examples:
  aad escalations resolve SPEC-003-error --retry
  aad escalations resolve SPEC-003-error --skip --reason "not this week\"""",
    "help.escalations.resolve.retry": "Try the spec again.",
    "help.escalations.resolve.skip": "Skip the spec, and all that depends on it.",
    "help.escalations.resolve.continue": "Skip the spec, but run what depends on it.",
    "help.escalations.resolve.abort": "End the run.",
    "help.escalations.resolve.reason": "Why; it is kept with the decision.",
    "help.graph.long": """\
Draw which specs depend on which: all of them, or those selected with what they need. Nothing is started.

\b
Examples:
  aad graph
  aad graph --specs SPEC-004 --format json
  aad graph --format dot | dot -Tsvg > specs.svg""",
    "help.graph.specs": "Draw these specs and what they need: ids, or globs in quotes.",
    "help.graph.all": "Draw all specs; the default.",
    "help.runs.long": "The runs of this project. Without a command, list them.",
    "help.runs.list": "List all runs.",
    "help.runs.list.long": """\
List all runs of the project, the newest last: id, status, start, duration, and what became of the specs.""",
    "help.runs.show": "Show one run in full.",
    "help.runs.show.long": """\
Show one run in full, with its summary: the newest, or the one whose id begins with RUN.

\b
Examples:
  aad runs show
  aad runs show 20261122-21 --format json""",
    "help.runs.prune": "Remove old runs.",
    "help.runs.prune.long": """\
Remove the runs that are too old, too many or too big, oldest first, with the escalations that were decided in them. \
The bounds are those of [runs] in config/aad.toml; 0 means none.

The newest run always stays, and so does one in which something still waits for a person.

\b
Examples:
  aad runs prune --dry-run
  aad runs prune --keep 20 --max-age 0 --max-size 0

\b
Exit status:
  0   all that was to go is gone
  1   something could not be removed; it is named
  2   nothing was removed: usage, settings
  6   a run holds this project""",
    "help.runs.prune.dry-run": "Show what would go and remove nothing.",
    "help.runs.prune.keep": "Leave so many of the newest runs.",
    "help.runs.prune.max-age": "Leave no run that was last heard of longer ago.",
    "help.runs.prune.max-size": "Leave no more than this in all, the newest first.",
    # Help: clean.
    "help.clean.long": """\
Remove the worktrees that sessions have left: those that the journal of a run says are ours, and that hold nothing \
which no commit holds. Whatever else lies there is kept, and told with the reason.

Work is not lost: what was integrated is on its branch, and what failed under refs/aad. Files that git ignores do not \
count, and go with their worktree. A folder of a session's own (isolation = "directory") is always kept, for its \
results are only there.

\b
Examples:
  aad clean --dry-run
  aad clean

\b
Exit status:
  0   all that may go is gone
  1   something could not be looked through or removed; it is named
  2   nothing was removed: usage, settings, or a damaged repository
  6   a run holds this project""",
    "help.clean.dry-run": "Show what would go and change nothing.",
    "help.specs.long": "The spec files of this project. Without a command, list them.",
    "help.specs.list": "List all specs.",
    "help.specs.list.long": """\
List all specs: id, title, status, what each depends on, and its file. Files that lie among the specs and are none \
stand at the end.""",
    "help.specs.check": "Say what is wrong with the spec files.",
    "help.specs.check.long": """\
Read all spec files and say all that is wrong with them, as path:line. The exit status is 0 if nothing is, 2 if \
something is, 5 if there are no specs.""",
    "help.doctor.long": """\
Say whether aad will work here, and what holds: versions, containment of processes, git, settings, specs, folders, \
agents, limits. Nothing is written, and nothing is started but git, which is asked, and agents, for their versions.

\b
Exit status:
  0   no problem; there may be warnings
  1   at least one problem""",
    # Usage.
    "option_duration_bad": "{value} is no duration (write it like 90s, 30m or 1h30m)",
    "specs_and_all": "--specs and --all exclude each other (name specs, or take them all)",
    "nothing_selected": (
        "nothing is selected (--specs SPEC-001,SPEC-002 names specs, --all takes them all, --resume goes on "
        "with the newest run)"
    ),
    "accept_without_resume": "--accept-changes is about a run that goes on (add --resume)",
    "format_without_dry_run": (
        "--format says how a plan is written (add --dry-run; the events of a run come with --log-format json)"
    ),
    "output_lost": "stdout cannot be written: {cause} (make room, or write elsewhere)",
    "events_lost": "stdout cannot be written: {cause} (the run goes on without its events there; the journal has them)",
    "windows_refused": "aad needs Linux or macOS (on Windows, use it in WSL)",
    # aad init.
    "init.project": "Project {folder}",
    "init.wrote": "{path} written",
    "init.kept": "{path} is there already, left as it is",
    "init.agents": "Coding agents on PATH: {names} ([agent] in config/aad.toml says how they run specs)",
    "init.no_agents": "No coding agent on PATH: specs run by their own `run:` line",
    "init.next": "Next: aad orchestrate --all",
    "init.spec": """\
---
run: echo "Hello from $AAD_SPEC_ID"
---
# {id}: First steps

**Status**: Approved

This spec is complete when its `run` line succeeds. Change the line to what builds your first piece of work,
or take it out and let [agent] in config/aad.toml say which agent reads this text and does it.

## Dependencies

- None

## Acceptance

- [ ] `aad logs {id}` prints a greeting
""",
    "init_unwritable": "cannot be written: {cause} (make it writable, or move it out of the way)",
    # aad logs.
    "logs.attempt": "==> {spec}, attempt {attempt}",
    "logs_spec_unknown": "{spec} is not part of run {run} (its specs: {known}; --run names another run)",
    "logs_spec_unknown_near": "{spec} is not part of run {run} (did you mean {near}? --run names another run)",
    "logs_attempt_unknown": "{spec} has no log of attempt {attempt} in run {run} (there are: {there})",
    "logs_none": "{spec} has no log in run {run} (aad status {run} tells how it stands)",
    "logs_none_here": "{spec} has no log in run {run} (its newest one: aad logs {spec} --run {other})",
    "logs_unreadable": "cannot be read: {cause} (make it readable)",
    # aad runs.
    "runs.none": "there are no runs yet (aad orchestrate --all begins one)",
    "status.unreadable": "unreadable",
    # aad runs prune.
    "prune.why.age": "age: over {limit}",
    "prune.why.count": "count: beyond the newest {limit}",
    "prune.why.size": "size: over {limit} in all",
    "prune.why.begun": "rest of an earlier removal",
    "prune.held.under_way": "kept: it is under way",
    "prune.held.waiting": "kept: something in it waits for a person (aad escalations)",
    "prune.held.workspaces": "kept: it has workspaces (aad clean)",
    "prune.held.left_out": "kept: files that no commit holds are only there (look into SPEC/ATTEMPT/left-out in its folder, then remove that)",
    "prune.size_unknown": "size unknown",
    "prune.nothing": "nothing to remove",
    "prune.planned.one": "{count} run would be removed, {size} freed",
    "prune.planned.other": "{count} runs would be removed, {size} freed",
    "prune.done.one": "{count} run removed, {size} freed",
    "prune.done.other": "{count} runs removed, {size} freed",
    "prune_impossible": "cannot be removed: {cause} (make it removable; the next aad runs prune tries again)",
    # aad clean.
    "clean.removed": "removed",
    "clean.planned": "would be removed",
    "clean.kept.foreign": "kept: no journal says that it is ours",
    "clean.kept.under_way": "kept: its run is under way",
    "clean.kept.waiting": "kept: its session waits for an answer",
    "clean.kept.directory": "kept: its results are only there",
    "clean.kept.locked": "kept: it is locked (git worktree unlock)",
    "clean.kept.impossible": "kept: it could not be looked through or removed",
    "clean.kept.unknown": "kept: git knows no worktree there, and there are files in it",
    "clean.kept.repository": "kept: a repository in it has a history of its own",
    "clean.kept.unfinished": "kept: a merge, rebase or the like is not finished in it",
    "clean.kept.commits": "kept: it has commits that no branch holds",
    "clean.kept.changes": "kept: it has changes that no commit holds",
    "clean.kept.files": "kept: it has files that aad never commits",
    "clean.none": "nothing to remove",
    "clean.gone.one": "{count} worktree removed",
    "clean.gone.other": "{count} worktrees removed",
    "clean.going.one": "{count} worktree would be removed",
    "clean.going.other": "{count} worktrees would be removed",
    "clean.stays.one": "{count} kept",
    "clean.stays.other": "{count} kept",
    "clean_impossible": "cannot be cleaned: {cause} (mend that; the next aad clean tries again)",
    # aad specs.
    "specs.ready": "ready",
    "specs.draft": "draft",
    "specs.complete": "complete",
    "specs.not_spec": "no spec",
    "specs.after": "after {names}",
    "specs.faults.one": "{count} fault in the files (aad specs check says which)",
    "specs.faults.other": "{count} faults in the files (aad specs check says which)",
    "specs.faultless.one": "{count} spec, no faults",
    "specs.faultless.other": "{count} specs, no faults",
    # aad escalations.
    "escalations.none": "there are no escalations (what a session fails at, asks or warns of will stand here)",
    "escalations_unreadable": "cannot be read: {cause} (make it readable)",
    "escalations.state": "state",
    "escalations.level": "level",
    "escalations.kind": "kind",
    "escalations.spec": "spec",
    "escalations.run": "run",
    "escalations.when": "time",
    "escalations.reason": "reason",
    "escalations.failure": "ended",
    "escalations.blocks": "blocks",
    "escalations.files": "files",
    "escalations.specs": "specs",
    "escalations.work": "work",
    "escalations.log": "log",
    "escalations.question": "question",
    "escalations.decision": "decision",
    "escalations.decided": "{action}, decided by {by}",
    "escalations.next_anew": "{command} (does {spec} anew, on top of what is finished by then)",
    "escalations.next_heard": "run {run} is under way: it takes a decision within a second",
    "escalations.state.open": "open",
    "escalations.state.decided": "decided",
    "escalations.level.warning": "warning",
    "escalations.level.error": "error",
    "escalations.level.critical": "critical",
    "escalations.kind.failed": "failed",
    "escalations.kind.timed_out": "timed out",
    "escalations.kind.stalled": "stalled",
    "escalations.kind.question": "question",
    "escalations.kind.permission": "permission",
    "escalations.kind.verify_failed": "verification",
    "escalations.kind.conflict": "conflict",
    "escalations.kind.rate_limited": "rate limit",
    "escalations.kind.budget": "budget",
    "escalations.kind.auth": "sign-in",
    "escalations.kind.spawn_failed": "not started",
    "escalations.kind.leaked": "left processes",
    "escalations.action.retry": "retry",
    "escalations.action.skip": "skip",
    "escalations.action.continue": "continue without it",
    "escalations.action.abort": "abort",
    "escalations.action.answer": "answer",
    "escalations.action.wait": "wait",
    "escalations.action.withdraw": "withdrawn",
    "escalations.withdrawn": "withdrawn: the agent no longer waits for an answer",
    "escalations.by.agent": "its agent",
    "escalations.by.policy": "policy",
    "escalations.by.handler": "handler",
    "escalations.by.person": "a person",
    "decided.answer": "{id}: answered with '{answer}'",
    "decided.retry": "{id}: {spec} is tried again",
    "decided.skip": "{id}: {spec} is skipped, and so is all that depends on it",
    "decided.continue": "{id}: {spec} is skipped, what depends on it runs",
    "decided.abort": "{id}: the run ends",
    "deciding.heard": "run {run} goes on with it",
    "deciding.ended": "run {run} is ending",
    "deciding.resume": "aad orchestrate --resume {run} goes on with it",
    "deciding.not_one": "name one decision: --retry, --skip, --continue or --abort",
    "escalation_unwritable": "cannot be written: {cause} (mend that, and decide again)",
}
