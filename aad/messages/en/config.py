"""The English words for faults in the settings."""

TEXTS: dict[str, str] = {
    # The file
    "config_unreadable": "cannot be read: {fault} (make it readable)",
    "config_encoding": "is not UTF-8 (save it as UTF-8)",
    "config_syntax": "not valid TOML: {fault} (texts need quotes, and no key may stand twice)",
    "config_monstrous": "a number is too long, or brackets are nested too deeply (make it smaller)",
    "config_profile": "there is no profile {profile} (known: {known})",
    "config_no_profiles": "there is no profile {profile} (write one as [profile.{profile}])",
    # Keys
    "config_unknown": "`{name}` is no setting (known here: {known})",
    "config_unknown_near": "`{name}` is no setting (did you mean `{near}`?)",
    "config_variable_near": "{name} is no setting (did you mean {near}?)",
    "config_twice": "`{name}` says the same as `{other}` (keep `{other}` only)",
    "config_specs_missing": '`{name}` is missing (say which specs are meant: specs = "SPEC-00*")',
    "config_action_missing": "`{name}` is missing (say what is decided: retry, skip, continue, abort, answer or wait)",
    # Values
    "config_flag": "`{name}` must be true or false, not {value}",
    "config_text": "`{name}` must be a text in quotes, without NUL characters",
    "config_list": '`{name}` must be a list such as ["a", "b"]',
    "config_table": "`{name}` must be a table such as {{ key = 1 }}",
    "config_table_json": '`{name}` must be a JSON object such as {{"key": 1}}',
    "config_command": '`{name}` must be a shell line, or a list with a program and its arguments: ["make", "test"]',
    "config_agents": "`{name}` must be the name of an agent, or a list of names, not {value}",
    "config_agents_gap": "`{name}` holds an empty name: {value} (take it out, or write which agent is meant)",
    "config_agent_name": (
        "`{name}`: an agent cannot be called that (its name needs letters, digits, `_`, `.` and `-`, and nothing else)"
    ),
    "config_agent_no_kind": (
        "`{name}` is missing: an agent with a name of your own needs one of {known} "
        '(write it as kind = "claude", or call the table by one of these)'
    ),
    "config_agent_unknown": (
        "`{name}`: there is no agent {agent} (choose one of {known}, or give it a table [agents.{agent}])"
    ),
    "config_agent_kind": "`{name}` must be one of {known}, not {value}",
    "config_choice": "`{name}` cannot be {value} (known: {known})",
    "config_later": "`{name}` cannot be {value} yet (this version offers: {known})",
    "config_whole": "`{name}` must be a whole number from {least} to {most}, not {value}",
    "config_number": "`{name}` must be a number from {least} to {most}, not {value}",
    "config_duration": (
        '`{name}` must be a duration such as "90s", "30m" or "1h30m", at most ten years, not {value}'
    ),
    "config_duration_range": "`{name}` must be from {least} to {most} seconds, not {value}",
    "config_size": '`{name}` must be a size such as "500kB", "10MB" or "1GiB", at most a petabyte, not {value}',
    "config_size_range": "`{name}` must be from {least} to {most} bytes, not {value}",
    "config_pattern": "`{name}` must be a regular expression: {fault}",
    "config_branch": (
        '`{name}` must hold {{spec}}, where the id goes, and no other braces: "aad/{{spec}}", not {value}'
    ),
    "config_address": (
        '`{name}` must be an address such as "mailto://…", or a variable that holds it: "$CHAT_URL"'
    ),
    "config_answer": '`{name}` must say what is answered: text = "Use the second one."',
    "config_no_answer": '`{name}` has no place beside the action {value} (remove it, or answer: action = "answer")',
    # Rules and bounds without use
    "config_bound_cost": (
        "`{name}` does not hold whoever tells no cost: {agents} (set `max_tokens` or `max_turns` beside it)"
    ),
    "config_rule_action": "`{name}`: this rule never decides: `{action}` can do nothing about the kind {kind} (possible: {known})",
    "config_rule_late": "`{name}`: this rule never decides: {before} decides before it (put it further up, or take it out)",
    "config_rule_level": "`{name}`: this rule never decides: what `{action}` decides of the kind {kind} never has the level {value} (possible: {known})",
    "config_rule_specs": "`{name}`: this rule never decides: no spec's id matches {value} (mend the pattern, or take the rule out)",
    "config_variable": "`{name}` cannot be the name of an environment variable (no `=`, and not empty)",
}
