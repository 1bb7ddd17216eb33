"""Facts about the names of agents, wherever people write them: what is none is told with its place."""

from pathlib import Path

import pytest
from specfolder import load

from aad.agents import check_runnable
from aad.config import OrchestratorConfig
from aad.configfile import load_config
from aad.errors import InputError
from aad.project import Project

KNOWN = "acp, claude, codex, command, gemini, opencode, pi, qwen"
KINDS = "command, acp, claude, codex, gemini, opencode, pi, qwen"
FILE = "config/aad.toml"


def refuse(root: Path, text: str, *, lang: str = "en", agent: str | None = None) -> list[str]:
    project = Project(root)
    project.config.parent.mkdir(exist_ok=True)
    project.config.write_text(text)
    with pytest.raises(InputError) as caught:
        load_config(project, environ={}, options={"agent.kind": agent})
    return caught.value.render(lang).splitlines()


def test_an_empty_name_in_the_settings_is_told_among_all_the_others(tmp_path: Path) -> None:
    text = """\
[agent]
kind = ["claudee", "", "codx"]
[[override]]
specs = "*"
agent = "claude,"
[profile.ci.agent]
kind = ["", "claude"]
"""

    told = refuse(tmp_path, text, agent="codex,,")

    remedy = "(take it out, or write which agent is meant)"
    other = f"(choose one of {KNOWN}, or give it a table [agents.{{}}])"
    assert told == [
        f'{FILE}:2: `agent.kind` holds an empty name: ["claudee", "", "codx"] {remedy}',
        f"{FILE}:2: `agent.kind`: there is no agent claudee {other.format('claudee')}",
        f"{FILE}:2: `agent.kind`: there is no agent codx {other.format('codx')}",
        f'{FILE}:5: `override.agent` holds an empty name: "claude," {remedy}',
        f'{FILE}:7: `profile.ci.agent.kind` holds an empty name: ["", "claude"] {remedy}',
        f'`--agent` holds an empty name: "codex,," {remedy}',
    ]


def test_a_name_that_none_can_have_is_told_once_and_is_none_to_choose_from(tmp_path: Path) -> None:
    text = '[agents.""]\nkind = "pi"\n[agents."bad name"]\n[agent]\nkind = "clod"\n'

    told = refuse(tmp_path, text)

    remedy = "(its name needs letters, digits, `_`, `.` and `-`, and nothing else)"
    assert told == [
        f'{FILE}:1: `agents.""`: an agent cannot be called that {remedy}',
        f'{FILE}:3: `agents."bad name"`: an agent cannot be called that {remedy}',
        (
            f"{FILE}:5: `agent.kind`: there is no agent clod "
            f"(choose one of {KNOWN}, or give it a table [agents.clod])"
        ),
    ]


def test_an_agent_with_a_name_of_ones_own_needs_a_kind(tmp_path: Path) -> None:
    told = refuse(tmp_path, '[agents.second]\nargs = ["x"]\n[agents.third]\nkind = "clod"\n')

    assert told == [
        (
            f"{FILE}:1: `agents.second.kind` is missing: an agent with a name of your own needs one of "
            f'{KINDS} (write it as kind = "claude", or call the table by one of these)'
        ),
        f'{FILE}:4: `agents.third.kind` must be one of {KINDS}, not "clod"',
    ]


def test_a_kind_may_be_said_in_another_source_than_the_rest(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.config.parent.mkdir()
    project.config.write_text('[agents.mine]\nkind = "acp"\n[profile.ci.agents.mine]\nargs = ["-x"]\n')

    mine = load_config(project, profile="ci", environ={}, options={}).agents["mine"]

    assert (mine.kind, mine.args) == ("acp", ("-x",))


def test_what_is_wrong_with_names_is_told_in_japanese_too(tmp_path: Path) -> None:
    told = refuse(tmp_path, '[agent]\nkind = ["pi", ""]\n[agents."a b"]\n[agents.second]\n', lang="ja")

    assert told == [
        (
            f'{FILE}:2: `agent.kind` に空の名前があります: ["pi", ""]'
            "（取り除くか、使うエージェントの名前を書いてください）"
        ),
        (
            f'{FILE}:3: `agents."a b"`: この名前のエージェントは作れません'
            "（名前には英数字と `_`、`.`、`-` だけを使ってください）"
        ),
        (
            f"{FILE}:4: `agents.second.kind` がありません。自分で付けた名前のエージェントには種類が必要です: "
            f'{KINDS} のいずれか（kind = "claude" のように書くか、表の名前をこのいずれかにしてください）'
        ),
    ]


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ('agent: [claude, ""]', "claude, "),
        ("agent: ', claude'", ", claude"),
        ("agent:\n  - claude\n  -", "claude, "),
    ],
)
def test_an_empty_name_in_a_spec_is_told_with_its_line(tmp_path: Path, head: str, names: str) -> None:
    catalogue = load(tmp_path, {"SPEC-001.md": f"---\ntitle: One\n{head}\n---\n"})

    problems = check_runnable(
        catalogue.specs.values(), OrchestratorConfig(), agent_lines=catalogue.agent_lines
    )

    line = 4 if "\n" in head else 3
    assert [problem.render() for problem in problems] == [
        (
            f".aad/specs/SPEC-001.md:{line}: `agent` of SPEC-001 holds an empty name: "
            f'"{names}" (take it out, or write which agent is meant: {KNOWN})'
        )
    ]


def test_an_empty_name_hides_no_stranger_in_a_spec_and_nothing_but_empty_ones_is_no_list(
    tmp_path: Path,
) -> None:
    files = {
        "SPEC-001.md": "---\nagent: [clod, '', '', codx]\n---\n",
        "SPEC-002.md": "---\nagent: [~, '']\n---\n",
    }
    specs = load(tmp_path, files).specs.values()

    problems = check_runnable(specs, OrchestratorConfig())

    assert [(problem.key, problem.fields["agent"]) for problem in problems] == [
        ("agent_unknown", "clod"),
        ("agent_gap", "clod, , , codx"),
        ("agent_unknown", "codx"),
        ("agent_unnamed", ""),
    ]
