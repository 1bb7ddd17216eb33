"""What the environment keeps secret is nowhere in what a run writes or tells, though children say it."""

import json
import signal
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

from harness import Project, Result, until
from madeupsecrets import TOKENS, list_body, make_key

SECRET = "-".join(["hunter2"] * 3)
SETTING = "sk-0123456789abcdef"
CHILDS_OWN = "events.jsonl"


def loud_project(folder: Path) -> Project:
    """Return a project whose children are given two secrets and keep neither."""
    project = Project(folder).set(DEPLOY_TOKEN=SECRET)
    project.config(f"""
        [agent]
        env_pass = ["PATH", "DEPLOY_TOKEN"]
        env = {{ API_KEY = "{SETTING}" }}
        [escalation]
        questions = "fail"
        command = ["sh", "-c", "cat >> told; echo >> told"]
    """)
    project.spec(
        "A",
        'echo "with $DEPLOY_TOKEN and $API_KEY"; printf hunter2-; sleep 0.1; echo hunter2-hunter2; exit 1',
    )
    project.spec("B", """printf '{"warning": "%s is out"}\\n' "$DEPLOY_TOKEN" >> $AAD_EVENTS""")
    project.spec("C", """printf '{"progress": 0.5, "message": "%s"}\\n' "$API_KEY" >> $AAD_EVENTS""")
    project.spec("D", """printf '{"question": "may I use %s?"}\\n' "$API_KEY" >> $AAD_EVENTS; sleep 86400""")
    project.spec("E", verify='echo "checked with $API_KEY"; exit 1')
    return project


def tell_all(project: Project, *, status: int) -> list[Result]:
    """Run it, as talkative as can be, and ask for all that can be asked for."""
    run = project.aad("orchestrate", "--all", "-v", "--log-format", "json").exits(status)
    asked = [project.aad(*words) for words in (["status"], ["logs", "A"], ["escalations", "show", "A-error"])]
    return [run, *asked]


def test_no_secret_is_written_or_told(tmp_path: Path) -> None:
    project = loud_project(tmp_path)

    results = tell_all(project, status=4)

    tree = project.tree()
    assert [name for name, (_, data) in tree.items() if SECRET.encode() in data] == []
    # What the user wrote is the user's own.
    assert [name for name, (_, data) in tree.items() if SETTING.encode() in data] == ["config/aad.toml"]
    for result in results:
        assert SECRET not in result.told()
        assert SETTING not in result.told()


def test_what_is_masked_reads_on_and_is_counted(tmp_path: Path) -> None:
    project = loud_project(tmp_path)

    project.aad("orchestrate", "--specs", "A").exits(1)

    assert project.log("A") == b"with [redacted] and [redacted]\n[redacted]\n"
    assert project.escalation("A-error")["redactions"] == 3
    told = json.loads((tmp_path / "told").read_text())
    assert told["log_tail"] == ["with [redacted] and [redacted]", "[redacted]"]


def test_a_secret_that_a_child_quotes_or_encodes_is_masked_too(tmp_path: Path) -> None:
    secret = "p@ss word/" + "7" * 20
    project = Project(tmp_path).set(DB_PASSWORD=secret)
    project.config("""
        [agent]
        env_pass = ["PATH", "DB_PASSWORD"]
    """)
    commands = """
        printf 'me:%s' "$DB_PASSWORD" | base64 -w 0
        set -x
        : "$DB_PASSWORD"
        python3 -c 'import os, urllib.parse as u; print("", u.quote_plus(os.environ["DB_PASSWORD"]))'
    """
    project.spec("A", commands)

    project.aad("orchestrate", "--all").exits(0)

    logged = project.log("A")
    assert logged.count(b"[redacted]") == 3
    forms = secret.encode(), b64encode(b"me:" + secret.encode())[8:40], quote(secret)[:12].encode()
    assert [name for name, (_, data) in project.tree().items() if any(form in data for form in forms)] == []


def test_tokens_and_keys_are_masked_though_nobody_named_them(tmp_path: Path) -> None:
    key, tokens = make_key(), "\n".join(f"{name}: {token}." for name, token in TOKENS.items())
    project = Project(tmp_path).set(SAMPLE=tokens, PEM=key)
    project.config("""
        [agent]
        env_pass = ["PATH", "SAMPLE", "PEM"]
        [logs]
        max_output = "1kB"
    """)
    project.spec("A", 'echo "$SAMPLE"; echo "$PEM"; exit 1')
    project.spec("B", """printf '{"error": "%s"}\\n' "$(echo $PEM $SAMPLE)" >> $AAD_EVENTS""")
    # Where the log is cut, and where its end begins, there are keys too.
    flood = 'for i in $(seq 30); do echo "$PEM"; done; yes | head -c 60000'
    project.spec("C", f"{flood}; {flood}; echo it failed; exit 1")

    results = tell_all(project, status=1)
    logged = project.log("A")
    # Without a JSON log, what is behind the limit is masked at the end only.
    results.append(project.aad("orchestrate", "--specs", "C").exits(1))

    told = b"".join(
        [*(data for _, data in project.tree().values()), *(each.told().encode() for each in results)]
    )
    assert [name for name, token in TOKENS.items() if token.encode() in told] == []
    assert [line for line in list_body(key) if line.encode() in told] == []
    assert logged.startswith(b"OpenAI: [redacted].\nOpenAI project: [redacted].\n")


def test_everyday_words_are_told_though_a_variable_has_them(tmp_path: Path) -> None:
    project = Project(tmp_path).set(AUTH_MODE="production", KEYMAP="development")
    project.spec("A", "echo in production and development")

    project.aad("orchestrate", "--all").exits(0)

    assert project.log("A") == b"in production and development\n"


def test_a_secret_is_kept_from_children_that_are_not_given_it(tmp_path: Path) -> None:
    project = Project(tmp_path).set(GH_TOKEN=SECRET).spec("A", 'echo "[${GH_TOKEN-unset}]"')

    project.aad("orchestrate", "--all").exits(0)

    assert project.log("A") == b"[unset]\n"


def test_what_a_run_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    project = loud_project(tmp_path)
    project.aad("orchestrate", "--specs", "A").exits(1)

    own = [
        (name, oct(mode & 0o777))
        for name, (mode, _) in project.tree().items()
        if name.startswith((".aad/runs", ".aad/escalations", ".aad/state", ".aad/worktrees"))
        if not name.endswith((CHILDS_OWN, "latest"))
    ]

    folders = {mode for name, mode in own if (tmp_path / name).is_dir()}
    files = {mode for name, mode in own if (tmp_path / name).is_file()}
    assert (folders, files) == ({"0o700"}, {"0o600"})


def test_what_a_child_says_is_read_by_nobody_else_and_masked_though_the_run_was_killed(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path).set(API_KEY=SECRET).config('[agent]\nenv_pass = ["PATH", "API_KEY"]\n')
    news = '{\\"message\\": \\"$API_KEY\\"}'
    project.spec("A", f'[ -e go ] || {{ echo "{news}" >> $AAD_EVENTS; touch said; sleep 600; }}')
    with project.start("orchestrate", "--all", "-q") as running:
        until((tmp_path / "said").exists)
        events = project.run / "A" / "1" / "events" / "events.jsonl"
        mode, raw = events.stat().st_mode & 0o777, events.read_text()
        running.send(signal.SIGKILL).end()

    project.touch("go").aad("orchestrate", "--resume", "-q").exits(0)

    assert (mode, SECRET in raw) == (0o600, True)
    assert events.read_text() == raw.replace(SECRET, "[redacted]")
