"""A project of three specs: one needs another, and one fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_project import Cli, open_cli

CHAIN = {
    "SPEC-001": "---\nrun: echo one\n---\n# SPEC-001: One\n",
    "SPEC-002": "---\nrun: echo two\ndepends_on: [SPEC-001]\n---\n# SPEC-002: Two\n",
    "SPEC-003": "---\nrun: exit 3\nestimate: 2m\n---\n# SPEC-003: 三\n",
}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    with open_cli(tmp_path, monkeypatch, capsys) as opened:
        yield opened


@pytest.fixture
def chain(cli: Cli) -> Cli:
    for name, text in CHAIN.items():
        cli.write_spec(name, text)
    return cli


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def configure(cli: Cli, text: str) -> None:
    cli.project.config.parent.mkdir(exist_ok=True)
    cli.project.config.write_text(text)
