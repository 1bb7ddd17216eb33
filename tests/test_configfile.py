"""Facts about reading the settings: where they come from, what is stronger, and what is said of faults."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from aad.config import (
    AgentOptions,
    EscalationSettings,
    LogSettings,
    OrchestratorConfig,
    Override,
    PolicyRule,
    RetrySettings,
    RunSettings,
    UiSettings,
)
from aad.configfile import load_config, read_template
from aad.errors import InputError
from aad.events import EscalationKind
from aad.project import Project

ROOT = Path(__file__).parents[1]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "config").mkdir()
    return Project(tmp_path)


def load(project: Project, text: str, **sources: Any) -> OrchestratorConfig:  # noqa: ANN401 - any keyword
    project.config.write_bytes(text.encode())
    return load_config(project, **{"environ": {}, **sources})


def refuse(project: Project, text: str, *, lang: str = "en", **sources: Any) -> list[str]:  # noqa: ANN401
    with pytest.raises(InputError) as caught:
        load(project, text, **sources)
    assert caught.value.exit_code == 2
    return caught.value.render(lang).splitlines()


# Where settings come from.


def test_without_a_file_all_is_as_by_default(tmp_path: Path) -> None:
    assert load_config(Project(tmp_path), environ={}) == OrchestratorConfig()


def test_a_file_where_the_folder_should_be_is_no_settings_file(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("x")

    assert load_config(Project(tmp_path), environ={}) == OrchestratorConfig()


def test_an_empty_file_says_nothing(project: Project) -> None:
    assert load(project, "") == OrchestratorConfig()


def test_a_byte_order_mark_is_passed_over(project: Project) -> None:
    assert load(project, "\ufeff[ui]\r\nmax_rows = 3\r\n") == OrchestratorConfig(ui=UiSettings(max_rows=3))


LAYERS = """
[orchestrator]
max_parallel_sessions = 1
session_timeout = "1m"
slow_after = "1m"
stall_timeout = "1m"
[profile.ci.orchestrator]
session_timeout = "2m"
slow_after = "2m"
stall_timeout = "2m"
[profile.other.orchestrator]
stall_timeout = "9m"
"""


def test_options_beat_variables_beat_the_profile_beats_the_file_beats_the_defaults(project: Project) -> None:
    config = load(
        project,
        LAYERS,
        profile="ci",
        environ={"AAD_SLOW_AFTER": "3m", "AAD_STALL_TIMEOUT": "3m"},
        options={"orchestrator.stall_timeout": 240.0},
    )

    assert config == OrchestratorConfig(
        orchestrator=RunSettings(
            max_parallel_sessions=1, session_timeout=120.0, slow_after=180.0, stall_timeout=240.0
        )
    )


def test_without_a_profile_none_is_used(project: Project) -> None:
    assert load(project, LAYERS).orchestrator.session_timeout == 60.0


def test_a_variable_names_the_profile(project: Project) -> None:
    config = load(project, LAYERS, environ={"AAD_PROFILE": "other"})

    assert config.orchestrator.stall_timeout == 540.0


def test_the_profile_of_the_command_line_beats_that_of_the_variable(project: Project) -> None:
    config = load(project, LAYERS, profile="ci", environ={"AAD_PROFILE": "nowhere"})

    assert config.orchestrator.stall_timeout == 120.0


def test_an_empty_variable_names_no_profile(project: Project) -> None:
    assert load(project, LAYERS, environ={"AAD_PROFILE": ""}).orchestrator.session_timeout == 60.0


def test_variables_set_what_they_name(tmp_path: Path) -> None:
    environ = {
        "AAD_MAX_PARALLEL_SESSIONS": "4",
        "AAD_FAIL_FAST": "1",
        "AAD_RETRIES": '{"count": 2}',
        "AAD_LANG": "ja",
        "AAD_LOGS_REDACT_ENV": "A, B",
        "AAD_RUN_ID": "20260101-000000-abcd",
    }

    config = load_config(Project(tmp_path), environ=environ)

    assert config == OrchestratorConfig(
        orchestrator=RunSettings(max_parallel_sessions=4, fail_fast=True, retries=RetrySettings(count=2)),
        ui=UiSettings(lang="ja"),
        logs=LogSettings(redact_env=("A", "B")),
    )


def test_options_are_typed_and_none_is_not_given(tmp_path: Path) -> None:
    options = {
        "orchestrator.max_parallel_sessions": 4,
        "orchestrator.session_timeout": 90.0,
        "orchestrator.retries.count": 1,
        "ui.lang": None,
    }

    config = load_config(Project(tmp_path), environ={}, options=options)

    assert config == OrchestratorConfig(
        orchestrator=RunSettings(
            max_parallel_sessions=4, session_timeout=90.0, retries=RetrySettings(count=1)
        )
    )


def test_overrides_of_the_profile_come_first(project: Project) -> None:
    text = '[[override]]\nspecs = "A"\n[[profile.ci.override]]\nspecs = "B"\n'

    assert load(project, text, profile="ci").override == (Override(specs="B"), Override(specs="A"))


def test_rules_of_the_profile_come_first(project: Project) -> None:
    text = '[[escalation.policy]]\naction = "skip"\n[[profile.ci.escalation.policy]]\naction = "wait"\n'

    rules = load(project, text, profile="ci").escalation.policy

    assert rules == (PolicyRule(action="wait"), PolicyRule(action="skip"))


def test_a_variable_may_hold_rules_that_come_before_those_of_the_file(project: Project) -> None:
    environ = {"AAD_ESCALATION_POLICY": '[{"action": "abort"}]'}

    rules = load(project, '[[escalation.policy]]\naction = "skip"\n', environ=environ).escalation.policy

    assert rules == (PolicyRule(action="abort"), PolicyRule(action="skip"))


# What is said of faults.


def test_every_fault_of_every_source_is_told_in_order_with_its_place(project: Project) -> None:
    text = """\
versoin = "1"
[orchestrator]
max_parallel_sessions = -1
session_timeout_secs = 60
session_timeout = "soon"
retries = { count = 1, delai = "1s" }
[agent]
kind = "clod"
env_pass = [
  "PATH",
  3,
]
[workspace]
isolation = "worktee"
branch = "aad/{sepc}"
[ui]
progress = "lively"
lang = "fr"
[[override]]
specs = "A"
[[override]]
retries = "two"
[profile.ci.logs]
max_output = "huge"
"""

    problems = refuse(
        project,
        text,
        environ={"AAD_LANG": "de", "AAD_RETRIES": "3", "AAD_FAIL_FAST": "maybe"},
        options={"agent.kind": "foo", "orchestrator.session_timeout": -1.0},
    )

    duration = 'must be a duration such as "90s", "30m" or "1h30m", at most ten years'
    size = 'must be a size such as "500kB", "10MB" or "1GiB", at most a petabyte'
    branch = 'must hold {spec}, where the id goes, and no other braces: "aad/{spec}"'
    twice = "says the same as `session_timeout` (keep `session_timeout` only)"
    known = "(choose one of acp, claude, codex, command, gemini, opencode, pi, qwen"
    file = "config/aad.toml"
    assert problems == [
        f"{file}:1: `versoin` is no setting (did you mean `version`?)",
        f"{file}:3: `orchestrator.max_parallel_sessions` must be a whole number from 0 to 10000, not -1",
        f"{file}:4: `orchestrator.session_timeout_secs` {twice}",
        f'{file}:5: `orchestrator.session_timeout` {duration}, not "soon"',
        f"{file}:6: `orchestrator.retries.delai` is no setting (did you mean `delay`?)",
        f"{file}:8: `agent.kind`: there is no agent clod {known}, or give it a table [agents.clod])",
        f"{file}:9: `agent.env_pass` must be a text in quotes, without NUL characters",
        f'{file}:14: `workspace.isolation` cannot be "worktee" (known: auto, worktree, directory, none)',
        f'{file}:15: `workspace.branch` {branch}, not "aad/{{sepc}}"',
        f'{file}:17: `ui.progress` cannot be "lively" (known: auto, live, plain, none)',
        f'{file}:18: `ui.lang` cannot be "fr" (known: auto, en, ja)',
        f'{file}:21: `override.specs` is missing (say which specs are meant: specs = "SPEC-00*")',
        f'{file}:22: `override.retries` must be a whole number from 0 to 1000, not "two"',
        f'{file}:24: `profile.ci.logs.max_output` {size}, not "huge"',
        '`AAD_FAIL_FAST` must be true or false, not "maybe"',
        '`AAD_RETRIES` must be a JSON object such as {"key": 1}',
        '`AAD_LANG` cannot be "de" (known: auto, en, ja)',
        "`--timeout` must be a number from 0 to 315360000, not -1.0",
        f"`--agent`: there is no agent foo {known}, or give it a table [agents.foo])",
    ]


FAULTY_POLICY = """\
[escalation]
notify = ["log", "pigeon"]
apprise = ["chat.example"]
stale_after = "soon"
[[escalation.policy]]
levle = "error"
kind = "late"
[[escalation.policy]]
action = "answer"
times = 0
[[escalation.policy]]
level = "fatal"
action = "skip"
text = "No."
[[profile.ci.escalation.policy]]
specs = 3
action = "again"
"""


def test_every_fault_of_the_escalation_settings_is_told_with_its_place(project: Project) -> None:
    duration = 'must be a duration such as "90s", "30m" or "1h30m", at most ten years'
    address = 'must be an address such as "mailto://…", or a variable that holds it: "$CHAT_URL"'
    misplaced = 'has no place beside the action "skip" (remove it, or answer: action = "answer")'
    kinds = ", ".join(EscalationKind)
    actions = "retry, skip, continue, abort, answer"
    file, rule = "config/aad.toml", "escalation.policy"
    assert refuse(project, FAULTY_POLICY) == [
        f'{file}:2: `escalation.notify` cannot be "pigeon" (known: log, bell, desktop)',
        f"{file}:3: `escalation.apprise` {address}",
        f'{file}:4: `escalation.stale_after` {duration}, not "soon"',
        f"{file}:5: `{rule}.action` is missing (say what is decided: {actions} or wait)",
        f"{file}:6: `{rule}.levle` is no setting (did you mean `level`?)",
        f'{file}:7: `{rule}.kind` cannot be "late" (known: {kinds})',
        f'{file}:8: `{rule}.text` must say what is answered: text = "Use the second one."',
        f"{file}:10: `{rule}.times` must be a whole number from 1 to 1000, not 0",
        f'{file}:12: `{rule}.level` cannot be "fatal" (known: warning, error, critical)',
        f"{file}:14: `{rule}.text` {misplaced}",
        f"{file}:16: `profile.ci.{rule}.specs` must be a text in quotes, without NUL characters",
        f'{file}:17: `profile.ci.{rule}.action` cannot be "again" (known: {actions}, wait)',
    ]


def test_faults_of_rules_are_told_in_japanese_too(project: Project) -> None:
    text = """\
[escalation]
apprise = [""]
[[escalation.policy]]
[[escalation.policy]]
action = "answer"
[[escalation.policy]]
action = "wait"
text = "?"
"""

    address = 'は "mailto://…" のような宛先か、宛先を持つ変数 "$CHAT_URL" の形にしてください'
    actions = "retry、skip、continue、abort、answer、wait のいずれか"
    misplaced = 'は動作 "wait" と一緒には使えません（削除するか、action = "answer" にしてください）'
    file, rule = "config/aad.toml", "escalation.policy"
    assert refuse(project, text, lang="ja") == [
        f"{file}:2: `escalation.apprise` {address}",
        f"{file}:3: `{rule}.action` がありません（どう決めるかを書いてください: {actions}）",
        f'{file}:4: `{rule}.text` に回答の内容を書いてください: text = "2番目を使ってください。"',
        f"{file}:8: `{rule}.text` {misplaced}",
    ]


def test_a_fault_inside_a_variable_is_told_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_config(Project(tmp_path), environ={"AAD_RETRIES": '{"count": -1}'})

    assert str(caught.value) == "`AAD_RETRIES.count` must be a whole number from 0 to 1000, not -1"


@pytest.mark.parametrize(
    ("text", "line", "fault"),
    [
        ("[ui]\nlang = ja\n", 2, "Invalid value"),
        ("a = 1\na = 2\n", 2, "Cannot overwrite a value"),
        ("\n\na = [1", 3, "Unclosed array"),
    ],
)
def test_bad_toml_is_told_with_its_line(project: Project, text: str, line: int, fault: str) -> None:
    assert refuse(project, text) == [
        f"config/aad.toml:{line}: not valid TOML: {fault} (texts need quotes, and no key may stand twice)"
    ]


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 50_000], ids=["digits", "brackets"])
def test_a_monstrous_value_is_refused(project: Project, value: str) -> None:
    assert refuse(project, f"a = {value}") == [
        "config/aad.toml: a number is too long, or brackets are nested too deeply (make it smaller)"
    ]


def test_a_file_that_is_not_utf_8_is_told_with_its_line(project: Project) -> None:
    project.config.write_bytes(b"[ui]\n# caf\xe9\n")

    with pytest.raises(InputError) as caught:
        load_config(project, environ={})

    assert str(caught.value) == "config/aad.toml:2: is not UTF-8 (save it as UTF-8)"


def test_a_file_that_cannot_be_read_is_told_with_the_reason(project: Project) -> None:
    project.config.mkdir()

    with pytest.raises(InputError) as caught:
        load_config(project, environ={})

    assert str(caught.value) == "config/aad.toml: cannot be read: Is a directory (make it readable)"


def test_a_profile_that_does_not_exist_is_told_those_that_do(project: Project) -> None:
    assert refuse(project, LAYERS, profile="cj") == [
        "config/aad.toml: there is no profile cj (known: ci, other)"
    ]


def test_a_profile_without_a_file_is_told_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_config(Project(tmp_path), environ={"AAD_PROFILE": "ci"})

    assert str(caught.value) == "config/aad.toml: there is no profile ci (write one as [profile.ci])"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("profile = 3\n", "config/aad.toml:1: `profile` must be a table such as { key = 1 }"),
        ("\n[profile]\nci = 3\n", "config/aad.toml:3: `profile.ci` must be a table such as { key = 1 }"),
    ],
)
def test_a_profile_is_a_table(project: Project, text: str, problem: str) -> None:
    assert refuse(project, text) == [problem]


def test_faults_are_told_in_japanese_too(project: Project) -> None:
    assert refuse(project, "[ui]\nmax_rows = 0\n", lang="ja") == [
        "config/aad.toml:2: `ui.max_rows` は 1 から 10000 までの整数にしてください（現在: 0）"
    ]


# The template.


def walk(kind: type) -> Iterator[tuple[str, ...]]:
    for field in attrs.fields(kind):
        yield (field.name,)
        if field.type is not None and attrs.has(field.type):
            yield from ((field.name, *rest) for rest in walk(field.type))


def list_keys(table: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *rest) for rest in list_keys(value))


def test_the_template_is_the_file_of_the_checkout() -> None:
    assert read_template() == (ROOT / "config" / "aad.toml").read_text(encoding="utf-8")


def test_the_template_says_every_setting_with_its_default(project: Project) -> None:
    written = set(list_keys(tomllib.loads(read_template())))

    assert written == set(walk(OrchestratorConfig)) - {("override",), ("escalation", "policy")}
    assert load(project, read_template()) == OrchestratorConfig()


def test_the_examples_of_the_template_are_valid(project: Project) -> None:
    examples = re.sub(r"(?m)^# (?=\[|\w+ = )", "", read_template())

    config = load(project, examples, profile="ci")

    assert config == OrchestratorConfig(
        orchestrator=RunSettings(max_parallel_sessions=2, fail_fast=True),
        escalation=EscalationSettings(
            questions="fail",
            policy=(PolicyRule(specs="SPEC-00*", kind="timed_out", action="retry", times=2),),
        ),
        agents={
            "careful": AgentOptions(kind="claude", model="opus", permissions="sandbox", max_cost_usd=5.0)
        },
        override=(Override(specs="SPEC-00*", timeout=7200.0, retries=1),),
    )


# What it costs.


def test_where_nothing_is_set_no_machinery_is_loaded(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from aad.configfile import load_config;"
        "from aad.project import Project;"
        "load_config(Project(Path(sys.argv[1])), environ={'AAD_RUN_ID': 'x'});"
        "print(sorted({'cattrs', 'tomllib', 'tomlkit', 'json', 'trio', 'rich'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
