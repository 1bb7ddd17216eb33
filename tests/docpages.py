"""The pages that are written for people, the blocks in them, and how a command of theirs is run."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[1]
README, JAPANESE = ROOT / "README.md", ROOT / "README.ja.md"
GUIDE, JAPANESE_GUIDE = ROOT / "docs" / "guide.md", ROOT / "docs" / "guide.ja.md"
ESCALATIONS, JAPANESE_ESCALATIONS = ROOT / "docs" / "escalations.md", ROOT / "docs" / "escalations.ja.md"
REFERENCE = ROOT / "docs" / "reference.md"
CONTRIBUTING, CHANGELOG = ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"
AGENTS, JAPANESE_AGENTS = ROOT / "docs" / "agents.md", ROOT / "docs" / "agents.ja.md"
EXAMPLES = ROOT / "examples"
EXAMPLE, JAPANESE_EXAMPLE = EXAMPLES / "agents" / "README.md", EXAMPLES / "agents" / "README.ja.md"
FOLDERS = (ROOT, ROOT / "docs", EXAMPLES, EXAMPLES / "agents")
PAGES = sorted(path for folder in FOLDERS for path in folder.glob("*.md"))


@frozen
class Block:
    """A fenced block of a page and its language."""

    language: str
    text: str


def list_blocks(page: Path, language: str | None = None) -> list[Block]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [Block(*match) for match in found if language in (None, match[0])]


def make_environment(lang: str) -> Mapping[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": os.environ.get("HOME", "/"), "LANG": lang}


def run(command: str, folder: Path, lang: str = "C") -> subprocess.CompletedProcess[str]:
    """Run a command line as it stands on a page; its two streams are one, as at a terminal."""
    return subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=make_environment(lang),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
