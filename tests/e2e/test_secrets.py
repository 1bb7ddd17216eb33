"""What the environment keeps secret is nowhere in what a run writes or tells, though children say it."""

import json
from pathlib import Path

from harness import Project, Result

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


def tell_all(project: Project) -> list[Result]:
    """Run it, as talkative as can be, and ask for all that can be asked for."""
    run = project.aad("orchestrate", "--all", "-v", "--log-format", "json").exits(4)
    asked = [project.aad(*words) for words in (["status"], ["logs", "A"], ["escalations", "show", "A-error"])]
    return [run, *asked]


def test_no_secret_is_written_or_told(tmp_path: Path) -> None:
    project = loud_project(tmp_path)

    results = tell_all(project)

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
