"""The English words that are recorded of a session that goes on, waits or is ended.

People read them in their own language, by these templates: of one that is changed here, what older journals
hold stays English.
"""

TEXTS: dict[str, str] = {
    "note.agent_locked": "nobody is signed in to {agent}",
    "note.agent_spent": "{agent} is used up: it is tried again in {duration}",
    "note.agent_spent_other": "{agent} is used up: it is tried again in {duration}; {other} takes over",
    "note.agent_spent_too_long": "{agent} is used up: longer than [orchestrator] quota_wait",
    "note.agent_spent_until": "{agent} is used up until {until}",
    "note.agent_spent_until_too_long": "{agent} is used up until {until}: longer than [orchestrator] quota_wait",
    "note.agent_replaced": "{agent}: {reason}; {other} takes over",
    "note.budget_session": "the session's budget: {spent} used",
    "note.budget_run": "the run's budget: {spent} used",
    "note.spent_turns": "{used} of {most} turns",
    "note.spent_tokens": "{used} of {most} tokens",
    "note.spent_cost": "{used} of {most} USD",
    "note.asks_more": "asks more than one thing at once; only the first is asked, and not: {question}",
    "note.asked_besides": "also asked; the agent is told to ask it again when it goes on: {question}",
    "note.events_strange": "lines in AAD_EVENTS that are not understood: {count}, the first: {line}",
    "note.troubles_over": "over {count} warnings and errors: the rest are not told",
    "note.tool_denied": "the agent was not allowed: {tool}",
    "note.log_torn": "the log is not whole: {why}",
    "note.stuck": "processes that cannot be ended: {names}",
    "note.leaked": "left running, and ended: {names}",
    "note.silent": "silent for {elapsed} of {limit}",
    "note.slow": "slow: running for {elapsed}",
    "note.slow_of": "slow: running for {elapsed} of {limit}",
    "note.unsaved": "its work could not be saved: {why}",
    "note.git_slow": "git took longer than {seconds} s",
    "note.no_progress": "no progress: the attempt ended as the one before, with the same files",
    "note.workspace_gone": "the workspace was deleted",
}
