"""Children that misbehave: each ends as it should, and harms nobody beside it."""

import os
import signal
from pathlib import Path

import pytest
from harness import Project, Token, list_children, peak_memory, wait_for_file, wait_for_journal

ALL = ("orchestrate", "--all")
MOST_MEMORY = 100_000_000
MAX_OUTPUT = 10_000_000

# Appends bytes to AAD_EVENTS in pieces, as slowly as a reader can be teased.
TEASE = """
import os, time
news = open(os.environ["AAD_EVENTS"], "ab", buffering=0)
for byte in b'{"progress": 0.25, "message": "a byte at a time"}\\n':
    news.write(bytes([byte])); time.sleep(0.002)
while "a byte at a time" not in open(".aad/runs/latest/journal.jsonl").read():
    time.sleep(0.02)
news.write(b"this is no news\\n")
news.write(b'{"warning": "' + b"x" * 3_000_000 + b'"}\\n')
news.write(b'{"progress": 7, "message": "more than all"}\\n')
"""


class Scene:
    """What became of the children of one run."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def end(self, spec: str) -> dict[str, object]:
        """Return how a session ended, without what is known to all."""
        line = self.project.final(spec)
        failure = {key: line["failure"][key] for key in FAILURE if key in line.get("failure", {})}
        return {"end": line["type"].removeprefix("session_"), **failure}


FAILURE = ("reason", "message", "exit_code", "signal")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Run them all at once, with a stdin that never says anything."""
    project = Project(tmp_path_factory.mktemp("children"))
    project.config("[orchestrator]\nmax_parallel_sessions = 30\nmonitor_interval = '20ms'")
    project.file("not-executable", "#!/bin/sh\n", mode=0o644).file("rubbish", b"\x7fELF rubbish", mode=0o755)
    project.spec("MISSING", ["/no/such/program", "--help"]).spec("MISSING-IN-SHELL", "no-such-program")
    project.spec("NOT-EXECUTABLE", ["./not-executable"]).spec("RUBBISH", ["./rubbish"])
    project.spec(
        "BYTES", r"printf '\377\0caf\303'; sleep 0.1; printf '\251\r\rx\r\n'; printf '\342\202' ; printf end"
    )
    project.spec("CLOSED", "exec >&- 2>&-; sleep 0.3; exit 4")
    project.spec("READER", "cat; echo nothing came")
    project.spec("KILLED", "kill -9 $$").spec("TERMED", "kill -TERM $$").spec("CODE-255", "exit 255")
    project.spec("COLOURFUL", r"printf '\033[31mred\033[0m\007 \033]0;title\007plain\n'; exit 1")
    project.spec("TEASING", ["python3", "-c", TEASE])
    project.spec(
        "NO-FOLDER", f"rm -rf .aad/runs/latest/NO-FOLDER; echo x; {wait_for_journal('TEASING.*completed')}"
    )
    project.spec(
        "TICKING",
        f"sed -i 's/\\[ \\] one/[x] one/' $AAD_SPEC_FILE; {wait_for_journal('session_progress.*TICKING')}",
        body="- [ ] one\n- [ ] two\n",
    )
    project.spec("LONG-LINE", "head -c 20000000 /dev/zero | tr '\\0' x; echo; exit 1")
    project.spec("LONG-WORD", "true " + "x" * 200_000).spec("LONG-NAME", ["x" * 200_000])
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing):
        project.aad(*ALL, stdin=stdin).exits(1)
    return Scene(project)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("MISSING", "/no/such/program: No such file or directory"),
        ("NOT-EXECUTABLE", "./not-executable: Permission denied"),
        ("RUBBISH", "./rubbish: Exec format error"),
        ("LONG-WORD", "/bin/sh: Argument list too long"),
    ],
)
def test_what_cannot_be_started_fails_at_once_by_its_name(scene: Scene, spec: str, message: str) -> None:
    attempts = [line for line in scene.project.journal("workspace_ready") if line["spec"] == spec]

    assert scene.end(spec) == {"end": "failed", "reason": "spawn_failed", "message": message}
    assert len(attempts) == 1


def test_a_name_without_end_is_told_cut(scene: Scene) -> None:
    message = scene.end("LONG-NAME")["message"]

    assert isinstance(message, str)
    assert message.endswith(": File name too long")
    assert len(message) < 1000


def test_a_program_that_the_shell_does_not_find_is_exit_127(scene: Scene) -> None:
    assert scene.end("MISSING-IN-SHELL") == {"end": "failed", "reason": "exit_code", "exit_code": 127}


def test_a_log_has_the_bytes_of_the_child_whatever_they_are(scene: Scene) -> None:
    assert scene.project.log("BYTES") == b"\xff\0caf\xc3\xa9\r\rx\r\n\xe2\x82end"


def test_a_child_that_closes_its_output_is_over_when_it_exits(scene: Scene) -> None:
    assert scene.end("CLOSED") == {"end": "failed", "reason": "exit_code", "exit_code": 4}
    assert scene.project.final("CLOSED")["duration_s"] >= 0.3


def test_a_child_that_reads_stdin_finds_it_empty(scene: Scene) -> None:
    assert scene.project.log("READER") == b"nothing came\n"


@pytest.mark.parametrize(
    ("spec", "end"),
    [
        ("KILLED", {"end": "failed", "reason": "killed", "signal": 9}),
        ("TERMED", {"end": "failed", "reason": "killed", "signal": 15}),
        ("CODE-255", {"end": "failed", "reason": "exit_code", "exit_code": 255}),
    ],
)
def test_exit_codes_and_signals_are_told_exactly(scene: Scene, spec: str, end: dict[str, object]) -> None:
    assert scene.end(spec) == end


def test_what_would_upset_a_terminal_stays_in_the_log(scene: Scene) -> None:
    assert scene.project.log("COLOURFUL") == b"\x1b[31mred\x1b[0m\x07 \x1b]0;title\x07plain\n"
    assert scene.project.final("COLOURFUL")["failure"]["log_tail"] == ["red plain"]


def test_news_are_taken_however_they_come_and_rubbish_is_passed_over(scene: Scene) -> None:
    told = [
        (line["progress"], line["message"])
        for line in scene.project.journal("session_progress")
        if line["spec"] == "TEASING"
    ]

    assert told == [(0.25, "a byte at a time"), (1.0, "more than all")]
    assert scene.end("TEASING") == {"end": "completed"}


def test_a_log_folder_that_vanishes_fails_nothing(scene: Scene) -> None:
    assert scene.end("NO-FOLDER") == {"end": "completed"}


def test_ticks_in_the_checklist_are_progress(scene: Scene) -> None:
    told = [line for line in scene.project.journal("session_progress") if line["spec"] == "TICKING"]

    assert [(line["progress"], line["guessed"]) for line in told] == [(0.5, False)]


def test_a_line_of_twenty_megabytes_is_cut_where_it_is_told(scene: Scene) -> None:
    (tail,) = scene.project.final("LONG-LINE")["failure"]["log_tail"]

    assert set(tail.rstrip("…")) == {"x"}
    assert len(tail) < 10_000


def flood(project: Project, megabytes: int) -> None:
    """Let a child write that much, and look at us before we end."""
    project.config("[orchestrator]\nmonitor_interval = '100ms'")
    project.spec("FLOOD", f"echo first; yes 0123456789abcdef | head -c {megabytes}000000; echo; echo last")
    project.spec("LOOK", f"touch looking; {wait_for_file('seen')}", depends_on=["FLOOD"])
    with project.start(*ALL) as running:
        running.until("session_started", "LOOK")
        memory = peak_memory(running.pid)
        project.touch("seen")
        running.end().exits(0)

    head, _, rest = project.log("FLOOD").partition(b"\n[aad: ")
    missing, _, tail = rest.partition(b" bytes left out]\n")
    assert memory < MOST_MEMORY
    assert head.startswith(b"first\n0123456789abcdef\n")
    assert tail.endswith(b"\nlast\n")
    assert len(head) + int(missing) + len(tail) == len(b"first\n\nlast\n") + megabytes * 1_000_000
    assert MAX_OUTPUT <= len(head) + len(tail) < MAX_OUTPUT + 100_000


def test_a_flood_of_200_megabytes_is_capped_and_costs_no_memory(tmp_path: Path) -> None:
    flood(Project(tmp_path), 200)


@pytest.mark.slow
def test_a_flood_of_a_gigabyte_is_capped_and_costs_no_memory(tmp_path: Path) -> None:
    flood(Project(tmp_path), 1000)


def test_a_flood_is_no_burden_to_others(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("FLOOD", "yes | head -c 100000000")
    for spec in "ABCDE":
        project.spec(spec)

    project.aad(*ALL, "--jobs", "2").exits(0)

    assert len(project.ends()) == 6


@pytest.mark.parametrize("shape", ["sleep {0} &", "nohup sleep {0} >/dev/null 2>&1 &"])
def test_what_a_child_leaves_in_its_group_is_ended(tmp_path: Path, shape: str) -> None:
    token = Token()
    project = Project(tmp_path).spec("A", shape.format(token))

    project.aad(*ALL).exits(0)

    assert token.holders() == []


def test_of_many_that_are_born_while_their_parents_end_none_is_left(tmp_path: Path) -> None:
    token = Token()
    project = Project(tmp_path)
    for number in range(40):
        project.spec(f"S-{number:02}", f"(sleep {token} &) &")

    project.aad(*ALL, "-q", "--jobs", "20").exits(0)

    survivors = token.holders()
    for pid in survivors:
        os.kill(pid, signal.SIGKILL)
    assert survivors == []


def test_no_zombie_and_no_descriptor_is_left_by_many_short_children(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for number in range(40):
        project.spec(f"S-{number:02}", f"true {number}")
    last = project.spec(
        "Z-LAST", wait_for_file("seen"), depends_on=[f"S-{number:02}" for number in range(40)]
    )

    with last.start(*ALL, "--jobs", "4") as running:
        running.until("session_started", "Z-LAST")
        children = list_children(running.pid)
        descriptors = len(list(Path(f"/proc/{running.pid}/fd").iterdir()))
        project.touch("seen")
        running.end().exits(0)

    assert (len(children), "Z" in children) == (1, False)
    assert descriptors < 25
