"""A project that `aad doctor` looks at, and what it says there."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_project import Cli, Outcome, open_cli


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    root = tmp_path / "project"
    root.mkdir()
    with open_cli(root, monkeypatch, capsys) as opened:
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        monkeypatch.setenv("AAD_MAX_PARALLEL_SESSIONS", "3")
        yield opened


def write_config(cli: Cli, text: str) -> None:
    cli.project.config.parent.mkdir(exist_ok=True)
    cli.project.config.write_text(text, encoding="utf-8")


def list_checks(outcome: Outcome, name: str) -> list[tuple[str, str, str | None]]:
    """Return the checks of a name in JSON, each as its state, its line, the way out."""
    checks = json.loads(outcome.out)["checks"]
    return [(each["state"], each["message"], each["remedy"]) for each in checks if each["id"] == name]
