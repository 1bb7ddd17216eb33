"""A project in a folder of its own, and the installed `aad` run in it: real processes, real signals.

Reads like what it does: `Project(folder).spec("A", run="make").aad("orchestrate", "--all").exits(0)`. What
differs from run to run (ids, times, process ids, the folder) is written the same in what is compared. Nothing
here waits for time to pass: it waits for facts, and gives up loudly when they stay away.
"""

import difflib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import termios
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import datetime
from inspect import cleandoc
from pathlib import Path
from typing import IO, Any, Self

from attrs import define, frozen
from realprocesses import (
    LOOK,
    PATIENCE,
    Token,
    find_children,
    kill_at_once,
    list_children,
    list_pids,
    peak_memory,
    read_name,
    read_words,
    until,
)

# What is made elsewhere, and asked for here.
__all__ = [
    "LOOK",
    "PATIENCE",
    "Token",
    "kill_at_once",
    "list_children",
    "list_pids",
    "peak_memory",
    "read_words",
    "until",
]

AAD = (str(Path(sysconfig.get_path("scripts")) / "aad"),)
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
# What `SessionEnded` and its kin are called in a journal.
FINAL = tuple(f"session_{end}" for end in ("completed", "failed", "timed_out", "cancelled", "skipped"))

# Makes the terminal on stdin the controlling one, so that ^C typed there is a signal here.
TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

Line = dict[str, Any]
_tokens = itertools.count(1)


def wait_for_file(name: str) -> str:
    """Return a shell line that waits until a file of that name is there."""
    return f"until [ -e {name} ]; do sleep 0.02; done"


def until_asked(farewell: str) -> str:
    """Return a shell line that waits for SIGTERM to say farewell; the file `up` tells that it waits."""
    # With nothing but builtins: a program that is just being started would get the signal, too.
    return f"mkfifo never; trap '{farewell}' TERM; : >up; read _ <>never"


def wait_for_journal(words: str) -> str:
    """Return a shell line that waits until the newest run's journal has these words."""
    return f"until grep -q '{words}' .aad/runs/latest/journal.jsonl; do sleep 0.02; done"


_VARYING = (
    # Machines of one core let nothing run side by side, so they have nothing to say of it.
    (r"(?m)^(the project's folder is shared: |\S+ と \S+ が、プロジェクトのフォルダー).*\n", ""),
    (r"\d{8}-\d{6}-[0-9a-f]{4}", "RUN"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b\d{4}-\d\d-\d\d\b", "DATE"),
    (r"\b\d\d:\d\d:\d\d\b", "CLOCK"),
    (r"\b[1-5]?\d(\.\d)?s\b", "0.0s"),
    (r"\b[1-5]?\d(\.\d)?秒", "0.0秒"),
    (r"\b(process|プロセス) \d+", r"\1 PID"),
    (r"\b(sleep|sh) \(\d+\)", r"\1 (PID)"),
)


@frozen(kw_only=True)
class Result:
    """How one command ended, and what it wrote."""

    project: "Project"
    status: int
    out: bytes
    err: bytes

    def exits(self, status: int) -> Self:
        """Demand an exit status, and that no traceback was seen."""
        assert self.status == status, f"exit {self.status}, not {status}:\n{self.told()}"
        assert "Traceback" not in self.told()
        return self

    def says(self, text: str) -> Self:
        """Demand the whole of stderr."""
        demand(self.normal(self.err), complete(text))
        return self

    def prints(self, text: str) -> Self:
        """Demand the whole of stdout."""
        demand(self.normal(self.out), complete(text))
        return self

    def normal(self, data: bytes) -> str:
        """Return what was written, with all that varies written the same."""
        text = data.decode().replace(str(self.project.root), "ROOT")
        for pattern, word in _VARYING:
            text = re.sub(pattern, word, text)
        return text

    def json(self) -> Any:  # noqa: ANN401 - JSON holds anything
        return json.loads(self.out)

    def lines(self) -> list[Line]:
        """Return stdout as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def told(self) -> str:
        return (self.out + self.err).decode(errors="backslashreplace")


def complete(text: str) -> str:
    """Return a text as it was meant: without its indentation, with the end of its last line."""
    return f"{cleandoc(text)}\n" if text.strip() else ""


def demand(told: str, wanted: str) -> None:
    """Demand that a text is another, and show where it is not."""
    difference = difflib.unified_diff(wanted.splitlines(), told.splitlines(), "wanted", "told", lineterm="")
    assert told == wanted, "\n".join(["not what was wanted:", *difference])


@define(eq=False)
class Running:
    """A command that runs. What it writes goes into files, so that nobody has to read it for it to go on."""

    project: "Project"
    popen: subprocess.Popen[bytes]
    out: IO[bytes]
    err: IO[bytes]

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def server(self) -> int:
        """The process that forks its keepers."""
        (pid,) = until(lambda: find_keepers(self.pid))
        return int(pid)

    @property
    def keepers(self) -> list[int]:
        return find_keepers(self.server)

    def send(self, number: signal.Signals) -> Self:
        self.popen.send_signal(number)
        return self

    def until(self, kind: str, spec: str | None = None, **members: object) -> Line:
        """Wait for a line of the newest run's journal and return it."""
        wanted = {"type": kind, **members, **({} if spec is None else {"spec": spec})}

        def look() -> Line | None:
            lines = self.project.journal_so_far()
            return next((line for line in lines if wanted.items() <= line.items()), None)

        limit = time.monotonic() + PATIENCE
        while (found := look()) is None:
            ended = self.popen.poll() is not None
            if (ended or time.monotonic() > limit) and (found := look()) is None:
                raise AssertionError(f"no {wanted} (ended: {ended}):\n{self._result().told()}")
            time.sleep(LOOK)
        return found

    def until_told(self, count: int) -> None:
        """Wait until the newest run's journal has so many lines."""
        until(lambda: len(self.project.journal_so_far()) >= count)

    def until_out(self, words: bytes) -> bytes:
        """Wait until stdout holds these words, and return all of it."""
        until(lambda: words in self._read(self.out))
        return self._read(self.out)

    def until_err(self, words: bytes) -> bytes:
        """Wait until stderr holds these words, and return all of it."""
        until(lambda: words in self._read(self.err))
        return self._read(self.err)

    def end(self) -> Result:
        """Wait for the end."""
        self.popen.wait(PATIENCE)
        return self._result()

    def _result(self) -> Result:
        status = self.popen.returncode if self.popen.returncode is not None else -999
        return Result(project=self.project, status=status, out=self._read(self.out), err=self._read(self.err))

    def _read(self, file: IO[bytes]) -> bytes:
        return b"" if file.closed else os.pread(file.fileno(), 1 << 30, 0)


def find_keepers(parent: int) -> list[int]:
    """Return a process's children that live and are keepers, or their server."""
    states = find_children(parent).items()
    return [pid for pid, state in states if state != "Z" and read_name(pid) == "aad-keeper"]


def together(starts: Iterable[AbstractContextManager[Running]]) -> list[Result]:
    """Run several commands at once, and wait for all of them."""
    with ExitStack() as stack:
        running = [stack.enter_context(start) for start in starts]
        return [each.end() for each in running]


@define(eq=False)
class Terminal:
    """A command that runs on a terminal of its own. `told` is all that stood on it so far."""

    project: "Project"
    popen: subprocess.Popen[bytes]
    master: int
    told: bytes = b""

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def hang_up(self) -> None:
        """Take the terminal away, as when its window is closed."""
        os.close(self.master)
        self.master = -1

    def until(self, words: bytes) -> None:
        """Wait until the terminal shows these words."""
        until(lambda: words in self._read())

    def end(self) -> Result:
        """Wait for the end; what stood on the terminal is the result's `out`."""
        until(lambda: self._read() is not None and self.popen.poll() is not None)
        self._read()
        return Result(project=self.project, status=self.popen.returncode, out=self.told, err=b"")

    def _read(self) -> bytes:
        with suppress(OSError):  # nothing there, or nobody holds the other side any more
            while chunk := os.read(self.master, 65536):
                self.told += chunk
        return self.told


@contextmanager
def heeding_signals() -> Iterator[None]:
    """Let what is started in the block heed signals that we ignore, as in `make test &` or under nohup."""
    ignored = [number for number in ENDING if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


class Project:
    """A project under construction; each part returns it again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env: dict[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }
        self.specs = root / ".aad" / "specs"
        self.specs.mkdir(parents=True, exist_ok=True)

    # What it is made of.

    def spec(
        self, spec_id: str, run: object = "true", *, title: str = "", body: str = "", **front: object
    ) -> Self:
        """Write a spec. Front matter is written as JSON, which is YAML; a `run` of None is left out."""
        if run is not None:
            front["run"] = run
        head = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in front.items())
        heading = f"# {spec_id}: {title}" if title else f"# {spec_id}"
        return self.file(f".aad/specs/{spec_id}.md", f"---\n{head}---\n{heading}\n{body}")

    def chain(self, *spec_ids: str, run: str) -> Self:
        """Write specs of which each needs the one before."""
        for spec_id, before in zip(spec_ids, ("", *spec_ids), strict=False):
            self.spec(spec_id, run, depends_on=[before] if before else [])
        return self

    def config(self, text: str) -> Self:
        """Write config/aad.toml."""
        return self.file("config/aad.toml", cleandoc(text) + "\n")

    def file(self, name: str, text: str | bytes, *, mode: int = 0o644) -> Self:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return self

    def touch(self, name: str) -> Self:
        return self.file(name, "")

    def set(self, **env: str) -> Self:
        """Set environment variables of the commands to come."""
        self.env.update(env)
        return self

    # What is run in it.

    def aad(self, *arguments: str, **options: Any) -> Result:  # noqa: ANN401 - `start`'s own types
        """Run a command to its end."""
        with self.start(*arguments, **options) as running:
            return running.end()

    @contextmanager
    def start(
        self,
        *arguments: str,
        command: Sequence[str] = AAD,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        cwd: Path | None = None,
    ) -> Iterator[Running]:
        """Start a command, and see to it that nothing of it outlives the block."""
        with self._sink("out") as out, self._sink("err") as err:
            with heeding_signals():
                popen = subprocess.Popen(
                    [*command, *arguments],
                    cwd=cwd or self.root,
                    env=self.env,
                    stdin=stdin,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
            with self._swept(popen):
                yield Running(self, popen, out, err)

    @contextmanager
    def terminal(
        self, *arguments: str, command: Sequence[str] = AAD, columns: int = 100
    ) -> Iterator[Terminal]:
        """Start a command on a terminal of its own."""
        master, slave = os.openpty()
        termios.tcsetwinsize(slave, (24, columns))
        os.set_blocking(master, False)
        try:
            with heeding_signals():
                popen = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", TAKE_TERMINAL, *command, *arguments],
                    cwd=self.root,
                    env={**self.env, "TERM": "xterm"},
                    stdin=slave,
                    stdout=slave,
                    stderr=slave,
                    start_new_session=True,
                )
            os.close(slave)
            terminal = Terminal(self, popen, master)
            with self._swept(popen):
                yield terminal
        finally:
            if terminal.master >= 0:
                os.close(master)

    @contextmanager
    def _sink(self, name: str) -> Iterator[IO[bytes]]:
        # Beside the project, so that comparing its tree sees the project alone.
        folder = self.root.parent / f"{self.root.name}.said"
        folder.mkdir(exist_ok=True)
        with (folder / f"{next(_tokens)}.{name}").open("w+b") as file:
            yield file

    @contextmanager
    def _swept(self, popen: subprocess.Popen[bytes]) -> Iterator[None]:
        """End a command that still runs; its keepers then end all that it has started."""
        try:
            yield
        finally:
            if popen.poll() is None:
                popen.kill()
            popen.wait()

    # What it has become.

    @property
    def run(self) -> Path:
        """The folder of its newest run."""
        runs = self.root / ".aad" / "runs"
        return runs / (runs / "latest").readlink()

    @property
    def journal_file(self) -> Path:
        return self.run / "journal.jsonl"

    def journal(self, *kinds: str) -> list[Line]:
        """Return the lines of the newest run's journal; only those of the given types, if any are."""
        lines = [json.loads(line) for line in self.journal_file.read_bytes().splitlines()]
        return [line for line in lines if not kinds or line["type"] in kinds]

    def journal_so_far(self) -> list[Line]:
        """Return the sound lines of a journal that is perhaps being written, or not there yet."""
        with suppress(OSError):
            whole, _, _ = self.journal_file.read_bytes().rpartition(b"\n")
            return [json.loads(line) for line in whole.splitlines()]
        return []

    def ends(self) -> dict[str, str]:
        """Return how each spec ended in the newest run's last segment; fails if one ended twice."""
        found: dict[str, str] = {}
        for line in self.journal():
            if line["type"] == "run_started":
                found.clear()
            elif line["type"] in FINAL:
                assert line["spec"] not in found, f"{line['spec']} has two final events"
                found[line["spec"]] = line["type"].removeprefix("session_")
        return found

    def final(self, spec: str) -> Line:
        """Return a spec's last final event."""
        return [line for line in self.journal(*FINAL) if line["spec"] == spec][-1]

    def log(self, spec: str, attempt: int = 1) -> bytes:
        return (self.run / spec / str(attempt) / "output.log").read_bytes()

    def escalation(self, name: str) -> Line:
        found: Line = json.loads((self.root / ".aad" / "escalations" / f"{name}.json").read_bytes())
        return found

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def tree(self) -> dict[str, tuple[int, bytes]]:
        """Return all files and folders with their modes and contents."""
        return {
            str(path.relative_to(self.root)): (
                path.lstat().st_mode,
                path.read_bytes() if path.is_file() else b"",
            )
            for path in sorted(self.root.rglob("*"))
        }


def moment(line: Mapping[str, Any]) -> float:
    """Return when an event happened, in seconds."""
    return datetime.fromisoformat(line["ts"]).timestamp()
