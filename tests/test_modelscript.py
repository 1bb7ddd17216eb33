"""The script of a model: which step is played, and by which tools of an agent."""

from collections.abc import Mapping

import pytest
from modelapis import Asked, Json, Messages, Turn
from modelscript import Place, Script, compose, count_turns
from modeltalk import FIRST, LOOK

# Which step it is.


@pytest.mark.parametrize(
    ("turns", "count"),
    [
        ("u", 0),
        ("uu", 0),
        ("um", 0),
        ("umt", 1),
        ("ummtt", 1),  # two tools of one answer
        ("umtu", 1),  # an agent's own reminders
        ("umtmtm", 2),
        ("umtmu", 2),  # it was done, and is told more
        ("umtmumt", 3),
    ],
)
def test_a_model_has_had_its_turn_when_its_tools_have_run_or_it_is_told_more(turns: str, count: int) -> None:
    whos = {"u": Turn("user"), "m": Turn("model"), "t": Turn("tool")}

    assert count_turns([whos[turn] for turn in turns]) == count


def test_the_scenario_named_last_begins_where_it_was_first_named() -> None:
    script = Script({"asks": [LOOK], "answered": [LOOK]})
    asks, tool, model = Turn("user", "SCENARIO:asks"), Turn("tool"), Turn("model")
    answered = Turn("user", "The answer: SCENARIO:answered")

    places = [
        script.find_place(Asked(turns=turns, tools={}))
        for turns in (
            (asks, model, tool, model),
            (asks, model, tool, model, answered),
            (asks, model, tool, model, answered, model, tool, Turn("user", "Go on.")),
        )
    ]

    assert places == [Place("asks", 1), Place("answered", 0), Place("answered", 1)]


def test_behind_the_last_step_it_is_done() -> None:
    script = Script({"A": [FIRST]})

    assert [script.play(Place("A", step)) for step in (0, 1, 2)] == [
        [FIRST],
        [{"text": "Done."}],
        [{"text": "Done."}],
    ]


def test_what_claude_puts_into_the_mouth_of_its_model_is_no_turn() -> None:
    asked = Messages().read(
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "SCENARIO:A"}]},
                {"role": "assistant", "content": [{"type": "text", "text": "No response requested."}]},
                {"role": "user", "content": "Go on."},
            ]
        }
    )

    assert asked == Asked(turns=(Turn("user", "SCENARIO:A"), Turn("user", "Go on.")), tools={})


# What the agents call their tools.

ITEMS = [{"step": "Look", "status": "completed"}, {"step": "Write", "status": "pending"}]
CODEX = {"exec_command": frozenset({"cmd"}), "update_plan": frozenset({"plan"})}
CLAUDE = {
    "Write": frozenset({"file_path", "content"}),
    "Bash": frozenset({"command", "description"}),
    "ToolSearch": frozenset({"query"}),
}
GEMINIS = {"write_file": frozenset({"file_path", "content"}), "write_todos": frozenset({"todos"})}
OPENCODE = {"write": frozenset({"filePath", "content"}), "todowrite": frozenset({"todos"})}
PI = {"write": frozenset({"path", "content"}), "bash": frozenset({"command"})}


def uses(step: Json, tools: Mapping[str, frozenset[str]], *, planned: bool = False) -> list[tuple[str, Json]]:
    """Return the tools that are used in a step."""
    asked = Asked(turns=(), tools=tools, folder="/project")
    answer = compose(step, asked, Place("A", 0), planned=planned)
    return [(call.name, call.arguments) for call in answer.calls]


@pytest.mark.parametrize(
    ("tools", "use"),
    [
        (CODEX, ("exec_command", {"cmd": """mkdir -p "$(dirname a/b)" && printf %s 'it'"'"'s' >a/b"""})),
        (CLAUDE, ("Write", {"file_path": "/project/a/b", "content": "it's"})),
        (GEMINIS, ("write_file", {"file_path": "/project/a/b", "content": "it's"})),
        (OPENCODE, ("write", {"filePath": "/project/a/b", "content": "it's"})),
        (PI, ("write", {"path": "/project/a/b", "content": "it's"})),
    ],
)
def test_a_file_is_written_as_the_agent_does_it(
    tools: Mapping[str, frozenset[str]], use: tuple[str, Json]
) -> None:
    assert uses({"tool": "write", "args": {"path": "a/b", "content": "it's"}}, tools) == [use]


@pytest.mark.parametrize(
    ("tools", "use"),
    [
        (CODEX, ("update_plan", {"plan": ITEMS})),
        (
            GEMINIS,
            (
                "write_todos",
                {
                    "todos": [
                        {"description": "Look", "status": "completed"},
                        {"description": "Write", "status": "pending"},
                    ]
                },
            ),
        ),
        (
            OPENCODE,
            (
                "todowrite",
                {
                    "todos": [
                        {"content": "Look", "status": "completed", "priority": "medium"},
                        {"content": "Write", "status": "pending", "priority": "medium"},
                    ]
                },
            ),
        ),
        (PI, ("bash", {"command": "true"})),
    ],
)
def test_a_plan_is_told_as_the_agent_does_it(
    tools: Mapping[str, frozenset[str]], use: tuple[str, Json]
) -> None:
    assert uses({"tool": "plan", "args": {"items": ITEMS}}, tools) == [use]


def test_claudes_tasks_are_made_before_they_are_brought_forward() -> None:
    step = {"tool": "plan", "args": {"items": ITEMS}}

    assert uses(step, CLAUDE) == [
        ("TaskCreate", {"subject": "Look", "description": "Look"}),
        ("TaskCreate", {"subject": "Write", "description": "Write"}),
    ]
    assert uses(step, CLAUDE, planned=True) == [
        ("TaskUpdate", {"taskId": "1", "status": "completed"}),
        ("TaskUpdate", {"taskId": "2", "status": "pending"}),
    ]


def test_a_tool_of_no_common_name_is_the_agents_own() -> None:
    assert uses({"tool": "AskUserQuestion", "args": {"questions": []}}, CLAUDE) == [
        ("AskUserQuestion", {"questions": []})
    ]


def test_an_object_goes_into_the_tool_for_it_or_is_the_answer() -> None:
    step = {"reply": {"status": "done"}}
    formed = {**CLAUDE, "StructuredOutput": frozenset({"status"})}

    plain = compose(step, Asked(turns=(), tools=CODEX), Place("A", 0), planned=False)

    assert (plain.text, plain.calls) == ('{"status": "done"}', ())
    assert uses(step, formed) == [("StructuredOutput", {"status": "done"})]
