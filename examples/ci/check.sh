#!/bin/sh
# One CI step: refuses faulty specs, runs all of them, keeps the events, names what did not complete.
#
#     check.sh [EVENTS_FILE]
#
# Ends with aad's own exit status: 0 all complete, 1 something failed, 2 faulty specs or settings.
set -eu
events=${1:-aad-events.jsonl}

# All faults of all spec files at once, before anything is started.
aad specs check

status=0
aad orchestrate --all --log-format json --progress none > "$events" || status=$?

# Events are JSON, one a line. Exactly one of these types ends each session.
python3 - "$events" << 'PYTHON'
import json
import sys
from pathlib import Path

ENDS = ("completed", "failed", "timed_out", "cancelled", "skipped")
events = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
for event in events:
    end = event["type"].removeprefix("session_")
    if event["type"].startswith("session_") and end in ENDS:
        print(f"{event['spec']}: {end}")
PYTHON

exit "$status"
