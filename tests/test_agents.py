"""What runs a session: jobs become commands, exits become verdicts."""

import os
from pathlib import Path

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from aad.agents import PROGRAMS, check_runnable, detect_agents
from aad.agents.base import COMPLETED, Command, Exit, Job, Verdict, allowed_environment, failed
from aad.agents.command import CommandAgent, as_argv
from aad.agents.function import ChildSession, FunctionAgent
from aad.config import DEFAULT_ENV_PASS, AgentOptions, AgentSettings, OrchestratorConfig
from aad.errors import TransientError
from aad.events import Failure, Reason
from aad.spec import Spec, SpecStatus

CONFIG = OrchestratorConfig()

JOB = Job(
    run="20261122-213612-7f3a",
    session="20261122-213612-7f3a/A",
    spec=Spec(id="A", text="# A: Build it 作る\n"),
    spec_file="/project/A.md",
    attempt=2,
    workspace=Path("/project"),
    events_file=Path("/run/events.jsonl"),
)
ENVIRONMENT = {
    "AAD_RUN_ID": "20261122-213612-7f3a",
    "AAD_SESSION_ID": "20261122-213612-7f3a/A",
    "AAD_SPEC_ID": "A",
    "AAD_SPEC_FILE": "/project/A.md",
    "AAD_ATTEMPT": "2",
    "AAD_MODE": "new",
    "AAD_WORKSPACE": "/project",
    "AAD_EVENTS": "/run/events.jsonl",
}


@define
class Session:
    """What a callable is given, on paper."""

    spec: Spec = JOB.spec
    attempt: int = 1
    workspace: Path = Path("/project")
    written: list[str] = field(factory=list)

    def report(self, progress: float | None = None, message: str | None = None) -> None:
        raise AssertionError

    def warn(self, message: str) -> None:
        raise AssertionError

    def write(self, text: str) -> None:
        self.written.append(text)


# The environment that a child is allowed.


def test_only_names_that_match_a_glob_pass() -> None:
    environ = {"PATH": "/bin", "LC_ALL": "C", "LC_CTYPE": "C", "XLC_ALL": "C", "path": "x", "TOKEN": "x"}

    assert allowed_environment(environ, ["PATH", "LC_*", "NO_SUCH"]) == {
        "PATH": "/bin",
        "LC_ALL": "C",
        "LC_CTYPE": "C",
    }


def test_by_default_no_variable_that_sounds_secret_passes() -> None:
    secret = dict.fromkeys(
        ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK"), "x"
    )

    assert allowed_environment({**secret, "HOME": "/h"}, DEFAULT_ENV_PASS) == {"HOME": "/h"}


@given(
    environ=st.dictionaries(st.text("AB_[]*?", min_size=1, max_size=4), st.text()), glob=st.text("AB_[]*?")
)
def test_what_passes_passes_unchanged(environ: dict[str, str], glob: str) -> None:
    allowed = allowed_environment(environ, [glob, glob])

    assert allowed.items() <= environ.items()
    assert allowed_environment(environ, ["*"]) == environ


# Jobs.


def test_a_child_finds_its_way_by_its_environment() -> None:
    assert JOB.environment == ENVIRONMENT


def test_an_answer_makes_the_attempt_one_that_goes_on() -> None:
    assert evolve(JOB, resumes=True, answer="").environment == {
        **ENVIRONMENT,
        "AAD_MODE": "resume",
        "AAD_ANSWER": "",
    }


def test_the_prompt_is_the_text_where_there_is_no_file() -> None:
    assert JOB.prompt == "# A: Build it 作る\n".encode()


def test_the_prompt_is_the_file_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "A.md").write_bytes(b"\xff\r\n# A")
    job = evolve(JOB, spec=Spec(id="A"), spec_file=str(tmp_path / "A.md"))

    assert job.prompt == b"\xff\r\n# A"


def test_a_prompt_that_is_gone_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _ = evolve(JOB, spec=Spec(id="A"), spec_file=str(tmp_path / "gone.md")).prompt


def test_behind_the_prompt_stands_with_what_the_work_came_into_conflict() -> None:
    conflict = Failure(reason=Reason.CONFLICT, files=("src/a.py", "b.txt"), blocked_by=("A", "B"))

    told = evolve(JOB, conflict=conflict).prompt.decode()

    assert told == (
        "# A: Build it 作る\n\n\n"
        "## Merge conflict in the attempt before\n\n"
        "This was done once already, and could not be merged with work that was finished meanwhile (A, B)."
        " That work is in your workspace now. Do the task again on top of it, and keep what it does."
        " The files in conflict were:\n\n- src/a.py\n- b.txt\n"
    )


def test_neither_environment_nor_prompt_is_in_the_repr_of_a_command() -> None:
    command = Command(argv=("x",), env={"A": "secret"}, cwd="/", stdin=b"secret")

    assert repr(command) == "Command(argv=('x',), cwd='/')"


# The `command` agent.


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("make && make check", ("/bin/sh", "-c", "make && make check")),
        (("make", "a b"), ("make", "a b")),
        ("", ("/bin/sh", "-c", "")),
    ],
)
def test_a_line_goes_to_the_shell_and_an_argv_does_not(
    line: str | tuple[str, ...], argv: tuple[str, ...]
) -> None:
    assert as_argv(line) == argv


def test_the_specs_own_run_goes_before_the_configured_command_and_gets_no_stdin() -> None:
    job = evolve(JOB, spec=evolve(JOB.spec, run="make"))

    command = CommandAgent(("agent", "-p")).command(job, {"PATH": "/bin"})

    assert command == Command(
        argv=("/bin/sh", "-c", "make"), env={"PATH": "/bin", **ENVIRONMENT}, cwd="/project", stdin=None
    )


def test_the_configured_command_gets_the_specs_words_on_stdin() -> None:
    command = CommandAgent(("agent", "-p")).command(JOB, {})

    assert command == Command(argv=("agent", "-p"), env=ENVIRONMENT, cwd="/project", stdin=JOB.prompt)


def test_no_variable_that_is_passed_on_hides_one_of_ours() -> None:
    command = CommandAgent(("agent",)).command(JOB, {"AAD_SPEC_ID": "outer", "AAD_RUN_ID": "outer"})

    assert command.env == ENVIRONMENT


@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        (Exit(0), COMPLETED),
        (Exit(1), failed(Failure(reason=Reason.EXIT_CODE, exit_code=1))),
        (Exit(74), failed(Failure(reason=Reason.EXIT_CODE, exit_code=74))),
        (Exit(75), failed(Failure(reason=Reason.EXIT_CODE, exit_code=75), transient=True)),
        (Exit(137), failed(Failure(reason=Reason.EXIT_CODE, exit_code=137))),
        (Exit(None, 9), failed(Failure(reason=Reason.KILLED, signal=9))),
    ],
)
def test_an_exit_is_judged_by_its_code(end: Exit, verdict: Verdict) -> None:
    assert CommandAgent().judge(end) == verdict


# The `function` agent.


async def test_what_a_callable_returns_is_success() -> None:
    async def work(session: ChildSession) -> str:
        return "anything"

    assert await FunctionAgent(work).work(Session()) == COMPLETED


@pytest.mark.parametrize("error", [ValueError("no good"), TransientError("no good")])
async def test_what_a_callable_raises_is_a_failure_and_its_traceback_is_in_the_log(error: Exception) -> None:
    async def work(session: ChildSession) -> None:
        raise error

    session, name = Session(), type(error).__name__
    verdict = await FunctionAgent(work).work(session)

    assert verdict == failed(
        Failure(reason=Reason.UNKNOWN, message=f"{name}: no good"), transient=name == "TransientError"
    )
    (told,) = session.written
    assert told.startswith("Traceback (most recent call last):\n")
    assert told.endswith(f"{name}: no good\n")


async def test_what_is_no_failure_of_the_work_flies() -> None:
    async def work(session: ChildSession) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await FunctionAgent(work).work(Session())


# What there is to run specs with.


def test_an_agent_that_is_not_known_is_a_problem_of_its_spec() -> None:
    specs = [Spec(id="A", run="x", agent="command"), Spec(id="B", agent="clod", path="b.md")]

    (problem,) = check_runnable(specs, CONFIG)

    known = "acp, claude, codex, command, gemini, opencode, pi, qwen"
    assert problem.render() == (
        f"b.md:1: B asks for the agent clod, which there is not (known: {known}; a table [agents.clod] with"
        " its `kind` makes one)"
    )


@pytest.mark.parametrize(
    ("agent", "problems"),
    [
        ("", [("agent_unnamed", "")]),
        (" , ", [("agent_unnamed", "")]),
        ("a b", [("agent_unnamed", "a b")]),
        ("clod,claude,codx", [("agent_unknown", "clod"), ("agent_unknown", "codx")]),
    ],
)
def test_each_name_that_no_agent_has_is_a_problem_and_what_is_no_name(
    agent: str, problems: list[tuple[str, str]]
) -> None:
    found = check_runnable([Spec(id="A", agent=agent)], CONFIG)

    assert [(problem.key, problem.fields["agent"]) for problem in found] == problems


def test_an_agent_without_a_name_is_told_with_its_place_and_the_way_out() -> None:
    (problem,) = check_runnable([Spec(id="A", agent="", path="a.md")], CONFIG, agent_lines={"A": 2})

    assert problem.render() == (
        'a.md:2: `agent` of A must be the name of an agent, or a list of names, not "" (known: acp, claude, '
        "codex, command, gemini, opencode, pi, qwen; without that line [agent] in config/aad.toml says which)"
    )


def test_a_spec_may_have_two_problems_and_a_complete_one_has_none() -> None:
    specs = [Spec(id="A", agent="x", run="x"), Spec(id="B", agent="x", status=SpecStatus.COMPLETE)]

    keys = [problem.key for problem in check_runnable(specs, CONFIG)]

    assert keys == ["agent_unknown", "run_and_agent"]


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        (Spec(id="A", run=""), AgentSettings()),
        (Spec(id="A", run=("x",)), AgentSettings(kind="claude")),
        (Spec(id="A"), AgentSettings(command=("x",))),
        (Spec(id="A"), AgentSettings(kind="claude")),
        (Spec(id="A", agent="claude,codex"), AgentSettings()),
    ],
)
def test_there_is_something_to_run_if_spec_or_settings_say_so(spec: Spec, settings: AgentSettings) -> None:
    assert check_runnable([spec], OrchestratorConfig(agent=settings)) == []


def test_of_an_agent_that_speaks_a_protocol_the_program_must_be_known() -> None:
    mine = {"mine": AgentOptions(kind="acp", command=("gemini", "--acp")), "acp": AgentOptions()}
    config = OrchestratorConfig(agents=mine)
    specs = [Spec(id="A", agent="mine"), Spec(id="B", agent="mine,acp", path="b.md")]

    (problem,) = check_runnable(specs, config)

    assert problem.render() == (
        "b.md:1: B is for the agent acp, of which nobody knows what to start (give [agents.acp] in"
        ' config/aad.toml a `command`, like ["gemini", "--acp"])'
    )


def test_the_agents_on_path_are_detected_in_a_fixed_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"/no/such{os.pathsep}{tmp_path}")
    nothing = detect_agents()
    for name in ("qwen", "claude", "vim"):
        (tmp_path / name).touch(mode=0o700)
    (tmp_path / "codex").touch(mode=0o600)

    assert (nothing, detect_agents()) == ((), ("claude", "qwen"))
    assert set(detect_agents()) < set(PROGRAMS)


def test_what_is_installed_is_named_where_nothing_is_to_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (without,) = check_runnable([Spec(id="A")], CONFIG)
    (tmp_path / "claude").touch(mode=0o700)
    (tmp_path / "pi").touch(mode=0o700)

    (problem,) = check_runnable([Spec(id="A")], CONFIG)

    assert (without.fields, problem.fields) == (
        {"spec": "A", "found": "-"},
        {"spec": "A", "found": "claude, pi"},
    )
