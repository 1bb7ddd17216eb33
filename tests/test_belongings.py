"""What is never committed, by its name."""

import pytest

from aad.belongings import UNTOLD, Why, is_litter, is_own, is_secret


@pytest.mark.parametrize(
    "path",
    [
        ".env", "app/.env", ".env.local", ".env.production", "prod.env", ".envrc", ".ENV", "server.pem",
        "設定/鍵.key", "store.p12", "x.pfx", "x.jks", "x.keystore", "x.kdbx", "id_rsa", ".ssh/id_ed25519",
        ".netrc", "_netrc", ".pgpass", ".pypirc", ".htpasswd", ".git-credentials", "credentials.json",
        "service-account-1.json", "secrets.json", "secrets.yml", "secrets.yaml", "terraform.tfstate",
    ],
)  # fmt: skip
def test_files_named_so_hold_secrets(path: str) -> None:
    assert is_secret(path)


@pytest.mark.parametrize(
    "path",
    [
        ".env.example", ".env.sample", ".env.template", ".env.dist", "example.env", "x.pem.tmpl",
        "id_rsa.pub", "monkey.py", "keys.py", "environment.yml", "secrets.py", ".env/readme.md", "id_rsa/x",
        "env", "",
    ],
)  # fmt: skip
def test_files_named_so_hold_none(path: str) -> None:
    assert not is_secret(path)


@pytest.mark.parametrize(
    ("path", "empty", "litter"),
    [
        (".bashrc", True, True),
        (".bashrc", False, False),
        (".claude/agents", True, True),
        (".claude/agents", False, False),
        (".claude/agents/.gitkeep", True, False),
        (".claude/.cc-writes", False, True),
        (".claude/.cc-writes/1", False, True),
        (".claude/.cc-writes-2", False, False),
        ("src/.bashrc", True, False),
        (".bashrc.d", True, False),
        ("src/__init__.py", True, False),
    ],
)
def test_what_sandboxes_leave_is_known_by_name_and_emptiness(path: str, empty: bool, litter: bool) -> None:
    assert is_litter(path, empty=empty) is litter


@pytest.mark.parametrize(
    ("path", "own"),
    [
        (".aad/runs/1/journal.jsonl", True),
        (".aad/escalations/x", True),
        (".aad/state/x", True),
        (".aad/worktrees/x", True),
        (".aad/specs/A.md", False),
        (".aad/runs.md", False),
        ("src/.aad/runs/x", False),
        ("runs/x", False),
    ],
)
def test_our_own_folders_lie_in_the_project(path: str, own: bool) -> None:
    assert is_own(path) is own


def test_people_are_told_of_what_they_might_miss() -> None:
    assert set(Why) - UNTOLD == {Why.SECRET, Why.NESTED, Why.SUBMODULE, Why.UNREADABLE}
