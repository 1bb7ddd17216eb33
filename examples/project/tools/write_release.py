"""Writes build/RELEASE.md: what is released, how big it is, and how to recognise it."""

from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

package = Path("build/wareki.pyz")
content = package.read_bytes()
with ZipFile(package) as archive:
    names = sorted(name for name in archive.namelist() if not name.endswith("/"))
lines = [f"# {package.name}", "", f"{len(content):,} bytes, SHA-256 `{sha256(content).hexdigest()}`", ""]
lines += [f"- {name}" for name in names]
Path("build/RELEASE.md").write_text("\n".join(lines) + "\n", "utf-8")
print(f"build/RELEASE.md: {len(names)} files in {package.name}")
