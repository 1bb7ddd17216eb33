"""Full disks, closed pipes, narrow encodings, few descriptors: the run goes on, or says why it cannot."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import AAD, Project, Result, together

ALL = ("orchestrate", "--all")
(PROGRAM,) = AAD


def in_shell(project: Project, script: str, *arguments: str) -> Result:
    """Run a shell script to whose words `"$@"` the command is given."""
    return project.aad(*(arguments or ALL), command=("bash", "-c", script, "bash", PROGRAM))


# Disks.


def has_namespaces() -> bool:
    """Tell whether we may mount something where nobody else sees it."""
    try:
        mount = subprocess.run([*NAMESPACE, "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False)
    except OSError:
        return False
    return mount.returncode == 0


NAMESPACE = ("unshare", "--map-root-user", "--mount", "/bin/sh", "-c")
needs_namespaces = pytest.mark.skipif(not has_namespaces(), reason="nothing may be mounted here")


def mounted(project: Project, script: str, *arguments: str) -> Result:
    """Run a shell script in which folders can be mounted."""
    return project.aad(*(arguments or ALL), command=(*NAMESPACE, script, "sh", PROGRAM))


@needs_namespaces
def test_a_read_only_project_is_refused_before_anything_starts(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "touch started")

    result = mounted(project, 'mount --bind .aad .aad; mount -o remount,ro,bind .aad; exec "$@"')

    assert not (tmp_path / "started").exists()
    result.exits(2).says(
        "ROOT/.aad: cannot be written: Read-only file system "
        "(make it writable, or run in a copy of the project)"
    )


@needs_namespaces
def test_a_plan_is_shown_of_a_read_only_project(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A")

    result = mounted(
        project, 'mount --bind .aad .aad; mount -o remount,ro,bind .aad; exec "$@"', *ALL, "--dry-run"
    )

    result.exits(0).says("")


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="root cannot be told to obey permissions here")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    humble = ("setpriv", "--inh-caps=-all", "--bounding-set=-all") if os.geteuid() == 0 else ()
    projects = {name: Project(tmp_path / name).spec("A") for name in ("runs", "state")}
    for name, project in projects.items():
        (project.root / ".aad" / name).mkdir()
        (project.root / ".aad" / name).chmod(0o500)

    results = together(project.start(*ALL, command=(*humble, PROGRAM)) for project in projects.values())

    for name, result in zip(projects, results, strict=True):
        told = result.exits(2).prints("").normal(result.err)
        assert told.startswith(f"ROOT/.aad/{name}")
        assert ": Permission denied (" in told


@needs_namespaces
def test_a_disk_that_fills_up_with_a_log_fails_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "head -c 300000 /dev/zero; true").spec("B", depends_on=["A"])
    small = "mkdir -p .aad/runs && mount -t tmpfs -o size=64k tmpfs .aad/runs"

    result = mounted(project, f'{small}; exec "$@"', *ALL, "--jobs", "1")

    result.exits(0).says("""
        🚀 Orchestrator started
          run RUN · 2 specs · 1 slot
        📊 Plan:
          - A (no dependencies)
          - B (after A)

        ⏳ A started...
        ⚠ A: the log is not whole: No space left on device
          → escalation: .aad/escalations/A-warning.json
        ✓ A completed (0.0s)
        ⏳ B started...
        ✓ B completed (0.0s)

        📈 Summary:
          Completed: 2 (A, B)
          Failed: 0
          Total time: 0.0s
        aad: ROOT/.aad/runs/RUN/summary.json cannot be written: No space left on device
    """)


def limited(project: Project, blocks: int, *arguments: str) -> Result:
    """Run with files limited to so many KiB."""
    return in_shell(project, f'ulimit -f {blocks}; exec "$@"', *(arguments or ALL))


def test_a_log_that_may_not_grow_fails_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "head -c 300000 /dev/zero | tr '\\0' x")

    limited(project, 64).exits(0)

    raised = [line["message"] for line in project.journal("escalation_raised")]
    assert (raised, len(project.log("A"))) == (["the log is not whole: File too large"], 64 * 1024)


def test_a_journal_that_may_not_grow_ends_the_run_which_is_resumed_with_more_room(tmp_path: Path) -> None:
    names = [f"S-{number:02}" for number in range(20)]
    project = Project(tmp_path).chain(*names, run='echo x >> "$AAD_SPEC_ID"')

    full = limited(project, 8, *ALL, "-q")
    project.aad("orchestrate", "--resume", "-q").exits(0)

    full.exits(4)
    words = (
        "ROOT/.aad/runs/RUN/journal.jsonl: cannot be written: File too large "
        "(make room, or make it writable; --resume goes on from there)"
    )
    assert full.normal(full.err).splitlines()[-1] == words
    # What had been done when the journal was full is done again at most once, all else once.
    times = [len((tmp_path / name).read_text().splitlines()) for name in names]
    assert sorted(times) in ([1] * 20, [*[1] * 19, 2])


def test_few_descriptors_are_enough_for_many_sessions(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for number in range(60):
        project.spec(f"S-{number:02}", "sleep 0.02")

    in_shell(project, 'ulimit -n 64; exec "$@"', *ALL, "-q", "--jobs", "60").exits(0)

    assert set(project.ends().values()) == {"completed"}
    assert len(project.ends()) == 60


# Pipes.


@pytest.mark.parametrize("words", [[], ["--log-format", "json"]], ids=["text", "json"])
def test_a_stream_that_is_closed_or_full_changes_nothing(tmp_path: Path, words: list[str]) -> None:
    streams = [">&-", "2>&-", ">&- 2>&- <&-", ">/dev/full", "2>/dev/full"]
    projects = [Project(tmp_path / str(number)) for number in range(len(streams))]

    results = together(
        project.spec("A")
        .spec("B", "exit 3", depends_on=["A"])
        .start(*ALL, *words, command=("bash", "-c", f'"$@" {stream}', "bash", PROGRAM))
        for project, stream in zip(projects, streams, strict=True)
    )

    for result in results:
        result.exits(1)
    assert [project.ends() for project in projects] == [{"A": "completed", "B": "failed"}] * len(streams)


@pytest.mark.parametrize("pipe", ["2>&1 | head -1", "--log-format json 2>/dev/null | head -1"])
def test_a_reader_that_goes_away_changes_nothing(tmp_path: Path, pipe: str) -> None:
    project = Project(tmp_path).spec("A", "sleep 0.2").spec("B", "exit 3", depends_on=["A"])

    result = in_shell(project, f'"$@" {pipe} >first; exit ${{PIPESTATUS[0]}}')

    result.exits(1).prints("").says("")
    assert len(project.read("first").splitlines()) == 1
    assert project.ends() == {"A": "completed", "B": "failed"}


INTO_NOTHING = ("bash", "-c", '"$@" | true; exit ${PIPESTATUS[0]}', "bash", PROGRAM)


def test_what_was_asked_for_may_go_nowhere(tmp_path: Path) -> None:
    project = Project(tmp_path).spec("A", "yes | head -c 300000")
    project.aad(*ALL).exits(0)
    commands = ["orchestrate --all --dry-run", "status", "logs A", "specs", "runs"]

    results = together(project.start(*words.split(), command=INTO_NOTHING) for words in commands)

    for result in results:
        result.exits(0).prints("").says("")


def test_help_may_go_nowhere(tmp_path: Path) -> None:
    Project(tmp_path).aad("--help", command=INTO_NOTHING).exits(0).prints("").says("")


# Encodings.


def japanese_project(folder: Path, **env: str) -> Project:
    """Return a project whose names, titles and output need more than ASCII."""
    project = Project(folder).spec("設計", "echo 失敗; exit 3", title="設定管理").set(**env)
    return project.spec("B", depends_on=["設計"])


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_narrow_encoding_gets_escapes_and_english(tmp_path: Path, encoding: str) -> None:
    project = japanese_project(tmp_path, PYTHONIOENCODING=encoding)

    plan, run = together(
        project.start(*ALL, *words)
        for words in (["--dry-run", "--lang", "ja"], ["--lang", "ja", "--jobs", "1"])
    )

    plan.exits(0).prints(r"""
        Plan (dry run):
          |- \u8a2d\u8a08  \u8a2d\u5b9a\u7ba1\u7406
          |   |- B
          Order: \u8a2d\u8a08 -> B
          Estimated time: unknown (no history)
    """)
    run.exits(1).says(r"""
        Orchestrator started
          run RUN - 2 specs - 1 slot
        Plan:
          - \u8a2d\u8a08 (no dependencies)
          - B (after \u8a2d\u8a08)

        > \u8a2d\u8a08 started...
        x \u8a2d\u8a08 failed (0.0s): exit code 3
          -> escalation: .aad/escalations/\u8a2d\u8a08-error.json
          -> log: .aad/runs/RUN/\u8a2d\u8a08/1/output.log
            | \u5931\u6557
        - B skipped: needs \u8a2d\u8a08

        Summary:
          Completed: 0
          Failed: 1 (\u8a2d\u8a08)
          Skipped: 1 (B)
          Total time: 0.0s
          Next: aad logs \u8a2d\u8a08 - aad escalations show \u8a2d\u8a08-error - aad orchestrate --resume
    """)


def test_an_encoding_that_holds_japanese_but_no_emoji_gets_japanese(tmp_path: Path) -> None:
    project = japanese_project(tmp_path, PYTHONIOENCODING="cp932")

    plan = project.aad(*ALL, "--dry-run", "--lang", "ja").exits(0)

    assert plan.out.decode("cp932").splitlines() == [
        "実行計画（ドライラン）:",
        "  |- 設計  設定管理",
        "  |   |- B",
        "  実行順序: 設計 -> B",
        "  推定時間: 不明（実績なし）",
    ]


@pytest.mark.parametrize("env", [{"LANG": "C"}, {"LANG": "C", "LC_ALL": "C"}], ids=["LANG", "LC_ALL"])
def test_the_locale_c_is_no_reason_to_fail(tmp_path: Path, env: dict[str, str]) -> None:
    project = japanese_project(tmp_path, **env)

    project.aad(*ALL, "--lang", "ja").exits(1)

    assert project.ends() == {"設計": "failed", "B": "skipped"}
    assert project.log("設計") == "失敗\n".encode()


def test_events_are_utf_8_whatever_the_terminal_speaks(tmp_path: Path) -> None:
    project = japanese_project(tmp_path, PYTHONIOENCODING="ascii")

    result = project.aad(*ALL, "--log-format", "json").exits(1)

    output = [line["message"] for line in result.lines() if line["type"] == "session_output"]
    assert output == ["失敗"]
