"""The English words by which people away from the run are told of it, and why they could not be."""

TEXTS: dict[str, str] = {
    # Titles, by the kind of the escalation.
    "notify.title.failed": "aad: {spec} failed",
    "notify.title.timed_out": "aad: {spec} timed out",
    "notify.title.stalled": "aad: {spec} is silent",
    "notify.title.question": "aad: {spec} asks",
    "notify.title.permission": "aad: {spec} asks for permission",
    "notify.title.verify_failed": "aad: {spec} failed its verification",
    "notify.title.conflict": "aad: {spec} has a merge conflict",
    "notify.title.rate_limited": "aad: {spec} reached a rate limit",
    "notify.title.budget": "aad: {spec} used up its budget",
    "notify.title.auth": "aad: {spec} is not signed in",
    "notify.title.spawn_failed": "aad: {spec} could not be started",
    "notify.title.leaked": "aad: {spec} left processes behind",
    # Notifiers, as the warnings about them name them.
    "notify.name_command": "the notification command",
    "notify.name_desktop": "the desktop notification",
    "notify.name_apprise": "the apprise notification (entry {number})",
    # Warnings.
    "notify.failed": "{name} for {escalation} failed: {why}",
    "notify.late": "{name} for {escalation} took over {limit} s",
    "notify.missing": "{name} is not possible here: {why}",
    "notify.more.one": "{name} failed {count} more time",
    "notify.more.other": "{name} failed {count} more times",
    "notify.left.one": "{name} was cut off at the end: {count} escalation was not told",
    "notify.left.other": "{name} was cut off at the end: {count} escalations were not told",
    # Why.
    "notify.desktop_missing": 'there is neither osascript nor notify-send with a desktop to reach (take "desktop" out of `notify` in [escalation])',
    "notify.variable_unset": "the variable {variable} is not set",
    "notify.apprise_missing": "the library apprise is not installed (pip install 'aad-orchestrator[apprise]')",
    "notify.apprise_address": "apprise cannot read the address",
    "notify.apprise_refused": "the service refused it with HTTP status {status}",
    "notify.apprise_undelivered": "the service could not be reached, or did not take it",
}
