"""What agents are told besides the spec."""

TEXTS = {
    "prompt.rules": (
        "\n\n## How to work here\n\n"
        "You carry out the spec above ({spec}) by yourself, in the current folder, and nobody watches. "
        "Do all of it, and nothing that it does not ask for. Work in this folder only. "
        "You need not commit: what you leave in the folder is committed for you.\n"
        "Say how far you are now and then: append a line like "
        '{{"progress": 0.4, "message": "what you do"}} to the file that the variable AAD_EVENTS names.\n'
    ),
    "prompt.verify": "Your work is done when this passes: `{check}`\n",
    "prompt.ask_live": (
        "If you need a person's decision and have a tool to ask the user, ask with it and wait: a person answers. "
        "Where you have none, this holds:\n"
    ),
    "prompt.ask_reply": (
        "If you cannot go on without a person's decision, do not guess: end with the status `question`, "
        "the question, and the options if there are any. If it cannot be done, end with `failed` and say why "
        "in the summary. Else end with `done`; the summary says in a few sentences what you made.\n"
    ),
    "prompt.ask_file": (
        "If you cannot go on without a person's decision, do not guess: append a line like "
        '{{"question": "…", "options": ["…", "…"]}} to the file that the variable AAD_EVENTS names, and stop. '
        "Else end by saying in a few sentences what you made.\n"
    ),
    "prompt.needed": "\n\n## What is there already\n\nThese specs were carried out before; their work is in the folder.\n\n",
    "prompt.needed_item": "- {spec} {title}",
    "prompt.begun": (
        "\n\n## Begun before\n\n"
        "This was begun already, and cut short. Look at what is done in the folder, and go on from there.\n"
    ),
    "prompt.conflict": (
        "\n\n## Merge conflict in the attempt before\n\n"
        "This was done once already, and could not be merged with work that was finished meanwhile{others}. "
        "That work is in your workspace now. Do the task again on top of it, and keep what it does. "
        "The files in conflict were:\n\n{files}"
    ),
    "prompt.unverified": (
        "\n\n## Verification failed in the attempt before\n\n"
        "This was done once already, and the check of the result failed. Do the task so that it passes. "
        "The end of what the check said:\n\n{quoted}"
    ),
    "prompt.unverified_silent": (
        "\n\n## Verification failed in the attempt before\n\n"
        "This was done once already, and the check of the result failed. Do the task so that it passes. "
        "The check said nothing; its exit status was {status}.\n"
    ),
    "prompt.answers": "\n\n## What a person has answered\n\n",
    "prompt.answered": "It was asked:\n\n{question}\n\nThe answer to your question is:\n\n{answer}\n\n",
    "prompt.hint": "A person says to the attempt before:\n\n{answer}\n\n",
    "prompt.go_on": (
        "Go on with the task; look at what is already done in the folder. What else you asked has no answer yet: "
        "ask it again if you still need it."
    ),
    "prompt.refused": "A person does not allow this. Do without it.",
    "prompt.continue": (
        "You were interrupted. Look at what is already done in the folder, and go on with the task to its end."
    ),
}
