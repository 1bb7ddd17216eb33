"""The English words for faults in spec files, in what was selected, and in the graph."""

TEXTS: dict[str, str] = {
    "cycle": "specs need each other in a circle: {cycle} (take out one of these dependencies)",
    # Ids
    "spec_id_empty": "the id is empty (write one, such as SPEC-001)",
    "spec_id_characters": "{id} cannot be an id (use letters, digits, `.`, `_` and `-` only)",
    "spec_id_long": "{id} is too long for an id (at most {limit} bytes)",
    "spec_id_dots": (
        "{id} cannot be an id (it must not begin with `.` or `-`, end with `.` or `.lock`, or hold `..`)"
    ),
    "spec_id_reserved": "{id} cannot be an id (aad keeps a file or branch of that name; choose another)",
    "spec_id_heading": (
        "the heading names {heading}, but the spec is {id} (rename the file, or mend the heading)"
    ),
    "spec_id_twice": "{id} is also the id of {other} (ids must differ in more than case; change one)",
    # Files
    "spec_folder_missing": (
        "{folder} does not exist (`aad init` makes a first spec, --specs-dir names another folder)"
    ),
    "spec_folder_unreadable": "{folder} cannot be read: {fault} (make it readable)",
    "spec_none_found": "no specs in {folder} (write one as SPEC-001.md, or let `aad init` do it)",
    "spec_file_name": "the file's name holds characters that cannot be shown (rename it)",
    "spec_no_file": "is not a file (remove it, or give it a name that does not end with .md)",
    "spec_unreadable": "cannot be read: {fault} (make it readable, or remove it)",
    "spec_empty": "is empty (say what is to be done, or remove it)",
    "spec_encoding": "is not UTF-8 (save it as UTF-8)",
    "spec_nul": "holds a NUL byte (save it as UTF-8 text)",
    # Heads
    "spec_head_open": "the front matter has no end (close it with a line `---`)",
    "spec_head_yaml": "the front matter is not valid YAML: {fault} (put quotes around the value?)",
    "spec_head_no_keys": "the front matter must be lines of `key: value`",
    "spec_head_deep": "the front matter nests too deeply (a value is a text, or a list of texts)",
    "spec_key_twice": "`{key}` stands in line {first} already (keep one of them)",
    "spec_key_unknown": "unknown key `{key}` (keys of your own begin with `x-`)",
    "spec_key_unknown_near": "unknown key `{key}` (did you mean {near}? keys of your own begin with `x-`)",
    "spec_value_text": "`{key}` must be one text (put quotes around it?)",
    "spec_value_texts": "`{key}` must be a text or a list of texts",
    "spec_value_command": "`{key}` must be a shell line, or a list with a program and its arguments",
    "spec_value_choice": "`{key}` cannot be {value} (known: {known})",
    "spec_value_duration": '`{key}` must be a duration such as "90s", "30m" or "1h30m", not {value}',
    "spec_value_count": "`{key}` must be a whole number from 0 to {limit}, not {value}",
    "spec_value_integer": "`{key}` must be a whole number from -{limit} to {limit}, not {value}",
    "spec_status": "unknown status {status} (known: {known})",
    "spec_range": "{range} is not a range of ids (from the lower to the higher, at most {limit} of them)",
    # References
    "spec_unresolved": "depends on {id}, which does not exist (write it, or take it out)",
    "spec_unresolved_near": "depends on {id}, which does not exist (did you mean {near}?)",
    "spec_conflict_unresolved": "conflicts with {id}, which does not exist (write it, or take it out)",
    "spec_conflict_unresolved_near": "conflicts with {id}, which does not exist (did you mean {near}?)",
    # Selection
    "select_empty": "no spec is named (--specs SPEC-001,SPEC-002 names some, --all takes all)",
    "select_unknown": "no spec matches {name} (`aad specs` lists them)",
    "select_unknown_near": "no spec matches {name} (did you mean {near}?)",
    "select_only_drafts": "nothing but drafts: {ids} (approve them, or pass --allow-draft)",
    "select_draft": "{id} is a draft (approve it, or pass --allow-draft)",
    "select_draft_needed": "depends on {id}, which is a draft (approve it, or pass --allow-draft)",
}
