"""The English words in which a run asks the person at its terminal. The letters are the same everywhere."""

TEXTS: dict[str, str] = {
    "dialog.asks": "{spec} asks ({number} of {total}):",
    "dialog.stuck": "{spec} needs a decision ({number} of {total}):",
    "dialog.number_or_words": "number or own words",
    "dialog.words": "own words",
    "dialog.retry": "{key} retry",
    "dialog.skip": "{key} skip",
    "dialog.continue": "{key} skip, dependents run",
    "dialog.abort": "{key} abort",
    "dialog.wait": "{key} later",
    "dialog.out_of_range": "there is no option {number} (they are 1 to {count})",
    "dialog.doubt": '"{answer}" is none of the options: Enter sends it as it is, anything else asks again',
    "dialog.many_lines": "more than one line came, so none was taken: type one line, paste again, or use aad escalations answer {id} TEXT",
    "dialog.one_line": "more than one line came, so none was taken",
    "dialog.cut": "the terminal cuts lines at {count} bytes, so this one was not taken: send shorter lines, or use aad escalations answer {id} TEXT",
    "dialog.in_part": "shown in part; all of it: aad escalations show {id}",
    "dialog.elsewhere": "no longer open",
}
