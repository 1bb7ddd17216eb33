"""Imports point down. CONTRIBUTING.md shows the same table to people."""

import ast
from collections.abc import Iterator
from pathlib import Path

import aad

PACKAGE = Path(aad.__file__).parent

# From the top to the bottom; what shares a row may import each other.
ROWS = (
    "__main__ testing",
    "cli",
    "embedding escalationchannel",
    "orchestrator",
    "office",
    "sessionfactory outfitter registry record scheduler monitor escalation ending runclock cleaning",
    "session elsewhere lonesessions crew live herald household escalationcase",
    "meter",
    "cast",
    "casting",
    "notifiers patience",
    "attempt hearing",
    "conversation childhandle checklist listener quota slot",
    "delivery workspaces",
    "gitworkspace",
    "process keepers workspace decisions policy news diagnosis",
    "unsaved integration snapshots janitor escalationfolder escalationlog",
    "worktrees",
    "repository versions",
    "agents",
    "display",
    "journal durability lock sweep mending output report history runlist leftovers",
    "codec",
    "feedback state retry budget redact redaction retention",
    "privatekeys tokenshapes secretvalues longwords sighting",
    "plan selection sharing",
    "loader graph",
    "formats configfile checkout",
    "tables values variables idlerules isolation belongings gitlock",
    "config events",
    "spec project files units tomllines descriptors machine gitcalls",
    "errors",
    "messages version",
    "keeper ledger processtable",
)
RANK = {name: rank for rank, row in enumerate(ROWS) for name in row.split()}
MAY_IMPORT_TRIO = frozenset(
    [
        "testing",
        "cleaning",
        "orchestrator",
        "office",
        "lonesessions",
        "live",
        "herald",
        "outfitter",
        "record",
        "durability",
        "scheduler",
        "monitor",
        "escalation",
        "escalationcase",
        "notifiers",
        "escalationchannel",
        "patience",
        "session",
        "attempt",
        "cast",
        "casting",
        "quota",
        "delivery",
        "gitworkspace",
        "workspace",
        "integration",
        "worktrees",
        "janitor",
        "repository",
        "versions",
        "process",
        "keepers",
        "runclock",
    ]
)


def list_modules() -> Iterator[tuple[str, Path]]:
    for path in PACKAGE.rglob("*.py"):
        first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if first != "__init__":
            yield first, path


def list_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def list_own_imports(path: Path) -> Iterator[str]:
    for name in list_imports(path):
        package, _, rest = name.partition(".")
        if package == "aad" and rest.partition(".")[0] in RANK:
            yield rest.partition(".")[0]


def test_every_module_has_its_row() -> None:
    assert {name for name, _ in list_modules()} == set(RANK)


def test_imports_point_down() -> None:
    upward = {
        f"{path.relative_to(PACKAGE)} imports {imported}"
        for name, path in list_modules()
        for imported in list_own_imports(path)
        if RANK[imported] < RANK[name]
    }

    assert upward == set()


def test_only_what_makes_things_happen_imports_trio() -> None:
    users = {
        str(path.relative_to(PACKAGE))
        for name, path in list_modules()
        for imported in list_imports(path)
        if imported.partition(".")[0] == "trio" and name not in MAY_IMPORT_TRIO
    }

    assert users == {"cli/dialog.py", "cli/keyboard.py", "cli/running.py"}


def test_only_keepers_start_processes_and_send_signals() -> None:
    words = ("os.kill", "killpg", "Popen", "pidfd")

    users = {
        path.name for _, path in list_modules() for word in words if word in path.read_text(encoding="utf-8")
    }

    # `keepers.py` starts the server, and orders what the keepers then do.
    assert users == {"keeper.py", "keepers.py", "processtable.py"}


def test_the_keeper_needs_little_more_than_the_standard_library() -> None:
    program = {"keeper.py", "ledger.py", "processtable.py"}

    imported = {
        name.partition(".")[0]
        for file in program
        for name in list_imports(PACKAGE / file)
        if f"{name.split('.')[1] if '.' in name else ''}.py" not in program
    }

    # What costs time to load is not among them: pathlib, typing, contextlib.
    assert imported == {
        "array", "collections", "ctypes", "errno", "gc", "json", "os", "select", "signal", "socket", "struct",
        "subprocess", "sys", "time",
    }  # fmt: skip
