"""A box for real agents: an environment built from nothing, in which they reach the scripted model alone.

No home and no key of a user's is in it, and what is asked for beyond the loopback interface fails at once.
An agent that is not installed skips the tests that need it, and says so.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest
from attrs import field, frozen
from modelapis import MODEL, Json
from modelserver import DUMMY_KEY

# Seconds that an agent may take for what its scripted model makes a matter of one.
DEADLINE = 60.0
# Nobody listens there.
NOWHERE = "http://127.0.0.1:9"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@localhost")


# Which there are.


def find_agent(name: str) -> Path | None:
    """Return an agent's program: codex that of its Python package, any that is on the tests' PATH."""
    spec = importlib.util.find_spec("codex_cli_bin") if name == "codex" else None
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "bin" / "codex"
    found = shutil.which(name)
    return None if found is None else Path(found)


def each_of(*names: str) -> pytest.MarkDecorator:
    """Run a test with each of these agents as its `agent`, as far as they are installed."""
    return pytest.mark.parametrize("agent", [pytest.param(name, marks=needs(name)) for name in names])


def needs(name: str) -> tuple[pytest.MarkDecorator, pytest.MarkDecorator]:
    """Return the marks of a test that needs an agent."""
    absent = pytest.mark.skipif(find_agent(name) is None, reason=f"{name} is not installed")
    return pytest.mark.agent, absent


# How they are led to the scripted model.


@frozen(kw_only=True)
class Wiring:
    """What makes an agent ask the scripted model, once: arguments, a model, variables, files in its home."""

    args: tuple[str, ...] = ()
    model: str = ""
    env: Mapping[str, str] = field(factory=dict)
    files: Mapping[str, Json] = field(factory=dict)


def wire_codex(url: str) -> Wiring:
    """Return codex' wiring. Its settings are TOML, in which a text of JSON is a text."""
    provider = {
        "name": "loopback",
        "base_url": f"{url}/v1",
        "wire_api": "responses",
        "env_key": "LOOPBACK_KEY",
        "request_max_retries": 0,
        "stream_max_retries": 0,
    }
    told = {f"model_providers.loopback.{name}": value for name, value in provider.items()}
    # Where its sandbox lets it write to /tmp it leaves an empty `.git` there, by which git takes that for a
    # repository that is broken.
    sandbox = {"sandbox_workspace_write.exclude_slash_tmp": True}
    settings = {"model_provider": "loopback", **sandbox, **told}
    args = [word for name, value in settings.items() for word in ("-c", f"{name}={json.dumps(value)}")]
    # A model that codex has never heard of is offered plain tools; those it knows are to write JavaScript.
    return Wiring(args=tuple(args), model=MODEL, env={"LOOPBACK_KEY": DUMMY_KEY})


def wire_claude(url: str) -> Wiring:
    return Wiring(
        env={"ANTHROPIC_API_KEY": DUMMY_KEY, "ANTHROPIC_BASE_URL": url, "CLAUDE_CODE_MAX_RETRIES": "0"}
    )


def wire_gemini(url: str) -> Wiring:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"maxAttempts": 1},
    }
    return Wiring(
        model="gemini-2.5-pro",
        env={"GEMINI_API_KEY": DUMMY_KEY, "GOOGLE_GEMINI_BASE_URL": url},
        files={".gemini/settings.json": settings},
    )


def wire_opencode(url: str) -> Wiring:
    """Return opencode's wiring, whose variable for settings belongs to who starts it."""
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{url}/v1", "apiKey": DUMMY_KEY},
        "models": {MODEL: {"name": MODEL, "tool_call": True}},
    }
    settings = {"provider": {"loopback": provider}, "small_model": f"loopback/{MODEL}"}
    return Wiring(model=f"loopback/{MODEL}", files={".config/opencode/opencode.json": settings})


def wire_qwen(url: str) -> Wiring:
    return Wiring(env={"OPENAI_API_KEY": DUMMY_KEY, "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": MODEL})


def wire_pi(url: str) -> Wiring:
    provider = {
        "baseUrl": f"{url}/v1",
        "api": "openai-completions",
        "apiKey": DUMMY_KEY,
        "models": [{"id": MODEL}],
    }
    files: dict[str, Json] = {
        ".pi/agent/models.json": {"providers": {"loopback": provider}},
        ".pi/agent/settings.json": {"retry": {"enabled": False}},
    }
    return Wiring(args=("--provider", "loopback"), model=MODEL, files=files)


WIRINGS: Mapping[str, Callable[[str], Wiring]] = {
    "codex": wire_codex,
    "claude": wire_claude,
    "gemini": wire_gemini,
    "opencode": wire_opencode,
    "qwen": wire_qwen,
    "pi": wire_pi,
}


# Where they work.


@frozen
class AgentBox:
    """One agent's folders, none within another: its workspace, which is a repository, its home, its /tmp."""

    root: Path

    @classmethod
    def build(cls, root: Path) -> Self:
        """Return a box whose workspace has one commit."""
        box = cls(root)
        for folder in (box.workspace, box.home, box.passing):
            folder.mkdir(parents=True)
        box.git("init", "--quiet", "--initial-branch=main")
        box.git(*AUTHOR, "commit", "--quiet", "--allow-empty", "--message=base")
        return box

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def passing(self) -> Path:
        return self.root / "passing"

    @property
    def env(self) -> dict[str, str]:
        """The environment of every agent, built from nothing."""
        node = shutil.which("node")
        folders = [] if node is None else [str(Path(node).parent)]
        return {
            "PATH": os.pathsep.join([*folders, "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "TMPDIR": str(self.passing),
            "CODEX_HOME": str(self.make("codex")),
            "CLAUDE_CONFIG_DIR": str(self.make("claude")),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1",
            **dict.fromkeys(PROXIES, NOWHERE),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
        }

    def make(self, name: str) -> Path:
        """Return a folder beside the workspace that is made at need: codex insists on its own."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        return folder

    def wire(self, agent: str, url: str) -> Wiring:
        """Lead an agent to the server at an address: put its files into the home, and return the rest."""
        wiring = WIRINGS[agent](url)
        for name, content in wiring.files.items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        return wiring

    def configure(self, agent: str, url: str) -> str:
        """Lead an agent to the server, and return the table of config/aad.toml that says so."""
        wiring = self.wire(agent, url)
        # Texts and lists of JSON are such of TOML, too. The environment is said whole: none of it is left to
        # what `aad` itself was given.
        env = ", ".join(f"{name} = {json.dumps(value)}" for name, value in {**self.env, **wiring.env}.items())
        told = {"command": [str(find_agent(agent))], "model": wiring.model, "args": wiring.args}
        lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
        return "\n".join([f"[agents.{agent}]", *lines, f"env = {{ {env} }}", ""])

    def run(
        self, argv: Sequence[str], prompt: str, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program in the workspace to its end, which comes with the deadline at the latest."""
        popen = subprocess.Popen(
            argv,
            cwd=self.workspace,
            env={**self.env, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with popen:
            try:
                out, err = popen.communicate(prompt.encode(), timeout=DEADLINE)
            finally:
                with suppress(ProcessLookupError):  # it has ended, and all of its group with it
                    os.killpg(popen.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(argv, popen.returncode, out, err)

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.workspace, env=self.env, check=True)
