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
    "dialog.elsewhere": "answered elsewhere",
}
